"""The common funnel, fast: ordered, of steps that share no event, without exclusions.

Of the entries that lie before one event of step k without another in between, the latest outlives
the others: it meets the same event with more of its window left, and has their future. So of the
entries and the events of step k, in order of time, only those entries matter that an event follows
at once. Each step is one sort of what is left, and no more entries live on than it has events.
"""

from itertools import pairwise

import ibis
import ibis.expr.types as ir

from kpikit.analysis.funnels.entries import in_time, side_by_side
from kpikit.analysis.funnels.events import TIME, Rows
from kpikit.analysis.funnels.overlap import overlaps


def outliving_suffices(rows: Rows) -> bool:
    """Return whether the reported entries of a funnel can be found this way."""
    funnel = rows.funnel
    if funnel.order != "ordered" or funnel.exclusions or funnel.hold:
        return False
    needed = [funnel.steps[number - 1] for number in funnel.required]
    return funnel.strictly_later or not overlaps(needed)


def deepest_entries(rows: Rows, first: ir.Table) -> ir.Table:
    """Return the reported entry of each sequence of rows.

    Args:
        rows: The rows of the funnel.
        first: The events of step 1: the keys, what they decide, and ``time_1``.

    Returns:
        The columns of ``first`` and every ``time_k``, missing where a step is not reached.
    """
    decided = [name for name in first.columns if name != "time_1"]
    times = {f"time_{n}": ibis.null(TIME) for n in range(2, len(rows.funnel.steps) + 1)}
    deepest = _first_to_come(first, decided).mutate(**times)
    living = first
    for before, number in pairwise(rows.funnel.required):
        living = next_met(living, rows, before, number).cache()
        deeper = _first_to_come(living, decided)
        joined = deepest.left_join(deeper, decided, rname="deeper_{name}")
        found = {
            name: joined[f"deeper_{name}"].coalesce(joined[name])
            for name in deeper.columns
            if name not in decided
        }
        deepest = joined.select(*(name for name in deepest.columns if name not in found), **found)
    return deepest.select(*decided, "time_1", *times)


def next_met(living: ir.Table, rows: Rows, before: int, number: int) -> ir.Table:
    """Return the entries that an event of step ``number`` follows at once, with its time."""
    both = side_by_side(living, rows.of_step(number), at=f"time_{before}", keys=rows.keys)
    # at one instant an entry meets an event, unless the event has to be later
    tie = both.is_entry if rows.funnel.strictly_later else both.is_entry.desc()
    line = ibis.window(group_by=list(rows.keys), order_by=[both.moment, tie])
    both = both.mutate(met=both.moment.lead().over(line), is_other=both.is_entry.lead().over(line))
    met = both.filter((both.is_entry == 1) & (both.is_other == 0))
    met = met.filter(in_time(met.met, met.time_1, rows))
    return met.select(*living.columns, **{f"time_{number}": met.met})


def _first_to_come(living: ir.Table, decided: list[str]) -> ir.Table:
    """Return per sequence of rows the entry that came first; it is the earliest at every step."""
    times = {name: living[name].min() for name in living.columns if name not in decided}
    return living.group_by(decided).aggregate(**times)
