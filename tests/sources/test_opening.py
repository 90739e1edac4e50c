# ruff: noqa: DTZ001 - stored times bear no zone
"""Opening a product's data: what comes out, what is remembered, and what a mistake says."""

import bz2
import datetime as dt
import gzip
import json
import lzma
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis.backends.duckdb import Backend

from kpikit.errors import DataQualityError, PeriodError, SourceError
from kpikit.sources import (
    Coverage,
    check_findings,
    choose_period,
    default_period,
    findings_for,
    open_dataset,
    read_coverage,
    recall_coverage,
)
from kpikit.sources.cache import entry as cached

LINES = """
    order,sku,n,price,at,who,Country
    1,A,2,1.5,2026-01-02 10:00:00,00123,UK
    1,B,1,0.75,2026-01-02 10:00:00,00123,UK
    2,A,4,0,2026-01-03 09:00:00,18446744073709551615,FR
    C3,A,-2,1.5,2026-01-04 09:00:00,1E5,UK
    """
LINE_COLUMNS = {
    "order_id": "order", "product_id": "sku", "quantity": "n", "unit_price": "price",
    "order_time": "at", "user_id": "who",
}  # fmt: skip
EVENTS = "user_id,event,event_time\n1,visit,2026-01-02 10:00:00\n2,visit,2026-01-03 11:00:00\n"


@pytest.fixture
def lines(write, product):
    write("lines.csv", LINES)

    def make(**source):
        rule = [{"column": "order_id", "starts_with": "C", "as": "refund"}]
        table = {"files": "lines.csv", "columns": LINE_COLUMNS, "classify": rule, **source}
        return product({"order_lines": table}, currency="GBP")

    return make


@pytest.fixture
def events(write, product):
    write("events.csv", EVENTS)

    def make(**source):
        return product({"events": {"files": "events.csv", **source}})

    return make


def test_text_files_become_canonical_columns_with_ids_as_they_are_written(lines, rows):
    dataset = open_dataset(lines())

    table = dataset.tables["order_lines"]
    assert table.columns == (
        "order_id", "product_id", "quantity", "unit_price", "order_time", "user_id", "currency",
        "revenue", "kind", "Country",
    )  # fmt: skip
    assert rows(table, "user_id", "product_id", "quantity", "currency", "revenue", "kind") == [
        ("00123", "A", Decimal(2), "GBP", Decimal(3), "sale"),
        ("00123", "B", Decimal(1), "GBP", Decimal("0.75"), "sale"),
        ("18446744073709551615", "A", Decimal(4), "GBP", Decimal(0), "ignore"),
        ("1E5", "A", Decimal(-2), "GBP", Decimal(-3), "refund"),
    ]


def test_orders_are_derived_from_order_lines_and_a_zero_amount_makes_none(lines, rows):
    dataset = open_dataset(lines())

    assert rows(dataset.tables["orders"]) == [
        ("1", "00123", dt.datetime(2026, 1, 2, 10), Decimal("3.75"), "GBP", "sale", "UK"),
        ("C3", "1E5", dt.datetime(2026, 1, 4, 9), Decimal(-3), "GBP", "refund", "UK"),
    ]
    assert dataset.tables["orders"].columns[:6] == (
        "order_id", "user_id", "order_time", "revenue", "currency", "kind",
    )  # fmt: skip


def test_given_orders_keep_their_sign_their_rules_and_their_own_kind(write, product, rows):
    write(
        "orders.csv",
        """
        order_id,order_time,revenue,kind
        1,2026-01-02,10,
        2,2026-01-02,-4,
        A3,2026-01-02,-5,
        4,2026-01-03,2,Adjustment
        5,2026-01-03,0,
        """,
    )
    rule = [{"column": "order_id", "starts_with": "A", "as": "adjustment"}]

    dataset = open_dataset(product({"orders": {"files": "orders.csv", "classify": rule}}))

    assert rows(dataset.tables["orders"], "order_id", "revenue", "kind", "currency") == [
        ("1", Decimal(10), "sale", "USD"),
        ("2", Decimal(-4), "refund", "USD"),
        ("4", Decimal(2), "adjustment", "USD"),
        ("A3", Decimal(-5), "adjustment", "USD"),
    ]


