"""Tells whether a product's data changed: its files' content, or its database's version."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kpikit.errors import SourceError
from kpikit.params import LoadedProduct
from kpikit.params.model import TableSource
from kpikit.sources.cache import digest, file_hash
from kpikit.sources.connect import database_file, database_table, engine_errors, open_connection
from kpikit.sources.files import SourceFile, find_files
from kpikit.sources.where import Where

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends import BaseBackend


@dataclass(frozen=True)
class Identity:
    """What a product's data is, without opening it.

    Attributes:
        files: Files per canonical table; database tables are not listed.
        hashes: SHA-256 of each file's bytes.
        versions: What identifies the content of each canonical table.
        data_hash: What identifies all of it.
    """

    files: Mapping[str, tuple[SourceFile, ...]]
    hashes: Mapping[Path, str]
    versions: Mapping[str, str]
    data_hash: str


def identify(loaded: LoadedProduct, root: Path) -> Identity:
    """Return the identity of a product's data.

    A file is its bytes, hashed once and remembered. A DuckDB file is its bytes too. Any other
    database is what ``source.version_query`` returns; without one, it is the number of rows and
    the least and greatest value of every column of its tables, which a change in the middle of
    its values escapes.

    Raises:
        SourceError: No table is declared, or a file or database cannot be read.
    """
    source = loaded.params.source
    if not source.tables:
        raise SourceError(
            f"{Where(loaded, 'source')}: no table is declared.\n"
            "Name at least one under source.tables, such as events."
        )
    files: dict[str, tuple[SourceFile, ...]] = {}
    hashes: dict[Path, str] = {}
    versions: dict[str, str] = {}
    for name, table in source.tables.items():
        if table.files is not None:
            where = Where(loaded, f"source.tables.{name}.files")
            files[name] = find_files(table.files, loaded.path.parent, where)
            hashes |= {file.path: file_hash(file.path, root) for file in files[name]}
            versions[name] = digest([[file.name, hashes[file.path]] for file in files[name]])
    from_database: dict[str, TableSource] = {
        name: table for name, table in source.tables.items() if name not in files
    }
    if from_database:
        versions |= _database_versions(loaded, from_database, root)
    return Identity(files, hashes, versions, digest(versions))


def has_version(loaded: LoadedProduct) -> bool:
    """Tell whether equal data hashes of the product mean equal data.

    They do for files and for a DuckDB file, and where ``source.version_query`` is given.
    """
    source = loaded.params.source
    all_files = all(table.files is not None for table in source.tables.values())
    if all_files or source.version_query is not None:
        return True
    path = database_file(source.connection, loaded.path.parent)
    return path is not None and path.is_file()


def _database_versions(
    loaded: LoadedProduct, tables: Mapping[str, TableSource], root: Path
) -> dict[str, str]:
    source = loaded.params.source
    path = database_file(source.connection, loaded.path.parent)
    if path is not None and path.is_file():
        parts = [path, path.with_name(f"{path.name}.wal")]
        version = digest([file_hash(part, root) for part in parts if part.is_file()])
        return dict.fromkeys(tables, version)
    con = open_connection(source.connection, loaded.path.parent)
    if source.version_query is not None:
        with engine_errors(Where(loaded, "source.version_query")):
            rows = con.sql(source.version_query).to_pyarrow().to_pylist()
        return dict.fromkeys(tables, digest(rows))
    return {name: _fingerprint(con, table, loaded, name) for name, table in tables.items()}


def _fingerprint(con: "BaseBackend", source: TableSource, loaded: LoadedProduct, name: str) -> str:
    where = Where(loaded, f"source.tables.{name}.table")
    table = database_table(con, source.table or "", where)
    measures: dict[str, ir.Value] = {"rows": table.count()}
    for index, (column, kind) in enumerate(table.schema().items()):
        if kind.is_string() or kind.is_numeric() or kind.is_temporal():
            measures[f"least_{index}"] = table[column].min()
            measures[f"most_{index}"] = table[column].max()
    with engine_errors(where):
        return digest(table.aggregate(**measures).to_pyarrow().to_pylist())
