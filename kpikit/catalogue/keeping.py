"""Tables that an engine keeps, because more than one question is asked of them."""

import weakref
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir

from kpikit.engine import FETCHING, duckdb_query

# Tables that no expression had any more while their engine's result was being fetched, for memory
# may be cleared at any moment. They are dropped when the next is kept.
_unneeded: list[tuple[weakref.ref[Any], str]] = []


def keep(table: ir.Table) -> ir.Table:
    """Return a table that the engine computes now, for as long as an expression has it.

    Ibis's ``cache`` does the same, and gives equal expressions one table. On DuckDB it copies a
    query's whole tree twice before it is text, which takes as long as a small query does, so there
    the text alone is written. A connection is used by one thread at a time.
    """
    backend, asked = duckdb_query(table)
    if backend is None:
        return table.cache()
    _drop_unneeded(backend)
    name, dialect = ibis.util.gen_name("kept"), backend.dialect
    # of the types that Ibis told, for DuckDB's own sums of integers are wider
    typed = (
        f"CAST({each.this.sql(dialect)} AS {each.kind.sql(dialect)}) AS {each.this.sql(dialect)}"
        for each in table.schema().to_sqlglot_column_defs(dialect)
    )
    query = f"SELECT {', '.join(typed)} FROM ({asked})"  # noqa: S608 - by Ibis
    backend.raw_sql(f"CREATE TEMPORARY TABLE {name} AS {query}")
    place = ops.Namespace(catalog="temp", database="main")
    schema = {column: _stored(kind) for column, kind in table.schema().items()}
    kept = ops.DatabaseTable(name, schema=schema, source=backend, namespace=place)
    weakref.finalize(kept, _drop, weakref.ref(backend), name).atexit = False
    return kept.to_expr()


def _drop(owner: weakref.ref[Any], name: str) -> None:
    backend = owner()
    if id(backend) in FETCHING:
        _unneeded.append((owner, name))
    elif backend is not None:
        backend.raw_sql(f"DROP TABLE IF EXISTS temp.main.{name}")


def _drop_unneeded(backend: Any) -> None:
    for entry in list(_unneeded):
        if entry[0]() in (backend, None):
            _unneeded.remove(entry)
            _drop(*entry)


def _stored(kind: dt.DataType) -> dt.DataType:
    """Return the type that DuckDB gives a column: it keeps times to the microsecond if not told."""
    return kind.copy(scale=6) if kind.is_timestamp() and kind.scale is None else kind
