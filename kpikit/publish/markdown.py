"""Markdown of a notebook as nodes: plain JSON values that the page and the PDF template draw.

A node is a mapping with a ``kind``. Text stays text to the end: neither face ever pastes it into a
markup of its own, so no character of an author can act as HTML or Typst. Raw HTML in Markdown is
reduced to its text; a picture is drawn only when the notebook holds its bytes; formulas become SVG
whose alternative text is their TeX source.
"""

import functools
import html
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import mistune
from mistune.plugins.math import parse_inline_math

from kpikit.publish.html_reader import read_html
from kpikit.publish.pictures import Node, picture, svg_picture

Attachments = Mapping[str, Mapping[str, str]]

# As mistune's, but a closing $ has no space before it: "from $5 to $ 6" is money.
_INLINE_MATH = (
    r"\$\$(?P<display_math_text>(?:[^$\\]|\\.)*?)\$\$|"
    r"\$(?P<backtick_math_marker>`+)(?P<backtick_math_text>[\s\S]*?)(?P=backtick_math_marker)\$|"
    r"\$(?!\$)(?!\s)(?P<math_text>(?:[^$\\\n]|\\.)+?)(?<!\s)\$(?!\d)"
)
_SAFE_LINK = re.compile(r"^(https?://|mailto:)", re.IGNORECASE)
_BREAK_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)
_PLUGINS = ["footnotes", "table", "strikethrough", "task_lists", "url", "math"]
_DEEPEST = 6  # lists and quotes nested deeper are set at this depth
_MATH_SIZE = 12.0  # pixels; the text of both faces is about as large


def parse_markdown(
    text: str, attachments: Attachments | None = None, *, scope: str = ""
) -> list[Node]:
    """Return the blocks of a Markdown text.

    Kinds of blocks: ``heading`` (with ``level`` as written), ``para``, ``list``, ``quote``,
    ``code``, ``grid`` (a table), ``image`` and ``rule``. Kinds inside them: ``text``, ``strong``,
    ``emph``, ``strike``, ``code_text``, ``link``, ``break``, ``image`` (pictures and formulas)
    and ``footnote``, which holds its own blocks.

    Args:
        text: The source of a cell.
        attachments: The cell's attachments: name -> MIME type -> base64 text.
        scope: What tells this text's footnotes from those of other cells.
    """
    tokens, _ = _parser().parse(text)
    return _Reader(attachments or {}, scope).blocks(tokens)  # type: ignore[arg-type]


def node_text(nodes: Iterable[Node]) -> str:
    """Return the text of nodes without their form, footnotes left out."""
    return "".join(_text_of(node) for node in nodes)


def _text_of(node: Node) -> str:
    if node["kind"] == "footnote":
        return ""
    if node["kind"] == "break":
        return " "
    own = node.get("text") or node.get("alt") or ""
    return str(own) + node_text(node.get("children", ()))


@functools.cache
def _parser() -> mistune.Markdown:
    parser = mistune.create_markdown(renderer=None, plugins=_PLUGINS)
    parser.inline.register("inline_math", _INLINE_MATH, parse_inline_math, before="link")
    return parser


