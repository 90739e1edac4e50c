"""Is an unfinished period on its way to the target, and what would it take?"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from kpikit.errors import check_choice
from kpikit.params.base import Direction
from kpikit.series.reading import (
    Floats,
    SeriesLike,
    check_count,
    check_elapsed,
    check_target,
    read_values,
)

Profile = Literal["last_year", "seasonal", "even"]

# periods of each grain after which a year repeats: 364 days, so that weekdays meet
_YEARS = {"D": 364, "W": 52, "M": 12, "Q": 4}


@dataclass(frozen=True)
class Pace:
    """How far a total has come, and what is left to do.

    Attributes:
        target: The total aimed at.
        actual: Sum of what has come.
        expected: What the target and the profile ask for by now.
        delta_abs: Actual less expected; ``delta_rel`` relative to it, NaN unless it is above zero.
        delta_rel: See there.
        profile: How the target was spread: ``last_year``, ``seasonal`` or ``even``.
        remaining: Periods to come.
        required_rate: What each of them must bring (or, for ``down``, may), on average; below zero
            where the target is passed; NaN where none remains.
        best_rate: Best average of as many periods in a row as remain, of all before this total:
            the highest for ``up``, the lowest for ``down``; NaN where the history is shorter.
        required_to_best: Required over best rate; NaN unless the best is above zero.
        table: One row per period of the total: ``step`` (1 to n), ``actual`` (NaN to come),
            ``cumulative`` (of the actual), ``expected`` (cumulative, the last is the target).
    """

    target: float
    actual: float
    expected: float
    delta_abs: float
    delta_rel: float
    profile: Profile
    remaining: int
    required_rate: float
    best_rate: float
    required_to_best: float
    table: pd.DataFrame


def pace(
    series: SeriesLike,
    *,
    target: float,
    periods: int,
    elapsed: int,
    year_length: int | None = None,
    profile: Profile | None = None,
    direction: Direction = "up",
) -> Pace:
    """Return whether a total is on its way, by how such totals grew before.

    The target is spread over its periods as the same periods of last year shared theirs, or as
    those of all years before did on average (``seasonal``), or evenly. A profile needs those years
    whole and every cumulative share between 0 and 1; where it cannot be had, an even one takes its
    place and ``profile`` says so.

    Args:
        series: One value per period in time order (a flow: money, orders; not a rate or a stock),
            whose last ``elapsed`` values have come of the total. An index of dates or periods is
            checked; any other is a label.
        target: The total aimed at.
        periods: Periods of the total (>= 1): 3 months of a quarter, its days or weeks.
        elapsed: How many of them have come (0 to ``periods``).
        year_length: Periods after which a year repeats: 12 months, 52 weeks, 364 days; from the
            index if None, and without one no profile but the even one.
        profile: Which profile; last year's if None.
        direction: Which way is good.

    Raises:
        AnalysisError: The series cannot be read, or an argument is out of range.

    Example:
        >>> found = pace([10, 30, 10, 30, 20], target=80, periods=2, elapsed=1, year_length=2)
        >>> found.expected, found.required_rate, found.best_rate
        (20.0, 60.0, 30.0)
    """
    check_choice("direction", direction, ("up", "down"), "pace")
    if profile is not None:
        check_choice("profile", profile, get_args(Profile), "pace")
    check_target(target, "pace")
    values = read_values(series, season_length=1, where="pace")
    check_count("periods", periods, "pace")
    if year_length is not None:
        check_count("year_length", year_length, "pace")
    check_elapsed(elapsed, periods, values, "pace")
    split = len(values.numbers) - elapsed
    before, came = values.numbers[:split], values.numbers[split:]
    year = _year_of(values.labels) if year_length is None else year_length
    chosen, shares = _shares(before, periods, year, profile or "last_year")
    actual, remaining = float(came.sum()), periods - elapsed
    expected = target * float(shares[elapsed - 1]) if elapsed else 0.0
    required = (target - actual) / remaining if remaining else math.nan
    best = _best(before, remaining, direction)
    return Pace(
        target=target,
        actual=actual,
        expected=expected,
        delta_abs=actual - expected,
        delta_rel=_ratio(actual - expected, expected),
        profile=chosen,
        remaining=remaining,
        required_rate=required,
        best_rate=best,
        required_to_best=_ratio(required, best),
        table=_table(came, target * shares),
    )


def _shares(
    before: Floats, periods: int, year: int | None, profile: Profile
) -> tuple[Profile, Floats]:
    """Return the profile that can be had, and the cumulative share of each period."""
    even = np.arange(1, periods + 1) / periods
    if profile == "even" or year is None:
        return "even", even
    starts = range(len(before) - year, -1, -year)
    years = [_cumulative_shares(before[start : start + periods]) for start in starts]
    wanted = years[:1] if profile == "last_year" else years
    if periods > year or not wanted or any(shares is None for shares in wanted):
        return "even", even
    return profile, np.mean([shares for shares in wanted if shares is not None], axis=0)


def _cumulative_shares(values: Floats) -> Floats | None:
    """Return the shares of a total by each of its periods; None where they are none."""
    total = values.sum()
    if not total > 0:  # NaN too
        return None
    shares = np.cumsum(values) / total
    return shares if ((shares >= 0) & (shares <= 1 + 1e-9)).all() else None


def _best(before: Floats, length: int, direction: Direction) -> float:
    if not 0 < length <= len(before):
        return math.nan
    rates = np.lib.stride_tricks.sliding_window_view(before, length).mean(axis=1)
    rates = rates[np.isfinite(rates)]
    if not len(rates):
        return math.nan
    return float(rates.max() if direction == "up" else rates.min())


def _table(came: Floats, expected: Floats) -> pd.DataFrame:
    actual = np.full(len(expected), math.nan)
    actual[: len(came)] = came
    return pd.DataFrame(
        {
            "step": np.arange(1, len(expected) + 1),
            "actual": actual,
            "cumulative": np.cumsum(actual),
            "expected": expected,
        }
    )


def _year_of(labels: pd.Index) -> int | None:
    return _YEARS.get(labels.freqstr[0]) if isinstance(labels, pd.PeriodIndex) else None


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
