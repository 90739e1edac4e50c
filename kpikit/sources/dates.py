"""Finds out how the times of a text column are written, by evidence, and says so."""

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.types as ir

from kpikit.engine import naive_utc
from kpikit.sources.views import rows_alike, rows_of

_ISO = re.compile(
    r"\d{4}([-/])\d{1,2}\1\d{1,2}"
    r"([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s?(Z|UTC|[+-]\d{2}(:?\d{2})?)?)?"
)
_TIME_DIRECTIVE = re.compile(r"%-?[HIMSfTcXsp]")
_MONTH = r"[A-Za-z]{3,9}"
_DATE_SHAPES = (  # shape, day-first format, month-first format or None where it reads one way
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}"), "%d/%m/%Y", "%m/%d/%Y"),
    (re.compile(r"\d{1,2}-\d{1,2}-\d{4}"), "%d-%m-%Y", "%m-%d-%Y"),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}"), "%d.%m.%Y", "%m.%d.%Y"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{2}"), "%d/%m/%y", "%m/%d/%y"),
    (re.compile(r"\d{1,2}-\d{1,2}-\d{2}"), "%d-%m-%y", "%m-%d-%y"),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{2}"), "%d.%m.%y", "%m.%d.%y"),
    (re.compile(r"\d{8}"), "%Y%m%d", None),
    (re.compile(r"\d{4}\.\d{1,2}\.\d{1,2}"), "%Y.%m.%d", None),
    (re.compile(rf"\d{{1,2}} {_MONTH} \d{{4}}"), "%d {month} %Y", None),
    (re.compile(rf"\d{{1,2}}-{_MONTH}-\d{{4}}"), "%d-{month}-%Y", None),
    (re.compile(rf"\d{{1,2}}-{_MONTH}-\d{{2}}"), "%d-{month}-%y", None),
    (re.compile(rf"{_MONTH} \d{{1,2}}, \d{{4}}"), "{month} %d, %Y", None),
)
_TIME_SHAPES = (
    (re.compile(r"\d{1,2}:\d{2}"), "%H:%M"),
    (re.compile(r"\d{1,2}:\d{2}:\d{2}"), "%H:%M:%S"),
    (re.compile(r"\d{1,2}:\d{2}:\d{2}\.\d+"), "%H:%M:%S.%f"),
    (re.compile(r"\d{1,2}:\d{2} [AaPp][Mm]"), "%I:%M %p"),
    (re.compile(r"\d{1,2}:\d{2}:\d{2} [AaPp][Mm]"), "%I:%M:%S %p"),
    (re.compile(r"\d{1,2}:\d{2}[AaPp][Mm]"), "%I:%M%p"),
)
_PARTS = re.compile(
    rf"(?P<weekday>[A-Za-z]{{3,9}}(?P<mark>,? ))??(?P<date>{_MONTH} \d{{1,2}}, \d{{4}}"
    rf"|\d{{1,2}}[ -]{_MONTH}[ -]\d{{2,4}}|[\d./-]+)(?:(?P<join>[T ])(?P<time>\d.*))?"
)
_SAMPLE_VALUES = 1000


@dataclass(frozen=True)
class TimeFormat:
    """How a text column of times is read.

    Attributes:
        formats: strptime formats, tried in order; none of them means ISO 8601.
        date_only: Whether the values are days without a time of day.
        reading: ``declared``, ``plain`` (reads one way), ``day_first`` or ``month_first`` (found by
            evidence), or ``undecidable``.
        deciding: Values that only this reading can read; for ``undecidable`` those read both ways.
        values: Values that are not missing; 0 where nobody counted.
    """

    formats: tuple[str, ...] = ()
    date_only: bool = False
    reading: str = "plain"
    deciding: int = 0
    values: int = 0


def declared_format(text: str) -> TimeFormat:
    """Return the format that the parameters declare."""
    return TimeFormat((text,), not _TIME_DIRECTIVE.search(text), "declared")


