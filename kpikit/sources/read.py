"""Reads a table of a product as it stands in its source: every column, no reading of values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from kpikit.errors import SourceError
from kpikit.params.model import TableSource
from kpikit.sources.connect import database_table, engine_errors
from kpikit.sources.files import SourceFile
from kpikit.sources.text import TextLayout, text_layout
from kpikit.sources.unpack import readable_path
from kpikit.sources.where import Where

FILE = "_file"
ROW = "_row"
_PATH = "_kpikit_path"
_JSON = {"format": "auto", "union_by_name": True}


@dataclass(frozen=True)
class RawTable:
    """A source table before its columns are mapped.

    Attributes:
        table: Every column of the source; of files also ``_file``, the file's name, and of Parquet
            files ``_row``, the row's number in its file.
        is_text: Whether all columns are text, to be read by kpikit's rules and stored once.
        repeated: Columns, in small letters, that a header names more than once.
    """

    table: ir.Table
    is_text: bool
    repeated: frozenset[str] = frozenset()


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
    parts = _read_text(con, layouts, where) + _read_json(con, paths, where)
    repeated = frozenset(name.casefold() for layout in layouts for name in layout.repeated)
    return RawTable(_unite(parts), is_text=True, repeated=repeated)


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
    return RawTable(table, raw.is_text)


def _read_parquet(con: BaseBackend, files: Sequence[SourceFile], where: Where) -> ir.Table:
    table = con.read_parquet(
        [str(file.path) for file in files],
        # a name of its own: the one that Ibis draws by lot would stand in every printed query
        table_name=f"delivered_{where.key.split('.')[2]}",  # source.tables.<name>.files
        union_by_name=True,
        filename=_PATH,
        file_row_number=True,
    )
    return _named(table, {str(file.path): file.name for file in files}).rename(
        {ROW: "file_row_number"}
    )


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


def _read_text(
    con: BaseBackend, layouts: Mapping[TextLayout, dict[str, str]], where: Where
) -> list[ir.Table]:
    """Read text files, those of one layout together."""
    tables = []
    for layout, names in layouts.items():
        with engine_errors(where):
            table = con.read_csv(
                list(names),
                columns=dict.fromkeys(layout.header, "VARCHAR"),
                header=True,
                delim=layout.delimiter,
                quote='"',
                escape='"',
                filename=_PATH,
            )
        tables.append(_named(table, names))
    return tables


def _read_json(con: BaseBackend, paths: Mapping[SourceFile, Path], where: Where) -> list[ir.Table]:
    names = {str(path): file.name for file, path in paths.items() if file.kind == "json"}
    if not names:
        return []
    with engine_errors(where):
        # once for the keys of all objects, then all of them as text: ids stay as they are written
        found = con.read_json(list(names), maximum_depth=1, sample_size=-1, **_JSON)
        if found.columns == ("json",) and not found.count().to_pyarrow().as_py():
            raise SourceError(
                f"{where}: {', '.join(names.values())}: there is no object, so no column is known."
                "\nDeliver one object a line, or leave the table out until there is one."
            )
        columns = dict.fromkeys(found.columns, "VARCHAR")
        table = con.read_json(list(names), columns=columns, filename=_PATH, **_JSON)
    return [_named(table, names)]


def _named(table: ir.Table, names: Mapping[str, str]) -> ir.Table:
    """Replace the path of each row's file by the name that people read."""
    path = table[_PATH]
    if len(names) == 1:
        name: ir.Value = ibis.literal(next(iter(names.values())))
    else:
        name = ibis.cases(*((path == key, value) for key, value in names.items()))
    return table.mutate(**{FILE: name}).drop(_PATH)


def _unite(tables: Iterable[ir.Table]) -> ir.Table:
    """Unite tables of text by column name, case aside; what one lacks is missing there."""
    tables = list(tables)
    if not tables:
        raise SourceError("No file to read.")  # pragma: no cover - find_files refuses it first
    spelling: dict[str, str] = {}
    for table in tables:
        for name in table.columns:
            spelling.setdefault(name.casefold(), name)
    aligned = []
    for table in tables:
        own = {name.casefold(): name for name in table.columns}
        aligned.append(
            table.select(
                **{
                    name: table[own[key]] if key in own else ibis.null(str)
                    for key, name in spelling.items()
                }
            )
        )
    return aligned[0] if len(aligned) == 1 else ibis.union(*aligned)
