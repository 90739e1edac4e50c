"""From who begins and ceases to count on each day to daily actives, and their sums over periods."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kpikit.catalogue.metric import Metric
from kpikit.catalogue.queries import PARTS
from kpikit.catalogue.relations import DAY, DIMENSION, SEGMENT
from kpikit.catalogue.users import UNTIL, WINDOWS
from kpikit.catalogue.values import Parts
from kpikit.intervals import Floats
from kpikit.periods import Period


def daily_actives(counts: pa.Table, *, last: dt.date) -> dict[tuple[int, str], pd.DataFrame]:
    """Return each day's active users from the rows of ``daily_counts``.

    Returns:
        For each dimension (0 for the total) and segment (empty for it), one row per day from the
        first day with an event of any to ``last``: ``kpikit_day``, ``dau``, ``wau``, ``mau``
        (users). WAU and MAU are NaN on days whose window begins before the first day of all.
    """
    if not len(counts):
        return {}
    began, until = (counts[name].to_numpy().astype("datetime64[D]") for name in (DAY, UNTIL))
    first = began.min()
    size = (np.datetime64(last) - first).astype(int) + 1
    days = (first + np.arange(size)).tolist()
    start, end = ((each - first).astype(int) for each in (began, until))
    users = counts["users"].to_numpy()
    found = {}
    for place, own in _rows_by_place(counts).items():
        actives = {DAY: days, "dau": _summed(start[own], users[own], size)}
        for kind, length in WINDOWS.items():
            over = np.minimum(end, start + length)
            counting = (actives["dau"] - _summed(over[own], users[own], size)).cumsum()
            counting[: length - 1] = np.nan
            actives[kind] = counting
        found[place] = pd.DataFrame(actives)
    return found


def _rows_by_place(counts: pa.Table) -> dict[tuple[int, str], list[int]]:
    """Return the numbers of the rows of each dimension and segment."""
    if DIMENSION not in counts.column_names:
        return {(0, ""): [*range(len(counts))]}
    places: dict[tuple[int, str], list[int]] = {}
    keys = zip(counts[DIMENSION].to_pylist(), counts[SEGMENT].to_pylist(), strict=True)
    for row, place in enumerate(keys):
        places.setdefault(place, []).append(row)
    return places


def _summed(places: np.ndarray, users: np.ndarray, size: int) -> Floats:
    """Return the users of each of the first ``size`` places."""
    return np.bincount(places, weights=users, minlength=size)[:size].astype(float)


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
