"""A new user's session, played through: from ``make lab`` to a changed report in PDF."""

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import pytest
import yaml
from pypdf import PdfReader

from kpikit.publish.html import render_html
from kpikit.publish.pdf import render_pdf
from tests.browser.conftest import (
    NO_CHROMIUM,
    READY,
    USERS,
    Notebook,
    free_port,
    jupyter_environment,
    make_house,
)

pytestmark = pytest.mark.slow
MAKE = ("make", "-o", ".venv/.ready", f"USERS={USERS}")  # the environment of the tests is set up
CHURN = """report.facts.query("metric == 'logo_churn_rate' and grain == 'quarter'").tail(3)"""


@pytest.fixture
def clone(house, tmp_path):
    """A clone of the repository after its first ``make``."""
    make_house(tmp_path)
    shutil.copytree(house / "data", tmp_path / "data")
    shutil.copy("Makefile", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.fixture
def address(clone):
    """What ``make lab`` prints for somebody to open."""
    if shutil.which("chromium") is None:
        pytest.skip(NO_CHROMIUM)
    options = f"--allow-root --no-browser --ip=127.0.0.1 --port={free_port()}"
    log = clone / "lab.log"
    with log.open("w", encoding="utf-8") as told:
        server = subprocess.Popen(
            [*MAKE, "lab", f"LAB_OPTIONS={options}"], cwd=clone, env=jupyter_environment(clone),
            stdout=told, stderr=told, start_new_session=True,
        )  # fmt: skip
    try:
        end = time.monotonic() + READY
        while not (found := re.search(r"http://127\S+", log.read_text(encoding="utf-8"))):
            is_coming = server.poll() is None and time.monotonic() < end
            assert is_coming, log.read_text(encoding="utf-8")
            time.sleep(0.2)
        yield found[0]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def find_the_reason(notebook):
    """Turn the knobs from the churn of all to that of the plan that made it rise."""
    notebook.choose("Metric", "Customer churn")
    notebook.wait(lambda: set(notebook.frames()[0]["metric"]) == {"logo_churn_rate"})
    notebook.choose("Grain", "quarter")
    notebook.wait(lambda: set(notebook.frames()[0]["grain"]) == {"quarter"})
    notebook.choose("Break down by", "plan")
    notebook.explore.locator("tbody th", has_text="Team").click()
    notebook.wait(lambda: "only plan = Team" in notebook.explore.inner_text(), "one plan")


def keep_it(notebook):
    notebook.press("Keep in the notebook")
    notebook.wait(lambda: notebook.told.startswith("Kept as a cell of notebooks/quarterly_review"))
    notebook.press("Keep in the product's file")
    notebook.wait(lambda: notebook.told == "Kept in atlas.yml: the next run shows it.")


def add_a_cell(notebook, path):
    page = notebook.page
    notebook.execute(CHURN)
    page.locator(".jp-OutputArea-output table.dataframe").wait_for(timeout=30_000)
    page.keyboard.press("Control+s")
    page.locator(".lm-TabBar-tab.jp-mod-dirty").wait_for(state="detached", timeout=30_000)
    assert CHURN in [cell.source for cell in nbformat.read(path, as_version=4).cells]


def export_as_saved(path):
    """Export the notebook as JupyterLab saved it: nothing of the live controls in it is left."""
    saved = path.read_text(encoding="utf-8")
    assert "application/vnd.jupyter.widget-view+json" in saved
    written = nbformat.reads(saved, as_version=4)
    assert not re.search(r"widget-view|jupyter-widget|kk-explore", render_html(written))
    printed = PdfReader(io.BytesIO(render_pdf(written).data)).pages
    assert "<Explorer" not in "".join(page.extract_text() for page in printed)


def make_review(clone):
    """Return the files of the report that the command line makes of what was kept."""
    done = subprocess.run(
        [*MAKE, "quarterly-review", "PRODUCT=atlas", "PERIOD=2026Q2"], cwd=clone, text=True,
        env=dict(os.environ, KPIKIT_CACHE_DIR=str(clone / ".cache")), capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = (clone / "output/2026Q2/atlas").glob("quarterly_review.*")
    return {path.suffix: path for path in found}


def test_a_session_from_make_lab_to_a_changed_report(address, clone, page):
    notebook, path = Notebook(None, page), clone / "notebooks/quarterly_review.ipynb"
    page.goto(address)
    row = page.locator(".kk-start tr", has_text="Atlas").filter(has_text="Quarterly review")
    row.wait_for(timeout=READY * 1000)
    assert "never made" in row.inner_text()
    notebook.shoot("start")

    row.locator("select").select_option("2026Q2")
    row.get_by_role("button", name="Open the template").click()
    page.locator(".jp-CodeCell", has_text='period = "2026Q2"').wait_for(timeout=30_000)
    notebook.wait_for_kernel()
    notebook.run_all()
    notebook.ready()
    assert page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0
    notebook.shoot("quarterly_review")
    find_the_reason(notebook)
    notebook.shoot("reason")
    keep_it(notebook)
    add_a_cell(notebook, path)

    page.reload()
    kept = page.locator(".jp-CodeCell", has_text='metric="logo_churn_rate"')
    kept.wait_for(timeout=READY * 1000)
    kept.scroll_into_view_if_needed()
    notebook.shoot("kept")
    cells = nbformat.read(path, as_version=4).cells
    [cell] = [cell for cell in cells if "kept-view" in cell.metadata.get("tags", ())]
    assert cell.source == (
        'kk.explore(\n    report, "trends", product="atlas", metric="logo_churn_rate", '
        'grain="quarter",\n    comparison="year_before", where={"plan": "Team"},\n)'
    )
    [view] = yaml.safe_load((clone / "params/atlas.yml").read_text("utf-8"))["views"]
    assert view["where"] == {"plan": "Team"}

    export_as_saved(path)
    made = make_review(clone)
    pages = [" ".join(one.extract_text().split()) for one in PdfReader(made[".pdf"]).pages]
    text = " ".join(pages)
    assert text.count("Customer churn by quarter; only plan = Team") == 2  # the cell, the file
    assert "logo_churn_rate" in text  # the cell of the analyst's own
    assert [
        end for end in (".html", ".ipynb") if "widget-view" in made[end].read_text("utf-8")
    ] == []

    page.goto(address)
    row.get_by_role("button", name="Executed notebook").click()
    page.locator(".jp-Notebook", has_text="only plan = Team").last.wait_for(timeout=30_000)
    notebook.shoot("executed")
    assert notebook.complaints == []
