"""Reads a table of a product as it stands in its source: every column, no reading of values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from kpikit.errors import SourceError
from kpikit.params.model import TableSource
from kpikit.sources.connect import database_table, engine_errors
from kpikit.sources.files import SourceFile
from kpikit.sources.text import TextLayout, text_layout
from kpikit.sources.unpack import readable_path
from kpikit.sources.views import make_view, sql_name, sql_text
from kpikit.sources.where import Where

FILE = "_file"
ROW = "_row"
_PATH, _NUMBER = "_kpikit_path", "file_row_number"  # where a row comes from, as DuckDB tells
_JSON = "format = 'auto', union_by_name = TRUE"
FEW_BYTES = 1 << 22  # of files whose rows are held in memory, and need no second thread


@dataclass(frozen=True)
class RawTable:
    """A source table before its columns are mapped.

    Attributes:
        table: Every column of the source; of files also ``_file``, the file's name, and of Parquet
            files ``_row``, the row's number in its file.
        is_text: Whether all columns are text, to be read by kpikit's rules and stored once.
        repeated: Columns, in small letters, that a header names more than once.
        is_small: Whether all of it is quickly held in memory.
    """

    table: ir.Table
    is_text: bool
    repeated: frozenset[str] = frozenset()
    is_small: bool = False


@dataclass(frozen=True)
class _Part:
    """Files that are read together.

    Attributes:
        columns: Their columns.
        query: What reads them, in SQL, and adds the path of each row's file.
        names: Path of each to its name.
    """

    columns: tuple[str, ...]
    query: str
    names: Mapping[str, str]


def read_files(
    con: BaseBackend,
    files: Sequence[SourceFile],
    hashes: Mapping[Path, str],
    source: TableSource,
    *,
    root: Path,
    where: Where,
    tidy: bool = False,
) -> RawTable:
    """Return the rows of all files, united by column name.

    Args:
        con: The engine that reads them.
        files: The files of one canonical table.
        hashes: SHA-256 of each file's bytes.
        source: The table's parameters.
        root: The cache's folder.
        where: The key in the product's file, for messages.
        tidy: Write text files anew with one kind of line end before they are read.
    """
    if files[0].kind == "parquet":
        with engine_errors(where):
            return RawTable(_read_parquet(con, files, where), is_text=False)
    paths = {
        file: readable_path(file, hashes[file.path], source, root, tidy=tidy) for file in files
    }
    layouts = _layouts(paths, source)
    with engine_errors(where):
        parts = [*_text_parts(layouts), *_json_parts(con, paths, where)]
        table = _united(con, parts, f"{_table_of(where)}_text")
    repeated = frozenset(name.casefold() for layout in layouts for name in layout.repeated)
    is_small = sum(path.stat().st_size for path in paths.values()) <= FEW_BYTES
    return RawTable(table, is_text=True, repeated=repeated, is_small=is_small)


def read_database(con: BaseBackend, name: str, where: Where) -> RawTable:
    """Return a table of the database, where it lies."""
    return RawTable(database_table(con, name, where), is_text=False)


def apply_sql(con: BaseBackend, raw: RawTable, sql: str, where: Where) -> RawTable:
    """Return the SELECT that the parameters give over ``{this}``.

    Raises:
        SourceError: The engine refuses it; the message says why and which columns there are.
    """
    inner = ibis.to_sql(raw.table, dialect=con.name)
    try:
        with engine_errors(where):
            table = con.sql(sql.replace("{this}", f"({inner})"))
    except SourceError as error:
        columns = ", ".join(name for name in raw.table.columns if name not in (FILE, ROW))
        hint = "Columns of text files are text: cast(x as integer) makes a number.\n"
        raise SourceError(f"{error}\n{hint if raw.is_text else ''}Columns: {columns}.") from error
    return RawTable(table, raw.is_text, is_small=raw.is_small)


def parquet_source(files: Sequence[SourceFile], table: str) -> tuple[str, str]:
    """Return name and query of the view that Parquet files are read by.

    Their folder is known to this view alone, so that what is kept of a table outlives a move.
    """
    names = {str(file.path): file.name for file in files}
    options = f"union_by_name = TRUE, filename = '{_PATH}', file_row_number = TRUE"
    taken = ", ".join(map(sql_text, (_PATH, _NUMBER, FILE, ROW)))
    return f"delivered_{table}", (
        f"FROM READ_PARQUET({_paths_sql(names)}, {options}) "
        f"SELECT COLUMNS(lambda name: name NOT IN ({taken})), "
        f"{_NUMBER} AS {ROW}, {_file_sql(names)} AS {FILE}"
    )


def _read_parquet(con: BaseBackend, files: Sequence[SourceFile], where: Where) -> ir.Table:
    return make_view(con, *parquet_source(files, _table_of(where)))


def _table_of(where: Where) -> str:
    return where.key.split(".")[2]  # source.tables.<name>.files


def _layouts(
    paths: Mapping[SourceFile, Path], source: TableSource
) -> dict[TextLayout, dict[str, str]]:
    """Return the text files of each layout: path to name."""
    groups: dict[TextLayout, dict[str, str]] = {}
    for file, path in paths.items():
        if file.kind != "json":
            excel = file.kind == "excel"
            layout = text_layout(path, file.name, "," if excel else source.delimiter)
            groups.setdefault(layout, {})[str(path)] = file.name
    return groups


def _text_parts(layouts: Mapping[TextLayout, dict[str, str]]) -> list[_Part]:
    """Return text files, those of one layout together."""
    return [
        _Part(
            layout.header,
            f"READ_CSV({_paths_sql(names)}, columns = {_columns_sql(layout.header)}, "
            f"auto_detect = FALSE, header = TRUE, delim = {sql_text(layout.delimiter)}, "
            f"quote = '\"', escape = '\"', filename = '{_PATH}')",
            names,
        )
        for layout, names in layouts.items()
    ]


def _json_parts(con: BaseBackend, paths: Mapping[SourceFile, Path], where: Where) -> list[_Part]:
    names = {str(path): file.name for file, path in paths.items() if file.kind == "json"}
    if not names:
        return []
    files = _paths_sql(names)
    # once for the keys of all objects, then all of them as text: ids stay as they are written
    found = f"READ_JSON({files}, maximum_depth = 1, sample_size = -1, {_JSON})"
    columns = tuple(each[0] for each in con.raw_sql(f"FROM {found} LIMIT 0").description)
    if columns == ("json",) and not con.raw_sql(f"FROM {found} SELECT COUNT(*)").fetchall()[0][0]:
        raise SourceError(
            f"{where}: {', '.join(names.values())}: there is no object, so no column is known."
            "\nDeliver one object a line, or leave the table out until there is one."
        )
    query = f"READ_JSON({files}, columns = {_columns_sql(columns)}, filename = '{_PATH}', {_JSON})"
    return [_Part(columns, query, names)]


def _paths_sql(paths: Iterable[str]) -> str:
    return f"[{', '.join(map(sql_text, paths))}]"


def _columns_sql(columns: Iterable[str]) -> str:
    return "{" + ", ".join(f"{sql_text(name)}: 'VARCHAR'" for name in columns) + "}"


def _united(con: BaseBackend, parts: Sequence[_Part], name: str) -> ir.Table:
    """Unite files of text by column name, case aside; what one lacks is missing there."""
    spelling: dict[str, str] = {}
    for part in parts:
        for column in part.columns:
            spelling.setdefault(column.casefold(), column)
    spelling.pop(FILE, None)  # taken
    selects = []
    for part in parts:
        own = {column.casefold(): sql_name(column) for column in part.columns}
        values = [f"{own.get(key, 'NULL')} AS {sql_name(to)}" for key, to in spelling.items()]
        selects.append(
            f"FROM {part.query} SELECT {', '.join(values)}, {_file_sql(part.names)} AS {FILE}"
        )
    types = dict.fromkeys([*spelling.values(), FILE], dtypes.string)
    return make_view(con, name, " UNION ALL ".join(selects), types)


def _file_sql(names: Mapping[str, str]) -> str:
    """Return the name by which people know the file of a row, from those of all paths."""
    if len(names) == 1:
        return sql_text(next(iter(names.values())))
    cases = (f"WHEN {sql_text(path)} THEN {sql_text(name)}" for path, name in names.items())
    return f"CASE {_PATH} {' '.join(cases)} END"
