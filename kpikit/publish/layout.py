"""What a page of paper needs beyond the document: widths of columns, splits, sizes, geometry.

A table too wide for its page would run over the edge in silence. So each is measured before
anything is rendered: the type is set smaller first, then the columns are split into parts that
repeat the first one.
"""

import base64
import dataclasses
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kpikit.present import marks
from kpikit.publish.columns import Extent, Part, fit
from kpikit.publish.document import TEXT_KINDS, Document, Section
from kpikit.publish.fonts import text_width
from kpikit.publish.outline import head_height, row_height
from kpikit.publish.pictures import Node, picture, svg_drawing
from kpikit.publish.typst import rasterize

PAGE_WIDTH = 257 / 25.4 * 72  # points between the margins of A4 landscape
GUTTER = 8 / 25.4 * 72  # between components side by side
CHART_HEIGHT = 118 / 25.4 * 72  # the most, so that a heading and a line fit above
TILE_GAP = 8.0
_INDENT = 24.0
_WITH_CONTENTS = 4  # sections
_SIZES = (9.0, 8.5, 8.0, 7.5, 7.0)
_COMPACT_SIZES = (8.0, 7.5, 7.0)
_SHORT = 16  # rows of a table within another part that is kept on one page
_LISTING_LINES = 22  # of a column; short enough to fill what a page has left
_LISTING_COLUMNS = 3
_LISTING_WIDTH = 51  # characters of a line in one of them
_HEAT = 2.8  # ems, the least width of a heat map's cell
_LABEL = 8.0  # ems, a column's heading that still takes one line
_BADGE = 1.4  # ems, what a badge's border takes
_FIXED = {"bullet": 6.5, "spark": 6.0}  # ems
_HEAVY_SVG = 1_500_000  # characters
_INSET, _COMPACT_INSET = 3.4, 2.9  # points above and below a cell's text
_CLOSING = 1.6  # how much faster than the scale the rows of a table close up
_LONG_WORD = re.compile(r"\S{25,}")
_LONG = 70  # characters
_LONG_LINE = re.compile(rf"[^\s\u200b]{{{_LONG},}}")
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
        "heading": _within(section.heading, PAGE_WIDTH),
        "lede": _within(section.lede, PAGE_WIDTH),
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
    if drawn is not None:
        return drawn(block, width)
    inner = width - _INDENT if block["kind"] in ("list", "quote") else width
    return {key: _within(value, inner) for key, value in block.items()}


def _within(value: Any, width: float) -> Any:
    """Lay out the blocks inside a list, a quote or a footnote."""
    if isinstance(value, list):
        return [_within(item, width) for item in value]
    return lay_out(value, width) if isinstance(value, dict) and "kind" in value else value


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


def _code(block: Node, width: float) -> Node:
    """Set a long listing in columns, page by page; a line too long for one goes on below."""
    if block["text"].count("\n") < _LISTING_LINES or width < PAGE_WIDTH:
        return {**block, "pages": []}
    lines = [part for line in block["text"].split("\n") for part in _continued(line)]
    size = _LISTING_COLUMNS * _LISTING_LINES
    pages = [lines[start : start + size] for start in range(0, len(lines), size)]
    return {**block, "pages": [_in_columns(page) for page in pages]}


