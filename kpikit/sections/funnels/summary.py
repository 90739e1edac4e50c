"""The executive summary: what converts, where people are lost, since when, at what price."""

from collections.abc import Iterator

from kpikit.present.components import Callout, Component, Headline, Headlines, Stack
from kpikit.present.frames import Row, records
from kpikit.present.sentences_funnel import (
    biggest_loss_headline,
    conversion_headline,
    funnel_title,
    incident_headline,
    is_signal,
    loss_headline,
    segment_headline,
    step_change_headlines,
)
from kpikit.sections.cover import state_sentence
from kpikit.sections.funnels.kpis import kpi_rows
from kpikit.sections.funnels.pages import nobody
from kpikit.sections.funnels.reading import SEGMENT_N, Reading

_MOST = 7  # sentences per funnel
_MOST_INCIDENTS = 2


def summary_section(readings: tuple[Reading, ...], lack: Stack | None) -> Stack:
    """Return the sentences on each funnel; the output bears the rows of ``kpis.json``."""
    if lack is not None:
        return lack
    items: list[Component] = []
    if remark := state_sentence(readings[0].context):
        items.append(Callout(remark, tone="warning", title="Covered in part"))
    for reading in readings:
        if reading.is_empty:
            items.append(Headlines(title=nobody(reading), items=()))
            continue
        title = funnel_title(records(reading.overall)[0], reading.name_of(reading.worst))
        head = f"{reading.label.capitalize()}: {title}"
        items.append(Headlines(title=head, items=tuple(_headlines(reading))[:_MOST]))
    return Stack(tuple(items), kpis=kpi_rows(readings))


def _headlines(reading: Reading) -> Iterator[Headline]:
    yield _conversion(reading)
    losses = reading.losses
    worst = records(losses[losses["step"] == reading.worst])[0]
    before = reading.name_of(reading.step_before(reading.worst))
    yield loss_headline(worst, before, reading.now, currency=reading.context.currency)
    for incident in reading.incidents[:_MOST_INCIDENTS]:
        yield incident_headline(reading.name_of(incident.step), incident.found)
    changes = reading.change("previous")
    if changes is not None:
        label = reading.periods["previous"].label
        yield from step_change_headlines(changes, label)
    if (segment := worst_segment(reading)) is not None:
        yield segment_headline(segment, segment["dimension"])
    if (biggest := biggest_loss_headline(losses, reading.worst)) is not None:
        yield biggest


def _conversion(reading: Reading) -> Headline:
    overall = records(reading.overall)[0]
    label = reading.label.capitalize()
    for which in ("year_before", "previous"):
        change = reading.overall_change(which)
        if change is not None:
            against = reading.periods[which].label
            return conversion_headline(overall, records(change)[0], label=label, against=against)
    return conversion_headline(
        overall, None, label=label, against="there are no data to compare it with"
    )


def worst_segment(reading: Reading) -> Row | None:
    """Return the segment and step that lags the others most, where it does so surely."""
    found = [
        {**row, "dimension": dimension}
        for dimension in reading.dimensions
        for row in records(reading.segments(dimension))
        if row["previous_users"] >= SEGMENT_N and is_signal(row) and row["difference"] < 0
    ]
    return min(found, key=lambda row: row["difference"] * row["previous_users"], default=None)
