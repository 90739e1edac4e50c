"""Every mistake in data or its mapping: what the message says."""

import gzip
import lzma
import sys

import duckdb
import openpyxl
import pytest

from kpikit.errors import ParamsError, SourceError
from kpikit.sources import open_dataset, recall_coverage

EVENTS = "user_id,event,event_time\n1,visit,2026-01-02 10:00:00\n2,visit,2026-01-03 11:00:00\n"


@pytest.fixture
def opened(write, product):
    """Write one file of events and open it with these parameters."""

    def open_it(content, name="e.csv", **source):
        write(name, content)
        return open_dataset(product({"events": {"files": name, **source}}))

    return open_it


def test_a_glob_without_a_match_names_the_glob_the_folder_and_the_nearest_file(
    write, product, tmp_path
):
    write("orders_2025.csv", EVENTS)
    loaded = product({"events": {"files": "order_2025.csv"}})

    with pytest.raises(SourceError, match=r"demo.yml:\d+: source.tables.events.files: no file"):
        open_dataset(loaded)
    with pytest.raises(SourceError, match=rf"'order_2025.csv' in {tmp_path}") as raised:
        recall_coverage(loaded)
    assert "Did you mean 'orders_2025.csv'?" in str(raised.value)


def test_a_folder_that_does_not_exist_is_named(product):
    with pytest.raises(SourceError, match=r"The folder of 'data/e.csv' does not exist"):
        open_dataset(product({"events": {"files": "data/e.csv"}}))


def test_a_folder_instead_of_a_file_is_refused(product, tmp_path):
    (tmp_path / "data").mkdir()

    with pytest.raises(
        SourceError, match=r"'data' is a folder.\nName the files in it, such as data/\*.csv"
    ):
        open_dataset(product({"events": {"files": "data"}}))


def test_an_empty_file_is_refused(opened):
    with pytest.raises(SourceError, match=r"e.csv is empty \(0 bytes\)"):
        opened("")


def test_a_file_of_blank_lines_is_refused(opened):
    with pytest.raises(SourceError, match=r"e.csv is empty: it has no header"):
        opened(b"\n\n")


def test_a_suffix_that_cannot_be_read_lists_those_that_can(opened):
    with pytest.raises(
        SourceError, match=r"e.pdf is of a kind that cannot be read.\nGive one of: .*.csv"
    ):
        opened("x", name="e.pdf")


def test_parquet_and_text_are_not_mixed(write, product):
    write("a.csv", EVENTS)
    write("b.parquet", "x")

    with pytest.raises(SourceError, match="mixes Parquet files with others"):
        open_dataset(product({"events": {"files": ["a.csv", "b.parquet"]}}))


def test_an_absent_column_names_the_nearest(opened):
    with pytest.raises(
        SourceError,
        match=r"demo.yml:\d+: source.tables.events.columns.user_id: "
        r"the source has no column 'usr_id'."
        r"\nDid you mean 'user_id'\? Columns: event, event_time, user_id",
    ):
        opened(EVENTS, columns={"user_id": "usr_id"})


def test_required_columns_without_a_source_are_listed(opened):
    with pytest.raises(
        SourceError, match=r"no column for user_id, event_time, which events needs"
    ) as raised:
        opened("who,event,at\n1,visit,2026-01-02\n")
    assert "Map them under columns. Columns of the source: who, event, at." in str(raised.value)


def test_a_wrong_delimiter_is_guessed_at(opened):
    with pytest.raises(
        SourceError, match=r"no column 'user_id'(?s:.*)seems to be parted by ';': mend delimiter"
    ):
        opened(
            EVENTS.replace(",", ";"),
            delimiter=",",
            columns={"user_id": "user_id", "event": "event", "event_time": "event_time"},
        )


@pytest.mark.parametrize("second", ["event", "Event"])
def test_a_column_that_is_read_and_stands_twice_is_refused(opened, second):
    with pytest.raises(
        SourceError,
        match=r"demo.yml:\d+: source.tables.events: column 'event' stands more than once in the "
        r"header.\nRename one in the file, or choose with sql, where the second is 'event_2'",
    ):
        opened(f"user_id,event,event_time,{second}\n1,a,2026-01-02,b\n")