def _continued(line: str) -> list[str]:
    if len(line) <= _LISTING_WIDTH and "\t" not in line:
        return [line.rstrip()]
    indent = " " * min(len(line) - len(line.lstrip()) + 4, _LISTING_WIDTH // 2)
    wrapped = textwrap.wrap(line, _LISTING_WIDTH, subsequent_indent=indent, tabsize=4)
    return wrapped or [""]


def _in_columns(lines: Sequence[str]) -> list[str]:
    height = -(-len(lines) // _LISTING_COLUMNS)
    starts = range(0, _LISTING_COLUMNS * height, height)
    return ["\n".join(lines[start : start + height]) for start in starts]


def _figure(block: Node, width: float) -> Node:
    image = _image(svg_drawing(block["svg"], block["alt"]), width)
    return {**block, "image": image, "svg": "", "scale": 1.0}


def _image(block: Node, width: float) -> Node:
    """Keep a picture's own size unless its place is smaller; leave out its address."""
    factor = min(1.0, width / block["width"], CHART_HEIGHT / block["height"])
    sizes = {side: factor * block[side] for side in ("width", "height")}
    kept = {name: value for name, value in block.items() if name != "uri"}
    return {**kept, **sizes, "svg": _light(block["svg"])}


def _light(svg: str) -> str:
    """Turn a drawing too heavy for a PDF, of many points, into pixels."""
    if len(svg) <= _HEAVY_SVG or "data:image" in svg:  # that one is pixels already
        return svg
    png = base64.b64encode(rasterize(svg)).decode()
    pixels = picture("image/png", png, "")
    return str(pixels["svg"]) if pixels else svg


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
    inset = _COMPACT_INSET if block["compact"] else _INSET
    return {
        **block,
        "size": size,
        "breakable": len(rows) > _SHORT,
        "scale": 1.0,
        "inset": inset,
        "closing": _CLOSING * inset,
        "parts": [
            {"label": _part_label(part, parts), **_part(part, columns, block["rows"], rows, size)}
            for part in parts
        ],
        "rows": [],
    }


def _part(
    part: Part,
    columns: Sequence[Mapping[str, Any]],
    sources: Sequence[Mapping[str, Any]],
    rows: Sequence[list[Node] | None],
    size: float,
) -> Node:
    """Return a part's columns and rows; a ``height`` that is known spares Typst to find it."""
    inside = [columns[index] for index in part.indices]
    return {
        "widths": part.widths,
        "columns": inside,
        "height": head_height(inside, part.widths, size),
        "rows": [
            {"group": _group_text(source)}
            if row is None
            else _part_row([row[index] for index in part.indices], inside, part.widths, size)
            for source, row in zip(sources, rows, strict=True)
        ],
    }


def _part_row(
    cells: list[Node], columns: Sequence[Mapping[str, Any]], widths: Sequence[float], size: float
) -> Node:
    return {"cells": cells, "height": row_height(cells, columns, widths, size)}


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
    cell = {"text": _breakable(value["text"]), "tone": value["tone"]}
    cell |= {name: value[name] for name in ("struck", "status") if value[name]}
    if value["note"]:
        cell["note"] = _breakable(value["note"])
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
    return _LONG_LINE.sub(_parted, text) if len(text) >= _LONG else text


def _parted(word: re.Match[str]) -> str:
    return "\u200b".join(_WORD_PART.findall(word[0]))


def _extent(label: str, cells: Sequence[Node], column: Mapping[str, Any]) -> Extent:
    words, lines = _label_extent(label)
    if column["kind"] in _FIXED:
        fixed = max(words, _FIXED[column["kind"]])
        return Extent(fixed, fixed, column["width"])
    unbroken = column["kind"] in ("number", "badge")
    words = max(words, _HEAT if column["heat"] else 0.0)
    lines = max(words, lines)
    for cell in cells:
        text, note, bold = cell["text"], cell.get("note", ""), column["emphasis"]
        badge = _BADGE if cell.get("status") else 0.0
        line = _line_extent(text, bold=bold) + badge
        lines = max(lines, line + _line_extent(f" {note}") if note else line)
        word = line if unbroken or badge else _word_extent(text, bold=bold)
        words = max(words, word, _word_extent(note))  # a note may stand below, or break
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
    head = [[_within_cell(cell, width) for cell in row] for row in block["head"]]
    body = [
        [{**_within_cell(cell, width), "text": _breakable(cell["text"])} for cell in row]
        for row in block["body"]
    ]
    for row in [*head, *body]:
        for cell in row:
            if cell["colspan"] == 1:
                known = extents[cell["x"]]
                word = _word_extent(cell["text"], bold=row in head)
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
                "head": [_clipped(row, part.indices) for row in head],
                "body": [_clipped(row, part.indices) for row in body],
            }
            for part in parts
        ],
        "head": [],
        "body": [],
    }


def _within_cell(cell: Node, width: float) -> Node:
    return {**cell, "children": _within(cell["children"], width)} if "children" in cell else cell


def _clipped(row: Sequence[Node], indices: Sequence[int]) -> list[Node]:
    """Return the cells of a row that reach into these columns, cut to them."""
    made: list[Node] = []
    for cell in row:
        reached = range(cell["x"], cell["x"] + cell["colspan"])
        inside = [place for place, index in enumerate(indices) if index in reached]
        if inside:
            made.append({**cell, "x": inside[0], "colspan": len(inside)})
    return made


_LAYOUTS: Mapping[str, Callable[[Node, float], Node]] = {
    "row": _row,
    "stack": _stack,
    "tiles": _tiles,
    "figure": _figure,
    "image": _image,
    "table": _table,
    "grid": _grid,
    "code": _code,
}
