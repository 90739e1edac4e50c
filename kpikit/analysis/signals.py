"""Is a change signal or noise? Process behaviour charts.

Convention: Wheeler, D. J. (2000). Understanding variation, 2nd ed.: XmR charts and their rules.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.errors import AnalysisError, unknown_name
from kpikit.series.outlook import Season
from kpikit.series.reading import Floats, SeriesLike, Values, is_count, read_values
from kpikit.series.seasons import autocorrelations, is_seasonal, rounding_of
from kpikit.series.smoothing import line, one_step_path, prefers_logs

Rule = Literal["", "beyond_limit", "near_limit", "one_side"]
Method = Literal["xmr", "forecast_errors", "too_short"]

SIGNAL_COLUMNS = (
    "period", "value", "expected", "lower", "upper", "signal", "rule", "side", "method",
)  # fmt: skip
LEAST_POINTS = 6

Words = npt.NDArray[np.str_]
Chart = dict[str, Any]  # columns of ``signal_table``: arrays, but the index of periods

_LINES = ("expected", "lower", "upper")
_WORD = "U12"  # the longest rule
_LIMIT = 2.66  # 3 / d2, d2 = 1.128 for ranges of two
_RANGE_LIMIT = 3.268  # D4 for ranges of two
_AUTOCORRELATION_Z = 1.96
_TREND_T = 2.6
# a shift among the last points must not pass for the trend or autocorrelation of the process, so
# these do not judge where enough others can
_RECENT, _ENOUGH = 8, 28
# a forecast off by less than this share of the usual move is as good as right: else a straight line
# would give signals while smoothing settles
_SLACK = 0.02


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
        AnalysisError: No moving range is known, a value is no number, or ``scaling`` not above 0.

    References:
        Wheeler, D. J., and Chambers, D. S. (1992). Understanding statistical process control, 2nd
        ed., p. 48. NHS England, "Making data count", for the screening.

    Example:
        >>> process_limits([4, 6, 4, 6]).upper
        10.32
    """
    if not scaling > 0:
        raise AnalysisError(
            f"scaling is {scaling:g} in process_limits.\nGive mean moving ranges above 0: 2.66."
        )
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
    cry wolf; the chart is then of the errors of one-step forecasts (``forecast_errors``: mean of
    Theta and a damped trend, without the season, of logarithms where errors grow with the level),
    drawn back on the scale of the values; the first point, which nothing foretold, has none. A
    stretch of fewer than 6 known points has no limits and no signals (``too_short``).

    A point is a signal (``rule``, the first that applies) when it lies beyond a limit
    (``beyond_limit``); is nearer a limit than the centre, as are 3 of the last 4 points on that
    side (``near_limit``); or ends a run of 8 on one side of the centre (``one_side``). The point
    that completes a rule bears it. Missing values are passed over.

    Tests: season, see ``kpikit.series.seasons``; trend, slope of the regression line beyond 2.6
    standard errors; autocorrelation, lag 1 above 1.96 / sqrt(n). The last two leave out the last 8
    points where 28 remain, so that a recent shift is a signal rather than a trend. Limits of values
    leave the same points out where their mean lies 3 standard errors off that of the others, so
    that the shift does not hide itself.

    Args:
        series: One value per period in time order: a pandas Series (an index of dates or periods
            is checked and gives the season; any other is a label) or a sequence of numbers.
        season_length: Periods per season, 1 for none; from the index if None, none without one.
        changes: Declared changes of the process: the label of the first period of each new one
            (positions for a sequence). Limits are computed afresh from there. The season is that
            of the whole series.
        baseline: Freeze the limits of each stretch on so many of its first points (>= 6), season,
            tests and forecast parameters included; on all its points if None, but for a shift
            among the last.

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
    columns = signal_columns(
        series, season_length=season_length, changes=changes, baseline=baseline
    )
    return pd.DataFrame(columns)


def signal_columns(
    series: SeriesLike,
    *,
    season_length: int | None = None,
    changes: Sequence[object] = (),
    baseline: int | None = None,
) -> Chart:
    """Return the columns of ``signal_table``, for those who need no frame of them."""
    where = "signal_table"
    values = read_values(series, season_length=season_length, where=where, open_end=True)
    if baseline is not None and not (is_count(baseline) and baseline >= LEAST_POINTS):
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
    columns = {name: np.concatenate([part[name] for part in stretches]) for name in stretches[0]}
    for name in _LINES:
        columns[name] = season.restore(columns[name], factors)
    known = {"period": values.labels, "value": values.numbers, "signal": columns["rule"] != ""}
    found = {**known, **columns}
    return {name: found[name] for name in SIGNAL_COLUMNS}


