"""Forecasts from rolling origins: what they know, and how far they were off."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpikit.errors import AnalysisError
from kpikit.series.outlook import Estimate, Season, find_season, look_ahead, outlook_of


def noisy(count, seed=0):
    return 100 + np.random.default_rng(seed).normal(0, 10, count)


def test_an_estimate_is_students_t():
    estimate = Estimate(mean=10, scale=2, errors=5)

    # t(5): 2.5706 at 97.5 %, 0.5 in the middle
    assert estimate.quantile(0.975) == pytest.approx(10 + 2 * 2.5706, abs=1e-3)
    assert estimate.quantile(0.5) == pytest.approx(10)
    assert estimate.chance_of(10) == pytest.approx(0.5)
    assert estimate.chance_of(10 - 2 * 2.5706) == pytest.approx(0.975, abs=1e-4)


def test_an_estimate_without_spread_is_certain_and_one_without_errors_unknown():
    certain, unknown = Estimate(10, 0.0, 3), Estimate(10, math.nan, 0)

    assert [certain.chance_of(target) for target in (9.9, 10, 10.1)] == [1, 1, 0]
    assert certain.quantile(0.1) == 10
    assert math.isnan(unknown.chance_of(9))
    assert math.isnan(unknown.quantile(0.9))


def test_a_season_is_one_of_ratios_only_above_zero():
    numbers = np.tile([10.0, 20, 30, 20], 10)

    assert find_season(numbers, 4) == Season(4, multiplicative=True)
    assert find_season(numbers - 10, 4) == Season(4, multiplicative=False)
    assert find_season(numbers, 1) == Season()


def test_fewer_than_eight_points_are_carried_forward():
    outlook = look_ahead(np.array([4.0, 6, 5]), horizon=2, season_length=12)

    assert outlook.method == "naive"
    assert outlook.forecasts.tolist() == [[4, 4], [6, 6], [5, 5]]
    # errors +2 and -1: the root of their mean square, with two of them
    assert outlook.step(1) == Estimate(5, math.sqrt((4 + 1) / 2), 2)


def test_a_distance_with_too_few_errors_is_widened_from_one_with_enough():
    outlook = look_ahead(np.array([1.0, 2, 1, 2, 1, 2]), horizon=4, season_length=1)

    # one step: five errors of 1; three steps: but three errors
    assert outlook.step(1) == Estimate(2, 1, 5)
    # sums of two: 1 + 2 - 2 x 1 = 1, 2 + 1 - 2 x 2 = -1, four of them; of four wider by 2^1.5
    assert outlook.total(2, aggregate="sum") == Estimate(4, 1, 4)
    assert outlook.total(4, aggregate="sum") == Estimate(8, pytest.approx(2**1.5), 4)
    assert outlook.total(4, aggregate="mean") == Estimate(2, pytest.approx(2**1.5 / 4), 4)


@pytest.mark.parametrize("count", [1, 3, 7])
def test_few_points_that_never_changed_tell_no_spread(count):
    outlook = look_ahead(np.full(count, 5.0), horizon=2, season_length=1)

    assert outlook.step(1).mean == outlook.step(2).mean == 5
    assert math.isnan(outlook.step(1).chance_of(5))
    assert math.isnan(outlook.total(2, aggregate="sum").quantile(0.9))


def test_eight_points_that_never_changed_tell_that_there_is_none():
    outlook = look_ahead(np.full(8, 5.0), horizon=1, season_length=1)

    assert outlook.step(1) == Estimate(5, 0, 4)
    assert outlook.step(1).chance_of(5.1) == 0


def test_what_has_come_is_part_of_the_total():
    outlook = look_ahead(np.array([4.0, 6, 5]), horizon=3, season_length=1)

    assert outlook.total(3, aggregate="sum", elapsed=2).mean == 6 + 5 + 5
    assert outlook.total(3, aggregate="mean", elapsed=2).mean == pytest.approx(16 / 3)
    assert outlook.total(3, aggregate="last", elapsed=2).mean == 5
    spread = outlook.total(1, aggregate="sum").scale
    assert outlook.total(3, aggregate="sum", elapsed=2).scale == spread
    assert outlook.total(3, aggregate="mean", elapsed=2).scale == pytest.approx(spread / 3)


@pytest.mark.parametrize(("aggregate", "value"), [("sum", 15), ("mean", 5), ("last", 5)])
def test_a_total_that_has_come_is_certain(aggregate, value):
    outlook = look_ahead(np.array([4.0, 6, 5]), horizon=1, season_length=1)

    assert outlook.total(3, aggregate=aggregate, elapsed=3) == Estimate(value, 0, 0)


def test_a_forecast_from_an_earlier_point_knows_nothing_later():
    numbers = noisy(40)

    whole = look_ahead(numbers, horizon=3, season_length=1)
    early = look_ahead(numbers[:30], horizon=3, season_length=1)

    place = whole.lengths.tolist().index(30)
    assert whole.forecasts[place] == pytest.approx(early.forecasts[-1])


def test_up_to_48_earlier_points_are_tried():
    assert look_ahead(noisy(100), horizon=1, season_length=1).lengths.tolist() == [*range(52, 101)]
    assert look_ahead(noisy(10), horizon=1, season_length=1).lengths.tolist() == [*range(5, 11)]


def test_a_season_is_learned_from_two_whole_ones_at_least():
    numbers = np.tile([10.0, 20, 30, 20], 5)

    outlook = look_ahead(numbers, horizon=4, season_length=4)

    assert outlook.lengths.tolist() == [*range(8, 21)]
    assert outlook.forecasts[-1] == pytest.approx([10, 20, 30, 20])
    assert outlook.total(4, aggregate="sum").mean == pytest.approx(80)


def test_trials_know_only_the_errors_of_their_time():
    numbers = np.array([1.0, 2, 1, 2, 1, 2, 3])

    trials = list(look_ahead(numbers, horizon=1, season_length=1).trials(
        1, aggregate="sum", season_length=1
    ))  # fmt: skip

    # four errors are known after five points; each was 1, and so is the next
    assert [trial.known for trial in trials] == [5, 6]
    assert trials[0].estimate == Estimate(1, 1, 4)
    assert [(trial.naive, trial.actual) for trial in trials] == [(1, 2), (2, 3)]


def test_too_many_gaps_are_refused_and_few_are_filled():
    gappy = [1, 2, None, 4, None, 6, None, 8]

    with pytest.raises(AnalysisError, match=r"series misses 3 of 8 values in here\.\nGive one"):
        outlook_of(gappy, horizon=1, season_length=1, where="here")
    values, outlook = outlook_of([1, None, 3, 4], horizon=1, season_length=1, where="here")
    assert outlook.numbers.tolist() == [1, 2, 3, 4]
    assert np.isnan(values.numbers[1])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 1000), min_size=30, max_size=40),
    st.sampled_from([0.01, 3.0, 1e6]),
)
def test_the_unit_of_a_series_is_that_of_its_forecast(numbers, unit):
    plain = np.array(numbers, dtype=float)

    once = look_ahead(plain, horizon=3, season_length=7).total(3, aggregate="sum")
    scaled = look_ahead(unit * plain, horizon=3, season_length=7).total(3, aggregate="sum")

    assert scaled.mean == pytest.approx(unit * once.mean, rel=1e-6)
    assert scaled.scale == pytest.approx(unit * once.scale, rel=1e-6, abs=1e-6 * unit)
