"""Campaigns in a table and a sentence: lift, cost and return, each with how sure it is."""

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from kpikit.formats import (
    MISSING,
    Unit,
    format_delta,
    format_interval,
    format_money,
    format_share,
    format_span,
    format_value,
    is_missing,
)
from kpikit.present.components import Cell, Column, Table, Tone
from kpikit.present.frames import Row, records
from kpikit.present.sentences import mid_sentence

_EFFECTS = {"more": "more", "less": "less", "unclear": "unclear", "unknown": "not known"}
_OF_RATES = {"more": "a higher", "less": "a lower"}  # what does not add up is no more or less
_COLUMNS = (
    Column("campaign", "Campaign", width=2.2),
    Column("days", "Days", width=2.2),
    Column("metric", "KPI", width=1.4),
    Column("actual", "Came", "number"),
    Column("expected", "Foreseen", "number"),
    Column("lift", "Lift (95 %)", "number", width=2.1, emphasis=True),
    Column("effect", "Effect", width=1.0),
    Column("cost", "Cost", "number"),
    Column("cost_per_unit", "Per extra unit", "number", width=1.1),
    Column("roi", "ROI", "number", emphasis=True),
    Column("sensitivity", "ROI from – to", "number", width=1.6),
)


def campaigns_table(
    frame: pd.DataFrame, *, currency: str, title: str, subtitle: str, notes: Sequence[str]
) -> Table:
    """Return what came in each campaign's days, beside the forecast without it, cost and return.

    Args:
        frame: One row per campaign: ``campaign``, ``channel``, ``start``, ``end`` (both included),
            ``label``, ``unit`` and ``direction`` of its KPI, ``measure`` (how its weeks are put
            together: sum, mean or last), the columns of ``lift_table`` and ``roi_table``,
            ``cost_per_unit``, ``least_roi`` and ``greatest_roi`` of ``roi_sensitivity``.
        currency: ISO code.
        title: The message.
        subtitle: What, unit and period.
        notes: Remarks below.
    """
    rows = [_row(row, currency) for row in records(frame)]
    return Table(_COLUMNS, tuple(rows), title, subtitle, tuple(notes))


def lift_title(row: Row, *, currency: str) -> str:
    """Return the message of a campaign: ``Summer: +120 new users (+40 to +200) beyond forecast``.

    Args:
        row: A row as for ``campaigns_table``.
        currency: ISO code.
    """
    name = row["campaign"]
    if row["effect"] == "unknown":
        return f"{name}: the lift is not known ({row['remark']})"
    label = mid_sentence(row["label"])
    lift = lift_text(row, currency)
    if row["effect"] == "unclear":
        return f"{name}: no lift of {label} beyond chance, {lift}"
    words = row["effect"] if row["measure"] == "sum" else _OF_RATES[row["effect"]]
    return f"{name} came with {words} {label} than foreseen without it: {lift}"


def lift_text(row: Row, currency: str) -> str:
    """Return a lift with its interval, empty where it is unknown."""
    if is_missing(row["lift"]):
        return MISSING
    unit: Unit = row["unit"]
    if unit == "share":  # a change of one is in points, and so are its ends
        ends = (format_delta(row[name], unit) for name in ("lift_low", "lift_high"))
        interval = " to ".join(ends)
    else:
        interval = format_interval(row["lift_low"], row["lift_high"], unit, currency=currency)
    return f"{format_delta(row['lift'], unit, currency=currency)} ({interval})"


def _tone(row: Row) -> Tone:
    """Return whether an effect is welcome."""
    if row["effect"] not in ("more", "less"):
        return "neutral"
    return "good" if (row["effect"] == "more") == (row["direction"] == "up") else "bad"


def _row(row: Row, currency: str) -> dict[str, str | Cell]:
    unit: Unit = row["unit"] or "number"
    start, end = row["start"], row["end"]
    fault = bool(row["fault"])
    days = MISSING if fault else format_span(start, end + dt.timedelta(days=1))
    return {
        "campaign": Cell(str(row["campaign"]), note=str(row["channel"])),
        "days": days,
        "metric": str(row["label"]),
        "actual": format_value(row["actual"], unit, currency=currency, short=True),
        "expected": format_value(row["expected"], unit, currency=currency, short=True),
        "lift": lift_text(row, currency),
        "effect": Cell(_EFFECTS[row["effect"]], tone=_tone(row)),
        "cost": format_money(row["cost"], currency, short=True),
        "cost_per_unit": format_money(row["cost_per_unit"], currency),
        "roi": format_share(row["roi"], digits=0),
        "sensitivity": MISSING
        if is_missing(row["least_roi"])
        else f"{format_share(row['least_roi'], digits=0)} – "
        f"{format_share(row['greatest_roi'], digits=0)}",
    }
