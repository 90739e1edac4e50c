"""Deliveries in a table and sentences: planned, forecast and actual days, and the slip."""

import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd

from kpikit.formats import (
    MINUS,
    MISSING,
    format_chance,
    format_count,
    format_date,
    is_missing,
    plural,
)
from kpikit.present.components import Cell, Column, Table, Tone
from kpikit.present.frames import Row, records

_STATES: Mapping[str, tuple[str, Tone]] = {
    "done": ("done", "good"),
    "late": ("late", "bad"),
    "open": ("open", "neutral"),
}
_COLUMNS = (
    Column("milestone", "Milestone", width=2.6),
    Column("planned", "Planned", "number", width=1.3),
    Column("forecast", "Declared forecast", "number", width=1.4),
    Column("remaining", "Items left", "number"),
    Column("p50", "P50", "number", width=1.3),
    Column("p85", "P85", "number", width=1.3),
    Column("p_on_time", "P(on time)", "number"),
    Column("actual", "Actual", "number", width=1.3),
    Column("slip", "Slip", "number", width=1.1, emphasis=True),
    Column("state", "State", width=0.9),
)
_OPTIONAL = {"forecast", "remaining", "p50", "p85", "p_on_time", "actual"}


def milestones_table(frame: pd.DataFrame, *, subtitle: str, notes: Sequence[str]) -> Table:
    """Return the milestones, by planned day; what is known of none has no column.

    Args:
        frame: ``milestone_table``.
        subtitle: What and when.
        notes: Remarks below.
    """
    rows: list[dict[str, str | Cell]] = [
        {
            "milestone": str(row["milestone"]),
            **{name: _day(row[name]) for name in ("planned", "forecast", "p50", "p85", "actual")},
            "remaining": format_count(row["remaining"]),
            "p_on_time": _simulated(row["p_on_time"]),
            "slip": _slip(row),
            "state": Cell(*_STATES[row["state"]]),
        }
        for row in records(frame)
    ]
    shown = tuple(
        column
        for column in _COLUMNS
        if column.key not in _OPTIONAL or frame[column.key].notna().any()
    )
    rows = [{column.key: row[column.key] for column in shown} for row in rows]
    return Table(shown, tuple(rows), milestones_title(frame), subtitle, tuple(notes))


def milestones_title(frame: pd.DataFrame) -> str:
    """Return the message: ``1 of 2 milestones done; next: Winter world, ... 12 days late by P85``.

    Args:
        frame: ``milestone_table``.
    """
    rows = records(frame)
    done = sum(row["state"] == "done" for row in rows)
    text = f"{done} of {plural(len(rows), 'milestone')} done"
    ahead = [row for row in rows if row["state"] != "done"]
    if not ahead:
        return text
    row = ahead[0]
    text += f"; next: {row['milestone']}, planned for {format_date(row['planned'])}"
    if is_missing(row["slip_days"]):
        return text
    by = "by P85" if row["p85"] else "by its forecast"
    return f"{text}, {slip_text(row['slip_days'])} {by}"


def slip_text(days: float) -> str:
    """Return a slip in words: ``12 days late``, ``1 day early``, ``on time``."""
    if not days:
        return "on time"
    return f"{plural(abs(int(days)), 'day')} {'late' if days > 0 else 'early'}"


def _simulated(chance: float) -> str:
    """Return a chance as trials tell it: all of ten thousand make nothing certain."""
    return format_chance(chance if is_missing(chance) else min(max(chance, 1e-4), 1 - 1e-4))


def _slip(row: Row) -> Cell:
    days = row["slip_days"]
    if is_missing(days):
        return Cell(MISSING)
    sign = "+" if days > 0 else MINUS if days < 0 else "±"
    tone: Tone = "bad" if days > 0 else "good" if days < 0 else "neutral"
    return Cell(f"{sign}{plural(abs(int(days)), 'day')}", tone)


def _day(day: dt.date | None) -> str:
    return MISSING if day is None or pd.isna(day) else format_date(day)
