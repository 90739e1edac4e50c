"""The page: every change is answered by the plain function's numbers, and the last one wins."""

import asyncio
import html
import io
import re
import threading

import pandas as pd
import pytest

from kpikit.exploring import explorer as explorers
from kpikit.exploring.session import Choice
from kpikit.params.views import View
from kpikit.present.components import MIME_TYPE, Stack
from kpikit.sections.views import find_view


def csv_of(exhibit):
    """Return the numbers that "Copy as CSV" would copy."""
    text = re.search(r"<template>(.*?)</template>", exhibit, re.DOTALL)[1]
    return pd.read_csv(io.StringIO(html.unescape(text)))


def test_a_page_begins_with_its_view(play):
    async def scene(page):
        return page.exhibits, page.told, page.explorer

    exhibits, told, explorer = play(scene)

    assert "Net revenue by month" in exhibits[1]
    assert told.startswith("2026Q3, answered in ")
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle[MIME_TYPE] == Stack(()).to_json()


@pytest.mark.parametrize(
    ("name", "value", "view"),
    [
        ("metric", "orders", {"metric": "orders"}),
        ("grain", "quarter", {"grain": "quarter"}),
        ("comparison", "previous", {"comparison": "previous"}),
        ("by", "country", {"by": "country"}),
        ("period", "2026Q2", {"period": "2026Q2"}),
    ],
)
def test_a_control_shows_the_numbers_of_the_plain_function(name, value, view, play, context):
    async def scene(page):
        await page.move(name, value)
        return csv_of(page.exhibits[-1])

    shown = play(scene)

    asked = View(**{"section": "trends", "metric": "net_revenue", **view})
    answers = find_view(context, asked).answers
    expected = list(answers.values())[-1].frame
    pd.testing.assert_series_equal(
        shown["value"].astype(float), expected["value"].astype(float), check_names=False
    )


def test_a_segment_is_a_column_and_one_of_its_values(play):
    async def scene(page):
        await page.move("column", "country")
        offered = page.explorer.widgets.controls["value"].options
        await page.move("value", "FR")
        return offered, csv_of(page.exhibits[0]).set_index("period")["value"]

    offered, values = play(scene)

    assert offered == ("DE", "FR")
    assert values["2026-08"] == 60.5
    assert values["2026-07"] == 0


def test_a_row_of_a_table_chooses_its_segment(play):
    async def scene(page):
        await page.move("by", "country")
        page.explorer.widgets._picked.value = '["country", "DE"]'
        await page.settled()
        return page.explorer.choice.view, csv_of(page.exhibits[0])["value"].sum()

    view, total = play(scene)

    assert view.where == {"country": "DE"}
    assert view.by is None
    assert total == 190  # 40 + 50 + 100


def test_of_two_fast_changes_the_last_one_wins(play):
    async def scene(page):
        controls = page.explorer.widgets.controls
        controls["grain"].value = "week"
        controls["grain"].value = "quarter"
        controls["metric"].value = "orders"
        await page.settled()
        await page.idle()
        return page.explorer.choice.view, csv_of(page.exhibits[0])

    view, shown = play(scene)

    assert (view.metric, view.grain) == ("orders", "quarter")
    assert set(shown["metric"]) == {"orders"}
    assert set(shown["grain"]) == {"quarter"}


def test_an_answer_that_comes_too_late_is_not_shown(play, monkeypatch):
    async def scene(page):
        session, gate = page.explorer.session, threading.Event()
        real = session.page

        def slow(choice):
            if choice.view.grain == "week":
                gate.wait(10)
            return real(choice)

        monkeypatch.setattr(session, "page", slow)
        await page.idle()
        page.explorer.change("grain", "week")
        await asyncio.sleep(3 * explorers.DEBOUNCE)  # the slow one runs
        page.explorer.change("grain", "quarter")
        gate.set()
        await page.settled()
        await page.idle()
        return csv_of(page.exhibits[0])

    shown = play(scene)

    assert set(shown["grain"]) == {"quarter"}