def test_a_rule_may_name_a_source_column_that_is_mapped_or_not(write, product, rows):
    write("lines.csv", LINES)
    rules = [
        {"column": "order", "equals": "C3", "as": "adjustment"},
        {"column": "Country", "equals": "FR", "as": "ignore"},
    ]
    table = {"files": "lines.csv", "columns": LINE_COLUMNS, "classify": rules}

    dataset = open_dataset(product({"order_lines": table}))

    assert rows(dataset.tables["orders"], "order_id", "kind") == [
        ("1", "sale"),
        ("C3", "adjustment"),
    ]


def test_coverage_and_inputs_say_what_was_read(lines):
    dataset = open_dataset(lines())

    assert (dataset.first_day, dataset.as_of) == (dt.date(2026, 1, 2), dt.date(2026, 1, 4))
    (given,) = dataset.inputs
    assert (given.table, given.source, given.rows) == ("order_lines", "lines.csv", 4)
    assert (given.first, given.last) == (dt.datetime(2026, 1, 2, 10), dt.datetime(2026, 1, 4, 9))
    assert given.size_bytes > 0
    assert len(given.content_hash) == 64


def test_tables_are_views_of_what_reads_them(lines, rows):
    dataset = open_dataset(lines())

    assert {name: table.get_name() for name, table in dataset.tables.items()} == {
        "order_lines": "kpikit_order_lines",
        "orders": "kpikit_orders",
    }
    for name, definition in dataset.definitions.items():
        assert dataset.tables[name].schema() == definition.schema()
        assert rows(dataset.tables[name]) == rows(definition)


def test_a_second_opening_reads_no_text_and_gives_the_same(lines, monkeypatch, rows):
    first = open_dataset(lines())
    Path(lines().path.parent / "lines.csv").touch()
    monkeypatch.setattr("kpikit.sources.prepare._build", None)
    monkeypatch.setattr("kpikit.sources.opening._examine", None)

    second = open_dataset(lines())

    assert second.findings == first.findings
    assert second.inputs == first.inputs
    assert second.data_hash == first.data_hash
    assert rows(second.tables["orders"]) == rows(first.tables["orders"])


def test_a_second_opening_writes_no_query_again(lines, monkeypatch):
    open_dataset(lines())
    compiled = []
    compile_ = Backend.compile
    monkeypatch.setattr(
        Backend, "compile", lambda *args, **options: compiled.append(args) or compile_(*args)
    )

    second = open_dataset(lines())

    assert not compiled
    assert (
        second.tables["orders"].count().execute() == second.definitions["orders"].count().execute()
    )
    assert len(compiled) == 2  # the hook does hear queries


ALIKE = """
    order_id,order_time,revenue,currency
    1,03/01/2026 00:30,"1,5",EUR
    1,03/01/2026 00:30,"1,5",EUR
    2,04/13/2026 10:00,2.5,EUR
    n/a,03/02/2026 11:00,7,USD
    """


@pytest.fixture
def opened_alike(write, product):
    def open_it(table=None, **info):
        write("orders.csv", ALIKE)
        return open_dataset(product({"orders": {"files": "orders.csv", **(table or {})}}, **info))

    return open_it


@pytest.mark.parametrize(
    ("table", "info", "amounts", "day"),
    [
        ({}, {}, [2.5, 7.0], "2026-03-01"),
        ({"decimal": ","}, {}, [1.5, 1.5, 7.0], "2026-03-01"),
        ({"null_values": ["", "2.5"]}, {}, [7.0], "2026-03-01"),
        ({"formats": {"order_time": "%d/%m/%Y %H:%M"}}, {}, [2.5, 7.0], "2026-01-03"),
        ({"timezone": "Europe/London"}, {"timezone": "America/New_York"}, [2.5, 7.0], "2026-02-28"),
    ],
)
def test_products_laid_out_alike_are_each_read_by_their_own_parameters(
    opened_alike, table, info, amounts, day
):
    opened_alike()

    dataset = opened_alike(table, **info)

    # in one process: what was written for the first product must not serve the second
    revenue = dataset.tables["orders"].order_by("revenue")["revenue"].to_pyarrow().to_pylist()
    assert [float(amount) for amount in revenue if amount is not None] == amounts
    assert dataset.first_day.isoformat() == day


def test_products_laid_out_alike_are_each_checked_by_their_own_parameters(opened_alike, one):
    opened_alike(currency="EUR")

    other = opened_alike(currency="USD")

    assert one(other, "mixed_currency").rows == 3
    assert one(other, "exact_duplicate").rows == 1


