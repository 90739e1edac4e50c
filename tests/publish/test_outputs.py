"""Files appear whole and as a set, or not at all."""

import errno
import os
from pathlib import Path

import pytest

from kpikit.errors import KpikitError
from kpikit.publish import outputs


def disk_full(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def folder(tmp_path):
    """A folder with a report published before, and a new one staged beside it."""
    folder = tmp_path / "2026Q3" / "atlas"
    folder.mkdir(parents=True)
    for name in ("r.html", "r.pdf", "r.kpis.json"):
        (folder / name).write_text(f"old {name}")
    return folder


@pytest.fixture
def staging(folder):
    staging = folder / ".r.token"
    outputs.stage_files(staging, {"r.html": "new é", "r.pdf": b"%PDF", "r.kpis.json": "{}"})
    return staging


def test_a_staged_set_takes_its_places_in_order_and_its_folder_goes(folder, staging, make):
    outputs.publish_files(staging, folder, ["r.html", "r.pdf", "r.kpis.json"])

    assert make.files_below(folder) == {
        "r.html": "new é".encode(),
        "r.pdf": b"%PDF",
        "r.kpis.json": b"{}",
    }
    assert not staging.exists()


def test_what_the_new_set_makes_untrue_is_removed(folder, staging, make):
    outputs.publish_files(staging, folder, ["r.html"], obsolete=["r.pdf", "r.failed.ipynb"])

    assert make.files_below(folder) == {
        "r.html": "new é".encode(),
        "r.kpis.json": b"old r.kpis.json",
    }


@pytest.mark.parametrize("failing", ["r.html", "r.pdf", "r.kpis.json"])
def test_a_rename_that_fails_leaves_every_file_as_it_was(
    folder, staging, make, monkeypatch, failing
):
    before = {name: data for name, data in make.files_below(folder).items() if name[0] != "."}
    rename = Path.replace

    def replace(self, target):
        if self == staging / failing:
            disk_full()
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="No space left"):
        outputs.publish_files(
            staging, folder, ["r.html", "r.pdf", "r.kpis.json"], obsolete=["x.failed.ipynb"]
        )

    assert make.files_below(folder) == before


def test_a_removal_that_fails_brings_the_old_set_back(folder, staging, make, monkeypatch):
    before = {name: data for name, data in make.files_below(folder).items() if name[0] != "."}
    unlink = Path.unlink
    monkeypatch.setattr(
        Path,
        "unlink",
        lambda self, **how: disk_full() if self == folder / "r.pdf" else unlink(self, **how),
    )

    with pytest.raises(OSError, match="No space left"):
        outputs.publish_files(staging, folder, ["r.html"], obsolete=["r.pdf"])

    assert make.files_below(folder) == before


NAMES = ("r.html", "r.pdf", "r.kpis.json")
NEW = {"r.html": "new é".encode(), "r.pdf": b"%PDF", "r.kpis.json": b"{}"}


class Death(BaseException):
    """Stands in for SIGKILL: nothing may be done after it."""


@pytest.mark.parametrize("dying", range(6))
def test_moves_that_a_dead_process_had_begun_are_finished(
    folder, staging, make, monkeypatch, dying
):
    before = {name: f"old {name}".encode() for name in NAMES} | {"r.failed.ipynb": b"old"}
    (folder / "r.failed.ipynb").write_text("old")
    calls = iter(range(100))

    def dying_at_its_turn(method):
        def call(self, *args, **how):
            if next(calls) >= dying:
                raise Death
            return method(self, *args, **how)

        return call

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(Path, name, dying_at_its_turn(getattr(Path, name)))
        with pytest.raises(Death):
            outputs.publish_files(staging, folder, NAMES, obsolete=["r.failed.ipynb"])
    outputs.finish_publishing(staging)

    # the first call moves the note into place: from then on the new set is the true one
    assert make.files_below(folder) == (NEW if dying else before)


def test_a_disk_that_lets_nothing_be_taken_back_is_served_by_the_next_run(
    folder, staging, make, monkeypatch
):
    rename = Path.replace

    def replace(self, target):
        if target == folder / "r.pdf":
            disk_full()
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        patch.setattr(Path, "unlink", disk_full)
        with pytest.raises(OSError, match="No space left"):
            outputs.publish_files(staging, folder, NAMES)
        with pytest.raises(OSError, match="No space left"):
            outputs.finish_publishing(staging)
    outputs.finish_publishing(staging)

    assert make.files_below(folder) == NEW


def test_what_was_never_complete_is_swept(folder, staging, make):
    before = {name: f"old {name}".encode() for name in NAMES}

    outputs.finish_publishing(staging)

    assert make.files_below(folder) == before


def test_a_first_set_that_fails_leaves_nothing(tmp_path, monkeypatch, make):
    staging = tmp_path / ".r.token"
    outputs.stage_files(staging, {"r.html": "new", "r.pdf": "new"})
    rename = Path.replace
    monkeypatch.setattr(
        Path,
        "replace",
        lambda self, to: disk_full() if self.name == "r.pdf" else rename(self, to),
    )

    with pytest.raises(OSError, match="No space left"):
        outputs.publish_files(staging, tmp_path, ["r.html", "r.pdf"])

    assert make.files_below(tmp_path) == {}


def test_a_full_disk_while_staging_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", disk_full)

    with pytest.raises(OSError, match="No space left"):
        outputs.stage_files(tmp_path / "staging", {"r.html": "new"})

    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_hard_links_is_served_by_copies(folder, staging, make, monkeypatch):
    monkeypatch.setattr(os, "link", disk_full)

    outputs.publish_files(staging, folder, ["r.html"], obsolete=["r.pdf", "r.kpis.json"])

    assert make.files_below(folder) == {"r.html": "new é".encode()}


def test_a_file_is_written_atomically(tmp_path, make):
    (tmp_path / "index.html").write_text("old")

    outputs.write_atomically(tmp_path / "index.html", "new")

    assert make.files_below(tmp_path) == {"index.html": b"new"}


def test_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch, make):
    (tmp_path / "index.html").write_text("old")
    monkeypatch.setattr(os, "fsync", disk_full)

    with pytest.raises(OSError, match="No space left"):
        outputs.write_atomically(tmp_path / "index.html", "new")

    assert make.files_below(tmp_path) == {"index.html": b"old"}


def test_a_writable_folder_is_made_and_left_empty(tmp_path):
    outputs.check_writable(tmp_path / "a" / "b")

    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_an_output_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "output").write_text("a file")

    with pytest.raises(
        KpikitError,
        match=r"Nothing can be written in the output folder .*output: File exists\.\n.*--output",
    ):
        outputs.check_writable(tmp_path / "output")


def test_a_full_disk_is_found_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(outputs.tempfile, "TemporaryFile", disk_full)

    with pytest.raises(KpikitError, match="No space left on device"):
        outputs.check_writable(tmp_path)
