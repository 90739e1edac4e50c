"""Which KPIs sections part by the declared dimensions, so that the engine is asked for all at once.

Sections try one KPI by one dimension after the other until one has something to show, most often
the first. A query costs some 50 ms before it reads a row.
"""

from collections.abc import Sequence

from kpikit.catalogue import Metric
from kpikit.periods import Period
from kpikit.sections.context import Context

_MOST_ROWS = 2_000_000  # of more, reading costs more than asking, and all at once much memory
_ASKED_ALONE = "survey"  # its analysis answers by one dimension at a time


def ask_ahead(context: Context) -> None:
    """Ask for what the sections are to try first; they find it known."""
    if sum(source.rows for source in context.dataset.inputs) > _MOST_ROWS:
        return
    dimensions, compared = context.params.segments, list(context.comparisons.values())
    first: list[tuple[Metric, Sequence[Period]]] = [
        *((metric, context.past) for metric in search_metrics(context)[:1]),
        *((metric, compared) for one in dimensions for metric in segment_metrics(context, one)[:1]),
    ]
    asked = [(metric, periods) for metric, periods in first if metric.family != _ASKED_ALONE]
    read = {(metric.table, metric.per) for metric, _ in asked}
    # of a rate one dimension is shown, so it is worth a place in a query and no query of its own
    rates = [metric for metric in mix_metrics(context)[:1] if (metric.table, metric.per) in read]
    wanted: dict[Metric, list[Period]] = {}
    for metric, periods in [*asked, *((metric, compared) for metric in rates)]:
        known = wanted.setdefault(metric, [])
        known += [period for period in periods if period not in known]
    context.learn_parts(wanted, dimensions)


def mix_metrics(context: Context) -> list[Metric]:
    """Return the rates whose change may be parted into mix and rates, in order."""
    return [
        metric
        for metric in search_metrics(context)
        if metric.unit == "share" and metric.denominator is not None
    ]


def search_metrics(context: Context) -> list[Metric]:
    """Return the KPIs in whose segments a change may be looked for, in order."""
    dimensions = context.params.segments
    return [
        metric
        for metric in context.metrics
        if any(has_column(context, metric, dimension) for dimension in dimensions)
    ]


def segment_metrics(context: Context, dimension: str) -> list[Metric]:
    """Return the KPIs that a dimension may part, those that add up first."""
    holding = [metric for metric in context.metrics if has_column(context, metric, dimension)]
    return sorted(holding, key=lambda metric: not metric.additive)


def has_column(context: Context, metric: Metric, dimension: str) -> bool:
    """Tell whether the table of a metric that is composed of no others has a column."""
    table = context.dataset.tables.get(metric.table)
    return table is not None and dimension in table.columns and not metric.inputs
