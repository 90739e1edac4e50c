"""Section 2: every KPI against its target, the year before and the quarter before."""

from dataclasses import replace

from kpikit.present.components import Stack
from kpikit.present.scorecards import scorecard_card
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import Context
from kpikit.sections.evidence import false_signals
from kpikit.sections.kpis import kpi_rows


def scorecard_section(context: Context) -> Stack:
    """Return the scorecard; its output bears the rows of ``kpis.json``."""
    if not context.metrics:
        return nothing_to_show(
            "No KPI: the tables of this product fill none of its stage. List some under metrics:."
        )
    table = scorecard_card(
        context.scorecard,
        {metric.name: metric for metric in context.metrics},
        context.basis,
        badges=context.badges,
        title="",
    )
    remarks = sorted({name for metric in context.metrics for name in context.checks_of(metric)})
    notes = [
        _false_alarms(context),
        f"Remarks on the data: {', '.join(remarks)}. Appendix A tells each." if remarks else "",
    ]
    table = replace(table, notes=(*table.notes, *filter(None, notes)))
    versions = {metric.name: metric.version for metric in context.metrics}
    return Stack((table,), kpis=kpi_rows(context), definitions=versions)


def _false_alarms(context: Context) -> str:
    """Return how many of the signals may be chance, empty where none was looked for."""
    expected = false_signals(context)
    if not expected:
        return ""
    return (
        f"Signals are told by month: over these KPIs and this {context.period.grain}, at most "
        f"{expected:.1f} are to be expected although nothing happened."
    )
