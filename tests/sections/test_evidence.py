"""A KPI's row says what its months show, and how likely its next target is."""

import datetime as dt
import math
from dataclasses import replace

import pandas as pd
import pytest

from kpikit.catalogue import CATALOGUE
from kpikit.sections.evidence import (
    bounds_of,
    false_signals,
    foreseen,
    history,
    open_aim,
    signals,
)
from tests.sections.conftest import WAVE, metric_of, orders_of

YAML = """
    source: {{as_of: {as_of}, tables: {{orders: {{files: orders.csv}}}}}}
    metrics: [net_revenue, average_order_value, paying_users]
    targets:
      - {{metric: net_revenue, period: 2026Q3, value: 300}}
      - {{metric: net_revenue, period: 2026Q4, value: 330}}
      - {{metric: average_order_value, period: 2026Q4, value: 1000}}
      - {{metric: paying_users, period: 2027Q2, value: 2}}
    annotations:
      - {{date: 2026-04-01, label: Moved, metrics: [net_revenue], rebase: {rebase}}}
"""


@pytest.fixture
def shop_of(open_context):
    def open_(amounts, *, as_of="2026-09-30", rebase="false", period="2026Q3"):
        yaml = YAML.format(as_of=as_of, rebase=rebase)
        return open_context(yaml, {"orders.csv": orders_of(amounts)}, period=period)

    return open_


def row_of(context, name):
    return context.scorecard.set_index("metric").loc[name]


def test_a_month_beyond_its_limits_is_a_signal_of_its_quarter(shop_of):
    context = shop_of([*WAVE[:-2], 160, 102])

    row = row_of(context, "net_revenue")

    assert (row["variation"], row["signal_period"]) == ("improvement", "2026-08")
    assert (row["rule"], row["side"], row["turned_from"]) == ("beyond_limit", "above", "")


def test_a_quarter_of_signals_on_both_sides_names_the_last_and_what_it_turned_from(shop_of):
    row = row_of(shop_of([*WAVE[:-3], 30, 25, 170]), "net_revenue")

    assert (row["variation"], row["signal_period"]) == ("improvement", "2026-09")
    assert row["turned_from"] == "2026-08"


def test_a_signal_before_the_period_is_not_the_periods(shop_of):
    context = shop_of([*WAVE[:-5], 160, *WAVE[-4:]])  # in May 2026

    assert row_of(context, "net_revenue")["variation"] == "routine"


def test_a_declared_change_begins_the_limits_afresh(shop_of):
    moved = [*WAVE[:27], *(60 + amount for amount in WAVE[27:])]  # from April 2026 on

    before = signals(shop_of(moved), metric_of(shop_of(moved), "net_revenue"))
    context = shop_of(moved, rebase="true")
    after = signals(context, metric_of(context, "net_revenue"))

    assert before["signal"].any()
    assert not after["signal"].any()


def test_a_finished_quarters_status_is_that_of_the_next_open_target(shop_of):
    context = shop_of(WAVE)

    row = row_of(context, "net_revenue")

    assert row["outcome"] == "hit"
    assert (row["aim"], row["aim_period"]) == (330, "2026Q4")
    assert row["p_hit"] < 0.05  # three months of about 102 make no 330
    assert row["status"] == "off_track"
    assert row["status_reason"].startswith("P(hit) ")


def test_an_unfinished_quarters_target_counts_what_has_come(shop_of):
    context = shop_of([*WAVE[:-2], 250], as_of="2026-08-31")  # August alone brings 250

    aim = open_aim(context, metric_of(context, "net_revenue"))

    assert aim.period.label == "2026Q3"
    assert aim.forecast.elapsed == 2
    assert aim.forecast.actual == pytest.approx(WAVE[30] + 250)
    assert aim.chance > 0.95


def test_a_rate_is_foreseen_as_the_mean_of_its_months(shop_of):
    context = shop_of(WAVE)

    found = foreseen(
        context, metric_of(context, "average_order_value"), context.calendar.parse("2026Q4")
    )

    assert 98 < found.mean < 106  # one order a month: between 100 and 104
    assert row_of(context, "average_order_value")["p_hit"] < 0.01


def test_distinct_users_are_foreseen_from_whole_quarters(shop_of):
    context = shop_of(WAVE)

    found = foreseen(context, metric_of(context, "paying_users"), context.calendar.parse("2026Q4"))

    assert found.periods == 1
    assert found.mean == pytest.approx(3)  # one order a month, each of another user


def test_a_target_beyond_the_next_period_has_no_chance_yet(shop_of):
    context = shop_of(WAVE)

    aim = open_aim(context, metric_of(context, "paying_users"))

    assert aim.period.label == "2027Q2"
    assert aim.forecast is None
    assert math.isnan(aim.chance)


def test_a_short_or_broken_history_says_nothing(shop_of):
    context = shop_of([*WAVE[:1]], as_of="2024-01-31", period="2024Q1")

    metric = metric_of(context, "net_revenue")

    assert history(context, metric, "month").empty
    assert not signals(context, metric)
    assert foreseen(context, metric, context.calendar.parse("2024Q1")) is None
    assert row_of(context, "net_revenue")["variation"] == "no_data"


def test_false_signals_are_counted_over_the_months_of_every_kpi(shop_of):
    # three KPIs, three months each, at 1 to 5 %
    assert 0.09 <= false_signals(shop_of(WAVE)) <= 0.45


def test_a_history_begins_with_the_present_definition(shop_of):
    context = shop_of(WAVE)
    metric = replace(metric_of(context, "net_revenue"), since=dt.date(2026, 4, 10), version=2)

    known = history(context, metric, "month")

    assert known.index.tolist() == ["2026-05", "2026-06", "2026-07", "2026-08", "2026-09"]


@pytest.mark.parametrize(
    ("name", "values", "bounds"),
    [
        ("nps", [40.0], (-100.0, 100.0)),
        ("orders", [3.0], (0.0, math.inf)),
        ("repeat_purchase_rate", [0.2, math.nan, 0.9], (0.0, 1.0)),
        ("repeat_purchase_rate", [0.2, 1.1], (-math.inf, math.inf)),
        ("revenue_churn_rate", [0.0, 0.3], (0.0, 1.0)),
        ("nrr", [0.9], (-math.inf, math.inf)),
        ("quick_ratio", [2.3, math.nan, 0.4], (0.0, math.inf)),
        ("ltv_to_cac", [3.0, -0.2], (-math.inf, math.inf)),
        ("net_revenue", [5.0], (-math.inf, math.inf)),
    ],
)
def test_a_kpi_ends_where_its_unit_and_its_past_say(name, values, bounds):
    assert bounds_of(CATALOGUE[name], pd.Series(values)) == bounds
