"""Recurring revenue: what each movement is, and the metrics that follow from them."""

import datetime as dt
import math
from decimal import Decimal

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpikit.analysis.subscriptions import (
    SUBSCRIPTION_METRICS,
    movements_table,
    mrr_table,
    subscription_facts,
    trial_table,
)
from kpikit.catalogue import FACT_COLUMNS
from kpikit.errors import AnalysisError, PeriodError
from kpikit.periods import Calendar

CALENDAR = Calendar()
AS_OF = dt.date(2026, 6, 30)
MOVEMENTS = ["new", "expansion", "contraction", "churned", "reactivation"]


def spells_of(*rows):
    """Return spells from (user, mrr, start, end, plan), the last two as wanted."""
    full = [(*row, *(None, "basic")[len(row) - 3 :]) for row in rows]
    frame = pd.DataFrame(full, columns=["user_id", "mrr", "start_time", "end_time", "plan"])
    times = {name: pd.to_datetime(frame[name]) for name in ("start_time", "end_time")}
    return frame.assign(**times)


def months(spells, start="2026-01-01", end="2026-04-01", **options):
    return mrr_table(spells, start=start, end=end, **options)


def moved(table):
    """Return the movements of each period, in the order of MOVEMENTS."""
    return table[MOVEMENTS].to_numpy().tolist()


@pytest.fixture
def one_of_each():
    """In February: ada joins, bob grows, cyd shrinks, dee leaves, eve comes back."""
    return spells_of(
        ("ada", 10, "2026-02-10"),
        ("bob", 20, "2026-01-01", "2026-02-15"), ("bob", 50, "2026-02-15"),
        ("cyd", 40, "2026-01-01", "2026-02-20"), ("cyd", 25, "2026-02-20"),
        ("dee", 8, "2026-01-01", "2026-02-03"),
        ("eve", 5, "2025-03-01", "2025-06-01"), ("eve", 7, "2026-02-28"),
    )  # fmt: skip


def test_each_movement_is_a_positive_amount_of_its_own(one_of_each):
    table = months(one_of_each, start="2026-02-01", end="2026-03-01")

    # bob 50 - 20, cyd 40 - 25
    assert moved(table) == [[10, 30, 15, 8, 7]]
    assert table[["mrr_start", "mrr_end"]].to_numpy().tolist() == [[68, 92]]  # 68+10+30+7-15-8
    assert table.loc[0, ["period", "start", "end"]].tolist() == [
        "2026-02", pd.Timestamp("2026-02-01"), pd.Timestamp("2026-03-01"),
    ]  # fmt: skip


def test_rates_are_shares_of_the_start(one_of_each):
    row = months(one_of_each, start="2026-02-01", end="2026-03-01").iloc[0]

    assert row["nrr"] == (68 + 30 - 15 - 8) / 68  # neither ada nor eve
    assert row["grr"] == (68 - 15 - 8) / 68
    assert row["revenue_churn_rate"] == 8 / 68
    assert row["gross_mrr_churn_rate"] == (8 + 15) / 68
    assert row["net_mrr_churn_rate"] == (8 + 15 - 30 - 7) / 68
    assert row["logo_churn_rate"] == 1 / 3
    assert row["quick_ratio"] == (10 + 30 + 7) / (15 + 8)
    assert row["arpa"] == 92 / 4


def test_customers_and_spells_are_counted(one_of_each):
    row = months(one_of_each, start="2026-02-01", end="2026-03-01").iloc[0]

    counts = ["customers_start", "customers_new", "customers_reactivated", "customers_churned"]
    assert row[counts].tolist() == [3, 1, 1, 1]
    assert row[["customers_end", "subscriptions_end"]].tolist() == [4, 4]


