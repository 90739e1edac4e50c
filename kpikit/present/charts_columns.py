"""Columns by period: the actuals dark, the year before light behind them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kpikit.formats import Unit, format_alike, is_missing
from kpikit.present import canvas, labels, lettering, theme
from kpikit.present.panels import Panel
from kpikit.present.slots import Slots, make_slots

_BAR = 0.56  # width of a column, in slots
_BEHIND = 0.14  # how far the year before stands to the left, in slots
_OPEN = (0, (2, 1.6))  # the outline of an unfinished period


@canvas.themed
def plot_columns(
    frame: pd.DataFrame,
    *,
    unit: Unit,
    currency: str = "",
    target: pd.DataFrame | None = None,
    size: theme.Size = "half",
) -> Axes:
    """Draw one column per period, the year before light behind it, the target a dashed step.

    Each column bears its value where all values fit, on the scale that the last one names; else a
    scale stands at the left and the last value at the right. An unfinished period is an open
    column. Notation after IBCS.

    Args:
        frame: One row per period: ``start`` and ``end`` (first day, first day after), ``value``;
            where known ``previous`` (a year before), ``complete``, ``period`` (label).
        unit: What the values count.
        currency: ISO code, for money.
        target: Steps ``start``, ``end``, ``value``, in the unit of a column.
        size: Size of the chart.

    Returns:
        The axes; without any value they hold a remark instead.
    """
    sheet = canvas.new_sheet(size)
    slots = make_slots(frame)
    if slots.is_empty:
        return canvas.no_data_panel(sheet, canvas.first_reason(frame))
    steps = labels.target_steps(target, slots)
    limits = canvas.value_limits([*slots.actual, *slots.previous, *steps.levels], from_zero=True)
    beside = labels.context_labels(slots, steps, unit, currency)
    texts = _bare_but_last(format_alike(slots.actual.tolist(), unit))
    width, _ = canvas.sheet_points(sheet)
    fits = lettering.widest(texts) + 2 <= (width - labels.labels_width(beside)) / len(slots)
    if not fits:
        beside = labels.value_labels(slots, unit, currency) + beside
    panel = canvas.add_panel(
        sheet,
        left=canvas.EDGE_PT if fits else canvas.scale_width(limits, unit),
        right=labels.labels_width(beside) or canvas.EDGE_PT,
        top=2 * canvas.ROW_PT,
        bottom=canvas.AXIS_PT,
    )
    canvas.value_axis(panel, limits, unit, labelled=not fits, grid=not fits)
    canvas.slot_axis(panel, slots)
    _draw_columns(panel, slots)
    labels.draw_steps(panel, steps)
    if fits:
        _label_columns(panel, slots, texts)
    labels.label_ends(panel, beside)
    return panel


def _bare_but_last(texts: Sequence[str]) -> list[str]:
    """Leave the scale, ``k`` or ``%``, to the last value: twelve of them would touch."""
    last = max(index for index, text in enumerate(texts) if text)
    return [text if index == last else text.partition(" ")[0] for index, text in enumerate(texts)]


def _draw_columns(panel: Panel, slots: Slots) -> None:
    places, heights, whole = slots.positions, np.nan_to_num(slots.actual), slots.complete
    if np.isfinite(slots.previous).any():
        behind = np.nan_to_num(slots.previous)
        panel.columns(
            places - _BEHIND, behind, _BAR, color=theme.LIGHT, label="year before", zorder=2
        )
        places = places + _BEHIND / 2
    panel.columns(places[whole], heights[whole], _BAR, color=theme.INK, label="actual", zorder=3)
    if not whole.all():
        panel.columns(
            places[~whole], heights[~whole], _BAR, color=theme.PAPER, edgecolor=theme.INK,
            linewidth=1.0, linestyle=_OPEN, label="unfinished", zorder=3,
        )  # fmt: skip


def _label_columns(panel: Panel, slots: Slots, texts: Sequence[str]) -> None:
    """Write each value at the end of its own column, even where a taller one stands behind."""
    aside = _BEHIND / 2 if np.isfinite(slots.previous).any() else 0.0
    for index, (text, value) in enumerate(zip(texts, slots.actual, strict=True)):
        if is_missing(value):
            continue
        up = bool(value >= 0)
        canvas.write(
            panel,
            text if slots.complete[index] else f"{text}\nso far",
            (index + aside, value),
            shift=(0, 3 if up else -3),
            align="center",
            stand="bottom" if up else "top",
            bold=index == len(texts) - 1,
        )
