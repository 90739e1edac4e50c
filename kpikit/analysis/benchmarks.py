"""Own values beside those of peers, with source, date and comparability."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pandas as pd

from kpikit.catalogue import Metric
from kpikit.params.model import Benchmark

Position = Literal["best_quarter", "better_half", "worse_half", "worst_quarter", "better", "worse",
                   "same", "unknown"]  # fmt: skip
STALE_DAYS = 730  # a benchmark older than two years is of another market


def benchmark_table(
    benchmarks: Iterable[Benchmark],
    facts: pd.DataFrame,
    metrics: Mapping[str, Metric],
    *,
    as_of: dt.date,
) -> pd.DataFrame:
    """Return each benchmark beside the product's own value.

    Args:
        benchmarks: The product's register; each names its source and date.
        facts: Facts of one period, among them those of the metrics; segments are left alone.
        metrics: Every metric by name, for its label, unit and direction.
        as_of: Last complete day.

    Returns:
        One row per benchmark, in their order: ``metric``, ``label``, ``unit``, ``direction``,
        ``own`` (NaN where missing, ``reason`` says why), ``peers`` with their quartiles ``low`` and
        ``high`` (NaN where not given), ``delta_abs`` (own - peers), ``position``: in which quarter
        of the peers the own value lies by the metric's direction, or ``better``, ``worse``,
        ``same`` where quartiles are missing; ``source``, ``date``, ``age_days``, ``is_stale``
        (older than two years), ``comparability`` (empty where not stated).
    """
    values = {row["metric"]: row for row in facts[facts["dimension"] == ""].to_dict("records")}
    rows = []
    for one in benchmarks:
        metric, fact = metrics[one.metric], values.get(one.metric, {})
        own = float(fact.get("value", math.nan))
        age = (as_of - one.date).days
        rows.append(
            {
                "metric": one.metric,
                "label": metric.label,
                "unit": metric.unit,
                "direction": metric.direction,
                "own": own,
                "reason": fact.get("reason", "no value of the period"),
                "peers": one.value,
                "low": math.nan if one.low is None else one.low,
                "high": math.nan if one.high is None else one.high,
                "delta_abs": own - one.value,
                "position": _position(own, one, metric),
                "source": one.source,
                "date": one.date,
                "age_days": age,
                "is_stale": age > STALE_DAYS,
                "comparability": one.comparability,
            }
        )
    columns = [
        "metric", "label", "unit", "direction", "own", "reason", "peers", "low", "high",
        "delta_abs", "position", "source", "date", "age_days", "is_stale", "comparability",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _position(own: float, benchmark: Benchmark, metric: Metric) -> Position:
    if math.isnan(own):
        return "unknown"
    sign = 1 if metric.direction == "up" else -1
    ends: list[Any] = [benchmark.low, benchmark.high]
    ahead = sign * (own - benchmark.value)
    if None in ends:
        return "better" if ahead > 0 else "worse" if ahead < 0 else "same"
    worst, best = sorted(sign * end for end in ends)
    if sign * own > best:
        return "best_quarter"
    if sign * own < worst:
        return "worst_quarter"
    return "better_half" if ahead >= 0 else "worse_half"
