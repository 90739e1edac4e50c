"""Segments of a metric: ranking, shares and the rest, from its facts."""

import math

import pandas as pd

from kpikit.catalogue import Metric
from kpikit.catalogue.relations import MISSING_SEGMENT
from kpikit.periods import Period

OTHER = "other"
UNKNOWN = "unknown"
LEAST_N = 30  # a rate or mean of fewer units is withheld


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
    own = facts[(facts["metric"] == metric.name) & (facts["dimension"] != "")]
    now = _of(own, period)
    silent = (now["value"] == 0) & (now["n"] == 0)  # seen in the table, not in the metric
    now = now[now["value"].notna() & ~silent]
    amount, summed = metric.unit in ("money", "count"), float(now["value"].sum())
    adds_up = amount and math.isclose(summed, total, rel_tol=1e-9, abs_tol=0.005)
    before = _of(own, year_before).set_index("segment")
    if metric.definition_gap(year_before, period):
        before = before.head(0)
    before = before[before["complete"].astype(bool)]
    if not adds_up and metric.unit != "count":
        now, before = _withheld(now), _withheld(before)
    table = now.assign(previous=now["segment"].map(before["value"])).loc[
        :, ["segment", "value", "n", "previous", "ci_low", "ci_high", "reason"]
    ]
    shown, left_out = _summed(table, before["value"], most) if adds_up else _largest(table, most)
    shares = shown["value"] / total if adds_up and total > 0 else math.nan
    shown = shown.assign(share=shares).reset_index(drop=True)
    shown["segment"] = shown["segment"].replace(MISSING_SEGMENT, UNKNOWN)
    shown.attrs["left_out"] = left_out
    shown.attrs["overlap"] = metric.unit == "count" and not adds_up and summed > total
    return shown


def _withheld(facts: pd.DataFrame) -> pd.DataFrame:
    """Return facts without the values that rest on too few units."""
    few = facts["n"] < LEAST_N
    blank = dict.fromkeys(("value", "ci_low", "ci_high"), math.nan)
    reasons = [f"n = {n:.0f}, fewer than {LEAST_N}" for n in facts.loc[few, "n"]]
    cleared = facts.loc[few].assign(**blank, reason=reasons)
    return pd.concat([facts[~few], cleared]).sort_index()


def _of(facts: pd.DataFrame, period: Period) -> pd.DataFrame:
    return facts[(facts["start"] == period.start) & (facts["end"] == period.end)]


def _summed(table: pd.DataFrame, before: pd.Series, most: int) -> tuple[pd.DataFrame, int]:
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
        "reason": "",
    }
    return pd.concat([kept, pd.DataFrame([other])]), 0


def _largest(table: pd.DataFrame, most: int) -> tuple[pd.DataFrame, int]:
    chosen = table.sort_values(["n", "segment"], ascending=[False, True]).head(most)
    ranked = chosen.sort_values(["value", "segment"], ascending=[False, True])
    return ranked, len(table) - len(chosen)
