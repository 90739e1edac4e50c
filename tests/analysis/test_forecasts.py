"""Forecasts, their intervals, totals and the probability of a target."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kpikit.analysis.forecasts import forecast_table, probability_of_target, total_forecast
from kpikit.errors import AnalysisError

# t with two degrees of freedom: .8165 at 75 %, 1.8856 at 90 %
SHORT = [4, 6, 5]  # errors of the last value +2 and -1: root mean square 1.5811


def noisy(count=40, seed=0):
    return 100 + np.random.default_rng(seed).normal(0, 10, count)


def test_a_short_history_is_carried_forward_and_says_so():
    table = forecast_table(SHORT, horizon=2, levels=(0.5, 0.8))

    assert list(table.columns) == [
        "period", "step", "mean", "low_50", "high_50", "low_80", "high_80", "method",
        "season_length",
    ]  # fmt: skip
    assert table["period"].tolist() == [3, 4]
    assert table["mean"].tolist() == [5, 5]
    assert table.loc[0, ["low_50", "high_80"]].tolist() == pytest.approx(
        [5 - 0.8165 * 1.5811, 5 + 1.8856 * 1.5811], abs=1e-3
    )
    # two steps are wider by the root of two
    assert table["high_80"][1] - 5 == pytest.approx(math.sqrt(2) * (table["high_80"][0] - 5))
    assert set(table["method"]) == {"naive"}


def test_a_single_point_is_forecast_without_intervals():
    table = forecast_table([7], horizon=1)

    assert table["mean"].tolist() == [7]
    assert table[["low_50", "high_95"]].isna().all(axis=None)
    assert math.isnan(probability_of_target([7], target=7, periods=1))


def test_a_constant_goes_on_without_width():
    table = forecast_table([5.5] * 20, horizon=3)

    assert table["method"].tolist() == ["theta + damped trend"] * 3
    assert table[["mean", "low_95", "high_95"]].to_numpy() == pytest.approx(np.full((3, 3), 5.5))


def test_a_season_goes_on_by_the_calendar():
    months = pd.period_range("2022-04", periods=48, freq="M")
    values = pd.Series(np.tile([10.0, 20, 40, 30, 20, 10, 10, 10, 10, 10, 20, 10], 4), months)

    table = forecast_table(values, horizon=4)

    assert [str(period) for period in table["period"]] == [
        "2026-04", "2026-05", "2026-06", "2026-07",
    ]  # fmt: skip
    assert table["mean"].tolist() == pytest.approx([10, 20, 40, 30])
    assert set(table["season_length"]) == {12}


def test_a_growing_business_is_forecast_with_growing_intervals():
    rng = np.random.default_rng(3)
    values = 100 * np.exp(0.05 * np.arange(48) + rng.normal(0, 0.03, 48))

    table = forecast_table(values, horizon=6)

    assert table["mean"].is_monotonic_increasing
    assert (np.diff(table["high_80"] - table["low_80"]) > 0).all()


def test_wider_levels_hold_narrower_ones():
    row = forecast_table(noisy(), horizon=1, levels=(0.5, 0.8, 0.975)).iloc[0]

    ends = [row[name] for name in ("low_97.5", "low_80", "low_50", "mean", "high_50", "high_80")]
    assert ends == sorted(ends)
    assert row["high_97.5"] > row["high_80"]


def test_bounds_cut_forecast_and_intervals():
    shares = [0.9, 0.95, 1.0, 0.9, 0.97, 1.0, 0.99, 1.0, 1.0, 1.0]

    table = forecast_table(shares, horizon=3, bounds=(0, 1))

    assert (table[["mean", "high_95"]] <= 1).all(axis=None)
    assert total_forecast([3, 1, 2], periods=2, bounds=(0, math.inf)).interval(0.95)[0] == 0


def test_negative_values_and_zeros_are_forecast_as_they_are():
    table = forecast_table([-5, 0, 5, 0] * 6, horizon=4, season_length=4)

    assert table["mean"].tolist() == pytest.approx([-5, 0, 5, 0], abs=1e-6)


# Totals


def test_a_quarter_is_what_has_come_and_the_rest():
    total = total_forecast(SHORT, periods=3, elapsed=2)

    assert (total.mean, total.actual) == (6 + 5 + 5, 6 + 5)
    assert (total.periods, total.elapsed, total.errors, total.method) == (3, 2, 2, "naive")
    assert total.interval(0.8) == pytest.approx(
        (16 - 1.8856 * 1.5811, 16 + 1.8856 * 1.5811), abs=1e-3
    )


@pytest.mark.parametrize(
    ("aggregate", "mean", "actual"), [("sum", 16, 11), ("mean", 16 / 3, 5.5), ("last", 5, 5)]
)
def test_totals_of_rates_and_stocks(aggregate, mean, actual):
    total = total_forecast(SHORT, periods=3, elapsed=2, aggregate=aggregate)

    assert (total.mean, total.actual) == pytest.approx((mean, actual))


@pytest.mark.parametrize(
    ("aggregate", "actual"), [("sum", 0), ("mean", math.nan), ("last", math.nan)]
)
def test_nothing_has_come_of_a_new_total(aggregate, actual):
    total = total_forecast(SHORT, periods=2, aggregate=aggregate)

    assert total.actual == pytest.approx(actual, nan_ok=True)


def test_a_total_that_has_come_is_known():
    total = total_forecast(noisy().round(), periods=3, elapsed=3)

    assert total.method == "actual"
    assert total.interval(0.95) == (total.mean, total.mean)
    assert total.mean == noisy().round()[-3:].sum()
    assert [total.chance_of(total.mean + add) for add in (0, 1)] == [1, 0]


def test_errors_that_add_up_widen_a_total():
    walk = 1000 + np.cumsum(np.random.default_rng(1).normal(0, 10, 60))

    table = forecast_table(walk, horizon=3, levels=(0.8,))
    low, high = total_forecast(walk, periods=3).interval(0.8)

    # independent errors would add by their squares
    widths = table["high_80"] - table["low_80"]
    assert high - low > 1.2 * math.sqrt((widths**2).sum())


# Probabilities


def test_the_probability_of_the_forecast_itself_is_a_half():
    total = total_forecast(noisy(), periods=3)

    assert total.chance_of(total.mean) == pytest.approx(0.5)
    assert probability_of_target(noisy(), target=total.mean, periods=3) == pytest.approx(0.5)


def test_at_least_and_at_most_are_complements():
    up = probability_of_target(noisy(), target=320, periods=3)
    down = probability_of_target(noisy(), target=320, periods=3, direction="down")

    assert 0 < up < 0.5
    assert up + down == pytest.approx(1)


def test_a_total_without_spread_meets_its_target_or_does_not():
    chances = [
        probability_of_target([5] * 12, target=target, periods=3, direction=direction)
        for target in (14.9, 15, 15.1)
        for direction in ("up", "down")
    ]

    assert chances == [1, 0, 1, 1, 0, 1]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30),
    st.floats(-1e7, 1e7),
    st.floats(0, 1e7),
)
def test_a_higher_target_is_never_likelier(values, target, more):
    assume(len(set(values)) > 1)  # else few tell no spread

    total = total_forecast(values, periods=2)

    assert 0 <= total.chance_of(target + more) <= total.chance_of(target) <= 1


# What is refused


@pytest.mark.parametrize("count", [0, -1, 1.5, None, True])
def test_a_horizon_is_a_whole_number(count):
    with pytest.raises(AnalysisError, match=r"horizon is .* in forecast_table\.\nGive a whole"):
        forecast_table(SHORT, horizon=count)
    with pytest.raises(AnalysisError, match=r"periods is .* in total_forecast\.\nGive a whole"):
        probability_of_target(SHORT, target=1, periods=count)


@pytest.mark.parametrize("level", [0, 1, 80, math.nan])
def test_a_level_is_a_share(level):
    with pytest.raises(AnalysisError, match=r"A level is .* in forecast_table\.\nGive shares"):
        forecast_table(SHORT, horizon=1, levels=[level])
    with pytest.raises(AnalysisError, match=r"A level is .* in TotalForecast\.interval"):
        total_forecast(SHORT, periods=1).interval(level)


def test_levels_are_a_list():
    with pytest.raises(AnalysisError, match=r"levels is 0\.8 in forecast_table\.\nGive a list"):
        forecast_table(SHORT, horizon=1, levels=0.8)


@pytest.mark.parametrize(
    ("target", "up", "down"), [(1.01, 0, 1), (1.0, 0.1864, 1), (0.0, 1, None), (-0.01, 1, 0)]
)
def test_beyond_the_bounds_a_target_is_certain_or_out_of_reach(target, up, down):
    share = total_forecast([1, 0.99] * 10, periods=1, aggregate="mean", bounds=(0, 1))

    assert share.chance_of(target) == pytest.approx(up, abs=1e-4)
    found = share.chance_of(target, direction="down")
    assert found == pytest.approx(down, abs=1e-4) if down is not None else 0 < found < 1e-6


def test_bounds_are_in_order():
    with pytest.raises(AnalysisError, match=r"bounds are 1 to 0 in forecast_table\.\nGive the les"):
        forecast_table(SHORT, horizon=1, bounds=(1, 0))


@pytest.mark.parametrize("target", [None, math.nan, "12"])
def test_a_missing_target_has_no_probability(target):
    with pytest.raises(AnalysisError, match=r"target is .* in probability_of_target\.\nGive a num"):
        probability_of_target(SHORT, target=target, periods=1)
    with pytest.raises(AnalysisError, match=r"target is .* in chance_of"):
        total_forecast(SHORT, periods=1).chance_of(target)


def test_choices_are_named():
    with pytest.raises(AnalysisError, match="aggregate is 'average' in total_forecast"):
        total_forecast(SHORT, periods=1, aggregate="average")
    with pytest.raises(AnalysisError, match=r"direction is 'Down' in .*\n.*'down'"):
        probability_of_target(SHORT, target=1, periods=1, direction="Down")


def test_a_value_that_has_come_is_never_guessed():
    values = [*noisy(20), None, 100]

    assert total_forecast(values, periods=3, elapsed=1).elapsed == 1
    with pytest.raises(AnalysisError, match="A value of the 2 elapsed periods is missing"):
        total_forecast(values, periods=3, elapsed=2)


def test_a_series_that_ends_in_a_gap_is_refused():
    with pytest.raises(AnalysisError, match="series ends in a gap"):
        forecast_table([1, 2, None], horizon=1)