def test_a_column_that_stands_twice_may_be_chosen_with_sql(opened):
    sql = "select user_id, event_2 as event, event_time from {this}"

    events = opened("user_id,event,event_time,event\n1,a,2026-01-02,b\n", sql=sql).tables["events"]

    assert events["event"].to_pyarrow().to_pylist() == ["b"]


def test_a_column_that_stands_twice_and_is_not_read_does_no_harm(opened):
    dataset = opened("user_id,event,event_time,x,x\n1,a,2026-01-02,b,c\n")

    assert dataset.tables["events"].columns[-2:] == ("x", "x_2")


def test_a_rule_on_an_unknown_column_is_refused(write, product):
    write("o.csv", "order_id,order_time,revenue\n1,2026-01-02,3\n")
    rule = [{"column": "type", "equals": "C", "as": "refund"}]

    with pytest.raises(SourceError, match=r"classify.0.column: the source has no column 'type'"):
        open_dataset(product({"orders": {"files": "o.csv", "classify": rule}}))


def test_a_key_of_unknown_columns_is_refused(opened):
    with pytest.raises(
        SourceError,
        match=r"deduplicate.key: the table has no column 'usr'.\nDid you mean 'user_id'",
    ):
        opened(EVENTS, deduplicate={"key": ["usr"]})


def test_a_line_with_other_fields_than_the_header_is_named(opened):
    with pytest.raises(
        SourceError, match=r"e.csv, line 3: 2 fields where the header has 3.\nMend the line"
    ):
        opened("user_id,event,event_time\n1,visit,2026-01-02\n2,visit\n")


def test_an_unclosed_quotation_mark_is_named(opened):
    with pytest.raises(
        SourceError, match=r"e.csv, line 3: a quotation mark is opened and never closed"
    ):
        opened('user_id,event,event_time\n1,visit,2026-01-02\n2,"visit,2026-01-03\n')


def test_text_of_another_encoding_is_named(opened):
    content = "user_id,event,event_time\nJosé,visit,2026-01-02\n".encode("latin-1")

    with pytest.raises(SourceError, match=r"e.csv is not utf-8 text.\nDeclare its encoding"):
        opened(content)


def test_text_of_another_encoding_far_down_is_named_with_its_line(opened):
    lines = "1,visit,2026-01-02 10:00:00\n" * 8000
    content = ("user_id,event,event_time\n" + lines).encode() + "é,v,2026-01-02\n".encode("latin-1")

    with pytest.raises(
        SourceError, match=r"e.csv, line \d+: the text is not utf-8.\nDeclare its encoding"
    ):
        opened(content)


def test_a_declared_encoding_that_does_not_fit_is_named(opened):
    with pytest.raises(SourceError, match=r"e.csv is not utf-16 text"):
        opened(EVENTS.encode(), encoding="utf-16")


def test_text_with_a_byte_order_mark_of_utf_16_asks_for_the_encoding(opened):
    with pytest.raises(SourceError, match=r"e.csv is not utf-8 text"):
        opened(EVENTS.encode("utf-16"))


def test_a_spreadsheet_named_as_text_is_no_text(opened):
    with pytest.raises(
        SourceError, match=r"e.csv is no text file.\nGive it the suffix of what it is"
    ):
        opened(b"PK\x03\x04\x00\x00")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.csv.xz", lzma.compress(EVENTS.encode())[:-20]),
        ("e.csv.xz", b"not xz"),
        ("e.csv.gz", b"not gzip"),
        ("e.csv.gz", gzip.compress(EVENTS.encode(), mtime=0)[:-20]),
        ("e.csv.zst", b"not zstandard"),
        ("e.xlsx", b"not a workbook"),
    ],
)
def test_a_damaged_file_is_named(opened, name, content):
    with pytest.raises(
        SourceError, match=rf"{name} is damaged or not what its name says.*\nDeliver it again"
    ):
        opened(content, name=name)


def test_a_damaged_parquet_file_is_named(opened):
    with pytest.raises(SourceError, match="is no Parquet file, or is damaged"):
        opened(b"PAR1 and nothing more than that", name="e.parquet")


@pytest.mark.parametrize("content", [b"\n", gzip.compress(b"", mtime=0)], ids=["line", "gzip"])
def test_json_without_an_object_is_refused(opened, content):
    name = "e.jsonl.gz" if content[:1] == b"\x1f" else "e.jsonl"

    with pytest.raises(SourceError, match=r"e\.jsonl\S*: there is no object, so no column"):
        opened(content, name=name)


