"""What stands behind a KPI: is its change signal or noise, and will its target be hit?

Signals are told by month, assurance from periods of the report's own length (a quarter's target is
never held against months), the chance of a target by the months that make it up.
"""

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from kpikit.analysis.assurance import assurance, expected_false_signals, variation
from kpikit.analysis.forecasts import UNBOUNDED, TotalForecast, total_forecast
from kpikit.analysis.scorecard import EVIDENCE_COLUMNS
from kpikit.analysis.signals import signal_table
from kpikit.catalogue import Metric
from kpikit.params.registers import Target
from kpikit.periods import Grain, Period

if TYPE_CHECKING:
    from kpikit.sections.context import Context

_MOST_GAPS = 0.25  # share of a history's periods without a value, above which it is not judged
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


def evidence_table(context: "Context") -> pd.DataFrame:
    """Return one row per KPI: the columns ``EVIDENCE_COLUMNS`` of ``scorecard_table``."""
    rows = [_evidence(context, metric) for metric in context.metrics]
    return pd.DataFrame(rows, columns=list(EVIDENCE_COLUMNS))


def history(context: "Context", metric: Metric, grain: Grain) -> pd.Series:
    """Return a KPI's complete periods of one grain from the first value on, by label.

    Empty where fewer than two are known, or too many between them have no value.
    """
    rows = context.series(metric.name, grain)
    whole = rows[rows["end"] <= context.as_of + dt.timedelta(days=1)]
    found = whole.set_index("period")["value"].where(whole.set_index("period")["complete"])
    known = found.loc[found.first_valid_index() : found.last_valid_index()]
    if len(known) < 2 or known.isna().mean() > _MOST_GAPS:
        return pd.Series(dtype=float)
    return known


def signals(context: "Context", metric: Metric, grain: Grain = "month") -> pd.DataFrame:
    """Return ``signal_table`` of a KPI's history, its limits afresh where a change is declared."""
    series = history(context, metric, grain)
    if series.empty:
        return pd.DataFrame()
    changes = [
        label
        for mark in context.params.annotations
        if mark.rebase and (not mark.metrics or metric.name in mark.metrics)
        if (label := context.calendar.period_of(mark.date, grain).label) in series.index
    ]
    return signal_table(series, season_length=_SEASONS.get(grain, 1), changes=changes)


def open_aim(context: "Context", metric: Metric) -> Aim | None:
    """Return the next target of a KPI that is not decided yet, with its chance; None without one.

    That of the report's own period where it runs, else the one whose period follows at once.
    """
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


def foreseen(context: "Context", metric: Metric, period: Period) -> TotalForecast | None:
    """Return what a period that is not over will come to; None where nothing can be said.

    What adds up, a value at the end, and a rate that a month may stand for are put together from
    months; anything else (distinct users, churn) is foretold from periods of the same length.
    """
    calendar = context.calendar
    by_month = metric.additive or metric.any_length
    grain: Grain = "month" if by_month and period.days > 31 else period.grain
    parts = calendar.split(period, grain) if grain != period.grain else [period]
    series = history(context, metric, grain)
    if series.empty:
        return None
    came = [part.label for part in parts if part.is_complete(context.as_of)]
    last = calendar.parse(str(series.index[-1]))
    reached = calendar.parse(came[-1]) if came else calendar.previous(parts[0])
    if last != reached or any(label not in series.index for label in came):
        return None
    return total_forecast(
        series,
        periods=len(parts),
        elapsed=len(came),
        aggregate="sum" if metric.additive else "last" if metric.at_end else "mean",
        season_length=_SEASONS.get(grain, 1),
        bounds=_bounds(metric),
    )


def false_signals(context: "Context") -> float:
    """Return how many signals the scorecard would show on average although nothing happened."""
    tables = [signals(context, metric) for metric in context.metrics]
    return expected_false_signals(
        [table for table in tables if not table.empty], last=_months_of(context)
    )


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
    table = signals(context, metric)
    nothing = {"variation": "no_data", "signal_period": "", "rule": "", "side": ""}
    if table.empty:
        return nothing
    start, end = context.period.start, context.period.end
    inside = [start <= context.calendar.parse(str(label)).start < end for label in table["period"]]
    points = table[inside]
    if points.empty:
        return nothing
    found = points[points["signal"]].tail(1)
    row = next(iter(found.to_dict("records")), {})
    return {
        "variation": variation(points, direction=metric.direction, last=len(points)),
        "signal_period": str(row.get("period", "")),
        "rule": row.get("rule", ""),
        "side": row.get("side", ""),
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
    table = signals(context, metric, context.period.grain)
    if not targets or table.empty:
        return "no_data"
    return assurance(table, target=targets[0], direction=metric.direction)


def _months_of(context: "Context") -> int:
    months = context.calendar.split(context.period, "month")
    return sum(month.is_complete(context.as_of) for month in months)


def _bounds(metric: Metric) -> tuple[float, float]:
    """Return the least and greatest value that a KPI of this unit can take."""
    if metric.unit == "points":
        return -100.0, 100.0
    return (0.0, math.inf) if metric.unit == "count" else UNBOUNDED
