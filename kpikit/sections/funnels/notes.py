"""What the funnel analysis rests on: its data and its method."""

from kpikit.formats import format_date
from kpikit.present.components import Column, Component, Paragraph, Stack, Table
from kpikit.present.tables import findings_table, inputs_table
from kpikit.sections.context import Context
from kpikit.sections.funnels.reading import SEGMENT_N, Reading
from kpikit.sources import findings_for


def quality_section(context: Context, readings: tuple[Reading, ...]) -> Stack:
    """Return faults of the events, what was read, and which entries count."""
    findings = findings_for(context.dataset.findings, "events")
    inputs = tuple(item for item in context.dataset.inputs if item.table == "events")
    found: Component = (
        findings_table(findings, title="What the checks found in the events")
        if findings
        else Paragraph("The checks found nothing to report in the events.")
    )
    items: list[Component] = [found]
    if inputs:
        items.append(inputs_table(inputs, title="What was read"))
    items += [Paragraph(_maturity(reading)) for reading in readings]
    return Stack(tuple(items))


def _maturity(reading: Reading) -> str:
    data = reading.context.dataset
    return (
        f"Funnel “{reading.label}”: the data end on {format_date(data.as_of)}; entries up to "
        f"{format_date(reading.mature_day)} have had their full {reading.funnel.window} and count, "
        "later ones do not."
    )


def method_section(readings: tuple[Reading, ...]) -> Stack:
    """Return the conventions behind the numbers, one per row."""
    rows = {
        "Entry": (
            "Each event of the first step is an entry. From it, a step's time is that of its "
            "earliest event at or after the step before; one event serves one step. A user counts "
            "by the entry that gets furthest within the window, not by the first."
        ),
        "Rates": (
            "A step's rate is the share of those at the step before. Intervals: 95 %, Wilson's for "
            "rates, Newcombe's for differences. Entries without a full window are left out, "
            "converted or not."
        ),
        "More than chance": (
            "p below 0.05 in the chi-squared test of two shares (Campbell 2007; Fisher's where few "
            "are expected), corrected for all steps or segments of a table after Benjamini and "
            "Hochberg. Segments are compared with all others together."
        ),
        "Signals": (
            "Weeks and months are held against an XmR chart (Wheeler 2000), of the values or, "
            "where these have a trend or autocorrelation, of the errors of one-step forecasts."
        ),
        "Since when": (
            "The rate of each step by day of the step before is searched for a stretch of days in "
            "which it was lower than before and after (scan statistic, Kulldorff 1997). The best "
            "stretch is held against those of the days in random order, at 1 % for each step. Its "
            "rate flatters the incident a little, and its ends may be off by some days."
        ),
        "Losses": (
            "Conversions lost are those who did not get to a step, times the share of those who "
            "did that converted in the end: an upper bound, for those who drop out are others."
        ),
        "Small numbers": f"A segment's rate of fewer than {SEGMENT_N} users is withheld.",
        "Retention": (
            "A user counts at an age only when active in that very period; an unfinished period is "
            "no cell. Means are weighted by cohort size, over cohorts that have reached the age."
        ),
    }
    table = Table(
        columns=(Column("what", "What", width=1.0), Column("how", "How", width=7.0)),
        rows=tuple({"what": what, "how": how} for what, how in rows.items()),
        compact=True,
    )
    return Stack((_declared(readings), table) if readings else (table,))


def _declared(readings: tuple[Reading, ...]) -> Table:
    columns = (
        Column("funnel", "Funnel", width=1.0), Column("steps", "Steps", width=4.0),
        Column("window", "Window"), Column("order", "Order"), Column("unit", "Counted"),
    )  # fmt: skip
    rows = tuple(
        {
            "funnel": reading.label,
            "steps": " → ".join(step.name for step in reading.steps),
            "window": reading.funnel.window,
            "order": reading.funnel.order,
            "unit": ", ".join([reading.funnel.unit] if isinstance(reading.funnel.unit, str)
                              else reading.funnel.unit),
        }
        for reading in readings
    )  # fmt: skip
    return Table(columns, rows, title="Funnels as declared", compact=True)
