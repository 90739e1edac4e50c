"""When a series has a season, and which profile."""

import numpy as np
import pytest

from kpikit.series.seasons import autocorrelations, is_seasonal, season_factors


def test_autocorrelations_by_hand():
    # centred -1.5, -.5, .5, 1.5: squares 5; lag 1 .75 - .25 + .75, lag 2 -.75 - .75
    assert autocorrelations(np.array([1.0, 2, 3, 4]), 2) == pytest.approx([1.25 / 5, -1.5 / 5])


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 / 3])
def test_a_constant_has_neither_autocorrelation_nor_season(value):
    numbers = np.full(40, value)

    assert autocorrelations(numbers, 3).tolist() == [0, 0, 0]
    assert not is_seasonal(numbers, 4)


def test_a_straight_line_has_no_season():
    assert not is_seasonal(np.arange(30.0), 12)


def test_a_clear_season_is_found_from_two_seasons_and_four_points_on():
    numbers = np.tile([10.0, 20, 30, 20], 10)

    assert [is_seasonal(numbers[:count], 4) for count in (11, 12, 40)] == [False, True, True]
    assert not is_seasonal(numbers, 1)


def test_a_season_under_noise_is_found_by_its_autocorrelation_in_a_long_series():
    rng = np.random.default_rng(1)
    numbers = np.tile([-1.0, 0, 1, 0], 40) + rng.normal(0, 1, 160)

    assert is_seasonal(numbers, 4)


def test_noise_and_random_walks_seldom_have_a_season():
    rng = np.random.default_rng(2)
    noise = [is_seasonal(rng.normal(0, 1, 60), 12) for _ in range(400)]
    walks = [is_seasonal(np.cumsum(rng.normal(0, 1, 60)), 12) for _ in range(400)]

    # either of two tests, at 2.5 and at most 5 %
    assert np.mean(noise) < 0.075
    assert np.mean(walks) < 0.075


def test_differences_to_the_moving_average():
    # trend 10, 11, 12 ...; season +1, -1: the centred average of 2 periods is the trend itself
    numbers = np.arange(10.0, 18) + np.tile([1.0, -1], 4)

    factors = season_factors(numbers, 2, np.array([4, 8]), multiplicative=False)

    assert factors == pytest.approx(np.array([[1, -1], [1, -1]]))


def test_ratios_to_the_moving_average():
    # level 10 x (1.5, .5, 1): each average over 3 is 10
    factors = season_factors(
        np.tile([15.0, 5, 10], 3), 3, np.array([6, 9]), multiplicative=True
    )  # fmt: skip

    assert factors == pytest.approx(np.tile([1.5, 0.5, 1], (2, 1)))


def test_a_history_knows_nothing_of_what_came_later():
    numbers = np.array([1.0, 3, 1, 3, 1, 3, 9, 27])

    early = season_factors(numbers, 2, np.array([6]), multiplicative=True)
    both = season_factors(numbers, 2, np.array([6, 8]), multiplicative=True)

    assert both[0] == pytest.approx(early[0])
    assert both[0] == pytest.approx([0.5, 1.5])
    assert both[1] != pytest.approx([0.5, 1.5])