def test_columns_of_further_values_are_opened_again_as_they_were(tmp_path, product, rows):
    times = pa.array([dt.datetime(2026, 1, 2)], pa.timestamp("us"))
    kind = pa.struct([("a b", pa.int64())])
    table = pa.table(
        {
            "user_id": ["1"], "event": ["visit"], "event_time": times,
            "more": pa.array([{"a b": 7}], kind),
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "events.parquet")
    loaded = product({"events": {"files": "events.parquet"}})
    first = open_dataset(loaded)

    second = open_dataset(loaded)

    assert second.tables["events"].schema() == first.tables["events"].schema()
    assert second.tables["events"].to_pyarrow().to_pylist()[0]["more"] == {"a b": 7}


def test_changed_content_is_read_again_and_changes_the_hash(lines, write):
    before = open_dataset(lines())
    write("lines.csv", LINES + "9,A,1,1,2026-01-05 09:00:00,7,UK\n")

    after = open_dataset(lines())

    assert after.data_hash != before.data_hash
    assert after.as_of == dt.date(2026, 1, 5)


def test_the_hash_is_of_the_content_and_not_of_the_place_or_time(lines, cache):
    key = read_coverage(lines()).data_hash
    os.utime(lines().path.parent / "lines.csv", (1, 1))

    assert read_coverage(lines(), cache_dir=cache / "other").data_hash == key
    assert open_dataset(lines()).data_hash == key


@pytest.mark.parametrize(
    "name", ["staged.parquet", "orders.parquet", "facts.json", "manifest.json"]
)
def test_a_damaged_entry_of_the_cache_is_rebuilt(lines, cache, rows, name):
    expected = rows(open_dataset(lines()).tables["orders"])
    (path,) = cache.glob(f"tables/*/{name}")
    path.write_bytes(b"torn")

    assert rows(open_dataset(lines()).tables["orders"]) == expected


def test_an_entry_altered_without_changing_its_size_is_rebuilt(lines, cache, rows):
    expected = rows(open_dataset(lines()).tables["orders"])
    (path,) = cache.glob("tables/*/orders.parquet")
    path.write_bytes(bytes(path.stat().st_size))

    assert rows(open_dataset(lines()).tables["orders"]) == expected


def test_coverage_comes_from_the_cache_once_the_data_was_opened(lines, monkeypatch):
    before = recall_coverage(lines())
    cold = read_coverage(lines())
    monkeypatch.setattr("kpikit.sources.opening.open_dataset", None)

    warm = read_coverage(lines())

    assert before is None
    assert cold == warm == recall_coverage(lines())
    assert (warm.first_day, warm.as_of) == (dt.date(2026, 1, 2), dt.date(2026, 1, 4))


def test_declared_as_of_wins_and_rows_after_it_are_named(lines, product, one):
    loaded = product(
        {"order_lines": {"files": "lines.csv", "columns": LINE_COLUMNS}},
        source={"as_of": dt.date(2026, 1, 3)},
    ) if lines() else None  # fmt: skip

    dataset = open_dataset(loaded)

    assert dataset.as_of == dt.date(2026, 1, 3)
    finding = one(dataset, "future_time")
    assert (finding.rows, finding.severity) == (1, "info")
    assert finding.message == (
        "order_time is after 2026-01-03, the last complete day, in 1 of 4 rows (25.0 %)."
    )


def test_stamps_astray_do_not_move_the_first_or_the_last_day(write, product, one):
    usual = [f"{n},visit,2026-03-{1 + n % 28:02d} 10:00:00" for n in range(400)]
    astray = ["a,visit,1970-01-01 00:00:00", "b,visit,2099-12-31 00:00:00"]
    write("events.csv", "\n".join(["user_id,event,event_time", *usual, *astray]))

    dataset = open_dataset(product({"events": {"files": "events.csv"}}))

    assert (dataset.first_day, dataset.as_of) == (dt.date(2026, 3, 1), dt.date(2026, 3, 28))
    finding = one(dataset, "future_time")
    assert (finding.rows, finding.severity) == (1, "warning")


def test_planned_costs_and_campaigns_do_not_move_the_last_day(write, product):
    write("events.csv", EVENTS)
    write("costs.csv", "cost_date,channel,cost\n2026-12-31,ads,100\n")
    write("campaigns.csv", "campaign,start_date,end_date\nxmas,2026-12-01,2026-12-24\n")

    dataset = open_dataset(
        product(
            {
                "events": {"files": "events.csv"},
                "costs": {"files": "costs.csv"},
                "campaigns": {"files": "campaigns.csv"},
            }
        )
    )

    assert dataset.as_of == dt.date(2026, 1, 3)


def test_days_begin_in_the_zone_of_the_product(write, product):
    write("events.csv", "user_id,event,event_time\n1,visit,2026-07-01T23:30:00Z\n")

    dataset = open_dataset(product({"events": {"files": "events.csv"}}, timezone="Europe/Berlin"))

    assert dataset.as_of == dt.date(2026, 7, 2)


@pytest.mark.parametrize(
    ("first_day", "as_of", "expected"),
    [
        (dt.date(2026, 1, 5), dt.date(2026, 7, 2), "2026Q2"),
        (dt.date(2026, 1, 5), dt.date(2026, 6, 30), "2026Q2"),
        (dt.date(2026, 7, 1), dt.date(2026, 8, 2), "2026Q3"),
    ],
)
def test_default_period_is_the_last_complete_quarter_with_data(events, first_day, as_of, expected):
    period = default_period(events(), Coverage(first_day, as_of, data_hash=""))

    assert period.label == expected


def test_a_period_outside_the_data_is_refused(events):
    coverage = Coverage(dt.date(2026, 1, 5), dt.date(2026, 7, 2), data_hash="")

    assert choose_period(events(), coverage, "2026-07").label == "2026-07"
    assert choose_period(events(), coverage).label == "2026Q2"
    with pytest.raises(PeriodError, match=r"Product 'demo' has no data in 2027Q1"):
        choose_period(events(), coverage, "2027Q1")
    with pytest.raises(PeriodError, match=r"covers 5 Jan – 2 Jul 2026; give a period within"):
        choose_period(events(), coverage, "2025Q4")


def test_files_of_different_column_order_and_encoding_marks_are_united_by_name(
    write, product, rows
):
    write("a.csv", b"\xef\xbb\xbfuser_id,event,event_time,Plan\n1,visit,2026-01-02,pro\n")
    write("b.csv", "event_time;user_id;event\n2026-01-03;2;visit\n")

    dataset = open_dataset(product({"events": {"files": "?.csv"}}))

    assert rows(dataset.tables["events"], "user_id", "event_time", "Plan") == [
        ("1", dt.datetime(2026, 1, 2), "pro"),
        ("2", dt.datetime(2026, 1, 3), None),
    ]
    assert [(each.source, each.rows) for each in dataset.inputs] == [("a.csv", 1), ("b.csv", 1)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.csv.gz", gzip.compress(EVENTS.encode(), mtime=0)),
        ("e.csv.xz", lzma.compress(EVENTS.encode())),
        ("e.csv.zst", pa.compress(EVENTS.encode(), codec="zstd", asbytes=True)),
        ("e.tsv", EVENTS.replace(",", "\t").encode()),
        ("e.txt", EVENTS.replace(",", "|").encode()),
        ("e.csv", EVENTS.replace("\n", "\r\n", 1).encode()),
    ],
)
def test_compressed_and_differently_parted_text_reads_alike(write, product, rows, name, content):
    write(name, content)

    dataset = open_dataset(product({"events": {"files": name}}))

    assert rows(dataset.tables["events"], "user_id", "event") == [("1", "visit"), ("2", "visit")]


