"""Files to YAML nodes: every value keeps the text as written, its file and its line.

Values are not built by YAML's own rules, under which ``00123`` is 83 and ``no`` is false: the
schema says what a text means (``reading``). Registers in CSV become nodes too, so that all that
comes later sees one kind of input.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kpikit.errors import ParamsError

_NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"
_STR = "tag:yaml.org,2002:str"
_UNQUOTED = "Quote a value that begins with one of * & @ ` % ! | >."
_UNCLOSED = "A bracket, brace or quote is opened and never closed."
_WAYS_OUT = {
    "mapping values are not allowed": (
        "Correct the line's indent, or quote a value that holds a colon and a space."
    ),
    "another document": "A product's file is one document: delete '---' and what follows.",
    "undefined alias": _UNQUOTED,
    "cannot start any token": _UNQUOTED,
    "stream end": _UNCLOSED,
    "end of stream": _UNCLOSED,
}


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands: a file as the user calls it, and a line from 1 (0: the whole)."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake: where, at which dotted key, what is wrong, and what to do."""

    place: Place
    key: str
    what: str
    todo: str

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        return f"{self.place}:{key} {self.what}.\n  {self.todo}"


def place_of(node: Node) -> Place:
    """Return where a node begins."""
    return Place(node.start_mark.name, node.start_mark.line + 1)


def is_null(node: Node) -> bool:
    """Tell whether a value is absent: nothing, ``~`` or ``null``, unquoted."""
    return isinstance(node, ScalarNode) and node.tag == _NULL


def text_node(text: str, place: Place) -> ScalarNode:
    """Return a value that is text, as if it stood quoted at ``place``."""
    mark = yaml.Mark(place.file, 0, place.line - 1, 0, None, 0)
    return ScalarNode(_STR, text, start_mark=mark, end_mark=mark, style='"')


def mapping_node(pairs: Sequence[tuple[Node, Node]], place: Place) -> MappingNode:
    """Return a mapping that stands at ``place``."""
    mark = yaml.Mark(place.file, 0, place.line - 1, 0, None, 0)
    return MappingNode("tag:yaml.org,2002:map", [*pairs], start_mark=mark, end_mark=mark)


def sequence_node(items: Sequence[Node], place: Place) -> SequenceNode:
    """Return a list that stands at ``place``."""
    mark = yaml.Mark(place.file, 0, place.line - 1, 0, None, 0)
    return SequenceNode("tag:yaml.org,2002:seq", [*items], start_mark=mark, end_mark=mark)


def entries(mapping: MappingNode) -> Iterator[tuple[Node, Node]]:
    """Yield a mapping's own keys and values, then those that ``<<`` merges and it lacks."""
    own = [pair for pair in mapping.value if pair[0].tag != _MERGE]
    yield from own
    seen = {key.value for key, _ in own if isinstance(key, ScalarNode)}
    for key, value in mapping.value:
        if key.tag != _MERGE:
            continue
        for merged in value.value if isinstance(value, SequenceNode) else [value]:
            if isinstance(merged, MappingNode):
                pairs = [(key, at) for key, at in entries(merged) if isinstance(key, ScalarNode)]
                yield from (pair for pair in pairs if pair[0].value not in seen)
                seen |= {key.value for key, _ in pairs}


def find_value(node: Node | None, *keys: str) -> Node | None:
    """Return the value under nested ``keys``, or None where one is missing."""
    for name in keys:
        if not isinstance(node, MappingNode):
            return None
        node = next((value for key, value in entries(node) if key.value == name), None)
    return node


def read_text(path: Path, shown: str) -> str:
    """Return the text of a UTF-8 file, with or without a byte-order mark.

    Args:
        path: The file.
        shown: What messages call it.

    Raises:
        ParamsError: It is missing, a folder, unreadable, or of another encoding.
    """
    if path.is_dir():
        raise ParamsError(f"{shown} is a folder.\nGive the path of a product's .yml file.")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ParamsError(f"{shown} does not exist.\nCheck the path and its spelling.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ParamsError(
            f"{shown} cannot be read: {reason}.\nCheck that you may read the file."
        ) from error
    # UTF-16 and UTF-32 show themselves by zero bytes, with or without a byte-order mark.
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw:
        raise ParamsError(
            f"{shown} is UTF-16 text, or no text at all.\nSave it as UTF-8 and try again."
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ParamsError(
            f"{shown}:{line}: byte 0x{raw[error.start]:02X} is not UTF-8; the file may be "
            "Latin-1 or Windows-1252.\nSave it as UTF-8 and try again."
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def compose(text: str, shown: str) -> Node | None:
    """Return the node of the one YAML document in ``text``; None where there is none.

    Raises:
        ParamsError: The text is not YAML; the message names file and line.
    """
    try:
        return _compose(text, shown, _FastLoader)
    except yaml.YAMLError:
        pass
    try:
        # libyaml is ten times as fast; the Python parser words its complaints better.
        return _compose(text, shown, _Loader)
    except yaml.YAMLError as error:
        raise ParamsError(_complaint(error, text, shown)) from None


class _TextOnly:
    """Takes every plain value for text, but those that stand for nothing or merge a mapping."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, form) for tag, form in resolvers if tag in (_NULL, _MERGE)]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Loader(_TextOnly, yaml.SafeLoader):
    """YAML's Python parser."""


class _FastLoader(_TextOnly, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML's parser in C, where there is one."""


class _NamedText(io.StringIO):
    """Text with a name: the parser puts the name into the marks of its nodes."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


def _compose(text: str, shown: str, loader: type[yaml.SafeLoader]) -> Node | None:
    node: Node | None = yaml.compose(_NamedText(text, shown), Loader=loader)
    return node


def _complaint(error: yaml.YAMLError, text: str, shown: str) -> str:
    """Word what the parser found, with the line and the commonest way out."""
    if isinstance(error, yaml.reader.ReaderError):
        position = int(error.position)
        line = text.count("\n", 0, position) + 1
        what = f"the character {text[position]!r} may not stand in YAML"
        return f"{shown}:{line}: is not YAML: {what}.\n  Delete it, or save the file as plain text."
    what = str(getattr(error, "problem", None) or error)
    # What is never closed is told of where it was opened, not at the end of the file.
    opened = getattr(error, "context_mark", None) if "stream" in what else None
    mark = opened or getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    source = [*text.split("\n"), ""][line - 1]
    return f"{shown}:{line}: is not YAML: {what}.\n  {_way_out(what, source)}"


def _way_out(what: str, source: str) -> str:
    """Return what to do about a complaint of the parser on a line."""
    if "\t" in source[: len(source) - len(source.lstrip())]:
        return "A tab stands at the start of the line: YAML indents with spaces."
    if "${" in source:
        return 'Quote a value with ${...} inside { } or [ ]: "${NAME}".'
    ways = (way for sign, way in _WAYS_OUT.items() if sign in what)
    return next(ways, "Check this line and the one above: indent, quotes, brackets, commas.")
