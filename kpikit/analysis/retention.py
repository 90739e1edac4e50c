"""Retention: do users who started together keep coming back?"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.catalogue.relations import MISSING_SEGMENT
from kpikit.catalogue.visits import visit_masks, visit_periods
from kpikit.engine import (
    as_table,
    check_columns,
    local_date,
    naive_utc,
    period_start,
    short_key,
    utc_bounds,
)
from kpikit.errors import AnalysisError, check_choice
from kpikit.intervals import wilson_interval
from kpikit.periods import Calendar, Period, Weekday, as_date

RetentionGrain = Literal["day", "week", "month"]
Kind = Literal["bounded", "unbounded"]
Windows = Literal["calendar", "user"]
Names = str | Sequence[str] | None

NO_VALUE = MISSING_SEGMENT
_COLUMNS = ("cohort", "age", "cohort_size", "active_users", "retention_rate")
_WINDOW_DAYS = {"day": 1, "week": 7, "month": 30}
_SHORTEST = {"day": 1, "week": 7, "month": 28}


def retention_table(
    events: ir.Table | pd.DataFrame,
    *,
    grain: RetentionGrain = "week",
    as_of: dt.date | str,
    max_age: int = 8,
    start_event: Names = None,
    return_event: Names = None,
    kind: Kind = "bounded",
    windows: Windows = "calendar",
    first_time: bool = True,
    week_start: Weekday = "monday",
    timezone: str = "UTC",
    by: str | Sequence[str] = (),
) -> pd.DataFrame:
    """Return the share of each cohort active ``age`` periods after its start.

    A cohort is the users whose start event lies in one period: their first one ever, or, with
    ``first_time=False``, any (a user is then in one cohort per period with a start event). A
    period in which nobody of a cohort was active is a zero; one that is not complete by
    ``as_of`` is no row at all, and so is a cohort whose own period is not. Cohorts without
    users are no rows either.

    Edge rules:

    * Rows without user or time, and events after ``as_of``, count for nothing.
    * Age 0 counts the users with the return event in the cohort's own period, before or after
      their start within it; where both events are the same, that is everyone.
    * ``kind="unbounded"`` counts a user who was active in that period or any later one up to
      ``as_of``, the unfinished one included. Late cohorts have had less time to come back, so
      compare cohorts at one age with care.
    * ``windows="user"`` counts from each user's own start (the first in its period): a day is
      24 hours, a week 7 and a month 30 of them; returns before the start count for nothing. A
      cell is a row when that window has ended for every user of the cohort.
    * With ``by``, a user belongs to the value that the start event carries (of several at one
      instant, the first in alphabetical order), whatever later events carry; a missing value is
      the group ``(missing)``.

    Args:
        events: One row per event: ``user_id``, ``event_time`` (UTC), and ``event`` where one of
            the two events is named.
        grain: Length of a period: day, week or month.
        as_of: Last complete day of data, in ``timezone``.
        max_age: Greatest age, in periods (>= 0).
        start_event: Event, or several alternatives, that starts a user; any event if None.
        return_event: Event, or several alternatives, that counts as activity; any if None.
        kind: ``bounded`` (active in that very period) or ``unbounded`` (in it or later).
        windows: ``calendar`` periods of ``timezone``, or each ``user``'s own.
        first_time: Whether only a user's first start event ever makes a cohort.
        week_start: First day of a calendar week.
        timezone: IANA zone in which days begin.
        by: Column or columns of ``events`` that part each cohort.

    Returns:
        One row per ``by`` columns, ``cohort`` (first day of the period) and ``age``, sorted,
        with ``cohort_size`` and ``active_users`` (users) and ``retention_rate`` (share, 0 to 1).

    Raises:
        AnalysisError: ``max_age`` is negative, a choice is unknown, a column is missing.
        PeriodError: ``as_of``, ``week_start`` or ``timezone`` is wrong.

    Example:
        >>> events = pd.DataFrame({
        ...     "user_id": ["ada", "bob", "ada"],
        ...     "event_time": pd.to_datetime(["2026-06-01", "2026-06-03", "2026-06-10"]),
        ... })
        >>> table = retention_table(events, as_of="2026-06-21")
        >>> table[["age", "cohort_size", "active_users"]].values.tolist()
        [[0, 2, 2], [1, 2, 1], [2, 2, 0]]
    """
    check_choice("grain", grain, _WINDOW_DAYS, "retention_table")
    check_choice("kind", kind, ("bounded", "unbounded"), "retention_table")
    check_choice("windows", windows, ("calendar", "user"), "retention_table")
    if max_age < 0:
        raise AnalysisError(f"max_age is {max_age} in retention_table.\nGive 0 or more periods.")
    after = as_date(as_of, "as_of") + dt.timedelta(days=1)
    ask = _Ask(
        grain=grain,
        kind=kind,
        windows=windows,
        first_time=first_time,
        max_age=max_age,
        calendar=Calendar(timezone=timezone, week_start=week_start),
        after=after,
        closing=utc_bounds(after, after, timezone)[0],
        groups=_group_names(by),
    )

    table = as_table(events)
    rows = _known_rows(table, ask, named=(start_event, return_event))
    if periods := _mask_periods(table, ask):
        masks = _masks(rows, start_event, return_event, periods, ask)
        found = _mask_counts(masks, len(periods), ask).to_pandas()
        return _cells(*_of_masks(found, periods), ask)
    starts = _starts(_of_event(rows, start_event), ask)
    returns = _of_event(rows, return_event)
    visits = (_calendar_visits if windows == "calendar" else _user_visits)(starts, returns, ask)
    return _cells(*_of_counts(_cohort_counts(starts, visits, ask).to_pandas(), ask), ask)


def retention_curve(table: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Return the mean retention per age over the cohorts that have reached it.

    The mean is weighted by cohort size: all active users over all users of the cohorts with a
    row at that age. Ages rest on different cohorts, the later ones on older cohorts alone. With
    recurring starts one user is in several cohorts, and the interval, which takes them for
    independent, is too narrow.

    Args:
        table: A frame from ``retention_table``.
        confidence: Confidence level of the Wilson interval, 0 to 1.

    Returns:
        One row per ``by`` columns of ``table`` and ``age``, sorted, with ``cohorts``,
        ``cohort_size`` and ``active_users`` (sums of users), ``retention_rate``, ``ci_low`` and
        ``ci_high`` (shares, 0 to 1).

    Raises:
        AnalysisError: ``confidence`` is not between 0 and 1.

    References:
        Wilson, E. B. (1927). JASA 22, 209-212, for the interval.
    """
    groups = [column for column in table.columns if column not in _COLUMNS]
    curve = table.groupby([*groups, "age"], as_index=False).agg(
        cohorts=("cohort", "nunique"),
        cohort_size=("cohort_size", "sum"),
        active_users=("active_users", "sum"),
    )
    low, high = wilson_interval(curve["active_users"], curve["cohort_size"], confidence=confidence)
    rate = curve["active_users"] / curve["cohort_size"]
    return curve.assign(retention_rate=rate, ci_low=low, ci_high=high)


