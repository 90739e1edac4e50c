"""Retention: do users who started together keep coming back?"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.catalogue.relations import MISSING_SEGMENT
from kpikit.catalogue.visits import Mark, UpToDay, event_names, visit_periods, visit_tables
from kpikit.engine import (
    check_columns,
    fetch,
    local_date,
    naive_utc,
    period_start,
    short_key,
    utc_bounds,
)
from kpikit.errors import AnalysisError, check_choice, column_names
from kpikit.intervals import wilson_interval
from kpikit.periods import Period, Weekday

RetentionGrain = Literal["day", "week", "month"]
Kind = Literal["bounded", "unbounded"]
Windows = Literal["calendar", "user"]
Names = str | Sequence[str] | None
Counts = npt.NDArray[np.int64]

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
    question = RetentionQuestion(
        as_of=as_of, grain=grain, max_age=max_age, start_event=start_event,
        return_event=return_event, kind=kind, windows=windows, first_time=first_time,
        week_start=week_start, timezone=timezone, by=by,
    )  # fmt: skip
    (table,) = visit_tables(events, question)
    return table


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
    cells = table.groupby([*groups, "age"])  # of one cohort each
    sums = cells[["cohort_size", "active_users"]].sum()
    sums.insert(0, "cohorts", cells.size())
    curve = sums.reset_index()
    low, high = wilson_interval(curve["active_users"], curve["cohort_size"], confidence=confidence)
    rate = curve["active_users"] / curve["cohort_size"]
    return curve.assign(retention_rate=rate, ci_low=low, ci_high=high)


@dataclass(frozen=True)
class RetentionQuestion(UpToDay):
    """What ``retention_table`` is asked, by its parameters; ``visit_tables`` answers it."""

    as_of: dt.date | str
    grain: RetentionGrain = "week"
    max_age: int = 8
    start_event: Names = None
    return_event: Names = None
    kind: Kind = "bounded"
    windows: Windows = "calendar"
    first_time: bool = True
    week_start: Weekday = "monday"
    timezone: str = "UTC"
    by: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        check_choice("grain", self.grain, _WINDOW_DAYS, "retention_table")
        check_choice("kind", self.kind, ("bounded", "unbounded"), "retention_table")
        check_choice("windows", self.windows, ("calendar", "user"), "retention_table")
        if not _is_count(self.max_age):
            raise AnalysisError(
                f"max_age is {self.max_age!r} in retention_table.\nGive 0 or more periods."
            )
        self.after, self.calendar, self.groups  # noqa: B018 - each raises where it is wrong

    @cached_property
    def closing(self) -> dt.datetime:
        """The instant at which data end, UTC."""
        return utc_bounds(self.after, self.after, self.timezone)[0]

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """Name in the query of each column of ``by``."""
        return _group_names(self.by)

    @property
    def keys(self) -> list[str]:
        """What a cohort is known by."""
        return [*self.groups, "cohort"]

    def cohort_of(self, times: ir.TimestampValue) -> ir.DateValue:
        """Return the first day of the period of each time."""
        return period_start(local_date(times, self.timezone), self.grain, self.calendar)

    def marks(self, events: ir.Table) -> dict[str, Mark]:
        """Return the masks of starts and returns; none where a user is in several cohorts."""
        _check(events, self)
        if not self.first_time or self.windows != "calendar" or self.groups:
            return {}
        periods = visit_periods(events, grain=self.grain, calendar=self.calendar, after=self.after)
        names = {"seen": self.return_event, "started": self.start_event}
        return {
            name: Mark(periods, self.timezone, event_names(own))
            for name, own in names.items()
            if periods
        }

    def of_masks(self, users: ir.Table, periods: Sequence[Period]) -> pd.DataFrame:
        """Return the table by masks, in one pass and without a join."""
        found = fetch(_mask_counts(users, len(periods), self)).to_pandas()
        return _cells(*_of_masks(found, periods), self)

    def of_events(self, events: ir.Table) -> pd.DataFrame:
        """Return the table by the starts, joined with all returns."""
        rows = _known_rows(events, self)
        starts = _starts(_of_event(rows, self.start_event), self)
        returns = _of_event(rows, self.return_event)
        visits = _calendar_visits if self.windows == "calendar" else _user_visits
        counts = _cohort_counts(starts, visits(starts, returns, self), self)
        found = fetch(counts).to_pandas(date_as_object=False)
        return _cells(*_of_counts(found.astype({"cohort": "datetime64[s]"}), self), self)


def _group_names(by: str | Sequence[str]) -> dict[str, str]:
    """Return a name in the query per ``by`` column, which may be called like one of ours."""
    names = column_names("by", by, "retention_table")
    for name in names:
        if name in _COLUMNS:
            raise AnalysisError(
                f"by names '{name}' in retention_table, which is a column of its result.\n"
                f"Rename that column of the events first."
            )
    return {f"by_{index}": name for index, name in enumerate(names)}


def _check(table: ir.Table, ask: RetentionQuestion) -> list[str]:
    """Return the columns that are asked for by name, checked."""
    named = ask.start_event is not None or ask.return_event is not None
    needed = ["user_id", *(["event"] if named else [])]
    check_columns(table, [*needed, "event_time", *ask.groups.values()], "events")
    return needed


def _known_rows(table: ir.Table, ask: RetentionQuestion) -> ir.Table:
    needed = _check(table, ask)
    values = {key: table[name].cast("string") for key, name in ask.groups.items()}
    rows = table.select(
        *needed,
        event_time=naive_utc(table.event_time),
        **{key: value.fill_null(MISSING_SEGMENT) for key, value in values.items()},
    )
    rows = rows.drop_null("user_id").filter(rows.event_time < ask.closing)
    return rows.mutate(user_id=short_key(rows.user_id))


def _of_event(rows: ir.Table, names: Names) -> ir.Table:
    chosen = event_names(names)
    return rows if chosen is None else rows.filter(rows.event.isin(list(chosen)))


def _starts(events: ir.Table, ask: RetentionQuestion) -> ir.Table:
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


def _calendar_visits(starts: ir.Table, returns: ir.Table, ask: RetentionQuestion) -> ir.Table:
    """Return each start with every age at which its user was active, each once."""
    periods = returns.select("user_id", period=ask.cohort_of(returns.event_time)).distinct()
    joined = starts.join(periods, "user_id")
    period, cohort = joined.period, joined.cohort
    if ask.grain == "month":
        age: Any = (period.year() - cohort.year()) * 12 + (period.month() - cohort.month())
    else:
        age = period.delta(cohort, unit="day") // _WINDOW_DAYS[ask.grain]
    return joined.select(*starts.columns, age=age.cast("int64"))


def _user_visits(starts: ir.Table, returns: ir.Table, ask: RetentionQuestion) -> ir.Table:
    """As above, with ages counted from the start to the microsecond."""
    joined = starts.join(returns.select("user_id", "event_time"), "user_id")
    # seconds would not do: engines count the boundaries crossed, so 23:59:59.9 would be a day
    elapsed = joined.event_time.delta(joined.start_time, unit="microsecond")
    age = elapsed // (_WINDOW_DAYS[ask.grain] * 24 * 60 * 60 * 1_000_000)
    return joined.select(*starts.columns, age=age.cast("int64")).distinct()


def _cohort_counts(starts: ir.Table, visits: ir.Table, ask: RetentionQuestion) -> ir.Table:
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


def _mask_counts(users: ir.Table, periods: int, ask: RetentionQuestion) -> ir.Table:
    """Return each cohort's number and size and, per age, its users there, or there or later."""
    users = users.filter(users.started != 0)
    lowest = users.started & -users.started
    numbered = users.select("seen", cohort=lowest.log2().round())
    since = numbered.select("cohort", seen=numbered.seen >> numbered.cohort)

    def seen(bit: int) -> ir.BooleanValue:
        return since.seen >= bit if ask.kind == "unbounded" else (since.seen & bit) != 0

    ages = range(min(ask.max_age + 1, periods))
    counts = {f"users_{age}": since.count(where=seen(1 << age)) for age in ages}
    return since.group_by("cohort").aggregate(cohort_size=since.count(), **counts)


