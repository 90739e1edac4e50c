"""Metrics that a product's YAML file defines, as ``Metric`` values."""

from collections.abc import Callable
from functools import reduce
from operator import and_
from typing import Any

from kpikit.catalogue.metric import Metric
from kpikit.errors import ParamsError
from kpikit.params.model import Condition, MeasureParams, MetricParams

_KINDS = ("sum", "mean", "count", "count_distinct")


def defined_metric(item: MetricParams, *, origin: str) -> Metric:
    """Return the metric that an entry of ``define`` describes.

    A mean becomes a sum over a count, so that it rolls up like every ratio. Over ``observations``
    only the rows whose ``metric`` bears the metric's own name count, unless a condition on that
    column says otherwise; there the aggregate says how values of shorter periods make that of a
    longer one: ``sum`` for amounts, ``mean`` for levels and shares.

    Args:
        item: The entry.
        origin: The file in which it stands.

    Raises:
        ParamsError: A measure names none, or more than one, of sum, mean, count, count_distinct.
    """
    numerator = _named_rows(item, item.numerator)
    kind = _kind(item.name, numerator)
    denominator, words = item.denominator, _words(numerator, kind)
    below: Callable[[Any], Any] | None = None
    if denominator is not None:
        denominator = _named_rows(item, denominator)
        below = _expression(denominator, _kind(item.name, denominator))
        words += f" / {_words(denominator, _kind(item.name, denominator))}"
    elif kind == "mean":
        below, kind = _values(numerator), "sum"
    return Metric(
        name=item.name,
        label=item.label,
        question=item.question,
        unit=item.unit,
        table=item.table,
        formula=words[0].upper() + words[1:] + ".",
        numerator=_expression(numerator, kind),
        denominator=below,
        n=None if below or kind == "count_distinct" else _rows(numerator),
        n_of=_units(denominator or numerator),
        direction=item.direction,
        leading=item.leading,
        perspective=item.perspective,
        owner=item.owner,
        version=item.version,
        since=item.since,
        source="the product",
        additive=below is None and kind in ("sum", "count"),
        any_length=below is not None and not any(map(_is_distinct, (numerator, denominator))),
        origin=origin,
    )


def _named_rows(item: MetricParams, measure: MeasureParams) -> MeasureParams:
    if item.table != "observations" or any(part.column == "metric" for part in measure.where):
        return measure
    named = Condition(column="metric", equals=item.name)
    return measure.model_copy(update={"where": [*measure.where, named]})


def _kind(name: str, measure: MeasureParams) -> str:
    given = [kind for kind in _KINDS if getattr(measure, kind) is not None]
    if len(given) != 1:
        what = "none" if not given else " and ".join(given)
        raise ParamsError(
            f"Metric '{name}' measures {what}.\nGive exactly one of {', '.join(_KINDS)}."
        )
    return given[0]


def _expression(measure: MeasureParams, kind: str) -> Callable[[Any], Any]:
    def aggregate(table: Any) -> Any:
        where = _matches(table, measure.where)
        if kind == "count":
            return table.count(where=where)
        column = table[getattr(measure, kind) or measure.mean]
        return getattr(column, {"count_distinct": "nunique"}.get(kind, kind))(where=where)

    return aggregate


def _rows(measure: MeasureParams) -> Callable[[Any], Any]:
    return lambda table: table.count(where=_matches(table, measure.where))


def _values(measure: MeasureParams) -> Callable[[Any], Any]:
    return lambda table: table[measure.mean].count(where=_matches(table, measure.where))


def _is_distinct(measure: MeasureParams | None) -> bool:
    return measure is not None and measure.count_distinct is not None


def _units(measure: MeasureParams) -> str:
    """Return what a measure counts, in plural: ``users`` for distinct values of ``user_id``."""
    return f"{measure.count_distinct.removesuffix('_id')}s" if measure.count_distinct else "rows"


def _matches(table: Any, conditions: list[Condition]) -> Any:
    """Return the rows that meet every condition, None where there is none."""
    parts = [
        table[item.column].isin(item.equals)
        if isinstance(item.equals, list)
        else table[item.column] == item.equals
        for item in conditions
    ]
    return reduce(and_, parts) if parts else None


def _words(measure: MeasureParams, kind: str) -> str:
    texts = {
        "sum": f"sum of {measure.sum}",
        "mean": f"mean of {measure.mean}",
        "count": "number of rows",
        "count_distinct": f"distinct values of {measure.count_distinct}",
    }
    conditions = [
        f"{item.column} is "
        + (
            " or ".join(map(str, item.equals))
            if isinstance(item.equals, list)
            else str(item.equals)
        )
        for item in measure.where
    ]
    return texts[kind] + (f" where {' and '.join(conditions)}" if conditions else "")
