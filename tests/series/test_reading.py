"""What counts as a series, which season its index tells, and what is refused."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from kpikit.errors import AnalysisError
from kpikit.series.reading import check_elapsed, check_target, following_labels, read_values

MONTHS = pd.period_range("2025-11", periods=4, freq="M")


def read(series, *, season_length=None, open_end=False):
    return read_values(series, season_length=season_length, where="here", open_end=open_end)


@pytest.mark.parametrize(
    "series",
    [
        [1, 2.5, Decimal("4")],
        (1, 2.5, 4),
        np.array([1, 2.5, 4]),
        pd.Series([1, 2.5, 4]),
        pd.Series([1, 2.5, 4], dtype="Float64"),
    ],
)
def test_any_sequence_of_numbers_is_a_series(series):
    values = read(series)

    assert values.numbers.tolist() == [1.0, 2.5, 4.0]
    assert list(values.labels) == [0, 1, 2]
    assert values.season_length == 1


@pytest.mark.parametrize(
    ("index", "season_length"),
    [
        (pd.period_range("2025-11", periods=3, freq="M"), 12),
        (pd.date_range("2025-11-01", periods=3, freq="MS"), 12),
        (pd.date_range("2025-11-30", periods=3, freq="ME"), 12),
        (pd.date_range("2025-11-01", periods=3, freq="D", tz="Europe/London"), 7),
        (pd.date_range("2025-11-05", periods=3, freq="7D"), 52),
        (pd.period_range("2025Q1", periods=3, freq="Q-MAR"), 4),
        (pd.date_range("2020-01-01", periods=3, freq="YS"), 1),
        (pd.period_range("2025-11-01", periods=3, freq="h"), 24),
        (["2025-11", "2025-12", "2026-01"], 1),
        (pd.to_datetime(["2025-11-01", "2025-11-04", "2026-05-01"]), 1),
    ],
)
def test_the_season_comes_from_the_index(index, season_length):
    assert read(pd.Series([1, 2, 3], index)).season_length == season_length


def test_a_given_season_wins_over_the_index():
    assert read(pd.Series([1, 2, 3, 4], MONTHS), season_length=6).season_length == 6


def test_weeks_begin_on_the_weekday_of_the_first_date():
    values = read(pd.Series([1, 2], pd.to_datetime(["2026-07-01", "2026-07-08"])))

    assert [period.start_time.date() for period in values.labels] == [
        dt.date(2026, 7, 1),
        dt.date(2026, 7, 8),
    ]


def test_periods_that_are_skipped_are_gaps_and_filled_for_models_alone():
    values = read(pd.Series([1, 2, 6], MONTHS.delete(2)))

    assert [str(label) for label in values.labels] == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert np.array_equal(values.numbers, [1, 2, np.nan, 6], equal_nan=True)
    assert values.filled.tolist() == [1, 2, 4, 6]


def test_missing_values_at_the_start_are_left_out():
    values = read(pd.Series([None, None, 3, 4], MONTHS))

    assert [str(label) for label in values.labels] == ["2026-01", "2026-02"]
    assert values.numbers.tolist() == [3, 4]


def test_an_open_end_is_kept_where_it_may_be():
    values = read([1, 2, None], open_end=True)

    assert np.array_equal(values.numbers, [1, 2, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (5, r"series is not one-dimensional in here\.\nGive one column, such as frame\['value'\]"),
        (None, "not one-dimensional"),
        (pd.DataFrame({"value": [1]}), "not one-dimensional"),
        ([], r"series has no value in here\.\nGive at least one number"),
        ([None, float("nan")], "has no value"),
        (["1", "2"], r"values that are no numbers in here\.\nGive numbers"),
        ([True, False], "no numbers"),
        (pd.Series([True, False]), "no numbers"),
        (["a"], "no numbers"),
        (pd.Series(pd.to_datetime(["2026-01-01"])), "no numbers"),
        ([1, float("inf")], r"infinite values in here\.\nGive NaN where a value is unknown"),
        ([1, -1e200], r"values beyond 1e\+150 in here\.\nGive them in a greater unit"),
        (pd.Series([1, 2, 3, 4], MONTHS[::-1]), r"not in time order, .* in here\.\nSort it"),
        (pd.Series([1, 2], MONTHS[[0, 0]]), "one value per period"),
        (pd.Series([1, 2], pd.to_datetime(["2026-01-01", None])), "not in time order"),
        (pd.Series([1, None], MONTHS[:2]), r"ends in a gap \(2025-12\) in here\.\nGive it up to"),
    ],
)
def test_what_is_no_series_is_refused(series, message):
    with pytest.raises(AnalysisError, match=message):
        read(series)


@pytest.mark.parametrize("season_length", [0, -4, 1.5, True, "12", float("nan")])
def test_a_season_is_a_whole_number_of_periods(season_length):
    with pytest.raises(AnalysisError, match=r"season_length is .* in here\.\nGive periods"):
        read([1, 2], season_length=season_length)


@pytest.mark.parametrize(
    ("labels", "following"),
    [
        (MONTHS, ["2026-03", "2026-04"]),
        (pd.RangeIndex(3), ["3", "4"]),
        (pd.Index([2024, 2025]), ["2026", "2027"]),
        (pd.Index(["a", "b"]), ["1", "2"]),
    ],
)
def test_labels_go_on(labels, following):
    assert [str(label) for label in following_labels(labels, 2)] == following


@pytest.mark.parametrize("target", [None, float("nan"), float("inf"), "5", True])
def test_a_target_is_a_number(target):
    with pytest.raises(AnalysisError, match=r"target is .* in here\.\nGive a number"):
        check_target(target, "here")


@pytest.mark.parametrize("elapsed", [-1, 4, 1.5])
def test_elapsed_periods_are_some_of_the_total(elapsed):
    values = read([1, 2, 3, 4, 5])

    with pytest.raises(AnalysisError, match=r"(?s)elapsed is .* of 3 periods in here.*0 to 3"):
        check_elapsed(elapsed, 3, values, "here")


def test_elapsed_periods_are_in_the_series_and_known():
    with pytest.raises(AnalysisError, match=r"the series has 2 values\.\n.*0 to 2"):
        check_elapsed(3, 3, read([1, 2]), "here")
    with pytest.raises(AnalysisError, match=r"A value of the 2 elapsed periods is missing in here"):
        check_elapsed(2, 3, read([1, None, 3]), "here")
