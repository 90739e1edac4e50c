"""What is foreseen of the periods to come, and how the last forecast fared."""

import dataclasses
import math
import re

import pandas as pd
import pytest

from kpikit.ledger import FORECAST_COLUMNS, KPI_COLUMNS, Ledger
from kpikit.present.components import Absence, Cell, Figure, Paragraph, Table
from kpikit.present.prospects import outcomes_table
from kpikit.sections.evidence import course_to, open_period
from kpikit.sections.forecast import forecast_section, ledger_rows
from kpikit.sections.prospects import LEDGER_COLUMNS, outcome_table, prospect_table, value_of
from tests.sections.conftest import WAVE, metric_of, orders_of

YAML = """
    source: {{as_of: {as_of}, tables: {{orders: {{files: orders.csv}}}}}}
    metrics: [{metrics}]
    targets: {targets}
"""
REVENUE = "net_revenue"
NEXT = "[{metric: net_revenue, period: 2026Q4, value: 330}]"


@pytest.fixture
def shop_of(open_context):
    def open_(amounts, *, metrics=REVENUE, targets=NEXT, as_of="2026-09-30", period="2026Q3"):
        yaml = YAML.format(as_of=as_of, metrics=metrics, targets=targets)
        return open_context(yaml, {"orders.csv": orders_of(amounts)}, period=period)

    return open_


def parts(component, kind):
    if isinstance(component, kind):
        return [component]
    return [found for item in getattr(component, "items", ()) for found in parts(item, kind)]


def cells(table):
    """Return the rows of a table as texts, notes behind them."""
    return [
        {
            key: cell if isinstance(cell, str) else f"{cell.text} {cell.note}".strip()
            for key, cell in row.items()
        }
        for row in table.rows
    ]


def numbers(text):
    return re.findall(r"\d(?:[\d,.]*\d)?", text)


def test_a_target_has_its_forecast_chance_and_what_it_takes(shop_of):
    section = forecast_section(shop_of(WAVE))

    prospects, _ = parts(section, Table)
    quarter, year = cells(prospects)
    assert prospects.title == "The open target is not likely to be hit: P < 1 %"
    assert (quarter["period"], quarter["target"]) == ("2026Q4", "€330")
    assert quarter["required"] == "€110.00 a month"  # 330 in three months
    # WAVE repeats 100 102 104 101 103: the best three in a row are 104 + 101 + 103 = 308
    assert quarter["best"] == "€102.67 a month"
    assert year["period"] == "2026"
    assert year["so_far"] == f"€{sum(WAVE[24:]):,.2f} 9 of 12 months"


def test_the_chart_says_its_forecast_as_the_table_does(shop_of):
    section = forecast_section(shop_of(WAVE))

    (chart,) = parts(section, Figure)
    row = cells(parts(section, Table)[0])[0]
    shown = [row[key] for key in ("mean", "period", "target", "p_hit")]
    assert chart.title == "Net revenue: {} foreseen for {}; target {}, P {}".format(*shown)
    assert set(numbers(chart.title)) <= set(numbers(" ".join(row.values())))
    assert chart.subtitle == "Net revenue, EUR, by quarter; hatched: forecast; lines: 80 and 95 %"


def test_the_chart_in_words_tells_what_came_from_what_is_foreseen(shop_of):
    (chart,) = parts(forecast_section(shop_of(WAVE)), Figure)

    came, foreseen = chart.alt.split("; ")[-2:]

    assert came.startswith("2026Q3: €")
    assert foreseen.startswith("2026Q4 (foreseen): €")


def test_several_targets_and_outcomes_are_counted_in_the_titles(shop_of):
    context = shop_of(
        WAVE,
        metrics="net_revenue, orders",
        targets="[{metric: net_revenue, period: 2026Q4, value: 330},"
        " {metric: orders, period: 2026Q4, value: 3}]",
    )

    prospects, outcomes = parts(forecast_section(context), Table)

    assert prospects.title == "1 of 2 open targets is likely to be hit"
    assert outcomes.title == "2 of 2 KPIs came inside the 80 % interval foreseen for 2026Q3"


def test_a_running_quarter_counts_what_has_come_and_what_is_left(shop_of):
    targets = "[{metric: net_revenue, period: 2026Q3, value: 300}]"

    section = forecast_section(shop_of([*WAVE[:-2], 250], targets=targets, as_of="2026-08-31"))

    row = cells(parts(section, Table)[0])[0]
    assert row["so_far"] == f"€{WAVE[30] + 250:.2f} 2 of 3 months"
    assert row["required"] == "nothing more"  # 352 of 300


