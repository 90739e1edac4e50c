"""Exploring in a real JupyterLab: every control shows the numbers of the plain function."""

import json
import math
import re
import subprocess
import sys

import nbformat
import pytest
import yaml

from kpikit.params.views import View
from kpikit.sections.views import find_view

pytestmark = pytest.mark.slow
HARMLESS = ("favicon", "api/kernels", "WebSocket")  # of a kernel that a test restarts


def values_of(frame, column):
    return [None if math.isnan(value) else round(float(value), 6) for value in frame[column]]


def agrees(notebook, context, column, **settings):
    """Wait until the page shows the numbers of a view, computed here by the plain function."""
    answers = find_view(context, View(**settings)).answers
    frames = [answer.frame for name, answer in answers.items() if name != "before"]
    expected = [values_of(frame, column) for frame in frames if column in frame]

    def shown():
        return [values_of(frame, column) for frame in notebook.frames() if column in frame]

    notebook.wait(lambda: all(each in shown() for each in expected), str(settings))


def complaints_of(page):
    return [line for line in page.complaints if not any(word in line for word in HARMLESS)]


@pytest.mark.parametrize("template", ["quarterly_review", "funnel_analysis", "ab_test"])
def test_a_template_runs_whole_and_ends_in_its_controls(template, notebook):
    notebook.open(f"notebooks/{template}.ipynb")

    notebook.run_all()
    notebook.ready()

    assert "answered in" in notebook.told
    assert notebook.page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0
    assert complaints_of(notebook.page) == []
    notebook.shoot(template)


def test_each_control_of_trends_shows_the_numbers_of_the_plain_function(notebook, own, context_of):
    context = context_of("atlas")
    notebook.open("analyses/mine.ipynb")
    notebook.run_all()
    notebook.ready()
    agrees(notebook, context, "value", section="trends")

    notebook.choose("Metric", "Active users")
    agrees(notebook, context, "value", section="trends", metric="active_users")
    notebook.choose("Grain", "week")
    agrees(notebook, context, "value", section="trends", metric="active_users", grain="week")
    notebook.choose("Against", "period before")
    asked = {"metric": "active_users", "grain": "week", "comparison": "previous"}
    agrees(notebook, context, "previous", section="trends", **asked)
    notebook.choose("Break down by", "plan")
    agrees(notebook, context, "value", section="trends", by="plan", **asked)
    notebook.shoot("trends-by-plan")
    notebook.choose("Break down by", "nothing")
    notebook.choose("Only where", "plan")
    notebook.type("is", "Team")
    agrees(notebook, context, "value", section="trends", where={"plan": "Team"}, **asked)
    notebook.choose("Period", "2026Q2")
    agrees(
        notebook, context, "value", section="trends", where={"plan": "Team"}, period="2026Q2",
        **asked,
    )  # fmt: skip
    notebook.type("is", "Nobody")
    notebook.wait(lambda: "has no row where plan = Nobody" in notebook.told)
    notebook.shoot("no-rows")
    assert notebook.frames() == []
    assert complaints_of(notebook.page) == []


def test_each_section_and_product_has_its_page(notebook, own, context_of):
    notebook.open("analyses/mine.ipynb")
    notebook.run_all()
    notebook.ready()

    notebook.choose("Show", "Experiments")
    agrees(notebook, context_of("atlas"), "delta_abs", section="experiment")
    notebook.choose("Break down by", "platform")
    agrees(notebook, context_of("atlas"), "delta_abs", section="experiment", by="platform")
    notebook.shoot("experiment")
    notebook.choose("Product", "Beacon")
    notebook.wait(lambda: "No A/B test is declared" in notebook.told)
    context = context_of("beacon")
    notebook.choose("Show", "Funnel")
    agrees(notebook, context, "users", section="funnel")
    notebook.choose("Steps", "in any order")
    agrees(notebook, context, "users", section="funnel", order="unordered")
    notebook.type("Window", "1d")
    agrees(notebook, context, "users", section="funnel", order="unordered", window="1d")
    notebook.choose("Break down by", "device")
    asked = {"order": "unordered", "window": "1d"}
    agrees(notebook, context, "rate", section="funnel", by="device", **asked)
    notebook.shoot("funnel")
    notebook.choose("Show", "Segments")
    agrees(notebook, context, "value", section="segments")
    notebook.choose("Show", "Drivers")
    agrees(notebook, context, "effect", section="drivers")
    notebook.choose("Show", "Retention")
    agrees(notebook, context, "retention_rate", section="retention")
    notebook.choose("Grain", "week")
    agrees(notebook, context, "retention_rate", section="retention", grain="week")
    notebook.shoot("retention")
    assert complaints_of(notebook.page) == []


