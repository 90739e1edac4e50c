"""Fills pages: parts set a little closer, or a table broken, where a page would end half white.

The heights of all parts are measured first; then pages are filled in order on paper, so to speak.
Where the next part just misses the rest of a page, that page's charts shrink and the rows of its
tables close up together, never below ``MIN_SCALE``; a longer table may break instead, and so does
one that no page has room for with its heading. Little white is left as it is, unless the last part
would make a page of its own. Nothing moves out of its order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kpikit.publish.document import TEXT_KINDS
from kpikit.publish.layout import GAPS
from kpikit.publish.pictures import Node

PAGE_HEIGHT = 170 / 25.4 * 72  # points between head and foot of A4 landscape
MIN_SCALE = 0.78
_WHITE = 0.2  # of a page: less than this at its foot needs no mending
_FLOWING = ("para", "list", "quote", "code", "output", "error", "grid", "stack")
_REMARK = 26.0  # points, two lines
_WIDE_WHITE = 0.35  # of a page: more than this is worth breaking a table for
_SPLITTABLE = 9  # rows
_BEGINNING = 110.0  # points, what a part that flows needs of a page to begin on it
_SPARE = 2.0  # points, for what rounds


@dataclass(frozen=True)
class Unit:
    """A part that stays on one page unless ``flows``; its heights are in points.

    Attributes:
        at: Section and block, None for the cover and the contents.
        above: White above it, not counted at the head of a page.
        height: With the heading that it must not leave.
        give: How much of the height is proportional to the scale.
        flows: Whether it runs over pages by itself.
        splits: Whether it may be told to.
    """

    at: tuple[int, int] | None
    above: float
    height: float
    give: float = 0.0
    flows: bool = False
    splits: bool = False


@dataclass(frozen=True)
class Filling:
    """What fills the pages: the scale of parts and the tables that break, by section and block."""

    scales: Mapping[tuple[int, int], float]
    broken: frozenset[tuple[int, int]]


def fill_pages(units: Iterable[Unit], *, page_height: float = PAGE_HEIGHT) -> Filling:
    """Return how to fill pages of this height (points) with the units, in their order."""
    scales: dict[tuple[int, int], float] = {}
    broken: set[tuple[int, int]] = set()
    page: list[Unit] = []
    used = 0.0
    units = [_fitted(unit, page_height, scales) for unit in units]
    for unit in units:
        if unit.flows and unit.at is not None:
            broken.add(unit.at)
        need = used + (unit.above if page else 0.0) + unit.height
        if need <= page_height:
            page, used = [*page, unit], need
        elif unit.flows:
            begins = page_height - used > _BEGINNING
            page, used = [unit], (need if begins else unit.height) % page_height
        elif page_height - used < _WHITE * page_height and unit is not units[-1]:
            page, used = [unit], unit.height
        elif _shrink([*page, unit], need - page_height + _SPARE, scales):
            page, used = [], page_height
        elif unit.splits and page_height - used > _WIDE_WHITE * page_height:
            broken.add(unit.at or (0, 0))
            page, used = [replace(unit, give=0.0)], need - page_height
        else:
            page, used = [unit], unit.height
    return Filling(scales, frozenset(broken))


def _fitted(unit: Unit, page_height: float, scales: dict[tuple[int, int], float]) -> Unit:
    """Set a part closer that no page has room for, or let it flow, lest its heading go alone."""
    excess = unit.height - page_height
    if excess <= 0 or unit.flows:
        return unit
    if _shrink([unit], excess + _SPARE, scales):
        return replace(unit, height=page_height - _SPARE, give=0.0)
    return replace(unit, flows=True)


def _shrink(page: Sequence[Unit], excess: float, scales: dict[tuple[int, int], float]) -> bool:
    """Set a page closer by ``excess`` points, all its parts alike, if they can bear it."""
    give = sum(unit.give for unit in page)
    if excess > (1 - MIN_SCALE) * give:
        return False
    for unit in page:
        if unit.give and unit.at is not None:
            scales[unit.at] = round(1 - excess / give, 4)
    return True


def report_units(data: Mapping[str, Any], heights: Mapping[str, Any]) -> list[Unit]:
    """Return the units of a laid-out report with their measured heights."""
    units = [Unit(None, 0.0, heights["cover"])]
    previous = ""
    for index, section in enumerate(data["sections"]):
        measured = heights["sections"][index]
        if section["kind"] == "absent":
            opener = 0.0 if previous == "absent" else heights["absences-opener"] + 3 / 25.4 * 72
            above = 2.3 / 25.4 * 72 if previous == "absent" else GAPS.section
            units.append(Unit(None, above, opener + measured["opener"]))
        else:
            units += _section_units(index, section, measured)
        previous = section["kind"]
        if index == 0 and data["contents"]:
            units.append(Unit(None, GAPS.section, heights["contents"]))
    return units


def _section_units(
    index: int, section: Mapping[str, Any], measured: Mapping[str, Any]
) -> list[Unit]:
    units = [
        Unit(
            (index, place),
            GAPS.text if block["kind"] in TEXT_KINDS else GAPS.block,
            height,
            give=_give(block) if shrunk is None else (height - shrunk) / (1 - MIN_SCALE),
            flows=block["kind"] in _FLOWING or height > PAGE_HEIGHT,
            splits=block["kind"] == "table" and _splits(block),
        )
        for place, (block, height, shrunk) in enumerate(
            zip(section["blocks"], measured["blocks"], measured["shrunk"], strict=True)
        )
    ]
    units = _with_remarks(units, section["blocks"])
    if section["title"] and units:
        above = GAPS.block if index == 0 else GAPS.section
        lead = measured["opener"] + GAPS.opener
        units[0] = replace(units[0], above=above, height=lead + units[0].height)
    return units


def _give(block: Node) -> float:
    """Return how much of a chart's or table's height is proportional to its scale."""
    if block["kind"] == "figure":
        return float(block["image"]["height"])
    if block["kind"] != "table":
        return 0.0
    rows = sum(1 + sum("group" not in row for row in part["rows"]) for part in block["parts"])
    return 2.0 * rows * float(block["closing"])


def _with_remarks(units: Sequence[Unit], blocks: Sequence[Node]) -> list[Unit]:
    """Join a short remark to the part that it is about, so that room is made for both."""
    made: list[Unit] = []
    for unit, block in zip(units, blocks, strict=True):
        remark = block["kind"] in ("paragraph", "note") and unit.height <= _REMARK
        if remark and made and not made[-1].flows:
            made[-1] = replace(made[-1], height=made[-1].height + unit.above + unit.height)
        else:
            made.append(unit)
    return made


def _splits(block: Node) -> bool:
    columns = (column for part in block["parts"] for column in part["columns"])
    rows = sum(len(part["rows"]) for part in block["parts"])
    return rows >= _SPLITTABLE and not any(column["heat"] for column in columns)


def filled(data: Mapping[str, Any], filling: Filling) -> dict[str, Any]:
    """Return the report's data with its parts scaled and its tables broken as told."""
    sections = [
        {
            **section,
            "blocks": [
                _adjusted(
                    block,
                    filling.scales.get((index, place), 1.0),
                    broken=(index, place) in filling.broken,
                )
                for place, block in enumerate(section["blocks"])
            ],
        }
        for index, section in enumerate(data["sections"])
    ]
    return {**data, "sections": sections}


def _adjusted(block: Node, scale: float, *, broken: bool) -> Node:
    if block["kind"] == "table":
        return {**block, "scale": scale, "breakable": broken}
    if block["kind"] == "row":
        items = [
            {**item, "scale": scale} if item["kind"] in ("figure", "table") else item
            for item in block["items"]
        ]
        return {**block, "items": items}
    return {**block, "scale": scale} if block["kind"] == "figure" else block
