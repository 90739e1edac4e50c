"""The documentation says what the code does: its examples run, its names and links exist."""

import __future__

import ast
import doctest
import importlib.util
import json
import pkgutil
import re
import shlex
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml

import kpikit as kk
from kpikit.catalogue import metric_names_at
from kpikit.cli import app
from kpikit.params import load_product, product_schema
from kpikit.params.tables import CANONICAL
from kpikit.publish.seal import rounded
from kpikit.sample.__main__ import _parser as sample_parser
from kpikit.sections.kpis import kpi_rows

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")))
}
README = "README.md"
TABLES = {name: {"files": f"{name}.csv"} for name in CANONICAL}
HEAD = {"product": {"key": "shop", "name": "Shop"}, "source": {"tables": TABLES}}
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
KNOWN_LANGUAGES = {"sh", "console", "yaml", "csv", "python", "json", "toml"}


@dataclass(frozen=True)
class Block:
    """A fenced example: its page and line, its language, the file that it is to stand in."""

    page: str
    line: int
    language: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: str) -> list[Block]:
    text = PAGES[page]
    return [
        Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2] or "", match[3])
        for match in FENCE.finditer(text)
    ]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def examples(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def write_files(page: str, folder: Path) -> None:
    """Write the examples of a page that are files of a product."""
    for block in blocks_of(page):
        if block.name and block.language in ("csv", "yaml"):
            (folder / block.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.name).write_text(block.text, encoding="utf-8")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """The folder in which README's own shop is reported."""
    write_files(README, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KPIKIT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("KPIKIT_RUN_ID", raising=False)
    return tmp_path


# What is generated


def load_script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate():
    return load_script(DOCS / "generate.py")


def test_the_reference_pages_are_those_that_the_code_gives(generate, capsys):
    code = generate.main(["--check"])

    assert capsys.readouterr().out == ""
    assert code == 0


def test_a_page_that_differs_is_named(generate, capsys, monkeypatch):
    pages = generate.pages()
    monkeypatch.setattr(generate, "pages", lambda: {**pages, Path("checks.md"): "changed"})

    code = generate.main(["--check"])

    assert "docs/checks.md differs from the code" in capsys.readouterr().out
    assert code == 1


def test_every_metric_says_how_it_is_counted_and_by_whose_definition(generate):
    silent = [
        name for name, item in generate.CATALOGUE.items() if not (item.formula and item.source)
    ]

    assert silent == []


def test_every_key_of_the_schema_is_explained():
    schema = product_schema()
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGES["docs/parameters.md"], re.MULTILINE))

    keys = {key for part in (schema, *schema["$defs"].values()) for key in part["properties"]}

    assert keys - rows == set()


def test_every_command_and_option_is_explained():
    text = PAGES["docs/command_line.md"]
    program = typer.main.get_command(app)

    missing = [
        f"{name} {option}"
        for name, command in program.commands.items()
        for part in [text.partition(f"## `kpikit {name}`")[2].partition("\n## ")[0]]
        for item in command.params
        for option in (item.opts if item.param_type_name == "option" else [item.name.upper()])
        if f"| `{option}" not in part
    ]

    assert missing == []


# Examples


def test_every_example_is_of_a_kind_that_is_tested():
    assert {block.language for block in BLOCKS} <= KNOWN_LANGUAGES


@pytest.mark.parametrize("block", examples("yaml"), ids=str)
def test_a_yaml_example_is_a_products_file_or_a_part_of_one(block, tmp_path):
    write_files(block.page, tmp_path)
    path = tmp_path / Path(block.name or "shop.yml")
    if "product" not in yaml.safe_load(block.text):
        given = {**HEAD, **yaml.safe_load(block.text)}
        path.write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
    else:
        path.write_text(block.text, encoding="utf-8")

    loaded = load_product(path, known_metrics=metric_names_at)

    assert loaded.key == "shop"


@pytest.mark.parametrize("block", examples("json"), ids=str)
def test_a_json_example_is_json(block):
    assert json.loads(block.text)


def run_block(text: str, namespace: dict[str, Any]) -> Any:
    """Run a Python example as a cell: return the value of its last expression, if it is one."""
    flags = __future__.annotations.compiler_flag
    tree = ast.parse(text)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<example>", "exec", flags, dont_inherit=True), namespace)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "<example>", "eval"), namespace)


