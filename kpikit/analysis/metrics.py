"""Values of metrics: one query per table, any periods, facts out.

Numerators and denominators are rolled up over the whole period in the engine and divided here, on
exact decimals. Nothing is averaged over averages.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpikit.catalogue import Metric, fact, make_facts
from kpikit.catalogue.queries import (
    PARTS,
    Query,
    absence,
    metric_query,
    query_groups,
    tables_by,
)
from kpikit.catalogue.relations import (
    DAY,
    PERIOD,
    SEGMENT,
    Coverages,
    Span,
    daily_actives,
)
from kpikit.catalogue.values import Parts, Valued
from kpikit.engine import readable_sql
from kpikit.errors import ParamsError
from kpikit.params.model import Product
from kpikit.periods import Calendar, Period

FEATURE = "feature"  # the dimension of feature_adoption_rate; no column holds it
_NO_USERS = "no row says whose it is"
_DAYS_PER_MONTH = 365.25 / 12
_ONE_DAY = dt.timedelta(days=1)
_PLACE = ("dimension", "segment", "grain", "period", "start", "end")

Found = dict[tuple[str, str, int], Parts]  # by name of the metric, segment, index of the period


def metric_table(
    tables: Mapping[str, ir.Table],
    metrics: Sequence[Metric],
    periods: Sequence[Period],
    *,
    calendar: Calendar,
    as_of: dt.date,
    params: Product,
    dimension: str = "",
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
        periods: Any periods, also overlapping or cut; equal ones count once.
        calendar: How the product cuts time.
        as_of: Last complete day; later rows do not count.
        params: The product: activation, conversion, features.
        dimension: Column to break values down by, or ``feature`` for feature adoption. Metrics
            whose table lacks it are left out. A user with several values counts in each.
        coverages: What the caller has found its tables to cover, and will; asked anew if None.

    Returns:
        Facts (``FACT_COLUMNS``): one row per metric, segment (sorted) and period, in the order
        asked for.

    Raises:
        AnalysisError: A metric belongs to another analysis.
        ParamsError: A metric's expression does not fit its table.
    """
    coverages = coverages or Coverages(calendar.timezone)
    if dimension == FEATURE:
        return _feature_table(
            tables, metrics, periods,
            calendar=calendar, as_of=as_of, params=params, coverages=coverages,
        )  # fmt: skip
    span = Span(tuple(dict.fromkeys(periods)), calendar, as_of)
    if not span.periods:
        return make_facts([])
    tables = tables_by(tables, dimension, params=params)
    rows: dict[str, list[dict[str, Any]]] = {}
    for group in query_groups(metrics):
        rows |= _group_facts(
            tables, group, span, params=params, dimension=dimension, coverages=coverages
        )
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
    tables = tables_by(tables, dimension, params=params)
    queries = [
        metric_query(tables[group[0].table], fitting, span, params=params, dimension=dimension)
        for group in query_groups(metrics)
        if span.periods
        and (
            fitting := [
                item
                for item in group
                if not absence(item, tables, params=params, dimension=dimension)
            ]
        )
    ]
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
    rows = {_place(row): row for row in facts.to_dict("records")}
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
        rows |= {_place(row): row for row in composed}
        made[metric.name] = composed
    return make_facts(row for metric in metrics for row in made[metric.name])


def _place(row: Mapping[Any, Any]) -> tuple[Any, ...]:
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
    group: Sequence[Metric], tables: Mapping[str, ir.Table], *, params: Product, dimension: str
) -> list[Metric]:
    return [item for item in group if not absence(item, tables, params=params, dimension=dimension)]