def test_what_starts_at_midnight_of_the_first_day_is_new_in_that_month():
    table = months(spells_of(("ada", 10, "2026-02-01", "2026-03-01")))

    assert table["mrr_start"].tolist() == [0, 0, 10]
    assert table["new"].tolist() == [0, 10, 0]
    assert table["churned"].tolist() == [0, 0, 10]  # the whole of February was paid


def test_a_change_of_plan_without_a_gap_is_no_churn():
    spells = spells_of(("ada", 10, "2026-01-05", "2026-02-01"), ("ada", 10, "2026-02-01"))

    assert moved(months(spells)) == [[10, 0, 0, 0, 0], [0] * 5, [0] * 5]


def test_movements_are_net_within_a_period():
    # down and up again, out and in again, in and out again
    spells = spells_of(
        ("ada", 10, "2026-01-01", "2026-02-05"), ("ada", 4, "2026-02-05", "2026-02-20"),
        ("ada", 10, "2026-02-20"), ("bob", 6, "2026-01-01", "2026-02-05"),
        ("bob", 6, "2026-02-10"), ("cyd", 3, "2026-02-05", "2026-02-20"),
    )  # fmt: skip

    assert moved(months(spells))[1] == [0] * 5


def test_who_paid_only_within_an_earlier_period_is_reactivated():
    spells = spells_of(("ada", 3, "2026-01-05", "2026-01-20"), ("ada", 3, "2026-02-05"))

    assert moved(months(spells)) == [[0] * 5, [0, 0, 0, 0, 3], [0] * 5]


def test_who_left_before_the_table_begins_is_reactivated_and_who_stayed_is_not_new():
    spells = spells_of(
        ("ada", 3, "2024-01-05", "2025-01-20"), ("ada", 3, "2026-01-05"), ("bob", 4, "2025-12-31"),
    )  # fmt: skip

    table = months(spells)

    assert moved(table)[0] == [0, 0, 0, 0, 3]
    assert table.loc[0, "mrr_start"] == 4


def test_spells_of_one_customer_add_up():
    spells = spells_of(("ada", 10, "2026-01-05"), ("ada", 5, "2026-02-05", "2026-03-05"))

    table = months(spells)

    assert moved(table) == [[10, 0, 0, 0, 0], [0, 5, 0, 0, 0], [0, 0, 5, 0, 0]]
    assert table["customers_end"].tolist() == [1, 1, 1]
    assert table["subscriptions_end"].tolist() == [1, 2, 1]


def test_trials_free_plans_unknown_amounts_and_reversed_spells_are_left_out():
    spells = spells_of(
        ("ada", 10, None, "2026-01-20"), ("bob", 0, "2026-01-05"), ("cyd", None, "2026-01-05"),
        ("dee", 9, "2026-02-05", "2026-01-05"), ("eve", 1, "2026-01-05"),
    )  # fmt: skip

    table = months(spells)

    assert table["mrr_end"].tolist() == [1, 1, 1]
    assert table["customers_end"].tolist() == [1, 1, 1]


def test_a_free_plan_before_the_first_payment_does_not_make_it_a_reactivation():
    spells = spells_of(("ada", 0, "2025-01-05", "2026-02-05"), ("ada", 10, "2026-02-05"))

    assert moved(months(spells))[1] == [10, 0, 0, 0, 0]


def test_a_discount_counts_against_its_customer_but_nobody_pays_less_than_nothing():
    spells = spells_of(
        ("ada", 10, "2026-01-05"), ("ada", -4, "2026-02-05"), ("bob", -5, "2026-01-05"),
    )  # fmt: skip

    table = months(spells)

    assert table["mrr_end"].tolist() == [10, 6, 6]
    assert table["contraction"].tolist() == [0, 4, 0]


def test_a_spell_without_a_user_is_a_customer_of_its_own():
    spells = spells_of((None, 10, "2026-01-05"), (None, 10, "2026-01-05"), ("17", 1, "2026-01-05"))
    spells["subscription_id"] = ["17", "18", "19"]

    assert months(spells)["customers_end"].tolist() == [3, 3, 3]
    nameless = months(spells.drop(columns="subscription_id"))
    assert nameless["customers_end"].tolist() == [2, 2, 2]
    assert nameless["mrr_end"].tolist() == [21, 21, 21]