def find_signals(
    values: npt.ArrayLike,
    *,
    centre: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    run_length: int = 8,
    near: tuple[int, int, float] = (3, 4, 0.5),
    slack: float = 0.0,
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
        slack: By how much a point may lie off a line and still be on it, beside rounding.

    Returns:
        One row per value: ``rule`` (empty for none) and ``side`` (``above``, ``below`` or empty).

    Raises:
        AnalysisError: A line has neither one number nor one per value.
    """
    try:
        given = np.asarray(values, dtype=float)
        lines = [np.asarray(line, dtype=float) for line in (centre, lower, upper)]
    except (TypeError, ValueError) as error:
        raise AnalysisError(
            f"find_signals needs numbers: {error}.\nGive a list of them."
        ) from error
    if given.ndim != 1 or any(line.shape not in ((), (1,), given.shape) for line in lines):
        raise AnalysisError(
            f"{given.size} values have lines of {', '.join(str(line.size) for line in lines)} in "
            "find_signals.\nGive each line as one number, or as one per value."
        )
    rule, side = _rules(given, *lines, run_length=run_length, near=near, slack=slack)
    return pd.DataFrame({"rule": rule, "side": side})


def _rules(
    values: Floats,
    *lines: Floats,
    run_length: int = 8,
    near: tuple[int, int, float] = (3, 4, 0.5),
    slack: float = 0.0,
) -> tuple[Words, Words]:
    """Return the rule that each value breaks, and its side: see ``find_signals``."""
    rules, sides = (np.full(len(values), "", dtype=_WORD) for _ in range(2))
    known = np.isfinite(values)
    x, middle, low, high = (part[known] for part in np.broadcast_arrays(values, *lines))
    nothing = max(slack, rounding_of(np.concatenate([x, middle])))
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
    rules[known] = rule
    sides[known] = np.select(
        [(rule != "") & (side > 0), rule != ""], ["above", "below"], default=""
    )
    return rules, sides


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
    padded = np.concatenate([np.zeros(window, dtype=int), sides])
    windows = np.lib.stride_tricks.sliding_window_view(padded, window)[1:]
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


def _judge(plain: Floats, filled: Floats, baseline: int | None, *, has_season: bool) -> Chart:
    """Return the lines, rules and method of one stretch without its season."""
    learned = len(plain) if baseline is None else min(baseline, len(plain))
    base = filled[:learned]
    if np.isfinite(np.diff(plain[:learned])).sum() < LEAST_POINTS - 1:
        method: Method = "too_short"
        none = np.full(len(plain), "", dtype=_WORD)
        lines = dict.fromkeys(_LINES, np.full(len(plain), math.nan))
        return {**lines, "rule": none, "side": none, "method": np.full(len(plain), method)}
    if not has_season and not _is_related(base[: max(len(base) - _RECENT, _ENOUGH)]):
        steady = learned if baseline is not None else _before_shift(base)
        return _chart(plain, np.zeros(len(plain)), steady, method="xmr")
    if not prefers_logs(filled, learned=learned):
        path = one_step_path(plain, filled, learned=learned)
        return _chart(plain, path, learned, method="forecast_errors")
    path = one_step_path(plain, filled, learned=learned, logged=True)
    chart = _chart(np.log(plain), path, learned, method="forecast_errors")
    return {**chart, **{name: np.exp(chart[name]) for name in _LINES}}


def _before_shift(numbers: Floats) -> int:
    """Return how many first points tell the limits: all, or those before a recent shift."""
    before, recent = numbers[:-_RECENT], numbers[-_RECENT:]
    if len(before) < _ENOUGH:
        return len(numbers)
    reach = _LIMIT * _limits(before).mr_bar * math.sqrt(1 / len(before) + 1 / _RECENT)
    has_shifted = abs(float(recent.mean() - before.mean())) > reach + rounding_of(numbers)
    return len(before) if has_shifted else len(numbers)


def _chart(values: Floats, path: Floats, learned: int, *, method: Method) -> Chart:
    """Return the XmR chart of what lies off a path, drawn around it."""
    off = values - path
    limits = _limits(off[:learned])
    slack = _SLACK * _limits(values[:learned]).mr_bar if method == "forecast_errors" else 0.0
    lines = [np.asarray(line) for line in (limits.mean, limits.lower, limits.upper)]
    rule, side = _rules(off, *lines, slack=slack)
    drawn = {name: path + line for name, line in zip(_LINES, lines, strict=True)}
    return {**drawn, "rule": rule, "side": side, "method": np.full(len(values), method)}


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
