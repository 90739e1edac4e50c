"""Section 17: what was decided, how late it is, what it brought, and what nobody acts on yet."""

import pandas as pd

from kpikit.analysis.actions import action_table
from kpikit.params.model import Action
from kpikit.periods import Grain
from kpikit.present.actions import actions_table
from kpikit.present.components import Stack
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import Context

_GRAIN: Grain = "month"  # of the values before and after an action


def actions_section(context: Context) -> Stack:
    """Return every action with its effect, and the signals of concern that none answers."""
    concerns = unanswered(context)
    if not context.params.actions and concerns.empty:
        return nothing_to_show(
            "No action is declared, and no KPI shows a signal of concern. List actions under "
            "actions:, such as {key: ..., action: ..., owner: ..., due: ...}."
        )
    table = actions_table(
        _actions(context),
        concerns,
        context.catalogue,
        as_of=context.as_of,
        currency=context.currency,
    )
    return Stack((table,))


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


def _actions(context: Context) -> pd.DataFrame:
    """Return ``action_table``, with the facts of those actions alone whose effect can be known."""
    calendar, as_of = context.calendar, context.as_of
    known = [
        (context.catalogue[action.metric], action.due)
        for action in context.params.actions
        if action.metric is not None and action.status == "done" and action.due < as_of
    ]
    periods = [calendar.previous(calendar.period_of(due, _GRAIN)) for _, due in known]
    after = calendar.last_complete(as_of, _GRAIN)
    facts = context.facts_at([metric for metric, _ in known], [*periods, after])
    whole = facts[facts["complete"].astype(bool)]  # part of a month is no match for a whole one
    return action_table(context.params.actions, whole, calendar=calendar, as_of=as_of, grain=_GRAIN)
