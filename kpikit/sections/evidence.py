"""What stands behind a KPI: is its change signal or noise, and will its target be hit?

Signals are told by month, assurance from periods of the report's own length (a quarter's target is
never held against months), the chance of a target by the months that make it up.
"""

import datetime as dt
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kpikit.analysis.assurance import assurance, expected_false_signals, variation
from kpikit.analysis.forecasts import (
    UNBOUNDED,
    TotalForecast,
    forecast_table,
    total_forecast,
)
from kpikit.analysis.scorecard import EVIDENCE_COLUMNS
from kpikit.analysis.signals import Chart, signal_columns
from kpikit.catalogue import Metric
from kpikit.params.registers import Target
from kpikit.periods import Grain, Period
from kpikit.series.outlook import Aggregate
from kpikit.series.reading import SeriesLike

if TYPE_CHECKING:
    from kpikit.sections.context import Context

_MOST_GAPS = 0.25  # share of a history's periods without a value, above which it is not judged
_ONE_DAY = dt.timedelta(days=1)
_NO_PARTS = {"nrr", "roi"}  # shares that may lie beyond 0 and 1
_SEASONS: dict[Grain, int] = {"month": 12, "quarter": 4}


@dataclass(frozen=True)
class Aim:
    """A target that is still open, and what is foreseen for its period.

    Attributes:
        target: As declared.
        period: Its period.
        forecast: What the period will come to; None where the history does not reach up to it.
        chance: Probability (0 to 1) that the target is hit; NaN where unknown.
    """

    target: Target
    period: Period
    forecast: TotalForecast | None = field(compare=False)
    chance: float


@dataclass(frozen=True)
class Course:
    """How a KPI came up to a period that is not over, and what the period is made of.

    Attributes:
        series: Values of complete periods in time order, by label.
        parts: The periods that make up the one foreseen: the months of a quarter, or itself.
        elapsed: How many of them have come; they are the last of ``series``.
        aggregate: How their values make that of the whole.
        season_length: Periods per season.
        bounds: Least and greatest value possible.
    """

    series: pd.Series = field(compare=False)
    parts: tuple[Period, ...]
    elapsed: int
    aggregate: Aggregate
    season_length: int
    bounds: tuple[float, float]

    @cached_property
    def total(self) -> TotalForecast:
        """What the whole will come to."""
        return total_forecast(
            self.series,
            periods=len(self.parts),
            elapsed=self.elapsed,
            aggregate=self.aggregate,
            season_length=self.season_length,
            bounds=self.bounds,
        )

    def steps(self) -> pd.DataFrame:
        """Return ``forecast_table`` of the parts to come, with their ``start`` and ``end``."""
        ahead = self.parts[self.elapsed :]
        table = forecast_table(
            self.series,
            horizon=len(ahead),
            season_length=self.season_length,
            bounds=self.bounds,
        )
        return table.assign(
            period=[part.label for part in ahead],
            start=[part.start for part in ahead],
            end=[part.end for part in ahead],
        )


def evidence_table(context: "Context") -> pd.DataFrame:
    """Return one row per KPI: the columns ``EVIDENCE_COLUMNS`` of ``scorecard_table``."""
    rows = [_evidence(context, metric) for metric in context.metrics]
    return pd.DataFrame(rows, columns=list(EVIDENCE_COLUMNS))


def history(
    context: "Context", metric: Metric, grain: Grain, *, as_of: dt.date | None = None
) -> pd.Series:
    """Return a KPI's complete periods of one grain from the first value on, by label.

    Periods before the present definition (``Metric.since``) are left out: they would pass for a
    change. Empty where fewer than two are known, or too many between them have no value. ``as_of``
    leaves out what came after an earlier day. It is made once per report.
    """
    day = as_of or context.as_of
    return context.once(
        ("history", metric.name, grain, day), lambda: _history(context, metric, grain, day)
    )