def test_bz2_is_unpacked_once(write, product, cache):
    write("e.csv.bz2", bz2.compress(EVENTS.encode()))

    dataset = open_dataset(product({"events": {"files": "e.csv.bz2"}}))

    assert dataset.inputs[0].rows == 2
    assert len(list(cache.glob("unpacked/*/data.csv"))) == 1


def test_other_encodings_are_read_as_declared(write, product, rows):
    write("e.csv", "user_id,event,event_time\nJosé,visit,2026-01-02\n".encode("cp1252"))

    dataset = open_dataset(product({"events": {"files": "e.csv", "encoding": "cp1252"}}))

    assert rows(dataset.tables["events"], "user_id") == [("José",)]


def test_excel_cells_keep_what_they_mean(tmp_path, product, rows, one):
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    sheet = book.create_sheet("Data")
    sheet.append(["user_id", "event", "event_time", "amount"])
    sheet.append([13085, "visit", dt.datetime(2026, 1, 2, 10, 30), 1.5])
    sheet.append([10300000000000000000.0, "visit", dt.datetime(2026, 1, 3), True])
    book.save(tmp_path / "e.xlsx")
    table = {"files": "e.xlsx", "sheet": "Data", "formats": {}}

    dataset = open_dataset(product({"events": table}))

    assert rows(dataset.tables["events"], "user_id", "event_time", "amount") == [
        ("1.03E+19", dt.datetime(2026, 1, 3), "true"),
        ("13085", dt.datetime(2026, 1, 2, 10, 30), "1.5"),
    ]
    assert one(dataset, "damaged_id").examples == ("1.03E+19",)


