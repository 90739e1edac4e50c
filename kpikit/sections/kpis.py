"""The rows of ``kpis.json``: every KPI of the period and of its months, as the page shows them."""

import math
from collections.abc import Iterator
from typing import Any

from kpikit.catalogue import Metric, withhold_few
from kpikit.periods import Period
from kpikit.sections.context import Context

_DECIMALS = 6  # so that bytes repeat wherever floating-point sums are ordered otherwise


def kpi_rows(context: Context) -> tuple[dict[str, Any], ...]:
    """Return a row per KPI of the scorecard and period: the report's own, then its months.

    Returns:
        ``metric``, ``period``, ``value`` (None where unknown), ``unit`` (the currency for money),
        ``n``, ``complete``, ``target``, ``flags``: names of the data checks that touch the KPI, and
        the reason where the page shows no value. One that is but withheld there, for it rests on
        too few units, is a number here.
    """
    months = context.calendar.split(context.period, "month") if context.period.days > 31 else []
    return tuple(row for period in (context.period, *months) for row in _rows_of(context, period))


def _rows_of(context: Context, period: Period) -> Iterator[dict[str, Any]]:
    facts = context.facts
    found = facts[(facts["start"] == period.start) & (facts["end"] == period.end)]
    by_metric = {row["metric"]: row for row in found.to_dict("records")}
    shown = withhold_few(found, context.metrics)
    reasons = dict(zip(shown["metric"], shown["reason"], strict=True))
    targets = {
        target.metric: target.value
        for target in context.params.targets
        if context.calendar.parse(target.period) == period
    }
    for metric in context.metrics:
        fact = by_metric[metric.name]
        yield {
            "metric": metric.name,
            "period": period.label,
            "value": _number(fact["value"]),
            "unit": context.currency if metric.unit == "money" else metric.unit,
            "n": None if math.isnan(fact["n"]) else round(fact["n"]),
            "complete": bool(fact["complete"]),
            "target": targets.get(metric.name),
            "flags": _flags(context, metric, period, reasons[metric.name]),
        }


def _number(value: float) -> float | None:
    return round(value, _DECIMALS) if math.isfinite(value) else None


def _flags(context: Context, metric: Metric, period: Period, reason: str) -> list[str]:
    checks = sorted({finding.check for finding in context.findings_of(metric, [period])})
    return [*checks, reason] if reason else checks
