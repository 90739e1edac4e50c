"""The cache: whole entries or none, remembered hashes, and what is dropped first."""

import os
import threading
from pathlib import Path

import pytest

from kpikit.sources import cache as module
from kpikit.sources.cache import cache_root, entry, file_hash, prune, read_json, write_json


def build(name, size=1):
    def fill(folder):
        (folder / name).write_bytes(bytes(size))

    return fill


def test_the_folder_is_the_argument_then_the_variable_then_the_platform_s(monkeypatch, tmp_path):
    monkeypatch.setenv("KPIKIT_CACHE_DIR", str(tmp_path / "variable"))
    assert cache_root(tmp_path / "given") == tmp_path / "given"
    assert cache_root() == tmp_path / "variable"

    monkeypatch.delenv("KPIKIT_CACHE_DIR")
    monkeypatch.setattr(module.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "kpikit"
    monkeypatch.setattr(module.sys, "platform", "darwin")
    assert cache_root() == Path.home() / "Library" / "Caches" / "kpikit"
    monkeypatch.setattr(module.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_root() == tmp_path / "local" / "kpikit"


def test_an_entry_is_built_once(tmp_path):
    folder = entry(tmp_path, "tables/a", build("first"))

    assert entry(tmp_path, "tables/a", build("second")) == folder
    assert (folder / "first").exists()


def test_a_build_that_fails_leaves_nothing(tmp_path):
    def fail(folder):
        (folder / "half").write_text("half")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        entry(tmp_path, "tables/a", fail)

    assert list((tmp_path / "tables").iterdir()) == []


def test_an_entry_that_lost_a_file_is_built_again(tmp_path):
    folder = entry(tmp_path, "tables/a", build("data"))
    (folder / "data").unlink()

    entry(tmp_path, "tables/a", build("data"))

    assert (folder / "data").exists()


def test_the_first_of_two_builders_wins(tmp_path):
    both = threading.Barrier(2)
    folders = []

    def slow(folder):
        (folder / "data").write_text("data")
        both.wait()

    threads = [
        threading.Thread(target=lambda: folders.append(entry(tmp_path, "tables/a", slow)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert folders == [tmp_path / "tables" / "a"] * 2
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["a"]


def test_a_half_entry_in_the_way_is_cleared(tmp_path):
    half = tmp_path / "tables" / "a"
    half.mkdir(parents=True)
    (half / "torn").write_text("torn")

    folder = entry(tmp_path, "tables/a", build("data"))

    assert sorted(path.name for path in folder.iterdir()) == ["data", "manifest.json"]


def test_an_entry_that_cannot_be_put_in_place_raises(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)

    with pytest.raises(PermissionError):
        entry(tmp_path, "tables/a", build("data"))


def test_a_hash_is_remembered_until_the_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "data.csv"
    path.write_text("one")
    first = file_hash(path, tmp_path / "cache")
    assert first == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"  # sha256sum

    monkeypatch.setattr(module.hashlib, "file_digest", None)
    assert file_hash(path, tmp_path / "cache") == first
    monkeypatch.undo()

    path.write_text("two!")
    assert file_hash(path, tmp_path / "cache") != first


@pytest.mark.parametrize("content", ["", "{", "[]", '{"content": {"a": 2}, "digest": "x"}'])
def test_a_torn_or_altered_object_is_none(tmp_path, content):
    (tmp_path / "a.json").write_text(content)

    assert read_json(tmp_path / "a.json") is None
    assert read_json(tmp_path / "absent.json") is None


def test_an_object_is_stored_whole_or_not_at_all(tmp_path, monkeypatch):
    write_json(tmp_path / "a.json", {"a": 1})
    assert read_json(tmp_path / "a.json") == {"a": 1}

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        write_json(tmp_path / "a.json", {"a": 2})

    assert read_json(tmp_path / "a.json") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_entries_used_longest_ago_are_dropped_first(tmp_path):
    for age, name in enumerate(["new", "middle", "old"]):
        folder = entry(tmp_path, f"tables/{name}", build("data", 100))
        os.utime(folder, (1_000_000 - age, 1_000_000 - age))
    entry(tmp_path, "tables/old", build("data"))  # a use makes it the newest

    prune(tmp_path, limit_bytes=250)
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == ["new", "old"]

    prune(tmp_path, limit_bytes=0)
    assert list((tmp_path / "tables").iterdir()) == []
