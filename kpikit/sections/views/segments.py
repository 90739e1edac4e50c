"""A KPI by the values of a column, in one period: every segment, ranked."""

import math

import pandas as pd

from kpikit.analysis.segments import OTHER, segment_table
from kpikit.catalogue import Metric
from kpikit.errors import AnalysisError
from kpikit.formats import format_count, format_interval, format_share, format_value
from kpikit.params.views import View
from kpikit.periods import Period
from kpikit.present.charts import figure, plot_ranked_bars
from kpikit.present.components import Cell, Column, Component, Table
from kpikit.present.frames import Row, in_words, records
from kpikit.present.titles import alt_text, row_numbers, segments_title
from kpikit.sections.context import Context
from kpikit.sections.views import answers
from kpikit.sections.views.answers import Asking, Exhibit, Found, Options

_BARS = 8
_ROWS = 500
_ALL = 1_000_000


def fill(context: Context, view: View) -> View:
    """Return the view with a KPI and a column that parts it, the first that fit by default."""
    asked = view.metric
    if asked is None:
        for one in context.metrics:
            columns = answers.column_options(context, one.table)
            if not one.inputs and (columns if view.by is None else _has(columns, view.by)):
                asked = one.name
                break
    metric = answers.metric_of(context, asked, where="a view of segments")
    columns = answers.column_options(context, metric.table)
    by = view.by or (columns[0].value if columns else None)
    if by is None:
        raise AnalysisError(
            f"{metric.label} cannot be broken down: no column of its table {metric.table} is "
            f"declared.\nName some under segments: in {context.loaded.path.name}, or choose "
            "another metric."
        )
    chosen = {"metric": metric.name, "by": by, "comparison": view.comparison or "year_before"}
    return view.model_copy(update=chosen)


def find(context: Context, view: View) -> Found:
    """Return every segment of the KPI in the period, beside the period compared with."""
    metric = answers.metric_of(context, view.metric, where="a view of segments")
    answers.check_segment(metric, context, view)
    inside = answers.context_of(context, view)
    asking = Asking(inside)
    now, before = _periods(inside, view)
    by = answers.single(metric, str(view.by))

    def question() -> pd.DataFrame:
        facts = inside.parts_of(metric, [now, before], by)
        totals = inside.facts_of([metric], [now])
        total = float(totals["value"].iloc[0]) if len(totals) else math.nan
        table = segment_table(facts, metric, period=now, year_before=before, total=total, most=_ALL)
        return table if view.comparison != "none" else table.assign(previous=math.nan)

    if asking.ask("segments", question).empty:
        raise answers.nothing_in(view, inside, metric.label)
    return Found(inside, view, asking.answers, (metric, before))


def draw(found: Found) -> list[Exhibit]:
    """Return bars of the largest segments, and a table of all."""
    answer = found.answers["segments"]
    return [Exhibit(_chart(found), answer), Exhibit(_table(found), answer)]


def options(context: Context, view: View) -> Options:
    """Return the KPIs and the columns of the chosen one's table."""
    metric = answers.metric_of(context, view.metric, where="a view of segments")
    columns = answers.column_options(context, metric.table)
    metrics = {one.name for one in context.metrics if not one.inputs}
    return {
        "metric": tuple(o for o in answers.metric_options(context) if o.value in metrics),
        "by": columns,
        "comparison": answers.named(
            ("year_before", "year before"), ("previous", "period before"), ("none", "nothing")
        ),
        "where": columns,
    }


def _has(columns: tuple[answers.Option, ...], name: str) -> bool:
    return any(column.value == name for column in columns)


def _periods(context: Context, view: View) -> tuple[Period, Period]:
    compared = context.comparisons
    which = "previous" if view.comparison == "previous" else "year_before"
    return compared["actual"], compared[which]


def _chart(found: Found) -> Component:
    (metric, before), view, context = found.by, found.view, found.context
    frame = found.answers["segments"].frame
    top = frame.head(_BARS).assign(segment=frame["segment"].head(_BARS).map(in_words))
    name = in_words(str(view.by))
    money = f", {context.currency}" if metric.unit == "money" else ""
    light = f"; light: {before.label}" if top["previous"].notna().any() else ""
    axes = plot_ranked_bars(
        top, unit=metric.unit, currency=context.currency, other=OTHER, size="full"
    )
    rest = len(frame) - len(top)
    return figure(
        axes,
        title=segments_title(
            top, label=metric.label, unit=metric.unit, currency=context.currency, other=OTHER
        ),
        subtitle=f"{metric.label}{money} by {name}, {context.period.label}{light}"
        f"{answers.segment_text(view)}",
        alt=alt_text(
            "Bars", f"{metric.label} by {name}", metric.formula,
            row_numbers(top, name="segment", value="value", unit=metric.unit,
                        currency=context.currency),
        ),
        notes=(f"{rest} further segments stand in the table.",) if rest else (),
    )  # fmt: skip


def _table(found: Found) -> Table:
    (metric, before), view, context = found.by, found.view, found.context
    frame = found.answers["segments"].frame
    name = in_words(str(view.by))
    columns = [
        Column("segment", name.capitalize()),
        Column("value", metric.label, "number", emphasis=True),
        *([Column("share", "Share", "number")] if frame["share"].notna().any() else []),
        *([Column("previous", before.label, "number")] if frame["previous"].notna().any() else []),
        *([Column("interval", "95 % interval", "number")] if frame["ci_low"].notna().any() else []),
        Column("n", "n", "number"),
    ]
    rows = [_cells(row, metric, context.currency) for row in records(frame.head(_ROWS))]
    return Table(
        tuple(columns), tuple(rows), title=f"Every {name}",
        notes=answers.left_out_note(len(rows), len(frame), "segment"),
    )  # fmt: skip


def _cells(row: Row, metric: Metric, currency: str) -> dict[str, str | Cell]:
    def text(value: float) -> str:
        return format_value(value, metric.unit, currency=currency)

    return {
        "segment": str(row["segment"]),
        "value": Cell(text(row["value"]), note=str(row["reason"] or "")),
        "share": format_share(row["share"]),
        "previous": text(row["previous"]),
        "interval": format_interval(row["ci_low"], row["ci_high"], metric.unit, currency=currency),
        "n": format_count(row["n"]),
    }
