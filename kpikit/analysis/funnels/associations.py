"""What goes with conversion, at the entry and on the way; that it is a cause is not claimed."""

from collections.abc import Sequence
from typing import Unpack

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpikit.analysis.funnels.comparisons import odds_ratios, two_share_p_values
from kpikit.analysis.funnels.definition import Columns, FunnelKeywords, define
from kpikit.analysis.funnels.entries import interval
from kpikit.analysis.funnels.events import Rows, kept, prepare
from kpikit.analysis.funnels.reported import is_reached, reported_entries
from kpikit.catalogue.keeping import keep
from kpikit.corrections import benjamini_hochberg
from kpikit.engine import check_columns, instant
from kpikit.errors import AnalysisError, column_names

LEAST_USERS = 30  # with and without it, that are worth a row


def funnel_association_table(
    events: "ir.Table | pd.DataFrame",
    *,
    properties: Columns = (),
    with_events: bool = True,
    least_users: int = LEAST_USERS,
    most: int = 20,
    confidence: float = 0.95,
    **funnel: Unpack[FunnelKeywords],
) -> pd.DataFrame:
    """Return which properties and events go with conversion, as odds ratios.

    Each is a two-by-two table of the units that entered: with and without it, converted or not. A
    property is that of the entry's first event; an event counts if it lies after the entry's first
    event and before its last needed one, or its window's end. What goes with conversion need not
    bring it about: who means to buy also looks at prices.

    Args:
        events: As for ``funnel_table``.
        properties: Columns of ``events`` to look at.
        with_events: Whether to look at the events that are no step.
        least_users: Fewest units with and without it that are worth a row.
        most: Greatest number of values per property, the most frequent ones, and of events.
        confidence: Confidence level of the intervals, 0 to 1.
        **funnel: The funnel and its days, as for ``funnel_table``, without ``by``.

    Returns:
        One row per property and value, or event, the surest first: ``kind`` (property or event),
        ``name`` (column, or ``event``), ``value``, ``users_with``, ``converted_with``,
        ``users_without``, ``converted_without``, ``rate_with``, ``rate_without``, ``odds_ratio``
        with ``ci_low`` and ``ci_high`` (Woolf), ``p_value`` and ``p_adjusted`` (Benjamini and
        Hochberg, over all rows).

    Raises:
        AnalysisError: A column is missing, ``by`` is given, or as for ``funnel_table``.
        PeriodError: As for ``funnel_table``.

    References:
        Woolf, B. (1955). Annals of Human Genetics 19, 251-253.
    """
    definition = define("funnel_association_table", **funnel)
    if definition.by:
        raise AnalysisError(
            "by is given in funnel_association_table.\nName the columns to look at in properties."
        )
    columns = column_names("properties", properties, "funnel_association_table")
    rows = prepare(events, definition, carry=columns)
    return association_table(
        rows, reported_entries(rows), columns=columns, with_events=with_events,
        least_users=least_users, most=most, confidence=confidence,
    )  # fmt: skip