def first_values(table: ir.Table, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the first values of text columns that are not missing, blanks cut, each once.

    One query tells those of all columns, but for columns in which many are missing.
    """
    if not names:
        return {}
    rows = rows_alike(
        table, lambda: table.select(list(names)).limit(_SAMPLE_VALUES), "first values", *names
    )
    found: dict[str, list[str]] = {}
    for name in names:
        values = [row[name] for row in rows if row[name] is not None]
        if len(values) < len(rows) == _SAMPLE_VALUES:  # further ones lie beyond
            column = table.select(name)
            further = column.filter(column[name].notnull()).limit(_SAMPLE_VALUES)
            values = [row[name] for row in rows_of(further)]
        found[name] = list(dict.fromkeys(value.strip(string.whitespace) for value in values))
    return found


def find_format(text: ir.StringValue, sample: Sequence[str]) -> TimeFormat:
    """Return how the values of a cleaned text column are written.

    ISO 8601 is assumed where at least half of a first sample has that form. Else each known form
    seen in the sample is a candidate. Where day and month can change places, the order that reads
    more of all values wins; where both read the same values differently, it is undecidable and
    the day is taken to come first.

    Args:
        text: The column, blanks cut and missing values null, of a table that can be queried.
        sample: Its first values, each once.
    """
    if sum(bool(_ISO.fullmatch(value)) for value in sample) * 2 >= len(sample):
        return TimeFormat(date_only=bool(sample) and all(len(value) <= 10 for value in sample))
    plain, day_first, month_first = _candidates(sample)
    found = [*plain, *day_first]
    date_only = bool(found) and not any(_TIME_DIRECTIVE.search(each) for each in found)
    if not day_first:
        return TimeFormat(tuple(plain), date_only)
    return _decide(text, plain, day_first, month_first, date_only=date_only)


def parse_formats(text: ir.StringValue, formats: Iterable[str]) -> ir.TimestampValue:
    """Return the time that the first fitting format reads; null where none does."""
    attempts = [
        # a format with an offset yields an instant, the others a wall-clock time
        naive_utc(_try_strptime_aware(text, each)) if "%z" in each else _try_strptime(text, each)
        for each in formats
    ]
    if not attempts:  # a column in which nothing looks like a time
        return ibis.null("timestamp")
    return ibis.coalesce(*attempts)


def _candidates(sample: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the formats seen: those that read one way, day first, and month first."""
    plain: dict[str, None] = {}
    day_first: dict[str, None] = {}
    month_first: dict[str, None] = {}
    for value in sample:
        for shape, format_day, format_month in _DATE_SHAPES:
            parts = _PARTS.fullmatch(value.strip())
            if parts is None or not shape.fullmatch(parts["date"]):
                continue
            before, after = _around(parts)
            month = "%b" if re.search(r"\b[A-Za-z]{3}\b", parts["date"]) else "%B"
            form = before + format_day.format(month=month) + after
            if format_month is None:
                plain[form] = None
            else:
                day_first[form] = None
                month_first[before + format_month + after] = None
    return list(plain), list(day_first), list(month_first)


def _around(parts: re.Match[str]) -> tuple[str, str]:
    """Return the formats of the weekday before the date and of the time after it."""
    weekday = parts["weekday"]
    before = ""
    if weekday:
        before = ("%a" if len(weekday) - len(parts["mark"]) == 3 else "%A") + parts["mark"]
    time = parts["time"]
    if time is None:
        return before, ""
    matched = [form for shape, form in _TIME_SHAPES if shape.fullmatch(time)]
    return before, parts["join"] + (matched[0] if matched else "%H:%M:%S")


def _decide(
    text: ir.StringValue,
    plain: Sequence[str],
    day_first: Sequence[str],
    month_first: Sequence[str],
    *,
    date_only: bool,
) -> TimeFormat:
    day = parse_formats(text, (*plain, *day_first))
    month = parse_formats(text, (*plain, *month_first))
    readings = ibis.struct({"text": text, "day": day, "month": month}).name("r").as_table()
    both = readings.select(text=readings["r"]["text"], day=readings["r"]["day"],
                           month=readings["r"]["month"])  # fmt: skip
    counted = both.aggregate(
        values=both["text"].count(),
        day=both["day"].count(),
        month=both["month"].count(),
        only_day=(both["day"].notnull() & both["month"].isnull()).sum(),
        only_month=(both["month"].notnull() & both["day"].isnull()).sum(),
        differing=(both["day"] != both["month"]).sum(),
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    values = int(counted["values"] or 0)
    if counted["month"] > counted["day"]:
        formats = (*plain, *month_first)
        return TimeFormat(formats, date_only, "month_first", int(counted["only_month"]), values)
    formats = (*plain, *day_first)
    if counted["day"] > counted["month"]:
        return TimeFormat(formats, date_only, "day_first", int(counted["only_day"]), values)
    differing = int(counted["differing"] or 0)
    reading = "undecidable" if differing else "plain"
    return TimeFormat(formats, date_only, reading, differing, values)


@ibis.udf.scalar.builtin(
    name="try_strptime", signature=((dtypes.string, dtypes.string), dtypes.timestamp)
)
def _try_strptime(text, form):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Read a wall-clock time; null where the format does not fit."""


@ibis.udf.scalar.builtin(
    name="try_strptime",
    signature=((dtypes.string, dtypes.string), dtypes.Timestamp(timezone="UTC")),
)
def _try_strptime_aware(text, form):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Read an instant with its offset; null where the format does not fit."""