def test_binary_fractions_leave_no_residue():
    # 0.1 + 0.2 - 0.3 is not 0 in floating point
    spells = spells_of(
        ("ada", 0.1, "2026-01-05", "2026-02-05"), ("ada", 0.2, "2026-01-05", "2026-02-05"),
    )  # fmt: skip

    table = months(spells)

    assert table["churned"].tolist() == [0.0, 0.3, 0.0]
    assert table["mrr_end"].tolist() == [0.3, 0.0, 0.0]
    assert table["customers_end"].tolist() == [1, 0, 0]


def test_decimals_stay_exact():
    spells = spells_of(*[(str(user), Decimal("0.10"), "2026-01-05") for user in range(3)])

    assert months(spells)["mrr_end"].tolist() == [0.3, 0.3, 0.3]


def test_months_begin_in_the_time_zone():
    # 23:30 UTC on 31 January is February in Berlin
    spells = spells_of(("ada", 10, "2026-01-31T23:30:00"))

    assert months(spells)["new"].tolist() == [10, 0, 0]
    assert months(spells, timezone="Europe/Berlin")["new"].tolist() == [0, 10, 0]


def test_the_table_begins_and_ends_on_the_days_given():
    spells = spells_of(
        ("ada", 1, "2026-01-14"), ("bob", 2, "2026-01-15"), ("cyd", 4, "2026-02-09"),
        ("dee", 8, "2026-02-10"),
    )  # fmt: skip

    table = months(spells, start="2026-01-15", end=dt.date(2026, 2, 10))

    assert table["start"].dt.day.tolist() == [15, 1]
    assert table["end"].dt.day.tolist() == [1, 10]
    assert table["mrr_start"].tolist() == [1, 3]
    assert table["new"].tolist() == [2, 4]
    assert table["mrr_end"].tolist() == [3, 7]


@pytest.mark.parametrize(
    ("grain", "options", "labels"),
    [
        ("week", {"week_start": "sunday"}, ["2026-W01", "2026-W02"]),
        ("quarter", {"fiscal_year_start": 2}, ["2026Q4", "2027Q1"]),
        ("year", {}, ["2025", "2026"]),
        ("day", {}, ["2026-01-01", "2026-01-02"]),
    ],
)
def test_any_grain_and_calendar(grain, options, labels):
    ends = {"week": ("2026-01-01", "2026-01-05"), "day": ("2026-01-01", "2026-01-03")}
    start, end = ends.get(grain, ("2025-12-01", "2026-03-01"))

    table = months(
        spells_of(("ada", 1, "2025-12-31")), start=start, end=end, grain=grain, **options
    )

    assert table["period"].tolist() == labels
    assert table["mrr_end"].tolist() == [1, 1]


def test_the_shopify_formula_is_the_sum_of_daily_net_churn():
    # ChartMogul's example: 100 at the start of the day, 120 at its end, 10 of that new
    spells = spells_of(
        ("ada", 100, "2026-01-01", "2026-01-05"), ("ada", 110, "2026-01-05"),
        ("bob", 10, "2026-01-05"),
    )  # fmt: skip

    table = months(spells, start="2026-01-05", end="2026-01-07", grain="day")

    assert table["net_mrr_churn_rate"].sum() == pytest.approx(-0.10)


def test_rates_of_nothing_are_missing():
    table = months(spells_of(("ada", 10, "2026-02-10")))

    assert math.isnan(table.loc[0, "arpa"])
    assert table.loc[1, ["nrr", "grr", "logo_churn_rate", "quick_ratio"]].isna().all()
    assert table.loc[2, ["nrr", "grr", "logo_churn_rate"]].tolist() == [1, 1, 0]


