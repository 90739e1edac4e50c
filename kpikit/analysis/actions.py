"""What was decided, how late it is, and what it brought."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pandas as pd

from kpikit.params.model import Action
from kpikit.periods import Calendar, Grain, Period

Outcome = Literal["reached", "partly", "not_reached", "opposite", "too_early", "no_data", ""]


def action_table(
    actions: Iterable[Action],
    facts: pd.DataFrame,
    *,
    calendar: Calendar,
    as_of: dt.date,
    grain: Grain = "month",
) -> pd.DataFrame:
    """Return every action with its age and, once it is done, the effect measured since.

    The effect is the metric's value in the last whole period, where that began after the due day,
    less its value in the period before the one that holds the due day. Nothing else is held
    constant: whatever happened in between is in it.

    Args:
        actions: The product's register.
        facts: Facts of their metrics by periods of ``grain``; segments are left alone.
        calendar: How the product cuts time.
        as_of: Last complete day.
        grain: Of the periods that are compared.

    Returns:
        One row per action, by due day: ``key``, ``action``, ``owner``, ``trigger``, ``metric``
        (empty without one), ``due``, ``status``, ``days_late`` (of an open one past its day, else
        0), ``expected`` (effect promised, NaN without one), ``period_before``, ``before``,
        ``period_after``, ``after``, ``measured`` (after - before), ``share`` of the promise kept
        (NaN without a promise) and ``outcome``: ``reached`` (at least the promise), ``partly``
        (at least half), ``not_reached``, ``opposite`` (it went the other way); ``too_early`` where
        no whole period has passed since, ``no_data`` where a value is missing; empty without a
        promise and where nothing is to be measured: not done, or no metric.
    """
    values = {
        (row["metric"], row["start"]): row["value"]
        for row in facts[(facts["dimension"] == "") & (facts["grain"] == grain)].to_dict("records")
    }
    rows = [
        _row(one, values, calendar, as_of, grain)
        for one in sorted(actions, key=lambda action: action.due)
    ]
    columns = [
        "key", "action", "owner", "trigger", "metric", "due", "status", "days_late", "expected",
        "period_before", "before", "period_after", "after", "measured", "share", "outcome",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _row(
    action: Action,
    values: Mapping[Any, float],
    calendar: Calendar,
    as_of: dt.date,
    grain: Grain,
) -> dict[str, Any]:
    before = calendar.previous(calendar.period_of(action.due, grain))
    after = calendar.last_complete(as_of, grain)
    is_late = action.status == "open" and action.due < as_of
    expected = math.nan if action.expected_effect is None else action.expected_effect
    head = {name: getattr(action, name) for name in ("key", "action", "owner", "trigger", "status")}
    head |= {
        "metric": action.metric or "",
        "due": action.due,
        "days_late": (as_of - action.due).days if is_late else 0,
        "expected": expected,
    }
    if action.status != "done" or action.metric is None:
        return {**head, "outcome": ""}
    if after.start <= action.due:
        return {**head, "outcome": "too_early"}
    return {**head, **_effect(action.metric, before, after, values, expected)}


def _effect(
    metric: str, before: Period, after: Period, values: Mapping[Any, float], expected: float
) -> dict[str, Any]:
    old, new = (values.get((metric, one.start), math.nan) for one in (before, after))
    measured = new - old
    share = measured / expected if expected else math.nan
    outcome: Outcome = "no_data" if math.isnan(measured) else _outcome(share)
    return {
        "period_before": before.label,
        "before": old,
        "period_after": after.label,
        "after": new,
        "measured": measured,
        "share": share,
        "outcome": outcome,
    }


def _outcome(share: float) -> Outcome:
    """Return how far a promise was kept; empty where none was made."""
    if math.isnan(share):
        return ""
    if share < 0:
        return "opposite"
    return "reached" if share >= 1 else "partly" if share >= 0.5 else "not_reached"
