"""Who is new, comes back or stays away in each period, and how regularly users come."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpikit.catalogue.visits import (
    MOST_PERIODS,
    CutByCalendar,
    Mark,
    UpToDay,
    event_names,
    knows_bits,
    visit_periods,
    visit_tables,
)
from kpikit.engine import (
    check_columns,
    local_date,
    naive_utc,
    period_start,
    short_key,
    utc_bounds,
)
from kpikit.errors import AnalysisError, check_choice
from kpikit.periods import Calendar, Period, Weekday, as_date

LifecycleGrain = Literal["day", "week", "month"]
Names = str | Sequence[str] | None

_GRAINS = {"day": 1, "week": 7, "month": 31}
_COUNTS = ["active_users", "new", "returning", "resurrecting", "dormant"]


def lifecycle_table(
    events: ir.Table | pd.DataFrame,
    *,
    grain: LifecycleGrain = "week",
    as_of: dt.date | str,
    start: dt.date | str | None = None,
    event: Names = None,
    week_start: Weekday = "monday",
    timezone: str = "UTC",
) -> pd.DataFrame:
    """Return how many users of each period are new, returning or resurrecting, and who is dormant.

    A user active in a period is new if that is the first one ever, returning if also active in the
    period before, else resurrecting. Dormant are those active in the period before and not in this
    one. So ``active_users`` is the sum of the first three, and each period's less the dormant of
    the next are the returning of the next.

    Edge rules:

    * Rows without user or time, and events after ``as_of``, count for nothing. A period that is not
      complete by ``as_of`` is no row; one without activity between others is a row of zeros.
    * What lies before the data is not known: in their first period everybody is new.

    Args:
        events: One row per event: ``user_id``, ``event_time`` (UTC), and ``event`` where it is
            named.
        grain: Length of a period: day, week or month.
        as_of: Last complete day of data, in ``timezone``.
        start: First day that is shown; earlier ones still tell who is new. All periods if None.
        event: Event, or several alternatives, that counts as activity; any if None.
        week_start: First day of a week.
        timezone: IANA zone in which days begin.

    Returns:
        One row per ``period`` (its first day), in order: ``active_users``, ``new``, ``returning``,
        ``resurrecting``, ``dormant`` (users).

    Raises:
        AnalysisError: ``grain`` is unknown, or a column is missing.
        PeriodError: A day, ``week_start`` or ``timezone`` is wrong.

    References:
        PostHog documentation, "Lifecycle".

    Example:
        >>> events = pd.DataFrame({
        ...     "user_id": ["ada", "bob", "ada"],
        ...     "event_time": pd.to_datetime(["2026-06-01", "2026-06-03", "2026-06-10"]),
        ... })
        >>> table = lifecycle_table(events, as_of="2026-06-14")
        >>> table[["new", "returning", "dormant"]].values.tolist()
        [[2, 0, 0], [0, 1, 1]]
    """
    question = LifecycleQuestion(
        as_of=as_of, grain=grain, start=start, event=event, week_start=week_start,
        timezone=timezone,
    )  # fmt: skip
    (table,) = visit_tables(events, question)
    return table


def stickiness_table(
    events: ir.Table | pd.DataFrame,
    *,
    start: dt.date | str,
    end: dt.date | str,
    grain: LifecycleGrain = "day",
    event: Names = None,
    week_start: Weekday = "monday",
    timezone: str = "UTC",
) -> pd.DataFrame:
    """Return on how many days, or weeks, or months of a span users came.

    Args:
        events: As for ``lifecycle_table``.
        start: First day of the span, in ``timezone``.
        end: First day after it.
        grain: What is counted: days, weeks or months with activity. Weeks and months that the span
            cuts count with the days inside it.
        event: Event, or several alternatives, that counts as activity; any if None.
        week_start: First day of a week.
        timezone: IANA zone in which days begin.

    Returns:
        One row per number of ``active_periods`` from 1 to those of the span: ``users``, ``share``
        (of all active users, 0 to 1; missing without any) and ``cumulative_share`` (of those active
        in so many or more).

    Raises:
        AnalysisError: ``end`` is not after ``start``, ``grain`` is unknown, a column is missing.
        PeriodError: A day, ``week_start`` or ``timezone`` is wrong.

    References:
        PostHog documentation, "Stickiness".

    Example:
        >>> events = pd.DataFrame({
        ...     "user_id": ["ada", "bob", "ada"],
        ...     "event_time": pd.to_datetime(["2026-06-01", "2026-06-02", "2026-06-02"]),
        ... })
        >>> table = stickiness_table(events, start="2026-06-01", end="2026-06-03")
        >>> table[["active_periods", "users"]].values.tolist()
        [[1, 1], [2, 1]]
    """
    question = StickinessQuestion(
        start=start, end=end, grain=grain, event=event, week_start=week_start, timezone=timezone
    )
    (table,) = visit_tables(events, question)
    return table


@dataclass(frozen=True)
class LifecycleQuestion(UpToDay):
    """What ``lifecycle_table`` is asked, by its parameters; ``visit_tables`` answers it."""

    as_of: dt.date | str
    grain: LifecycleGrain = "week"
    start: dt.date | str | None = None
    event: Names = None
    week_start: Weekday = "monday"
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        check_choice("grain", self.grain, _GRAINS, "lifecycle_table")
        self.after, self.calendar  # noqa: B018 - each raises where it is wrong

    def marks(self, events: ir.Table) -> dict[str, Mark]:
        """Return the mask of the periods in which a user was active."""
        _check(events, self.event)
        periods = visit_periods(events, grain=self.grain, calendar=self.calendar, after=self.after)
        return {"seen": Mark(periods, self.timezone, event_names(self.event))} if periods else {}

    def of_masks(self, users: ir.Table, periods: Sequence[Period]) -> pd.DataFrame:
        """Return the table by masks."""
        return self._table(_mask_counts(users, periods))

    def of_events(self, events: ir.Table) -> pd.DataFrame:
        """Return the table by every visit, for more periods than a mask has bits."""
        rows = _active_rows(events, self.event, self.after, self.timezone)
        return self._table(_visit_counts(rows, self.grain, self.calendar))

    def _table(self, counts: pd.DataFrame) -> pd.DataFrame:
        table = _every_period(counts, self.calendar, self.grain, self.after)
        if self.start is not None:
            first = self.calendar.period_of(as_date(self.start, "start"), self.grain).start
            table = table[table["period"] >= pd.Timestamp(first)]
        shown: pd.DataFrame = table[["period", *_COUNTS]].reset_index(drop=True)
        return shown


@dataclass(frozen=True)
class StickinessQuestion(CutByCalendar):
    """What ``stickiness_table`` is asked, by its parameters; ``visit_tables`` answers it."""

    start: dt.date | str
    end: dt.date | str
    grain: LifecycleGrain = "day"
    event: Names = None
    week_start: Weekday = "monday"
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        check_choice("grain", self.grain, _GRAINS, "stickiness_table")
        first, after = self.span
        if after <= first:
            raise AnalysisError(
                f"end is {after} in stickiness_table, and start {first}.\n"
                f"Give an end after the start."
            )
        self.periods  # noqa: B018 - raises where week_start or timezone is wrong

    @cached_property
    def span(self) -> tuple[dt.date, dt.date]:
        """First day, and the first one after it."""
        return as_date(self.start, "start"), as_date(self.end, "end")

    @cached_property
    def periods(self) -> list[Period]:
        """The periods of the span, cut to its days."""
        found = self.calendar.periods(*self.span, self.grain)
        found[0] = replace(found[0], start=self.span[0])
        return [*found[:-1], replace(found[-1], end=self.span[1])]

    def marks(self, events: ir.Table) -> dict[str, Mark]:
        """Return the mask of the periods of the span in which a user was active."""
        _check(events, self.event)
        if len(self.periods) > MOST_PERIODS or not knows_bits(events):
            return {}
        return {"seen": Mark(tuple(self.periods), self.timezone, event_names(self.event))}

    def of_masks(self, users: ir.Table, periods: Sequence[Period]) -> pd.DataFrame:
        """Return the table by the bits of each mask."""
        there = ((users.seen & (1 << number)) != 0 for number, _ in enumerate(periods))
        return self._table(
            users.select(active_periods=reduce(add, (b.cast("int64") for b in there)))
        )

    def of_events(self, events: ir.Table) -> pd.DataFrame:
        """Return the table by every visit."""
        first, after = self.span
        rows = _active_rows(events, self.event, after, self.timezone)
        rows = rows.filter(rows.event_time >= utc_bounds(first, first, self.timezone)[0])
        known = utc_bounds(first, after, self.timezone)
        days = local_date(rows.event_time, self.timezone, between=known)
        periods = period_start(days, self.grain, self.calendar)
        visits = rows.select("user_id", period=periods).distinct()
        return self._table(visits.group_by("user_id").aggregate(active_periods=visits.count()))

    def _table(self, by_user: ir.Table) -> pd.DataFrame:
        """Return the shares of users by a row per user."""
        found = by_user.group_by("active_periods").aggregate(users=by_user.count()).to_pandas()
        numbers = range(1, len(self.periods) + 1)
        counts = found.set_index("active_periods")["users"].reindex(numbers, fill_value=0)
        table = counts.astype("int64").rename_axis("active_periods").reset_index()
        total = table["users"].sum() or float("nan")
        at_least = table["users"][::-1].cumsum()[::-1]
        shares: pd.DataFrame = table.assign(
            share=table["users"] / total, cumulative_share=at_least / total
        )
        return shares


def _check(table: ir.Table, event: Names) -> None:
    check_columns(table, ["user_id", *([] if event is None else ["event"]), "event_time"], "events")


def _active_rows(table: ir.Table, event: Names, after: dt.date, timezone: str) -> ir.Table:
    """Return ``user_id`` and ``event_time`` of the events that count."""
    if (names := event_names(event)) is not None:
        table = table.filter(table.event.isin(list(names)))
    rows = table.select("user_id", event_time=naive_utc(table.event_time)).drop_null("user_id")
    rows = rows.filter(rows.event_time < utc_bounds(after, after, timezone)[0])
    return rows.mutate(user_id=short_key(rows.user_id))


def _mask_counts(users: ir.Table, periods: Sequence[Period]) -> pd.DataFrame:
    """Return ``active_users``, ``new`` and ``returning`` per ``period``, by a mask per user."""
    first = users.seen & -users.seen  # the lowest bit
    again = users.seen & (users.seen >> 1)  # whose bit p - 1 says that p and p - 1 are there
    counts: dict[str, ir.Value] = {}
    for number in range(len(periods)):
        bit = 1 << number
        counts[f"active_users_{number}"] = users.count(where=(users.seen & bit) != 0)
        counts[f"new_{number}"] = users.count(where=first == bit)
        counts[f"returning_{number}"] = users.count(where=(again & (bit >> 1)) != 0)
    found = users.aggregate(**counts).to_pandas().to_numpy().reshape(len(periods), 3)
    table = pd.DataFrame(found, columns=["active_users", "new", "returning"])
    table = table.assign(period=[period.start for period in periods])
    return table[table["active_users"] > 0]


def _visit_counts(rows: ir.Table, grain: LifecycleGrain, calendar: Calendar) -> pd.DataFrame:
    """Return the same by every visit, for more periods than a mask has bits."""
    days = local_date(rows.event_time, calendar.timezone)
    visits = rows.select("user_id", period=period_start(days, grain, calendar)).distinct()
    line = ibis.window(group_by="user_id", order_by="period")
    visits = visits.mutate(before=visits.period.lag().over(line))
    gap = _periods_between(visits.period, visits.before, grain)
    counts = visits.group_by("period").aggregate(
        active_users=visits.count(),
        new=visits.count() - visits.before.count(),
        returning=(gap == 1).fill_null(False).sum(),
    )
    frame: pd.DataFrame = counts.to_pandas()
    return frame


def _periods_between(later: Any, earlier: Any, grain: LifecycleGrain) -> ir.Value:
    if grain == "month":
        return (later.year() - earlier.year()) * 12 + (later.month() - earlier.month())
    return later.delta(earlier, unit="day") // _GRAINS[grain]


def _every_period(
    counts: pd.DataFrame, calendar: Calendar, grain: LifecycleGrain, after: dt.date
) -> pd.DataFrame:
    """Return a row per complete period from the first with activity on."""
    counts["period"] = pd.to_datetime(counts["period"])
    known = counts.set_index("period").sort_index()
    starts: list[dt.date] = []
    if len(known):
        found = calendar.periods(known.index[0].date(), after, grain)
        starts = [period.start for period in found if period.end <= after]
    table = known.reindex(pd.DatetimeIndex(starts, name="period"), fill_value=0)
    table = table.astype("int64")
    table["resurrecting"] = table["active_users"] - table["new"] - table["returning"]
    before = table["active_users"].shift(1, fill_value=0)
    table["dormant"] = before - table["returning"]
    every: pd.DataFrame = table.reset_index()
    return every
