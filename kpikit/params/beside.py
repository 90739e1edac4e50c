"""What reaches a product's file from outside: registers in files beside it, overrides of a run.

Both become nodes of the file's own tree, so that they are read and checked like the rest of it.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args, get_origin

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kpikit.errors import ParamsError, hint_names
from kpikit.params.base import Beside, Model
from kpikit.params.environment import mask_secrets
from kpikit.params.model import Product
from kpikit.params.nodes import (
    Place,
    compose,
    entries,
    find_value,
    is_null,
    mapping_node,
    place_of,
    read_text,
    sequence_node,
    text_node,
)
from kpikit.params.reading import Reading

COMMAND_LINE = "--set"
REGISTERS: dict[str, type[Model]] = {
    name: get_args(info.annotation)[0]
    for name, info in Product.model_fields.items()
    if any(isinstance(mark, Beside) for mark in info.metadata)
}
_DELIMITERS = ",;\t"
_LIST_MARK = "|"


def register_files(root: Node | None) -> dict[str, str]:
    """Return which registers of a product's file stand in a file beside it: register to name."""
    if not isinstance(root, MappingNode):
        return {}
    return {
        key.value: value.value
        for key, value in entries(root)
        if isinstance(key, ScalarNode) and key.value in REGISTERS
        if isinstance(value, ScalarNode) and not is_null(value)
    }


def insert_registers(root: MappingNode, folder: Path, reading: Reading) -> bytes:
    """Put the entries of register files into the product's tree, in place of the files' names.

    Args:
        root: The product's tree; changed in place.
        folder: Where the product's file is, as messages call it.
        reading: Takes the mistakes; a register that cannot be read is left out.

    Returns:
        What tells whether the files have changed: names and hashes.
    """
    digest = hashlib.sha256()
    names = register_files(root)
    for index, (key, value) in enumerate(root.value):
        name = names.get(key.value) if isinstance(key, ScalarNode) else None
        if name is None:
            continue
        register: Node
        try:
            shown = str(folder / name)
            text = read_text(folder / name, shown)
            digest.update(f"{name}\0{text}\0".encode())
            register = _register_node(text, shown, key.value, reading)
        except ParamsError as error:
            what, _, todo = str(error).partition("\n")
            reading.note(key.value, what.removesuffix("."), todo.strip(), place_of(value))
            register = sequence_node([], place_of(value))
        root.value[index] = (key, register)
    return digest.digest()


def insert_overrides(root: MappingNode, assignments: Sequence[str]) -> MappingNode:
    """Return the product's tree with the values of ``key=value`` texts in place of its own.

    Keys are dotted, with positions in lists from 0: ``economics.gross_margin=0.8``,
    ``targets.0.value=5``. A value in brackets or braces is YAML; any other is a single value, read
    as its field's type, so that ``product.name=00123`` stays text.

    Raises:
        ParamsError: A text has no ``=``, or a position is not in its list.
    """
    for assignment in assignments:
        dotted, equals, text = assignment.partition("=")
        names = dotted.strip().split(".")
        if not equals or not all(names):
            raise ParamsError(
                f"{COMMAND_LINE} '{mask_secrets(assignment)}' assigns nothing.\n"
                f"Write key=value: {COMMAND_LINE} economics.gross_margin=0.8."
            )
        place = Place(f"{COMMAND_LINE} {dotted.strip()}", 0)
        value = _override_node(text.strip(), place)
        root = cast("MappingNode", _assigned(root, names, value, place))
    return root


