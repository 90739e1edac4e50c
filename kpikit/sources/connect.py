"""Opens the connection of a product: embedded DuckDB, a DuckDB file, or any Ibis backend."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpikit.errors import KpikitError, SourceError, hint_names
from kpikit.params import expand_secrets, mask_secrets
from kpikit.sources.where import Where

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends import BaseBackend

_EMBEDDED = ("duckdb://", "duckdb://:memory:")


class UnevenLinesError(SourceError):
    """A text file ends its lines in two ways, which the engine refuses to read."""


def embedded_engine(spill_dir: Path | None = None, *, is_small: bool = False) -> "BaseBackend":
    """Return a DuckDB in memory, in which files are read.

    What does not fit into memory goes to ``spill_dir``. ``KPIKIT_THREADS`` says how many threads it
    has; unless it does, few rows have one: to share them out takes longer than to read them.
    """
    return _open_duckdb(spill_dir, **({"threads": 1} if is_small else {}))


def is_embedded(connection: str) -> bool:
    """Tell whether a connection names the embedded engine, which holds no tables of its own."""
    return connection in _EMBEDDED


def database_file(connection: str, folder: Path) -> Path | None:
    """Return the DuckDB file that a connection names, relative to ``folder``; else None."""
    expanded = expand_secrets(connection)
    if is_embedded(expanded):
        return None
    if expanded.startswith("duckdb://"):
        path = expanded.removeprefix("duckdb://").partition("?")[0]
        return None if path.startswith("md:") else folder / path
    return None if "://" in expanded else folder / Path(expanded).expanduser()


def open_connection(connection: str, folder: Path, spill_dir: Path | None = None) -> "BaseBackend":
    """Open what ``source.connection`` names; a DuckDB file is opened for reading alone.

    Args:
        connection: An Ibis URL or the path of a DuckDB file; ``${NAME}`` is expanded here.
        folder: The folder of the product's file, to which a path is relative.
        spill_dir: Where DuckDB puts what does not fit into memory.

    Raises:
        SourceError: It cannot be opened; the message shows no secret.
    """
    import ibis  # noqa: PLC0415 - whether data changed is told without it

    expanded = expand_secrets(connection)
    path = database_file(connection, folder)
    if path is not None and not path.is_file():
        # what a variable holds is not shown, not even in part
        named = f"'{path.name}' in {path.parent}" if expanded == connection else f"'{connection}'"
        raise SourceError(
            f"source.connection: there is no database file {named}.\n"
            "A path is relative to the product's file; any other connection is a URL."
        )
    try:
        if path is not None:
            return _open_duckdb(spill_dir, str(path), read_only=True)
        if is_embedded(expanded):
            return embedded_engine(spill_dir)
        return ibis.connect(expanded)
    except KpikitError:
        raise
    except ImportError as error:
        scheme = expanded.partition("://")[0]
        raise SourceError(
            f"source.connection needs the {scheme} backend, which is not installed.\n"
            f"Type: pip install 'ibis-framework[{scheme}]'"
        ) from error
    except Exception as error:  # each driver raises its own classes
        reason = _first_line(error)
        if path is not None and expanded != connection:
            reason = reason.replace(str(path), connection)
        raise SourceError(
            f"source.connection cannot be opened: {mask_secrets(reason)}\n"
            "Check the address, the network and the variables that it names."
        ) from error


def database_table(con: "BaseBackend", name: str, where: Where) -> "ir.Table":
    """Return a table of the database by its name, with its schema where it has one.

    Raises:
        SourceError: There is no such table; the message names the nearest.
    """
    *schema, table = name.split(".")
    location: Any = None
    if schema:
        location = schema[0] if len(schema) == 1 else tuple(schema)
    with engine_errors(where):
        names = con.list_tables(database=location)
        if table in names:
            return con.table(table, database=location)
    place = f" in schema '{'.'.join(schema)}'" if schema else ""
    raise SourceError(
        f"{where}: the database has no table '{table}'{place}.\n"
        f"{hint_names(table, names, label='Tables')}"
    )


@contextmanager
def engine_errors(where: Where | str) -> Iterator[None]:
    """Turn whatever an engine raises while it reads ``where`` into a SourceError.

    The message keeps the engine's first sentence and drops paths and secrets. Mistakes in kpikit
    itself (a KeyError, a TypeError) pass as they are.
    """
    try:
        yield
    except (KpikitError, KeyboardInterrupt):
        raise
    except Exception as error:  # each driver raises its own classes
        if type(error).__module__ == "builtins" and not isinstance(error, OSError):
            raise
        kind = UnevenLinesError if "reached an invalid state" in str(error) else SourceError
        raise kind(f"{where}: {_explain(error)}") from error


def _open_duckdb(spill_dir: Path | None, *args: Any, **options: Any) -> "BaseBackend":
    import ibis  # noqa: PLC0415 - as above

    con = ibis.duckdb.connect(*args, **(options | _engine_options(spill_dir)))
    # in a notebook it draws a bar for a query of seconds, which would stand in the report; it can
    # be turned off only once the connection is open
    con.raw_sql("SET enable_progress_bar = false")
    # DuckDB merges nested selects itself; Ibis takes a seventh of a review's time for it
    ibis.options.sql.fuse_selects = False
    return con


def _engine_options(spill_dir: Path | None) -> dict[str, Any]:
    # DuckDB would serve the old bytes of a file that was replaced within the same second
    options: dict[str, Any] = {"enable_external_file_cache": False}
    if threads := os.environ.get("KPIKIT_THREADS"):
        if not threads.isdigit() or threads == "0":
            raise SourceError(
                f"KPIKIT_THREADS is '{threads}'.\nGive a whole number from 1, or unset it."
            )
        options["threads"] = int(threads)
    if spill_dir is not None:
        # two processes in one folder would overwrite each other's spill
        options["temp_directory"] = str(spill_dir / str(os.getpid()))
    return options


def _explain(error: Exception) -> str:
    text = str(error)
    if csv_line := re.search(r"CSV Error on Line: (\d+)", text):
        return _explain_csv(text, csv_line[1])
    if "No magic bytes" in text or "too small to be a Parquet" in text:
        return "a file is no Parquet file, or is damaged.\nDeliver it again."
    if "Malformed JSON" in text or "malformed" in text.lower():
        return f"{_shorten(text)}\nA JSON file holds one object a line."
    return f"{_shorten(text)}"


def _explain_csv(text: str, line: str) -> str:
    file = re.search(r"file = (?:.*[/\\])?(.+)", text)
    place = f"{file[1].strip()}, line {line}: " if file else f"line {line}: "
    if "unicode" in text:
        return (
            f"{place}the text is not utf-8.\n"
            "Declare its encoding, such as encoding: cp1252 (Windows), latin-1 or utf-16."
        )
    if columns := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text):
        return (
            f"{place}{columns[2]} fields where the header has {columns[1]}.\n"
            "Mend the line, or declare the delimiter that the file has."
        )
    if "unterminated quote" in text:
        return f"{place}a quotation mark is opened and never closed.\nMend the line."
    return f"{place}{_shorten(text.partition('Line: ')[2])}\nMend the line."


def _shorten(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    shown = " ".join(lines[:2]) or "the engine gave no reason"
    return mask_secrets(re.sub(r"(?:[A-Za-z]:)?[/\\](?:[^\s/\\'\"]+[/\\])+", "", shown))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