def test_json_lines_keep_ids_and_miss_what_an_object_lacks(write, product, rows):
    objects = [
        {"user_id": "00123", "event": "visit", "event_time": "2026-01-02T10:00:00Z", "n": 5},
        {"user_id": 18446744073709551615, "event": "visit", "event_time": "2026-01-03T10:00:00Z"},
    ]
    write("e.jsonl", "\n".join(json.dumps(each) for each in objects))

    dataset = open_dataset(product({"events": {"files": "e.jsonl"}}))

    assert rows(dataset.tables["events"], "user_id", "n") == [
        ("00123", "5"), ("18446744073709551615", None),
    ]  # fmt: skip


def test_parquet_stays_where_it_lies_and_numbers_become_text_exactly(
    tmp_path, product, rows, cache
):
    pq.write_table(
        pa.table(
            {
                "order_id": [1, 2],
                "user_id": [13085.0, None],
                "order_time": pa.array([dt.datetime(2026, 1, 2)] * 2, "timestamp[ns]"),
                "revenue": [4.95, -1.0],
            }
        ),
        tmp_path / "orders.parquet",
    )  # fmt: skip

    dataset = open_dataset(product({"orders": {"files": "orders.parquet"}}))

    assert rows(dataset.tables["orders"], "order_id", "user_id", "revenue", "kind") == [
        ("1", "13085", Decimal("4.95"), "sale"),
        ("2", None, Decimal(-1), "refund"),
    ]
    assert dataset.tables["orders"]["order_time"].type().scale == 6
    assert not list(cache.glob("tables/*/*.parquet"))


def test_a_duckdb_file_is_read_where_it_lies_with_its_schema(tmp_path, product, rows):
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as con:
        con.execute("create schema sales")
        con.execute(
            "create table sales.orders as select 1 as order_id, 7 as user_id, "
            "timestamptz '2026-01-02 10:00:00+02' as order_time, 5.5 as revenue"
        )
    loaded = product({"orders": {"table": "sales.orders"}}, source={"connection": "shop.duckdb"})

    dataset = open_dataset(loaded)

    assert rows(dataset.tables["orders"], "order_id", "order_time", "revenue") == [
        ("1", dt.datetime(2026, 1, 2, 8), Decimal("5.5"))
    ]
    assert [(each.source, each.size_bytes) for each in dataset.inputs] == [("sales.orders", None)]
    assert read_coverage(loaded) == dataset.coverage


def test_sql_selects_over_the_files_and_sees_their_names(write, product, rows):
    write("2019.csv", "who,score\na,9\nb,3\n")
    write("2020.csv", "who,score\nc,10\n")
    sql = "select *, cast(_file[:4] || '-06-30' as date) as answer_time from {this}"
    table = {"files": "20*.csv", "columns": {"respondent_id": "who"}, "sql": sql}

    dataset = open_dataset(product({"survey": table}))

    assert rows(dataset.tables["survey"], "respondent_id", "answer_time", "score", "weight") == [
        ("a", dt.datetime(2019, 6, 30), 9.0, 1.0),
        ("b", dt.datetime(2019, 6, 30), 3.0, 1.0),
        ("c", dt.datetime(2020, 6, 30), 10.0, 1.0),
    ]
    assert [(each.source, each.rows) for each in dataset.inputs] == [
        ("2019.csv", 2),
        ("2020.csv", 1),
    ]


def test_a_constant_day_is_that_day_in_the_zone_of_the_product(write, product, rows):
    write("s.csv", "score\n9\n")
    columns = {"answer_time": {"value": dt.date(2020, 1, 15)}}

    dataset = open_dataset(
        product({"survey": {"files": "s.csv", "columns": columns}}, timezone="America/New_York")
    )

    assert rows(dataset.tables["survey"], "answer_time") == [(dt.datetime(2020, 1, 15, 5),)]
    assert dataset.as_of == dt.date(2020, 1, 15)


