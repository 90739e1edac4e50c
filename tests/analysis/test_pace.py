"""Expected to date, what remains to be done, and the best that was ever done."""

import math

import numpy as np
import pandas as pd
import pytest

from kpikit.analysis.pace import pace
from kpikit.errors import AnalysisError

# two years of four periods, and two periods of the third
YEARS = [10, 30, 40, 20, 20, 40, 60, 80, 12, 36]


def test_the_target_is_spread_as_last_year_was():
    found = pace(YEARS, target=300, periods=4, elapsed=2, year_length=4)

    # 20, 40, 60, 80 of 200
    assert found.profile == "last_year"
    assert found.table["expected"].tolist() == pytest.approx([30, 90, 180, 300])
    assert (found.actual, found.expected) == (48, pytest.approx(90))
    assert (found.delta_abs, found.delta_rel) == pytest.approx((-42, -42 / 90))


def test_the_seasonal_profile_is_the_mean_of_all_years():
    found = pace(YEARS, target=300, periods=4, elapsed=2, year_length=4, profile="seasonal")

    # 10 and 40 of 100, 20 and 60 of 200: on average 10 and 35 of 100
    assert found.profile == "seasonal"
    assert found.table["expected"].tolist()[:2] == pytest.approx([30, 105])


def test_an_even_profile_on_request():
    found = pace(YEARS, target=300, periods=4, elapsed=2, year_length=4, profile="even")

    assert found.table["expected"].tolist() == pytest.approx([75, 150, 225, 300])


def test_the_required_rate_stands_beside_the_best_of_as_many_periods():
    found = pace(YEARS, target=300, periods=4, elapsed=2, year_length=4)

    # 252 in two periods; the best two in a row were 60 and 80
    assert (found.remaining, found.required_rate, found.best_rate) == (2, 126, 70)
    assert found.required_to_best == pytest.approx(1.8)


def test_the_best_of_a_cost_is_the_lowest():
    found = pace(YEARS, target=60, periods=4, elapsed=2, year_length=4, direction="down")

    assert (found.required_rate, found.best_rate) == (6, 20)


def test_the_table_shows_what_is_to_come_as_missing():
    table = pace(YEARS, target=300, periods=4, elapsed=2, year_length=4).table

    assert table["step"].tolist() == [1, 2, 3, 4]
    assert np.array_equal(table["actual"], [12, 36, math.nan, math.nan], equal_nan=True)
    assert np.array_equal(table["cumulative"], [12, 48, math.nan, math.nan], equal_nan=True)


def test_at_the_end_nothing_is_required_and_at_the_start_nothing_expected():
    ended = pace(YEARS, target=40, periods=2, elapsed=2, year_length=4)
    begun = pace(YEARS[:8], target=300, periods=4, elapsed=0, year_length=4)

    assert (ended.expected, ended.remaining) == (pytest.approx(40), 0)
    assert all(math.isnan(rate) for rate in (ended.required_rate, ended.best_rate))
    assert (begun.actual, begun.expected, begun.required_rate) == (0, 0, 75)
    assert math.isnan(begun.delta_rel)


def test_a_target_that_is_passed_requires_less_than_nothing():
    assert pace(YEARS, target=40, periods=4, elapsed=2).required_rate == -4


@pytest.mark.parametrize(("freq", "year"), [("D", 364), ("W", 52), ("M", 12), ("Q", 4)], ids="DWMQ")
def test_the_index_tells_the_year(freq, year):
    values = np.ones(year + 1)
    values[1] = 3  # of last year's first two periods the second

    series = pd.Series(
        np.append(values, 1), pd.period_range("2020-01-01", periods=year + 2, freq=freq)
    )
    found = pace(series.iloc[:-1], target=4, periods=2, elapsed=1)

    assert found.profile == "last_year"
    assert found.expected == pytest.approx(1)


@pytest.mark.parametrize(
    "values",
    [
        [5, 5],  # no year before
        [0, 0, 0, 0, 5],  # nothing to share
        [10, -20, 5, 10, 5],  # negative values
        [10, None, 5, 10, 5],  # a gap
    ],
)
def test_without_a_profile_the_target_is_spread_evenly(values):
    found = pace(values, target=100, periods=4, elapsed=1, year_length=4)

    assert (found.profile, found.expected) == ("even", 25)


def test_a_total_longer_than_a_year_has_no_profile():
    assert pace(YEARS, target=1, periods=5, elapsed=1, year_length=4).profile == "even"


def test_no_best_rate_without_as_many_known_periods():
    found = pace([1, None, 3, 4], target=10, periods=3, elapsed=1)

    assert math.isnan(found.best_rate)
    assert math.isnan(found.required_to_best)
    assert math.isnan(pace([4], target=10, periods=3, elapsed=1).best_rate)


def test_a_best_of_zero_or_less_has_no_ratio():
    assert math.isnan(pace([-1, 0, 2], target=5, periods=2, elapsed=1).required_to_best)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": math.nan}, r"target is nan in pace"),
        ({"periods": 0}, r"periods is 0 in pace"),
        ({"elapsed": 5}, r"elapsed is 5 of 4 periods in pace"),
        ({"year_length": 0}, r"year_length is 0 in pace"),
        ({"profile": "season"}, r"profile is 'season' in pace\.\nDid you mean 'seasonal'"),
        ({"direction": "high"}, r"direction is 'high' in pace"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(AnalysisError, match=message):
        pace(YEARS, **{"target": 100, "periods": 4, "elapsed": 2, **arguments})
