"""A part of a page reduced to what its height depends on.

The height of a line does not depend on what is in it, nor that of a picture on what it shows. So
two products' tables of as many lines each have one outline, and are measured once; and an outline
lays out faster than its part, for a table keeps only the columns that could break.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kpikit.publish.fonts import text_width
from kpikit.publish.lines import Run, is_one_line, line_heights, text_height
from kpikit.publish.pictures import Node

LINE = "x"  # stands for any text of one line
_CELL, _NOTHING = {"text": LINE}, {"text": ""}
_MARKS: Mapping[
    str, Node
] = {  # in place of a cell's drawing, which has the same height for any data
    "bullet": {"low": None, "high": None, "value": None, "target": None, "tone": "neutral"},
    "spark": {"lines": [], "dot": None, "target": None, "alt": LINE},
}
_MARK_HEIGHTS: Mapping[str, float] = {"bullet": 8.0, "spark": 13.0}  # points
_NUMBERED = 14.5  # points, before an item of a numbered list
_NARROW = 40.0  # points, of a column that cannot break
_PADDING = 4.5  # points between a cell's text and an inner edge
_BADGE = 6.0  # points left and right of a badge's text, together
_BADGE_SIZE, _NOTE_SIZE, _HEAD = 0.88, 0.84, 0.95  # of the type of a table's texts
_BREAKABLE = 600  # characters of a cell that may go on on the next page
_LISTED = 51  # characters that fit a line of any listing


def row_height(
    cells: Sequence[Node],
    columns: Sequence[Mapping[str, Any]],
    widths: Sequence[float],
    size: float,
) -> float | None:
    """Return how high a table's row stands between its insets (points), None where it is unsure."""
    inner = inner_widths(widths)
    placed = zip(cells, columns, inner, strict=True)
    heights = [_cell_height(cell, column, width, size) for cell, column, width in placed]
    known = [height for height in heights if height is not None]
    return max(known) if len(known) == len(heights) and any(known) else None


def head_height(
    columns: Sequence[Mapping[str, Any]], widths: Sequence[float], size: float
) -> float | None:
    """Return the same of the row of a table's headings."""
    cells = [{"text": column["label"]} for column in columns]
    return row_height(
        cells, [{"kind": "text", "emphasis": False}] * len(cells), widths, _HEAD * size
    )


def inner_widths(widths: Sequence[float]) -> list[float]:
    """Return what the texts of a table's columns have of their widths: the outer two end flush."""
    last = len(widths) - 1
    return [width - _PADDING * ((index > 0) + (index < last)) for index, width in enumerate(widths)]


def _cell_height(cell: Node, column: Mapping[str, Any], width: float, size: float) -> float | None:
    """Return a cell's height as ``cell-body`` of ``components.typ`` draws it."""
    text, note = cell["text"], cell.get("note", "")
    if len(text) > _BREAKABLE:
        return None
    for name, height in _MARK_HEIGHTS.items():
        if cell.get(name):
            return None if note else height
    boxed = text and (cell.get("status") or column["kind"] == "badge")
    if boxed:
        bold = cell.get("status") not in (None, "no_data")
        first = Run(text, _BADGE_SIZE * size, bold or column["emphasis"], _BADGE)
    else:
        first = Run(text, size, column["emphasis"])
    notes = (Run(f" {note}", _NOTE_SIZE * size),) if note else ()
    return text_height((first, *notes), width, size)


def outline(block: Node, width: float) -> Node:
    """Return a block, laid out for this width (points), as one that stands as high."""
    reduce = _REDUCED.get(block["kind"])
    return reduce(block, width) if reduce else block


