"""What people do just before a step, and just after it instead of going on."""

from collections.abc import Sequence
from typing import Literal, Unpack

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpikit.analysis.funnels.definition import FunnelKeywords, define
from kpikit.analysis.funnels.entries import interval
from kpikit.analysis.funnels.events import REST, TIME, Rows, prepare
from kpikit.analysis.funnels.reported import is_reached, reported_entries
from kpikit.catalogue.keeping import keep
from kpikit.engine import check_columns
from kpikit.errors import AnalysisError, check_choice

Direction = Literal["after", "before"]
NOTHING = "(nothing)"


def funnel_path_table(
    events: "ir.Table | pd.DataFrame",
    *,
    step: int,
    direction: Direction = "after",
    most: int = 10,
    **funnel: Unpack[FunnelKeywords],
) -> pd.DataFrame:
    """Return the event next to a step of the reported entries, apart for those who went on.

    Args:
        events: As for ``funnel_table``.
        step: Number of the step, from 1.
        direction: The first event ``after`` the step, up to the end of the window; or the last one
            ``before`` it, of any age. Of several at one instant the first in alphabetical order.
        most: Greatest number of events per outcome, the rest apart.
        **funnel: The funnel and its days, as for ``funnel_table``, without ``by``.

    Returns:
        One row per ``outcome`` (``continued``: reached the next needed step, as do all at the last
        one; ``dropped``) and ``event`` (``(nothing)`` where there is none, ``(other)`` for the
        rest), the most frequent first: ``users`` (units) and ``share`` (of the outcome).

    Raises:
        AnalysisError: There is no such step, ``by`` is given, or as for ``funnel_table``.
        PeriodError: As for ``funnel_table``.
    """
    check_choice("direction", direction, ("after", "before"), "funnel_path_table")
    definition = define("funnel_path_table", **funnel)
    if not 1 <= step <= len(definition.steps):
        raise AnalysisError(
            f"step is {step} in funnel_path_table.\n"
            f"Give one of the steps 1 to {len(definition.steps)}."
        )
    if definition.by:
        raise AnalysisError(
            "by is given in funnel_path_table.\nFilter the events for one segment at a time."
        )
    rows = prepare(events, definition)
    beside = neighbours(rows, reported_entries(rows), step=step, directions=[direction])
    return path_rows(*beside, direction=direction, most=most)


def neighbours(
    rows: Rows, reported: ir.Table, *, step: int, directions: Sequence[Direction]
) -> tuple[ir.Table, ir.Table]:
    """Return what units did around a step of their reported entries, by one look at the events.

    Returns:
        A row per unit that reached the step, with its ``outcome``; and a row per unit and
        ``direction`` in which there is an event, with the ``event`` next to the step.
    """
    check_columns(rows.source, ["event"], "events")
    people = _people(rows, reported, step)
    return people, keep(_beside(rows, people, directions))


def path_rows(
    people: ir.Table, beside: ir.Table, *, direction: Direction, most: int
) -> pd.DataFrame:
    """Return ``funnel_path_table`` of ``neighbours``."""
    units = [name for name in beside.columns if name not in ("direction", "event")]
    known = people.left_join(beside.filter(beside.direction == direction), units)
    known = known.select("outcome", event=known.event.fill_null(NOTHING))
    counts = known.group_by(["outcome", "event"]).aggregate(users=known.count()).to_pandas()
    return _largest(counts, most)


def _people(rows: Rows, reported: ir.Table, step: int) -> ir.Table:
    """Return per unit that reached the step when it did, what counts until when, its outcome."""
    reached = reported.filter(is_reached(reported, step))
    went_on = is_reached(reached, rows.funnel.needed_after(step))
    end = ibis.null(TIME)
    if rows.funnel.window is not None:
        end = reached.time_1 + interval(rows)
    people = reached.select(
        *rows.units,
        moment=f"time_{step}",
        until=end,
        outcome=ibis.ifelse(went_on, "continued", "dropped"),
    )
    return keep(people)


def _beside(rows: Rows, people: ir.Table, directions: Sequence[Direction]) -> ir.Table:
    """Return per unit and direction the event next to its step."""
    all_events = rows.source.select(*rows.units, "event", time="kpikit_time").drop_null("event")
    joined = people.inner_join(all_events, list(rows.units))
    inside = {
        "before": joined.time < joined.moment,
        "after": (joined.time > joined.moment) & (joined.time <= joined.until).fill_null(True),
    }
    side = ibis.cases(*((inside[name], ibis.literal(name)) for name in directions))
    near = joined.select(*rows.units, "event", "time", direction=side).drop_null("direction")
    # units do few kinds of things: one grouping leaves little to sort
    each = near.group_by(*rows.units, "direction", "event").aggregate(
        first=near.time.min(), last=near.time.max()
    )
    is_before = each.direction == "before"
    last = ibis.ifelse(is_before, each["last"], ibis.null(TIME))
    first = ibis.ifelse(is_before, ibis.null(TIME), each["first"])
    line = ibis.window(
        group_by=[*rows.units, "direction"], order_by=[last.desc(), first, each.event]
    )
    nearest = each.mutate(place=ibis.row_number().over(line))
    return nearest.filter(nearest.place == 0).select(*rows.units, "direction", "event")


def _largest(counts: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the most frequent events per outcome, and the rest as one."""
    ordered = counts.sort_values(["outcome", "users", "event"], ascending=[True, False, True])
    rank = ordered.groupby("outcome").cumcount()
    named = ordered.assign(
        event=ordered["event"].where(rank < most, REST), rank=rank.clip(upper=most)
    )
    table = named.groupby(["outcome", "rank", "event"], as_index=False)["users"].sum()
    share = table["users"] / table.groupby("outcome")["users"].transform("sum")
    shares: pd.DataFrame = table.drop(columns="rank").assign(share=share)
    return shares
