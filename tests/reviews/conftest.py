"""The reviews of the three sample products, made once, section by section, without a kernel.

What each section hands to ``kpikit.present`` is recorded on the way.
"""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

import kpikit as kk
from kpikit.sample import PRODUCTS, make_sample_data
from tests.reviews.recording import Recorder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A folder that holds params/ and data/ as the project does."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "params", folder / "params")
    for product in PRODUCTS:
        make_sample_data(folder / "data", product=product)
    return folder


@pytest.fixture(scope="session", params=PRODUCTS)
def review(request, home):
    """A sample product's review: its report, its sections by call, and the executed notebook."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("KPIKIT_")]:
            patch.delenv(name)
        patch.setenv("KPIKIT_CACHE_DIR", str(home / "cache"))
        report = kk.open_report(request.param, params_dir=home / "params")
        notebook = nbformat.read(ROOT / "notebooks" / "quarterly_review.ipynb", as_version=4)
        sections, calls, recorder = {}, {}, Recorder()
        recorder.install(patch)
        for cell in notebook.cells:
            if cell.cell_type == "code" and cell.source.startswith("report."):
                call = cell.source.removeprefix("report.").split("(")[0]
                sections[call] = getattr(report, call)()
                calls[call] = recorder.take()
                data, metadata = sections[call]._repr_mimebundle_()
                shown = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
                cell.outputs, cell.execution_count = [shown], 1
    return SimpleNamespace(
        product=request.param,
        report=report,
        sections=sections,
        calls=calls,
        notebook=notebook,
    )
