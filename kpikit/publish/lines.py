"""How many lines a text takes, and how high they stand together, where that is certain.

Typst begins a line where the next word no longer fits. The widths of words are known here but for
their kerning, and where a line may end inside a word only roughly. So lines are counted twice, once
with all that could make them fewer and once with all that could make them more: where both counts
agree, Typst finds no other.
"""

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from kpikit.publish.fonts import LINE_HEIGHT, is_in_text_face, text_width

LEADING = 0.52  # ems from a line's foot to the head of the next, as in ``report.typ``
# The most that kerning does, found in 4,400 texts of reviews to be less: it widens a text by this,
_WIDENED = 0.3  # points
_NARROWED, _NARROWED_EMS = 0.02, 0.1  # and narrows it by this share of its width and these ems
# Between words a line surely ends, but for a word that begins or ends with such a sign.
_SURE = re.compile(r"(?<![(\[{“‘«\"'¿¡ ]) (?=[\w($£€+−–·“<>=≈])")
_ODD = re.compile(r"[^\S \xa0\u2003]|\u2003(?= |$)|[\u00ad\u2000-\u2002\u2004-\u200a\u200c-\u200f]")
_CHANCE = re.compile(
    r"[ \u200b]|(?<=\u2003)|(?<=[^\s\w.,:'’%$£€])(?=\S)|(?<=\w|[.,:'’%])(?=[^\s\w.,:'’])"
)


class Run(NamedTuple):
    """A stretch of a text that is set alike.

    Attributes:
        text: What it says.
        size: Of its type, in points.
        bold: Whether it is set semibold.
        pad: Points that its border takes at both sides together; it is then one box.
    """

    text: str
    size: float
    bold: bool = False
    pad: float = 0.0


class _Word(NamedTuple):
    width: float
    space: float  # before it, where it does not begin a line
    height: float


def is_one_line(text: str, width: float, size: float, *, bold: bool = False) -> bool:
    """Tell whether a text of this size surely takes one line of this width (points)."""
    return (
        not _ODD.search(text)
        and is_in_text_face(text)  # another face's signs may be higher
        and text_width(text, size, bold=bold) + _WIDENED <= width
    )


def text_height(runs: Sequence[Run], width: float, size: float) -> float | None:
    """Return how high the lines of a text stand (points) in this width, None where it is unsure.

    Args:
        runs: What the text consists of; empty ones do not count.
        width: Of its lines, in points.
        size: Of the type by which lines keep their distance, in points.
    """
    told = tuple(run for run in runs if run.text)
    if len(told) == 1 and not told[0].pad:  # as most are: mostly one line, which is seen at once
        text, own_size, bold, _ = told[0]
        if is_one_line(text, width, own_size, bold=bold):
            return LINE_HEIGHT * own_size
    heights = line_heights(told, width)
    if heights is None:
        return None
    return sum(heights) + max(0, len(heights) - 1) * LEADING * size


@functools.lru_cache(maxsize=20_000)
def line_heights(runs: tuple[Run, ...], width: float) -> tuple[float, ...] | None:
    """Return the height of each line that a text takes in this width (points), None if unsure."""
    if not all(is_in_text_face(run.text) and not _ODD.search(run.text) for run in runs):
        return None
    if not all(run.pad or _SURE.match(run.text) for run in runs[1:]):
        return None
    words = [word for run in runs for word in _words(run, _SURE)]
    if any(word.width + _WIDENED > width for word in words):
        return None
    most = _lines(words, width - _WIDENED)
    if len(most) <= 1:
        return most
    parts = [word for run in runs for word in _words(run, _CHANCE)]
    slack = _NARROWED * width + _NARROWED_EMS * max(run.size for run in runs)
    return most if most == _lines(parts, width + slack) else None


def _words(run: Run, ends: re.Pattern[str]) -> list[_Word]:
    """Return what a line may end between."""
    height = LINE_HEIGHT * run.size
    if run.pad:
        return [_Word(text_width(run.text, run.size, bold=run.bold) + run.pad, 0.0, height)]
    space = text_width(" ", run.size, bold=run.bold)
    words, start, gap = [], 0, 0.0
    for end in ends.finditer(run.text):
        text = run.text[start : end.start()]
        if text:
            words.append(_Word(text_width(text, run.size, bold=run.bold), gap, height))
            gap = 0.0
        start, gap = end.end(), gap + space * end[0].count(" ")
    text = run.text[start:]
    return [*words, _Word(text_width(text, run.size, bold=run.bold), gap, height)]


def _lines(words: Sequence[_Word], width: float) -> tuple[float, ...]:
    """Return the height of each line, filled one after another."""
    heights: list[float] = []
    used = 0.0
    for word in words:
        need = used + word.space + word.width
        if heights and need <= width:
            used, heights[-1] = need, max(heights[-1], word.height)
        else:
            used = word.width
            heights.append(word.height)
    return tuple(heights)
