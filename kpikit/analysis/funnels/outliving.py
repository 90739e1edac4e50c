"""The common funnel, fast: ordered, of steps that share no event, without exclusions.

Of the entries that lie before one event of step k without another in between, the latest outlives
the others: it meets the same event with more of its window left, and has their future. So each step
is one sort of the entries that still live and the events of the step, and few live on.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import ibis
import ibis.expr.types as ir

from kpikit.analysis.funnels.entries import entry_columns, following, in_time, side_by_side
from kpikit.analysis.funnels.events import TIME, Rows, kept
from kpikit.analysis.funnels.overlap import overlaps

Labels: TypeAlias = Mapping[str, Callable[[ir.TimestampValue], ir.Value]]


def outliving_suffices(rows: Rows) -> bool:
    """Return whether the entries of a funnel that matter can be found this way."""
    funnel = rows.funnel
    if funnel.order != "ordered" or funnel.exclusions:
        return False
    needed = [funnel.steps[number - 1] for number in funnel.required]
    return funnel.strictly_later or not overlaps(needed)


def outliving_entries(rows: Rows, first: ir.Table, labels: Labels) -> ir.Table:
    """Return, per sequence of rows, its labels and depth, the entry that came so far first.

    The deepest of them is the reported one.

    Args:
        rows: The rows of the funnel.
        first: The events of step 1: the keys, what they decide, and ``time_1``.
        labels: What else parts the entries of one sequence, by their first time.

    Returns:
        The columns of ``first``, the labels, ``depth`` and every ``time_k``, missing where it is
        not reached.
    """
    decided = [name for name in first.columns if name != "time_1"]
    living, parts = first, [_first_to_come(first, decided, labels)]
    for passes, (before, number) in enumerate(pairwise(rows.funnel.required), 1):
        if labels:
            found = next_of_each(living, rows, before, number, labels)
        else:
            found = next_met(living, rows, before, number)
        living = kept(found, passes)
        parts.append(_first_to_come(living, decided, labels))
    names = [f"time_{number}" for number in range(1, len(rows.funnel.steps) + 1)]
    filled = (
        part.select(
            *decided,
            *labels,
            depth=ibis.literal(depth, "int32"),
            **{name: part[name] if name in part.columns else ibis.null(TIME) for name in names},
        )
        for depth, part in enumerate(parts, 1)
    )
    return ibis.union(*filled)


def next_met(living: ir.Table, rows: Rows, before: int, number: int) -> ir.Table:
    """Return the entries that an event of step ``number`` follows at once, with its time."""
    at = f"time_{before}"
    both = side_by_side(living, rows.of_step(number), at=at, keys=rows.keys)
    # at one instant an entry meets an event, unless the event has to be later
    tie = both.is_entry if rows.funnel.strictly_later else both.is_entry.desc()
    line = ibis.window(group_by=list(rows.keys), order_by=[both.moment, tie])
    both = both.select(
        "is_entry",
        **entry_columns(both, living, at),
        met=both.moment.lead().over(line),
        is_other=both.is_entry.lead().over(line),
    )
    met = both.filter(both.is_entry == 1, both.is_other == 0, in_time(both.met, both.time_1, rows))
    return met.select(*living.columns, **{f"time_{number}": met.met})


def next_of_each(
    living: ir.Table, rows: Rows, before: int, number: int, labels: Labels
) -> ir.Table:
    """Return the same per labels: at each event the latest entry of each that it follows."""
    met = following(
        living, rows.of_step(number), at=f"time_{before}", keys=rows.keys,
        strictly=rows.funnel.strictly_later,
    )  # fmt: skip
    met = met.filter(met.found.notnull(), in_time(met.found, met.time_1, rows))
    times = [name for name in living.columns if name.startswith("time_")]
    decided = [name for name in living.columns if name not in times]
    latest = {name: met[name].max() for name in times}
    # labels follow from the first time: cheaper found anew at each step than sorted along
    line = {**_labelled(met, labels), f"time_{number}": met.found}
    return met.group_by(*decided, **line).aggregate(**latest).drop(*labels)


def _first_to_come(living: ir.Table, decided: Sequence[str], labels: Labels) -> ir.Table:
    """Return per sequence of rows the entry that came first; it is the earliest at every step."""
    times = {name: living[name].min() for name in living.columns if name not in decided}
    return living.group_by(*decided, **_labelled(living, labels)).aggregate(**times)


def _labelled(entries: ir.Table, labels: Labels) -> dict[str, ir.Value]:
    return {name: of(entries.time_1) for name, of in labels.items()}