def outline_text(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return a text that takes as many lines, where their number is sure."""
    heights = line_heights((Run(text, size, bold),), width) if text else None
    return text if heights is None else "\n".join([LINE] * len(heights))


def _figure(block: Node, width: float) -> Node:
    image = {"kind": "image", "svg": "", "alt": LINE}
    image |= {side: block["image"][side] for side in ("width", "height")}
    return {**_captioned(block, width), "image": image, "alt": LINE}


def _captioned(block: Node, width: float) -> Node:
    return {
        **block,
        "title": outline_text(block["title"], width, 11.0, bold=True),
        "subtitle": outline_text(block["subtitle"], width, 8.0),
        "notes": [outline_text(note, width, 8.0) for note in block["notes"]],
    }


def _paragraph(block: Node, width: float) -> Node:
    text = outline_text(block["text"], width, 8.0 if block["small"] else 9.5)
    return {**block, "text": text}


def _absence(block: Node, width: float) -> Node:
    return {**block, "text": outline_text(block["text"], width, 9.5)}


def _callout(block: Node, width: float) -> Node:
    found = _joined_text(block["title"], block["text"], width - 18, 9.5)
    return {**block, "tone": "neutral", **dict(zip(("title", "text"), found, strict=True))}


def _joined_text(bold: str, rest: str, width: float, size: float) -> tuple[str, str]:
    """Return the two parts of a text, the first set bold, that takes as many lines."""
    runs = (Run(bold, size, bold=True), Run(f" {rest}" if bold and rest else rest, size))
    heights = line_heights(tuple(run for run in runs if run.text), width)
    return (bold, rest) if heights is None else ("", "\n".join([LINE] * len(heights)))


def _headlines(block: Node, width: float) -> Node:
    """Reduce the texts of a summary; the gutter between its columns is 12 mm wide."""
    space = width - 12 / 25.4 * 72
    share = 0.6 if block["decisions"] else 0.5
    texts = [
        _joined_text(item["claim"], item["rest"], share * space - 10, 10.0)
        for item in block["items"]
    ]
    return {
        **block,
        "title": outline_text(block["title"], 0.88 * width, 19.0, bold=True),
        "decisions": [
            outline_text(text, 0.4 * space - _NUMBERED, 10.0) for text in block["decisions"]
        ],
        "items": [{"mark": "·", "claim": claim, "rest": rest} for claim, rest in texts],
    }


def _tiles(block: Node, _width: float) -> Node:
    width = block["width"] - 16
    return {**block, "items": [_tile(item, width) for item in block["items"]]}


def _tile(item: Node, width: float) -> Node:
    """Reduce a tile; its value and what it changed by stand side by side, 3 points apart."""
    delta = text_width(f"▲ {item['delta']}", 8.5, bold=True)
    apart = is_one_line(item["value"], width - delta - 4, 17.0, bold=True)
    return {
        **item,
        "label": outline_text(item["label"], width, 8.5),
        **({"value": LINE, "delta": LINE, "arrow": "", "tone": "neutral"} if apart else {}),
        "spark": item["spark"] and _MARKS["spark"],
        "spark_target": None,
        "footer": outline_text(item["footer"], width, 8.0),
        "badge": outline_text(item["badge"], width - _BADGE, 0.88 * 8.5),
    }


def _row(block: Node, _width: float) -> Node:
    pairs = zip(block["items"], block["widths"], strict=True)
    return {**block, "items": [outline(item, width) for item, width in pairs]}


def _stack(block: Node, width: float) -> Node:
    return {**block, "items": [outline(item, width) for item in block["items"]]}


def _code(block: Node, _width: float) -> Node:
    pages = [[_listing(column) for column in page] for page in block["pages"]]
    return {**block, "text": _listing(block["text"]) if not pages else "", "pages": pages}


def _listing(text: str) -> str:
    lines = text.split("\n")
    short = (line.isascii() and 0 < len(line) <= _LISTED for line in lines)
    return "\n".join(
        LINE if is_short else line for line, is_short in zip(lines, short, strict=True)
    )


def _table(block: Node, width: float) -> Node:
    parts = [_part(part, block["size"]) for part in block["parts"]]
    return {**_captioned(block, width), "columns": [], "parts": parts}


def _part(part: Node, size: float) -> Node:
    """Leave of a table's columns the outer ones, which differ in their padding, and what breaks."""
    columns, inner = part["columns"], inner_widths(part["widths"])
    rows = [row["cells"] for row in part["rows"] if "cells" in row and row["height"] is None]
    names = [_group(row["group"], part["widths"], size) for row in part["rows"] if "group" in row]
    may_narrow = {*names} <= {LINE} and part["height"] is not None
    steady = [
        may_narrow and all(_is_plain(row[index], column, inner[index], size) for row in rows)
        for index, column in enumerate(columns)
    ]
    outer = (0, len(columns) - 1)
    kept = [index for index, is_steady in enumerate(steady) if index in outer or not is_steady]

    def row_outline(row: Node) -> Node:
        if "group" in row:
            return {"group": _group(row["group"], part["widths"], size)}
        if row["height"] is not None:
            return {"cells": [_NOTHING] * len(kept), "height": row["height"]}
        cells = row["cells"]
        if any(cell["text"] for cell in cells):  # else lower than a line
            cells = [_cell(*cell, size) for cell in zip(cells, columns, inner, strict=True)]
        return {"cells": [cells[index] for index in kept], "height": None}

    return {
        "label": part["label"] and LINE,
        "widths": [_NARROW if steady[index] else part["widths"][index] for index in kept],
        "columns": [_column(columns[index], known=part["height"] is not None) for index in kept],
        "height": part["height"],
        "rows": [row_outline(row) for row in part["rows"]],
    }


def _group(name: str, widths: Sequence[float], size: float) -> str:
    return outline_text(name.upper(), sum(widths) - 9, 0.95 * size, bold=True)


def _column(column: Node, *, known: bool) -> Node:
    label = LINE if known else column["label"]
    return {"emphasis": column["emphasis"], "kind": column["kind"], "label": label, "heat": False}


def _is_plain(cell: Node, column: Mapping[str, Any], width: float, size: float) -> bool:
    """Tell whether a cell is no more than a line of text."""
    marks = map(cell.get, ("status", *_MARKS))
    marked = any(marks) or (column["kind"] == "badge" and cell["text"])
    line = f"{cell['text']} {cell['note']}" if cell.get("note") else cell["text"]
    return not marked and is_one_line(line, width, size, bold=column["emphasis"])


def _cell(cell: Node, column: Node, width: float, size: float) -> Node:
    if _is_plain(cell, column, width, size):
        return _CELL
    for name, mark in _MARKS.items():
        if cell.get(name) and not cell.get("note"):
            return {**_CELL, name: mark}
    return cell


_REDUCED: Mapping[str, Callable[[Node, float], Any]] = {
    "figure": _figure,
    "paragraph": _paragraph,
    "absence": _absence,
    "callout": _callout,
    "headlines": _headlines,
    "tiles": _tiles,
    "row": _row,
    "stack": _stack,
    "code": _code,
    "table": _table,
}
