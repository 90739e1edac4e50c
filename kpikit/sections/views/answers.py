"""What a view is found by, and what it found: frames with their queries, apart from any drawing.

Finding asks the engine and may take long; drawing asks nothing. So what explores can find in the
background, stop that half way, and draw only what is still wanted.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from kpikit.catalogue import Metric
from kpikit.errors import AnalysisError, KpikitError, hint_names, unknown_name
from kpikit.formats import plural
from kpikit.params.views import View
from kpikit.periods import Period
from kpikit.present.components import Component
from kpikit.present.frames import in_words
from kpikit.sections.context import Context
from kpikit.sources import choose_period
from kpikit.sources.slices import column_values, recorded_queries, rows_where

MOST_VALUES = 500  # values of a column that a control lists


class NothingFound(KpikitError):  # noqa: N818 - it is no mistake
    """A choice that has no row; the message says what to choose instead."""


@dataclass(frozen=True)
class Answer:
    """The numbers behind one chart or table.

    Attributes:
        frame: Tidy rows, unrounded.
        sql: The queries that gave them, as they went to the engine; none where all was known.
    """

    frame: pd.DataFrame
    sql: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """What a view needs to be drawn.

    Attributes:
        context: Product, data and period that it is of; its data are the segment's.
        view: The settings, each filled in.
        answers: Name of a chart or table to the numbers behind it.
        by: What else drawing needs: the metric, the reading of a funnel, a test.
    """

    context: Context
    view: View
    answers: Mapping[str, Answer]
    by: Any = None


@dataclass(frozen=True)
class Exhibit:
    """One chart or table of a view, and the numbers behind it."""

    component: Component
    answer: Answer


@dataclass(frozen=True)
class Option:
    """A value that a control offers."""

    value: str
    label: str


Options = Mapping[str, tuple[Option, ...]]


@dataclass(frozen=True)
class Section:
    """A kind of view.

    Attributes:
        name: As in ``View.section``.
        label: What it is called.
        settings: Settings that concern it, in the order of their controls.
        fill: Returns a view with every such setting chosen, asking the data nothing.
        find: Returns what a filled view needs.
        draw: Returns the charts and tables of what was found.
        options: Returns what each setting can be.
    """

    name: str
    label: str
    settings: tuple[str, ...]
    fill: Callable[[Context, View], View]
    find: Callable[[Context, View], Found]
    draw: Callable[[Found], list[Exhibit]]
    options: Callable[[Context, View], Options]


@dataclass
class Asking:
    """Collects answers, each with the queries that it took."""

    context: Context
    answers: dict[str, Answer] = field(default_factory=dict)

    def ask(self, name: str, question: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return the frame that a function computes, and keep it with its queries."""
        with recorded_queries(self.context.dataset) as sql:
            frame = question()
        self.answers[name] = Answer(frame, tuple(sql))
        return frame


def context_of(context: Context, view: View) -> Context:
    """Return the context of a view's period and segment; it keeps the facts once asked for.

    Raises:
        PeriodError: The period cannot be read, or the data does not touch it.
        AnalysisError: No table has the columns of ``where``.
    """
    data, period = context.dataset, context.period
    if view.period:
        period = choose_period(context.loaded, data.coverage, view.period)
    if period == context.period and not view.where:
        return context
    known: dict[object, Context] = context.__dict__.setdefault("_parts_viewed", {})
    key = (period, tuple(sorted(view.where.items())))
    if key not in known:
        inside = replace(context, dataset=rows_where(data, view.where), period=period)
        for name, table in inside.dataset.tables.items() if view.where else ():
            whole = context.coverages.of(data.tables[name], name)
            inside.coverages.extend(table, whole)
        known[key] = inside
    return known[key]


