"""Text in a chart, measured with its font: how wide it is, how it is cut, how labels keep apart.

What depends on a text and its weight alone is found once: reports repeat their labels. A text that
is new is put together of pairs of signs that others had: to have it laid out takes 0.3 ms.
"""

import functools
import itertools
import re
import string
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

# Signs that stand side by side as in their order, each as far from the next as the two demand.
_LATIN = re.compile("[ -~\u00a1-\u00ac\u00ae-\u024f\u2013\u2014\u2018-\u201d\u2026\u20ac\u2212]*")

# What stands beside what; last t and f, for the face joins ft and ff, and such a line teaches none.
_NUMBERS = string.digits + " ,.%·()+−–±=$£€kMnQW"
_WORDS = " ,.:()-abcdeghijklmnopqrsuvwxyztf"

_Glyph = tuple[str, int]  # the name of its contours; how far the next one stands, in units

_contours: dict[str, Any] = {}  # of each glyph, as ``_stepped`` returns them
_reaches: dict[str, tuple[int, int]] = {}  # from the lowest point of each glyph to its highest
_pairs: dict[tuple[str, bool], _Glyph] = {}  # the first of two signs; a text's last is one of one


@functools.cache
def register_fonts() -> None:
    """Make the text face known to matplotlib, ahead of a copy that the machine may have."""
    for path in theme.FONT_FILES.values():
        fontManager.addfont(path)
        fontManager.ttflist.insert(0, fontManager.ttflist.pop())


def text_width(text: str, *, size: float = theme.TEXT_PT, bold: bool = False) -> float:
    """Return the width of one line of text in points."""
    return _units(text, bold=bold) * size / EM


def learn_pairs() -> None:
    """Lay out most of what charts say, so that processes forked from this one need not."""
    for signs, bold in ((_NUMBERS, False), (_NUMBERS, True), (_WORDS, False)):
        for place, sign in enumerate(signs):
            _glyphs("".join(sign + other for other in signs[place:]) + sign, bold=bold)
    for sign in string.ascii_uppercase:
        _glyphs("".join(sign + other for other in _WORDS), bold=False)
    _glyphs("share of the step before (95 % interval) year before, target in Dec", bold=True)


@functools.lru_cache(maxsize=4096)
def outline(text: str, *, bold: bool = False) -> str:
    """Return the shapes of one line of text as the data of an SVG path, upwards from its baseline.

    Contours begin at absolute places and go on by steps, which take half as many digits.
    """
    found, place = [], 0
    for name, step in _glyphs(text, bold=bold):
        found += [f"M{place + start} {height}{steps}" for start, height, steps in _contours[name]]
        place += step
    return "".join(found)


@functools.lru_cache(maxsize=4096)
def middle(text: str, *, bold: bool = False) -> float:
    """Return how high above its baseline the middle of a line lies, in parts of the type size."""
    reaches = [_reaches[name] for name, _ in _glyphs(text, bold=bold)] or [(0, 0)]
    return (min(low for low, _ in reaches) + max(high for _, high in reaches)) / 2 / EM


@functools.lru_cache(maxsize=4096)
def _units(text: str, *, bold: bool) -> int:
    return sum(step for _, step in _glyphs(text, bold=bold))


def _glyphs(text: str, *, bold: bool) -> list[_Glyph]:
    """Return the glyphs of one line of text, from the pairs of its signs where all are known."""
    ends = [(text[place : place + 2], bold) for place in range(len(text))]
    if all(end in _pairs for end in ends):
        return [_pairs[end] for end in ends]
    glyphs = _laid_out(text, bold=bold)
    if len(glyphs) == len(text) and _LATIN.fullmatch(text):  # no ligature; all from left to right
        _pairs.update(zip(ends, glyphs, strict=True))
    return glyphs


def _laid_out(text: str, *, bold: bool) -> list[_Glyph]:
    face = _face(bold=bold)
    placed, new, _ = text_to_path.get_glyphs_with_font(
        face, text, glyph_map=_contours, return_new_glyphs_only=True
    )
    for name, (points, codes) in new.items():
        heights = np.rint(64 * points[codes != Path.CLOSEPOLY, 1]).astype(int).tolist() or [0]
        _contours[name] = _stepped(Path(points, codes))
        _reaches[name] = (min(heights), max(heights))
    face.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    starts = [round(64 * across) for _, across, _, _ in placed]
    steps = itertools.pairwise([*starts, face.get_width_height()[0]])
    return [(name, end - start) for (name, *_), (start, end) in zip(placed, steps, strict=True)]


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


def _face(*, bold: bool) -> Any:
    """Return the text face and the one that stands in for it, set to the size of outlines."""
    register_fonts()
    face = get_font(_face_files(bold=bold))
    face.set_size(EM / 64, text_to_path.DPI)  # FreeType counts in 64ths
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