@dataclass(frozen=True)
class _Ask:
    """What is asked for, validated."""

    grain: RetentionGrain
    kind: Kind
    windows: Windows
    first_time: bool
    max_age: int
    calendar: Calendar
    after: dt.date  # the first day without data
    closing: dt.datetime  # the instant at which it begins, UTC
    groups: Mapping[str, str]  # name in the query -> column of the events

    @property
    def keys(self) -> list[str]:
        return [*self.groups, "cohort"]

    def cohort_of(self, times: ir.TimestampValue) -> ir.DateValue:
        return period_start(local_date(times, self.calendar.timezone), self.grain, self.calendar)


def _group_names(by: str | Sequence[str]) -> dict[str, str]:
    """Return a name in the query per ``by`` column, which may be called like one of ours."""
    names = [by] if isinstance(by, str) else list(by)
    for name in names:
        if name in _COLUMNS:
            raise AnalysisError(
                f"by names '{name}' in retention_table, which is a column of its result.\n"
                f"Rename that column of the events first."
            )
    return {f"by_{index}": name for index, name in enumerate(names)}


def _known_rows(table: ir.Table, ask: _Ask, *, named: Sequence[Names]) -> ir.Table:
    needed = ["user_id", *(["event"] if any(names is not None for names in named) else [])]
    check_columns(table, [*needed, "event_time", *ask.groups.values()], "events")
    values = {key: table[name].cast("string") for key, name in ask.groups.items()}
    rows = table.select(
        *needed,
        event_time=naive_utc(table.event_time),
        **{key: value.fill_null(MISSING_SEGMENT) for key, value in values.items()},
    )
    rows = rows.drop_null("user_id").filter(rows.event_time < ask.closing)
    return rows.mutate(user_id=short_key(rows.user_id))


