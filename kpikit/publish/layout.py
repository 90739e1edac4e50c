"""What a page of paper needs beyond the document: widths of columns, splits, sizes, geometry.

A table too wide for its page would run over the edge in silence. So each is measured before
anything is rendered: the type is set smaller first, then the columns are split into parts that
repeat the first one.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kpikit.present import marks
from kpikit.publish.document import TEXT_KINDS, Document, Section
from kpikit.publish.fonts import text_width
from kpikit.publish.pictures import Node, svg_picture

PAGE_WIDTH = 257 / 25.4 * 72  # points between the margins of A4 landscape
GUTTER = 8 / 25.4 * 72  # between components side by side
CHART_HEIGHT = 118 / 25.4 * 72  # the most, so that a heading and a line fit above
TILE_GAP = 8.0
PADDING = 9.0  # left and right of a cell together
_WITH_CONTENTS = 4  # sections
_SIZES = (9.0, 8.5, 8.0, 7.5, 7.0)
_COMPACT_SIZES = (8.0, 7.5, 7.0)
_NARROW = 0.6  # a table whose content fills less of the width keeps its natural width
_SHORT = 16  # rows of a table that is kept on one page
_HEAT = 2.8  # ems, the least width of a heat map's cell
_LABEL = 8.0  # ems, a column's heading that still takes one line
_BADGE = 1.4  # ems, what a badge's border takes
_FIXED = {"bullet": 9.0, "spark": 7.0}  # ems
_LONG_WORD = re.compile(r"\S{25,}")
_LONG_LINE = re.compile(r"[^\s\u200b]{70,}")
_WORD_PART = re.compile(r".{1,20}")
_WORDS = re.compile(r"[^\s\u200b]+")


@dataclass(frozen=True)
class Gaps:
    """The white above and below a part, in points; between two parts the larger one counts."""

    section: float = 29.0
    opener: float = 12.0  # below a section's heading
    block: float = 16.0
    text: float = 8.5


GAPS = Gaps()


@dataclass(frozen=True)
class Extent:
    """What a column needs at a type size of one point: its longest word, its longest line."""

    least: float
    natural: float
    weight: float | None = None


@dataclass(frozen=True)
class Part:
    """Columns of a table that are set together: their indices and widths in points."""

    indices: tuple[int, ...]
    widths: tuple[float, ...]


def page_data(document: Document) -> dict[str, Any]:
    """Return the document as the PDF template reads it."""
    return {
        "title": document.title,
        "lang": document.lang,
        "cover": dict(document.cover) or None,
        "sections": [_section(section) for section in document.sections],
        "contents": len(document.contents) >= _WITH_CONTENTS,
        "gaps": dataclasses.asdict(GAPS),
        "text-kinds": TEXT_KINDS,
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "heading": section.heading,
        "lede": section.lede,
        "kind": _kind(section),
        "blocks": [
            # The summary's message is a heading below its section's, or else at that level.
            {"level": 3 if section.title else 2, **lay_out(block, PAGE_WIDTH)}
            for block in section.blocks
        ],
    }


def _kind(section: Section) -> str:
    if section.absent:
        return "absent"
    first = section.blocks[0]["kind"] if section.blocks else ""
    return "summary" if first == "headlines" else "plain"


def lay_out(block: Node, width: float) -> Node:
    """Return a block with what its drawing in a space of this width (points) needs."""
    drawn = _LAYOUTS.get(block["kind"])
    return drawn(block, width) if drawn else block


def _row(block: Node, width: float) -> Node:
    items = block["items"]
    weights = list(block["widths"]) or [1.0] * len(items)
    inner = width - GUTTER * (len(items) - 1)
    shares = [inner * weight / sum(weights) for weight in weights]
    laid = [lay_out(item, share) for item, share in zip(items, shares, strict=True)]
    return {**block, "items": laid, "widths": shares}


def _stack(block: Node, width: float) -> Node:
    return {**block, "items": [lay_out(item, width) for item in block["items"]]}


def _tiles(block: Node, width: float) -> Node:
    items = [
        {**tile, "spark": _spark(tile["spark"], tile["spark_target"])} for tile in block["items"]
    ]
    count = len(items)
    most = max(1, int(width // 110))
    lines = -(-count // most) if count else 1
    columns = -(-count // lines) if count else 1
    share = (width - TILE_GAP * (columns - 1)) / columns
    return {**block, "items": items, "columns": columns, "width": share}


def _figure(block: Node, width: float) -> Node:
    image = _image(svg_picture(block["svg"], block["alt"]), width)
    return {**block, "image": image, "svg": "", "scale": 1.0}


def _image(block: Node, width: float) -> Node:
    """Keep a picture's own size unless its place is smaller."""
    factor = min(1.0, width / block["width"], CHART_HEIGHT / block["height"])
    return {**block, "width": factor * block["width"], "height": factor * block["height"]}