def test_json_that_is_none_is_named(opened):
    with pytest.raises(SourceError, match=r"(?s)source.tables.events.files: .*JSON"):
        opened('{"user_id": 1, "event"\n', name="e.jsonl")


def test_a_sheet_that_is_absent_lists_the_sheets(tmp_path, product):
    book = openpyxl.Workbook()
    book.active.title = "Data"
    book.save(tmp_path / "e.xlsx")

    with pytest.raises(
        SourceError, match=r"e.xlsx has no sheet 'Dtaa'.\nDid you mean 'Data'\? Sheets: Data"
    ):
        open_dataset(product({"events": {"files": "e.xlsx", "sheet": "Dtaa"}}))


def test_sql_that_the_engine_refuses_says_why_and_lists_the_columns(opened):
    with pytest.raises(
        SourceError,
        match=r"(?s)events.sql: .*usr_id.*cast\(x as integer\).*Columns: user_id, event",
    ):
        opened(EVENTS, sql="select usr_id from {this}")


def test_sql_that_selects_nothing_is_refused(opened):
    with pytest.raises(SourceError, match=r"(?s)events.sql: .*syntax error"):
        opened(EVENTS, sql="drop table {this}")


def test_a_column_of_the_wrong_type_is_named(opened):
    with pytest.raises(
        SourceError,
        match=r"columns.event_time: column 'event_time' holds int32, not times.\n"
        r"event_time is a time",
    ):
        opened(EVENTS, sql="select user_id, event, 5 as event_time from {this}")


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        (
            "date '2026-01-02' as cost_date, date '2026-01-02' as cost",
            "cost",
            "holds date, not numbers",
        ),
        ("true as cost_date, 5 as cost", "cost_date", "holds boolean, not days"),
    ],
)
def test_wrong_types_of_days_and_amounts_are_named(write, product, row, column, message):
    write("c.csv", "x\n1\n")
    loaded = product({"costs": {"files": "c.csv", "sql": f"select {row} from {{this}}"}})

    with pytest.raises(SourceError, match=rf"columns.{column}: .*{message}"):
        open_dataset(loaded)


def test_unparsable_dates_are_an_error_when_they_are_most_of_a_column(opened, one, found):
    dataset = opened(
        "user_id,event,event_time\n1,a,2026-01-02\n2,a,yesterday\n3,a,soon\n",
        formats={"event_time": "%Y-%m-%d"},
    )

    finding = one(dataset, "unparsable_value")
    assert (finding.severity, finding.rows, finding.examples) == ("error", 2, ("soon", "yesterday"))
    assert finding.message == (
        "event_time cannot be read, and counts as missing, in 2 of 3 rows (66.7 %)."
    )
    assert not found(dataset, "missing_value")


def test_a_column_of_nulls_is_an_error_where_it_is_needed(opened, one):
    dataset = opened("user_id,event,event_time\n1,,2026-01-02\n2,NA,2026-01-03\n")

    finding = one(dataset, "null_column")
    assert (finding.column, finding.severity, finding.rows) == ("event", "error", 2)
    assert finding.message == "event has no value in any row."


def test_a_mapped_column_of_nulls_is_a_warning_where_it_is_optional(write, product, one):
    write("s.csv", "answer_time,score,text\n2026-01-02,9,\n2026-01-03,8,\n")
    table = {"files": "s.csv", "columns": {"comment": "text"}}

    dataset = open_dataset(product({"survey": table}))

    assert (one(dataset, "null_column").column, one(dataset, "null_column").severity) == (
        "comment",
        "warning",
    )


def test_a_database_file_that_is_absent_is_named(product, tmp_path):
    loaded = product({"events": {"table": "events"}}, source={"connection": "none.duckdb"})

    with pytest.raises(
        SourceError, match=rf"there is no database file 'none.duckdb' in {tmp_path}"
    ):
        open_dataset(loaded)


def test_a_database_without_the_table_names_the_nearest(product, tmp_path):
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as con:
        con.execute("create table events_2026 as select 1 as user_id")
    loaded = product(
        {"events": {"table": "event_2026"}}, source={"connection": "duckdb://shop.duckdb"}
    )

    with pytest.raises(
        SourceError,
        match=r"no table 'event_2026'.\nDid you mean 'events_2026'\? Tables: events_2026",
    ):
        open_dataset(loaded)


