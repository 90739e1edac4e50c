"""Keeps what a page shows, and says on the page how that went."""

from collections.abc import Mapping
from typing import Any

from kpikit.errors import KpikitError
from kpikit.exploring.front import Loop, ask_page
from kpikit.exploring.keep import TAG, cell_source, keep_in_file
from kpikit.present.widgets import Page as Widgets
from kpikit.sections.views import Found

_BELOW: Mapping[str, tuple[str, ...]] = {  # calls of a template below which a kept view stands
    "scorecard": ("report.scorecard(",),
    "trends": ("report.trends(",),
    "drivers": ("report.drivers(",),
    "funnel": ("report.funnels.steps(", "report.funnel("),
    "retention": ("report.funnels.retention(", "report.retention("),
    "segments": ("report.segments(",),
    "experiment": ("report.experiments(", "report.effect("),
}


class Keeper:
    """Writes a view with every setting chosen, where it is asked to."""

    def __init__(self, widgets: Widgets, *, cell: str, loop: Loop) -> None:
        """Keep nothing yet.

        Args:
            widgets: The page, which is told.
            cell: Id of the cell that shows the page.
            loop: The kernel's event loop.
        """
        self._widgets, self._cell, self._loop = widgets, cell, loop

    def as_cell(self, found: Found | None) -> None:
        """Write what is shown as a cell of the notebook, and save the notebook."""
        if found is None:
            self._refuse()
            return
        source = cell_source(found.view, product=found.context.loaded.key)
        message = {"cell": self._cell, "source": source, "tag": TAG,
                   "below": list(_BELOW[found.view.section])}  # fmt: skip
        ask_page(
            message,
            lambda reply: self._loop.call_soon_threadsafe(self._tell, source, reply),
            self._loop,
        )

    def in_file(self, found: Found | None) -> None:
        """Write what is shown into the product's file."""
        if found is None:
            self._refuse()
            return
        path = found.context.loaded.path
        try:
            line = keep_in_file(path, found.view)
        except KpikitError as error:
            self._widgets.tell(str(error), line=True)
            return
        how = f"Kept in {path.name}: the next run shows it."
        self._widgets.tell(how if line else f"{path.name} keeps this view already.")

    def _refuse(self) -> None:
        self._widgets.tell("There is nothing to keep: this choice shows nothing.", line=True)

    def _tell(self, source: str, reply: Mapping[str, Any]) -> None:
        if reply.get("done") == "kept":
            self._widgets.tell(f"Kept as a cell of {reply['path']}: the next run shows it.")
        elif reply.get("done") == "known":
            self._widgets.tell(f"{reply['path']} keeps this view already.")
        else:
            why = reply.get("error") or "this page cannot write cells"
            self._widgets.tell(
                f"Not kept as a cell: {why}.\nAdd this cell to the notebook yourself: {source}",
                line=True,
            )
