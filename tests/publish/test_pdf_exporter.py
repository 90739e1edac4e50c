import logging

from nbconvert.exporters import get_exporter
from nbformat.v4 import new_markdown_cell, new_notebook

from kpikit.publish.pdf import render_pdf
from kpikit.publish.pdf_exporter import KpikitPDFExporter


def notebook(text):
    return new_notebook(cells=[new_markdown_cell(text, id="a")])


def test_nbconvert_finds_it_by_its_name():
    assert get_exporter("kpikit-pdf") is KpikitPDFExporter


def test_it_writes_the_pages_under_the_notebook_s_name():
    own = notebook("## Trends")

    data, known = KpikitPDFExporter().from_notebook_node(own, {"metadata": {"name": "weekly"}})

    assert data == render_pdf(own, title="weekly").data
    assert known["output_extension"] == ".pdf"


def test_what_a_run_s_summary_would_say_is_logged(caplog):
    exporter = KpikitPDFExporter()
    exporter.log = logging.getLogger("kpikit.test")

    with caplog.at_level(logging.WARNING, logger="kpikit.test"):
        exporter.from_notebook_node(notebook("日"))

    assert "Characters that the fonts of this PDF lack" in caplog.text
    assert "PDF/UA-1 was refused" not in caplog.text
