"""What a check looks at: one table as delivered, with what is already known of it."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from kpikit.params.model import TableSource
from kpikit.params.tables import TableSpec
from kpikit.periods import Calendar
from kpikit.sources.dates import TimeFormat
from kpikit.sources.repeats import DayRepeats


@dataclass(frozen=True)
class Content:
    """What is in a file, by which it is told from others.

    Attributes:
        usable_rows: Rows with a value in every required column.
        prints: Column to what identifies its values; columns whose values are all alike are left
            out.
    """

    usable_rows: int
    prints: Mapping[str, str]


@dataclass(frozen=True)
class FileFacts:
    """One file's part of a table.

    Attributes:
        name: Its name.
        rows: Its rows.
        first: Earliest time of a row.
        last: Latest time of a row.
        content: What is in it; None where no other file has as many rows.
    """

    name: str
    rows: int
    first: dt.datetime | None
    last: dt.datetime | None
    content: Content | None


def span_of(files: Iterable[FileFacts]) -> tuple[dt.datetime, dt.datetime] | None:
    """Return the earliest and latest time of the rows of files; None without any."""
    ends = [time for file in files for time in (file.first, file.last) if time is not None]
    return (min(ends), max(ends)) if ends else None


@dataclass(frozen=True)
class Subject:
    """One table to be checked.

    Attributes:
        spec: The canonical table.
        source: Its parameters.
        table: Staged, as delivered: canonical, other and working columns.
        mapped: Canonical columns that come from the source.
        formats: How its text columns of times are read.
        calendar: The product's.
        currency: The product's.
        codes: Columns whose letter case matters.
        rows: Rows.
        files: Its files.
        days: Local day to rows, in order; rows without a time are left out.
        repeats: How often rows repeat, per local day; None where that is yet to be counted.
        seen: What the checks asked of one look at all rows, by the names that they gave it.
    """

    spec: TableSpec
    source: TableSource
    table: ir.Table
    mapped: tuple[str, ...]
    formats: Mapping[str, TimeFormat]
    calendar: Calendar
    currency: str
    codes: tuple[str, ...]
    rows: int
    files: tuple[FileFacts, ...]
    days: Mapping[dt.date, int]
    repeats: Sequence[DayRepeats] | None
    seen: Mapping[str, Any]
