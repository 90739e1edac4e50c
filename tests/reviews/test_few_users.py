"""The pages of products with a handful of users: every cell of every template makes something.

What is rare among many users is usual among few: a variant that nobody saw, a month without a
value, a segment of one user, a metric that only one of them moves.
"""

import shutil
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

import kpikit as kk
from kpikit.publish.seal import kpis_agree, kpis_are_finite_or_absent
from kpikit.sample import make_sample_data
from tests.sections.test_bad_input import NO_NUMBER, texts

ROOT = Path(__file__).parents[2]
FEW = {"atlas": (25, 7009), "beacon": (15, 7007), "comet": (15, 7008)}  # users and seed
HIDDEN = {"parameters", "remove-cell"}


@pytest.fixture(scope="module", params=FEW)
def few(request, tmp_path_factory):
    """A sample product with few users: its key, its folder of params, its tests."""
    product, folder = request.param, tmp_path_factory.mktemp("few")
    shutil.copytree(ROOT / "params", folder / "params")
    users, seed = FEW[product]
    make_sample_data(folder / "data", product=product, users=users, seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KPIKIT_CACHE_DIR", str(folder / "cache"))
        tests = kk.open_report(product, params_dir=folder / "params").context.params.experiments
        yield SimpleNamespace(key=product, params_dir=folder / "params", tests=list(tests))


def made(template, **parameters):
    """Run a template's cells; return the notebook with what they show, and each one's texts."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{template}.ipynb", as_version=4)
    names, told = {"period": "", **parameters}, {}
    for cell in notebook.cells:
        if cell.cell_type != "code" or HIDDEN & set(cell.metadata.get("tags", ())):
            continue
        *before, last = cell.source.splitlines()
        exec("\n".join(before), names)
        shown = eval(last, names)
        data, metadata = shown._repr_mimebundle_()
        cell.outputs = [nbformat.v4.new_output("display_data", data=data, metadata=metadata)]
        told[last] = list(texts(shown.to_json()))
    return notebook, told


def templates_of(few):
    yield "quarterly_review", {}
    yield "funnel_analysis", {}
    for key in few.tests:
        yield "ab_test", {"experiment": key}


def test_every_cell_of_every_template_tells_something_true_of_few_users(few):
    for template, about in templates_of(few):
        notebook, told = made(template, product=few.key, params_dir=few.params_dir, **about)

        assert all(told.values()), template
        pages = [text.removeprefix("None of ") for page in told.values() for text in page]
        assert [text for text in pages if NO_NUMBER.search(text)] == []
        assert [*kpis_are_finite_or_absent(notebook, None), *kpis_agree(notebook, None)] == []
