"""The notebook of a failed run: what was executed, under a banner that names cell and cause.

It is for whoever mends the report, never for its readers: no page is made of it.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from kpikit.publish.plan import PlannedReport

BANNER_TAG = "kpikit-failed"

_WARNING = (
    "This is no report: its figures may be wrong or incomplete. "
    "What was published before is untouched."
)


def failed_notebook(
    notebook: dict[str, Any] | None, report: PlannedReport, reasons: Sequence[str]
) -> str:
    """Return the text of the marked notebook.

    Args:
        notebook: The executed notebook; the template where none came back.
        report: What was planned.
        reasons: Why it is not sealed, the first cause first.
    """
    from kpikit.params import mask_secrets  # noqa: PLC0415 - most runs do without it

    content = json.loads(report.template.text) if notebook is None else dict(notebook)
    banner = _banner(report, reasons, has_ids=_has_ids(content))
    # tracebacks of database drivers like to quote the connection, password included
    content["cells"] = _each_text([banner, *content["cells"]], mask_secrets)
    return notebook_text(content)


def notebook_text(notebook: dict[str, Any]) -> str:
    """Return a notebook's file, a line for each cell.

    Jupyter itself breaks the line after every value, which takes three to four times as long.
    """
    cells = ",\n".join(map(_json, notebook["cells"]))
    bare = _json({**notebook, "cells": []})  # the first of its keys
    return bare.replace("[]", f"[\n{cells}\n]", 1) + "\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _banner(report: PlannedReport, reasons: Sequence[str], *, has_ids: bool) -> dict[str, Any]:
    further = (
        ["", "Further:", "", *(f"* {reason}" for reason in reasons[1:])] if reasons[1:] else []
    )
    lines = [
        f"# FAILED: {report.name} of {report.product}, {report.period}",
        "",
        f"**{reasons[0]}**",
        *further,
        "",
        f"Run {report.run_id}. {_WARNING}",
    ]
    cell: dict[str, Any] = {
        "cell_type": "markdown",
        "metadata": {"tags": [BANNER_TAG]},
        "source": "\n".join(lines),
    }
    return {**cell, "id": BANNER_TAG} if has_ids else cell


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Return JSON values with every text changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each_text(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _each_text(item, change) for key, item in value.items()}
    return value


def _has_ids(notebook: dict[str, Any]) -> bool:
    """Tell whether the notebook's format knows cell ids (4.5 and newer)."""
    return bool((notebook.get("nbformat", 4), notebook.get("nbformat_minor", 0)) >= (4, 5))
