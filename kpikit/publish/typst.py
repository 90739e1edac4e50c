"""The Typst engine: fonts and compiler loaded once, content in as JSON, PDF bytes out.

The engine sees its templates and nothing else: no system fonts, no network, no file of the user.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import typst

from kpikit.errors import RenderError
from kpikit.publish.fonts import font_folders

TEMPLATES = Path(__file__).parent / "templates"
Standard = Literal["ua-1", "1.7"]


class Compiled(NamedTuple):
    """A PDF, the standard that it meets, and why that is not the first choice."""

    data: bytes
    standard: Standard
    reason: str


def prepare() -> None:
    """Load what all PDFs of a process share: the compiler and its fonts."""
    _compiler("report.typ")


def compile_pdf(data: Mapping[str, Any], *, timestamp: int) -> Compiled:
    """Return the report drawn from its data, PDF/UA-1 where its content allows.

    Args:
        data: What ``report.typ`` reads: plain JSON values; ``pictures``, where there are some, has
            each drawing by the name that nodes give as their ``svg``.
        timestamp: Seconds since 1970 that the file states as its time; the same data and
            timestamp give the same bytes.

    Raises:
        RenderError: Typst cannot draw the content at all.
    """
    inputs = _inputs({**data, "measure": None})
    try:
        return Compiled(_compile("report.typ", inputs, timestamp, ["ua-1"]), "ua-1", "")
    except typst.TypstError as error:
        reason = _first_line(error)
    try:
        return Compiled(_compile("report.typ", inputs, timestamp, []), "1.7", reason)
    except typst.TypstError as error:
        raise _refused(error) from error


def measure(data: Mapping[str, Any], *, scale: float) -> Any:
    """Return how high each part of the report stands, as ``report.typ`` measures it.

    Args:
        data: What ``report.typ`` reads.
        scale: Of charts, for the second measure of the blocks that hold some (``shrunk``).

    Raises:
        RenderError: Typst cannot draw the content.
    """
    # A query knows the inputs of its compiler alone; one more costs little beside the fonts.
    compiler = _new_compiler("report.typ", _inputs({**data, "measure": scale}))
    try:
        return json.loads(compiler.query("<heights>", field="value", one=True))
    except RuntimeError as error:  # Typst's own where it compiles, a plain one where it queries
        raise _refused(error) from error


def rasterize(svg: str, *, ppi: float = 200) -> bytes:
    """Return an SVG as PNG, for one too heavy to stand in a PDF."""
    found = _compiler("picture.typ").compile(format="png", ppi=ppi, sys_inputs={"svg": svg})
    return bytes(found[0] if isinstance(found, list) else found)


def is_drawable(svg: str) -> bool:
    """Tell whether Typst can draw an SVG, or the bitmap inside it, at all."""
    try:
        rasterize(svg, ppi=8)
    except typst.TypstError:
        return False
    return True


def _compile(name: str, inputs: dict[str, str], timestamp: int, standards: list[str]) -> bytes:
    found = _compiler(name).compile(
        format="pdf", sys_inputs=inputs, pdf_standards=standards, timestamp=timestamp
    )
    return bytes(found)


@functools.cache
def _compiler(name: str) -> Any:
    """Return the compiler of a template, its fonts loaded; it lives as long as the process."""
    return _new_compiler(name, {})


def _new_compiler(name: str, inputs: dict[str, str]) -> Any:
    return typst.Compiler(
        str(TEMPLATES / name),
        root=str(TEMPLATES),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs=inputs,
    )


@functools.cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(folder) for folder in font_folders()],
    )


def _inputs(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the data as JSON, and the pictures beside it: Typst hashes what its functions take."""
    body = {name: value for name, value in data.items() if name != "pictures"}
    return {
        "data": json.dumps(body, ensure_ascii=False, allow_nan=False),
        **data.get("pictures", {}),
    }


def _refused(error: RuntimeError) -> RenderError:
    return RenderError(
        f"The PDF cannot be drawn: {_first_line(error)}\n"
        "Open the notebook and look at its outputs, or ask for --formats html."
    )


def _first_line(error: RuntimeError) -> str:
    lines = [str(error)]
    if isinstance(error, typst.TypstError):
        lines = [error.message, *error.hints]
    return " ".join(" ".join(lines).split())
