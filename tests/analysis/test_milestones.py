"""Milestones are forecast from the work done so far."""

import datetime as dt
import math

import numpy as np
import pytest

from kpikit.analysis.milestones import Throughput, milestone_table, periods_needed
from kpikit.params.model import Milestone

AS_OF = dt.date(2026, 9, 30)
STEADY = Throughput([5] * 8)


def milestone(**fields):
    return Milestone(**{"key": "m", "milestone": "Launch", "planned": dt.date(2026, 10, 14),
                        "remaining": 10, "throughput": "items"} | fields)  # fmt: skip


def row_of(one, work=STEADY, **options):
    table = milestone_table(
        [one], {"items": work}, as_of=AS_OF, generator=np.random.default_rng(1), **options
    )
    return table.iloc[0]


def test_steady_work_is_done_on_one_day():
    row = row_of(milestone())

    # two weeks of five items
    assert row["p50"] == row["p85"] == dt.date(2026, 10, 14)
    assert (row["p_on_time"], row["slip_days"], row["state"]) == (1, 0, "open")
    assert row["reason"] == ""


def test_work_left_for_a_part_of_a_period_takes_that_part():
    row = row_of(milestone(remaining=6))

    # 1.2 weeks, that is 8.4 days, so on the ninth
    assert row["p50"] == dt.date(2026, 10, 9)


def test_uneven_work_is_later_in_the_worse_trials():
    work = Throughput([0, 10] * 4)

    row = row_of(milestone(remaining=10, planned=dt.date(2026, 10, 7)), work)

    # the first ten comes with a chance of a half each week: done in one week in half of the
    # trials, in 3 weeks in 87.5 %
    assert row["p_on_time"] == pytest.approx(0.5, abs=0.02)
    assert row["p85"] == dt.date(2026, 10, 21)
    assert row["slip_days"] == 14


def test_the_same_seed_gives_the_same_days():
    work = Throughput([0, 3, 9, 1, 4, 2])

    assert row_of(milestone(), work)["p85"] == row_of(milestone(), work)["p85"]


def test_the_distribution_is_that_of_sums_of_past_periods():
    needed = periods_needed([1, 3], 4, generator=np.random.default_rng(2), trials=40_000)

    # 1+3 and 3+1 take two; 3+3 one and a third; 1+1+3 two and two thirds, 1+1+1+... more
    assert (needed == 4 / 3).mean() == pytest.approx(0.25, abs=0.01)
    assert (needed == 2).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("fields", "work", "reason"),
    [
        ({"remaining": None, "throughput": None}, STEADY, "the items left are not declared"),
        ({"throughput": "other"}, STEADY, "no throughput of other is known"),
        ({}, Throughput([5] * 4), "4 periods of throughput, and 5 are needed"),
        ({}, Throughput([5, 5, 5, 5, math.nan]), "a period's throughput is missing or negative"),
        ({}, Throughput([5, 5, 5, 5, -1]), "a period's throughput is missing or negative"),
        ({}, Throughput([0] * 8), "nothing was done in any period"),
    ],
)
def test_without_a_forecast_the_reason_is_told(fields, work, reason):
    row = row_of(milestone(**fields), work)

    assert row["reason"] == reason
    assert row["p50"] is None
    assert math.isnan(row["slip_days"])


def test_a_pace_that_never_gets_there_says_so():
    row = row_of(milestone(remaining=10**6), trials=10)

    assert row["reason"] == "at that pace it is not done in ten years"
    assert row["p_on_time"] == 0


def test_what_was_delivered_needs_no_forecast():
    row = row_of(milestone(actual=dt.date(2026, 10, 20)))

    assert (row["state"], row["slip_days"], row["reason"]) == ("done", 6, "")
    assert row["p50"] is None


def test_nothing_left_is_done_today():
    assert row_of(milestone(remaining=0))["p85"] == AS_OF


def test_a_declared_forecast_counts_where_none_can_be_made():
    late = milestone(planned=dt.date(2026, 9, 1), forecast=dt.date(2026, 10, 1), remaining=None)

    row = row_of(late)

    assert (row["state"], row["slip_days"]) == ("late", 30)


def test_milestones_come_by_their_planned_day():
    table = milestone_table(
        [milestone(key="b"), milestone(key="a", planned=AS_OF)], {}, as_of=AS_OF,
        generator=np.random.default_rng(1),
    )  # fmt: skip

    assert table["key"].tolist() == ["a", "b"]
