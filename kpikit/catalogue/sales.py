"""Built-in metrics of orders: what was sold, to whom, and how often again."""

from typing import Any

from kpikit.catalogue.metric import EARLY, FROM_GROWTH, Metric


def _is_sale(orders: Any) -> Any:
    return orders.kind == "sale"


def _known_sale(orders: Any) -> Any:
    return _is_sale(orders) & orders.user_id.notnull()


def _sold_orders(orders: Any) -> Any:
    return orders.order_id.nunique(where=_is_sale(orders))


def _buyers(orders: Any) -> Any:
    return orders.user_id.nunique(where=_is_sale(orders))


def _gross(orders: Any) -> Any:
    return orders.revenue.sum(where=_is_sale(orders))


SALES: tuple[Metric, ...] = (
    Metric(
        name="gross_revenue",
        label="Gross revenue",
        unit="money",
        table="orders",
        question="How much did we sell?",
        formula="Sum of the amounts of all sales; refunds and adjustments left out.",
        numerator=_gross,
        n=_sold_orders,
        n_of="orders",
        additive=True,
        perspective="financial",
        source="kpikit",
    ),
    Metric(
        name="refunds",
        label="Refunds",
        unit="money",
        table="orders",
        direction="down",
        question="How much did we pay back?",
        formula="Minus the sum of the amounts of all refunds, so that more paid back is more.",
        numerator=lambda orders: -orders.revenue.sum(where=orders.kind == "refund"),
        n=lambda orders: orders.order_id.nunique(where=orders.kind == "refund"),
        n_of="refunds",
        additive=True,
        perspective="financial",
        stages=FROM_GROWTH,
        source="kpikit",
    ),
    Metric(
        name="net_revenue",
        label="Net revenue",
        unit="money",
        table="orders",
        question="How much of what we sold stayed with us?",
        formula="Sum of all amounts: sales, less refunds, with adjustments.",
        numerator=lambda orders: orders.revenue.sum(),
        n=_sold_orders,
        n_of="orders",
        additive=True,
        perspective="financial",
        source="kpikit",
    ),
    Metric(
        name="orders",
        label="Orders",
        unit="count",
        table="orders",
        question="How often did customers buy?",
        formula="Number of distinct orders with a sale.",
        numerator=_sold_orders,
        n=_sold_orders,
        n_of="orders",
        additive=True,
        perspective="financial",
        source="kpikit",
    ),
    Metric(
        name="average_order_value",
        label="Average order value",
        unit="money",
        table="orders",
        question="How much does one order bring?",
        formula="Gross revenue / orders.",
        numerator=_gross,
        denominator=_sold_orders,
        n_of="orders",
        perspective="financial",
        source="Shopify",
        any_length=True,
    ),
    Metric(
        name="paying_users",
        label="Paying users",
        unit="count",
        table="orders",
        question="How many known customers bought?",
        formula="Number of distinct known users with a sale in the period.",
        numerator=_buyers,
        n=_buyers,
        n_of="users",
        perspective="customer",
        source="kpikit",
    ),
    Metric(
        name="arpu",
        label="Revenue per paying user",
        unit="money",
        table="orders",
        question="How much does one paying customer bring?",
        formula="Gross revenue of known users / distinct known users with a sale.",
        numerator=lambda orders: orders.revenue.sum(where=_known_sale(orders)),
        denominator=_buyers,
        n_of="users",
        perspective="financial",
        stages=FROM_GROWTH,
        source="kpikit",
    ),
    Metric(
        name="repeat_purchase_rate",
        label="Repeat purchase rate",
        unit="share",
        table="orders",
        question="How many of our buyers had bought before?",
        formula="Among the known users with a sale in the period, the share for whom at least one "
        "of these sales was not their first ever, whenever the first was.",
        numerator=lambda orders: orders.user_id.nunique(
            where=_known_sale(orders) & (orders.sale_number > 1)
        ),
        denominator=_buyers,
        n_of="buyers",
        perspective="customer",
        stages=FROM_GROWTH,
        source="Shopify (returning customer rate)",
    ),
    Metric(
        name="new_customers",
        label="New customers",
        unit="count",
        table="orders",
        question="How many bought for the first time?",
        formula="Number of known users whose first sale ever falls in the period.",
        numerator=lambda orders: orders.user_id.nunique(
            where=_known_sale(orders) & (orders.sale_number == 1)
        ),
        n_of="users",
        additive=True,
        leading=True,
        perspective="growth",
        stages=EARLY,
        source="kpikit",
    ),
)
