"""Write the reference pages of docs/ from the code: tables, metrics, checks, parameters, commands.

python docs/generate.py          writes them
python docs/generate.py --check  exits 1 where a page differs from the code
"""

import datetime as dt
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kpikit.catalogue import CATALOGUE, PERSPECTIVES, Metric
from kpikit.cli import app
from kpikit.params import Product, product_schema
from kpikit.params.tables import CANONICAL, CHECKS, TableSpec

DOCS = Path(__file__).parent
_NOTE = "<!-- Written by docs/generate.py from the code: change it there. -->"
_PARAMETERS_HEAD = """\
Every key of a product's file, `params/<product>.yml`. Only `product` with its `key` and `name` is
needed; a report needs a table under `source: tables:` too. [Your own data](own_data.md) shows how
the keys work together.

An unknown key is a mistake, and so is a value of another type; all mistakes of a file are listed
at once, with their lines. The days of a span are both included. `--set product.owner=Ada` replaces
a value for one call of the [command line](command_line.md). With the first line
`# yaml-language-server: $schema=schema.json` editors complete the keys; `kpikit schema` writes
that file."""
_COMMANDS_HEAD = """\
`kpikit` stands in `.venv/bin`, which the `make` targets set up: type `.venv/bin/kpikit`, or
`source .venv/bin/activate` once. `make quarterly-review` calls `kpikit run quarterly_review`.
Folders that are not given are looked for where the command is called.

A mistake prints its message alone: what is wrong, where, what to do. [Reports](reports.md) lists
the exit codes of `kpikit run`."""
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "",
}


def pages() -> dict[Path, str]:
    """Return every generated page, by its path below docs/."""
    found = {Path("tables") / f"{table.name}.md": table_page(table) for table in CANONICAL.values()}
    found |= {Path("metrics") / f"{name}.md": metric_page(item) for name, item in CATALOGUE.items()}
    found[Path("tables/index.md")] = _page("Tables", _table_index())
    found[Path("metrics/index.md")] = _page("Metrics", _metric_index())
    found[Path("checks.md")] = _page("Data checks", _check_list())
    found[Path("parameters.md")] = _page("Parameters of a product", _parameter_lines())
    found[Path("command_line.md")] = _page("Command line", _command_lines())
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


def _parameter_lines() -> Iterator[str]:
    """Yield a table of keys per part of the schema, the whole file first."""
    places = _places()
    parts = {Product.__name__: product_schema()} | product_schema()["$defs"]
    yield _PARAMETERS_HEAD
    for model, paths in places.items():
        yield ""
        yield f"## {_place_title(paths[0])}"
        yield ""
        yield (model.__doc__ or "").splitlines()[0]
        if paths[1:]:
            yield f"Also at {', '.join(f'`{path}`' for path in paths[1:])}."
        yield ""
        yield "| key | what it takes | default | meaning |"
        yield "|---|---|---|---|"
        properties = parts[model.__name__]["properties"]
        for name, info in model.model_fields.items():
            key = info.alias or name
            takes = _type_text(properties[key], places).replace("|", "\\|")
            yield f"| `{key}` | {takes} | {_default_text(info)} | {_meaning(info)} |"


def _places() -> dict[type[BaseModel], list[str]]:
    """Return where each part of the schema stands in the file, in the file's order."""
    found: dict[type[BaseModel], list[str]] = {}

    def visit(model: type[BaseModel], path: str) -> None:
        found.setdefault(model, []).append(path)
        for name, info in model.model_fields.items():
            for part, suffix in _parts_of(info.annotation):
                visit(part, f"{path}.{info.alias or name}{suffix}".lstrip("."))

    visit(Product, "")
    return found


def _parts_of(annotation: Any, suffix: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    """Yield the models in a field's type, with how one gets at them: ``[]``, ``.<name>``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, suffix
        return
    container = {list: "[]", dict: ".<name>"}.get(getattr(annotation, "__origin__", None), "")
    for argument in get_args(annotation):
        yield from _parts_of(argument, suffix + container)


def _place_title(path: str) -> str:
    return f"`{path}`" if path else "The whole file"


def _type_text(schema: Mapping[str, Any], places: Mapping[type[BaseModel], list[str]]) -> str:
    """Return in words what a key of the JSON schema takes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        path = next(paths[0] for model, paths in places.items() if model.__name__ == name)
        return f"[`{path}`](#{re.sub(r'[^a-z0-9_]', '', path.lower())})"
    if "anyOf" in schema:
        texts = [_type_text(each, places) for each in schema["anyOf"]]
        if {"text", "number", "day"} <= set(texts):
            texts = ["single value", *(text for text in texts if text.startswith("list"))]
        return " or ".join(text for text in dict.fromkeys(texts) if text)
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_type_text(schema['items'], places)}"
    if kind == "object":
        tables = "enum" in schema.get("propertyNames", {})
        key = "[table](tables/index.md)" if tables else "name"
        return f"mapping of {key} to {_type_text(schema['additionalProperties'], places)}"
    return _value_text(schema)


def _value_text(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        checks = set(schema["enum"]) == set(CHECKS)
        return "[check](checks.md)" if checks else ", ".join(f"`{word}`" for word in schema["enum"])
    if "csv" in schema.get("pattern", ""):
        return "the name of a `.csv`, `.yml` or `.yaml` file beside it"
    kind = "day" if schema.get("format") == "date" else _TYPES[schema["type"]]
    return kind + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    texts = [f"{word} {schema[key]:g}" for key, word in words.items() if key in schema]
    return f", {', '.join(texts)}" if texts else ""


def _default_text(info: FieldInfo) -> str:
    if info.is_required():
        return "needed"
    default = info.get_default(call_default_factory=True)
    if isinstance(default, BaseModel) or default in (None, "", [], {}):
        return "–"
    if isinstance(default, dt.date | str):
        return f"`{default}`"
    return f"`{json.dumps(default)}`"


def _meaning(info: FieldInfo) -> str:
    text = info.description or ""
    if info.examples:
        shown = [each if isinstance(each, str) else json.dumps(each) for each in info.examples]
        text += f" Such as {', '.join(f'`{each}`' for each in shown)}."
    return text.replace("|", "\\|")


def _command_lines() -> Iterator[str]:
    """Yield a part per command: what it does, its arguments and options, its examples."""
    program: Any = typer.main.get_command(app)
    yield _COMMANDS_HEAD
    yield ""
    yield from _option_table(program)
    for name, command in program.commands.items():
        yield ""
        yield f"## `kpikit {name}`"
        yield ""
        yield _plain(inspect.cleandoc(command.help))
        yield ""
        yield from _option_table(command)
        yield ""
        yield "```sh"
        for line in command.epilog.splitlines()[2:]:
            yield line.strip()
        yield "```"


def _option_table(command: Any) -> Iterator[str]:
    yield "| argument or option | default | what it does |"
    yield "|---|---|---|"
    for item in command.params:
        has_default = item.default not in (None, False)
        default = f"`{item.default}`" if has_default else "needed" if item.required else "–"
        yield f"| `{_usage(item)}` | {default} | {_plain(item.help)} |"


def _usage(item: Any) -> str:
    """Return an argument or option as one types it."""
    value = item.metavar or item.name.upper()
    if item.param_type_name == "argument":
        return value
    return item.opts[0] if item.is_flag else f"{item.opts[0]} {value}"


def _plain(text: str) -> str:
    """Keep Markdown from reading ``<product>`` as a tag."""
    return text.replace("<", "\\<")


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
