"""To which group of the result a unit belongs, and which groups are put together as the rest."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpikit.analysis.funnels.events import NOT_REACHED, REST, Rows, group_names
from kpikit.catalogue.keeping import keep
from kpikit.catalogue.relations import MISSING_SEGMENT


def rest_of(rows: Rows, counted: ir.Table) -> ir.Table | None:
    """Return the largest groups by units, where there are more than are asked for; else None.

    Args:
        rows: The rows of the funnel.
        counted: A row or more per unit, with the columns of ``by``.
    """
    names = list(group_names(rows.funnel))
    units = counted.select(*rows.units, *names).distinct()
    sizes = units.group_by(names).aggregate(size=units.count())
    largest = sizes.order_by([sizes["size"].desc(), *names]).limit(rows.funnel.top + 1)
    found = largest.to_pandas()
    if len(found) <= rows.funnel.top:
        return None
    return _as_kept(found[names], rows)


def with_rest(entries: ir.Table, names: Sequence[str], kept: ir.Table | None) -> ir.Table:
    """Return the entries with ``group_0`` ...: the values of ``names``, or the rest."""
    if kept is None:
        return entries.mutate(**{_group(name): entries[name] for name in names})
    joined = entries.left_join(kept, list(names))
    groups = {
        _group(name): ibis.ifelse(joined.is_kept.isnull(), REST, joined[name])  # noqa: PD003 - Ibis
        for name in names
    }
    return joined.select(*entries.columns, **groups)


def _as_kept(groups: pd.DataFrame, rows: Rows) -> ir.Table:
    return ibis.memtable(groups.head(rows.funnel.top).assign(is_kept=True))


def largest_groups(totals: pd.DataFrame, rows: Rows) -> ir.Table:
    """Return the largest groups of a row per group and its ``users_1``, for ``with_rest``."""
    names = list(group_names(rows.funnel))
    groups = totals.rename(columns={_group(name): name for name in names})
    order = groups.sort_values(["users_1", *names], ascending=[False, *(True for _ in names)])
    return _as_kept(order[names], rows)


def attributed(best: ir.Table, rows: Rows) -> ir.Table:
    """Return the reported entries with the groups of their units, the smallest as the rest."""
    names = list(group_names(rows.funnel))
    valued = keep(valued_entries(best, rows))
    return with_rest(valued, names, rest_of(rows, valued)).drop(*names)


def valued_entries(best: ir.Table, rows: Rows) -> ir.Table:
    """Return the reported entries with the values of ``by`` of their units.

    A unit without a value is in the group ``(missing)``; one that did not reach the step whose
    value counts in ``(not reached)``.
    """
    names = list(group_names(rows.funnel))
    attribution = rows.funnel.attribution
    if attribution == "first_touch":
        touches = _touches(rows)
        found = _value_at(touches, list(rows.units), latest=False)
        joined = best.left_join(found, list(rows.units))
    elif attribution == "last_touch":
        touches = _touches(rows)
        before = best.select(*rows.units, *_parts(best), last=_last_time(best, rows))
        touches = before.inner_join(touches, list(rows.units))
        touches = touches.filter(touches.time <= touches.last)
        line = [*rows.units, *_parts(best)]
        joined = best.left_join(_value_at(touches, line, latest=True), line)
    else:
        serving = rows.of_step(int(attribution)).select(*rows.keys, *names, "time")
        found = _first_in_order(serving, [*rows.keys, "time"]).rename(moment="time")
        joined = best.left_join(found, [*rows.keys, (f"time_{attribution}", "moment")])
    valued = joined.select(*best.columns, *names)
    missing = ibis.literal(MISSING_SEGMENT)
    if isinstance(attribution, int):
        reached = valued[f"time_{attribution}"].notnull()  # noqa: PD004 - Ibis
        missing = ibis.ifelse(reached, MISSING_SEGMENT, NOT_REACHED)
    filled = {name: valued[name].fill_null(missing) for name in names}
    return valued.select(*best.columns, **filled)


def _group(name: str) -> str:
    return name.replace("by_", "group_")


def _parts(best: ir.Table) -> list[str]:
    return [name for name in best.columns if name == "period"]


def _last_time(best: ir.Table, rows: Rows) -> ir.Value:
    numbers = range(len(rows.funnel.steps), 0, -1)
    return ibis.coalesce(*(best[f"time_{number}"] for number in numbers))


def _touches(rows: Rows) -> ir.Table:
    """Return the events that bear any value of ``by``."""
    names = group_names(rows.funnel)
    source = rows.source
    bears = [source[name] != MISSING_SEGMENT for name in names]
    return source.filter(ibis.or_(*bears)).select(*rows.units, *names, time="kpikit_time")


def _value_at(touches: ir.Table, line: Sequence[str], *, latest: bool) -> ir.Table:
    """Return the values of the first or latest row per ``line``, of equals the first in order."""
    names = [name for name in touches.columns if name.startswith("by_")]
    time = touches.time.max() if latest else touches.time.min()
    # units bear few values: one grouping leaves little to sort, and nothing to look up again
    each = touches.group_by(*line, *names).aggregate(time=time)
    return _first_in_order(each, line, by=each.time.desc() if latest else each.time)


def _first_in_order(rows: ir.Table, line: Sequence[str], *, by: ir.Value | None = None) -> ir.Table:
    """Return per ``line`` the values of the row that is the first in their order, or ``by`` it."""
    names = [name for name in rows.columns if name.startswith("by_")]
    order = names if by is None else [by, *names]
    window = ibis.window(group_by=list(line), order_by=order)
    ranked = rows.mutate(place=ibis.row_number().over(window))
    return ranked.filter(ranked.place == 0).select(*line, *names)