def test_no_spells_give_periods_of_zero():
    spells = pd.DataFrame(columns=["user_id", "mrr", "start_time", "end_time"])

    table = months(spells)

    assert table["mrr_end"].tolist() == [0, 0, 0]
    assert moved(table) == [[0] * 5] * 3


def test_periods_of_several_grains_have_each_their_row_in_the_order_given(one_of_each):
    quarter, march, january = (CALENDAR.parse(text) for text in ("2026Q1", "2026-03", "2026-01"))

    table = movements_table(one_of_each, [quarter, march, january, quarter], calendar=CALENDAR)

    assert table["period"].tolist() == ["2026Q1", "2026-03", "2026-01", "2026Q1"]
    # bob, cyd and dee join at midnight of January's first day; by March all stand as they are
    assert table["mrr_start"].tolist() == [0, 92, 0, 0]
    assert table["mrr_end"].tolist() == [92, 92, 68, 92]
    assert table["new"].tolist() == [85, 0, 68, 85]  # ada 10, bob 50, cyd 25; bob 20, cyd 40, dee 8


def test_a_table_of_an_engine_gives_what_a_frame_gives(one_of_each):
    pd.testing.assert_frame_equal(months(ibis.memtable(one_of_each)), months(one_of_each))


SPELL = st.tuples(
    st.sampled_from(["ada", "bob"]), st.sampled_from([3, 5]), st.integers(0, 80), st.integers(0, 60)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(SPELL, min_size=1, max_size=6))
def test_balances_chain_and_agree_across_grains(drawn):
    begin = pd.Timestamp("2025-12-15")
    rows = [
        (user, mrr, begin + pd.Timedelta(days=at), begin + pd.Timedelta(days=at + length))
        for user, mrr, at, length in drawn
    ]
    spells = spells_of(*rows)

    table = months(spells)
    whole = months(spells, grain="quarter")

    for row in table.itertuples():
        active = (spells["start_time"] < row.end) & (spells["end_time"] >= row.end)
        assert row.mrr_end == spells.loc[active, "mrr"].sum()
        assert row.customers_end == spells.loc[active, "user_id"].nunique()
        gains, losses = row.new + row.expansion + row.reactivation, row.contraction + row.churned
        assert row.mrr_end == row.mrr_start + gains - losses
    assert table["mrr_start"].tolist()[1:] == table["mrr_end"].tolist()[:-1]
    assert whole.loc[0, ["mrr_start", "mrr_end"]].tolist() == [
        table["mrr_start"].iloc[0], table["mrr_end"].iloc[-1],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"grain": "months"}, r"grain is 'months' in mrr_table\.\nDid you mean 'month'\?"),
        ({"end": "2026-01-01"}, r"end \(2026-01-01\) is not after start \(2026-01-01\)"),
    ],
)
def test_a_wrong_argument_is_named_with_the_way_out(one_of_each, arguments, message):
    with pytest.raises(AnalysisError, match=message):
        months(one_of_each, **arguments)


def test_a_wrong_day_is_named(one_of_each):
    with pytest.raises(PeriodError, match="start is 'January', which is no day"):
        months(one_of_each, start="January")


def test_a_missing_column_is_named(one_of_each):
    with pytest.raises(AnalysisError, match="Table subscriptions has no column 'end_time'"):
        months(one_of_each.drop(columns="end_time"))


# Facts


def facts_of(spells, metrics, periods, **options):
    asked = [CALENDAR.parse(period) for period in periods]
    return subscription_facts(spells, metrics, asked, calendar=CALENDAR, as_of=AS_OF, **options)


