"""``jupyter nbconvert --to kpikit-html``: the page of an executed notebook."""

from typing import Any

from nbconvert.exporters import Exporter
from nbformat import NotebookNode

from kpikit.publish.html import render_html

__all__ = ["KpikitHTMLExporter", "render_html"]


class KpikitHTMLExporter(Exporter):
    """Writes an executed notebook as one self-contained page, inputs left out.

    nbconvert's preprocessors run as for any exporter; the page itself is drawn by ``render_html``.
    """

    export_from_notebook = "kpikit report (HTML)"
    output_mimetype = "text/html"

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own do
        self, nb: NotebookNode, resources: Any = None, **kw: Any
    ) -> tuple[str, Any]:
        """Return the page of a notebook, and nbconvert's resources."""
        notebook, known = super().from_notebook_node(nb, resources, **kw)
        return render_html(notebook, title=known.get("metadata", {}).get("name", "")), known
