"""What periods to come are foreseen to bring, and how such forecasts fared: frames for sections."""

import datetime as dt
import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from kpikit.analysis.calibration import backtest_table
from kpikit.analysis.pace import pace
from kpikit.catalogue import Metric
from kpikit.params.registers import Target
from kpikit.periods import Period
from kpikit.sections.context import Context
from kpikit.sections.evidence import Course, course_to

LEVELS = (0.5, 0.8, 0.95)
LEDGER_COLUMNS = (
    "metric", "period", "mean", "low_80", "high_80", "low_95", "high_95", "naive", "target",
    "p_hit",
)  # fmt: skip
PROSPECT_COLUMNS = (
    *LEDGER_COLUMNS, "label", "unit", "direction", "start", "end", "so_far", "elapsed", "parts",
    "part", "low_50", "high_50", "p_50", "p_80", "method", "required_rate", "best_rate",
)  # fmt: skip


def target_of(context: Context, metric: Metric, period: Period) -> Target | None:
    """Return what is declared for a KPI and a period."""
    return next(
        (
            target
            for target in context.params.targets
            if target.metric == metric.name and context.calendar.parse(target.period) == period
        ),
        None,
    )


def prospect_table(context: Context, pairs: Iterable[tuple[Metric, Period]]) -> pd.DataFrame:
    """Return what each KPI is foreseen to come to in a period that is not over.

    Args:
        context: The report's.
        pairs: KPIs and periods; those without a forecast are no rows.

    Returns:
        One row per pair: what the ledger keeps of it (``LEDGER_COLUMNS``; ``naive`` is the value a
        year before), ``so_far`` (of the ``elapsed`` of ``parts`` periods of the grain ``part``),
        the ends of the intervals, ``p_50`` and ``p_80`` (values hit with that probability), the
        ``method`` and, for what adds up towards a target, ``required_rate`` (what each part to
        come must bring) and ``best_rate`` (the best average of as many in a row, ever).
    """
    rows = []
    for metric, period in pairs:
        course = course_to(context, metric, period)
        if course is not None:
            rows.append(_row(context, metric, period, course))
    return pd.DataFrame(rows, columns=list(PROSPECT_COLUMNS))


def outcome_table(
    context: Context, metrics: Iterable[Metric], period: Period, *, known: dt.date
) -> pd.DataFrame:
    """Return what was to be foreseen of a period by an earlier day, beside what came.

    The forecast is made now from the data as it stands, cut at that day: what was corrected since
    is in it.

    Args:
        context: The report's.
        metrics: KPIs; those that no forecast can be made of, or without a value, are no rows.
        period: A period that is over.
        known: Last day that the forecast knows.

    Returns:
        One row per KPI: ``metric``, ``label``, ``unit``, ``period``, ``mean``, ``low_80``,
        ``high_80``, ``actual``, ``error`` (actual - mean), ``inside_80`` (None without an
        interval), ``naive`` (a year before), and of all such forecasts that the history allows to
        try: ``trials`` (number), ``mae`` and ``mae_naive`` (mean absolute errors of the forecast
        and of last year's value).
    """
    rows = []
    for metric in metrics:
        course = course_to(context, metric, period, as_of=known)
        actual = value_of(context, metric, period)
        if course is None or math.isnan(actual):
            continue
        found = course.total()
        low, high = found.interval(0.8)
        rows.append(
            {
                "metric": metric.name,
                "label": metric.label,
                "unit": metric.unit,
                "period": period.label,
                "mean": found.mean,
                "low_80": low,
                "high_80": high,
                "actual": actual,
                "error": actual - found.mean,
                "inside_80": None if math.isnan(low) else low <= actual <= high,
                "naive": value_of(context, metric, context.calendar.year_before(period)),
                **_trials(course_to(context, metric, context.calendar.shift(period, 1)) or course),
            }
        )
    columns = [
        "metric", "label", "unit", "period", "mean", "low_80", "high_80", "actual", "error",
        "inside_80", "naive", "trials", "mae", "mae_naive",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def value_of(context: Context, metric: Metric, period: Period) -> float:
    """Return a KPI's value in a whole period, NaN where it is unknown or not complete.

    A year of what adds up is the sum of its months, for years have no facts of their own.
    """
    by_month = period.grain == "year" and metric.additive
    parts = context.calendar.split(period, "month") if by_month else [period]
    rows = context.series(metric.name, parts[0].grain)
    starts = {part.start for part in parts}
    found = rows.loc[rows["start"].isin(starts) & rows["complete"], "value"]
    return float(found.sum(skipna=False)) if len(found) == len(parts) else math.nan


def _row(context: Context, metric: Metric, period: Period, course: Course) -> dict[str, Any]:
    total, target = course.total(), target_of(context, metric, period)
    ends = {level: total.interval(level) for level in LEVELS}
    modest, bold = total.interval(0.6)  # exceeded with 80 and with 20 %
    return {
        "metric": metric.name,
        "label": metric.label,
        "unit": metric.unit,
        "direction": metric.direction,
        "period": period.label,
        "start": period.start,
        "end": period.end,
        "so_far": total.actual if course.elapsed else math.nan,
        "elapsed": course.elapsed,
        "parts": len(course.parts),
        "part": course.parts[0].grain,
        "mean": total.mean,
        **{f"low_{100 * level:g}": low for level, (low, _) in ends.items()},
        **{f"high_{100 * level:g}": high for level, (_, high) in ends.items()},
        "p_50": total.mean,
        "p_80": modest if metric.direction == "up" else bold,
        "naive": value_of(context, metric, context.calendar.year_before(period)),
        "target": math.nan if target is None else target.value,
        "p_hit": math.nan
        if target is None
        else total.chance_of(target.value, direction=metric.direction),
        "method": total.method,
        **_pace(metric, target, course),
    }


def _pace(metric: Metric, target: Target | None, course: Course) -> dict[str, float]:
    if target is None or course.aggregate != "sum":
        return {"required_rate": math.nan, "best_rate": math.nan}
    found = pace(
        course.series,
        target=target.value,
        periods=len(course.parts),
        elapsed=course.elapsed,
        year_length=course.season_length,
        direction=metric.direction,
    )
    return {"required_rate": found.required_rate, "best_rate": found.best_rate}


def _trials(course: Course) -> dict[str, float]:
    """Return how such forecasts fared from every earlier point."""
    table = backtest_table(
        course.series,
        periods=len(course.parts),
        season_length=course.season_length,
        aggregate=course.aggregate,
    )
    return {
        "trials": len(table),
        "mae": (table["actual"] - table["forecast"]).abs().mean(),
        "mae_naive": (table["actual"] - table["naive"]).abs().mean(),
    }
