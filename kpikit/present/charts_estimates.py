"""Estimates with their intervals: by label, by age, by time."""

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kpikit.formats import Unit, format_count, format_share, format_value, is_missing
from kpikit.periods import Grain
from kpikit.present import canvas, lettering, theme
from kpikit.present.frames import age_names
from kpikit.present.labels import DASHED
from kpikit.present.panels import Panel
from kpikit.present.slots import Floats

_TOP_PT = 6.0
_TWO_LINES_PT = canvas.AXIS_PT + canvas.ROW_PT + 3


@canvas.themed
def plot_dot_intervals(
    frame: pd.DataFrame,
    *,
    unit: Unit,
    currency: str = "",
    value: str = "value",
    target: float | None = None,
    n_of: str = "n",
    size: theme.Size = "half",
) -> Axes:
    """Draw an estimate with its interval for each period, such as NPS by quarter.

    Args:
        frame: One row per ``period`` (label), in order: the estimate, ``ci_low``, ``ci_high``,
            ``n``. Facts fit, and so does ``nps_table`` with ``value="nps"``.
        unit: What the values count.
        currency: ISO code, for money.
        value: Column of the estimate.
        target: A dashed line across.
        n_of: What ``n`` counts, printed before it.
        size: Size of the chart.

    Returns:
        The axes; without any value they hold a remark instead.
    """
    sheet = canvas.new_sheet(size)
    if frame[value].isna().all():
        return canvas.no_data_panel(sheet, canvas.first_reason(frame))
    goal = [] if target is None else [target]
    ends = [*frame[value], *frame["ci_low"], *frame["ci_high"], *goal]
    limits = canvas.value_limits(ends, from_zero=False)
    panel = canvas.add_panel(
        sheet,
        left=canvas.scale_width(limits, unit),
        right=lettering.text_width("target") + 8 if goal else canvas.EDGE_PT,
        top=_TOP_PT,
        bottom=_TWO_LINES_PT,
    )
    canvas.value_axis(panel, limits, unit)
    panel.set_xlim(-0.5, len(frame) - 0.5)
    for level in goal:
        panel.line(
            [0, 1], [level] * 2, transform=panel.get_yaxis_transform(), color=theme.INK,
            linewidth=1.1, linestyle=DASHED, label="target",
        )  # fmt: skip
        canvas.write(panel, "target", (1, level), within=("panel", "data"), shift=(4, 0))
    places = np.arange(len(frame))
    panel.upright_lines(
        places, frame["ci_low"], frame["ci_high"], color=theme.MID, linewidth=2.4, label="interval"
    )  # fmt: skip
    panel.dots(places, frame[value], 5, color=theme.INK, label="actual")
    for place, height in enumerate(frame[value]):
        if not is_missing(height):
            text = format_value(height, unit, currency=currency, short=True)
            last = place == len(frame) - 1
            canvas.write(panel, text, (place, height), shift=(6, 0), bold=last, on_paper=True)
    counts = [f"{n_of} = {format_count(n)}" for n in frame["n"]]
    names = [f"{label}\n{count}" for label, count in zip(frame["period"], counts, strict=True)]
    canvas.label_axis(panel, "x", places, names)
    return panel


@canvas.themed
def plot_retention_curve(curve: pd.DataFrame, *, grain: Grain, size: theme.Size = "half") -> Axes:
    """Draw the share still active by age over all cohorts that have reached it, with its interval.

    Age 0 is left out where all are active in it, for then it says nothing.

    Args:
        curve: One row per ``age``: ``retention_rate``, ``ci_low``, ``ci_high``.
        grain: Length of a period.
        size: Size of the chart.

    Returns:
        The axes; without any rate they hold a remark instead.
    """
    sheet = canvas.new_sheet(size)
    known = curve.dropna(subset=["retention_rate"]).sort_values("age")
    if len(known) > 1:
        known = known[(known["age"] > 0) | (known["retention_rate"] < 1)]
    if known.empty:
        return canvas.no_data_panel(sheet, "no cohort has a complete period yet")
    ages, rates = known["age"].to_numpy(dtype=float), known["retention_rate"].to_numpy(dtype=float)
    limits = canvas.value_limits([*rates, *known["ci_high"]], from_zero=True)
    panel = canvas.add_panel(
        sheet,
        left=canvas.scale_width(limits, "share"),
        right=lettering.text_width(format_share(rates[-1]), bold=True) + 10,
        top=_TOP_PT,
        bottom=canvas.AXIS_PT,
    )
    canvas.value_axis(panel, limits, "share")
    _draw_band(panel, ages, known)
    panel.line(
        ages, rates, color=theme.INK, marker="o", markersize=3.4, clip_on=False, label="rate"
    )
    _label_end(panel, ages[-1], rates[-1])
    if len(ages) > 1:
        clear = float(np.nanmax([*known["ci_high"].iloc[:2], *rates[:2]]))  # above band and line
        canvas.write(
            panel, format_share(rates[0]), (ages[0], clear), shift=(0, 3), stand="bottom"
        )  # fmt: skip
    panel.set_xlim(ages[0] - 0.25, max(ages[-1], ages[0] + 1) + 0.05)
    canvas.label_axis(panel, "x", ages, age_names(ages, grain))
    return panel


