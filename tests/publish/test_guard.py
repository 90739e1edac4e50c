"""A guard counts what cells send and ends a kernel at a limit; see test_faults for real kernels."""

import subprocess
import time

import pytest

from kpikit.publish import guard
from kpikit.publish.guard import Guard
from kpikit.publish.limits import Limits

NO_LIMITS = Limits(0, 0, 0, 0, 0)


def stream(text):
    return {"content": {"text": text}}


@pytest.fixture
def kernel():
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_cell_may_send_as_much_as_its_limit_and_no_more():
    watching = Guard(Limits(0, 0, 0, cell_output=100, report_output=0))

    accepted = [watching.accepts(stream(text), cell=1) for text in ("x" * 100, "x")]
    later = watching.accepts(stream("x"), cell=2)

    assert (accepted, later) == ([True, False], False)
    assert watching.exceeded.startswith("it put out more than the 100 bytes of --cell-output-size")


def test_the_cells_of_a_report_share_its_limit():
    watching = Guard(Limits(0, 0, 0, cell_output=0, report_output=100))

    accepted = [watching.accepts(stream("x" * 50), cell) for cell in (1, 2, 3)]

    assert accepted == [True, True, False]
    assert watching.exceeded.startswith("this report put out more than the 100 bytes of --output-s")


@pytest.mark.parametrize(
    "message",
    [
        {"content": {"data": {"image/png": "x" * 99, "text/plain": "<Figure>"}}},
        {"content": {"data": {"application/json": {"rows": [["x" * 50], ["x" * 51]]}}}},
        {"content": {}, "buffers": [memoryview(bytes(101))]},
    ],
    ids=["picture", "nested", "buffers"],
)
def test_pictures_json_and_buffers_count_too(message):
    watching = Guard(Limits(0, 0, 0, cell_output=100, report_output=0))

    assert not watching.accepts(message, cell=1)


def test_without_limits_everything_is_accepted_and_nothing_polled(kernel):
    watching = Guard()
    watching.watch(kernel.pid)

    assert watching.accepts(stream("x" * 10_000_000), cell=1)
    assert not watching._thread.is_alive()
    watching.end()
    assert kernel.wait(timeout=10) == -9
    assert watching.exceeded == ""


@pytest.mark.parametrize(
    ("limits", "excess"),
    [
        (Limits(0, 0.3, 0, 0, 0), "this report took longer than the 0.3 seconds of --timeout"),
        (Limits(0, 0, 1000, 0, 0), "of memory, more than the 1000 bytes of --memory; allow more"),
    ],
)
def test_a_kernel_over_a_limit_is_ended(kernel, limits, excess):
    watching = Guard(limits)
    watching.watch(kernel.pid)

    code = kernel.wait(timeout=20)
    watching.end()

    assert code == -9
    assert excess in watching.exceeded


def test_a_kernel_within_its_limits_is_left_alone(kernel):
    watching = Guard(Limits(0, 60, 2**30, 0, 0))
    watching.watch(kernel.pid)
    time.sleep(3 * guard._POLL_SECONDS)

    assert (kernel.poll(), watching.exceeded) == (None, "")
    watching.end()
    assert not watching._thread.is_alive()


def test_where_memory_cannot_be_seen_it_is_not_limited(monkeypatch):
    monkeypatch.setattr(guard, "is_supported", lambda: False)

    assert Guard(Limits(0, 0, 1, 0, 0))._excess_memory() == ""


def test_a_guard_that_never_saw_a_kernel_ends_nothing():
    Guard(NO_LIMITS).end()
