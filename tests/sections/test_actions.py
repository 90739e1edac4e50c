"""What the page says of actions and of concerns that nobody acts on."""

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from kpikit.ledger import PROMISE_COLUMNS
from kpikit.present.actions import actions_title
from kpikit.present.components import Absence, Cell
from kpikit.sections.actions import actions_section, unanswered
from tests.sections.conftest import WAVE, orders_of

YAML = """
    source: {{as_of: 2026-09-30, tables: {{orders: {{files: orders.csv}}}}}}
    metrics: [{metrics}]
    actions: {actions}
"""
FALLEN = [*WAVE[:-2], 40, 102]  # August 2026 lies far below what is routine


@pytest.fixture
def shop_of(open_context):
    def open_(*actions, amounts=WAVE, metrics="net_revenue"):
        listed = ", ".join(f"{{key: k{i}, {text}}}" for i, text in enumerate(actions))
        yaml = YAML.format(metrics=metrics, actions=f"[{listed}]")
        return open_context(yaml, {"orders.csv": orders_of(amounts)})

    return open_


def table_of(context):
    (table,) = actions_section(context).items
    return table


def test_an_open_action_says_what_led_to_it_who_does_it_and_how_late_it_is(shop_of):
    context = shop_of(
        "action: Call them, owner: Ada, due: 2026-09-20, metric: net_revenue,"
        " expected_effect: 20, trigger: They left"
    )

    (row,) = table_of(context).rows

    assert (row["trigger"], row["action"], row["owner"]) == ("They left", "Call them", "Ada")
    assert (row["due"], row["status"]) == ("20 Sep 2026", "open")
    assert row["age"] == Cell("10 days late", tone="bad")
    assert row["expected"] == "Net revenue +€20.00"
    assert row["measured"] == ""
    assert table_of(context).title == "The open action is late"


@pytest.mark.parametrize(
    ("due", "age"),
    [("2026-09-30", "due today"), ("2026-10-01", "due in 1 day"), ("2026-10-12", "due in 12 days")],
)
def test_an_action_in_time_says_how_long_it_has(shop_of, due, age):
    assert table_of(shop_of(f"action: Call them, due: {due}")).rows[0]["age"] == age


def test_a_done_action_has_its_measured_effect(shop_of):
    # July brought 100, the month before the due day; September 130
    context = shop_of(
        "action: Call them, due: 2026-08-10, metric: net_revenue, expected_effect: 60,"
        " status: done",
        amounts=[*WAVE[:-3], 100, 101, 130],
    )

    table = table_of(context)

    assert table.rows[0]["measured"] == Cell(
        "+€30.00", tone="neutral", note="reached in part, 2026-07 to 2026-09"
    )
    assert table.rows[0]["age"] == ""
    assert table.title == "No action is open; the promise due was not kept"
    assert table.subtitle.startswith("Measured effect: the last whole month less the month before")


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("due: 2026-09-10, metric: net_revenue, expected_effect: 5", "too early to measure"),
        ("due: 2026-10-10, metric: net_revenue, expected_effect: 5", "too early to measure"),
        ("due: 2026-08-10, metric: nps, expected_effect: 5", "no value to measure"),
        ("due: 2024-02-10, metric: net_revenue, expected_effect: 5", "no value to measure"),
        ("due: 2026-08-10", ""),
    ],
)
def test_an_effect_that_cannot_be_measured_is_never_a_number(shop_of, rest, words):
    context = shop_of(f"action: Call them, {rest}, status: done")

    assert table_of(context).rows[0].get("measured", "") == words


def test_an_effect_without_a_promise_is_measured_all_the_same(shop_of):
    context = shop_of(
        "action: Call them, due: 2026-08-10, metric: net_revenue, status: done",
        amounts=[*WAVE[:-3], 100, 101, 90],
    )

    (row,) = table_of(context).rows

    assert row["expected"] == "Net revenue"
    assert row["measured"] == Cell("−€10.00", note="2026-07 to 2026-09")


def test_a_concern_without_an_action_is_listed(shop_of):
    context = shop_of(amounts=FALLEN)

    heading, row = table_of(context).rows

    assert heading == {"group": "Signals of concern without an action"}
    assert row["trigger"] == "Net revenue: below routine in 2026-08 (beyond a limit)"
    assert row["action"] == Cell("no action yet", tone="warning")
    assert table_of(context).title == "No action is open; 1 signal of concern has no action yet"


@pytest.mark.parametrize(
    ("rest", "answered"),
    [
        ("due: 2026-12-01, metric: net_revenue", True),
        ("due: 2026-08-20, metric: net_revenue, status: done", True),
        ("due: 2026-05-20, metric: net_revenue, status: done", False),
        ("due: 2026-12-01, metric: net_revenue, status: dropped", False),
        ("due: 2026-12-01, metric: orders", False),
        ("due: 2026-12-01", False),
    ],
)
def test_an_action_answers_a_concern_of_its_metric_while_it_lasts(shop_of, rest, answered):
    context = shop_of(f"action: Call them, {rest}", amounts=FALLEN)

    assert unanswered(context).empty == answered


