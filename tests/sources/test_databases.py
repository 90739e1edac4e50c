# ruff: noqa: DTZ001 - stored times bear no zone
"""Databases other than DuckDB, shown on SQLite: read where they lie, by portable queries alone."""

import datetime as dt
import sqlite3
from decimal import Decimal

import pytest

from kpikit.errors import SourceError
from kpikit.sources import has_version, open_dataset, read_coverage


@pytest.fixture
def database(tmp_path):
    """Write orders and events into SQLite and return a function that runs a statement there."""
    path = tmp_path / "shop.sqlite"

    def run(statement, *rows):
        with sqlite3.connect(path) as con:
            con.executemany(statement, rows) if rows else con.execute(statement)
        con.close()

    run("create table orders (id integer, who text, at timestamp, amount real, country text)")
    run(
        "insert into orders values (?, ?, ?, ?, ?)",
        (1, "a", "2026-01-02 10:00:00", 10.5, "UK"),
        (2, None, "2026-07-03 12:00:00", -5.25, "UK"),
    )
    run("create table visits (user_id text, event text, event_time timestamp)")
    run(
        "insert into visits values (?, ?, ?)",
        *[(f"u{n}", "visit", "2026-01-05 10:00:00") for n in range(30)] * 2,
    )
    return run


@pytest.fixture
def shop(database, product, tmp_path):
    def make(tables=None, **source):
        columns = {"order_id": "id", "user_id": "who", "order_time": "at", "revenue": "amount"}
        orders = {"table": "orders", "columns": columns}
        connection = f"sqlite://{tmp_path / 'shop.sqlite'}"
        return product(tables or {"orders": orders}, source={"connection": connection, **source})

    return make


def test_a_table_is_mapped_where_it_lies(shop, rows):
    dataset = open_dataset(shop())

    assert rows(dataset.tables["orders"]) == [
        ("1", "a", dt.datetime(2026, 1, 2, 10), Decimal("10.5"), "USD", "sale", "UK"),
        ("2", None, dt.datetime(2026, 7, 3, 12), Decimal("-5.25"), "USD", "refund", "UK"),
    ]
    assert dataset.tables["orders"].get_backend().name == "sqlite"
    assert dataset.tables["orders"].equals(dataset.definitions["orders"])
    assert [(each.source, each.rows) for each in dataset.inputs] == [("orders", 2)]


def test_the_checks_run_there_too(shop, one):
    dataset = open_dataset(shop({"events": {"table": "visits"}}))

    assert one(dataset, "doubled_batch").rows == 30
    assert one(dataset, "exact_duplicate").rows == 30


def test_what_is_removed_is_removed_there_and_stored(shop, rows):
    table = {"table": "visits", "deduplicate": {"exact": True}}

    dataset = open_dataset(shop({"events": table}))

    assert dataset.tables["events"].count().to_pyarrow().as_py() == 30
    assert dataset.tables["events"].get_backend().name == "duckdb"


def test_the_last_row_of_a_key_is_the_latest(shop, database, rows):
    database("insert into orders values (1, 'b', '2026-01-01 10:00:00', 7, 'FR')")
    columns = {"order_id": "id", "user_id": "who", "order_time": "at", "revenue": "amount"}
    table = {"table": "orders", "columns": columns, "deduplicate": {"key": ["order_id"]}}

    dataset = open_dataset(shop({"orders": table}))

    assert rows(dataset.tables["orders"], "order_id", "user_id") == [("1", "a"), ("2", None)]


def test_without_a_version_query_the_ends_of_every_column_tell_versions_apart(shop, database):
    before = read_coverage(shop()).data_hash
    assert read_coverage(shop()).data_hash == before

    database("insert into orders values (3, 'c', '2026-01-03 10:00:00', 1, 'UK')")

    assert read_coverage(shop()).data_hash != before


def test_a_version_query_alone_tells_versions_apart(shop, database):
    query = "select max(id) as version from orders"
    before = read_coverage(shop(version_query=query)).data_hash

    database("update orders set amount = 99 where id = 1")
    assert read_coverage(shop(version_query=query)).data_hash == before

    database("insert into orders values (3, 'c', '2026-01-03 10:00:00', 1, 'UK')")
    assert read_coverage(shop(version_query=query)).data_hash != before


def test_equal_hashes_prove_equal_data_only_with_a_version_query(shop):
    assert not has_version(shop())
    assert has_version(shop(version_query="select max(id) from orders"))


def test_files_and_a_duckdb_file_are_known_by_their_bytes(product, tmp_path):
    (tmp_path / "shop.duckdb").touch()
    table = {"orders": {"table": "orders"}}

    assert has_version(product({"orders": {"files": "orders.csv"}}))
    assert has_version(product(table, source={"connection": f"duckdb://{tmp_path}/shop.duckdb"}))


def test_a_version_query_that_fails_is_named(shop):
    with pytest.raises(SourceError, match=r"source.version_query: .*no such column: nope"):
        read_coverage(shop(version_query="select nope from orders"))


def test_files_beside_a_database_are_read_by_the_embedded_engine(shop, write, rows):
    write("s.csv", "answer_time,score\n2026-01-02,9\n")

    dataset = open_dataset(shop({"events": {"table": "visits"}, "survey": {"files": "s.csv"}}))

    assert dataset.tables["survey"].get_backend().name == "duckdb"
    assert rows(dataset.tables["survey"], "score") == [(9.0,)]
