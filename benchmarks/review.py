"""The quarterly review: the three sample products, and a real shop of a million order lines."""

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, SHARED_DATA, Result, Usage, median_usage, run_command

RUNS = 3
TEMPLATE = ROOT / "notebooks" / "quarterly_review.ipynb"


def measure() -> Iterator[Result]:
    _samples()  # what the first run of all leaves behind is no part of the figure
    yield from _results("review of 3 sample products", _samples, bar=30)
    if not SHARED_DATA.is_dir():
        print("skipped: Online Retail II, whose data is not in ../shared/data")
        return
    yield from _results("review of Online Retail II, cold cache", _retail, bar=20)
    with tempfile.TemporaryDirectory() as cache:
        _retail(cache)
        yield from _results("review of Online Retail II, warm", lambda: _retail(cache), bar=None)


def show_sections(report: Any) -> None:
    """Make what the template's cells show of a report, in the form that Jupyter asks for."""
    for name in section_names():
        getattr(report, name)()._repr_mimebundle_()


def section_names() -> list[str]:
    """Return the methods of a report that the template calls, in its order."""
    cells = json.loads(TEMPLATE.read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return re.findall(r"^report\.(\w+)\(\)$", code, re.MULTILINE)


def _results(name: str, run: Callable[[], Usage], *, bar: float | None) -> Iterator[Result]:
    usage = median_usage(run, runs=RUNS)
    yield Result(name, usage.wall_s, "s", bar, usage.detail)
    memory_bar = 1024 if "Online Retail" in name else None
    yield Result(f"{name}: peak memory", usage.peak_mib, "MiB", memory_bar)


def _samples() -> Usage:
    """Review the sample products as a user does, HTML and PDF, into a new folder."""
    with tempfile.TemporaryDirectory() as output:
        return run_command(["make", "quarterly-review", f"OUTPUT={output}"])


def _retail(cache: str | None = None) -> Usage:
    """Review the shop into a new folder, with a new cache if none is given."""
    kpikit = str(Path(sys.executable).with_name("kpikit"))
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "--product": "online_retail_ii",
            "--period": "2011Q3",
            "--params-dir": "tests/acceptance/params",
            "--output-dir": f"{folder}/output",
        }
        words = [word for option in options.items() for word in option]
        env = {"KPIKIT_CACHE_DIR": cache or f"{folder}/cache"}
        return run_command([kpikit, "run", "quarterly_review", *words], env=env)
