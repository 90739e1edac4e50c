"""Orders as every metric sees them: given, or derived from order lines."""

import ibis.expr.types as ir

from kpikit.params.tables import CANONICAL
from kpikit.sources.cast import AMOUNT
from kpikit.sources.stage import other_columns


def counted_orders(orders: ir.Table) -> ir.Table:
    """Return the orders that are a sale, a refund or an adjustment; an amount of zero is none."""
    return orders.filter(orders["kind"] != "ignore")


def derive_orders(lines: ir.Table) -> ir.Table:
    """Return one row per order and kind, made from its lines.

    An order with sold and refunded lines becomes two rows. Lines of kind ``ignore``, among them
    those whose amount is zero, make no order.

    Args:
        lines: Order lines with ``revenue`` and ``kind``, without working columns.

    Returns:
        ``order_id``, ``user_id`` (the greatest), ``order_time`` (the earliest), ``revenue`` (sum),
        ``currency`` and ``kind``, then the greatest value of every other column of the lines.
    """
    counted = lines.filter(lines["kind"] != "ignore")
    others = {
        name: counted[name].max()
        for name in other_columns(lines, CANONICAL["order_lines"])
        if _has_order(counted[name])
    }
    grouped = counted.group_by("order_id", "kind").aggregate(
        user_id=counted["user_id"].max(),
        order_time=counted["order_time"].min(),
        revenue=counted["revenue"].sum().cast(AMOUNT),
        currency=counted["currency"].max(),
        **others,
    )
    names = ["order_id", "user_id", "order_time", "revenue", "currency", "kind", *others]
    return grouped.select(names)


def _has_order(column: ir.Value) -> bool:
    kind = column.type()
    return bool(kind.is_string() or kind.is_numeric() or kind.is_temporal() or kind.is_boolean())