def test_facts_agree_with_the_table_at_every_grain(one_of_each):
    names = [name for name in SUBSCRIPTION_METRICS if name != "trial_to_paid_rate"]

    facts = facts_of(one_of_each, names, ["2026-02", "2026Q1", "2026-01"])

    assert facts.columns.tolist() == list(FACT_COLUMNS)
    table = months(one_of_each).set_index("period")
    quarter = months(one_of_each, grain="quarter").set_index("period")
    for row in facts.itertuples():
        source = quarter if row.grain == "quarter" else table
        column = "mrr_end" if row.metric == "mrr" else row.metric
        assert row.value == pytest.approx(source.loc[row.period, column], nan_ok=True)
    assert facts["metric"].tolist()[:3] == ["mrr"] * 3
    assert facts["period"].tolist()[:3] == ["2026-02", "2026Q1", "2026-01"]


def test_a_fact_bears_its_parts_and_units(one_of_each):
    facts = facts_of(one_of_each, ["mrr", "arpa", "logo_churn_rate", "nrr"], ["2026-02"])

    rows = facts.set_index("metric")
    assert rows["n"].to_dict() == {"mrr": 4, "arpa": 4, "logo_churn_rate": 3, "nrr": 3}
    assert rows.loc["nrr", ["numerator", "denominator"]].tolist() == [75, 68]
    # Wilson, 1 of 3
    bounds = rows.loc["logo_churn_rate", ["ci_low", "ci_high"]].tolist()
    assert bounds == pytest.approx([0.0615, 0.7923], abs=5e-5)
    assert rows["complete"].all()


def test_periods_outside_the_data_are_missing_with_a_reason():
    spells = spells_of(("ada", 10, "2026-02-10"))

    facts = facts_of(spells, ["mrr"], ["2026-01", "2026-02", "2026-06", "2026-07"])

    assert facts["value"].isna().tolist() == [True, False, False, True]
    assert facts["reason"].tolist() == [
        "the first subscription starts on 10 Feb 2026", "", "", "the data ends on 30 Jun 2026",
    ]  # fmt: skip


def test_without_a_spell_every_period_is_missing():
    spells = spells_of(("ada", 10, None, "2026-02-10"))

    facts = facts_of(spells, ["mrr"], ["2026-02"])

    assert facts["reason"].tolist() == ["there is no subscription"]
    assert facts_of(spells, ["mrr"], ["2026-02"], dimension="plan").empty


def test_a_first_day_that_is_known_is_not_asked_for(one_of_each, monkeypatch):
    months = [CALENDAR.parse("2025-02"), CALENDAR.parse("2026-02")]
    asked = subscription_facts(one_of_each, ["mrr"], months, calendar=CALENDAR, as_of=AS_OF)
    monkeypatch.delattr("kpikit.analysis.subscriptions.first_paid_day")

    known = subscription_facts(
        one_of_each, ["mrr"], months, calendar=CALENDAR, as_of=AS_OF, first_day=dt.date(2025, 3, 1)
    )

    pd.testing.assert_frame_equal(known, asked)
    assert known["reason"].tolist() == ["the first subscription starts on 1 Mar 2025", ""]


def test_what_is_scheduled_after_the_last_day_has_not_happened():
    spells = spells_of(("ada", 10, "2026-02-10", "2026-07-05"), ("bob", 5, "2026-07-01"))

    facts = facts_of(spells, ["mrr", "logo_churn_rate"], ["2026Q3", "2026Q2"])
    running = subscription_facts(
        spells, ["mrr", "logo_churn_rate"], [CALENDAR.parse("2026-07")], calendar=CALENDAR,
        as_of=dt.date(2026, 7, 1),
    )  # fmt: skip

    assert facts.loc[facts["period"] == "2026Q2", "value"].tolist() == [10, 0]
    assert running["value"].tolist() == [15, 0]
    assert running["complete"].tolist() == [False, False]


