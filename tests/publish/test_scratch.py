"""A run's private folder goes with it, or with the next run."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from kpikit.errors import KpikitError
from kpikit.publish import scratch
from kpikit.publish.scratch import scratch_folder


@pytest.fixture(autouse=True)
def temporary(monkeypatch, short_folder):
    monkeypatch.setattr(scratch.tempfile, "gettempdir", lambda: str(short_folder))
    return short_folder


def test_it_is_private_to_one_run_and_ends_with_it(temporary):
    with scratch_folder() as first, scratch_folder() as second:
        (first / "kernel.log").write_text("x")
        both = sorted(path for path in temporary.iterdir() if path.is_dir())
        modes = {folder.stat().st_mode & 0o777 for folder in both}

    assert both == sorted([first.resolve(), second.resolve()])
    assert modes == {0o700}
    assert list(temporary.iterdir()) == []


def test_one_that_a_killed_run_has_left_goes_with_the_next(temporary):
    for name in ("kpikit-run-dead", "kpikit-run-made-anew", "kpikit-other", "another"):
        (temporary / name / "work").mkdir(parents=True)
    for name in ("kpikit-run-dead", "kpikit-run-gone", "another"):
        (temporary / f"{name}.lock").touch()

    with scratch_folder():
        pass

    left = sorted(path.name for path in temporary.iterdir())
    assert left == ["another", "another.lock", "kpikit-other"]


def test_a_process_that_outlives_its_run_briefly_removes_folder_and_lock(temporary):
    (temporary / "kpikit-run-dead" / "0").mkdir(parents=True)
    (temporary / "kpikit-run-dead.lock").touch()

    for _ in range(2):  # each worker of the run
        scratch.discard(temporary / "kpikit-run-dead")

    assert list(temporary.iterdir()) == []


def test_one_of_another_user_stays(temporary, monkeypatch):
    (temporary / "kpikit-run-dead").mkdir()
    monkeypatch.setattr(scratch.os, "getuid", lambda: 4711)

    with scratch_folder():
        pass

    assert [path.name for path in temporary.iterdir()] == ["kpikit-run-dead"]


def test_a_lock_that_a_sweep_has_just_taken_away_is_made_anew(temporary, monkeypatch):
    locked, taken = fcntl.flock, []

    def late(handle, how):
        if not taken:
            taken.extend(temporary.glob("*.lock"))
            taken[0].unlink()
        locked(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)

    with scratch_folder() as folder:
        locks = list(temporary.glob("*.lock"))

    assert locks == [folder.parent / f"{folder.name}.lock"] != taken
    assert list(temporary.iterdir()) == []


def refuse(_handle, _how):
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [(scratch.sys, "platform", "win32"), (fcntl, "flock", refuse)],
    ids=["Windows", "a file system without locks"],
)
def test_where_nothing_can_be_locked_folders_stay_apart(temporary, monkeypatch, owner, name, value):
    (temporary / "kpikit-run-dead").mkdir()
    (temporary / "kpikit-run-dead.lock").touch()
    monkeypatch.setattr(owner, name, value)

    with scratch_folder() as folder:
        prefix = folder.name.startswith("kpikit-run-")

    assert not prefix  # or else a run that can lock would take it for a dead one's
    left = sorted(path.name for path in temporary.iterdir())
    assert left == ["kpikit-run-dead", "kpikit-run-dead.lock"]


def test_a_full_temporary_folder_is_told(monkeypatch):
    def mkstemp(**_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(scratch.tempfile, "mkstemp", mkstemp)

    with (
        pytest.raises(KpikitError, match=r"No temporary folder .*No space left.*\n.*TMPDIR"),
        scratch_folder(),
    ):
        raise AssertionError


def test_a_long_temporary_path_gives_way_to_a_short_one(monkeypatch):
    monkeypatch.setattr(scratch.tempfile, "gettempdir", lambda: "/var/folders/" + "x" * 60)
    long = scratch._temporary_folder()
    monkeypatch.setattr(scratch.tempfile, "gettempdir", lambda: "/scratch")
    short = scratch._temporary_folder()

    assert (Path(long), Path(short)) == (Path("/tmp"), Path("/scratch"))


def test_a_folder_into_which_a_dying_process_still_writes_is_removed_in_the_end(
    tmp_path, monkeypatch
):
    folder = tmp_path / "kpikit-dead"
    folder.mkdir()
    tries = iter(range(3))

    def busy(path, ignore_errors):
        if next(tries) == 2:
            path.rmdir()

    with monkeypatch.context() as patch:
        patch.setattr(scratch.shutil, "rmtree", busy)
        scratch._remove(folder)

    assert not folder.exists()