def _history(context: "Context", metric: Metric, grain: Grain, as_of: dt.date) -> pd.Series:
    rows = context.series(metric.name, grain)
    columns = (rows[name].tolist() for name in ("period", "start", "end", "complete", "value"))
    inside = [
        (label, value if whole else math.nan)
        for label, start, end, whole, value in zip(*columns, strict=True)
        if end - as_of <= _ONE_DAY and (metric.since is None or start >= metric.since)
    ]
    known = [place for place, (_, value) in enumerate(inside) if not math.isnan(value)]
    found = inside[known[0] : known[-1] + 1] if known else []
    if len(found) < 2 or len(known) < (1 - _MOST_GAPS) * len(found):
        return pd.Series(dtype=float)
    labels, values = zip(*found, strict=True)
    return pd.Series(np.array(values), index=pd.Index(labels))


def signals(context: "Context", metric: Metric, grain: Grain = "month") -> Chart:
    """Return ``signal_columns`` of a KPI's history, its limits afresh where a change is declared.

    Empty without a history. Several sections ask for the same; it is made once per report.
    """
    return context.once(("signals", metric.name, grain), lambda: _signals(context, metric, grain))


def _signals(context: "Context", metric: Metric, grain: Grain) -> Chart:
    series = history(context, metric, grain)
    if series.empty:
        return {}
    changes = rebased(context, metric, grain, series.index)
    return signal_columns(series, season_length=_SEASONS.get(grain, 1), changes=changes)


def rebased(context: "Context", metric: Metric, grain: Grain, periods: pd.Index) -> list[str]:
    """Return the periods from which on a declared change gives a KPI limits of its own."""
    return [
        label
        for mark in context.params.annotations
        if mark.rebase and (not mark.metrics or metric.name in mark.metrics)
        if (label := context.calendar.period_of(mark.date, grain).label) in periods
    ]


def open_period(context: "Context") -> Period:
    """Return the report's period where it still runs, else the one that follows at once."""
    if context.period.is_complete(context.as_of):
        return context.calendar.shift(context.period, 1)
    return context.period


def open_aim(context: "Context", metric: Metric) -> Aim | None:
    """Return the next target of a KPI that is not decided yet, with its chance; None without one.

    That of the report's own period where it runs, else the one whose period follows at once. It is
    made once per report.
    """
    return context.once(("aim", metric.name), lambda: _open_aim(context, metric))


def _open_aim(context: "Context", metric: Metric) -> Aim | None:
    open_targets = [
        (period, target)
        for target in context.params.targets
        if target.metric == metric.name
        if (period := context.calendar.parse(target.period)).end > context.as_of
        and not period.is_complete(context.as_of)
    ]
    if not open_targets:
        return None
    period, target = min(open_targets, key=lambda pair: (pair[0].end, pair[0].start))
    forecast = foreseen(context, metric, period)
    chance = (
        math.nan
        if forecast is None
        else forecast.chance_of(target.value, direction=metric.direction)
    )
    return Aim(target, period, forecast, chance)


def course_to(
    context: "Context", metric: Metric, period: Period, *, as_of: dt.date | None = None
) -> Course | None:
    """Return the way to a period that is not over; None where the history does not lead up to it.

    What adds up, a value at the end, and a rate that a month may stand for are put together from
    months; anything else (distinct users, churn) is foretold from periods of the same length, and
    so is what months have too few units or values for. It is made once per report.

    Args:
        context: The report's.
        metric: The KPI.
        period: The running period, or the one that follows at once.
        as_of: What was known by the end of an earlier day alone, as the data is today.
    """
    day = as_of or context.as_of
    key = ("course", metric.name, period, day)
    return context.once(key, lambda: _course_to(context, metric, period, day))


def _course_to(context: "Context", metric: Metric, period: Period, day: dt.date) -> Course | None:
    calendar = context.calendar
    by_month = metric.additive or metric.any_length
    grain: Grain = "month" if by_month and period.days > 31 else period.grain
    series = history(context, metric, grain, as_of=day)
    if series.empty:
        grain, series = period.grain, history(context, metric, period.grain, as_of=day)
    if series.empty:
        return None
    parts = calendar.split(period, grain) if grain != period.grain else [period]
    came = [part.label for part in parts if part.is_complete(day)]
    last = calendar.parse(str(series.index[-1]))
    reached = calendar.parse(came[-1]) if came else calendar.previous(parts[0])
    if last != reached or any(label not in series.index for label in came):
        return None
    return Course(
        series=series,
        parts=tuple(parts),
        elapsed=len(came),
        aggregate="sum" if metric.additive else "last" if metric.at_end else "mean",
        season_length=_SEASONS.get(grain, 1),
        bounds=bounds_of(metric, series),
    )


