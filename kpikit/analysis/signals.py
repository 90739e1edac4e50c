"""Is a change signal or noise? Process behaviour charts, and a target against the process.

Conventions: Wheeler, D. J. (2000). Understanding variation, 2nd ed.: XmR charts and their rules;
NHS England, "Making data count": variation and assurance.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.errors import AnalysisError, check_choice, unknown_name
from kpikit.params.base import Direction
from kpikit.series.outlook import Season
from kpikit.series.reading import Floats, SeriesLike, Values, read_values
from kpikit.series.seasons import autocorrelations, is_seasonal, rounding_of
from kpikit.series.smoothing import line, one_step_path

Rule = Literal["", "beyond_limit", "near_limit", "one_side"]
Method = Literal["xmr", "forecast_errors", "too_short"]
Variation = Literal["routine", "improvement", "concern", "no_data"]
Assurance = Literal["reliably_hit", "reliably_missed", "hit_or_miss", "no_data"]

SIGNAL_COLUMNS = (
    "period", "value", "expected", "lower", "upper", "signal", "rule", "side", "method",
)  # fmt: skip
# share of points flagged where nothing happened, as benchmarks/signals.py measures it: noise around
# a constant for raw limits; for forecast errors the last points of real series, at most
FALSE_ALARM_RATES = {"xmr": 0.01, "forecast_errors": 0.05, "too_short": 0.0}
LEAST_POINTS = 6

_LIMIT = 2.66  # 3 / d2, d2 = 1.128 for ranges of two
_RANGE_LIMIT = 3.268  # D4 for ranges of two
_AUTOCORRELATION_Z = 1.96
_TREND_T = 2.6
# a shift among the last points must not pass for the trend or autocorrelation of the process, so
# these do not judge where enough others can
_RECENT, _ENOUGH = 8, 28


@dataclass(frozen=True)
class ProcessLimits:
    """The natural process limits of an XmR chart, in the values' own unit.

    Attributes:
        mean: Centre line.
        mr_bar: Mean moving range.
        lower: Mean less 2.66 mean moving ranges.
        upper: Mean plus as much.
        range_upper: 3.268 mean moving ranges, the limit of a moving range.
    """

    mean: float
    mr_bar: float
    lower: float
    upper: float
    range_upper: float


_NO_LIMITS = ProcessLimits(*[math.nan] * 5)


def process_limits(
    values: SeriesLike, *, scaling: float = _LIMIT, screen_ranges: bool = False
) -> ProcessLimits:
    """Return the limits within which a process of this routine variation stays.

    Variation is told by the moving ranges, never by the standard deviation of all values, which
    the very signals looked for would widen. Limits may lie below zero: cut them where they are
    shown. A missing value counts for nothing, and no range spans it.

    Args:
        values: One per period, in time order, at least two neighbours known.
        scaling: Mean moving ranges from the mean to a limit: 2.66, or 3 / 1.128 unrounded.
        screen_ranges: Whether moving ranges beyond their limit are left out, once, so that few
            leaps do not widen the limits.

    Raises:
        AnalysisError: No moving range is known, or a value is no number.

    References:
        Wheeler, D. J., and Chambers, D. S. (1992). Understanding statistical process control, 2nd
        ed., p. 48. NHS England, "Making data count", for the screening.

    Example:
        >>> process_limits([4, 6, 4, 6]).upper
        10.32
    """
    found = read_values(values, season_length=1, where="process_limits", open_end=True).numbers
    if not np.isfinite(np.diff(found)).any():
        raise AnalysisError(
            "values have no moving range in process_limits.\nGive at least two neighbours."
        )
    return _limits(found, scaling=scaling, screen_ranges=screen_ranges)


def signal_table(
    series: SeriesLike,
    *,
    season_length: int | None = None,
    changes: Sequence[object] = (),
    baseline: int | None = None,
) -> pd.DataFrame:
    """Return each point with what was expected of it, its limits, and whether it is a signal.

    Limits are those of an XmR chart of the values (``method`` ``xmr``) only where they show neither
    season, trend nor autocorrelation. Elsewhere neighbours resemble one another and such limits
    cry wolf; the chart is then of the errors of one-step forecasts (``forecast_errors``: mean
    of Theta and a damped trend, without the season), drawn back on the scale of the values. A
    stretch of fewer than 6 known points has no limits and no signals (``too_short``).

    A point is a signal (``rule``, the first that applies) when it lies beyond a limit
    (``beyond_limit``); is nearer a limit than the centre, as are 3 of the last 4 points on that
    side (``near_limit``); or ends a run of 8 on one side of the centre (``one_side``). The point
    that completes a rule bears it. Missing values are passed over.

    Tests: season, see ``kpikit.series.seasons``; trend, slope of the regression line beyond 2.6
    standard errors; autocorrelation, lag 1 above 1.96 / sqrt(n). The last two leave out the last 8
    points where 28 remain, so that a recent shift is a signal rather than a trend.

    Args:
        series: One value per period in time order: a pandas Series (an index of dates or periods
            is checked and gives the season; any other is a label) or a sequence of numbers.
        season_length: Periods per season, 1 for none; from the index if None, none without one.
        changes: Declared changes of the process: the label of the first period of each new one
            (positions for a sequence). Limits are computed afresh from there. The season is that
            of the whole series.
        baseline: Freeze the limits of each stretch on so many of its first points (>= 6), season,
            tests and forecast parameters included; on all its points if None.

    Returns:
        One row per period: ``period`` (label), ``value``, ``expected``, ``lower``, ``upper`` (NaN
        where there are none), ``signal`` (true or false), ``rule`` (empty for none), ``side``
        (``above``, ``below`` the expected, or empty; of signals alone), ``method``.

    Raises:
        AnalysisError: The series cannot be read, ``baseline`` is too small.
        UnknownNameError: A change is no period of the series.

    References:
        Wheeler, D. J. (2000). Understanding variation, 2nd ed.: limits and the three rules.
        Alwan, L. C., and Roberts, H. V. (1988). Time-series modeling for statistical process
        control. Journal of Business & Economic Statistics 6, 87-95: charts of forecast errors.
    """
    where = "signal_table"
    values = read_values(series, season_length=season_length, where=where, open_end=True)
    if baseline is not None and (isinstance(baseline, bool) or baseline < LEAST_POINTS):
        raise AnalysisError(
            f"baseline is {baseline} in {where}.\nGive at least {LEAST_POINTS} points, or None."
        )
    count = len(values.numbers)
    starts = _starts(values, changes, where)
    season, factors = _season(values, starts, baseline)
    plain = season.remove(values.numbers, factors)
    filled = season.remove(values.filled, factors)
    stretches = [
        _judge(plain[start:end], filled[start:end], baseline, has_season=season.length > 1)
        for start, end in zip(starts, [*starts[1:], count], strict=True)
    ]
    table = pd.concat(stretches, ignore_index=True)
    for name in ("expected", "lower", "upper"):
        table[name] = season.restore(table[name].to_numpy(), factors)
    table = table.assign(period=values.labels, value=values.numbers, signal=table["rule"] != "")
    return table[list(SIGNAL_COLUMNS)]


def find_signals(
    values: npt.ArrayLike,
    *,
    centre: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    run_length: int = 8,
    near: tuple[int, int, float] = (3, 4, 0.5),
) -> pd.DataFrame:
    """Return the rule that each point breaks; see ``signal_table`` for the rules.

    Args:
        values: In time order; NaN is passed over.
        centre: Centre line: one for all points or one each, as the limits.
        lower: Lower limit.
        upper: Upper limit.
        run_length: Points on one side that make a run (Wheeler: 8).
        near: How many of how many points must lie beyond which share of the way from the centre to
            a limit: Wheeler's ``(3, 4, 1/2)``; Western Electric and the NHS use ``(2, 3, 2/3)``.

    Returns:
        One row per value: ``rule`` (empty for none) and ``side`` (``above``, ``below`` or empty).
    """
    given = np.asarray(values, dtype=float)
    shape = np.broadcast_arrays(
        given, *(np.asarray(line, dtype=float) for line in (centre, lower, upper))
    )
    known = np.isfinite(given)
    x, middle, low, high = (part[known] for part in shape)
    nothing = rounding_of(np.concatenate([x, middle]))
    off = x - middle
    side = np.where(np.abs(off) <= nothing, 0, np.sign(off)).astype(int)
    beyond = (x > high + nothing) | (x < low - nothing)
    hits, window, share = near
    is_near = (off > share * (high - middle) + nothing) | (-off > share * (middle - low) + nothing)
    near_limit = is_near & (_count_same(np.where(is_near, side, 0), window) >= hits)
    one_side = (side != 0) & (_count_same(side, run_length) == run_length)
    rule = np.select(
        [beyond, near_limit, one_side], ["beyond_limit", "near_limit", "one_side"], default=""
    )
    table = pd.DataFrame({"rule": "", "side": ""}, index=range(len(given)))
    words = np.select([(rule != "") & (side > 0), rule != ""], ["above", "below"], default="")
    table.loc[known, "rule"], table.loc[known, "side"] = rule, words
    return table


def variation(table: pd.DataFrame, *, direction: Direction = "up", last: int = 1) -> Variation:
    """Return what the latest points say: routine, improvement or concern.

    Args:
        table: From ``signal_table``.
        direction: Which way is good.
        last: How many last points are looked at (a quarter's three months); the latest signal
            among them decides.

    Returns:
        ``routine`` without a signal; ``improvement`` where the signal lies on the good side,
        ``concern`` where it lies on the other; ``no_data`` where none of the points has limits.
    """
    check_choice("direction", direction, ("up", "down"), "variation")
    points = table.tail(last)
    if not (points["lower"].notna() & points["value"].notna()).any():
        return "no_data"
    signals = points[points["signal"]]
    if signals.empty:
        return "routine"
    is_good = signals["side"].iloc[-1] == ("above" if direction == "up" else "below")
    return "improvement" if is_good else "concern"


def assurance(table: pd.DataFrame, *, target: float, direction: Direction = "up") -> Assurance:
    """Return whether the process, left as it is, hits a target of one period.

    Args:
        table: From ``signal_table``: the limits of its last point count.
        target: For one period of the series (never a quarter's against months); NaN for none.
        direction: Which way is good.

    Returns:
        As ``assurance_of``.
    """
    final = table.iloc[-1]
    return assurance_of(final["lower"], final["upper"], target=target, direction=direction)


def assurance_of(
    lower: float, upper: float, *, target: float, direction: Direction = "up"
) -> Assurance:
    """Return whether a process within these limits hits a target.

    Args:
        lower: Lower process limit.
        upper: Upper process limit.
        target: In the same unit.
        direction: Which way is good.

    Returns:
        ``reliably_hit`` where both limits lie on the good side of the target, ``reliably_missed``
        where both lie on the other, ``hit_or_miss`` where it lies between them or on one;
        ``no_data`` where a limit or the target is unknown.

    References:
        NHS England, "Making data count": assurance.

    Example:
        >>> assurance_of(3, 10, target=12), assurance_of(3, 10, target=12, direction="down")
        ('reliably_missed', 'reliably_hit')
    """
    check_choice("direction", direction, ("up", "down"), "assurance_of")
    if not all(math.isfinite(number) for number in (lower, upper, target)):
        return "no_data"
    if lower <= target <= upper:
        return "hit_or_miss"
    return "reliably_hit" if (target < lower) == (direction == "up") else "reliably_missed"


def expected_false_signals(tables: Iterable[pd.DataFrame], *, last: int = 1) -> float:
    """Return how many of the points looked at would be signals although nothing happened.

    Args:
        tables: From ``signal_table``, one per KPI of a scorecard.
        last: How many last points of each are looked at.

    Returns:
        The sum of ``FALSE_ALARM_RATES`` over all points with a value: 1 % where limits are raw, at
        most 5 % where they are of forecast errors.
    """
    points = [table[table["value"].notna()].tail(last) for table in tables]
    return float(sum(point["method"].map(FALSE_ALARM_RATES).sum() for point in points))


def _limits(
    values: Floats, *, scaling: float = _LIMIT, screen_ranges: bool = False
) -> ProcessLimits:
    ranges = np.abs(np.diff(values))
    ranges = ranges[np.isfinite(ranges)]
    mean, mr_bar = float(np.nanmean(values)), float(ranges.mean())
    if screen_ranges:
        mr_bar = float(ranges[ranges <= _RANGE_LIMIT * mr_bar].mean())
    return ProcessLimits(
        mean=mean,
        mr_bar=mr_bar,
        lower=mean - scaling * mr_bar,
        upper=mean + scaling * mr_bar,
        range_upper=_RANGE_LIMIT * mr_bar,
    )


def _count_same(sides: npt.NDArray[np.int64], window: int) -> npt.NDArray[np.int64]:
    """Return how many of the last ``window`` points, each included, are on its own side."""
    padded = np.concatenate([np.zeros(window - 1, dtype=int), sides])
    windows = np.lib.stride_tricks.sliding_window_view(padded, window)
    return np.asarray((windows == sides[:, None]).sum(axis=1))


def _starts(values: Values, changes: Sequence[object], where: str) -> list[int]:
    """Return the first place of each stretch."""
    names = [str(label) for label in values.labels]
    starts = {0}
    for change in changes:
        name = _period_name(change, values.labels)
        if name not in names:
            raise unknown_name("change", str(change), where, names)
        starts.add(names.index(name))
    return sorted(starts)


def _period_name(change: object, labels: pd.Index) -> str:
    if not isinstance(labels, pd.PeriodIndex):
        return str(change)
    try:
        return str(pd.Period(str(change), freq=labels.freqstr))
    except ValueError:  # no date at all
        return str(change)


def _season(values: Values, starts: list[int], baseline: int | None) -> tuple[Season, Floats]:
    """Return the season of the series, its levels aligned between changes, and every factor."""
    learned = len(values.numbers) if baseline is None or len(starts) > 1 else baseline
    filled = values.filled[:learned]
    levelled = np.concatenate([part - part.mean() for part in np.split(filled, starts[1:])])
    if not is_seasonal(levelled, values.season_length):
        return Season(), np.zeros(len(values.numbers))
    season = Season(values.season_length, multiplicative=bool((filled > 0).all()))
    [factors] = season.factors(filled, np.array([len(filled)]))
    return season, np.resize(factors, len(values.numbers))


def _judge(
    plain: Floats, filled: Floats, baseline: int | None, *, has_season: bool
) -> pd.DataFrame:
    """Return the lines, rules and method of one stretch without its season."""
    learned = len(plain) if baseline is None else min(baseline, len(plain))
    base = filled[:learned]
    if np.isfinite(np.diff(plain[:learned])).sum() < LEAST_POINTS - 1:
        method: Method = "too_short"
        path = np.full(len(plain), math.nan)
    elif has_season or _is_related(base[: max(len(base) - _RECENT, _ENOUGH)]):
        method, path = "forecast_errors", one_step_path(plain, filled, learned=learned)
    else:
        method, path = "xmr", np.zeros(len(plain))
    off = plain - path
    limits = _NO_LIMITS if method == "too_short" else _limits(off[:learned])
    found = find_signals(off, centre=limits.mean, lower=limits.lower, upper=limits.upper)
    return found.assign(
        expected=path + limits.mean,
        lower=path + limits.lower,
        upper=path + limits.upper,
        method=method,
    )


def _is_related(numbers: Floats) -> bool:
    """Tell whether neighbours resemble one another: by a trend, or by autocorrelation."""
    return _has_trend(numbers) or _is_autocorrelated(numbers)


def _has_trend(numbers: Floats) -> bool:
    count = len(numbers)
    at_first, slope = (float(part[0]) for part in line(numbers[None], np.array([count])))
    place = np.arange(count)
    rest = numbers - at_first - slope * place
    error = math.sqrt(float(rest @ rest) / (count - 2) / float(((place - place.mean()) ** 2).sum()))
    return abs(slope) > _TREND_T * error + rounding_of(numbers)


def _is_autocorrelated(numbers: Floats) -> bool:
    return bool(autocorrelations(numbers, 1)[0] > _AUTOCORRELATION_Z / math.sqrt(len(numbers)))
