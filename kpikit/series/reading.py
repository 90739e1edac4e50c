"""From what a caller has to the numbers of a series, or to a clear refusal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.errors import AnalysisError

Floats = npt.NDArray[np.float64]
SeriesLike = pd.Series | Sequence[float] | npt.NDArray[np.generic]

# how many periods make a season, by the first letter of a pandas frequency
_SEASONS = {"Y": 1, "A": 1, "Q": 4, "M": 12, "W": 52, "B": 5, "D": 7, "h": 24}
# the grain whose periods lie this many days apart (least and greatest) from start to start
_GRAINS = (("D", 1, 1), ("W", 7, 7), ("M", 28, 31), ("Q", 90, 92), ("Y", 365, 366))


_GREATEST = 1e150  # the square of more is no number


@dataclass(frozen=True)
class Values:
    """The numbers of a series, one per period, in time order.

    Attributes:
        labels: What the caller calls each period: the series' own index, or 0, 1, 2 ...
        numbers: One per label; NaN where missing.
        season_length: Periods per season; 1 where none is known.
    """

    labels: pd.Index
    numbers: Floats
    season_length: int

    @property
    def filled(self) -> Floats:
        """The numbers with inner gaps filled on a straight line, for models alone."""
        known = np.isfinite(self.numbers)
        if known.all():
            return self.numbers
        places = np.arange(len(self.numbers))
        return np.interp(places, places[known], self.numbers[known])


def read_values(
    series: SeriesLike, *, season_length: int | None, where: str, open_end: bool = False
) -> Values:
    """Return the numbers of a series, checked.

    A series with dates or periods as its index must ascend without repeats; periods that it skips
    are gaps (NaN), and its grain gives the season (day 7, week 52, month 12, quarter 4) where none
    is given. Any other index is a mere label, and the order is the one given; the season is then
    unknown and taken as none. Missing values before the first known one are left out.

    Args:
        series: A pandas Series, or any sequence of numbers.
        season_length: Periods per season (1 for none); from the index if None.
        where: The public function, for messages.
        open_end: Whether the last value may be missing.

    Raises:
        AnalysisError: Not one-dimensional, not numeric, infinite or beyond 1e150, empty, out of
            order, ending in a gap, or ``season_length`` is no whole number of at least 1.
    """
    if np.ndim(series) != 1:
        raise AnalysisError(
            f"series is not one-dimensional in {where}.\nGive one column, such as frame['value']."
        )
    given = series if isinstance(series, pd.Series) else pd.Series(list(series), dtype=object)
    labels, numbers = given.index, _as_floats(given, where)
    if isinstance(labels, pd.DatetimeIndex | pd.PeriodIndex):
        labels, numbers = _in_periods(labels, numbers, where)
    known = np.flatnonzero(np.isfinite(numbers))
    if not len(known):
        raise AnalysisError(f"series has no value in {where}.\nGive at least one number.")
    labels, numbers = labels[known[0] :], numbers[known[0] :]
    if math.isnan(numbers[-1]) and not open_end:
        raise AnalysisError(
            f"series ends in a gap ({labels[-1]}) in {where}.\nGive it up to its last known value."
        )
    season = _season_of(labels) if season_length is None else season_length
    if not is_count(season):
        raise AnalysisError(
            f"season_length is {season_length} in {where}.\n"
            f"Give periods per season: 12 for months of a year, 1 for no season."
        )
    return Values(labels, numbers, season)


def following_labels(labels: pd.Index, count: int) -> pd.Index:
    """Return the labels of the ``count`` periods after a series.

    Dates and periods go on by their grain; whole numbers go on counting; after any other label
    come 1, 2, 3 ..., the steps ahead.
    """
    if isinstance(labels, pd.PeriodIndex):
        return labels[-1] + 1 + pd.RangeIndex(count)
    if pd.api.types.is_integer_dtype(labels):
        return pd.RangeIndex(labels[-1] + 1, labels[-1] + 1 + count)
    return pd.RangeIndex(1, count + 1)


def is_count(value: object) -> bool:
    """Tell whether a value is a whole number of at least 1."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 1


