"""The HTML of an analyst's own cell as nodes: its tables with their resolved styles, its text.

Tables are those of pandas: a DataFrame's, or a Styler's with the rules of its ``<style>`` resolved
onto the cells. A Styler's random ids are read and dropped. Nothing of the source is passed on, so
neither face can run or fetch anything.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from kpikit.publish.pictures import Node, picture

_SILENT = frozenset({"script", "style", "template", "head", "noscript", "title"})
_INLINE = frozenset({
    "a", "abbr", "b", "bdi", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "label",
    "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "u", "var",
})  # fmt: skip
_NOT_DRAWN = frozenset({
    "audio", "button", "canvas", "embed", "form", "iframe", "input", "object", "script", "select",
    "svg", "video",
})  # fmt: skip
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_NUMBER = re.compile(r"[^\w\s]{0,3}\s?[\d.,\s]*\d\s?[^\w\s]?\s?([kM]|bn|pt|[A-Z]{3})?")
_HEX = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})$")
_RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)\s*(?:[,/]\s*([\d.]+%?)\s*)?\)$")
_NAMED = {
    "black": "#000000", "white": "#ffffff", "red": "#ff0000", "green": "#008000", "blue": "#0000ff",
    "yellow": "#ffff00", "orange": "#ffa500", "grey": "#808080", "gray": "#808080",
    "lightgreen": "#90ee90", "lightblue": "#add8e6", "lightgrey": "#d3d3d3", "lightgray": "#d3d3d3",
    "pink": "#ffc0cb", "salmon": "#fa8072", "darkred": "#8b0000", "darkgreen": "#006400",
}  # fmt: skip
_MISSING = frozenset({"", "nan", "nat", "none", "<na>", "–"})


def read_html(markup: str) -> list[Node]:
    """Return what a piece of HTML says: ``grid``, ``image``, ``para`` and, last, a ``note``.

    The note names the parts that no face draws, such as a script; there is none where nothing is
    lost. A grid has ``head`` and ``body`` (rows of cells with ``text``, ``x``, ``colspan``,
    ``rowspan``, ``align`` and, where styled, ``fill``, ``color``, ``bold``), ``stub`` (leading
    columns that name the row), ``caption`` and ``notes``.
    """
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader.nodes()


@dataclass
class _Cell:
    head: bool
    attrs: Mapping[str, str]
    text: list[str] = field(default_factory=list)
    x: int = 0

    def span(self, name: str) -> int:
        value = self.attrs.get(name, "1")
        return max(1, min(int(value), 500)) if value.isdigit() else 1

    def words(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self.text).split("\n"))
        return "\n".join(filter(None, lines))


@dataclass
class _Table:
    id: str
    rows: list[tuple[bool, list[_Cell]]] = field(default_factory=list)  # (in thead, cells)
    caption: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects lines of text and tables in order; a table in a table gives its text alone."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[_Table | Node] = []
        self._line: list[str] = []
        self._table: _Table | None = None
        self._depth = 0
        self._in_head = False
        self._cell: _Cell | None = None
        self._in_caption = False
        self._silent = ""
        self._styles: list[str] = []
        self._lost: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _NOT_DRAWN:
            self._lose(tag)
        if tag in _SILENT:
            self._silent = tag
        elif tag == "table":
            self._open_table(given)
        elif self._table is not None and self._depth == 1:
            self._open_part(self._table, tag, given)
        elif tag == "img":
            self._image(given)
        elif tag not in _INLINE:
            self._say("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = ""
        elif tag == "table":
            self._depth = max(0, self._depth - 1)
            if not self._depth:
                self._table = self._cell = None
        elif tag in ("td", "th") and self._depth == 1:
            self._cell = None
        elif tag == "caption":
            self._in_caption = False
        elif tag == "thead":
            self._in_head = False
        elif tag not in _INLINE:
            self._say("\n")

    def handle_data(self, data: str) -> None:
        if self._silent == "style":
            self._styles.append(data)
        elif not self._silent:
            self._say(data.replace("\n", " "))

    def nodes(self) -> list[Node]:
        self._end_text()
        rules = _rules("".join(self._styles))
        made: list[Node] = []
        for part in self._parts:
            made += _grid(part, rules) if isinstance(part, _Table) else [part]
        if self._lost:
            parts = ", ".join(self._lost)
            text = f"Parts of this output are not drawn here ({parts}); open the notebook for them."
            made.append({"kind": "note", "text": text})
        return made

    def _open_table(self, given: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            self._end_text()
            self._table = _Table(given.get("id", ""))
            self._parts.append(self._table)

    def _open_part(self, table: _Table, tag: str, given: Mapping[str, str]) -> None:
        if tag in ("thead", "tbody", "tfoot"):
            self._in_head = tag == "thead"
        elif tag == "tr":
            table.rows.append((self._in_head, []))
        elif tag in ("td", "th"):
            if not table.rows:
                table.rows.append((self._in_head, []))
            self._cell = _Cell(tag == "th", given)
            table.rows[-1][1].append(self._cell)
        elif tag == "caption":
            self._in_caption = True
        elif tag == "img":
            self._lose(tag)
        elif tag not in _INLINE:
            self._say("\n")

    def _image(self, given: Mapping[str, str]) -> None:
        found = re.fullmatch(r"data:(image/[a-z+]+);base64,(.*)", given.get("src", ""), re.DOTALL)
        node = picture(found[1], found[2], given.get("alt") or "Picture") if found else None
        if node is None:
            self._lose("img")
        else:
            self._end_text()
            self._parts.append(node)

    def _say(self, text: str) -> None:
        if self._cell is not None:
            self._cell.text.append(text)
        elif self._in_caption and self._table is not None:
            self._table.caption.append(text)
        elif self._table is None:
            self._line.append(text)

    def _end_text(self) -> None:
        lines = (" ".join(line.split()) for line in "".join(self._line).split("\n"))
        self._parts += [_paragraph(line) for line in lines if line]
        self._line = []

    def _lose(self, tag: str) -> None:
        if tag not in self._lost:
            self._lost.append(tag)


def _paragraph(text: str) -> Node:
    return {"kind": "para", "children": [{"kind": "text", "text": text}]}


def _rules(style: str) -> dict[str, dict[str, str]]:
    """Return declarations by selector; only ``#id``, ``#id td`` and ``#id th`` are ever asked."""
    found: dict[str, dict[str, str]] = {}
    for selectors, body in _RULE.findall(style):
        for selector in selectors.split(","):
            found.setdefault(" ".join(selector.split()), {}).update(_declarations(body))
    return found