def test_optional_columns_that_the_source_lacks_are_missing_but_trials_stay_absent(write, product):
    write("s.csv", "subscription_id,user_id,mrr,start_time,end_time\n1,1,9.99,2026-01-01,\n")

    table = open_dataset(product({"subscriptions": {"files": "s.csv"}})).tables["subscriptions"]

    assert "end_reason" in table.columns
    assert "trial_start" not in table.columns


def test_errors_and_acceptances_weigh_the_findings(write, product, one):
    write("s.csv", "respondent_id,answer_time,score\na,2026-01-02,11\nb,2026-01-03,NA\n")
    table = {
        "files": "s.csv",
        "errors": ["out_of_range"],
        "accept": [{"check": "missing_value", "column": "score", "reason": "not asked"}],
    }

    dataset = open_dataset(product({"survey": table}))

    assert one(dataset, "missing_value").severity == "accepted"
    assert one(dataset, "missing_value").reason == "not asked"
    assert dataset.findings[0].severity == "error"
    with pytest.raises(
        DataQualityError, match=r"(?s)1 data check failed.*score is outside 0 to 10"
    ):
        check_findings(dataset)


def test_data_without_errors_passes(events):
    check_findings(open_dataset(events()))


def test_findings_of_order_lines_touch_orders(lines):
    dataset = open_dataset(lines())

    assert findings_for(dataset.findings, "orders") == dataset.findings
    assert findings_for(dataset.findings, "events") == ()


def test_a_product_without_tables_says_so(product):
    with pytest.raises(SourceError, match=r"demo.yml.*no table is declared.\nName at least one"):
        open_dataset(product({}))


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("", "events has no row"),
        ("a,open,soon\n", r"events.event_time cannot be read in any row, such as 'soon'"),
        ("a,open,\n", "events.event_time has no value in any row"),
    ],
)
def test_tables_without_any_time_say_why(write, product, rows, reason):
    write("e.csv", "user_id,event,event_time\n" + rows)

    with pytest.raises(SourceError, match=rf"no table has a row with a time: {reason}\.\nDeliver"):
        open_dataset(product({"events": {"files": "e.csv"}}))


def test_campaigns_alone_do_not_say_when_data_ends(write, product):
    write("c.csv", "campaign,start_date,end_date\nspring,2026-03-01,2026-03-31\n")

    with pytest.raises(SourceError, match="no table has a row with a time: campaigns may be plan"):
        open_dataset(product({"campaigns": {"files": "c.csv"}}))


def test_a_header_alone_is_an_error_finding(write, product, one):
    write("e.csv", "user_id,event,event_time\n")
    loaded = product({"events": {"files": "e.csv"}}, source={"as_of": dt.date(2026, 1, 31)})

    dataset = open_dataset(loaded)

    assert one(dataset, "empty_table").severity == "error"
    assert dataset.inputs[0].rows == 0
    assert dataset.as_of == dataset.first_day == dt.date(2026, 1, 31)


