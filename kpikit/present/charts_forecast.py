"""What came and what is foreseen: hatched columns of totals, a fan around a line.

Frames have one row per period in time order: ``start`` and ``end`` (first day, first day after),
``period`` (label), ``value`` (NaN to come) and, for periods to come, ``mean`` and the ends of the
intervals, ``low_50`` to ``high_95``. Notation after IBCS: actuals solid and dark, the target a
dashed step, the forecast hatched.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kpikit.formats import Unit, format_date, format_value, is_missing
from kpikit.present import canvas, labels, theme
from kpikit.present.frames import Row, day_of, records
from kpikit.present.panels import Panel
from kpikit.present.slots import Slots, make_slots

Floats = npt.NDArray[np.float64]

_BAR = 0.56  # width of a column, in slots
_BANDS = ((95, theme.PALE), (80, theme.LINE), (50, theme.LIGHT))  # the widest lies behind
_WHISKERS = ((95, theme.GREY, 0.8), (80, theme.INK, 2.2))
_HATCH = "////"
_AHEAD = (0, (2, 1.6))
_LONGEST_MONTH = 31


@canvas.themed
def plot_forecast_columns(
    frame: pd.DataFrame,
    *,
    unit: Unit,
    currency: str = "",
    target: pd.DataFrame | None = None,
    size: theme.Size = "half",
) -> Axes:
    """Draw totals by period: what came as dark columns, what is foreseen hatched.

    A running period's column is dark as far as it has come. A thick line holds the total with 80 %
    probability, a thin one with 95 %.

    Args:
        frame: One row per period; a running one's ``so_far`` is what has come of it.
        unit: What the values count.
        currency: ISO code, for money.
        target: Steps ``start``, ``end``, ``value``, in the unit of a column.
        size: Size of the chart.

    Returns:
        The axes; without any value they hold a remark instead.
    """
    sheet, slots = canvas.new_sheet(size), make_slots(frame)
    ahead = frame[frame["mean"].notna()]
    if slots.is_empty or ahead.empty:
        return canvas.no_data_panel(sheet)
    steps = labels.target_steps(target, slots)
    panel, beside = _panel(sheet, slots, ahead, steps, unit=unit, currency=currency, from_zero=True)
    panel.columns(
        slots.positions, np.nan_to_num(slots.actual), _BAR, color=theme.INK, label="actual",
        zorder=3,
    )  # fmt: skip
    _draw_totals(panel, slots, ahead)
    labels.draw_steps(panel, steps)
    labels.label_ends(panel, beside)
    return panel


@canvas.themed
def plot_forecast_fan(
    frame: pd.DataFrame,
    *,
    unit: Unit,
    currency: str = "",
    target: pd.DataFrame | None = None,
    size: theme.Size = "half",
) -> Axes:
    """Draw a line of what came, and the forecast dashed inside a fan of 50, 80 and 95 %.

    The fan opens at the last value that is known: nothing is uncertain there.

    Args:
        frame: One row per period.
        unit: What the values count.
        currency: ISO code, for money.
        target: Steps ``start``, ``end``, ``value``, in the unit of a point.
        size: Size of the chart.

    Returns:
        The axes; without any value they hold a remark instead.
    """
    sheet, slots = canvas.new_sheet(size), make_slots(frame)
    ahead = frame[frame["mean"].notna()]
    if slots.is_empty or ahead.empty:
        return canvas.no_data_panel(sheet)
    steps = labels.target_steps(target, slots)
    panel, beside = _panel(
        sheet, slots, ahead, steps, unit=unit, currency=currency, from_zero=False
    )
    _draw_fan(panel, slots, ahead)
    labels.draw_steps(panel, steps)
    panel.line(
        slots.positions, slots.actual, color=theme.INK, marker="o", markersize=3.2, label="actual",
        clip_on=False, zorder=4,
    )  # fmt: skip
    labels.label_ends(panel, beside)
    return panel


def _panel(
    sheet: Figure,
    slots: Slots,
    ahead: pd.DataFrame,
    steps: labels.Steps,
    *,
    unit: Unit,
    currency: str,
    from_zero: bool,
) -> tuple[Panel, tuple[labels.Label, ...]]:
    """Return axes whose scales hold all that is drawn, and the labels that go to their right."""
    drawn = [*slots.actual, *_numbers(ahead), *steps.levels]
    limits = canvas.value_limits(drawn, from_zero=from_zero)
    final = records(ahead)[-1]
    last = float(final["mean"])
    number = round(last) if unit == "count" else last
    text = format_value(number, unit, currency=currency, short=True)
    beside = (
        labels.Label(last, f"in {_name(final)}", theme.INK),
        labels.Label(last, text, theme.INK, bold=True),
        *labels.context_labels(slots, steps, unit, currency),
    )
    panel = canvas.add_panel(
        sheet,
        left=canvas.scale_width(limits, unit),
        right=labels.labels_width(beside),
        top=canvas.ROW_PT,
        bottom=canvas.AXIS_PT,
    )
    canvas.value_axis(panel, limits, unit)
    canvas.slot_axis(panel, slots)
    return panel, beside


def _draw_totals(panel: Panel, slots: Slots, ahead: pd.DataFrame) -> None:
    places = _places(slots, ahead)
    came = ahead["so_far"].fillna(0).to_numpy(dtype=float)
    rest = ahead["mean"].to_numpy(dtype=float) - came
    panel.columns(places, came, _BAR, color=theme.INK, label="so far", zorder=3)
    panel.columns(
        places, rest, _BAR, bottom=came, color=theme.PAPER, edgecolor=theme.INK, linewidth=0.8,
        hatch=_HATCH, label="forecast", zorder=3,
    )  # fmt: skip
    for level, color, width in _WHISKERS:
        panel.upright_lines(
            places, ahead[f"low_{level}"], ahead[f"high_{level}"], color=color, linewidth=width,
            label=f"{level} %", zorder=3.8,
        )  # fmt: skip


def _draw_fan(panel: Panel, slots: Slots, ahead: pd.DataFrame) -> None:
    last = int(np.flatnonzero(np.isfinite(slots.actual))[-1])
    known = slots.actual[last]
    places = np.array([last, *_places(slots, ahead)])
    for level, color in _BANDS:
        low, high = ([known, *ahead[f"{end}_{level}"]] for end in ("low", "high"))
        panel.band(
            places, np.array(low), np.array(high), color=color, linewidth=0,
            label=f"{level} %", zorder=1,
        )  # fmt: skip
    panel.line(
        places, [known, *ahead["mean"]], color=theme.INK, linestyle=_AHEAD, label="forecast",
        clip_on=False, zorder=3.9,
    )  # fmt: skip


def _name(row: Row) -> str:
    """Return how a period is called beside its value: ``Dec`` for a month, else its label."""
    start, end = day_of(row["start"]), day_of(row["end"])
    is_month = start.day == end.day == 1 and (end - start).days <= _LONGEST_MONTH
    return format_date(start).split()[1] if is_month else str(row["period"])


def _places(slots: Slots, ahead: pd.DataFrame) -> Floats:
    """Return where periods lie along the slots; a gap before them may have taken some."""
    return np.array([slots.place(day_of(row["start"])) + 0.5 for row in records(ahead)])


def _numbers(ahead: pd.DataFrame) -> list[float]:
    """Return all known numbers of what is foreseen: the scale holds them."""
    found = ahead[["mean", "low_95", "high_95"]].to_numpy(dtype=float).ravel()
    return [float(number) for number in found if not is_missing(number)]
