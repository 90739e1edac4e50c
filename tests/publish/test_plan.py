"""A plan refuses what cannot be run, before anything runs, and lets each product fail alone."""

import datetime as dt
import json
from types import SimpleNamespace

import pytest

from kpikit import sources
from kpikit.errors import (
    ParamsError,
    PeriodError,
    SourceError,
    TemplateError,
    UnknownNameError,
)
from kpikit.publish.plan import Failure, choose_products, make_plan, open_template


@pytest.fixture
def folders(tmp_path, make):
    """Two products, of which one counts its fiscal year from April, and one template."""
    params, notebooks = tmp_path / "params", tmp_path / "notebooks"
    params.mkdir()
    notebooks.mkdir()
    (params / "atlas.yml").write_text("product: {key: atlas, name: Atlas}\n")
    (params / "beacon.yml").write_text(
        "product: {key: beacon, name: Beacon, fiscal_year_start: 4}\n"
        "source: {connection: '${WAREHOUSE_URL}'}\n"
    )
    (notebooks / "mini.ipynb").write_text(make.notebook_json(make.cover))
    return {"params_dir": params, "notebooks_dir": notebooks}


@pytest.fixture(autouse=True)
def data(monkeypatch):
    """Stand in for the products' data: it covers 2025 and 2026 to the end of October."""
    coverage = SimpleNamespace(first_day=dt.date(2025, 1, 1), as_of=dt.date(2026, 10, 31))
    monkeypatch.setattr(sources, "read_coverage", lambda _loaded: coverage)
    monkeypatch.setattr(sources, "dataset_key", lambda loaded: f"data of {loaded.key}")
    return coverage


def made(plan):
    return [(report.product, report.period) for report in plan.reports]


def test_every_product_gets_its_last_complete_fiscal_quarter(folders):
    plan = make_plan("mini", **folders)

    # October 2026 is in the calendar's Q4, and in beacon's fiscal 2027 Q3
    assert made(plan) == [("atlas", "2026Q3"), ("beacon", "2027Q2")]
    assert plan.failures == ()


def test_a_period_is_read_by_each_products_calendar_and_written_one_way(folders):
    plan = make_plan("mini", period="2026-q2", products=["beacon", "beacon"], **folders)

    assert made(plan) == [("beacon", "2026Q2")]


def test_a_report_knows_what_the_notebook_receives_and_where_it_goes(folders):
    report = make_plan("mini", products=["beacon"], **folders).reports[0]

    assert report.parameters == {
        "product": "beacon",
        "period": "2027Q2",
        "params_dir": str(folders["params_dir"].resolve()),
    }
    assert report.folder.as_posix() == "2027Q2/beacon"
    assert report.data_hash == "data of beacon"
    assert report.connection == "${WAREHOUSE_URL}"
    assert report.run_id == report.identity.key[:12]


def run_id_of(folders, **options):
    return make_plan("mini", products=["atlas"], **folders, **options).reports[0].run_id


def test_the_run_id_repeats_and_follows_what_the_report_is_made_of(folders, make, monkeypatch):
    first, again = run_id_of(folders), run_id_of(folders)
    other_period = run_id_of(folders, period="2026Q2")
    overridden = run_id_of(folders, overrides=["product.owner=Ada"])
    (folders["params_dir"] / "atlas_metrics.py").write_text("METRICS = []\n")
    own_metrics = run_id_of(folders)
    (folders["notebooks_dir"] / "mini.ipynb").write_text(make.notebook_json(make.kpis))
    other_template = run_id_of(folders)
    monkeypatch.setattr(sources, "dataset_key", lambda _: "new data")
    other_data = run_id_of(folders)

    ids = {first, other_period, overridden, own_metrics, other_template, other_data}
    assert first == again
    assert len(ids) == 6


def test_overrides_reach_the_plan(folders):
    report = make_plan(
        "mini", products=["beacon"], overrides=["product.fiscal_year_start=1"], **folders
    ).reports[0]

    assert (report.period, report.overrides) == ("2026Q3", ("product.fiscal_year_start=1",))