def test_a_schema_that_is_absent_is_named(product, tmp_path):
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as con:
        con.execute("create table events as select 1 as user_id")
    loaded = product({"events": {"table": "sale.events"}}, source={"connection": "shop.duckdb"})

    with pytest.raises(SourceError, match="no table 'events' in schema 'sale'"):
        open_dataset(loaded)


def test_a_file_that_is_no_database_is_named_without_its_folder(product, write, tmp_path):
    write("shop.duckdb", "no database at all, but text of some length")
    loaded = product({"events": {"table": "events"}}, source={"connection": "shop.duckdb"})

    with pytest.raises(SourceError, match=r"source.connection cannot be opened"):
        open_dataset(loaded)


def test_a_backend_that_is_not_installed_says_what_to_type(product, monkeypatch):
    monkeypatch.setenv("PGPASS", "hunter2")
    monkeypatch.setitem(sys.modules, "ibis.backends.postgres", None)
    loaded = product(
        {"events": {"table": "events"}}, source={"connection": "postgres://u:${PGPASS}@db/x"}
    )

    with pytest.raises(
        SourceError,
        match=r"needs the postgres backend.*\nType: pip install 'ibis-framework\[postgres\]'",
    ) as raised:
        recall_coverage(loaded)
    assert "hunter2" not in str(raised.value)


def test_a_connection_that_fails_shows_no_secret(product, monkeypatch):
    monkeypatch.setenv("TOKEN_OF_DB", "hunter2")
    loaded = product(
        {"events": {"table": "events"}}, source={"connection": "bogus://u:${TOKEN_OF_DB}@db/x"}
    )

    with pytest.raises(SourceError, match=r"source.connection cannot be opened") as raised:
        recall_coverage(loaded)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("scheme", ["", "duckdb://"])
def test_no_part_of_a_path_that_a_variable_holds_is_shown(product, write, monkeypatch, scheme):
    path = write("vault/hunter2.duckdb", "no database at all, but text of some length")
    monkeypatch.setenv("WAREHOUSE", f"{scheme}{path}")
    loaded = product({"events": {"table": "events"}}, source={"connection": "${WAREHOUSE}"})

    with pytest.raises(SourceError, match=r'opened: .*"\$\{WAREHOUSE\}" exists') as damaged:
        open_dataset(loaded)
    path.unlink()
    with pytest.raises(SourceError, match=r"no database file '\$\{WAREHOUSE\}'\.") as absent:
        open_dataset(loaded)
    assert "vault" not in f"{damaged.value}{absent.value}"
    assert "hunter2" not in f"{damaged.value}{absent.value}"


def test_a_backend_is_named_by_the_variable_that_holds_its_url(product, monkeypatch):
    monkeypatch.setenv("WAREHOUSE", "postgres://u:hunter2@db/x")
    monkeypatch.setitem(sys.modules, "ibis.backends.postgres", None)
    loaded = product({"events": {"table": "events"}}, source={"connection": "${WAREHOUSE}"})

    with pytest.raises(SourceError, match=r"pip install 'ibis-framework\[postgres\]'") as raised:
        recall_coverage(loaded)
    assert "hunter2" not in str(raised.value)


def test_a_variable_that_is_not_set_is_named(product):
    loaded = product(
        {"events": {"table": "events"}},
        source={"connection": "postgres://u:${NO_SUCH_VARIABLE}@db/x"},
    )

    with pytest.raises(ParamsError, match="NO_SUCH_VARIABLE"):
        recall_coverage(loaded)


def test_the_number_of_threads_is_checked(opened, monkeypatch):
    monkeypatch.setenv("KPIKIT_THREADS", "many")

    with pytest.raises(SourceError, match="KPIKIT_THREADS is 'many'"):
        opened(EVENTS)


def test_mistakes_of_kpikit_itself_are_not_hidden(opened, monkeypatch):
    def broken(*_, **__):
        raise KeyError("oops")

    monkeypatch.setattr("kpikit.sources.prepare.stage_table", broken)

    with pytest.raises(KeyError, match="oops"):
        opened(EVENTS)
