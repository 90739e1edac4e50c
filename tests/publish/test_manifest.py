"""The manifest says what the product files were: a commit, and whether anything differs from it."""

import shutil
import subprocess
from importlib.metadata import version

import pytest

from kpikit.publish import manifest as module
from kpikit.publish.manifest import RunResult, git_state, manifest

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


def git(folder, *words):
    command = ["git", "-C", str(folder), *IDENTITY, *words]
    return subprocess.check_output(command, text=True).strip()


@pytest.fixture
def params(tmp_path, monkeypatch):
    """A committed folder of product files inside a repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    folder = tmp_path / "params"
    folder.mkdir()
    (folder / "atlas.yml").write_text("product: {}")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return folder


def test_committed_files_are_of_their_commit(params):
    commit = git(params, "rev-parse", "HEAD")

    assert git_state(params) == {"commit": commit, "dirty": False}


@pytest.mark.parametrize("name", ["atlas.yml", "new.yml"])
def test_a_changed_or_new_file_makes_the_folder_dirty(params, name):
    (params / name).write_text("product: {key: atlas}")

    assert git_state(params)["dirty"]


def test_what_changed_outside_of_the_folder_does_not_count(params):
    (params.parent / "notes.txt").write_text("x")

    assert not git_state(params)["dirty"]


def test_without_a_repository_a_commit_or_git_there_is_no_state(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    outside = git_state(tmp_path)
    git(tmp_path, "init", "--quiet")
    without_commit = git_state(tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _: None)

    assert (outside, without_commit, git_state(tmp_path)) == (None, None, None)


def test_a_git_that_hangs_holds_nothing_up(params, monkeypatch):
    def run(command, **_options):
        raise subprocess.TimeoutExpired(command, 10)

    monkeypatch.setattr(module.subprocess, "run", run)

    assert git_state(params) is None


def test_the_manifest_names_versions_and_commit(params, make, tmp_path):
    plan = make.plan_of(make.planned("atlas", params_dir=params))

    content = manifest(RunResult(plan, (), tmp_path, 1.0))

    assert content["libraries"]["pandas"] == version("pandas")
    assert content["params_git"] == {"commit": git(params, "rev-parse", "HEAD"), "dirty": False}
