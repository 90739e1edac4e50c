"""Makes one table ready: staged, stored where it was text, without the repeats declared."""

import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
from ibis.backends import BaseBackend

from kpikit.errors import SourceError, hint_names
from kpikit.params import LoadedProduct
from kpikit.params.model import TableSource
from kpikit.params.tables import CANONICAL
from kpikit.sources.cache import digest, entry, read_json, write_json
from kpikit.sources.connect import UnevenLinesError, engine_errors
from kpikit.sources.dates import TimeFormat
from kpikit.sources.identity import Identity
from kpikit.sources.orders import counted_orders, derive_orders
from kpikit.sources.read import RawTable, apply_sql, parquet_source, read_database, read_files
from kpikit.sources.remembered import FORM
from kpikit.sources.repeats import deduplicate
from kpikit.sources.stage import ROW_OF, StagedTable, final_columns, stage_table
from kpikit.sources.views import (
    as_view,
    create_view,
    make_view,
    sql_text,
    types_from,
    types_text,
)
from kpikit.sources.where import Where

_STAGED, _FINAL, _ORDERS, _FACTS = "staged.parquet", "final.parquet", "orders.parquet", "facts.json"


@dataclass(frozen=True)
class Workshop:
    """What preparing the tables of one product takes.

    Attributes:
        loaded: The product.
        identity: Its files and their hashes.
        root: The cache's folder.
        engine: The DuckDB in which files are read.
        database: The product's database; None where all tables are files.
        staged: Tables that were staged where they lie, so that none is twice.
        opened: Stored tables that are open, by where they lie.
    """

    loaded: LoadedProduct
    identity: Identity
    root: Path
    engine: BaseBackend
    database: BaseBackend | None
    staged: dict[str, StagedTable] = field(default_factory=dict)
    opened: dict[Path, ir.Table] = field(default_factory=dict)

    def source(self, name: str) -> TableSource:
        """Return the parameters of a table."""
        return self.loaded.params.source.tables[name]  # type: ignore[index]

    def where(self, name: str) -> Where:
        """Return the key of a table's parameters."""
        return Where(self.loaded, f"source.tables.{name}")

    def source_name(self, name: str) -> str:
        """Return what to call a table's source: its table, or its only file."""
        source = self.source(name)
        files = self.identity.files.get(name, ())
        return source.table or (files[0].name if len(files) == 1 else f"{len(files)} files")

    @contextmanager
    def errors(self, name: str) -> Iterator[None]:
        """Name the table in whatever an engine raises."""
        with engine_errors(self.where(name)):
            yield


@dataclass(frozen=True)
class PreparedTable:
    """A table ready for use, in a folder of the cache; what nobody asks for is not opened.

    Attributes:
        workshop: What it is opened with.
        name: Canonical table.
        folder: Where it lies.
        facts: What is known of it: how it was read, and what opening it takes.
    """

    workshop: Workshop
    name: str
    folder: Path
    facts: Mapping[str, Any]

    @cached_property
    def delivered(self) -> StagedTable:
        """As delivered, with working columns, for the checks."""
        formats = {
            column: TimeFormat(**{**form, "formats": tuple(form["formats"])})
            for column, form in self.facts["formats"].items()
        }
        with self.workshop.errors(self.name):
            if _STAGED in self.facts["stored"]:
                table = _open_stored(self.workshop, self.name, self.folder, _STAGED, self.facts)
                return StagedTable(table, tuple(self.facts["mapped"]), formats)
            return self.workshop.staged.get(self.name) or _stage(
                self.workshop, self.name, _raw_table(self.workshop, self.name), formats
            )

    @cached_property
    def definitions(self) -> dict[str, ir.Table]:
        """Without declared repeats and working columns; with the orders derived from it, if any."""
        table = self.delivered.table
        with self.workshop.errors(self.name):
            return _definitions(self.workshop, self.name, table, self.folder, self.facts)

    @cached_property
    def views(self) -> dict[str, ir.Table]:
        """The definitions for everybody's use: views where the engine is DuckDB.

        Of files it is remembered what they are, so that Ibis need not write it again.
        """
        if (known := self.facts["views"]) is None:
            with self.workshop.errors(self.name):
                return {name: as_view(each, _view(name)) for name, each in self.definitions.items()}
        con = self.workshop.engine
        with self.workshop.errors(self.name):
            self._name_sources()
            return {
                name: make_view(con, _view(name), each["query"], types_from(each["types"]))
                for name, each in known.items()
            }

    def _name_sources(self) -> None:
        """Make the views over which the remembered queries are written."""
        con, stored = self.workshop.engine, self.facts["stored"]
        for file in stored:
            if file != _STAGED or _FINAL not in stored:
                _open_stored(self.workshop, self.name, self.folder, file, self.facts)
        if not stored:
            create_view(con, *parquet_source(self.workshop.identity.files[self.name], self.name))


