"""Rules on the metrics of declared A/B tests; the rest stands with the product's rules."""

# ruff: noqa: E501 - a case and its complaint are read side by side

import pytest

from kpikit.params.experiments import STANDARD_METRICS
from tests.params.test_rules_product import experiment


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"primary": "convertion"},
         "primary: the test knows no metric 'convertion'.\n  Did you mean 'conversion'?"),
        ({"secondary": "[arppu]"}, "secondary.0: the test knows no metric 'arppu'.\n  Did you mean 'arpu'?"),
        ({"guardrails": "[{metric: refunds, margin: 0.1}]"},
         "guardrails.0.metric: the test knows no metric 'refunds'."),
        ({"guardrails": "[{metric: conversion, margin: 0.1}]"},
         "guardrails.0.metric: 'conversion' is the primary metric and a guardrail."),
        ({"metrics": "{r: {kind: ratio, numerator: n}}"},
         "metrics.r: a ratio needs numerator and denominator.\n  Name two metrics"),
        ({"metrics": "{n: {kind: count}, r: {kind: ratio, numerator: n, denominator: m}}"},
         "metrics.r.denominator: 'm' is no metric of this test that counts or sums."),
        ({"metrics": "{s: {kind: sum, table: orders}}"}, "metrics.s.column: a sum names no column."),
        ({"metrics": "{c: {kind: count, column: revenue}}"},
         "metrics.c.column: says nothing of a metric of kind count.\n  Leave it out; it belongs to: sum, quantile."),
        ({"metrics": "{c: {kind: conversion, cap: 0.9}}"}, "metrics.c.cap: says nothing of"),
        ({"metrics": "{c: {kind: conversion, table: orders, event: buy}}"},
         "metrics.c.event: only rows of events have one."),
        ({"metrics": "{c: {kind: convert}}"}, "metrics.c.kind: "),
        ({"metrics": "{c: {kind: retention, from_days: 14}}"},
         "metrics.c.from_days: counting begins on day 14, when the window of 14 is over."),
        ({"metrics": "{q: {kind: quantile, column: x, q: 1}}"}, "metrics.q.q: must be below 1, and is 1.0."),
        ({"primary": "activation_rate"},
         "experiments.onboarding: activation_rate has no meaning yet.\n  Say under activation"),
        ({"history": "1 moon"}, "history: '1 moon' is no length of"),
        ({"mde": "0"}, "mde: must be above 0, and is 0.0."),
        ({"rope": "-1"}, "rope: must be above 0, and is -1.0."),
        ({"prior": "{mean: 0.1}"}, "prior.sd: "),
        ({"impact": "{value: 10, coverage: 1.5}"}, "impact.coverage: must be at most 1, and is 1.5."),
    ],
)  # fmt: skip
def test_a_metric_of_a_test_that_cannot_be_right_says_why(changes, complaint, message):
    assert complaint in message(experiment(**changes))


def test_metrics_of_a_test_may_be_known_or_declared(load):
    metrics = (
        "{visits: {kind: count, event: visit}, spend: {kind: sum, table: orders, column: revenue,"
        " cap: 0.999}, per_visit: {kind: ratio, numerator: spend, denominator: visits}}"
    )

    params = load(experiment(secondary="[per_visit, arpu]", metrics=metrics)).params

    declared = params.experiments["onboarding"]
    assert declared.metrics["visits"].event == "visit"
    assert declared.metric_names == ("conversion", "per_visit", "arpu")
    assert declared.days == 28


def test_a_window_that_cannot_be_read_is_told_of_once(message):
    text = message(experiment(conversion_window="soon", metrics="{c: {kind: count, from_days: 3}}"))

    assert text.startswith("atlas.yml has 1 mistake.")


def test_every_standard_metric_passes_once_activation_is_declared(load):
    names = ", ".join(name for name in STANDARD_METRICS if name != "conversion")
    text = experiment(secondary=f"[{names}]") + "\nactivation: {events: [activate]}"

    assert load(text).params.experiments["onboarding"].secondary == names.split(", ")
