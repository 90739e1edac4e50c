"""The rows that a funnel looks at: keyed, timed, and marked with the steps that each serves."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import combinations
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpikit.analysis.funnels.definition import Definition
from kpikit.analysis.funnels.steps import Matcher, are_disjoint, is_filtered, matches
from kpikit.catalogue.keeping import keep
from kpikit.catalogue.relations import as_segment
from kpikit.engine import (
    as_table,
    backend_name,
    check_columns,
    instant,
    naive_utc,
    short_key,
    with_text_events,
)

TIME = "timestamp(6)"
REST = "(other)"
NOT_REACHED = "(not reached)"
SPAN_END = "span_end"
_MOST_PASSES = 6


@dataclass(frozen=True)
class Rows:
    """The rows of a funnel.

    Attributes:
        funnel: What was asked for.
        table: One row per event: the keys, the values of ``by`` and ``carried``, ``time`` and
            ``mask``, whose bits are the steps in order and then the exclusions; kept by the engine.
        source: All events with user and time: their own columns, the keys, the values of ``by``
            and ``carried``, and ``kpikit_time``.
        units: Columns that make a unit, of which each counts once.
        keys: Columns that part the rows into sequences; an entry lies in one.
        groups: Columns that part the result, among the keys.
        carried: Further columns of the events, and the names under which the rows bear them.
    """

    funnel: Definition
    table: ir.Table
    source: ir.Table
    units: tuple[str, ...]
    keys: tuple[str, ...]
    groups: tuple[str, ...]
    carried: Mapping[str, str] = field(default_factory=dict)

    def of_step(self, number: int) -> ir.Table:
        """Return the rows that serve a step, numbered from 1."""
        return self._marked(1 << (number - 1))

    def of_exclusion(self, index: int) -> ir.Table:
        """Return the rows that an exclusion means, numbered from 0."""
        return self._marked(1 << (len(self.funnel.steps) + index))

    def of_any_step(self) -> ir.Table:
        """Return the rows that serve any step."""
        return self._marked((1 << len(self.funnel.steps)) - 1)

    def entering(self, rows: ir.Table) -> ir.Table:
        """Return the rows at which an entry may begin: within the days, and with a full window."""
        funnel, inside = self.funnel, []
        if SPAN_END in rows.columns:
            inside.append(rows.time < rows[SPAN_END])
        if funnel.start is not None:
            inside.append(rows.time >= instant(funnel.start))
        if funnel.end is not None:
            inside.append(rows.time < instant(funnel.end))
        if funnel.last_entry is not None and funnel.mature_only:
            inside.append(rows.time < instant(funnel.last_entry))
        return rows.filter(*inside) if inside else rows

    def in_spans(self, bounds: Sequence[tuple[dt.datetime, dt.datetime]]) -> "Rows":
        """Return the rows as a funnel of each span, of mature entries, which ``period`` numbers.

        Args:
            bounds: First instants of each span and after it; all lie in the funnel's days.
        """
        tables = []
        for number, (begin, end) in enumerate(bounds):
            reach = _reach_of(self.table.time, begin, end, self.funnel.window)
            marks = {"period": ibis.literal(number, "int8"), SPAN_END: instant(end)}
            tables.append(self.table.filter(*reach).select(*self.keys, "time", "mask", **marks))
        return replace(
            self,
            funnel=replace(self.funnel, start=None, end=None, mature_only=True),
            table=ibis.union(*tables),
            units=(*self.units, "period"),
            keys=(*self.keys, "period"),
        )

    def parted_by(self, column: str, *, attribution: str | int, top: int) -> "Rows":
        """Return the rows with a carried column as what the funnel is broken down by."""
        own = self.carried[column]
        return replace(
            self,
            funnel=replace(self.funnel, by=(column,), attribution=attribution, top=top),
            table=self.table.rename(by_0=own),
            source=self.source.rename(by_0=own),
        )

    def pair(self, number: int) -> "Rows":
        """Return the rows of the funnel from the needed step before a step to that step alone."""
        funnel, before = self.funnel, self.funnel.needed_before(number)
        inside = [
            index
            for index, each in enumerate(funnel.exclusions)
            if (each.after, each.before) == (before, number)
        ]
        exclusions = (replace(funnel.exclusions[index], after=1, before=2) for index in inside)
        bits = [before - 1, number - 1, *(len(funnel.steps) + index for index in inside)]
        mask = self.table["mask"]
        moved = (((mask >> bit) & 1) << place for place, bit in enumerate(bits))
        return replace(
            self,
            funnel=replace(
                funnel,
                steps=(funnel.steps[before - 1], funnel.steps[number - 1]),
                exclusions=tuple(exclusions),
            ),
            table=self.table.mutate(mask=reduce(or_, moved).cast("int32")),
        )

    def _marked(self, bits: int) -> ir.Table:
        return self.table.filter((self.table["mask"] & bits) != 0)


def kept(table: ir.Table, passes: int = 1) -> ir.Table:
    """Return a relation that is used more than once in one query, and computed once.

    DuckDB does so by itself, elsewhere the engine keeps a table; and so it does after so many
    ``passes`` that the text of the query would nest too deeply.
    """
    by_itself = backend_name(table) == "duckdb" and passes % _MOST_PASSES
    return table if by_itself else keep(table)


def prepare(
    events: "ir.Table | pd.DataFrame",
    funnel: Definition,
    *,
    keep_ids: bool = False,
    carry: Sequence[str] = (),
) -> Rows:
    """Return the rows of a funnel, kept by the engine so that it reads the events once.

    Args:
        events: The events.
        funnel: What is asked for.
        keep_ids: Whether units keep their ids, which the result shows.
        carry: Further columns of the events that the rows of a step have to bear.
    """
    table = with_text_events(as_table(events))
    named = [*funnel.unit, *funnel.hold, *funnel.by, *carry]
    check_columns(table, [*named, "event_time"], "events")
    carried = {name: f"carried_{index}" for index, name in enumerate(carry)}
    source = _known(table, funnel, carried, keep_ids=keep_ids)
    marked = _marked(source, funnel)
    units = tuple(f"unit_{index}" for index, _ in enumerate(funnel.unit))
    held = tuple(f"held_{index}" for index, _ in enumerate(funnel.hold))
    groups = group_names(funnel) if funnel.attribution == "every_step" else ()
    valued = funnel.attribution not in ("first_touch", "last_touch")
    values = [*(group_names(funnel) if valued else ()), *carried.values()]
    return Rows(
        funnel=funnel,
        table=keep(marked.select(*units, *held, *values, "mask", time="kpikit_time")),
        source=source,
        units=units,
        keys=(*units, *held, *groups),
        groups=groups,
        carried=carried,
    )


def group_names(funnel: Definition) -> tuple[str, ...]:
    """Return the names in a query of the columns of ``by``."""
    return tuple(f"by_{index}" for index, _ in enumerate(funnel.by))


def _known(
    table: ir.Table, funnel: Definition, carried: Mapping[str, str], *, keep_ids: bool
) -> ir.Table:
    """Return the events with units, held values and times, all under names of ours as well."""
    times = naive_utc(table.event_time)
    key: Callable[[ir.Value], ir.Value] = (lambda column: column) if keep_ids else short_key
    labels = [*zip(funnel.by, group_names(funnel), strict=True), *carried.items()]
    # under a name of ours, for the events may have a column time of their own
    known = table.mutate(
        kpikit_time=times.cast(TIME) if times.type().scale == 9 else times,
        **{f"unit_{index}": key(table[name]) for index, name in enumerate(funnel.unit)},
        **{f"held_{index}": key(table[name]) for index, name in enumerate(funnel.hold)},
        **{label: as_segment(table[name]) for name, label in labels},
    )
    needed = dict.fromkeys((*funnel.unit, *funnel.hold, "kpikit_time"))
    conditions = [known[name].notnull() for name in needed]  # noqa: PD004 - Ibis
    if funnel.closing is not None:
        conditions.append(known.kpikit_time < instant(funnel.closing))
    return known.filter(*conditions)


def _marked(source: ir.Table, funnel: Definition) -> ir.Table:
    """Return the rows that matter, with their ``mask``."""
    inside = _within_reach(source, funnel)
    matchers: tuple[Matcher, ...] = (*funnel.steps, *funnel.exclusions)
    every_row_counts = funnel.order == "strict" and funnel.among == "all"
    by_event = all(matcher.events is not None for matcher in matchers)
    if by_event and not every_row_counts:
        names = {name for matcher in matchers for name in matcher.events or ()}
        inside.append(source.event.isin(sorted(names)))
    rows = source.filter(*inside) if inside else source
    conditions = [matches(rows, matcher) for matcher in matchers]
    for index, step in enumerate(funnel.steps):
        if step.first_time:
            conditions[index] = _first_time(rows, conditions[index], funnel)
    rows = rows.mutate(mask=_mask(matchers, conditions))
    by_event_alone = by_event and not any(
        is_filtered(matcher) or getattr(matcher, "first_time", False) for matcher in matchers
    )
    if every_row_counts or by_event_alone:
        return rows
    return rows.filter(rows["mask"] != 0)


def _mask(matchers: Sequence[Matcher], conditions: Sequence[ir.BooleanValue]) -> ir.Value:
    """Return the bits of the steps and exclusions that a row matches."""
    bits = [1 << index for index, _ in enumerate(conditions)]
    if all(are_disjoint(one, other) for one, other in combinations(matchers, 2)):
        branches = [(each, ibis.literal(bit)) for each, bit in zip(conditions, bits, strict=True)]
        return ibis.cases(*branches, else_=0).cast("int32")
    weighed = [
        each.fill_null(False).cast("int32") * bit
        for each, bit in zip(conditions, bits, strict=True)
    ]
    return reduce(or_, weighed)


def _within_reach(source: ir.Table, funnel: Definition) -> list[ir.BooleanValue]:
    """Return whether an entry of the days can have a row: none before, none beyond its window."""
    begin = None if any(step.first_time for step in funnel.steps) else funnel.start
    return _reach_of(source.kpikit_time, begin, funnel.end, funnel.window)


def _reach_of(
    time: ir.TimestampValue,
    begin: dt.datetime | None,
    end: dt.datetime | None,
    window: dt.timedelta | None,
) -> list[ir.BooleanValue]:
    reach = [] if begin is None else [time >= instant(begin)]
    if end is not None and window is not None:
        # twice the window, for an exclusion counts for one after a step that took one
        reach.append(time < instant(end + 2 * window))
    return reach


def _first_time(rows: ir.Table, condition: ir.BooleanValue, funnel: Definition) -> ir.BooleanValue:
    """Return whether a row is the first, or of the first instant, that a unit matches at all."""
    units = [f"unit_{index}" for index, _ in enumerate(funnel.unit)]
    matching: Any = ibis.ifelse(condition, rows.kpikit_time, ibis.null(TIME))
    return condition & (rows.kpikit_time == matching.min().over(ibis.window(group_by=units)))