def prepare_table(workshop: Workshop, name: str, *, is_checked: bool) -> PreparedTable:
    """Return a table ready for use, from the cache where it lies there whole.

    Text files are read once and stored as Parquet; so is a table without its repeats. All else
    stays an expression over the files or the database.

    Args:
        workshop: What it takes.
        name: Canonical table.
        is_checked: Whether nobody will ask for it as it was delivered.
    """
    key = f"tables/{_table_key(workshop, name)}"
    for attempt in range(2):
        folder = entry(workshop.root, key, lambda folder: _build(workshop, name, folder))
        try:
            return _open_entry(workshop, name, folder, is_checked=is_checked)
        except SourceError:
            if attempt:
                raise
            shutil.rmtree(folder, ignore_errors=True)  # damaged in a way its sizes do not show
            workshop.opened.clear()
    raise AssertionError("unreachable")  # pragma: no cover


def _table_key(workshop: Workshop, name: str) -> str:
    source = repr(workshop.source(name).model_dump(exclude={"accept", "errors"}))
    params = workshop.loaded.params
    zone, currency = params.product.timezone, params.product.currency
    others = "orders" in params.source.tables
    return digest([FORM, name, workshop.identity.versions[name], source, zone, currency, others])


def _build(workshop: Workshop, name: str, folder: Path) -> None:
    """Fill a table's folder: what is stored depends on what the table is."""
    try:
        _build_from(workshop, name, folder, _raw_table(workshop, name))
    except UnevenLinesError:
        _build_from(workshop, name, folder, _raw_table(workshop, name, tidy=True))


def _build_from(workshop: Workshop, name: str, folder: Path, raw: RawTable) -> None:
    source, spec = workshop.source(name), CANONICAL[name]
    facts: dict[str, Any] = {"stored": {}, "views": None}
    with workshop.errors(name):
        staged = _stage(workshop, name, raw)
        table = staged.table
        if raw.is_text:
            table = _store(workshop, name, table, folder / _STAGED, facts)
        else:
            workshop.staged[name] = staged
        final = table
        if source.deduplicate is not None:
            _check_key(source, table, workshop.where(name))
            zone = workshop.loaded.calendar.timezone
            once = deduplicate(table, source.deduplicate, spec, zone)
            final = _store(workshop, name, once, folder / _FINAL, facts)
        if raw.is_text and _derives_orders(workshop, name):
            _store(workshop, name, derive_orders(final_columns(final)), folder / _ORDERS, facts)
        if source.files is not None:
            facts["views"] = _queries(_definitions(workshop, name, table, folder, facts))
    formats = {column: dataclasses.asdict(form) for column, form in staged.formats.items()}
    write_json(folder / _FACTS, {"mapped": staged.mapped, "formats": formats, **facts})


def _definitions(
    workshop: Workshop, name: str, delivered: ir.Table, folder: Path, facts: Mapping[str, Any]
) -> dict[str, ir.Table]:
    final = delivered
    if _FINAL in facts["stored"]:
        final = _open_stored(workshop, name, folder, _FINAL, facts)
    final = final_columns(final)
    tables = {name: counted_orders(final) if name == "orders" else final}
    if _ORDERS in facts["stored"]:
        tables["orders"] = final_columns(_open_stored(workshop, name, folder, _ORDERS, facts))
    elif _derives_orders(workshop, name):
        tables["orders"] = derive_orders(final)
    return tables


