"""Each condition of the seal, on a notebook that is whole but for the one fault under test."""

import copy
import inspect
import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kpikit.publish import seal


def shown(note, *, kind="execute_result"):
    return {"output_type": kind, "data": {"text/plain": "shown"}, "metadata": {"kpikit": note}}


def kpi(**changes):
    row = {
        "metric": "orders",
        "period": "2026Q3",
        "value": 4672.0,
        "unit": "count",
        "n": 4672,
        "complete": True,
        "target": None,
        "flags": [],
    }
    return {**row, **changes}


@pytest.fixture
def report(make):
    return make.planned("atlas")


@pytest.fixture
def notebook(make, report):
    """What a run that went well leaves: parameters, injected ones, a cover, a section."""
    marker = {
        "product": "atlas",
        "period": "2026Q3",
        "run_id": report.run_id,
        "data_hash": "data of atlas",
        "as_of": "2026-09-30",
    }
    injected = "\n".join(f"{name} = {value!r}" for name, value in report.parameters.items())
    cells = [
        make.code_cell("product = ''", "parameters"),
        make.code_cell(f"# Parameters\n{injected}", "injected-parameters"),
        {"cell_type": "markdown", "metadata": {}, "source": "## Scorecard\nHow are we?"},
        make.code_cell("cover"),
        make.code_cell("   "),
        make.code_cell("scorecard"),
    ]
    ran = [cell for cell in cells if cell["cell_type"] == "code" and cell["source"].strip()]
    for count, cell in enumerate(ran, start=1):
        cell["execution_count"] = count
    ran[2]["outputs"] = [shown({"marker": marker})]
    ran[3]["outputs"] = [shown({"kpis": [kpi()]})]
    return {"cells": cells, "metadata": {"kpikit": {"kernel": "alive"}}}


def error_output(name, text):
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": []}


def test_a_whole_run_is_sealed(notebook, report):
    assert seal.broken_conditions(notebook, report) == []


def test_every_condition_of_the_module_is_asked():
    conditions = {
        function
        for name, function in inspect.getmembers(seal, inspect.isfunction)
        if not name.startswith("_") and function.__annotations__["return"] == Iterator[str]
    }

    assert set(seal.CONDITIONS) == conditions


def test_data_that_failed_its_checks_is_the_first_reason(notebook, report):
    notebook["cells"][3]["outputs"] = [error_output("DataQualityError", "orders: 3 doubled rows")]

    reasons = seal.broken_conditions(notebook, report)

    assert reasons[0] == "The data did not pass its checks: orders: 3 doubled rows"


def test_an_error_is_named_with_its_cell_and_heading(notebook, report):
    notebook["cells"][5]["outputs"].append(error_output("ValueError", "no such\ncolumn"))

    reasons = list(seal.no_output_is_an_error(notebook, report))

    assert reasons == ["Cell [4] under 'Scorecard' failed: ValueError: no such column."]


def test_sys_exit_with_zero_is_an_error(notebook, report):
    notebook["cells"][5]["outputs"] = [error_output("SystemExit", "0")]

    reasons = list(seal.no_output_is_an_error(notebook, report))

    assert reasons == ["Cell [4] under 'Scorecard' failed: SystemExit: 0."]


def test_an_error_without_words_is_named_by_its_type(notebook, report):
    notebook["cells"][1]["outputs"] = [error_output("AssertionError", "")]

    assert list(seal.no_output_is_an_error(notebook, report)) == [
        "Cell [2] failed: AssertionError."
    ]


def test_an_error_hidden_in_an_output_widget_is_found(notebook, report):
    state = {"w1": {"state": {"outputs": [error_output("KeyError", "'x'")]}}, "w2": {"state": {}}}
    mime_type = "application/vnd.jupyter.widget-state+json"
    notebook["metadata"]["widgets"] = {mime_type: {"state": state}}

    reasons = list(seal.no_output_is_an_error(notebook, report))

    assert reasons == ["An output widget holds an error: KeyError: 'x'."]


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "stream", "name": "stdout", "text": "at postgres://u:hunter2@db/x\n"},
        {"output_type": "display_data", "data": {"text/html": ["<p>", "hunter2</p>"]}},
    ],
)
def test_a_secret_that_a_cell_shows_is_told_without_it(notebook, report, output, monkeypatch):
    monkeypatch.setenv("ATLAS_URL", "postgres://u:hunter2@db/x")
    report = replace(report, connection="${ATLAS_URL}")
    notebook["cells"][5]["outputs"].append(output)

    reasons = list(seal.no_output_shows_a_secret(notebook, report))

    assert reasons == [
        "Cell [4] under 'Scorecard' shows the value of the environment variable ATLAS_URL."
    ]


