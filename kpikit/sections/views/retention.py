"""Who comes back, by cohorts of any grain and for one segment."""

from typing import Any

from kpikit.analysis.retention import retention_curve, retention_table
from kpikit.catalogue.relations import purchases
from kpikit.errors import AnalysisError
from kpikit.formats import format_count, format_share
from kpikit.params.views import View
from kpikit.present.charts import figure, plot_retention_curve
from kpikit.present.components import Column, Component, Table
from kpikit.present.frames import age_names, in_words, records
from kpikit.present.tables import cohorts_table
from kpikit.present.titles import alt_text, cohorts_title, row_numbers
from kpikit.sections.context import Context
from kpikit.sections.views import answers
from kpikit.sections.views.answers import Asking, Exhibit, Found, NothingFound, Option

_AGES = {"day": 14, "week": 12, "month": 12}
_COHORTS = 24


def fill(context: Context, view: View) -> View:
    """Return the view with the grain that the product declares."""
    grain = view.grain or context.params.retention.grain
    if grain not in _AGES:
        raise AnalysisError(f"Retention has no grain '{grain}'.\nChoose day, week or month.")
    return view.model_copy(update={"grain": grain})


def find(context: Context, view: View) -> Found:
    """Return the cohorts of users, or of buyers where there are no events, and their curve."""
    inside = answers.context_of(context, view)
    activity, who, start, again = _activity(inside, view)
    own = context.params.retention
    grain: Any = view.grain
    asking = Asking(inside)
    table = asking.ask(
        "cohorts",
        lambda: retention_table(
            activity,
            grain=grain,
            as_of=inside.as_of,
            max_age=own.max_age if grain == own.grain else _AGES[grain],
            start_event=start,
            return_event=again,
            week_start=inside.calendar.week_start,
            timezone=inside.calendar.timezone,
        ),
    )
    curve = retention_curve(table)
    if not (curve["age"] > 0).any():
        whose = answers.segment_text(view).removeprefix("; only ")
        of_whom = f" where {whose}" if whose else ""
        raise NothingFound(
            f"Nobody{of_whom} is known to have joined a whole {grain} before the end of "
            f"{inside.period.label}.\nChoose another segment, grain or period."
        )
    asking.answers["curve"] = answers.Answer(curve, asking.answers["cohorts"].sql)
    act = f"“{in_words(again)}”" if again else "an order" if who == "buyers" else "an event"
    definition = f"Share of each {grain}'s new {who} with {act} so many {grain}s after"
    return Found(inside, view, asking.answers, (who, definition))


def draw(found: Found) -> list[Exhibit]:
    """Return the curve over all cohorts, its numbers, and the cohorts as a shaded table.

    The section's triangle says the same as the table, and takes half the time of an answer.
    """
    cohorts, curve = found.answers["cohorts"], found.answers["curve"]
    return [
        Exhibit(_curve_chart(found), curve),
        Exhibit(_curve_table(found), curve),
        Exhibit(_cohorts(found), cohorts),
    ]


def options(context: Context, view: View) -> dict[str, tuple[Option, ...]]:
    """Return the grains and the columns of the events, or of the orders."""
    del view
    table = "events" if "events" in context.dataset.tables else "orders"
    return {
        "grain": tuple(Option(grain, grain) for grain in _AGES),
        "where": answers.column_options(context, table),
    }


def _activity(inside: Context, view: View) -> tuple[Any, str, str | None, str | None]:
    tables, own = inside.dataset.tables, inside.params.retention
    if "events" in tables:
        return tables["events"], "users", own.start_event, own.return_event
    if "orders" in tables:
        return purchases(tables["orders"]), "buyers", None, None
    if view.where:
        raise AnalysisError(
            f"Retention cannot be told by {', '.join(map(in_words, view.where))}: neither events "
            "nor orders have such a column.\nChoose another, or none."
        )
    raise NothingFound("No data; map the table events or orders under source: tables.")


def _curve_chart(found: Found) -> Component:
    who, definition = found.by
    curve, grain = found.answers["curve"].frame, found.view.grain
    numbers = row_numbers(curve, name="age", value="retention_rate", unit="share", most=13)
    return figure(
        plot_retention_curve(curve, grain=grain),  # type: ignore[arg-type]  # one of its grains
        title=cohorts_title(curve, grain=grain, who=who),  # type: ignore[arg-type]  # as above
        subtitle=f"{definition}, %; band: 95 % interval{answers.segment_text(found.view)}",
        alt=alt_text("Line by age", f"retention of {who} by age", definition, numbers),
    )


def _curve_table(found: Found) -> Table:
    curve, grain = found.answers["curve"].frame, found.view.grain
    ages = age_names(curve["age"], grain)  # type: ignore[arg-type]  # one of its grains
    columns = (
        Column("age", "Age"),
        Column("users", "Users", "number"),
        Column("active", "Active", "number"),
        Column("rate", "Retention", "number", emphasis=True),
    )
    rows = [
        {
            "age": age,
            "users": format_count(row["cohort_size"]),
            "active": format_count(row["active_users"]),
            "rate": format_share(row["retention_rate"]),
        }
        for age, row in zip(ages, records(curve), strict=True)
    ]
    return Table(columns, tuple(rows), title="All cohorts by age")


def _cohorts(found: Found) -> Table:
    frame, grain = found.answers["cohorts"].frame, found.view.grain
    return cohorts_table(frame, grain=grain, most=_COHORTS, title="Cohorts")  # type: ignore[arg-type]