def test_the_title_counts_what_is_late_and_what_nobody_acts_on():
    actions = pd.DataFrame(
        {"status": ["open", "open", "done"], "days_late": [3, 0, 0], "outcome": ["", "", ""]}
    )

    assert actions_title(actions, 2) == (
        "1 of 2 open actions is late; 2 signals of concern have no action yet"
    )
    assert actions_title(actions.assign(days_late=0), 0) == "None of 2 open actions is late"


def test_promises_that_were_kept_are_counted():
    outcomes = ["reached", "partly", "too_early", "opposite"]
    actions = pd.DataFrame({"status": "done", "days_late": 0, "outcome": outcomes})

    assert actions_title(actions, 0) == "No action is open; 1 of 3 promises due was kept"
    assert actions_title(actions.head(1), 0) == "No action is open; the promise due was kept"


PROMISE = {
    "report_period": "2026Q2", "key": "k0", "metric": "net_revenue", "expected": 20.0,
    "due": "2026-08-10", "definition": 1.0,
}  # fmt: skip
DONE = "action: Call them, due: 2026-08-10, metric: net_revenue, status: done"
KEPT = [*WAVE[:-3], 100, 101, 130]  # +30 from July to September 2026


@pytest.fixture
def promised(shop_of):
    """Return a function that opens a shop whose review of 2026Q2 published a promise."""

    def open_(*actions, **changed):
        context = shop_of(*actions, amounts=KEPT)
        rows = pd.DataFrame([{**PROMISE, **changed}], columns=list(PROMISE_COLUMNS))
        return replace(context, earlier=replace(context.earlier, promises=rows))

    return open_


def test_an_open_actions_promise_is_noted_for_the_ledger(shop_of):
    context = shop_of(
        "action: Call them, due: 2026-10-10, metric: net_revenue, expected_effect: 20",
        "action: Write to them, due: 2026-10-10, metric: net_revenue",
        f"{DONE}, expected_effect: 20",
    )

    noted = actions_section(context).metadata()

    assert noted["promises"] == [
        {"key": "k0", "metric": "net_revenue", "expected": 20.0, "due": "2026-10-10"}
    ]
    assert noted["definitions"] == {"net_revenue": 1}


def test_what_came_is_held_against_what_was_published_not_what_is_declared_now(promised):
    context = promised(f"{DONE}, expected_effect: 5", expected=40.0)

    table = table_of(context)

    assert table.rows[0]["expected"] == Cell(
        "Net revenue +€40.00", note="as in the review of 2026Q2; now Net revenue +€5.00"
    )
    assert table.rows[0]["measured"].note.startswith("reached in part")  # 30 of 40
    assert table.title == "No action is open; the promise due was not kept"


@pytest.mark.parametrize(
    ("now", "note"),
    [
        (", expected_effect: 20", "as in the review of 2026Q2"),
        ("", "as in the review of 2026Q2; now not declared"),
    ],
)
def test_a_promise_stands_as_it_was_published(promised, now, note):
    (row,) = table_of(promised(f"{DONE}{now}")).rows

    assert row["expected"] == Cell("Net revenue +€20.00", note=note)
    assert row["measured"].note.startswith("reached, 2026-07")


def test_a_due_day_that_was_put_off_shows_the_one_published(promised):
    (row,) = table_of(promised(f"{DONE}, expected_effect: 20", due="2026-07-01")).rows

    assert row["due"] == Cell("10 Aug 2026", note="was 1 Jul 2026")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"definition": 3.0}, "definition version 3 then, 1 now"),
        ({"metric": "orders"}, "the promise was of Orders"),
        ({"metric": "gone"}, "the promise was of gone"),
    ],
)
def test_a_promise_of_something_else_is_not_held_against_what_came(promised, changed, reason):
    table = table_of(promised(f"{DONE}, expected_effect: 20", **changed))

    assert table.rows[0]["expected"].note == "in 2026Q2: another promise"
    assert table.rows[0]["measured"] == Cell("+€30.00", note="2026-07 to 2026-09")
    assert table.notes == (f"Call them: not held against its promise of 2026Q2, {reason}.",)


def test_a_promise_whose_action_is_gone_from_the_file_is_named(promised):
    *_, line = actions_section(promised(key="win_back")).items

    assert line.text == "Promised in 2026Q2 and no longer declared: win_back."


def test_without_actions_and_concerns_the_section_says_which_key_would_fill_it(shop_of):
    (absence,) = actions_section(shop_of()).items

    assert isinstance(absence, Absence)
    assert "List actions under actions:" in absence.text


def test_ages_are_counted_from_the_reports_last_day_not_from_today(shop_of):
    context = shop_of("action: Call them, due: 2026-09-29")

    assert context.as_of == dt.date(2026, 9, 30)
    assert table_of(context).rows[0]["age"].text == "1 day late"
