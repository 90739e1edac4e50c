"""The tables that metrics' expressions read: rows of each period, as Ibis relations.

A small table of days says which day belongs to which period. It is joined on equality, so that any
periods may be asked for at once (months beside quarters, overlapping, cut short for a comparison to
date) and each row is counted once in each of them, exactly, on every engine.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.operations as ops
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from kpikit.engine import fetch, instant, local_date, naive_utc, utc_bounds
from kpikit.params.tables import CANONICAL
from kpikit.periods import Calendar, Period

DAY, PERIOD = "kpikit_day", "kpikit_period"
DIMENSION, SEGMENT = "kpikit_dimension", "kpikit_segment"
MISSING_SEGMENT = "(missing)"
NOW, START = "kpikit_now", "kpikit_start"
_NUMBERS: Mapping[str, str] = {"orders": "sale_number", "subscriptions": "spell_number"}
_ONE_DAY = dt.timedelta(days=1)

Schema = Mapping[str, dtypes.DataType | str]


@dataclass(frozen=True)
class Span:
    """The periods asked for and what cuts time for them.

    Attributes:
        periods: The periods, of any grain; the index of one is its number in results.
        calendar: How the product cuts time.
        as_of: Last complete day; later rows do not count.
        covered: First and last day with a row of the table that is read, where known: local days
            are then found faster.
    """

    periods: Sequence[Period]
    calendar: Calendar
    as_of: dt.date
    covered: tuple[dt.date, dt.date] | None = None

    @property
    def end(self) -> dt.date:
        """The first day after all that counts."""
        return min(max(period.end for period in self.periods), self.as_of + _ONE_DAY)

    @property
    def start(self) -> dt.date:
        """The first day that counts; never after ``end``."""
        return min(*(period.start for period in self.periods), self.end)

    def local_day(self, times: ir.TimestampValue) -> ir.DateValue:
        """Return the local day of UTC ``times`` of the table that is read."""
        zone = self.calendar.timezone
        if self.covered is None:
            return local_date(times, zone)
        first, last = self.covered
        return local_date(times, zone, between=utc_bounds(first, last + _ONE_DAY, zone))


@dataclass(frozen=True)
class Coverage:
    """What a table's rows cover.

    Attributes:
        days: First and last local day with a row.
        named: Whether any row says whose it is.
    """

    days: tuple[dt.date, dt.date]
    named: bool


class Coverages:
    """What tables cover; each is asked once.

    Args:
        timezone: Zone in which days begin.
    """

    def __init__(self, timezone: str) -> None:
        """Know no table yet."""
        self._timezone = timezone
        self._found: dict[ops.Node, Coverage | None] = {}

    def of(self, table: ir.Table, name: str) -> Coverage | None:
        """Return what a canonical table covers; None where it is empty.

        Args:
            table: The table.
            name: Its canonical name.
        """
        key = table.op()
        if key not in self._found:
            self._found[key] = _coverage(table, name, self._timezone)
        return self._found[key]

    def extend(self, part: ir.Table, whole: Coverage | None) -> None:
        """Let a part of a table cover what the whole does: a segment may have quiet months."""
        self._found[part.op()] = whole


def _coverage(table: ir.Table, name: str, timezone: str) -> Coverage | None:
    column = time_column(table, name)
    users = table["user_id"].count() if "user_id" in table.columns else ibis.literal(0)
    found = table.aggregate(first=column.min(), last=column.max(), users=users)
    (row,) = fetch(found).to_pylist()
    if row["first"] is None:
        return None
    first, last = (_local_day(row[key], timezone) for key in ("first", "last"))
    return Coverage((first, last), named=row["users"] > 0)


def rows_by_period(
    table: ir.Table,
    name: str,
    span: Span,
    *,
    dimensions: Sequence[str] = (),
    columns: Collection[str] | None = None,
) -> ir.Table:
    """Return the rows of a table, once for each period that holds them.

    Args:
        table: A canonical table.
        name: Its canonical name.
        span: The periods.
        dimensions: Columns whose values part the rows, if any; a row stands once for each.
        columns: Columns that are read; all, if None.

    Returns:
        Those of the columns of ``row_schema`` that are read; ``kpikit_day``, ``kpikit_period`` and
        the ``keys_of`` dimensions always.
    """
    if name in _NUMBERS and (columns is None or _NUMBERS[name] in columns):
        table = _with_number(table, name)
    inside = table.filter(*_within(time_column(table, name), span))
    column = time_column(inside, name)
    day = column if column.type().is_date() else span.local_day(column)
    read = {each: inside[each] for each in inside.columns if columns is None or each in columns}
    return parted(inside, {**read, DAY: day}, dimensions).inner_join(period_days(span), DAY)


def row_schema(table: ir.Table, name: str, *, dimensions: Sequence[str] = ()) -> Schema:
    """Return the columns of ``rows_by_period``, each with its type.

    They are all columns of the table, ``kpikit_day`` (local day), ``kpikit_period`` (index), the
    ``keys_of`` dimensions; ``sale_number`` or ``spell_number``, counted from 1 per user over all
    time, where the table is orders or subscriptions.
    """
    number = {_NUMBERS[name]: "int64"} if name in _NUMBERS else {}
    return {**table.schema(), **number, DAY: "date", **key_schema(dimensions), PERIOD: "int64"}


def _within(column: ir.Value, span: Span) -> tuple[ir.BooleanValue, ir.BooleanValue]:
    """Return whether a time is at or after the start of a span, and before its end."""
    if column.type().is_date():
        return column >= span.start, column < span.end
    low, high = utc_bounds(span.start, span.end, span.calendar.timezone)
    return column >= instant(low), column < instant(high)


def _with_number(table: ir.Table, name: str) -> ir.Table:
    """Number the sales, or the spells, of each user over all time."""
    if name == "orders":
        window = ibis.window(group_by=["user_id", "kind"], order_by=["order_time", "order_id"])
        return table.mutate(sale_number=ibis.dense_rank().over(window) + 1)
    window = ibis.window(group_by="user_id", order_by=["start_time", "subscription_id"])
    paid = table.drop_null("start_time")
    return paid.mutate(spell_number=ibis.dense_rank().over(window) + 1)


def keys_of(dimensions: Sequence[str]) -> list[str]:
    """Return the columns that part rows by dimensions: the dimension's index and its segment."""
    return [DIMENSION, SEGMENT] if dimensions else []


