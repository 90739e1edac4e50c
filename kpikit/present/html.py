"""Components as HTML: one template, one stylesheet, both for JupyterLab and for the page.

Every text is escaped by the template. The stylesheet speaks to elements inside ``.kk`` alone, so it
can stand in a notebook beside others. Nothing is random: the same component gives the same bytes.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from kpikit.present import marks, theme
from kpikit.present.components import Component
from kpikit.present.svg_facts import svg_size, svg_uri

ASSETS = Path(__file__).parent / "assets"
_LONG = 28
_LONG_WORD = re.compile(rf"\S{{{_LONG}}}")  # such a word would hold its column, and the table, open
_ROW_HEAD = (Markup('<th scope="row" class="{}'), Markup("</th>"))
_PLAIN_CELL = (Markup('<td class="{}'), Markup("</td>"))
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
        cell_columns=_cell_columns,
        is_long=lambda text: len(text) >= _LONG and _LONG_WORD.search(text) is not None,
        percent=lambda part: f"{100 * part:g}",
    )
    made.globals["at"] = lambda part, length, pad: f"{pad + part * (length - 2 * pad):.1f}"
    return made


class _CellColumn(NamedTuple):
    """What the cells of a column share.

    Attributes:
        key: Under which rows hold them.
        kind: Of its cells.
        label: Its head.
        head: Classes of the head.
        begin: Tag of a cell up to its own classes, open.
        end: Its closing tag.
    """

    key: str
    kind: str
    label: str
    head: str
    begin: Markup
    end: Markup


def _cell_columns(table: Mapping[str, Any]) -> list[_CellColumn]:
    heat, found = _heat_keys(table), []
    for place, column in enumerate(table["columns"]):
        key, kind = column["key"], column["kind"]
        head = f"kk-cell-{kind} kk-heat" if key in heat else f"kk-cell-{kind}"
        begin, end = _ROW_HEAD if place == 0 and kind == "text" else _PLAIN_CELL
        begin = begin.format(f"{head} kk-strong" if column["emphasis"] else head)
        found.append(_CellColumn(key, kind, column["label"], head, begin, end))
    return found


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
