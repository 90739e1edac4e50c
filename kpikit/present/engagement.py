"""Engagement in tables and sentences: how many users come, how often, and what they use.

What is said of a feature's users is an association; no word here claims that it is an effect.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from kpikit.formats import (
    MISSING,
    format_delta,
    format_delta_rel,
    format_interval,
    format_share,
    format_value,
    is_missing,
)
from kpikit.present.components import Cell, Column, Table, Tone
from kpikit.present.frames import Row, records
from kpikit.present.sentences import mid_sentence

_VERDICTS: Mapping[str, tuple[str, Tone]] = {
    "winner": ("winner", "good"),
    "underperformer": ("underperformer", "bad"),
    "mixed": ("mixed", "warning"),
    "unclear": ("unclear", "neutral"),
}


def usage_table(frame: pd.DataFrame, *, bases: tuple[str, str], title: str, subtitle: str) -> Table:
    """Return how many users came, beside the period and the year before, as far as known.

    Args:
        frame: One row per KPI: ``label``, ``unit``, ``actual``, ``previous``, ``year_before``.
        bases: Names of the period before and of that of the year before.
        title: The message.
        subtitle: What and when.
    """
    columns = (
        Column("kpi", "KPI", width=2.0),
        Column("actual", "Actual", "number", emphasis=True),
        Column("previous", bases[0], "number"),
        Column("delta_previous", "Δ", "number"),
        Column("year_before", bases[1], "number"),
        Column("delta_year", "Δ", "number"),
    )
    rows: list[dict[str, str | Cell]] = [
        {
            "kpi": str(row["label"]),
            **{key: _value(row, key) for key in ("actual", "previous", "year_before")},
            "delta_previous": _delta(row, "previous"),
            "delta_year": _delta(row, "year_before"),
        }
        for row in records(frame)
    ]
    deltas = {"previous": "delta_previous", "year_before": "delta_year"}
    unknown = [one for pair in deltas.items() if frame[pair[0]].isna().all() for one in pair]
    shown = tuple(column for column in columns if column.key not in unknown)
    return Table(shown, tuple(rows), title, subtitle)


def usage_title(frame: pd.DataFrame, *, base: str) -> str:
    """Return the message of the usage table: ``Monthly active users 951, +8.0 % on 2026Q2``.

    Args:
        frame: As for ``usage_table``, the leading KPI first.
        base: Name of the period before.
    """
    known = [row for row in records(frame) if not is_missing(row["actual"])]
    parts = []
    for row in known[:2]:
        text = f"{row['label']} {_value(row, 'actual')}"
        delta = _delta_text(row, "previous")
        parts.append(text if delta == MISSING else f"{text}, {delta} on {base}")
    return "; ".join([parts[0], *map(mid_sentence, parts[1:])])


def adoption_title(features: pd.DataFrame) -> str:
    """Return the message of adoption: ``Sharing is used by most, 61.0 %; Comments by fewest, 8 %``.

    Args:
        features: One row per ``feature``: ``value``.
    """
    known = features.dropna(subset=["value"]).sort_values("value", ascending=False)
    if known.empty:
        return "No feature has a share of active users"
    first, last = (known.iloc[place] for place in (0, -1))
    text = f"{first['feature']} is used by {format_share(first['value'])} of active users"
    if len(known) == 1:
        return text
    return f"{text}, {last['feature']} by {format_share(last['value'])}"


def return_title(features: pd.DataFrame) -> str:
    """Return the message of returns: which feature's users are furthest ahead of the others.

    ``Furthest ahead: users of Levels, 81.6 % against 64.6 %``

    Args:
        features: ``feature_return_table``.
    """
    known = features.dropna(subset=["difference"])
    if known.empty:
        return "No feature has 30 users and 30 others to compare"
    more = known[known["ci_low"] > 0].sort_values("difference", ascending=False)
    if more.empty:
        return "Of no feature did the users come back more often than the others beyond chance"
    best = more.iloc[0]
    with_it, without = (format_share(best[name]) for name in ("adopter_rate", "other_rate"))
    return f"Furthest ahead: users of {best['feature']}, {with_it} against {without}"


def features_table(features: pd.DataFrame, *, subtitle: str) -> Table:
    """Return each feature's adoption, its change, the difference in return, and the verdict.

    Args:
        features: ``feature_verdicts``.
        subtitle: What and when.
    """
    columns = (
        Column("feature", "Feature", width=1.7),
        Column("value", "Adoption", "number"),
        Column("change", "Change", "number", width=2.0),
        Column("difference", "Came back more", "number", width=2.2),
        Column("verdict", "Verdict", width=1.5),
    )
    rows: list[dict[str, str | Cell]] = [
        {
            "feature": str(row["feature"]),
            "value": format_share(row["value"]),
            "change": _with_interval(row, "change", "change_low", "change_high"),
            "difference": _with_interval(row, "difference", "ci_low", "ci_high"),
            "verdict": Cell(*_VERDICTS[row["verdict"]]),
        }
        for row in records(features)
    ]
    return Table(columns, tuple(rows), verdicts_title(features), subtitle)


def verdicts_title(features: pd.DataFrame) -> str:
    """Return which features won and which lag: ``Winners: Sharing; underperformers: Comments``."""
    parts = []
    for verdict, noun in (("winner", "winners"), ("underperformer", "underperformers")):
        names = list(features.loc[features["verdict"] == verdict, "feature"])
        parts.append(f"{noun}: {', '.join(names) if names else 'none'}")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


def _value(row: Row, key: str) -> str:
    return format_value(row[key], row["unit"], short=True)


def _delta_text(row: Row, key: str) -> str:
    """Return a change: points of a share, else per cent, or the amount where the base has none."""
    actual, base = row["actual"], row[key]
    if is_missing(actual) or is_missing(base):
        return MISSING
    if row["unit"] == "share" or base <= 0:
        return format_delta(actual - base, row["unit"])
    return format_delta_rel(actual / base - 1)


def _delta(row: Row, key: str) -> Cell:
    text = _delta_text(row, key)
    change = 0.0 if text == MISSING else row["actual"] - row[key]
    return Cell(text, "good" if change > 0 else "bad" if change < 0 else "neutral")


def _with_interval(row: Mapping[str, Any], value: str, low: str, high: str) -> str:
    if is_missing(row[value]):
        return MISSING
    text = format_delta(row[value], "share")
    if is_missing(row[low]):
        return text
    return f"{text} ({format_interval(row[low], row[high], 'share').replace(' %', ' pt')})"
