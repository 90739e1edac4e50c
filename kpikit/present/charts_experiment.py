"""Effects of an experiment: side by side, as it went on, and by days since exposure.

Every chart draws zero as a dark line: what lies on its two sides is the question. Green and red
mark an effect that the verdict takes for better or worse, ink one that it does not tell from
chance, and grey what has too few units to tell.
"""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kpikit.formats import Unit, format_date, format_delta, is_missing
from kpikit.present import canvas, lettering, theme
from kpikit.present.frames import Row, day_of, records
from kpikit.present.labels import DASHED
from kpikit.present.panels import Panel

_ROW_PT = 18.0
_NAME_PT = 150.0  # longest name beside an interval
_TOP_PT = 8.0
_COLORS = {"better": theme.GOOD, "worse": theme.BAD}


@canvas.themed
def plot_effects(
    frame: pd.DataFrame, *, unit: Unit, relative: bool = False, size: theme.Size = "half"
) -> Axes:
    """Draw effects with their intervals, one below the other, around zero (a forest plot).

    Args:
        frame: One row per effect, in order: ``name``, ``estimate``, ``low``, ``high``, ``text``
            (written at the right); where known ``outcome`` (better, worse or another), ``muted``
            (True: drawn grey) and ``limit`` (a tick that the interval must not reach).
        unit: What effects count; differences of shares are percentage points.
        relative: Whether effects are parts of control's mean, and so percent.
        size: Width of the chart; its height follows the number of rows.

    Returns:
        The axes; without any estimate they hold a remark instead.
    """
    rows = frame.reset_index(drop=True)
    if rows["estimate"].isna().all():
        return canvas.no_data_panel(canvas.new_sheet(size), "no effect has an estimate")
    limits = _limits([*rows["low"], *rows["high"], *rows["estimate"], *rows.get("limit", [])])
    names = [lettering.fit_text(str(name), _NAME_PT) for name in rows["name"]]
    height = _TOP_PT + _ROW_PT * len(rows) + canvas.AXIS_PT
    sheet = canvas.new_sheet(size, height_cm=height * 2.54 / 72)
    panel = canvas.add_panel(
        sheet,
        left=lettering.widest(names) + 10,
        right=lettering.widest(list(rows["text"]), bold=True) + 12,
        top=_TOP_PT,
        bottom=canvas.AXIS_PT,
    )
    panel.set_xlim(*limits)
    panel.set_ylim(len(rows) - 0.5, -0.5)
    _scale_below(panel, limits, "share" if relative else unit, points=not relative)
    for place, (row, name) in enumerate(zip(records(rows), names, strict=True)):
        _draw_effect(panel, place, row, name)
    return panel


@canvas.themed
def plot_cumulative_effect(
    curve: pd.DataFrame, *, unit: Unit, currency: str = "", size: theme.Size = "half"
) -> Axes:
    """Draw the effect of all units so far, per day, with the band that holds over all days.

    Args:
        curve: ``effect_curve`` of one variant: ``day``, ``delta_abs``, ``always_low``,
            ``always_high``.
        unit: What the metric counts.
        currency: ISO code, for money.
        size: Size of the chart.

    Returns:
        The axes; without any estimate they hold a remark instead.
    """
    known = curve.dropna(subset=["delta_abs", "always_low"]).sort_values("day")
    sheet = canvas.new_sheet(size)
    if known.empty:
        return canvas.no_data_panel(sheet, "no day has an estimate yet")
    settled = _settled(known)
    limits = _limits([*settled["always_low"], *settled["always_high"], *settled["delta_abs"]])
    last = format_delta(float(known["delta_abs"].iloc[-1]), unit, currency=currency)
    panel = canvas.add_panel(
        sheet,
        left=_scale_width(limits, unit),
        right=lettering.text_width(last, bold=True) + 10,
        top=_TOP_PT,
        bottom=canvas.AXIS_PT,
    )
    _scale_beside(panel, limits, unit)
    days = np.arange(len(known), dtype=float)
    low, high = (np.clip(known[name], *limits) for name in ("always_low", "always_high"))
    panel.band(days, low, high, color=theme.PALE, linewidth=0, label="always-valid band")
    line = known["delta_abs"].where(known["delta_abs"].between(*limits)).to_numpy()
    panel.line(days, line, color=theme.INK, label="effect so far")
    panel.dots(days[-1:], known["delta_abs"].iloc[-1:], 4, color=theme.INK)
    canvas.write(
        panel, last, (days[-1], float(known["delta_abs"].iloc[-1])), shift=(6, 0), bold=True
    )
    panel.set_xlim(0, max(days[-1], 1.0))
    _days_below(panel, [day_of(day) for day in known["day"]])
    return panel


