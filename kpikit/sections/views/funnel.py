"""A funnel by steps, window and order of one's own, for one segment or each."""

from typing import Any

import pandas as pd

from kpikit.analysis.funnels import funnel_change_table, funnel_segment_table
from kpikit.errors import AnalysisError, check_choice, unknown_name
from kpikit.formats import MISSING, format_count, format_share, is_missing
from kpikit.params.model import Funnel
from kpikit.params.views import View
from kpikit.present.charts import figure
from kpikit.present.charts_funnel import plot_funnel
from kpikit.present.components import Cell, Column, Component, Table, Tone
from kpikit.present.frames import Row, in_words, records
from kpikit.present.sentences_funnel import change_interval, funnel_title, is_signal
from kpikit.present.titles import alt_text, row_numbers
from kpikit.sections.context import Context
from kpikit.sections.funnels.pages import lacking, nobody
from kpikit.sections.funnels.reading import Reading
from kpikit.sections.funnels.steps import step_cells
from kpikit.sections.views import answers
from kpikit.sections.views.answers import Answer, Asking, Exhibit, Found, NothingFound, Option
from kpikit.sources import check_funnel_events
from kpikit.sources.slices import column_values

_MOST_EVENTS = 200
_MOST_SEGMENTS = 50
_ORDERS = {
    "ordered": "in order",
    "strict": "one right after the other",
    "unordered": "in any order",
}


def fill(context: Context, view: View) -> View:
    """Return the view with the declared funnel's own settings where it has none."""
    if lack := lacking(context):
        raise NothingFound(lack.items[0].text)  # type: ignore[attr-defined]  # an Absence
    declared = context.params.funnels
    key = view.funnel or next(iter(declared))
    if key not in declared:
        raise unknown_name("funnel", key, f"funnels of {context.loaded.path.name}", declared)
    own = declared[key]
    return view.model_copy(
        update={
            "funnel": key,
            "window": view.window or own.window,
            "order": view.order or own.order,
            "comparison": view.comparison or "year_before",
        }
    )


def find(context: Context, view: View) -> Found:
    """Return the funnel of the period, of the one compared with, and by segment if asked."""
    inside = answers.context_of(context, view)
    events = inside.dataset.tables.get("events")
    if events is None or (view.by and view.by not in events.columns):
        column = view.by if events is not None else ", ".join(view.where)
        raise AnalysisError(
            f"The funnel cannot be told by {in_words(str(column))}: the events have no such "
            "column.\nChoose another, or none."
        )
    reading = Reading(inside, str(view.funnel), funnel_of(context, view))
    check_funnel_events(context.loaded, context.dataset.tables)
    asking = Asking(inside)
    if reading.periods["actual"].days == 0:
        raise NothingFound(nobody(reading))
    now = asking.ask("steps", reading.table)
    if now["users"].iloc[0] == 0:
        raise answers.nothing_in(view, inside, f"The first step, “{now['name'].iloc[0]}”,")
    before = _before(reading, view, asking)
    steps = now if before is None else _changes(now, before)
    asking.answers["steps"] = Answer(steps, asking.answers["steps"].sql)
    if view.by:
        asking.ask("segments", lambda: _segments(reading, str(view.by)))
    return Found(inside, view, asking.answers, reading)


def draw(found: Found) -> list[Exhibit]:
    """Return the bars of the steps, their table, and the table of segments."""
    steps = found.answers["steps"]
    exhibits = [Exhibit(_chart(found), steps), Exhibit(_table(found), steps)]
    if "segments" in found.answers:
        exhibits.append(Exhibit(_segment_table(found), found.answers["segments"]))
    return exhibits


def options(context: Context, view: View) -> dict[str, tuple[Option, ...]]:
    """Return the funnels, the events that can be steps, the orders and the columns."""
    columns = answers.column_options(context, "events")
    events = column_values(context.dataset.tables["events"], "event", most=_MOST_EVENTS)
    own = funnel_of(context, view)
    names = dict.fromkeys([*(step for step in own.steps if isinstance(step, str)), *events])
    plain = all(isinstance(step, str) for step in own.steps)
    return {
        "funnel": tuple(Option(key, in_words(key)) for key in context.params.funnels),
        "window": (Option(own.window, own.window),),
        "order": tuple(Option(key, label) for key, label in _ORDERS.items()),
        # steps with filters or names of their own are declared, not dragged
        "steps": tuple(Option(name, name) for name in names) if plain else (),
        "comparison": answers.named(
            ("year_before", "year before"), ("previous", "period before"), ("none", "nothing")
        ),
        "by": (Option("", "nothing"), *columns),
        "where": columns,
    }


def funnel_of(context: Context, view: View) -> Funnel:
    """Return the declared funnel with the settings of a view.

    Raises:
        AnalysisError: A step is no event of the data.
    """
    own = context.params.funnels[str(view.funnel)]
    changed: dict[str, Any] = {
        "window": view.window or own.window,
        "order": view.order or own.order,
    }
    if view.steps is not None:
        known = column_values(context.dataset.tables["events"], "event", most=_MOST_EVENTS)
        for step in view.steps:
            check_choice("step", step, known, "a view of the funnel")
        # what is between two steps by number means nothing once these are others
        changed |= {"steps": list(view.steps), "exclusions": []}
    return own.model_copy(update=changed)


