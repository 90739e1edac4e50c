"""From who begins and ceases to count on each day to daily actives, and their sums over periods."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpikit.catalogue.metric import Metric
from kpikit.catalogue.queries import PARTS
from kpikit.catalogue.relations import DAY, SEGMENT, WINDOWS
from kpikit.catalogue.values import Parts
from kpikit.periods import Period

_ONE_DAY = dt.timedelta(days=1)


def daily_actives(counts: Iterable[Mapping[Any, Any]], *, last: dt.date) -> pd.DataFrame:
    """Return each day's active users from the rows of ``daily_counts``.

    Returns:
        One row per segment and day from the first day with an event to ``last``, sorted:
        ``kpikit_segment`` (empty for the total), ``kpikit_day``, ``dau``, ``wau``, ``mau`` (users).
        WAU and MAU are NaN on days whose window begins before the first day of all.
    """
    rows = [(row.get(SEGMENT, ""), row["kind"], row[DAY], row["users"]) for row in counts]
    first = min((day for _, _, day, _ in rows), default=last + _ONE_DAY)
    days = [first + step * _ONE_DAY for step in range((last - first).days + 1)]
    flows = {
        segment: {kind: np.zeros(len(days)) for kind in ("begin", *WINDOWS)}
        for segment in sorted({segment for segment, *_ in rows})
    }
    for segment, kind, day, users in rows:
        if day <= last:
            flows[segment][kind][(day - first).days] += users
    parts = [pd.DataFrame({SEGMENT: [], DAY: [], "dau": [], **{kind: [] for kind in WINDOWS}})]
    for segment, flow in flows.items():
        part = {SEGMENT: segment, DAY: days, "dau": flow["begin"]}
        for kind, length in WINDOWS.items():
            counting = (flow["begin"] - flow[kind]).cumsum()
            counting[: length - 1] = np.nan
            part[kind] = counting
        parts.append(pd.DataFrame(part))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def parts_of_days(metric: Metric, days: pd.DataFrame, periods: Sequence[Period]) -> list[Parts]:
    """Return what the expressions of a metric per day give in each period.

    Args:
        metric: The metric; an amount per day is summed up over a period's days, what is NaN as
            nothing.
        days: The rows of ``daily_actives`` of one segment.
        periods: The periods.
    """
    first = days[DAY].iloc[0]  # no day is missing after it, so places follow from dates
    places = [
        (max((period.start - first).days, 0), max((period.end - first).days, 0))
        for period in periods
    ]
    rules = {part: getattr(metric, part) for part in PARTS}
    sums = {part: _over(rule, days, places) for part, rule in rules.items() if rule is not None}
    sums.setdefault("n", sums.get("denominator", [None] * len(places)))
    return [dict(zip(sums, values, strict=True)) for values in zip(*sums.values(), strict=True)]


def _over(
    rule: Callable[[pd.DataFrame], Any], days: pd.DataFrame, places: Sequence[tuple[int, int]]
) -> list[Any]:
    amounts = rule(days)
    if not isinstance(amounts, pd.Series):
        return [rule(days.iloc[start:end]) for start, end in places]
    known = np.nan_to_num(amounts.to_numpy(dtype=float))
    return [known[start:end].sum() for start, end in places]
