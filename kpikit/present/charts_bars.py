"""Charts of parts: waterfalls, ranked bars, Pareto, composition, estimates with intervals.

Notation after IBCS: bars start at zero, actuals dark, previous year light, green and red for good
and bad effects alone and always with their sign.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kpikit.formats import Unit, format_count, format_delta, format_share, format_value, is_missing
from kpikit.params.model import Direction
from kpikit.present import canvas, theme
from kpikit.present.slots import Floats

_ROW_PT = 10.5  # height of a line of labels
_AXIS_PT = 16.0  # height of one line of labels below a panel
_EDGE_PT = 4.0
_BAR_PT = 17.0  # distance from one horizontal bar to the next
_BAR = 0.58  # width of a bar, in slots
_NAME_PT = 120.0  # longest name beside a horizontal bar


@canvas.themed
def plot_waterfall(
    labels: Sequence[str],
    effects: Sequence[float],
    *,
    start: tuple[str, float],
    end: tuple[str, float],
    unit: Unit,
    currency: str = "",
    direction: Direction = "up",
    size: theme.Size = "half",
) -> Axes:
    """Draw how effects lead from one value to another.

    Args:
        labels: Name of each effect.
        effects: Each effect, signed, in the unit of the values; an unknown one is left out.
        start: Label and value of the first column, drawn light.
        end: Label and value of the last column, drawn dark.
        unit: What the values count.
        currency: ISO code, for money.
        direction: Which way is good; decides green and red.
        size: Size of the chart.

    Returns:
        The axes; a remark instead where a known start or end is missing.
    """
    sheet = canvas.new_sheet(size)
    if is_missing(start[1]) or is_missing(end[1]):
        return canvas.no_data_panel(sheet)
    steps = [(n, float(e)) for n, e in zip(labels, effects, strict=True) if not is_missing(e)]
    levels = start[1] + np.concatenate([[0.0], np.cumsum([effect for _, effect in steps])])
    panel = canvas.add_panel(
        sheet, left=_EDGE_PT, right=_EDGE_PT, top=_ROW_PT + 4, bottom=_AXIS_PT + _ROW_PT
    )
    canvas.value_axis(
        panel, canvas.value_limits([*levels, end[1]], from_zero=True), unit, labelled=False,
        grid=False,
    )
    count = len(steps) + 2
    panel.set_xlim(-0.5, count - 0.5)
    panel.bar(0, start[1], _BAR, color=theme.LIGHT, label="start")
    panel.bar(count - 1, end[1], _BAR, color=theme.INK, label="end")
    for index, (_, effect) in enumerate(steps):
        color = theme.GOOD if (effect > 0) == (direction == "up") else theme.BAD
        panel.bar(index + 1, effect, _BAR, bottom=levels[index], color=color, label="effect")
    for index, level in enumerate(levels):
        panel.plot(
            [index + _BAR / 2, index + 1 - _BAR / 2], [level] * 2, color=theme.INK, linewidth=0.6
        )
    tops = [max(start[1], 0.0), *np.maximum(levels[:-1], levels[1:]), max(end[1], 0.0)]
    texts = [
        format_value(start[1], unit, currency=currency, short=True),
        *(format_delta(effect, unit, currency=currency) for _, effect in steps),
        format_value(end[1], unit, currency=currency, short=True),
    ]
    for index, (top, text) in enumerate(zip(tops, texts, strict=True)):
        _write_above(panel, index, top, text, bold=index in (0, count - 1))
    width = canvas.panel_points(panel)[0] / count - 4
    names = [start[0], *(name for name, _ in steps), end[0]]
    canvas.text_ticks(
        panel, "x", range(count), [canvas.wrap_text(name, width, lines=2) for name in names]
    )
    return panel


def plot_mrr_waterfall(
    movements: Mapping[str, float],
    *,
    labels: tuple[str, str] = ("start", "end"),
    currency: str,
    size: theme.Size = "half",
) -> Axes:
    """Draw how new, returning, growing, shrinking and leaving customers moved MRR.

    Args:
        movements: A row of ``mrr_table``: ``mrr_start``, ``new``, ``reactivation``, ``expansion``,
            ``contraction``, ``churned``, ``mrr_end``; losses are negative or, as amounts, positive.
        labels: Names of the first and the last column.
        currency: ISO code.
        size: Size of the chart.
    """
    gains = ("new", "reactivation", "expansion")
    losses = ("contraction", "churned")
    effects = [float(movements[name]) for name in gains]
    effects += [-abs(float(movements[name])) for name in losses]
    return plot_waterfall(
        (*gains, *losses), effects, start=(labels[0], float(movements["mrr_start"])),
        end=(labels[1], float(movements["mrr_end"])), unit="money", currency=currency, size=size,
    )


@canvas.themed
def plot_ranked_bars(
    frame: pd.DataFrame,
    *,
    unit: Unit,
    currency: str = "",
    other: str = "other",
    small_n: int = 0,
    size: theme.Size = "half",
) -> Axes:
    """Draw one bar per segment, longest first, the year before as a light bar behind.

    Args:
        frame: One row per segment: ``segment``, ``value``; where known ``share`` (of the total),
            ``previous`` (a year before), ``n`` (units behind the value). A segment without a value
            keeps its row and says so.
        unit: What the values count.
        currency: ISO code, for money.
        other: Segment that gathers the rest; it comes last.
        small_n: Segments with fewer units are drawn hatched and bear their ``n``.
        size: Width of the chart; its height follows the number of segments.

    Returns:
        The axes; without any value they hold a remark instead.
    """
    rows = _ranked(frame, other)
    if rows.empty or rows["value"].isna().all():
        return canvas.no_data_panel(canvas.new_sheet(size), canvas.first_reason(frame))
    texts = [_bar_text(row, unit, currency, small_n) for row in rows.to_dict("records")]
    panel, places = _bar_panel(rows, texts, size)
    if "previous" in rows and rows["previous"].notna().any():
        panel.barh(
            places - 0.16, rows["previous"].fillna(0.0), _BAR, color=theme.LIGHT,
            label="previous year",
        )
    for place, row in zip(places, rows.to_dict("records"), strict=True):
        few = _is_small(row, small_n)
        panel.barh(
            place, np.nan_to_num(row["value"]), _BAR, color=theme.PAPER if few else theme.INK,
            edgecolor=theme.INK, linewidth=0.7 if few else 0.0, hatch="////" if few else None,
            label="few" if few else "actual",
        )
    _write_beside(panel, places, rows, texts)
    return panel


@canvas.themed
def plot_pareto(
    frame: pd.DataFrame, *, other: str = "other", size: theme.Size = "half"
) -> Axes:
    """Draw how often each reason was given, most frequent first, with the cumulative share.

    Args:
        frame: One row per reason: ``segment`` (the reason), ``value`` (how often), ``share``,
            ``cumulative_share`` (of this and all bars above it).
        other: Reason that gathers the rest; it comes last.
        size: Width of the chart; its height follows the number of reasons.

    Returns:
        The axes; without any value they hold a remark instead.
    """
    rows = _ranked(frame, other)
    if rows.empty or rows["value"].isna().all():
        return canvas.no_data_panel(canvas.new_sheet(size), canvas.first_reason(frame))
    head = "cumulative"
    texts = [
        f"{format_count(row.value)} · {_share_text(row.share)}" for row in rows.itertuples()
    ]
    panel, places = _bar_panel(
        rows, texts, size, right_pt=canvas.text_width(head) + 10, top_pt=_ROW_PT + 4
    )
    panel.barh(places, rows["value"], _BAR, color=theme.INK, label="actual")
    _write_beside(panel, places, rows, texts)
    at_edge = {"ha": "right", "va": "center", "color": theme.GREY, "annotation_clip": False}
    for place, share in zip(places, rows["cumulative_share"], strict=True):
        text = format_share(share, digits=0)
        panel.annotate(text, (1, place), xycoords=("figure fraction", "data"), **at_edge)
    panel.annotate(head, (1, -0.75), xycoords=("figure fraction", "data"), **at_edge)
    return panel


@canvas.themed
def plot_dot_intervals(
    frame: pd.DataFrame,
    *,
    unit: Unit,
    currency: str = "",
    target: float | None = None,
    n_of: str = "n",
    size: theme.Size = "half",
) -> Axes:
    """Draw an estimate with its interval for each label, such as NPS by quarter.

    Args:
        frame: One row per label, in order: ``label``, ``value``, ``ci_low``, ``ci_high``, ``n``.
        unit: What the values count.
        currency: ISO code, for money.
        target: A dashed line across.
        n_of: What ``n`` counts, printed before it.
        size: Size of the chart.

    Returns:
        The axes; without any value they hold a remark instead.
    """
    sheet = canvas.new_sheet(size)
    if frame.empty or frame["value"].isna().all():
        return canvas.no_data_panel(sheet, canvas.first_reason(frame))
    goal = [] if target is None else [target]
    limits = canvas.value_limits(
        [*frame["value"], *frame["ci_low"], *frame["ci_high"], *goal], from_zero=False
    )
    right = canvas.text_width("target") + 8 if goal else _EDGE_PT
    panel = canvas.add_panel(
        sheet, left=canvas.scale_width(limits, unit), right=right, top=6,
        bottom=_AXIS_PT + _ROW_PT,
    )
    canvas.value_axis(panel, limits, unit)
    panel.set_xlim(-0.5, len(frame) - 0.5)
    for level in goal:
        panel.axhline(level, color=theme.INK, linewidth=1.1, linestyle=(0, (3.5, 2)))
        panel.annotate(
            "target", (1, level), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center",
        )
    places = np.arange(len(frame))
    panel.vlines(places, frame["ci_low"], frame["ci_high"], color=theme.MID, linewidth=2.4)
    panel.plot(places, frame["value"], "o", color=theme.INK, markersize=5, label="actual")
    for place, value in zip(places, frame["value"], strict=True):
        panel.annotate(
            "" if is_missing(value) else format_value(value, unit, currency=currency, short=True),
            (place, np.nan_to_num(value)), xytext=(6, 0), textcoords="offset points", va="center",
            fontweight="bold" if place == places[-1] else "normal", bbox=canvas.ON_PAPER,
        )
    names = [
        f"{label}\n{n_of} = {format_count(n)}"
        for label, n in zip(frame["label"], frame["n"], strict=True)
    ]
    canvas.text_ticks(panel, "x", places, names)
    return panel


@canvas.themed
def plot_composition(
    frame: pd.DataFrame,
    *,
    parts: Mapping[str, str],
    n_of: str = "n",
    size: theme.Size = "half",
) -> Axes:
    """Draw what each whole is made of, as bars of 100 %.

    Args:
        frame: One row per ``label``, in order, with a column of shares (0 to 1) per part, and ``n``.
        parts: Column of each part to its name, from the left; the first is drawn darkest.
        n_of: What ``n`` counts, printed before it.
        size: Width of the chart; its height follows the number of bars.
    """
    rows = frame.dropna(subset=list(parts))
    if rows.empty:
        return canvas.no_data_panel(canvas.new_sheet(size), canvas.first_reason(frame))
    names = [str(label) for label in rows["label"]]
    counts = [f"{n_of} = {format_count(n)}" for n in rows["n"]]
    sheet = canvas.new_sheet(size, height_cm=_bars_height_cm(len(rows), 2 * _ROW_PT))
    panel = canvas.add_panel(
        sheet, left=canvas.widest(names) + 8, right=canvas.widest(counts) + 8, top=_ROW_PT + 6,
        bottom=2,
    )
    panel.set_xlim(0, 1)
    panel.set_ylim(len(rows) - 0.5, -0.5)
    panel.spines["bottom"].set_visible(False)
    canvas.hide_ticks(panel, "x")
    places = np.arange(len(rows))
    canvas.text_ticks(panel, "y", places, names)
    panel.tick_params(axis="y", labelcolor=theme.INK, labelsize=theme.TEXT_PT)
    _draw_parts(panel, rows, parts)
    for place, text in zip(places, counts, strict=True):
        panel.annotate(
            text, (1, place), xytext=(6, 0), textcoords="offset points", va="center",
            color=theme.GREY,
        )
    return panel


_PART_COLORS = ((theme.INK, theme.PAPER), (theme.LIGHT, theme.INK), (theme.PALE, theme.INK))


def _draw_parts(panel: Axes, rows: pd.DataFrame, parts: Mapping[str, str]) -> None:
    width, _ = canvas.panel_points(panel)
    left = np.zeros(len(rows))
    for (column, name), (fill, text_color) in zip(parts.items(), _PART_COLORS, strict=False):
        shares = rows[column].to_numpy(dtype=float)
        panel.barh(range(len(rows)), shares, 0.66, left=left, color=fill, label=name)
        for place, (start, share) in enumerate(zip(left, shares, strict=True)):
            text = format_share(share, digits=0)
            if canvas.text_width(text) + 4 <= share * width:
                panel.text(
                    start + share / 2, place, text, ha="center", va="center", color=text_color
                )
        middle = (left[0] + shares[0] / 2) * width
        half = canvas.text_width(name) / 2
        panel.annotate(
            name, (min(max(middle, half), width - half) / width, 1), xycoords="axes fraction",
            xytext=(0, 3), textcoords="offset points", ha="center", color=theme.GREY,
        )
        left = left + shares


def _ranked(frame: pd.DataFrame, other: str) -> pd.DataFrame:
    """Sort segments by value, unknown ones after, the gathered rest last; names break ties."""
    rank = frame.assign(_rest=frame["segment"] == other)
    rank = rank.sort_values(
        ["_rest", "value", "segment"], ascending=[True, False, True], na_position="last"
    )
    return rank.drop(columns="_rest").reset_index(drop=True)


def _is_small(row: Mapping[str, float], small_n: int) -> bool:
    return not is_missing(row.get("n", np.nan)) and row["n"] < small_n


def _bar_text(row: Mapping[str, float], unit: Unit, currency: str, small_n: int) -> str:
    if is_missing(row["value"]):
        known = not is_missing(row.get("n", np.nan))
        return str(row.get("reason") or "") or (f"n = {format_count(row['n'])}" if known else "–")
    text = format_value(row["value"], unit, currency=currency, short=True)
    if not is_missing(row.get("share", np.nan)):
        text += f" · {_share_text(row['share'])}"
    return f"{text} (n = {format_count(row['n'])})" if _is_small(row, small_n) else text


def _share_text(share: float) -> str:
    """Return a share in whole per cent; a little is not nothing."""
    return "< 1 %" if 0 < share < 0.005 else format_share(share, digits=0)


def _bars_height_cm(count: int, extra_pt: float) -> float:
    return (max(count, 2) * _BAR_PT + extra_pt) / 72 * 2.54


def _bar_panel(
    rows: pd.DataFrame, texts: Sequence[str], size: theme.Size, *, right_pt: float = 0.0,
    top_pt: float = 2.0,
) -> tuple[Axes, Floats]:
    """Return axes for horizontal bars, with room at their ends for the texts, and bar positions."""
    names = [canvas.fit_text(str(name), _NAME_PT) for name in rows["segment"]]
    sheet = canvas.new_sheet(size, height_cm=_bars_height_cm(len(rows), top_pt + 2))
    panel = canvas.add_panel(
        sheet, left=canvas.widest(names) + 8, right=canvas.widest(texts) + 10 + right_pt,
        top=top_pt, bottom=2,
    )
    known = pd.concat([rows["value"], rows.get("previous", pd.Series(dtype=float))]).dropna()
    low, high = min(0.0, known.min()), max(0.0, known.max())
    panel.set_xlim(low, high if high > low else low + 1)
    panel.set_ylim(max(len(rows), 2) - 0.5, -0.5)
    panel.spines["bottom"].set_visible(False)
    panel.axvline(0, color=theme.INK, linewidth=0.8, zorder=3)
    canvas.hide_ticks(panel, "x")
    places = np.arange(len(rows), dtype=float)
    canvas.text_ticks(panel, "y", places, names)
    panel.tick_params(axis="y", labelcolor=theme.INK, labelsize=theme.TEXT_PT)
    return panel, places


def _write_beside(
    panel: Axes, places: Sequence[float], rows: pd.DataFrame, texts: Sequence[str]
) -> None:
    previous = rows["previous"] if "previous" in rows else rows["value"]
    ends = np.fmax(np.fmax(rows["value"], previous), 0.0).fillna(0.0)
    for place, end, value, text in zip(places, ends, rows["value"], texts, strict=True):
        panel.annotate(
            text, (end, place), xytext=(5, 0), textcoords="offset points", va="center",
            color=theme.GREY if is_missing(value) else theme.INK,
        )


def _write_above(panel: Axes, place: float, top: float, text: str, *, bold: bool) -> None:
    panel.annotate(
        text, (place, top), xytext=(0, 2), textcoords="offset points", ha="center", va="bottom",
        fontweight="bold" if bold else "normal",
    )