def _before(reading: Reading, view: View, asking: Asking) -> pd.DataFrame | None:
    which = str(view.comparison)
    if which == "none" or reading.context.dataset.first_day > reading.periods[which].start:
        return None
    return asking.ask("before", lambda: reading.table(which))


def _changes(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Return the steps with ``previous`` and how their rates changed since."""
    change = funnel_change_table(before, now)
    columns = ["step", "difference", "ci_low", "ci_high", "p_value", "p_adjusted"]
    names = {"ci_low": "change_low", "ci_high": "change_high"}
    joined = now.merge(change[columns].rename(columns=names), on="step", how="left")
    return joined.assign(previous=before["overall_rate"].to_numpy())


def _segments(reading: Reading, by: str) -> pd.DataFrame:
    """Return per segment who entered and got to the end, and how its steps differ."""
    table = reading.table(by=by, top=_MOST_SEGMENTS, attribution="first_touch")
    ends = table.groupby(by, sort=False, dropna=False).agg(
        entered=("users", "first"), converted=("users", "last"), rate=("overall_rate", "last")
    )
    compared = funnel_segment_table(table)
    worst = compared.sort_values("difference").groupby(by, sort=False, dropna=False).first()
    joined = ends.join(worst[["name", "step_rate", "rest_rate", "difference", "p_adjusted"]])
    return joined.reset_index(names="segment").sort_values("entered", ascending=False)


def _chart(found: Found) -> Component:
    reading, view = found.by, found.view
    frame = found.answers["steps"].frame
    rows = frame.assign(name=frame["name"].map(in_words))
    behind = reading.periods[view.comparison].label if "previous" in rows else ""
    light = f"; light: {behind}" if behind else ""
    overall = {"users": rows["users"].iloc[-1], "previous_users": rows["users"].iloc[0]}
    last = {**records(rows)[-1], **overall, "step_rate": rows["overall_rate"].iloc[-1]}
    worst = int(rows.iloc[1:].sort_values(["step_rate", "step"])["step"].iloc[0])
    return figure(
        plot_funnel(rows, behind=behind, worst=worst),
        title=funnel_title(last, str(rows.loc[rows["step"] == worst, "name"].iloc[0])),
        subtitle=f"Funnel “{reading.label}”, {_ORDERS[reading.funnel.order]} within "
        f"{reading.funnel.window}, {reading.context.period.label}: users, and their share of those "
        f"who entered{light}{answers.segment_text(view)}",
        alt=alt_text(
            "Bars", f"funnel “{reading.label}”", f"Users who got to each step within "
            f"{reading.funnel.window} of the first",
            row_numbers(rows, name="name", value="users", unit="count", most=24),
        ),
    )  # fmt: skip


def _table(found: Found) -> Table:
    frame = found.answers["steps"].frame
    compared = "difference" in frame
    columns = (
        Column("step", "Step"),
        Column("users", "Users", "number", emphasis=True),
        Column("overall", "Of all who entered", "number"),
        Column("rate", "Of the step before", "number"),
        Column("interval", "95 % interval", "number"),
        *([Column("change", "Change", "number")] if compared else []),
        Column("median", "Median time", "number"),
    )
    rows = [
        {**step_cells(row), "change": _change(row) if compared else MISSING}
        for row in records(frame)
    ]
    return Table(columns, tuple(rows), title="Step by step")


def _change(row: Row) -> str | Cell:
    if is_missing(row["difference"]):
        return MISSING
    tone: Tone = "neutral"
    if is_signal(row):
        tone = "good" if row["difference"] > 0 else "bad"
    shown = {**row, "ci_low": row["change_low"], "ci_high": row["change_high"]}
    return Cell(change_interval(shown), tone=tone)


def _segment_table(found: Found) -> Table:
    frame = found.answers["segments"].frame
    name = in_words(str(found.view.by))
    columns = (
        Column("segment", name.capitalize()),
        Column("entered", "Entered", "number"),
        Column("converted", "Converted", "number"),
        Column("rate", "Conversion", "number", emphasis=True),
        Column("worst", "Step furthest below the others"),
        Column("step", "Its rate", "number"),
        Column("rest", "Rate of the others", "number"),
    )
    rows: list[dict[str, str | Cell]] = [
        {
            "segment": str(row["segment"]),
            "entered": format_count(row["entered"]),
            "converted": format_count(row["converted"]),
            "rate": format_share(row["rate"]),
            "worst": in_words(str(row["name"])),
            "step": Cell(format_share(row["step_rate"]),
                         tone="bad" if is_signal(row) and row["difference"] < 0 else "neutral"),
            "rest": format_share(row["rest_rate"]),
        }
        for row in records(frame)
    ]  # fmt: skip
    return Table(columns, tuple(rows), title=f"By {name} of the first event")
