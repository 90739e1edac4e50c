"""Section 7 of the quarterly review: each funnel in bars, and its steps by one dimension."""

from collections.abc import Iterator

from kpikit.errors import UnknownNameError
from kpikit.formats import is_missing
from kpikit.present.components import Callout, Component, Paragraph, Stack
from kpikit.present.frames import records
from kpikit.present.sentences_funnel import biggest_loss_headline, duration, loss_headline
from kpikit.sections.context import Context
from kpikit.sections.funnels.pages import each_funnel, lacking
from kpikit.sections.funnels.reading import Reading, readings_of
from kpikit.sections.funnels.steps import funnel_figure
from kpikit.sections.funnels.where import segment_card
from kpikit.sources import check_funnel_events


def funnel_section(context: Context) -> Stack:
    """Return the bars of each funnel with what the weakest step loses, and its steps by segment.

    A funnel that names an event which is not there stops the funnel analysis; the review says so in
    this section and goes on.
    """
    if lack := lacking(context):
        return lack
    try:
        check_funnel_events(context.loaded, context.dataset.tables)
    except UnknownNameError as error:
        return Stack((Callout(str(error), tone="warning", title="Funnels cannot be counted"),))
    return each_funnel(context, readings_of(context, daily=False), _compact)


def _compact(reading: Reading) -> Iterator[Component]:
    yield funnel_figure(reading)
    yield Paragraph(" ".join(_sentences(reading)))
    yield from (segment_card(reading, dimension) for dimension in reading.dimensions[:1])


def _sentences(reading: Reading) -> Iterator[str]:
    losses = reading.losses
    worst = records(losses[losses["step"] == reading.worst])[0]
    before = reading.name_of(reading.step_before(reading.worst))
    told = [
        loss_headline(worst, before, reading.now, currency=reading.context.currency),
        biggest_loss_headline(losses, reading.worst),
    ]
    yield from (f"{each.claim} {each.rest}" for each in told if each is not None)
    half = reading.study.median_seconds("actual")
    if not is_missing(half):
        yield f"Half of those who convert take less than {duration(half)}."
