"""What every chart shares: a sheet of paper in points, labels that keep apart, the way to SVG.

Figures are plain ``matplotlib.figure.Figure`` objects. pyplot knows nothing of them, so none is
left open and a notebook shows a chart once. Margins are given in points and text is measured with
its font, so no layout engine runs and a chart is drawn exactly once.
"""

import functools
import itertools
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import MaxNLocator

from kpikit.formats import MINUS, Unit, is_missing
from kpikit.present import components, lettering, theme
from kpikit.present.panels import Coordinates, Label, Panel
from kpikit.present.slots import Slots, Ticks, slot_ticks
from kpikit.present.svg import svg_text

_SCALES = ((1e9, " bn"), (1e6, " M"), (1e3, " k"), (1.0, ""))

ROW_PT = 10.5  # height of a line of text
AXIS_PT = 16.0  # height of the labels below a panel
EDGE_PT = 4.0  # for what reaches a little beyond its panel

_CAPITAL_EM = 0.66  # height of a capital, in parts of the type size
_LINE_EM = 1.06  # from one baseline to the next
P = ParamSpec("P")
T = TypeVar("T")


def themed(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function that draws under kpikit's settings, and leave these as they were."""

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> T:
        lettering.register_fonts()
        settings: Any = mpl.rcParams  # its stub knows literal names alone
        before = {name: settings[name] for name in theme.RC_PARAMS}  # of 330, which take longer
        with warnings.catch_warnings():
            # a chart with signs that its fonts lack says so itself, see ``figure``
            warnings.filterwarnings("ignore", r"(?s)Glyph \d+ .* missing from font")
            try:
                settings.update(theme.RC_PARAMS)
                return function(*args, **kwargs)
            finally:
                settings.update(before)

    return inner


def new_sheet(size: theme.Size, *, height_cm: float | None = None) -> Figure:
    """Return an empty figure of a size of ``theme.SIZES_CM``, at another height if given."""
    width, height = theme.SIZES_CM[size]
    sheet = Figure(figsize=(width / 2.54, (height_cm or height) / 2.54))
    sheet.patch.set_visible(False)
    return sheet


def sheet_points(sheet: Figure) -> tuple[float, float]:
    """Return the width and height of a figure in points."""
    width, height = sheet.get_size_inches()
    return 72 * float(width), 72 * float(height)


def add_panel(
    sheet: Figure, *, left: float, right: float, top: float, bottom: float, label: str = ""
) -> Panel:
    """Return new axes, bare, whose edges lie so many points inside the sheet's."""
    width, height = sheet_points(sheet)
    box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height)
    panel = Panel(sheet, box, label=label)
    sheet.add_axes(panel)
    return panel


def panel_points(panel: Panel) -> tuple[float, float]:
    """Return the width and height of axes in points."""
    width, height = sheet_points(_sheet_of(panel))
    box = panel.get_position()
    return float(box.width) * width, float(box.height) * height