def _spark(values: Sequence[float | None], target: float | None = None) -> Node | None:
    if not values:
        return None
    drawn = marks.spark(values, target)
    alt = marks.spark_alt(values, target)
    return {"lines": drawn.lines, "dot": drawn.dot, "target": drawn.target, "alt": alt}


def _table(block: Node, width: float) -> Node:
    rows = [_cells(row, block["columns"]) for row in block["rows"]]
    columns = [
        {**column, "heat": any(row is not None and "fill" in row[index] for row in rows)}
        for index, column in enumerate(block["columns"])
    ]
    extents = [
        _extent(column["label"], [row[index] for row in rows if row is not None], column)
        for index, column in enumerate(columns)
    ]
    sizes = _COMPACT_SIZES if block["compact"] else _SIZES
    size, parts = fit(extents, width, sizes, stub=1)
    return {
        **block,
        "size": size,
        "breakable": len(rows) > _SHORT,
        "scale": 1.0,
        "parts": [
            {
                "label": _part_label(part, parts),
                "widths": part.widths,
                "columns": [columns[index] for index in part.indices],
                "rows": [
                    {"group": _group_text(source)} if row is None
                    else {"cells": [row[index] for index in part.indices]}
                    for source, row in zip(block["rows"], rows, strict=True)
                ],
            }
            for part in parts
        ],
        "rows": [],
    }  # fmt: skip


def _part_label(part: Part, parts: Sequence[Part]) -> str:
    if len(parts) == 1:
        return ""
    repeated = 0 if part is parts[0] else len(set(part.indices) & set(parts[0].indices))
    total = max(max(other.indices) for other in parts) + 1
    return f"Columns {part.indices[repeated] + 1} to {part.indices[-1] + 1} of {total}"


def _group_text(row: Mapping[str, Any]) -> str:
    return row["group"] if isinstance(row["group"], str) else row["group"]["text"]


def _cells(row: Mapping[str, Any], columns: Sequence[Mapping[str, Any]]) -> list[Node] | None:
    """Return a cell per column, None for a row that is a group's heading."""
    if set(row) == {"group"}:
        return None
    return [_cell(row.get(column["key"], "")) for column in columns]


def _cell(value: str | Mapping[str, Any]) -> Node:
    if isinstance(value, str):
        return {"text": _breakable(value)}
    cell = {name: value[name] for name in ("tone", "struck", "status")}
    cell |= {"text": _breakable(value["text"]), "note": _breakable(value["note"])}
    if value["shade"] is not None:
        cell["fill"], cell["ink"] = marks.shade(value["shade"])
    if value["bullet"]:
        cell["bullet"] = marks.bullet(value["bullet"])
    if value["spark"]:
        cell["spark"] = _spark(value["spark"])
    return cell


def _breakable(text: str) -> str:
    """Let a word longer than any column break: a zero-width space after every twenty characters."""
    return _LONG_WORD.sub(_parted, text)


def breakable_line(text: str) -> str:
    """Do the same for words that no line of a page has room for."""
    return _LONG_LINE.sub(_parted, text)


def _parted(word: re.Match[str]) -> str:
    return "\u200b".join(_WORD_PART.findall(word[0]))


def _extent(label: str, cells: Sequence[Node], column: Mapping[str, Any]) -> Extent:
    words, lines = _label_extent(label)
    if column["kind"] in _FIXED:
        fixed = max(words, _FIXED[column["kind"]])
        return Extent(fixed, fixed, column["width"])
    unbroken = column["kind"] == "number"
    words = max(words, _HEAT if column["heat"] else 0.0)
    lines = max(words, lines)
    for cell in cells:
        text = f"{cell['text']} {cell.get('note', '')}".strip()
        bold = column["emphasis"]
        badge = bool(cell.get("status"))
        line = _line_extent(text, bold=bold) + (_BADGE if badge else 0.0)
        lines = max(lines, line)
        words = max(words, line if unbroken or badge else _word_extent(text, bold=bold))
    return Extent(words, lines, column["width"])


def _label_extent(label: str) -> tuple[float, float]:
    """A long heading takes two lines rather than hold its column open."""
    word, line = 0.95 * _word_extent(label), 0.95 * _line_extent(label)
    return word, max(word, min(line, max(_LABEL, line / 2)))


def _word_extent(text: str, *, bold: bool = False) -> float:
    # The widest word is among the longest ones; measuring every word of a long text is wasted.
    longest = sorted(set(_WORDS.findall(text)), key=len)[-3:]
    return max((text_width(word, 1.0, bold=bold) for word in longest), default=0.0)


def _line_extent(text: str, *, bold: bool = False) -> float:
    return max((text_width(line[:400], 1.0, bold=bold) for line in text.split("\n")), default=0.0)


