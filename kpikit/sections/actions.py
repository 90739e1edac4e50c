"""Section 17: what was decided, how late it is, what it brought, and what nobody acts on yet.

What an action was to bring is held against what the last review before published of it while it
was open. A promise lowered after the fact is then seen to be, and kept or not all the same.
"""

import math
from typing import Any

import pandas as pd

from kpikit.analysis.actions import action_table
from kpikit.ledger import definition_change
from kpikit.params.model import Action
from kpikit.periods import Grain
from kpikit.present.actions import actions_table
from kpikit.present.components import Paragraph, Stack
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import Context

_GRAIN: Grain = "month"  # of the values before and after an action


def actions_section(context: Context) -> Stack:
    """Return every action with its effect, and the signals of concern that none answers.

    Its output bears the promises of open actions, which the ledger keeps.
    """
    concerns, forgotten = unanswered(context), _forgotten(context)
    if not context.params.actions and concerns.empty and not forgotten:
        return nothing_to_show(
            "No action is declared, and no KPI shows a signal of concern. List actions under "
            "actions:, such as {key: ..., action: ..., owner: ..., due: ...}."
        )
    table = actions_table(
        promised_actions(context),
        concerns,
        context.catalogue,
        as_of=context.as_of,
        currency=context.currency,
    )
    promises = _promises(context)
    versions = {row["metric"]: context.catalogue[row["metric"]].version for row in promises}
    return Stack((table, *forgotten), definitions=versions, promises=tuple(promises))


def promised_actions(context: Context) -> pd.DataFrame:
    """Return ``action_table``, each effect held against what was published of it.

    Columns added: ``promised_in`` (period of the last earlier review that published a promise of
    the action, empty without one), ``published`` (the effect promised there, NaN without one),
    ``declared`` (that of the product's file now), ``due_published`` (the day promised there, empty
    without one) and ``reason`` (why the promise cannot be held against what came; the outcome is
    then empty). ``expected`` is the published one where there is one to be held to, else the
    declared.
    """
    found = context.earlier.promises.drop_duplicates("key", keep="last")
    published = {row["key"]: row for row in found.to_dict("records")}
    reasons = {
        action.key: _broken_off(context, action, published[action.key])
        for action in context.params.actions
        if action.key in published
    }
    held = [
        action.model_copy(update={"expected_effect": published[action.key]["expected"]})
        if reasons.get(action.key) == ""
        else action.model_copy(update={"expected_effect": None})
        if action.key in reasons
        else action
        for action in context.params.actions
    ]
    table = _actions(context, held)
    declared = {action.key: action.expected_effect for action in context.params.actions}
    keys = list(table["key"])
    then: list[dict[Any, Any]] = [published.get(key, {}) for key in keys]
    return table.assign(
        promised_in=[row.get("report_period", "") for row in then],
        published=[float(row.get("expected", math.nan)) for row in then],
        declared=[math.nan if (one := declared[key]) is None else one for key in keys],
        due_published=[str(row.get("due", "")) for row in then],
        reason=[reasons.get(key, "") for key in keys],
    )


def unanswered(context: Context) -> pd.DataFrame:
    """Return the rows of the scorecard with a signal of concern that no action answers.

    An action answers for its metric while it is open, and where it was due in the report's period
    or later and is done.
    """
    answered = {action.metric for action in context.params.actions if _is_current(action, context)}
    card = context.scorecard
    return card[(card["variation"] == "concern") & ~card["metric"].isin(answered)]


def _is_current(action: Action, context: Context) -> bool:
    if action.status == "done":
        return action.due >= context.period.start
    return action.status == "open"


def _promises(context: Context) -> list[dict[str, Any]]:
    """Return what the ledger keeps of the actions that are open."""
    return [
        {
            "key": action.key,
            "metric": action.metric,
            "expected": action.expected_effect,
            "due": action.due.isoformat(),
        }
        for action in context.params.actions
        if action.status == "open" and action.metric and action.expected_effect is not None
    ]


def _forgotten(context: Context) -> list[Paragraph]:
    """Return which actions the last review promised something of and the file no longer names."""
    promises = context.earlier.promises
    last = promises[promises["report_period"] == promises["report_period"].iloc[-1:].max()]
    known = {action.key for action in context.params.actions}
    lost = [str(key) for key in last["key"] if key not in known]
    if not lost:
        return []
    review = last["report_period"].iloc[0]
    return [Paragraph(f"Promised in {review} and no longer declared: {', '.join(lost)}.")]


def _broken_off(context: Context, action: Action, published: dict[Any, Any]) -> str:
    """Return why what was promised cannot be held against what came; empty where it can."""
    if action.metric != published["metric"]:
        known = context.catalogue.get(published["metric"])
        return f"the promise was of {known.label if known else published['metric']}"
    version = context.catalogue[action.metric].version if action.metric else None
    return definition_change(published["definition"], version)


def _actions(context: Context, actions: list[Action]) -> pd.DataFrame:
    """Return ``action_table``, with the facts of those actions alone whose effect can be known."""
    calendar, as_of = context.calendar, context.as_of
    known = [
        (context.catalogue[action.metric], action.due)
        for action in actions
        if action.metric is not None and action.status == "done" and action.due < as_of
    ]
    periods = [calendar.previous(calendar.period_of(due, _GRAIN)) for _, due in known]
    after = calendar.last_complete(as_of, _GRAIN)
    facts = context.facts_at([metric for metric, _ in known], [*periods, after])
    whole = facts[facts["complete"].astype(bool)]  # part of a month is no match for a whole one
    return action_table(actions, whole, calendar=calendar, as_of=as_of, grain=_GRAIN)
