"""From the metrics that a product's file names to what is counted per user, and how it is read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from kpikit.analysis.experiments.measures import BEFORE, Measure
from kpikit.analysis.experiments.metrics import Mean, Metric, Proportion, Quantile, Ratio
from kpikit.errors import AnalysisError
from kpikit.formats import Unit
from kpikit.params.experiments import COUNTING, STANDARD_METRICS, Experiment, ExperimentMetric
from kpikit.params.model import Product
from kpikit.periods import parse_window

_SALES = {"kind": "sale"}
_MONEY_COLUMNS = ("revenue", "mrr")
_ON_SHARES = ("conversion", "retention")
_LABELS = {
    "activation_rate": "Activation rate", "average_order_value": "Average order value",
    "conversion": "Conversion", "conversion_rate": "Conversion rate",
    "arpu": "Revenue per user", "gross_revenue": "Gross revenue per user",
    "net_revenue": "Net revenue per user", "orders": "Orders per user",
    "paying_users": "Share of paying users", "refund_rate": "Refund rate",
    "retention_rate": "Retention rate", "trial_to_paid_rate": "Trial-to-paid rate",
}  # fmt: skip


@dataclass(frozen=True)
class DeclaredMetrics:
    """The metrics of a test.

    Attributes:
        measures: What is counted per user, by the name of its column.
        metrics: How each metric reads those columns: the primary, secondary and guardrail ones.
        directions: Metric to the way that is good.
        units: Metric to what it counts.
        labels: Metric to its name as printed.
    """

    measures: Mapping[str, Measure]
    metrics: Mapping[str, Metric]
    directions: Mapping[str, Literal["up", "down"]]
    units: Mapping[str, Unit]
    labels: Mapping[str, str]


def declared_metrics(
    experiment: Experiment, product: Product, tables: Collection[str]
) -> DeclaredMetrics:
    """Return what the metrics of a declared test mean.

    A metric that the test does not declare itself has the standard meaning of its name, per
    exposed user and within the user's own window; ``params.experiments.STANDARD_METRICS`` says
    which. Covariates are taken of means and ratios where the test declares ``history``.

    Args:
        experiment: The test.
        product: The product's file, which says what activation and conversion are.
        tables: Canonical tables that the product has.

    Raises:
        AnalysisError: A metric needs a table or a key that the product does not have.
    """
    known = {**_standard(experiment, product, tables), **experiment.metrics}
    chosen = {name: known[name] for name in experiment.metric_names if name in known}
    for name in experiment.metric_names:
        if name not in chosen:
            raise AnalysisError(
                f"The metric '{name}' of a test has no meaning for this product.\n"
                f"It is: {STANDARD_METRICS[name]}. Map the table, or declare the metric."
            )
    measures: dict[str, Measure] = {}
    for name, metric in chosen.items():
        parts = (metric.numerator, metric.denominator) if metric.kind == "ratio" else (name,)
        measures |= {part: _measure(known[part]) for part in parts if part}
    return DeclaredMetrics(
        measures=measures,
        metrics={
            name: _metric(name, metric, with_history=experiment.history is not None)
            for name, metric in chosen.items()
        },
        directions={name: metric.direction for name, metric in chosen.items()},
        units={name: _unit(metric, known) for name, metric in chosen.items()},
        labels={
            name: metric.label or _LABELS.get(name, name.replace("_", " ").capitalize())
            for name, metric in chosen.items()
        },
    )


def _standard(
    experiment: Experiment, product: Product, tables: Collection[str]
) -> dict[str, ExperimentMetric]:
    """Return the metrics that need no declaration, as declarations, so far as tables allow."""
    found: dict[str, ExperimentMetric] = {}
    if "events" in tables:
        half = parse_window(experiment.conversion_window).total_seconds() / 86_400 / 2
        found["retention_rate"] = ExperimentMetric(
            kind="retention",
            from_days=half,
            event=product.retention.return_event or [],
        )
        if product.activation is not None:
            events = product.activation.events
            found["activation_rate"] = ExperimentMetric(kind="conversion", event=events)
    if "orders" in tables:
        found |= _of_orders()
    if "subscriptions" in tables:
        found |= _of_trials()
    if "events" in tables and product.conversion is not None:
        goal = ExperimentMetric(kind="conversion", event=product.conversion.to)
        found |= {"conversion": goal, "conversion_rate": goal}
    elif sold := found.get("paying_users", found.get("_paid")):
        found |= {"conversion": sold, "conversion_rate": sold}
    return found


def _of_orders() -> dict[str, ExperimentMetric]:
    revenue = ExperimentMetric(kind="sum", table="orders", column="revenue", where=_SALES)
    return {
        "arpu": revenue,
        "gross_revenue": revenue,
        "net_revenue": ExperimentMetric(
            kind="sum", table="orders", column="revenue",
            where={"kind": ["sale", "refund", "adjustment"]},
        ),
        "orders": ExperimentMetric(kind="count", table="orders", where=_SALES),
        "paying_users": ExperimentMetric(kind="conversion", table="orders", where=_SALES),
        "_refunds": ExperimentMetric(kind="count", table="orders", where={"kind": "refund"}),
        "average_order_value": ExperimentMetric(
            kind="ratio", numerator="gross_revenue", denominator="orders"
        ),
        "refund_rate": ExperimentMetric(
            kind="ratio", numerator="_refunds", denominator="orders", unit="share",
            direction="down",
        ),
    }  # fmt: skip


def _of_trials() -> dict[str, ExperimentMetric]:
    return {
        "_paid": ExperimentMetric(kind="conversion", table="subscriptions"),
        "_trials": ExperimentMetric(kind="conversion", table="subscriptions", time="trial_start"),
        "trial_to_paid_rate": ExperimentMetric(
            kind="ratio", numerator="_paid", denominator="_trials", unit="share"
        ),
    }


def _measure(metric: ExperimentMetric) -> Measure:
    """Return what is counted of one user's rows."""
    events = [metric.event] if isinstance(metric.event, str) else metric.event
    where = {**metric.where, **({"event": list(events)} if events else {})}
    if metric.kind in _ON_SHARES:
        how: Literal["converted", "count", "sum"] = "converted"
    else:
        how = "count" if metric.kind == "count" else "sum"
    return Measure(
        metric.table,
        how,
        column=metric.column,
        where=where,
        from_days=metric.from_days,
        time=metric.time,
    )


def _metric(name: str, metric: ExperimentMetric, *, with_history: bool) -> Metric:
    """Return how the columns of the units are read."""
    if metric.kind in _ON_SHARES:
        return Proportion(name, nulls=metric.nulls)
    if metric.kind == "quantile":
        return Quantile(name, metric.q, nulls=metric.nulls)
    if metric.kind in COUNTING:
        past = f"{name}{BEFORE}" if with_history else None
        return Mean(name, past, cap=metric.cap, nulls=metric.nulls)
    above, below = str(metric.numerator), str(metric.denominator)
    return Ratio(
        above,
        below,
        numerator_covariate=f"{above}{BEFORE}" if with_history else None,
        denominator_covariate=f"{below}{BEFORE}" if with_history else None,
        cap=metric.cap,
        nulls=metric.nulls,
    )


def _unit(metric: ExperimentMetric, known: Mapping[str, ExperimentMetric]) -> Unit:
    if metric.unit is not None:
        return metric.unit
    if metric.kind in _ON_SHARES:
        return "share"
    if metric.kind == "ratio":
        above = known[str(metric.numerator)]
        return "money" if _unit(above, known) == "money" else "ratio"
    return "money" if metric.column in _MONEY_COLUMNS else "number"
