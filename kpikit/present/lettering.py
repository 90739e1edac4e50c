"""Text in a chart, measured with its font: how wide it is, how it is cut, how labels keep apart."""

import functools
from collections.abc import Sequence

import numpy as np
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.textpath import text_to_path

from kpikit.present import theme


@functools.cache
def register_fonts() -> None:
    """Make the text face known to matplotlib, ahead of a copy that the machine may have."""
    for path in theme.FONT_FILES.values():
        fontManager.addfont(path)
        fontManager.ttflist.insert(0, fontManager.ttflist.pop())


@functools.lru_cache(maxsize=4096)
def text_width(text: str, *, size: float = theme.TEXT_PT, bold: bool = False) -> float:
    """Return the width of one line of text in points."""
    register_fonts()
    face = FontProperties(
        family=[theme.FONT_FAMILY, theme.FONT_FALLBACK],
        weight="bold" if bold else "normal",
        size=size,
    )
    width, _, _ = text_to_path.get_text_width_height_descent(text, face, ismath=False)
    return float(width)


def widest(texts: Sequence[str], *, size: float = theme.TEXT_PT, bold: bool = False) -> float:
    """Return the width in points of the widest text, 0 for none."""
    return max((text_width(text, size=size, bold=bold) for text in texts), default=0.0)


def fit_text(text: str, width: float, *, size: float = theme.TEXT_PT) -> str:
    """Return the text on one line, cut with an ellipsis where it is wider than ``width`` points."""
    text = " ".join(text.split())
    if text_width(text, size=size) <= width:
        return text
    for length in range(len(text) - 1, 0, -1):
        cut = f"{text[:length].rstrip()}…"
        if text_width(cut, size=size) <= width:
            return cut
    return "…"


def wrap_text(text: str, width: float, *, lines: int, size: float = theme.TEXT_PT) -> str:
    """Break text between words to at most ``lines`` lines of ``width`` points; the last is cut."""
    words, found = text.split(), [""]
    for index, word in enumerate(words):
        longer = f"{found[-1]} {word}".strip()
        if not found[-1] or text_width(longer, size=size) <= width:
            found[-1] = longer
        elif len(found) < lines:
            found.append(word)
        else:
            found[-1] = " ".join([found[-1], *words[index:]])
            break
    return "\n".join(fit_text(line, width, size=size) for line in found)


def spread(positions: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Move positions apart to at least ``gap`` within [low, high], each as little as need be.

    The order stays. Where the gaps do not fit, the positions are spaced evenly over the range.
    """
    if not positions:
        return []
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    if gap * (len(order) - 1) >= high - low:
        even = np.linspace(low, high, len(order)) if len(order) > 1 else [(low + high) / 2]
        return [float(even[order.index(index)]) for index in range(len(order))]
    placed: list[float] = []
    for index in order:
        floor = placed[-1] + gap if placed else low
        placed.append(max(positions[index], floor))
    ceiling = high
    for step in range(len(placed) - 1, -1, -1):
        placed[step] = min(placed[step], ceiling)
        ceiling = placed[step] - gap
    return [placed[order.index(index)] for index in range(len(order))]
