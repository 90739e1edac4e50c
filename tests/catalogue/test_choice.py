"""A page shows what the product lists, else what its stage calls for and its data can fill."""

import pytest

from kpikit.catalogue import CATALOGUE, metrics_of, scorecard_metrics, with_inputs
from kpikit.catalogue.choice import MOST, is_available
from kpikit.errors import UnknownNameError
from kpikit.params import load_product


def names(metrics):
    return [metric.name for metric in metrics]


def test_the_listed_metrics_come_in_the_order_listed(product):
    loaded = product("metrics: [refunds, mrr, orders]")

    assert names(scorecard_metrics(loaded, {"orders"})) == ["refunds", "mrr", "orders"]


def test_a_listed_metric_that_does_not_exist_is_refused_with_the_nearest(write):
    head = "product: {key: shop, name: Shop}\nmetrics: [ordrs]\n"
    loaded = load_product(write("shop.yml", head))

    with pytest.raises(
        UnknownNameError,
        match=r"Unknown metric 'ordrs' in shop.yml: metrics.\nDid you mean 'orders'",
    ):
        scorecard_metrics(loaded, {"orders"})


def test_without_a_list_the_stage_and_the_tables_decide(product):
    chosen = scorecard_metrics(product(), {"survey"})

    assert names(chosen) == ["nps"]  # growth; CSAT is of later stages


def test_a_products_own_metrics_come_first_and_no_more_than_fifteen_in_all(product):
    text = (
        "define:\n  - {name: lines, label: Lines, question: How many?, table: orders,\n"
        "     numerator: {count: true}}\n"
    )

    chosen = names(
        scorecard_metrics(product(text), {metric.table for metric in CATALOGUE.values()})
    )

    assert chosen[0] == "lines"
    assert len(chosen) == MOST == 15


@pytest.mark.parametrize(
    ("focus", "first", "last"),
    [("growth", "growth", "financial"), ("profitability", "financial", "growth")],
)
def test_the_focus_orders_the_metrics_that_the_stage_selects(write, focus, first, last):
    tables = {"orders", "events", "survey"}
    head = "product: {key: shop, name: Shop}\n"
    usual = scorecard_metrics(load_product(write("usual.yml", head)), tables)

    loaded = load_product(write("shop.yml", head.replace("Shop}", f"Shop, focus: {focus}}}")))
    chosen = scorecard_metrics(loaded, tables)

    found = [metric.perspective for metric in chosen]
    assert set(chosen) == set(usual)
    assert (found[0], found[-1]) == (first, last)
    middle = list(dict.fromkeys(found))[1:-1]
    assert middle == [name for name in ("customer", "process") if name in middle]


def test_a_metric_whose_declaration_is_absent_is_not_available(product):
    without, declared = product(), product("features: {Export: export}")
    metric = CATALOGUE["feature_adoption_rate"]

    found = [
        is_available(metric, tables={"events"}, catalogue=CATALOGUE, params=loaded.params)
        for loaded in (without, declared)
    ]

    assert found == [False, True]


@pytest.mark.parametrize(
    ("tables", "available"),
    [({"costs", "orders"}, True), ({"costs"}, False), ({"orders"}, False)],
)
def test_a_composite_is_available_where_each_input_is_in_some_way(product, tables, available):
    params = product().params

    found = is_available(CATALOGUE["cac"], tables=tables, catalogue=CATALOGUE, params=params)

    assert found is available


@pytest.mark.parametrize(
    ("tables", "customers"),
    [
        ({"costs", "subscriptions", "orders", "events"}, "new_subscribers"),
        ({"costs", "orders", "events"}, "new_customers"),
        ({"costs", "events"}, "new_users"),
        ({"costs"}, "new_subscribers"),
    ],
)
def test_inputs_come_before_the_composite_and_by_what_can_fill_them(product, tables, customers):
    loaded = product()

    found = with_inputs(
        [CATALOGUE["cac"], CATALOGUE["orders"]],
        tables=tables,
        catalogue=metrics_of(loaded),
        params=loaded.params,
    )

    assert names(found) == ["acquisition_cost", customers, "cac", "orders"]


def test_composites_of_composites_are_opened_to_the_end(product):
    found = with_inputs(
        [CATALOGUE["ltv_to_cac"]],
        tables={"costs", "subscriptions"},
        catalogue=CATALOGUE,
        params=product().params,
    )

    assert names(found) == [
        "arpa", "logo_churn_rate", "ltv", "acquisition_cost", "new_subscribers", "cac",
        "ltv_to_cac",
    ]  # fmt: skip
