"""Tables that an engine keeps: their values and types, and when they go."""

import gc

import ibis
import pandas as pd
import pytest

from kpikit.catalogue import keeping
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


def test_a_kept_table_is_dropped_with_the_last_expression_that_has_it(engine):
    kept = keep(engine.table("sales"))
    bob = kept.filter(kept.user == "bob")
    there = len(kept_in(engine))

    del kept
    gc.collect()
    still = len(kept_in(engine))
    del bob
    gc.collect()

    assert (there, still, len(kept_in(engine))) == (1, 1, 0)


def test_a_table_that_goes_while_a_result_is_read_is_dropped_later(engine, monkeypatch):
    kept = keep(engine.table("sales"))
    monkeypatch.setattr(keeping, "FETCHING", {id(engine)})

    del kept
    gc.collect()
    still = len(kept_in(engine))
    keeping.FETCHING.clear()
    other = keep(engine.table("sales"))

    assert still == 1
    assert kept_in(engine) == [other.op().name]


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
