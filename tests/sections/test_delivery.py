"""Milestones: planned, forecast by the pace so far, actual, and by how many days they slip."""

import datetime as dt

import pytest

from kpikit.present.components import Cell
from kpikit.present.delivery import slip_text
from kpikit.sections.delivery import delivery_section, seed_of
from tests.sections.conftest import ORDERS

DONE = "{key: a, milestone: First, planned: 2026-06-01, actual: 2026-06-08}"
ORDERS_YAML = "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [orders]\n"
YAML = """
source: {tables: {observations: {files: observations.csv}}}
metrics: [items_done]
define:
  - name: items_done
    label: Items done
    question: How much gets finished?
    table: observations
    numerator: {sum: value}
    unit: count
milestones:
"""


def observations(count=20, items=5):
    """Return so many weeks of items done, up to the one that ends on 4 October 2026."""
    last = dt.date(2026, 9, 28)
    days = [last - dt.timedelta(weeks=back) for back in reversed(range(count))]
    return "metric,period_start,value\n" + "".join(f"items_done,{day},{items}\n" for day in days)


def section(open_context, *milestones, weeks=20, items=5):
    yaml = YAML + "".join(f"  - {one}\n" for one in milestones)
    return delivery_section(open_context(yaml, {"observations.csv": observations(weeks, items)}))


def row_of(table, place=0):
    return {key: cell.text if isinstance(cell, Cell) else cell
            for key, cell in table.rows[place].items()}  # fmt: skip


def test_what_was_delivered_shows_its_slip_in_days(open_context):
    yaml = f"{ORDERS_YAML}milestones: [{DONE}]"

    (table,) = delivery_section(open_context(yaml, {"orders.csv": ORDERS})).items

    row = row_of(table)
    assert (row["planned"], row["actual"], row["slip"]) == ("1 Jun 2026", "8 Jun 2026", "+7 days")
    assert row["state"] == "done"
    assert not {"p50", "p85", "remaining", "forecast"} & set(row)  # known of no milestone
    assert table.title == "1 of 1 milestone done"


def test_the_rest_is_forecast_by_the_pace_of_the_weeks_before(open_context):
    open_one = (
        "{key: b, milestone: Next, planned: 2026-10-10, remaining: 10, throughput: items_done}"
    )

    table, chart = section(open_context, open_one, DONE).items[0].items

    # five a week, always: ten items take two weeks from the last day of data, 28 September
    row = row_of(table, 1)
    assert (row["p50"], row["p85"], row["p_on_time"]) == ("12 Oct 2026", "12 Oct 2026", "< 1 %")
    assert (row["slip"], row["state"], row["remaining"]) == ("+2 days", "open", "10")
    assert (
        table.title
        == "1 of 2 milestones done; next: Next, planned for 10 Oct 2026, 2 days late by P85"
    )
    assert "10,000 trials" in table.subtitle
    assert chart.title == "Items done came to 95 in 19 weeks"


def test_the_same_product_and_day_draw_the_same_trials(open_context):
    context = open_context(f"{ORDERS_YAML}milestones: [{DONE}]", {"orders.csv": ORDERS})

    # the first eight bytes of sha256("shop 2026-09-30")
    assert seed_of(context) == 0x2005_82B6_3062_1B60


def test_too_short_a_throughput_forecasts_nothing_and_says_why(open_context):
    open_one = (
        "{key: b, milestone: Next, planned: 2026-10-10, remaining: 10, throughput: items_done}"
    )

    table, _ = section(open_context, open_one, weeks=3).items[0].items

    row = row_of(table)
    assert (row["remaining"], row["slip"]) == ("10", "–")
    assert table.notes == (
        "Next: 2 periods of throughput, and 5 are needed, so there is no P50 and P85.",
    )
    assert table.title == "0 of 1 milestone done; next: Next, planned for 10 Oct 2026"


def test_throughput_that_nobody_wrote_down_is_told(open_context):
    yaml = ORDERS_YAML + (
        "milestones:\n"
        "  - {key: b, milestone: Next, planned: 2026-10-10, remaining: 10, throughput: nps}\n"
    )

    (table,) = delivery_section(open_context(yaml, {"orders.csv": ORDERS})).items

    assert table.notes == (
        "Next: 0 periods of throughput, and 5 are needed, so there is no P50 and P85.",
    )


def test_a_declared_forecast_stands_where_no_items_are_counted(open_context):
    yaml = ORDERS_YAML + (
        "milestones: [{key: b, milestone: Next, planned: 2026-09-20, forecast: 2026-10-05}]"
    )

    (table,) = delivery_section(open_context(yaml, {"orders.csv": ORDERS})).items

    row = row_of(table)
    assert (row["forecast"], row["slip"], row["state"]) == ("5 Oct 2026", "+15 days", "late")
    assert table.notes == ()
    assert table.title.endswith("planned for 20 Sep 2026, 15 days late by its forecast")


@pytest.mark.parametrize(
    ("days", "text"), [(0, "on time"), (1, "1 day late"), (-2, "2 days early")]
)
def test_a_slip_in_words(days, text):
    assert slip_text(days) == text


def test_without_milestones_one_line_names_the_key(open_context):
    (absence,) = delivery_section(open_context(ORDERS_YAML, {"orders.csv": ORDERS})).items

    assert absence.text == (
        "No milestone is declared. List some under milestones:, each with its planned day."
    )


CYCLE = """
  - name: item_days
    label: Cycle time
    question: How long does an item take?
    table: observations
    numerator: {mean: value}
    unit: days
    direction: down
"""


def test_cycle_times_are_scattered_around_their_median(open_context):
    weeks = ("2026-09-07", "2026-09-14", "2026-09-21")
    days = zip(weeks, (4, 9, 5), strict=True)
    rows = observations() + "".join(f"item_days,{day},{value}\n" for day, value in days)
    milestone = (
        "{key: b, milestone: Next, planned: 2026-10-10, remaining: 10, throughput: items_done,"
        " cycle_time: item_days}"
    )
    yaml = YAML.replace("milestones:\n", f"{CYCLE[1:]}milestones:\n  - {milestone}\n")

    table, charts = delivery_section(open_context(yaml, {"observations.csv": rows})).items

    pace, cycle = charts.items
    assert "P50" in [column.label for column in table.columns]
    assert pace.title.startswith("Items done came to")
    assert cycle.title == "Cycle time: 5.0 days in the middle of 3 weeks, 5.0 days in the last"
    assert "highest 9.0 days in" in cycle.alt


def test_a_cycle_time_without_a_value_has_no_chart(open_context):
    milestone = "{key: b, milestone: Next, planned: 2026-10-10, cycle_time: item_days}"
    yaml = YAML.replace("milestones:\n", f"{CYCLE[1:]}milestones:\n  - {milestone}\n")

    (table,) = delivery_section(open_context(yaml, {"observations.csv": observations()})).items

    assert row_of(table)["milestone"] == "Next"
