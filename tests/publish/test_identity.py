"""The key of a report changes with each thing that it is made of, and with nothing else."""

import hashlib
from dataclasses import fields, replace

import pytest

from kpikit.periods import Calendar
from kpikit.publish import identity
from kpikit.publish.identity import Identity, earlier_hash

CALENDAR = Calendar()
WHOLE = Identity(template="t", parameters="p", data="d", source="s", lock="l")


def test_equal_parts_give_one_key_whose_beginning_is_the_run_id():
    again = Identity(template="t", parameters="p", data="d", source="s", lock="l")

    assert WHOLE.key == again.key
    assert WHOLE.run_id == WHOLE.key[:12]
    assert len(WHOLE.run_id) == 12


@pytest.mark.parametrize("part", [field.name for field in fields(Identity)])
def test_every_part_changes_the_key(part):
    assert replace(WHOLE, **{part: "other"}).key != WHOLE.key


def test_values_hash_alike_whatever_their_order():
    assert identity.hash_values({"a": 1, "b": 2}) == identity.hash_values({"b": 2, "a": 1})


def test_a_text_hashes_as_sha_256():
    # FIPS 180-2, appendix B.1: the digest of "abc"
    assert identity.hash_text("abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_folder_hashes_by_names_and_contents_without_compiled_files(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    first = identity.hash_folder(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"1")
    compiled = identity.hash_folder(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")

    assert compiled == first
    assert identity.hash_folder(tmp_path) != first


def test_the_package_and_its_lock_hash_once():
    assert identity.source_hash() is identity.source_hash()
    assert identity.lock_hash() is identity.lock_hash()


def test_without_a_lock_file_the_installed_versions_count(tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "_LOCK", tmp_path / "absent.lock")
    monkeypatch.setattr(identity, "distributions", list)

    # the digest of "{}": nothing is installed
    assert identity.lock_hash.__wrapped__() == identity.hash_text("{}")


def test_the_ledger_counts_by_the_last_part_of_each_earlier_review(tmp_path):
    def publish(period, name, text, template="quarterly_review"):
        folder = tmp_path / "atlas" / period / template
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(text)

    def found():
        return earlier_hash(tmp_path, "atlas", CALENDAR.parse("2026Q3"), calendar=CALENDAR)

    nothing = found()
    publish("2026Q2", "20260701", "first")
    one = found()
    publish("2026Q3", "20261001", "its own")
    publish("2026Q2", "20260702", "another template", template="own")
    same = found()
    publish("2026Q2", "20260703", "second")

    assert nothing == ""
    assert one == same == hashlib.sha256(b"first").hexdigest()
    assert found() == hashlib.sha256(b"second").hexdigest()
