"""Values of metrics: one query per table, any periods, facts out.

Numerators and denominators are rolled up over the whole period in the engine and divided here, on
exact decimals. Nothing is averaged over averages.
"""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from kpikit.catalogue import Metric, fact, fact_rows, make_facts
from kpikit.catalogue.days import daily_actives, parts_of_days
from kpikit.catalogue.features import FEATURE, facts_by_feature, feature_metrics
from kpikit.catalogue.queries import (
    PARTS,
    Query,
    absence,
    metric_query,
    query_groups,
    tables_by,
)
from kpikit.catalogue.relations import (
    DIMENSION,
    PERIOD,
    SEGMENT,
    Coverages,
    Span,
)
from kpikit.catalogue.values import Parts, Valued
from kpikit.engine import fetch, readable_sql
from kpikit.errors import ParamsError
from kpikit.params.model import Product
from kpikit.periods import Calendar, Period

_NO_USERS = "no row says whose it is"
_DAYS_PER_MONTH = 365.25 / 12
_ONE_DAY = dt.timedelta(days=1)
_PLACE = ("dimension", "segment", "grain", "period", "start", "end")

Place = tuple[int, str]  # index of the dimension, segment
Found = dict[tuple[str, Place, int], Parts]  # by name of the metric, place, index of the period
_TOTAL: Place = (0, "")


def metric_table(
    tables: Mapping[str, ir.Table],
    metrics: Sequence[Metric],
    periods: Sequence[Period] | Mapping[str, Sequence[Period]],
    *,
    calendar: Calendar,
    as_of: dt.date,
    params: Product,
    dimension: str | Sequence[str] = "",
    coverages: Coverages | None = None,
) -> pd.DataFrame:
    """Return the values of metrics in periods, as facts.

    Each row is counted in every period that holds its local day. A period before or after the
    table's rows is missing. Between them, a period without a row is zero for sums and counts and
    missing for ratios and means; over ``observations`` it is always missing, for what nobody wrote
    down is unknown. So is how many users there were where no row of a table names one.
    ``complete`` says that the rows begin on or before the period's first day and that ``as_of``
    reaches its last. Shares of counted units bear Wilson's 95 % interval.

    Args:
        tables: Canonical tables by name; one that is absent leaves its metrics missing.
        metrics: What to compute, of every family but subscriptions, survey and composite, which
            have functions of their own.
        periods: Any periods, also overlapping or cut; equal ones count once. Or those of each
            metric by its name: what reads the same rows is still one query.
        calendar: How the product cuts time.
        as_of: Last complete day; later rows do not count.
        params: The product: activation, conversion, features.
        dimension: Column to break values down by, or several, which take one query too; or
            ``feature`` for feature adoption. Metrics whose table lacks it are left out. A user with
            several values counts in each.
        coverages: What the caller has found its tables to cover, and will; asked anew if None.

    Returns:
        Facts (``FACT_COLUMNS``): one row per metric, dimension, segment (sorted) and period, in the
        order asked for.

    Raises:
        AnalysisError: A metric belongs to another analysis.
        ParamsError: A metric's expression does not fit its table.
    """
    coverages = coverages or Coverages(calendar.timezone)
    asked = periods if isinstance(periods, Mapping) else {one.name: periods for one in metrics}
    dimensions = [dimension] if isinstance(dimension, str) and dimension else [*dimension]
    if dimensions == [FEATURE]:
        return _feature_table(
            tables, metrics, asked,
            calendar=calendar, as_of=as_of, params=params, coverages=coverages,
        )  # fmt: skip
    tables = tables_by(tables, dimensions, params=params)
    rows: dict[str, list[dict[str, Any]]] = {}
    for group in query_groups([metric for metric in metrics if asked[metric.name]]):
        together = dict.fromkeys(period for metric in group for period in asked[metric.name])
        rows |= _group_facts(
            tables, group, Span(tuple(together), calendar, as_of),
            asked=asked, params=params, dimensions=dimensions, coverages=coverages,
        )  # fmt: skip
    return make_facts(row for metric in metrics for row in rows.get(metric.name, []))


def sql_of(
    tables: Mapping[str, ir.Table],
    metrics: Sequence[Metric],
    periods: Sequence[Period],
    *,
    calendar: Calendar,
    as_of: dt.date,
    params: Product,
    dimension: str = "",
) -> dict[str, str]:
    """Return the SQL that ``metric_table`` runs for the same arguments.

    Returns:
        Name of the query (``orders``, ``events by user`` ...) to its text in the dialect of the
        engine that holds the table. In-memory tables, among them the days of the periods, are
        called ``memory_1`` and so on, so that equal calls give equal text.
    """
    span = Span(tuple(dict.fromkeys(periods)), calendar, as_of)
    dimensions = [dimension] if dimension else []
    tables = tables_by(tables, dimensions, params=params)
    queries = []
    for group in query_groups(metrics) if span.periods else []:
        fitting = _fitting(group, tables, params=params)
        known = _known_dimensions(group, tables, dimensions)
        if fitting and len(known) == len(dimensions):
            table = tables[group[0].table]
            queries.append(metric_query(table, fitting, span, params=params, dimensions=known))
    return {query.name: readable_sql(query.expression) for query in queries}


