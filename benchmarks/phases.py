"""Where the CPU time of one report goes: a kernel that computes and draws, a worker that renders.

Each part runs in a process of its own, so that what it imports counts. The parts of a kernel are
measured without one: the sections are called as the notebook's cells call them.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.measure import ROOT, Result, run_output
from benchmarks.review import TEMPLATE, show_sections
from kpikit.publish.profile import Phases, clock_loaded

RUNS = 5
PRODUCT = "atlas"


def measure() -> Iterator[Result]:
    for part in ("kernel", "worker"):
        command = [sys.executable, "-m", "benchmarks.phases", part]
        runs = [json.loads(run_output(command, env={"KPIKIT_THREADS": "1"})) for _ in range(RUNS)]
        for name in runs[0]:
            median = statistics.median(run[name] for run in runs)
            yield Result(f"{part}: {name}", median, "CPU s", None)
        total = statistics.median(sum(run.values()) for run in runs)
        yield Result(f"{part}: all of this", total, "CPU s", None)


def _run(
    phases: Phases, name: str, function: Callable[..., Any], *args: Any, **options: Any
) -> Any:
    return phases.wrap(name, function)(*args, **options)


def kernel(phases: Phases) -> None:
    """Do what the kernel of a report does."""
    _run(phases, "import ipykernel", __import__, "ipykernel.kernelapp")
    phases.enter("import pandas, Ibis, matplotlib, kpikit")
    import kpikit.present.charts  # noqa: PLC0415 - imports are measured one by one

    open_report = kpikit.open_report
    phases.leave()
    _run(phases, "import seaborn", __import__, "seaborn")
    report = _run(phases, "opening data", open_report, PRODUCT)
    clock_loaded(phases)
    phases.enter("sections: queries built, frames, tables, words")
    show_sections(report)
    phases.leave()


def worker(phases: Phases) -> None:
    """Do what the worker of a report does; the second page shows what the first one prepared."""
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # as in kpikit.publish.worker
    papermill = _run(phases, "import papermill", __import__, "papermill")
    with tempfile.TemporaryDirectory() as folder:
        notebook = _run(
            phases,
            "papermill and Jupyter's client",
            papermill.execute_notebook,
            str(TEMPLATE),
            f"{folder}/executed.ipynb",
            {"product": PRODUCT, "params_dir": str(ROOT / "params")},
            engine_name="kpikit",
            kernel_name="python3",
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
        )
    html = _run(phases, "import the exporters", __import__, "kpikit.publish.html", fromlist=["x"])
    pdf = _run(phases, "import the exporters", __import__, "kpikit.publish.pdf", fromlist=["x"])
    for page in ("first", "next"):
        _run(phases, f"HTML, {page} page", html.render_html, notebook)
        _run(phases, f"PDF, {page} page", pdf.render_pdf, notebook)


if __name__ == "__main__":
    measured = Phases("interpreter")
    {"kernel": kernel, "worker": worker}[sys.argv[1]](measured)
    print(json.dumps(measured.cpu), file=sys.__stdout__)
