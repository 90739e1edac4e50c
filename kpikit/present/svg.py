"""A matplotlib figure as SVG text: same bytes every time, small, safe to place beside others."""

import hashlib
import io
import re

from matplotlib.figure import Figure

_PROLOGUE = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)
_ID = re.compile(r' id="([^"]*)"')
_REFERENCE = re.compile(r'(?:href="#|url\(#)([^")]+)')
_STYLE = re.compile(r"<defs>\s*<style[^>]*>\*\{([^}]*)\}</style>\s*</defs>")
_GEOMETRY = re.compile(r' (?:d|points|x|y|width|height|x1|x2|y1|y2|transform)="[^"]*"')
_LONG_NUMBER = re.compile(r"(?<![\w.])(-?\d+\.\d{2})\d+")
_BETWEEN_TAGS = re.compile(r">\s+<")
_SPACE = re.compile(r"\s+")


def svg_text(drawing: Figure) -> str:
    """Return ``drawing`` as one ``<svg>`` element, ready to stand inside a page.

    The same figure gives the same bytes. Text is drawn as outlines. Ids begin with a hash of the
    content, so that many charts in one page never refer to each other's parts. Coordinates keep
    two decimals of a point (4 micrometres), scale factors all of theirs.
    """
    buffer = io.StringIO()
    drawing.savefig(buffer, format="svg", metadata={"Date": None})
    text = _PROLOGUE.sub("", buffer.getvalue(), count=1)
    text = _COMMENT.sub("", _METADATA.sub("", text))
    text = _inherit_style(text)
    text = _BETWEEN_TAGS.sub("><", _GEOMETRY.sub(_shorten, text))
    return _own_ids(text).strip()


def _inherit_style(text: str) -> str:
    """Move matplotlib's rule for ``*``, which would reach the whole page, to the root element."""
    rule = _STYLE.search(text)
    if rule is None:
        return text
    text = text.replace(rule[0], "", 1)
    return text.replace("<svg ", f'<svg style="{rule[1]}" ', 1)


def _shorten(attribute: re.Match[str]) -> str:
    text = _SPACE.sub(" ", attribute[0])
    if "scale(" in text:
        return text  # a rounded scale of 0.0133 would move every glyph
    return _LONG_NUMBER.sub(r"\1", text)


def _own_ids(text: str) -> str:
    used = set(_REFERENCE.findall(text))
    prefix = "k" + hashlib.sha256(text.encode()).hexdigest()[:8]
    names = {old: f"{prefix}-{index}" for index, old in enumerate(sorted(used))}
    text = _ID.sub(lambda m: f' id="{names[m[1]]}"' if m[1] in used else "", text)
    return _REFERENCE.sub(lambda m: m[0].removesuffix(m[1]) + names[m[1]], text)
