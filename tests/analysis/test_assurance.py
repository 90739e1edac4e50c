"""Variation and assurance, by the direction that is good."""

import math

import pandas as pd
import pytest

from kpikit.analysis.assurance import (
    assurance,
    assurance_of,
    expected_false_signals,
    variation,
)
from kpikit.analysis.signals import signal_table
from kpikit.errors import AnalysisError

STEADY = [10, 12, 11, 10, 12, 11] * 2  # limits 11 +- 2.66 x 15 / 11 = 7.4 to 14.6


@pytest.mark.parametrize(
    ("values", "direction", "word"),
    [
        (STEADY, "up", "routine"),
        ([*STEADY, 30], "up", "improvement"),
        ([*STEADY, 30], "down", "concern"),
        ([*STEADY, -10], "up", "concern"),
        ([*STEADY, -10], "down", "improvement"),
        ([1, 2, 3], "up", "no_data"),
        ([*STEADY, None], "up", "no_data"),
    ],
)
def test_variation_follows_the_direction(values, direction, word):
    assert variation(signal_table(values), direction=direction) == word


@pytest.mark.parametrize("kind", ["object", "nullable"])
def test_frames_of_other_types_are_judged_alike(kind):
    table = signal_table([None, *STEADY, 30])
    other = table.astype(object) if kind == "object" else table.convert_dtypes()

    assert variation(other) == variation(table) == "improvement"
    assert expected_false_signals([other]) == expected_false_signals([table]) > 0


def test_the_latest_signal_of_the_points_looked_at_decides():
    table = signal_table([*STEADY, 40, -20, 11, None], baseline=12)

    assert variation(table, last=1) == "no_data"
    assert variation(table, last=2) == "routine"
    assert variation(table, last=3) == "concern"
    assert variation(table.iloc[:13], last=3) == "improvement"


@pytest.mark.parametrize(
    ("target", "up", "down"),
    [
        (7, "reliably_hit", "reliably_missed"),
        (15, "reliably_missed", "reliably_hit"),
        (11, "hit_or_miss", "hit_or_miss"),
        (math.nan, "no_data", "no_data"),
    ],
)
def test_assurance_compares_the_target_with_the_process(target, up, down):
    table = signal_table(STEADY)

    assert assurance(table, target=target) == up
    assert assurance(table, target=target, direction="down") == down


def test_a_target_on_a_limit_is_hit_or_missed_and_no_limits_are_no_data():
    assert assurance_of(3, 10, target=3) == assurance_of(3, 10, target=10) == "hit_or_miss"
    assert assurance(signal_table([1, 2, 3]), target=2) == "no_data"


def test_limits_that_are_swapped_are_refused():
    with pytest.raises(AnalysisError, match=r"The limits are 10 to 3 in assurance_of\.\nGive the"):
        assurance_of(10, 3, target=5)


def test_false_signals_add_up_over_a_scorecard():
    raw, trend, short = signal_table(STEADY), signal_table(range(24)), signal_table([1, 2, None])

    assert expected_false_signals([raw, raw, trend, short]) == pytest.approx(0.01 + 0.01 + 0.04)
    assert expected_false_signals([raw], last=3) == pytest.approx(0.03)
    assert expected_false_signals([]) == 0


def test_a_kpi_without_a_value_gives_no_false_signal():
    unknown = signal_table([1, 2, 1, 2, 1, 2, 1, 2]).assign(value=math.nan)

    assert expected_false_signals([unknown]) == 0


@pytest.mark.parametrize(
    "judge", [variation, lambda table, **way: assurance(table, target=1, **way)]
)
def test_an_unknown_direction_is_named(judge):
    with pytest.raises(AnalysisError, match=r"direction is 'upward' in \w+\.\nChoices: down, up"):
        judge(pd.DataFrame(signal_table(STEADY)), direction="upward")
