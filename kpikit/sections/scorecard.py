"""Section 2: every KPI against its target, the year before and the quarter before."""

from kpikit.present.components import Component, Paragraph, Stack
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
    items: list[Component] = [table]
    remarks = sorted({name for metric in context.metrics for name in context.checks_of(metric)})
    if remarks:
        text = f"Remarks on the data: {', '.join(remarks)}. Appendix A tells each."
        items.append(Paragraph(text, small=True))
    return Stack(tuple(items), kpis=kpi_rows(context))
