"""What the models of lifetime know of customers, counted where the orders lie."""

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpikit.engine import as_table, check_columns, local_date, naive_utc
from kpikit.periods import as_date

_WEEK = 7


def purchase_patterns(
    orders: ir.Table | pd.DataFrame, *, as_of: dt.date | str, timezone: str = "UTC"
) -> pd.DataFrame:
    """Return how many customers share each pattern of purchases, for ``fit_bgnbd``.

    A purchase is a local day with a sale: an order with a positive amount that is not of the kind
    refund or adjustment. Unknown buyers are left out, as are orders after ``as_of``.

    Args:
        orders: One row per order: ``user_id``, ``order_time`` (UTC), ``revenue``, and ``kind``
            where there is one.
        as_of: Last complete day of data.
        timezone: IANA zone in which days begin.

    Returns:
        One row per pattern, sorted: ``frequency`` (days with a purchase after the first),
        ``recency`` (weeks from the first to the last), ``age`` (weeks from the first to ``as_of``)
        and ``customers``.

    Raises:
        AnalysisError: A column is missing.
        PeriodError: ``as_of`` is no day.
    """
    last_day = as_date(as_of, "as_of")
    users = _users(orders, last_day, timezone)
    found: pd.DataFrame = (
        users.group_by(
            frequency=users.days - 1,
            recency=users.last.delta(users.first, unit="day"),
            age=ibis.literal(last_day).delta(users.first, unit="day"),
        )
        .aggregate(customers=users.count())
        .order_by("frequency", "recency", "age")
        .to_pandas()
    )
    return found.assign(recency=found["recency"] / _WEEK, age=found["age"] / _WEEK)


def spend_patterns(
    orders: ir.Table | pd.DataFrame, *, as_of: dt.date | str, timezone: str = "UTC"
) -> pd.DataFrame:
    """Return how many customers share each mean spend per repeat purchase, for ``fit_gammagamma``.

    Args:
        orders: As for ``purchase_patterns``, by whose rules purchases are counted.
        as_of: Last complete day of data.
        timezone: IANA zone in which days begin.

    Returns:
        One row per pattern of customers who came again, sorted: ``frequency``, ``mean_spend``
        (money per day with a purchase, the first left out) and ``customers``.

    Raises:
        AnalysisError: A column is missing.
        PeriodError: ``as_of`` is no day.
    """
    users = _users(orders, as_date(as_of, "as_of"), timezone)
    users = users.filter(users.days > 1)
    repeats = users.days - 1
    found: pd.DataFrame = (
        users.group_by(
            frequency=repeats, mean_spend=((users.spend - users.first_spend) / repeats).round(6)
        )
        .aggregate(customers=users.count())
        .order_by("frequency", "mean_spend")
        .to_pandas()
    )
    return found


def _users(orders: ir.Table | pd.DataFrame, last_day: dt.date, timezone: str) -> ir.Table:
    """Return per customer the days with a purchase, the first and last of them, and the spend."""
    table = as_table(orders)
    check_columns(table, ["user_id", "order_time", "revenue"], "orders")
    is_sale = table.revenue > 0
    if "kind" in table.columns:
        is_sale &= ~table.kind.isin(["refund", "adjustment"])
    sales = table.filter(is_sale, table.user_id.notnull())  # noqa: PD004 - Ibis has no notna
    sales = sales.select(
        "user_id",
        day=local_date(naive_utc(sales.order_time), timezone),
        amount=sales.revenue.cast("float64"),
    )
    sales = sales.filter(sales.day <= last_day)
    days = sales.group_by("user_id", "day").aggregate(amount=sales.amount.sum())
    return days.group_by("user_id").aggregate(
        days=days.count(),
        first=days.day.min(),
        last=days.day.max(),
        spend=days.amount.sum(),
        first_spend=days.amount.argmin(days.day),
    )
