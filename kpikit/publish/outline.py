"""A part of a page reduced to what its height depends on.

The height of a line does not depend on what is in it, nor that of a picture on what it shows. So
two products' tables of as many lines each have one outline, and are measured once; and an outline
lays out faster than its part, for a table keeps only the columns that could break.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kpikit.publish.fonts import is_in_text_face, text_width
from kpikit.publish.pictures import Node

LINE = "x"  # stands for any text of one line
_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
_CELL = {"text": LINE}
_MARKS: Mapping[
    str, Node
] = {  # in place of a cell's drawing, which has the same height for any data
    "bullet": {"low": None, "high": None, "value": None, "target": None, "tone": "neutral"},
    "spark": {"lines": [], "dot": None, "target": None, "alt": LINE},
}
_NARROW = 40.0  # points, of a column that cannot break
_BADGE = 8.0  # points left and right of a badge's text, together
_LISTED = 51  # characters that fit a line of any listing
_KERNING = 0.3  # points by which it widens a text at most, as found in 4000 texts of reviews


def is_one_line(text: str, width: float, size: float, *, bold: bool = False) -> bool:
    """Tell whether a text of this size surely takes one line of this width (points)."""
    return (
        "\n" not in text
        and is_in_text_face(text)  # another face's signs may be higher
        and text_width(text, size, bold=bold) + _KERNING <= width
    )


def is_one_line_row(
    cells: Sequence[Node],
    columns: Sequence[Mapping[str, Any]],
    widths: Sequence[float],
    size: float,
) -> bool:
    """Tell whether a table's row surely stands as high as one line of text."""
    placed = zip(cells, columns, widths, strict=True)
    return any(cell["text"] for cell in cells) and all(
        _is_plain(cell, column, width, size) for cell, column, width in placed
    )


def outline(block: Node, width: float) -> Node:
    """Return a block, laid out for this width (points), as one that stands as high."""
    reduce = _REDUCED.get(block["kind"])
    return reduce(block, width) if reduce else block


def outline_text(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return a text that takes as many lines, where that is one."""
    return LINE if text and is_one_line(text, width, size, bold=bold) else text


def _figure(block: Node, width: float) -> Node:
    image = {"kind": "image", "svg": _PICTURE, "alt": LINE}
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
    columns, widths = part["columns"], part["widths"]
    rows = [row["cells"] for row in part["rows"] if "cells" in row and not row["plain"]]
    names = [_group(row["group"], sum(widths), size) for row in part["rows"] if "group" in row]
    may_narrow = {*names} <= {LINE}
    steady = [
        may_narrow
        and is_one_line(column["label"], widths[index] - 9, 0.95 * size)
        and all(_is_plain(row[index], column, widths[index], size) for row in rows)
        for index, column in enumerate(columns)
    ]
    outer = (0, len(columns) - 1)
    kept = [index for index, is_steady in enumerate(steady) if index in outer or not is_steady]

    def cells(row: Node) -> list[Node]:
        inner = row["cells"]
        if row["plain"]:
            return [_CELL] * len(kept)
        if not any(cell["text"] for cell in inner):  # lower than a line
            return [inner[index] for index in kept]
        return [_cell(inner[index], columns[index], widths[index], size) for index in kept]

    return {
        "label": part["label"] and LINE,
        "widths": [_NARROW if steady[index] else widths[index] for index in kept],
        "columns": [_column(columns[index], widths[index], size) for index in kept],
        "rows": [
            {"group": _group(row["group"], sum(widths), size)}
            if "group" in row
            else {"cells": cells(row), "plain": row["plain"]}
            for row in part["rows"]
        ],
    }


def _group(name: str, width: float, size: float) -> str:
    return outline_text(name.upper(), width - 9, 0.95 * size, bold=True)


def _column(column: Node, width: float, size: float) -> Node:
    label = outline_text(column["label"], width - 9, 0.95 * size)
    return {**column, "key": "", "label": label, "heat": False}


def _is_plain(cell: Node, column: Mapping[str, Any], width: float, size: float) -> bool:
    marks = map(cell.get, ("status", *_MARKS))
    marked = any(marks) or (column["kind"] == "badge" and cell["text"])
    return not marked and _fits(cell, column, width - 9, size)


def _fits(cell: Node, column: Mapping[str, Any], width: float, size: float) -> bool:
    line = f"{cell['text']} {cell['note']}" if cell.get("note") else cell["text"]
    return is_one_line(line, width, size, bold=column["emphasis"])


def _cell(cell: Node, column: Node, width: float, size: float) -> Node:
    if _is_plain(cell, column, width, size):
        return _CELL
    for name, mark in _MARKS.items():
        if cell.get(name) and not cell["note"]:
            return {**_CELL, name: mark}
    if cell.get("status") and _fits(cell, column, width - 9 - _BADGE, size):
        return {**_CELL, "status": "on_track"}
    if column["kind"] == "badge" and _fits(cell, column, width - 9 - _BADGE, size):
        return _CELL
    return cell


_REDUCED: Mapping[str, Callable[[Node, float], Any]] = {
    "figure": _figure,
    "paragraph": _paragraph,
    "row": _row,
    "stack": _stack,
    "code": _code,
    "table": _table,
}