def test_a_denominator_of_nothing_gives_its_reason():
    spells = spells_of(("ada", 10, "2026-02-10", "2026-03-10"))
    names = ["nrr", "logo_churn_rate", "quick_ratio", "arpa"]

    first = facts_of(spells, names, ["2026-02"]).set_index("metric")["reason"]
    last = facts_of(spells, names, ["2026-04"]).set_index("metric")["reason"]

    assert first["nrr"] == "no recurring revenue at the start"
    assert first["logo_churn_rate"] == "no customer at the start"
    assert first["quick_ratio"] == "no recurring revenue was lost"
    assert last["arpa"] == "no customer at the end"


def test_cut_and_overlapping_periods_are_counted_each_on_their_own():
    spells = spells_of(("ada", 10, "2026-04-10"), ("bob", 5, "2026-05-20"))
    whole, month = CALENDAR.parse("2026Q2"), CALENDAR.parse("2026-05")
    cut, _ = CALENDAR.like_for_like(whole, whole, dt.date(2026, 5, 1))

    facts = subscription_facts(
        spells, ["mrr"], [cut, whole, month, whole], calendar=CALENDAR, as_of=AS_OF
    )

    assert facts["value"].tolist() == [10, 15, 15]


def test_segments_follow_the_plan_and_add_up_to_the_whole():
    spells = spells_of(
        ("ada", 10, "2026-01-10", "2026-02-10", "basic"), ("ada", 30, "2026-02-10", None, "pro"),
        ("bob", 10, "2026-01-10", None, "basic"), ("cyd", 1, "2026-02-11", None, None),
    )  # fmt: skip

    facts = facts_of(spells, ["mrr", "logo_churn_rate"], ["2026-02"], dimension="plan")

    assert facts["dimension"].unique().tolist() == ["plan"]
    values = facts.set_index(["metric", "segment"])["value"]
    assert values["mrr"].to_dict() == {"(missing)": 1, "basic": 10, "pro": 30}
    assert values["logo_churn_rate", "basic"] == 0.5  # ada left the plan
    assert values["mrr"].sum() == facts_of(spells, ["mrr"], ["2026-02"])["value"].sum()


def test_facts_by_several_dimensions_are_those_by_each():
    spells = spells_of(
        ("ada", 10, "2026-01-10", "2026-02-10", "basic"), ("ada", 30, "2026-02-10", None, "pro"),
        ("bob", 10, "2026-01-10", None, "basic"),
    ).assign(country=["AT", "AT", None])  # fmt: skip
    months = ["2026-01", "2026-02"]

    both = facts_of(spells, ["mrr", "nrr"], months, dimension=["plan", "sex", "country"])

    for dimension in ("plan", "country"):
        alone = facts_of(spells, ["mrr", "nrr"], months, dimension=dimension)
        own = both[both["dimension"] == dimension].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, alone)
    assert both["dimension"].unique().tolist() == ["plan", "country"]


def test_a_segment_that_comes_later_was_zero_before():
    spells = spells_of(
        ("ada", 10, "2026-01-10", None, "basic"), ("bob", 30, "2026-05-10", None, "pro")
    )

    facts = facts_of(spells, ["mrr"], ["2026-02", "2026-05"], dimension="plan")

    assert facts.loc[facts["segment"] == "pro", "value"].tolist() == [0, 30]


def test_a_dimension_that_the_table_lacks_gives_no_facts(one_of_each):
    facts = facts_of(one_of_each, ["mrr"], ["2026-02"], dimension="country")

    assert facts.empty
    assert facts.columns.tolist() == list(FACT_COLUMNS)


def test_an_unknown_metric_is_named(one_of_each):
    with pytest.raises(AnalysisError, match=r"metric is 'nps' in subscription_facts\.\n"):
        facts_of(one_of_each, ["nps"], ["2026-02"])


# Trials


def trials_of(*rows):
    """Return spells from (trial start, paid from, plan)."""
    frame = pd.DataFrame(rows, columns=["trial_start", "start_time", "plan"])
    times = {name: pd.to_datetime(frame[name]) for name in ("trial_start", "start_time")}
    users = [f"user {index}" for index in range(len(frame))]
    return frame.assign(**times, user_id=users, mrr=10, end_time=pd.NaT)


