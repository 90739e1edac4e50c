"""Reads a source column as its canonical kind; what cannot be read is kept beside, never lost."""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from kpikit.engine import local_time, naive_utc, skipped_days, try_cast, utc_time
from kpikit.errors import SourceError
from kpikit.params.tables import ColumnKind
from kpikit.sources.dates import TimeFormat, parse_formats

MONEY = "decimal(18, 6)"
AMOUNT = "decimal(38, 6)"
# the product of two MONEY values as the engine makes it: rounding it row by row is the dearest step
LINE_AMOUNT = "decimal(38, 12)"
_TEXT_KINDS = ("id", "code", "text")
_OFFSET = r"\d\s?(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
_SPACES = (" ", "\u00a0", "\u202f")


@dataclass(frozen=True)
class Reading:
    """A column as read.

    Attributes:
        value: The canonical value; null where missing or unparsable.
        source: The source's text, where it may be there and yet be unparsable; None elsewhere.
        wall_clock: The local time before it became UTC; None where no clock skips any.
    """

    value: ir.Value
    source: ir.StringValue | None = None
    wall_clock: ir.TimestampValue | None = None


@dataclass(frozen=True)
class NumberMarks:
    """The marks of numbers in text."""

    decimal: str = "."
    thousands: str | None = None


@dataclass(frozen=True)
class Zones:
    """Zone of times of day that carry none, and the product's, in which bare days begin."""

    source: str = "UTC"
    product: str = "UTC"


def clean_text(value: ir.StringValue, null_values: Sequence[str]) -> ir.StringValue:
    """Return text with blanks and the declared null values missing; else as it stands."""
    missing = sorted({"", *(text.strip() for text in null_values)})
    return ibis.ifelse(value.strip().isin(missing), ibis.null(str), value)


def read_text(value: ir.Value) -> Reading:
    """Return ids, codes and texts as text; a whole number stored as a float loses its point."""
    if value.type().is_string():
        return Reading(value)
    if value.type().is_floating():
        whole = value.cast("int64").cast(str)
        is_whole = value.abs().between(0, 1e15) & (value == value.floor())
        return Reading(ibis.ifelse(is_whole, whole, value.cast(str)))
    return Reading(value.cast(str))


def read_number(value: ir.Value, marks: NumberMarks, *, exact: bool) -> Reading:
    """Return numbers as DECIMAL(18, 6) where ``exact``, else as floats.

    Text may hold thousands marks, where declared and where they part groups as they should, and a
    ``%``, by which the number is divided by 100.
    """
    target = MONEY if exact else "float64"
    kind = value.type()
    if not (kind.is_string() or kind.is_numeric()):
        raise SourceError(f"holds {kind}, not numbers")
    if kind.is_integer() and not exact:
        return Reading(value.cast(target))
    number = _parse_number(value, marks, target) if kind.is_string() else try_cast(value, target)
    if not exact:  # 'nan' and 'inf' are words for floats
        number = ibis.ifelse(number.isnan() | number.isinf(), ibis.null(target), number)
    return Reading(number, value.cast(str))


def read_time(value: ir.Value, form: TimeFormat | None, zones: Zones) -> Reading:
    """Return times as UTC without zone.

    Times with an offset are converted; times of day without one are read in the source's zone;
    bare days begin at midnight of the product's zone, so that they stay the same day.
    """
    kind = value.type()
    if kind.is_timestamp() and kind.timezone:
        return Reading(naive_utc(value))
    if kind.is_timestamp():
        return _local_reading(value, zones.source)
    if kind.is_date():
        return Reading(utc_time(value.cast("timestamp"), zones.product))
    if not kind.is_string() or form is None:
        raise SourceError(f"holds {kind}, not times")
    zone = zones.product if form.date_only else zones.source
    reading = _read_written(value, form, zone)
    if form.date_only:  # midnight is meant as the day, whether the clock shows it or not
        return Reading(reading.value, value)
    return Reading(reading.value, value, reading.wall_clock)


def _read_written(value: ir.StringValue, form: TimeFormat, zone: str) -> Reading:
    if form.formats:
        local = parse_formats(value.strip(), form.formats)
        in_utc = any("%z" in each for each in form.formats)
        return Reading(local) if in_utc else _local_reading(local, zone)
    return _read_iso(value, zone)


