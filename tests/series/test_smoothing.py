"""Exponential smoothing: by hand, and in one pass over many histories."""

import numpy as np
import pytest

from kpikit.series.smoothing import (
    fit_damped,
    fit_theta,
    line,
    one_step_path,
    prefers_logs,
    project,
    smooth,
)


def test_simple_smoothing_by_hand():
    path = smooth([10, 20, 10], alpha=0.5, level=10)

    assert path.expected.tolist() == [10, 10, 15]
    assert path.levels.tolist() == [10, 15, 12.5]
    assert path.forecast(2).tolist() == [12.5, 12.5]


def test_a_damped_trend_by_hand():
    # expected 10 + .5 x 2 = 11, error 3; level 12.5, slope 1 + .5 x .4 x 3 = 1.6
    path = smooth([14], alpha=0.5, beta=0.4, phi=0.5, level=10, slope=2)

    assert path.expected.tolist() == [11]
    assert (path.level, path.slope) == (12.5, pytest.approx(1.6))
    assert path.forecast(2, phi=0.5) == pytest.approx([12.5 + 0.8, 12.5 + 0.8 + 0.4])


def test_a_missing_value_moves_nothing():
    path = smooth([10, float("nan"), 10], alpha=0.5, beta=0.5, level=8, slope=2)

    assert path.expected.tolist() == [10, 12, 14]
    assert path.levels.tolist() == [10, 12, 12]


def test_states_are_projected():
    assert project(10, 4, phi=0.5, horizon=3).tolist() == [12, 13, 13.5]
    assert project(10, 4, horizon=2).tolist() == [14, 18]


def test_regression_lines_of_first_points():
    rows = np.array([[1.0, 3, 5, 0], [1, 3, 5, 7], [4, 0, 0, 0]])

    at_first, slope = line(rows, np.array([3, 4, 1]))

    assert at_first.tolist() == pytest.approx([1, 1, 4])
    assert slope.tolist() == pytest.approx([2, 2, 0])


@pytest.mark.parametrize("fit", [fit_theta, fit_damped])
def test_histories_fitted_together_are_fitted_as_each_alone(fit):
    numbers = 50 + np.cumsum(np.random.default_rng(4).normal(1, 5, 40))
    lengths = np.array([20, 31, 40])
    rows = np.where(np.arange(40) < lengths[:, None], numbers, 0.0)

    together = fit(rows, lengths).forecast(6)

    alone = [fit(numbers[None, :count], np.array([count])).forecast(6)[0] for count in lengths]
    assert together == pytest.approx(np.array(alone))


@pytest.mark.parametrize("fit", [fit_theta, fit_damped])
@pytest.mark.parametrize("lengths", [[20, 31, 40], [4, 6, 40]])
def test_histories_of_one_series_need_but_one_row(fit, lengths):
    numbers = 50 + np.cumsum(np.random.default_rng(4).normal(1, 5, 40))
    rows = np.where(np.arange(40) < np.array(lengths)[:, None], numbers, 0.0)

    shared = fit(numbers[None], np.array(lengths)).forecast(6)

    assert shared.tolist() == fit(rows, np.array(lengths)).forecast(6).tolist()


def test_a_constant_is_forecast_by_itself():
    rows = np.full((1, 12), 7.0)

    assert fit_theta(rows, np.array([12])).forecast(3) == pytest.approx(np.full((1, 3), 7.0))
    assert fit_damped(rows, np.array([12])).forecast(3) == pytest.approx(np.full((1, 3), 7.0))


def test_theta_goes_on_with_half_the_slope_of_the_line():
    rows = np.arange(20.0)[None]

    fit = fit_theta(rows, np.array([20]))

    # the best level follows at once (alpha 1): the last value, then half a step each
    assert fit.alpha.tolist() == [1]
    assert fit.forecast(3)[0] == pytest.approx([19.5, 20, 20.5])


def test_the_damped_trend_of_a_line_goes_on_with_less_and_less():
    steps = np.diff(fit_damped(np.arange(20.0)[None], np.array([20])).forecast(4)[0])

    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


def test_nothing_is_expected_of_the_first_point():
    numbers = np.array([5.0, 5, 5, 5, 5, 5, 5, 5])

    path = one_step_path(numbers, numbers, learned=8)

    assert np.isnan(path[0])
    assert path[1:] == pytest.approx(np.full(7, 5.0))


def test_later_points_do_not_change_what_was_learned_before():
    numbers = 50 + np.random.default_rng(5).normal(0, 5, 30)
    changed = np.concatenate([numbers[:20], numbers[20:] + 100])

    before = one_step_path(numbers, numbers, learned=20)
    after = one_step_path(changed, changed, learned=20)

    assert after[1:21] == pytest.approx(before[1:21])


def test_logarithms_are_for_errors_that_grow_with_the_level():
    rng = np.random.default_rng(6)
    growth = 100 * np.exp(0.05 * np.arange(60) + rng.normal(0, 0.05, 60))
    steady = 100 + 2 * np.arange(60) + rng.normal(0, 10, 60)

    assert prefers_logs(growth, learned=60)
    assert not prefers_logs(steady, learned=60)
    assert not prefers_logs(growth - growth.min(), learned=60)


def test_the_path_of_logarithms_is_that_of_the_series_of_logarithms():
    numbers = 50 + np.random.default_rng(7).normal(0, 5, 30)

    path = one_step_path(numbers, numbers, learned=20, logged=True)

    logs = np.log(numbers)
    assert path[1:].tolist() == one_step_path(logs, logs, learned=20)[1:].tolist()
