"""Subscription spells: how recurring revenue moves between the periods they cross, and trials.

A movement is the difference between what a customer pays a month just before a period's first
instant and just before the first instant after it: ``kpikit.analysis.subscriptions`` says more.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeAlias

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from kpikit.catalogue.daily import DailySums, segment_of
from kpikit.engine import (
    as_table,
    check_columns,
    exact_money,
    fetch,
    local_date,
    naive_utc,
)
from kpikit.periods import Calendar, Period

Place: TypeAlias = tuple[int, int, str]  # numbers of a chain and a dimension, and a segment

AMOUNTS = ("new", "expansion", "contraction", "churned", "reactivation")
TRIAL_COUNTS = ["trials", "matured", "converted"]
COUNTS = ("customers_new", "customers_reactivated", "customers_churned")
_COUNT_OF = dict(zip(("new", "reactivation", "churned"), COUNTS, strict=True))
_STILL = len(AMOUNTS)  # no movement; others are places in AMOUNTS, for numbers are grouped fast
_NOTHING: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(AMOUNTS, Decimal(0)) | dict.fromkeys(COUNTS, 0) | {"subscriptions_net": 0}
)
_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Balance:
    """What one segment paid at the start of one period, and what moved until its end.

    Attributes:
        period: The period.
        segment: Value of the dimension; empty for the total.
        dimension: Column that parts spells into segments; empty for the total.
        mrr_start: Recurring revenue a month just before the first instant.
        customers_start: Customers with recurring revenue then.
        subscriptions_start: Paid spells active then.
        moved: ``AMOUNTS`` (positive, money a month), ``COUNTS`` (customers) and
            ``subscriptions_net`` (spells begun less ended).
    """

    period: Period
    segment: str
    mrr_start: Decimal = Decimal(0)
    customers_start: int = 0
    subscriptions_start: int = 0
    moved: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    dimension: str = ""

    @property
    def gained(self) -> Decimal:
        """New, expansion and reactivation."""
        return Decimal(self.moved["new"] + self.moved["expansion"] + self.moved["reactivation"])

    @property
    def lost(self) -> Decimal:
        """Contraction and churned."""
        return Decimal(self.moved["contraction"] + self.moved["churned"])

    @property
    def mrr_end(self) -> Decimal:
        """Recurring revenue a month just before the first instant after the period."""
        return self.mrr_start + self.gained - self.lost

    @property
    def customers_end(self) -> int:
        """Customers with recurring revenue then."""
        joined = self.moved["customers_new"] + self.moved["customers_reactivated"]
        return int(self.customers_start + joined - self.moved["customers_churned"])

    @property
    def subscriptions_end(self) -> int:
        """Paid spells active then."""
        return int(self.subscriptions_start + self.moved["subscriptions_net"])

    @property
    def ratios(self) -> dict[str, tuple[Decimal | int, Decimal | int]]:
        """Numerator and denominator of every metric that is a ratio."""
        start, moved, lost = self.mrr_start, self.moved, self.lost
        regained = moved["expansion"] + moved["reactivation"]
        return {
            "nrr": (start + moved["expansion"] - lost, start),
            "grr": (start - lost, start),
            "logo_churn_rate": (moved["customers_churned"], self.customers_start),
            "quick_ratio": (self.gained, lost),
            "revenue_churn_rate": (moved["churned"], start),
            "gross_mrr_churn_rate": (lost, start),
            "net_mrr_churn_rate": (lost - regained, start),
            "arpa": (self.mrr_end, self.customers_end),
        }


def paid_spells(subscriptions: ir.Table | pd.DataFrame, *also: str) -> ir.Table:
    """Return the subscription spells that were ever paid, with clean types.

    A spell without ``start_time`` is a trial that was never paid; one that ends before it starts
    was never active: both are left out. A spell without a user is a customer of its own.

    Args:
        subscriptions: One row per spell: ``user_id``, ``mrr``, ``start_time``, ``end_time``, and
            ``subscription_id`` where there is one.
        *also: Further columns to keep, as far as there are such.

    Returns:
        ``user_id`` as text and never null, ``mrr`` as DECIMAL, both times as UTC without zone, and
        ``also``.

    Raises:
        AnalysisError: A column is missing.
    """
    table = as_table(subscriptions)
    check_columns(table, ("user_id", "mrr", "start_time", "end_time"), "subscriptions")
    users = [table.user_id.cast("string")]
    if "subscription_id" in table.columns:
        users.append(ibis.literal("subscription ") + table.subscription_id.cast("string"))
    kept = {name: table[name] for name in also if name in table.columns}
    clean = {
        "user_id": ibis.coalesce(*users, ibis.literal("(unknown)")),
        "mrr": exact_money(table.mrr),
        "start_time": naive_utc(table.start_time),
        "end_time": naive_utc(table.end_time),
    }
    spells = table.select(**{**kept, **clean})
    # no time is after a missing one, so that this leaves out what has no start too
    return spells.filter(spells.end_time.fill_null(spells.start_time) >= spells.start_time)


def first_paid_day(spells: ir.Table, calendar: Calendar) -> dt.date | None:
    """Return the local day on which the first of ``paid_spells`` starts; None without any."""
    days = local_date(spells.start_time, calendar.timezone)
    first: dt.date | None = fetch(days.min().as_table())[0][0].as_py()
    return first


def chains(periods: Iterable[Period]) -> list[list[Period]]:
    """Part periods into runs of one grain in which each ends where the next starts."""
    found: list[list[Period]] = []
    for period in sorted(set(periods), key=lambda period: (period.grain, period.start, period.end)):
        last = found[-1][-1] if found else None
        if last and last.grain == period.grain and last.end == period.start:
            found[-1].append(period)
        else:
            found.append([period])
    return found


def balances(
    spells: ir.Table,
    periods: Iterable[Period],
    calendar: Calendar,
    *,
    as_of: dt.date | None = None,
    dimensions: Sequence[str] = (),
) -> list[Balance]:
    """Return the balance of every segment and period, in one query.

    They come by chain, dimension, segment and time.

    Args:
        spells: From ``paid_spells``.
        periods: Periods of any grain; those of each of their ``chains`` follow one another.
        calendar: How time is cut.
        as_of: Last day whose starts and ends count; all of them if None.
        dimensions: Columns each of which parts spells into segments. Without any, the only
            segment is empty, and there even without a spell.
    """
    runs = chains(periods)
    if not runs:
        return []
    parts = ["chain", "dimension", "segment"] if dimensions else ["chain"]
    moved = _moved(_movements(_changes(spells, runs, calendar, as_of, dimensions), parts))
    listed: list[Balance] = []
    for chain, run in enumerate(runs):
        if not dimensions:
            listed += _follow(run, "", "", moved.get((chain, 0, ""), {}))
        for place in sorted(place for place in moved if dimensions and place[0] == chain):
            listed += _follow(run, dimensions[place[1]], place[2], moved[place])
    return listed


def _follow(
    run: Sequence[Period], dimension: str, segment: str, moved: Mapping[int, Mapping[str, Any]]
) -> Iterator[Balance]:
    """Yield a chain's balances from what moved in each bucket."""
    before = moved.get(0, _NOTHING)
    mrr, customers = before["new"], before["customers_new"]
    subscriptions = before["subscriptions_net"]
    for bucket, period in enumerate(run, 1):
        movement = moved.get(bucket, _NOTHING)
        balance = Balance(period, segment, mrr, customers, subscriptions, movement, dimension)
        yield balance
        mrr, customers = balance.mrr_end, balance.customers_end
        subscriptions = balance.subscriptions_end