@canvas.themed
def plot_effect_by_age(table: pd.DataFrame, *, unit: Unit, size: theme.Size = "half") -> Axes:
    """Draw the effect on each day since exposure, of units that have had all these days.

    Args:
        table: ``effect_by_age`` of one variant: ``age``, ``delta_abs``, ``ci_low``, ``ci_high``.
        unit: What the metric counts per unit and day.
        size: Size of the chart.

    Returns:
        The axes; without any estimate they hold a remark instead.
    """
    sheet = canvas.new_sheet(size)
    known = table.sort_values("age")
    if known["delta_abs"].isna().all():
        return canvas.no_data_panel(sheet, "no day since exposure has an estimate")
    limits = _limits([*known["ci_low"], *known["ci_high"], *known["delta_abs"]])
    panel = canvas.add_panel(
        sheet,
        left=_scale_width(limits, unit),
        right=canvas.EDGE_PT,
        top=_TOP_PT,
        bottom=canvas.AXIS_PT,
    )
    _scale_beside(panel, limits, unit)
    ages = known["age"].to_numpy(dtype=float)
    panel.upright_lines(
        ages, known["ci_low"], known["ci_high"], color=theme.MID, linewidth=2.2, label="interval"
    )
    panel.dots(ages, known["delta_abs"], 4, color=theme.INK, label="effect")
    panel.set_xlim(ages[0] - 0.5, ages[-1] + 0.5)
    texts = [f"day {age:.0f}" if age == ages[0] else f"{age:.0f}" for age in ages]
    canvas.label_axis(panel, "x", ages, texts)
    return panel


def _draw_effect(panel: Panel, place: int, row: Row, name: str) -> None:
    muted = bool(row.get("muted", False))
    color = theme.MID if muted else _COLORS.get(str(row.get("outcome")), theme.INK)
    words = theme.GREY if muted else theme.INK
    canvas.write(
        panel, name, (0, place), within=("panel", "data"), shift=(-8, 0), align="right", color=words
    )
    if not is_missing(row["estimate"]):
        panel.level_lines(
            place, row["low"], row["high"], color=color, linewidth=2.4, label="interval"
        )
        panel.dots([row["estimate"]], [place], 5, color=color, label="effect")
    if not is_missing(row.get("limit")):
        panel.line(
            [row["limit"]] * 2, [place - 0.32, place + 0.32], color=theme.BAD, linewidth=1.4,
            linestyle=DASHED, label="margin",
        )  # fmt: skip
    canvas.write(
        panel, str(row["text"]), (1, place), within=("panel", "data"), shift=(8, 0), color=words,
        bold=str(row.get("outcome")) in _COLORS and not muted,
    )  # fmt: skip


def _settled(known: pd.DataFrame) -> pd.DataFrame:
    """Return the days that set the scale: at first a few units make a band without end."""
    width = known["always_high"] - known["always_low"]
    settled = known[width <= 4 * width.iloc[-1]]
    return settled if len(settled) > 1 else known


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Return ends that hold zero and all values, with a little air on both sides."""
    known = [float(value) for value in values if not is_missing(value)]
    low, high = min([*known, 0.0]), max([*known, 0.0])
    air = 0.06 * (high - low) or 1.0
    return low - air, high + air


def _texts(
    limits: tuple[float, float], unit: Unit, *, points: bool = True
) -> tuple[list[float], list[str]]:
    """Return ticks with their texts; differences of shares count percentage points."""
    marks = canvas.round_ticks(limits)
    texts = canvas.tick_texts(marks, unit)
    return marks, [text.replace(" %", " pt") for text in texts] if points else texts


def _scale_below(panel: Panel, limits: tuple[float, float], unit: Unit, *, points: bool) -> None:
    marks, texts = _texts(limits, unit, points=points)
    up = panel.get_xaxis_transform()
    panel.upright_lines(marks, 0, 1, transform=up, color=theme.LINE, linewidth=0.6, zorder=0.4)
    panel.line([0, 0], [0, 1], transform=up, color=theme.INK, linewidth=0.9, zorder=1)
    canvas.label_axis(panel, "x", marks, texts)


def _scale_beside(panel: Panel, limits: tuple[float, float], unit: Unit) -> None:
    marks, texts = _texts(limits, unit)
    panel.set_ylim(*limits)
    across = panel.get_yaxis_transform()
    panel.level_lines(marks, 0, 1, transform=across, color=theme.LINE, linewidth=0.6, zorder=0.4)
    panel.line([0, 1], [0, 0], transform=across, color=theme.INK, linewidth=0.9, zorder=1.5)
    canvas.label_axis(panel, "y", marks, texts)


def _scale_width(limits: tuple[float, float], unit: Unit) -> float:
    return lettering.widest(_texts(limits, unit)[1], size=theme.SMALL_PT) + 6


def _days_below(panel: Panel, days: Sequence[dt.date]) -> None:
    """Name a handful of days."""
    places = np.unique(np.linspace(0, len(days) - 1, min(5, len(days))).round().astype(int))
    names = [format_date(days[place]).rsplit(" ", 1)[0] for place in places]
    canvas.label_axis(panel, "x", [float(place) for place in places], names)
