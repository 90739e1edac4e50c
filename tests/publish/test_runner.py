"""Runs with real workers and kernels: what is sealed is whole, what fails harms nothing else."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest

from kpikit.errors import KpikitError
from kpikit.publish import overview, runner, scratch
from kpikit.publish.messages import CellStarted, KernelStarted, Outcome
from kpikit.publish.outputs import stage_files
from kpikit.publish.plan import Failure, Plan
from kpikit.publish.runner import run_plan

pytestmark = pytest.mark.slow

CANARY = """
import os, pathlib, time
file = pathlib.Path("canary.txt")  # relative: kernels in one directory would read each other's
file.write_text(f"canary of {product}")
time.sleep(0.3)
print({"canary": file.read_text(), "cwd": str(pathlib.Path.cwd()),
       "backend": os.environ["MPLBACKEND"], "injected": [product, period]})
"""


class Recorder:
    """Keeps the news of a run."""

    def __init__(self):
        self.events, self.finished_products, self.notes = [], [], []

    def event(self, report, event):
        self.events.append((report.product, event))

    def finished(self, outcome):
        self.finished_products.append(outcome.report.product)

    def note(self, text):
        self.notes.append(text)


def printed(path):
    """Return what the cells of a notebook printed, in order."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return ["".join(output["text"]) for output in outputs if output["output_type"] == "stream"]


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # a zombie runs no more


