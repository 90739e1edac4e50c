"""The seal: a report is complete when all of these conditions hold, else it is not published.

Each condition is one function. It takes the executed notebook and the planned report, and yields a
sentence per breach, nothing where it holds. ``broken_conditions`` asks them all, likely causes
first, so that the first sentence is the one to read.
"""

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kpikit.publish.plan import PlannedReport
from kpikit.publish.template import INJECTED

METADATA_KEY = "kpikit"  # of the notebook and of its outputs
ALIVE = "alive"  # what the engine notes of a kernel that answered after the last cell

Notebook = Mapping[str, Any]
Condition = Callable[[Notebook, PlannedReport], Iterator[str]]

_KPI_KEYS = ("metric", "period", "value", "unit", "n", "complete", "target", "flags")


def broken_conditions(notebook: Notebook, report: PlannedReport) -> list[str]:
    """Return why the executed notebook may not be published; empty where it is sealed."""
    return [reason for condition in CONDITIONS for reason in condition(notebook, report)]


def data_passed_its_checks(notebook: Notebook, _report: PlannedReport) -> Iterator[str]:
    """No check that the parameters declare an error has stopped the report."""
    for _, output in _outputs(notebook):
        if output.get("ename") == "DataQualityError":
            yield f"The data did not pass its checks: {output['evalue']}"


def no_output_is_an_error(notebook: Notebook, _report: PlannedReport) -> Iterator[str]:
    """No cell raised, not even inside an output widget, where Jupyter hides it."""
    for place, output in _outputs(notebook):
        if output["output_type"] == "error" and output["ename"] != "DataQualityError":
            yield f"{place} failed: {_error_text(output)}."
    for output in _widget_outputs(notebook):
        if output.get("output_type") == "error":
            yield f"An output widget holds an error: {_error_text(output)}."


def no_output_shows_a_secret(notebook: Notebook, report: PlannedReport) -> Iterator[str]:
    """No output holds the value of a variable that the product's connection names."""
    if "${" not in report.connection:
        return
    from kpikit.params.environment import note_references, shown_variable  # noqa: PLC0415 - seldom

    note_references(report.connection)
    for place, output in _outputs(notebook):
        if output["output_type"] != "error":  # which is told already, and masked
            shown = next(filter(None, map(shown_variable, _texts(output))), "")
            if shown:
                yield f"{place} shows the value of the environment variable {shown}."


def kernel_lived_to_the_end(notebook: Notebook, _report: PlannedReport) -> Iterator[str]:
    """The kernel answered after the last cell."""
    ending = notebook["metadata"].get(METADATA_KEY, {}).get("kernel", "its end was not recorded")
    if ending != ALIVE:
        yield f"The kernel did not run to the end: {ending}."


