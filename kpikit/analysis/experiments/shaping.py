"""From exposures, events, orders and subscriptions to one row per unit, in the engine."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpikit.catalogue.keeping import keep
from kpikit.engine import as_table, check_columns, fetch, local_date, naive_utc, utc_bounds
from kpikit.errors import AnalysisError, check_choice, unknown_name
from kpikit.periods import as_date, parse_window

Crossovers = Literal["exclude", "first"]
How = Literal["converted", "count", "sum"]
_CANONICAL = ("user_id", "experiment", "variant", "exposure_time")
_UNIT_COLUMNS = ("user_id", "variant", "exposure_time", "exposure_day")
_TIMES = {"events": "event_time", "orders": "order_time", "subscriptions": "start_time"}
BEFORE = "_before"  # ends the name of a measure's own past
_COUNTS, _ROWS = "__counts", "__rows"  # end the names of a measure's condition and its rows


@dataclass(frozen=True)
class Measure:
    """A number per user, counted from the rows of a table within the user's own window.

    Conversion is ``converted`` (0 or 1) of a matching row; retention is that with ``from_days``:
    whether a user came back, say, 7 to 14 days after exposure. Means and quantiles per user are
    taken of a ``count`` or ``sum``; a mean per row or any other ratio is a ``Ratio`` of two.

    Attributes:
        table: ``events``, ``orders`` or ``subscriptions``.
        how: What is taken of the matching rows.
        column: Column that is summed.
        where: Column to the value, or values, that it takes in matching rows.
        from_days: Days after exposure at which the window begins.
        time: Column that dates a row; the table's own by default.
    """

    table: str
    how: How = "count"
    column: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    from_days: float = 0.0
    time: str | None = None

    def __post_init__(self) -> None:
        if self.table not in _TIMES:
            raise unknown_name("table", self.table, "Measure", _TIMES)
        check_choice("how", self.how, ("converted", "count", "sum"), "Measure")
        if (self.column is None) == (self.how == "sum"):
            raise AnalysisError(
                f"A Measure of how='{self.how}' has column={self.column!r}.\n"
                f"Name a column to sum, and none otherwise."
            )

    @property
    def dated_by(self) -> str:
        """Column that dates a row."""
        return self.time or _TIMES[self.table]


@dataclass(frozen=True)
class Assigned:
    """Who was exposed to what, first.

    Attributes:
        units: Ibis table, one row per user: ``user_id``, ``variant``, ``exposure_time`` (UTC),
            ``exposure_day`` (local), and the exposures' further columns as they were then.
        counts: One row of what was found: ``exposures`` (rows of this experiment),
            ``missing_user``, ``missing_variant``, ``early`` and ``late`` (rows outside the
            experiment's days), ``repeated`` (rows beyond each user's first) and
            ``duplicates`` (of them, with the same time), ``users`` and ``crossovers`` (users in
            several variants).
        crossovers: Per variant seen first: ``variant``, ``users``, ``crossovers`` and
            ``crossover_share``.
    """

    units: ir.Table
    counts: pd.Series
    crossovers: pd.DataFrame


def assign_units(
    exposures: "ir.Table | pd.DataFrame",
    *,
    experiment: str,
    start: dt.date | str,
    end: dt.date | str,
    crossovers: Crossovers = "exclude",
    timezone: str = "UTC",
) -> Assigned:
    """Return the users of an experiment with their first exposure, and what was odd about it.

    Args:
        exposures: One row per exposure: ``user_id``, ``experiment``, ``variant``,
            ``exposure_time`` (UTC). Further columns become the user's dimensions, as they stood
            at the first exposure, so that nothing the experiment did can change them.
        experiment: Its name in the column ``experiment``.
        start: First day, included.
        end: Last day, included, as in a product's file.
        crossovers: Users seen in several variants are left out (``exclude``) or stay in the one
            they saw ``first``.
        timezone: IANA zone in which days begin.

    Raises:
        AnalysisError: ``end`` lies before ``start``, a column is missing, or ``crossovers`` is
            unknown.
    """
    check_choice("crossovers", crossovers, ("exclude", "first"), "assign_units")
    first, last = as_date(start, "start"), as_date(end, "end")
    if last < first:
        raise AnalysisError(
            f"The experiment '{experiment}' ends on {last}, before it starts on {first}.\n"
            f"Exchange the two days, or mend the wrong one."
        )
    table = as_table(exposures)
    check_columns(table, _CANONICAL, "exposures")
    opening, closing = utc_bounds(first, last + dt.timedelta(days=1), timezone)
    rows = table.filter(table.experiment == experiment)
    untyped = [name for name in rows.columns if rows[name].type().is_null()]  # of an empty frame
    rows = rows.mutate(
        exposure_time=naive_utc(rows.exposure_time),
        **{name: rows[name].cast("string") for name in untyped if name != "exposure_time"},
    )
    rows = rows.mutate(
        early=rows.exposure_time < opening,
        late=rows.exposure_time >= closing,
        known=rows.user_id.notnull() & rows.variant.notnull(),  # noqa: PD004 - Ibis
    )
    within = rows.filter(rows.known & ~rows.early & ~rows.late)
    # counted twice, then measured
    users = keep(_first_exposures(within, timezone, (opening, closing)))
    kept = users if crossovers == "first" else users.filter(~users.crossed)
    by_variant = _counted_users(users)
    return Assigned(
        kept.drop("crossed", "exposures", "at_first"),
        _counts(rows, by_variant),
        by_variant.drop(columns=["repeated", "duplicates"]),
    )


def _first_exposures(
    rows: ir.Table, timezone: str, between: tuple[dt.datetime, dt.datetime]
) -> ir.Table:
    """Return one row per user: the first exposure, and how many there were of what."""
    own = {*_CANONICAL, "early", "late", "known"}
    dimensions = [name for name in rows.columns if name not in own]
    firsts = rows.group_by("user_id").aggregate(
        exposure_time=rows.exposure_time.min(),
        crossed=rows.variant.min() != rows.variant.max(),
        exposures=rows.count(),
        **{name: rows[name].min() for name in ("variant", *dimensions)},
    )
    # only who was exposed again needs another look for what stood at the first exposure
    once = firsts.filter(firsts.exposures == 1).mutate(at_first=ibis.literal(1, "int64"))
    again = firsts.filter(firsts.exposures > 1).select(
        "user_id", "crossed", "exposures", first_time=firsts.exposure_time
    )
    # a join and not an ordered aggregate, which Spark and ClickHouse lack
    joined = rows.inner_join(again, ["user_id", (rows.exposure_time, again.first_time)])
    found = joined.group_by("user_id").aggregate(
        exposure_time=joined.first_time.min(),
        crossed=joined.crossed.any(),
        exposures=joined.exposures.max(),
        **{name: joined[name].min() for name in ("variant", *dimensions)},
        at_first=joined.count(),
    )
    columns = ["user_id", "variant", "exposure_time", *dimensions, "crossed", "exposures",
               "at_first"]  # fmt: skip
    users = once.select(columns).union(found.select(columns))
    return users.mutate(exposure_day=local_date(users.exposure_time, timezone, between=between))


def _counted_users(users: ir.Table) -> pd.DataFrame:
    """Return per variant seen first how many users there are, and what was odd about them."""
    found = users.group_by("variant").aggregate(
        users=users.count(), crossovers=users.crossed.sum(),
        repeated=(users.exposures - 1).sum(), duplicates=(users.at_first - 1).sum(),
    )  # fmt: skip
    frame: pd.DataFrame = fetch(found.order_by("variant")).to_pandas()
    return frame.assign(crossover_share=frame["crossovers"] / frame["users"])


def _counts(rows: ir.Table, by_variant: pd.DataFrame) -> pd.Series:
    odd = rows.aggregate(
        exposures=rows.count(),
        missing_user=rows.user_id.isnull().sum(),  # noqa: PD003 - Ibis
        missing_variant=rows.variant.isnull().sum(),  # noqa: PD003 - Ibis
        early=(rows.known & rows.early).sum(),
        late=(rows.known & rows.late).sum(),
    )
    of_users = by_variant[["repeated", "duplicates", "users", "crossovers"]].sum()
    found: pd.Series = pd.concat([fetch(odd).to_pandas().iloc[0], of_users])
    return found.fillna(0).astype(int)


def unit_table(
    assigned: ir.Table,
    tables: Mapping[str, "ir.Table | pd.DataFrame"],
    *,
    measures: Mapping[str, Measure],
    window: str | dt.timedelta,
    as_of: dt.date | str,
    before: str | dt.timedelta | None = None,
    timezone: str = "UTC",
) -> ir.Table:
    """Return one row per mature user with a number per measure.

    Only rows within ``window`` after the user's own exposure count, and only users whose window
    has ended by ``as_of`` are kept: everybody has had the same time. A user without a matching
    row has 0; one whose matching rows have no value to sum has none.

    Args:
        assigned: ``Assigned.units``.
        tables: Tables of the product by name, with ``user_id`` and what the measures read.
        measures: Measures by the name of their column in the result.
        window: Time after exposure that counts, such as ``14d``.
        as_of: Last complete day of data, in ``timezone``.
        before: Time before exposure from which covariates are taken: each measure again, in a
            column whose name ends in ``_before``. None are taken by default.
        timezone: IANA zone in which days begin.

    Returns:
        The columns of ``assigned`` and one per measure; an expression that nothing has run yet.

    Raises:
        AnalysisError: A table or column is missing, a window cannot be read, or a measure has the
            name of another column.
        UnknownNameError: A measure reads a table that is not given.
    """
    length, past = _length(window), _length(before) if before is not None else None
    for name, measure in measures.items():
        if name in assigned.columns:
            raise AnalysisError(f"The units have a column '{name}' already.\nRename the measure.")
        if measure.table not in tables:
            raise unknown_name("table", measure.table, f"the measure '{name}'", tables)
    closing = closing_time(as_of, timezone)
    units = assigned.filter(assigned.exposure_time + span(length) <= closing)
    of_tables = {
        name: {key: one for key, one in measures.items() if one.table == name}
        for name in dict.fromkeys(one.table for one in measures.values())
    }
    exposed = units.exposure_time
    opens = exposed if past is None else exposed - span(past)
    spans = units.select(
        "user_id", opens_at=opens, exposed_at=exposed, closes_at=exposed + span(length)
    )
    joined = units
    for name, own in of_tables.items():
        sums = _per_user(spans, as_table(tables[name]), name, own, with_past=past is not None)
        joined = _with_sums(joined, sums)
    past_names = [f"{name}{BEFORE}" for name in measures] if past is not None else []
    return joined.select(*assigned.columns, *measures, *past_names)


def dimensions_at_exposure(
    assigned: ir.Table,
    table: "ir.Table | pd.DataFrame",
    *,
    columns: Sequence[str],
    time: str = "event_time",
) -> ir.Table:
    """Return the units with columns of another table as they stood at exposure.

    The value is that of the user's last row at or before the exposure (of several at one instant,
    the first in alphabetical order), and missing where there is none: nothing that came later, and
    may be the experiment's own doing, can part the users.

    Args:
        assigned: ``Assigned.units``.
        table: One row per event, with ``user_id``, ``time`` and ``columns``.
        columns: Columns to add.
        time: Column that dates a row.
    """
    rows = as_table(table)
    check_columns(rows, ["user_id", time, *columns], "the dimensions' table")
    spans = assigned.select("user_id", exposed_at=assigned.exposure_time)
    dated = rows.mutate(row_time=naive_utc(rows[time])).inner_join(spans, "user_id")
    earlier = dated.filter(dated.row_time <= dated.exposed_at)
    lasts = earlier.group_by("user_id").aggregate(last_time=earlier.row_time.max())
    at_last = earlier.inner_join(lasts, ["user_id", (earlier.row_time, lasts.last_time)])
    values = at_last.group_by("user_id").aggregate(
        **{name: at_last[name].min() for name in columns}
    )
    return assigned.left_join(values, "user_id").select(*assigned.columns, *columns)


def maturity(
    assigned: ir.Table, *, window: str | dt.timedelta, as_of: dt.date | str, timezone: str = "UTC"
) -> pd.DataFrame:
    """Return per variant how many users have had their whole window by ``as_of``.

    Returns:
        ``variant``, ``users``, ``mature_users`` and ``mature_share``.
    """
    closing = closing_time(as_of, timezone)
    ended = assigned.exposure_time + span(_length(window)) <= closing
    found = assigned.group_by("variant").aggregate(users=assigned.count(), mature_users=ended.sum())
    frame: pd.DataFrame = found.order_by("variant").to_pandas()
    return frame.assign(mature_share=frame["mature_users"] / frame["users"])


def _per_user(
    spans: ir.Table,
    table: ir.Table,
    name: str,
    measures: Mapping[str, Measure],
    *,
    with_past: bool,
) -> ir.Table:
    """Return the measures of one table per user with a row that counts: one pass over it.

    Args:
        spans: Per user: ``opens_at`` (of the past), ``exposed_at`` and ``closes_at``.
        table: The table.
        name: What it is called.
        measures: Those that read it.
        with_past: Whether to measure what lies before exposure too.
    """
    columns = [column for one in measures.values()
               for column in (one.dated_by, one.column, *one.where) if column]  # fmt: skip
    check_columns(table, ["user_id", *columns], name)
    matching = ibis.or_(*(matching_rows(table, one) for one in measures.values()))
    rows = table.filter(matching).select("user_id", *dict.fromkeys(columns))
    times = dict.fromkeys(one.dated_by for one in measures.values())
    rows = rows.mutate(**{time: naive_utc(rows[time]) for time in times})
    rows = rows.inner_join(spans, "user_id")
    # what lies in no window is dropped before the conditions of each measure are looked at
    rows = rows.filter(ibis.or_(*(
        (rows[time] >= rows.opens_at) & (rows[time] < rows.closes_at) for time in times
    )))  # fmt: skip
    counts: dict[str, ir.BooleanValue] = {}
    for key, measure in measures.items():
        time, matching = rows[measure.dated_by], matching_rows(rows, measure)
        begins = rows.exposed_at
        if measure.from_days:
            begins += span(dt.timedelta(days=measure.from_days))
        counts[key] = matching & (time >= begins) & (time < rows.closes_at)
        if with_past:
            earlier = (time >= rows.opens_at) & (time < rows.exposed_at)
            counts[f"{key}{BEFORE}"] = matching & earlier
    rows = rows.mutate(**{f"{key}{_COUNTS}": value for key, value in counts.items()})
    sums: dict[str, ir.Value] = {}
    for key, measure in measures.items():
        sums |= _sums(rows, key, measure)
        if with_past:
            sums |= _sums(rows, f"{key}{BEFORE}", measure)
    return rows.group_by("user_id").aggregate(**sums)


def _sums(rows: ir.Table, key: str, measure: Measure) -> dict[str, ir.Value]:
    """Return a measure over the rows that count; of a sum their number too."""
    counts = rows[f"{key}{_COUNTS}"]
    if measure.how == "count":
        return {key: rows.count(where=counts)}
    if measure.how == "converted":
        return {key: ibis.ifelse(counts.any(), 1, 0)}
    return {key: rows[measure.column].sum(where=counts), f"{key}{_ROWS}": rows.count(where=counts)}


def _with_sums(units: ir.Table, sums: ir.Table) -> ir.Table:
    """Return the units with their measures: 0 without a row, missing where rows have no value."""
    joined = units.left_join(sums, "user_id")
    values: dict[str, ir.Value] = {}
    for key in sums.columns:
        if key != "user_id" and not key.endswith(_ROWS):
            rows = joined[f"{key}{_ROWS}"] if f"{key}{_ROWS}" in sums.columns else joined[key]
            values[key] = ibis.ifelse(rows.fill_null(0) == 0, 0, joined[key])
    return joined.select(*units.columns, **values)


def matching_rows(rows: ir.Table, measure: Measure) -> ir.BooleanValue:
    """Return which rows a measure counts, whenever they were; null is no."""
    condition: ir.BooleanValue = ibis.literal(True)
    for column, wanted in measure.where.items():
        values = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Sequence) else wanted
        condition &= rows[column].isin(list(values))
    return condition


def closing_time(as_of: dt.date | str, timezone: str) -> dt.datetime:
    """Return the UTC instant at which the last complete day ends."""
    after = as_date(as_of, "as_of") + dt.timedelta(days=1)
    return utc_bounds(after, after, timezone)[0]


def _length(window: str | dt.timedelta) -> dt.timedelta:
    length = parse_window(window) if isinstance(window, str) else window
    if length <= dt.timedelta():
        raise AnalysisError(f"The window is {window}.\nGive a time above 0, such as '14d'.")
    return length


def span(length: dt.timedelta) -> ir.IntervalScalar:
    """Return a length of time as an expression."""
    return ibis.interval(seconds=round(length.total_seconds()))
