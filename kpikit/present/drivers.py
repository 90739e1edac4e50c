"""Why a KPI moved, as tables and sentences: factors, mix against rate, the segments that stand out.

Every number of a sentence is one of the frame that stands below it. Nothing here says "because":
contributions are arithmetic, and the words claim no more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kpikit.formats import (
    Unit,
    format_chance,
    format_delta,
    format_share,
    format_value,
    is_missing,
    plural,
)
from kpikit.params.base import Direction
from kpikit.present.components import Cell, Column, Table, Tone
from kpikit.present.frames import Row, in_words, records
from kpikit.present.sentences import mid_sentence

_REST = "all others"
_INDENT = "\u2003"  # an em space per level of the tree


def driver_title(tree: pd.DataFrame, *, unit: Unit, currency: str = "", base: str) -> str:
    """Return the message of a driver tree.

    ``Net revenue −£13.8 k on 2026Q3: gross revenue −£10.0 k, refunds −£3.8 k``

    Args:
        tree: ``driver_table`` with ``label``, the root first.
        unit: What the root counts.
        currency: ISO code, for money.
        base: What the change is counted from.
    """
    root, *nodes = records(tree)
    factors = [row for row in nodes if row["level"] == 1 and not row["is_residue"]]
    first = sorted(factors, key=lambda row: -abs(float(row["effect"])))
    parts = [
        f"{mid_sentence(row['label'])} {format_delta(row['effect'], unit, currency=currency)}"
        for row in first
    ]
    change = format_delta(root["effect"], unit, currency=currency)
    return f"{root['label']} {change} on {base}: {', '.join(parts)}"


def driver_tree_table(
    tree: pd.DataFrame,
    *,
    unit: Unit,
    currency: str = "",
    direction: Direction,
    periods: tuple[str, str],
    subtitle: str = "",
    notes: Sequence[str] = (),
) -> Table:
    """Return a driver tree: a row per factor, indented below what it is a factor of.

    Args:
        tree: ``driver_table`` with ``label`` and ``unit`` (of the factor's own values).
        unit: What the root, and so every effect, counts.
        currency: ISO code, for money.
        direction: Which way of the root is good.
        periods: Names of the earlier and the later period.
        subtitle: What, unit and period.
        notes: Remarks below.
    """
    columns = (
        Column("factor", "Factor", width=2.6),
        Column("before", periods[0], "number", width=1.3),
        Column("after", periods[1], "number", width=1.3, emphasis=True),
        Column("effect", "Effect", "number", width=1.3),
        Column("share", "Of the change", "number", width=1.2),
    )
    rows: list[dict[str, str | Cell]] = [
        {
            "factor": _INDENT * int(row["level"]) + str(row["label"]),
            "before": format_value(row["before"], row["unit"], currency=currency, short=True),
            "after": format_value(row["after"], row["unit"], currency=currency, short=True),
            "effect": _effect(row["effect"], unit, currency, direction),
            "share": format_share(row["share"], digits=0 if abs(row["share"]) >= 0.1 else None),
        }
        for row in records(tree)
    ]
    return Table(columns, tuple(rows), "Contributions", subtitle, tuple(notes))


def mix_title(mix: pd.DataFrame, *, label: str, base: str) -> str:
    """Return the message of mix against rate.

    ``Conversion −0.40 pt on 2026Q3: rates −0.30 pt, mix −0.10 pt``

    Args:
        mix: ``mix_rate_table``.
        label: Name of the rate.
        base: What the change is counted from.
    """
    total, rate, by_mix = (mix[name].sum() for name in ("effect", "rate_effect", "mix_effect"))
    return (
        f"{label} {format_delta(total, 'share')} on {base}: rates "
        f"{format_delta(rate, 'share')}, mix {format_delta(by_mix, 'share')}"
    )


def mix_table(
    mix: pd.DataFrame,
    *,
    direction: Direction,
    title: str,
    subtitle: str,
    dimension: str,
    most: int = 4,
) -> Table:
    """Return mix and rate effects per segment, the greatest effects first, and their sums.

    Args:
        mix: ``mix_rate_table`` with the segment in ``segment``.
        direction: Which way of the rate is good.
        title: The message.
        subtitle: What, unit and period.
        dimension: Name of the dimension, the heading of the first column.
        most: Most segments shown; what the others add is one row.
    """
    columns = (
        Column("segment", dimension, width=1.8),
        Column("share", "Share", "number", width=1.9),
        Column("rate", "Rate", "number", width=1.9),
        Column("rate_effect", "By rate", "number", width=1.0),
        Column("mix_effect", "By mix", "number", width=1.0),
        Column("effect", "Effect", "number", width=1.0, emphasis=True),
    )
    ranked = mix.assign(size=mix["effect"].abs()).sort_values("size", ascending=False)
    rows = [
        {
            "segment": _segment_name(row),
            "share": _from_to(row["share_before"], row["share_after"]),
            "rate": _from_to(row["rate_before"], row["rate_after"]),
            **_effects(row, direction),
        }
        for row in records(ranked.head(most))
    ]
    rest = ranked.iloc[most:]
    for name, part in ((_REST, rest), ("sum", mix)):
        if len(part):
            sums = {n: part[n].sum() for n in ("rate_effect", "mix_effect", "effect")}
            rows.append({"segment": name, "share": "", "rate": "", **_effects(sums, direction)})
    return Table(columns, tuple(rows), title, subtitle)


def search_title(search: pd.DataFrame, *, label: str, base: str) -> str:
    """Return the message of a search for segments: how many of how many stand out.

    Args:
        search: ``segment_search``; its ``attrs`` hold ``searched``.
        label: Name of the KPI.
        base: What the change is counted from.
    """
    searched = int(search.attrs["searched"])
    named = search[search["named"].eq(True)]
    if not searched:
        return (
            f"{label} on {base}, by segment: too little history to tell what stands out "
            f"({plural(len(search), 'segment')})"
        )
    verb = "stands" if len(named) < 2 else "stand"
    of = f"{len(named) or 'None'} of {plural(searched, 'segment')} searched {verb} out"
    return f"{of}: {mid_sentence(label)} on {base}"


def search_table(
    search: pd.DataFrame,
    *,
    unit: Unit,
    currency: str = "",
    direction: Direction,
    title: str,
    subtitle: str,
    notes: Sequence[str] = (),
    most: int = 4,
) -> Table:
    """Return the segments that stand out, then those with the greatest effects.

    Args:
        search: ``segment_search``.
        unit: What the KPI counts.
        currency: ISO code, for money.
        direction: Which way is good.
        title: The message.
        subtitle: What, unit and period.
        notes: Remarks below.
        most: Most rows.
    """
    columns: tuple[Column, ...] = (
        Column("segment", "Segment", width=3.0),
        Column("before", "Before", "number", width=1.1),
        Column("after", "Now", "number", width=1.1),
        Column("effect", "Effect", "number", width=1.2, emphasis=True),
        Column("excess", "Excess", "number", width=1.1),
        Column("p", "P", "number", width=0.9),
        Column("named", "Verdict", width=1.3),
    )
    if not search.attrs["searched"]:
        columns = columns[:-2]
    ranked = search.assign(size=search["effect"].abs(), first=search["named"].eq(True))
    ranked = ranked.sort_values(["first", "size"], ascending=False).head(most)
    rows: list[dict[str, str | Cell]] = [
        {
            "segment": f"{in_words(row['dimension'])}: {in_words(row['segment'])}",
            "before": format_value(row["before"], unit, currency=currency, short=True),
            "after": format_value(row["after"], unit, currency=currency, short=True),
            "effect": _effect(row["effect"], unit, currency, direction),
            "excess": format_delta(row["excess"], unit, currency=currency),
            "p": format_chance(row["p_adjusted"]),
            "named": _verdict(row, search.attrs),
        }
        for row in records(ranked)
    ]
    return Table(columns, tuple(rows), title, subtitle, tuple(notes))


def _verdict(row: Row, found: Mapping[Any, Any]) -> str:
    """Return how a segment's part in the change compares with its own past, by its adjusted P."""
    if is_missing(row["p_adjusted"]):
        return "not tested"
    if row["first"]:
        return "stands out"
    if row["p_adjusted"] >= found["alpha"]:
        return "as usual"
    return "below its share" if row["excess"] * found["change"] < 0 else "more, but little"


def _effect(value: float, unit: Unit, currency: str, direction: Direction) -> Cell:
    good = (value > 0) == (direction == "up")
    tone: Tone = "neutral" if is_missing(value) or not value else "good" if good else "bad"
    return Cell(format_delta(value, unit, currency=currency), tone)


def _effects(row: Row, direction: Direction) -> dict[str, str | Cell]:
    return {
        "rate_effect": format_delta(row["rate_effect"], "share"),
        "mix_effect": format_delta(row["mix_effect"], "share"),
        "effect": _effect(row["effect"], "share", "", direction),
    }


def _segment_name(row: Row) -> str:
    name = in_words(str(row["segment"]))
    return name if row["status"] == "kept" else f"{name} ({row['status']})"


def _from_to(before: float, after: float) -> str:
    return f"{format_share(before)} → {format_share(after)}"
