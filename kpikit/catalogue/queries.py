"""Queries that compute metrics: one per table and kind of row, for all metrics and periods."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.common.exceptions import IbisError

from kpikit.catalogue.metric import Metric, Per
from kpikit.catalogue.relations import PERIOD, Span, keys_of, row_schema, rows_by_period
from kpikit.catalogue.users import daily_counts, user_periods, user_schema
from kpikit.errors import AnalysisError, ParamsError
from kpikit.params.model import Product

PARTS = ("numerator", "denominator", "n")

_COUNTS = (ops.Count, ops.CountStar, ops.CountDistinct)
_TOTALS = (*_COUNTS, ops.Sum)
_ELSEWHERE: Mapping[str, str] = {
    "subscriptions": "subscription_facts",
    "survey": "survey_facts",
    "composite": "composite_table",
}
_PER_NAMES: Mapping[Per, str] = {"row": "", "user": " by user", "day": " by day"}


@dataclass(frozen=True)
class Query:
    """One query and what its columns mean.

    Attributes:
        name: The table and what a row of it stands for: ``orders``, ``events by user``.
        metrics: What it computes.
        expression: One row per ``kpikit_period`` (index) and the ``keys_of`` dimensions that occur.
            For metrics per day: the rows of ``daily_counts``.
        columns: Which column of it holds a part of a metric; equal aggregates share one.
        totals: Metrics made of sums and counts alone, which are zero where there is no row.
        rates: Shares whose two parts count units.
        of_users: Metrics that ask whose a row is.
    """

    name: str
    metrics: tuple[Metric, ...]
    expression: ir.Table
    columns: Mapping[tuple[str, str], str] = field(default_factory=dict)
    totals: frozenset[str] = frozenset()
    rates: frozenset[str] = frozenset()
    of_users: frozenset[str] = frozenset()


def query_groups(metrics: Sequence[Metric]) -> list[list[Metric]]:
    """Return the metrics grouped by table and kind of row, which one query serves.

    Raises:
        AnalysisError: A metric is not computed by a query of its own.
    """
    groups: dict[tuple[str, str], list[Metric]] = {}
    for metric in metrics:
        if metric.family in _ELSEWHERE:
            raise AnalysisError(
                f"Metric '{metric.name}' is not computed by metric_table.\n"
                f"Use {_ELSEWHERE[metric.family]}."
            )
        groups.setdefault((metric.table, metric.per), []).append(metric)
    return list(groups.values())


def absence(metric: Metric, tables: Mapping[str, ir.Table], *, params: Product) -> str:
    """Return why a metric has no value whatever the period, empty if it may have."""
    if metric.table not in tables:
        return f"there is no table '{metric.table}'"
    if metric.needs and not getattr(params, metric.needs):
        return f"the product's file has no '{metric.needs}'"
    return ""


def tables_by(
    tables: Mapping[str, ir.Table], dimensions: Sequence[str], *, params: Product
) -> Mapping[str, ir.Table]:
    """Return the tables from which metrics are broken down by dimensions.

    Orders made from order lines bear one value per column, yet a basket may hold several
    categories: their amounts are parted by the lines themselves, which add up to the same total.
    """
    lines = tables.get("order_lines")
    if not dimensions or lines is None or "orders" in params.source.tables:
        return tables
    return {**tables, "orders": lines.filter(lines["kind"] != "ignore")}


def metric_query(
    table: ir.Table,
    metrics: Sequence[Metric],
    span: Span,
    *,
    params: Product,
    dimensions: Sequence[str] = (),
) -> Query:
    """Return the query of metrics that read the same kind of row of the same table.

    Raises:
        ParamsError: A metric's expression does not fit the table.
    """
    table_name, per = metrics[0].table, metrics[0].per
    shown = table_name + _PER_NAMES[per]
    if per == "day":
        return Query(shown, tuple(metrics), daily_counts(table, span, dimensions=dimensions))
    if per == "user":
        schema = user_schema(table, params=params, dimensions=dimensions)
    else:
        schema = row_schema(table, table_name, dimensions=dimensions)
    # tried on a table of the same columns first: what no metric reads is then left out
    tried = ibis.table(schema, name=table_name)
    parts = {metric.name: bound_parts(metric, tried) for metric in metrics}
    read = _columns_read([value for each in parts.values() for value in each.values()], tried)
    if per == "user":
        rows = user_periods(
            table, span, params=params, dimensions=dimensions, columns=read,
            look_back=any(metric.looks_back for metric in metrics),
        )  # fmt: skip
    else:
        rows = rows_by_period(table, table_name, span, dimensions=dimensions, columns=read)
    columns: dict[tuple[str, str], str] = {}
    aggregates: dict[ops.Node, str] = {}
    for name, values in parts.items():
        for part, value in values.items():
            columns[name, part] = aggregates.setdefault(value.op(), f"{name}_{part}")
    actual = {tried.op(): rows.op()}
    return Query(
        shown,
        tuple(metrics),
        rows.group_by([PERIOD, *keys_of(dimensions)]).aggregate(
            **{name: value.replace(actual).to_expr() for value, name in aggregates.items()}
        ),
        columns,
        totals=frozenset(metric.name for metric in metrics if _is_total(parts[metric.name])),
        rates=frozenset(
            metric.name
            for metric in metrics
            if metric.unit == "share" and _is_rate(parts[metric.name])
        ),
        of_users=frozenset(
            metric.name for metric in metrics if _asks_for_users(parts[metric.name])
        ),
    )


def _columns_read(values: Iterable[ir.Scalar], table: ir.Table) -> set[str] | None:
    """Return the columns of a table that values read; None where one reads whole rows."""
    read = set()
    for value in values:
        for node in value.op().find(ops.Value, filter=ops.Value):
            if isinstance(node, ops.Field) and node.rel == table.op():
                read.add(node.name)
            elif isinstance(node, ops.CountStar) and node.arg == table.op():
                continue  # rows are counted whatever they hold
            elif any(isinstance(child, ops.Relation) for child in node.__children__):
                return None
    return read


def bound_parts(metric: Metric, rows: ir.Table) -> dict[str, ir.Scalar]:
    """Return a metric's numerator, denominator and n as aggregates of ``rows``.

    ``n`` left out is the denominator where that is a count, else the number of rows.

    Raises:
        ParamsError: An expression names a column that is not there, or is no aggregate.
    """
    given = {part: getattr(metric, part) for part in PARTS}
    parts = {
        part: _bind(metric, part, expression, rows)
        for part, expression in given.items()
        if expression is not None
    }
    if "n" not in parts:
        below = parts.get("denominator", parts["numerator"])
        parts["n"] = below if _is_count(below) else rows.count()
    return parts


def _bind(metric: Metric, part: str, expression: Any, rows: ir.Table) -> ir.Scalar:
    where = f"Metric '{metric.name}' of {metric.origin}: its {part}"
    try:
        (value,) = rows.bind(expression)
    except (IbisError, AttributeError, KeyError, TypeError, ValueError) as error:
        columns = ", ".join(name for name in rows.columns if not name.startswith("kpikit_"))
        raise ParamsError(
            f"{where} does not fit the table {metric.table}: {error}\nColumns: {columns}."
        ) from error
    if not isinstance(value, ir.Scalar):
        raise ParamsError(
            f"{where} is no aggregate.\nEnd it with .sum(), .count(), .nunique() or the like."
        )
    return value


def _is_count(value: ir.Scalar) -> bool:
    return isinstance(value.op(), _COUNTS)


def _is_rate(parts: Mapping[str, ir.Scalar]) -> bool:
    return all(part in parts and _is_count(parts[part]) for part in ("numerator", "denominator"))


def _asks_for_users(parts: Mapping[str, ir.Scalar]) -> bool:
    fields = [value.op().find(ops.Field, filter=ops.Value) for value in parts.values()]
    return any(field.name == "user_id" for found in fields for field in found)


def _is_total(parts: Mapping[str, ir.Scalar]) -> bool:
    # of the expression alone: the relation below it aggregates too
    found = [value.op().find(ops.Reduction, filter=ops.Value) for value in parts.values()]
    reductions = [node for nodes in found for node in nodes]
    return all(isinstance(node, _TOTALS) for node in reductions)
