"""Campaigns: the calendar, the lift beyond a forecast without them, cost and return."""

import datetime as dt

import pytest

from kpikit.errors import ParamsError
from kpikit.present.components import Absence, Callout, Cell, Figure, Table
from kpikit.sections.campaigns import campaigns_section

SOURCE = """
source:
  tables:
    orders: {files: orders.csv}
    costs: {files: costs.csv}
metrics: [orders]
economics: {gross_margin: 0.5}
"""
COSTS = "cost_date,channel,campaign,cost\n2026-08-05,Social,Sun,25\n2026-08-09,Social,Rain,0\n"
MONDAY = dt.date(2026, 1, 5)


def orders_csv(double=(), amount=5):
    """Return ten orders a week of 2026 up to September, twenty in some weeks."""
    rows = []
    for week in range(39):
        day = MONDAY + dt.timedelta(weeks=week)
        rows += [day] * (20 if day in double else 10)
    return "order_id,user_id,order_time,revenue\n" + "".join(
        f"{index},u,{day}T10:00:00,{amount}\n"
        for index, day in enumerate([*rows, dt.date(2026, 10, 1)])
    )


TWO_WEEKS = orders_csv(double=(dt.date(2026, 8, 3), dt.date(2026, 8, 10)))


NEW_CUSTOMERS = "\n".join(
    line.replace(",u,", f",u{index},") for index, line in enumerate(TWO_WEEKS.split("\n"))
)


def campaigns(*lines):
    return SOURCE + "campaigns:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


SUN = "campaign: Sun, start: 2026-08-03, end: 2026-08-16, metric: orders"


def open_section(open_context, yaml, *, orders=TWO_WEEKS, **files):
    context = open_context(yaml, {"orders.csv": orders, "costs.csv": COSTS} | files)
    return campaigns_section(context)


def row_of(table, place=0):
    return {key: cell.text if isinstance(cell, Cell) else cell
            for key, cell in table.rows[place].items()}  # fmt: skip


def test_lift_cost_and_return_are_reckoned_from_the_weeks_before(open_context):
    chart, table = open_section(open_context, campaigns(SUN)).items

    # two weeks of 20 orders where 10 were foreseen; an order is worth 5 at half margin:
    # (20 x 2.50 - 25) / 25 = 100 %; with a margin 20 % lower or higher 60 % to 140 %
    row = row_of(table)
    assert (row["actual"], row["expected"], row["effect"]) == ("40", "20", "more")
    assert row["lift"] == "+20 (20 to 20)"
    assert (row["cost"], row["cost_per_unit"]) == ("€25.00", "€1.25")
    assert (row["roi"], row["sensitivity"]) == ("100 %", "60 % – 140 %")
    assert table.title == "No two campaigns overlap"
    assert chart.title == "Sun came with more orders than foreseen without it: +20 (20 to 20)"
    assert isinstance(chart, Figure)
    assert "Sun: +20 (20 to 20)" in chart.alt


def test_too_short_a_history_for_the_season_is_remarked(open_context):
    _, table = open_section(open_context, campaigns(SUN)).items

    assert table.notes == ("Sun: too few weeks before to foresee a season of the year.",)


def test_overlapping_campaigns_are_named_and_share_their_lift(open_context):
    rain = "campaign: Rain, start: 2026-08-10, end: 2026-08-23, metric: orders"

    _, table = open_section(open_context, campaigns(SUN, rain)).items

    assert table.title == "At the same time ran Rain and Sun"
    assert "Sun: the lift is that of Rain too." in table.notes
    assert "Rain: no ROI, for it cost nothing." in table.notes
    assert row_of(table, 1)["roi"] == "–"


def test_days_that_are_no_whole_weeks_are_reckoned_by_the_weeks_that_they_touch(open_context):
    odd = "campaign: Sun, start: 2026-08-05, end: 2026-08-12, metric: orders"

    _, table = open_section(open_context, campaigns(odd)).items

    assert row_of(table)["lift"] == "+20 (20 to 20)"
    assert "Sun: the days are no whole weeks, so the weeks hold other days too." in table.notes


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("start: 2026-08-03, end: 2026-08-16", "it declares no metric"),
        (
            "start: 2026-08-03, end: 2026-08-16, metric: nps",
            "NPS is not known for the weeks before it",
        ),
        ("start: 2026-11-02, end: 2026-11-08, metric: orders", "it has not begun"),
        (
            "start: 2026-01-12, end: 2026-01-18, metric: orders",
            "fewer than two weeks are known before it",
        ),
    ],
)  # fmt: skip
def test_a_lift_that_cannot_be_known_says_why(open_context, line, why):
    table = open_section(open_context, campaigns(f"campaign: Sun, {line}")).items[-1]

    assert any(why in note for note in table.notes)
    assert row_of(table)["cost"] in ("€25.00", "–")


def test_of_a_running_campaign_the_weeks_that_are_over_are_reckoned(open_context):
    now = "campaign: Sun, start: 2026-09-14, end: 2026-10-20, metric: orders"

    chart, table = open_section(open_context, campaigns(now), orders=orders_csv()).items

    # the weeks of 14 and 21 September, ten orders each, as foreseen
    assert (row_of(table)["actual"], row_of(table)["effect"]) == ("20", "unclear")
    assert chart.title == "Sun: no lift of orders beyond chance, ±0 (0 to 0)"
    assert "Sun: it is still running." in table.notes


def test_a_campaign_whose_first_week_still_runs_has_no_lift_yet(open_context):
    late = "campaign: Sun, start: 2026-09-30, end: 2026-10-20, metric: orders"

    chart, _ = open_section(open_context, campaigns(late)).items

    assert chart.title == "Sun: the lift is not known (none of its weeks is over)"


