"""In which periods each user was there: an integer each, with a bit per period.

One grouping and no join; a cell of a table is then a count of bits. Questions that are asked of one
table of events are answered by one pass over it.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd

from kpikit.catalogue.keeping import keep
from kpikit.engine import (
    as_table,
    fetch,
    instant,
    naive_utc,
    short_key,
    supports,
    utc_bounds,
    with_text_events,
)
from kpikit.errors import AnalysisError
from kpikit.periods import Calendar, Grain, Period, Weekday, as_date

MOST_PERIODS = 63  # the bits of a 64-bit integer without its sign
_LONGEST = {"day": 1, "week": 7, "month": 31}


@dataclass(frozen=True)
class Mark:
    """What a mask tells of a user: bit p says that there was such an event in period p.

    Attributes:
        periods: Periods in order, each from the end of the one before; ``MOST_PERIODS`` at most.
        timezone: Zone of their days.
        events: Names of the events that count; None means any.
    """

    periods: tuple[Period, ...]
    timezone: str
    events: tuple[str, ...] | None = None

    @property
    def bounds(self) -> list[dt.datetime]:
        """The UTC instants at which the periods begin, and at which the last one ends."""
        days = [*(period.start for period in self.periods), self.periods[-1].end]
        return [utc_bounds(day, day, self.timezone)[0] for day in days]


class VisitQuestion(Protocol):
    """What ``visit_tables`` answers."""

    def marks(self, events: ir.Table) -> Mapping[str, Mark]:
        """Return the masks that it needs, by name; none where masks cannot answer it."""

    def of_masks(self, users: ir.Table, periods: Sequence[Period]) -> pd.DataFrame:
        """Return the answer by a row per user with a column per mask, all of these periods."""

    def of_events(self, events: ir.Table) -> pd.DataFrame:
        """Return the same answer by the events themselves."""


class CutByCalendar:
    """A question that has a calendar of its own."""

    timezone: str
    week_start: Weekday

    @cached_property
    def calendar(self) -> Calendar:
        """How time is cut."""
        return Calendar(timezone=self.timezone, week_start=self.week_start)


class UpToDay(CutByCalendar):
    """A question about all that has come up to a day."""

    as_of: dt.date | str

    @cached_property
    def after(self) -> dt.date:
        """The first day without data."""
        return as_date(self.as_of, "as_of") + dt.timedelta(days=1)


def visit_tables(
    events: "ir.Table | pd.DataFrame", *questions: VisitQuestion
) -> list[pd.DataFrame]:
    """Return the answer to each question, with one pass over the events for all of them."""
    events = with_text_events(as_table(events))
    asked = [question.marks(events) for question in questions]
    marks = list(dict.fromkeys(mark for each in asked for mark in each.values()))
    users = visit_masks(events, marks) if marks else events
    if sum(bool(each) for each in asked) > 1:
        users = keep(users)

    def answer(question: VisitQuestion, own: Mapping[str, Mark]) -> pd.DataFrame:
        if not own:
            return question.of_events(events)
        masks = {name: users[f"mask_{marks.index(mark)}"] for name, mark in own.items()}
        return question.of_masks(users.select(**masks), next(iter(own.values())).periods)

    return [answer(question, own) for question, own in zip(questions, asked, strict=True)]


def visit_periods(
    events: ir.Table, *, grain: Grain, calendar: Calendar, after: dt.date
) -> tuple[Period, ...]:
    """Return the periods from the first event to the day before ``after``, which ends the last.

    None where there are no events before, more periods than bits, or the engine knows no bits.
    """
    if not knows_bits(events):
        return ()
    # which DuckDB reads off the footer of a Parquet file
    first = fetch(naive_utc(events.event_time).min().as_table())[0][0].as_py()
    if first is None or first >= utc_bounds(after, after, calendar.timezone)[0]:
        return ()
    day = first.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(calendar.timezone)).date()
    if (after - day).days > MOST_PERIODS * _LONGEST[grain]:
        return ()
    periods = calendar.periods(day, after, grain)
    if len(periods) > MOST_PERIODS:
        return ()
    return (*periods[:-1], replace(periods[-1], end=after))


def event_names(names: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the events that one name or several mean; None means any.

    Raises:
        AnalysisError: Something else than names is given.
    """
    if names is None:
        return None
    given = (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    for name in given:
        if not isinstance(name, str):
            raise AnalysisError(
                f"{name!r} is given as an event.\n"
                f"Give its name, or several; to ask for a property, filter the events before."
            )
    if not given:
        raise AnalysisError("No event is given.\nName one or several, or give None for any.")
    return given


def knows_bits(events: ir.Table) -> bool:
    """Return whether the engine that holds the events can make masks."""
    return supports(events.event_time, ops.BitOr)


def visit_masks(events: ir.Table, marks: Sequence[Mark]) -> ir.Table:
    """Return a row per user with an event of any mark: ``mask_0``, ``mask_1`` ... of the marks.

    Args:
        events: ``user_id``, ``event_time`` (UTC) and, where a mark names events, ``event``.
        marks: What each mask tells.
    """
    names = {name for mark in marks for name in mark.events or ()}
    rows = events.select(
        "user_id", *(["event"] if names else []), event_time=naive_utc(events.event_time)
    )
    begin, end = (min(mark.bounds[0] for mark in marks), max(mark.bounds[-1] for mark in marks))
    rows = rows.drop_null("user_id").filter(_lies_within(rows.event_time, [begin, end]))
    if all(mark.events is not None for mark in marks):
        rows = rows.filter(rows.event.isin(sorted(names)))
    spans = list(dict.fromkeys(tuple(mark.bounds) for mark in marks))
    bits = {f"bit_{index}": _bit(rows.event_time, span[:-1]) for index, span in enumerate(spans)}
    rows = rows.mutate(**bits)  # marks of the same periods share the long expression
    masks = {
        f"mask_{index}": ibis.ifelse(
            _counts(rows, mark, [begin, end]), rows[f"bit_{spans.index(tuple(mark.bounds))}"], 0
        )
        for index, mark in enumerate(marks)
    }
    marked = rows.select(user_id=short_key(rows.user_id), **masks)
    return marked.group_by("user_id").aggregate(**{name: marked[name].bit_or() for name in masks})


def _counts(rows: ir.Table, mark: Mark, known: Sequence[dt.datetime]) -> ir.BooleanValue:
    """Return whether each row, which lies within ``known``, is an event that a mask tells of."""
    ends = [mark.bounds[0], mark.bounds[-1]]
    inside = [] if ends == known else [_lies_within(rows.event_time, ends)]
    named = [] if mark.events is None else [rows.event.isin(list(mark.events))]
    return ibis.and_(*inside, *named)


def _lies_within(times: ir.TimestampValue, bounds: Sequence[dt.datetime]) -> ir.BooleanValue:
    return (times >= instant(bounds[0])) & (times < instant(bounds[-1]))


def _bit(times: ir.TimestampValue, starts: Sequence[dt.datetime], first: int = 0) -> ir.Value:
    """Return ``2 ** (first + p)`` for times of the p-th period; none lies before the first.

    A CASE by halves, on the times as they are stored: no shift to local time, and no arithmetic.
    """
    if len(starts) == 1:
        return ibis.literal(1 << first, "int64")
    half = len(starts) // 2
    return ibis.ifelse(
        times < instant(starts[half]),
        _bit(times, starts[:half], first),
        _bit(times, starts[half:], first + half),
    )
