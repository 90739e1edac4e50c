"""Entries of strict and unordered funnels, in the shape of the ordered ones."""

from itertools import combinations
from typing import Any

import ibis
import ibis.expr.types as ir

from kpikit.analysis.funnels.entries import following, within
from kpikit.analysis.funnels.events import TIME, Rows
from kpikit.analysis.funnels.overlap import check_apart, kinds_of
from kpikit.catalogue.keeping import keep


def strict_entries(rows: Rows) -> ir.Table:
    """Return the entries whose steps follow one another without another row in between.

    Rows of one instant stand in the order of the first step that they match, those that match none
    after them; ``strictly_later`` lets a row of the same instant break the sequence.
    """
    funnel = rows.funnel
    bits = (1 << len(funnel.steps)) - 1
    table = rows.table if funnel.among == "all" else rows.of_any_step()
    served = table["mask"] & bits
    table = table.mutate(served=served, rank=_first_step(served, len(funnel.steps)))
    line = ibis.window(group_by=list(rows.keys), order_by=[table.time, table["rank"], table.served])
    times: dict[str, Any] = {"time_1": table.time}
    for number in range(2, len(funnel.steps) + 1):
        ahead = number - 1
        serves = (table.served.lead(ahead).over(line) & (1 << ahead)) != 0
        times[f"next_{number}"] = ibis.ifelse(
            serves, table.time.lead(ahead).over(line), ibis.null(TIME)
        )
    found = table.mutate(**times)
    found = rows.entering(found.filter((found.served & 1) != 0))
    for number in range(2, len(funnel.steps) + 1):
        found = found.mutate(**{f"time_{number}": _next(found, number, rows)})
    names = [f"time_{number}" for number in range(1, len(funnel.steps) + 1)]
    return found.select(*rows.keys, *names)


def _next(found: ir.Table, number: int, rows: Rows) -> ir.Value:
    """Return the time of step ``number`` where the entry came so far and is in time."""
    before, later = found[f"time_{number - 1}"], found[f"next_{number}"]
    advances = before.notnull()
    if rows.funnel.strictly_later:
        advances &= later > before
    reached = within(later, found.time_1, rows)
    return ibis.ifelse(advances, reached, ibis.null(TIME))


def _first_step(served: ir.IntegerValue, steps: int) -> ir.Value:
    branches = [((served & (1 << index)) != 0, ibis.literal(index)) for index in range(steps)]
    return ibis.cases(*branches, else_=steps)


def unordered_entries(rows: Rows, first: ir.Table) -> ir.Table:
    """Return the entries with ``own_1`` to ``own_K``, when each step was done, within the window.

    An entry is a row of any step. Of a step that is repeated each repetition needs a row.
    """
    kinds = kinds_of(rows.funnel.steps)
    check_apart(rows, combinations(sorted(set(kinds)), 2), "of an unordered funnel")
    entries = first.distinct()
    for index, kind in enumerate(kinds):
        own = rows.of_step(index + 1)
        repetition = kinds[:index].count(kind)
        line = ibis.window(group_by=list(rows.keys), order_by=own.time)
        nth = own.time.lead(repetition).over(line) if repetition else own.time
        own = own.select(*rows.keys, "time", nth=nth)
        found = following(entries, own, at="time_1", keys=rows.keys, value="nth")
        done = within(found.found, found.time_1, rows)
        entries = keep(found.mutate(**{f"own_{index + 1}": done}).drop("found"))
    return entries
