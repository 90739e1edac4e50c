"""Queries read the columns that their metrics name, and no others."""

import datetime as dt

import ibis
import ibis.expr.operations as ops
import pyarrow as pa
import pytest

from kpikit.catalogue import CATALOGUE, Metric
from kpikit.catalogue.queries import metric_query
from kpikit.catalogue.relations import Span, row_schema, rows_by_period
from kpikit.params import Product
from kpikit.periods import Calendar

UTC = Calendar()
PRODUCT = Product.model_validate({"product": {"key": "shop", "name": "Shop"}})
SPAN = Span((UTC.parse("2026-07"),), UTC, dt.date(2026, 7, 31))
ORDERS = ibis.memtable(
    pa.table(
        {
            "order_id": ["a", "a", "b"],
            "user_id": ["ann", "ann", "bob"],
            "order_time": pa.array(["2026-07-01"] * 3).cast(pa.timestamp("us")),
            "revenue": [1.0, 1.0, 3.0],
            "kind": ["sale"] * 3,
            "country": ["UK", "UK", None],
        }
    )
)


def metric(numerator, name="own"):
    return Metric(
        name=name, label="Own", question="?", unit="count", table="orders", numerator=numerator
    )


def query(*metrics, **given):
    return metric_query(ORDERS, metrics, SPAN, params=PRODUCT, **given)


def columns_of(found):
    (joined,) = found.expression.op().find(ops.JoinChain)
    return set(joined.schema)


@pytest.mark.parametrize("dimensions", [(), ("country",), ("country", "kind")])
def test_the_schema_is_that_of_the_rows(dimensions):
    schema = row_schema(ORDERS, "orders", dimensions=dimensions)

    found = rows_by_period(ORDERS, "orders", SPAN, dimensions=dimensions).schema()

    assert list(found) == list(schema)
    assert {name: kind.copy(nullable=True) for name, kind in found.items()} == dict(
        ibis.schema(schema)
    )


def test_columns_that_no_metric_names_are_not_read():
    found = query(CATALOGUE["net_revenue"])

    assert columns_of(found) == {"order_id", "revenue", "kind", "kpikit_day", "kpikit_period"}


def test_sales_are_numbered_only_where_a_metric_asks_for_it():
    plain, numbered = (query(CATALOGUE[name]) for name in ("orders", "new_customers"))

    assert not plain.expression.op().find(ops.WindowFunction)
    assert numbered.expression.op().find(ops.WindowFunction)


def test_a_metric_of_whole_rows_reads_every_column():
    found = query(metric(lambda orders: orders.nunique()))

    assert columns_of(found) >= set(ORDERS.columns)
    assert found.expression.to_pyarrow()["own_numerator"].to_pylist() == [2]


def test_the_number_of_rows_reads_no_column():
    found = query(metric(lambda orders: orders.count()))

    assert columns_of(found) == {"kpikit_day", "kpikit_period"}
    assert found.expression.to_pyarrow()["own_numerator"].to_pylist() == [3]