def test_a_wrong_override_fails_its_product(folders):
    plan = make_plan("mini", products=["atlas"], overrides=["product.ownr=Ada"], **folders)

    assert plan.reports == ()
    assert "owner" in plan.failures[0].message


def test_a_broken_file_fails_alone_by_the_name_of_its_file(folders):
    (folders["params_dir"] / "comet.yml").write_text("product: {key: comet, nam: Comet}\n")

    plan = make_plan("mini", **folders)

    assert made(plan) == [("atlas", "2026Q3"), ("beacon", "2027Q2")]
    assert [failure.product for failure in plan.failures] == ["comet"]
    assert "'nam'" in plan.failures[0].message


def test_a_broken_file_of_a_product_not_asked_for_is_no_matter(folders):
    (folders["params_dir"] / "comet.yml").write_text("product: [")

    plan = make_plan("mini", products=["atlas"], **folders)

    assert (made(plan), plan.failures) == ([("atlas", "2026Q3")], ())


def test_two_files_with_one_key_both_fail(folders):
    (folders["params_dir"] / "zeta.yml").write_text("product: {key: atlas, name: Zeta}\n")

    plan = make_plan("mini", **folders)

    assert made(plan) == [("beacon", "2027Q2")]
    assert [failure.product for failure in plan.failures] == ["atlas", "zeta"]


def test_an_unknown_product_is_refused_with_the_nearest_name(folders):
    with pytest.raises(UnknownNameError, match=r"Unknown product 'atls'.*\n.*mean 'atlas'\?"):
        make_plan("mini", products=["beacon", "atls"], **folders)


def test_a_folder_without_products_is_refused(folders, tmp_path):
    with pytest.raises(ParamsError, match="does not exist"):
        make_plan("mini", params_dir=tmp_path / "nope", notebooks_dir=folders["notebooks_dir"])


def test_a_period_of_no_known_form_is_refused(folders):
    with pytest.raises(PeriodError, match=r"'2026Q5' is no period"):
        make_plan("mini", period="2026Q5", **folders)


@pytest.mark.parametrize("period", ["2024Q4", "2026-11"])
def test_a_period_without_data_names_what_the_data_covers(folders, period):
    plan = make_plan("mini", products=["atlas"], period=period, **folders)

    (failure,) = plan.failures
    assert failure.message.startswith(f"Product 'atlas' has no data in {period} (1 ")
    assert failure.message.endswith(
        "Its data covers 1 Jan 2025 – 31 Oct 2026; give a period within."
    )


@pytest.mark.parametrize("period", ["2025Q1", "2026Q4"])
def test_a_period_that_the_data_reaches_into_is_planned(folders, period):
    plan = make_plan("mini", products=["atlas"], period=period, **folders)

    assert made(plan) == [("atlas", period)]


def test_data_that_cannot_be_read_fails_its_product_without_its_password(folders, monkeypatch):
    def read_coverage(loaded):
        if loaded.key == "beacon":
            raise SourceError("Cannot connect to postgres://kpi:hunter2@db/sales.")
        return SimpleNamespace(first_day=dt.date(2025, 1, 1), as_of=dt.date(2026, 10, 31))

    monkeypatch.setattr(sources, "read_coverage", read_coverage)

    plan = make_plan("mini", **folders)

    assert made(plan) == [("atlas", "2026Q3")]
    assert plan.failures == (Failure("beacon", "Cannot connect to postgres://kpi:***@db/sales."),)


@pytest.mark.parametrize("key", ["..", "a/b", "a\\b"])
def test_a_key_that_is_no_folders_name_fails_its_product(folders, key):
    (folders["params_dir"] / "atlas.yml").write_text(f"product: {{key: '{key}', name: A}}\n")

    plan = make_plan("mini", **folders)

    assert made(plan) == [("beacon", "2027Q2")]
    assert len(plan.failures) == 1


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


def test_products_are_chosen_in_the_order_asked_for(folders):
    loaded, failures = choose_products(folders["params_dir"], ["beacon", "atlas"])

    assert [product.key for product in loaded] == ["beacon", "atlas"]
    assert failures == []


def test_a_folder_of_templates_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TemplateError, match=r"(?s)There is no folder .*Call kpikit where"):
        open_template("quarterly_review", tmp_path / "notebooks")
