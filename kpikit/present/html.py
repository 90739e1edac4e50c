"""Components as HTML: one template, one stylesheet, both for JupyterLab and for the page.

Every text is escaped by the template. The stylesheet speaks to elements inside ``.kk`` alone, so it
can stand in a notebook beside others. Nothing is random: the same component gives the same bytes.
"""

import base64
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from kpikit.present import marks, theme
from kpikit.present.components import Component

ASSETS = Path(__file__).parent / "assets"
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s+")
_AROUND_SIGNS = re.compile(r"\s*([{};,>])\s*")


def component_html(component: Component | Mapping[str, Any]) -> str:
    """Return a component, or its JSON, as a fragment of HTML without its style.

    The fragment is one ``<div class="kk">``. Charts are pictures with alternative text; small
    marks are inline SVG beside their text.
    """
    body = component.to_json() if isinstance(component, Component) else component
    return environment().get_template("component.html.j2").render(component=body)


def notebook_html(component: Component) -> str:
    """Return a component for a notebook's output: its fragment, and the style that it needs.

    Each output carries the style, for a notebook's cells are shown and cleared one by one.
    """
    return f"<style>{style()}</style>{component_html(component)}"


@functools.cache
def style() -> str:
    """Return the stylesheet of all components, without comments and spare space."""
    colours = ";".join(f"--kk-{name}:{colour}" for name, colour in theme.PALETTE.items())
    text = _COMMENT.sub("", (ASSETS / "components.css").read_text(encoding="utf-8"))
    text = _AROUND_SIGNS.sub(r"\1", _SPACE.sub(" ", text)).replace(";}", "}").strip()
    return f".kk{{{colours}}}{text}"


@functools.cache
def environment() -> jinja2.Environment:
    """Return the one template environment: all text escaped, a missing name is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    made.filters.update(
        spark=marks.spark,
        spark_alt=marks.spark_alt,
        bullet=marks.bullet,
        shade=marks.shade,
        picture_uri=picture_uri,
        percent=lambda part: f"{100 * part:g}",
    )
    return made


def picture_uri(svg: str) -> str:
    """Return an SVG as an address for ``<img>``: it cannot run scripts nor reach the page's ids."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