def test_a_target_of_what_shall_fall_is_a_most(shop_of):
    section = forecast_section(
        shop_of(
            [-amount for amount in WAVE],
            metrics="refunds",
            targets="[{metric: refunds, period: 2026Q4, value: 330}]",
        )
    )

    row = cells(parts(section, Table)[0])[0]
    assert (row["target"], row["required"]) == ("at most €330", "at most €110.00 a month")


def test_a_rate_has_a_fan_by_month_and_no_rate_to_run_at(shop_of):
    section = forecast_section(
        shop_of(
            WAVE,
            metrics="average_order_value",
            targets="[{metric: average_order_value, period: 2026Q4, value: 103}]",
        )
    )

    (chart,) = parts(section, Figure)
    assert "bands: 50, 80 and 95 %" in chart.subtitle
    assert "required" not in [column.key for column in parts(section, Table)[0].columns]


def test_without_targets_the_first_kpis_that_add_up_are_foreseen(shop_of):
    context = shop_of(WAVE, metrics="average_order_value, net_revenue", targets="[]")

    section = forecast_section(context)

    assert {row["kpi"] for row in cells(parts(section, Table)[0])} == {"Net revenue"}
    assert parts(section, Table)[0].title == "What is foreseen; no target is open"


def test_without_targets_and_totals_the_section_says_what_would_fill_it(shop_of):
    context = shop_of(WAVE, metrics="average_order_value", targets="[]")

    (absence,) = forecast_section(context).items

    assert isinstance(absence, Absence)
    assert absence.text.endswith(
        "Declare some under targets:, such as {metric: ..., period: 2026Q4, value: ...}."
    )


def test_the_ledgers_rows_are_those_shown(shop_of):
    context = shop_of(WAVE)

    rows = forecast_section(context).metadata()["forecasts"]

    assert [(row["metric"], row["period"]) for row in rows] == [
        (REVENUE, "2026Q4"), (REVENUE, "2026"),
    ]  # fmt: skip
    assert set(rows[0]) == set(LEDGER_COLUMNS)
    assert rows[0]["target"] == 330
    assert rows[0]["naive"] == sum(WAVE[21:24])  # the last quarter of 2025
    assert rows[1]["naive"] == sum(WAVE[12:24])
    assert rows[1]["target"] is None
    assert rows[0]["low_95"] < rows[0]["low_80"] < rows[0]["mean"] < rows[0]["high_80"]


def test_a_number_unknown_is_none_in_the_ledger(shop_of):
    context = shop_of(WAVE)
    frame = prospect_table(
        context, [(metric_of(context, REVENUE), context.calendar.parse("2026Q4"))]
    )

    (row,) = ledger_rows(frame.assign(low_80=math.nan, mean=1 / 3))

    assert row["low_80"] is None
    assert row["mean"] == 0.333333


def test_the_last_forecast_stands_beside_what_came(shop_of):
    moved = [*WAVE[:-3], 150, 150, 150]  # the quarter just over brought half as much again

    section = forecast_section(shop_of(moved))

    table = parts(section, Table)[1]
    (row,) = cells(table)
    assert table.title == "Net revenue came outside the 80 % interval foreseen for 2026Q3"
    assert row["actual"] == "€450.00"
    assert row["inside"] == "no"
    assert 300 <= float(row["mean"].removeprefix("€")) <= 312  # it did not know them


def test_an_outcomes_error_is_what_came_less_the_forecast(shop_of):
    context = shop_of(WAVE)
    calendar = context.calendar

    frame = outcome_table(
        context,
        [metric_of(context, REVENUE)],
        calendar.parse("2026Q3"),
        known=calendar.parse("2026Q2").last_day,
    )

    row = frame.iloc[0]
    assert row["actual"] == sum(WAVE[30:])
    assert row["error"] == pytest.approx(row["actual"] - row["mean"])
    assert row["reported_in"] == ""
    assert row["trials"] > 4
    assert row["mae"] < 5


def published(*rows, **row):
    """Return a ledger of forecasts, each of 2026Q3 and of the review of 2026Q2 if not told so."""
    head = {
        "metric": REVENUE, "period": "2026Q3", "report_period": "2026Q2", "low_95": 200.0,
        "high_95": 400.0, "naive": 300.0, "definition": 1.0,
    }  # fmt: skip
    found = [{**head, **one} for one in (*rows, row) if one]
    kpis = pd.DataFrame(columns=list(KPI_COLUMNS))
    return Ledger(kpis, pd.DataFrame(found, columns=list(FORECAST_COLUMNS)))