def test_pages_without_the_secret_or_of_a_product_without_one_are_sealed(
    notebook, report, monkeypatch
):
    monkeypatch.setenv("ATLAS_URL", "shown")

    assert not list(seal.no_output_shows_a_secret(notebook, report))
    monkeypatch.setenv("ATLAS_URL", "postgres://u:hunter2@db/x")
    named = replace(report, connection="${ATLAS_URL}")
    notebook["cells"][5]["outputs"].append(error_output("OSError", "hunter2"))
    assert not list(seal.no_output_shows_a_secret(notebook, named))


def test_a_kernel_that_died_is_told(notebook, report):
    notebook["metadata"]["kpikit"]["kernel"] = "the kernel was killed by SIGKILL"

    reasons = list(seal.kernel_lived_to_the_end(notebook, report))

    assert reasons == ["The kernel did not run to the end: the kernel was killed by SIGKILL."]


def test_a_notebook_that_another_engine_ran_is_not_sealed(notebook, report):
    del notebook["metadata"]["kpikit"]

    reasons = list(seal.kernel_lived_to_the_end(notebook, report))

    assert reasons == ["The kernel did not run to the end: its end was not recorded."]


@pytest.mark.parametrize(
    ("counts", "ran"),
    [((1, 2, 3, None), 3), ((1, 2, 4, 5), 4), ((1, 3, 2, 4), 4), ((2, 3, 4, 5), 4)],
    ids=["one did not run", "one ran in between", "two changed places", "one ran before"],
)
def test_cells_that_did_not_run_in_order_are_told(notebook, report, counts, ran):
    for position, count in zip((0, 1, 3, 5), counts, strict=True):
        notebook["cells"][position]["execution_count"] = count

    reasons = list(seal.every_cell_ran_in_order(notebook, report))

    assert reasons == [f"Not every cell ran in order: {ran} of 4 code cells ran."]


def test_parameters_of_another_product_are_told(notebook, report):
    source = notebook["cells"][1]["source"]
    notebook["cells"][1]["source"] = source.replace("'atlas'", "'beacon'")

    reasons = list(seal.parameters_are_the_plans(notebook, report))

    assert reasons == ["The injected parameters are not those of the plan: product."]


def test_a_text_that_became_a_number_is_told(make):
    report = make.planned("00123")
    injected = f"product = 123\nperiod = '2026Q3'\nparams_dir = {str(report.params_dir)!r}"
    notebook = {"cells": [make.code_cell(injected, "injected-parameters")], "metadata": {}}

    reasons = list(seal.parameters_are_the_plans(notebook, report))

    assert reasons == ["The injected parameters are not those of the plan: product."]


def test_a_parameter_too_many_is_told(notebook, report):
    notebook["cells"][1]["source"] += "\nfolder = 'x'"

    reasons = list(seal.parameters_are_the_plans(notebook, report))

    assert reasons == [
        "The injected parameters are not those of the plan: product, period, params_dir, folder."
    ]


def test_parameters_that_are_no_literals_are_told(notebook, report):
    notebook["cells"][1]["source"] = "product = open('x').read()"

    reasons = list(seal.parameters_are_the_plans(notebook, report))

    assert reasons == [
        "The injected parameters are not those of the plan: product, period, params_dir."
    ]


@pytest.mark.parametrize("count", [0, 2])
def test_parameters_are_injected_exactly_once(notebook, report, count):
    notebook["cells"][1:2] = [copy.deepcopy(notebook["cells"][1]) for _ in range(count)]

    reasons = list(seal.parameters_are_the_plans(notebook, report))

    assert reasons == [f"{count} cells were injected with parameters, not one."]


def test_a_page_without_a_cover_is_not_sealed(notebook, report):
    notebook["cells"][3]["outputs"] = []

    reasons = list(seal.marker_is_its_own(notebook, report))

    assert reasons == [
        "The page carries no marker of its product: no cell shows the report's cover."
    ]