def check_target(target: object, where: str) -> None:
    """Raise unless a target is a finite number."""
    if (
        isinstance(target, bool)
        or not isinstance(target, int | float | np.number)
        or not math.isfinite(target)
    ):
        raise AnalysisError(
            f"target is {target} in {where}.\nGive a number, or ask only where there is a target."
        )


def check_count(name: str, value: int, where: str) -> None:
    """Raise unless a value is a whole number of at least 1."""
    if not is_count(value):
        raise AnalysisError(f"{name} is {value} in {where}.\nGive a whole number of at least 1.")


def check_elapsed(elapsed: int, periods: int, values: Values, where: str) -> None:
    """Raise unless the last ``elapsed`` values of a series can be the first of a total."""
    known = len(values.numbers)
    if elapsed not in range(periods + 1) or elapsed > known:
        raise AnalysisError(
            f"elapsed is {elapsed} of {periods} periods in {where}, and the series has {known} "
            f"values.\nGive how many of the periods have come: 0 to {min(periods, known)}."
        )
    if elapsed and np.isnan(values.numbers[-elapsed:]).any():
        raise AnalysisError(
            f"A value of the {elapsed} elapsed periods is missing in {where}.\n"
            f"Give it: what has come of a total is never guessed."
        )


def _as_floats(given: pd.Series, where: str) -> Floats:
    is_plain = given.dtype == np.float64  # as most are
    numbers = given.to_numpy() if is_plain else _converted(given, where)
    if np.isinf(numbers).any():
        raise AnalysisError(
            f"series has infinite values in {where}.\nGive NaN where a value is unknown."
        )
    if (np.abs(numbers) > _GREATEST).any():  # NaN is not
        raise AnalysisError(
            f"series has values beyond {_GREATEST:g} in {where}.\nGive them in a greater unit."
        )
    return numbers


def _converted(given: pd.Series, where: str) -> Floats:
    """Return values of another type as numbers, missing ones as NaN."""
    wrong = given.dtype.kind in "mMb"  # times would turn into their units, truths into 0 and 1
    try:
        numbers = np.asarray(given.to_numpy(dtype=float, na_value=math.nan), dtype=float)
    except (TypeError, ValueError):
        wrong = True
    if wrong or (given.dtype.kind == "O" and any(isinstance(one, str | bool) for one in given)):
        raise AnalysisError(f"series has values that are no numbers in {where}.\nGive numbers.")
    return numbers


def _in_periods(
    index: pd.DatetimeIndex | pd.PeriodIndex, numbers: Floats, where: str
) -> tuple[pd.Index, Floats]:
    """Return the series by consecutive periods, those that it skips as NaN."""
    if not index.is_monotonic_increasing or not index.is_unique or index.hasnans:
        raise AnalysisError(
            f"series is not in time order, one value per period, in {where}.\n"
            f"Sort it by its index and leave no period twice."
        )
    if isinstance(index, pd.DatetimeIndex):
        grain = _grain_of(index)
        if grain is None:
            return index, numbers
        index = index.tz_localize(None).to_period(grain)
    periods = pd.PeriodIndex(index)
    whole = pd.period_range(periods[0], periods[-1], freq=periods.freq)
    filled = pd.Series(numbers, index=periods).reindex(whole)
    return whole, np.asarray(filled, dtype=np.float64)


def _grain_of(index: pd.DatetimeIndex) -> str | None:
    """Return the grain whose periods the dates begin, or None where they begin none."""
    days = np.diff(index.to_numpy()) / np.timedelta64(1, "D")
    for grain, least, most in _GRAINS:
        if len(days) and least <= days.min() <= most:
            # weeks begin on the weekday of the first date
            name = f"W-{(index[0] - pd.Timedelta(days=1)):%a}".upper() if grain == "W" else grain
            periods = index.tz_localize(None).to_period(name)
            return name if periods.is_unique else None
    return None


def _season_of(index: pd.Index) -> int:
    return _SEASONS.get(index.freqstr[0], 1) if isinstance(index, pd.PeriodIndex) else 1