def _moved(movements: ir.Table) -> dict[Place, dict[int, dict[str, Any]]]:
    """Return what moved by place, then bucket, by the names of ``Balance.moved``."""
    moved: dict[Place, dict[int, dict[str, Any]]] = {}
    for row in fetch(movements).to_pylist():
        place = (row["chain"], row.get("dimension", 0), row.get("segment", ""))
        buckets = moved.setdefault(place, {})
        found = buckets.setdefault(row["bucket"], dict(_NOTHING))
        found["subscriptions_net"] += row["subscriptions"]
        if row["kind"] != _STILL:
            kind = AMOUNTS[row["kind"]]
            found[kind] = abs(row["amount"])
            if kind in _COUNT_OF:
                found[_COUNT_OF[kind]] = row["customers"]
    return moved


def _changes(
    spells: ir.Table,
    runs: Sequence[Sequence[Period]],
    calendar: Calendar,
    as_of: dt.date | None,
    dimensions: Sequence[str],
) -> ir.Table:
    """Return each customer's net change of MRR and of spells per ``chain`` and ``bucket``.

    A customer who came and went within one bucket still has a row there, with a change of 0. Where
    there are dimensions, there is a row per ``dimension`` (its place) and ``segment``.
    """
    first = min(run[0].start for run in runs) - _ONE_DAY
    opening = min(first, as_of) if as_of else first
    signs = {"sign": [1, -1] * max(len(dimensions), 1)}  # each starts, and may end
    if dimensions:
        signs["dimension"] = [index // 2 for index in range(2 * len(dimensions))]
    edges = spells.cross_join(ibis.memtable(signs))
    is_start = edges.sign > 0
    times = ibis.ifelse(is_start, edges.start_time, edges.end_time)
    changes = edges.select(
        "user_id",
        **_segments(edges, dimensions),
        day=local_date(times, calendar.timezone),
        change=ibis.ifelse(is_start, edges.mrr, -edges.mrr),
        subscriptions=edges.sign,
    )
    moving = changes.day.notnull() & (changes.change != 0)  # noqa: PD004 - Ibis has no notna
    changes = changes.filter(moving)
    days = _bucket_days(runs, opening, as_of)
    dated = changes.inner_join(days, ibis.greatest(changes.day, opening) == days.day)
    keys = [*(["dimension", "segment"] if dimensions else []), "user_id", "chain", "bucket"]
    return dated.group_by(keys).aggregate(
        change=dated.change.sum(), subscriptions=dated.subscriptions.sum()
    )


def _segments(edges: ir.Table, dimensions: Sequence[str]) -> dict[str, ir.Value]:
    """Return the ``segment`` of the ``dimension`` whose place each row bears."""
    if not dimensions:
        return {}
    values = [segment_of(edges, name) for name in dimensions]
    places = range(len(dimensions) - 1)
    branches = [(edges.dimension == place, values[place]) for place in places]
    segment = ibis.cases(*branches, else_=values[-1]) if branches else values[-1]
    return {"dimension": edges.dimension, "segment": segment}


def _bucket_days(
    runs: Sequence[Sequence[Period]], opening: dt.date, as_of: dt.date | None
) -> ir.Table:
    """Return in which ``bucket`` of each ``chain`` a ``day`` up to ``as_of`` falls.

    A chain's bucket 0 holds the days from ``opening`` on that come before its periods, and those
    after it are the periods in turn. ``opening`` stands for all earlier days too.
    """
    rows = [
        (start + step * _ONE_DAY, chain, bucket)
        for chain, run in enumerate(runs)
        for bucket, (start, end) in enumerate(
            [(opening, run[0].start), *((period.start, period.end) for period in run)]
        )
        for step in range(((min(end, as_of + _ONE_DAY) if as_of else end) - start).days)
    ]
    days, numbers, buckets = zip(*rows, strict=True)
    return ibis.memtable(
        pa.table({"day": pa.array(days), "chain": pa.array(numbers), "bucket": pa.array(buckets)})
    )


def _movements(steps: ir.Table, parts: list[str]) -> ir.Table:
    """Return the sums of the customers' movements per part, bucket and ``kind`` of movement.

    In the bucket before the periods everything counts from nothing, so that its ``new`` is the
    MRR, and its new customers the customers, at the start of the first.
    """
    so_far = {"group_by": [*parts, "user_id"], "order_by": "bucket"}
    steps = steps.mutate(
        place=ibis.row_number().over(**so_far), balance=steps.change.cumsum(**so_far)
    )
    before, after = ibis.greatest(steps.balance - steps.change, 0), ibis.greatest(steps.balance, 0)
    number = AMOUNTS.index
    kind = ibis.cases(
        (before == after, _STILL),
        ((before == 0) & (steps.place == 0), number("new")),
        (before == 0, number("reactivation")),
        (after == 0, number("churned")),
        (before < after, number("expansion")),
        else_=number("contraction"),
    )
    return steps.group_by(*parts, "bucket", kind=kind).aggregate(
        amount=(after - before).sum(),
        customers=steps.count(),
        subscriptions=steps.subscriptions.sum(),
    )


def daily_trials(
    subscriptions: ir.Table,
    calendar: Calendar,
    *,
    as_of: dt.date,
    trial_days: int,
    dimension: str = "",
) -> DailySums:
    """Return ``TRIAL_COUNTS`` by the local day on which trials began.

    Args:
        subscriptions: One row per spell: ``trial_start``, ``start_time`` (UTC; either may be null).
        calendar: How time is cut.
        as_of: Last day whose starts count.
        trial_days: After as many days a trial is matured; only then may it count as converted.
        dimension: Column that parts trials into segments, if any.

    Raises:
        AnalysisError: A column is missing.
    """
    check_columns(subscriptions, ["trial_start", "start_time"], "subscriptions")
    began, paid = (
        local_date(naive_utc(subscriptions[name]), calendar.timezone)
        for name in ("trial_start", "start_time")
    )
    trials = subscriptions.select(
        segment=segment_of(subscriptions, dimension), day=began, paid=paid <= as_of
    )
    trials = trials.filter(trials.day <= as_of)
    is_over = trials.day <= as_of - trial_days * _ONE_DAY
    counts = trials.group_by("segment", "day").aggregate(
        trials=trials.count(),
        matured=trials.count(where=is_over),
        converted=trials.count(where=is_over & trials.paid),
    )
    daily = fetch(counts)
    return DailySums.read(daily, [daily[name].to_numpy() for name in TRIAL_COUNTS])
