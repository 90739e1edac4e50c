"""What is kept of one reading serves no other: files that moved, tables of one name, constants."""

import datetime as dt

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kpikit.errors import SourceError
from kpikit.params import load_product
from kpikit.sources import open_dataset
from kpikit.sources import read as reading


def test_files_that_moved_keep_their_names(tmp_path, product, rows):
    (tmp_path / "here").mkdir()
    for name, amount in (("x", 1.0), ("y", 2.0)):
        table = pa.table({
            "order_id": [name], "user_id": ["a"], "order_time": ["2026-01-02"],
            "revenue": [amount],
        })  # fmt: skip
        pq.write_table(table, tmp_path / "here" / f"{name}.parquet")
    path = product(
        {"orders": {"files": "*.parquet", "sql": "select *, _file as wave from {this}"}}
    ).path
    path.rename(tmp_path / "here" / path.name)

    before = open_dataset(load_product(tmp_path / "here" / path.name))
    expected = rows(before.tables["orders"], "wave", "revenue")
    (tmp_path / "here").rename(tmp_path / "there")
    after = open_dataset(load_product(tmp_path / "there" / path.name))

    assert rows(after.tables["orders"], "wave", "revenue") == expected
    assert expected == [("x.parquet", 1), ("y.parquet", 2)]


@pytest.mark.parametrize("order", [("orders", "sales.orders"), ("sales.orders", "orders")])
def test_tables_of_one_name_are_each_read_by_their_own_values(tmp_path, product, order):
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as con:
        con.execute("create schema sales")
        for name, form in (("orders", "%d.%m.%Y"), ("sales.orders", "%Y%m%d")):
            con.execute(
                f"create table {name} as select i::varchar as order_id, 'a' as user_id, "
                f"strftime(date '2026-01-01' + i::int, '{form}') as order_time, 5.5 as revenue "
                "from range(1, 60) as days(i)"
            )

    opened = [
        open_dataset(product({"orders": {"table": name}}, source={"connection": "shop.duckdb"}))
        for name in order
    ]

    assert {dataset.first_day for dataset in opened} == {dt.date(2026, 1, 2)}
    assert {dataset.as_of for dataset in opened} == {dt.date(2026, 3, 1)}


def test_a_file_that_is_small_only_once_it_is_tidy_is_read(write, product, monkeypatch):
    lines = [f"u{number},visit,2026-01-02 10:00:00" for number in range(50)]
    text = "\r\n".join(["user_id,event,event_time", *lines]) + "\nx,visit,2026-01-03 10:00:00\n"
    path = write("events.csv", text.encode())
    monkeypatch.setattr(reading, "FEW_BYTES", path.stat().st_size - 10)

    dataset = open_dataset(product({"events": {"files": "events.csv"}}))

    assert [each.rows for each in dataset.inputs] == [51]


def test_a_date_for_numbers_is_refused_also_after_its_twin_in_text(write, product):
    write("orders.csv", "order_id,user_id,order_time\n1,a,2026-01-02 10:00:00\n")

    def opened(value):
        columns = {"revenue": {"value": value}}
        return open_dataset(product({"orders": {"files": "orders.csv", "columns": columns}}))

    assert opened("2024-03-01").tables["orders"]["revenue"].count().to_pyarrow().as_py() == 0
    with pytest.raises(SourceError, match="holds date, not numbers"):
        opened(dt.date(2024, 3, 1))
