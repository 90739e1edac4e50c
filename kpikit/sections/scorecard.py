"""Section 2: every KPI against its target, the year before and the quarter before."""

from kpikit.present.components import Stack
from kpikit.present.scorecards import scorecard_card
from kpikit.sections.context import Context
from kpikit.sections.kpis import kpi_rows


def scorecard_section(context: Context) -> Stack:
    """Return the scorecard; its output bears the rows of ``kpis.json``."""
    table = scorecard_card(
        context.scorecard,
        {metric.name: metric for metric in context.metrics},
        context.basis,
        badges=context.badges,
        title="",
    )
    return Stack((table,), kpis=kpi_rows(context))