def value_limits(values: Sequence[float], *, from_zero: bool) -> tuple[float, float]:
    """Return the ends of a value axis that holds all values, with a little air.

    Bars start at zero (``from_zero``). Lines do too, unless the values vary by less than a third of
    their size: then the axis begins near the lowest, and its ticks say so.
    """
    known = [float(value) for value in values if not is_missing(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    span = high - low
    if from_zero or span > max(abs(low), abs(high)) / 3:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        pad = abs(high) or 1.0
        low, high = (0.0, 1.0) if high == 0 else (high - pad / 4, high + pad / 4)
    air = 0.06 * (high - low)
    return (low if low == 0 else low - air), (high if high == 0 else high + air)


def value_axis(
    panel: Panel,
    limits: tuple[float, float],
    unit: Unit,
    *,
    labelled: bool = True,
    grid: bool = True,
) -> None:
    """Set the vertical scale: few round ticks, hairlines across, a dark line at zero alone."""
    panel.set_ylim(*limits)
    marks = round_ticks(limits)
    if labelled:
        label_axis(panel, "y", marks, tick_texts(marks, unit))
    across = panel.get_yaxis_transform()
    if grid:
        panel.level_lines(
            marks, 0, 1, transform=across, color=theme.LINE, linewidth=0.6, zorder=0.4
        )
    has_zero = limits[0] <= 0 <= limits[1]
    panel.line(
        [0, 1], [0 if has_zero else limits[0]] * 2, transform=across, linewidth=0.8, zorder=1.5,
        color=theme.INK if has_zero else theme.LINE, label="base", clip_on=False,
    )  # fmt: skip


def scale_width(limits: tuple[float, float], unit: Unit) -> float:
    """Return the room in points that the labels of a vertical scale take."""
    return lettering.widest(tick_texts(round_ticks(limits), unit), size=theme.SMALL_PT) + 6


def slot_axis(panel: Panel, slots: Slots) -> None:
    """Set the horizontal axis over slots, labelled as densely as the labels have room."""
    panel.set_xlim(-0.5, len(slots) - 0.5)
    width, _ = panel_points(panel)
    choices = slot_ticks(slots)
    ticks = next((ticks for ticks in choices if _has_room(ticks, width / len(slots))), choices[-1])
    label_axis(panel, "x", ticks.positions, ticks.labels)


def _has_room(ticks: Ticks, slot_pt: float) -> bool:
    halves = [lettering.text_width(label, size=theme.SMALL_PT) / 2 for label in ticks.labels]
    return all(
        (after - before) * slot_pt >= left + right + 8
        for (before, after), (left, right) in zip(
            itertools.pairwise(ticks.positions), itertools.pairwise(halves), strict=True
        )
    )


def round_ticks(limits: tuple[float, float]) -> list[float]:
    """Return a few round values within the limits."""
    locator = MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10])
    low, high = limits
    slack = 1e-9 * (high - low)
    return [float(m) for m in locator.tick_values(low, high) if low - slack <= m <= high + slack]


def tick_texts(marks: Sequence[float], unit: Unit) -> list[str]:
    """Return tick labels of one scale and as many decimals as the step needs: ``0``, ``250 k``.

    Currency symbols are left to the labels of the data and to the subtitle; shares become ``%``.
    """
    values = [100 * mark if unit == "share" else mark for mark in marks]
    largest = max((abs(value) for value in values), default=0.0)
    factor, suffix = next(
        ((f, s) for f, s in _SCALES if unit != "share" and largest >= f), (1.0, "")
    )
    scaled = [value / factor for value in values]
    steps = [b - a for a, b in itertools.pairwise(scaled) if b > a] or [
        abs(scaled[0]) if scaled else 1.0
    ]
    digits = next(
        (d for d in range(6) if abs(round(steps[0], d) - steps[0]) < 1e-9 * (1 + steps[0])), 6
    )
    suffix = " %" if unit == "share" else suffix
    return [_tick_text(value, digits, suffix) for value in scaled]


def write(
    panel: Panel,
    text: str,
    at: tuple[float, float],
    *,
    within: tuple[Coordinates, Coordinates] = ("data", "data"),
    shift: tuple[float, float] = (0.0, 0.0),
    align: Literal["left", "center", "right"] = "left",
    stand: Literal["center", "top", "bottom"] = "center",
    color: str = theme.INK,
    size: float = theme.TEXT_PT,
    bold: bool = False,
    on_paper: bool = False,
) -> Label:
    """Write a text in a chart and return it.

    Args:
        panel: Where.
        text: What.
        at: The point that it belongs to.
        within: What the point's place across and its height are counted in: the data, or parts of
            the panel or of the sheet from 0 to 1.
        shift: How far beside the point, in points.
        align: Which side of the text lies there.
        stand: Which part of the text lies at the point's height; capitals count, tails do not.
        color: Its colour.
        size: Its size in points.
        bold: Whether it is bold.
        on_paper: Whether it hides a line that runs behind it.
    """
    # matplotlib aligns by the letters at hand, so "Apr" would stand higher than "Jan"; counted
    # from the last baseline, all texts of a row stand alike.
    height = _CAPITAL_EM + text.count("\n") * _LINE_EM
    drop = size * {"top": height, "center": height / 2, "bottom": 0.0}[stand]
    label = Label(
        *at, text, transform=panel.place(within, (shift[0], shift[1] - drop)), align=align,
        color=color, size=size, bold=bold, on_paper=on_paper,
    )  # fmt: skip
    panel.add_artist(label)
    return label