def _declarations(body: str) -> dict[str, str]:
    pairs = (item.partition(":") for item in body.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if value.strip()}


def _grid(table: _Table, rules: Mapping[str, Mapping[str, str]]) -> list[Node]:
    rows = [(head, cells) for head, cells in table.rows if cells]
    if not rows:
        return []
    _place([cells for _, cells in rows])
    head = [cells for in_head, cells in rows if in_head]
    body = [cells for in_head, cells in rows if not in_head]
    if not head and body and all(cell.head for cell in body[0]):
        head, body = body[:1], body[1:]
    numeric = _numeric_columns(body)

    def resolved(part: Sequence[Sequence[_Cell]]) -> list[list[Node]]:
        return [[_cell(cell, table.id, rules, numeric) for cell in row] for row in part]

    return [
        {
            "kind": "grid",
            "head": _merged(resolved(head)),
            "body": resolved(body),
            "stub": max((_stub(row) for row in body), default=0),
            "caption": " ".join("".join(table.caption).split()),
            "notes": [],
        }
    ]


def _place(rows: Sequence[Sequence[_Cell]]) -> None:
    """Give each cell its column, around the cells that reach down from rows above."""
    taken: set[tuple[int, int]] = set()
    for y, row in enumerate(rows):
        x = 0
        for cell in row:
            while (y, x) in taken:
                x += 1
            cell.x = x
            height = min(cell.span("rowspan"), len(rows) - y)
            taken |= {(y + i, x + j) for i in range(height) for j in range(cell.span("colspan"))}
            x += cell.span("colspan")


def _stub(row: Sequence[_Cell]) -> int:
    heads = [cell.x + cell.span("colspan") for cell in row if cell.head]
    return max(heads, default=0)


def _numeric_columns(body: Sequence[Sequence[_Cell]]) -> frozenset[int]:
    texts: dict[int, list[str]] = {}
    for row in body:
        for cell in row:
            texts.setdefault(cell.x, []).append(cell.words())
    return frozenset(
        x
        for x, column in texts.items()
        if any(column)
        and all(_NUMBER.fullmatch(text) or text.lower() in _MISSING for text in column)
    )


def _cell(
    cell: _Cell, table_id: str, rules: Mapping[str, Mapping[str, str]], numeric: frozenset[int]
) -> Node:
    style: dict[str, str] = {}
    for selector in (f"#{table_id} {'th' if cell.head else 'td'}", f"#{cell.attrs.get('id', '')}"):
        style.update(rules.get(selector, {}))
    style.update(_declarations(cell.attrs.get("style", "")))
    one_column = cell.span("colspan") == 1
    aligned = style.get("text-align", "")
    node: Node = {
        "text": cell.words(),
        "x": cell.x,
        "colspan": cell.span("colspan"),
        "rowspan": cell.span("rowspan"),
        "align": aligned if aligned in ("left", "right", "center")
        else "right" if one_column and cell.x in numeric else "left",
    }  # fmt: skip
    return {**node, **_painted(style, node["text"])}


def _painted(style: Mapping[str, str], text: str) -> Node:
    fill = colour(style.get("background-color", ""))
    ink = colour(style.get("color", ""))
    if fill == "#000000" and text.lower() in _MISSING:
        return {}  # background_gradient paints a missing value black
    found: Node = {}
    if fill:
        found["fill"] = fill
    if ink:
        found["color"] = ink
    if style.get("font-weight", "") in ("bold", "bolder", "600", "700", "800", "900"):
        found["bold"] = True
    return found


def colour(text: str) -> str:
    """Return a CSS colour as ``#rrggbb``, empty where it is transparent or not understood."""
    value = text.strip().lower()
    if _HEX.match(value):
        return value if len(value) == 7 else "#" + "".join(digit * 2 for digit in value[1:])
    found = _RGB.match(value)
    if found and found[4] not in ("0", "0.0", "0%"):
        return "#" + "".join(f"{min(int(part), 255):02x}" for part in found.groups()[:3])
    return _NAMED.get(value, "")


def _merged(head: list[list[Node]]) -> list[list[Node]]:
    """Join pandas' row of index names with the row of column names above it, where they fit."""
    if len(head) < 2 or any(cell["colspan"] > 1 for row in head[-2:] for cell in row):
        return head
    if len(head[-2]) != len(head[-1]):
        return head
    pairs = list(zip(head[-2], head[-1], strict=True))
    if any(upper["text"] and lower["text"] for upper, lower in pairs):
        return head
    joined = [{**upper, "text": upper["text"] or lower["text"]} for upper, lower in pairs]
    return [*head[:-2], joined]
