"""Bridges: how effects lead from one value to another.

Notation after IBCS: green and red for good and bad effects alone, always with their sign.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kpikit.formats import Unit, format_delta, format_value, is_missing
from kpikit.params.model import Direction
from kpikit.present import canvas, lettering, theme
from kpikit.present.panels import Panel
from kpikit.present.slots import Floats

_BAR = 0.58  # width of a column, in slots
_GAINS = ("new", "reactivation", "expansion")
_LOSSES = ("contraction", "churned")


@canvas.themed
def plot_waterfall(
    labels: Sequence[str],
    effects: Sequence[float],
    *,
    start: tuple[str, float],
    end: tuple[str, float],
    unit: Unit,
    currency: str = "",
    direction: Direction = "up",
    size: theme.Size = "half",
) -> Axes:
    """Draw how effects lead from one value to another.

    Args:
        labels: Name of each effect.
        effects: Each effect, signed, in the unit of the values; an unknown one is left out.
        start: Label and value of the first column, drawn light.
        end: Label and value of the last column, drawn dark.
        unit: What the values count.
        currency: ISO code, for money.
        direction: Which way is good; decides green and red.
        size: Size of the chart.

    Returns:
        The axes; a remark instead where the first or the last value is unknown.
    """
    sheet = canvas.new_sheet(size)
    if is_missing(start[1]) or is_missing(end[1]):
        return canvas.no_data_panel(sheet)
    steps = [(n, float(e)) for n, e in zip(labels, effects, strict=True) if not is_missing(e)]
    levels = start[1] + np.concatenate([[0.0], np.cumsum([effect for _, effect in steps])])
    names = [start[0], *(name for name, _ in steps), end[0]]
    panel = _named_panel(sheet, names)
    limits = canvas.value_limits([*levels, end[1]], from_zero=True)
    canvas.value_axis(panel, limits, unit, labelled=False, grid=False)
    _draw_bridge(panel, [effect for _, effect in steps], levels, end[1], direction)
    tops = [max(start[1], 0.0), *np.maximum(levels[:-1], levels[1:]), max(end[1], 0.0)]
    texts = [
        format_value(start[1], unit, currency=currency, short=True),
        *_effect_texts([effect for _, effect in steps], max(map(abs, levels)), unit, currency),
        format_value(end[1], unit, currency=currency, short=True),
    ]
    for place, (top, text) in enumerate(zip(tops, texts, strict=True)):
        canvas.write(
            panel, text, (place, top), shift=(0, 3), align="center", stand="bottom",
            bold=place in (0, len(texts) - 1),
        )  # fmt: skip
    return panel


def _effect_texts(
    effects: Sequence[float], greatest: float, unit: Unit, currency: str
) -> list[str]:
    """Return effects with their signs; beside thousands money has no cents."""
    if unit == "money" and greatest >= 1000:
        effects = [effect if abs(effect) >= 1000 else round(effect) for effect in effects]
        texts = [format_delta(effect, unit, currency=currency) for effect in effects]
        return [text.removesuffix(".00") for text in texts]
    return [format_delta(effect, unit, currency=currency) for effect in effects]


def plot_mrr_waterfall(
    movements: Mapping[str, float],
    *,
    labels: tuple[str, str] = ("start", "end"),
    currency: str,
    size: theme.Size = "half",
) -> Axes:
    """Draw how new, returning, growing, shrinking and leaving customers moved MRR.

    Args:
        movements: A row of ``mrr_table``: ``mrr_start``, ``new``, ``reactivation``, ``expansion``,
            ``contraction``, ``churned`` (positive amounts all), ``mrr_end``.
        labels: Names of the first and the last column.
        currency: ISO code.
        size: Size of the chart.
    """
    effects = [float(movements[name]) for name in _GAINS]
    effects += [-float(movements[name]) for name in _LOSSES]
    return plot_waterfall(
        (*_GAINS, *_LOSSES),
        effects,
        start=(labels[0], float(movements["mrr_start"])),
        end=(labels[1], float(movements["mrr_end"])),
        unit="money",
        currency=currency,
        size=size,
    )


def _named_panel(sheet: Figure, names: Sequence[str]) -> Panel:
    """Return axes with a slot and a name, of two lines at most, for each column."""
    slot = (canvas.sheet_points(sheet)[0] - 2 * canvas.EDGE_PT) / len(names)
    wrapped = [lettering.wrap_text(name, slot - 6, lines=2) for name in names]
    second = canvas.ROW_PT + 3 if any("\n" in name for name in wrapped) else 0.0
    panel = canvas.add_panel(
        sheet,
        left=canvas.EDGE_PT,
        right=canvas.EDGE_PT,
        top=canvas.ROW_PT + 4,
        bottom=canvas.AXIS_PT + second,
    )
    panel.set_xlim(-0.5, len(names) - 0.5)
    canvas.label_axis(panel, "x", range(len(names)), wrapped)
    return panel


def _draw_bridge(
    panel: Panel, effects: Sequence[float], levels: Floats, end: float, direction: Direction
) -> None:
    panel.columns(0, levels[0], _BAR, color=theme.LIGHT, label="start")
    panel.columns(len(effects) + 1, end, _BAR, color=theme.INK, label="end")
    for index, effect in enumerate(effects):
        color = theme.GOOD if (effect > 0) == (direction == "up") else theme.BAD
        panel.columns(index + 1, effect, _BAR, bottom=levels[index], color=color, label="effect")
    for index, level in enumerate(levels):
        is_flat = index > 0 and effects[index - 1] == 0  # no bar there that would carry the line on
        across = [index + (-_BAR if is_flat else _BAR) / 2, index + 1 - _BAR / 2]
        panel.line(across, [level, level], color=theme.INK, linewidth=0.6, label="link")
