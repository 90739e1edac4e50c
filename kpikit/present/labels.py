"""What stands beside the data of a chart along time: the target's steps, the names of lines."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from kpikit.formats import Unit, format_declared, format_value
from kpikit.present import canvas, lettering, theme
from kpikit.present.frames import records
from kpikit.present.panels import Panel
from kpikit.present.slots import Floats, Slots

GAP_PT = 6.0  # between a line's end and its label
DASHED = (0, (3.5, 2))


class Label(NamedTuple):
    """A text at the right end of a line."""

    value: float
    text: str
    color: str
    bold: bool = False


class Steps(NamedTuple):
    """Corners of a target's steps, along the slots and in the unit of the values."""

    positions: Floats
    levels: Floats


NO_STEPS = Steps(np.array([]), np.array([]))


def target_steps(target: pd.DataFrame | None, slots: Slots) -> Steps:
    """Return the part of a target that lies inside the slots, broken where there is none.

    Args:
        target: ``start``, ``end`` (first day after), ``value``; None for no target.
        slots: The periods that are drawn.
    """
    if target is None:
        return NO_STEPS
    positions: list[float] = []
    levels: list[float] = []
    for row in records(target.sort_values("start")):
        left, right = slots.place(row["start"]), slots.place(row["end"])
        if right > left:
            if positions and positions[-1] < left:
                positions.append(left)
                levels.append(np.nan)
            positions += [left, right]
            levels += [float(row["value"])] * 2
    return Steps(np.array(positions), np.array(levels))


def draw_steps(panel: Panel, steps: Steps) -> None:
    """Draw the target; one that ends before the last period is named where it ends."""
    if not len(steps.positions):
        return
    line = {"color": theme.INK, "linewidth": 1.1, "linestyle": DASHED, "zorder": 3.5}
    panel.line(steps.positions, steps.levels, label="target", **line)
    if steps.positions[-1] < panel.get_xlim()[1] - 1:
        end = (float(steps.positions[-1]), float(steps.levels[-1]))
        canvas.write(panel, "target", end, shift=(3, 0), size=theme.SMALL_PT, on_paper=True)


def value_labels(slots: Slots, unit: Unit, currency: str) -> tuple[Label, ...]:
    """Return the label of the last value, with a remark below it while its period runs."""
    last = int(np.flatnonzero(np.isfinite(slots.actual))[-1])
    value = float(slots.actual[last])
    text = format_value(value, unit, currency=currency, short=True)
    found = Label(value, text, theme.INK, bold=True)
    return (found,) if slots.complete[last] else (Label(value, "so far", theme.INK), found)


def context_labels(
    slots: Slots, steps: Steps, unit: Unit, currency: str, *, before: str = "year before"
) -> tuple[Label, ...]:
    """Return the labels of what came before and of a target that reaches the last period.

    The target bears its value: alone above another value's label it would read as that one's name.
    """
    labels = []
    known = slots.previous[np.isfinite(slots.previous)]
    if len(known):
        labels.append(Label(float(known[-1]), before, theme.GREY))
    if len(steps.levels) and steps.positions[-1] > len(slots) - 1:
        level = float(steps.levels[-1])
        name = f"target {format_declared(level, unit, currency=currency)}"
        labels.append(Label(level, name, theme.INK))
    return tuple(labels)


def labels_width(labels: Sequence[Label]) -> float:
    """Return the room in points that labels take to the right of a panel."""
    texts = [label.text for label in labels]
    return lettering.widest(texts, bold=True) + GAP_PT + 2 if texts else 0.0


def label_ends(panel: Panel, labels: Sequence[Label]) -> None:
    """Write labels at the right ends of their lines, moved apart where they would touch."""
    _, height = canvas.panel_points(panel)
    low, high = panel.get_ylim()
    row = canvas.ROW_PT * (high - low) / height
    values = [label.value for label in labels]
    places = lettering.spread(values, gap=row, low=low, high=high - row / 2)
    for label, place in zip(labels, places, strict=True):
        canvas.write(
            panel, label.text, (1.0, place), within=("panel", "data"),
            shift=(GAP_PT, 0), color=label.color, bold=label.bold,
        )  # fmt: skip