def association_table(
    rows: Rows,
    reported: ir.Table,
    *,
    columns: Sequence[str],
    with_events: bool = True,
    least_users: int = LEAST_USERS,
    most: int = 20,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return ``funnel_association_table`` of reported entries; the rows carry ``columns``."""
    people = _people(rows, reported)
    entered = people.aggregate(
        users=people.count(), converted=people.converted.sum(), first=people.began.min(),
        last=people.until.max(),
    ).to_pandas().iloc[0]  # fmt: skip
    parts = _by_property(rows, people, columns) if columns else []
    if with_events:
        check_columns(rows.source, ["event"], "events")
        parts.append(_by_event(rows, people, entered["first"], entered["last"]))
    found = _counts(parts, most) if parts else _nothing()
    return _measured(found, entered, least_users, confidence)


def _people(rows: Rows, reported: ir.Table) -> ir.Table:
    """Return one row per unit: its entry, how long it could do something, and if it converted."""
    last = reported[f"time_{rows.funnel.required[-1]}"]
    until = last if rows.funnel.window is None else last.coalesce(reported.time_1 + interval(rows))
    people = reported.select(
        *rows.keys,
        began="time_1",
        until=until,
        converted=is_reached(reported, rows.funnel.required[-1]).cast("int64"),
    )
    return keep(people)


def _by_property(rows: Rows, people: ir.Table, columns: Sequence[str]) -> list[ir.Table]:
    """Return each unit's value of every property at its entry."""
    first = rows.of_step(1)
    joined = people.inner_join(first, [*rows.keys, ("began", "time")])
    names = {name: joined[rows.carried[name]].min() for name in columns}
    own = kept(joined.group_by([*rows.units, "converted"]).aggregate(**names))
    return [
        own.select("converted", kind=ibis.literal("property"), name=ibis.literal(name),
                   value=own[name])
        for name in columns
    ]  # fmt: skip


def _by_event(rows: Rows, people: ir.Table, first: pd.Timestamp, last: pd.Timestamp) -> ir.Table:
    """Return each unit's events on the way that are no step, each once.

    Only those between ``first`` and ``last`` are looked through, where there are any.
    """
    steps = {name for step in rows.funnel.steps for name in step.events or ()}
    others = rows.source.filter(~rows.source.event.isin(sorted(steps)))
    if pd.notna(first) and rows.funnel.window is not None:
        others = others.filter(others.kpikit_time.between(instant(first), instant(last)))
    others = others.select(*rows.keys, time="kpikit_time", value="event")
    joined = people.inner_join(others, list(rows.keys))
    in_time = joined.time < joined.until
    if rows.funnel.window is None:  # a plain comparison else, which engines join by
        in_time = in_time.fill_null(True)
    inside = joined.filter(joined.time > joined.began, in_time)
    own = inside.select(*rows.units, "converted", "value").distinct()
    return own.select(
        "converted", kind=ibis.literal("event"), name=ibis.literal("event"), value="value"
    )


def _counts(parts: Sequence[ir.Table], most: int) -> pd.DataFrame:
    """Return how many units have each value, and how many of them converted."""
    own = ibis.union(*parts) if len(parts) > 1 else parts[0]
    counts = own.group_by("kind", "name", "value").aggregate(
        users_with=own.count(), converted_with=own.converted.sum()
    )
    line = ibis.window(
        group_by=["kind", "name"], order_by=[counts.users_with.desc(), counts["value"]]
    )
    ranked = counts.mutate(place=ibis.row_number().over(line))
    frame: pd.DataFrame = ranked.filter(ranked.place < most).drop("place").to_pandas()
    return frame


def _nothing() -> pd.DataFrame:
    return pd.DataFrame({
        "value": pd.Series(dtype="str"), "users_with": pd.Series(dtype="int64"),
        "converted_with": pd.Series(dtype="int64"), "kind": pd.Series(dtype="str"),
        "name": pd.Series(dtype="str"),
    })  # fmt: skip


def _measured(
    found: pd.DataFrame, entered: pd.Series, least_users: int, confidence: float
) -> pd.DataFrame:
    """Return the rows with enough units, with rates, odds ratios and tests."""
    counts = found.assign(
        users_without=int(entered["users"]) - found["users_with"],
        converted_without=int(entered["converted"] or 0) - found["converted_with"],
    )
    enough = counts[["users_with", "users_without"]].min(axis=1) >= max(1, least_users)
    counts = counts[enough].reset_index(drop=True)
    shares = (
        counts["converted_with"], counts["users_with"],
        counts["converted_without"], counts["users_without"],
    )  # fmt: skip
    p_values = two_share_p_values(*shares)
    table = counts.assign(
        rate_with=shares[0] / shares[1],
        rate_without=shares[2] / shares[3],
        **odds_ratios(counts, confidence=confidence),
        p_value=p_values,
        p_adjusted=benjamini_hochberg(p_values),
    )
    ordered: Sequence[str] = [
        "kind", "name", "value", "users_with", "converted_with", "users_without",
        "converted_without", "rate_with", "rate_without", "odds_ratio", "ci_low", "ci_high",
        "p_value", "p_adjusted",
    ]  # fmt: skip
    return table.sort_values(["p_value", "name", "value"], ignore_index=True)[list(ordered)]