def _grid(block: Node, width: float) -> Node:
    rows = [*block["head"], *block["body"]]
    count = max((cell["x"] + cell["colspan"] for row in rows for cell in row), default=0)
    extents = [Extent(0.6, 0.6)] * count
    body = [[{**cell, "text": _breakable(cell["text"])} for cell in row] for row in block["body"]]
    for row in [*block["head"], *body]:
        for cell in row:
            if cell["colspan"] == 1:
                known = extents[cell["x"]]
                word = _word_extent(cell["text"], bold=row in block["head"])
                line = _line_extent(cell["text"])
                least = line if cell["align"] == "right" else word
                extents[cell["x"]] = Extent(max(known.least, least), max(known.natural, line))
    size, parts = fit(extents, width, _SIZES, stub=max(1, block["stub"]))
    return {
        **block,
        "size": size,
        "parts": [
            {
                "label": _part_label(part, parts),
                "widths": part.widths,
                "head": [_clipped(row, part.indices) for row in block["head"]],
                "body": [_clipped(row, part.indices) for row in body],
            }
            for part in parts
        ],
        "head": [],
        "body": [],
    }


def _clipped(row: Sequence[Node], indices: Sequence[int]) -> list[Node]:
    """Return the cells of a row that reach into these columns, cut to them."""
    made: list[Node] = []
    for cell in row:
        reached = range(cell["x"], cell["x"] + cell["colspan"])
        inside = [place for place, index in enumerate(indices) if index in reached]
        if inside:
            made.append({**cell, "x": inside[0], "colspan": len(inside)})
    return made


def fit(
    extents: Sequence[Extent], width: float, sizes: Sequence[float], *, stub: int
) -> tuple[float, list[Part]]:
    """Return the type size and the parts at which a table fits its space.

    The largest size is taken at which every column holds its longest word. Where none does, the
    columns are split at the smallest, and each part repeats the first ``stub`` columns.

    Args:
        extents: What each column needs.
        width: The space, in points.
        sizes: Type sizes to try, in points, largest first.
        stub: How many columns name the row.
    """
    for size in sizes:
        if sum(extent.least * size + PADDING for extent in extents) <= width:
            return size, [_part(extents, tuple(range(len(extents))), width, size)]
    size = sizes[-1]
    return size, [_part(extents, part, width, size) for part in _split(extents, width, size, stub)]


def _split(
    extents: Sequence[Extent], width: float, size: float, stub: int
) -> list[tuple[int, ...]]:
    needs = [min(extent.least * size + PADDING, width) for extent in extents]
    first = tuple(range(min(stub, len(extents) - 1)))
    if sum(needs[index] for index in first) > width / 2:
        first = first[:1] if needs[0] <= width / 2 else ()
    used = sum(needs[index] for index in first)
    parts: list[list[int]] = [[]]
    room = width - used
    for index in range(len(first), len(extents)):
        if parts[-1] and needs[index] > room:
            parts.append([])
            room = width - used
        parts[-1].append(index)
        room -= needs[index]
    return [(*first, *part) for part in parts]


def _part(extents: Sequence[Extent], indices: tuple[int, ...], width: float, size: float) -> Part:
    chosen = [extents[index] for index in indices]
    least = [min(extent.least * size + PADDING, width) for extent in chosen]
    wanted = [extent.natural * size + PADDING for extent in chosen]
    natural = [max(low, full) for low, full in zip(least, wanted, strict=True)]
    weights = [extent.weight for extent in chosen]
    if any(weight is not None for weight in weights):
        return Part(indices, tuple(_weighted(least, natural, weights, width)))
    total = sum(natural)
    if total > width:
        return Part(indices, tuple(_levelled(least, natural, width)))
    grown = width / total if total >= _NARROW * width else min(1.15, width / total)
    return Part(indices, tuple(grown * part for part in natural))


def _weighted(
    least: Sequence[float], natural: Sequence[float], weights: Sequence[float | None], width: float
) -> list[float]:
    """Give columns without a weight what they need, and share the rest by weight."""
    columns = list(zip(least, natural, weights, strict=True))
    if sum(full if weight is None else low for low, full, weight in columns) > width:
        return _levelled(least, natural, width)
    rest = width - sum(full for _, full, weight in columns if weight is None)
    unit = rest / sum(weight for weight in weights if weight is not None)
    shares = [full if weight is None else max(low, unit * weight) for low, full, weight in columns]
    return [share * min(1.0, width / sum(shares)) for share in shares]


def _levelled(least: Sequence[float], natural: Sequence[float], width: float) -> list[float]:
    """Cut the widest columns to one level until all fit, none below its longest word."""
    low, high = 0.0, max(natural)
    for _ in range(40):
        level = (low + high) / 2
        used = sum(max(a, min(b, level)) for a, b in zip(least, natural, strict=True))
        low, high = (level, high) if used <= width else (low, level)
    return [max(a, min(b, low)) for a, b in zip(least, natural, strict=True)]


_LAYOUTS: Mapping[str, Callable[[Node, float], Node]] = {
    "row": _row,
    "stack": _stack,
    "tiles": _tiles,
    "figure": _figure,
    "image": _image,
    "table": _table,
    "grid": _grid,
}
