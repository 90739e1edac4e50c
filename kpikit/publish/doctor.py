"""What kpikit needs on a machine: what of it is there, and what to type where it is not."""

import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

import kpikit
from kpikit.errors import KpikitError
from kpikit.formats import format_bytes
from kpikit.publish.listing import list_templates
from kpikit.publish.outputs import check_writable

_INSTALL = "pip install --require-hashes -r requirements.lock"
_REGISTER = "pip install --no-deps ."  # writes the entry points by which others find kpikit
_OLDEST_PYTHON = (3, 11)
_LEAST_ROOM = 200e6  # bytes; a run of a few products and their caches
_PACKAGES = (
    "papermill",
    "nbconvert",
    "ipykernel",
    "jupyterlab",
    "ibis-framework",
    "duckdb",
    "pandas",
    "pyarrow",
    "matplotlib",
    "seaborn",
    "pydantic",
    "typst",
)
_ENTRY_POINTS = (
    ("papermill.engine", "kpikit", "papermill --engine kpikit"),
    ("nbconvert.exporters", "kpikit-html", "jupyter nbconvert --to kpikit-html"),
    ("nbconvert.exporters", "kpikit-pdf", "jupyter nbconvert --to kpikit-pdf"),
)
_FONTS = (("font_source_sans_pro", "Source Sans Pro"), ("matplotlib", "DejaVu Sans"))


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What.
        detail: What was found.
        remedy: What to type; empty where all is well.
    """

    name: str
    detail: str
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nothing is to be done."""
        return not self.remedy


def examine(*, params_dir: Path, notebooks_dir: Path, output_dir: Path) -> list[Finding]:
    """Look at everything that a run needs; nothing is run and no data is opened."""
    return [
        _python(),
        Finding("kpikit", kpikit.__version__),
        *(_package(name) for name in _PACKAGES),
        *(_entry_point(*entry) for entry in _ENTRY_POINTS),
        *(_font(module, face) for module, face in _FONTS),
        _kernel_folder(),
        _room(Path(tempfile.gettempdir())),
        _output_folder(output_dir),
        _params_folder(params_dir),
        _notebooks_folder(notebooks_dir),
    ]


def _python() -> Finding:
    remedy = "" if sys.version_info >= _OLDEST_PYTHON else "make PYTHON=python3.12"
    return Finding("Python", f"{platform.python_version()} at {sys.executable}", remedy)


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, "not installed", _INSTALL)


def _entry_point(group: str, name: str, use: str) -> Finding:
    if entry_points(group=group, name=name):
        return Finding(use, "registered")
    return Finding(use, "not registered", _REGISTER)


def _font(module: str, face: str) -> Finding:
    if importlib.util.find_spec(module) is None:
        return Finding(f"font {face}", f"not found: {module} is not installed", _INSTALL)
    return Finding(f"font {face}", f"from {module}")


def _kernel_folder() -> Finding:
    folder = tempfile.gettempdir()
    if not hasattr(os, "fork"):
        return Finding("kernels", "on TCP ports; this system has no Unix sockets for them")
    return Finding("kernels", f"on Unix sockets in {folder}")


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    remedy = "" if free >= _LEAST_ROOM else "export TMPDIR=/a/folder/with/room"
    return Finding("temporary files", f"{format_bytes(free)} free in {folder}", remedy)


def _output_folder(folder: Path) -> Finding:
    return _tried(
        "output folder", str(folder), lambda: check_writable(folder), "kpikit run --output-dir DIR"
    )


def _params_folder(folder: Path) -> Finding:
    count = len(list(folder.glob("*.yml")))
    if count:
        return Finding("product files", f"{count} in {folder}")
    return Finding("product files", f"none in {folder}", "kpikit run --params-dir DIR")


def _notebooks_folder(folder: Path) -> Finding:
    names = list_templates(folder)
    if names:
        return Finding("templates", ", ".join(names))
    return Finding("templates", f"none in {folder}", "kpikit run --notebooks-dir DIR")


def _tried(name: str, detail: str, attempt: Callable[[], None], remedy: str) -> Finding:
    try:
        attempt()
    except KpikitError as error:
        return Finding(name, str(error).splitlines()[0], remedy)
    return Finding(name, detail)
