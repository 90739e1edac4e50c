"""A matplotlib figure as SVG text: same bytes every time, small, safe to place beside others."""

import hashlib
import io
import re
from collections.abc import Sequence

from matplotlib.figure import Figure

_PROLOGUE = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_UNSHOWN = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
_ID = re.compile(r' id="([^"]*)"')
# Of patterns that mean the same, one by one: alternatives would be tried at every character.
_REFERENCES = tuple(map(re.compile, (r'(href="#)([^"]+)', r"(url\(#)([^)]+)")))
_STYLE = re.compile(r"<defs>\s*<style[^>]*>\*\{([^}]*)\}</style>\s*</defs>")
# A rounded scale of 0.0133 would move every glyph, a shortened address lead elsewhere.
_EXACT = tuple(map(re.compile, (r'(href="[^#][^"]*")', r"(matrix\([^)]*\))", r"(scale\([^)]*\))")))
_MANY_DIGITS = re.compile(r"\.\d{3,}")
_BETWEEN_TAGS = re.compile(r">\s+<")


def svg_text(drawing: Figure) -> str:
    """Return ``drawing`` as one ``<svg>`` element, ready to stand inside a page.

    The same figure gives the same bytes. Text is drawn as outlines. Ids begin with a hash of the
    content, so that many charts in one page never refer to each other's parts. Coordinates keep
    two decimals of a point (4 micrometres), scale factors all of theirs.
    """
    buffer = io.StringIO()
    drawing.savefig(buffer, format="svg", metadata={"Date": None})
    text = _UNSHOWN.sub("", _PROLOGUE.sub("", buffer.getvalue(), count=1))
    text = _BETWEEN_TAGS.sub("><", _inherit_style(text))
    return _own_ids(_shorten(text.replace(" \n", " ").replace("\n", " "))).strip()


def _inherit_style(text: str) -> str:
    """Move matplotlib's rule for ``*``, which would reach the whole page, to the root element."""
    rule = _STYLE.search(text)
    if rule is None:
        return text
    text = text.replace(rule[0], "", 1)
    return text.replace("<svg ", f'<svg style="{rule[1]}" ', 1)


def _shorten(text: str, exact: Sequence[re.Pattern[str]] = _EXACT) -> str:
    if not exact:
        return _MANY_DIGITS.sub(lambda m: m[0][:3], text)
    parts = exact[0].split(text)
    parts[::2] = [_shorten(part, exact[1:]) for part in parts[::2]]
    return "".join(parts)


def _own_ids(text: str) -> str:
    used = {name for pattern in _REFERENCES for _, name in pattern.findall(text)}
    prefix = "k" + hashlib.sha256(text.encode()).hexdigest()[:8]
    names = {old: f"{prefix}-{index}" for index, old in enumerate(sorted(used))}
    text = _ID.sub(lambda m: f' id="{names[m[1]]}"' if m[1] in used else "", text)
    for pattern in _REFERENCES:
        text = pattern.sub(lambda m: m[1] + names[m[2]], text)
    return text
