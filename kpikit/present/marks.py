"""The geometry of the small marks inside tiles and tables, the same on every face.

Coordinates lie in a unit square, x to the right and y downwards; a face scales them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from kpikit.present import theme

_INK_FROM = 0.62  # above this shade white reads better than ink


@dataclass(frozen=True)
class Spark:
    """A sparkline: runs of points (a missing value parts them), its last point, its target line."""

    lines: tuple[tuple[tuple[float, float], ...], ...]
    dot: tuple[float, float] | None
    target: float | None


def spark(values: Sequence[float | None], target: float | None = None) -> Spark:
    """Return the sparkline of values in time order; values that are all alike run in the middle."""
    known = [value for value in values if _is_known(value)]
    scale = [*known, target] if known and _is_known(target) else known
    low, high = min(scale, default=0.0), max(scale, default=0.0)
    span = high - low
    step = 1 / max(len(values) - 1, 1)

    def height(value: float) -> float:
        return round(1 - (value - low) / span, 4) if span else 0.5

    runs: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if _is_known(value):
            runs[-1].append((round(index * step, 4), height(value)))
        elif runs[-1]:
            runs.append([])
    lines = tuple(tuple(run) for run in runs if run)
    dot = lines[-1][-1] if lines else None
    return Spark(lines, dot, height(target) if known and _is_known(target) else None)


def spark_alt(values: Sequence[float | None], target: float | None = None) -> str:
    """Return a sparkline in words, for those who hear the page."""
    known = [value for value in values if _is_known(value)]
    if not known:
        return "No values yet"
    last = known[-1]
    place = (
        "unchanged" if min(known) == max(known)
        else "the last is the highest" if last == max(known)
        else "the last is the lowest" if last == min(known)
        else f"the last is {'higher' if last > known[0] else 'lower'} than the first"
    )  # fmt: skip
    against = ""
    if _is_known(target):
        side = "on" if last == target else "above" if last > target else "below"
        against = f", {side} target"
    return f"Trend of {len(values)} periods: {place}{against}"


def bullet(mark: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bullet graph with every length inside its scale of 0 to 1."""
    return {
        name: min(max(float(mark[name]), 0.0), 1.0) if _is_known(mark.get(name)) else None
        for name in ("value", "target", "low", "high")
    } | {"tone": mark.get("tone", "neutral")}


def shade(level: float) -> tuple[str, str]:
    """Return the fill and the text colour of a heat map's cell of this level, 0 to 1."""
    part = min(max(level, 0.0), 1.0)
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in theme.HEAT]
    mixed = [round(a + (b - a) * part) for a, b in zip(*ends, strict=True)]
    fill = "#" + "".join(f"{channel:02x}" for channel in mixed)
    return fill, theme.PAPER if part > _INK_FROM else theme.INK


def _is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
