"""Subscription spells, and how recurring revenue moves between the periods that they cross.

A movement is the difference between what a customer pays a month just before a period's first
instant and just before the first instant after it: ``kpikit.analysis.subscriptions`` says more.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpikit.catalogue.relations import MISSING_SEGMENT
from kpikit.engine import (
    as_table,
    check_columns,
    exact_money,
    local_date,
    naive_utc,
    period_start,
)
from kpikit.periods import Calendar, Period

AMOUNTS = ("new", "expansion", "contraction", "churned", "reactivation")
COUNTS = ("customers_new", "customers_reactivated", "customers_churned")
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


def paid_spells(subscriptions: ir.Table | pd.DataFrame) -> ir.Table:
    """Return the subscription spells that were ever paid, with clean types.

    A spell without ``start_time`` is a trial that was never paid; one that ends before it starts
    was never active: both are left out. A spell without a user is a customer of its own.

    Args:
        subscriptions: One row per spell: ``user_id``, ``mrr``, ``start_time``, ``end_time``, and
            ``subscription_id`` where there is one.

    Returns:
        The same columns: ``user_id`` as text and never null, both times as UTC without zone,
        ``mrr`` as DECIMAL.

    Raises:
        AnalysisError: A column is missing.
    """
    table = as_table(subscriptions)
    check_columns(table, ("user_id", "mrr", "start_time", "end_time"), "subscriptions")
    users = [table.user_id.cast("string")]
    if "subscription_id" in table.columns:
        users.append(ibis.literal("subscription ") + table.subscription_id.cast("string"))
    spells = table.mutate(
        user_id=ibis.coalesce(*users, ibis.literal("(unknown)")),
        mrr=exact_money(table.mrr),
        start_time=naive_utc(table.start_time),
        end_time=naive_utc(table.end_time),
    ).drop_null("start_time")
    return spells.filter(spells.end_time.fill_null(spells.start_time) >= spells.start_time)


def segment_of(table: ir.Table, dimension: str) -> ir.StringValue:
    """Return the dimension as text, a missing value named; empty text without a dimension."""
    if not dimension:
        return ibis.literal("")
    return table[dimension].cast("string").fill_null(MISSING_SEGMENT)


def first_paid_day(spells: ir.Table, calendar: Calendar) -> dt.date | None:
    """Return the local day on which the first of ``paid_spells`` starts; None without any."""
    days = local_date(spells.start_time, calendar.timezone)
    first: dt.date | None = days.min().to_pyarrow().as_py()
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
    chain: Sequence[Period],
    calendar: Calendar,
    *,
    as_of: dt.date | None = None,
    dimension: str = "",
) -> list[Balance]:
    """Return the balance of every segment and period, segments sorted, in one query.

    Args:
        spells: From ``paid_spells``.
        chain: Periods of one grain, each ending where the next starts.
        calendar: How time is cut.
        as_of: Last day whose starts and ends count; all of them if None.
        dimension: Column that parts spells into segments. Without one, the only segment is
            empty, and there even without a spell.
    """
    until = min(chain[-1].end, as_of + _ONE_DAY) if as_of else chain[-1].end
    found = _movements(_changes(spells, chain, calendar, until, dimension)).to_pandas()
    moved = {(row["segment"], row["bucket"].date()): row for row in found.to_dict("records")}
    segments = sorted({segment for segment, _ in moved}) if dimension else [""]
    listed: list[Balance] = []
    for segment in segments:
        before = moved.get((segment, _opening(chain)), _NOTHING)
        mrr, customers, subscriptions = (
            Decimal(before["new"]),
            int(before["customers_new"]),
            int(before["subscriptions_net"]),
        )
        for period in chain:
            movement = moved.get((segment, period.start), _NOTHING)
            balance = Balance(period, segment, mrr, customers, subscriptions, movement)
            listed.append(balance)
            mrr, customers = balance.mrr_end, balance.customers_end
            subscriptions = balance.subscriptions_end
    return listed


def _opening(chain: Sequence[Period]) -> dt.date:
    """Return the day that stands for all that came before the periods."""
    return chain[0].start - _ONE_DAY


def _changes(
    spells: ir.Table, chain: Sequence[Period], calendar: Calendar, until: dt.date, dimension: str
) -> ir.Table:
    """Return each customer's net change of MRR and of spells per segment and ``bucket``.

    The bucket is the first day of a period, or ``_opening``. A customer who came and went within
    one still has a row there, with a change of 0.
    """
    first = chain[0].start
    paid = spells.mutate(segment=segment_of(spells, dimension)).filter(spells.mrr != 0)

    def at(rows: ir.Table, times: str, sign: int) -> ir.Table:
        return rows.select(
            "segment",
            "user_id",
            day=local_date(rows[times], calendar.timezone),
            change=rows.mrr if sign > 0 else -rows.mrr,
            subscriptions=ibis.literal(sign, type="int64"),
        )

    changes = ibis.union(at(paid, "start_time", 1), at(paid.drop_null("end_time"), "end_time", -1))
    changes = changes.filter(changes.day < until)
    inside = ibis.greatest(period_start(changes.day, chain[0].grain, calendar), first)
    bucket = ibis.ifelse(changes.day < first, ibis.literal(_opening(chain)), inside)
    return changes.group_by("segment", "user_id", bucket=bucket).aggregate(
        change=changes.change.sum(), subscriptions=changes.subscriptions.sum()
    )


def _movements(steps: ir.Table) -> ir.Table:
    """Return the sums of the customers' movements per segment and bucket.

    In the bucket before the periods everything counts from nothing, so that its ``new`` is the
    MRR, and its new customers the customers, at the start of the first.
    """
    customer = ["segment", "user_id"]
    steps = steps.mutate(
        first=steps.bucket.min().over(group_by=customer),
        balance=steps.change.cumsum(group_by=customer, order_by="bucket"),
    )
    steps = steps.mutate(
        before=ibis.greatest(steps.balance - steps.change, 0), after=ibis.greatest(steps.balance, 0)
    )
    grown = steps.after - steps.before
    came = (steps.before == 0) & (steps.after > 0)
    stayed = (steps.before > 0) & (steps.after > 0)
    left = (steps.before > 0) & (steps.after == 0)
    is_new, is_back = came & (steps.bucket == steps.first), came & (steps.bucket > steps.first)
    sums = {
        "new": grown.sum(where=is_new),
        "reactivation": grown.sum(where=is_back),
        "expansion": grown.sum(where=stayed & (grown > 0)),
        "contraction": -grown.sum(where=stayed & (grown < 0)),
        "churned": -grown.sum(where=left),
    }
    return steps.group_by("segment", "bucket").aggregate(
        **{name: amount.fill_null(0) for name, amount in sums.items()},
        customers_new=steps.count(where=is_new),
        customers_reactivated=steps.count(where=is_back),
        customers_churned=steps.count(where=left),
        subscriptions_net=steps.subscriptions.sum(),
    )
