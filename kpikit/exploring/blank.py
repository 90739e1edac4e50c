"""``kpikit new``: a blank notebook of the analyst's own, which runs as the shipped ones do."""

import json
import re
from pathlib import Path
from typing import Any

from kpikit.errors import ParamsError, TemplateError, unknown_name
from kpikit.publish.listing import list_products
from kpikit.publish.outputs import write_atomically

FOLDER = "analyses"  # where an analyst's own notebooks lie
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def new_notebook(name: str, *, folder: Path, product: str | None, params_dir: Path) -> Path:
    """Write a blank notebook: parameters, cover, a first look with controls, provenance.

    Args:
        name: Name of the notebook, and of its reports' files.
        folder: Where it goes; made where it is missing.
        product: Key of the product that it begins with; the first of the folder if None.
        params_dir: Folder of the product files.

    Returns:
        The notebook's path.

    Raises:
        TemplateError: The name has another form, or stands for a notebook already; the folder
            cannot be written.
        UnknownNameError: There is no such product.
        ParamsError: The folder of the product files is missing or empty.
    """
    if not _NAME.fullmatch(name):
        raise TemplateError(
            f"'{name}' is no name for a notebook.\n"
            "Use letters, digits, - and _, such as churn_by_plan."
        )
    keys = [item.key for item in list_products(params_dir)]
    if not keys:
        raise ParamsError(f"There is no product file in '{params_dir}'.\nAdd a <product>.yml.")
    if product is not None and product not in keys:
        raise unknown_name("product", product, str(params_dir), keys)
    path = folder / f"{name}.ipynb"
    if path.exists():
        raise TemplateError(f"{path} is there already.\nOpen it, or choose another name.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, blank(product or keys[0], name))
    except OSError as error:
        raise TemplateError(
            f"{path} could not be written: {error.strerror}.\nName another folder with --folder."
        ) from error
    return path


def blank(product: str, name: str) -> str:
    """Return a notebook as JSON text, its cells in the order of a template."""
    title = re.sub(r"[_-]", " ", name)
    cells = [
        _code(
            f'product: str = "{product}"  # key of <params_dir>/<product>.yml\n'
            'period: str = ""  # fiscal quarter such as 2026Q3; empty: the last complete one\n'
            'params_dir: str = "params"  # folder of the product files, searched from here upwards',
            "parameters",
        ),
        _code(
            "import kpikit as kk\n\n"
            "report = kk.open_report(product, period=period, params_dir=params_dir)\n"
            f'report.cover(title="{title}")'
        ),
        _markdown("## First look\nHow did we get here?"),
        _code('kk.explore(report, "trends")'),
        _markdown(
            "## Appendix: data quality and provenance\n"
            "What are these numbers made of, and what is wrong with them?"
        ),
        _code("report.data_quality()"),
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = {
        "cells": [{**cell, "id": f"cell-{place}"} for place, cell in enumerate(cells)],
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _code(source: str, *tags: str) -> dict[str, Any]:
    return {**_cell("code", source, tags), "outputs": [], "execution_count": None}


def _markdown(source: str) -> dict[str, Any]:
    return _cell("markdown", source, ())


def _cell(kind: str, source: str, tags: tuple[str, ...]) -> dict[str, Any]:
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": kind, "metadata": metadata, "source": source.splitlines(keepends=True)}
