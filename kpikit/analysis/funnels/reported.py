"""The entry that speaks for each unit: the deepest, then the first to complete, then the latest."""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import ibis
import ibis.expr.types as ir

from kpikit.analysis.funnels.entries import following, interval, ordered_entries, within
from kpikit.analysis.funnels.events import TIME, Rows
from kpikit.analysis.funnels.groups import attributed, rest_of, with_rest
from kpikit.analysis.funnels.orders import strict_entries, unordered_entries
from kpikit.analysis.funnels.outliving import Labels, outliving_entries, outliving_suffices
from kpikit.analysis.funnels.overlap import check_apart
from kpikit.catalogue.keeping import keep


def reported_entries(rows: Rows, labels: Labels | None = None) -> ir.Table:
    """Return one row per unit, group and label: the times of its reported entry.

    Args:
        rows: The rows of the funnel.
        labels: What else parts the entries, by their first time, such as their ``period``.

    Returns:
        The keys, the groups of the result as ``group_0`` ..., the labels, ``depth`` (steps
        reached, optional ones apart) and ``time_1`` to ``time_K``.
    """
    entries = candidate_entries(rows, labels)
    parts = [name for name in entries.columns if name in (labels or ()) or _is_group(name)]
    return best_entries(entries, rows, parts)


def candidate_entries(rows: Rows, labels: Labels | None = None) -> ir.Table:
    """Return all entries that may be the reported one of their unit, group and labels.

    Returns:
        The keys, groups, labels, ``depth`` and times, in a form that ``best_entries`` takes.
    """
    labels = labels or {}
    kept = rest_of(rows, _first_rows(rows)) if rows.groups else None

    def labelled(entries: ir.Table) -> ir.Table:
        return entries.mutate(**{name: of(entries.time_1) for name, of in labels.items()})

    if rows.funnel.order == "strict":
        entries = with_rest(strict_entries(rows), rows.groups, kept)
        return _with_depth(_spared(labelled(entries), rows), rows)
    first = with_rest(_first_rows(rows).select(*rows.keys, time_1="time"), rows.groups, kept)
    if outliving_suffices(rows):
        return outliving_entries(rows, first, labels)
    entries = (unordered_entries if rows.funnel.order == "unordered" else ordered_entries)(
        rows, labelled(first)
    )
    return _with_depth(_spared(entries, rows), rows)


def best_entries(entries: ir.Table, rows: Rows, parts: Sequence[str]) -> ir.Table:
    """Return the reported entry of each unit and ``parts`` among the candidates.

    Optional steps and the groups of units are added to it.
    """
    line = [*rows.units, *parts]
    order = [entries.depth.desc(), _completed(entries, rows), entries.time_1.desc()]
    if rows.funnel.hold:  # sequences of one unit may tie, and no result rests on the order of rows
        order += [entries[name] for name in _own_times(entries, rows) if name != "time_1"]
    place = ibis.row_number().over(ibis.window(group_by=line, order_by=order))
    ranked = entries.mutate(place=place)
    best = ranked.filter(ranked.place == 0).drop("place")
    if rows.funnel.order == "unordered":
        best = _in_order(keep(best), line, rows)
    if any(step.optional for step in rows.funnel.steps):
        best = _with_optional(keep(best), rows)
    return attributed(keep(best), rows) if rows.funnel.by and not rows.groups else best


def deepest_entries(entries: ir.Table, rows: Rows, parts: Sequence[str]) -> ir.Table:
    """Return the candidates that came furthest: far fewer rows for ``best_entries`` to sort."""
    line = [*rows.units, *parts]
    depths = entries.group_by(line).aggregate(depth=entries.depth.max())
    return entries.semi_join(depths, [*line, "depth"])


def is_reached(reported: ir.Table, number: int | None) -> ir.BooleanValue:
    """Return whether each entry reached a step; where there is no such step, all have."""
    if number is None:
        return ibis.literal(value=True)
    return reported[f"time_{number}"].notnull()


def _is_group(name: str) -> bool:
    return name.startswith("group_")