def _queries(definitions: Mapping[str, ir.Table]) -> dict[str, Any] | None:
    """Return the query and the columns of tables; None where these cannot be written down.

    A query names views, which are made anew, and no path: files may move.
    """
    found = {
        name: {"query": str(table.get_backend().compile(table)), "types": types_text(table)}
        for name, table in definitions.items()
    }
    return found if all(each["types"] for each in found.values()) else None


def _view(name: str) -> str:
    return f"kpikit_{name}"


def _open_entry(workshop: Workshop, name: str, folder: Path, *, is_checked: bool) -> PreparedTable:
    facts = read_json(folder / _FACTS)
    if facts is None:
        raise SourceError(f"{folder} is damaged.")
    table = PreparedTable(workshop, name, folder, facts)
    _ = table.views if is_checked else (table.views, table.delivered)  # or it is damaged
    return table


def _raw_table(workshop: Workshop, name: str, *, tidy: bool = False) -> RawTable:
    source, where = workshop.source(name), workshop.where(name)
    if source.files is None:
        con = workshop.database or workshop.engine
        raw = read_database(con, source.table or "", where.at("table"))
    else:
        con = workshop.engine
        raw = read_files(
            con,
            workshop.identity.files[name],
            workshop.identity.hashes,
            source,
            root=workshop.root,
            where=where.at("files"),
            tidy=tidy,
        )
    if source.sql is None:
        return raw
    return apply_sql(con, raw, source.sql, where.at("sql"))


def _stage(
    workshop: Workshop,
    name: str,
    raw: RawTable,
    formats: Mapping[str, TimeFormat] | None = None,
) -> StagedTable:
    return stage_table(
        raw,
        CANONICAL[name],
        workshop.source(name),
        calendar=workshop.loaded.calendar,
        currency=workshop.loaded.params.product.currency,
        where=workshop.where(name),
        known_formats=formats,
    )


def _derives_orders(workshop: Workshop, name: str) -> bool:
    return name == "order_lines" and "orders" not in workshop.loaded.params.source.tables


def _store(
    workshop: Workshop, name: str, table: ir.Table, path: Path, facts: dict[str, Any]
) -> ir.Table:
    """Store a table, note what opening it takes, and open it."""
    table.get_backend().to_parquet(table, path, compression="zstd")
    facts["stored"][path.name] = {"types": None, "is_numbered": ROW_OF in table.columns}
    stored = _open_stored(workshop, name, path.parent, path.name, facts)
    facts["stored"][path.name]["types"] = types_text(stored)
    return stored


def _open_stored(
    workshop: Workshop, name: str, folder: Path, file: str, facts: Mapping[str, Any]
) -> ir.Table:
    """Open a stored table; its rows are numbered in the order in which they were delivered."""
    if (folder / file) in workshop.opened:
        return workshop.opened[folder / file]
    known = facts["stored"][file]
    path = f"[{sql_text(str(folder / file))}]"
    if known["is_numbered"]:  # rows that kept their number when others were removed
        query = f"FROM READ_PARQUET({path})"
    else:
        query = (
            f"FROM READ_PARQUET({path}, file_row_number = TRUE) "
            f"SELECT * EXCLUDE (file_row_number), file_row_number AS {ROW_OF}"
        )
    names = {_STAGED: f"cached_{name}_as_delivered", _FINAL: f"cached_{name}"}
    types = types_from(known["types"])
    opened = make_view(workshop.engine, names.get(file, "cached_orders"), query, types)
    workshop.opened[folder / file] = opened
    return opened


def _check_key(source: TableSource, table: ir.Table, where: Where) -> None:
    for name in (source.deduplicate and source.deduplicate.key) or ():
        if name not in table.columns:
            raise SourceError(
                f"{where.at('deduplicate', 'key')}: the table has no column '{name}'.\n"
                f"{hint_names(name, final_columns(table).columns, label='Columns')}"
            )