def key_schema(dimensions: Sequence[str]) -> Schema:
    """Return the ``keys_of`` dimensions, each with its type."""
    return {DIMENSION: "int8", SEGMENT: "string"} if dimensions else {}


def as_segment(column: ir.Value) -> ir.StringValue:
    """Return a column's values as names of segments; a missing one has a name too."""
    return column.cast("string").fill_null(MISSING_SEGMENT)


def parted(table: ir.Table, columns: Mapping[str, ir.Value], dimensions: Sequence[str]) -> ir.Table:
    """Return columns of a table, each row once for each dimension, with its segment of it."""
    texts = [as_segment(table[name]) for name in dimensions]
    if not texts:
        return table.select(**columns)
    if len(texts) == 1:
        return table.select(**columns, **{DIMENSION: ibis.literal(0), SEGMENT: texts[0]})
    segments = {f"{SEGMENT}_{index}": text for index, text in enumerate(texts)}
    indexes = ibis.memtable(pa.table({DIMENSION: pa.array(range(len(texts)), pa.int8())}))
    each = table.select(**columns, **segments).cross_join(indexes)
    branches = [(each[DIMENSION] == index, each[name]) for index, name in enumerate(segments)]
    return each.select(*columns, DIMENSION, **{SEGMENT: ibis.cases(*branches)})


def period_days(span: Span, *, look_back: bool = False, starts: bool = False) -> ir.Table:
    """Return one row per period and day in it: ``kpikit_day``, ``kpikit_period``.

    Args:
        span: The periods.
        look_back: Whether the days of the whole period before have a row too; ``kpikit_now`` is
            false on those.
        starts: Whether the period's first day is a column too: ``kpikit_start``.
    """
    spans = [(period, index, True) for index, period in enumerate(span.periods)]
    if look_back:
        spans += [(span.calendar.previous(period), index, False) for period, index, _ in spans]
    firsts = np.array([period.start for period, *_ in spans], dtype="datetime64[D]")
    ends = np.array([period.end for period, *_ in spans], dtype="datetime64[D]")
    lengths = np.maximum((np.minimum(ends, np.datetime64(span.end)) - firsts).astype(int), 0)
    own = np.repeat(np.arange(len(spans)), lengths)  # the place in ``spans`` of each row
    steps = np.arange(len(own)) - (lengths.cumsum() - lengths)[own]
    indexes = np.array([index for _, index, _ in spans])
    columns = {DAY: firsts[own] + steps, PERIOD: indexes[own]}
    if look_back:
        columns[NOW] = np.array([now for *_, now in spans])[own]
    if starts:
        columns[START] = firsts[indexes[own]]
    return ibis.memtable(pa.table(columns))


def time_column(table: ir.Table, name: str) -> ir.Value:
    """Return the column that places a row in time: a date, or UTC without a zone."""
    spec = CANONICAL[name]
    column = table[spec.time]
    if spec.columns[spec.time].kind == "date":
        return column if column.type().is_date() else column.cast("date")
    return column if column.type().timezone is None else naive_utc(column)


def _local_day(value: dt.date | dt.datetime, timezone: str) -> dt.date:
    if not isinstance(value, dt.datetime):
        return value
    return value.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone)).date()


def purchases(orders: ir.Table) -> ir.Table:
    """Return the sales of known buyers as events: ``user_id``, ``event``, ``event_time``."""
    sales = orders.filter(orders.kind == "sale").drop_null("user_id")
    return sales.select(
        user_id=sales.user_id, event=ibis.literal("purchase"), event_time=sales.order_time
    )
