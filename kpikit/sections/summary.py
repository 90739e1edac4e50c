"""Section 1: what moved, in sentences and tiles."""

from kpikit.present.components import Callout, Component, Stack
from kpikit.present.scorecards import scorecard_tiles
from kpikit.present.sentences import headlines
from kpikit.sections.context import Context
from kpikit.sections.cover import state_sentence


def summary_section(context: Context) -> Stack:
    """Return the headlines and a tile per leading KPI."""
    items: list[Component] = []
    if remark := state_sentence(context):
        items.append(Callout(remark, tone="warning", title="Unfinished period"))
    items.append(headlines(context.scorecard, context.basis))
    items.append(scorecard_tiles(context.scorecard, context.basis, badges=context.badges))
    return Stack(tuple(items))
