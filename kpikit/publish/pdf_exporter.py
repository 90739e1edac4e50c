"""``jupyter nbconvert --to kpikit-pdf``: the PDF of an executed notebook, through Typst."""

from typing import Any

from nbconvert.exporters import Exporter
from nbformat import NotebookNode

from kpikit.publish.pdf import PdfResult, render_pdf

__all__ = ["KpikitPDFExporter", "PdfResult", "render_pdf"]


class KpikitPDFExporter(Exporter):
    """Writes an executed notebook as PDF/UA-1, or as plain PDF and logs why.

    nbconvert's preprocessors run as for any exporter; the pages are drawn by ``render_pdf``.
    """

    export_from_notebook = "kpikit report (PDF)"
    output_mimetype = "application/pdf"

    def _file_extension_default(self) -> str:
        return ".pdf"

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own do
        self, nb: NotebookNode, resources: Any = None, **kw: Any
    ) -> tuple[bytes, Any]:
        """Return the PDF of a notebook, and nbconvert's resources."""
        notebook, known = super().from_notebook_node(nb, resources, **kw)
        result = render_pdf(notebook, title=known.get("metadata", {}).get("name", ""))
        if result.note:
            self.log.warning("%s", result.note)
        return result.data, known
