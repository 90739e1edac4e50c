"""Tables that an engine keeps, because more than one question is asked of them."""

import weakref
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir


def keep(table: ir.Table) -> ir.Table:
    """Return a table that the engine computes now, and drops with the last expression that has it.

    This is Ibis's ``cache``; on DuckDB that copies a query's whole tree twice before it is text,
    which takes as long as a small query does, so there the text alone is written.
    """
    backend: Any = table._find_backend(use_default=True)  # noqa: SLF001 - no public way to ask
    if backend.name != "duckdb":
        return table.cache()
    backend._run_pre_execute_hooks(table)  # noqa: SLF001 - makes frames in memory known to it
    name, dialect = ibis.util.gen_name("kept"), backend.dialect
    columns = table.schema().to_sqlglot_column_defs(dialect)
    # of the types that Ibis told, for DuckDB's own sums of integers are wider
    typed = (
        f"CAST({each.this.sql(dialect)} AS {each.kind.sql(dialect)}) AS {each.this.sql(dialect)}"
        for each in columns
    )
    query = f"SELECT {', '.join(typed)} FROM ({backend.compile(table)})"  # noqa: S608 - by Ibis
    backend.raw_sql(f"CREATE TEMPORARY TABLE {name} AS {query}")
    kept = ops.DatabaseTable(
        name,
        schema={each.name: backend.compiler.type_mapper.to_ibis(each.kind) for each in columns},
        source=backend,
        namespace=ops.Namespace(catalog="temp", database="main"),
    )
    weakref.finalize(kept, _drop, backend, name).atexit = False
    return kept.to_expr()


def _drop(backend: Any, name: str) -> None:
    backend.raw_sql(f"DROP TABLE IF EXISTS temp.main.{name}")
