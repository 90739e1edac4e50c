"""Text in a chart, measured with its font: how wide it is, how it is cut, how labels keep apart.

What depends on a text and its weight alone is found once: reports repeat their labels.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.ft2font import LoadFlags
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

from kpikit.present import theme

EM = 1000  # units of an outline to the type size; the text face is drawn in them, so none is lost
_COMMANDS = {int(Path.LINETO): "l", int(Path.CURVE3): "q", int(Path.CURVE4): "c"}

_contours: dict[str, Any] = {}  # of each glyph, as ``_stepped`` returns them


@functools.cache
def register_fonts() -> None:
    """Make the text face known to matplotlib, ahead of a copy that the machine may have."""
    for path in theme.FONT_FILES.values():
        fontManager.addfont(path)
        fontManager.ttflist.insert(0, fontManager.ttflist.pop())


def text_width(text: str, *, size: float = theme.TEXT_PT, bold: bool = False) -> float:
    """Return the width of one line of text in points."""
    return _set_width(text, bold=bold) * size / text_to_path.FONT_SCALE


@functools.lru_cache(maxsize=4096)
def _set_width(text: str, *, bold: bool) -> float:
    """Return the width of a text set as large as matplotlib measures all."""
    face = _face(text_to_path.FONT_SCALE, bold=bold)
    face.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    return float(face.get_width_height()[0]) / 64


@functools.lru_cache(maxsize=4096)
def outline(text: str, *, bold: bool = False) -> str:
    """Return the shapes of one line of text as the data of an SVG path, upwards from its baseline.

    Contours begin at absolute places and go on by steps, which take half as many digits.
    """
    face = _face(EM / 64, bold=bold)  # FreeType counts in 64ths
    placed, new, _ = text_to_path.get_glyphs_with_font(
        face, text, glyph_map=_contours, return_new_glyphs_only=True
    )
    _contours.update((name, _stepped(Path(*glyph))) for name, glyph in new.items())
    return "".join(
        f"M{start + round(64 * across)} {height}{steps}"
        for name, across, _, _ in placed
        for start, height, steps in _contours[name]
    )


def _stepped(glyph: Path) -> list[tuple[int, int, str]]:
    """Return the contours of a glyph: where each starts, and the steps from there."""
    found: list[tuple[int, int, str]] = []
    here = np.zeros(2, dtype=int)
    for points, code in glyph.iter_segments(simplify=False):
        places = np.rint(64 * points).astype(int).reshape(-1, 2)
        if code == Path.MOVETO:
            found.append((int(places[0, 0]), int(places[0, 1]), ""))
        else:
            steps = " ".join(map(str, (places - here).ravel())).replace(" -", "-")
            start, height, before = found[-1]
            command = "z" if code == Path.CLOSEPOLY else f"{_COMMANDS[int(code)]}{steps}"
            found[-1] = (start, height, before + command)
        here = places[-1]
    return found


def _face(size: float, *, bold: bool) -> Any:
    """Return the text face and the one that stands in for it, set to a size in pixels."""
    register_fonts()
    face = get_font(_face_files(bold=bold))
    face.set_size(size, text_to_path.DPI)
    return face


@functools.cache
def _face_files(*, bold: bool) -> tuple[str, ...]:
    families = (theme.FONT_FAMILY, theme.FONT_FALLBACK)
    weight = "bold" if bold else "normal"
    return tuple(findfont(FontProperties(family=[name], weight=weight)) for name in families)


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
