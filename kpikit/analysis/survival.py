"""How long subscriptions live, and why they end."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.catalogue.relations import MISSING_SEGMENT
from kpikit.catalogue.spells import paid_spells
from kpikit.engine import fetch, local_date, utc_bounds
from kpikit.errors import AnalysisError, check_choice
from kpikit.intervals import Floats, normal_quantile
from kpikit.periods import as_date

Transform = Literal["log-log", "log", "plain"]
LifetimeUnit = Literal["months", "days"]


def survival_table(
    durations: npt.ArrayLike,
    ended: npt.ArrayLike,
    *,
    transform: Transform = "log-log",
    confidence: float = 0.95,
    counts: npt.ArrayLike | None = None,
    every_time: bool = False,
) -> pd.DataFrame:
    """Return the Kaplan-Meier estimate of the share that lives beyond each time.

    Whoever is observed up to a time at which others end is at risk at that time. The interval is
    pointwise, from Greenwood's variance under a transform: ``log-log`` (default; stays within 0 and
    1), ``log`` (R's default) or ``plain``, the last two cut at 0 and 1.

    Edge rules: while nobody has ended, the estimate and both ends are 1. Once everybody at risk
    has, the estimate is 0 and Greenwood's variance undefined, so both ends are missing. Where
    nobody ends at all there is no row (but see ``every_time``). An end at time 0 counts.

    Args:
        durations: Time observed, per unit (>= 0, any unit of time).
        ended: Whether it ended then (true or 1), or was still alive when last seen (false or 0).
        transform: On which scale the interval is symmetric.
        confidence: Confidence level, 0 to 1.
        counts: How many units each pair stands for (whole numbers); 1 if None.
        every_time: Whether times at which units are only last seen have a row too.

    Returns:
        One row per time with an end, sorted: ``time``, ``at_risk`` and ``events`` (units),
        ``survival``, ``ci_low``, ``ci_high`` (shares, 0 to 1), ``std_err`` (Greenwood).

    Raises:
        AnalysisError: A duration is missing or negative, ``ended`` is neither true nor false, the
            lengths differ, a count is no whole number, ``transform`` or ``confidence`` is wrong.

    References:
        Kaplan, E. L., and Meier, P. (1958). JASA 53, 457-481. Greenwood, M. (1926), for the
        variance. Kalbfleisch, J. D., and Prentice, R. L. (1980), section 1.3, for the log-log
        transform. R's survival::survfit names the transforms alike (``conf.type``).

    Example:
        >>> survival_table([2, 3, 3, 5], [1, 1, 0, 0])[["time", "survival"]].values.tolist()
        [[2.0, 0.75], [3.0, 0.5]]
    """
    check_choice("transform", transform, ("log-log", "log", "plain"), "survival_table")
    z = normal_quantile(confidence)
    time, event, count = _observations(durations, ended, counts)
    times, index = np.unique(time, return_inverse=True)
    events = np.bincount(index, weights=event * count, minlength=len(times))
    leaving = np.bincount(index, weights=count, minlength=len(times))
    at_risk = leaving[::-1].cumsum()[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.cumprod(1 - events / at_risk)
        relative_variance = np.cumsum(events / (at_risk * (at_risk - events)))
        low, high = _interval(survival, np.sqrt(relative_variance), z, transform)
        std_err = survival * np.sqrt(relative_variance)
    table = pd.DataFrame(
        {
            "time": times,
            "at_risk": at_risk.astype(np.int64),
            "events": events.astype(np.int64),
            "survival": survival,
            "ci_low": low,
            "ci_high": high,
            "std_err": std_err,
        }
    )
    return table if every_time else table[table["events"] > 0].reset_index(drop=True)


def survival_at(table: pd.DataFrame, times: Sequence[float]) -> pd.DataFrame:
    """Return the estimate at given times.

    Args:
        table: A frame from ``survival_table``.
        times: Times >= 0, in the table's unit.

    Returns:
        One row per time, in the order given: ``time``, ``survival``, ``ci_low``, ``ci_high``.
        Before the first end all three are 1; after the last row they stay as they are there.
    """
    columns = ["survival", "ci_low", "ci_high"]
    before = pd.DataFrame([[1.0, 1.0, 1.0]], columns=columns)
    steps = pd.concat([before, table[columns]], ignore_index=True)
    place = np.searchsorted(table["time"].to_numpy(dtype=float), list(times), side="right")
    found = steps.iloc[place].reset_index(drop=True)
    found.insert(0, "time", [float(time) for time in times])
    return found


def median_survival(table: pd.DataFrame) -> float:
    """Return the first time by which at least half have ended; NaN where fewer have.

    Args:
        table: A frame from ``survival_table``.
    """
    reached = table.loc[table["survival"] <= 0.5, "time"]
    return float(reached.iloc[0]) if len(reached) else math.nan


def spell_durations(
    subscriptions: ir.Table | pd.DataFrame,
    *,
    as_of: dt.date | str,
    unit: LifetimeUnit = "months",
    timezone: str = "UTC",
) -> pd.DataFrame:
    """Return how long customers stayed, counted per duration, as ``survival_table`` takes it.

    Spells of one customer that touch or overlap are one stay: a change of plan ends nothing, a
    return after a gap begins a new stay. A stay that runs on after ``as_of`` is observed until the
    end of that day and has not ended.

    Days are counted between local dates. Months are Oracle's MONTHS_BETWEEN: whole between equal
    days of the month or two last days of a month, else with the rest in 31sts.

    Args:
        subscriptions: One row per spell: ``user_id``, ``mrr``, ``start_time``, ``end_time`` (UTC);
            those without a start are left out.
        as_of: Last complete day of data.
        unit: months or days.
        timezone: IANA zone in which days begin.

    Returns:
        One row per ``duration`` and ``ended``, sorted, with ``stays`` (their number): pass them as
        ``survival_table(frame["duration"], frame["ended"], counts=frame["stays"])``.

    Raises:
        AnalysisError: ``unit`` is unknown, a column is missing.
        PeriodError: ``as_of`` is no day.
    """
    check_choice("unit", unit, ("months", "days"), "spell_durations")
    closing = _closing(as_of, timezone)
    spells = _by_stay(paid_spells(subscriptions), closing)
    stays = spells.group_by("user_id", "stay").aggregate(
        start_time=spells.start_time.min(), until=spells.until.max()
    )
    days = stays.select(
        start=local_date(stays.start_time, timezone),
        end=local_date(stays.until, timezone),
        ended=stays.until < closing,
    )
    whole = days.end.delta(days.start, unit="day")
    duration = whole if unit == "days" else _months_between(days.start, days.end)
    counted = days.group_by("ended", duration=duration).aggregate(stays=days.count())
    frame: pd.DataFrame = fetch(counted).to_pandas()
    frame = frame[["duration", "ended", "stays"]]
    return frame.sort_values(["duration", "ended"], ignore_index=True)


@dataclass(frozen=True)
class EndedSummary:
    """How many of all subscriptions ended, and what share of all recurring revenue they bore.

    Attributes:
        subscriptions: Spells ever paid.
        ended: Those that ended.
        ended_share: Ended of all (share, 0 to 1; NaN without any).
        mrr_all: Monthly recurring revenue of all, ended or not.
        mrr_ended: That of those that ended.
        mrr_share: Of the ended in all (share, 0 to 1; NaN where there is none).
    """

    subscriptions: int
    ended: int
    ended_share: float
    mrr_all: float
    mrr_ended: float
    mrr_share: float


def ended_summary(
    subscriptions: ir.Table | pd.DataFrame,
    *,
    as_of: dt.date | str | None = None,
    timezone: str = "UTC",
) -> EndedSummary:
    """Return how many of all subscription spells ended, by number and by money.

    Args:
        subscriptions: One row per spell: ``user_id``, ``mrr`` (money a month), ``start_time``,
            ``end_time`` (UTC); those without a start are left out.
        as_of: Last complete day: later starts and ends have not happened; all have if None.
        timezone: IANA zone in which days begin.

    Raises:
        AnalysisError: A column is missing.
        PeriodError: ``as_of`` is no day.
    """
    spells = paid_spells(subscriptions)
    has_ended = spells.end_time.notnull()  # noqa: PD004 - Ibis has no notna
    if as_of is not None:
        closing = _closing(as_of, timezone)
        spells = spells.filter(spells.start_time < closing)
        has_ended = (spells.end_time < closing).fill_null(False)
    sums = spells.aggregate(
        subscriptions=spells.count(),
        ended=spells.count(where=has_ended),
        mrr_all=spells.mrr.sum().fill_null(0),
        mrr_ended=spells.mrr.sum(where=has_ended).fill_null(0),
    )
    (found,) = fetch(sums).to_pylist()
    return EndedSummary(
        subscriptions=found["subscriptions"],
        ended=found["ended"],
        ended_share=_share(found["ended"], found["subscriptions"]),
        mrr_all=float(found["mrr_all"]),
        mrr_ended=float(found["mrr_ended"]),
        mrr_share=_share(found["mrr_ended"], found["mrr_all"]),
    )


def churn_reasons_table(
    subscriptions: ir.Table | pd.DataFrame,
    *,
    start: dt.date | str,
    end: dt.date | str,
    timezone: str = "UTC",
) -> pd.DataFrame:
    """Return why customers left within [``start``, ``end``), the most frequent reason first.

    Stays are counted as in ``spell_durations``, so a change of plan is no reason to leave. Where
    several spells end a stay together, the reason is the first in alphabetical order; one that
    nobody gave is ``(missing)``.

    Args:
        subscriptions: One row per spell: ``user_id``, ``mrr`` (money a month), ``start_time``,
            ``end_time`` (UTC) and, where it is known, ``end_reason``.
        start: First day.
        end: First day after the last.
        timezone: IANA zone in which days begin.

    Returns:
        One row per ``reason``, sorted by number and name: ``customers`` (stays ended), ``share``
        (of them), ``mrr`` (money a month that left with them), ``cumulative_share``.

    Raises:
        AnalysisError: ``end`` is not after ``start``, a column is missing.
        PeriodError: A day is none.
    """
    first, after = as_date(start, "start"), as_date(end, "end")
    if after <= first:
        raise AnalysisError(
            f"end ({after}) is not after start ({first}) in churn_reasons_table.\n"
            f"Give the first day after the last one as end."
        )
    opening, closing = utc_bounds(first, after, timezone)
    left = _last_spells(paid_spells(subscriptions, "end_reason"), opening, closing)
    counted = left.group_by("reason").aggregate(
        customers=left.count(), mrr=left.mrr.sum().fill_null(0)
    )
    table: pd.DataFrame = fetch(counted).to_pandas()
    table = table.sort_values(["customers", "reason"], ascending=[False, True], ignore_index=True)
    share = table["customers"] / table["customers"].sum()
    table.insert(2, "share", share)
    return table.assign(mrr=table["mrr"].astype(float), cumulative_share=share.cumsum())


def _observations(
    durations: npt.ArrayLike, ended: npt.ArrayLike, counts: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Return times, events (0 or 1) and counts as arrays of one length, or say what is wrong."""
    time = _numbers("durations", durations)
    event = _numbers("ended", ended)
    count = np.ones(len(time)) if counts is None else _numbers("counts", counts)
    if not len(time) == len(event) == len(count):
        lengths = f"{len(time)} durations, {len(event)} ended, {len(count)} counts"
        raise AnalysisError(f"Lengths differ in survival_table: {lengths}.\nGive one of each.")
    faults = {
        "durations": (~(np.isfinite(time) & (time >= 0)), "missing, infinite or negative"),
        "ended": (~np.isin(event, (0, 1)), "neither true nor false"),
        "counts": (~(np.isfinite(count) & (count >= 0) & (count % 1 == 0)), "no whole number"),
    }
    for name, (wrong, what) in faults.items():
        if wrong.any():
            raise AnalysisError(
                f"{name} has {int(wrong.sum())} of {len(time)} values that are {what} in "
                f"survival_table.\nLeave those units out, and say so beside the result."
            )
    return time, event, count


def _numbers(name: str, values: npt.ArrayLike) -> Floats:
    # a frame's column may hold None, pd.NA or a nullable type, which NumPy alone refuses
    if getattr(values, "ndim", 1) != 1:
        raise _no_numbers(name, "a table")
    series = pd.Series(values)
    try:
        numbers = series.to_numpy(dtype=float, na_value=math.nan)
    except (TypeError, ValueError) as error:
        raise _no_numbers(name, str(error)) from error
    if series.dtype.kind in "mM":  # times would turn into whatever unit they are stored in
        raise _no_numbers(name, f"{series.dtype}")
    return np.asarray(numbers, dtype=np.float64)


def _no_numbers(name: str, why: str) -> AnalysisError:
    return AnalysisError(
        f"{name} are no numbers in survival_table: {why}.\nGive numbers, such as days."
    )


def _interval(
    survival: Floats, relative_error: Floats, z: float, transform: Transform
) -> tuple[Floats, Floats]:
    """Return both ends; ``relative_error`` is Greenwood's standard error over the survival."""
    if transform == "plain":
        half = z * survival * relative_error
        low, high = survival - half, survival + half
    elif transform == "log":
        low, high = survival * np.exp(-z * relative_error), survival * np.exp(z * relative_error)
    else:
        theta = z * relative_error / np.log(survival)  # negative, for survival is below 1
        low, high = survival ** np.exp(-theta), survival ** np.exp(theta)
    certain, over = survival == 1, survival == 0
    low, high = (
        np.where(certain, 1.0, np.clip(low, 0, 1)),
        np.where(certain, 1.0, np.clip(high, 0, 1)),
    )
    return np.where(over, math.nan, low), np.where(over, math.nan, high)


def _closing(as_of: dt.date | str, timezone: str) -> dt.datetime:
    """Return the first instant after ``as_of``, UTC."""
    after = as_date(as_of, "as_of") + dt.timedelta(days=1)
    return utc_bounds(after, after, timezone)[0]


def _by_stay(spells: ir.Table, closing: dt.datetime) -> ir.Table:
    """Return spells as known at ``closing``, those that touch or overlap by one ``stay``.

    Returns:
        The columns of ``spells``, ``until`` (at most ``closing``) and ``stay``, a number that
        belongs to the spells of one stay of one customer.
    """
    spells = spells.filter(spells.start_time < closing)
    spells = spells.mutate(until=ibis.least(spells.end_time.fill_null(closing), closing))
    order = {"group_by": "user_id", "order_by": ["start_time", "until"]}
    reached = spells.until.max().over(**order, rows=(None, -1))
    spells = spells.mutate(begins=ibis.ifelse(spells.start_time <= reached, 0, 1))
    return spells.mutate(stay=spells.begins.cumsum(**order))


def _last_spells(spells: ir.Table, opening: dt.datetime, closing: dt.datetime) -> ir.Table:
    """Return the stays that ended within [``opening``, ``closing``), by the spells that end last.

    Returns:
        ``mrr`` (the sum of these spells) and ``reason`` (the first in alphabetical order).
    """
    has_reason = "end_reason" in spells.columns
    reason: Any = spells.end_reason.cast("string") if has_reason else ibis.null("string")
    spells = _by_stay(spells.mutate(reason=reason.fill_null(MISSING_SEGMENT)), closing)
    stay = ["user_id", "stay"]
    spells = spells.mutate(last=spells.until.max().over(group_by=stay))
    ending = (spells.until == spells["last"]) & (spells.until >= opening) & (spells.until < closing)
    last = spells.filter(ending)
    return last.group_by(stay).aggregate(mrr=last.mrr.sum(), reason=last.reason.min())


def _months_between(start: ir.DateValue, end: ir.DateValue) -> ir.FloatingValue:
    whole = (end.year() - start.year()) * 12 + (end.month() - start.month())
    both_last = _is_last_of_month(start) & _is_last_of_month(end)
    rest = (end.day() - start.day()).cast("float64") / 31
    return whole + ibis.ifelse(both_last, 0.0, rest)


def _is_last_of_month(day: ir.DateValue) -> ir.BooleanValue:
    return (day + ibis.interval(days=1)).cast("date").day() == 1


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else math.nan
