"""Nodes to values by the schema: the text as written, read as the type that its field declares.

The reader never stops at a mistake: it notes it and goes on, so that all are reported in one go.
Constraints on a single value (a pattern, a bound) are pydantic's; what is said about them is here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kpikit.errors import hint_names
from kpikit.params.base import Model
from kpikit.params.nodes import Mistake, Place, entries, is_null, place_of, text_node
from kpikit.params.scalars import SCALAR_KINDS, UnreadableError, guess_scalar, read_scalar

Part = TypeVar("Part", bound=Model)

_SECRET_KEY = "source.connection"  # noqa: S105 - the key that may refer to secrets, not a secret
_BROKEN: Any = object()
_NAMES = {**SCALAR_KINDS, list: "a list", dict: "a mapping", Literal: "a word"}
_CONSTRAINTS = {
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_pattern_mismatch": "must have the form {pattern}",
    "string_too_long": "must have at most {max_length} character(s)",
    "string_too_short": "must not be empty",
    "too_short": "must have at least {min_length} entries",
}


class _Slot(NamedTuple):
    """A field of a model: its attribute, its definition, and the types that its value may have."""

    attribute: str
    info: FieldInfo
    kinds: tuple[Any, ...]


@dataclass(frozen=True)
class Built:
    """A part of the file that was read.

    Attributes:
        part: The model; one with a broken field is not validated and lacks that field's value.
        key: Its dotted key.
        broken: Names of the fields in which a mistake was noted.
    """

    part: Model
    key: str
    broken: frozenset[str]


@dataclass
class Reading:
    """What was read so far: the parts, the place of every key, and the mistakes.

    Attributes:
        whole: Where the file as a whole is.
        parts: Every model of the file, inner ones first.
        places: Dotted key to where it stands.
        mistakes: In the order in which they were found.
    """

    whole: Place
    parts: list[Built] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def note(self, key: str, what: str, todo: str, place: Place | None = None) -> None:
        """Note a mistake at a dotted key; it stands at the nearest key above that has a place."""
        self.mistakes.append(Mistake(place or self.place(key), key, what, todo))

    def place(self, key: str) -> Place:
        """Return where a dotted key stands, or the nearest key above it."""
        while key and key not in self.places:
            key = key.rpartition(".")[0]
        return self.places.get(key, self.whole)

    def read_model(self, node: MappingNode, model: type[Part], key: str) -> Part:
        """Return the part of the file that ``model`` describes; mistakes are noted."""
        fields = _fields(model)
        values: dict[str, Any] = {}
        broken: set[str] = set()
        for name, value_node, dotted in self._entries(node, key):
            if name not in fields:
                self.note(dotted, f"unknown key '{name}'", _unknown_key(name, fields))
                continue
            slot = fields[name]
            if is_null(value_node) and not slot.info.is_required():
                continue
            noted = len(self.mistakes)
            values[name] = self._read(value_node, slot.kinds, dotted)
            if len(self.mistakes) > noted:
                broken.add(slot.attribute)
        part = self._build(model, values, broken, key)
        self.parts.append(Built(part, key, frozenset(broken)))
        return part

    def _build(self, model: type[Part], values: dict[str, Any], broken: set[str], key: str) -> Part:
        """Validate the values; what is left of a part with mistakes is built without validation."""
        fields = _fields(model)
        try:
            part: Part = model.model_validate(values)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                name = str(detail["loc"][0])
                slot = fields[name]
                if slot.attribute not in broken:
                    broken.add(slot.attribute)
                    self.note(_join(key, name), _in_words(detail), _about(name, slot.info))
            good = {name: value for name, value in values.items() if value is not _BROKEN}
            part = cast(
                "Part",
                model.model_construct(**{fields[name].attribute: good[name] for name in good}),
            )
        return part

    def _read(self, node: Node, kinds: tuple[Any, ...], key: str) -> Any:
        if isinstance(node, ScalarNode):
            return self._read_scalar(node, kinds, key)
        if isinstance(node, SequenceNode):
            for kind in kinds:
                if get_origin(kind) is list:
                    return self._read_list(node, get_args(kind)[0], key)
        if isinstance(node, MappingNode):
            for kind in kinds:
                if get_origin(kind) is dict:
                    return self._read_dict(node, get_args(kind), key)
                if isinstance(kind, type) and issubclass(kind, Model):
                    return self.read_model(node, kind, key)
        found = "a list" if isinstance(node, SequenceNode) else "a mapping"
        self.note(key, f"must be {_expected(kinds)}, and is {found}", _form(kinds))
        return _BROKEN

    def _read_scalar(self, node: ScalarNode, kinds: tuple[Any, ...], key: str) -> Any:
        if is_null(node):
            self.note(key, "is empty", f"Give {_expected(kinds)}, or delete the key.")
            return _BROKEN
        if "${" in node.value and key != _SECRET_KEY:
            self.note(
                key,
                "refers to the environment with ${...}",
                f"Only {_SECRET_KEY} may; elsewhere write the value itself.",
            )
            return _BROKEN
        scalars = [kind for kind in kinds if kind in SCALAR_KINDS or get_origin(kind) is Literal]
        if not scalars:
            self.note(key, f"must be {_expected(kinds)}, and is '{node.value}'", _form(kinds))
            return _BROKEN
        try:
            if len(scalars) > 1:
                return guess_scalar(node.value, quoted=bool(node.style))
            return read_scalar(node.value, scalars[0])
        except UnreadableError as error:
            self.note(key, error.what, error.todo)
            return _BROKEN

    def _read_list(self, node: SequenceNode, kind: Any, key: str) -> list[Any]:
        values = []
        kinds = _kinds(kind)
        for index, item in enumerate(node.value):
            dotted = _join(key, str(index))
            self.places[dotted] = place_of(item)
            if is_null(item) and item.value:
                # among texts that mean missing, `null` is a text like any other
                item = text_node(item.value, place_of(item))  # noqa: PLW2901
            values.append(self._read(item, kinds, dotted))
        return [value for value in values if value is not _BROKEN]

    def _read_dict(self, node: MappingNode, sides: tuple[Any, Any], key: str) -> dict[str, Any]:
        values = {}
        names, kinds = get_args(sides[0]), _kinds(sides[1])
        for name, value_node, dotted in self._entries(node, key):
            if names and name not in names:
                noun = key.rpartition(".")[2].removesuffix("s")
                self.note(dotted, f"unknown {noun} '{name}'", hint_names(name, names))
                continue
            values[name] = self._read(value_node, kinds, dotted)
        return {name: value for name, value in values.items() if value is not _BROKEN}

    def _entries(self, node: MappingNode, key: str) -> Iterator[tuple[str, Node, str]]:
        """Yield name, value and dotted key of each entry; note keys that occur twice."""
        first: dict[str, int] = {}
        for key_node, value_node in entries(node):
            place = place_of(key_node)
            if not isinstance(key_node, ScalarNode):
                self.note(key, "a key is no text", "Write a name before the colon.", place)
                continue
            name = key_node.value
            dotted = _join(key, name)
            if name in first:
                what = f"'{name}' stands here for the second time, first in line {first[name]}"
                self.note(dotted, what, "Keep one of the two.", place)
                continue
            first[name] = place.line
            self.places[dotted] = place
            yield name, value_node, dotted


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


@cache
def _fields(model: type[Model]) -> dict[str, _Slot]:
    """Return a model's fields by the keys used in the file."""
    return {
        info.alias or name: _Slot(name, info, _kinds(info.annotation))
        for name, info in model.model_fields.items()
    }


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """Return the types that a value may have, None left out."""
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(kind for part in get_args(annotation) for kind in _kinds(part))
    return () if annotation is NoneType else (annotation,)


