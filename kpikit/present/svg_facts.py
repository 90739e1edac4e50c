"""What a page needs to know of a drawing: its size, and an address that needs no network."""

import base64
import re

_ROOT = re.compile(r"<svg\b[^>]*>", re.DOTALL)
_LENGTH = re.compile(r"""\b(width|height)=["']\s*([\d.]+)\s*(pt|px|in|cm|mm)?\s*["']""")
_VIEW_BOX = re.compile(r"""\bviewBox=["']\s*[-\d.e]+[\s,]+[-\d.e]+[\s,]+([\d.e]+)[\s,]+([\d.e]+)""")
_POINTS = {"pt": 1.0, "px": 0.75, "": 0.75, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4}


def svg_size(svg: str) -> tuple[float, float]:
    """Return width and height of an SVG in points, from its attributes or else its view box."""
    root = _ROOT.search(svg)
    head = root[0] if root else ""
    found = {name: float(size) * _POINTS[unit] for name, size, unit in _LENGTH.findall(head)}
    box = _VIEW_BOX.search(head)
    natural = (
        (float(box[1]) * _POINTS["px"], float(box[2]) * _POINTS["px"]) if box else (300.0, 150.0)
    )
    width = found.get("width", 0) or natural[0]
    height = found.get("height", 0) or width * natural[1] / (natural[0] or 1)
    return width, height


def svg_uri(svg: str) -> str:
    """Return an SVG as an address for ``<img>``: it cannot run scripts nor reach the page's ids."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
