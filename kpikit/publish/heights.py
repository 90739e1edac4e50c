"""How high the parts of a report stand on paper: measured by Typst, once for parts that are alike.

To lay a part out is most of what a PDF costs, and glossaries, methods and listings are the same in
many of the reports that one process makes.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from kpikit.publish import typst
from kpikit.publish.pictures import Node

_MOST = 2_000  # parts that are remembered

_known: dict[str, tuple[float, float | None]] = {}


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
    sections = data["sections"]
    keys = [[_key(block, data["lang"], scale) for block in one["blocks"]] for one in sections]
    new = [
        # the line of an absent section is its opener, so that its blocks are always asked for
        [place for place, key in enumerate(own) if key not in _known or section["kind"] == "absent"]
        for section, own in zip(sections, keys, strict=True)
    ]
    asked = [
        {**section, "blocks": [section["blocks"][place] for place in places]}
        for section, places in zip(sections, new, strict=True)
    ]
    heights: dict[str, Any] = typst.measure({**data, "sections": asked}, scale=scale)
    for found, own, places in zip(heights["sections"], keys, new, strict=True):
        measured = zip(found["blocks"], found["shrunk"], strict=True)
        _known.update(zip((own[place] for place in places), measured, strict=True))
        found["blocks"] = [_known[key][0] for key in own]
        found["shrunk"] = [_known[key][1] for key in own]
    return heights


def _key(block: Node, lang: str, scale: float) -> str:
    return hashlib.sha256(json.dumps([lang, scale, block]).encode()).hexdigest()
