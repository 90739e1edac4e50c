"""Charts along time: trends by month and week, columns by period.

Frames have one row per period: ``start`` and ``end`` (first day, first day after), ``value`` and,
where known, ``complete`` (False: the data does not cover the whole period) and ``previous`` (the
value a year before; ``slots.trend_frame`` finds it). Notation after IBCS: actuals solid and dark,
previous year light, target a dashed step, an unfinished period open.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from kpikit.formats import Unit, format_value
from kpikit.present import canvas, theme
from kpikit.present.slots import Floats, Slots, make_slots

_ROW_PT = 10.5  # height of a line of labels
_AXIS_PT = 16.0  # height of the tick labels below a panel
_GAP_PT = 6.0  # between a line's end and its label, between one text and the next
_EDGE_PT = 4.0  # for a tick label that reaches beyond its panel
_NOTE_WIDTH_PT = 130.0  # longest text of an annotation
_NOTE_ROWS = 3
_WEEKS_SHARE = 0.26  # of the width
_BAR = 0.56  # width of a column, in slots
_BEHIND = 0.14  # how far the year before stands to the left, in slots


class Mark(Protocol):
    """An event to mark, such as ``params.model.Annotation``."""

    @property
    def date(self) -> dt.date:
        """First day."""

    @property
    def end(self) -> dt.date | None:
        """Last day, None for a single one."""

    @property
    def label(self) -> str:
        """What happened, in a few words."""


class _Label(NamedTuple):
    value: float
    text: str
    color: str
    bold: bool = False


class _Note(NamedTuple):
    """A mark laid out: its span along the slots, its text and where that stands."""

    position: float
    until: float
    text: str = ""
    left_pt: float = 0.0
    row: int = -1  # counted from the panel upwards; -1: no room for the text


class _Steps(NamedTuple):
    positions: Floats
    values: Floats


_NO_STEPS = _Steps(np.array([]), np.array([]))


@dataclass(frozen=True)
class _Panel:
    """What one panel of a trend shows."""

    slots: Slots
    unit: Unit
    limits: tuple[float, float]
    labels: tuple[_Label, ...]
    steps: _Steps = _NO_STEPS
    with_scale: bool = True

    @property
    def left_pt(self) -> float:
        """Room for the scale."""
        return canvas.scale_width(self.limits, self.unit) if self.with_scale else 0.0

    @property
    def right_pt(self) -> float:
        """Room for the labels of the lines."""
        return _labels_width(self.labels)


@canvas.themed
def plot_trend(
    monthly: pd.DataFrame,
    weekly: pd.DataFrame | None = None,
    *,
    unit: Unit,
    currency: str = "",
    target: pd.DataFrame | None = None,
    annotations: Sequence[Mark] = (),
    size: theme.Size = "full",
) -> Axes:
    """Draw a metric's months and, to their left, its last weeks (after Amazon's 6-12 charts).

    Weeks and months share a scale where they share a unit: ratios, known by their ``denominator``,
    do; counts per week and per month do not.

    Args:
        monthly: One row per month.
        weekly: One row per week.
        unit: What the values count.
        currency: ISO code, for money.
        target: Steps ``start``, ``end``, ``value``, in the unit of a month.
        annotations: Events: a line and a text above the months, a line through the weeks.
        size: Size of the chart.

    Returns:
        The axes of the months. Where no month has a value they hold a remark instead.
    """
    sheet = canvas.new_sheet(size)
    months = make_slots(monthly)
    if months.is_empty:
        return canvas.no_data_panel(sheet, canvas.first_reason(monthly))
    weeks = make_slots(weekly) if weekly is not None else None
    weeks = None if weeks is None or weeks.is_empty else weeks
    steps = _target_steps(target, months)
    together = _is_ratio(monthly)
    limits = _line_limits(months, weeks if together else None, steps)
    main = _Panel(
        months, unit, limits,
        _value_labels(months, unit, currency) + _context_labels(months, steps), steps,
        with_scale=weeks is None or not together,
    )
    side = weeks and _Panel(
        weeks, unit, limits if together else _line_limits(weeks),
        _value_labels(weeks, unit, currency),
    )
    width, _ = canvas.sheet_points(sheet)
    left, right = main.left_pt, main.right_pt
    if side:
        side_end = side.left_pt + _WEEKS_SHARE * (width - side.left_pt - right)
        left += side_end + side.right_pt + _GAP_PT
    notes = _lay_notes(
        annotations, months, width - left - right, room_pt=right, rows=_NOTE_ROWS
    )
    top = _GAP_PT + _ROW_PT * (1 + max((note.row for note in notes), default=-1))
    if side:
        box = {"left": side.left_pt, "right": width - side_end, "top": top, "bottom": _AXIS_PT}
        panel = canvas.add_panel(sheet, **box, label="weeks")
        _draw_panel(panel, side, _lay_notes(annotations, side.slots, 0.0))
    panel = canvas.add_panel(
        sheet, left=left, right=right, top=top, bottom=_AXIS_PT, label="months"
    )
    _draw_panel(panel, main, notes)
    return panel


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

    Each column bears its value where all values fit; else a scale stands at the left and the last
    column alone bears its own.

    Args:
        frame: One row per period.
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
    steps = _target_steps(target, slots)
    limits = canvas.value_limits([*slots.values, *slots.previous, *steps.values], from_zero=True)
    labels = _context_labels(slots, steps)
    texts = [canvas.short_text(value, unit) for value in slots.values]
    width, _ = canvas.sheet_points(sheet)
    fits = canvas.widest(texts) + 2 <= (width - _labels_width(labels)) / len(slots)
    panel = canvas.add_panel(
        sheet, left=_EDGE_PT if fits else canvas.scale_width(limits, unit),
        right=_labels_width(labels), top=2 * _ROW_PT, bottom=_AXIS_PT,
    )
    canvas.value_axis(panel, limits, unit, labelled=not fits, grid=not fits)
    canvas.slot_axis(panel, slots)
    _draw_columns(panel, slots)
    _draw_steps(panel, steps)
    _label_columns(panel, slots, texts, only_last=not fits)
    _label_ends(panel, labels)
    return panel


def _draw_panel(panel: Axes, content: _Panel, notes: Sequence[_Note]) -> None:
    slots = content.slots
    canvas.value_axis(panel, content.limits, content.unit, labelled=content.with_scale)
    canvas.slot_axis(panel, slots)
    _draw_notes(panel, notes)
    panel.plot(slots.positions, slots.previous, color=theme.LIGHT, label="previous year", zorder=2)
    _draw_steps(panel, content.steps)
    _draw_actuals(panel, slots)
    _label_ends(panel, content.labels)


def _draw_actuals(panel: Axes, slots: Slots) -> None:
    """Draw the line solid through complete periods and dashed to unfinished ones."""
    style = {"color": theme.INK, "clip_on": False, "zorder": 4}
    whole = np.where(slots.complete, slots.values, np.nan)
    panel.plot(slots.positions, whole, marker="o", markersize=3.2, label="actual", **style)
    reach = ~slots.complete | np.append(~slots.complete[1:], False)
    if not slots.complete.all():
        open_ends = np.where(reach, slots.values, np.nan)
        panel.plot(
            slots.positions, open_ends, linestyle=(0, (2, 1.6)), label="unfinished",
            marker="o", markersize=4.6, markerfacecolor=theme.PAPER, markeredgewidth=1.3,
            markevery=np.flatnonzero(~slots.complete).tolist(), **style,
        )


def _draw_columns(panel: Axes, slots: Slots) -> None:
    solid = dict.fromkeys(("edgecolor",), "none")
    panel.bar(
        slots.positions - _BEHIND, np.nan_to_num(slots.previous), _BAR, color=theme.LIGHT,
        label="previous year", zorder=2, **solid,
    )
    shift = 0.0 if np.isnan(slots.previous).all() else _BEHIND / 2
    for index in range(len(slots)):
        whole = slots.complete[index]
        panel.bar(
            index + shift, np.nan_to_num(slots.values[index]), _BAR,
            color=theme.INK if whole else theme.PAPER, edgecolor=theme.INK,
            linewidth=0 if whole else 1.0, linestyle="-" if whole else (0, (2, 1.6)), zorder=3,
            label="actual" if whole else "unfinished",
        )


def _label_columns(
    panel: Axes, slots: Slots, texts: Sequence[str], *, only_last: bool
) -> None:
    """Write each value above its column, below a negative one."""
    for index, text in enumerate(texts):
        value = slots.values[index]
        if not text or (only_last and index < len(texts) - 1):
            continue
        if not slots.complete[index]:
            text = f"{text}\nso far"
        panel.annotate(
            text, (index, max(value, np.nan_to_num(slots.previous[index])) if value >= 0 else value),
            xytext=(0, 2 if value >= 0 else -2), textcoords="offset points", ha="center",
            va="bottom" if value >= 0 else "top", linespacing=1.05,
            fontweight="bold" if index == len(texts) - 1 else "normal", bbox=canvas.ON_PAPER, zorder=5,
        )


def _draw_steps(panel: Axes, steps: _Steps) -> None:
    """Draw the target; one that ends before the last periods is named where it ends."""
    if len(steps.positions):
        panel.plot(
            steps.positions, steps.values, color=theme.INK, linewidth=1.1,
            linestyle=(0, (3.5, 2)), label="target", zorder=3.5,
        )
        if steps.positions[-1] < panel.get_xlim()[1] - 1:
            panel.annotate(
                "target", (steps.positions[-1], steps.values[-1]), xytext=(3, 0),
                textcoords="offset points", va="center", fontsize=theme.SMALL_PT, bbox=canvas.ON_PAPER,
            )


def _draw_notes(panel: Axes, notes: Sequence[_Note]) -> None:
    across = blended_transform_factory(panel.transData, panel.transAxes)
    width, height = canvas.panel_points(panel)
    for note in notes:
        if note.until > note.position:
            panel.axvspan(note.position, note.until, color=theme.PALE, zorder=0.5)
        foot = 1 + max(0.0, (note.row * _ROW_PT + 1) / height)
        panel.plot(
            [note.position] * 2, [0, foot], transform=across, color=theme.MID, linewidth=0.7,
            clip_on=False, zorder=1, label="annotation",
        )
        if note.row >= 0:
            panel.text(
                note.left_pt / width, foot + 2 / height, note.text, transform=panel.transAxes,
                fontsize=theme.SMALL_PT, color=theme.GREY, va="bottom", bbox=canvas.ON_PAPER,
            )


def _label_ends(panel: Axes, labels: Sequence[_Label]) -> None:
    """Write the labels of the lines at their right ends, moved apart where they would touch."""
    _, height = canvas.panel_points(panel)
    low, high = panel.get_ylim()
    scale = (high - low) / height
    places = canvas.spread(
        [label.value for label in labels], gap=_ROW_PT * scale,
        low=low, high=high - _ROW_PT / 2 * scale,
    )
    across = blended_transform_factory(panel.transAxes, panel.transData)
    for label, place in zip(labels, places, strict=True):
        panel.annotate(
            label.text, (1, place), xycoords=across, xytext=(_GAP_PT, 0),
            textcoords="offset points", va="center", color=label.color,
            fontweight="bold" if label.bold else "normal",
        )


def _value_labels(slots: Slots, unit: Unit, currency: str) -> tuple[_Label, ...]:
    """Return the label of the last value, with a remark below it while its period runs."""
    last = int(np.flatnonzero(np.isfinite(slots.values))[-1])
    value = float(slots.values[last])
    text = format_value(value, unit, currency=currency, short=True)
    found = _Label(value, text, theme.INK, bold=True)
    return (found,) if slots.complete[last] else (_Label(value, "so far", theme.INK), found)


def _context_labels(slots: Slots, steps: _Steps) -> tuple[_Label, ...]:
    """Return the labels of the year before and of a target that reaches the last period."""
    labels = []
    before = slots.previous[np.isfinite(slots.previous)]
    if len(before):
        labels.append(_Label(float(before[-1]), "year before", theme.GREY))
    if len(steps.values) and steps.positions[-1] > len(slots) - 1:
        labels.append(_Label(float(steps.values[-1]), "target", theme.INK))
    return tuple(labels)


def _labels_width(labels: Sequence[_Label]) -> float:
    texts = [label.text for label in labels]
    return canvas.widest(texts, bold=True) + _GAP_PT + 2 if texts else 0.0


def _lay_notes(
    marks: Sequence[Mark], slots: Slots, width_pt: float, *, room_pt: float = 0.0, rows: int = 0
) -> list[_Note]:
    """Hang each mark's text like a flag to the right of its line, in the lowest free row.

    Later marks come first, so that no line runs up through the text of another. A text may reach
    ``room_pt`` beyond the panel; one that finds no row is left out, and its line stays.
    """
    notes: list[_Note] = []
    taken = [width_pt + room_pt + _GAP_PT] * rows  # where the next text of each row must end
    for mark in sorted(marks, key=lambda mark: mark.date, reverse=True):
        if not slots.holds(mark.date):
            continue
        start = slots.place(mark.date)
        until = slots.place(mark.end + dt.timedelta(days=1)) if mark.end else start
        text = canvas.fit_text(mark.label, _NOTE_WIDTH_PT, size=theme.SMALL_PT)
        length = canvas.text_width(text, size=theme.SMALL_PT)
        left = min((start + 0.5) / len(slots) * width_pt, width_pt + room_pt - length)
        row = next((r for r in range(rows) if left + length + _GAP_PT <= taken[r]), -1)
        if row >= 0:
            taken[row] = left
        notes.append(_Note(start, until, text, left, row))
    return notes


def _target_steps(target: pd.DataFrame | None, slots: Slots) -> _Steps:
    """Return the corners of the target's steps inside the slots, broken where there is none."""
    positions: list[float] = []
    values: list[float] = []
    for row in [] if target is None else target.sort_values("start").itertuples():
        left, right = slots.place(row.start), slots.place(row.end)
        if right > left:
            if positions and positions[-1] < left:
                positions.append(left)
                values.append(np.nan)
            positions += [left, right]
            values += [float(row.value)] * 2
    return _Steps(np.array(positions), np.array(values))


def _line_limits(slots: Slots, other: Slots | None = None, steps: _Steps = _NO_STEPS) -> tuple[float, float]:
    values = [*slots.values, *slots.previous, *steps.values]
    if other is not None:
        values += [*other.values, *other.previous]
    return canvas.value_limits(values, from_zero=False)


def _is_ratio(frame: pd.DataFrame) -> bool:
    return "denominator" in frame and bool(frame["denominator"].notna().any())
