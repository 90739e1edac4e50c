"""Turns what the engine cannot read itself (.xz, Excel, other encodings) into plain UTF-8 text."""

import bz2
import codecs
import csv
import datetime as dt
import gzip
import io
import lzma
import shutil
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import python_calamine as calamine

from kpikit.errors import SourceError, hint_names
from kpikit.params.model import TableSource
from kpikit.sources.cache import digest, entry
from kpikit.sources.files import SourceFile

_ENGINE_READS = ("", ".gz", ".zst")
_SPREADSHEET_DIGITS = 15
_BLOCK = 1 << 20
CORRUPT = (lzma.LZMAError, EOFError, gzip.BadGzipFile, zlib.error, OSError)


def readable_path(
    file: SourceFile, content_hash: str, source: TableSource, root: Path, *, tidy: bool = False
) -> Path:
    """Return a path of ``file``'s content that the engine reads as it stands.

    Args:
        file: A file of any kind but Parquet.
        content_hash: SHA-256 of its bytes.
        source: Its table's parameters, for encoding and sheet.
        root: The cache's folder.
        tidy: Write the text anew, record by record, with one kind of line end.

    Returns:
        The file itself, or its unpacked copy in the cache.

    Raises:
        SourceError: It is damaged, of another encoding, or lacks the sheet.
    """
    encoding = _encoding(source.encoding, file)
    if file.kind == "excel":
        key = digest([content_hash, source.sheet])
        return entry(
            root, f"unpacked/{key}", lambda folder: _write_sheet(file, source.sheet, folder)
        ) / "data.csv"  # fmt: skip
    if not tidy and encoding == "utf-8" and file.compression in _ENGINE_READS:
        return file.path
    key = digest([content_hash, encoding, tidy])
    return entry(
        root, f"unpacked/{key}", lambda folder: _write_text(file, encoding, folder, tidy=tidy)
    ) / "data.csv"  # fmt: skip


def open_bytes(path: Path, compression: str) -> IO[bytes]:
    """Open a file as its decompressed bytes."""
    if compression == ".gz":
        return gzip.open(path)  # type: ignore[return-value]
    if compression == ".xz":
        return lzma.open(path)
    if compression == ".bz2":
        return bz2.open(path)
    if compression == ".zst":
        return pa.input_stream(str(path), compression="zstd")  # type: ignore[no-any-return]
    return path.open("rb")


def wrong_encoding(name: str, encoding: str) -> SourceError:
    """Return the error for text that is not of the encoding declared."""
    return SourceError(
        f"{name} is not {encoding} text.\n"
        "Declare its encoding, such as encoding: cp1252 (Windows), latin-1 or utf-16."
    )


def damaged(name: str, error: Exception) -> SourceError:
    """Return the error for a file that cannot be unpacked."""
    detail = str(error).strip() or type(error).__name__
    return SourceError(f"{name} is damaged or not what its name says: {detail}.\nDeliver it again.")


def _encoding(declared: str, file: SourceFile) -> str:
    try:
        name = codecs.lookup(declared).name
    except LookupError as error:
        known = ("utf-8", "utf-16", "latin-1", "cp1252", "cp1250", "cp1251", "shift_jis", "gb18030")
        raise SourceError(
            f"Unknown encoding '{declared}' of {file.name}.\n{hint_names(declared, known)}"
        ) from error
    return "utf-8" if name in ("utf-8", "utf-8-sig", "ascii") else name


def _write_text(file: SourceFile, encoding: str, folder: Path, *, tidy: bool) -> None:
    target = folder / "data.csv"
    try:
        with open_bytes(file.path, file.compression) as packed:
            if tidy:
                _rewrite_records(packed, encoding, target)
            elif encoding == "utf-8":
                with target.open("wb") as plain:
                    shutil.copyfileobj(packed, plain, _BLOCK)
            else:
                with (
                    io.TextIOWrapper(packed, encoding=encoding, newline="") as reader,
                    target.open("w", encoding="utf-8", newline="") as text,
                ):
                    shutil.copyfileobj(reader, text, _BLOCK)
    except UnicodeError as error:
        raise wrong_encoding(file.name, encoding) from error
    except CORRUPT as error:
        raise damaged(file.name, error) from error


def _rewrite_records(packed: IO[bytes], encoding: str, target: Path) -> None:
    # quoting survives untouched: only the ends of lines outside quotes change
    text = packed.read().decode(encoding)
    quoted = text.split('"')
    quoted[::2] = [part.replace("\r\n", "\n").replace("\r", "\n") for part in quoted[::2]]
    target.write_text('"'.join(quoted), encoding="utf-8", newline="")


def _write_sheet(file: SourceFile, sheet: str | None, folder: Path) -> None:
    try:
        with calamine.CalamineWorkbook.from_path(file.path) as book:
            names = book.sheet_names
            if sheet is not None and sheet not in names:
                raise SourceError(
                    f"{file.name} has no sheet '{sheet}'.\n"
                    f"{hint_names(sheet, names, label='Sheets')}"
                )
            rows: Iterable[list[Any]] = book.get_sheet_by_name(sheet or names[0]).to_python()
    except (calamine.CalamineError, OSError) as error:
        raise damaged(file.name, error) from error
    with (folder / "data.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([_cell_text(cell) for cell in row] for row in rows)


def _cell_text(cell: Any) -> str:
    """Write a cell as it was meant: whole numbers without a point, days and times as ISO."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        # a spreadsheet keeps 15 digits: beyond, the number is shown as damaged as it is
        if abs(cell) >= 10**_SPREADSHEET_DIGITS:
            return f"{cell:.{_SPREADSHEET_DIGITS}G}"
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(sep=" ")
    return str(cell)
