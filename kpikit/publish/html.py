"""An executed notebook as one self-contained page: nothing in it is fetched from anywhere."""

import functools
from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup
from nbformat import NotebookNode

from kpikit.present import html as components
from kpikit.publish.document import Section, read_document
from kpikit.publish.fonts import web_faces
from kpikit.publish.pictures import Node

TEMPLATES = Path(__file__).parent / "templates"


def prepare() -> None:
    """Make what all pages of a process share: the templates, and the faces cut to what they use."""
    _environment().get_template("page.html.j2")
    web_faces()


def render_html(notebook: NotebookNode, *, title: str = "") -> str:
    """Return an executed notebook as a page: styles, fonts and pictures inside, no script.

    Inputs are left out. The same notebook gives the same text.

    Args:
        notebook: The executed notebook.
        title: The title where the notebook has none of its own.
    """
    document = read_document(notebook, title=title)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            document=document,
            fonts=Markup(web_faces()),  # noqa: S704 - our own faces, encoded
            component_style=Markup(components.style()),  # noqa: S704 - our own stylesheet
            page_style=Markup(_page_style()),  # noqa: S704 - our own stylesheet
            groups=_groups(document.sections),
            footnotes=_footnotes,
        )
    )


def _groups(sections: Sequence[Section]) -> list[tuple[bool, list[Section]]]:
    """Put absent sections that follow one another together: (absent, sections)."""
    made: list[tuple[bool, list[Section]]] = []
    for section in sections:
        if made and section.absent and made[-1][0]:
            made[-1][1].append(section)
        else:
            made.append((section.absent, [section]))
    return made


@functools.cache
def _page_style() -> str:
    return components.minified((TEMPLATES / "page.css").read_text(encoding="utf-8"))


@functools.cache
def _environment() -> jinja2.Environment:
    """Return the page's templates over those of the components, with one set of filters."""
    return components.environment().overlay(
        loader=jinja2.ChoiceLoader(
            [jinja2.FileSystemLoader(TEMPLATES), jinja2.FileSystemLoader(components.ASSETS)]
        )
    )


def _footnotes(section: Section) -> list[Node]:
    """Return the notes first cited in a section, in order."""
    found: list[Node] = []

    def visit(value: object) -> None:
        if isinstance(value, dict):
            if value.get("kind") == "footnote" and value["first"]:
                found.append(value)
            for item in value.values():
                visit(item)
        elif isinstance(value, list):
            for item in value:
                visit(item)

    visit([section.lede, section.blocks])
    return found
