"""Makes one table ready: staged, stored where it was text, without the repeats declared."""

import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

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
from kpikit.sources.read import RawTable, apply_sql, read_database, read_files
from kpikit.sources.remembered import FORM
from kpikit.sources.repeats import deduplicate
from kpikit.sources.stage import ROW_OF, StagedTable, final_columns, stage_table
from kpikit.sources.where import Where

_STAGED, _FINAL, _ORDERS, _FACTS = "staged.parquet", "final.parquet", "orders.parquet", "facts.json"


@dataclass(frozen=True)
class PreparedTable:
    """A table ready for use.

    Attributes:
        delivered: As delivered, with working columns, for the checks.
        final: Without declared repeats and working columns, for everybody else.
        orders: Orders derived from it; None unless it is the order lines and no orders are given.
    """

    delivered: StagedTable
    final: ir.Table
    orders: ir.Table | None


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
    """

    loaded: LoadedProduct
    identity: Identity
    root: Path
    engine: BaseBackend
    database: BaseBackend | None
    staged: dict[str, StagedTable] = field(default_factory=dict)

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


def prepare_table(workshop: Workshop, name: str) -> PreparedTable:
    """Return a table ready for use, from the cache where it lies there whole.

    Text files are read once and stored as Parquet; so is a table without its repeats. All else
    stays an expression over the files or the database.
    """
    key = f"tables/{_table_key(workshop, name)}"
    for attempt in range(2):
        folder = entry(workshop.root, key, lambda folder: _build(workshop, name, folder))
        try:
            return _open_entry(workshop, name, folder)
        except SourceError:
            if attempt:
                raise
            shutil.rmtree(folder, ignore_errors=True)  # damaged in a way its sizes do not show
    raise AssertionError("unreachable")  # pragma: no cover


def _table_key(workshop: Workshop, name: str) -> str:
    source = workshop.source(name).model_dump(mode="json", exclude={"accept", "errors"})
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
    with workshop.errors(name):
        staged = _stage(workshop, name, raw)
        table = staged.table
        derives = raw.is_text and _derives_orders(workshop, name)
        if raw.is_text:
            _store(table, folder / _STAGED)
            if derives or source.deduplicate is not None:
                table = _stored(workshop, folder / _STAGED, f"{name}_as_delivered")
        else:
            workshop.staged[name] = staged
        final = table
        if source.deduplicate is not None:
            _check_key(source, table, workshop.where(name))
            zone = workshop.loaded.calendar.timezone
            _store(deduplicate(table, source.deduplicate, spec, zone), folder / _FINAL)
            final = _stored(workshop, folder / _FINAL, name)
        if derives:
            _store(derive_orders(final_columns(final)), folder / _ORDERS)
    formats = {column: dataclasses.asdict(form) for column, form in staged.formats.items()}
    write_json(folder / _FACTS, {"mapped": staged.mapped, "formats": formats})


def _open_entry(workshop: Workshop, name: str, folder: Path) -> PreparedTable:
    facts = read_json(folder / _FACTS)
    if facts is None:
        raise SourceError(f"{folder} is damaged.")
    formats = {
        column: TimeFormat(**{**form, "formats": tuple(form["formats"])})
        for column, form in facts["formats"].items()
    }
    with workshop.errors(name):
        if (folder / _STAGED).exists():
            table = _stored(workshop, folder / _STAGED, f"{name}_as_delivered")
            delivered = StagedTable(table, tuple(facts["mapped"]), formats)
        else:
            delivered = workshop.staged.get(name) or _stage(
                workshop, name, _raw_table(workshop, name), formats
            )
        final = delivered.table
        if (folder / _FINAL).exists():
            final = _stored(workshop, folder / _FINAL, name)
        final = final_columns(final)
        orders = None
        if (folder / _ORDERS).exists():
            orders = _stored(workshop, folder / _ORDERS, "orders").drop(ROW_OF)
        elif _derives_orders(workshop, name):
            orders = derive_orders(final)
    return PreparedTable(delivered, counted_orders(final) if name == "orders" else final, orders)


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


def _store(table: ir.Table, path: Path) -> None:
    table.get_backend().to_parquet(table, path, compression="zstd")


def _stored(workshop: Workshop, path: Path, name: str) -> ir.Table:
    """Open a stored table; its rows are numbered in the order in which they were delivered."""
    table = workshop.engine.read_parquet(path, table_name=f"cached_{name}", file_row_number=True)
    if ROW_OF in table.columns:  # rows that kept their number when others were removed
        return table.drop("file_row_number")
    return table.rename({ROW_OF: "file_row_number"})


def _check_key(source: TableSource, table: ir.Table, where: Where) -> None:
    for name in (source.deduplicate and source.deduplicate.key) or ():
        if name not in table.columns:
            raise SourceError(
                f"{where.at('deduplicate', 'key')}: the table has no column '{name}'.\n"
                f"{hint_names(name, final_columns(table).columns, label='Columns')}"
            )
