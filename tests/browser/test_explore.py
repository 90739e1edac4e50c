"""Exploring in a real JupyterLab: every control shows the numbers of the plain function."""

import math
import re

import pytest

from kpikit.params.views import View
from kpikit.sections.views import find_view

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("template", ["funnel_analysis", "ab_test"])
def test_a_template_runs_whole_and_ends_in_its_controls(template, notebook):
    notebook.open(f"notebooks/{template}.ipynb")

    notebook.run_all()
    notebook.ready()

    # the first exhibit stands before the line tells that all of them do
    notebook.wait(lambda: "answered in" in notebook.told, "an answer")
    assert notebook.page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0
    assert notebook.complaints == []
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
    assert notebook.complaints == []


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
    assert notebook.complaints == []


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
    assert notebook.complaints == []


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


def test_every_control_is_reached_by_keyboard_and_shows_that_it_is(notebook, own):
    notebook.open("analyses/mine.ipynb")
    notebook.run_all()
    notebook.ready()
    page = notebook.page
    notebook.control("Show").focus()

    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(one => (one.labels?.[0] || one).textContent)(document.activeElement)")
        )
    look = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")

    assert reached == [
        "Product", "Period", "Metric", "Grain", "Break down by", "Against", "Only where",
        "Copy as CSV", "Show the SQL",
    ]  # fmt: skip
    assert look == "solid"
    page.keyboard.press("Enter")
    notebook.wait(lambda: "SELECT" in notebook.explore.inner_text(), "the SQL")


def test_a_mistake_in_a_cell_is_one_line_and_help_is_a_key_away(notebook, own):
    page = notebook.page
    notebook.open("analyses/mine.ipynb")

    notebook.execute("import kpikit as kk\nkk.open_report('atlsa')")
    mistake = page.locator(".jp-OutputArea-output", has_text="Did you mean 'atlas'")
    mistake.first.wait_for(timeout=30_000)
    folded = page.locator(".jp-OutputArea-output details")
    assert folded.locator("summary").inner_text() == "Traceback"
    assert not folded.locator("pre").is_visible()
    page.keyboard.insert_text("kk.explore")
    page.keyboard.press("Shift+Tab")
    page.locator(".jp-Tooltip", has_text="Show a report by settings of your own").wait_for()
    notebook.shoot("help")
    assert notebook.complaints == []


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
