"""Which metrics a page shows: those that a product lists, else those that its stage calls for."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kpikit.catalogue.metric import Metric
from kpikit.catalogue.own import metrics_of
from kpikit.errors import nearest_names, unknown_name
from kpikit.params import LoadedProduct, Product
from kpikit.params.base import Perspective

MOST = 15  # a scorecard with more is read by nobody
# what comes first where growth is sought, and where profit is
_ORDERS: dict[str, tuple[Perspective, ...]] = {
    "growth": ("growth", "customer", "process", "financial"),
    "profitability": ("financial", "customer", "process", "growth"),
}


def scorecard_metrics(loaded: LoadedProduct, tables: Collection[str]) -> tuple[Metric, ...]:
    """Return the metrics of a product's scorecard, in the order in which it lists them.

    Args:
        loaded: The product.
        tables: Names of the canonical tables that it has.

    Returns:
        Those of ``metrics`` in its file, whether or not its tables can fill them. Where the file
        lists none: its own metrics, then the built-in ones of its stage, of those that its tables
        and declarations can fill; at most 15. Its focus orders each of these two groups by
        perspective: growth, customer, process, financial where it is growth; financial first and
        growth last where it is profitability.

    Raises:
        UnknownNameError: A listed metric does not exist.
        ParamsError: Its own metrics are broken (see ``metrics_of``).
    """
    catalogue = metrics_of(loaded)
    params = loaded.params
    for name in params.metrics:
        if name not in catalogue:
            raise unknown_name("metric", name, f"{loaded.path.name}: metrics", catalogue)
    if params.metrics:
        return tuple(catalogue[name] for name in params.metrics)
    fitting = [
        metric
        for metric in catalogue.values()
        if params.product.stage in metric.stages
        and is_available(metric, tables=tables, catalogue=catalogue, params=params)
    ]
    chosen = sorted(fitting, key=lambda metric: metric.origin == "kpikit")[:MOST]
    order = _ORDERS.get(params.product.focus or "", ())

    def rank(metric: Metric) -> tuple[bool, int]:
        return metric.origin == "kpikit", order.index(metric.perspective) if order else 0

    return tuple(sorted(chosen, key=rank))


def is_available(
    metric: Metric,
    *,
    tables: Collection[str],
    catalogue: Mapping[str, Metric],
    params: Product,
) -> bool:
    """Tell whether a product has the tables and declarations that a metric reads."""
    if metric.needs and not getattr(params, metric.needs):
        return False
    if not metric.inputs:
        return metric.table in tables
    return all(
        any(
            is_available(catalogue[name], tables=tables, catalogue=catalogue, params=params)
            for name in names
        )
        for names in metric.inputs.values()
    )


def unknown_segments(segments: Sequence[str], tables: Mapping[str, Any]) -> list[str]:
    """Return a sentence per declared dimension that is a column of no table.

    Args:
        segments: The dimensions that a product declares.
        tables: Its canonical tables by name, as Ibis tables.
    """
    columns = {column for table in tables.values() for column in table.columns}
    sentences = []
    for name in segments:
        if name not in columns:
            near = nearest_names(name, columns, most=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            sentences.append(f"No table has the column '{name}' that segments names.{hint}")
    return sentences


def with_inputs(
    metrics: Sequence[Metric],
    *,
    tables: Collection[str],
    catalogue: Mapping[str, Metric],
    params: Product,
) -> tuple[Metric, ...]:
    """Return ``metrics`` with all that composite ones among them are made of, inputs first.

    Of an input's alternatives the first that the product can fill is taken, else the first of all,
    whose missing value then says what is absent.
    """
    found: dict[str, Metric] = {}

    def visit(metric: Metric) -> None:
        for names in metric.inputs.values():
            fillable = [
                name
                for name in names
                if is_available(catalogue[name], tables=tables, catalogue=catalogue, params=params)
            ]
            visit(catalogue[(fillable or names)[0]])
        found.setdefault(metric.name, metric)

    for metric in metrics:
        visit(metric)
    return tuple(found.values())