def test_a_choice_made_before_is_shown_at_once(play):
    async def scene(page):
        await page.move("grain", "quarter")
        page.explorer.change("grain", "month")  # its key differs: the grain was the section's
        await page.settled()
        page.explorer.change("grain", "quarter")
        return page.explorer.answered_turn == page.explorer.turn, csv_of(page.exhibits[0])

    is_answered, shown = play(scene)

    assert is_answered
    assert set(shown["grain"]) == {"quarter"}


def test_what_a_control_may_be_moved_to_next_is_computed_while_the_page_is_idle(play):
    async def scene(page):
        await page.move("grain", "quarter")
        await page.idle()
        view = page.explorer.choice.view.model_copy(update={"grain": "week"})
        return page.explorer.session.known(Choice("shop", view))

    assert play(scene) is not None


def test_long_work_is_told_and_can_be_cancelled(play, monkeypatch):
    monkeypatch.setattr(explorers, "_PATIENCE", 0.05)

    async def scene(page):
        session, gate = page.explorer.session, threading.Event()
        before = page.exhibits
        await page.idle()
        monkeypatch.setattr(session, "page", lambda _: gate.wait(10))
        page.explorer.change("metric", "orders")
        await asyncio.sleep(0.05 + 3 * explorers.DEBOUNCE)
        busy, shown = page.told, page.explorer.widgets.buttons["cancel"].layout.display
        page.explorer.cancel()
        gate.set()
        metric = page.explorer.widgets.controls["metric"].value
        return busy, shown, page.told, page.exhibits == before, metric

    busy, shown, told, unchanged, metric = play(scene)

    assert busy == "Computing, 0 s ..."
    assert shown is None  # the button shows
    assert told == "Cancelled: this is the choice before."
    assert unchanged
    assert metric == "net_revenue"


def test_a_segment_without_rows_says_what_to_choose_and_shows_nothing_stale(play):
    async def scene(page):
        await page.move("column", "country")
        await page.move("value", "XX")
        refused, exhibits = page.told, page.exhibits
        await page.move("value", "DE")
        return refused, exhibits, page.told

    refused, exhibits, after = play(scene)

    assert refused == (
        "Net revenue has no row where country = XX in 2026Q3.\nChoose another segment or period."
    )
    assert exhibits == []
    assert after.startswith("2026Q3, answered in ")


def test_a_product_removed_meanwhile_says_so_and_is_back_when_it_is_back(play, folder):
    async def scene(page):
        text = (folder / "shop.yml").read_text(encoding="utf-8")
        (folder / "shop.yml").unlink()
        await page.move("grain", "week")
        gone = page.told
        (folder / "shop.yml").write_text(text, encoding="utf-8")
        await page.click("again")
        await page.settled()
        return gone, page.told

    gone, back = play(scene)

    assert gone.startswith("shop.yml is gone from ")
    assert gone.endswith("\nPut it back, or choose another product.")
    assert back.startswith("2026Q3, answered in ")


def test_a_product_broken_meanwhile_tells_its_mistake(play, folder):
    async def scene(page):
        (folder / "stall.yml").write_text("product: {key: stall}\n", encoding="utf-8")
        await page.move("product", "stall")
        return page.told

    assert "stall.yml has 1 mistake" in play(scene)


def test_another_product_is_opened_with_its_own_controls(play):
    async def scene(page):
        await page.move("column", "country")
        await page.move("product", "stall")
        return page.explorer.choice.product, page.explorer.widgets.controls["column"].value

    assert play(scene) == ("stall", "")


def test_a_file_changed_meanwhile_is_read_again(play, folder):
    async def scene(page):
        text = (folder / "shop.yml").read_text(encoding="utf-8").replace("EUR", "GBP")
        (folder / "shop.yml").write_text(text + "# later\n", encoding="utf-8")
        await page.move("grain", "quarter")
        return page.exhibits[1]

    assert "£190.50" in play(scene)


