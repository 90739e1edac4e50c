"""An executed notebook as one neutral document, from which the page and the PDF are drawn.

A document has a title, its cover and sections; a section has blocks, which are components (their
JSON), nodes of Markdown, pictures, tables, text and notes. Input cells are left out, and so are
cells and outputs tagged ``remove-cell`` and ``remove-output``.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from kpikit.present.components import MIME_TYPE, Component
from kpikit.present.svg_facts import svg_size
from kpikit.publish.html_reader import read_html
from kpikit.publish.markdown import node_text, parse_markdown
from kpikit.publish.pictures import Node, picture
from kpikit.publish.texts import changed_texts

UNTITLED = "Report"
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# What neither HTML nor PDF can hold, and the signs that turn the order of other characters round.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_ASCII_CONTROL = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
_PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
_HALF_WIDTH = 370.0  # points: a chart no wider shares its line with the next
# Nodes of Markdown and of an analyst's own outputs; all other blocks are components.
TEXT_KINDS = (
    "para", "heading", "list", "quote", "code", "output", "error", "note", "rule", "image", "grid",
)  # fmt: skip
_NOTED = (*TEXT_KINDS, "lede")  # what may have footnotes: Markdown
_KNOWN = {part.kind for part in Component.__subclasses__()} | {"lede", *TEXT_KINDS}
_NO_TEXT = re.compile(r"<[\w.]+( object| at 0x|:|>)")  # a repr that tells a reader nothing


@dataclass(frozen=True)
class Section:
    """A heading of the second level and what stands under it.

    ``lede`` is the question under the heading; ``absent`` tells that all the section has is the
    line on what would fill it. The section before the first heading has neither title nor id.
    """

    title: str
    id: str
    heading: list[Node]
    lede: list[Node]
    blocks: list[Node]

    @property
    def absent(self) -> bool:
        """Tell whether nothing but absence lines stands here."""
        kinds = {block["kind"] for block in self.blocks}
        return bool(self.title) and kinds == {"absence"}


@dataclass(frozen=True)
class Document:
    """A report's content, before any face: all texts are plain, all blocks JSON values."""

    title: str
    lang: str
    cover: Mapping[str, Any]
    sections: Sequence[Section]
    footnotes: Sequence[Node] = field(default=())

    @property
    def contents(self) -> list[Section]:
        """Return the sections that a table of contents lists."""
        return [section for section in self.sections if section.title]


def read_document(notebook: NotebookNode, *, title: str = "") -> Document:
    """Return the document of an executed notebook.

    The title is the cover's, else the notebook's only heading of the first level, else ``title``.
    Heading levels are normalised: sections are level 2, and no level is skipped below.
    """
    blocks = [
        block for index, cell in enumerate(notebook.cells) for block in _cell_blocks(cell, index)
    ]
    blocks = changed_texts(blocks, _without_control)
    blocks = [part for block in blocks for part in _flattened(block)]
    cover = next((block for block in blocks if block["kind"] == "cover"), {})
    blocks = [block for block in blocks if block["kind"] != "cover"]
    own_title, blocks = _take_title(blocks)
    metadata = notebook.metadata
    name = cover.get("title") or own_title or metadata.get("title") or title or UNTITLED
    blocks = _level_headings(blocks)
    footnotes: dict[str, Node] = {}
    blocks = [_numbered(block, footnotes) if block["kind"] in _NOTED else block for block in blocks]
    sections = _sections(blocks)
    language = str(metadata.get("lang") or "en")
    lang = language if re.fullmatch(r"[a-z]{2,3}", language) else "en"
    return Document(" ".join(str(name).split()), lang, cover, sections, list(footnotes.values()))


def _cell_blocks(cell: NotebookNode, index: int) -> list[Node]:
    tags = set(cell.metadata.get("tags", ()))
    if "remove-cell" in tags or "remove_cell" in tags:
        return []
    if cell.cell_type == "markdown":
        return _with_lede(parse_markdown(cell.source, cell.get("attachments"), scope=str(index)))
    if cell.cell_type != "code" or tags & {"remove-output", "remove_output"}:
        return []
    return [block for output in cell.outputs for block in _output_blocks(output)]