def test_a_forecast_in_the_ledger_goes_before_one_made_anew(shop_of):
    earlier = published(mean=290.0, low_80=280.0, high_80=300.0)
    context = dataclasses.replace(shop_of(WAVE), earlier=earlier)

    table = parts(forecast_section(context), Table)[1]

    (row,) = cells(table)
    assert (row["mean"], row["interval"]) == ("€290.00", "€280.00 to €300.00")
    assert (row["actual"], row["error"], row["inside"]) == ("€306.00", "+€16.00", "no")
    assert table.subtitle.startswith(
        "Forecast of 2026Q3, as published in the review of 2026Q2; trials: "
    )


def test_where_some_forecasts_are_published_the_others_are_said_to_be_made_anew(shop_of):
    targets = (
        "[{metric: net_revenue, period: 2026Q4, value: 330},"
        " {metric: orders, period: 2026Q4, value: 3}]"
    )
    context = shop_of(WAVE, metrics="net_revenue, orders", targets=targets)
    earlier = published(mean=290.0, low_80=math.nan, high_80=math.nan)

    table = parts(forecast_section(dataclasses.replace(context, earlier=earlier)), Table)[1]

    assert cells(table)[0]["inside"] == ""
    assert "2026Q2, else made anew from the data to the end of 2026Q2" in table.subtitle


def test_the_skill_of_published_forecasts_is_that_over_last_years_value(shop_of):
    # WAVE brings 308 in 2026Q2 and 306 in 2026Q3
    earlier = published(
        {"period": "2026Q2", "report_period": "2026Q1", "mean": 302.0, "naive": 298.0},
        {"mean": 304.0, "naive": 300.0, "low_80": 290.0, "high_80": 310.0},
    )
    context = dataclasses.replace(shop_of(WAVE), earlier=earlier)

    (row,) = cells(parts(forecast_section(context), Table)[1])

    # misses of 6 and 2, against 10 and 6 of last year's value: 1 - 8 / 16
    assert row["skill"] == "0.50 of 2 forecasts"
    assert (row["mean"], row["inside"]) == ("€304.00", "yes")


def test_a_kpi_that_was_foreseen_and_has_no_target_now_is_told_too(shop_of):
    earlier = published(metric="orders", mean=3.0, low_80=2.0, high_80=4.0, naive=3.0)
    context = shop_of(WAVE, metrics="net_revenue, orders")

    table = parts(forecast_section(dataclasses.replace(context, earlier=earlier)), Table)[1]

    revenue, orders = cells(table)
    assert (revenue["skill"], orders["kpi"], orders["actual"]) == ("", "Orders", "3")
    assert orders["skill"] == ""  # last year's value was exact: nothing can beat it


def test_a_forecast_of_another_definition_is_struck_out_with_its_reason(shop_of):
    earlier = published(mean=290.0, low_80=280.0, high_80=300.0, definition=7.0)
    context = dataclasses.replace(shop_of(WAVE), earlier=earlier)

    table = parts(forecast_section(context), Table)[1]

    (row,) = table.rows
    assert row["error"] == Cell("+€16.00", struck=True)
    assert (row["inside"], row["skill"]) == ("", "")
    assert table.title == "No forecast of 2026Q3 has an interval to compare with"
    assert table.notes == ("Net revenue: not comparable, definition version 7 then, 1 now.",)


def test_when_a_year_ends_its_published_forecast_stands_beside_it(shop_of):
    # 36 months of WAVE's pattern: 2026 brings 100 104 101 103 102 ... as the months before
    amounts = [100 + (7 * index) % 5 for index in range(36)]
    total = sum(amounts[24:])
    earlier = published(
        {"period": "2026", "report_period": "2026Q3", "mean": total - 10.0, "low_80": total - 20.0,
         "high_80": total + 20.0, "naive": total + 5.0},
    )  # fmt: skip
    context = shop_of(
        amounts,
        targets="[{metric: net_revenue, period: 2027Q1, value: 330}]",
        as_of="2026-12-31",
        period="2026Q4",
    )

    table = parts(forecast_section(dataclasses.replace(context, earlier=earlier)), Table)[1]

    quarter, year = cells(table)
    assert (quarter["period"], year["period"]) == ("2026Q4", "2026")
    assert (year["error"], year["inside"]) == ("+€10.00", "yes")
    assert (quarter["skill"], year["skill"]) == ("", "−1.00 of 1 forecast")  # 1 - 10 / 5
    assert table.title.endswith(
        "forecasts came inside the 80 % interval foreseen for 2026Q4 and 2026"
    )


