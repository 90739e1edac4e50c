"""What one worker does with one report, in this process."""

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from kpikit.publish import worker
from kpikit.publish.limits import Limits
from kpikit.publish.messages import CellStarted, Job, KernelStarted


@pytest.fixture
def job(tmp_path, short_folder, make):
    return Job(
        report=make.planned("atlas"),
        formats=(),
        output_dir=tmp_path,
        scratch=short_folder,
        staging=tmp_path / "2026Q3" / "atlas" / ".mini.x",
        limits=Limits(cell_seconds=60),
        threads=3,
    )


@pytest.mark.slow
def test_a_report_is_staged_with_all_its_files_kpis_last(job, make):
    heading = {"cell_type": "markdown", "id": "h", "metadata": {}, "source": "## Scorecard\nHow?"}
    notebook = json.loads(job.report.template.text)
    notebook["cells"].insert(2, heading)
    template = replace(job.report.template, text=json.dumps(notebook))
    job = replace(job, formats=("html", "pdf"), report=replace(job.report, template=template))
    events = []

    outcome = worker.make_report(job, tell=events.append)

    assert (outcome.state, outcome.reasons) == ("sealed", ())
    assert outcome.files == ("mini.html", "mini.pdf", "mini.ipynb", "mini.kpis.json")
    staged = make.files_below(job.staging)
    assert sorted(staged) == sorted(outcome.files)
    assert staged["mini.pdf"].startswith(b"%PDF-")
    assert "4,672 orders of atlas" in staged["mini.html"].decode()
    executed = nbformat.reads(staged["mini.ipynb"].decode(), as_version=4)
    assert executed.metadata.papermill.output_path == "mini.ipynb"
    assert str(job.scratch) not in staged["mini.ipynb"].decode()
    assert isinstance(events[0], KernelStarted)
    assert events[-2:] == [
        CellStarted(4, 5, "Scorecard"),
        CellStarted(5, 5, "writing the pages"),
    ]


