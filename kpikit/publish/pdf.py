"""An executed notebook as a PDF that a board can read."""

import datetime as dt
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from kpikit.errors import RenderError
from kpikit.present import theme
from kpikit.publish.document import Document, read_document
from kpikit.publish.fonts import UNREAD, covered_text, replace_uncovered
from kpikit.publish.heights import measure
from kpikit.publish.layout import breakable_line, page_data
from kpikit.publish.pagination import MIN_SCALE, fill_pages, filled, report_units
from kpikit.publish.pictures import put_aside
from kpikit.publish.texts import changed_texts
from kpikit.publish.typst import Compiled, Standard, compile_pdf, is_drawable


@dataclass(frozen=True)
class PdfResult:
    """A PDF and what a run's summary says about it; ``note`` is empty where all is well."""

    data: bytes
    standard: Standard
    note: str


def render_pdf(notebook: NotebookNode, *, title: str = "") -> PdfResult:
    """Return an executed notebook as PDF/UA-1, or as plain PDF with the reason.

    The same notebook gives the same bytes: the file's time is SOURCE_DATE_EPOCH where that is set,
    else the last day of the data.

    Args:
        notebook: The executed notebook.
        title: The title where the notebook has none of its own.

    Raises:
        RenderError: The content cannot be drawn at all.
    """
    document = read_document(notebook, title=title)
    replaced: dict[str, str] = {}
    pictures: dict[str, str] = {}
    body = changed_texts(
        page_data(document),
        lambda text: covered_text(breakable_line(text), replaced),
        {**UNREAD, "svg": lambda svg: put_aside(svg, pictures)},
    )
    day = _day(document)
    data = {
        **body,
        "pictures": pictures,
        "cover": {"line": _cover_line(document)} if document.cover else None,
        "palette": dict(theme.PALETTE),
        "date": {"year": day.year, "month": day.month, "day": day.day} if day else None,
        "author": _fact(document.cover, "Owner"),
        "running": replace_uncovered(_running(document), replaced),
        "remarks": _remarks(replaced),
    }
    try:
        made = _drawn(data, _timestamp(day))
    except RenderError:
        broken = {name for name, svg in pictures.items() if not is_drawable(svg)}
        if not broken:
            raise
        made = _drawn(_without_broken(data, broken), _timestamp(day))
    unmet = f"plain PDF, for PDF/UA-1 was refused: {made.reason}" if made.reason else ""
    return PdfResult(made.data, made.standard, " ".join(filter(None, (unmet, *data["remarks"]))))


def _drawn(data: Mapping[str, Any], timestamp: int) -> Compiled:
    """Fill the pages with a report's parts, and draw them."""
    heights = measure(data, scale=MIN_SCALE)
    return compile_pdf(filled(data, fill_pages(report_units(data, heights))), timestamp=timestamp)


def _running(document: Document) -> Mapping[str, str]:
    """Return the lines at the head and the foot of every page."""
    cover = document.cover
    if not cover:
        return {"product": document.title, "state": "", "run": ""}
    owner = _fact(cover, "Owner")
    sealed = "draft" if cover["state"] == "draft" else "sealed"
    return {
        "product": f"{cover['product_name']} · {cover['period_text']}",
        "state": f"data as of {cover['as_of']} · {cover['state']}",
        "run": f"{f'Owner: {owner} · ' if owner else ''}run {cover['run_id']} · {sealed}",
    }


def _cover_line(document: Document) -> str:
    facts = [f"{name} {value}" for name, value in document.cover.get("facts", ())]
    facts += [f"Run {document.cover['run_id']}", f"Data {document.cover['data_hash'][:12]}"]
    return " · ".join(facts)


def _fact(cover: Mapping[str, Any], name: str) -> str:
    return next((value for key, value in cover.get("facts", ()) if key == name), "")


def _day(document: Document) -> dt.date | None:
    try:
        return dt.date.fromisoformat(document.cover.get("as_of", ""))
    except ValueError:
        return None


def _timestamp(day: dt.date | None) -> int:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdigit():
        return int(epoch)
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()) if day else 0


def _remarks(replaced: Mapping[str, str]) -> list[str]:
    if not replaced:
        return []
    listed = [f"U+{ord(char):04X} as {text}" for char, text in sorted(replaced.items())]
    more = f" and {len(listed) - 12} more" if len(listed) > 12 else ""
    shown = ", ".join(listed[:12]) + more
    return [f"Characters that the fonts of this PDF lack are replaced ({shown})."]


def _without_broken(value: Any, broken: Collection[str]) -> Any:
    """Put a note in the place of each picture that Typst cannot draw, as one cut short."""
    if isinstance(value, list):
        return [_without_broken(item, broken) for item in value]
    if not isinstance(value, dict):
        return value
    picture = value["image"] if value.get("kind") == "figure" else value
    if picture.get("kind") == "image" and picture["svg"] in broken:
        text = f"[picture that cannot be drawn: {picture['alt']}]"
        if picture is not value:
            return {"kind": "callout", "title": value["title"], "text": text, "tone": "warning"}
        return {"kind": "text" if value.get("inline") else "note", "text": text}
    return {key: _without_broken(item, broken) for key, item in value.items()}