def _of_event(rows: ir.Table, names: Names) -> ir.Table:
    return rows if names is None else rows.filter(_is_event(rows, names))


def _is_event(rows: ir.Table, names: str | Sequence[str]) -> ir.BooleanValue:
    return rows.event.isin([names] if isinstance(names, str) else list(names))


def _starts(events: ir.Table, ask: _Ask) -> ir.Table:
    """Return ``user_id``, ``cohort``, ``start_time`` and the groups, per user and cohort."""
    keys = ["user_id"]
    if not ask.first_time:
        events = events.mutate(cohort=ask.cohort_of(events.event_time))
        keys.append("cohort")
    starts = events.group_by(keys).aggregate(start_time=events.event_time.min())
    if ask.groups:
        # a join and not an ordered aggregate, which Spark and ClickHouse lack
        at_start = [*keys, (events.event_time, starts.start_time)]
        firsts = events.inner_join(starts, at_start)
        values = {key: firsts[key].min() for key in ask.groups}
        starts = firsts.group_by(*keys, "start_time").aggregate(**values)
    return starts.mutate(cohort=ask.cohort_of(starts.start_time)) if ask.first_time else starts


def _calendar_visits(starts: ir.Table, returns: ir.Table, ask: _Ask) -> ir.Table:
    """Return each start with every age at which its user was active, each once."""
    periods = returns.select("user_id", period=ask.cohort_of(returns.event_time)).distinct()
    joined = starts.join(periods, "user_id")
    period, cohort = joined.period, joined.cohort
    if ask.grain == "month":
        age: Any = (period.year() - cohort.year()) * 12 + (period.month() - cohort.month())
    else:
        age = period.delta(cohort, unit="day") // _WINDOW_DAYS[ask.grain]
    return joined.select(*starts.columns, age=age.cast("int64"))


def _user_visits(starts: ir.Table, returns: ir.Table, ask: _Ask) -> ir.Table:
    """As above, with ages counted from the start to the microsecond."""
    joined = starts.join(returns.select("user_id", "event_time"), "user_id")
    # seconds would not do: engines count the boundaries crossed, so 23:59:59.9 would be a day
    elapsed = joined.event_time.delta(joined.start_time, unit="microsecond")
    age = elapsed // (_WINDOW_DAYS[ask.grain] * 24 * 60 * 60 * 1_000_000)
    return joined.select(*starts.columns, age=age.cast("int64")).distinct()


def _cohort_counts(starts: ir.Table, visits: ir.Table, ask: _Ask) -> ir.Table:
    """Return each cohort's size and latest start with, per age, its users there.

    Unbounded, a user counts once, at the last age at which he was seen.
    """
    visits = visits.filter(visits.age >= 0)
    if ask.kind == "bounded":
        visits = visits.filter(visits.age <= ask.max_age)
    else:
        visits = visits.group_by("user_id", *ask.keys).aggregate(age=visits.age.max())
        visits = visits.mutate(age=ibis.least(visits.age, ask.max_age))
    counts = visits.group_by([*ask.keys, "age"]).aggregate(users=visits.count())
    sizes = starts.group_by(ask.keys).aggregate(
        cohort_size=starts.count(), last_start=starts.start_time.max()
    )
    return sizes.left_join(counts, ask.keys).select(*sizes.columns, "age", "users")


def _mask_periods(table: ir.Table, ask: _Ask) -> list[Period]:
    """Return the periods from the first event to ``as_of``, or none where masks do not do."""
    if not ask.first_time or ask.windows != "calendar" or ask.groups:
        return []  # a mask is of one cohort a user
    return visit_periods(table, grain=ask.grain, calendar=ask.calendar, after=ask.after)


def _masks(
    rows: ir.Table, starts: Names, returns: Names, periods: Sequence[Period], ask: _Ask
) -> ir.Table:
    """Return ``cohort`` and ``seen`` per user with a start, in one pass and without a join.

    Bit p stands for period p: ``seen`` has those with a return, ``cohort`` that of the first start.
    """
    if starts is not None and returns is not None:
        rows = rows.filter(_is_event(rows, starts) | _is_event(rows, returns))
    counted = {"seen": None if returns is None else _is_event(rows, returns)}
    if starts != returns:
        counted["started"] = None if starts is None else _is_event(rows, starts)
    users = visit_masks(
        rows, periods, timezone=ask.calendar.timezone, after=ask.after, counted=counted
    )
    started = users["started" if "started" in counted else "seen"]
    users = users.filter(started != 0)
    return users.select("seen", cohort=started & -started)  # the lowest bit


