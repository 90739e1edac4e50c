"""Horizontal bars: segments by rank, reasons by frequency, what wholes are made of.

Notation after IBCS: bars start at zero, actuals dark, the year before light behind them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kpikit.formats import (
    MISSING,
    Unit,
    format_count,
    format_interval,
    format_share,
    format_value,
    is_missing,
)
from kpikit.present import canvas, lettering, theme
from kpikit.present.frames import Row, records
from kpikit.present.panels import Panel
from kpikit.present.slots import Floats

_BAR_PT = 17.0  # distance from one bar to the next
_BAR = 0.58  # width of a bar, in slots
_BEHIND = 0.16  # how far the year before stands above, in slots
_NAME_PT = 130.0  # longest name beside a bar
_ENDS = ("value", "previous", "ci_high")  # what a bar's text stands right of
_PART_COLORS = ((theme.INK, theme.PAPER), (theme.LIGHT, theme.INK), (theme.PALE, theme.INK))


@canvas.themed
def plot_ranked_bars(
    frame: pd.DataFrame,
    *,
    unit: Unit,
    currency: str = "",
    other: str = "other",
    size: theme.Size = "half",
) -> Axes:
    """Draw one bar per segment, greatest first, the year before as a light bar behind.

    A value with an interval bears it, as a line and in words, with the units behind it.

    Args:
        frame: One row per segment: ``segment``, ``value``; where known ``share`` (of the total),
            ``previous`` (a year before), ``n`` (units behind the value), ``ci_low``, ``ci_high``,
            ``reason`` (why there is no value). A segment without a value keeps its row and says
            why.
        unit: What the values count.
        currency: ISO code, for money.
        other: Segment that gathers the rest; it comes last.
        size: Width of the chart; its height follows the number of segments.

    Returns:
        The axes; without any value they hold a remark instead.
    """
    rows = _ranked(frame, other)
    values, previous = _numbers(rows, "value"), _numbers(rows, "previous")
    if np.isnan(values).all():
        return canvas.no_data_panel(canvas.new_sheet(size), canvas.first_reason(frame))
    texts = [_bar_text(row, unit, currency) for row in rows]
    panel = _bar_panel(rows, texts, size)
    places = np.arange(len(rows))
    if not np.isnan(previous).all():
        behind = np.nan_to_num(previous)
        panel.bars(places - _BEHIND, behind, _BAR, color=theme.LIGHT, label="year before")
    panel.bars(places, np.nan_to_num(values), _BAR, color=theme.INK, label="actual")
    if "ci_low" in frame:
        panel.level_lines(
            places, _numbers(rows, "ci_low"), _numbers(rows, "ci_high"), color=theme.MID,
            linewidth=1.6, label="interval", zorder=3,
        )  # fmt: skip
    _write_beside(panel, rows, texts)
    return panel


@canvas.themed
def plot_pareto(frame: pd.DataFrame, *, size: theme.Size = "half") -> Axes:
    """Draw how many left for each reason, in the order given, with the cumulative share.

    Args:
        frame: As ``churn_reasons_table`` returns it, most frequent first: ``reason``,
            ``customers``, ``share``, ``cumulative_share`` (of this and all rows above it).
        size: Width of the chart; its height follows the number of reasons.

    Returns:
        The axes; without any row they hold a remark instead.
    """
    if frame.empty:
        return canvas.no_data_panel(canvas.new_sheet(size), "nobody left")
    rows = [row | {"segment": row["reason"], "value": row["customers"]} for row in records(frame)]
    texts = [f"{format_count(row['value'])} · {share_text(row['share'])}" for row in rows]
    head = "cumulative"
    right, top = lettering.text_width(head) + 10, canvas.ROW_PT + 4
    panel = _bar_panel(rows, texts, size, right_pt=right, top_pt=top)
    panel.bars(np.arange(len(rows)), _numbers(rows, "value"), _BAR, color=theme.INK, label="actual")
    _write_beside(panel, rows, texts)
    column = [(-0.75, head), *enumerate(map(share_text, frame["cumulative_share"]))]
    for place, text in column:
        canvas.write(
            panel, text, (1, place), within=("sheet", "data"), align="right", color=theme.GREY
        )
    return panel


@canvas.themed
def plot_composition(
    frame: pd.DataFrame,
    *,
    parts: Mapping[str, str],
    n_of: str = "n",
    size: theme.Size = "half",
) -> Axes:
    """Draw what each whole is made of, as bars of 100 %.

    Args:
        frame: One row per ``period`` (label), in order, with ``n`` and a column of shares (0 to 1)
            for each part; a row of unknown shares keeps its place and says so.
        parts: Column of each of two or three parts to its name, from the left; the first is drawn
            darkest.
        n_of: What ``n`` counts, printed before it.
        size: Width of the chart; its height follows the number of bars.

    Returns:
        The axes; without any share they hold a remark instead.
    """
    shares = frame[list(parts)].astype(float)
    if shares.isna().all(axis=None):
        return canvas.no_data_panel(canvas.new_sheet(size), canvas.first_reason(frame))
    names = [str(period) for period in frame["period"]]
    counts = [f"{n_of} = {format_count(n)}" for n in frame["n"]]
    top = canvas.ROW_PT + 6
    panel = canvas.add_panel(
        canvas.new_sheet(size, height_cm=_height_cm(len(frame), top + 2)),
        left=lettering.widest(names) + 8,
        right=lettering.widest(counts) + 8,
        top=top,
        bottom=2,
    )
    panel.set_xlim(0, 1)
    _name_bars(panel, names)
    _draw_parts(panel, shares.to_numpy(), list(parts.values()))
    for place, text in enumerate(counts):
        canvas.write(panel, text, (1, place), shift=(6, 0), color=theme.GREY)
        if shares.iloc[place].isna().any():
            canvas.write(panel, "no data", (0, place), color=theme.GREY)
    return panel


def share_text(share: float) -> str:
    """Return a share in whole per cent; a little is not nothing, and nearly all is not all."""
    if 0 < share < 0.005:
        return "< 1 %"
    return "> 99 %" if 0.995 <= share < 1 else format_share(share, digits=0)


def _draw_parts(panel: Panel, shares: Floats, names: Sequence[str]) -> None:
    """Draw the parts from the left, each share where it has room, each name above the first."""
    width, _ = canvas.panel_points(panel)
    left = np.zeros(len(shares))
    middles = []
    for column, (name, (fill, ink)) in enumerate(zip(names, _PART_COLORS, strict=False)):
        part = np.nan_to_num(shares[:, column])
        panel.bars(np.arange(len(part)), part, 0.66, left=left, color=fill, label=name)
        for place, (start, share) in enumerate(zip(left, part, strict=True)):
            text = format_share(share, digits=0)
            if lettering.text_width(text) + 4 <= share * width:
                canvas.write(panel, text, (start + share / 2, place), align="center", color=ink)
        whole = int(np.flatnonzero(np.isfinite(shares).all(axis=1))[0])
        middles.append((left[whole] + part[whole] / 2) * width)
        left = left + part
    gap = lettering.widest(names) + 6
    places = lettering.spread(middles, gap=gap, low=gap / 2, high=width - gap / 2)
    for name, middle in zip(names, places, strict=True):
        canvas.write(
            panel, name, (middle / width, 1), within=("panel", "panel"), shift=(0, 3),
            align="center", stand="bottom", color=theme.GREY,
        )  # fmt: skip


def _ranked(frame: pd.DataFrame, other: str) -> list[Row]:
    """Sort segments by value, unknown ones after, the gathered rest last; names break ties."""

    def rank(row: Row) -> tuple[Any, ...]:
        missing = is_missing(row["value"])
        return row["segment"] == other, missing, 0 if missing else -row["value"], row["segment"]

    return sorted(records(frame), key=rank)


def _numbers(rows: Sequence[Row], name: str) -> Floats:
    """Return a column of numbers, NaN where it is unknown."""
    found = (row.get(name) for row in rows)
    return np.array([np.nan if is_missing(number) else number for number in found], dtype=float)


def _bar_text(row: Mapping[str, Any], unit: Unit, currency: str) -> str:
    count = "" if is_missing(row.get("n")) else f"n = {format_count(row['n'])}"
    if is_missing(row["value"]):
        return str(row.get("reason") or count or MISSING)
    text = format_value(row["value"], unit, currency=currency, short=True)
    if not is_missing(row.get("share")):
        text += f" · {share_text(row['share'])}"
    if is_missing(row.get("ci_low")) or is_missing(row.get("ci_high")):
        return text
    interval = format_interval(row["ci_low"], row["ci_high"], unit, currency=currency)
    return f"{text} ({', '.join(filter(None, [interval, count]))})"


def _bar_panel(
    rows: Sequence[Row],
    texts: Sequence[str],
    size: theme.Size,
    *,
    right_pt: float = 0.0,
    top_pt: float = 2.0,
) -> Panel:
    """Return axes for horizontal bars, named at the left, with room for the texts at their ends."""
    names = [lettering.fit_text(str(row["segment"]), _NAME_PT) for row in rows]
    panel = canvas.add_panel(
        canvas.new_sheet(size, height_cm=_height_cm(len(rows), top_pt + 2)),
        left=lettering.widest(names) + 8,
        right=lettering.widest(texts) + 10 + right_pt,
        top=top_pt,
        bottom=2,
    )
    reached = [_numbers(rows, name) for name in _ENDS]
    low, high = min(0.0, float(np.nanmin(reached))), max(0.0, float(np.nanmax(reached)))
    panel.set_xlim(low, high if high > low else low + 1)
    panel.line(
        [0, 0], [0, 1], transform=panel.get_xaxis_transform(), color=theme.INK, linewidth=0.8,
        zorder=3,
    )  # fmt: skip
    _name_bars(panel, names)
    return panel


def _name_bars(panel: Panel, names: Sequence[str]) -> None:
    panel.set_ylim(max(len(names), 2) - 0.5, -0.5)
    places = range(len(names))
    canvas.label_axis(panel, "y", places, names, color=theme.INK, size=theme.TEXT_PT)


def _height_cm(count: int, extra_pt: float) -> float:
    return (max(count, 2) * _BAR_PT + extra_pt) / 72 * 2.54


def _write_beside(panel: Panel, rows: Sequence[Row], texts: Sequence[str]) -> None:
    """Write each text right of its bar and of the one behind it, or of zero."""
    ends = np.nan_to_num([_numbers(rows, name) for name in _ENDS]).max(axis=0, initial=0.0)
    for place, (end, row, text) in enumerate(zip(ends.tolist(), rows, texts, strict=True)):
        color = theme.GREY if is_missing(row["value"]) else theme.INK
        canvas.write(panel, text, (end, place), shift=(5, 0), color=color)
