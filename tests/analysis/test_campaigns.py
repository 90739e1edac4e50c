"""Campaigns: their calendar, lift against a forecast without them, cost and return."""

import datetime as dt
import math

import ibis
import pandas as pd
import pytest

from kpikit.analysis.campaigns import (
    campaign_cost_table,
    campaign_table,
    lift_table,
    roi_sensitivity,
    roi_table,
)
from kpikit.errors import AnalysisError
from kpikit.params.model import Campaign

AS_OF = dt.date(2026, 9, 30)


def day(month, number):
    return dt.date(2026, month, number)


def campaign(name, start, end, **fields):
    return Campaign(campaign=name, start=start, end=end, **fields)


SPRING = campaign("spring", day(4, 1), day(4, 10), channel="mail", goal="sell", metric="orders")
EASTER = campaign("easter", day(4, 10), day(4, 20))
AUTUMN = campaign("autumn", day(9, 20), day(10, 5))
WINTER = campaign("winter", day(12, 1), day(12, 24))


def test_the_calendar_names_states_and_overlaps():
    table = campaign_table([WINTER, AUTUMN, EASTER, SPRING], as_of=AS_OF)

    assert table["campaign"].tolist() == ["spring", "easter", "autumn", "winter"]
    assert table["state"].tolist() == ["ended", "ended", "running", "planned"]
    assert table["days"].tolist() == [10, 11, 16, 24]
    # one day, the tenth, belongs to both
    assert table["overlaps"].tolist() == [("easter",), ("spring",), (), ()]
    assert table.loc[0, ["channel", "goal", "metric"]].tolist() == ["mail", "sell", "orders"]


@pytest.mark.parametrize("engine", [ibis.memtable, lambda frame: frame])
def test_the_table_of_campaigns_is_a_register_too(engine):
    frame = pd.DataFrame(
        {"campaign": ["a", "b"], "start_date": pd.to_datetime(["2026-04-01", "2026-04-05"]),
         "end_date": pd.to_datetime(["2026-04-09", "2026-04-06"]), "channel": ["mail", None]}
    )  # fmt: skip

    table = campaign_table(engine(frame), as_of=AS_OF)

    assert table["start"].tolist() == [day(4, 1), day(4, 5)]
    assert table["channel"].tolist() == ["mail", ""]
    assert table["overlaps"].tolist() == [("b",), ("a",)]


def test_a_campaign_that_ends_before_it_starts_is_faulty_and_has_no_lift():
    frame = pd.DataFrame(
        {"campaign": ["a", "b", "c"],
         "start_date": pd.to_datetime(["2026-04-05", None, "2026-04-01"]),
         "end_date": pd.to_datetime(["2026-04-01", "2026-04-06", "2026-04-30"])}
    )  # fmt: skip

    table = campaign_table(frame, as_of=AS_OF).set_index("campaign")
    lifts = lift_table(table.reset_index(), forecasts(("a", 1, 2, 3, 4), ("b", 1, 2, 3, 4)))

    assert table["state"].to_dict() == {"a": "faulty", "b": "faulty", "c": "ended"}
    assert table.loc["a", "fault"] == "it ends on 1 Apr 2026, before it starts on 5 Apr 2026"
    assert table.loc["b", "fault"] == "its first or last day is missing"
    assert table["overlaps"].tolist() == [(), (), ()]
    by_name = lifts.set_index("campaign")
    assert by_name["effect"].eq("unknown").all()
    assert by_name.loc["a", "remark"] == table.loc["a", "fault"]


def test_two_campaigns_of_one_name_are_refused():
    with pytest.raises(AnalysisError, match="Two campaigns are called 'spring'"):
        campaign_table([SPRING, SPRING], as_of=AS_OF)


def test_no_campaign_is_an_empty_calendar():
    assert campaign_table([], as_of=AS_OF).empty


def forecasts(*rows):
    return pd.DataFrame(rows, columns=["campaign", "actual", "mean", "low_95", "high_95"])


def lifts_of(*rows, campaigns=(SPRING, EASTER, AUTUMN, WINTER)):
    return lift_table(campaign_table(campaigns, as_of=AS_OF), forecasts(*rows))


def test_the_lift_is_what_came_beyond_the_forecast():
    table = lifts_of(
        ("spring", 130, 100, 90, 120), ("easter", 110, 100, 90, 120), ("autumn", 70, 100, 80, 120),
    ).set_index("campaign")  # fmt: skip

    spring = table.loc["spring"]
    assert spring[["lift", "lift_low", "lift_high", "lift_rel"]].tolist() == [30, 10, 40, 0.3]
    assert table["effect"].to_dict() == {
        "spring": "more", "easter": "unclear", "autumn": "less", "winter": "unknown",
    }  # fmt: skip
    assert table["remark"].to_dict() == {
        "spring": "the lift is that of easter too",
        "easter": "the lift is that of spring too",
        "autumn": "it is still running",
        "winter": "it has not begun",
    }


