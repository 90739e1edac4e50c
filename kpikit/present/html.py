"""Components as HTML: one template, one stylesheet, both for JupyterLab and for the page.

Every text is escaped by the template. The stylesheet speaks to elements inside ``.kk`` alone, so it
can stand in a notebook beside others. Nothing is random: the same component gives the same bytes.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from kpikit.present import marks, theme
from kpikit.present.components import Component
from kpikit.present.svg_facts import svg_size, svg_uri

ASSETS = Path(__file__).parent / "assets"
_LONG_WORD = re.compile(r"\S{28}")  # such a word would hold its column, and the table, open
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


def notebook_html(component: Component | Mapping[str, Any]) -> str:
    """Return a component, or its JSON, for a notebook: its fragment, and the style that it needs.

    Each output carries the style, for a notebook's cells are shown and cleared one by one.
    """
    return f"<style>{style()}</style>{component_html(component)}"


@functools.cache
def style() -> str:
    """Return the stylesheet of all components, without comments and spare space."""
    colours = ";".join(f"--kk-{name}:{colour}" for name, colour in theme.PALETTE.items())
    return f".kk{{{colours}}}{minified((ASSETS / 'components.css').read_text(encoding='utf-8'))}"


def minified(stylesheet: str) -> str:
    """Return a stylesheet without comments and spare space."""
    text = _SPACE.sub(" ", _COMMENT.sub("", stylesheet))
    return _AROUND_SIGNS.sub(r"\1", text).replace(";}", "}").strip()


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
        svg_uri=svg_uri,
        pixel_width=lambda svg: round(svg_size(svg)[0] / 0.75),
        heat_keys=_heat_keys,
        is_long=lambda text: _LONG_WORD.search(text) is not None,
        percent=lambda part: f"{100 * part:g}",
    )
    return made


def _heat_keys(table: Mapping[str, Any]) -> set[str]:
    """Return the columns that hold a shaded cell: all their cells stand in the middle."""
    return {
        key
        for row in table["rows"]
        for key, cell in row.items()
        if not isinstance(cell, str) and cell["shade"] is not None
    }


# Compiled when the module is imported, as warm kernels have done before they are forked.
for _name in environment().list_templates(extensions=["j2"]):
    environment().get_template(_name)
