"""Pictures of a notebook as nodes that both faces draw.

Typst takes SVG text as it is. A bitmap reaches it inside an SVG of the same size, so that one kind
of text carries every picture and nothing is written to disk.
"""

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Mapping
from typing import Any

from kpikit.present.svg_facts import svg_size, svg_uri

Node = dict[str, Any]

_ROOT = re.compile(r"<svg\b[^>]*>", re.DOTALL)
_POINTS_PER_PIXEL = 0.75
_JPEG_SIZES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB})


def picture(
    mime: str, payload: str, alt: str, size: Mapping[str, Any] | None = None
) -> Node | None:
    """Return the node of a picture of a notebook, None where its bytes are no SVG, PNG or JPEG.

    Args:
        mime: ``image/svg+xml``, ``image/png`` or ``image/jpeg``.
        payload: SVG text, or bytes in base64.
        alt: What the picture shows.
        size: ``width`` and ``height`` in CSS pixels where the notebook gives them; a retina plot
            is stored at twice its size.
    """
    if mime != "image/svg+xml":
        return _bitmap_picture(mime, payload, alt, size or {})
    text = payload if "<svg" in payload else (_decoded(payload) or b"").decode(errors="replace")
    return svg_picture(text, alt) if _ROOT.search(text) else None


def svg_picture(svg: str, alt: str) -> Node:
    """Return the node of an SVG: ``svg``, ``uri`` (for the page), ``alt``, its size in points."""
    node = svg_drawing(svg, alt)
    return {**node, "uri": svg_uri(node["svg"])}


def svg_drawing(svg: str, alt: str) -> Node:
    """Return the same without ``uri``, which paper does not need."""
    text = svg[max(0, svg.find("<svg")) :]
    width, height = svg_size(text)
    return {"kind": "image", "svg": text, "width": width, "height": height, "alt": alt}


def put_aside(svg: str, pictures: dict[str, str]) -> str:
    """Put a drawing into ``pictures``; return its name there, which follows from its content."""
    if not svg:
        return ""
    name = f"picture-{hashlib.sha256(svg.encode()).hexdigest()[:16]}"
    pictures[name] = svg
    return name


def _bitmap_picture(mime: str, payload: str, alt: str, size: Mapping[str, Any]) -> Node | None:
    compact = "".join(payload.split())
    pixels = _bitmap_size(compact)
    if pixels is None:
        return None
    width = _POINTS_PER_PIXEL * float(size.get("width") or pixels[0])
    height = width * pixels[1] / pixels[0]
    uri = f"data:{mime};base64,{compact}"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{pixels[0]}" height="{pixels[1]}">'
        f'<image width="{pixels[0]}" height="{pixels[1]}" xlink:href="{uri}"/></svg>'
    )
    return {"kind": "image", "svg": svg, "uri": uri, "width": width, "height": height, "alt": alt}


def _decoded(payload: str) -> bytes | None:
    try:
        return base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _bitmap_size(payload: str) -> tuple[int, int] | None:
    data = _decoded(payload) or b""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) > 24:
        width, height = struct.unpack(">II", data[16:24])
    elif data.startswith(b"\xff\xd8"):
        width, height = _jpeg_size(data)
    else:
        return None
    return (width, height) if width and height else None


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Read the frame header, the first marker that states the size; zeros where there is none."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        length = struct.unpack(">H", data[at + 2 : at + 4])[0]
        if data[at + 1] in _JPEG_SIZES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return 0, 0