def _first_rows(rows: Rows) -> ir.Table:
    """Return the rows at which an entry begins."""
    unordered = rows.funnel.order == "unordered"
    return rows.entering(rows.of_any_step() if unordered else rows.of_step(1))


def _spared(entries: ir.Table, rows: Rows) -> ir.Table:
    """Return the entries that no excluded event drops."""
    for index, exclusion in enumerate(rows.funnel.exclusions):
        unordered = rows.funnel.order == "unordered"
        begin = "time_1" if unordered else f"time_{exclusion.after}"
        if unordered:
            entries = entries.mutate(bound=_completed(entries, rows))
        else:
            bound: Any = entries[f"time_{exclusion.before}"]
            if rows.funnel.window is not None:
                bound = bound.coalesce(entries[begin] + interval(rows))
            entries = entries.mutate(bound=bound)
        found = following(
            entries, rows.of_exclusion(index), at=begin, keys=rows.keys, strictly=True
        )
        # without a window and the later step the bound is missing: any excluded event drops
        inside = found.found.notnull() & (found.found < found.bound).fill_null(True)
        entries = found.filter(~inside).drop("found", "bound")
    return entries


def _with_depth(entries: ir.Table, rows: Rows) -> ir.Table:
    reached = [entries[name].notnull().cast("int32") for name in _own_times(entries, rows)]
    return entries.mutate(depth=reduce(add, reached))


def _own_times(entries: ir.Table, rows: Rows) -> list[str]:
    """Return the columns in which an entry says when it did each step."""
    if rows.funnel.order == "unordered":
        return [name for name in entries.columns if name.startswith("own_")]
    return [f"time_{number}" for number in rows.funnel.required]


def _completed(entries: ir.Table, rows: Rows) -> ir.TimestampValue:
    """Return the time of the last step that an entry reached."""
    times = [entries[name] for name in _own_times(entries, rows)]
    if rows.funnel.order == "unordered":
        return ibis.greatest(*(time.coalesce(entries.time_1) for time in times))
    return ibis.coalesce(*reversed(times))


def _in_order(best: ir.Table, parts: Sequence[str], rows: Rows) -> ir.Table:
    """Return ``time_k`` as the time of the k-th step done, whichever it was."""
    own = _own_times(best, rows)
    long = ibis.union(*(best.select(*parts, done=best[name]) for name in own), distinct=False)
    long = long.filter(long.done.notnull())
    line = ibis.window(group_by=list(parts), order_by=long.done)
    ranked = long.mutate(place=ibis.row_number().over(line) + 1)
    times = {
        f"time_{number}": ibis.ifelse(ranked.place == number, ranked.done, ibis.null(TIME)).max()
        for number in range(1, len(own) + 1)
    }
    wide = ranked.group_by(list(parts)).aggregate(**times)
    return best.drop("time_1", *own).inner_join(wide, list(parts))


def _with_optional(best: ir.Table, rows: Rows) -> ir.Table:
    """Return the entries with the times of optional steps, between the needed ones around them."""
    steps = rows.funnel.steps
    for number, step in enumerate(steps, 1):
        if not step.optional:
            continue
        others = [(number - 1, index) for index in range(len(steps)) if index != number - 1]
        check_apart(rows, others, "optional")
        before = rows.funnel.needed_before(number)
        since = ibis.coalesce(*(best[f"time_{n}"] for n in range(number - 1, before - 1, -1)))
        began = ibis.ifelse(best[f"time_{before}"].notnull(), since, ibis.null(TIME))
        found = following(
            best.mutate(since=began), rows.of_step(number), at="since", keys=rows.keys,
            strictly=rows.funnel.strictly_later,
        )  # fmt: skip
        done = within(found.found, found.time_1, rows)
        needed = rows.funnel.needed_after(number)
        if needed is not None:
            later = found[f"time_{needed}"]
            done = ibis.ifelse((done <= later).fill_null(True), done, ibis.null(TIME))
        best = keep(found.mutate(**{f"time_{number}": done}).drop("found", "since"))
    return best
