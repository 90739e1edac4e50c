"""The templates read like a table of contents: headings, questions, one call each."""

import ast
from pathlib import Path

import jupytext
import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
TEMPLATES = sorted(path for path in NOTEBOOKS.glob("*.ipynb") if path.stem != "start")
ALLOWED_TAGS = {"parameters", "remove-cell", "kept-view"}
FORBIDDEN = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.If,
    ast.For,
    ast.While,
    ast.With,
    ast.Try,
    ast.ListComp,
    ast.DictComp,
    ast.SetComp,
    ast.GeneratorExp,
)


def complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """Return a line per house rule that a template breaks."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    lines = [*_parameter_complaints(code)]
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            lines += [f"cell {number}: {text}" for text in _code_complaints(cell)]
    return lines + _section_complaints(notebook.cells)


def _parameter_complaints(code: list[nbformat.NotebookNode]) -> list[str]:
    if not code or code[0].metadata.get("tags") != ["parameters"]:
        return ["the first code cell is not the one tagged 'parameters'"]
    lines = []
    for node, source in zip(
        ast.parse(code[0].source).body, code[0].source.splitlines(), strict=True
    ):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.value, ast.Constant):
            lines.append(f"parameter '{source}' is no typed literal")
        if "  # " not in source:
            lines.append(f"parameter '{source}' has no comment")
    return lines


def _code_complaints(cell: nbformat.NotebookNode) -> list[str]:
    tree = ast.parse(cell.source)
    lines = [
        f"holds a {type(node).__name__}" for node in ast.walk(tree) if isinstance(node, FORBIDDEN)
    ]
    if len(cell.source.splitlines()) > 10:
        lines.append("is longer than ten lines")
    if cell.outputs or cell.execution_count is not None:
        lines.append("has outputs")
    if set(cell.metadata.get("tags", [])) - ALLOWED_TAGS:
        lines.append("has an unknown tag")
    return lines


def _section_complaints(cells: list[nbformat.NotebookNode]) -> list[str]:
    lines = []
    for number, cell in enumerate(cells):
        if cell.cell_type != "markdown":
            continue
        heading, _, question = cell.source.partition("\n")
        if not heading.startswith("## ") or not question.strip().endswith("?"):
            lines.append(f"cell {number}: is not a heading with its question")
        call = cells[number + 1].source if number + 1 < len(cells) else ""
        if len(call.splitlines()) != 1 or not call.startswith(("report.", "kk.explore(")):
            lines.append(f"cell {number}: is not followed by one call")
    return lines


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_keeps_the_house_rules(path):
    assert complaints(nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_the_twin_for_review_says_the_same(path):
    twin = jupytext.read(NOTEBOOKS / "py" / f"{path.stem}.py")

    template = nbformat.read(path, as_version=4)

    assert [(cell.cell_type, cell.source) for cell in template.cells] == [
        (cell.cell_type, cell.source) for cell in twin.cells
    ]


@pytest.mark.parametrize(
    ("position", "source", "complaint"),
    [
        (0, "product = 'atlas'  # key", "is no typed literal"),
        (0, "product: str = 'atlas'", "has no comment"),
        (1, "for x in range(3): print(x)", "holds a For"),
        (1, "\n".join(f"x{n} = {n}" for n in range(11)), "is longer than ten lines"),
        (2, "## Heading without question", "is not a heading with its question"),
        (3, "report.summary()\nreport.scorecard()", "is not followed by one call"),
    ],
)
def test_a_broken_copy_is_caught(position, source, complaint):
    notebook = nbformat.read(TEMPLATES[0], as_version=4)
    notebook.cells[position].source = source

    assert any(complaint in line for line in complaints(notebook))


def test_a_committed_output_is_caught():
    notebook = nbformat.read(TEMPLATES[0], as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="hello")]

    assert complaints(notebook) == ["cell 1: has outputs"]
