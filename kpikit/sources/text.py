"""Finds the header and the delimiter of a text file from its first records."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kpikit.errors import SourceError
from kpikit.sources.unpack import CORRUPT, damaged, open_bytes, wrong_encoding

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_BYTES = 1 << 17
_SAMPLE_RECORDS = 200
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class TextLayout:
    """How a text file is laid out.

    Attributes:
        header: Column names: blanks around them cut, repeats numbered, missing ones named.
        delimiter: Mark between fields.
        repeated: Names that stand more than once, as first written.
    """

    header: tuple[str, ...]
    delimiter: str
    repeated: tuple[str, ...] = ()


def text_layout(path: Path, name: str, declared: str | None) -> TextLayout:
    """Return the layout of a UTF-8 text file (plain, .gz or .zst).

    The delimiter, unless declared, is the one by which most records have as many fields as the
    header, and of those the one with most fields.

    Raises:
        SourceError: It is not UTF-8 text, or is damaged.
    """
    sample = _sample(path, name)
    if declared is not None:
        return _layout(_records(sample, declared)[0], declared)
    by_delimiter = {mark: _records(sample, mark) for mark in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda mark: _fit(by_delimiter[mark]))
    return _layout(by_delimiter[best][0], best)


def _sample(path: Path, name: str) -> str:
    compression = path.suffix.lower() if path.suffix.lower() in (".gz", ".zst") else ""
    try:
        with open_bytes(path, compression) as stream:
            raw = stream.read(_SAMPLE_BYTES)
    except CORRUPT as error:
        raise damaged(name, error) from error
    if raw.startswith(_BYTE_ORDER_MARKS):
        raise wrong_encoding(name, "utf-8")
    if len(raw) == _SAMPLE_BYTES:  # the last line may be cut, even inside a character
        raw = raw[: raw.rfind(b"\n") + 1] or raw[:-4]
    if b"\0" in raw:
        raise SourceError(f"{name} is no text file.\nGive it the suffix of what it is.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise wrong_encoding(name, "utf-8") from error
    if not text.strip():
        raise SourceError(f"{name} is empty: it has no header.\nDeliver it again.")
    return text


def _records(sample: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    records = []
    for record in reader:
        if record:
            records.append(record)
        if len(records) == _SAMPLE_RECORDS:
            break
    return records


def _fit(records: Sequence[Sequence[str]]) -> tuple[float, int]:
    width = len(records[0])
    if width == 1:
        return 0.0, 1
    return sum(len(record) == width for record in records) / len(records), width


def _layout(record: Sequence[str], delimiter: str) -> TextLayout:
    folded = [cell.strip().casefold() for cell in record]
    repeated = {
        cell.strip().casefold(): cell.strip()
        for cell in reversed(record)
        if cell.strip() and folded.count(cell.strip().casefold()) > 1
    }
    return TextLayout(_column_names(record), delimiter, tuple(repeated.values()))


def _column_names(record: Sequence[str]) -> tuple[str, ...]:
    taken: set[str] = set()
    names = []
    for position, cell in enumerate(record, start=1):
        name = base = cell.strip() or f"column_{position}"
        number = 1
        while name.casefold() in taken:  # the engine holds names alike but for case to be one
            number += 1
            name = f"{base}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return tuple(names)