def check_metrics(
    tables: Mapping[str, ir.Table],
    metrics: Sequence[Metric],
    *,
    calendar: Calendar,
    params: Product,
) -> None:
    """Raise unless every metric fits the table that it reads; runs no query.

    Raises:
        ParamsError: The message lists all that do not.
    """
    day = calendar.period_of(dt.date(2000, 1, 1), "day")
    span = Span((day,), calendar, day.start)
    mistakes = []
    for metric in metrics:
        if metric.numerator is None or metric.inputs or absence(metric, tables, params=params):
            continue
        try:
            metric_query(tables[metric.table], [metric], span, params=params)
        except ParamsError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ParamsError("\n".join(mistakes))


def composite_table(
    facts: pd.DataFrame,
    metrics: Sequence[Metric],
    *,
    params: Product,
    as_of: dt.date | None = None,
) -> pd.DataFrame:
    """Return the facts of metrics composed of others, from the facts of the same period.

    An input with several metrics to fill it takes the first that has a value anywhere in
    ``facts``, so that all periods are made of the same. A composite may be made of composites.

    Args:
        facts: Facts of the inputs, of any periods and segments.
        metrics: Composite metrics.
        params: The product, for its gross margin.
        as_of: Last complete day; the months of an unfinished period end with it.

    Returns:
        Facts, one row per metric and per period and segment that occurs in ``facts``; missing, with
        the reason, where an input is or the denominator is zero.

    References:
        ChartMogul, "Customer lifetime value" and "CAC payback": revenue per account over churn.
    """
    rows = {_key(row): row for row in fact_rows(facts)}
    places = list(dict.fromkeys(place[1:] for place in rows))
    made: dict[str, list[dict[str, Any]]] = {}
    for metric in sorted(metrics, key=lambda metric: _depth(metric, metrics)):
        valued = {row["metric"] for row in rows.values() if math.isfinite(row["value"])}
        chosen = {
            role: next((name for name in names if name in valued), names[0])
            for role, names in metric.inputs.items()
        }
        composed = [
            _composed(metric, chosen, place, rows, params=params, as_of=as_of) for place in places
        ]
        rows |= {_key(row): row for row in composed}
        made[metric.name] = composed
    return make_facts(row for metric in metrics for row in made[metric.name])


def _key(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("metric", *_PLACE))


def _depth(metric: Metric, metrics: Sequence[Metric]) -> int:
    """Return how many composites stand below a composite, at most."""
    names = {name for group in metric.inputs.values() for name in group}
    below = [_depth(other, metrics) for other in metrics if other.name in names]
    return 1 + max(below, default=0)


def _composed(
    metric: Metric,
    chosen: Mapping[str, str],
    place: tuple[Any, ...],
    rows: Mapping[tuple[Any, ...], Mapping[Any, Any]],
    *,
    params: Product,
    as_of: dt.date | None,
) -> dict[str, Any]:
    """Return the fact of one composite metric at one place (segment and period)."""
    row = {"metric": metric.name, **dict(zip(_PLACE, place, strict=True)), "value": math.nan}
    inputs = {role: rows.get((name, *place)) for role, name in chosen.items()}
    for role, given in inputs.items():
        if given is None or not math.isfinite(given["value"]):
            words = chosen[role].replace("_", " ")
            reason = given["reason"] if given is not None else "not computed"
            return {**row, "reason": f"{words}: {reason}"}
    given = {role: found for role, found in inputs.items() if found is not None}
    values = SimpleNamespace(
        **{role: found["value"] for role, found in given.items()},
        n={role: found["n"] for role, found in given.items()},
        gross_margin=params.economics.gross_margin,
        months=_months(row["start"], row["end"], as_of),
    )
    above, below, n = (
        rule(values) if (rule := getattr(metric, part)) is not None else None for part in PARTS
    )
    row |= {
        "numerator": above,
        "denominator": below,
        "n": min(values.n.values()) if n is None else n,
        "complete": all(found["complete"] for found in given.values()),
    }
    if below == 0:
        return {**row, "reason": "its denominator is 0"}
    return {**row, "value": above if below is None else above / below}


