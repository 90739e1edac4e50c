"""``output/index.html``: every report that lies in the output folder, one page without a server.

The page is made of what is found there, not of what a run has just done, so reports of earlier runs
and other machines stay listed. It holds relative links alone and works from a file share.
"""

import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kpikit.publish.outputs import write_atomically

INDEX_NAME = "index.html"

_KPIS, _FAILED = ".kpis.json", ".failed.ipynb"
_PAGES = (("HTML", ".html"), ("PDF", ".pdf"), ("notebook", ".ipynb"), ("KPIs", _KPIS))
_COLUMNS = (  # with their widths in percent, so that the tables of all periods align
    ("Product", 15), ("Report", 16), ("Data as of", 12), ("Files", 27), ("State", 17), ("Run", 13),
)  # fmt: skip
_ENDS = (_FAILED, _KPIS, ".html", ".pdf", ".ipynb")  # the longest of alike endings first

_STYLE = """
body{margin:2.5rem auto;max-width:64rem;padding:0 1.5rem;color:#22303c;background:#fff;
 font:16px/1.5 "Source Sans 3","Source Sans Pro","Segoe UI",Helvetica,Arial,sans-serif}
h1{font-size:1.7rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .4rem}
p{color:#6b7785;margin:.2rem 0}
table{border-collapse:collapse;width:100%;table-layout:fixed}
th{color:#6b7785;font-weight:normal;border-bottom:1px solid #22303c}
th,td{text-align:left;padding:.35rem 1.2rem .35rem 0;vertical-align:top;overflow-wrap:break-word}
td{border-bottom:1px solid #e3e7eb}
a{color:#22303c;margin-right:.8rem;white-space:nowrap}a:hover{color:#2a7f62}
.id{font:13px ui-monospace,Consolas,monospace;color:#6b7785}
.good{color:#2a7f62}.bad{color:#b5443c;font-weight:600}
@media print{body{margin:0;max-width:none}a{text-decoration:none}}
"""


@dataclass(frozen=True)
class Entry:
    """One report found: of a template, product and period.

    Attributes:
        folder: Relative to the output folder.
        facts: Content of its kpis.json; empty where no good report exists.
        links: Pairs of word and file name.
        has_failed: Whether its last run failed.
    """

    period: str
    product: str
    template: str
    folder: Path
    facts: Mapping[str, Any]
    links: tuple[tuple[str, str], ...]
    has_failed: bool


def write_index(output_dir: Path) -> None:
    """Write ``index.html`` into the output folder.

    Raises:
        OSError: It could not be written; the one before stands.
    """
    page = index_page(find_reports(output_dir))
    write_atomically(output_dir / INDEX_NAME, page)


def find_reports(output_dir: Path) -> list[Entry]:
    """Return the reports below the folder: newest data first, then by product and template."""
    found: dict[tuple[Path, str], set[str]] = {}
    for path in output_dir.glob("*/*/*"):
        template = _template_of(path.name)
        if template and path.is_file() and not path.name.startswith("."):
            found.setdefault((path.parent, template), set()).add(path.name)
    entries = [
        _entry(output_dir, folder, template, names)
        for (folder, template), names in found.items()
        if names & {template + _KPIS, template + _FAILED}  # else the files are nobody's report
    ]
    entries.sort(key=lambda entry: (entry.product, entry.template))
    newest: dict[str, str] = {}
    for entry in entries:
        as_of = str(entry.facts.get("as_of", ""))
        newest[entry.period] = max(newest.get(entry.period, ""), as_of)
    return sorted(entries, key=lambda entry: (newest[entry.period], entry.period), reverse=True)


def index_page(entries: Iterable[Entry]) -> str:
    """Return the page's HTML."""
    listed = list(entries)
    sections = [
        _section(period, list(group)) for period, group in groupby(listed, lambda e: e.period)
    ]
    body = "\n".join(sections) or "<p>No report has been published yet.</p>"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>KPI reports</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>KPI reports</h1>\n{body}\n</body>\n</html>\n"
    )


def _section(period: str, entries: list[Entry]) -> str:
    head = "".join(f'<th scope="col" style="width:{w}%">{name}</th>' for name, w in _COLUMNS)
    rows = "\n".join(_row(entry) for entry in entries)
    return (
        f"<h2>{html.escape(period)}</h2>\n<table>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _row(entry: Entry) -> str:
    links = "".join(
        f'<a href="{quote((entry.folder / name).as_posix())}">{word}</a>'
        for word, name in entry.links
    )
    cells = (
        html.escape(entry.product),
        html.escape(entry.template.replace("_", " ")),
        html.escape(str(entry.facts.get("as_of") or "–")),
        links,
        _state(entry),
        f'<span class="id">{html.escape(str(entry.facts.get("run_id") or "–"))}</span>',
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _state(entry: Entry) -> str:
    if not entry.has_failed:
        return '<span class="good">sealed</span>'
    kept = "; this is the last good report" if entry.facts else ""
    return f'<span class="bad">last run failed</span>{kept}'


def _entry(output_dir: Path, folder: Path, template: str, names: set[str]) -> Entry:
    links = [(word, template + end) for word, end in _PAGES if template + end in names]
    has_failed = template + _FAILED in names
    if has_failed:
        links.append(("cause", template + _FAILED))
    return Entry(
        period=folder.parent.name,
        product=folder.name,
        template=template,
        folder=folder.relative_to(output_dir),
        facts=_facts(folder / f"{template}{_KPIS}"),
        links=tuple(links),
        has_failed=has_failed,
    )


def _facts(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _template_of(name: str) -> str:
    """Return the template that a published file belongs to, empty for any other file."""
    return next((name.removesuffix(end) for end in _ENDS if name.endswith(end)), "")