@canvas.themed
def plot_survival(
    table: pd.DataFrame, *, time_unit: str = "months", size: theme.Size = "half"
) -> Axes:
    """Draw the share surviving by time as a step with its band, and how many are still at risk.

    Args:
        table: As ``survival_table`` returns it: one row per ``time`` with ``at_risk``,
            ``survival``, ``ci_low``, ``ci_high``. The number at risk at a time is that of the
            first row not before it.
        time_unit: What ``time`` counts.
        size: Size of the chart.

    Returns:
        The axes; without any row they hold a remark instead.
    """
    sheet = canvas.new_sheet(size)
    if table["survival"].isna().all():
        return canvas.no_data_panel(sheet, "no subscription has been observed yet")
    known = _from_the_start(table.sort_values("time"))
    times, curve = known["time"].to_numpy(dtype=float), known["survival"].to_numpy(dtype=float)
    until = max(float(times[-1]), 1.0)
    marks = _time_marks(until, time_unit)
    names = [f"{mark:g}\n{format_count(_at_risk(known, mark))}" for mark in marks]
    names[0] = f"0 {time_unit}\n{format_count(_at_risk(known, 0.0))} at risk"
    panel = canvas.add_panel(
        sheet,
        left=max(canvas.scale_width((0.0, 1.0), "share"), _half_width(names[0])),
        right=max(
            lettering.text_width(format_share(curve[-1]), bold=True) + 10, _half_width(names[-1])
        ),
        top=_TOP_PT,
        bottom=_TWO_LINES_PT,
    )
    canvas.value_axis(panel, (0.0, 1.0), "share")
    _draw_band(panel, times, known, step="post")
    panel.line(
        times, curve, drawstyle="steps-post", color=theme.INK, clip_on=False, label="survival"
    )
    _label_end(panel, times[-1], curve[-1])
    panel.set_xlim(0, until)
    canvas.label_axis(panel, "x", marks, names)
    return panel


def _time_marks(until: float, time_unit: str) -> list[float]:
    """Return the times to name: of months, whole years or halves of them where there are some."""
    steps = [step for step in (6, 12, 24, 60) if 3 <= until / step <= 7]
    if time_unit != "months" or not steps:
        return canvas.round_ticks((0.0, until))
    return [float(mark) for mark in range(0, int(until) + 1, steps[0])]


def _from_the_start(table: pd.DataFrame) -> pd.DataFrame:
    """Put time 0, where all survive, before a table that begins later."""
    if table["time"].iloc[0] == 0:
        return table
    whole = {"time": 0.0, "at_risk": table["at_risk"].iloc[0]}
    start = pd.DataFrame([{**whole, "survival": 1.0, "ci_low": 1.0, "ci_high": 1.0}])
    return pd.concat([start, table], ignore_index=True)


def _draw_band(
    panel: Panel, places: Floats, table: pd.DataFrame, *, step: Literal["post"] | None = None
) -> None:
    low, high = table["ci_low"].to_numpy(dtype=float), table["ci_high"].to_numpy(dtype=float)
    if len(places) == 1:  # a band of one place has no width
        panel.upright_lines(places, low, high, color=theme.MID, linewidth=2.4, label="interval")
        return
    panel.band(places, low, high, step=step, color=theme.PALE, linewidth=0, label="interval")


def _half_width(text: str) -> float:
    return lettering.widest(text.split("\n"), size=theme.SMALL_PT) / 2


def _at_risk(table: pd.DataFrame, time: float) -> float:
    later = table.loc[table["time"] >= time, "at_risk"]
    return float(later.iloc[0]) if len(later) else 0.0


def _label_end(panel: Panel, place: float, share: float) -> None:
    canvas.write(panel, format_share(share), (place, share), shift=(6, 0), bold=True)
