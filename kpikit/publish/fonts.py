"""The faces of a report: where they lie, which characters they have, how wide a text runs.

Source Sans Pro sets the text, DejaVu the signs that it lacks and program text. Both come from
installed wheels, so every machine sets the same pages.
"""

import base64
import functools
import importlib.metadata
import io
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont

from kpikit.present import theme
from kpikit.publish.texts import changed_texts

# What a page in a western language holds: Latin with its extensions, punctuation, currencies,
# arrows, the signs of mathematics and the marks that kpikit draws with.
_WEB_RANGES = (
    (0x20, 0x17F), (0x2B0, 0x2FF), (0x391, 0x3C9), (0x2010, 0x2044), (0x20A0, 0x20BF),
    (0x2122, 0x2122), (0x2190, 0x2195), (0x2206, 0x2265), (0x25A0, 0x25CF), (0x2713, 0x2713),
)  # fmt: skip
LINE_HEIGHT = 0.66  # ems: what a line of the text family takes, the height of its capitals
# Names of values that are texts, but none that a reader reads: they stay as they are.
UNREAD: Mapping[str, Callable[[Any], Any]] = dict.fromkeys(("svg", "uri", "url"), lambda text: text)
_UNDRAWN = "\u25af"  # a white upright rectangle, as printers have it
_FROM_ANY_FACE = frozenset({0x200B, 0x2003})  # signs without ink that a shaper makes of any face
_INVISIBLE = frozenset({"Cf", "Mn", "Me", "Sk"})  # joiners, variation selectors, skin tones


def font_folders() -> list[Path]:
    """Return the folders that hold the faces: the text family's and matplotlib's."""
    # Matplotlib is found, not imported: that would cost half a second.
    carried = importlib.metadata.distribution("matplotlib").locate_file(
        "matplotlib/mpl-data/fonts/ttf"
    )
    return [theme.FONT_FILES["Regular"].parent, Path(str(carried))]


@functools.cache
def _advances(name: str) -> dict[int, float]:
    """Return the width of each character of a face, in ems."""
    path = theme.FONT_FILES.get(name) or font_folders()[1] / f"{name}.ttf"
    with TTFont(path, lazy=True) as face:
        widths, units = face["hmtx"], face["head"].unitsPerEm
        return {code: widths[glyph][0] / units for code, glyph in face.getBestCmap().items()}


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide one line of text runs, in points, kerning left out."""
    return size * _ems(text, bold=bold)


@functools.lru_cache(maxsize=20_000)
def _ems(text: str, *, bold: bool) -> float:
    own, other = _advances("Semibold" if bold else "Regular"), _advances("DejaVuSans")
    return sum(own.get(code) or other.get(code, 1.0) for code in map(ord, text))


def is_in_text_face(text: str) -> bool:
    """Tell whether the text family has every character, so that no other face's height counts."""
    return text.isascii() or _text_codes().issuperset(map(ord, text))


@functools.cache
def _text_codes() -> frozenset[int]:
    return _FROM_ANY_FACE.union(_advances("Regular"))


def is_covered(character: str) -> bool:
    """Tell whether one of the faces has the character."""
    return ord(character) in _covered_codes()


@functools.cache
def _covered_codes() -> frozenset[int]:
    return frozenset({*_advances("Regular"), *_advances("DejaVuSans"), ord("\n"), ord("\t")})


def replace_uncovered(value: Any, replaced: dict[str, str]) -> Any:
    """Return JSON values whose texts hold only what the faces can draw.

    A symbol becomes its name in brackets (``[rocket]``), a letter an upright rectangle; joiners and
    variation selectors go. What was replaced by what is added to ``replaced``, so that a page can
    say so: nothing turns blank in silence. Drawings and addresses stay as they are.
    """
    return changed_texts(value, functools.partial(covered_text, replaced=replaced), UNREAD)


def covered_text(text: str, replaced: dict[str, str]) -> str:
    """Return a text with no character but those that the faces can draw; see above."""
    if text.isascii() or _covered_codes().issuperset(map(ord, text)):
        return text
    return "".join(_covered(char, replaced) for char in text)


def _covered(character: str, replaced: dict[str, str]) -> str:
    if character.isascii() or is_covered(character):
        return character
    category = unicodedata.category(character)
    if category in _INVISIBLE:
        return ""
    name = unicodedata.name(character, "").lower()
    shown = f"[{name}]" if category == "So" and name else _UNDRAWN
    replaced[character] = shown
    return shown


@functools.cache
def web_faces() -> str:
    """Return the ``@font-face`` rules of the page, the faces inside them, cut to what pages use."""
    return _web_face("Regular", 400) + _web_face("Semibold", 600)


def _web_face(name: str, weight: int) -> str:
    from fontTools import subset  # noqa: PLC0415 - half a second that a PDF need not pay

    options = subset.Options(layout_features=["kern"], hinting=False)
    options.drop_tables += ["GSUB", "GDEF", "DSIG", "BASE"]
    drawn = theme.FONT_FILES[name].with_suffix(".ttf")  # cut in two thirds of the time
    with TTFont(drawn, lazy=True, recalcTimestamp=False) as face:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=_codes(_WEB_RANGES))
        cutter.subset(face)
        face.flavor = "woff"
        buffer = io.BytesIO()
        face.save(buffer)
    payload = base64.b64encode(buffer.getvalue()).decode()
    return (
        f"@font-face{{font-family:'{theme.FONT_FAMILY}';font-weight:{weight};font-style:normal;"
        f"src:url(data:font/woff;base64,{payload}) format('woff')}}"
    )


def _codes(ranges: Iterable[tuple[int, int]]) -> list[int]:
    return [code for first, last in ranges for code in range(first, last + 1)]
