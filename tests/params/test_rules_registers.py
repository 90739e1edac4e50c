"""Rules on key results, drivers, claims of leading, milestones and themes."""

# ruff: noqa: E501 - a case and its complaint are read side by side

import datetime as dt
import math

import pytest

from kpikit.params.model import KeyResult

DUE = dt.date(2026, 9, 30)


def goal(result):
    return f"goals: [{{key: a, objective: b, key_results: [{{metric: mau, due: 2026-01-01, {result}}}]}}]"


def milestone(text):
    return f"milestones: [{{key: a, milestone: b, planned: 2026-01-01, {text}}}]"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (goal("baseline: 5"),
         "goals.0.key_results.0: needs exactly one aim.\n  Give target, or change with a baseline."),
        (goal("target: 1, change: 0.3, baseline: 5"), "key_results.0: needs exactly one aim."),
        (goal("change: 0.3"),
         "key_results.0.change: has no baseline.\n  Give the value that it changes as baseline."),
        (goal("change: 0.3, baseline: 0"),
         "key_results.0.baseline: the baseline is 0, of which no share can be taken.\n  Give the value"),
        (goal("change: 0.3, baseline: -4"), "the baseline is -4, of which no share can be taken"),
        (goal("change: 0, baseline: 5"), "key_results.0.baseline: baseline and target are both 5."),
        (goal("target: 5, baseline: 5"), "key_results.0.baseline: baseline and target are both 5."),
        (goal("target: 5, start: 2026-01-01"),
         "key_results.0.due: it is due on 2026-01-01, and starts on 2026-01-01.\n  Correct one"),
        ("targets: [{metric: mau, value: 5}]",
         "targets.0.period: is missing.\n  Give period: Fiscal quarter or year, month, week or day."),
        ("drivers: {net_revenue: orders * average_oder_value}",
         "drivers.net_revenue: unknown metric 'average_oder_value'.\n  Did you mean 'average_order_value'?"),
        ("drivers: {net_revenues: orders * average_order_value}",
         "drivers.net_revenues: unknown metric 'net_revenues'.\n  Did you mean 'net_revenue'?"),
        ("drivers: {net_revenue: orders ** 2}",
         "drivers.net_revenue: 'orders ** 2' may not stand in the formula 'orders ** 2'.\n  Use names"),
        ("drivers: {net_revenue: net_revenue * orders}",
         "drivers.net_revenue: 'net_revenue' is made of itself.\n  Let its formula name other metrics."),
        ("drivers: {net_revenue: orders * 2, orders: mau * wau, wau: net_revenue / mau}",
         "drivers.wau: 'wau' is made of itself."),
        ("leading_indicators: [{metric: wua, outcome: mau, lag_months: 1}]",
         "leading_indicators.0.metric: unknown metric 'wua'.\n  Did you mean 'wau'?"),
        ("leading_indicators: [{metric: wau, outcome: mua, lag_months: 1}]",
         "leading_indicators.0.outcome: unknown metric 'mua'."),
        ("leading_indicators: [{metric: wau, outcome: wau, lag_months: 1}]",
         "leading_indicators.0.outcome: 'wau' is said to lead itself.\n  Name another metric."),
        ("leading_indicators: [{metric: wau, outcome: mau, lag_months: 0}]",
         "leading_indicators.0.lag_months: must be at least 1"),
        (milestone("remaining: 5"),
         "milestones.0.remaining: stands without throughput.\n  Give both, or neither."),
        (milestone("throughput: orders"), "milestones.0.throughput: stands without remaining."),
        (milestone("throughput: oders, remaining: 5"), "milestones.0.throughput: unknown metric 'oders'."),
        (milestone("throughput: orders, remaining: -5"), "milestones.0.remaining: must be at least 0"),
        ("themes: {price: []}", "themes.price: has no keyword.\n  Give some, such as [price"),
        ("themes: {price: [cost, '*']}", "themes.price.1: '*' has neither letter nor digit."),
        ("views: [{section: trend}]", "views.0.section: unknown value 'trend'."),
        ("views: [{section: trends, metric: oders}]", "views.0.metric: unknown metric 'oders'."),
        ("views: [{section: trends, period: 2026Q9}]", "views.0.period: '2026Q9' is no period"),
        ("views: [{section: funnel, window: 3q}]", "views.0.window: '3q' is no length of time."),
        ("views: [{section: funnel, funnel: sale}]",
         "views.0.funnel: unknown funnel 'sale'.\n  Defined: none."),
        ("views: [{section: experiment, experiment: new}]",
         "views.0.experiment: unknown experiment 'new'."),
        ("themes: {price: [cost, Cost]}", "themes.price.1: keyword 'cost' stands here again."),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(text, complaint, message):
    assert complaint in message(text)


def test_a_formula_has_seven_factors_at_most(message):
    formula = " * ".join(f"x{number}" for number in range(8))

    text = message(f"drivers: {{x: {formula}}}", known_metrics=None)

    assert "drivers.x: 8 factors, and there may be 7.\n  Join some in a metric" in text


def test_what_is_right_passes(load):
    params = load(
        """
        drivers: {net_revenue: orders * average_order_value, orders: mau * wau}
        leading_indicators: [{metric: wau, outcome: mau, lag_months: 3}]
        themes: {price: [too much, cost*]}
        milestones: [{key: a, milestone: b, planned: 2026-01-01, remaining: 3, throughput: orders}]
        views: [{section: trends, metric: mau, grain: week, where: {zip: 00123}}]
        """
    ).params

    assert params.drivers["net_revenue"] == "orders * average_order_value"
    assert params.themes == {"price": ["too much", "cost*"]}
    assert params.milestones[0].remaining == 3
    assert params.leading_indicators[0].lag_months == 3
    assert params.views[0].where == {"zip": "00123"}


@pytest.mark.parametrize(
    ("fields", "aim"),
    [({"target": 5.0}, 5.0), ({"change": 0.3, "baseline": 200.0}, 260.0), ({}, math.nan)],
)
def test_the_aim_of_a_relative_target_rests_on_its_baseline(fields, aim):
    result = KeyResult(metric="mau", due=DUE, **fields)

    assert result.aim == pytest.approx(aim, nan_ok=True)
