"""A failed run's notebook says so at its top, and gives no secret away."""

import json

import nbformat

from kpikit.publish.failed import failed_notebook, notebook_text


def joined(cells):
    """Return cells with their sources as one text each; files may hold lists of lines."""
    return [{**cell, "source": "".join(cell["source"])} for cell in cells]


def test_the_banner_names_report_cause_and_further_reasons(make):
    report = make.planned("atlas")
    notebook = json.loads(report.template.text)

    text = failed_notebook(notebook, report, ["Cell [4] failed: KeyError.", "2 of 5 cells ran."])

    banner, *cells = json.loads(text)["cells"]
    assert banner["cell_type"] == "markdown"
    assert "".join(banner["source"]) == (
        "# FAILED: mini of atlas, 2026Q3\n\n**Cell [4] failed: KeyError.**\n\nFurther:\n\n"
        f"* 2 of 5 cells ran.\n\nRun {report.run_id}. This is no report: its figures may be "
        "wrong or incomplete. What was published before is untouched."
    )
    assert joined(cells) == joined(notebook["cells"])


def test_it_is_a_valid_notebook_with_and_without_cell_ids(make):
    report = make.planned("atlas")
    older = json.loads(report.template.text) | {"nbformat_minor": 4}
    for cell in older["cells"]:
        del cell["id"]

    for notebook in (None, older):
        text = failed_notebook(notebook, report, ["It failed."])

        nbformat.validate(nbformat.reads(text, as_version=4))


def test_where_nothing_was_executed_the_template_stands_under_the_banner(make):
    report = make.planned("atlas")

    text = failed_notebook(None, report, ["The kernel did not start."])

    template = json.loads(report.template.text)
    assert joined(json.loads(text)["cells"][1:]) == joined(template["cells"])


def test_passwords_in_tracebacks_are_masked(make):
    report = make.planned("atlas")
    notebook = json.loads(report.template.text)
    trace = "connect failed: postgres://kpi:hunter2@db/sales"
    error = {"output_type": "error", "ename": "E", "evalue": trace, "traceback": [trace]}
    notebook["cells"][1]["outputs"] = [error]

    text = failed_notebook(notebook, report, [f"Cell [2] failed: {trace}"])

    assert "hunter2" not in text
    assert text.count("postgres://kpi:***@db/sales") == 3


def test_a_notebooks_file_reads_back_equal_with_a_line_for_each_cell():
    output = {"output_type": "display_data", "metadata": {"kpikit": {"é": [1.5, None]}}, "data": {}}
    cells = [
        {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": 1, "source": "x\ny",
         "outputs": [output]},
        {"cell_type": "markdown", "id": "b", "metadata": {}, "source": ""},
    ]  # fmt: skip
    notebook = {"cells": cells, "metadata": {"kpikit": {}}, "nbformat": 4, "nbformat_minor": 5}

    text = notebook_text(notebook)

    assert nbformat.reads(text, as_version=4) == notebook
    assert [line[:15] for line in text.splitlines()[1:3]] == ['{"cell_type":"c', '{"cell_type":"m']
