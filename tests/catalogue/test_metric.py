"""A metric refuses words that it does not know, and tells who computes it."""

import datetime as dt

import pytest

from kpikit.catalogue import Metric
from kpikit.errors import ParamsError
from kpikit.periods import Calendar

WORDS = {"label": "X", "question": "Why?", "unit": "count", "table": "orders"}


def count_rows(table):
    return table.count()


@pytest.mark.parametrize("name", ["Orders", "2nd", "a-b", ""])
def test_a_name_of_another_form_is_refused(name):
    with pytest.raises(ParamsError, match=f"Metric name '{name}' has a form that is not allowed"):
        Metric(name=name, **WORDS)


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("unit", "euros", "Metric 'x': unit is 'euros'"),
        ("direction", "upp", "Did you mean 'up'"),
        ("per", "users", "Did you mean 'user'"),
        ("perspective", "money", "Known: customer, financial, growth, process"),
    ],
)
def test_a_word_that_is_not_known_is_refused_with_those_that_are(key, value, complaint):
    with pytest.raises(ParamsError, match=complaint):
        Metric(name="x", **{**WORDS, key: value})


@pytest.mark.parametrize(
    ("changes", "family"),
    [
        ({"numerator": count_rows}, "orders"),
        ({"numerator": count_rows, "table": "exposures"}, "own"),
        ({"numerator": count_rows, "table": "survey"}, "own"),
        ({"table": "survey"}, "survey"),
        ({"table": "subscriptions"}, "subscriptions"),
        ({"numerator": count_rows, "inputs": {"a": ("orders",)}}, "composite"),
    ],
)
def test_the_family_says_which_analysis_computes_a_metric(changes, family):
    metric = Metric(name="x", **{**WORDS, **changes})

    assert metric.family == family


@pytest.mark.parametrize(
    ("periods", "gap"),
    [
        (("2026-06", "2026-07"), "definition version 2 since 1 Jul 2026"),
        (("2026Q2", "2026Q3"), "definition version 2 since 1 Jul 2026"),
        (("2026", "2025"), "definition version 2 since 1 Jul 2026"),  # 2026 itself follows both
        (("2026-05", "2026-06"), ""),
        (("2026-07", "2026-08"), ""),
    ],
)
def test_periods_compare_where_one_definition_made_them(periods, gap):
    metric = Metric(name="x", **WORDS, version=2, since=dt.date(2026, 7, 1))

    assert metric.definition_gap(*map(Calendar().parse, periods)) == gap
    assert Metric(name="x", **WORDS, version=2).definition_gap() == ""
