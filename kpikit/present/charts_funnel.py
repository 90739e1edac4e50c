"""Funnels: how many get how far, and how long they take; who is new, back and gone.

Notation after IBCS: bars start at zero, actuals dark, what they are compared with light behind.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kpikit.formats import format_count, format_interval, format_share, is_missing
from kpikit.present import canvas, lettering, theme
from kpikit.present.frames import Row, records
from kpikit.present.panels import Panel

_STEP_PT = 21.0  # distance from one step's bar to the next
_BAR = 0.6  # width of a bar, in slots
_BEHIND = 0.2  # how far the bar behind stands above, in slots
_NAME_PT = 130.0  # longest name beside a bar


@canvas.themed
def plot_funnel(
    frame: pd.DataFrame, *, behind: str = "", worst: int | None = None, size: theme.Size = "full"
) -> Axes:
    """Draw a bar per step: which share of those who entered got there.

    Args:
        frame: One row per step in order, as ``funnel_table`` returns it: ``step``, ``name``,
            ``users``, ``overall_rate``, ``step_rate``, ``ci_low``, ``ci_high``; where known
            ``previous`` (the share in the period compared with), drawn light behind.
        behind: Name of that period.
        worst: Number of a step whose rate is printed bold.
        size: Width of the chart; its height follows the number of steps.

    Returns:
        The axes; without anybody who entered they hold a remark instead.
    """
    rows = records(frame)
    if not rows or rows[0]["users"] == 0:
        return canvas.no_data_panel(canvas.new_sheet(size), "nobody entered")
    names = [lettering.fit_text(str(row["name"]), _NAME_PT) for row in rows]
    counts = [f"{format_count(row['users'])} · {share_of(row['overall_rate'])}" for row in rows]
    rates = ["", *(_rate_text(row) for row in rows[1:])]
    head = "share of the step before (95 % interval)"
    right = lettering.widest([head, *rates], bold=True) + 12
    top = canvas.ROW_PT + 6
    panel = canvas.add_panel(
        canvas.new_sheet(size, height_cm=(len(rows) * _STEP_PT + top + 2) / 72 * 2.54),
        left=lettering.widest(names) + 8,
        right=right + lettering.widest(counts) + 8,
        top=top,
        bottom=2,
    )
    panel.set_xlim(0, 1)
    panel.set_ylim(len(rows) - 0.5, -0.5)
    places = np.arange(len(rows))
    if behind and "previous" in frame and frame["previous"].notna().any():
        panel.bars(
            places - _BEHIND, frame["previous"].fillna(0.0), _BAR, color=theme.LIGHT, label=behind
        )  # fmt: skip
    panel.bars(places, frame["overall_rate"].fillna(0.0), _BAR, color=theme.INK, label="actual")
    panel.line(
        [0, 0], [0, 1], transform=panel.get_xaxis_transform(), color=theme.INK, linewidth=0.8,
        zorder=3,
    )  # fmt: skip
    canvas.label_axis(panel, "y", places, names, color=theme.INK, size=theme.TEXT_PT)
    column = [(-0.85, head, theme.GREY, False)]
    column += [
        (place, text, theme.INK, rows[place]["step"] == worst) for place, text in enumerate(rates)
    ]
    for place, text, color, bold in column:
        canvas.write(
            panel, text, (1, place), within=("sheet", "data"), align="right", color=color, bold=bold
        )
    ends = frame[["overall_rate", *(["previous"] if "previous" in frame else [])]].max(axis=1)
    for place, text in enumerate(counts):
        canvas.write(panel, text, (float(np.nan_to_num(ends.iloc[place])), place), shift=(5, 0))
    return panel


@canvas.themed
def plot_times(frame: pd.DataFrame, *, labels: Sequence[str], size: theme.Size = "half") -> Axes:
    """Draw which share of those who convert takes how long, as columns.

    Args:
        frame: One row per bin in order, as ``time_to_convert_table`` returns it: ``users``,
            ``share``, ``cumulative_share``.
        labels: Name of each bin.
        size: Size of the chart.

    Returns:
        The axes; without anybody who converted they hold a remark instead.
    """
    sheet = canvas.new_sheet(size)
    if frame.empty or frame["users"].sum() == 0:
        return canvas.no_data_panel(sheet, "nobody converted")
    limits = canvas.value_limits(frame["share"].tolist(), from_zero=True)
    panel = canvas.add_panel(
        sheet, left=canvas.EDGE_PT, right=canvas.EDGE_PT, top=canvas.ROW_PT + 4,
        bottom=canvas.AXIS_PT + canvas.ROW_PT + 3,
    )  # fmt: skip
    canvas.value_axis(panel, limits, "share", labelled=False, grid=False)
    places = np.arange(len(frame))
    panel.columns(places, frame["share"], 0.72, color=theme.INK, label="share")
    panel.set_xlim(-0.6, len(frame) - 0.4)
    for place, row in enumerate(records(frame)):
        if row["users"]:
            canvas.write(
                panel, share_of(row["share"]), (place, row["share"]), shift=(0, 3), align="center",
                stand="bottom",
            )  # fmt: skip
    running = [share_of(share) for share in frame["cumulative_share"]]
    names = [f"{label}\n{text}" for label, text in zip(labels, running, strict=True)]
    canvas.label_axis(panel, "x", places, names)
    return panel


@canvas.themed
def plot_lifecycle(frame: pd.DataFrame, *, size: theme.Size = "half") -> Axes:
    """Draw who was active in each period, and who no longer was, as columns up and down.

    Args:
        frame: One row per ``period`` (label), in order: ``new``, ``returning``, ``resurrecting``
            and ``dormant`` (users; dormant ones are drawn below zero).
        size: Size of the chart.

    Returns:
        The axes; without any row they hold a remark instead.
    """
    sheet = canvas.new_sheet(size)
    if frame.empty:
        return canvas.no_data_panel(sheet, "no period is complete yet")
    parts: list[tuple[str, str]] = [
        ("returning", theme.INK), ("resurrecting", theme.MID), ("new", theme.LIGHT),
    ]  # fmt: skip
    active = frame[[name for name, _ in parts]].sum(axis=1)
    limits = canvas.value_limits([*active, *(-frame["dormant"])], from_zero=True)
    names = [name for name, _ in parts] + ["dormant"]
    panel = canvas.add_panel(
        sheet,
        left=canvas.scale_width(limits, "count"),
        right=lettering.widest(names) + 10,
        top=6.0,
        bottom=canvas.AXIS_PT,
    )
    canvas.value_axis(panel, limits, "count")
    places = np.arange(len(frame))
    panel.set_xlim(-0.6, len(frame) - 0.4)
    base = np.zeros(len(frame))
    ends: list[tuple[float, str]] = []
    for name, color in parts:
        height = frame[name].to_numpy(dtype=float)
        panel.columns(places, height, 0.72, bottom=base, color=color, label=name)
        ends.append((float(base[-1] + height[-1] / 2), name))
        base = base + height
    gone = -frame["dormant"].to_numpy(dtype=float)
    panel.columns(
        places, gone, 0.72, color=theme.PALE, edgecolor=theme.MID, linewidth=0.6, label="dormant"
    )
    ends.append((float(gone[-1] / 2), "dormant"))
    _name_parts(panel, ends)
    width, _ = canvas.panel_points(panel)
    every = max(1, int(np.ceil(
        len(frame) * (lettering.widest(list(frame["period"]), size=theme.SMALL_PT) + 8) / width
    )))  # fmt: skip
    kept = range((len(frame) - 1) % every, len(frame), every)
    canvas.label_axis(panel, "x", kept, [str(frame["period"].iloc[place]) for place in kept])
    return panel


def share_of(share: float) -> str:
    """Return a share as a funnel prints it: whole per cent, finer below ten."""
    return (
        format_share(share, digits=0)
        if not is_missing(share) and share >= 0.0995
        else (format_share(share, digits=1))
    )


def _rate_text(row: Row) -> str:
    """Return a step's rate with its interval."""
    if is_missing(row["step_rate"]):
        return "nobody at the step before"
    interval = format_interval(row["ci_low"], row["ci_high"], "share")
    return f"{format_share(row['step_rate'])} ({interval})"


def _name_parts(panel: Panel, ends: Sequence[tuple[float, str]]) -> None:
    """Write the names of the parts at the right, moved apart where they would touch."""
    _, height = canvas.panel_points(panel)
    low, high = panel.get_ylim()
    gap = canvas.ROW_PT * (high - low) / height
    middles: Any = [end for end, _ in ends]
    places = lettering.spread(middles, gap=gap, low=low, high=high - gap / 2)
    for (_, name), place in zip(ends, places, strict=True):
        canvas.write(panel, name, (1, place), within=("panel", "data"), shift=(6, 0))