def metric_of(context: Context, name: str | None, *, where: str) -> Metric:
    """Return a metric of the product; its first one with a table for None.

    Raises:
        UnknownNameError: There is none of this name.
        NothingFound: The product has no KPI at all.
    """
    known = {metric.name: metric for metric in context.metrics}
    if name is None:
        if not known:
            raise NothingFound(
                f"{context.loaded.path.name} has no KPI that its tables fill.\n"
                "List some under metrics:."
            )
        return next(iter(known.values()))
    if name in known:
        return known[name]
    if name in context.catalogue:
        return context.catalogue[name]
    raise unknown_name("metric", name, where, context.catalogue)


def check_segment(metric: Metric, context: Context, view: View) -> None:
    """Raise unless the tables of a metric can tell whose rows of a segment are.

    Raises:
        AnalysisError: A table of it lacks a column of ``where`` or ``by``.
    """
    tables = {metric.table} | {
        context.catalogue[name].table for names in metric.inputs.values() for name in names[:1]
    }
    for table in sorted(tables & set(context.dataset.tables)):
        columns = context.dataset.tables[table].columns
        for column in (*view.where, *([view.by] if view.by else [])):
            if column not in columns:
                raise AnalysisError(
                    f"{metric.label} cannot be told by {in_words(column)}: its table {table} has "
                    f"no column '{column}'.\n{hint_names(column, columns, label='Columns')}"
                )


def single(metric: Metric, by: str) -> str:
    """Return the column to break a metric down by.

    Raises:
        AnalysisError: The metric is made of others, whose segments do not make up its own.
    """
    if metric.inputs:
        raise AnalysisError(
            f"{metric.label} is made of other metrics and has no segments.\n"
            "Choose one of those that it is made of, or no breakdown."
        )
    return by


def segment_text(view: View) -> str:
    """Return the segment of a view, as the end of a subtitle: ``; only plan = Team``."""
    parts = [f"{in_words(column)} = {value}" for column, value in view.where.items()]
    return f"; only {', '.join(parts)}" if parts else ""


def nothing_in(view: View, context: Context, what: str) -> NothingFound:
    """Return the line on a choice without a row."""
    whose = segment_text(view).removeprefix("; only ")
    of_whom = f" where {whose}" if whose else ""
    todo = "Choose another segment or period." if whose else "Choose another period."
    return NothingFound(f"{what} has no row{of_whom} in {context.period.label}.\n{todo}")


def metric_options(context: Context) -> tuple[Option, ...]:
    """Return the KPIs of the scorecard."""
    return tuple(Option(metric.name, metric.label) for metric in context.metrics)


def period_options(context: Context) -> tuple[Option, ...]:
    """Return the fiscal quarters that the data touches, the last one first, then the months."""
    found: list[Period] = []
    data, calendar = context.dataset, context.calendar
    end = data.as_of + dt.timedelta(days=1)
    for grain in ("quarter", "month"):
        found += reversed(calendar.periods(data.first_day, end, grain))
    labels = dict.fromkeys([context.period.label, *(period.label for period in found)])
    return tuple(Option(label, label) for label in labels)


def column_options(context: Context, table: str) -> tuple[Option, ...]:
    """Return the declared dimensions that a table has as columns."""
    columns = context.dataset.tables[table].columns if table in context.dataset.tables else ()
    declared = dict.fromkeys([
        *context.params.segments,
        *(name for funnel in context.params.funnels.values() for name in funnel.segments),
    ])  # fmt: skip
    return tuple(Option(name, in_words(name)) for name in declared if name in columns)


def value_options(context: Context, table: str, column: str) -> tuple[Option, ...]:
    """Return the values of a column that have most rows."""
    if table not in context.dataset.tables or column not in context.dataset.tables[table].columns:
        return ()
    values = column_values(context.dataset.tables[table], column, most=MOST_VALUES)
    return tuple(Option(value, value) for value in values)


def named(*pairs: tuple[str, str]) -> tuple[Option, ...]:
    """Return options of values and labels."""
    return tuple(Option(value, label) for value, label in pairs)


def left_out_note(shown: int, total: int, noun: str) -> tuple[str, ...]:
    """Return a note on rows that a table leaves out, if it does."""
    if shown >= total:
        return ()
    return (f"The first {shown} of {plural(total, noun)}; copy as CSV has them all.",)