class _Reader:
    """Turns mistune's tokens into nodes; one per cell, whose footnotes and attachments it holds."""

    def __init__(self, attachments: Attachments, scope: str) -> None:
        self._attachments = attachments
        self._scope = scope
        self._depth = 0
        self._notes: dict[str, Sequence[Mapping[str, Any]]] = {}

    def blocks(self, tokens: Sequence[Mapping[str, Any]]) -> list[Node]:
        for token in tokens:
            if token["type"] == "footnotes":
                self._notes = {note["attrs"]["key"]: note["children"] for note in token["children"]}
        made: list[Node] = []
        for token in tokens:
            reader = self._BLOCKS.get(token["type"])
            if reader is not None:
                made += reader(self, token)
        return made

    def inlines(self, tokens: Sequence[Mapping[str, Any]]) -> list[Node]:
        made: list[Node] = []
        for token in tokens:
            made += self._inline(token)
        return made

    def _inline(self, token: Mapping[str, Any]) -> list[Node]:  # noqa: PLR0911 - one line per kind
        kind = token["type"]
        if kind in _SPANS:
            return [{"kind": _SPANS[kind], "children": self.inlines(token["children"])}]
        if kind == "softbreak":
            return [_text(" ")]
        if kind == "linebreak":
            return [{"kind": "break"}]
        if kind == "codespan":
            return [{"kind": "code_text", "text": token["raw"]}]
        if kind == "link":
            return self._link(token)
        if kind == "image":
            return [self._image(token)]
        if kind in ("inline_math", "block_math"):
            return [formula(token["raw"], display=kind == "block_math")]
        if kind == "footnote_ref":
            return [self._footnote(token["raw"])]
        if kind == "inline_html":
            return [{"kind": "break"}] if _BREAK_TAG.fullmatch(token["raw"]) else []
        return (
            [_text(token["raw"])] if token.get("raw") else self.inlines(token.get("children", ()))
        )

    def _link(self, token: Mapping[str, Any]) -> list[Node]:
        children = self.inlines(token["children"])
        url = html.unescape(token["attrs"]["url"])
        if _SAFE_LINK.match(url) and node_text(children).strip():
            return [{"kind": "link", "url": url, "children": children}]
        return children

    def _image(self, token: Mapping[str, Any]) -> Node:
        alt = node_text(self.inlines(token["children"])).strip()
        name = html.unescape(token["attrs"]["url"])
        for mime, payload in self._payloads(name):
            found = picture(mime, payload, alt or "Picture")
            if found is not None:
                return found
        return _text(f"[picture not in the notebook: {alt or name}]")

    def _payloads(self, url: str) -> Iterable[tuple[str, str]]:
        if url.startswith("attachment:"):
            yield from self._attachments.get(url.removeprefix("attachment:"), {}).items()
        found = re.fullmatch(r"data:(image/(?:png|jpeg));base64,(.*)", url, re.DOTALL)
        if found:
            yield found[1], found[2]

    def _footnote(self, key: str) -> Node:
        if key not in self._notes:
            return _text(f"[^{key}]")
        # A note that cites itself would never end: while its text is read, it is taken out.
        tokens = self._notes.pop(key)
        blocks: list[Node] = []
        for token in tokens:
            blocks += self._BLOCKS.get(token["type"], _Reader._paragraph)(self, token)
        self._notes[key] = tokens
        return {"kind": "footnote", "key": f"{self._scope}:{key}", "children": blocks}

    def _heading(self, token: Mapping[str, Any]) -> list[Node]:
        children = self.inlines(token["children"])
        text = node_text(children).strip()
        if not node_text(node for node in children if node["kind"] != "image").strip():
            children = [_text(text)]  # a picture alone would leave bookmarks without a name
        level = token["attrs"]["level"]
        return [{"kind": "heading", "level": level, "children": children}] if text else []

    def _paragraph(self, token: Mapping[str, Any]) -> list[Node]:
        children = self.inlines(token.get("children", ()))
        if len(children) == 1 and children[0]["kind"] == "image":
            return children
        return [{"kind": "para", "children": children}] if node_text(children).strip() else []

    def _list(self, token: Mapping[str, Any]) -> list[Node]:
        attrs = token["attrs"]
        items = self._nested(self._item, token["children"])
        if self._depth >= _DEEPEST:
            return [block for item in items for block in item]
        return [
            {
                "kind": "list",
                "ordered": attrs["ordered"],
                "start": attrs.get("start", 1),
                "items": items,
            }
        ]

    def _item(self, token: Mapping[str, Any]) -> list[Node]:
        blocks = self.blocks(token["children"])
        if token["type"] != "task_list_item":
            return blocks
        box = _text("☑ " if token["attrs"]["checked"] else "☐ ")
        if blocks and blocks[0]["kind"] == "para":
            blocks[0] = {**blocks[0], "children": [box, *blocks[0]["children"]]}
        return blocks

    def _quote(self, token: Mapping[str, Any]) -> list[Node]:
        [blocks] = self._nested(self.blocks, [token["children"]])
        return blocks if self._depth >= _DEEPEST else [{"kind": "quote", "blocks": blocks}]

    def _nested(self, read: Callable[[Any], list[Node]], parts: Sequence[Any]) -> list[list[Node]]:
        self._depth += 1
        made = [read(part) for part in parts]
        self._depth -= 1
        return made

    def _code(self, token: Mapping[str, Any]) -> list[Node]:
        return [{"kind": "code", "title": "", "text": token["raw"].rstrip("\n")}]

    def _rule(self, token: Mapping[str, Any]) -> list[Node]:  # noqa: ARG002 - as its siblings
        return [{"kind": "rule"}]

    def _formula(self, token: Mapping[str, Any]) -> list[Node]:
        drawn = formula(token["raw"], display=True)
        return [drawn if drawn["kind"] == "image" else {**drawn, "kind": "code", "title": ""}]

    def _html(self, token: Mapping[str, Any]) -> list[Node]:
        return read_html(token["raw"])

    def _table(self, token: Mapping[str, Any]) -> list[Node]:
        head, body = token["children"][0], token["children"][1:]
        rows = [row["children"] for part in body for row in part["children"]]
        return [
            {
                "kind": "grid",
                "head": [self._cells(head["children"])],
                "body": [self._cells(row) for row in rows],
                "stub": 0,
                "caption": "",
                "notes": [],
            }
        ]

    def _cells(self, tokens: Sequence[Mapping[str, Any]]) -> list[Node]:
        made: list[Node] = []
        for x, token in enumerate(tokens):
            children = self.inlines(token["children"])
            align = token["attrs"].get("align") or "left"
            cell = {"text": node_text(children), "children": children, "align": align}
            made.append({**cell, "x": x, "colspan": 1, "rowspan": 1})
        return made

    _BLOCKS: Mapping[str, Callable[["_Reader", Mapping[str, Any]], list[Node]]] = {
        "heading": _heading,
        "paragraph": _paragraph,
        "block_text": _paragraph,
        "list": _list,
        "block_quote": _quote,
        "block_code": _code,
        "thematic_break": _rule,
        "block_math": _formula,
        "block_html": _html,
        "table": _table,
    }


_SPANS = {"strong": "strong", "emphasis": "emph", "strikethrough": "strike"}


def _text(text: str) -> Node:
    return {"kind": "text", "text": text}


@functools.lru_cache(maxsize=256)
def _drawn(tex: str) -> tuple[str, float] | None:
    """Return a formula's SVG and its depth below the line in points, None if it is unreadable."""
    with warnings.catch_warnings():
        # ziamath 0.13 finds its fonts by a call that Python has deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        from ziamath.zmath import Latex  # noqa: PLC0415 - slow, and few notebooks hold a formula

    try:
        drawing = Latex(tex, size=_MATH_SIZE, color="#22303c")
        return drawing.svg(), -drawing.getyofst() * 0.75
    except Exception:  # noqa: BLE001 - the parser raises whatever it trips over; an author's slip
        return None  # must not cost the report


def formula(tex: str, *, display: bool) -> Node:
    """Return a formula as a picture with its TeX source as alternative text.

    A formula that cannot be read stays as its source.
    """
    source = tex.strip()
    drawn = _drawn(source)
    if drawn is None:
        return {"kind": "code_text", "text": source}
    svg, depth = drawn
    node = svg_picture(svg, f"Formula: {source}")
    return {**node, "inline": not display, "depth": depth}
