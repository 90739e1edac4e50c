"""What every query shares: tables from frames, local time, and period starts, as Ibis expressions.

Times are stored in UTC without a zone. All expressions here run unchanged on every Ibis backend.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from kpikit.errors import AnalysisError, hint_names
from kpikit.periods import Calendar, Grain

_FIRST_YEAR, _LAST_YEAR = 1990, 2040
_BETWEEN_CHANGES = dt.timedelta(days=3)  # no zone changed twice within six (Recife, October 2000)
_BUILTIN_ZONES = frozenset({"duckdb", "postgres"})


def as_table(data: "ir.Table | pd.DataFrame") -> ir.Table:
    """Return ``data`` as an Ibis table; a frame (of pandas, Arrow or polars) becomes one in memory.

    An engine has one type per column: one of a pandas frame that mixes text with other values, or
    holds objects such as UUIDs, is read as text.

    Raises:
        AnalysisError: It is no table.
    """
    if isinstance(data, ir.Table):
        return data
    if isinstance(data, pd.DataFrame):
        return ibis.memtable(_of_one_type_each(data))
    if hasattr(data, "columns") and hasattr(data, "__arrow_c_stream__"):
        return ibis.memtable(data)
    raise AnalysisError(
        f"A {type(data).__name__} is given where a table belongs.\nGive a frame or an Ibis table."
    )


def _of_one_type_each(frame: pd.DataFrame) -> pd.DataFrame:
    found = frame.copy(deep=False)
    for name, values in frame.items():
        if not pd.api.types.is_object_dtype(values.dtype):
            continue
        mixed = pd.api.types.infer_dtype(values, skipna=True) in {"mixed", "mixed-integer"}
        if mixed and not any(isinstance(value, Mapping | list) for value in values):
            found[name] = values.map(str, na_action="ignore").astype("str")
    return found


def with_text_events(events: ir.Table) -> ir.Table:
    """Return events whose ``event``, where they have one, is text: codes may be numbers."""
    if "event" not in events.columns or events.event.type().is_string():
        return events
    return events.mutate(event=events.event.cast("string"))


def check_columns(table: ir.Table, columns: Iterable[str], name: str) -> None:
    """Raise unless ``table`` has every one of ``columns``.

    Args:
        table: The table.
        columns: Names that a query needs.
        name: What the table is called, for the message.

    Raises:
        AnalysisError: One is missing; the message names the nearest that is there.
    """
    for column in columns:
        if column not in table.columns:
            hint = hint_names(column, table.columns, label="Columns")
            raise AnalysisError(f"Table {name} has no column '{column}'.\n{hint}")


def try_cast(value: ir.Value, target: str) -> ir.Value:
    """Return ``value`` as ``target``, null where it cannot be.

    Engines that know no such cast (Postgres, SQLite) raise instead, when the query runs.
    """
    return value.try_cast(target) if supports(value, ops.TryCast) else value.cast(target)


def supports(value: ir.Value, operation: type[ops.Value]) -> bool:
    """Return whether the engine that would run ``value`` has an operation; yes if none is known."""
    backends, _ = value._find_backends()  # noqa: SLF001 - no public way to ask
    return not backends or bool(backends[0].has_operation(operation))


def readable_sql(expression: ir.Table) -> str:
    """Return the SQL of an expression, for people: nested selects are merged where they can be.

    Text is that of the engine which holds the tables. In-memory tables are called ``memory_1`` and
    so on: Ibis gives them random names, and equal queries must have equal text.
    """
    merged = ibis.options.sql.fuse_selects
    ibis.options.sql.fuse_selects = True
    try:
        # to_sql would bind the tables anew and copy the query, for the same text
        text = str(ibis.get_backend(expression).compile(expression, pretty=True))
    finally:
        ibis.options.sql.fuse_selects = merged
    names = {table.name for table in expression.op().find(ops.InMemoryTable)}
    for index, name in enumerate(sorted(names, key=text.index), 1):
        text = text.replace(name, f"memory_{index}")
    return text


FETCHING: set[int] = set()  # engines whose last result is just being read: nothing else may run


def duckdb_query(table: ir.Table) -> tuple[Any, str]:
    """Return DuckDB and what it is to be asked for an expression; None and no text elsewhere."""
    backend: Any = table._find_backend(use_default=True)  # noqa: SLF001 - no public way to ask
    if backend.name != "duckdb":
        return None, ""
    backend._run_pre_execute_hooks(table)  # noqa: SLF001 - makes frames in memory known to it
    return backend, backend.compile(table)


def fetch(table: ir.Table) -> pa.Table:
    """Return the rows of an expression.

    Ibis's ``to_pyarrow`` gives the same, but has DuckDB plan a query twice: once for its columns
    alone. Here the connection's last result is read, so one thread at a time may use it.
    """
    backend, query = duckdb_query(table)
    if backend is None:
        return table.to_pyarrow()
    from ibis.backends.duckdb.converter import DuckDBPyArrowData  # noqa: PLC0415 - heavy

    FETCHING.add(id(backend))
    try:
        found = backend.raw_sql(query).to_arrow_table()
    finally:
        FETCHING.discard(id(backend))
    return table.__pyarrow_result__(found, data_mapper=DuckDBPyArrowData)


def short_key(column: ir.Value) -> ir.Value:
    """Return a text as 64 bits on DuckDB, which groups and sorts by them twice as fast.

    Two of a million ids then meet with a chance of 3 in 100 million, two of a hundred million with
    one of 3 in 10,000. A null has bits too, so leave nulls out first.
    """
    if not column.type().is_string() or backend_name(column) != "duckdb":
        return column
    return _hash64(column)


def naive_utc(times: ir.Value) -> ir.TimestampValue:
    """Return times as UTC without a zone: an instant with one is converted, text is parsed."""
    kind = times.type()
    if not kind.is_timestamp():
        return times.cast("timestamp")
    if kind.timezone is None:
        return times
    if backend_name(times) in _BUILTIN_ZONES:
        return _timezone_naive("UTC", times)
    return times.cast(dtypes.Timestamp(timezone="UTC")).cast("timestamp")


@lru_cache(maxsize=1024)  # Ibis reads a time from its text, slowly
def instant(time: dt.datetime) -> ir.TimestampScalar:
    """Return a UTC time without a zone as a literal."""
    return ibis.timestamp(time.isoformat(sep=" "))


def exact_money(amounts: ir.Value) -> ir.DecimalValue:
    """Return amounts as DECIMAL, rounded to six places where they are not; unreadable is null."""
    return amounts if amounts.type().is_decimal() else amounts.try_cast("decimal(38, 6)")


def local_time(
    times: ir.TimestampValue,
    timezone: str,
    *,
    between: tuple[dt.datetime, dt.datetime] | None = None,
) -> ir.TimestampValue:
    """Return UTC ``times`` as wall-clock times of ``timezone`` (IANA name).

    DuckDB and Postgres know zones themselves; elsewhere the zone's offset changes of 1990 to 2040
    become a CASE expression, with the first and last offset beyond.

    Args:
        times: UTC, without a zone.
        timezone: IANA name.
        between: First and last of ``times``, where the caller knows them. The few changes between
            become the CASE on every engine: on DuckDB that is ten times as fast as its own zones.
    """
    if timezone == "UTC":
        return times
    if between is None and backend_name(times) in _BUILTIN_ZONES:
        return _timezone_naive(timezone, _timezone_aware("UTC", times))
    if between is None:
        changes = offset_changes(timezone)
    else:
        first, last = (min(max(end.year, _FIRST_YEAR), _LAST_YEAR) for end in between)
        changes = offset_changes(timezone, first, last + 1)
        earlier = [change for change in changes[1:] if change[0] <= between[0]]
        inside = [change for change in changes[1:] if between[0] < change[0] <= between[1]]
        changes = (*(earlier or changes[:1])[-1:], *inside)
    branches = [
        (times < instant(after), _shift(times, offset))
        for (_, offset), (after, _) in pairwise(changes)
    ]
    after_all = _shift(times, changes[-1][1])
    return ibis.cases(*branches, else_=after_all) if branches else after_all


def utc_time(times: ir.TimestampValue, timezone: str) -> ir.TimestampValue:
    """Return wall-clock ``times`` of ``timezone`` as UTC times without zone.

    An hour that the clock repeats in autumn is read as its second run, in standard time. A time
    that it skips in spring is read by the offset before the gap, so that ``local_time`` gives back
    a later one: this is how such times are found.
    """
    if timezone == "UTC":
        return times
    if backend_name(times) in _BUILTIN_ZONES:
        return _timezone_naive("UTC", _timezone_aware(timezone, times))
    changes = offset_changes(timezone)
    branches = [
        (times < instant(after + later), _shift(times, -offset))
        for (_, offset), (after, later) in pairwise(changes)
    ]
    last = _shift(times, -changes[-1][1])
    return ibis.cases(*branches, else_=last) if branches else last


def local_date(
    times: ir.TimestampValue,
    timezone: str,
    *,
    between: tuple[dt.datetime, dt.datetime] | None = None,
) -> ir.DateValue:
    """Return the day of UTC ``times`` in ``timezone``; ``between`` as in ``local_time``."""
    return local_time(times, timezone, between=between).date()


def period_start(dates: ir.DateValue, grain: Grain, calendar: Calendar) -> ir.DateValue:
    """Return the first day of the period of ``grain`` that holds each local date."""
    if grain == "day":
        return dates
    if grain == "month":
        return dates.truncate("M")
    if grain == "week":
        if calendar.week_offset == 0:  # the engines' own weeks, four times as fast
            return _as_date(dates.truncate("W"))
        offset = ibis.interval(days=calendar.week_offset)
        return _as_date(_as_date(dates - offset).truncate("W") + offset)
    unit, length = ("Q", 3) if grain == "quarter" else ("Y", 12)
    shift = (calendar.fiscal_year_start - 1) % length
    if shift == 0:
        return dates.truncate(unit)
    months = ibis.interval(months=shift)
    return _as_date(_as_date(dates.truncate("M") - months).truncate(unit) + months)


def utc_bounds(start: dt.date, end: dt.date, timezone: str) -> tuple[dt.datetime, dt.datetime]:
    """Return the UTC instants, without zone, at which the local days [start, end) begin and end."""
    zone = ZoneInfo(timezone)

    def midnight(day: dt.date) -> dt.datetime:
        local = dt.datetime.combine(day, dt.time(), tzinfo=zone)
        return local.astimezone(dt.UTC).replace(tzinfo=None)

    return midnight(start), midnight(end)


@lru_cache(maxsize=64)
def offset_changes(
    timezone: str, first_year: int = _FIRST_YEAR, before_year: int = _LAST_YEAR
) -> tuple[tuple[dt.datetime, dt.timedelta], ...]:
    """Return the zone's offset changes: UTC instant without zone, and the offset from then on.

    The first entry is the offset before the first change, dated at the start of the first year.
    """
    zone = ZoneInfo(timezone)
    instant = dt.datetime(first_year, 1, 1)  # noqa: DTZ001 - stored times bear no zone
    offset = _offset_at(instant, zone)
    changes = [(instant, offset)]
    while instant.year < before_year:
        following = instant + _BETWEEN_CHANGES
        later = _offset_at(following, zone)
        if later != offset:
            changes.append((_change_between(instant, following, zone), later))
        instant, offset = following, later
    return tuple(changes)


def skipped_days(timezone: str) -> tuple[dt.date, ...]:
    """Return the local days of 1990 to 2040 in which the zone's clock skips a time."""
    return tuple(
        (after + before).date()
        for (_, before), (after, later) in pairwise(offset_changes(timezone))
        if later > before
    )


