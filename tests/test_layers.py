"""Imports point down the list of rooms, and heavy libraries stay in the rooms that own them."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kpikit"

# Top to bottom; rooms in one set may not import one another.
ROOMS: list[set[str]] = [
    {"__main__"},
    {"cli"},
    {"commands"},
    {"exploring"},
    {"publish"},
    {"report_experiment"},
    {"report"},
    {"sections"},
    {"ledger"},
    {"present"},
    {"analysis"},
    {"catalogue"},
    {"sources"},
    {"engine"},
    {"params"},
    {"sample"},
    {"periods", "formats", "formulas", "intervals", "series", "corrections"},
    {"errors"},
]
OWNERS = {
    "ibis": {"sources", "engine", "catalogue", "analysis"},
    "papermill": {"publish"},
    "nbconvert": {"publish"},
    "nbclient": {"publish"},
    "typst": {"publish"},
    "seaborn": {"present"},
    "matplotlib": {"present", "publish"},  # publish takes DejaVu from its wheel
    "ipywidgets": {"present"},
}
# Rooms whose parts stand beside one another and share only what lies below; a package is one part.
SEPARATE = {"analysis"}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def part_of(module: str) -> str:
    """Return a room's part that a module is of: ``drivers`` of kpikit.analysis.drivers.mix."""
    return module.split(".")[2] if module.count(".") > 1 else ""


def level_of(room: str) -> int:
    for level, rooms in enumerate(ROOMS):
        if room in rooms:
            return level
    raise AssertionError(f"Room '{room}' has no place in ROOMS: give it one.")


def imports_of(path: Path) -> set[str]:
    """Return every module that a file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def violations(package: Path) -> list[str]:
    """Return a line per forbidden import, naming both modules."""
    lines: list[str] = []
    modules = {module_name(path, package) for path in package.rglob("*.py")}
    for path in sorted(package.rglob("*.py")):
        importer = module_name(path, package)
        if importer == "kpikit":
            continue  # the package's own names are loaded on first use
        room = room_of(importer)
        for imported in sorted(imports_of(path)):
            owners = OWNERS.get(imported.split(".")[0])
            if owners is not None and room not in owners:
                lines.append(f"{importer} imports {imported}, which belongs to {sorted(owners)}")
            if imported in modules and imported != "kpikit":
                lines += _upward(importer, imported)
    return lines


def _upward(importer: str, imported: str) -> list[str]:
    here, there = room_of(importer), room_of(imported)
    if here == there:
        apart = part_of(importer) != part_of(imported)
        parted = here in SEPARATE and importer.count(".") > 1 and apart
        return [f"{importer} imports its neighbour {imported}"] if parted else []
    if level_of(here) >= level_of(there):
        return [f"{importer} imports {imported}, which lies above or beside it"]
    return []


def test_every_import_points_down():
    assert violations(PACKAGE) == []


@pytest.fixture
def broken_copy(tmp_path):
    copy = tmp_path / "kpikit"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.mark.parametrize(
    ("module", "line", "complaint"),
    [
        ("periods.py", "from kpikit.params.model import Product", "kpikit.periods imports"),
        ("errors.py", "import kpikit.formats", "kpikit.errors imports kpikit.formats"),
        ("formats.py", "import ibis", "kpikit.formats imports ibis"),
        ("present/theme.py", "import papermill", "kpikit.present.theme imports papermill"),
        (
            "analysis/survey.py",
            "from kpikit.analysis.retention import retention_table",
            "kpikit.analysis.survey imports its neighbour kpikit.analysis.retention",
        ),
        (
            "analysis/drivers/mix.py",
            "from kpikit.analysis.retention import retention_table",
            "kpikit.analysis.drivers.mix imports its neighbour kpikit.analysis.retention",
        ),
        (
            "analysis/survey.py",
            "def late():\n    from kpikit.report import Report",
            "kpikit.analysis.survey imports kpikit.report",
        ),
    ],
)
def test_an_upward_import_is_named(broken_copy, module, line, complaint):
    path = broken_copy / module
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")

    assert any(found.startswith(complaint) for found in violations(broken_copy))


def test_importing_kpikit_loads_neither_publishing_nor_charts():
    code = (
        "import sys, kpikit; "
        "print([name for name in ('kpikit.publish', 'ipywidgets', 'matplotlib', 'papermill')"
        " if name in sys.modules])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout

    assert printed.strip() == "[]"


def test_every_public_name_is_there():
    import kpikit  # noqa: PLC0415 - loads what it names

    missing = [name for name in kpikit.__all__ if not hasattr(kpikit, name)]

    assert missing == []
    assert sorted(kpikit.__all__) == kpikit.__all__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = kpikit.nothing
