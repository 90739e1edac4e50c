"""The notebook of a failed run: what was executed, under a banner that names cell and cause.

It is for whoever mends the report, never for its readers: no page is made of it.
"""

import json
from collections.abc import Sequence
from typing import Any

from kpikit.publish.plan import PlannedReport

BANNER_TAG = "kpikit-failed"

_PAPERMILL_TAG = "papermill-error-cell-tag"
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
    content = json.loads(report.template.text) if notebook is None else dict(notebook)
    cells = [
        cell for cell in content["cells"] if _PAPERMILL_TAG not in cell["metadata"].get("tags", ())
    ]
    content["cells"] = [_banner(report, reasons, has_ids=_has_ids(content)), *cells]
    return notebook_text(content)


def notebook_text(notebook: dict[str, Any]) -> str:
    """Return a notebook as Jupyter writes it."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _banner(report: PlannedReport, reasons: Sequence[str], *, has_ids: bool) -> dict[str, Any]:
    further = (
        ["", "Further:", "", *(f"* {reason}" for reason in reasons[1:])] if reasons[1:] else []
    )
    lines = [
        f"# FAILED: {report.template.name} of {report.product}, {report.period}",
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


def _has_ids(notebook: dict[str, Any]) -> bool:
    """Tell whether the notebook's format knows cell ids (4.5 and newer)."""
    return bool((notebook.get("nbformat", 4), notebook.get("nbformat_minor", 0)) >= (4, 5))
