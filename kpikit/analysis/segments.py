"""Segments of a metric: ranking, shares and the rest, from its facts."""

import math

import pandas as pd

from kpikit.catalogue import Metric
from kpikit.catalogue.relations import MISSING_SEGMENT
from kpikit.periods import Period

OTHER = "other"
UNKNOWN = "unknown"


def segment_table(
    facts: pd.DataFrame,
    metric: Metric,
    *,
    period: Period,
    year_before: Period,
    most: int = 8,
) -> pd.DataFrame:
    """Return the segments of a metric in a period, greatest first, each beside a year before.

    Only an additive metric has shares and a rest: its segments beyond the first ``most - 1`` are
    summed under ``other``, so that nothing vanishes. Of any other metric the ``most`` segments
    with the most units are shown, and the table says how many it leaves out.

    Args:
        facts: Facts of the metric by one dimension, of both periods.
        metric: The metric.
        period: The period of the report.
        year_before: The period that it is compared with, like for like.
        most: Most rows of the table (>= 2).

    Returns:
        One row per segment with a value: ``segment`` (a missing one is ``unknown``), ``value``,
        ``n``, ``share`` of the total (additive metrics with a total above zero, else NaN),
        ``previous`` (the value a year before, NaN where unknown), ``ci_low``, ``ci_high``. A
        segment of no unit and no amount is no row. ``attrs["left_out"]`` is the number of segments
        not shown.
    """
    own = facts[(facts["metric"] == metric.name) & (facts["dimension"] != "")]
    now = _of(own, period)
    before = _of(own, year_before).set_index("segment")["value"]
    table = now.assign(previous=now["segment"].map(before)).loc[
        :, ["segment", "value", "n", "previous", "ci_low", "ci_high"]
    ]
    silent = (table["value"] == 0) & (table["n"] == 0)  # seen in the table, not in the metric
    table = table[table["value"].notna() & ~silent]
    shown, left_out = _additive(table, before, most) if metric.additive else _largest(table, most)
    total = float(table["value"].sum()) if metric.additive else math.nan
    shares = shown["value"] / total if total > 0 else math.nan
    shown = shown.assign(share=shares).reset_index(drop=True)
    shown["segment"] = shown["segment"].replace(MISSING_SEGMENT, UNKNOWN)
    shown.attrs["left_out"] = left_out
    return shown


def _of(facts: pd.DataFrame, period: Period) -> pd.DataFrame:
    return facts[(facts["start"] == period.start) & (facts["end"] == period.end)]


def _additive(table: pd.DataFrame, before: pd.Series, most: int) -> tuple[pd.DataFrame, int]:
    ranked = table.sort_values(["value", "segment"], ascending=[False, True])
    if len(ranked) <= most:
        return ranked, 0
    kept, rest = ranked.head(most - 1), ranked.iloc[most - 1 :]
    # the rest a year before is all that was not in the segments now shown, vanished ones included
    previous = before.drop(kept["segment"], errors="ignore").sum(min_count=1)
    other = {
        "segment": OTHER,
        "value": rest["value"].sum(),
        "n": rest["n"].sum(min_count=1),
        "previous": previous,
        "ci_low": math.nan,
        "ci_high": math.nan,
    }
    return pd.concat([kept, pd.DataFrame([other])]), 0


def _largest(table: pd.DataFrame, most: int) -> tuple[pd.DataFrame, int]:
    chosen = table.sort_values(["n", "segment"], ascending=[False, True]).head(most)
    ranked = chosen.sort_values(["value", "segment"], ascending=[False, True])
    return ranked, len(table) - len(chosen)
