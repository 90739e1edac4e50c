"""The tables that metrics' expressions read: rows, users or days of each period, as Ibis relations.

A small table of days says which day belongs to which period. It is joined on equality, so that any
periods may be asked for at once (months beside quarters, overlapping, cut short for a comparison to
date) and each row is counted once in each of them, exactly, on every engine.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from kpikit.engine import local_date, naive_utc, utc_bounds
from kpikit.params.model import Product
from kpikit.params.tables import CANONICAL
from kpikit.periods import Calendar, Period

DAY, PERIOD = "kpikit_day", "kpikit_period"
DIMENSION, SEGMENT = "kpikit_dimension", "kpikit_segment"
MISSING_SEGMENT = "(missing)"
WINDOWS: Mapping[str, int] = {"wau": 7, "mau": 30}  # days that count for one day, itself included

_NOW, _START = "kpikit_now", "kpikit_start"
_ONE_DAY = dt.timedelta(days=1)


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
    column = _time_column(table, name)
    users = table["user_id"].count() if "user_id" in table.columns else ibis.literal(0)
    found = table.aggregate(first=column.min(), last=column.max(), users=users)
    (row,) = found.to_pyarrow().to_pylist()
    if row["first"] is None:
        return None
    first, last = (_local_day(row[key], timezone) for key in ("first", "last"))
    return Coverage((first, last), named=row["users"] > 0)


def rows_by_period(
    table: ir.Table, name: str, span: Span, *, dimensions: Sequence[str] = ()
) -> ir.Table:
    """Return the rows of a table, once for each period that holds them.

    Args:
        table: A canonical table.
        name: Its canonical name.
        span: The periods.
        dimensions: Columns whose values part the rows, if any; a row stands once for each.

    Returns:
        All columns of the table, ``kpikit_day`` (local day), ``kpikit_period`` (index), the
        ``keys_of`` dimensions; ``sale_number`` or ``spell_number``, counted from 1 per user over
        all time, where the table is orders or subscriptions.
    """
    numbered = _with_number(table, name)
    column = _time_column(numbered, name)
    if column.type().is_date():
        day: ir.DateValue = column
        inside = (day >= span.start) & (day < span.end)
    else:
        day = span.local_day(column)
        low, high = utc_bounds(span.start, span.end, span.calendar.timezone)
        inside = (column >= low) & (column < high)
    dated = _parted(numbered.mutate({DAY: day}).filter(inside), dimensions)
    return dated.inner_join(_period_days(span).drop(_NOW, _START), DAY)


def user_periods(
    events: ir.Table,
    span: Span,
    *,
    params: Product,
    dimensions: Sequence[str] = (),
    look_back: bool = False,
) -> ir.Table:
    """Return one row per period and user active in it or, on request, in the one before.

    Args:
        events: Canonical events; those without a user are left out.
        span: The periods.
        params: The product: what activation, conversion and its features are.
        dimensions: Columns whose values part the users, if any; a user with several values of one
            has a row in each.
        look_back: Whether users of the whole period before have a row too.

    Returns:
        ``kpikit_period``, the ``keys_of`` dimensions, ``user_id`` and:

        * ``active``: has an event in the period; ``before``: has one in the period before;
        * ``days``, ``events``: days with an event, and events, in the period;
        * ``first_day``: local day of the first event ever, in whatever segment;
        * ``new``: active, and the first event ever falls in the period;
        * ``matured``, ``activated``: new with the time to activate over; activated within it;
        * ``entered``, ``converted``: has the conversion's first, its second event in the period;
        * ``adopted``, ``feature_0`` ...: has the event of any feature, of each in turn.

        The last three lines only where the product declares them.
    """
    days = _user_days(events, span, params=params, dimensions=dimensions)
    first_times = [name for name in ("first_time", "activation_time") if name in days.columns]
    firsts = days.group_by("user_id").aggregate(
        first_day=days[DAY].min(), **{name: days[name].min() for name in first_times}
    )
    joined = days.drop(*first_times).inner_join(_period_days(span, look_back=look_back), DAY)
    flags = {name: (joined[name] & joined[_NOW]).any() for name in _flag_events(params)}
    keys = [PERIOD, _START, *keys_of(dimensions), "user_id"]
    users = joined.group_by(keys).aggregate(
        active=joined[_NOW].any(),
        before=(~joined[_NOW]).any(),
        days=joined.count(where=joined[_NOW]),
        events=joined["events"].sum(where=joined[_NOW]),
        **flags,
    )
    known = users.inner_join(firsts, "user_id")
    known = known.mutate(new=known.active & (known.first_day >= known[_START]))
    if params.activation is not None:
        known = _with_activation(known, days=params.activation.within_days, as_of=span.as_of)
    return known.drop(_START, *first_times)


def daily_counts(events: ir.Table, span: Span, *, dimensions: Sequence[str] = ()) -> ir.Table:
    """Return how many users begin and cease to count on each day, from which DAU, WAU, MAU follow.

    A user active on day d counts for a window of w days on d to d + w - 1, or until active again.
    So the users of a window are those who began up to a day less those who ceased up to it, and one
    pass over users and days gives every day's figure without counting anyone twice.

    Returns:
        ``kind`` (``begin``, or ``wau``, ``mau`` for the end of that window), the ``keys_of``
        dimensions, ``kpikit_day``, ``users``; one row per combination that occurs.
    """
    days = _user_days(events, span, params=None, dimensions=dimensions)
    parts = keys_of(dimensions)
    following = days[DAY].lead().over(ibis.window(group_by=["user_id", *parts], order_by=DAY))
    spells = days.select("user_id", *parts, DAY, following=following)

    def counted(kind: str, day: ir.DateValue) -> ir.Table:
        keyed = spells.select(*parts, **{DAY: day})
        counts = keyed.group_by([*parts, DAY]).aggregate(users=keyed.count())
        return counts.mutate(kind=ibis.literal(kind))

    counts = [counted("begin", spells[DAY])]
    for kind, length in WINDOWS.items():
        over = (spells[DAY] + ibis.interval(days=length)).cast("date")
        counts.append(counted(kind, ibis.least(over, spells.following.fill_null(over))))
    return ibis.union(*counts)


def _user_days(
    events: ir.Table, span: Span, *, params: Product | None, dimensions: Sequence[str]
) -> ir.Table:
    """Return one row per user, local day and segment: all that user metrics need of events."""
    known = events.drop_null("user_id")
    time = _time_column(known, "events")
    activation = params.activation if params else None
    # Who joins on the last day may activate after it; a day more, for clocks change in between.
    beyond = (activation.within_days + 1) * _ONE_DAY if activation else dt.timedelta(0)
    _, high = utc_bounds(span.start, span.end + beyond, span.calendar.timezone)
    day = span.local_day(time)
    keyed = _parted(known.mutate({DAY: day}).filter(time < high), dimensions)
    columns: dict[str, ir.Value] = {"events": keyed.count()}
    for name, chosen in (_flag_events(params) if params else {}).items():
        columns[name] = keyed.event.isin(chosen).any()
    if activation:
        time = _time_column(keyed, "events")
        columns["first_time"] = time.min()
        columns["activation_time"] = time.min(where=keyed.event.isin(activation.events))
    keys = ["user_id", DAY, *keys_of(dimensions)]
    return keyed.group_by(keys).aggregate(**columns)


def _flag_events(params: Product) -> dict[str, list[str]]:
    """Return the columns that say whether a user has one of some events, with these events."""
    flags: dict[str, list[str]] = {}
    if params.conversion:
        flags |= {"entered": [params.conversion.from_], "converted": [params.conversion.to]}
    if params.features:
        flags["adopted"] = list(params.features.values())
        for index, event in enumerate(params.features.values()):
            flags[f"feature_{index}"] = [event]
    return flags


def _with_activation(users: ir.Table, *, days: int, as_of: dt.date) -> ir.Table:
    latest = ibis.literal(as_of - days * _ONE_DAY)
    within = users.activation_time < users.first_time + ibis.interval(days=days)
    return users.mutate(
        matured=users.new & (users.first_day <= latest), activated=within.fill_null(False)
    )


def _with_number(table: ir.Table, name: str) -> ir.Table:
    """Number the sales, or the spells, of each user over all time; engines drop it where unread."""
    if name == "orders":
        window = ibis.window(group_by=["user_id", "kind"], order_by=["order_time", "order_id"])
        return table.mutate(sale_number=ibis.dense_rank().over(window) + 1)
    if name == "subscriptions":
        window = ibis.window(group_by="user_id", order_by=["start_time", "subscription_id"])
        paid = table.drop_null("start_time")
        return paid.mutate(spell_number=ibis.dense_rank().over(window) + 1)
    return table


def keys_of(dimensions: Sequence[str]) -> list[str]:
    """Return the columns that part rows by dimensions: the dimension's index and its segment."""
    return [DIMENSION, SEGMENT] if dimensions else []


