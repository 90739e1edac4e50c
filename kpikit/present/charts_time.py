"""Trends: a metric's months and weeks as lines, with the year before, the target and events.

Frames have one row per period: ``start`` and ``end`` (first day, first day after), ``value`` and,
where known, ``complete`` (False: the data does not cover the whole period), ``previous`` (the value
a year before; ``frames.trend_frame`` finds it) and ``lower``, ``upper``, ``signal`` (routine
variation; ``analysis.signals``). Notation after IBCS: actuals solid and dark, previous year light,
target a dashed step, an unfinished period open; after Wheeler: a band of routine variation, a ring
around a signal.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from kpikit.formats import Unit
from kpikit.present import canvas, labels, lettering, theme
from kpikit.present.panels import Panel
from kpikit.present.slots import Slots, make_slots

_NOTE_PT = 130.0  # longest text of an event
_NOTE_ROWS = 3
_WEEKS_SHARE = 0.26  # of the width
_UNFINISHED = (0, (2, 1.6))


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


class _Note(NamedTuple):
    """A mark laid out: its span along the slots, its text and where that stands."""

    start: float
    until: float
    text: str
    left_pt: float
    row: int  # counted from the panel upwards; -1: no room for the text


@dataclass(frozen=True)
class _Trend:
    """What one panel shows, and the room that it takes at either side."""

    name: str
    slots: Slots
    unit: Unit
    limits: tuple[float, float]
    ends: tuple[labels.Label, ...]
    steps: labels.Steps = labels.NO_STEPS
    with_scale: bool = True

    @property
    def left_pt(self) -> float:
        return canvas.scale_width(self.limits, self.unit) if self.with_scale else 0.0

    @property
    def right_pt(self) -> float:
        return labels.labels_width(self.ends)


@canvas.themed
def plot_trend(
    monthly: pd.DataFrame,
    weekly: pd.DataFrame | None = None,
    *,
    unit: Unit,
    currency: str = "",
    target: pd.DataFrame | None = None,
    annotations: Sequence[Mark] = (),
    before: str = "year before",
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
        before: What the light line is called.
        size: Size of the chart.

    Returns:
        The axes of the months. Where no month has a value they hold a remark instead.
    """
    sheet = canvas.new_sheet(size)
    months, weeks = make_slots(monthly), None if weekly is None else make_slots(weekly)
    if months.is_empty:
        return canvas.no_data_panel(sheet, canvas.first_reason(monthly))
    trend = _month_trend(months, unit, currency, labels.target_steps(target, months), before)
    width, _ = canvas.sheet_points(sheet)
    left, right = trend.left_pt, trend.right_pt
    side = None
    if weeks is not None and not weeks.is_empty:
        side = _week_trend(weeks, unit, currency)
        if _is_ratio(monthly):
            trend, side = _share_scale(trend, side)
        side_end = side.left_pt + _WEEKS_SHARE * (width - side.left_pt - right)
        left = side_end + side.right_pt + labels.GAP_PT + trend.left_pt
    notes = _lay_notes(annotations, months, width - left - right, room_pt=right, rows=_NOTE_ROWS)
    edges = {
        "top": labels.GAP_PT + canvas.ROW_PT * (1 + max((note.row for note in notes), default=-1)),
        "bottom": canvas.AXIS_PT,
    }
    if side is not None:
        panel = canvas.add_panel(
            sheet, left=side.left_pt, right=width - side_end, label=side.name, **edges
        )
        _draw_trend(panel, side, _lay_notes(annotations, side.slots, 0.0))
    panel = canvas.add_panel(sheet, left=left, right=right, label=trend.name, **edges)
    _draw_trend(panel, trend, notes)
    return panel


def _month_trend(
    months: Slots, unit: Unit, currency: str, steps: labels.Steps, before: str
) -> _Trend:
    drawn = [*months.actual, *months.previous, *steps.levels, *months.lower, *months.upper]
    limits = canvas.value_limits(drawn, from_zero=False)
    beside = labels.context_labels(months, steps, unit, currency, before=before)
    ends = labels.value_labels(months, unit, currency) + beside
    return _Trend("months", months, unit, limits, ends, steps)


def _week_trend(weeks: Slots, unit: Unit, currency: str) -> _Trend:
    limits = canvas.value_limits([*weeks.actual, *weeks.previous], from_zero=False)
    return _Trend("weeks", weeks, unit, limits, labels.value_labels(weeks, unit, currency))


def _share_scale(months: _Trend, weeks: _Trend) -> tuple[_Trend, _Trend]:
    """Give both panels the scale that holds both; it is written at the left one alone."""
    values = [*months.slots.actual, *months.slots.previous, *months.steps.levels]
    values += [*months.slots.lower, *months.slots.upper]
    values += [*weeks.slots.actual, *weeks.slots.previous]
    limits = canvas.value_limits(values, from_zero=False)
    return replace(months, limits=limits, with_scale=False), replace(weeks, limits=limits)


