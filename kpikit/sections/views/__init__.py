"""Views: charts and tables by settings of one's own, from plain functions on a report's context.

``kk.explore`` drives them with controls, a cell or the product's file keeps them, and a run without
anybody looking shows what was kept: one way to a number, whoever asks.
"""

from collections.abc import Mapping
from dataclasses import replace

from kpikit.errors import KpikitError, unknown_name
from kpikit.params.views import SECTION_NAMES, View
from kpikit.present.components import Absence, Component, Stack
from kpikit.sections.context import Context
from kpikit.sections.views import (
    drivers,
    experiment,
    funnel,
    retention,
    scorecard,
    segments,
    trends,
)
from kpikit.sections.views.answers import Answer, Exhibit, Found, NothingFound, Option, Section
from kpikit.sources.slices import engines_of, readable_query

__all__ = [
    "SECTIONS",
    "Answer",
    "Exhibit",
    "Found",
    "NothingFound",
    "Option",
    "Section",
    "View",
    "find_view",
    "kept_views",
    "queries_of",
    "section_of",
    "view_section",
]

_BOTH = ("comparison", "where")
SECTIONS: Mapping[str, Section] = {
    found.name: found
    for found in (
        Section("scorecard", "Scorecard", (),
                scorecard.fill, scorecard.find, scorecard.draw, scorecard.options),
        Section("trends", "Trends", ("metric", "grain", "by", *_BOTH),
                trends.fill, trends.find, trends.draw, trends.options),
        Section("segments", "Segments", ("metric", "by", *_BOTH),
                segments.fill, segments.find, segments.draw, segments.options),
        Section("drivers", "Drivers", ("metric", *_BOTH),
                drivers.fill, drivers.find, drivers.draw, drivers.options),
        Section("funnel", "Funnel", ("funnel", "window", "order", "by", *_BOTH, "steps"),
                funnel.fill, funnel.find, funnel.draw, funnel.options),
        Section("retention", "Retention", ("grain", "where"),
                retention.fill, retention.find, retention.draw, retention.options),
        Section("experiment", "Experiments", ("experiment", "metric", "by"),
                experiment.fill, experiment.find, experiment.draw, experiment.options),
    )
}  # fmt: skip


def section_of(name: str) -> Section:
    """Return the kind of view of a name.

    Raises:
        UnknownNameError: There is none; the message names the nearest.
    """
    if name not in SECTIONS:
        raise unknown_name("section", name, "a view", SECTION_NAMES)
    return SECTIONS[name]


def find_view(context: Context, view: View) -> Found:
    """Return the numbers of a view: what its charts and tables are drawn from.

    Args:
        context: Product, data and period of the report.
        view: The settings; what is left out is the section's choice.

    Raises:
        UnknownNameError: A metric, funnel, experiment or section does not exist.
        AnalysisError: The data cannot be told apart as the view asks.
        PeriodError: The period cannot be read, or the data does not touch it.
        NothingFound: The choice has no row.
    """
    section = section_of(view.section)
    return section.find(context, section.fill(context, view))


def queries_of(context: Context, view: View) -> dict[str, tuple[str, ...]]:
    """Return the SQL behind each chart and table of a view, laid out.

    The view is found once more by a context that knows nothing yet, for of what a report has known
    before it has asked nothing.
    """
    found = find_view(replace(context), view)
    engines = engines_of(found.context.dataset)
    dialect = engines[0].name if engines else "duckdb"
    return {
        name: tuple(readable_query(text, dialect) for text in answer.sql)
        for name, answer in found.answers.items()
    }


def view_section(context: Context, view: View) -> Stack:
    """Return a view as a page shows it; one that cannot be shown says why in a line."""
    try:
        found = find_view(context, view)
    except KpikitError as error:
        why = " ".join(str(error).split("\n"))
        return Stack((Absence(f"A kept view of {view.section} is not shown: {why}"),))
    return Stack(tuple(exhibit.component for exhibit in SECTIONS[view.section].draw(found)))


def kept_views(
    context: Context, section: str, own: Component, *, experiment: str | None = None
) -> Component:
    """Return a section followed by the views that the product's file keeps under it.

    Args:
        context: The report's.
        section: As in ``View.section``.
        own: What the section shows by itself.
        experiment: Only views of this test, where the report is about one.
    """
    views = [
        view
        for view in context.params.views
        if view.section == section and experiment in (None, view.experiment)
    ]
    if not views:
        return own
    return Stack((own, *(view_section(context, view) for view in views)))