def _mask_counts(masks: ir.Table, periods: int, ask: _Ask) -> ir.Table:
    """Return each cohort's size and, per period, its users there, or there or later."""

    def seen(bit: int) -> ir.BooleanValue:
        return masks.seen >= bit if ask.kind == "unbounded" else (masks.seen & bit) != 0

    users = {f"users_{period}": masks.count(where=seen(1 << period)) for period in range(periods)}
    return masks.group_by("cohort").aggregate(cohort_size=masks.count(), **users)


def _of_masks(
    found: pd.DataFrame, periods: Sequence[Period]
) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Return the cohorts, sorted, and a matrix of their users, one column per age."""
    found = found.sort_values("cohort", ignore_index=True)
    first = np.array([int(bit).bit_length() - 1 for bit in found["cohort"]], dtype=np.int64)
    starts = np.array([period.start for period in periods], dtype="datetime64[s]")
    cohorts = pd.DataFrame({"cohort": starts[first], "cohort_size": found["cohort_size"]})
    by_period = np.pad(found.iloc[:, 2:].to_numpy(dtype=np.int64), ((0, 0), (0, len(periods))))
    return cohorts, np.take_along_axis(by_period, first[:, None] + np.arange(len(periods)), axis=1)


def _of_counts(found: pd.DataFrame, ask: _Ask) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Return as above what ``_cohort_counts`` has found."""
    found = found.sort_values(ask.keys, ignore_index=True)
    cohorts = found.drop_duplicates(ask.keys, ignore_index=True)
    return cohorts, _users_by_age(found, len(cohorts), len(_ages(cohorts, ask)), ask)


def _cells(cohorts: pd.DataFrame, users: npt.NDArray[np.int64], ask: _Ask) -> pd.DataFrame:
    """Return one row per cohort and age that is complete, zeros included."""
    row, age = np.nonzero(_complete(cohorts, _ages(cohorts, ask), ask))
    cells = cohorts.loc[row, [*ask.keys, "cohort_size"]].reset_index(drop=True)
    cells.insert(len(ask.keys), "age", age)
    cells["active_users"] = users[row, age]
    cells["retention_rate"] = cells["active_users"] / cells["cohort_size"]
    return cells.rename(columns=ask.groups)


def _users_by_age(found: pd.DataFrame, rows: int, ages: int, ask: _Ask) -> npt.NDArray[np.int64]:
    """Return a matrix of users, one row per cohort and one column per age."""
    seen = found.assign(row=found.groupby(ask.keys).ngroup()).dropna(subset="age")
    if ask.kind == "bounded":
        seen = seen[seen["age"] < ages]
    users = np.zeros((rows, ages), dtype=np.int64)
    column = seen["age"].clip(upper=ages - 1).to_numpy(dtype=np.int64)
    np.add.at(users, (seen["row"].to_numpy(), column), seen["users"].to_numpy(dtype=np.int64))
    return users if ask.kind == "bounded" else users[:, ::-1].cumsum(axis=1)[:, ::-1]


def _ages(cohorts: pd.DataFrame, ask: _Ask) -> npt.NDArray[np.int64]:
    """Return the ages that may be complete, so that a huge ``max_age`` costs nothing."""
    days = 0 if cohorts.empty else (pd.Timestamp(ask.after) - cohorts["cohort"].min()).days
    return np.arange(min(ask.max_age, int(days) // _SHORTEST[ask.grain]) + 1)


def _complete(cohorts: pd.DataFrame, ages: npt.NDArray[np.int64], ask: _Ask) -> npt.NDArray[Any]:
    """Return which cells, one row per cohort and one column per age, have all of their data."""
    starts = cohorts["cohort"].to_numpy()[:, None]
    if ask.grain == "month":
        ends = (starts.astype("datetime64[M]") + ages + 1).astype("datetime64[D]")
    else:
        ends = starts.astype("datetime64[D]") + (ages + 1) * _WINDOW_DAYS[ask.grain]
    complete = ends <= np.datetime64(ask.after)
    if ask.windows == "user":
        length = np.timedelta64(_WINDOW_DAYS[ask.grain], "D")
        window_ends = cohorts["last_start"].to_numpy()[:, None] + (ages + 1) * length
        complete = complete[:, :1] & (window_ends <= np.datetime64(ask.closing))
    return complete