def _is_ratio(frame: pd.DataFrame) -> bool:
    return "denominator" in frame and bool(frame["denominator"].notna().any())


def _draw_trend(panel: Panel, trend: _Trend, notes: Sequence[_Note]) -> None:
    slots = trend.slots
    canvas.value_axis(panel, trend.limits, trend.unit, labelled=trend.with_scale)
    canvas.slot_axis(panel, slots)
    _draw_notes(panel, notes)
    _draw_routine(panel, slots)
    _draw_previous(panel, slots)
    labels.draw_steps(panel, trend.steps)
    _draw_actual(panel, slots)
    labels.label_ends(panel, trend.ends)


def _draw_previous(panel: Panel, slots: Slots) -> None:
    """Draw the year before as a line; a value without a neighbour is a dot: no line shows it."""
    known = np.pad(np.isfinite(slots.previous), 1)
    alone = known[1:-1] & ~known[:-2] & ~known[2:]
    panel.line(
        slots.positions, slots.previous, color=theme.LIGHT, marker="o", markersize=3.2,
        markevery=np.flatnonzero(alone).tolist(), label="year before", zorder=2,
    )  # fmt: skip


def _draw_routine(panel: Panel, slots: Slots) -> None:
    """Draw the band in which values vary as they always did, and a ring around each signal."""
    if np.isfinite(slots.lower).any():
        panel.band(
            slots.positions, slots.lower, slots.upper, color=theme.PALE, linewidth=0, zorder=0.8,
            label="routine variation",
        )  # fmt: skip
    if slots.signals.any():
        panel.dots(
            slots.positions[slots.signals], slots.actual[slots.signals], 8, clip_on=False,
            markerfacecolor="none", markeredgecolor=theme.INK, markeredgewidth=1.0, zorder=5,
            label="signal",
        )  # fmt: skip


def _draw_actual(panel: Panel, slots: Slots) -> None:
    """Draw the line solid through complete periods and dashed to unfinished ones."""
    style: dict[str, Any] = {"color": theme.INK, "marker": "o", "clip_on": False, "zorder": 4}
    whole = np.where(slots.complete, slots.actual, np.nan)
    panel.line(slots.positions, whole, markersize=3.2, label="actual", **style)
    if slots.complete.all():
        return
    reached = ~slots.complete | np.append(~slots.complete[1:], False)
    panel.line(
        slots.positions, np.where(reached, slots.actual, np.nan), linestyle=_UNFINISHED,
        label="unfinished", markersize=4.6, markerfacecolor=theme.PAPER, markeredgewidth=1.3,
        markevery=np.flatnonzero(~slots.complete).tolist(), **style,
    )  # fmt: skip


def _lay_notes(
    marks: Sequence[Mark], slots: Slots, width_pt: float, *, room_pt: float = 0.0, rows: int = 0
) -> list[_Note]:
    """Hang each mark's text like a flag to the right of its line, in the lowest free row.

    Later marks come first, so that no line runs up through the text of another. A text may reach
    ``room_pt`` beyond the panel; one that finds no row is left out, and its line stays.
    """
    notes: list[_Note] = []
    taken = [width_pt + room_pt + labels.GAP_PT] * rows  # where the next text of each row must end
    for mark in sorted(marks, key=lambda mark: mark.date, reverse=True):
        if not slots.holds(mark.date):
            continue
        start = slots.place(mark.date)
        until = slots.place(mark.end + dt.timedelta(days=1)) if mark.end else start
        text = lettering.fit_text(mark.label, _NOTE_PT, size=theme.SMALL_PT)
        length = lettering.text_width(text, size=theme.SMALL_PT)
        left = min((start + 0.5) / len(slots) * width_pt, width_pt + room_pt - length)
        free = (row for row in range(rows) if left + length + labels.GAP_PT <= taken[row])
        row = next(free, -1)
        if row >= 0:
            taken[row] = left
        notes.append(_Note(start, until, text, left, row))
    return notes


def _draw_notes(panel: Panel, notes: Sequence[_Note]) -> None:
    across = blended_transform_factory(panel.transData, panel.transAxes)
    width, height = canvas.panel_points(panel)
    for note in notes:
        if note.until > note.start:
            panel.span(note.start, note.until, color=theme.PALE, zorder=0.5)
        foot = 1 + max(0.0, (note.row * canvas.ROW_PT + 1) / height)
        panel.line(
            [note.start] * 2, [0, foot], transform=across, color=theme.MID, linewidth=0.7,
            clip_on=False, zorder=1, label="event",
        )  # fmt: skip
        if note.row >= 0:
            canvas.write(
                panel, note.text, (note.left_pt / width, foot), within=("panel", "panel"),
                shift=(0, 2), stand="bottom", color=theme.GREY, size=theme.SMALL_PT, on_paper=True,
            )  # fmt: skip