def wait_until(condition, *, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_products_at_once_hold_their_own_canary_and_no_other(tmp_path, make, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")  # a shell's choice that would take charts away
    keys = ["alpha", "bravo", "charlie", "delta", "00123", "Ä pfel"]
    plan = make.plan_of(*(make.planned(key, make.cover, CANARY, make.kpis) for key in keys))
    recorder = Recorder()

    result = run_plan(plan, output_dir=tmp_path, formats=(), jobs=3, watcher=recorder)

    assert [(item.state, item.reasons) for item in result.outcomes] == [("sealed", ())] * 6
    assert [item.report.product for item in result.outcomes] == keys
    assert result.exit_code == 0
    told = {}
    for key in keys:
        (line,) = printed(tmp_path / "2026Q3" / key / "mini.ipynb")
        told[key] = eval(line)
        facts = json.loads((tmp_path / "2026Q3" / key / "mini.kpis.json").read_text())
        assert facts["product"] == key
    assert {key: seen["canary"] for key, seen in told.items()} == {
        key: f"canary of {key}" for key in keys
    }
    assert all(seen["injected"] == [key, "2026Q3"] for key, seen in told.items())
    assert {seen["backend"] for seen in told.values()} == {
        "module://matplotlib_inline.backend_inline"
    }
    directories = {seen["cwd"] for seen in told.values()}
    assert len(directories) == 6
    assert not any(Path(directory).exists() for directory in directories)
    assert sorted(recorder.finished_products) == sorted(keys)
    assert {key for key, event in recorder.events if isinstance(event, KernelStarted)} == set(keys)
    assert ("alpha", CellStarted(4, 5, "")) in recorder.events


@pytest.fixture(scope="module")
def faulty_run(make, tmp_path_factory):
    """One run of two good reports and two bad ones."""
    child = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"
    plan = make.plan_of(
        make.planned("whole"),
        make.planned("raises", make.cover, make.kpis, "1 / 0"),
        make.planned("kills_worker", "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"),
        make.planned("leaves_child", make.cover, child),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KPIKIT_KERNELS", "cold")  # so that a kernel's parent is its worker
        result = run_plan(plan, output_dir=tmp_path_factory.mktemp("output"), formats=())
    return {outcome.report.product: outcome for outcome in result.outcomes}, result


def test_a_failed_report_leaves_its_marked_notebook_alone(faulty_run):
    outcomes, result = faulty_run
    cause = "Cell [5] failed: ZeroDivisionError: division by zero."

    assert (outcomes["raises"].state, outcomes["raises"].reasons[0]) == ("failed", cause)
    (path,) = (result.output_dir / "2026Q3" / "raises").iterdir()
    assert path.name == "mini.failed.ipynb"
    banner = nbformat.read(path, as_version=4).cells[0].source
    assert banner.startswith(f"# FAILED: mini of raises, 2026Q3\n\n**{cause}**")


def test_a_worker_that_dies_costs_its_own_report(faulty_run):
    outcomes, result = faulty_run

    assert outcomes["kills_worker"].state == "failed"
    assert outcomes["kills_worker"].reasons == (
        "The worker process ended before the report was made (exit code -9).",
    )
    assert outcomes["kills_worker"].attempts == 2
    (path,) = (result.output_dir / "2026Q3" / "kills_worker").iterdir()
    assert path.name == "mini.failed.ipynb"


def test_the_others_go_on_and_the_run_says_that_some_failed(faulty_run):
    outcomes, result = faulty_run

    assert outcomes["whole"].state == "sealed"
    assert result.exit_code == 1
    assert sorted(path.name for path in (result.output_dir / "2026Q3" / "whole").iterdir()) == [
        ".mini.record.json",
        "mini.ipynb",
        "mini.kpis.json",
    ]


def test_the_manifest_tells_how_each_report_ended(faulty_run):
    outcomes, result = faulty_run

    manifest = json.loads((result.output_dir / "run.json").read_text())

    ends = {entry["product"]: entry["state"] for entry in manifest["reports"]}
    assert ends == {key: outcome.state for key, outcome in outcomes.items()}
    whole = manifest["reports"][0]
    assert whole["files"] == ["2026Q3/whole/mini.ipynb", "2026Q3/whole/mini.kpis.json"]
    assert whole["identity"]["data"] == "data of whole"
    assert manifest["exit_code"] == 1


def test_the_index_marks_the_failed_ones(faulty_run):
    _, result = faulty_run

    page = (result.output_dir / "index.html").read_text()

    assert page.count("last run failed") == 2
    assert page.count(">sealed<") == 2


def test_a_failing_rerun_keeps_the_good_report_and_a_good_one_clears_the_failed(tmp_path, make):
    good = make.plan_of(make.planned("atlas"))
    bad = make.plan_of(make.planned("atlas", make.cover, make.kpis, "1 / 0"))
    folder = tmp_path / "2026Q3" / "atlas"

    run_plan(good, output_dir=tmp_path, formats=())
    first = make.files_below(folder)
    run_plan(bad, output_dir=tmp_path, formats=())
    second = make.files_below(folder)
    run_plan(good, output_dir=tmp_path, formats=())
    third = make.files_below(folder)

    assert sorted(first) == [".mini.record.json", "mini.ipynb", "mini.kpis.json"]
    assert {name: second[name] for name in first} == first
    assert sorted(set(second) - set(first)) == ["mini.failed.ipynb"]
    assert sorted(third) == [".mini.record.json", "mini.ipynb", "mini.kpis.json"]
    assert third["mini.kpis.json"] == first["mini.kpis.json"]


@pytest.fixture
def workers_that_stage(monkeypatch):
    """Stand in for the workers: each report is staged and called sealed at once."""

    class Pool:
        def __init__(self, size, *, tell):
            self.closed = False

        def make(self, jobs):
            for job in jobs:
                pages = [f"mini.{form}" for form in job.formats]
                files = dict.fromkeys([*pages, "mini.ipynb", "mini.kpis.json"], "new")
                stage_files(job.staging, files)
                yield job, Outcome(job.report, "sealed", files=tuple(files))

        def close(self):
            self.closed = True

    monkeypatch.setattr(runner, "WorkerPool", Pool)


@pytest.mark.usefixtures("workers_that_stage")
def test_a_disk_that_fills_up_between_two_renames_changes_nothing(tmp_path, make, monkeypatch):
    folder = tmp_path / "2026Q3" / "atlas"
    folder.mkdir(parents=True)
    (folder / "mini.ipynb").write_text("the last good one")
    rename = Path.replace

    def replace(self, target):
        if self.name == "mini.kpis.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    result = run_plan(make.plan_of(make.planned("atlas")), output_dir=tmp_path)

    (outcome,) = result.outcomes
    assert (outcome.state, outcome.files, result.exit_code) == ("failed", (), 1)
    assert outcome.reasons == (
        f"Its files could not be moved into {folder}: [Errno 28] No space left on device.",
    )
    assert make.files_below(folder) == {"mini.ipynb": b"the last good one"}


@pytest.mark.usefixtures("workers_that_stage")
def test_an_index_that_cannot_be_written_is_told_and_the_reports_stay(tmp_path, make, monkeypatch):
    def write_index(_folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(overview, "write_index", write_index)
    result = run_plan(make.plan_of(make.planned("atlas")), output_dir=tmp_path)

    assert (result.outcomes[0].state, result.exit_code) == ("sealed", 1)
    assert result.complaint == (
        "index.html or run.json could not be written: [Errno 28] No space left on device."
    )
    assert len(make.files_below(tmp_path / "2026Q3" / "atlas")) == 5


@pytest.mark.parametrize(
    ("run_id", "kept"), [("own", {"mini.pdf"}), ("other", set())], ids=["same run", "other run"]
)
@pytest.mark.usefixtures("workers_that_stage")
def test_a_page_in_a_format_not_asked_for_stays_only_if_it_is_of_the_same_run(
    tmp_path, make, run_id, kept
):
    report = make.planned("atlas")
    folder = tmp_path / "2026Q3" / "atlas"
    folder.mkdir(parents=True)
    (folder / "mini.pdf").write_text("old")
    published = {"run_id": report.run_id if run_id == "own" else "0123456789ab"}
    (folder / "mini.kpis.json").write_text(json.dumps(published))

    run_plan(make.plan_of(report), output_dir=tmp_path, formats=("html",))

    made = {".mini.record.json", "mini.html", "mini.ipynb", "mini.kpis.json"}
    assert set(make.files_below(folder)) == made | kept


@pytest.mark.usefixtures("workers_that_stage")
def test_what_is_published_as_planned_is_not_made_again(tmp_path, make):
    plan = make.plan_of(make.planned("atlas"), make.planned("beacon"))
    changed = make.planned("beacon", make.cover, make.kpis, "1")
    recorder = Recorder()

    first = run_plan(plan, output_dir=tmp_path)
    second = run_plan(make.plan_of(plan.reports[0], changed), output_dir=tmp_path, watcher=recorder)
    third = run_plan(plan, output_dir=tmp_path, force=True)

    def ends(result):
        return [(outcome.state, outcome.stale) for outcome in result.outcomes]

    assert ends(first) == [("sealed", ("never made",))] * 2
    assert ends(second) == [("unchanged", ()), ("sealed", ("template",))]
    assert ends(third) == [("sealed", ("forced",)), ("sealed", ("template",))]
    assert recorder.finished_products == ["atlas", "beacon"]
    assert (first.exit_code, second.exit_code, third.exit_code) == (0, 0, 0)


@pytest.mark.usefixtures("workers_that_stage")
def test_a_run_without_work_starts_no_worker_and_writes_the_manifest(tmp_path, make, monkeypatch):
    plan = make.plan_of(make.planned("atlas"))
    run_plan(plan, output_dir=tmp_path)
    before = make.files_below(tmp_path / "2026Q3")

    monkeypatch.setattr(runner, "WorkerPool", None)
    result = run_plan(plan, output_dir=tmp_path)

    (entry,) = json.loads((tmp_path / "run.json").read_text())["reports"]
    assert (entry["state"], entry["stale"], result.exit_code) == ("unchanged", [], 0)
    assert entry["files"] == [
        f"2026Q3/atlas/mini.{end}" for end in ("html", "pdf", "ipynb", "kpis.json")
    ]
    assert make.files_below(tmp_path / "2026Q3") == before


def test_a_run_that_finds_all_unchanged_removes_what_a_killed_one_left(
    tmp_path, short_folder, monkeypatch, make
):
    plan = make.plan_of(make.planned("atlas"))
    run_plan(plan, output_dir=tmp_path, formats=())
    monkeypatch.setattr(scratch.tempfile, "gettempdir", lambda: str(short_folder))
    (short_folder / "kpikit-run-dead" / "0").mkdir(parents=True)
    (short_folder / "kpikit-run-dead.lock").touch()

    result = run_plan(plan, output_dir=tmp_path, formats=())

    assert [outcome.state for outcome in result.outcomes] == ["unchanged"]
    assert list(short_folder.iterdir()) == []


HOLDER = """
import sys, time
from pathlib import Path
from kpikit.publish.lock import output_lock
with output_lock(Path(sys.argv[1]), note=print):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.usefixtures("workers_that_stage")
def test_a_second_run_waits_for_the_first_and_sweeps_what_its_death_left(tmp_path, make):
    left = tmp_path / "2026Q3" / "atlas" / ".mini.kpikit-dead"
    stage_files(left, {"mini.html": "half"})
    (tmp_path / ".run.json.4711").write_text("{")
    plan, recorder, results = make.plan_of(make.planned("atlas")), Recorder(), []
    first = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert first.stdout.readline() == "held\n"

    second = threading.Thread(
        target=lambda: results.append(run_plan(plan, output_dir=tmp_path, watcher=recorder))
    )
    second.start()
    wait_until(lambda: recorder.notes)
    still_waiting = second.is_alive() and left.exists()
    first.kill()
    first.communicate()
    second.join(timeout=30)

    assert still_waiting
    assert recorder.notes == [f"Another run writes in {tmp_path}: waiting until it ends."]
    assert [outcome.state for outcome in results[0].outcomes] == ["sealed"]
    assert sorted(make.files_below(tmp_path)) == [
        ".kpikit.lock",
        ".kpikit.overview.lock",
        *(
            f"2026Q3/atlas/{name}"
            for name in (
                ".mini.record.json",
                "mini.html",
                "mini.ipynb",
                "mini.kpis.json",
                "mini.pdf",
            )
        ),
        "index.html",
        "run.json",
    ]


def test_fail_fast_stops_what_still_runs(tmp_path, make):
    slow = make.planned("slow", "import time; time.sleep(60)", make.cover)
    plan = make.plan_of(make.planned("bad", "1 / 0"), slow, make.planned("later"))

    result = run_plan(plan, output_dir=tmp_path, formats=(), jobs=2, fail_fast=True)

    assert [outcome.state for outcome in result.outcomes] == ["failed", "stopped", "stopped"]
    assert result.seconds < 50
    assert sorted(make.files_below(tmp_path)) == [
        ".kpikit.lock",
        ".kpikit.overview.lock",
        "2026Q3/bad/mini.failed.ipynb",
        "index.html",
        "run.json",
    ]


def test_what_a_cell_leaves_running_ends_with_its_kernel(faulty_run):
    outcomes, result = faulty_run

    (line,) = printed(result.output_dir / "2026Q3" / "leaves_child" / "mini.ipynb")

    assert outcomes["leaves_child"].state == "sealed"
    wait_until(lambda: not is_running(int(line)))


SCRIPT = """
import importlib.util, sys
from pathlib import Path
from kpikit.publish.runner import run_plan
spec = importlib.util.spec_from_file_location("plans", sys.argv[1])
plans = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plans)
output = Path(sys.argv[2])
note = f"import os, pathlib; pathlib.Path({str(output)!r}, 'pids').write_text(f'{{os.getpid()}}')"
slow = plans.planned("slow", plans.COVER, note, "import time; time.sleep(600)")
result = run_plan(plans.plan_of(plans.planned("quick"), slow), output_dir=output, formats=())
print([outcome.state for outcome in result.outcomes])
sys.exit(result.exit_code)
"""


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_everything_at_once_and_keeps_what_was_finished(tmp_path, make, signum, code):
    conftest = Path(__file__).with_name("conftest.py")
    output = tmp_path / "output"
    output.mkdir()
    command = [sys.executable, "-c", SCRIPT, str(conftest), str(output)]
    run = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    quick = output / "2026Q3" / "quick" / "mini.kpis.json"
    pids = output / "pids"
    wait_until(lambda: quick.exists() and pids.exists() and pids.read_text())

    os.killpg(run.pid, signum) if signum == signal.SIGINT else run.send_signal(signum)
    stdout, stderr = run.communicate(timeout=20)

    assert (run.returncode, stdout.strip(), stderr) == (code, "['sealed', 'stopped']", "")
    wait_until(lambda: not is_running(int(pids.read_text())), seconds=5)
    pids.unlink()
    [part] = (output / "ledger" / "quick").rglob("*.json")
    part.unlink()
    assert sorted(make.files_below(output)) == [
        ".kpikit.lock",
        ".kpikit.overview.lock",
        "2026Q3/quick/.mini.record.json",
        "2026Q3/quick/mini.ipynb",
        "2026Q3/quick/mini.kpis.json",
        "index.html",
        "run.json",
    ]


def test_a_runner_that_is_killed_takes_workers_and_kernels_with_it(tmp_path, short_folder):
    conftest = Path(__file__).with_name("conftest.py")
    command = [sys.executable, "-c", SCRIPT, str(conftest), str(tmp_path)]
    run = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(short_folder)},
    )
    pids = tmp_path / "pids"
    wait_until(lambda: pids.exists() and pids.read_text())

    run.kill()
    run.wait()

    wait_until(lambda: not is_running(int(pids.read_text())), seconds=10)
    wait_until(lambda: not any(short_folder.iterdir()))  # its private files went too


def test_an_output_folder_that_cannot_be_written_is_found_before_anything_runs(tmp_path, make):
    (tmp_path / "output").write_text("a file")
    recorder = Recorder()

    with pytest.raises(KpikitError, match="Nothing can be written in the output folder"):
        run_plan(
            make.plan_of(make.planned("atlas")), output_dir=tmp_path / "output", watcher=recorder
        )

    assert recorder.events == []


def test_a_plan_without_a_report_runs_nothing(tmp_path):
    plan = Plan((), (Failure("atlas", "atlas.yml has 1 mistake."),))

    result = run_plan(plan, output_dir=tmp_path / "output")

    assert result.exit_code == 2
    assert not (tmp_path / "output").exists()
