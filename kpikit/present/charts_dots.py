"""Dots: two estimates with their intervals per row, and single values scattered over time."""

import pandas as pd
from matplotlib.axes import Axes

from kpikit.formats import Unit, format_interval, format_value, is_missing
from kpikit.present import canvas, lettering, theme
from kpikit.present.frames import Row, records
from kpikit.present.labels import DASHED
from kpikit.present.slots import make_slots

_ROW_PT = 22.0  # distance from one row to the next
_APART = 0.17  # how far the two estimates of a row stand apart, in rows
_NAME_PT = 110.0


@canvas.themed
def plot_dot_rows(
    frame: pd.DataFrame,
    *,
    unit: Unit,
    names: tuple[str, str],
    currency: str = "",
    size: theme.Size = "half",
) -> Axes:
    """Draw a dark dot with its interval per row and, below it, a light one to compare it with.

    Args:
        frame: One row per ``label``, in order: ``value``, ``ci_low``, ``ci_high``; ``other`` and,
            where known, ``other_low``, ``other_high``. A row without a value says so (``reason``).
        unit: What the values count.
        names: What the dark and the light dots are.
        currency: ISO code, for money.
        size: Width of the chart; its height follows the number of rows.

    Returns:
        The axes; without any value they hold a remark instead.
    """
    if frame["value"].isna().all():
        return canvas.no_data_panel(canvas.new_sheet(size), canvas.first_reason(frame))
    rows = records(frame)
    texts = [_text(row, unit, currency) for row in rows]
    labels = [lettering.fit_text(str(row["label"]), _NAME_PT) for row in rows]
    columns = frame.columns.intersection(
        ["value", "ci_low", "ci_high", "other", "other_low", "other_high"]
    )
    ends = [end for name in columns for end in frame[name]]
    limits = canvas.value_limits(ends, from_zero=unit == "share")
    top = canvas.ROW_PT + 6
    height = (len(rows) * _ROW_PT + top + canvas.AXIS_PT) / 72 * 2.54
    panel = canvas.add_panel(
        canvas.new_sheet(size, height_cm=height),
        left=lettering.widest(labels) + 10,
        right=lettering.widest(texts) + 10,
        top=top,
        bottom=canvas.AXIS_PT,
    )
    panel.set_xlim(*limits)
    panel.set_ylim(len(rows) - 0.5, -0.5)
    marks = canvas.round_ticks(limits)
    panel.upright_lines(marks, -0.5, len(rows) - 0.5, color=theme.LINE, linewidth=0.6, zorder=0.4)
    canvas.label_axis(panel, "x", marks, canvas.tick_texts(marks, unit))
    canvas.label_axis(
        panel, "y", range(len(rows)), labels, color=theme.INK, size=theme.TEXT_PT
    )  # fmt: skip
    for place, (row, text) in enumerate(zip(rows, texts, strict=True)):
        for key, low, high, color, shift, name in (
            ("other", "other_low", "other_high", theme.LIGHT, _APART, names[1]),
            ("value", "ci_low", "ci_high", theme.INK, -_APART, names[0]),
        ):
            if is_missing(row.get(key)):
                continue
            at = place + shift
            if not is_missing(row.get(low)):
                panel.level_lines(at, row[low], row[high], color=theme.MID, linewidth=1.8, zorder=2)
            panel.dots([row[key]], [at], 5, color=color, zorder=3, label=name)
        canvas.write(
            panel, text, (1, place), within=("panel", "data"), shift=(6, 0),
            color=theme.GREY if is_missing(row["value"]) else theme.INK,
        )  # fmt: skip
    return panel


@canvas.themed
def plot_scatter(frame: pd.DataFrame, *, unit: Unit, level: str, size: theme.Size = "half") -> Axes:
    """Draw a dot per period and a dashed line at their median, such as of cycle times by week.

    Args:
        frame: One row per period: ``start``, ``end``, ``value``, and the median in every row.
        unit: What the values count.
        level: Column of the median.
        size: Size of the chart.

    Returns:
        The axes; without any value they hold a remark instead.
    """
    sheet, slots = canvas.new_sheet(size), make_slots(frame)
    if slots.is_empty:
        return canvas.no_data_panel(sheet, canvas.first_reason(frame))
    middle = float(frame[level].iloc[-1])
    limits = canvas.value_limits([*slots.actual, middle], from_zero=True)
    panel = canvas.add_panel(
        sheet,
        left=canvas.scale_width(limits, unit),
        right=lettering.text_width("median") + 8,
        top=canvas.ROW_PT,
        bottom=canvas.AXIS_PT,
    )
    canvas.value_axis(panel, limits, unit)
    canvas.slot_axis(panel, slots)
    panel.dots(slots.positions, slots.actual, 4, color=theme.INK, label="actual")
    panel.line(
        [0, 1], [middle] * 2, transform=panel.get_yaxis_transform(), color=theme.INK,
        linewidth=1.1, linestyle=DASHED, label="median",
    )  # fmt: skip
    canvas.write(panel, "median", (1, middle), within=("panel", "data"), shift=(4, 0))
    return panel


def _text(row: Row, unit: Unit, currency: str) -> str:
    if is_missing(row["value"]):
        return str(row.get("reason") or "no data")
    text = format_value(row["value"], unit, currency=currency, short=True)
    if is_missing(row["ci_low"]):
        return text
    interval = format_interval(row["ci_low"], row["ci_high"], unit, currency=currency)
    return f"{text} ({interval})"
