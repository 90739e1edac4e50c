"""Write the reference pages of docs/ from the code: a page per table and per metric.

python docs/generate.py          writes them
python docs/generate.py --check  exits 1 where a page differs from the code
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from kpikit.catalogue import CATALOGUE, PERSPECTIVES, Metric
from kpikit.params.tables import CANONICAL, CHECKS, TableSpec

DOCS = Path(__file__).parent
_NOTE = "<!-- Written by docs/generate.py from the code: change it there. -->"


def pages() -> dict[Path, str]:
    """Return every generated page, by its path below docs/."""
    found = {Path("tables") / f"{table.name}.md": table_page(table) for table in CANONICAL.values()}
    found |= {Path("metrics") / f"{name}.md": metric_page(item) for name, item in CATALOGUE.items()}
    found[Path("tables/index.md")] = _page("Tables", _table_index())
    found[Path("metrics/index.md")] = _page("Metrics", _metric_index())
    found[Path("checks.md")] = _page("Data checks", _check_list())
    return found


def table_page(table: TableSpec) -> str:
    """Return the page of a canonical table."""
    return _page(f"Table `{table.name}`", _table_lines(table))


def metric_page(metric: Metric) -> str:
    """Return the page of a metric."""
    return _page(f"{metric.label} (`{metric.name}`)", _metric_lines(metric))


def _table_lines(table: TableSpec) -> Iterator[str]:
    yield f"Grain: {table.grain}. A row stands in time by `{table.time}`."
    if table.key:
        yield f"No two rows share {', '.join(f'`{name}`' for name in table.key)}."
    yield ""
    yield "| column | kind | needed | what it holds |"
    yield "|---|---|---|---|"
    for column in table.columns.values():
        needed = "yes" if column.required else "no"
        yield f"| `{column.name}` | {column.kind} | {needed} | {column.description} |"
    yield ""
    yield "Further columns stay under their own names, as dimensions."
    using = [f"[{item.label}](../metrics/{item.name}.md)" for item in _metrics_of(table.name)]
    if using:
        yield ""
        yield f"Metrics made from it: {', '.join(using)}."


def _metric_lines(metric: Metric) -> Iterator[str]:
    yield f"*{metric.question}*"
    yield ""
    yield metric.formula
    yield ""
    good = "higher is better" if metric.direction == "up" else "lower is better"
    made_of = ", ".join(
        f"[{name}]({name}.md)" for names in metric.inputs.values() for name in names
    )
    table = f"[{metric.table}](../tables/{metric.table}.md)" if metric.table in CANONICAL else ""
    facts = {
        "unit": f"{metric.unit}; {good}",
        "source": made_of or table,
        "perspective": f"{metric.perspective}, {'leading' if metric.leading else 'lagging'}",
        "by default for": ", ".join(metric.stages),
        "needs": f"`{metric.needs}:` in the product's file" if metric.needs else "",
        "definition": f"version {metric.version}" + (f", {metric.source}" if metric.source else ""),
    }
    yield "| | |"
    yield "|---|---|"
    for label, text in facts.items():
        if text:
            yield f"| {label} | {text} |"


def _table_index() -> Iterator[str]:
    yield "| table | one row is | needed columns |"
    yield "|---|---|---|"
    for table in CANONICAL.values():
        needed = ", ".join(f"`{name}`" for name in table.required)
        yield f"| [{table.name}]({table.name}.md) | {table.grain} | {needed} |"


def _metric_index() -> Iterator[str]:
    for perspective in PERSPECTIVES:
        yield f"## {perspective.capitalize()}"
        yield ""
        yield "| metric | question | unit |"
        yield "|---|---|---|"
        for metric in CATALOGUE.values():
            if metric.perspective == perspective:
                yield f"| [{metric.name}]({metric.name}.md) | {metric.question} | {metric.unit} |"
        yield ""


def _check_list() -> Iterator[str]:
    yield "Every check names what it found, with counts and examples, in appendix A of a report."
    yield "A table's `errors:` makes a check stop the report, `accept:` lives with it for a reason."
    yield ""
    yield "| check | what it finds |"
    yield "|---|---|"
    for name, meaning in CHECKS.items():
        yield f"| `{name}` | {meaning} |"


def _metrics_of(table: str) -> list[Metric]:
    return [item for item in CATALOGUE.values() if item.table == table and not item.inputs]


def _page(title: str, lines: Iterator[str]) -> str:
    body = "\n".join(lines).rstrip()
    return f"# {title}\n\n{_NOTE}\n\n{body}\n"


def main(arguments: list[str]) -> int:
    """Write the pages, or name those that differ."""
    wanted = pages()
    on_disk = {
        path.relative_to(DOCS)
        for folder in ("tables", "metrics")
        for path in (DOCS / folder).glob("*.md")
    }
    stale = [
        path
        for path, text in wanted.items()
        if not (DOCS / path).is_file() or (DOCS / path).read_text(encoding="utf-8") != text
    ]
    surplus = sorted(on_disk - set(wanted))
    if "--check" in arguments:
        for path in (*stale, *surplus):
            print(f"docs/{path} differs from the code: run python docs/generate.py")  # noqa: T201
        return int(bool(stale or surplus))
    for path in stale:
        (DOCS / path).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / path).write_text(wanted[path], encoding="utf-8")
    for path in surplus:
        (DOCS / path).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