@pytest.mark.parametrize("name", ["product", "period", "run_id"])
def test_a_marker_that_differs_in_anything_is_foreign(notebook, report, name):
    marker = notebook["cells"][3]["outputs"][0]["metadata"]["kpikit"]["marker"]
    own = marker[name]
    marker[name] = "other"

    reasons = list(seal.marker_is_its_own(notebook, report))

    assert reasons == [
        f"The page carries another report's marker: its {name} is 'other', planned was '{own}'."
    ]


def test_data_that_changed_after_the_plan_are_told(notebook, report):
    notebook["cells"][3]["outputs"][0]["metadata"]["kpikit"]["marker"]["data_hash"] = "other"

    reasons = list(seal.marker_is_its_own(notebook, report))

    assert reasons == [
        "The data changed while the report was made: run it again once they are whole."
    ]


def test_a_foreign_marker_beside_the_own_one_is_found(notebook, report):
    foreign = copy.deepcopy(notebook["cells"][3]["outputs"][0])
    foreign["metadata"]["kpikit"]["marker"]["product"] = "beacon"
    notebook["cells"][5]["outputs"].append(foreign)

    reasons = list(seal.marker_is_its_own(notebook, report))

    assert reasons == [
        "The page carries another report's marker: its product is 'beacon', planned was 'atlas'."
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"value": math.nan}, "KPI orders of 2026Q3: its value is no finite number: nan."),
        ({"value": math.inf}, "KPI orders of 2026Q3: its value is no finite number: inf."),
        ({"value": "12"}, "KPI orders of 2026Q3: its value is no finite number: '12'."),
        ({"value": True}, "KPI orders of 2026Q3: its value is no finite number: True."),
        ({"n": math.nan}, "KPI orders of 2026Q3: its n is no finite number: nan."),
        ({"target": math.inf}, "KPI orders of 2026Q3: its target is no finite number: inf."),
        ({"value": None}, "KPI orders of 2026Q3 is missing, and no flag says why."),
    ],
)
def test_a_kpi_that_is_no_number_is_told(notebook, report, changes, reason):
    notebook["cells"][5]["outputs"] = [shown({"kpis": [kpi(**changes)]})]

    assert list(seal.kpis_are_finite_or_absent(notebook, report)) == [reason]


def test_a_missing_kpi_with_its_reason_is_sealed(notebook, report):
    row = kpi(value=None, n=None, flags=["no orders in the period"])
    notebook["cells"][5]["outputs"] = [shown({"kpis": [row]})]

    assert seal.broken_conditions(notebook, report) == []


def test_a_kpi_without_all_its_keys_is_told(notebook, report):
    row = kpi()
    del row["unit"], row["flags"]
    notebook["cells"][5]["outputs"] = [shown({"kpis": [row]})]

    reasons = list(seal.kpis_are_finite_or_absent(notebook, report))

    assert reasons == ["KPI orders of 2026Q3 lacks unit, flags."]


def test_a_kpi_shown_with_two_values_is_told(notebook, report):
    rows = [kpi(), kpi(value=4672.0000001), kpi(value=4673.0), kpi(period="2026-07", value=1.0)]
    notebook["cells"][5]["outputs"] = [shown({"kpis": rows}, kind="display_data")]

    reasons = list(seal.kpis_agree(notebook, report))

    assert reasons == ["KPI orders of 2026Q3 is shown as 4672 and as 4673."]


def test_kpis_json_holds_each_kpi_once_rounded_in_the_order_of_the_page(notebook, report):
    rows = [
        kpi(metric="gross_revenue", value=2525887.68349999, unit="GBP", n=4672.0, target=2600000.0),
        kpi(value=None, flags=["late"]),
        kpi(metric="gross_revenue", value=2525887.68349999, unit="GBP"),
        kpi(metric="churn", value=-0.0000001),
    ]
    notebook["cells"][5]["outputs"] = [shown({"kpis": rows})]

    document = seal.kpis_document(notebook, report)

    assert document == {
        "product": "atlas",
        "template": "mini",
        "period": "2026Q3",
        "as_of": "2026-09-30",
        "run_id": report.run_id,
        "data_hash": "data of atlas",
        "kpis": [
            kpi(metric="gross_revenue", value=2525887.6835, unit="GBP", n=4672, target=2600000),
            kpi(value=None, flags=["late"]),
            kpi(metric="churn", value=0),
        ],
    }
    assert list(document["kpis"][0]) == [
        "metric",
        "period",
        "value",
        "unit",
        "n",
        "complete",
        "target",
        "flags",
    ]
