"""How high the parts of a report stand on paper: measured by Typst, once for parts that are alike.

To lay a part out is most of what a PDF costs. What is measured is each part's outline, which many
of the reports that one process makes have in common.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpikit.publish import typst
from kpikit.publish.layout import PAGE_WIDTH
from kpikit.publish.outline import outline, outline_text
from kpikit.publish.pictures import Node

_MOST = 5_000  # heights that are remembered

_known: dict[str, Any] = {}


@dataclass(frozen=True)
class _Section:
    """A section as Typst is asked for it, and the keys under which its heights are remembered.

    Attributes:
        asked: With those of its blocks alone that are not known; an absent one is all opener.
        opener: Key of its opener.
        blocks: Keys of all its blocks.
        new: Those of them that are asked for.
    """

    asked: Node
    opener: str
    blocks: list[str]
    new: list[str]

    @property
    def is_known(self) -> bool:
        return not self.new and self.opener in _known


def measure(data: Mapping[str, Any], *, scale: float) -> dict[str, Any]:
    """Return how high each part stands, in points; see ``typst.measure``.

    Args:
        data: What ``report.typ`` reads.
        scale: Of charts, for the second measure of the rows that hold some (``shrunk``).

    Raises:
        RenderError: Typst cannot draw the content.
    """
    if len(_known) > _MOST:
        _known.clear()
    sections = [_section(section, data["lang"], scale) for section in data["sections"]]
    titles = [section["title"] for section in data["sections"]]
    cover = _cover(data)
    frame = _key("frame", data["lang"], cover, titles, data["contents"])
    if frame not in _known or not all(section.is_known for section in sections):
        asked = [section.asked for section in sections]
        contents = data["contents"] and frame not in _known
        reduced = {**data, **cover, "contents": contents, "sections": asked}
        found = typst.measure(reduced, scale=scale)
        measured = found.pop("sections")
        _known.setdefault(frame, found)
        for section, heights in zip(sections, measured, strict=True):
            _known.setdefault(section.opener, heights["opener"])
            pairs = zip(heights["blocks"], heights["shrunk"], strict=True)
            _known.update(zip(section.new, pairs, strict=True))
    return {
        **_known[frame],
        "sections": [
            {
                "opener": _known[section.opener],
                "blocks": [_known[key][0] for key in section.blocks],
                "shrunk": [_known[key][1] for key in section.blocks],
            }
            for section in sections
        ],
    }


def _cover(data: Mapping[str, Any]) -> Node:
    """Return the outline of the title and the line below it."""
    line = data["cover"] and {"line": outline_text(data["cover"]["line"], PAGE_WIDTH, 8.0)}
    return {"title": outline_text(data["title"], PAGE_WIDTH, 11.0, bold=True), "cover": line}


def _section(section: Mapping[str, Any], lang: str, scale: float) -> _Section:
    opening = [section[name] for name in ("kind", "title", "heading", "lede")]
    if section["kind"] == "absent":
        opener = _key("opener", lang, opening, section["blocks"])
        return _Section({**section, "known": opener in _known}, opener, [], [])
    opener = _key("opener", lang, opening)
    blocks = [outline(block, PAGE_WIDTH) for block in section["blocks"]]
    keys = [_key("block", lang, scale, block) for block in blocks]
    new = {key: block for key, block in zip(keys, blocks, strict=True) if key not in _known}
    asked = {**section, "known": opener in _known, "blocks": list(new.values())}
    return _Section(asked, opener, keys, list(new))


def _key(*values: Any) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
