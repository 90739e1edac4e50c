"""Section 11: a KPI by each dimension that the product declares."""

from collections.abc import Iterator

import pandas as pd

from kpikit.analysis.segments import OTHER, segment_table
from kpikit.catalogue import Metric, unknown_segments
from kpikit.formats import format_count, plural
from kpikit.present.charts import figure, plot_ranked_bars
from kpikit.present.components import Callout, Figure, Stack
from kpikit.present.frames import in_words
from kpikit.present.titles import alt_text, row_numbers, segments_title
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import Context
from kpikit.sections.parts import ask_ahead, segment_metrics
from kpikit.sections.trends import pair_up

_MOST_CHARTS = 6


def segments_section(context: Context) -> Stack:
    """Return ranked bars per declared dimension, of the first KPI whose table has it."""
    dimensions = context.params.segments
    if not dimensions:
        return nothing_to_show(
            "No dimension is declared. List columns under segments:, such as [country, platform]."
        )
    ask_ahead(context)
    charts = [
        chart
        for dimension in dimensions[:_MOST_CHARTS]
        for chart in _first_chart(context, dimension)
    ]
    unknown = unknown_segments(dimensions, context.dataset.tables)
    if not charts:
        names = ", ".join(dimensions)
        return nothing_to_show(f"No KPI of the scorecard has a value by {names}.", *unknown)
    return Stack((*pair_up(charts), *(Callout(text, tone="warning") for text in unknown)))


def _first_chart(context: Context, dimension: str) -> Iterator[Figure]:
    """Yield the chart of the first KPI that the dimension parts; metrics that add up go first."""
    for metric in segment_metrics(context, dimension):
        chart = _chart(context, metric, dimension)
        if chart is not None:
            yield chart
            return


def _chart(context: Context, metric: Metric, dimension: str) -> Figure | None:
    year_before = context.comparisons["year_before"]
    facts = context.parts_of(metric, [context.period, year_before], dimension)
    totals = dict(zip(context.scorecard["metric"], context.scorecard["actual"], strict=True))
    table = segment_table(
        facts,
        metric,
        period=context.period,
        year_before=year_before,
        total=float(totals[metric.name]),
    )
    if not table["value"].notna().any():
        return None
    left_out, overlap = table.attrs["left_out"], table.attrs["overlap"]
    table = table.assign(segment=table["segment"].map(in_words))
    axes = plot_ranked_bars(table, unit=metric.unit, currency=context.currency, other=OTHER)
    name = in_words(dimension).lower()
    notes = [f"{plural(left_out, 'smaller segment')} not shown."] if left_out else []
    if overlap:
        total = format_count(totals[metric.name])
        notes.append(f"Who is in several segments counts in each; all together are {total}.")
    return figure(
        axes,
        title=segments_title(
            table, label=metric.label, unit=metric.unit, currency=context.currency, other=OTHER
        ),
        subtitle=_subtitle(context, metric, name, table),
        alt=alt_text(
            "Bars", f"{metric.label} by {name}", metric.formula,
            row_numbers(table, name="segment", value="value", unit=metric.unit,
                        currency=context.currency),
        ),
        notes=notes,
    )  # fmt: skip


def _subtitle(context: Context, metric: Metric, name: str, table: pd.DataFrame) -> str:
    """Return what the bars are, and what stands behind and on them as far as it is drawn."""
    money = f", {context.currency}" if metric.unit == "money" else ""
    parts = [f"{metric.label}{money} by {name}, {context.period.label}"]
    if table["previous"].notna().any():
        parts.append(f"light: {context.basis.base_of('yoy')}")
    if table["ci_low"].notna().any():
        parts.append("line: 95 % interval")
    return "; ".join(parts)
