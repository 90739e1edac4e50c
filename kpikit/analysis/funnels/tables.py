"""How many get how far: the funnel's table."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.analysis.funnels.definition import Columns, Day, Definition, Order, Window, define
from kpikit.analysis.funnels.events import REST, Rows, prepare
from kpikit.analysis.funnels.reported import reported_entries
from kpikit.analysis.funnels.steps import Exclusion, Step
from kpikit.intervals import wilson_interval

Counts: TypeAlias = npt.NDArray[np.int64]


def funnel_table(
    events: "ir.Table | pd.DataFrame",
    *,
    steps: Sequence[Step | str | None],
    window: Window,
    order: Order = "ordered",
    by: Columns | None = None,
    exclusions: Sequence[Exclusion] = (),
    start: Day | None = None,
    end: Day | None = None,
    as_of: Day | None = None,
    unit: Columns = "user_id",
    hold: Columns = (),
    attribution: str | int = "every_step",
    top: int = 100,
    strictly_later: bool = False,
    among: Literal["all", "listed"] = "all",
    timezone: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return how many users reach each step of a funnel, and how long they take.

    Each event that matches step 1 is an entry. For an entry, the time of step k is that of the
    earliest event of step k at or after the time of step k - 1; one event serves one step, and
    events of one instant advance in step order. The depth of an entry is the last step that it
    reaches within ``window`` of its first event, both ends included. A user's depth is the greatest
    among the entries; the reported entry, whose times are counted, is the deepest, then the first
    to complete, then the latest to start.

    Edge rules:

    * Rows without user or time, and with ``as_of`` those after it, count for nothing. Order and
      repetition of the rows do not matter, except that a repeated row can serve a repeated step.
    * ``order="strict"``: the steps follow one another among all of the user's events, or with
      ``among="listed"`` among those of the steps. Events of one instant stand in step order.
    * ``order="unordered"``: an event of any step is an entry; its depth is the number of steps done
      from then on within the window. Row k of the result counts those who did any k.
    * An excluded event strictly between its two steps drops the entry, not the user; where the
      second is not reached, one within a window after the first does. Unordered, one between the
      entry and its last counted step does.
    * An optional step gates nothing: it counts who did it between the needed steps around it.
    * With ``as_of``, entries that have not had a full window are left out, converted or not.
    * A missing value of ``by`` is the group ``(missing)``; groups beyond the ``top`` largest are
      put together as ``(other)``.

    Args:
        events: One row per event: ``user_id``, ``event``, ``event_time`` (UTC).
        steps: Events in order, or ``Step`` for alternatives, filters and options; None is any
            event.
        window: Greatest time from the entry to the last step: a timedelta, text such as ``14d``, or
            None for no limit.
        order: ``ordered``, ``strict`` or ``unordered``.
        by: Column or columns of ``events`` that part the result.
        exclusions: Events that drop an entry.
        start: First day, or instant, at which an entry may begin.
        end: Day, or instant, from which on none may begin.
        as_of: Last complete day of data.
        unit: Column or columns that make what is counted: users, sessions, accounts.
        hold: Columns of which all events of an entry bear the same value, such as an item.
        attribution: To which value of ``by`` a unit belongs. ``every_step``: to each for which it
            has an entry of events with that value alone, as if the funnel were run on these rows.
            ``first_touch``: to the first value that it bears in ``events`` at all;
            ``last_touch``: to the last one up to the end of the reported entry; a number: to the
            one at that step.
        top: Greatest number of groups, the rest apart.
        strictly_later: Whether events of one instant cannot follow one another.
        among: In a strict funnel, whether ``all`` events or the ``listed`` ones alone part steps.
        timezone: IANA zone in which days begin.
        confidence: Confidence level of the interval, 0 to 1.

    Returns:
        One row per ``by`` columns and ``step`` (from 1), the largest group first: ``name``,
        ``users`` (units), ``step_rate`` (share of the needed step before, 0 to 1; 1 for the
        first), ``overall_rate`` (share of the first step), ``ci_low`` and ``ci_high`` (of
        ``step_rate``, after Wilson), ``median_seconds`` and ``mean_seconds`` (from the needed step
        before), ``previous_users`` (units that ``step_rate`` is a share of). Without users at the
        step before, rates are missing.

    Raises:
        AnalysisError: The funnel contradicts itself, a choice is unknown, a column is missing.
        PeriodError: A day, the window or the time zone is wrong.

    References:
        Wilson, E. B. (1927). JASA 22, 209-212, for the interval.

    Example:
        >>> events = pd.DataFrame({
        ...     "user_id": ["ada", "bob", "ada"],
        ...     "event": ["view", "view", "buy"],
        ...     "event_time": pd.to_datetime(["2026-06-01", "2026-06-03", "2026-06-10"]),
        ... })
        >>> table = funnel_table(events, steps=["view", "buy"], window="14d")
        >>> table[["name", "users", "step_rate"]].values.tolist()
        [['view', 2, 1.0], ['buy', 1, 0.5]]
    """
    funnel = define(
        "funnel_table", steps=steps, window=window, order=order, by=by, exclusions=exclusions,
        start=start, end=end, as_of=as_of, unit=unit, hold=hold, attribution=attribution, top=top,
        strictly_later=strictly_later, among=among, timezone=timezone,
    )  # fmt: skip
    rows = prepare(events, funnel)
    totals = step_totals(reported_entries(rows), funnel).to_pandas()
    return sized_rows(totals, funnel, confidence=confidence)