KPI = """
row = {{"metric": "orders", "period": period, "value": {value}, "unit": "count", "n": 1,
       "complete": True, "target": None, "flags": []}}
Stack(items=(), kpis=(row,))
"""
# fault: the template's cells, "cover" and "kpis" being the usual ones, and the reason to be given
FAULTS = {
    "raises": (
        ("cover", "kpis", "1 / 0"),
        "Cell [5] failed: ZeroDivisionError: division by zero.",
    ),
    "exits": (("cover", "import sys; sys.exit(0)", "kpis"), "Cell [4] failed: SystemExit: 0."),
    "is killed": (
        ("cover", "kpis", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
        "the kernel was killed by SIGKILL (the system does this when memory runs out).",
    ),
    "vanishes": (
        ("cover", "import os; os._exit(0)", "kpis"),
        "Cell [4] failed: DeadKernelError: the kernel's process ended by itself, with exit code 0.",
    ),
    "vanishes after its last cell": (
        ("cover", "import os, threading; threading.Timer(0, os._exit, [3]).start()"),
        "the kernel's process ended by itself, with exit code 3.",
    ),
    "dawdles": (
        ("cover", "import time; time.sleep(60)"),
        "Cell [4] failed: CellTimeoutError: it took longer than 6 seconds.",
    ),
    "rewrites its product": (
        ("product = 'beacon'", "cover"),
        "another report's marker: its product is 'beacon', planned was 'atlas'.",
    ),
    "shows no cover": (
        ("1",),
        "The page carries no marker of its product: no cell shows the report's cover.",
    ),
    "misses a value": (
        ("cover", KPI.format(value="None")),
        "KPI orders of 2026Q3 is missing, and no flag says why.",
    ),
    "shows no number": (
        ("cover", KPI.format(value="float('nan')")),
        "KPI orders of 2026Q3: its value is no finite number: 'nan'.",
    ),
}


def failing_outcome(job, report, make):
    """Make the report, and check that it failed and that its notebook says why."""
    outcome = worker.make_report(
        replace(job, report=report, limits=Limits(cell_seconds=6)), tell=print
    )

    assert outcome.state == "failed"
    assert outcome.files == ("mini.failed.ipynb",)
    text = make.files_below(job.staging)["mini.failed.ipynb"].decode()
    banner = nbformat.reads(text, as_version=4).cells[0].source
    assert f"**{outcome.reasons[0]}**" in banner
    return outcome


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_template_with_a_fault_is_not_sealed(job, make, fault):
    cells, cause = FAULTS[fault]
    report = make.planned("atlas", *(getattr(make, cell, cell) for cell in cells))

    outcome = failing_outcome(job, report, make)

    assert outcome.reasons[0].endswith(cause)


@pytest.mark.slow
def test_a_cell_tagged_raises_exception_is_not_sealed_either(job, make):
    report = make.planned("atlas", make.cover, "raise ValueError")
    notebook = json.loads(report.template.text)
    notebook["cells"][-1]["metadata"]["tags"] = ["raises-exception"]
    template = replace(report.template, text=json.dumps(notebook))

    outcome = failing_outcome(job, replace(report, template=template), make)

    assert outcome.reasons[0] == "Cell [4] failed: ValueError."


@pytest.mark.slow
def test_a_disk_that_is_full_is_the_reports_failure(job, monkeypatch):
    def fsync(_handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)

    outcome = worker.make_report(job, tell=print)

    assert (outcome.state, outcome.files) == ("failed", ())
    said, further = outcome.reasons
    assert said == (
        f"Its files could not be written in {job.output_dir}: No space left on device.\n"
        "Make room, or name another folder with --output-dir."
    )
    assert further == (
        "The failed notebook could not be kept: OSError: [Errno 28] No space left on device"
    )
    assert not job.staging.exists()


@pytest.mark.slow
def test_a_kernel_that_does_not_start_is_told_with_its_last_words(job, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(job.scratch / "python"))
    (job.scratch / "python").write_text("#!/bin/sh\necho no room for a kernel >&2\nexit 7\n")
    (job.scratch / "python").chmod(0o755)

    outcome = worker.make_report(job, tell=print)

    assert outcome.state == "failed"
    assert outcome.reasons[0].startswith("The kernel did not start: ")
    assert outcome.reasons[0].endswith("\nno room for a kernel")
    assert outcome.files == ("mini.failed.ipynb",)


def test_a_worker_answers_job_by_job_until_it_is_told_to_end(job, monkeypatch):
    monkeypatch.setattr(worker, "make_report", lambda job, tell: job.report.product)
    before = signal.getsignal(signal.SIGINT)
    here, there = multiprocessing.Pipe()
    here.send(job)
    here.send(None)

    try:
        worker.serve(there)
        ignores = signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert here.recv() == "atlas"
    assert ignores(signal.SIGINT, None) is None


def test_a_worker_whose_runner_is_gone_ends(monkeypatch):
    monkeypatch.setattr(worker, "_ignore_ctrl_c", lambda: None)
    here, there = multiprocessing.Pipe()
    here.close()

    worker.serve(there)


def test_secrets_are_masked_in_reasons(job, monkeypatch):
    monkeypatch.setenv("ATLAS_URL", "warehouse-of-atlas")
    job = replace(job, report=replace(job.report, connection="${ATLAS_URL}"))

    def execute(*_):
        raise OSError("cannot reach warehouse-of-atlas")

    monkeypatch.setattr(worker, "_execute", execute)

    outcome = worker.make_report(job, tell=print)

    assert outcome.reasons == ("OSError: cannot reach ***",)
    assert "warehouse-of-atlas" not in (job.staging / "mini.failed.ipynb").read_text()


def test_a_fault_of_the_code_is_told_with_its_place(job, monkeypatch):
    monkeypatch.setattr(worker, "broken_conditions", lambda *_: 1 / 0)
    monkeypatch.setattr(worker, "_execute", lambda *_: None)

    outcome = worker.make_report(job, tell=print)

    assert outcome.state == "failed"
    assert outcome.reasons[0].startswith("ZeroDivisionError: division by zero (test_worker.py, li")


def test_a_kernels_environment_is_its_own_where_it_must_be(job, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("WAREHOUSE_URL", "secret")
    job = replace(job, report=replace(job.report, overrides=("product.owner=Ada",)))

    env = worker.kernel_environment(job)

    assert env["KPIKIT_RUN_ID"] == job.report.run_id
    assert env["KPIKIT_LEDGER"] == str(job.output_dir / "ledger")
    assert json.loads(env["KPIKIT_OVERRIDES"]) == ["product.owner=Ada"]
    assert env["MPLBACKEND"] == "module://matplotlib_inline.backend_inline"
    assert env["PYTHONHASHSEED"] == "0"
    assert Path(env["IPYTHONDIR"]).parent == job.scratch
    assert (env["OMP_NUM_THREADS"], env["KPIKIT_THREADS"]) == ("3", "3")
    assert env["WAREHOUSE_URL"] == "secret"


def test_a_kernel_imports_this_kpikit_from_wherever_it_runs(job, monkeypatch):
    home = str(Path(worker.kpikit.__file__).parent.parent)
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    from_source = worker.kernel_environment(job)["PYTHONPATH"]
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: home)
    installed = worker.kernel_environment(job)["PYTHONPATH"]

    assert from_source == f"{home}{os.pathsep}/elsewhere"
    assert installed == "/elsewhere"


@pytest.mark.slow
def test_jsonschema_still_loads_a_slow_grammar():
    """When this fails, delete ``worker._forbid_slow_import``: upstream has mended it."""
    code = "import jsonschema, sys; print('lark' in sys.modules)"

    forbidding = f"import sys; sys.modules['rfc3987_syntax'] = None; {code}"

    with_it = subprocess.check_output([sys.executable, "-c", code])
    without = subprocess.check_output([sys.executable, "-c", forbidding])

    assert (with_it, without) == (b"True\n", b"False\n")
