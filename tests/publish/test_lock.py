"""One run at a time writes in a folder, and a run that died holds nothing."""

import contextlib
import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from kpikit.publish import lock
from kpikit.publish.lock import output_lock, overview_lock, sweep

HOLDER = """
import signal, sys, time
from pathlib import Path
from kpikit.publish.lock import output_lock
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where these tests ignore it
products = sys.argv[2:] or None
note = lambda text: print(text, flush=True)
with output_lock(Path(sys.argv[1]), note=note, products=products):
    print("held", flush=True)
    time.sleep(600)
"""


def hold(folder, *products):
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), *products],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_a_process_waits_until_the_one_that_holds_the_folder_is_gone(tmp_path, signum):
    first = hold(tmp_path)
    assert first.stdout.readline() == "held\n"
    second = hold(tmp_path)
    told = second.stdout.readline()

    first.send_signal(signum)
    first.communicate()
    then = second.stdout.readline()
    second.kill()
    second.communicate()

    assert told == f"Another run writes in {tmp_path}: waiting until it ends.\n"
    assert then == "held\n"


@pytest.mark.slow
def test_a_process_that_waits_can_be_stopped(tmp_path):
    notes = []
    with output_lock(tmp_path, note=notes.append):
        second = hold(tmp_path)
        told = second.stdout.readline()
        # the first may come just before it begins to wait, and is then seen after the wait alone
        for _ in range(40):
            second.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                second.communicate(timeout=0.5)
                break

    assert told.startswith("Another run writes in ")
    assert second.returncode not in (0, None)
    assert notes == []


@pytest.mark.slow
def test_shards_share_the_folder_but_no_product_and_a_whole_run_waits_for_them(tmp_path):
    first, second = hold(tmp_path, "atlas", "beacon"), hold(tmp_path, "comet")
    held = [first.stdout.readline(), second.stdout.readline()]
    overlapping, whole = hold(tmp_path, "beacon", "delta"), hold(tmp_path)
    told = [overlapping.stdout.readline(), whole.stdout.readline()]

    first.kill()
    then = overlapping.stdout.readline()
    for process in (second, overlapping):
        process.kill()
    last = whole.stdout.readline()
    whole.kill()
    for process in (first, second, overlapping, whole):
        process.communicate()

    assert held == ["held\n", "held\n"]
    assert told == [
        f"Another run writes beacon in {tmp_path}: waiting until it ends.\n",
        f"Another run writes in {tmp_path}: waiting until it ends.\n",
    ]
    assert (then, last) == ("held\n", "held\n")


def test_the_lock_ends_with_its_body(tmp_path):
    notes = []
    for _ in range(2):
        with output_lock(tmp_path, note=notes.append):
            pass

    assert notes == []


def test_a_file_system_without_locks_is_told_and_used(tmp_path, monkeypatch):
    def flock(*_args):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    notes = []
    monkeypatch.setattr(fcntl, "flock", flock)
    with output_lock(tmp_path, note=notes.append):
        pass

    (note,) = notes
    assert note == (
        f"{tmp_path} cannot be locked here (No locks available): "
        "see that no second run writes there now."
    )


def test_windows_is_told_and_used(tmp_path, monkeypatch):
    notes = []
    monkeypatch.setattr(lock.sys, "platform", "win32")
    with output_lock(tmp_path, note=notes.append):
        pass

    (note,) = notes
    assert note == (
        f"{tmp_path} cannot be locked here (Windows has no such lock): "
        "see that no second run writes there now."
    )


def test_a_fault_of_the_body_is_not_taken_for_one_of_the_lock(tmp_path):
    notes = []

    with (
        pytest.raises(OSError, match="No space left"),
        output_lock(tmp_path, note=notes.append),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert notes == []


def test_only_what_a_killed_run_left_is_swept(tmp_path, make):
    folder = tmp_path / "2026Q3" / "atlas"
    for name in (".mini.kpikit-dead", ".ipynb_checkpoints"):
        (folder / name).mkdir(parents=True)
        (folder / name / "mini.html").write_text("x")
    other = tmp_path / "2026Q3" / "beacon" / ".mini.kpikit-live"
    other.mkdir(parents=True)
    for name in (".index.html.4711", ".run-1-of-2.json.4711", "index.html", "run.json"):
        (tmp_path / name).write_text("x")
    (folder / ".mini.record.json").write_text("{}")

    sweep(tmp_path, ["atlas"])
    is_left = other.exists()
    sweep(tmp_path)
    with overview_lock(tmp_path):
        pass

    assert (is_left, other.exists()) == (True, False)

    assert sorted(make.files_below(tmp_path)) == [
        ".kpikit.overview.lock",
        "2026Q3/atlas/.ipynb_checkpoints/mini.html",
        "2026Q3/atlas/.mini.record.json",
        "index.html",
        "run.json",
    ]