def step_totals(
    reported: ir.Table, funnel: Definition, *, times: bool = True, whole: bool = False
) -> ir.Table:
    """Return a row per group (and period): users per step, and how long they took to each.

    Args:
        reported: From ``best_entries``.
        funnel: What is asked for.
        times: Whether to tell the times from step to step.
        whole: Whether to tell ``median_whole``, the time from the first step to the last.
    """
    totals: dict[str, ir.Value] = {}
    for number in range(1, len(funnel.steps) + 1):
        totals[f"users_{number}"] = reported[f"time_{number}"].count()
        if times and number > 1:
            took = seconds_between(reported, funnel.needed_before(number), number)
            totals[f"median_{number}"] = took.median()
            totals[f"mean_{number}"] = took.mean()
    if whole:
        took = seconds_between(reported, 1, len(funnel.steps))
        totals["median_whole"] = took.median()
    groups = group_columns(reported)
    return reported.group_by(groups).aggregate(**totals) if groups else reported.aggregate(**totals)


def depth_totals(entries: ir.Table, rows: Rows) -> ir.Table:
    """Return a row per period with the users per step, from entries that may be reported.

    The reported entry is the deepest one; without optional steps its depth says it all.
    """
    deepest = entries.group_by([*rows.units, "period"]).aggregate(depth=entries.depth.max())
    users = {
        f"users_{number}": (deepest.depth >= number).sum()
        for number in range(1, len(rows.funnel.steps) + 1)
    }
    return deepest.group_by("period").aggregate(**users)


def level_totals(levels: ir.Table, rows: Rows) -> ir.Table:
    """Return the same of entries of which each unit has one per period for every depth reached."""
    users = {
        f"users_{number}": (levels.depth == number).sum()
        for number in range(1, len(rows.funnel.steps) + 1)
    }
    return levels.group_by("period").aggregate(**users)


def seconds_between(reported: ir.Table, first: int, last: int) -> ir.FloatingValue:
    """Return the seconds from one step of each reported entry to another."""
    # the difference in seconds would count the boundaries crossed, not the time
    took = reported[f"time_{last}"].delta(reported[f"time_{first}"], unit="microsecond")
    return took / 1e6


def group_columns(table: ir.Table | pd.DataFrame) -> list[str]:
    """Return the columns that part a result."""
    return [name for name in table.columns if name == "period" or name.startswith("group_")]


def sized_rows(
    totals: pd.DataFrame, funnel: Definition, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return a row per group, the largest first, and step."""
    return step_rows(in_order_of_size(totals, totals["users_1"]), funnel, confidence=confidence)


def step_rows(
    totals: pd.DataFrame, funnel: Definition, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return a row per row of ``totals``, in its order, and step."""
    names = step_names(funnel)
    numbers = range(1, len(names) + 1)
    users = totals[[f"users_{number}" for number in numbers]].to_numpy(dtype="int64")
    previous = users[:, [funnel.needed_before(number) - 1 for number in numbers]]
    table = totals[group_columns(totals)].take(np.repeat(np.arange(len(totals)), len(names)))
    table = table.reset_index(drop=True).assign(
        step=np.tile(numbers, len(totals)),
        name=np.tile(names, len(totals)),
        **_rates(users, previous, confidence),
        median_seconds=_seconds(totals, "median", numbers),
        mean_seconds=_seconds(totals, "mean", numbers),
        previous_users=previous.ravel(),
    )
    return table.rename(columns=_group_names(funnel))


def _rates(users: Counts, previous: Counts, confidence: float) -> dict[str, npt.NDArray[Any]]:
    """Return users and rates per row and step, from matrices of a row per total."""
    low, high = wilson_interval(users, previous, confidence=confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, overall = users / previous, users / users[:, :1]
    # that everyone who entered did so is certain, as long as anyone did
    low[:, 0] = high[:, 0] = rate[:, 0]
    found = {"users": users, "step_rate": rate, "overall_rate": overall, "ci_low": low,
             "ci_high": high}  # fmt: skip
    return {name: each.ravel() for name, each in found.items()}


def _seconds(totals: pd.DataFrame, measure: str, numbers: Iterable[int]) -> npt.NDArray[np.float64]:
    """Return a measure of the times per row and step, missing where it was not asked for."""
    names = [f"{measure}_{number}" for number in numbers]
    return totals.reindex(columns=names).to_numpy(dtype=float).ravel()


def step_names(funnel: Definition) -> list[str]:
    """Return what each row of the table stands for."""
    if funnel.order != "unordered":
        return [step.name for step in funnel.steps]
    return [f"any {number} of {len(funnel.steps)}" for number in range(1, len(funnel.steps) + 1)]


def in_order_of_size(totals: pd.DataFrame, sizes: pd.Series) -> pd.DataFrame:
    """Return the rows with the largest group first and the rest last."""
    groups = [name for name in group_columns(totals) if name != "period"]
    if not groups:
        return totals
    order = totals.assign(is_rest=(totals[groups] == REST).all(axis=1), size=sizes)
    keys = ["is_rest", "size", *group_columns(totals)]
    ascending = [True, False, *(True for _ in keys[2:])]
    return order.sort_values(keys, ascending=ascending, ignore_index=True)


def _group_names(funnel: Definition) -> dict[str, str]:
    return {f"group_{index}": name for index, name in enumerate(funnel.by)}
