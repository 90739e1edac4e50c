"""The ledger keeps every publication once, whoever writes and whenever a writer is killed."""

import datetime as dt
import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from kpikit.ledger import read_ledger
from kpikit.publish.ledger import record, remember

NOON = dt.datetime(2026, 10, 5, 12, tzinfo=dt.UTC)


def document(run_id="aaa", period="2026Q3", product="atlas", value=1.5):
    return {
        "product": product, "template": "quarterly_review", "period": period,
        "as_of": "2026-09-30", "run_id": run_id, "data_hash": "d1", "definitions": {"orders": 1},
        "kpis": [
            {"metric": "orders", "period": period, "value": value, "unit": "count", "n": 3,
             "complete": True, "target": None, "flags": []},
        ],
    }  # fmt: skip


def later(minutes):
    return NOON + dt.timedelta(minutes=minutes)


def test_a_publication_is_kept_with_its_time(tmp_path):
    path = record(tmp_path, document(), published_at=NOON)

    assert path.relative_to(tmp_path).as_posix() == (
        "atlas/2026Q3/quarterly_review/20261005T120000000000-aaa.json"
    )
    assert json.loads(path.read_text())["published_at"] == "2026-10-05T12:00:00.000000"
    row = read_ledger(tmp_path).kpis.iloc[0]
    assert row[["run_id", "metric", "value", "definition"]].tolist() == ["aaa", "orders", 1.5, 1]


def test_what_was_published_last_is_not_kept_again(tmp_path):
    first = record(tmp_path, document(), published_at=NOON)

    again = record(tmp_path, document(), published_at=later(1))

    assert (first is None, again) == (False, None)
    assert len(read_ledger(tmp_path).kpis) == 1


def test_a_run_that_is_published_anew_after_another_is_the_last_again(tmp_path):
    for minute, run in enumerate(["aaa", "bbb", "aaa"]):
        record(tmp_path, document(run), published_at=later(minute))

    assert read_ledger(tmp_path).kpis["run_id"].tolist() == ["aaa", "bbb", "aaa"]


def test_a_clock_that_was_put_back_does_not_change_the_order(tmp_path):
    record(tmp_path, document("aaa"), published_at=NOON)

    record(tmp_path, document("bbb"), published_at=later(-60))

    kpis = read_ledger(tmp_path).kpis
    assert kpis["run_id"].tolist() == ["aaa", "bbb"]
    assert kpis["published_at"].is_monotonic_increasing


@pytest.fixture
def published(tmp_path):
    """An output folder with a published report, and the report."""
    folder = tmp_path / "2026Q3" / "atlas"
    folder.mkdir(parents=True)
    name = "quarterly_review"
    (folder / f"{name}.kpis.json").write_text(json.dumps(document("run")))
    forecast = {"metric": "orders", "period": "2026Q4", "mean": 5, "naive": 4}
    notes = [
        {"kpis": [], "definitions": {"orders": 2}}, {"forecasts": [forecast]},
        {"forecasts": [forecast]}, {},
    ]  # fmt: skip
    outputs = [{"output_type": "display_data", "metadata": {"kpikit": note}} for note in notes]
    cells = [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": [{}, *outputs]}]
    (folder / f"{name}.ipynb").write_text(json.dumps({"cells": cells}))
    report = SimpleNamespace(
        product="atlas", period="2026Q3", name=name, run_id="run", folder=Path("2026Q3/atlas")
    )
    return tmp_path, report


def test_what_the_published_files_say_is_kept_with_definitions_and_forecasts(published):
    output, report = published

    remarks = remember(output, report)

    ledger = read_ledger(output / "ledger")
    assert remarks == ()
    assert ledger.kpis[["run_id", "definition"]].to_numpy().tolist() == [["run", 2]]
    assert ledger.forecasts[["metric", "mean", "naive"]].to_numpy().tolist() == [["orders", 5, 4]]


def test_a_report_that_was_kept_is_not_read_again(published):
    output, report = published
    remember(output, report)
    for path in (output / report.folder).iterdir():
        path.unlink()

    assert remember(output, report) == ()
    assert len(read_ledger(output / "ledger").kpis) == 1


@pytest.mark.parametrize("text", [None, "{", "{}", "[]"])
def test_what_cannot_be_kept_is_a_remark_and_no_failure(published, text):
    output, report = published
    path = output / report.folder / "quarterly_review.kpis.json"
    path.unlink() if text is None else path.write_text(text)

    [remark] = remember(output, report)

    assert remark.startswith("The ledger could not keep what was published (")
    assert read_ledger(output / "ledger").kpis.empty


def test_two_experiments_of_one_quarter_are_two_reports(published):
    output, report = published
    for ending in ("kpis.json", "ipynb"):
        text = (output / report.folder / f"quarterly_review.{ending}").read_text()
        for name in ("ab_test-a", "ab_test-b"):
            (output / report.folder / f"{name}.{ending}").write_text(text)

    for name in ("ab_test-a", "ab_test-b"):
        remember(output, SimpleNamespace(**{**vars(report), "name": name}))

    assert read_ledger(output / "ledger").kpis["template"].tolist() == ["ab_test-a", "ab_test-b"]


def test_a_given_epoch_is_the_time_of_publication(published, monkeypatch):
    output, report = published
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(NOON.timestamp())))

    remember(output, report)

    [part] = (output / "ledger").glob("*/*/*/*.json")
    assert part.name == "20261005T120000000000-run.json"


def test_a_time_of_another_zone_is_kept_as_utc(tmp_path):
    zone = dt.timezone(dt.timedelta(hours=2))

    path = record(tmp_path, document(), published_at=NOON.astimezone(zone))

    assert path.name.startswith("20261005T120000")


def write_many(folder, writer):
    for number in range(20):
        name = f"{writer}{number:03d}"
        record(folder, document(name, product=f"p{number % 3}"), published_at=later(number))


def test_several_writers_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(tmp_path, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    ledger = read_ledger(tmp_path)

    assert len(ledger.kpis) == 60
    assert ledger.unreadable == ()


def write_for_ever(folder):
    number = 0
    while True:
        number += 1
        record(folder, document(f"{number:06d}"), published_at=later(number))


@pytest.mark.slow
@pytest.mark.parametrize("parts", [1, 4, 9])
def test_a_writer_killed_at_any_moment_leaves_only_whole_parts(tmp_path, parts):
    writer = multiprocessing.get_context("spawn").Process(target=write_for_ever, args=(tmp_path,))
    writer.start()
    while len(list(tmp_path.glob("*/*/*/*.json"))) < parts:
        time.sleep(0.001)
    os.kill(writer.pid, signal.SIGKILL)
    writer.join(60)

    ledger = read_ledger(tmp_path)

    assert ledger.unreadable == ()
    assert len(ledger.kpis) >= parts
    assert ledger.kpis["value"].eq(1.5).all()