def _expected(kinds: tuple[Any, ...]) -> str:
    """Return what a value may be, in words."""
    origins = [get_origin(kind) or kind for kind in kinds]
    return " or ".join(dict.fromkeys(_NAMES.get(origin, _NAMES[dict]) for origin in origins))


def _form(kinds: tuple[Any, ...]) -> str:
    """Say how a value is written that may be of these kinds."""
    expected = _expected(kinds)
    if expected == _NAMES[list]:
        return "Write [one, two], or each entry in a line of its own after '- '."
    if expected == _NAMES[dict]:
        return "Write key: value, each in a line of its own and further in."
    return "Write a single value."


def _in_words(detail: ErrorDetails) -> str:
    """Return what pydantic found wrong with a value."""
    if detail["type"] == "missing":
        return "is missing"
    words = _CONSTRAINTS[detail["type"]].format(**detail["ctx"])
    return f"{words}, and is {detail['input']!r}"


def _about(name: str, info: FieldInfo) -> str:
    """Ask for a field: its description, with an example where it has one."""
    example = f" For example: {info.examples[0]}." if info.examples else ""
    return f"Give {name}: {info.description}{example}"


def _unknown_key(name: str, names: Iterable[str]) -> str:
    if name.isdecimal():
        return "Inside { } a comma begins a new key: write numbers without thousands marks."
    return hint_names(name, names)