def label_axis(
    panel: Panel,
    which: Literal["x", "y"],
    positions: Iterable[float],
    labels: Iterable[str],
    *,
    color: str = theme.GREY,
    size: float = theme.SMALL_PT,
) -> None:
    """Write labels below a panel or to its left.

    They are plain texts with the gid ``x label`` or ``y label``: matplotlib's own ticks cost as
    much as all else in a chart, for each brings marks and grid lines that stay unseen.
    """
    for position, label in zip(positions, labels, strict=True):
        text = (
            write(
                panel, label, (position, 0), within=("data", "panel"), shift=(0, -5),
                align="center", stand="top", color=color, size=size,
            )
            if which == "x"
            else write(
                panel, label, (0, position), within=("panel", "data"), shift=(-5, 0),
                align="right", color=color, size=size,
            )
        )  # fmt: skip
        text.set_gid(f"{which} label")


def no_data_panel(sheet: Figure, reason: str = "") -> Panel:
    """Return axes over the whole sheet that say there is nothing to draw, and why."""
    panel = add_panel(sheet, left=0, right=0, top=0, bottom=0, label="no data")
    width, _ = sheet_points(sheet)
    text = f"No data: {reason}" if reason else "No data"
    lines = lettering.wrap_text(text, 0.8 * width, lines=3)
    write(
        panel, lines, (0.5, 0.5), within=("panel", "panel"), align="center", color=theme.GREY
    )  # fmt: skip
    return panel


def first_reason(frame: pd.DataFrame) -> str:
    """Return the first reason that a frame of facts gives for a missing value, or nothing."""
    reasons = [str(reason) for reason in frame.get("reason", ()) if reason]
    return reasons[0] if reasons else ""


@themed
def figure(
    axes: Axes, *, title: str, subtitle: str, alt: str, notes: Sequence[str] = ()
) -> components.Figure:
    """Return the chart that holds ``axes`` as a component of a report.

    Args:
        axes: Any axes of the chart: those a ``plot_*`` function returned, or an analyst's own.
        title: The message, with its number.
        subtitle: What, unit and period.
        alt: What a reader who cannot see the chart is told.
        notes: Remarks printed below.

    Raises:
        ValueError: The chart has no alternative text.
    """
    if not alt.strip():
        raise ValueError(
            "A figure needs alt text.\nSay what the chart shows, with its main numbers."
        )
    sheet = _sheet_of(axes)
    svg = svg_text(sheet)
    if lacking := _signs_without_font(sheet):
        notes = (*notes, f"Shown as boxes, for no font of the report has them: {lacking}")
    if getattr(sheet, "number", None) is not None:  # pyplot made it, and would show it once more
        import matplotlib.pyplot as plt  # noqa: PLC0415 - loaded already, by whoever used it

        plt.close(sheet)
    return components.Figure(svg=svg, alt=alt, title=title, subtitle=subtitle, notes=tuple(notes))


def _signs_without_font(sheet: Figure) -> str:
    """Return the characters of all texts that neither font can draw."""
    texts = [text for axes in sheet.axes for text in axes.texts]
    for axes in sheet.axes:  # those of an analyst's own chart; ours have none
        for axis in (axes.xaxis, axes.yaxis):
            texts += axis.get_ticklabels() if axis.get_visible() else []
    used = {char for text in texts for char in text.get_text() if not char.isspace()}
    return "".join(sorted(char for char in used if ord(char) not in _known_signs()))


@functools.cache
def _known_signs() -> frozenset[int]:
    files = (theme.FONT_FILES["Regular"], findfont(theme.FONT_FALLBACK))
    return frozenset().union(*(get_font(str(path)).get_charmap() for path in files))


def _sheet_of(axes: Axes) -> Figure:
    sheet = axes.get_figure(root=True)
    if sheet is None:
        raise ValueError("These axes belong to no figure.\nDraw them on one, then pass them.")
    return sheet


def _tick_text(value: float, digits: int, suffix: str) -> str:
    text = f"{abs(value):,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        return f"0{suffix}" if suffix == " %" else "0"
    return f"{MINUS if value < 0 else ''}{text}{suffix}"
