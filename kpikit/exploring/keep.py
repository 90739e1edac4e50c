"""Keeps a view: as a cell of a notebook, or under ``views:`` of a product's file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kpikit.catalogue import metric_names_at
from kpikit.errors import ParamsError
from kpikit.params import load_product
from kpikit.params.views import View
from kpikit.publish.outputs import write_atomically

TAG = "kept-view"
_WIDTH = 88  # characters that a cell shows without a bar to scroll by
_BARE = ("true", "false", "null", "yes", "no", "on", "off", "~", "")
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")


def cell_source(view: View, *, product: str) -> str:
    """Return the cell that shows a view of a product, here and in every later run.

    A call longer than a line of a notebook at 1280 pixels stands on several.
    """
    settings = _settings(view)
    section = settings.pop("section")
    told = {"product": product, **settings}
    words = ["report", _literal(section), *(f"{key}={_literal(told[key])}" for key in told)]
    call = f"kk.explore({', '.join(words)})"
    if len(call) <= _WIDTH:
        return call
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > _WIDTH - 6:
            lines.append("")
        lines[-1] += f" {word}," if lines[-1] else f"    {word},"
    return "\n".join(["kk.explore(", *lines, ")"])


def file_line(view: View) -> str:
    """Return a view as an item of ``views:`` in YAML, on one line."""
    return _flow(_settings(view))


def keep_in_file(path: Path, view: View) -> str:
    """Write a view under ``views:`` of a product's file; all else stays as it is, byte for byte.

    Args:
        path: The product's file, read afresh: what was written in it since is kept.
        view: What to keep.

    Returns:
        The line that was written; empty where the file keeps the view already.

    Raises:
        ParamsError: The file cannot be read or written, or ``views:`` stands in a form that
            cannot be added to; the file is as it was.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(
            f"{path} cannot be read: {error}.\nPut it back, then keep again."
        ) from error
    before = load_product(path, known_metrics=metric_names_at).params
    if _plain(view) in [_plain(kept) for kept in before.views]:
        return ""
    line = file_line(view)
    _write_checked(path, inserted(text, line), [*before.views, view], text)
    return line


def inserted(text: str, line: str) -> str:
    """Return a product's file with one more view.

    Raises:
        ParamsError: ``views:`` holds something other than a list.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    found = next((value for key, value in pairs if key.value == "views"), None)
    if found is None:
        body = text if text.endswith(("\n", "\r")) or not text else text + end
        return f"{body}{end}views: # kept while exploring{end}  - {line}{end}"
    if not isinstance(found, yaml.SequenceNode):
        if found.value in ("", "null", "~"):
            place = found.start_mark.index
            head, tail = text[:place], text[place + len(found.value) :]
            return f"{head.rstrip(' ')} [{line}]{tail}"
        raise ParamsError(
            f"views: holds '{found.value}', and not a list.\nMake it a list, then keep again."
        )
    if found.flow_style:
        place = found.end_mark.index - 1
        comma = ", " if found.value and not text[:place].rstrip().endswith(",") else ""
        return f"{text[:place]}{comma}{line}{text[place:]}"
    last = found.value[-1]
    place = _end_of_line(text, last.end_mark.index if last.flow_style else _last_char(last))
    indent = " " * found.start_mark.column
    return f"{text[:place]}{end}{indent}- {line}{text[place:]}"


def _last_char(node: yaml.Node) -> int:
    """Return where a block really ends: its mark stands behind the blank lines and comments."""
    while (
        isinstance(node, yaml.MappingNode | yaml.SequenceNode)
        and node.value
        and (not node.flow_style)
    ):
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.index)


def _end_of_line(text: str, place: int) -> int:
    """Return where the line of a place ends, behind its comment."""
    found = text.find("\n", place)
    if found < 0:
        return len(text)
    return found - 1 if text[found - 1] == "\r" else found


def _write_checked(path: Path, text: str, views: list[View], before: str) -> None:
    """Write a file, unless what it would say is not what was meant.

    Raises:
        ParamsError: It would say something else, or it cannot be written.
    """
    trial = path.with_name(f".{path.stem}.keeping.yml")
    try:
        write_atomically(trial, text.encode())
        try:
            said = load_product(trial, known_metrics=metric_names_at).params
        finally:
            trial.unlink(missing_ok=True)
        if [_plain(view) for view in said.views] != [_plain(view) for view in views]:
            raise ParamsError(
                f"The view could not be added to views: of {path.name}.\n"
                f"Add it yourself: - {file_line(views[-1])}"
            )
        if path.read_bytes().decode("utf-8") != before:
            raise ParamsError(f"{path.name} was changed meanwhile.\nKeep the view again.")
        write_atomically(path, text.encode())
    except OSError as error:
        raise ParamsError(
            f"{path} cannot be written: {error.strerror}.\nMake room or change its rights, or "
            "keep the view in the notebook."
        ) from error


def _plain(view: View) -> dict[str, Any]:
    return view.model_dump(exclude_none=True)


def _settings(view: View) -> dict[str, Any]:
    return {name: value for name, value in _plain(view).items() if value not in ({}, [])}


def _literal(value: Any) -> str:
    """Return a value as Python writes it, in double quotes."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_literal(k)}: {_literal(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _flow(value: Any) -> str:
    """Return a value as YAML on one line; texts stand bare where that reads as the same text."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_flow(k)}: {_flow(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    text = str(value)
    bare = text.lower() not in _BARE and set(text) <= _SAFE
    return text if bare else json.dumps(text, ensure_ascii=False)
