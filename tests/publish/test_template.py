"""A template is refused before anything runs where it is no notebook that can be parametrised."""

import json

import pytest

from kpikit.errors import TemplateError, UnknownNameError
from kpikit.publish.template import open_template


@pytest.fixture
def folders(tmp_path, make):
    """A folder with one template."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / "mini.ipynb").write_text(make.notebook_json(make.cover))
    return {"notebooks_dir": notebooks}


def test_a_template_is_found_by_name_and_by_path(folders, tmp_path, make, monkeypatch):
    (tmp_path / "own.ipynb").write_text(make.notebook_json("1"))
    monkeypatch.chdir(tmp_path)

    by_name = open_template("mini", folders["notebooks_dir"])
    by_file = open_template("mini.ipynb", folders["notebooks_dir"])
    by_path = open_template("own.ipynb", folders["notebooks_dir"])

    assert by_name == by_file
    assert (by_name.name, by_path.name) == ("mini", "own")
    assert by_name.parameters == ("product", "period", "params_dir")


def test_an_unknown_template_is_refused_with_the_nearest_name(folders):
    with pytest.raises(UnknownNameError, match=r"template 'minni' in .*\nDid you mean 'mini'\?"):
        open_template("minni", folders["notebooks_dir"])


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"{}", b'{"worksheets": []}', b"\xff", b'{"cells": []}']
)
def test_a_file_that_is_no_notebook_is_refused(folders, content):
    (folders["notebooks_dir"] / "mini.ipynb").write_bytes(content)

    with pytest.raises(TemplateError, match=r"mini\.ipynb is not a Jupyter notebook of format 4"):
        open_template("mini", folders["notebooks_dir"])


@pytest.mark.parametrize(
    "metadata", [{"language_info": {"name": "R"}}, {"kernelspec": {"language": "R"}}]
)
def test_a_template_in_another_language_is_refused(folders, make, metadata):
    notebook = {**json.loads(make.notebook_json("1")), "metadata": metadata}
    (folders["notebooks_dir"] / "mini.ipynb").write_text(json.dumps(notebook))

    with pytest.raises(TemplateError, match=r"mini\.ipynb is written in r\.\nTemplates are"):
        open_template("mini", folders["notebooks_dir"])


def test_a_template_without_its_parameters_cell_is_refused(folders, make):
    notebook = json.loads(make.notebook_json("1"))
    notebook["cells"][0]["metadata"] = {}
    (folders["notebooks_dir"] / "mini.ipynb").write_text(json.dumps(notebook))

    with pytest.raises(TemplateError, match=r"has no cell tagged 'parameters'\.\nTag the cell"):
        open_template("mini", folders["notebooks_dir"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("product = ''", r"does not set 'period'\.\n.*It sets: product\."),
        ("prodct = ''\nperiod = ''", r"does not set 'product'\.\nDid you mean 'prodct'\? It sets:"),
        ("# nothing", r"does not set 'product'\.\nIt sets: none\."),
    ],
)
def test_a_template_that_does_not_know_a_parameter_is_refused(folders, make, parameters, message):
    text = make.notebook_json("1", parameters=parameters)
    (folders["notebooks_dir"] / "mini.ipynb").write_text(text)

    with pytest.raises(TemplateError, match=message):
        open_template("mini", folders["notebooks_dir"])


def test_a_parameters_cell_that_cannot_be_read_is_refused(folders, make):
    text = make.notebook_json("1", parameters="%load_ext x\nproduct = ''")
    (folders["notebooks_dir"] / "mini.ipynb").write_text(text)

    with pytest.raises(TemplateError, match=r"cannot be read: invalid syntax, line 1\.\nWrite one"):
        open_template("mini", folders["notebooks_dir"])


def test_a_folder_of_templates_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TemplateError, match=r"(?s)There is no folder .*Call kpikit where"):
        open_template("quarterly_review", tmp_path / "notebooks")


def test_a_template_says_which_tables_it_needs(folders, make):
    notebook = json.loads(make.notebook_json("1"))
    notebook["metadata"]["kpikit"] = {"needs": ["events"]}
    (folders["notebooks_dir"] / "mini.ipynb").write_text(json.dumps(notebook))

    opened = open_template("mini", folders["notebooks_dir"])

    assert opened.needs == ("events",)
    assert opened.reads_ledger


def test_a_template_may_say_that_it_reads_no_ledger(folders, make):
    notebook = json.loads(make.notebook_json("1"))
    notebook["metadata"]["kpikit"] = {"ledger": False}
    (folders["notebooks_dir"] / "mini.ipynb").write_text(json.dumps(notebook))

    opened = open_template("mini", folders["notebooks_dir"])

    assert not opened.reads_ledger


def test_a_template_that_was_run_and_saved_is_the_same(folders):
    path = folders["notebooks_dir"] / "mini.ipynb"
    fresh = open_template("mini", folders["notebooks_dir"])
    notebook = json.loads(path.read_text())
    place = next(
        place
        for place, cell in enumerate(notebook["cells"])
        if "parameters" in cell["metadata"].get("tags", ())
    )
    for cell in notebook["cells"]:
        cell["metadata"]["execution"] = {"shell.execute_reply": "2026-10-02T08:00:00Z"}
        if cell["cell_type"] == "code":
            cell |= {"execution_count": 7, "outputs": [{"output_type": "stream", "text": "x"}]}
    injected = {**notebook["cells"][place], "metadata": {"tags": ["injected-parameters"]}}
    notebook["cells"].insert(place + 1, injected)
    notebook["metadata"] |= {"widgets": {}, "language_info": {"name": "python", "version": "3.14"}}
    path.write_text(json.dumps(notebook))

    saved = open_template("mini", folders["notebooks_dir"])

    assert saved == fresh


def test_a_cell_that_an_analyst_adds_makes_another_template(folders):
    path = folders["notebooks_dir"] / "mini.ipynb"
    fresh = open_template("mini", folders["notebooks_dir"])
    notebook = json.loads(path.read_text())
    notebook["cells"].append({**notebook["cells"][-1], "id": "own", "source": ["1 + 1"]})
    path.write_text(json.dumps(notebook))

    assert open_template("mini", folders["notebooks_dir"]) != fresh
