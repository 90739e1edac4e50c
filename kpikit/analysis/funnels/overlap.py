"""Steps that one and the same row may serve: how far the rows of one instant lead.

One row serves one step. Where rows share an instant, they advance in step order as far as they
can: the steps j to m are served at once if each of them can have a row of its own. By Hall's
theorem that is so if every set of these steps is matched by at least as many rows as it has steps.
It is enough to look at sets of unlike steps that overlap, each with all of its repetitions.

References:
    Hall, P. (1935). On representatives of subsets. Journal of the London Mathematical Society 10,
    26-30.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, combinations
from typing import Any, TypeAlias

import ibis
import ibis.expr.types as ir

from kpikit.analysis.funnels.events import Rows
from kpikit.analysis.funnels.steps import Step, are_disjoint, are_same
from kpikit.errors import AnalysisError

Kinds: TypeAlias = frozenset[int]
_MOST_OVERLAPPING = 8


def kinds_of(steps: Sequence[Step]) -> list[int]:
    """Return a number per step, the same for steps that match the very same rows."""
    return [
        next(index for index, other in enumerate(steps) if are_same(step, other)) for step in steps
    ]


def overlaps(steps: Sequence[Step]) -> bool:
    """Return whether one row may match two of the steps."""
    return any(not are_disjoint(one, other) for one, other in combinations(steps, 2))


def overlapping_kinds(steps: Sequence[Step]) -> list[Kinds]:
    """Return the unlike steps, by number, in sets between which no row is shared.

    Raises:
        AnalysisError: More unlike steps overlap than can be told apart in one query.
    """
    parts: list[Kinds] = []
    for kind in sorted(set(kinds_of(steps))):
        joined = [
            part
            for part in parts
            if any(not are_disjoint(steps[kind], steps[other]) for other in part)
        ]
        parts = [part for part in parts if part not in joined]
        parts.append(frozenset({kind}).union(*joined))
    largest = max(parts, key=len)
    if len(largest) > _MOST_OVERLAPPING:
        names = ", ".join(f"'{steps[kind].name}'" for kind in sorted(largest))
        raise AnalysisError(
            f"{len(largest)} steps of a funnel may be the same event: {names}.\n"
            f"Narrow them, so that at most {_MOST_OVERLAPPING} of them overlap."
        )
    return parts


def instants(rows: Rows) -> ir.Table:
    """Return one row per keys and ``time`` with ``reach_1`` to ``reach_K``.

    ``reach_j`` is the last of the steps j, j + 1, ... that the rows of that instant serve together;
    j - 1 where they do not serve step j.
    """
    steps = [rows.funnel.steps[number - 1] for number in rows.funnel.required]
    kinds = kinds_of(steps)
    sets = list(chain.from_iterable(_subsets(part) for part in overlapping_kinds(steps)))
    table = rows.of_any_step()
    counts = {_name(chosen): _matching(table, rows, chosen) for chosen in sets}
    found = table.group_by(*rows.keys, "time").aggregate(**counts)
    reaches = {
        f"reach_{start + 1}": _reach(found, start, kinds, sets) for start in range(len(kinds))
    }
    return found.select(*rows.keys, "time", **reaches)


def _subsets(part: Kinds) -> list[Kinds]:
    sizes = range(1, len(part) + 1)
    return [frozenset(chosen) for size in sizes for chosen in combinations(sorted(part), size)]


def _name(chosen: Kinds) -> str:
    return "rows_" + "_".join(str(kind) for kind in sorted(chosen))


def _matching(table: ir.Table, rows: Rows, chosen: Kinds) -> ir.IntegerValue:
    """Return how many rows match any step of the chosen kinds."""
    numbers = rows.funnel.required
    bits = sum(1 << (numbers[kind] - 1) for kind in chosen)
    return ((table["mask"] & bits) != 0).cast("int32").sum()


def _reach(
    found: ir.Table, start: int, kinds: Sequence[int], sets: Sequence[Kinds]
) -> ir.IntegerValue:
    """Return the last step, from 1, of the longest run from step ``start`` that can be served."""
    served: Any = ibis.literal(value=True)
    reach: Any = ibis.literal(start)
    for end in range(start, len(kinds)):
        run = kinds[start : end + 1]
        for chosen in sets:
            if kinds[end] in chosen and chosen <= set(run):
                needed = sum(kind in chosen for kind in run)
                served &= found[_name(chosen)] >= needed
        reach += served.cast("int32")
    return reach.cast("int32")


def check_apart(rows: Rows, pairs: Iterable[tuple[int, int]], what: str) -> None:
    """Raise where a row serves two steps of which it may serve but one, and which is undecided.

    Args:
        rows: The rows of the funnel.
        pairs: Steps, numbered from 0, that have to be told apart.
        what: The kind of step or funnel that needs it, for the message.

    Raises:
        AnalysisError: There is such a row.
    """
    steps = rows.funnel.steps
    for one, other in pairs:
        if are_disjoint(steps[one], steps[other]):
            continue
        both = (1 << one) | (1 << other)
        if rows.table.filter((rows.table["mask"] & both) == both).count().execute():
            raise AnalysisError(
                f"Steps '{steps[one].name}' and '{steps[other].name}' may be served by one event, "
                f"where one of them is {what}.\nNarrow one of them, so that it is clear which."
            )
