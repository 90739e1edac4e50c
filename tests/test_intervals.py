"""Wilson's interval: a published value, its ends, and what it refuses."""

import math

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from kpikit.errors import AnalysisError
from kpikit.intervals import (
    difference_interval,
    newcombe_interval,
    normal_quantile,
    wilson_interval,
)


def test_a_published_interval():
    # Newcombe, R. G. (1998), Statistics in Medicine 17, 857-872: 81 of 263
    low, high = wilson_interval(81, 263)

    assert float(low) == pytest.approx(0.2553, abs=5e-5)
    assert float(high) == pytest.approx(0.3662, abs=5e-5)


def test_none_and_all_end_at_zero_and_one():
    low, high = wilson_interval([0, 10], [10, 10])

    # z^2 / (n + z^2) with z = 1.95996
    reach = 3.8415 / 13.8415
    assert low.tolist() == [0.0, pytest.approx(1 - reach, abs=1e-5)]
    assert high.tolist() == [pytest.approx(reach, abs=1e-5), 1.0]


def test_without_trials_both_ends_are_missing():
    low, high = wilson_interval(0, 0)

    assert math.isnan(low)
    assert math.isnan(high)


def test_a_higher_confidence_is_wider():
    low, high = wilson_interval(5, 10, confidence=0.99)
    inner_low, inner_high = wilson_interval(5, 10)

    assert low < inner_low < inner_high < high


def test_the_normal_quantile_is_two_sided():
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5, math.nan])
def test_a_confidence_outside_zero_and_one_is_refused(confidence):
    with pytest.raises(AnalysisError, match=r"confidence is .*\nGive a share between 0 and 1"):
        wilson_interval(1, 2, confidence=confidence)


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        # Newcombe, R. G. (1998), Statistics in Medicine 17, 873-890, table II, method 10
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((10, 10), (0, 10), (0.6075, 1.0000)),
    ],
)
def test_published_intervals_of_a_difference(first, second, ends):
    low, high = newcombe_interval(*first, *second)

    assert (float(low), float(high)) == pytest.approx(ends, abs=5e-5)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
@pytest.mark.parametrize(
    ("first", "second"), [((0, 12), (3, 9)), ((7, 7), (1, 900)), ((40, 80), (41, 79))]
)
def test_newcombes_interval_is_that_of_statsmodels(first, second, confidence):
    low, high = newcombe_interval(*first, *second, confidence=confidence)

    known = confint_proportions_2indep(
        *first, *second, compare="diff", method="newcomb", alpha=1 - confidence
    )
    assert (float(low), float(high)) == pytest.approx(known, abs=1e-12)


def test_a_difference_without_trials_is_missing():
    low, high = newcombe_interval([1, 0], [2, 0], [0, 1], [0, 2])

    assert np.isnan([low, high]).all()


def test_the_difference_of_two_shares_with_wilsons_intervals_is_newcombes():
    first, second = (
        (count / n, *map(float, wilson_interval(count, n))) for count, n in ((56, 70), (48, 80))
    )

    # Newcombe (1998), Table II(a), method 10
    assert difference_interval(first, second) == pytest.approx((0.0524, 0.3339), abs=5e-5)
