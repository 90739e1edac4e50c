"""Readings at many looks: bounds that spend alpha, and intervals that always hold."""

import math

import numpy as np
import pytest
from scipy import stats

from kpikit.analysis.experiments.sequential import (
    always_valid_interval,
    always_valid_p_value,
    group_sequential_bounds,
)
from kpikit.errors import AnalysisError


def test_one_look_at_the_end_is_the_usual_test():
    bounds = group_sequential_bounds([1.0])

    assert bounds.z.tolist() == [pytest.approx(1.959964, abs=1e-6)]
    assert bounds.nominal_alpha.tolist() == [pytest.approx(0.05)]


@pytest.mark.parametrize("spending", ["obf", "pocock"])
def test_all_alpha_is_spent_at_the_end(spending):
    bounds = group_sequential_bounds(np.linspace(1 / 30, 1, 30), spending=spending)

    assert bounds.cumulative_alpha[-1] == pytest.approx(0.05)
    assert (np.diff(bounds.cumulative_alpha) > 0).all()


def chance_of_crossing(times, bounds, points=1201):
    """Integrate a Brownian motion's density from look to look by trapezoids."""
    crossed, places, mass = 0.0, np.zeros(1), np.ones(1)
    for time, step, bound in zip(times, np.diff(times, prepend=0), bounds, strict=True):
        edge = bound * math.sqrt(time)
        beyond = stats.norm.sf((edge - places) / math.sqrt(step))
        crossed += float(mass @ (beyond + stats.norm.sf((edge + places) / math.sqrt(step))))
        nodes = np.linspace(-edge, edge, points)
        kernel = stats.norm.pdf((nodes[:, None] - places) / math.sqrt(step)) / math.sqrt(step)
        mass, places = np.gradient(nodes) * (kernel @ mass), nodes
        mass[[0, -1]] /= 2
    return crossed


@pytest.mark.parametrize("spending", ["obf", "pocock"])
@pytest.mark.parametrize("times", [[0.2, 0.3, 0.7, 1.0], list(np.arange(1, 31) / 30)])
def test_bounds_are_crossed_by_chance_exactly_as_often_as_alpha_says(times, spending):
    bounds = group_sequential_bounds(times, spending=spending)

    assert chance_of_crossing(times, bounds.z) == pytest.approx(0.05, abs=2e-6)


def test_hardly_any_alpha_early_means_bounds_out_of_reach():
    bounds = group_sequential_bounds([0.01, 1.0])

    assert bounds.z[0] == 9.0
    assert bounds.z[1] == pytest.approx(1.959964, abs=1e-4)


def test_hwang_shih_decani_with_0_spends_evenly():
    even = group_sequential_bounds([0.5, 1], spending="hsd", gamma=0)
    power = group_sequential_bounds([0.5, 1], spending="power", gamma=1)

    assert even.cumulative_alpha.tolist() == power.cumulative_alpha.tolist() == [0.025, 0.05]


def test_hwang_shih_decani_spends_by_its_own_curve():
    # 0.05 (1 - e^2) / (1 - e^4) at half of the units
    bounds = group_sequential_bounds([0.5, 1], spending="hsd", gamma=-4)

    assert bounds.cumulative_alpha[0] == pytest.approx(0.05 * 6.389056 / 53.59815, rel=1e-6)


@pytest.mark.parametrize(
    ("looks", "options", "message"),
    [
        ([], {}, "Looks are planned at"),
        ([0.5, 0.5], {}, "Give rising shares above 0"),
        ([0.5, 1.1], {}, "at most 1"),
        ([0, 1], {}, "Give rising shares"),
        ([1.0], {"alpha": 0}, "alpha is 0"),
        ([1.0], {"spending": "obff"}, "Did you mean 'obf'"),
        ([1.0], {"spending": "power"}, "gamma is nan for power spending"),
        ([1.0], {"spending": "power", "gamma": -1}, "gamma is -1"),
    ],
)
def test_looks_that_cannot_be_are_named(looks, options, message):
    with pytest.raises(AnalysisError, match=message):
        group_sequential_bounds(looks, **options)


def test_the_always_valid_interval_is_wider_and_tightest_where_planned():
    low, high = always_valid_interval(0.0, 1 / np.sqrt([100, 1000, 10_000]), [100, 1000, 10_000],
                                      planned_n=1000)  # fmt: skip

    widths = (high - low) / (2 * 1.96) * np.sqrt([100, 1000, 10_000])
    assert (widths > 1.3).all()
    assert widths.argmin() == 1
    assert widths[1] == pytest.approx(1.54, abs=0.05)


def test_the_always_valid_p_value_and_interval_agree():
    estimates = np.linspace(0.01, 0.5, 200)

    low, _ = always_valid_interval(estimates, 0.1, 500, planned_n=500)
    p_values = always_valid_p_value(estimates, 0.1, 500, planned_n=500)

    assert ((low > 0) == (p_values < 0.05)).all()
    assert (p_values <= 1).all()


def test_without_planned_units_nothing_can_be_tuned():
    with pytest.raises(AnalysisError, match="planned_n is 0"):
        always_valid_p_value(1.0, 1.0, 10, planned_n=0)


def test_no_look_of_a_null_experiment_raises_an_alarm_more_often_than_alpha():
    rng = np.random.default_rng(11)
    steps = rng.normal(size=(2000, 30)).cumsum(axis=1)
    n = np.arange(1, 31) * 100.0
    estimates, errors = steps / np.arange(1, 31), 1 / np.sqrt(np.arange(1, 31))

    always = (always_valid_p_value(estimates, errors, n, planned_n=3000) < 0.05).any(axis=1).mean()
    z = group_sequential_bounds(np.arange(1, 31) / 30).z
    planned = (np.abs(estimates / errors) > z).any(axis=1).mean()
    naive = (np.abs(estimates / errors) > 1.959964).any(axis=1).mean()

    error = 3 * math.sqrt(0.05 * 0.95 / 2000)
    assert always < 0.05
    assert planned == pytest.approx(0.05, abs=error)
    assert naive > 0.25