@pytest.fixture
def trials():
    # trials last 14 days; the data ends on 30 June, so those of 17 June and later are running
    return trials_of(
        ("2026-05-02", "2026-05-16", "basic"), ("2026-05-20", None, "basic"),
        ("2026-05-31", "2026-06-10", "pro"), ("2026-06-16", "2026-06-30", "pro"),
        ("2026-06-17", "2026-06-20", "pro"), ("2026-07-01", "2026-07-01", "pro"),
        (None, "2026-05-01", "pro"),
    )  # fmt: skip


def test_the_trial_rate_is_of_those_that_had_the_time(trials):
    facts = facts_of(trials, ["trial_to_paid_rate"], ["2026-05", "2026-06"])

    assert facts["value"].tolist() == [2 / 3, 1.0]
    assert facts["n"].tolist() == [3, 1]
    assert facts["complete"].tolist() == [True, False]
    # Wilson, 2 of 3
    bounds = facts.loc[0, ["ci_low", "ci_high"]].tolist()
    assert bounds == pytest.approx([0.2077, 0.9385], abs=5e-5)


def test_a_longer_trial_matures_later(trials):
    facts = facts_of(trials, ["trial_to_paid_rate"], ["2026-06"], trial_days=15)

    assert facts["reason"].tolist() == ["no trial of the period is over yet"]


def test_who_paid_after_the_last_day_has_not_paid():
    trials = trials_of(("2026-06-01", "2026-07-02", "basic"))

    assert facts_of(trials, ["trial_to_paid_rate"], ["2026-06"])["value"].tolist() == [0.0]


def test_periods_without_trials_are_missing_with_a_reason(trials):
    facts = facts_of(trials, ["trial_to_paid_rate"], ["2026-04", "2026-07"])

    assert facts["reason"].tolist() == ["no trial started", "the data ends on 30 Jun 2026"]


def test_trials_have_segments(trials):
    facts = facts_of(trials, ["trial_to_paid_rate"], ["2026-05"], dimension="plan")

    assert dict(zip(facts["segment"], facts["value"], strict=True)) == {"basic": 0.5, "pro": 1.0}


def test_without_trials_in_the_data_the_rate_says_so(one_of_each):
    facts = facts_of(one_of_each, ["trial_to_paid_rate", "mrr"], ["2026-02"])
    parts = facts_of(one_of_each, ["trial_to_paid_rate"], ["2026-02"], dimension="plan")

    assert facts["reason"].tolist() == ["subscriptions have no column trial_start", ""]
    assert parts.empty


def test_the_trial_table_has_a_row_per_cohort_with_matured_trials(trials):
    table = trial_table(trials, as_of=AS_OF)

    assert table["cohort"].dt.strftime("%Y-%m").tolist() == ["2026-05", "2026-06"]
    assert table[["trials", "matured", "converted"]].to_numpy().tolist() == [[3, 3, 2], [2, 1, 1]]
    assert table["trial_to_paid_rate"].tolist() == [2 / 3, 1.0]
    assert table["complete"].tolist() == [True, False]
    assert table.loc[0, "ci_low"] == pytest.approx(0.2077, abs=5e-5)


def test_the_trial_table_of_nothing_is_empty(trials):
    table = trial_table(trials[:0], as_of=AS_OF)

    assert table.empty
    assert "trial_to_paid_rate" in table


def test_the_trial_table_says_what_is_wrong(trials):
    with pytest.raises(AnalysisError, match="grain is 'fortnight' in trial_table"):
        trial_table(trials, as_of=AS_OF, grain="fortnight")
    with pytest.raises(AnalysisError, match="no column 'trial_start'"):
        trial_table(trials.drop(columns="trial_start"), as_of=AS_OF)