def _of_masks(found: pd.DataFrame, periods: Sequence[Period]) -> tuple[pd.DataFrame, Counts]:
    """Return the cohorts, sorted, and a matrix of their users, one column per age."""
    found = found.sort_values("cohort", ignore_index=True)
    starts = np.array([period.start for period in periods], dtype="datetime64[s]")
    cohorts = {"cohort": starts[found["cohort"]], "cohort_size": found["cohort_size"]}
    return pd.DataFrame(cohorts), found.iloc[:, 2:].to_numpy(dtype=np.int64)


def _of_counts(found: pd.DataFrame, ask: RetentionQuestion) -> tuple[pd.DataFrame, Counts]:
    """Return as above what ``_cohort_counts`` has found."""
    found = found.sort_values(ask.keys, ignore_index=True)
    cohorts = found.drop_duplicates(ask.keys, ignore_index=True)
    return cohorts, _users_by_age(found, len(cohorts), len(_ages(cohorts, ask)), ask)


def _cells(cohorts: pd.DataFrame, users: Counts, ask: RetentionQuestion) -> pd.DataFrame:
    """Return one row per cohort and age that is complete, zeros included."""
    row, age = np.nonzero(_complete(cohorts, _ages(cohorts, ask), ask))
    cells = cohorts.loc[row, [*ask.keys, "cohort_size"]].reset_index(drop=True)
    cells.insert(len(ask.keys), "age", age)
    cells["active_users"] = users[row, age]
    cells["retention_rate"] = cells["active_users"] / cells["cohort_size"]
    return cells.rename(columns=ask.groups)


def _users_by_age(found: pd.DataFrame, rows: int, ages: int, ask: RetentionQuestion) -> Counts:
    """Return a matrix of users, one row per cohort and one column per age."""
    seen = found.assign(row=found.groupby(ask.keys).ngroup()).dropna(subset="age")
    if ask.kind == "bounded":
        seen = seen[seen["age"] < ages]
    users = np.zeros((rows, ages), dtype=np.int64)
    column = seen["age"].clip(upper=ages - 1).to_numpy(dtype=np.int64)
    np.add.at(users, (seen["row"].to_numpy(), column), seen["users"].to_numpy(dtype=np.int64))
    return users if ask.kind == "bounded" else users[:, ::-1].cumsum(axis=1)[:, ::-1]


def _ages(cohorts: pd.DataFrame, ask: RetentionQuestion) -> Counts:
    """Return the ages that may be complete, so that a huge ``max_age`` costs nothing."""
    days = 0 if cohorts.empty else (pd.Timestamp(ask.after) - cohorts["cohort"].min()).days
    return np.arange(min(ask.max_age, int(days) // _SHORTEST[ask.grain]) + 1)


def _complete(cohorts: pd.DataFrame, ages: Counts, ask: RetentionQuestion) -> npt.NDArray[Any]:
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


def _is_count(value: object) -> bool:
    return isinstance(value, Integral) and int(value) >= 0
