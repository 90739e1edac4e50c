"""A plan refuses what cannot be run, before anything runs, and lets each product fail alone."""

import datetime as dt
import json

import pytest

from kpikit import sources
from kpikit.errors import (
    ParamsError,
    PeriodError,
    SourceError,
    TemplateError,
    UnknownNameError,
)
from kpikit.publish.plan import Failure, choose_products, make_plan


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
    monkeypatch.setattr(sources, "read_coverage", lambda loaded: covers(f"data of {loaded.key}"))


def covers(data_hash, first_day=dt.date(2025, 1, 1)):
    return sources.Coverage(first_day, dt.date(2026, 10, 31), data_hash)


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
    monkeypatch.setattr(sources, "read_coverage", lambda _: covers("new data"))
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
        return covers(f"data of {loaded.key}")

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


def test_products_are_chosen_in_the_order_asked_for(folders):
    loaded, failures = choose_products(folders["params_dir"], ["beacon", "atlas"])

    assert [product.key for product in loaded] == ["beacon", "atlas"]
    assert failures == []


@pytest.fixture
def tests_of_atlas(folders, make):
    """A template of experiments; atlas declares one of the past, one that runs, one to come."""
    (folders["params_dir"] / "atlas.yml").write_text(
        "product: {key: atlas, name: Atlas}\n"
        "source: {tables: {exposures: {files: exposures.csv}}}\n"
        "experiments:\n"
        + "".join(
            f"  {key}: {{variants: {{a: 0.5, b: 0.5}}, control: a, start: {start}, end: {end},"
            " primary: orders}\n"
            for key, start, end in [
                ("past", "2026-05-01", "2026-06-30"),
                ("running", "2026-10-19", "2027-01-10"),
                ("to_come", "2026-11-01", "2026-11-30"),
            ]
        )
    )
    parameters = 'product = ""\nperiod = ""\nexperiment = ""\nparams_dir = "params"'
    text = make.notebook_json(make.cover, parameters=parameters)
    (folders["notebooks_dir"] / "ab_test.ipynb").write_text(text)
    return folders


def test_an_experiment_is_reported_under_the_quarter_in_which_it_ends(tests_of_atlas):
    plan = make_plan("ab_test", **tests_of_atlas)

    assert [(report.name, report.period) for report in plan.reports] == [
        ("ab_test-past", "2026Q2"),
        ("ab_test-running", "2027Q1"),
    ]
    assert plan.reports[0].parameters["experiment"] == "past"
    assert plan.reports[0].heading == {
        "product": "atlas", "template": "ab_test", "experiment": "past", "period": "2026Q2",
    }  # fmt: skip


def test_what_has_no_report_of_its_own_is_left_out_with_the_reason(tests_of_atlas):
    plan = make_plan("ab_test", **tests_of_atlas)

    assert plan.left_out == (
        Failure("atlas", "Experiment 'to_come' begins on 1 Nov 2026, after the data."),
        Failure("beacon", "It declares no experiment: add one under experiments in beacon.yml."),
    )
    assert plan.failures == ()


def test_a_product_asked_for_by_its_key_fails_where_it_has_no_experiment(tests_of_atlas):
    plan = make_plan("ab_test", products=["beacon"], **tests_of_atlas)

    assert [failure.product for failure in plan.failures] == ["beacon"]
    assert plan.left_out == ()


def test_one_experiment_is_chosen_by_its_key(tests_of_atlas):
    plan = make_plan("ab_test", experiment="past", **tests_of_atlas)

    assert [report.experiment for report in plan.reports] == ["past"]
    assert plan.left_out == ()


def test_a_period_chooses_the_experiments_that_end_in_it(tests_of_atlas):
    plan = make_plan("ab_test", period="2026Q2", products=["atlas"], **tests_of_atlas)

    assert [report.experiment for report in plan.reports] == ["past"]
    assert plan.left_out[0].message == "Experiment 'running' ends on 10 Jan 2027, not in 2026Q2."


def test_an_unknown_experiment_is_refused_with_the_nearest_name(tests_of_atlas):
    with pytest.raises(UnknownNameError, match=r"experiment 'runing' .*\nDid you mean 'running'"):
        make_plan("ab_test", experiment="runing", **tests_of_atlas)


def test_an_experiment_is_refused_by_a_template_of_products(tests_of_atlas):
    with pytest.raises(TemplateError, match=r"'mini' makes no report per experiment\.\nLeave"):
        make_plan("mini", experiment="past", **tests_of_atlas)


@pytest.mark.parametrize("says", [{}, {"ledger": False}])
def test_only_templates_that_read_the_ledger_rest_on_it(tests_of_atlas, make, tmp_path, says):
    notebook = json.loads(make.notebook_json(make.cover))
    notebook["metadata"]["kpikit"] = says
    (tests_of_atlas["notebooks_dir"] / "mini.ipynb").write_text(json.dumps(notebook))
    part = tmp_path / "output" / "ledger" / "atlas" / "2026Q2" / "quarterly_review" / "1.json"
    part.parent.mkdir(parents=True)
    part.write_text("{}")

    plan = make_plan("mini", products=["atlas"], output_dir=tmp_path / "output", **tests_of_atlas)

    assert [bool(report.identity.ledger) for report in plan.reports] == [not says]


def test_a_product_without_the_table_that_a_template_needs_is_left_out(tests_of_atlas, make):
    notebook = json.loads(make.notebook_json(make.cover))
    notebook["metadata"]["kpikit"] = {"needs": ["exposures"]}
    (tests_of_atlas["notebooks_dir"] / "mini.ipynb").write_text(json.dumps(notebook))

    plan = make_plan("mini", **tests_of_atlas)

    assert made(plan) == [("atlas", "2026Q3")]
    assert plan.left_out == (
        Failure("beacon", "It has no table exposures: map one under source.tables in beacon.yml."),
    )
