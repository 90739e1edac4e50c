"""The start page, and a blank notebook of the analyst's own."""

import json

import nbformat
import pytest

from kpikit.errors import ParamsError, TemplateError, UnknownNameError
from kpikit.exploring.blank import new_notebook
from kpikit.exploring.start import FRESH, start_page
from kpikit.publish.limits import Limits
from kpikit.publish.plan import make_plan
from kpikit.publish.runner import run_plan
from kpikit.publish.template import open_template


@pytest.fixture
def house(folder, tmp_path, monkeypatch):
    """A folder with two products and one template, a notebook of the analyst's own beside it."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "output").mkdir()
    for name, place in (("review", "notebooks"), ("mine", "analyses")):
        new_notebook(name, folder=tmp_path / place, product="shop", params_dir=folder)
    (tmp_path / "notebooks" / "start.ipynb").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "notebooks")
    return tmp_path


def test_the_page_lists_products_and_templates_and_what_is_fresh(house):
    page = start_page()

    assert [(row.product, row.template, row.state) for row in page.reports] == [
        ("shop", "review", "never made"), ("shop", "mine", "never made"),
        ("stall", "review", "never made"), ("stall", "mine", "never made"),
    ]  # fmt: skip
    assert page.reports[0].periods[0] == "2026Q3"
    assert "2025Q3" in page.reports[0].periods
    html = page._repr_html_()
    assert 'data-kk-open="review.ipynb"' in html
    assert 'data-kk-open="../analyses/mine.ipynb"' in html
    assert "product = &quot;shop&quot;" in html
    assert "none yet" in html
    assert repr(page) == "<StartPage of 2 products, 4 reports>"


@pytest.mark.slow
def test_a_report_of_ones_own_runs_like_a_shipped_one_and_is_fresh_then(house):
    plan = make_plan(
        str(house / "analyses" / "mine.ipynb"), products=["shop"], params_dir=house / "params",
        notebooks_dir=house / "notebooks", output_dir=house / "output",
    )  # fmt: skip
    result = run_plan(plan, output_dir=house / "output", formats=("html", "pdf"), limits=Limits())

    assert [outcome.state for outcome in result.outcomes] == ["sealed"]
    folder = house / "output" / "2026Q3" / "shop"
    made = (folder / "mine.ipynb").read_text(encoding="utf-8")
    assert "widget-view" not in made
    assert "widgets" not in json.loads(made)["metadata"]
    assert "Net revenue by month" in (folder / "mine.html").read_text(encoding="utf-8")
    row = next(r for r in start_page().reports if (r.product, r.template) == ("shop", "mine"))
    assert row.state == FRESH
    html = start_page()._repr_html_()
    assert 'data-kk-open="../output/2026Q3/shop/mine.ipynb"' in html
    assert '<a href="../output/2026Q3/shop/mine.pdf">PDF</a>' in html


def test_a_product_that_cannot_be_reported_says_why(house):
    (house / "params" / "stall.yml").write_text("product: {key: stall}\n", encoding="utf-8")

    page = start_page()

    assert {row.product for row in page.reports} == {"shop"}
    assert "stall.yml has 1 mistake" in page.problems["stall"]
    assert "stall.yml has 1 mistake" in page._repr_html_()


def test_a_notebook_that_is_no_template_is_told_and_stops_nothing(house):
    (house / "analyses" / "notes.ipynb").write_text("[]", encoding="utf-8")

    assert "is not a Jupyter notebook" in start_page().problems["notes"]


def test_without_a_folder_of_products_it_says_so(house):
    with pytest.raises(ParamsError, match="No folder 'none'"):
        start_page("none")


def test_a_blank_notebook_is_a_valid_template(house):
    path = house / "analyses" / "mine.ipynb"

    notebook = nbformat.read(path, as_version=4)

    nbformat.validate(notebook)
    assert open_template(str(path), house).parameters == ("product", "period", "params_dir")
    assert 'product: str = "shop"' in notebook.cells[0].source


@pytest.mark.parametrize(
    ("name", "product", "error", "complaint"),
    [
        ("mine", None, TemplateError, r"mine.ipynb is there already.\nOpen it, or choose"),
        ("../mine", None, TemplateError, r"'../mine' is no name for a notebook.\nUse letters"),
        ("other", "shap", UnknownNameError, r"product 'shap'.*\nDid you mean 'shop'"),
    ],
)
def test_a_notebook_that_cannot_be_made_is_refused(house, name, product, error, complaint):
    with pytest.raises(error, match=complaint):
        new_notebook(name, folder=house / "analyses", product=product, params_dir=house / "params")


def test_a_folder_without_products_is_refused(tmp_path):
    (tmp_path / "params").mkdir()

    with pytest.raises(ParamsError, match=r"no product file in .*\nAdd a <product>.yml"):
        new_notebook("x", folder=tmp_path, product=None, params_dir=tmp_path / "params")


def test_a_folder_that_cannot_be_written_is_named(house):
    (house / "file").write_text("", encoding="utf-8")

    with pytest.raises(TemplateError, match=r"could not be written: .*\nName another folder"):
        new_notebook(
            "x", folder=house / "file" / "below", product=None, params_dir=house / "params"
        )
