"""A run's private folder goes with it, or with the next run."""

import errno
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
        both = sorted(temporary.iterdir())

    assert both == sorted([first.resolve(), second.resolve()])
    assert list(temporary.iterdir()) == []


def test_one_that_a_killed_run_has_left_goes_with_the_next(temporary):
    for name in ("kpikit-dead", "kpikit-unknown", "other-dead"):
        (temporary / name / "work").mkdir(parents=True)
    for name in ("kpikit-dead", "other-dead"):
        (temporary / name / ".lock").touch()

    with scratch_folder():
        pass

    assert sorted(path.name for path in temporary.iterdir()) == ["kpikit-unknown", "other-dead"]


def test_without_locks_nothing_of_others_is_touched(temporary, monkeypatch):
    (temporary / "kpikit-dead").mkdir()
    (temporary / "kpikit-dead" / ".lock").touch()
    monkeypatch.setattr(scratch.sys, "platform", "win32")

    with scratch_folder() as folder:
        names = [path.name for path in folder.iterdir()]

    assert names == [".lock.new"]
    assert [path.name for path in temporary.iterdir()] == ["kpikit-dead"]


def test_a_full_temporary_folder_is_told(monkeypatch):
    def mkdtemp(**_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(scratch.tempfile, "mkdtemp", mkdtemp)

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
