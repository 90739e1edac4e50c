"""Tables that an engine keeps: their values and types, and when they go."""

import gc

import ibis
import pandas as pd
import pytest

from kpikit.catalogue.keeping import keep


@pytest.fixture
def engine():
    engine = ibis.duckdb.connect()
    engine.create_table("sales", pd.DataFrame({"user": ["ada", "bob", "ada"], "items": [1, 2, 4]}))
    return engine


def kept_in(engine):
    return [name for name in engine.list_tables(database=("temp", "main")) if "kept" in name]


def test_a_kept_table_has_the_rows_and_types_of_its_expression(engine):
    sales = engine.table("sales")
    per_user = sales.group_by("user").aggregate(items=sales["items"].sum(), none=ibis.null("date"))

    kept = keep(per_user)

    assert kept.schema() == engine.table(kept.op().name).schema()
    assert kept.schema() == ibis.schema({"user": "string", "items": "int64", "none": "date"})
    assert kept.order_by("user").to_pandas()["items"].tolist() == [5, 2]


def test_a_kept_table_is_computed_once(engine):
    kept = keep(engine.table("sales"))

    engine.truncate_table("sales")

    assert kept.count().execute() == 3


def test_a_kept_table_that_no_expression_has_goes_when_the_next_is_kept(engine):
    first = keep(engine.table("sales"))
    name = first.op().name
    bob = first.filter(first.user == "bob")

    del first
    gc.collect()
    second = keep(engine.table("sales"))
    there = kept_in(engine)
    del bob
    gc.collect()
    third = keep(engine.table("sales"))

    assert sorted(there) == sorted([name, second.op().name])
    assert sorted(kept_in(engine)) == sorted([second.op().name, third.op().name])


def test_a_table_that_goes_leaves_another_engines_result_alone(engine):
    other = ibis.duckdb.connect()
    other.create_table("sales", pd.DataFrame({"items": [7]}))
    gone = keep(engine.table("sales")).op().name
    gc.collect()

    fetched = engine.raw_sql("SELECT 5 AS n")
    keep(other.table("sales"))

    assert fetched.fetchall() == [(5,)]
    assert gone in kept_in(engine)


def test_a_frame_in_memory_can_be_kept():
    kept = keep(ibis.memtable({"odd name ": [1, 2]}))

    assert kept.to_pandas()["odd name "].tolist() == [1, 2]


def test_another_engine_keeps_a_table_as_ibis_does():
    lite = ibis.sqlite.connect()
    sales = lite.create_table("sales", pd.DataFrame({"items": [1, 2]}))

    kept = keep(sales.filter(sales["items"] > 1))

    assert isinstance(kept, ibis.expr.types.relations.CachedTable)
    assert kept.to_pandas()["items"].tolist() == [2]


@pytest.mark.parametrize(
    "kind", ["TIMESTAMPTZ", "TIMESTAMP_NS", "TIMESTAMP_S", "DECIMAL(38, 6)", "DATE", "INTEGER[]"]
)
def test_columns_of_any_kind_are_kept_as_they_are(engine, kind):
    engine.raw_sql(f"CREATE TABLE odd AS SELECT NULL::{kind} AS one")

    kept = keep(engine.table("odd"))

    assert kept.schema() == engine.get_schema(kept.op().name, catalog="temp", database="main")
    assert kept.to_pyarrow().to_pylist() == [{"one": None}]


def test_times_are_kept_as_the_engine_has_them(engine):
    noon = ibis.timestamp("2026-06-01 12:00:00")

    kept = keep(engine.table("sales").select(at=noon))

    assert str(kept.schema()["at"]) == "timestamp(6)"
    assert kept.at.max().execute() == pd.Timestamp("2026-06-01 12:00")