def test_a_cache_that_cannot_be_written_names_the_folder(events, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")

    with pytest.raises(
        SourceError, match=r"(?s)cache folder .*file.* cannot be used.*KPIKIT_CACHE_DIR"
    ):
        open_dataset(events(), cache_dir=blocked)


def test_a_full_disk_is_named(events, monkeypatch, cache):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kpikit.sources.cache.write_json", full)
    monkeypatch.setattr(
        "kpikit.sources.remembered.shutil.disk_usage", lambda _: type("U", (), {"free": 0})
    )

    with pytest.raises(SourceError, match=r"No space left on device. Its disk is full"):
        open_dataset(events())


def test_two_processes_may_build_one_entry_at_once(events, cache, rows):
    loaded = events()
    first = open_dataset(loaded)
    (entry,) = cache.glob("tables/*")

    # another process finished while this one was building: its entry stands
    def build(folder):
        (folder / "mine").write_text("mine")

    kept = cached(cache, f"tables/{entry.name}", build)

    assert kept == entry
    assert not (kept / "mine").exists()
    assert rows(first.tables["events"], "user_id") == [("1",), ("2",)]


def test_what_does_not_fit_into_memory_is_spilt_per_process(events, cache):
    con = open_dataset(events()).tables["events"].get_backend()

    (folder,) = con.raw_sql("select current_setting('temp_directory')").fetchone()
    assert Path(folder) == cache / "spill" / str(os.getpid())


def test_the_number_of_threads_is_as_declared(events, monkeypatch):
    monkeypatch.setenv("KPIKIT_THREADS", "3")

    con = open_dataset(events()).tables["events"].get_backend()

    assert con.raw_sql("select current_setting('threads')").fetchone() == (3,)


def test_few_rows_are_read_by_one_thread(events, monkeypatch):
    monkeypatch.delenv("KPIKIT_THREADS", raising=False)

    con = open_dataset(events()).tables["events"].get_backend()

    assert con.raw_sql("select current_setting('threads')").fetchone() == (1,)


def test_files_of_one_name_in_two_folders_are_told_apart(write, product):
    write("2025/e.csv", EVENTS)
    write("2026/e.csv", EVENTS.replace("2026", "2027"))

    dataset = open_dataset(product({"events": {"files": "202?/e.csv"}}))

    assert [each.source for each in dataset.inputs] == ["2025/e.csv", "2026/e.csv"]


def test_a_dimension_with_a_format_is_a_time(write, product, rows):
    write("e.csv", "user_id,event,event_time,born,score\n1,a,2026-01-02,31.12.1999,5\n")
    table = {
        "files": "e.csv",
        "columns": {"birthday": "born", "source": {"value": "app"}},
        "formats": {"birthday": "%d.%m.%Y"},
    }

    events_table = open_dataset(product({"events": table})).tables["events"]

    assert rows(events_table, "birthday", "source", "score") == [
        (dt.datetime(1999, 12, 31), "app", "5")
    ]


def test_a_rule_may_name_a_constant_and_a_source_column_may_bear_a_derived_name(
    write, product, rows
):
    write(
        "l.csv",
        "order_id,quantity,unit_price,order_time,kind\n1,1,5,2026-01-02,gift\n2,1,5,2026-01-02,x\n",
    )
    rules = [
        {"column": "kind", "equals": "gift", "as": "adjustment"},
        {"column": "shop", "equals": "other", "as": "ignore"},
    ]
    table = {"files": "l.csv", "columns": {"shop": {"value": "own"}}, "classify": rules}

    with pytest.raises(SourceError, match=r"classify.1.column: the source has no column 'shop'"):
        open_dataset(product({"order_lines": table}))
    dataset = open_dataset(product({"order_lines": {**table, "classify": rules[:1]}}))

    assert rows(dataset.tables["order_lines"], "order_id", "kind") == [
        ("1", "adjustment"), ("2", "sale"),
    ]  # fmt: skip


def test_columns_that_have_no_order_stay_with_the_lines_alone(tmp_path, product):
    table = pa.table(
        {
            "order_id": ["1"], "quantity": [1], "unit_price": [2.5], "tags": [["a", "b"]],
            "order_time": [dt.datetime(2026, 1, 2)], "weight": [0.5],
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "l.parquet")

    tables = open_dataset(product({"order_lines": {"files": "l.parquet"}})).tables

    assert "tags" in tables["order_lines"].columns
    assert "tags" not in tables["orders"].columns
    assert "weight" in tables["orders"].columns


def test_null_values_of_parquet_are_as_declared_only(tmp_path, product, rows):
    columns = {"user_id": ["NA", "b"], "event": ["x", "x"], "event_time": ["2026-01-02"] * 2}
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")

    plain = open_dataset(product({"events": {"files": "e.parquet"}}))
    declared = open_dataset(product({"events": {"files": "e.parquet", "null_values": ["NA"]}}))

    assert rows(plain.tables["events"], "user_id") == [("NA",), ("b",)]
    assert rows(declared.tables["events"], "user_id") == [("b",), (None,)]


def test_the_engine_draws_no_progress_bar_even_where_python_runs_interactively():
    asked = "select current_setting('enable_progress_bar')"
    code = f"""
import duckdb
from kpikit.sources.connect import embedded_engine
print(duckdb.sql("{asked}").fetchone(), embedded_engine().raw_sql("{asked}").fetchone())
"""

    # Python started with -c counts as interactive; there, as in a notebook, DuckDB draws a bar
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "(True,) (False,)"
