"""Entries of an ordered funnel: for each event of step 1, the times at which it went on.

The first event of step k at or after t_(k-1) is found for all entries at once: put the entries and
the events of step k in one relation and take a running minimum backwards in time.
"""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

import ibis
import ibis.expr.types as ir

from kpikit.analysis.funnels.events import TIME, Rows, kept
from kpikit.analysis.funnels.overlap import instants, overlaps
from kpikit.catalogue.keeping import keep


def following(
    entries: ir.Table,
    events: ir.Table,
    *,
    at: str,
    keys: Sequence[str],
    strictly: bool = False,
    value: str = "time",
) -> ir.Table:
    """Return ``entries`` with ``found``: the first event at or after their time ``at``.

    Args:
        entries: The keys, the time and what else is to be kept.
        events: The keys, ``time`` and ``value``.
        at: Column of ``entries`` from which to look; where it is missing nothing is found.
        keys: Columns that both share.
        strictly: Look only after ``at``, not at it.
        value: Column of ``events`` to return; it must not fall as ``time`` rises.

    Returns:
        The entries in any order, with ``found`` missing where nothing follows.
    """
    both = side_by_side(entries, events, at=at, keys=keys, value=value)
    # backwards in time; what sorts before an entry at its own instant is found by it
    first = both.is_entry.desc() if strictly else both.is_entry.asc()
    backwards = ibis.window(
        group_by=list(keys), order_by=[both.moment.desc(), first], preceding=None, following=0
    )
    own = both.moment if value == "time" else both.candidate
    nearest = ibis.ifelse(both.is_entry == 0, own, ibis.null(TIME)).min().over(backwards)
    # engines disagree on whether a missing time comes first or last
    found = ibis.ifelse(both.moment.notnull(), nearest, ibis.null(TIME))
    both = both.select("is_entry", **entry_columns(both, entries, at), found=found)
    return both.filter(both.is_entry == 1).drop("is_entry")


def side_by_side(
    entries: ir.Table, events: ir.Table, *, at: str, keys: Sequence[str], value: str = "time"
) -> ir.Table:
    """Return entries and events in one relation, which is to be sorted and so holds nothing twice.

    Returns:
        The columns of ``entries`` but ``at``, missing for events; ``moment`` (their time ``at``, or
        the event's), ``is_entry`` (1 or 0) and, unless it is the time, ``candidate`` (``value`` of
        an event).
    """
    carried = [column for column in entries.columns if column not in (*keys, at)]
    missing = {column: ibis.null(entries[column].type()) for column in carried}
    valued = [{"candidate": ibis.null(TIME)}, {"candidate": events[value]}]
    if value == "time":
        valued = [{}, {}]
    mine = entries.select(
        *keys, *carried, moment=entries[at], is_entry=ibis.literal(1, "int8"), **valued[0]
    )
    theirs = events.select(
        *keys, **missing, moment=events["time"], is_entry=ibis.literal(0, "int8"), **valued[1]
    )
    return mine.union(theirs)


def entry_columns(both: ir.Table, entries: ir.Table, at: str) -> dict[str, ir.Value]:
    """Return the columns of ``entries`` as they stand ``side_by_side`` with events."""
    return {name: both["moment" if name == at else name] for name in entries.columns}


def in_time(found: ir.Value, began: ir.Value, rows: Rows) -> ir.BooleanValue:
    """Return whether ``found`` lies within the window that ``began``."""
    if rows.funnel.window is None:
        return ibis.literal(value=True)
    return found <= began + interval(rows)


def within(found: ir.Value, began: ir.Value, rows: Rows) -> ir.Value:
    """Return ``found`` where it lies within the window that ``began``, else missing."""
    return ibis.ifelse(in_time(found, began, rows), found, ibis.null(TIME))


def interval(rows: Rows) -> ir.IntervalScalar:
    """Return the window as a literal."""
    window = rows.funnel.window or dt.timedelta()
    if window.microseconds:
        return ibis.interval(microseconds=window // dt.timedelta(microseconds=1))
    return ibis.interval(seconds=window // dt.timedelta(seconds=1))


def ordered_entries(rows: Rows, first: ir.Table) -> ir.Table:
    """Return all entries with ``time_1`` to ``time_K``, missing where a step is not reached.

    Optional steps stay missing: they change no entry (see ``with_optional``).

    Args:
        rows: The rows of the funnel.
        first: The events of step 1: the keys, further columns to keep, ``time_1``.
    """
    needed = [rows.funnel.steps[number - 1] for number in rows.funnel.required]
    if overlaps(needed) and not rows.funnel.strictly_later:
        return _overlapping_entries(rows, first)
    living, ended = first, []
    for passes, (before, number) in enumerate(pairwise(rows.funnel.required), 1):
        found = kept(_advanced(living, rows, before, number), passes)
        living = found.filter(found[f"time_{number}"].notnull())
        ended.append(found.filter(found[f"time_{number}"].isnull()))
    return _stacked([*ended, living], rows)


def _advanced(living: ir.Table, rows: Rows, before: int, number: int) -> ir.Table:
    """Return the entries with the time of step ``number``."""
    found = following(
        living, rows.of_step(number), at=f"time_{before}", keys=rows.keys,
        strictly=rows.funnel.strictly_later,
    )  # fmt: skip
    reached = within(found.found, found.time_1, rows)
    return found.select(*living.columns, **{f"time_{number}": reached})


def _overlapping_entries(rows: Rows, first: ir.Table) -> ir.Table:
    """Return the entries where one row may serve several steps, and serves but one.

    The state of an entry is its time and how far the rows of that instant lead.
    """
    steps = keep(instants(rows))
    reach = steps.select(*rows.keys, moment="time", reach="reach_1")
    entries = first.distinct()
    entries = _joined(entries, reach, rows.keys, "time_1")
    numbers = rows.funnel.required
    for index, (before, number) in enumerate(pairwise(numbers), 2):
        serving = steps.filter(steps[f"reach_{index}"] >= index)
        found = following(entries, serving, at=f"time_{before}", keys=rows.keys, strictly=True)
        at_once = found.reach >= index
        later = within(found.found, found.time_1, rows)
        found = found.mutate(
            **{f"time_{number}": ibis.ifelse(at_once, found[f"time_{before}"], later)}
        )
        reach = steps.select(*rows.keys, moment="time", new_reach=f"reach_{index}")
        joined = _joined(found.drop("found"), reach, rows.keys, f"time_{number}")
        furthest = ibis.ifelse(joined.reach >= index, joined.reach, joined.new_reach)
        entries = keep(joined.mutate(reach=furthest).drop("new_reach"))
    return _stacked([entries.drop("reach")], rows)


def _joined(entries: ir.Table, instants_: ir.Table, keys: Sequence[str], at: str) -> ir.Table:
    """Return the entries with what the instants at their time ``at`` bear."""
    joined = entries.left_join(instants_, [*keys, (at, "moment")])
    added = [name for name in instants_.columns if name not in (*keys, "moment")]
    return joined.select(*entries.columns, *added)


def _stacked(parts: Sequence[ir.Table], rows: Rows) -> ir.Table:
    """Return all parts as one relation with every time."""
    names = [f"time_{number}" for number in range(1, len(rows.funnel.steps) + 1)]
    filled = [
        part.mutate(**{name: ibis.null(TIME) for name in names if name not in part.columns})
        for part in parts
    ]
    columns = [*(name for name in filled[0].columns if name not in names), *names]
    return ibis.union(*(part.select(*columns) for part in filled))