def every_cell_ran_in_order(notebook: Notebook, _report: PlannedReport) -> Iterator[str]:
    """The code cells bear the counts 1, 2, 3 ... without a gap; empty ones are not run."""
    cells = [cell for cell in _code_cells(notebook) if "".join(cell["source"]).strip()]
    counts = [cell.get("execution_count") for cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        ran = sum(count is not None for count in counts)
        yield f"Not every cell ran in order: {ran} of {len(cells)} code cells ran."


def parameters_are_the_plans(notebook: Notebook, report: PlannedReport) -> Iterator[str]:
    """One cell sets the parameters, to the very values and types of the plan."""
    injected = [
        cell for cell in _code_cells(notebook) if INJECTED in cell["metadata"].get("tags", ())
    ]
    if len(injected) != 1:
        yield f"{len(injected)} cells were injected with parameters, not one."
        return
    found = _literals("".join(injected[0]["source"]))
    if found != report.parameters:
        wrong = [name for name in report.parameters if found.get(name) != report.parameters[name]]
        yield f"The injected parameters are not those of the plan: {', '.join(wrong or found)}."


def marker_is_its_own(notebook: Notebook, report: PlannedReport) -> Iterator[str]:
    """The page names this product, period, run and data, and no other."""
    planned = {
        "product": report.product,
        "period": report.period,
        "run_id": report.run_id,
        "data_hash": report.data_hash,
    }
    markers = [found["marker"] for found in _notes(notebook) if "marker" in found]
    if not markers:
        yield "The page carries no marker of its product: no cell shows the report's cover."
    for marker in markers:
        wrong = [name for name, expected in planned.items() if marker.get(name) != expected]
        if wrong == ["data_hash"]:
            yield "The data changed while the report was made: run it again once they are whole."
            continue
        for name, expected in planned.items():
            if name in wrong:
                yield (
                    f"The page carries another report's marker: its {name} is "
                    f"'{marker.get(name)}', planned was '{expected}'."
                )


def kpis_are_finite_or_absent(notebook: Notebook, _report: PlannedReport) -> Iterator[str]:
    """Every KPI shown is a finite number, or missing with a flag that says why."""
    for row in _kpis(notebook):
        name = f"KPI {row.get('metric')} of {row.get('period')}"
        absent = [key for key in _KPI_KEYS if key not in row]
        if absent:
            yield f"{name} lacks {', '.join(absent)}."
            continue
        if row["value"] is None and not row["flags"]:
            yield f"{name} is missing, and no flag says why."
        for key in ("value", "n", "target"):
            if row[key] is not None and not _is_finite(row[key]):
                yield f"{name}: its {key} is no finite number: {row[key]!r}."


def kpis_agree(notebook: Notebook, _report: PlannedReport) -> Iterator[str]:
    """A KPI shown twice has one value."""
    shown: dict[tuple[Any, Any], Any] = {}
    for row in _kpis(notebook):
        key, value = (row.get("metric"), row.get("period")), rounded(row.get("value"))
        if shown.setdefault(key, value) != value:
            yield f"KPI {key[0]} of {key[1]} is shown as {shown[key]} and as {value}."


CONDITIONS: tuple[Condition, ...] = (
    data_passed_its_checks,
    no_output_is_an_error,
    no_output_shows_a_secret,
    kernel_lived_to_the_end,
    every_cell_ran_in_order,
    parameters_are_the_plans,
    marker_is_its_own,
    kpis_are_finite_or_absent,
    kpis_agree,
)


def kpis_document(notebook: Notebook, report: PlannedReport) -> dict[str, Any]:
    """Return the content of kpis.json of a sealed notebook, each KPI once, in the page's order."""
    marker = next(found["marker"] for found in _notes(notebook) if "marker" in found)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in _kpis(notebook):
        numbers = {key: rounded(row[key]) for key in ("value", "n", "target")}
        rows.setdefault(
            (row["metric"], row["period"]), {key: row[key] for key in _KPI_KEYS} | numbers
        )
    return {
        **report.heading,
        "as_of": marker.get("as_of"),
        "run_id": report.run_id,
        "data_hash": report.data_hash,
        "kpis": list(rows.values()),
    }


def rounded(value: Any) -> Any:
    """Return a number with 6 decimals, whole where it is whole, so that its text repeats."""
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    short = round(value, 6)
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _error_text(output: Mapping[str, Any]) -> str:
    lines = str(output["evalue"]).strip().splitlines()
    return f"{output['ename']}: {' '.join(lines)}" if lines else str(output["ename"])


def _code_cells(notebook: Notebook) -> list[Mapping[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _outputs(notebook: Notebook) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each output with the place of its cell, in words: its prompt and the heading above."""
    heading = ""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and "".join(cell["source"]).startswith("#"):
            heading = "".join(cell["source"]).splitlines()[0].lstrip("# ")
        prompt = f"Cell [{cell.get('execution_count') or ' '}]"
        place = f"{prompt} under '{heading}'" if heading else prompt
        for output in cell.get("outputs", ()):
            yield place, output


def _widget_outputs(notebook: Notebook) -> Iterator[Mapping[str, Any]]:
    for bundle in notebook["metadata"].get("widgets", {}).values():
        for widget in bundle.get("state", {}).values():
            outputs: Sequence[Mapping[str, Any]] = widget.get("state", {}).get("outputs") or ()
            yield from outputs


def _notes(notebook: Notebook) -> Iterator[Mapping[str, Any]]:
    """Yield what kpikit's components have noted in the outputs' metadata."""
    for _, output in _outputs(notebook):
        note = output.get("metadata", {}).get(METADATA_KEY)
        if note:
            yield note


def _kpis(notebook: Notebook) -> Iterator[Mapping[str, Any]]:
    for note in _notes(notebook):
        yield from note.get("kpis", ())


def _texts(value: Any) -> Iterator[str]:
    """Yield every text among JSON values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _literals(source: str) -> dict[str, Any]:
    """Return the literal assignments of a cell; anything else in it is no match for a plan."""
    try:
        return {
            target.id: ast.literal_eval(node.value)
            for node in ast.parse(source).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
    except (SyntaxError, ValueError):
        return {}
