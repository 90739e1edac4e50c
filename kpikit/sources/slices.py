"""Parts of a product's data: the rows of one segment, the values of a column, the queries asked."""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import ibis
import ibis.expr.types as ir
import sqlglot
from ibis.backends import BaseBackend

from kpikit.engine import check_columns
from kpikit.errors import AnalysisError
from kpikit.sources.dataset import Dataset

_IN_MEMORY = re.compile(r"ibis_(?:[a-z]+_)?(?:memtable|kept|cached)_[a-z0-9]+")


def rows_where(dataset: Dataset, where: Mapping[str, str]) -> Dataset:
    """Return the data of one segment: the rows in which columns have these values.

    A table that lacks one of the columns cannot tell whose rows they are, and is left out.

    Args:
        dataset: The product's data.
        where: Column to value, compared as text; nothing leaves the data as it is.

    Raises:
        AnalysisError: No table has the columns; the message names the nearest.
    """
    if not where:
        return dataset
    fitting = {
        name: table for name, table in dataset.tables.items() if set(where) <= set(table.columns)
    }
    if not fitting:
        columns = {column for table in dataset.tables.values() for column in table.columns}
        for column in where:
            if column not in columns:
                _refuse(dataset, column)
        raise AnalysisError(
            f"No table has the columns {', '.join(where)} together.\nFilter by one of them."
        )
    tables = {
        name: table.filter([table[column].cast("string") == str(value)
                            for column, value in where.items()])
        for name, table in fitting.items()
    }  # fmt: skip
    return replace(dataset, tables=tables)


def _refuse(dataset: Dataset, column: str) -> None:
    largest = max(dataset.tables, key=lambda name: len(dataset.tables[name].columns))
    check_columns(dataset.tables[largest], [column], largest)


def column_values(table: ir.Table, column: str, *, most: int) -> list[str]:
    """Return the values of a column as text, those of most rows first, at most so many."""
    counted = table.filter(table[column].notnull()).group_by(table[column].cast("string").name("v"))
    ranked = counted.agg(n=ibis._.count()).order_by([ibis.desc("n"), "v"]).limit(most)
    return [str(value) for value in ranked.to_pandas()["v"]]


@contextlib.contextmanager
def recorded_queries(dataset: Dataset) -> Iterator[list[str]]:
    """Note the SQL of every query on the data inside the block, as it goes to the engine."""
    noted: list[str] = []

    def note(text: str) -> None:
        if text not in noted:
            noted.append(text)

    with contextlib.ExitStack() as stack:
        for backend in engines_of(dataset):
            stack.enter_context(_overheard(backend, note))
        yield noted


def check_queries(dataset: Dataset, check: Callable[[], None]) -> None:
    """Call a function before every query on the data; what it raises ends what asks."""
    for backend in engines_of(dataset):
        _overhear(backend, lambda _: check())


@contextlib.contextmanager
def _overheard(backend: BaseBackend, hear: Callable[[str], None]) -> Iterator[None]:
    before = vars(backend).get("compile")
    _overhear(backend, hear)
    try:
        yield
    finally:
        if before is None:
            del backend.compile
        else:
            backend.compile = before


def _overhear(backend: BaseBackend, hear: Callable[[str], None]) -> None:
    """Let a function hear what a backend compiles: all its queries go through that one method."""
    compile_ = backend.compile

    def heard(expression: ir.Expr, /, **options: Any) -> str:
        text = str(compile_(expression, **options))
        hear(text)
        return text

    backend.compile = heard


def readable_query(text: str, dialect: str = "duckdb") -> str:
    """Return a recorded query laid out in lines.

    In-memory tables are called ``memory_1`` and so on: Ibis gives them random names, and equal
    queries must have equal text.
    """
    laid_out = sqlglot.parse_one(text, read=dialect).sql(dialect=dialect, pretty=True)
    for index, name in enumerate(dict.fromkeys(_IN_MEMORY.findall(laid_out)), 1):
        laid_out = laid_out.replace(name, f"memory_{index}")
    return laid_out


def stop_queries(dataset: Dataset) -> None:
    """Ask the engines to end the query that runs now; one that cannot be asked goes on."""
    for backend in engines_of(dataset):
        interrupt = getattr(getattr(backend, "con", None), "interrupt", None)
        if interrupt is not None:
            interrupt()


def engines_of(dataset: Dataset) -> list[BaseBackend]:
    """Return the engines that hold the data, each once."""
    found: Iterable[BaseBackend] = (
        backend
        for table in dataset.tables.values()
        for backend in table._find_backends()[0]  # noqa: SLF001 - no public way to ask
    )
    return list({id(backend): backend for backend in found}.values())
