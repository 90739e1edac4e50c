"""Views, types and rows of DuckDB, asked for in its own words.

Ibis takes several times as long as DuckDB itself to make a view, to say what its columns are and to
fetch a few rows. Of a product of some thousand rows that is most of what opening its data takes.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.backends import BaseBackend
from ibis.backends.sql.datatypes import DuckDBType

Types = Mapping[str, dtypes.DataType]


def sql_name(name: str) -> str:
    """Return a name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def sql_text(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def make_view(con: BaseBackend, name: str, query: str, types: Types | None = None) -> ir.Table:
    """Return a query of DuckDB as a view of this connection alone.

    Args:
        con: DuckDB.
        name: Name of the view.
        query: What it is, in SQL.
        types: Its columns, where they are known; else DuckDB is asked.
    """
    create_view(con, name, query)
    return _named(con, name, _types_of(con, name) if types is None else types)


def create_view(con: BaseBackend, name: str, query: str) -> None:
    """Make a query of DuckDB a view, for other queries to name."""
    con.raw_sql(f"CREATE OR REPLACE TEMP VIEW {sql_name(name)} AS {query}")


def types_text(table: ir.Table) -> dict[str, str] | None:
    """Return the types of a table's columns as text; None where one holds further values."""
    types = table.schema()
    # fields of a structure may have names that its text cannot tell from types
    if any(kind.is_nested() or kind.is_unknown() for kind in types.values()):
        return None
    return {name: str(kind) for name, kind in types.items()}


def types_from(texts: Mapping[str, str] | None) -> Types | None:
    """Return types that were written as text."""
    return texts and {name: _type_written(text) for name, text in texts.items()}


def as_view(table: ir.Table, name: str, *, is_kept: bool = False) -> ir.Table:
    """Return a table of DuckDB as a view of its own; other engines' tables as they are.

    Queries over it are built from a name, not from all that reading a source takes: for a product
    of a few thousand rows that costs more than to run them. What has a name is left as it is.

    Args:
        table: The table.
        name: Name of the view, of this connection alone.
        is_kept: Whether to hold the rows in memory, so that no query reads the source again.
    """
    con = table.get_backend()
    if con.name != "duckdb" or isinstance(table.op(), ops.DatabaseTable):
        return table
    kind = "TABLE" if is_kept else "VIEW"
    con.raw_sql(f"CREATE OR REPLACE TEMP {kind} {sql_name(name)} AS {con.compile(table)}")
    return _named(con, name, table.schema())


def rows_of(table: ir.Table) -> list[dict[str, Any]]:
    """Return the rows of a query over tables that an engine holds; in-memory frames are none."""
    con = table.get_backend()
    if con.name != "duckdb":
        return list(table.to_pyarrow().to_pylist())
    names = table.columns
    found = con.raw_sql(con.compile(table)).fetchall()
    return [dict(zip(names, row, strict=True)) for row in found]


def _named(con: BaseBackend, name: str, types: Types) -> ir.Table:
    return ops.DatabaseTable(name, schema=ibis.schema(types), source=con).to_expr()


def _types_of(con: BaseBackend, name: str) -> Types:
    described = con.raw_sql(f"DESCRIBE {sql_name(name)}").fetchall()
    return {column: _type_of(kind) for column, kind, *_ in described}


@lru_cache(maxsize=256)  # read from its text, slowly
def _type_of(kind: str) -> dtypes.DataType:
    return DuckDBType.from_string(kind, nullable=True)


@lru_cache(maxsize=256)
def _type_written(text: str) -> dtypes.DataType:
    return dtypes.dtype(text)