def _assigned(parent: Node | None, names: list[str], value: Node, place: Place) -> Node:
    """Return ``parent`` with ``value`` below it; what an anchor shares elsewhere stays as it is."""
    if not names:
        return value
    if parent is None or is_null(parent):
        parent = mapping_node([], place)
    name, rest = names[0], names[1:]
    if isinstance(parent, SequenceNode):
        if not name.isdecimal() or int(name) >= len(parent.value):
            raise ParamsError(
                f"{place}: '{name}' is no position in a list of {len(parent.value)}.\n"
                "Positions count from 0."
            )
        items = [*parent.value]
        items[int(name)] = _assigned(items[int(name)], rest, value, place)
        return sequence_node(items, place_of(parent))
    if not isinstance(parent, MappingNode):
        raise ParamsError(
            f"{place}: there is nothing below a single value.\nShorten the key before '{name}'."
        )
    below = _assigned(find_value(parent, name), rest, value, place)
    # The key that is set stands on the command line; those above it keep their line in the file.
    own = next((key for key, _ in parent.value if key.value == name), None)
    pair = (own if own is not None and rest else text_node(name, place), below)
    pairs = [pair if key.value == name else (key, old) for key, old in parent.value]
    if own is None:
        pairs.append(pair)
    return mapping_node(pairs, place_of(parent))


def _override_node(text: str, place: Place) -> Node:
    node = compose(text, place.file) if text.startswith(("[", "{")) else None
    return node or text_node(text, place)


def _register_node(text: str, shown: str, register: str, reading: Reading) -> Node:
    suffix = Path(shown).suffix.lower()
    if suffix == ".csv":
        return _csv_node(text, shown, REGISTERS[register], reading)
    if suffix not in (".yml", ".yaml"):
        raise ParamsError(
            f"{shown} is neither CSV nor YAML.\nName a .csv, .yml or .yaml file, or give a list."
        )
    node = compose(text, shown)
    if not isinstance(node, SequenceNode):
        raise ParamsError(f"{shown} holds no list.\nWrite one entry per line: - {{...}}.")
    return node


def _csv_node(text: str, shown: str, model: type[Model], reading: Reading) -> SequenceNode:
    """Return the rows of a CSV file as a list of mappings; its header names the fields."""
    rows = _csv_rows(text, shown)
    if not rows:
        raise ParamsError(f"{shown} has no header.\nName the columns in its first line.")
    header = _header(rows[0][1], Place(shown, rows[0][0]), model, reading)
    items: list[Node] = []
    for line, row in rows[1:]:
        place = Place(shown, line)
        if len(row) > len(header):
            what = f"the row has {len(row)} cells, the header {len(header)}"
            reading.note("", what, "Quote a cell that holds the delimiter.", place)
            continue
        pairs = [
            (text_node(name, place), _cell_node(cell, model, name, place))
            for name, cell in zip(header, row, strict=False)
            if name and cell
        ]
        items.append(mapping_node(pairs, place))
    return sequence_node(items, Place(shown, 1))


def _csv_rows(text: str, shown: str) -> list[tuple[int, list[str]]]:
    """Return line and cells, without the space around them, of each row that is not blank."""
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(_DELIMITERS, key=head.count))
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ParamsError(
            f"{shown}:{line}: is not CSV: {error}.\nLook for a quote that is never closed."
        ) from None
    return rows


def _header(names: list[str], place: Place, model: type[Model], reading: Reading) -> list[str]:
    """Return the header with "" for columns that are left out; mistakes are noted."""
    header: list[str] = []
    for name in names:
        if name not in model.model_fields:
            todo = hint_names(name, model.model_fields, label="Columns")
            reading.note("", f"unknown column '{name}'", todo, place)
        elif name in header:
            reading.note("", f"column '{name}' stands twice", "Delete one of the two.", place)
        elif _items(model, name) not in (None, str):
            what = f"column '{name}' cannot stand in a CSV file"
            reading.note("", what, "Keep this register as .yml.", place)
        else:
            header.append(name)
            continue
        header.append("")
    return header


def _items(model: type[Model], name: str) -> type | None:
    """Return what the list of a field holds; None where the field is no list."""
    annotation = model.model_fields[name].annotation
    if get_origin(annotation) is not list:
        return None
    item: type = get_args(annotation)[0]
    return item


def _cell_node(cell: str, model: type[Model], name: str, place: Place) -> Node:
    if _items(model, name) is None:
        return text_node(cell, place)
    parts = [part.strip() for part in cell.split(_LIST_MARK)]
    return sequence_node([text_node(part, place) for part in parts if part], place)
