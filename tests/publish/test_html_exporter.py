import nbformat
import pytest
from nbconvert.exporters import get_exporter
from nbformat.v4 import new_markdown_cell, new_notebook

from kpikit.publish.html import render_html
from kpikit.publish.html_exporter import KpikitHTMLExporter


@pytest.fixture
def notebook():
    return new_notebook(cells=[new_markdown_cell("## Trends", id="a")])


def test_nbconvert_finds_it_by_its_name():
    assert get_exporter("kpikit-html") is KpikitHTMLExporter


def test_it_writes_the_page_under_the_notebook_s_name(notebook):
    resources = {"metadata": {"name": "weekly"}}

    page, known = KpikitHTMLExporter().from_notebook_node(notebook, resources)

    assert page == render_html(notebook, title="weekly")
    assert known["output_extension"] == ".html"


def test_it_writes_a_file_that_it_reads(notebook, tmp_path):
    path = tmp_path / "own.ipynb"
    nbformat.write(notebook, path)

    page, _ = KpikitHTMLExporter().from_filename(str(path))

    assert "<title>own</title>" in page