def _change_between(low: dt.datetime, high: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Bisect to the minute at which the offset changes between two instants."""
    before = _offset_at(low, zone)
    while high - low > dt.timedelta(minutes=1):
        middle = low + (high - low) / 2
        middle = middle.replace(second=0, microsecond=0)
        low, high = (middle, high) if _offset_at(middle, zone) == before else (low, middle)
    return high


def _offset_at(instant: dt.datetime, zone: ZoneInfo) -> dt.timedelta:
    return instant.replace(tzinfo=dt.UTC).astimezone(zone).utcoffset() or dt.timedelta()


def _as_date(value: ir.Value) -> ir.DateValue:
    # engines disagree on whether a date plus an interval is a date or a timestamp
    return value.cast("date")


def _shift(times: ir.TimestampValue, offset: dt.timedelta) -> ir.TimestampValue:
    return times + ibis.interval(seconds=int(offset.total_seconds()))


def backend_name(expression: ir.Value) -> str:
    """Return the name of the engine that would run an expression; empty where none is known."""
    backends, has_unbound = expression._find_backends()  # noqa: SLF001 - no public way to ask
    if backends:
        return str(backends[0].name)
    return "" if has_unbound else str(ibis.get_backend().name)


_AWARE, _NAIVE = "timestamp('UTC')", "timestamp"


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", _NAIVE), _AWARE))
def _timezone_aware(zone, times):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Read a time without zone as one of ``zone``."""


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", _AWARE), _NAIVE))
def _timezone_naive(zone, times):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Write an instant as the wall clock of ``zone`` shows it."""


@ibis.udf.scalar.builtin(name="hash", signature=(("string",), "uint64"))
def _hash64(text):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the bits of DuckDB's own hash."""
