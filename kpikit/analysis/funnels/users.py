"""Who got how far, for a follow-up: the one function here whose result bears ids."""

from typing import Literal, Unpack

import ibis.expr.types as ir
import pandas as pd

from kpikit.analysis.funnels.definition import FunnelKeywords, define
from kpikit.analysis.funnels.events import prepare
from kpikit.analysis.funnels.reported import is_reached, reported_entries
from kpikit.errors import AnalysisError, check_choice


def funnel_users(
    events: "ir.Table | pd.DataFrame",
    *,
    step: int,
    outcome: Literal["dropped", "reached"] = "dropped",
    **funnel: Unpack[FunnelKeywords],
) -> pd.DataFrame:
    """Return the units that reached a step, or dropped out after it.

    No other function on funnels returns ids, and no report shows them: they are data of persons.

    Args:
        events: As for ``funnel_table``.
        step: Number of the step, from 1.
        outcome: ``dropped``: the units that reached it, and not the next needed one; ``reached``:
            all that reached it.
        **funnel: The funnel and its days, as for ``funnel_table``.

    Returns:
        One row per unit and ``by`` columns, the latest first: the columns of ``unit``, ``by``,
        ``entered_at`` (time of the reported entry) and ``reached_at`` (time of ``step``), UTC.

    Raises:
        AnalysisError: There is no such step, or as for ``funnel_table``.
        PeriodError: As for ``funnel_table``.
    """
    check_choice("outcome", outcome, ("dropped", "reached"), "funnel_users")
    definition = define("funnel_users", **funnel)
    if not 1 <= step <= len(definition.steps):
        raise AnalysisError(
            f"step is {step} in funnel_users.\nGive one of the steps 1 to {len(definition.steps)}."
        )
    reported = reported_entries(prepare(events, definition, keep_ids=True))
    found = reported.filter(is_reached(reported, step))
    if outcome == "dropped":
        found = found.filter(~is_reached(found, definition.needed_after(step)))
    names = {
        **{name: f"unit_{index}" for index, name in enumerate(definition.unit)},
        **{name: f"group_{index}" for index, name in enumerate(definition.by)},
    }
    found = found.select(**names, entered_at="time_1", reached_at=f"time_{step}")
    table: pd.DataFrame = found.order_by([found.reached_at.desc(), *definition.unit]).to_pandas()
    return table