def foreseen(
    context: "Context", metric: Metric, period: Period, *, as_of: dt.date | None = None
) -> TotalForecast | None:
    """Return what a period that is not over will come to; None where nothing can be said.

    Arguments are those of ``course_to``.
    """
    course = course_to(context, metric, period, as_of=as_of)
    return None if course is None else course.total


def false_signals(context: "Context") -> float:
    """Return how many signals the scorecard would show on average although nothing happened."""
    return context.once("false_signals", lambda: _false_signals(context))


def _false_signals(context: "Context") -> float:
    charts = [signals(context, metric) for metric in context.metrics]
    return expected_false_signals(filter(None, charts), last=_months_of(context))


def _evidence(context: "Context", metric: Metric) -> dict[str, Any]:
    aim = open_aim(context, metric)
    return {
        "metric": metric.name,
        **_signal(context, metric),
        "assurance": _assurance(context, metric, aim),
        "p_hit": math.nan if aim is None else aim.chance,
        "aim": math.nan if aim is None else aim.target.value,
        "aim_period": "" if aim is None else aim.period.label,
    }


def _signal(context: "Context", metric: Metric) -> dict[str, Any]:
    """Return what the months of the period say, and the latest of their signals."""
    chart = signals(context, metric)
    labels = chart["period"].tolist() if chart else []
    months = {month.label for month in context.calendar.split(context.period, "month")}
    inside = [place for place, label in enumerate(labels) if label in months]
    nothing = {
        "variation": "no_data", "signal_period": "", "rule": "", "side": "", "turned_from": "",
    }  # fmt: skip
    if not inside:
        return nothing
    points = {name: column[inside[0] : inside[-1] + 1] for name, column in chart.items()}
    found = {"variation": variation(points, direction=metric.direction, last=len(inside))}
    marked = [place for place in inside if chart["signal"][place]]
    if not marked:
        return nothing | found
    sides = {place: str(chart["side"][place]) for place in marked}
    other = [labels[place] for place in marked if sides[place] != sides[marked[-1]]]
    return {
        **found,
        "signal_period": labels[marked[-1]],
        "rule": str(chart["rule"][marked[-1]]),
        "side": sides[marked[-1]],
        "turned_from": other[-1] if other else "",
    }


def _assurance(context: "Context", metric: Metric, aim: Aim | None) -> str:
    """Return whether the process hits the period's own target, else the next open one."""
    targets = [
        target.value
        for target in context.params.targets
        if target.metric == metric.name and context.calendar.parse(target.period) == context.period
    ]
    if not targets and aim is not None and aim.period.grain == context.period.grain:
        targets = [aim.target.value]
    chart = signals(context, metric, context.period.grain) if targets else {}
    if not chart:
        return "no_data"
    return assurance(chart, target=targets[0], direction=metric.direction)


def _months_of(context: "Context") -> int:
    months = context.calendar.split(context.period, "month")
    return sum(month.is_complete(context.as_of) for month in months)


def bounds_of(metric: Metric, values: SeriesLike) -> tuple[float, float]:
    """Return the least and greatest value that a KPI can take, by its unit and what it was so far.

    A share of a whole ends at 0 and 1, a return on cost does not: what never left those ends is
    taken for the former. So are a quotient and a length of time that were never below zero.
    """
    if metric.unit == "points":
        return -100.0, 100.0
    if metric.unit == "count":
        return 0.0, math.inf
    known = np.asarray(values, dtype=float)
    least = np.fmin.reduce(known, initial=math.nan)  # of no value NaN, which is not below 0
    greatest = np.fmax.reduce(known, initial=math.nan)
    if metric.unit == "share" and metric.name not in _NO_PARTS and not (least < 0 or greatest > 1):
        return 0.0, 1.0
    if metric.unit in ("ratio", "months", "days") and not least < 0:
        return 0.0, math.inf
    return UNBOUNDED
