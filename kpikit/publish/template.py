"""A template notebook: found by name or path, checked, and read once for the whole run."""

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpikit.errors import TemplateError, hint_names, unknown_name
from kpikit.publish.listing import list_templates

REQUIRED_PARAMETERS = ("product", "period")
EXPERIMENT = "experiment"
INJECTED = "injected-parameters"  # papermill's tag of the cell that it puts in

# metadata that running, opening and saving leave behind
_TRACES = frozenset({"collapsed", "execution", "papermill", "scrolled", "trusted", "widgets"})


@dataclass(frozen=True)
class Template:
    """A template notebook as it was read; an edit during the run changes nothing.

    Attributes:
        name: File name without its suffix; the reports bear it.
        text: The notebook as JSON text, without what running or saving it has left there: to try
            one in JupyterLab and save it makes no report outdated.
        parameters: Names that its parameters cell declares. One with ``experiment`` makes a report
            per declared experiment, in place of one per product.
        needs: Canonical tables without which it has nothing to say, from the notebook's metadata
            ``kpikit: {needs: [...]}``.
        reads_ledger: Whether its pages rest on what earlier reviews published. So it is assumed,
            unless the notebook's metadata say ``kpikit: {ledger: false}``.
    """

    name: str
    text: str
    parameters: tuple[str, ...]
    needs: tuple[str, ...] = ()
    reads_ledger: bool = True

    @property
    def is_of_experiments(self) -> bool:
        """Whether it makes a report per experiment."""
        return EXPERIMENT in self.parameters


def open_template(name: str, notebooks_dir: Path) -> Template:
    """Return the template of a name or path, checked.

    Raises:
        UnknownNameError: No such notebook; the message names the nearest.
        TemplateError: The file is no notebook of format 4, is not in Python, or its cell tagged
            ``parameters`` is missing or does not declare ``product`` and ``period``.
    """
    path = _template_path(name, notebooks_dir)
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells, metadata = notebook["cells"], notebook["metadata"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TemplateError(
            f"{path} is not a Jupyter notebook of format 4.\n"
            "Open it in JupyterLab and save it again."
        ) from error
    language = _language(metadata)
    if language != "python":
        raise TemplateError(
            f"{path} is written in {language}.\nTemplates are written in Python; "
            "choose a Python kernel in JupyterLab and save it."
        )
    own = metadata.get("kpikit", {})
    return Template(
        name=path.stem,
        text=json.dumps(_as_written(notebook)),
        parameters=_declared_parameters(path, cells),
        needs=tuple(own.get("needs", ())),
        reads_ledger=own.get("ledger") is not False,
    )


def _as_written(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return what its author has written of a notebook: no outputs, counts, times or injections."""
    cells = []
    for cell in notebook["cells"]:
        if INJECTED in cell["metadata"].get("tags", ()):
            continue
        own = {name: cell["metadata"][name] for name in cell["metadata"] if name not in _TRACES}
        cells.append({**cell, "metadata": own})
        if cell.get("cell_type") == "code":
            cells[-1] |= {"outputs": [], "execution_count": None}
    metadata = {name: value for name, value in notebook["metadata"].items() if name not in _TRACES}
    metadata["language_info"] = {"name": "python"}
    return {**notebook, "cells": cells, "metadata": metadata}


def _template_path(name: str, notebooks_dir: Path) -> Path:
    given = Path(name)
    if given.suffix == ".ipynb":
        path = given if given.exists() else notebooks_dir / given
    else:
        path = notebooks_dir / f"{name}.ipynb"
    if not path.is_file() and not notebooks_dir.is_dir():
        raise TemplateError(
            f"There is no folder '{notebooks_dir}' to look for template '{name}' in.\n"
            "Call kpikit where the folder is, or name it with --notebooks-dir."
        )
    if not path.is_file():
        raise unknown_name("template", name, str(notebooks_dir), list_templates(notebooks_dir))
    return path


def _language(metadata: Mapping[str, Any]) -> str:
    named = metadata.get("language_info", {}).get("name")
    return str(named or metadata.get("kernelspec", {}).get("language") or "python").lower()


def _declared_parameters(path: Path, cells: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", ())]
    if not tagged:
        raise TemplateError(
            f"{path} has no cell tagged 'parameters'.\n"
            "Tag the cell that sets product and period; else the default product is reported."
        )
    declared = _assigned_names(path, "".join(tagged[0]["source"]))
    for name in REQUIRED_PARAMETERS:
        if name not in declared:
            raise TemplateError(
                f"The parameters cell of {path} does not set '{name}'.\n"
                f"{hint_names(name, declared, label='It sets')}"
            )
    return declared


def _assigned_names(path: Path, source: str) -> tuple[str, ...]:
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise TemplateError(
            f"The parameters cell of {path} cannot be read: {error.msg}, line {error.lineno}.\n"
            'Write one assignment a line, such as: product: str = "atlas"  # key of the product'
        ) from error
    names: list[str] = []
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    return tuple(names)