def test_without_a_forecast_the_lift_is_unknown():
    table = lifts_of(("easter", 1, math.nan, 0, 2), campaigns=(SPRING, EASTER))

    assert table["remark"].tolist() == ["no forecast without it is known"] * 2
    assert table["lift"].isna().all()


def test_a_forecast_of_nothing_gives_no_percentage():
    table = lifts_of(("spring", 5, 0, -1, 1), campaigns=(SPRING,))

    assert math.isnan(table.loc[0, "lift_rel"])
    assert table.loc[0, "lift"] == 5


def costs_of(*rows):
    frame = pd.DataFrame(rows, columns=["cost_date", "campaign", "cost"])
    return frame.assign(cost_date=pd.to_datetime(frame["cost_date"]))


def test_costs_are_summed_by_name_and_those_outside_the_days_are_told():
    campaigns = campaign_table([SPRING, EASTER], as_of=AS_OF)
    costs = costs_of(
        ("2026-03-30", "spring", 5), ("2026-04-01", "spring", 10), ("2026-04-10", "spring", 20),
        ("2026-10-01", "spring", 99), ("2026-04-02", None, 7),
    )  # fmt: skip

    table = campaign_cost_table(costs, campaigns, as_of=AS_OF)

    assert table["cost"].tolist()[0] == 35
    assert table["cost_outside"].tolist()[0] == 5
    # no cost bears the name of easter: that is unknown, not nothing
    assert table.loc[1, ["cost", "cost_outside"]].isna().all()


def test_costs_are_summed_exactly_and_an_unknown_one_adds_nothing():
    campaigns = campaign_table([SPRING], as_of=AS_OF)
    costs = costs_of(
        ("2026-04-01", "spring", 0.1), ("2026-04-02", "spring", None), ("2026-04-03", "spring", 0.2)
    )  # fmt: skip

    row = campaign_cost_table(costs, campaigns, as_of=AS_OF).iloc[0]

    assert (row["cost"], row["cost_outside"]) == (0.3, 0.0)  # in binary 0.30000000000000004


def returns_of(cost=20.0, **options):
    lifts = lifts_of(("spring", 130, 100, 90, 120), campaigns=(SPRING,))
    costs = pd.DataFrame({"campaign": ["spring"], "cost": [cost]})
    return roi_table(lifts, costs, **options)


def test_the_return_follows_the_lift_and_its_interval():
    row = returns_of(gross_margin=0.8).iloc[0]

    # 30 x .8 = 24 kept for 20; 10 x .8 and 40 x .8 at the ends
    assert row["gain"] == pytest.approx(24)
    assert row[["roi", "roi_low", "roi_high"]].tolist() == pytest.approx([0.2, -0.6, 0.6])
    assert row["break_even_lift"] == 25
    assert row["remark"] == ""


def test_a_unit_that_is_no_money_has_its_value():
    assert returns_of(value_of_unit={"orders": 2.0}).loc[0, "roi"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("cost", "options", "remark"),
    [
        (math.nan, {}, "no cost bears its name"),
        (0.0, {}, "it cost nothing"),
        (20.0, {"value_of_unit": {}}, "what one unit of orders brings is not known"),
    ],
)
def test_without_cost_or_value_there_is_no_return(cost, options, remark):
    row = returns_of(cost, **options).iloc[0]

    assert row["remark"] == remark
    assert row[["roi", "roi_low", "roi_high", "break_even_lift"]].isna().all()


def test_an_unknown_lift_gives_no_return():
    lifts = lifts_of(campaigns=(WINTER,))

    row = roi_table(lifts, pd.DataFrame({"campaign": [], "cost": []})).iloc[0]

    assert row["remark"] == "it has not begun"
    assert math.isnan(row["roi"])


def test_the_sensitivity_crosses_lift_and_margin():
    table = roi_sensitivity(returns_of())

    grid = table.set_index(["lift", "margin_factor"])["roi"]
    # gains of 10, 30 and 40 for 20
    assert grid["low", 1.0] == pytest.approx(-0.5)
    assert grid["expected", 0.8] == pytest.approx(30 * 0.8 / 20 - 1)
    assert grid["high", 1.2] == pytest.approx(40 * 1.2 / 20 - 1)
    assert len(table) == 9
    assert roi_sensitivity(returns_of(0.0)).empty


def test_a_margin_outside_its_range_is_refused():
    with pytest.raises(AnalysisError, match=r"gross_margin is 1\.5 in roi_table"):
        returns_of(gross_margin=1.5)


def test_missing_columns_are_named():
    with pytest.raises(AnalysisError, match="Table forecasts has no column 'low_95'"):
        lift_table(pd.DataFrame(), pd.DataFrame({"campaign": [], "actual": [], "mean": []}))
