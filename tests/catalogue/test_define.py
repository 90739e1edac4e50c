"""An entry of ``define`` becomes a metric that rolls up before it divides."""

import datetime as dt

import ibis
import pyarrow as pa
import pytest

from kpikit.analysis.metrics import metric_table
from kpikit.catalogue import metrics_of
from kpikit.catalogue.define import defined_metric
from kpikit.errors import ParamsError
from kpikit.params.model import MetricParams
from kpikit.periods import Calendar

ORDERS = pa.table(
    {
        "order_id": ["1", "2", "3", "4"],
        "user_id": ["a", "a", "b", "c"],
        "order_time": pa.array(["2026-07-01", "2026-07-02", "2026-08-01", "2026-08-31"]).cast(
            pa.timestamp("us")
        ),
        "revenue": [10.0, 30.0, 50.0, -20.0],
        "kind": ["sale", "sale", "sale", "refund"],
        "channel": ["web", "app", "web", "shop"],
    }
)
OBSERVATIONS = pa.table(
    {
        "metric": ["rating", "rating", "tickets", "tickets", "rating"],
        "period_start": [dt.date(2026, month, 1) for month in (7, 8, 7, 8, 10)],
        "value": [4.0, 5.0, 7.0, 9.0, 3.0],
    }
)
WORDS = {"name": "own", "label": "Own", "question": "Why?", "table": "orders"}


def entry(numerator, denominator=None, **words):
    given = {**WORDS, **words, "numerator": numerator}
    if denominator:
        given["denominator"] = denominator
    return MetricParams.model_validate(given)


def value_of(product, *entries, period="2026Q3", table="orders"):
    metrics = [defined_metric(item, origin="shop.yml") for item in entries]
    tables = {"orders": ibis.memtable(ORDERS), "observations": ibis.memtable(OBSERVATIONS)}
    return metric_table(
        tables,
        metrics,
        [Calendar().parse(period)],
        calendar=Calendar(),
        as_of=dt.date(2026, 12, 31),
        params=product().params,
    )


@pytest.mark.parametrize(
    ("numerator", "value", "n", "additive"),
    [
        ({"sum": "revenue"}, 10 + 30 + 50 - 20, 4, True),
        ({"count": True}, 4, 4, True),
        ({"count_distinct": "user_id"}, 3, 3, False),
        ({"mean": "revenue"}, (10 + 30 + 50 - 20) / 4, 4, False),
        ({"sum": "revenue", "where": [{"column": "channel", "equals": "web"}]}, 60, 2, True),
        ({"count": True, "where": [{"column": "channel", "equals": ["web", "app"]}]}, 3, 3, True),
        (
            {
                "mean": "revenue",
                "where": [
                    {"column": "channel", "equals": "web"},
                    {"column": "kind", "equals": "sale"},
                ],
            },
            (10 + 50) / 2,
            2,
            False,
        ),
    ],
)
def test_each_aggregate_is_computed_over_the_rows_that_match(
    product, numerator, value, n, additive
):
    facts = value_of(product, entry(numerator))

    assert facts["value"].tolist() == [value]
    assert facts["n"].tolist() == [n]
    assert defined_metric(entry(numerator), origin="shop.yml").additive is additive


def test_a_ratio_divides_the_sums_of_the_whole_period(product):
    facts = value_of(product, entry({"sum": "revenue"}, {"count_distinct": "user_id"}))

    assert facts[["numerator", "denominator", "value"]].to_numpy().tolist() == [[70, 3, 70 / 3]]


@pytest.mark.parametrize(
    ("parts", "any_length"),
    [
        (({"sum": "revenue"}, {"count": True}), True),
        (({"mean": "revenue"},), True),
        (({"sum": "revenue"}, {"count_distinct": "user_id"}), False),  # grows with the period
        (({"count_distinct": "user_id"}, {"count": True}), False),
        (({"sum": "revenue"},), False),
    ],
)
def test_a_month_is_held_against_a_quarter_only_for_ratios_of_what_adds_up(parts, any_length):
    assert defined_metric(entry(*parts), origin="x").any_length is any_length


def test_the_units_behind_a_value_are_named_after_what_is_counted():
    users = defined_metric(entry({"sum": "revenue"}, {"count_distinct": "user_id"}), origin="x")
    rows = defined_metric(entry({"sum": "revenue"}), origin="x")

    assert (users.n_of, rows.n_of) == ("users", "rows")


def test_a_mean_over_a_count_is_taken_as_written(product):
    facts = value_of(product, entry({"mean": "revenue"}, {"count": True}))

    assert facts["value"].tolist() == [17.5 / 4]


def test_observations_count_by_the_metrics_own_name(product):
    rating = entry({"mean": "value"}, name="rating", table="observations")
    tickets = entry({"sum": "value"}, name="tickets", table="observations")

    facts = value_of(product, rating, tickets)

    assert facts["value"].tolist() == [(4 + 5) / 2, 7 + 9]


def test_observations_count_by_another_name_on_request(product):
    numerator = {"sum": "value", "where": [{"column": "metric", "equals": "tickets"}]}

    facts = value_of(product, entry(numerator, name="load", table="observations"))

    assert facts["value"].tolist() == [16]


def test_a_period_in_which_nobody_observed_is_missing_not_zero(product):
    tickets = entry({"sum": "value"}, name="tickets", table="observations")

    facts = value_of(product, tickets, period="2026-09")

    assert facts["value"].isna().tolist() == [True]
    assert facts["reason"].tolist() == ["there is no value in the period"]


@pytest.mark.parametrize(
    ("item", "formula"),
    [
        (entry({"sum": "revenue"}), "Sum of revenue."),
        (entry({"count": True}), "Number of rows."),
        (
            entry(
                {"sum": "revenue", "where": [{"column": "kind", "equals": "sale"}]},
                {"count_distinct": "user_id"},
            ),
            "Sum of revenue where kind is sale / distinct values of user_id.",
        ),
        (
            entry({"mean": "value"}, name="rating", table="observations"),
            "Mean of value where metric is rating.",
        ),
        (
            entry({"count": True, "where": [{"column": "channel", "equals": ["web", "app"]}]}),
            "Number of rows where channel is web or app.",
        ),
    ],
)
def test_the_formula_says_it_in_words(item, formula):
    assert defined_metric(item, origin="shop.yml").formula == formula


@pytest.mark.parametrize(
    ("numerator", "found"), [({}, "none"), ({"sum": "a", "mean": "b"}, "sum and mean")]
)
def test_a_measure_that_is_not_one_aggregate_is_refused(numerator, found):
    with pytest.raises(ParamsError, match=f"Metric 'own' measures {found}"):
        defined_metric(entry(numerator), origin="shop.yml")


def test_a_definition_in_a_file_is_known_to_its_scorecard(product):
    text = (
        "metrics: [web_sales]\n"
        "define:\n"
        "  - {name: web_sales, label: Web sales, question: How much on the web?, table: orders,\n"
        "     unit: money, numerator: {sum: revenue, where: [{column: channel, equals: web}]}}\n"
    )

    metric = metrics_of(product(text))["web_sales"]

    assert metric.formula == "Sum of revenue where channel is web."
    assert metric.owner == "Ada"


def test_a_definition_bears_its_version_and_since_when_the_data_follow_it():
    metric = defined_metric(
        entry({"count": True}, version=2, since="2026-07-01"), origin="shop.yml"
    )

    assert (metric.version, metric.since) == (2, dt.date(2026, 7, 1))
