"""What the metrics that a product's file names mean: per user, within the user's own window."""

import pytest

from kpikit.analysis.experiments import Mean, Proportion, Quantile, Ratio
from kpikit.analysis.experiments.declared import declared_metrics
from kpikit.analysis.experiments.shaping import Measure
from kpikit.errors import AnalysisError
from kpikit.params.experiments import STANDARD_METRICS
from kpikit.params.model import Activation, Conversion, Experiment, Product, ProductInfo

EVERY_TABLE = ("events", "orders", "subscriptions")


def product(**keys):
    return Product(product=ProductInfo(key="shop", name="Shop"), **keys)


def experiment(**keys):
    given = {
        "variants": {"a": 0.5, "b": 0.5}, "control": "a", "start": "2026-05-01",
        "end": "2026-05-10", "primary": "conversion",
    }  # fmt: skip
    return Experiment(**(given | keys))


def meaning(name, tables=EVERY_TABLE, declared=None, **keys):
    test = experiment(primary=name, metrics=declared or {})
    return declared_metrics(test, product(**keys), tables)


def test_conversion_is_the_declared_event_else_a_sale_else_a_paid_subscription():
    to_event = meaning("conversion", conversion=Conversion(**{"from": "open", "to": "buy"}))
    to_sale = meaning("conversion")
    to_paid = meaning("conversion", tables=("events", "subscriptions"))

    assert to_event.measures == {
        "conversion": Measure("events", "converted", where={"event": ["buy"]})
    }
    assert to_sale.measures == {
        "conversion": Measure("orders", "converted", where={"kind": "sale"})
    }
    assert to_paid.measures == {"conversion": Measure("subscriptions", "converted")}
    assert to_sale.metrics == {"conversion": Proportion("conversion")}
    assert to_sale.units == {"conversion": "share"}


def test_a_metric_without_its_table_says_what_it_would_count():
    with pytest.raises(AnalysisError, match=r"'conversion' of a test has no meaning"):
        meaning("conversion", tables=("events",))
    with pytest.raises(AnalysisError, match=r"'arpu' of a test has no meaning .*\nIt is: revenue"):
        meaning("arpu", tables=("events",))


def test_the_refund_rate_is_refunds_over_sales_and_better_when_low():
    found = meaning("refund_rate")

    assert found.metrics == {"refund_rate": Ratio("_refunds", "orders")}
    assert set(found.measures) == {"_refunds", "orders"}
    assert found.directions == {"refund_rate": "down"}
    assert found.units == {"refund_rate": "share"}


def test_retention_is_an_event_in_the_second_half_of_the_window():
    found = meaning("retention_rate")

    assert found.measures["retention_rate"].from_days == 7


def test_every_standard_metric_has_a_meaning_and_a_name():
    keys = {"activation": Activation(events=["done"])}

    found = [meaning(name, **keys) for name in STANDARD_METRICS]

    assert [list(one.metrics) for one in found] == [[name] for name in STANDARD_METRICS]
    assert all(one.labels[name] != name for one, name in zip(found, STANDARD_METRICS, strict=True))


def test_kinds_become_means_ratios_and_quantiles_with_their_units():
    declared = {
        "visits": {"kind": "count", "event": "visit", "label": "Visits per user"},
        "spend": {"kind": "sum", "table": "orders", "column": "revenue", "cap": 0.9},
        "per_visit": {"kind": "ratio", "numerator": "spend", "denominator": "visits"},
        "pages_each": {"kind": "ratio", "numerator": "visits", "denominator": "visits"},
        "median": {"kind": "quantile", "table": "orders", "column": "revenue"},
        "points": {"kind": "sum", "column": "score", "unit": "points"},
    }
    test = experiment(primary="visits", secondary=list(declared)[1:], metrics=declared)

    found = declared_metrics(test, product(), EVERY_TABLE)

    assert found.metrics["visits"] == Mean("visits")
    assert found.metrics["spend"] == Mean("spend", cap=0.9)
    assert found.metrics["per_visit"] == Ratio("spend", "visits")
    assert found.metrics["median"] == Quantile("median", 0.5)
    assert found.measures["visits"] == Measure("events", "count", where={"event": ["visit"]})
    assert found.units == {
        "visits": "number", "spend": "money", "per_visit": "money", "pages_each": "ratio",
        "median": "money", "points": "points",
    }  # fmt: skip
    assert found.labels["visits"] == "Visits per user"
    assert found.labels["per_visit"] == "Per visit"


def test_history_gives_means_and_ratios_their_own_past():
    test = experiment(primary="arpu", secondary=["average_order_value", "conversion"],
                      history="28d")  # fmt: skip

    found = declared_metrics(test, product(), EVERY_TABLE).metrics

    assert found["arpu"] == Mean("arpu", "arpu_before")
    assert found["average_order_value"] == Ratio(
        "gross_revenue", "orders",
        numerator_covariate="gross_revenue_before", denominator_covariate="orders_before",
    )  # fmt: skip
    assert found["conversion"] == Proportion("conversion")