def test_a_database_that_goes_away_says_what_to_do_and_comes_back(play, monkeypatch):
    async def scene(page):
        real = page.explorer.session.page

        def lost(_choice):
            raise OSError("connection to warehouse:5432 was lost\nat line 3")

        await page.idle()
        monkeypatch.setattr(page.explorer.session, "page", lost)
        await page.move("grain", "week")
        gone, exhibits = page.told, page.exhibits
        monkeypatch.setattr(page.explorer.session, "page", real)
        await page.click("again")
        await page.settled()
        return gone, exhibits, page.told

    gone, exhibits, back = play(scene)

    assert gone == (
        "The data could not be read: connection to warehouse:5432 was lost\n"
        "See that its database or files are there, then press “Read the data again”."
    )
    assert exhibits == []
    assert back.startswith("2026Q3, answered in ")


def test_the_sql_of_a_chart_is_shown_and_hidden(play):
    async def scene(page):
        button = page.explorer.widgets._slots[0]._button
        button.value = True
        await page.settled()
        await page.idle()
        await page.settled()
        shown, label = page.exhibits[0], button.description
        button.value = False
        return shown, label, page.exhibits[0]

    shown, label, hidden = play(scene)

    assert "SELECT" in shown
    assert label == "Hide the SQL"
    assert "SELECT" not in hidden


@pytest.mark.parametrize("section", ["segments", "drivers", "retention", "scorecard"])
def test_every_section_has_a_page(section, play):
    async def scene(page):
        await page.move("section", section)
        return page.exhibits, page.told

    exhibits, told = play(scene)

    assert exhibits, told


def test_a_section_without_data_says_what_would_fill_it(play):
    async def scene(page):
        await page.move("section", "funnel")
        return page.told, page.exhibits

    told, exhibits = play(scene)

    assert told == "No data; map the table events under source: tables."
    assert exhibits == []


def test_a_view_kept_in_the_file_is_there_for_the_next_run(play, folder):
    async def scene(page):
        await page.move("grain", "quarter")
        await page.click("keep_file")
        first = page.told
        await page.click("keep_file")
        return first, page.told

    assert play(scene) == (
        "Kept in shop.yml: the next run shows it.", "shop.yml keeps this view already.",
    )  # fmt: skip
    text = (folder / "shop.yml").read_text(encoding="utf-8")
    assert "metrics: [net_revenue, orders, average_order_value] # the board's three" in text
    assert text.endswith(
        "views: # kept while exploring\n"
        "  - {section: trends, metric: net_revenue, grain: quarter, comparison: year_before}\n"
    )


def test_a_file_that_cannot_be_written_says_so(play, monkeypatch):
    def full(_path, _content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kpikit.exploring.keep.write_atomically", full)

    async def scene(page):
        await page.click("keep_file")
        return page.told

    assert "shop.yml cannot be written: No space left on device.\nMake room" in play(scene)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ({"done": "kept", "path": "a.ipynb"}, "Kept as a cell of a.ipynb: the next run shows it."),
        ({"done": "known", "path": "a.ipynb"}, "a.ipynb keeps this view already."),
        ({"error": "disk full"}, "Not kept as a cell: disk full.\nAdd this cell to the notebook"),
        ({"absent": True}, "Not kept as a cell: this page cannot write cells.\nAdd this cell"),
    ],
)
def test_a_view_is_kept_as_a_cell_by_the_page(reply, told, play, monkeypatch):
    asked = []

    def page_replies(message, then, _loop):
        asked.append(message)
        then(reply)

    monkeypatch.setattr("kpikit.exploring.keeper.ask_page", page_replies)

    async def scene(page):
        await page.click("keep_cell")
        return page.told

    assert play(scene).startswith(told)
    [message] = asked
    assert message["source"] == (
        'kk.explore(\n    report, "trends", product="shop", metric="net_revenue", grain="month",\n'
        '    comparison="year_before",\n)'
    )
    assert message["below"] == ["report.trends("]


def test_what_shows_nothing_cannot_be_kept(play):
    async def scene(page):
        await page.move("section", "funnel")
        await page.click("keep_cell")
        await page.click("keep_file")
        return page.told

    assert play(scene) == "There is nothing to keep: this choice shows nothing."
