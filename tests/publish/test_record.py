"""A report is left alone only where its record and its files prove that nothing changed."""

import os
from dataclasses import replace

import pytest

from kpikit.publish import record
from kpikit.publish.record import make_record, read_record, record_text, stale_because

NAMES = ("mini.html", "mini.pdf", "mini.ipynb", "mini.kpis.json")


@pytest.fixture
def report(make):
    return make.planned("atlas")


@pytest.fixture
def folder(tmp_path, report):
    """The published files of a report, whose record is the last one."""
    folder = tmp_path / report.folder
    publish(folder, report, NAMES)
    return folder


def publish(folder, report, names, *, notes=("A note.",)):
    staging = folder / ".mini.staging"
    staging.mkdir(parents=True)
    for name in names:
        (staging / name).write_text(f"content of {name}")
    before = read_record(folder, "mini")
    made = make_record(report, staging, names, notes=notes, before=before)
    for name in names:
        (staging / name).replace(folder / name)
    staging.rmdir()
    (folder / ".mini.record.json").write_text(record_text(made))


def reasons(report, tmp_path, formats=("html", "pdf")):
    return stale_because(report, tmp_path, formats=formats)


@pytest.mark.usefixtures("folder")
def test_an_unchanged_report_has_no_reason_to_be_made_whatever_page_is_asked_for(report, tmp_path):
    assert reasons(report, tmp_path) == ()
    assert reasons(report, tmp_path, formats=()) == ()


def test_a_record_is_read_as_it_was_written(report, folder):
    found = read_record(folder, "mini")

    assert (found.identity, found.notes, tuple(found.files)) == (
        report.identity,
        ("A note.",),
        NAMES,
    )
    # the length of "content of mini.pdf" in bytes
    assert found.files["mini.pdf"].size == 19


def test_without_a_record_the_report_was_never_made(report, tmp_path):
    assert reasons(report, tmp_path) == ("never made",)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"identity": {}, "epoch": "", "notes": [], "files": {}}', "\udcff"],
)
def test_a_torn_record_is_no_record(report, folder, tmp_path, text):
    (folder / ".mini.record.json").write_bytes(text.encode(errors="surrogateescape"))

    assert reasons(report, tmp_path) == ("never made",)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("part", ["template", "parameters", "data", "source", "lock"])
def test_the_part_of_the_key_that_changed_is_named(report, tmp_path, part):
    other = replace(report, identity=replace(report.identity, **{part: "other"}))

    assert reasons(other, tmp_path) == (part,)


def test_a_missing_file_is_found(report, folder, tmp_path):
    (folder / "mini.pdf").unlink()

    assert reasons(report, tmp_path) == ("files changed or missing",)


def test_a_file_of_another_size_is_found(report, folder, tmp_path):
    (folder / "mini.html").write_text("half of it")

    assert reasons(report, tmp_path) == ("files changed or missing",)


def test_a_file_of_equal_size_and_other_content_is_found(report, folder, tmp_path):
    path = folder / "mini.html"
    path.write_text("CONTENT of mini.html")
    os.utime(path, ns=(1, 1))

    assert reasons(report, tmp_path) == ("files changed or missing",)


def test_a_file_that_was_merely_copied_is_intact(report, folder, tmp_path):
    for name in NAMES:
        os.utime(folder / name, ns=(1, 1))

    assert reasons(report, tmp_path) == ()


def test_files_with_their_size_and_time_are_not_read_again(report, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "_sha256", None)

    assert reasons(report, tmp_path) == ()
    assert folder.exists()


def test_a_page_that_was_not_written_is_missed_only_when_asked_for(report, tmp_path):
    publish(tmp_path / report.folder, report, ("mini.html", "mini.kpis.json"))

    assert reasons(report, tmp_path, formats=("html",)) == ()
    assert reasons(report, tmp_path) == ("other formats asked for",)


def test_pages_of_the_same_run_keep_their_place_in_the_record(report, folder, tmp_path):
    publish(folder, report, ("mini.html", "mini.ipynb", "mini.kpis.json"), notes=("More.",))

    assert reasons(report, tmp_path) == ()
    assert read_record(folder, "mini").notes == ("A note.", "More.")


def test_a_page_that_was_deleted_is_forgotten_by_the_next_run_without_it(report, folder, tmp_path):
    (folder / "mini.pdf").unlink()
    publish(folder, report, ("mini.html", "mini.ipynb", "mini.kpis.json"))

    assert reasons(report, tmp_path, formats=("html",)) == ()


def test_pages_of_another_run_leave_the_record(report, folder, tmp_path):
    other = replace(report, identity=replace(report.identity, data="other"))
    publish(folder, other, ("mini.html", "mini.kpis.json"))

    assert reasons(other, tmp_path) == ("other formats asked for",)


@pytest.mark.usefixtures("folder")
def test_another_epoch_is_another_pdf(report, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")

    assert reasons(report, tmp_path) == ("SOURCE_DATE_EPOCH",)


def test_a_report_whose_last_run_failed_is_made_again(report, folder, tmp_path):
    (folder / "mini.failed.ipynb").write_text("{}")

    assert reasons(report, tmp_path) == ("last run failed",)


@pytest.mark.usefixtures("folder")
def test_data_that_tells_no_version_is_never_taken_for_unchanged(report, tmp_path):
    unsure = replace(report, has_data_version=False)

    assert reasons(unsure, tmp_path) == ("data of a database without version_query",)
