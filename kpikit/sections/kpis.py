"""The rows of ``kpis.json``: every KPI of the period and of its months, as the page shows them."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from kpikit.catalogue import Metric, withhold_few
from kpikit.periods import Period
from kpikit.present.frames import Row, records
from kpikit.sections.context import Context

Key = tuple[str, dt.date, dt.date]  # a metric in a period

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
    periods = (context.period, *months)
    spans = {(period.start, period.end) for period in periods}
    facts = context.facts
    inside = [span in spans for span in zip(facts["start"], facts["end"], strict=True)]
    found = facts[pd.Series(inside, facts.index, dtype=bool)]
    known = dict(zip(_keys(found), records(found), strict=True))
    reasons = dict(zip(_keys(found), withhold_few(found, context.metrics)["reason"], strict=True))
    return tuple(row for period in periods for row in _rows_of(context, period, known, reasons))


def _keys(facts: pd.DataFrame) -> Iterator[Key]:
    return zip(facts["metric"], facts["start"], facts["end"], strict=True)


def _rows_of(
    context: Context, period: Period, facts: Mapping[Key, Row], reasons: Mapping[Key, str]
) -> Iterator[dict[str, Any]]:
    targets = {
        target.metric: target.value
        for target in context.params.targets
        if context.calendar.parse(target.period) == period
    }
    for metric in context.metrics:
        key = (metric.name, period.start, period.end)
        fact = facts[key]
        yield {
            "metric": metric.name,
            "period": period.label,
            "value": _number(fact["value"]),
            "unit": context.currency if metric.unit == "money" else metric.unit,
            "n": None if math.isnan(fact["n"]) else round(fact["n"]),
            "complete": bool(fact["complete"]),
            "target": targets.get(metric.name),
            "flags": _flags(context, metric, period, reasons[key]),
        }


def _number(value: float) -> float | None:
    return round(value, _DECIMALS) if math.isfinite(value) else None


def _flags(context: Context, metric: Metric, period: Period, reason: str) -> list[str]:
    checks = sorted({finding.check for finding in context.findings_of(metric, [period])})
    return [*checks, reason] if reason else checks