@pytest.mark.parametrize(("trials", "shown"), [(3, ("", "", "")), (4, ("4", "€2.50", "€7.00"))])
def test_few_trials_have_no_mean_to_show(trials, shown):
    outcome = {
        "label": "Net revenue", "unit": "money", "mean": 100.0, "low_80": 90.0, "high_80": 110.0,
        "actual": 104.0, "error": 4.0, "inside_80": True, "trials": trials, "mae": 2.5,
        "mae_naive": 7.0, "period": "2026Q3", "reason": "", "published": 0, "skill": math.nan,
    }  # fmt: skip

    (row,) = cells(outcomes_table(pd.DataFrame([outcome]), currency="EUR"))

    assert tuple(row[key] for key in ("trials", "mae", "mae_naive")) == shown


def test_three_points_are_carried_on_and_said_to_be(shop_of):
    context = shop_of(
        [100, 110, 120],
        targets="[{metric: net_revenue, period: 2024Q2, value: 350}]",
        as_of="2024-03-31",
        period="2024Q1",
    )

    table = parts(forecast_section(context), Table)[0]

    assert cells(table)[0]["mean"] == "€360.00 carried on"  # three times the last value
    assert table.notes[0].startswith("Carried on: fewer than 8 periods are known")


def test_a_constant_series_is_certain(shop_of):
    context = shop_of([100] * 33, targets="[{metric: net_revenue, period: 2026Q4, value: 300}]")

    row = cells(parts(forecast_section(context), Table)[0])[0]

    assert (row["mean"], row["p_hit"]) == ("€300.00", "100 %")


def test_a_negative_base_has_forecasts_and_no_percentage_of_it(shop_of):
    context = shop_of([-amount for amount in WAVE])

    section = forecast_section(context)

    row = cells(parts(section, Table)[0])[0]
    assert row["mean"].startswith("−€30")
    assert row["p_hit"] == "< 1 %"
    outcome = cells(parts(section, Table)[1])[0]
    assert "%" not in "".join(outcome[key] for key in ("mean", "actual", "error"))


AVERAGE = "[{metric: average_order_value, period: 2026Q4, value: 100}]"


def test_what_too_few_months_tell_is_foreseen_from_quarters(shop_of):
    gaps = [amount if index % 3 == 0 else 0 for index, amount in enumerate(WAVE)]
    context = shop_of(gaps, metrics="average_order_value", targets=AVERAGE)

    course = course_to(context, metric_of(context, "average_order_value"), open_period(context))

    assert [part.label for part in course.parts] == ["2026Q4"]
    assert (course.series.index[-1], course.season_length) == ("2026Q3", 4)
    assert course.series.tolist() == [amount for amount in gaps if amount][-len(course.series) :]


def test_a_history_with_too_many_gaps_is_not_foreseen(shop_of):
    gaps = [amount if index % 6 == 0 else 0 for index, amount in enumerate(WAVE)]
    context = shop_of(gaps, metrics="average_order_value", targets=AVERAGE)

    (absence,) = forecast_section(context).items

    assert absence.text.startswith("Average order value has no forecast: fewer than two complete")


def test_a_kpi_whose_target_lies_too_far_off_is_named_beside_the_others(shop_of):
    context = shop_of(
        WAVE,
        metrics="net_revenue, paying_users",
        targets="[{metric: net_revenue, period: 2026Q4, value: 330},"
        " {metric: paying_users, period: 2027Q2, value: 9}]",
    )

    section = forecast_section(context)

    (line,) = [part.text for part in parts(section, Paragraph) if "no forecast" in part.text]
    assert line.startswith("Paying users have no forecast: ")


def test_a_first_quarter_has_no_forecast_to_look_back_on(shop_of):
    context = shop_of(WAVE[:3], targets="[]", as_of="2024-03-31", period="2024Q1")

    section = forecast_section(context)

    assert section.items[-1].text == "No forecast of 2024Q1 can be made from what came before."


def test_a_year_is_the_sum_of_its_months_where_all_are_known(shop_of):
    context = shop_of(WAVE)
    revenue = metric_of(context, REVENUE)

    assert value_of(context, revenue, context.calendar.parse("2025")) == sum(WAVE[12:24])
    assert math.isnan(value_of(context, revenue, context.calendar.parse("2026")))


def test_the_steps_of_a_course_are_the_months_to_come(shop_of):
    context = shop_of(WAVE[:-1], as_of="2026-08-31")
    course = course_to(context, metric_of(context, REVENUE), context.calendar.parse("2026Q3"))

    steps = course.steps()

    assert steps["period"].tolist() == ["2026-09"]
    assert course.elapsed == 2
