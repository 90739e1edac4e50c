"""Charts of those who stay: the cohort triangle, retention and survival curves."""

import datetime as dt
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kpikit.formats import format_count, format_share
from kpikit.periods import Grain
from kpikit.present import canvas, theme

_AXIS_PT = 16.0  # height of one line of labels below a panel
_ROW_PT = 10.5
_CELL_PT = 15.5  # height of a row of cells
_LETTERS = {"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}


@canvas.themed
def plot_cohorts(
    table: pd.DataFrame, *, grain: Grain, most: int = 12, size: theme.Size = "half"
) -> Axes:
    """Draw the share of each cohort active at each age, as a triangle of cells.

    Age 0 is left out where every cohort is whole in it, for then it says nothing.

    Args:
        table: As ``retention_table`` returns it: per ``cohort`` x ``age`` the ``cohort_size`` and
            the ``retention_rate``; a cell without a row is not complete yet and becomes a dot.
        grain: Length of a period.
        most: How many of the latest cohorts to show.
        size: Width of the chart; its height follows the number of cohorts.

    Returns:
        The axes; without any row they hold a remark instead.
    """
    import seaborn as sns  # noqa: PLC0415 - a second of import that only this chart needs

    rates = table.pivot_table(index="cohort", columns="age", values="retention_rate", dropna=False)
    if 0 in rates and rates.shape[1] > 1 and bool((rates[0].dropna() == 1).all()):
        rates = rates.drop(columns=0)
    rates = rates.tail(most)
    if rates.empty or rates.isna().all(axis=None):
        return canvas.no_data_panel(canvas.new_sheet(size), "no cohort has a complete period yet")
    sizes = table.groupby("cohort")["cohort_size"].first().reindex(rates.index)
    names = [_cohort_name(cohort, grain) for cohort in rates.index]
    counts = [format_count(count) for count in sizes]
    names_pt, counts_pt = canvas.widest(names) + 8, canvas.widest([*counts, "users"]) + 8
    height_cm = (len(rates) * _CELL_PT + _AXIS_PT + 2) / 72 * 2.54
    panel = canvas.add_panel(
        canvas.new_sheet(size, height_cm=height_cm), left=names_pt + counts_pt, right=0, top=0,
        bottom=_AXIS_PT,
    )
    colors = sns.blend_palette(theme.HEAT, as_cmap=True)
    top = float(np.nanmax(rates.to_numpy())) or 1.0
    sns.heatmap(
        rates, ax=panel, cmap=colors, vmin=0, vmax=top, cbar=False, linewidths=0.6,
        linecolor=theme.PAPER, xticklabels=False, yticklabels=False,
    )
    _write_cells(panel, rates, lambda rate: colors(rate / top))
    _label_cohorts(panel, names, counts, counts_pt)
    ages = [f"{_LETTERS[grain]}{age}" for age in rates.columns]
    canvas.text_ticks(panel, "x", np.arange(len(ages)) + 0.5, ages)
    return panel


@canvas.themed
def plot_retention_curve(
    curve: pd.DataFrame, *, grain: Grain, size: theme.Size = "half"
) -> Axes:
    """Draw the share still active by age over all cohorts that have reached it, with its interval.

    Args:
        curve: One row per ``age``: ``retention_rate``, ``ci_low``, ``ci_high``.
        grain: Length of a period.
        size: Size of the chart.
    """
    known = curve.dropna(subset=["retention_rate"]).sort_values("age")
    sheet = canvas.new_sheet(size)
    if known.empty:
        return canvas.no_data_panel(sheet, "no cohort has a complete period yet")
    if len(known) > 1 and known["age"].iloc[0] == 0 and known["retention_rate"].iloc[0] == 1:
        known = known.iloc[1:]
    ages, rates = known["age"].to_numpy(dtype=float), known["retention_rate"].to_numpy(dtype=float)
    limits = canvas.value_limits([0.0, *rates, *known["ci_high"]], from_zero=True)
    last = format_share(rates[-1])
    panel = canvas.add_panel(
        sheet, left=canvas.scale_width(limits, "share"),
        right=canvas.text_width(last, bold=True) + 10, top=6, bottom=_AXIS_PT,
    )
    canvas.value_axis(panel, limits, "share")
    panel.fill_between(
        ages, known["ci_low"], known["ci_high"], color=theme.PALE, linewidth=0, label="interval"
    )
    panel.plot(
        ages, rates, color=theme.INK, marker="o", markersize=3.4, clip_on=False, label="retention"
    )
    _label_end(panel, ages[-1], rates[-1], last)
    if len(ages) > 1:
        panel.annotate(
            format_share(rates[0]), (ages[0], rates[0]), xytext=(6, 2),
            textcoords="offset points", va="bottom",
        )
    panel.set_xlim(ages[0] - 0.25, max(ages[-1], ages[0] + 1) + 0.05)
    canvas.text_ticks(panel, "x", ages, [f"{_LETTERS[grain]}{age:.0f}" for age in ages])
    return panel


@canvas.themed
def plot_survival(
    table: pd.DataFrame, *, time_unit: str = "months", size: theme.Size = "half"
) -> Axes:
    """Draw the share surviving by time as a step with its band, and how many are still at risk.

    Args:
        table: As ``survival_table`` returns it: ``time``, ``at_risk``, ``survival``, ``ci_low``,
            ``ci_high``, one row per time of an event.
        time_unit: What ``time`` counts.
        size: Size of the chart.
    """
    sheet = canvas.new_sheet(size)
    if table.empty or table["survival"].isna().all():
        return canvas.no_data_panel(sheet, "no subscription has been observed yet")
    known = table.sort_values("time")
    started = known["time"].iloc[0] > 0
    times = np.append([0.0] if started else [], known["time"]).astype(float)
    curve, low, high = (
        np.append([1.0] if started else [], known[name]).astype(float)
        for name in ("survival", "ci_low", "ci_high")
    )
    last = format_share(curve[-1])
    marks = canvas.round_ticks((0.0, max(float(times[-1]), 1.0)))
    names = [f"{mark:g}\n{format_count(_at_risk(known, mark))}" for mark in marks]
    names[0] = f"0 {time_unit}\n{format_count(_at_risk(known, 0.0))} at risk"
    panel = canvas.add_panel(
        sheet, left=max(canvas.scale_width((0, 1), "share"), _half_width(names[0])),
        right=max(canvas.text_width(last, bold=True) + 10, _half_width(names[-1])), top=6,
        bottom=_AXIS_PT + _ROW_PT,
    )
    canvas.value_axis(panel, (0.0, 1.0), "share")
    panel.fill_between(
        times, low, high, step="post", color=theme.PALE, linewidth=0, label="interval"
    )
    panel.step(times, curve, where="post", color=theme.INK, clip_on=False, label="survival")
    _label_end(panel, times[-1], curve[-1], last)
    panel.set_xlim(0, max(float(times[-1]), 1.0))
    canvas.text_ticks(panel, "x", marks, names)
    return panel


def _half_width(text: str) -> float:
    return canvas.widest(text.split("\n"), size=theme.SMALL_PT) / 2


def _at_risk(table: pd.DataFrame, time: float) -> float:
    """Return how many are under observation at a time: the count of the next event's row."""
    later = table.loc[table["time"] >= time, "at_risk"]
    return float(later.iloc[0]) if len(later) else 0.0


def _cohort_name(cohort: dt.date | pd.Timestamp, grain: Grain) -> str:
    if grain == "year":
        return f"{cohort:%Y}"
    return f"{cohort:%b %Y}" if grain in ("month", "quarter") else f"{cohort.day} {cohort:%b}"


def _write_cells(
    panel: Axes, rates: pd.DataFrame, fill: Callable[[float], tuple[float, ...]]
) -> None:
    """Write each cell's rate in per cent, in the ink that reads better on it; a dot if unknown."""
    for (row, column), rate in np.ndenumerate(rates.to_numpy(dtype=float)):
        known = np.isfinite(rate)
        color = _readable_on(fill(rate)) if known else theme.MID
        panel.text(
            column + 0.5, row + 0.5, f"{100 * rate:.0f}" if known else "·", ha="center",
            va="center_baseline", color=color, fontsize=theme.SMALL_PT,
        )


def _readable_on(fill: tuple[float, ...]) -> str:
    """Return ink or paper, whichever stands out more (relative luminance of WCAG 2.2).

    Ink at luminance 0.03 and paper at 1 contrast alike with a fill of 0.23.
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in fill[:3]]
    luminance = float(np.dot((0.2126, 0.7152, 0.0722), linear))
    return theme.INK if luminance > 0.23 else theme.PAPER


def _label_cohorts(
    panel: Axes, names: Sequence[str], counts: Sequence[str], counts_pt: float
) -> None:
    """Write each cohort's name and size to the left of its row."""
    panel.set_ylabel("")
    panel.set_xlabel("")
    for row, (name, count) in enumerate(zip(names, counts, strict=True)):
        for text, shift, color in ((count, -8, theme.GREY), (name, -8 - counts_pt, theme.INK)):
            panel.annotate(
                text, (0, row + 0.5), xytext=(shift, 0), textcoords="offset points", ha="right",
                va="center", color=color,
            )
    panel.annotate(
        "users", (0, 0), xycoords="axes fraction", xytext=(-8, -5), textcoords="offset points",
        ha="right", va="top", color=theme.GREY, fontsize=theme.SMALL_PT,
    )


def _label_end(panel: Axes, place: float, value: float, text: str) -> None:
    panel.annotate(
        text, (place, value), xytext=(6, 0), textcoords="offset points", va="center",
        fontweight="bold",
    )
