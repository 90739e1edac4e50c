"""The shop tells its story, and its numbers are believable."""

import datetime as dt

import pandas as pd
import pytest

from kpikit.sample.beacon import AFTERMATH, DOUBLED_DAYS, NEW_PRICES, OUTAGE, RECALL_START


@pytest.fixture(scope="module")
def lines(beacon):
    """Order lines with their time, amount and kind, the doubled batch counted once."""
    table = beacon["order_lines"].reset_index(drop=True)
    table["time"] = pd.to_datetime(table["Ordered at"], format="%d/%m/%Y %H:%M")
    table["amount"] = table["Qty"] * table["Unit price"]
    table["kind"] = table["Order no"].str.extract(r"^([A-Z]+)")[0]
    in_batch = table["time"].dt.date.between(*DOUBLED_DAYS)
    return table[~(in_batch & table.duplicated())]


def conversion(beacon, start, end):
    """Share of the visitors of some days who bought."""
    days = beacon["events"][beacon["events"]["ts"].between(pd.Timestamp(start), pd.Timestamp(end))]
    by_event = days.groupby("action")["visitor"].nunique()
    return by_event.get("purchase", 0) / by_event["product_view"]


def quarter(lines, kind, start):
    months = lines[(lines["kind"] == kind) & (lines["time"] >= start)]
    return months[months["time"] < pd.Timestamp(start) + pd.DateOffset(months=3)]


def test_conversion_falls_with_the_outage_and_stays_low_for_weeks(beacon):
    before = conversion(beacon, "2026-08-01", "2026-09-10")
    during = conversion(beacon, OUTAGE.start, OUTAGE.end)
    after = conversion(beacon, AFTERMATH.start, AFTERMATH.end)
    end = conversion(beacon, "2026-10-13", "2026-10-31")

    assert during < 0.3 * before
    assert during < after < 0.9 * before
    assert end > after


def test_the_conversion_of_a_quarter_is_believable_and_fell_in_the_last(beacon):
    last = conversion(beacon, "2026-08-01", "2026-11-01")
    before = conversion(beacon, "2026-05-01", "2026-08-01")

    assert 0.10 < last < before < 0.30


def test_refunds_spike_with_the_recall(lines):
    sold = quarter(lines, "B", "2026-08-01")["amount"].sum()
    refunds = -quarter(lines, "CN", "2026-08-01")["amount"].sum()
    usual = -quarter(lines, "CN", "2026-05-01")["amount"].sum()
    recalled = lines[(lines["kind"] == "CN") & (lines["Item"] == "LMP-022")]

    assert refunds > 2 * usual
    assert refunds / sold < 0.2
    assert (recalled["time"] >= pd.Timestamp(RECALL_START)).mean() > 0.5


def test_every_credit_note_returns_a_line_that_was_sold_before(lines):
    sold = lines[lines["kind"] == "B"].groupby("Item")["time"].min()
    notes = lines[lines["kind"] == "CN"]

    assert (notes["amount"] < 0).all()
    assert (notes["time"] > notes["Item"].map(sold)).all()
    assert notes["Order no"].is_unique


def test_prices_rise_by_seven_percent_and_fall_for_the_sale(lines):
    lamp = lines[(lines["Item"] == "LMP-031") & (lines["kind"] == "B")].set_index("time")
    price = lamp.sort_index()["Unit price"]

    assert set(price[: str(dt.date(2025, 11, 20))]) == {89.00}
    assert set(price["2025-11-21":"2025-12-01"]) == {75.65}  # 85 % of 89
    assert set(price[str(NEW_PRICES.start) :]) == {95.23}  # 107 % of 89


def test_the_weeks_before_christmas_are_the_best(lines):
    sales = lines[lines["kind"] == "B"].groupby(lines["time"].dt.to_period("M"))["amount"].sum()

    assert {str(month) for month in sales["2024-02":"2026-01"].nlargest(4).index} == {
        "2024-11", "2024-12", "2025-11", "2025-12",
    }  # fmt: skip
    assert sales.between(10_000, 90_000).all()


def test_an_order_has_a_believable_value_and_customers_come_back(lines):
    sales = lines[lines["kind"] == "B"]
    value = sales["amount"].sum() / sales["Order no"].nunique()
    orders = sales[sales["Customer"] != "-"].groupby("Customer")["Order no"].nunique()

    assert 60 < value < 120
    assert 0.4 < (orders > 1).mean() < 0.8
    assert 0.05 < (sales["Customer"] == "-").mean() < 0.25  # guests


def test_one_batch_was_delivered_twice_and_genuine_repeats_stay(beacon):
    table = beacon["order_lines"]
    day = pd.to_datetime(table["Ordered at"], format="%d/%m/%Y %H:%M").dt.date
    batch = table[day.between(*DOUBLED_DAYS)]
    rest = table[~day.between(*DOUBLED_DAYS)]

    assert len(batch) > 20
    assert (batch.groupby(list(batch.columns)).size() % 2 == 0).all()
    assert rest.duplicated().sum() > 0  # the same article twice in one order
    assert rest.duplicated().mean() < 0.06


def test_write_offs_are_small_and_once_a_quarter(lines):
    write_offs = lines[lines["kind"] == "WO"]

    assert len(write_offs) == 11  # fiscal quarters from February 2024 to October 2026
    assert write_offs["amount"].between(-300, -5).all()


def test_order_lines_are_dated_by_a_clock_that_skips_an_hour_in_spring(beacon):
    local = pd.to_datetime(beacon["order_lines"]["Ordered at"], format="%d/%m/%Y %H:%M")

    local.dt.tz_localize("Europe/London", ambiguous=False, nonexistent="raise")  # does not raise


def test_answers_are_hundreds_a_quarter_and_worse_after_the_outage(beacon):
    survey = beacon["survey"].set_index("date").sort_index()["would_recommend"]

    def nps(scores):
        return 100 * ((scores >= 9).mean() - (scores <= 6).mean())

    assert len(survey["2026-08-01":]) > 130
    assert 35 < nps(survey[:"2026-07-31"]) < 48
    assert nps(survey["2026-09-12":"2026-10-11"]) < 30


def test_campaigns_that_have_not_begun_are_not_listed(beacon):
    assert beacon["campaigns"]["campaign"].tolist() == [
        "Spring garden", "Black Friday", "Summer terrace", "Cosy autumn",
    ]  # fmt: skip
    assert set(beacon["campaigns"]["campaign"]) < set(beacon["costs"]["Campaign"])
