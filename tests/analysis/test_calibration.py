"""Trials of forecasts on the past, and how their probabilities fared."""

import numpy as np
import pandas as pd
import pytest

from kpikit.analysis.calibration import (
    BACKTEST_COLUMNS,
    backtest_table,
    brier_score,
    reliability_table,
)
from kpikit.errors import AnalysisError


def test_earlier_forecasts_stand_beside_what_came():
    months = pd.period_range("2026-01", periods=7, freq="M")

    table = backtest_table(
        pd.Series([1, 2, 1, 2, 1, 2, 3], months), periods=1, season_length=1, factors=(1, 3)
    )

    # known after five months: four errors of 1 around a forecast of 1; t(4) is .8130 at 2 x 1 - 1
    assert list(table.columns) == list(BACKTEST_COLUMNS)
    assert [str(origin) for origin in table["origin"]] == ["2026-05"] * 2 + ["2026-06"] * 2
    assert table["forecast"].tolist() == [1, 1, 2, 2]
    assert table["actual"].tolist() == [2, 2, 3, 3]
    assert table["target"].tolist() == [1, 3, 2, 6]
    assert table["hit"].tolist() == [True, False, True, False]
    assert table["probability"].tolist()[:2] == pytest.approx([0.5, 0.0581], abs=1e-4)


def test_the_base_is_the_same_periods_one_season_before():
    numbers = np.tile([10.0, 20, 30, 20], 8) + np.random.default_rng(0).normal(0, 0.3, 32)

    table = backtest_table(numbers, periods=2, season_length=4)

    places = table["origin"].to_numpy() + 1
    assert table["naive"].tolist() == [numbers[at - 4] + numbers[at - 3] for at in places]
    assert table["actual"].tolist() == [numbers[at] + numbers[at + 1] for at in places]
    assert np.abs(table["forecast"] - table["actual"]).mean() < 2


def test_a_short_series_has_no_trials():
    table = backtest_table([1, 2, 3], periods=1)

    assert list(table.columns) == list(BACKTEST_COLUMNS)
    assert table.empty


def test_what_shall_fall_hits_at_or_below_its_target():
    found = {
        direction: backtest_table(
            [1, 2, 1, 2, 1, 2, 3], periods=1, factors=(3,), direction=direction
        )
        for direction in ("up", "down")
    }

    assert found["down"]["target"].tolist() == [3, 6]
    assert found["down"]["hit"].tolist() == [True, True]
    assert found["up"]["hit"].tolist() == [False, False]
    both = found["up"]["probability"] + found["down"]["probability"]
    assert both.tolist() == pytest.approx([1, 1])


def test_an_unknown_aggregate_or_direction_is_named():
    with pytest.raises(AnalysisError, match="aggregate is 'total' in backtest_table"):
        backtest_table([1, 2, 3], periods=1, aggregate="total")
    with pytest.raises(AnalysisError, match="direction is 'left' in backtest_table"):
        backtest_table([1, 2, 3], periods=1, direction="left")


def test_the_brier_score_is_the_mean_squared_miss():
    assert brier_score([1, 0, 0.5], [True, False, True]) == pytest.approx(0.25 / 3)


def test_reliability_counts_hits_by_class_of_probability():
    table = reliability_table([0, 0.1, 0.5, 0.9, 1], [0, 1, 1, 1, 1], bins=2)

    assert table["low"].tolist() == [0, 0.5]
    assert table["high"].tolist() == [0.5, 1]
    assert table["n"].tolist() == [2, 3]
    assert table["mean_probability"].tolist() == pytest.approx([0.05, 0.8])
    assert table["hit_rate"].tolist() == [0.5, 1]
    # Wilson: 1 of 2, and 3 of 3 with 3 / (3 + 1.96^2)
    assert table["ci_low"].tolist() == pytest.approx([0.0945, 0.4385], abs=1e-4)
    assert table["ci_high"].tolist() == pytest.approx([0.9055, 1], abs=1e-4)


def test_forecasts_that_hang_together_count_as_few():
    table = reliability_table(
        [0.5] * 6, [1, 1, 0, 0, 1, 0], bins=1, groups=["q1", "q1", "q2", "q2", "q3", "q3"]
    )

    # hits lie +1, -1 and 0 off a share of a half: variance between groups 2 x 3/2 = 3, that of
    # 6^2 x 1/4 / 3 = 3 forecasts, and with t(2) = 4.3027 of 3 x (1.9600 / 4.3027)^2 = 0.6225;
    # Wilson's interval of a half is 1/2 +- 1.9600 / (2 sqrt(0.6225 + 1.9600^2)) = 1/2 +- 0.4638
    assert table[["n", "groups"]].to_numpy().tolist() == [[6, 3]]
    assert table["hit_rate"].tolist() == [0.5]
    assert table["ci_low"].tolist() == pytest.approx([0.0362], abs=1e-4)
    assert table["ci_high"].tolist() == pytest.approx([0.9638], abs=1e-4)


@pytest.mark.parametrize("groups", [["q1"] * 4, ["q1", "q1", "q2", "q2"]])
def test_each_group_counts_once_where_no_variance_between_them_is_known(groups):
    table = reliability_table([0.9] * 4, [1] * 4, bins=1, groups=groups)

    # all of n: the lower end is n / (n + 1.96^2)
    n = len(set(groups))
    assert table["ci_low"].tolist() == pytest.approx([n / (n + 1.96**2)], abs=1e-4)


def test_groups_vary_no_less_than_independent_forecasts():
    chances, hits = [0.5] * 8, [1, 0] * 3 + [1, 1]
    groups = np.repeat(["q1", "q2", "q3", "q4"], 2)

    grouped = reliability_table(chances, hits, bins=1, groups=groups)
    single = reliability_table(chances, hits, bins=1)

    assert grouped["groups"].tolist() == [4]
    assert single["groups"].tolist() == [8]
    assert grouped["ci_low"].iloc[0] < single["ci_low"].iloc[0]
    assert grouped["ci_high"].iloc[0] > single["ci_high"].iloc[0]


def test_classes_without_a_forecast_are_no_rows():
    assert reliability_table([0.95], [1])["low"].tolist() == [0.9]
    assert reliability_table([], []).empty


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(AnalysisError, match=r"2 probabilities meet 1 outcomes in brier_score"):
        brier_score([0.1, 0.2], [1])
    with pytest.raises(AnalysisError, match=r"There is no probability in brier_score\.\nGive at"):
        brier_score([], [])
    with pytest.raises(AnalysisError, match="bins is 0 in reliability_table"):
        reliability_table([0.5], [1], bins=0)
    with pytest.raises(AnalysisError, match="1 probabilities meet 2 groups in reliability_table"):
        reliability_table([0.5], [1], groups=["a", "b"])
    for chance, outcome in ((1.1, 1), (float("nan"), 1), (0.5, 2)):
        with pytest.raises(AnalysisError, match="not within 0 and 1, or an outcome neither"):
            reliability_table([chance], [outcome])