def _months(start: dt.date, end: dt.date, as_of: dt.date | None) -> float:
    """Return the length of [start, end) in months, whole where it is of whole calendar months."""
    if as_of is not None:
        end = max(start + _ONE_DAY, min(end, as_of + _ONE_DAY))
    if start.day == end.day == 1:
        return 12 * (end.year - start.year) + end.month - start.month
    return (end - start).days / _DAYS_PER_MONTH


def _fitting(
    group: Sequence[Metric], tables: Mapping[str, ir.Table], *, params: Product
) -> list[Metric]:
    return [item for item in group if not absence(item, tables, params=params)]


def _known_dimensions(
    group: Sequence[Metric], tables: Mapping[str, ir.Table], dimensions: Sequence[str]
) -> list[str]:
    """Return the dimensions by which the table of a group has a column."""
    table = tables.get(group[0].table)
    return [name for name in dimensions if table is not None and name in table.columns]


def _group_facts(
    tables: Mapping[str, ir.Table],
    group: Sequence[Metric],
    span: Span,
    *,
    asked: Mapping[str, Sequence[Period]],
    params: Product,
    dimensions: Sequence[str],
    coverages: Coverages,
) -> dict[str, list[dict[str, Any]]]:
    """Return the facts of metrics that one query serves, by metric."""
    name = group[0].table
    known = _known_dimensions(group, tables, dimensions)
    if dimensions and not known:
        return {}
    covered = coverages.of(tables[name], name) if name in tables else None
    fitting = _fitting(group, tables, params=params)
    rows: dict[str, list[dict[str, Any]]] = {}
    if covered and fitting:
        reading = replace(span, covered=covered.days)
        query = metric_query(tables[name], fitting, reading, params=params, dimensions=known)
        found = _run(query, span)
        names = known or [""]
        places = sorted({place for _, place, _ in found}) if known else [_TOTAL]
        numbers = {period: index for index, period in enumerate(span.periods)}
        for item in fitting:
            if item.name in query.of_users and not covered.named:
                rows[item.name] = [] if known else _missing(item, asked, span, _NO_USERS)
                continue
            total, rate = item.name in query.totals, item.name in query.rates
            valued = Valued(item, span, covered.days, total, rate)
            wanted = [numbers[period] for period in dict.fromkeys(asked[item.name])]
            rows[item.name] = [
                valued.fact(index, names[place[0]], place[1], found.get((item.name, place, index)))
                for place in places
                for index in wanted
            ]
    if not dimensions:
        for item in group:
            reason = absence(item, tables, params=params) or f"table '{name}' has no row"
            rows.setdefault(item.name, _missing(item, asked, span, reason))
    return rows


def _missing(
    metric: Metric, asked: Mapping[str, Sequence[Period]], span: Span, reason: str
) -> list[dict[str, Any]]:
    return [
        fact(metric.name, period, as_of=span.as_of, complete=False, reason=reason)
        for period in dict.fromkeys(asked[metric.name])
    ]


def _run(query: Query, span: Span) -> Found:
    """Run a query and return the parts of each metric, segment and period that occur."""
    table = fetch(query.expression)
    if query.metrics[0].per == "day":
        return dict(_day_parts(query, table, span))
    return {
        (metric.name, _place_of(row), row[PERIOD]): {
            part: row.get(query.columns.get((metric.name, part), "")) for part in PARTS
        }
        for row in table.to_pylist()
        for metric in query.metrics
    }


def _place_of(row: Mapping[str, Any]) -> Place:
    return row.get(DIMENSION, 0), row.get(SEGMENT, "")


def _day_parts(
    query: Query, table: pa.Table, span: Span
) -> Iterator[tuple[tuple[str, Place, int], Parts]]:
    for place, days in daily_actives(table, last=span.end - _ONE_DAY).items():
        for metric in query.metrics:
            for index, parts in enumerate(parts_of_days(metric, days, span.periods)):
                yield (metric.name, place, index), parts


def _feature_table(
    tables: Mapping[str, ir.Table],
    metrics: Sequence[Metric],
    asked: Mapping[str, Sequence[Period]],
    *,
    calendar: Calendar,
    as_of: dt.date,
    params: Product,
    coverages: Coverages,
) -> pd.DataFrame:
    """Return the adoption of each declared feature; other metrics know no features."""
    each = {
        one: asked[metric.name] for metric in metrics for one in feature_metrics(metric, params)
    }
    facts = metric_table(
        tables, list(each), {one.name: periods for one, periods in each.items()},
        calendar=calendar, as_of=as_of, params=params, coverages=coverages,
    )  # fmt: skip
    return facts_by_feature(facts, params)
