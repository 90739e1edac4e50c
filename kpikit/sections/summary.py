"""Section 1: what moved, in sentences and tiles."""

from dataclasses import replace

from kpikit.analysis.scorecard import SPARK_LENGTH
from kpikit.formats import plural
from kpikit.present.components import Callout, Component, Headlines, Paragraph, Stack, Tiles
from kpikit.present.decisions import decisions_asked
from kpikit.present.scorecards import scorecard_tiles
from kpikit.present.sentences import headlines
from kpikit.sections.actions import unanswered
from kpikit.sections.context import Context
from kpikit.sections.cover import state_sentence
from kpikit.sections.restatements import restated_headline

_MOST, _FEWER = 7, 5  # sentences without and with decisions beside them


def summary_section(context: Context) -> Stack:
    """Return the headlines, the decisions asked for, and a tile per leading KPI."""
    items: list[Component] = []
    if remark := state_sentence(context):
        finished = context.period.is_complete(context.as_of)
        title = "Covered in part" if finished else "Unfinished period"
        items.append(Callout(remark, tone="warning", title=title))
    items.append(_headlines(context))
    tiles = scorecard_tiles(context.scorecard, context.basis, badges=context.badges)
    items.append(tiles)
    if any(tile.spark for tile in tiles.items):
        items.append(Paragraph(_legend(context, tiles), small=True))
    return Stack(tuple(items))


def _headlines(context: Context) -> Headlines:
    """Return the headlines beside the decisions; with these, fewer of them fit the first page.

    What the last review said of its own period and is another value now comes last.
    """
    late = {
        action.action: (context.as_of - action.due).days
        for action in context.params.actions
        if action.status == "open" and action.due < context.as_of
    }
    decisions = decisions_asked(context.scorecard, unanswered(context), late, context.basis)
    most = _FEWER if decisions else _MOST
    restated = restated_headline(context)
    told = headlines(
        context.scorecard, context.basis, most=most - bool(restated), decisions=decisions
    )
    return replace(told, items=(*told.items, restated)) if restated else told


def _legend(context: Context, tiles: Tiles) -> str:
    """Return what the lines and colours of the tiles mean."""
    spans = plural(SPARK_LENGTH, context.period.grain)
    target = "; dashed: the target" if any(tile.spark_target for tile in tiles.items) else ""
    return (
        f"Lines: the last {spans}{target}. Green and red: better and worse; whether a change is "
        "more than routine variation, the sentences say."
    )
