"""From exposures, events, orders and subscriptions to one row per unit, in the engine."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpikit.analysis.experiments.measures import (
    BEFORE,
    Measure,
    measures_per_user,
    span,
    with_measures,
)
from kpikit.catalogue.keeping import keep
from kpikit.engine import as_table, check_columns, fetch, local_date, naive_utc, utc_bounds
from kpikit.errors import AnalysisError, check_choice, unknown_name
from kpikit.periods import as_date, parse_window

Crossovers = Literal["exclude", "first"]
_CANONICAL = ("user_id", "experiment", "variant", "exposure_time")
_UNIT_COLUMNS = ("user_id", "variant", "exposure_time", "exposure_day")


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
        sums = measures_per_user(
            spans, as_table(tables[name]), name, own, with_past=past is not None
        )
        joined = with_measures(joined, sums)
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


def closing_time(as_of: dt.date | str, timezone: str) -> dt.datetime:
    """Return the UTC instant at which the last complete day ends."""
    after = as_date(as_of, "as_of") + dt.timedelta(days=1)
    return utc_bounds(after, after, timezone)[0]


def _length(window: str | dt.timedelta) -> dt.timedelta:
    length = parse_window(window) if isinstance(window, str) else window
    if length <= dt.timedelta():
        raise AnalysisError(f"The window is {window}.\nGive a time above 0, such as '14d'.")
    return length
