"""Whatever a template does, the good report published before stays, and the others go on.

Each fault is a product of one real run with real kernels. Before the run, files that stand for the
last good report lie in each product's folder.
"""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from kpikit.publish import processes, runner, worker
from kpikit.publish.limits import Limits
from kpikit.publish.lock import sweep
from kpikit.publish.plan import Plan
from kpikit.publish.runner import run_plan

pytestmark = pytest.mark.slow

MEMORY, CELL_OUTPUT, REPORT_OUTPUT = 600 * 2**20, 2**20, 3 * 2**20
LIMITS = Limits(
    cell_seconds=60,
    report_seconds=120,
    memory=MEMORY,
    cell_output=CELL_OUTPUT,
    report_output=REPORT_OUTPUT,
    retries=0,
)
EATS = "x = b'x' * 2**30; import time; time.sleep(60)"
HOLDS_THE_LOCK = "import ctypes; ctypes.PyDLL(None).sleep(600)"  # of the interpreter
LATE = r"it took longer than 3 seconds\.$"
SIZE = r"it used [\d.]+ [GM]iB of memory, more than the 600 MiB of --memory; allow more, or let"
# fault: its cells, and the first reason that is told
FAULTS = {
    "is killed": (
        ["import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
        r"DeadKernelError: the kernel was killed by SIGKILL \(the system does this when memory",
    ),
    "leaves at once": (["import os; os._exit(0)"], "process ended by itself, with exit code 0"),
    "exits": (["import sys; sys.exit(0)"], r"SystemExit: 0\.$"),
    "loops in Python": (["while True: pass"], LATE),
    "loops in C": (["sum(range(10**12))"], LATE),
    "lets nobody else run": ([HOLDS_THE_LOCK], LATE),
    "eats memory": (
        [EATS],
        f"LimitExceeded: {SIZE}",
    ),
    "lets a child eat memory": (
        [f"import subprocess, sys; subprocess.run([sys.executable, '-c', {EATS!r}])"],
        f"LimitExceeded: {SIZE}",
    ),
    "prints 200 MB at once": (
        ["print('x' * 200_000_000)"],
        # of both limits, the one that is met first
        f"LimitExceeded: (it put out more than the 1 MiB of --cell-output-size; show less|{SIZE})",
    ),
    "prints for ever": (
        ["while True: print('x' * 10_000)"],
        # of both limits, the one that is met first: what is not sent yet waits in its memory
        f"LimitExceeded: (it put out more than the 1 MiB of --cell-output-size; show less|{SIZE})",
    ),
    "prints a little too often": (
        ["print('x' * 1_000_000)"] * 4,
        r"Cell \[6\] failed: LimitExceeded: this report put out more than the 3 MiB of --output",
    ),
}  # fmt: skip
PUBLISHED = {
    "mini.html": b"<html>the last good one</html>",
    "mini.ipynb": b"{}",
    "mini.kpis.json": b'{"run_id": "0123456789ab"}',
    "mini.pdf": b"%PDF-1.7 the last good one",
}


def publish_before(output, product):
    folder = output / "2026Q3" / product
    folder.mkdir(parents=True)
    for name, content in PUBLISHED.items():
        (folder / name).write_bytes(content)
    return folder


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, *, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_fault_fails_its_report_says_why_and_keeps_the_last_good_one(tmp_path, make):
    reports = {fault: make.planned(fault, *cells) for fault, (cells, _) in FAULTS.items()}
    folders = {fault: publish_before(tmp_path, fault) for fault in FAULTS}
    late = [report for fault, report in reports.items() if FAULTS[fault][1] == LATE]
    other = [report for report in reports.values() if report not in late]
    ends = {}

    for plan, limits in (
        (make.plan_of(*late, make.planned("whole")), replace(LIMITS, cell_seconds=3)),
        (make.plan_of(*other), LIMITS),
    ):
        result = run_plan(plan, output_dir=tmp_path, formats=(), jobs=2, limits=limits)
        ends |= {outcome.report.product: outcome for outcome in result.outcomes}

    assert ends.pop("whole").state == "sealed"
    assert {fault: end.state for fault, end in ends.items()} == dict.fromkeys(FAULTS, "failed")
    first = {fault: end.reasons[0] for fault, end in ends.items()}
    assert {
        fault: reason for fault, reason in first.items() if not re.search(FAULTS[fault][1], reason)
    } == {}
    for fault, folder in folders.items():
        files = make.files_below(folder)
        text = files.pop("mini.failed.ipynb").decode()
        assert f"**{first[fault]}**" in nbformat.reads(text, as_version=4).cells[0].source
        assert len(text) < REPORT_OUTPUT + 100_000
        assert files == PUBLISHED


LEAVES = """
import subprocess, sys, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
sleep = ["sleep", "600"]
session = subprocess.Popen(sleep, start_new_session=True).pid
code = f"import subprocess as s; print(s.Popen({sleep}, start_new_session=True, stdout=2).pid)"
daemon = int(subprocess.check_output([sys.executable, "-c", code]))
print([subprocess.Popen(sleep).pid, session, daemon])
"""
FIGURE = """
import matplotlib.pyplot as plt
figure = plt.figure(figsize=(100, 100), dpi=100)
figure.add_subplot().plot([1, 2])
plt.show()
"""


def printed(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return ["".join(output["text"]) for output in outputs if output["output_type"] == "stream"]


@pytest.mark.skipif(not processes.is_supported(), reason="only Linux shows all processes")
@pytest.mark.parametrize("end", ["", "import os; os._exit(1)"], ids=["sealed", "died"])
def test_threads_children_and_daemons_end_with_their_report(tmp_path, make, end):
    plan = make.plan_of(make.planned("leaves", make.cover, LEAVES, *([end] if end else [])))

    result = run_plan(plan, output_dir=tmp_path, formats=(), limits=LIMITS)

    (outcome,) = result.outcomes
    assert outcome.state == ("failed" if end else "sealed")
    (line,) = printed(tmp_path / "2026Q3" / "leaves" / outcome.files[0])
    left = json.loads(line)
    assert len(left) == 3
    wait_until(lambda: not any(map(is_running, left)))


@pytest.mark.long
def test_a_figure_of_100_megapixels_is_drawn(tmp_path, make):
    plan = make.plan_of(make.planned("large", make.cover, FIGURE))

    result = run_plan(plan, output_dir=tmp_path, limits=Limits())

    assert [(outcome.state, outcome.reasons) for outcome in result.outcomes] == [("sealed", ())]


def test_a_report_that_takes_too_long_as_a_whole_is_ended(tmp_path, make):
    folder = publish_before(tmp_path, "atlas")
    cells = ["import time; time.sleep(2)"] * 10
    limits = replace(LIMITS, report_seconds=6)

    result = run_plan(
        make.plan_of(make.planned("atlas", *cells)), output_dir=tmp_path, limits=limits
    )

    (outcome,) = result.outcomes
    assert outcome.reasons[0].endswith(
        "LimitExceeded: this report took longer than the 6 seconds of --timeout; allow more."
    )
    files = make.files_below(folder)
    assert files.pop("mini.failed.ipynb")
    assert files == PUBLISHED


WORKER_DIED = "The worker process ended before the report was made (exit code -9)."
# dies in its first attempts, as many as the number says
DIES = """
import os, pathlib
count = pathlib.Path({counts!r}, product)
tries = int(count.read_text()) if count.exists() else 0
count.write_text(str(tries + 1))
if tries < {number}:
    {fault}
"""


def test_a_lost_kernel_is_tried_again_and_an_error_is_not(tmp_path, make, monkeypatch):
    monkeypatch.setenv("KPIKIT_KERNELS", "cold")  # so that a kernel's parent is its worker

    def dies(number, fault="os._exit(7)"):
        return DIES.format(counts=str(tmp_path), number=number, fault=fault)

    notes = []
    ignored = lambda *_: None  # noqa: E731 - a stand-in
    watcher = SimpleNamespace(event=ignored, finished=ignored, note=notes.append)
    plan = make.plan_of(
        make.planned("once", make.cover, make.kpis, dies(1)),
        make.planned("twice", make.cover, make.kpis, dies(2)),
        make.planned("raises", make.cover, make.kpis, dies(1, "raise ValueError")),
        make.planned("worker", make.cover, make.kpis, dies(1, "os.kill(os.getppid(), 9)")),
    )

    result = run_plan(plan, output_dir=tmp_path / "output", formats=(), watcher=watcher)

    ends = {end.report.product: (end.state, end.attempts) for end in result.outcomes}
    assert ends == {
        "once": ("sealed", 2),
        "twice": ("failed", 2),
        "raises": ("failed", 1),
        "worker": ("sealed", 2),
    }
    died = (
        "Cell [5] failed: DeadKernelError: the kernel's process ended by itself, with exit code 7."
    )
    assert sorted(notes) == [
        f"once 2026Q3 is made once more. {died}",
        f"twice 2026Q3 is made once more. {died}",
        f"worker 2026Q3 is made once more. {WORKER_DIED}",
    ]
    manifest = json.loads((tmp_path / "output" / "run.json").read_text())
    once = next(entry for entry in manifest["reports"] if entry["product"] == "once")
    assert once["attempts"] == 2
    assert once["earlier_attempts"] == [died]


def test_errors_are_tried_again_where_that_is_wanted(tmp_path, make):
    cell = DIES.format(counts=str(tmp_path), number=2, fault="raise ConnectionError")
    limits = Limits(retries=2, retry_errors=True)

    result = run_plan(
        make.plan_of(make.planned("atlas", make.cover, make.kpis, cell)),
        output_dir=tmp_path / "output",
        formats=(),
        limits=limits,
    )

    (outcome,) = result.outcomes
    assert (outcome.state, outcome.attempts) == ("sealed", 3)
    assert outcome.earlier == ("Cell [5] failed: ConnectionError.",) * 2


SHADOWED = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("plans", sys.argv[1])
plans = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plans)
from pathlib import Path
from kpikit.publish.runner import run_plan
plan = plans.plan_of(plans.planned("atlas", plans.COVER, plans.KPIS, "import random, json"))
result = run_plan(plan, output_dir=Path("output"), formats=("html", "pdf"))
sys.exit("; ".join(result.outcomes[0].reasons) or 0)
"""


def test_modules_in_the_current_folder_shadow_nothing(tmp_path):
    script = tmp_path / "scripts" / "run.py"
    script.parent.mkdir()
    script.write_text(SHADOWED)
    folder = tmp_path / "here"
    folder.mkdir()
    for name in ("json", "random", "tempfile", "pandas", "signal", "selectors"):
        (folder / f"{name}.py").write_text("raise SystemExit('this is not the right module')")

    done = subprocess.run(
        [sys.executable, str(script), str(Path(__file__).with_name("conftest.py"))],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((folder / "output" / "2026Q3" / "atlas").glob("mini.*"))) == 4


def test_names_that_files_may_bear_are_reported_and_one_too_long_fails_alone(tmp_path, make):
    keys = ["ä" * 200, "a b", "Ä pfel 日本", "x" * 200, "quote ' and \" and $"]
    plan = make.plan_of(*map(make.planned, keys))

    result = run_plan(plan, output_dir=tmp_path, formats=())

    assert [outcome.state for outcome in result.outcomes] == ["failed", *["sealed"] * 4]
    assert "File name too long" in result.outcomes[0].reasons[0]
    for key in keys[1:]:
        facts = json.loads((tmp_path / "2026Q3" / key / "mini.kpis.json").read_text())
        assert facts["product"] == key


def run_with_failures(make, output, *, products, failing):
    """Run so many products, of which every so-and-so-manieth raises, and check each of them."""
    bad = {f"product {number}" for number in failing}
    keys = [f"product {number}" for number in range(products)]
    plan = Plan(
        tuple(
            make.planned(key, make.cover, make.kpis, *(["1 / 0"] if key in bad else []))
            for key in keys
        ),
        (),
    )

    result = run_plan(plan, output_dir=output, formats=())

    ends = {outcome.report.product: outcome.state for outcome in result.outcomes}
    assert ends == {key: "failed" if key in bad else "sealed" for key in keys}
    assert result.exit_code == 1
    assert {path.parent.name for path in output.glob("*/*/mini.failed.ipynb")} == bad
    sealed = {path.parent.name: path for path in output.glob("*/*/mini.kpis.json")}
    assert set(sealed) == set(keys) - bad
    assert all(json.loads(path.read_text())["product"] == key for key, path in sealed.items())


def test_of_10_products_2_fail_and_8_are_sealed(tmp_path, make):
    run_with_failures(make, tmp_path, products=10, failing=(0, 7))


@pytest.mark.long
def test_of_200_products_7_fail_and_193_are_sealed(tmp_path, make):
    run_with_failures(make, tmp_path, products=200, failing=(0, 1, 50, 99, 120, 198, 199))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    if os.name != "posix" or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_fills_up_keeps_the_last_good_report_and_serves_again_when_there_is_room(
    small_disk, make
):
    folder = publish_before(small_disk, "atlas")
    large = make.plan_of(make.planned("atlas", make.cover, make.kpis, "print('x' * 250_000)"))
    filling = small_disk / "something else"
    filling.write_bytes(bytes(200_000))

    full = run_plan(large, output_dir=small_disk, formats=())
    kept = {name: data for name, data in make.files_below(folder).items() if name in PUBLISHED}
    left = [path for path in folder.iterdir() if path.is_dir()]
    filling.unlink()
    small = run_plan(make.plan_of(make.planned("atlas")), output_dir=small_disk, formats=())

    assert [outcome.state for outcome in full.outcomes] == ["failed"]
    assert (
        "No space left on device.\nMake room, or name another folder" in full.outcomes[0].reasons[0]
    )
    assert (kept, left) == (PUBLISHED, [])
    assert [outcome.state for outcome in small.outcomes] == ["sealed"]


TURN_READ_ONLY = """
import subprocess
for how in (["--bind", {folder!r}], ["-o", "remount,bind,ro"]):
    subprocess.run(["mount", *how, {folder!r}], check=True)
"""


def test_a_folder_that_turns_read_only_keeps_the_last_good_report_and_serves_again_later(
    small_disk, make
):
    folder = publish_before(small_disk, "atlas")
    turn = TURN_READ_ONLY.format(folder=str(folder))
    turns = make.planned("atlas", make.cover, make.kpis, turn)

    failed = run_plan(make.plan_of(turns), output_dir=small_disk, formats=())
    kept = make.files_below(folder)
    subprocess.run(["umount", str(folder)], check=True)
    whole = run_plan(make.plan_of(make.planned("atlas")), output_dir=small_disk, formats=())

    assert [outcome.state for outcome in failed.outcomes] == ["failed"]
    assert "Read-only file system" in failed.outcomes[0].reasons[0]
    assert kept == PUBLISHED
    assert [outcome.state for outcome in whole.outcomes] == ["sealed"]
    names = {path.name for path in folder.iterdir()}
    assert names == {".mini.record.json", "mini.ipynb", "mini.kpis.json"}


class FaultyDisk:
    """Lets every call that writes pass, but one, or all from one on.

    Attributes:
        calls: How many there were.
    """

    def __init__(self, patch, *, failing, number, lasting):
        self.calls, self._error = 0, OSError(number, os.strerror(number))
        self._failing, self._lasting = failing, lasting
        for owner, names in ((Path, ("mkdir", "open", "replace", "unlink")), (os, ("fsync",))):
            for name in names:
                patch.setattr(owner, name, self._counting(getattr(owner, name)))
        for name in ("link", "copy2"):
            owner = os if name == "link" else shutil
            patch.setattr(owner, name, self._counting(getattr(owner, name)))
        if lasting:
            patch.setattr(shutil, "rmtree", lambda *_args, **_how: None)

    def _counting(self, method):
        def call(*args, **how):
            reads = method.__name__ == "open" and "w" not in "".join(map(str, args[1:]))
            if not reads:
                self.calls += 1
                if self.calls == self._failing or (self._lasting and self.calls > self._failing):
                    raise self._error
            return method(*args, **how)

        return call


@pytest.fixture
def seal_and_publish(tmp_path, short_folder, make, monkeypatch):
    """Seal, stage and publish a report whose cells ran well, on a disk with a fault."""
    report = make.planned("atlas")
    monkeypatch.setattr(worker, "broken_conditions", lambda *_: [])
    monkeypatch.setattr(worker, "kpis_document", lambda *_: {"run_id": report.run_id})
    monkeypatch.setattr(
        worker, "_execute", lambda *_: nbformat.reads(report.template.text, as_version=4)
    )
    (job,) = runner._jobs(
        {report: ("never made",)},
        tmp_path,
        short_folder / "kpikit-x",
        formats=("html",),
        size=1,
        limits=LIMITS,
    )

    def run(**fault):
        with monkeypatch.context() as patch:
            disk = FaultyDisk(patch, **fault)
            outcome = worker.make_report(job, tell=print)
            outcome = runner._publish(job, runner._with_notebook(job, outcome))
            runner._Run([job], None, None, fail_fast=False)._discard_staged()
            return outcome, disk.calls

    return run


def names_and_kind(files):
    """Return the names of the published files, and whether they are the old or the new ones."""
    files = {name: data for name, data in files.items() if name != "mini.failed.ipynb"}
    if files == PUBLISHED:
        return "old"
    is_new = all(files[name] != data for name, data in PUBLISHED.items() if name in files)
    made = {".mini.record.json", "mini.html", "mini.ipynb", "mini.kpis.json"}
    return "new" if is_new and set(files) == made else f"mixed: {sorted(files)}"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("lasting", [False, True], ids=["for a moment", "from then on"])
def test_a_disk_that_fails_at_any_step_of_the_sealing_leaves_one_whole_report(
    tmp_path, seal_and_publish, make, number, lasting
):
    _, steps = seal_and_publish(failing=0, number=number, lasting=False)
    seen = set()
    for failing in range(1, steps + 1):
        shutil.rmtree(tmp_path / "2026Q3")
        folder = publish_before(tmp_path, "atlas")

        outcome, _ = seal_and_publish(failing=failing, number=number, lasting=lasting)

        if not lasting:
            kind = names_and_kind(make.files_below(folder))
            assert kind == ("new" if outcome.state == "sealed" else "old"), failing
        sweep(tmp_path)
        kind = names_and_kind(make.files_below(folder))
        assert kind in {"old", "new"}, failing
        seen.add(kind)
    assert steps > 15
    assert seen == {"old", "new"}
