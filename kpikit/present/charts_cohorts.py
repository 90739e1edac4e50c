"""The cohort triangle: which share of those who joined together is still there."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kpikit.formats import format_count
from kpikit.periods import Grain
from kpikit.present import canvas, lettering, theme
from kpikit.present.frames import age_names, cohort_name, cohort_rates
from kpikit.present.panels import Panel

_CELL_PT = 13.5  # height of a row of cells
_DOT_PT = 0.98  # as large as a dot of the text would be


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

    rates = cohort_rates(table).tail(most)
    if rates.empty:
        reason = "no cohort has a complete period yet"
        return canvas.no_data_panel(canvas.new_sheet(size), reason)
    names = [cohort_name(cohort, grain) for cohort in rates.index]
    sizes = table.groupby("cohort")["cohort_size"].first().reindex(rates.index)
    counts = [format_count(count) for count in sizes]
    counts_pt = lettering.widest([*counts, "users"]) + 8
    panel = canvas.add_panel(
        canvas.new_sheet(size, height_cm=(len(rates) * _CELL_PT + canvas.AXIS_PT + 2) / 72 * 2.54),
        left=lettering.widest(names) + 8 + counts_pt,
        right=0,
        top=0,
        bottom=canvas.AXIS_PT,
    )
    colors = sns.blend_palette(theme.HEAT, as_cmap=True)
    top = float(np.nanmax(rates.to_numpy())) or 1.0
    sns.heatmap(
        rates, ax=panel, cmap=colors, vmin=0, vmax=top, cbar=False, linewidths=0.6,
        linecolor=theme.PAPER, xticklabels=False, yticklabels=False,
    )  # fmt: skip
    _write_cells(panel, rates, lambda rate: colors(rate / top))
    _label_cohorts(panel, names, counts, counts_pt)
    canvas.label_axis(panel, "x", np.arange(rates.shape[1]) + 0.5, age_names(rates, grain))
    return panel


def _write_cells(
    panel: Panel, rates: pd.DataFrame, fill: Callable[[float], tuple[float, ...]]
) -> None:
    """Write each cell's rate in per cent, in the ink that reads better on it; a dot if unknown."""
    values = rates.to_numpy(dtype=float)
    for row, column in np.argwhere(np.isfinite(values)):
        rate = values[row, column]
        canvas.write(
            panel, f"{100 * rate:.0f}", (column + 0.5, row + 0.5), align="center",
            size=theme.SMALL_PT, color=_readable_on(fill(rate)),
        )  # fmt: skip
    down, across = np.nonzero(~np.isfinite(values))
    panel.dots(
        across + 0.5, down + 0.5, _DOT_PT, color=theme.MID, markeredgewidth=0,
        label="not complete",
    )  # fmt: skip


def _readable_on(fill: Sequence[float]) -> str:
    """Return ink or paper, whichever stands out more (relative luminance of WCAG 2.2).

    Ink at luminance 0.03 and paper at 1 contrast alike with a fill of 0.23.
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in fill[:3]]
    luminance = float(np.dot((0.2126, 0.7152, 0.0722), linear))
    return theme.INK if luminance > 0.23 else theme.PAPER


def _label_cohorts(
    panel: Panel, names: Sequence[str], counts: Sequence[str], counts_pt: float
) -> None:
    """Write each cohort's name and size to the left of its row."""
    panel.set_ylabel("")
    panel.set_xlabel("")
    for row, (name, count) in enumerate(zip(names, counts, strict=True)):
        at = (0, row + 0.5)
        canvas.write(panel, name, at, shift=(-8 - counts_pt, 0), align="right")
        canvas.write(panel, count, at, shift=(-8, 0), align="right", color=theme.GREY)
    canvas.write(
        panel, "users", (0, 0), within=("panel", "panel"), shift=(-8, -5), align="right",
        stand="top", color=theme.GREY, size=theme.SMALL_PT,
    )  # fmt: skip