def _group_facts(
    tables: Mapping[str, ir.Table],
    group: Sequence[Metric],
    span: Span,
    *,
    params: Product,
    dimension: str,
    coverages: Coverages,
) -> dict[str, list[dict[str, Any]]]:
    """Return the facts of metrics that one query serves, by metric."""
    name = group[0].table
    covered = coverages.of(tables[name], name) if name in tables else None
    fitting = _fitting(group, tables, params=params, dimension=dimension)
    rows: dict[str, list[dict[str, Any]]] = {}
    if covered and fitting:
        reading = replace(span, covered=covered.days)
        query = metric_query(tables[name], fitting, reading, params=params, dimension=dimension)
        found = _run(query, span)
        segments = sorted({segment for _, segment, _ in found}) if dimension else [""]
        for item in fitting:
            if item.name in query.of_users and not covered.named:
                rows[item.name] = [] if dimension else _missing(item, span, _NO_USERS)
                continue
            total, rate = item.name in query.totals, item.name in query.rates
            valued = Valued(item, span, covered.days, dimension, total, rate)
            rows[item.name] = [
                valued.fact(index, segment, found.get((item.name, segment, index)))
                for segment in segments
                for index in range(len(span.periods))
            ]
    if not dimension:
        for item in group:
            reason = absence(item, tables, params=params) or f"table '{name}' has no row"
            rows.setdefault(item.name, _missing(item, span, reason))
    return rows


def _missing(metric: Metric, span: Span, reason: str) -> list[dict[str, Any]]:
    return [
        fact(metric.name, period, as_of=span.as_of, complete=False, reason=reason)
        for period in span.periods
    ]


def _run(query: Query, span: Span) -> Found:
    """Run a query and return the parts of each metric, segment and period that occur."""
    rows = query.expression.to_pyarrow().to_pylist()
    if query.metrics[0].per == "day":
        return dict(_day_parts(query, rows, span))
    return {
        (metric.name, row.get(SEGMENT, ""), row[PERIOD]): {
            part: row.get(query.columns.get((metric.name, part), "")) for part in PARTS
        }
        for row in rows
        for metric in query.metrics
    }


def _day_parts(
    query: Query, rows: list[dict[str, Any]], span: Span
) -> Iterator[tuple[tuple[str, str, int], Parts]]:
    frame = daily_actives(rows, last=span.end - _ONE_DAY)
    for segment, days in frame.groupby(SEGMENT):
        first = days[DAY].iloc[0]  # no day is missing after it, so places follow from dates
        places = [
            (max((period.start - first).days, 0), max((period.end - first).days, 0))
            for period in span.periods
        ]
        for metric in query.metrics:
            rules = {part: getattr(metric, part) for part in PARTS}
            sums = {part: _over_days(rule, days, places) for part, rule in rules.items() if rule}
            sums.setdefault("n", sums.get("denominator", []))
            for index in range(len(places)):
                parts = {part: values[index] if values else None for part, values in sums.items()}
                yield (metric.name, str(segment), index), parts


def _over_days(
    rule: Callable[[pd.DataFrame], Any], days: pd.DataFrame, places: Sequence[tuple[int, int]]
) -> list[Any]:
    """Return what a rule of days gives for each slice of them; amounts per day are summed up."""
    amounts = rule(days)
    if not isinstance(amounts, pd.Series):
        return [rule(days.iloc[start:end]) for start, end in places]
    known = np.nan_to_num(amounts.to_numpy(dtype=float))
    return [known[start:end].sum() for start, end in places]


def _feature_table(
    tables: Mapping[str, ir.Table],
    metrics: Sequence[Metric],
    periods: Sequence[Period],
    *,
    calendar: Calendar,
    as_of: dt.date,
    params: Product,
    coverages: Coverages,
) -> pd.DataFrame:
    """Return the adoption of each declared feature; other metrics know no features."""
    adoption = [metric for metric in metrics if metric.needs == "features"]
    each = [
        replace(metric, name=f"{metric.name}__{index}", numerator=_users_of(f"feature_{index}"))
        for metric in adoption
        for index in range(len(params.features))
    ]
    facts = metric_table(
        tables, each, periods,
        calendar=calendar, as_of=as_of, params=params, coverages=coverages,
    )  # fmt: skip
    names = list(params.features)
    parted = [name.rsplit("__", 1) for name in facts["metric"]]
    return facts.assign(
        metric=pd.Series([name for name, _ in parted], dtype="str"),
        dimension=FEATURE,
        segment=pd.Series([names[int(index)] for _, index in parted], dtype="str"),
    )


def _users_of(column: str) -> Callable[[Any], Any]:
    return lambda users: users.count(where=users.active & users[column])