def read_date(value: ir.Value, form: TimeFormat | None) -> Reading:
    """Return days; of a time, the day as it is written."""
    kind = value.type()
    if kind.is_date():
        return Reading(value)
    if kind.is_timestamp():
        return Reading(value.date())
    if not kind.is_string() or form is None:
        raise SourceError(f"holds {kind}, not days")
    text = value.strip()
    parsed = parse_formats(text, form.formats) if form.formats else try_cast(text, "timestamp")
    day = _finite(parsed).date()
    return Reading(day, value)


def read_column(
    value: ir.Value,
    kind: ColumnKind,
    *,
    exact: bool = False,
    form: TimeFormat | None = None,
    marks: NumberMarks,
    zones: Zones,
) -> Reading:
    """Return a source column read as its canonical kind; see the function of each kind."""
    if kind in _TEXT_KINDS:
        return read_text(value)
    if kind == "time":
        return read_time(value, form, zones)
    if kind == "date":
        return read_date(value, form)
    return read_number(value, marks, exact=exact or kind == "money")


def _parse_number(value: ir.StringValue, marks: NumberMarks, target: str) -> ir.NumericValue:
    text = value
    if marks.thousands is not None:
        text = _without_thousands(text.strip(), marks)
    if marks.decimal != ".":
        # a point is then no decimal mark, and must not become one
        text = ibis.ifelse(text.contains("."), ibis.null(str), text.replace(marks.decimal, "."))
    # engines cut blanks themselves; what comes second is done only for what the first cannot read
    percent = ibis.ifelse(text.rstrip().endswith("%"), text.replace("%", ""), ibis.null(str))
    return ibis.coalesce(try_cast(text, target), (try_cast(percent, target) / 100).cast(target))


def _without_thousands(text: ir.StringValue, marks: NumberMarks) -> ir.StringValue:
    mark = marks.thousands or ""
    if mark == " ":  # printed and typed spaces stand for one another
        for space in _SPACES[1:]:
            text = text.replace(space, " ")
    escaped, point = f"[{mark}]", f"[{marks.decimal}]"
    # groups of two also part numbers in India; the last group always has three digits
    grouped = rf"^[+-]?\d{{1,3}}({escaped}\d{{2,3}})*{escaped}\d{{3}}({point}\d*)?\s?%?$"
    return ibis.cases(
        (~text.contains(mark), text),
        (text.re_search(grouped), text.replace(mark, "")),
        else_=ibis.null(str),
    )


def _read_iso(value: ir.StringValue, zone: str) -> Reading:
    text = value.strip()
    wall_clock = _finite(try_cast(text, "timestamp"))
    has_offset = (text.length() > 16) & text.re_search(_OFFSET)
    instant = naive_utc(try_cast(text, "timestamp('UTC')"))
    local = _local_reading(wall_clock, zone)
    time = ibis.ifelse(has_offset, instant, local.value)
    if local.wall_clock is None:
        return Reading(time, value)
    return Reading(time, value, ibis.ifelse(has_offset, ibis.null("timestamp"), wall_clock))


def _local_reading(wall_clock: ir.TimestampValue, zone: str) -> Reading:
    if wall_clock.type().scale not in (None, 6):  # one unit for all: microseconds
        wall_clock = wall_clock.cast("timestamp(6)")
    if zone == "UTC":
        return Reading(wall_clock)
    return Reading(utc_time(wall_clock, zone), wall_clock=wall_clock)


def is_skipped(wall_clock: ir.TimestampValue, time: ir.TimestampValue, zone: str) -> ir.Value:
    """Tell whether a local time is one that the zone's clock skips, by reading it back from UTC."""
    day = wall_clock.date().isin(skipped_days(zone))
    return ibis.ifelse(day, local_time(time, zone) != wall_clock, ibis.literal(False))


def _finite(times: ir.TimestampValue) -> ir.TimestampValue:
    # engines read the word 'infinity' as a time
    return ibis.ifelse(times < ibis.timestamp("9999-12-31 23:59:59"), times, ibis.null("timestamp"))
