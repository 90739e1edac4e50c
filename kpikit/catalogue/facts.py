"""Facts: the one tidy shape in which every analysis hands over values of metrics."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kpikit.periods import Period

if TYPE_CHECKING:
    import pandas as pd

    from kpikit.catalogue.metric import Metric

FACT_COLUMNS: tuple[str, ...] = (
    "metric",
    "dimension",
    "segment",
    "grain",
    "period",
    "start",
    "end",
    "value",
    "n",
    "numerator",
    "denominator",
    "ci_low",
    "ci_high",
    "complete",
    "reason",
)
_TEXTS = ("metric", "dimension", "segment", "grain", "period", "reason")
_DAYS = ("start", "end")
_NUMBERS = ("value", "n", "numerator", "denominator", "ci_low", "ci_high")


def fact(
    metric: str,
    period: Period,
    *,
    as_of: dt.date,
    dimension: str = "",
    segment: str = "",
    **values: Any,
) -> dict[str, Any]:
    """Return one row of facts: a metric's value in a period.

    Args:
        metric: Name of the metric.
        period: The period; a cut one keeps its label and bears its own end.
        as_of: Last complete day of data: decides ``complete`` unless that is given.
        dimension: Column that the value is broken down by, empty for the total.
        segment: Value of that column, empty for the total.
        **values: Any of ``value``, ``n``, ``numerator``, ``denominator``, ``ci_low``, ``ci_high``,
            ``complete``, ``reason``.
    """
    return {
        "metric": metric,
        "dimension": dimension,
        "segment": segment,
        "grain": period.grain,
        "period": period.label,
        "start": period.start,
        "end": period.end,
        "complete": period.is_complete(as_of),
        **values,
    }


def withhold_few(facts: "pd.DataFrame", metrics: "Iterable[Metric]") -> "pd.DataFrame":
    """Return facts without the values that rest on too few units to be shown.

    Args:
        facts: In the shape of ``make_facts``.
        metrics: Their metrics; each says by ``least_n`` how few are too few.

    Returns:
        ``facts``; a value of fewer units is missing, with its interval, and ``reason`` says so.
    """
    least = {metric.name: metric for metric in metrics if metric.least_n}
    shown = facts.copy(deep=False)
    for name, metric in least.items():
        few = facts["metric"].eq(name) & facts["n"].lt(metric.least_n) & facts["value"].notna()
        if few.any():
            shown.loc[few, ["value", "ci_low", "ci_high"]] = math.nan
            words = f"fewer than {metric.least_n} {metric.n_of}"
            shown.loc[few, "reason"] = [f"{words}: {int(n)}" for n in facts["n"][few]]
    return shown


def make_facts(rows: Iterable[Mapping[str, Any]]) -> "pd.DataFrame":
    """Return rows of facts as a frame with exactly the columns ``FACT_COLUMNS``.

    Args:
        rows: Mappings from column to value; a number left out is NaN, a text is empty, ``complete``
            is false. Exact decimals become the nearest float here and nowhere earlier.

    Returns:
        One row per mapping, in the order given: texts, ``start`` and ``end`` as ``datetime.date``,
        numbers as float, ``complete`` as bool. Empty input gives an empty frame of the same types.

    Raises:
        ValueError: A mapping holds a column that facts do not have.
    """
    import numpy as np  # noqa: PLC0415 - naming metrics must not cost the import of pandas
    import pandas as pd  # noqa: PLC0415 - as above

    listed = list(rows)
    unknown = sorted(set[str]().union(*listed) - set(FACT_COLUMNS))
    if unknown:
        raise ValueError(f"Facts have no column {', '.join(unknown)}; known: {FACT_COLUMNS}.")
    columns: dict[str, Any] = {}
    for name in FACT_COLUMNS:
        values = [row.get(name) for row in listed]
        if name in _TEXTS:
            columns[name] = pd.array([value or "" for value in values], dtype="str")
        elif name in _DAYS:
            columns[name] = pd.Series(values, dtype="object")
        elif name in _NUMBERS:
            numbers = [math.nan if value is None else float(value) for value in values]
            columns[name] = np.array(numbers, dtype=float)
        else:
            columns[name] = np.array(values, dtype=bool)
    return pd.DataFrame(columns)


def fact_rows(facts: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows of facts, one mapping each: what ``make_facts`` makes a frame of."""
    columns = [facts[name].tolist() for name in FACT_COLUMNS]
    return [dict(zip(FACT_COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]
