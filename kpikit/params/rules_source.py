"""Rules on where data comes from: connection, tables, columns, checks."""

import codecs
import re
from collections.abc import Iterator

from kpikit.errors import PeriodError, hint_names, nearest_names
from kpikit.params.environment import find_password, malformed_reference
from kpikit.params.model import (
    Acceptance,
    BatchSpan,
    Classify,
    Deduplicate,
    Source,
    TableSource,
)
from kpikit.params.rulebook import Context, Fault, Rule, given, two_lines
from kpikit.params.tables import CANONICAL, CHECKS
from kpikit.periods import check_timezone

_CLASSIFIED = ("orders", "order_lines")
_IN_MEMORY = re.compile(r"duckdb://(?::memory:)?")


def _origin(source: TableSource, _: Context) -> Iterator[Fault]:
    if len(given(source, "files", "table")) != 1:
        count = "both files and table" if source.files is not None else "neither files nor table"
        yield Fault("", f"has {count}", "Give exactly one of them; sql may go with either.")
    if source.sql is not None and "{this}" not in source.sql:
        yield Fault("sql", "does not select from {this}", "Write: select ... from {this}.")
    patterns = source.files if isinstance(source.files, list) else [source.files]
    if "" in patterns or not patterns:
        yield Fault("files", "names no file", "Give a path or glob, such as data/orders_*.csv.")
    if source.table == "":
        yield Fault("table", "is empty", "Give a table of the database, such as sales.orders.")


def _text_files(source: TableSource, _: Context) -> Iterator[Fault]:
    if source.thousands == source.decimal:
        what = f"thousands and decimal mark are both '{source.decimal}'"
        yield Fault("thousands", what, "Give the marks that the file uses.")
    try:
        codecs.lookup(source.encoding)
    except LookupError:
        todo = "Give an encoding such as utf-8, cp1252 or latin-1."
        yield Fault("encoding", f"unknown encoding '{source.encoding}'", todo)


def _local_zone(source: TableSource, _: Context) -> Iterator[Fault]:
    try:
        check_timezone(source.timezone)
    except PeriodError as error:
        yield Fault("timezone", *two_lines(error))


def _checks(source: TableSource, _: Context) -> Iterator[Fault]:
    for index, name in enumerate(source.errors):
        if name not in CHECKS:
            yield Fault(f"errors.{index}", f"unknown check '{name}'", hint_names(name, CHECKS))
    accepted = {entry.check for entry in source.accept if entry.column is None}
    for name in sorted(accepted & set(source.errors)):
        what = f"check '{name}' is both accepted and an error"
        yield Fault("accept", what, "Delete it from one of the two.")


def _acceptance(entry: Acceptance, _: Context) -> Iterator[Fault]:
    if entry.check not in CHECKS:
        yield Fault("check", f"unknown check '{entry.check}'", hint_names(entry.check, CHECKS))


def _classify(entry: Classify, _: Context) -> Iterator[Fault]:
    if len(given(entry, "starts_with", "equals")) != 1:
        yield Fault("", "needs exactly one of starts_with and equals", "Give one of them.")


def _deduplicate(choice: Deduplicate, _: Context) -> Iterator[Fault]:
    if len(given(choice, "exact", "key", "doubled_batch")) != 1:
        what = "needs exactly one of exact, key and doubled_batch"
        yield Fault("", what, "Declare one way to remove repeated rows.")


def _batch_span(span: BatchSpan, _: Context) -> Iterator[Fault]:
    if span.to < span.from_:
        yield Fault("to", f"{span.to} is before {span.from_}", "Swap the two days.")


def _embedded(source: Source, _: Context) -> Iterator[Fault]:
    if not _IN_MEMORY.fullmatch(source.connection):
        return
    for name, table in source.tables.items():
        if table.table is not None:
            yield Fault(
                f"tables.{name}.table",
                "the embedded database has no tables of its own",
                "Give source.connection, or files instead of table.",
            )


def _classified(table: TableSource, context: Context) -> Iterator[Fault]:
    if table.classify and context.name not in _CLASSIFIED:
        todo = f"Only {' and '.join(_CLASSIFIED)} can be classified."
        yield Fault("classify", f"{context.name} has no kinds of rows", todo)


def _columns(table: TableSource, context: Context) -> Iterator[Fault]:
    """Find names that all but equal a canonical one; other names are dimensions."""
    spec = CANONICAL[context.name]
    free = [name for name in spec.columns if name not in table.columns]
    for name, origin in table.columns.items():
        key = f"columns.{name}"
        if origin == "":
            yield Fault(key, "is empty", "Give the column's name in the source.")
        near = [] if name in spec.columns else nearest_names(name, free, most=1, cutoff=0.85)
        if near:
            what = f"'{name}' is no column of {spec.name}"
            todo = f"Did you mean '{near[0]}'? A dimension needs a name less like a column's."
            yield Fault(key, what, todo)


def _formats(table: TableSource, context: Context) -> Iterator[Fault]:
    spec = CANONICAL[context.name]
    times = spec.columns_of("time", "date")
    for name, text in table.formats.items():
        key = f"formats.{name}"
        if name in spec.columns and name not in times:
            what = f"column '{name}' of {spec.name} is no time"
            yield Fault(key, what, f"Give formats for: {', '.join(times)}.")
        elif name not in spec.columns and name not in table.columns:
            todo = hint_names(name, [*times, *table.columns])
            yield Fault(key, f"unknown column '{name}'", todo)
        elif "%" not in text:
            what = f"'{text}' is no format of a time"
            yield Fault(key, what, "Write it as strptime does: %d.%m.%Y %H:%M.")


def _connection(source: Source, _: Context) -> Iterator[Fault]:
    # A message never shows the connection: it may hold a secret.
    if malformed_reference(source.connection):
        what = "refers to the environment in a form that is not ${NAME}"
        yield Fault("connection", what, "A name has letters, digits and _, such as ${PASSWORD}.")
    elif find_password(source.connection):
        yield Fault(
            "connection",
            "holds a password",
            "Write ${NAME} in its place, and set that variable in the environment.",
        )


SOURCE_RULES = (
    Rule(Source, ("connection",), _connection),
    Rule(Source, ("connection", "tables"), _embedded),
    Rule(TableSource, ("files", "table", "sql"), _origin),
    Rule(TableSource, ("decimal", "thousands", "encoding"), _text_files),
    Rule(TableSource, ("timezone",), _local_zone),
    Rule(TableSource, ("accept", "errors"), _checks),
    Rule(TableSource, ("classify",), _classified),
    Rule(TableSource, ("columns",), _columns),
    Rule(TableSource, ("columns", "formats"), _formats),
    Rule(Acceptance, ("check",), _acceptance),
    Rule(Classify, ("starts_with", "equals"), _classify),
    Rule(Deduplicate, ("exact", "key", "doubled_batch"), _deduplicate),
    Rule(BatchSpan, ("from_", "to"), _batch_span),
)
