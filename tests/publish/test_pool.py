"""Which reports get another attempt, and what becomes of a worker that hangs."""

import math
from types import SimpleNamespace

import pytest

from kpikit.publish import pool
from kpikit.publish.limits import Limits
from kpikit.publish.messages import Job, Outcome
from kpikit.publish.pool import WorkerPool, may_try_again


@pytest.fixture
def job(tmp_path, short_folder, make):
    return Job(
        report=make.planned("atlas"),
        formats=(),
        output_dir=tmp_path,
        scratch=short_folder / "0",
        staging=tmp_path / "2026Q3" / "atlas" / ".mini.x",
        limits=Limits(),
        threads=1,
    )


@pytest.mark.parametrize(
    ("state", "is_lost", "limits", "again"),
    [
        ("failed", True, Limits(), True),
        ("failed", True, Limits(retries=0), False),
        ("failed", False, Limits(), False),
        ("failed", False, Limits(retry_errors=True), True),
        ("failed", False, Limits(retries=0, retry_errors=True), False),
        ("sealed", False, Limits(retry_errors=True), False),
    ],
)
def test_what_is_lost_is_tried_again_and_errors_only_if_wanted(job, state, is_lost, limits, again):
    job = pool.replace(job, limits=limits)

    assert may_try_again(job, Outcome(job.report, state, is_lost=is_lost)) is again


def test_attempts_come_to_an_end_and_each_has_a_folder_of_its_own(job):
    lost = Outcome(job.report, "failed", is_lost=True)
    job = pool.replace(job, limits=Limits(retries=2))
    second = job.again("first")
    third = second.again("second")

    assert [may_try_again(item, lost) for item in (job, second, third)] == [True, True, False]
    assert [item.scratch.name for item in (job, second, third)] == ["0", "0-1", "0-2"]
    assert third.earlier == ("first", "second")
    assert len({item.mark for item in (job, second, third)}) == 3


class _Worker:
    """Makes reports at once, unless its process has ended."""

    seconds_left = math.inf

    def __init__(self):
        self.job, self.connection, self.process = None, object(), SimpleNamespace(exitcode=None)

    def begin(self, job):
        self.job = job

    def receive(self, job):
        self.job = None
        return Outcome(job.report, "failed" if self.process.exitcode else "sealed")


def test_a_worker_that_dies_while_another_is_heard_does_not_take_its_report_along(
    job, make, monkeypatch
):
    monkeypatch.setattr(pool, "Worker", _Worker)
    workers = WorkerPool(2, tell=print)

    def hear_the_first(busy, timeout):
        for worker in workers._workers[1:]:
            worker.process.exitcode = -9
        return [next(iter(busy))]

    monkeypatch.setattr(pool, "wait", hear_the_first)

    made = workers.make([job, pool.replace(job, report=make.planned("beacon"))])

    assert {each.report.product: end.state for each, end in made} == {
        "atlas": "sealed",
        "beacon": "failed",
    }


@pytest.mark.slow
def test_a_worker_that_does_not_end_its_report_in_time_is_given_up(job, monkeypatch):
    monkeypatch.setattr(pool, "_GRACE_SECONDS", 0.0)
    job = pool.replace(job, limits=Limits(report_seconds=0.1))
    workers = WorkerPool(1, tell=print)

    ((_, outcome),) = workers.make([job])

    assert (outcome.state, outcome.is_lost) == ("failed", False)
    (reason,) = outcome.reasons
    assert reason == (
        "The report took longer than the 0.1 seconds of --timeout, and its worker process did "
        "not answer."
    )
    assert workers._workers == []
