"""Segments of a metric: ranking, shares and the rest, from its facts."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpikit.catalogue import Metric
from kpikit.catalogue.relations import MISSING_SEGMENT
from kpikit.periods import Period

OTHER = "other"
UNKNOWN = "unknown"
LEAST_N = 30  # a rate or mean of fewer units is withheld

_READ = (
    "metric", "dimension", "start", "end", "segment", "value", "n", "ci_low", "ci_high", "reason",
    "complete",
)  # fmt: skip
_COLUMNS = ("segment", "value", "n", "previous", "ci_low", "ci_high", "reason")
_NUMBERS = ("value", "n", "previous", "ci_low", "ci_high")

Row = dict[str, Any]


def segment_table(
    facts: pd.DataFrame,
    metric: Metric,
    *,
    period: Period,
    year_before: Period,
    total: float = math.nan,
    most: int = 8,
) -> pd.DataFrame:
    """Return the segments of a metric in a period, greatest first, each beside a year before.

    Only where the segments' amounts add up to the total are there shares and a rest: the segments
    beyond the first ``most - 1`` are summed under ``other``, so that nothing vanishes. They do not
    where a user counts in several segments, say in two versions of an app. Then, as for a rate, the
    ``most`` segments with the most units are shown, and the table says how many it leaves out. A
    rate or a mean of fewer than 30 units is withheld.

    Args:
        facts: Facts of the metric by one dimension, of both periods.
        metric: The metric.
        period: The period of the report.
        year_before: The period that it is compared with, like for like.
        total: The metric's value over all segments; unknown, nothing adds up to it.
        most: Most rows of the table (>= 2).

    Returns:
        One row per segment with a value: ``segment`` (a missing one is ``unknown``), ``value``
        (NaN where withheld, ``reason`` says so), ``n``, ``share`` of a total above zero to which
        the segments add up, else NaN, ``previous`` (the value a year before, NaN where unknown,
        withheld, covered in part or of another definition), ``ci_low``, ``ci_high``. A segment of
        no unit and no amount is no row. ``attrs["left_out"]`` is the number of segments not shown,
        ``attrs["overlap"]`` whether units count in several segments.
    """
    now, before = _rows_of(facts, metric, (period, year_before))
    # one of neither unit nor amount is seen in the table, not in the metric
    known = [row for row in now if not math.isnan(row["value"]) and (row["value"] or row["n"])]
    amount, summed = metric.unit in ("money", "count"), _sum(known, "value", empty=0.0)
    adds_up = amount and math.isclose(summed, total, rel_tol=1e-9, abs_tol=0.005)
    comparable = not metric.definition_gap(year_before, period)
    before = [row for row in before if comparable and row["complete"]]
    if not adds_up and metric.unit != "count":
        known, before = _withheld(known), _withheld(before)
    values = {row["segment"]: row["value"] for row in before}
    rows = [{**row, "previous": values.get(row["segment"], math.nan)} for row in known]
    shown = _summed(rows, before, most) if adds_up else _largest(rows, most)
    columns: dict[str, Any] = {name: [row[name] for row in shown] for name in _COLUMNS}
    named = {MISSING_SEGMENT: UNKNOWN}
    columns["segment"] = [named.get(name, name) for name in columns["segment"]]
    columns |= {name: np.array(columns[name], dtype=float) for name in _NUMBERS}
    columns |= {name: pd.array(columns[name], dtype="str") for name in ("segment", "reason")}
    columns["share"] = columns["value"] / total if adds_up and total > 0 else math.nan
    table = pd.DataFrame(columns)
    table.attrs["left_out"] = 0 if adds_up else len(rows) - len(shown)
    table.attrs["overlap"] = metric.unit == "count" and not adds_up and summed > total
    return table


def _rows_of(facts: pd.DataFrame, metric: Metric, periods: Sequence[Period]) -> list[list[Row]]:
    """Return the facts of a metric's segments in each period."""
    found: dict[tuple[Any, Any], list[Row]] = {(one.start, one.end): [] for one in periods}
    for values in zip(*(facts[name].tolist() for name in _READ), strict=True):
        row = dict(zip(_READ, values, strict=True))
        place = (row["start"], row["end"])
        if row["metric"] == metric.name and row["dimension"] and place in found:
            found[place].append(row)
    return [found[one.start, one.end] for one in periods]


def _withheld(rows: list[Row]) -> list[Row]:
    """Return facts without the values that rest on too few units."""
    blank = dict.fromkeys(("value", "ci_low", "ci_high"), math.nan)
    return [
        {**row, **blank, "reason": f"n = {row['n']:.0f}, fewer than {LEAST_N}"}
        if row["n"] < LEAST_N
        else row
        for row in rows
    ]


def _summed(rows: list[Row], before: list[Row], most: int) -> list[Row]:
    ranked = sorted(rows, key=_greatest("value"))
    if len(ranked) <= most:
        return ranked
    kept, rest = ranked[: most - 1], ranked[most - 1 :]
    names = {row["segment"] for row in kept}
    other = {
        "segment": OTHER,
        "value": _sum(rest, "value"),
        "n": _sum(rest, "n"),
        # the rest a year before is all that was not in the segments now shown, vanished ones too
        "previous": _sum([row for row in before if row["segment"] not in names], "value"),
        "ci_low": math.nan,
        "ci_high": math.nan,
        "reason": "",
    }
    return [*kept, other]


def _largest(rows: list[Row], most: int) -> list[Row]:
    return sorted(sorted(rows, key=_greatest("n"))[:most], key=_greatest("value"))


def _greatest(name: str) -> Callable[[Row], tuple[bool, float, str]]:
    """Return what rows are sorted by so that the greatest go first, and the unknown last."""

    def place(row: Row) -> tuple[bool, float, str]:
        unknown = math.isnan(row[name])
        return unknown, 0.0 if unknown else -row[name], row["segment"]

    return place


def _sum(rows: list[Row], name: str, *, empty: float = math.nan) -> float:
    known = [row[name] for row in rows if not math.isnan(row[name])]
    return float(np.sum(known)) if known else empty