def run_page(page: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Run the Python examples of a page in turn and return what each shows.

    An example with a file's name becomes that module, and a function of ``self`` a method of
    ``Report``, as the text around them says.
    """
    namespace: dict[str, Any] = {}
    shown = []
    for block in blocks_of(page):
        if block.language != "python":
            continue
        if block.text.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(block.text, {}, str(block), None, block.line)
            assert doctest.DocTestRunner().run(test).failed == 0, str(block)
        elif block.name:
            module = ModuleType(block.name.removesuffix(".py").replace("/", "."))
            monkeypatch.setitem(sys.modules, module.__name__, module)
            run_block(block.text, module.__dict__)
            namespace[module.__name__.rpartition(".")[2]] = module
        elif method := re.match(r"def (\w+)\(self\)", block.text):
            module = dict(namespace)
            run_block(block.text, module)
            monkeypatch.setattr(kk.Report, method[1], module[method[1]], raising=False)
            module.update(namespace)  # a method's name hides no module
        else:
            shown.append(run_block(block.text, namespace))
    return shown


@pytest.mark.parametrize("page", sorted({block.page for block in examples("python")}))
def test_the_python_examples_of_a_page_run(page, shop, monkeypatch):
    shown = run_page(page, monkeypatch)

    assert shown


def test_the_own_data_of_the_readme_is_reported_as_a_newcomer_would_reckon(shop):
    report = kk.open_report("shop", params_dir="my")

    card = report.context.scorecard.set_index("metric")

    # 18.85 + 44.36 + 26.79 - 44.36 + 31.00, of which four are sales by three customers
    assert report.context.period.label == "2026Q3"
    assert card.loc["net_revenue", "actual"] == pytest.approx(76.64)
    assert card.loc["orders", "actual"] == 4
    assert card.loc["average_order_value", "actual"] == pytest.approx(121.00 / 4)
    assert card.loc["repeat_purchase_rate", "actual"] == pytest.approx(1 / 3)
    assert card.loc["net_revenue", "outcome"] == "missed"
    assert {finding.severity for finding in report.dataset.findings} <= {"info"}


def test_the_own_data_of_the_readme_takes_ten_lines():
    [block] = [block for block in blocks_of(README) if block.name == "my/shop.yml"]

    assert len(block.text.splitlines()) == 10


def test_the_example_of_a_section_shows_the_customers_who_bring_most(shop, monkeypatch):
    section = run_page("docs/adding_a_section.md", monkeypatch)[-1]

    [table] = section.items
    rows = [(row["user_id"], row["orders"], row["net_revenue"]) for row in table.rows]
    # 18.85 + 26.79; 31.00; 44.36 paid back
    assert rows == [("0039", "2", "€45.64"), ("0005", "1", "€31.00"), ("0071", "1", "€0.00")]


def test_the_example_of_kpis_json_is_the_one_of_the_shop(shop):
    [block] = examples("json")
    document = json.loads(block.text)

    first = kpi_rows(kk.open_report("shop", params_dir="my").context)[0]

    expected = {name: rounded(value) for name, value in first.items()}
    assert document["kpis"] == [expected]


# Commands


def commands_in_text() -> list[tuple[str, str]]:
    """Return every call of kpikit and make: those in examples, and those inside sentences."""
    lines = [(str(block), line) for block in examples("sh") for line in block.text.splitlines()]
    lines += [
        (str(block), line.removeprefix("$ "))
        for block in examples("console")
        for line in block.text.splitlines()
        if line.startswith("$ ")
    ]
    spans = [
        (page, span)
        for page, text in PAGES.items()
        for span in SPAN.findall(FENCE.sub("", text))
        if re.match(r"(kpikit|make) [a-z]", span)
    ]
    return list(dict.fromkeys(lines + spans))


@pytest.mark.parametrize(
    ("place", "line"), [pytest.param(*each, id=" ".join(each)) for each in commands_in_text()]
)
def test_a_command_in_the_text_can_be_typed(place, line):
    words = shlex.split(line)
    name = Path(words[0]).name

    assert CHECKED_COMMANDS[name](words[1:], is_whole=place.count(":") == 1) == []


def kpikit_complaints(words: list[str], *, is_whole: bool) -> list[str]:
    """Parse a call as the command line does; of one inside a sentence only names are looked at."""
    command = typer.main.get_command(app).commands.get(words[0])
    if command is None:
        return [f"no command {words[0]}"]
    if is_whole:
        command.make_context(words[0], words[1:])
        return []
    options = {option for item in command.params for option in item.opts}
    return [word for word in words[1:] if word.startswith("--") and word not in options]


def make_complaints(words: list[str], **_: Any) -> list[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    variables = re.findall(r"^([A-Z_]+) \?=", makefile, re.MULTILINE)
    return [word for word in words if word.partition("=")[0] not in {*targets, *variables}]


def nbconvert_complaints(words: list[str], **_: Any) -> list[str]:
    exporters = entry_points(group="nbconvert.exporters").names
    return [] if words[:2] == ["nbconvert", "--to"] and words[2] in exporters else words


def papermill_complaints(words: list[str], **_: Any) -> list[str]:
    engines = entry_points(group="papermill.engine").names
    return [] if words[0] == "--engine" and words[1] in engines else words


def python_complaints(words: list[str], **_: Any) -> list[str]:
    if words[:2] != ["-m", "kpikit.sample"]:
        return words
    sample_parser().parse_args(words[2:])
    return []


def export_complaints(words: list[str], **_: Any) -> list[str]:
    return [word for word in words if word.partition("=")[0] not in environment_names()]


CHECKED_COMMANDS = {
    "kpikit": kpikit_complaints,
    "make": make_complaints,
    "jupyter": nbconvert_complaints,
    "papermill": papermill_complaints,
    "python": python_complaints,
    "export": export_complaints,
}


# Names and links


def environment_names() -> set[str]:
    """Return the environment variables that the package reads or sets."""
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "kpikit").rglob("*.py"))
    return {name for text in sources for name in re.findall(r"\bKPIKIT_[A-Z_]+", text)}


def test_every_environment_variable_is_explained():
    text = "".join(PAGES.values())

    assert {name for name in environment_names() if name not in text} == set()


def anchors_of(text: str) -> set[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    wrong = []
    for target in LINK.findall(FENCE.sub("", PAGES[page])):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        file = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        if not file.exists() or (anchor and anchor not in anchors_of(file.read_text("utf-8"))):
            wrong.append(target)

    assert wrong == []


def test_every_page_is_reached_from_the_index():
    linked = {
        (DOCS / target.partition("#")[0]).resolve()
        for target in LINK.findall(PAGES["docs/index.md"])
    }

    pages = {path for path in DOCS.glob("*.md") if path.name != "index.md"}

    assert pages - linked == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_path_in_the_text_exists(page):
    spans = SPAN.findall(FENCE.sub("", PAGES[page]))
    paths = [
        span for span in spans
        if re.fullmatch(r"(kpikit|docs|tests|notebooks|params|benchmarks)/[\w./*-]*", span)
    ]  # fmt: skip

    assert [path for path in paths if not list(ROOT.glob(path.rstrip("/")))] == []


def test_every_module_and_function_that_makes_a_number_exists():
    names = SPAN.findall(PAGES["docs/how_numbers_are_made.md"])

    found = [pkgutil.resolve_name(name) for name in names if name.startswith("kpikit.")]

    assert len(found) > 10


def test_the_layout_in_the_readme_is_that_of_the_package():
    rooms = load_script(ROOT / "tests" / "test_layers.py").ROOMS
    table = PAGES[README].partition("## The layout")[2].partition("## ")[0]

    places = [
        [table.index(f"{room}/" if (ROOT / "kpikit" / room).is_dir() else f"{room}.py")
         for room in level]
        for level in rooms if level != {"__main__"}
    ]  # fmt: skip

    assert all(max(upper) < min(lower) for upper, lower in pairwise(places))


def test_the_readme_is_short_and_its_pictures_small():
    pictures = list((DOCS / "images").iterdir())

    assert len(PAGES[README].splitlines()) <= 150
    assert {path.suffix for path in pictures} == {".png"}
    assert sum(path.stat().st_size for path in pictures) < 600_000