def test_a_campaign_that_ends_before_it_starts_is_an_error_before_the_run(open_context):
    wrong = "campaign: Sun, start: 2026-08-16, end: 2026-08-03"

    with pytest.raises(ParamsError, match="it ends on 2026-08-03, before it starts on 2026-08-16"):
        open_section(open_context, campaigns(wrong))


TABLE = SOURCE.replace("metrics:", "    campaigns: {files: campaigns.csv}\nmetrics:")
HEAD = "campaign,channel,start_date,end_date,goal\n"


def test_a_campaign_of_the_table_that_ends_before_it_starts_says_so_and_has_no_number(open_context):
    rows = (
        HEAD + "Sun,Social,2026-08-03,2026-08-16,orders\nBack,Social,2026-08-20,2026-08-01,orders\n"
    )

    _, table = open_section(open_context, TABLE, **{"campaigns.csv": rows}).items

    assert row_of(table)["lift"] == "+20 (20 to 20)"  # its goal names the metric
    assert (row_of(table, 1)["days"], row_of(table, 1)["lift"]) == ("–", "–")
    assert any(
        note == "Back: it ends on 1 Aug 2026, before it starts on 20 Aug 2026."
        for note in table.notes
    )


def test_two_campaigns_of_one_name_are_told_and_not_reckoned(open_context):
    rows = HEAD + "Sun,,2026-08-03,2026-08-16,\nSun,,2026-09-03,2026-09-16,\n"

    (remark,) = open_section(open_context, TABLE, **{"campaigns.csv": rows}).items

    assert isinstance(remark, Callout)
    assert remark.text.startswith("Two campaigns are called 'Sun'.")


def test_money_bears_its_own_value_and_no_price_per_unit(open_context):
    line = SUN.replace("metric: orders", "metric: gross_revenue")

    _, table = open_section(open_context, campaigns(line)).items

    row = row_of(table)
    assert row["lift"] == "+€100.00 (€100.00 to €100.00)"  # 20 orders of 5
    assert (row["roi"], row["cost_per_unit"]) == ("100 %", "–")


def dearer(orders, week):
    """Return the orders with those of one week worth 8 instead of 5."""
    days = {str(week + dt.timedelta(days=n)) for n in range(7)}
    lines = orders.split("\n")
    return "\n".join(
        line[: -len("5")] + "8" if any(day in line for day in days) else line for line in lines
    )


def test_what_does_not_add_up_is_held_against_the_mean_of_its_weeks(open_context):
    line = SUN.replace("metric: orders", "metric: average_order_value")

    _, table = open_section(
        open_context, campaigns(line), orders=dearer(TWO_WEEKS, dt.date(2026, 8, 3))
    ).items

    # 8 and 5 a week, 6.50 on average, where 5 was foreseen; an average has no return
    row = row_of(table)
    assert (row["actual"], row["expected"]) == ("€6.50", "€5.00")
    assert row["lift"] == "+€1.50 (€1.50 to €1.50)"
    assert (row["effect"], row["cost_per_unit"], row["roi"]) == ("more", "–", "–")
    assert "total of the whole weeks that a campaign touches, the mean per week of a rate; fo" in (
        table.subtitle
    )


def test_more_of_what_shall_fall_is_bad(open_context):
    refunds = TWO_WEEKS + "".join(
        f"r{n},u,2026-0{month}-1{n}T10:00:00,-5\n" for month in (1, 8) for n in range(1, 4)
    )
    line = SUN.replace("metric: orders", "metric: refunds")

    chart, table = open_section(open_context, campaigns(line), orders=refunds).items

    assert row_of(table)["effect"] == "more"
    assert table.rows[0]["effect"].tone == "bad"
    assert chart.title.startswith("Sun came with more refunds than foreseen")


def test_a_unit_whose_worth_is_unknown_has_a_price_and_no_return(open_context):
    line = SUN.replace("metric: orders", "metric: new_customers")

    _, table = open_section(open_context, campaigns(line), orders=NEW_CUSTOMERS).items

    # twenty more new customers for 25
    assert (row_of(table)["cost_per_unit"], row_of(table)["roi"]) == ("€1.25", "–")
    assert "Sun: no ROI, for what one unit of new customers brings is not known." in table.notes


def test_without_costs_there_is_a_lift_and_no_return(open_context):
    yaml = campaigns(SUN).replace("    costs: {files: costs.csv}\n", "")

    _, table = open_section(open_context, yaml).items

    assert (row_of(table)["cost"], row_of(table)["roi"]) == ("–", "–")
    assert "Sun: no ROI, for no cost bears its name." in table.notes


def test_campaigns_of_years_ago_are_not_shown(open_context):
    old = "campaign: Old, start: 2024-08-16, end: 2024-08-30"

    (absence,) = open_section(open_context, campaigns(old)).items

    assert isinstance(absence, Absence)
    assert absence.text.startswith("No campaign ran or is planned since ")


def test_without_campaigns_one_line_names_table_and_key(open_context):
    (absence,) = open_section(open_context, SOURCE).items

    assert absence.text == (
        "No data; map the table campaigns under source: tables, or give the key campaigns."
    )


def test_without_a_kpi_there_is_no_line_to_draw(open_context):
    (table,) = open_section(
        open_context, campaigns("campaign: Sun, start: 2026-08-03, end: 2026-08-16")
    ).items

    assert isinstance(table, Table)
    assert table.title == "Sun: the lift is not known (it declares no metric)"
