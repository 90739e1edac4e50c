"""A calendar of campaigns below the line of the KPI that they were to move, on one axis of time."""

import datetime as dt
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from kpikit.formats import Unit, format_date
from kpikit.present import canvas, labels, lettering, theme
from kpikit.present.frames import records
from kpikit.present.panels import Panel
from kpikit.present.slots import Slots, make_slots

_LINE_PT = 60.0  # height of the line's panel
_BAR_PT = 14.0  # distance from one campaign to the next
_BAR = 0.6  # height of a bar, in rows
_NAME_PT = 130.0


@canvas.themed
def plot_campaigns(
    weekly: pd.DataFrame,
    campaigns: pd.DataFrame,
    *,
    unit: Unit,
    currency: str = "",
    size: theme.Size = "full",
) -> Axes:
    """Draw a KPI by week, and below it a bar per campaign from its first to its last day.

    Args:
        weekly: One row per week: ``start``, ``end``, ``value``; ``complete`` where known.
        campaigns: One row per campaign: ``campaign``, ``start``, ``end`` (both days included),
            ``state``, and ``expected_per_week`` with ``from_week`` and ``to_week`` (first day,
            first day after), NaN and None where no counterfactual is known.
        unit: What the KPI counts.
        currency: ISO code, for money.
        size: Width of the chart; its height follows the number of campaigns.

    Returns:
        The axes of the line; without any value they hold a remark instead.
    """
    slots = make_slots(weekly)
    if slots.is_empty:
        return canvas.no_data_panel(canvas.new_sheet(size), canvas.first_reason(weekly))
    rows = records(campaigns)
    expected = [row["expected_per_week"] for row in rows]
    limits = canvas.value_limits([*slots.actual, *expected], from_zero=False)
    ends = labels.value_labels(slots, unit, currency)
    names = [lettering.fit_text(str(row["campaign"]), _NAME_PT) for row in rows]
    edges = {
        "left": max(canvas.scale_width(limits, unit), lettering.widest(names) + 8),
        "right": labels.labels_width(ends),
    }
    calendar_pt = len(rows) * _BAR_PT
    foot = canvas.AXIS_PT + calendar_pt + 6
    sheet = canvas.new_sheet(size, height_cm=(_LINE_PT + foot + 6) / 72 * 2.54)
    bars = canvas.add_panel(
        sheet, top=_LINE_PT + 12, bottom=canvas.AXIS_PT, label="calendar", **edges
    )
    _draw_calendar(bars, slots, rows, names)
    panel = canvas.add_panel(sheet, top=6, bottom=foot, label="weeks", **edges)
    canvas.value_axis(panel, limits, unit)
    panel.set_xlim(-0.5, len(slots) - 0.5)
    for row in rows:
        left, right = _span(slots, row["start"], row["end"])
        panel.span(left, right, color=theme.PALE, zorder=0.5)
        if row["from_week"] is not None:
            across = [slots.place(row["from_week"]), slots.place(row["to_week"])]
            panel.line(
                across, [row["expected_per_week"]] * 2, color=theme.INK, linewidth=1.2,
                linestyle=labels.DASHED, label="expected", zorder=4,
            )  # fmt: skip
    panel.line(slots.positions, slots.actual, color=theme.INK, label="actual", zorder=3)
    labels.label_ends(panel, ends)
    return panel


def _draw_calendar(
    panel: Panel, slots: Slots, rows: list[dict[str, Any]], names: list[str]
) -> None:
    panel.set_xlim(-0.5, len(slots) - 0.5)
    panel.set_ylim(len(rows) - 0.5, -0.5)
    for place, row in enumerate(rows):
        left, right = _span(slots, row["start"], row["end"])
        planned = row["state"] == "planned"
        panel.bars(
            place, right - left, _BAR, left=left, label=str(row["state"]), linewidth=0.9,
            color=theme.PAPER if planned else theme.INK, edgecolor=theme.INK,
        )  # fmt: skip
    canvas.label_axis(panel, "y", range(len(rows)), names, color=theme.INK, size=theme.TEXT_PT)
    months = [day for day in _first_days(slots) if slots.holds(day)]
    texts = [_month(day, with_year=not place or day.month == 1) for place, day in enumerate(months)]
    canvas.label_axis(panel, "x", [slots.place(day) for day in months], texts)


def _span(slots: Slots, start: dt.date, end: dt.date) -> tuple[float, float]:
    """Return where the days from one to another, both included, lie along the slots."""
    return slots.place(start), slots.place(end + dt.timedelta(days=1))


def _first_days(slots: Slots) -> list[dt.date]:
    days = [dt.date.fromordinal(int(edge)) for edge in slots.edges]
    return sorted({day.replace(day=1) for day in days})


def _month(day: dt.date, *, with_year: bool) -> str:
    _, month, year = format_date(day).split()
    return f"{month} {year}" if with_year else month
