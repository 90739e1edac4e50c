"""Rules on where data comes from."""

# ruff: noqa: E501 - a case and its complaint are read side by side

import pytest

from kpikit.params.tables import CHECKS


def table(text, name="orders"):
    return f"source: {{tables: {{{name}: {{{text}}}}}}}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("columns: {}", "has neither files nor table.\n  Give exactly one of them; sql may go with"),
        ("files: a.csv, table: a", "has both files and table.\n  Give exactly one of them"),
        ("sql: 'select * from {this}'", "has neither files nor table."),
        ("files: ''", "files: names no file.\n  Give a path or glob, such as data/orders_*.csv."),
        ("files: []", "files: names no file."),
        ("files: [a.csv, '']", "files: names no file."),
        ("files: a.csv, sql: select 1", "sql: does not select from {this}.\n  Write: select ... fr"),
        ("files: a.csv, decimal: '.', thousands: '.'",
         "thousands: thousands and decimal mark are both '.'.\n  Give the marks that the file uses."),
        ("files: a.csv, encoding: utf-9", "encoding: unknown encoding 'utf-9'.\n  Give an encoding"),
        ("files: a.csv, timezone: Europe/Londn",
         "timezone: Time zone 'Europe/Londn' does not exist.\n  Did you mean 'Europe/London'?"),
        ("files: a.csv, deduplicate: {}", "needs exactly one of exact, key and doubled_batch.\n  D"),
        ("files: a.csv, deduplicate: {exact: true, key: [a]}", "deduplicate: needs exactly one of"),
        ("files: a.csv, deduplicate: {exact: false}", "exact: can only be true, and is 'false'."),
        ("files: a.csv, deduplicate: {key: []}", "key: must have at least 1 entries, and is []."),
        ("files: a.csv, deduplicate: {doubled_batch: {from: 2010-12-09, to: 2010-12-01}}",
         "doubled_batch.to: 2010-12-01 is before 2010-12-09.\n  Swap the two days."),
        ("files: a.csv, classify: [{column: a, as: refund}]",
         "classify.0: needs exactly one of starts_with and equals.\n  Give one of them."),
        ("files: a.csv, classify: [{column: a, as: refund, equals: x, starts_with: y}]",
         "classify.0: needs exactly one of starts_with and equals."),
        ("files: a.csv, classify: [{column: a, as: refnd, equals: x}]",
         "classify.0.as: unknown value 'refnd'.\n  Did you mean 'refund'?"),
        ("files: a.csv, accept: [{check: missing_usr, reason: r}]",
         "accept.0.check: unknown check 'missing_usr'.\n  Did you mean 'missing_user'?"),
        ("files: a.csv, accept: [{check: gap}]", "accept.0.reason: is missing.\n  Give reason: Why"),
        ("files: a.csv, errors: [gap, gaps]", "errors.1: unknown check 'gaps'.\n  Did you mean 'gap"),
        ("files: a.csv, errors: [gap], accept: [{check: gap, reason: r}]",
         "accept: check 'gap' is both accepted and an error.\n  Delete it from one of the two."),
        ("files: a.csv, columns: {order_id: ''}", "columns.order_id: is empty.\n  Give the column's"),
        ("files: a.csv, columns: {orderid: Invoice}",
         "columns.orderid: 'orderid' is no column of orders.\n  Did you mean 'order_id'?"),
        ("files: a.csv, formats: {order_id: '%Y'}",
         "formats.order_id: column 'order_id' of orders is no time.\n  Give formats for: order_time."),
        ("files: a.csv, formats: {order_tim: '%Y'}",
         "formats.order_tim: unknown column 'order_tim'.\n  Did you mean 'order_time'?"),
        ("files: a.csv, formats: {order_time: dd/mm/yyyy}",
         "formats.order_time: 'dd/mm/yyyy' is no format of a time.\n  Write it as strptime does"),
        ("table: sales.orders", "table: the embedded database has no tables of its own.\n  Give sou"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_right_says_why(text, complaint, message):
    assert complaint in message(table(text))


def test_only_orders_have_kinds_of_rows(message):
    text = message(table("files: a, classify: [{column: x, equals: y, as: sale}]", "costs"))

    assert "classify: costs has no kinds of rows.\n  Only orders and order_lines can be" in text


@pytest.mark.parametrize(
    "text",
    [
        "files: a.csv",
        "files: [a.csv, b_*.parquet]",
        "files: a.csv, sql: 'select * from {this}'",
        "files: a.csv, columns: {order_id: Invoice, country: Land, plan: {value: pro}}",
        "files: a.csv, columns: {shipped: Versand}, formats: {shipped: '%d.%m.%Y'}",
        "files: a.csv, formats: {order_time: '%Y-%m-%d'}",
        "files: a.csv, deduplicate: {exact: true}",
        "files: a.csv, deduplicate: {key: [order_id, sku]}",
        "files: a.csv, errors: [gap], accept: [{check: gap, column: x, reason: r}]",
        "files: a.csv, accept: [{check: gap, reason: a}, {check: stale, reason: b}]",
        "files: a.csv, classify: [{column: a, equals: '', as: ignore}]",
        "files: a.csv, decimal: ',', thousands: ' ', encoding: cp1252, delimiter: ';', sheet: 2024",
    ],
)
def test_a_table_that_can_be_right_passes(text, load):
    assert "orders" in load(table(text)).params.source.tables


def test_a_database_gives_tables_and_may_stand_beside_files(load):
    source = load(
        """
        source:
          connection: postgres://reader:${PASSWORD}@db/sales
          version_query: select max(loaded_at) from loads
          tables:
            orders: {table: sales.orders, sql: "select * from {this} where live"}
            costs: {files: costs.csv}
        """
    ).params.source

    assert source.tables["orders"].table == "sales.orders"


@pytest.mark.parametrize("connection", ["duckdb://", "duckdb://:memory:"])
def test_an_embedded_database_has_no_tables(connection, message):
    text = message(f"source: {{connection: '{connection}', tables: {{orders: {{table: o}}}}}}")

    assert "source.tables.orders.table: the embedded database has no tables of its own." in text


def test_an_empty_table_name_is_told_of(message):
    text = message("source: {connection: a.duckdb, tables: {orders: {table: ''}}}")

    assert "source.tables.orders.table: is empty.\n  Give a table of the database" in text


def test_an_empty_connection_is_told_of(message):
    text = message("source: {connection: ''}")

    assert "source.connection: must not be empty, and is ''.\n  Give connection: Ibis URL" in text


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_can_be_accepted_and_made_an_error(check, load):
    accepted = load(table(f"files: a, accept: [{{check: {check}, reason: r}}]")).params
    declared = load(table(f"files: a, errors: [{check}]")).params

    assert accepted.source.tables["orders"].accept[0].check == check
    assert declared.source.tables["orders"].errors == [check]


def test_a_mistake_in_one_field_does_not_hide_those_of_others(message):
    text = message(
        table("files: {a: b}, decimal: ';', encoding: utf-9, columns: {orderid: x}, nonsense: 1")
    )

    assert "files: must be text or a list, and is a mapping." in text
    assert "decimal: unknown value ';'." in text
    assert "columns.orderid: 'orderid' is no column of orders." in text
    assert "unknown key 'nonsense'" in text
    # told of already: that there is no file, and whether the marks differ
    assert "neither files nor table" not in text
    assert text.startswith("atlas.yml has 4 mistakes.")
