"""Stretches of days with a lower rate: hand-made days, and how often chance alone makes one."""

import numpy as np
import pandas as pd
import pytest

import kpikit as kk
from kpikit.errors import AnalysisError


def days_of(successes, trials=20):
    """Return one row per day from 1 March 2026 on."""
    hits = np.asarray(successes)
    return pd.DataFrame({
        "period": pd.date_range("2026-03-01", periods=len(hits)),
        "successes": hits,
        "trials": np.broadcast_to(trials, len(hits)),
    })  # fmt: skip


ROUTINE = [10, 11, 9, 10, 12, 8, 10, 9, 11, 10]  # 100 of 200 in ten days


def test_ten_bad_days_are_found_and_dated():
    table = kk.incident_table(
        days_of([*ROUTINE * 3, *[4, 5, 3, 4, 4, 5, 3, 4, 4, 4], *ROUTINE * 2])
    )

    assert len(table) == 1
    found = table.iloc[0]
    assert (found["start"], found["end"]) == (
        pd.Timestamp("2026-03-31"),
        pd.Timestamp("2026-04-09"),
    )
    assert (found["days"], found["successes"], found["trials"]) == (10, 40, 200)
    assert (found["rate"], found["rest_rate"]) == (0.2, 0.5)
    assert (found["rest_successes"], found["rest_trials"]) == (500, 1000)
    assert found["difference"] == pytest.approx(-0.3)
    assert found["ci_low"] < -0.3 < found["ci_high"] < 0
    assert found["p_value"] < 0.01
    assert found["is_over"]


def test_an_incident_that_lasts_is_not_over():
    table = kk.incident_table(days_of([*ROUTINE * 3, *[4] * 10]))

    assert table["end"].tolist() == [pd.Timestamp("2026-04-09")]
    assert not table["is_over"].iloc[0]


def test_two_incidents_are_found_one_after_the_other():
    two = [*ROUTINE * 3, *[2] * 6, *ROUTINE * 2, *[4] * 6, *ROUTINE * 2]

    table = kk.incident_table(days_of(two))

    assert table["days"].tolist() == [6, 6]
    assert table["start"].dt.date.astype(str).tolist() == ["2026-03-31", "2026-04-26"]
    assert kk.incident_table(days_of(two), most=1)["days"].tolist() == [6]


@pytest.mark.parametrize(
    "successes",
    [
        ROUTINE * 5,
        [*[4] * 25, *[10] * 30],  # it rose, and was not lower than before
        [20] * 40,
        [0] * 40,
        ROUTINE,  # too few days to be lower than
        [],
    ],
)
def test_days_without_a_fall_have_no_incident(successes):
    table = kk.incident_table(days_of(successes))

    assert table.empty
    assert list(table.columns)[:4] == ["start", "end", "days", "successes"]


def test_days_without_trials_neither_begin_nor_part_a_stretch():
    hits = [*ROUTINE * 3, *[4] * 4, 0, *[4] * 4, *ROUTINE * 2]
    trials = [0 if index == 34 else 20 for index in range(len(hits))]

    table = kk.incident_table(days_of(hits, trials))

    assert table[["days", "trials"]].to_numpy().tolist() == [[9, 160]]


def test_the_order_of_the_rows_and_the_hour_of_the_call_make_no_difference():
    days = days_of([*ROUTINE * 3, *[4] * 10, *ROUTINE])

    one, two = kk.incident_table(days), kk.incident_table(days.iloc[::-1])

    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_chance_alone_raises_an_alarm_about_as_seldom_as_was_asked_for(share):
    """40 products of 60 days without one, at 10 %: 4 alarms expected, more than 10 in 1 of 700."""
    generator = np.random.default_rng(7)
    alarms = sum(
        not kk.incident_table(days_of(generator.binomial(15, share, 60), 15), alpha=0.1).empty
        for _ in range(40)
    )

    assert alarms <= 10


def test_days_that_vary_by_more_than_chance_raise_no_alarm():
    """Rates of 30 to 70 % from day to day: binomial noise alone would make each an incident."""
    generator = np.random.default_rng(3)
    rates = generator.uniform(0.3, 0.7, 90)

    table = kk.incident_table(days_of(generator.binomial(5000, rates), 5000))

    assert table.empty


@pytest.mark.parametrize(
    ("days", "alpha", "message"),
    [
        (days_of([21]), 0.01, "more successes than trials in incident_table.\nGive users"),
        (days_of([1]), 1.0, "alpha is 1.0 in incident_table.\nGive a share"),
    ],
)
def test_what_cannot_be_searched_is_refused(days, alpha, message):
    with pytest.raises(AnalysisError, match=message):
        kk.incident_table(days, alpha=alpha)
