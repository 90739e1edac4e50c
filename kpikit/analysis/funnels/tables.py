"""How many get how far: the funnel's table."""

from collections.abc import Sequence
from typing import Literal

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpikit.analysis.funnels.definition import Columns, Day, Definition, Order, Window, define
from kpikit.analysis.funnels.events import REST, Rows, prepare
from kpikit.analysis.funnels.reported import reported_entries
from kpikit.analysis.funnels.steps import Exclusion, Step
from kpikit.intervals import wilson_interval


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
        before). Without users at the step before, rates are missing.

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
    wide = _totals(reported_entries(rows), rows).to_pandas()
    return _long(wide, funnel, confidence)


def _totals(reported: ir.Table, rows: Rows) -> ir.Table:
    """Return per group the users of each step and how long they took from the one before."""
    totals = {}
    for number in range(1, len(rows.funnel.steps) + 1):
        time = reported[f"time_{number}"]
        totals[f"users_{number}"] = time.count()
        if number > 1:
            before = max(n for n in rows.funnel.required if n < number)
            # the difference in seconds would count the boundaries crossed, not the time
            took = time.delta(reported[f"time_{before}"], unit="microsecond") / 1e6
            totals[f"median_{number}"] = took.median()
            totals[f"mean_{number}"] = took.mean()
    groups = [name for name in reported.columns if name == "period" or name.startswith("group_")]
    if groups:
        return reported.group_by(groups).aggregate(**totals)
    return reported.aggregate(**totals)


def _long(wide: pd.DataFrame, funnel: Definition, confidence: float) -> pd.DataFrame:
    """Return a row per group and step, the largest group first and the rest last."""
    groups = [name for name in wide.columns if name.startswith("group_")]
    if groups:
        is_rest = (wide[groups] == REST).all(axis=1)
        wide = wide.assign(is_rest=is_rest).sort_values(
            ["is_rest", "users_1", *groups], ascending=[True, False, *(True for _ in groups)],
            ignore_index=True,
        )  # fmt: skip
    parts = []
    for number, name in enumerate(step_names(funnel), 1):
        before = max((n for n in funnel.required if n < number), default=1)
        part = wide[groups].copy()
        part["order"] = np.arange(len(wide))
        part["step"] = number
        part["name"] = name
        part["users"] = wide[f"users_{number}"].astype("int64")
        part["before"] = wide[f"users_{before}"].astype("int64")
        part["first"] = wide["users_1"].astype("int64")
        for measure in ("median", "mean"):
            column = wide.get(f"{measure}_{number}", np.nan)
            part[f"{measure}_seconds"] = np.asarray(column, dtype=float)
        parts.append(part)
    table = pd.concat(parts).sort_values(["order", "step"], ignore_index=True)
    return _with_rates(table, confidence).rename(columns=dict(zip(groups, funnel.by, strict=True)))


def _with_rates(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    low, high = wilson_interval(table["users"], table["before"], confidence=confidence)
    first = table["step"] == 1
    with np.errstate(invalid="ignore"):
        table["step_rate"] = table["users"] / table["before"]
        table["overall_rate"] = table["users"] / table["first"]
    # that everyone who entered did so is certain, as long as anyone did
    table["ci_low"] = np.where(first, table["step_rate"], low)
    table["ci_high"] = np.where(first, table["step_rate"], high)
    times = ["median_seconds", "mean_seconds"]
    rates = ["step_rate", "overall_rate", "ci_low", "ci_high"]
    groups = [name for name in table.columns if name.startswith("group_")]
    return table[[*groups, "step", "name", "users", *rates, *times]]


def step_names(funnel: Definition) -> list[str]:
    """Return what each row of the table stands for."""
    if funnel.order != "unordered":
        return [step.name for step in funnel.steps]
    return [f"any {number} of {len(funnel.steps)}" for number in range(1, len(funnel.steps) + 1)]