def as_segment(column: ir.Value) -> ir.StringValue:
    """Return a column's values as names of segments; a missing one has a name too."""
    return column.cast("string").fill_null(MISSING_SEGMENT)


def _parted(table: ir.Table, dimensions: Sequence[str]) -> ir.Table:
    """Return each row once for each dimension, with its segment of it."""
    if not dimensions:
        return table
    texts = [as_segment(table[name]) for name in dimensions]
    if len(texts) == 1:
        return table.mutate({DIMENSION: ibis.literal(0), SEGMENT: texts[0]})
    each = table.cross_join(ibis.memtable({DIMENSION: range(len(texts))}))
    branches = [(each[DIMENSION] == index, text) for index, text in enumerate(texts)]
    return each.mutate({SEGMENT: ibis.cases(*branches)})


def _period_days(span: Span, *, look_back: bool = False) -> ir.Table:
    """Return one row per period and day in it; with ``look_back`` also the days before it.

    Columns: ``kpikit_day``, ``kpikit_period``, ``kpikit_start`` (first day of the period) and
    ``kpikit_now`` (false on the days of the whole period before).
    """
    rows: list[tuple[dt.date, int, dt.date, bool]] = []
    after = span.end  # the latest of all periods
    for index, period in enumerate(span.periods):
        end = min(period.end, after)
        rows += _days(period.start, end, index, period.start, now=True)
        if look_back:
            before = span.calendar.previous(period)
            rows += _days(before.start, min(before.end, after), index, period.start, now=False)
    days, numbers, starts, now = zip(*rows, strict=True) if rows else ((), (), (), ())
    columns = {
        DAY: pa.array(days, pa.date32()),
        PERIOD: pa.array(numbers, pa.int64()),
        _START: pa.array(starts, pa.date32()),
        _NOW: pa.array(now, pa.bool_()),
    }
    return ibis.memtable(pa.table(columns))


def _days(
    start: dt.date, end: dt.date, index: int, period_start: dt.date, *, now: bool
) -> list[tuple[dt.date, int, dt.date, bool]]:
    count = max(0, (end - start).days)
    return [(start + step * _ONE_DAY, index, period_start, now) for step in range(count)]


def _time_column(table: ir.Table, name: str) -> ir.Value:
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