def test_tables_sort_search_and_choose_and_numbers_are_copied(notebook, own, context_of):
    notebook.open("analyses/mine.ipynb")
    notebook.run_all()
    notebook.ready()
    explore, page = notebook.explore, notebook.page
    rows = explore.locator("table.kk-table tbody tr")
    first = rows.first.inner_text()

    head = explore.locator("thead th", has_text="MRR")
    head.focus()
    head.press("Enter")  # the keyboard sorts, greatest first
    head.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert rows.first.inner_text() != first
    explore.get_by_label("Search the rows").fill("sep 2026")
    assert [row.inner_text() for row in rows.all() if row.is_visible()] == [first]

    explore.get_by_role("button", name="Copy as CSV").first.click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('mrr'))")
    explore.get_by_role("button", name="Show the SQL").first.click()
    notebook.wait(lambda: "SELECT" in explore.inner_text(), "the SQL")

    notebook.choose("Break down by", "plan")
    agrees(notebook, context_of("atlas"), "value", section="trends", by="plan")
    explore.locator("tbody th", has_text="Team").click()
    agrees(notebook, context_of("atlas"), "value", section="trends", where={"plan": "Team"})
    assert complaints_of(page) == []


def test_of_fast_changes_the_last_one_wins(notebook, own, context_of):
    notebook.open("analyses/mine.ipynb")
    notebook.run_all()
    notebook.ready()

    for grain in ("week", "day", "week", "quarter"):
        notebook.choose("Grain", grain)

    agrees(notebook, context_of("atlas"), "value", section="trends", grain="quarter")
    notebook.page.wait_for_timeout(1500)
    agrees(notebook, context_of("atlas"), "value", section="trends", grain="quarter")


def test_a_restarted_kernel_says_what_to_do(notebook, own):
    notebook.open("analyses/mine.ipynb")
    notebook.run_all()
    notebook.ready()

    notebook.menu("Kernel", "Restart Kernel…")
    notebook.page.get_by_role("button", name="Confirm Kernel Restart").click()

    gone = notebook.page.locator(".kk-gone").last
    gone.wait_for(timeout=30_000)
    assert gone.inner_text() == (
        "The kernel was restarted: run this cell again (Shift+Enter) to go on."
    )
    notebook.shoot("restarted")


def test_a_dark_theme_stays_readable(notebook, own):
    notebook.open("analyses/mine.ipynb")
    notebook.menu("Settings", "Theme")
    notebook.page.locator(".lm-Menu-itemLabel", has_text="JupyterLab Dark").first.click()
    notebook.run_all()
    notebook.ready()

    notebook.shoot("dark")
    ink = notebook.explore.locator(".kk strong").first.evaluate("n => getComputedStyle(n).color")
    notebook.menu("Settings", "Theme")
    notebook.page.locator(".lm-Menu-itemLabel", has_text="JupyterLab Light").first.click()
    assert min(map(int, re.findall(r"\d+", ink)[:3])) > 200  # light on dark


def test_a_kept_view_survives_a_reload_and_a_headless_run(notebook, own, house, lab, tmp_path):
    before = (house / "params" / "atlas.yml").read_text(encoding="utf-8")
    notebook.open("analyses/mine.ipynb")
    notebook.run_all()
    notebook.ready()
    notebook.choose("Metric", "Active users")
    notebook.choose("Grain", "quarter")
    notebook.wait(lambda: {"quarter"} == set(notebook.frames()[0]["grain"]))

    notebook.press("Keep in the notebook")
    notebook.wait(lambda: notebook.told.startswith("Kept as a cell of analyses/mine.ipynb"))
    notebook.press("Keep in the product's file")
    notebook.wait(lambda: notebook.told == "Kept in atlas.yml: the next run shows it.")

    kept = [cell for cell in nbformat.read(own, 4).cells
            if "kept-view" in cell.metadata.get("tags", [])]  # fmt: skip
    [cell] = kept
    assert cell.source == (
        'kk.explore(report, "trends", product="atlas", metric="active_users", grain="quarter", '
        'comparison="year_before")'
    )
    text = (house / "params" / "atlas.yml").read_text(encoding="utf-8")
    assert text.startswith(before)
    assert yaml.safe_load(text)["views"] == [
        {"section": "trends", "metric": "active_users", "grain": "quarter",
         "comparison": "year_before"}
    ]  # fmt: skip
    notebook.open("analyses/mine.ipynb")
    assert notebook.page.get_by_text('metric="active_users"').count()
    (house / "params" / "atlas.yml").write_text(before, encoding="utf-8")

    command = [sys.executable, "-m", "kpikit", "run", str(own), "--product", "atlas", "--formats",
               "html", "--output-dir", str(tmp_path), "--json"]  # fmt: skip
    done = subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [page] = tmp_path.glob("*/atlas/mine.html")
    assert "Active users by quarter" in page.read_text(encoding="utf-8")
    [made] = tmp_path.glob("*/atlas/mine.ipynb")
    assert "widget-view" not in made.read_text(encoding="utf-8")
    assert json.loads(made.read_text(encoding="utf-8"))["metadata"].get("widgets", {}) == {}


def test_the_start_page_opens_a_template_on_the_product_and_period_chosen(notebook):
    page = notebook.page
    page.goto(f"{notebook.lab.url('notebooks/start.ipynb')}?reset")
    page.wait_for_selector(".kk-start table", timeout=120_000)
    notebook.shoot("start")

    row = page.locator(".kk-start tr", has_text="Beacon").filter(has_text="Quarterly review")
    row.locator("select").select_option("2027Q2")
    row.get_by_role("button", name="Open the template").click()

    opened = page.locator(".jp-CodeCell", has_text='period = "2027Q2"')
    opened.wait_for(timeout=30_000)
    assert 'product = "beacon"' in opened.inner_text()
    assert complaints_of(page) == []