def _with_lede(blocks: list[Node]) -> list[Node]:
    """Mark the paragraph that follows a heading at once: a section's question."""
    return [
        {**block, "kind": "lede"}
        if block["kind"] == "para" and index and blocks[index - 1]["kind"] == "heading"
        else block
        for index, block in enumerate(blocks)
    ]


def _output_blocks(output: NotebookNode) -> list[Node]:
    if output.output_type == "stream":
        label = "" if output.name == "stdout" else "Message"
        return _text_blocks(_joined(output.text), label=label)
    if output.output_type == "error":
        trace = _printable("\n".join(output.get("traceback", ())))
        title = f"{output.ename}: {_printable(output.evalue)}"
        return [{"kind": "error", "title": title, "text": trace}]
    return _bundle_blocks(output.get("data", {}), output.get("metadata", {}))


def _bundle_blocks(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[Node]:
    """Return the blocks of the richest form of an output that both faces can draw."""
    if MIME_TYPE in data and isinstance(data[MIME_TYPE], Mapping):
        return [dict(data[MIME_TYPE])]
    for mime in _PICTURES:
        if mime in data:
            found = _picture(mime, data, metadata)
            if found is not None:
                return [found]
    for mime, read in _TEXTS.items():
        if mime in data:
            blocks = read(_joined(data[mime]))
            if blocks:
                return blocks
    return _plain(data)


def _plain(data: Mapping[str, Any]) -> list[Node]:
    """Return an output's text, with a note where a richer form of it could not be drawn."""
    text = _joined(data.get("text/plain", ""))
    richer = sorted(mime for mime in data if mime != "text/plain")
    if not richer:
        return _text_blocks(text)
    shown = "" if _NO_TEXT.match(text) else text
    what = "shown as text" if shown else "not shown"
    note = f"This output ({', '.join(richer)}) is {what} here; open the notebook for it."
    return [*_text_blocks(shown), {"kind": "note", "text": note}]


def _picture(mime: str, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Node | None:
    own = metadata.get(mime, {})
    own = own if isinstance(own, Mapping) else {}
    alt = str(own.get("alt") or metadata.get("alt") or "")
    return picture(mime, _joined(data[mime]), alt, own)


def _latex(text: str) -> list[Node]:
    stripped = text.strip().strip("$").strip()
    return parse_markdown(f"$$\n{stripped}\n$$") if stripped else []


_TEXTS: Mapping[str, Callable[[str], list[Node]]] = {
    "text/html": read_html,
    "text/markdown": parse_markdown,
    "text/latex": _latex,
}


def _text_blocks(text: str, *, label: str = "") -> list[Node]:
    shown = _printable(text).strip("\n")
    return [{"kind": "output", "text": shown, "label": label}] if shown.strip() else []


def _printable(text: str) -> str:
    """Drop colour codes; of a line written over, as a progress bar is, keep the end."""
    lines = _ANSI.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)


def _joined(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _without_control(text: str) -> str:
    """Drop control characters; that there are none is quickly seen of ASCII, as drawings are."""
    if text.isascii():
        data = text.encode()
        if len(data.translate(None, _ASCII_CONTROL)) == len(data):
            return text
    return _CONTROL.sub("", text)


def _flattened(block: Node) -> Iterable[Node]:
    """Unpack stacks, draw pictures of figures, and keep the rest."""
    if block["kind"] == "stack":
        for item in block["items"]:
            yield from _flattened(item)
    elif block["kind"] == "row":
        yield {**block, "items": [_only(list(_flattened(item))) for item in block["items"]]}
    elif block["kind"] == "figure":
        named = ". ".join(filter(None, (block["title"], block["subtitle"])))
        yield {**block, "alt": block["alt"] or named}
    elif block["kind"] == "table" and not block["columns"]:
        yield {"kind": "absence", "text": f"{block['title'] or 'A table'} has no columns."}
    elif block["kind"] in _KNOWN:
        yield block
    else:
        text = f"A part of a kind of another version ({block['kind']}) is not drawn."
        yield {"kind": "note", "text": text}


def _only(blocks: list[Node]) -> Node:
    return blocks[0] if len(blocks) == 1 else {"kind": "stack", "items": blocks}


def _take_title(blocks: list[Node]) -> tuple[str, list[Node]]:
    """Take out the one heading of the first level, unless several make it a level of sections."""
    tops = [block for block in blocks if block["kind"] == "heading" and block["level"] == 1]
    if len(tops) != 1:
        return "", blocks
    return node_text(tops[0]["children"]), [block for block in blocks if block is not tops[0]]


def _level_headings(blocks: Iterable[Node]) -> list[Node]:
    """Give sections level 2 and close every gap: levels 1, 4, 2 become 2, 3, 3."""
    open_levels: list[int] = []
    made: list[Node] = []
    for block in blocks:
        if block["kind"] == "heading":
            while open_levels and open_levels[-1] >= block["level"]:
                open_levels.pop()
            open_levels.append(block["level"])
            block = {**block, "level": 1 + len(open_levels)}  # noqa: PLW2901 - the same heading
        made.append(block)
    return made


def _numbered(value: Any, notes: dict[str, Node]) -> Any:
    """Number footnotes through the document into ``notes``; one cited twice keeps its number."""
    if isinstance(value, list):
        return [_numbered(item, notes) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") != "footnote":
        return {key: _numbered(item, notes) for key, item in value.items()}
    key = value["key"]
    if key in notes:
        return {"kind": "footnote", "number": notes[key]["number"], "first": False}
    note = {"number": len(notes) + 1}
    notes[key] = note
    note["children"] = _numbered(value["children"], notes)
    return {"kind": "footnote", "first": True, **note}


def _sections(blocks: Sequence[Node]) -> list[Section]:
    made = [Section("", "", [], [], [])]
    used: set[str] = set()
    for block in blocks:
        if block["kind"] == "heading" and block["level"] == 2:
            title = " ".join(node_text(block["children"]).split()) or UNTITLED
            made.append(Section(title, _slug(title, used), block["children"], [], []))
        elif block["kind"] == "lede" and not made[-1].blocks and not made[-1].lede:
            made[-1].lede.extend(block["children"])
        else:
            kind = "para" if block["kind"] == "lede" else block["kind"]
            made[-1].blocks.append(_described({**block, "kind": kind}, made[-1].title))
    full = [section for section in made if section.title or section.blocks or section.lede]
    return [_replaced(section, _paired(section.blocks)) for section in full]


def _replaced(section: Section, blocks: list[Node]) -> Section:
    return Section(section.title, section.id, section.heading, section.lede, blocks)


def _described(block: Node, section: str) -> Node:
    """Give a picture without alternative text one that says where it stands."""
    where = f"Chart in the section “{section}”" if section else "Chart"
    if block["kind"] in ("image", "figure") and not block["alt"]:
        return {**block, "alt": where}
    if block["kind"] in ("row", "stack"):
        return {**block, "items": [_described(item, section) for item in block["items"]]}
    return block


def _paired(blocks: Sequence[Node]) -> list[Node]:
    """Set charts of half a page's width side by side where they follow one another."""
    made: list[Node] = []
    waiting: Node | None = None
    for block in blocks:
        narrow = block["kind"] == "figure" and svg_size(block["svg"])[0] <= _HALF_WIDTH
        if waiting is not None and narrow:
            made[-1] = {"kind": "row", "items": [waiting, block], "widths": []}
            waiting = None
        else:
            made.append(block)
            waiting = block if narrow else None
    return made


def _slug(title: str, used: set[str]) -> str:
    """Return an anchor for a title, the same in every run, unlike those already used."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "section"
    name, count = stem, 2
    while name in used:
        name, count = f"{stem}-{count}", count + 1
    used.add(name)
    return name
