"""Views, types and rows of DuckDB, asked for in its own words.

Ibis takes several times as long as DuckDB itself to make a view, to say what its columns are and to
fetch a few rows. Of a product of some thousand rows that is most of what opening its data takes.
"""

from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Any

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.backends import BaseBackend
from ibis.backends.sql.datatypes import DuckDBType

Types = Mapping[str, dtypes.DataType]

# columns and SQL of what was asked of a table; a hundred products are mostly laid out alike
_WRITTEN: dict[Hashable, tuple[ibis.Schema, str]] = {}
_MOST_WRITTEN = 5000


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


def create_view(con: BaseBackend, name: str, query: str, *, is_kept: bool = False) -> None:
    """Make a query of DuckDB a view, or a table in memory, for other queries to name."""
    kind = "TABLE" if is_kept else "VIEW"
    con.raw_sql(f"CREATE OR REPLACE TEMP {kind} {sql_name(name)} AS {query}")


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


def as_view(table: ir.Table, name: str) -> ir.Table:
    """Return a table of DuckDB as a view of its own; other engines' tables as they are.

    Queries over it are built from a name, not from all that reading a source takes: for a product
    of a few thousand rows that costs more than to run them. What has a name is left as it is.

    Args:
        table: The table.
        name: Name of the view, of this connection alone.
    """
    con = table.get_backend()
    if con.name != "duckdb" or isinstance(table.op(), ops.DatabaseTable):
        return table
    return make_view(con, name, con.compile(table), table.schema())


def view_alike(
    table: ir.Table,
    make: Callable[[], ir.Table],
    name: str,
    *facts: Hashable,
    is_kept: bool = False,
) -> ir.Table:
    """Return a view of DuckDB whose query Ibis writes once for all tables laid out alike.

    Args:
        table: What the view is over.
        make: Makes its query.
        name: Name of the view, of this connection alone.
        facts: All that the query depends on beside place, name and columns of ``table``.
        is_kept: Whether to hold the rows in memory, so that no query reads the source again.
    """
    con = table.get_backend()
    types, query = _written(table, make, name, *facts)
    create_view(con, name, query, is_kept=is_kept)
    return _named(con, name, types)


def rows_of(table: ir.Table) -> list[dict[str, Any]]:
    """Return the rows of a query over tables that an engine holds; in-memory frames are none."""
    con = table.get_backend()
    if con.name != "duckdb":
        return list(table.to_pyarrow().to_pylist())
    return _fetch(con, table.columns, con.compile(table))


def rows_alike(
    table: ir.Table, ask: Callable[[], ir.Table], *facts: Hashable
) -> list[dict[str, Any]]:
    """Return the rows of a query that Ibis writes once for all tables laid out alike.

    Args:
        table: What is asked; on DuckDB it is known by its place, its name and its columns.
        ask: Makes the query.
        facts: All that the query depends on beside these, what is asked first.
    """
    con = table.get_backend()
    if con.name != "duckdb":
        return rows_of(ask())
    types, query = _written(table, ask, *facts)
    return _fetch(con, types.names, query)


def _written(
    table: ir.Table, make: Callable[[], ir.Table], *facts: Hashable
) -> tuple[ibis.Schema, str]:
    """Return the columns and the SQL of a query over a table of DuckDB."""
    named = table.op()
    if not isinstance(named, ops.DatabaseTable):  # a SELECT of the product's own
        query = make()
        return query.schema(), table.get_backend().compile(query)
    key = (named.namespace, named.name, named.schema, *facts)
    if key not in _WRITTEN:
        if len(_WRITTEN) == _MOST_WRITTEN:
            _WRITTEN.clear()
        query = make()
        _WRITTEN[key] = query.schema(), table.get_backend().compile(query)
    return _WRITTEN[key]


def _fetch(con: BaseBackend, names: tuple[str, ...], query: str) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in con.raw_sql(query).fetchall()]


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
