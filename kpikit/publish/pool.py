"""Worker processes: as many as wanted, each making one report at a time.

Standard pools give up altogether when one process dies. Here a worker that dies costs the report
that it was making, and the next report gets a new worker.
"""

import contextlib
import math
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import ModuleType

from kpikit.publish.messages import Event, Job, KernelStarted, Outcome, TriedAgain
from kpikit.publish.processes import end_family
from kpikit.publish.worker import HIDDEN_BY_RUNNER, SAFE_PATH, serve

_GRACE_SECONDS = 60.0  # for what a worker does after its kernel was ended at the limit


class Worker:
    """One worker process and the report that it is making."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")  # nothing of this process's state goes over
        self.connection, remote = context.Pipe()
        self.process: SpawnProcess = context.Process(target=serve, args=(remote,), daemon=True)
        with _ctrl_c_blocked(), _script_hidden(), _current_folder_hidden():
            self.process.start()
        remote.close()
        self.job: Job | None = None  # None while it is idle
        self._began = 0.0
        self._kernel: int | None = None

    @property
    def seconds_left(self) -> float:
        """How long its report may still take; it should have ended that by itself before."""
        most = self.job.limits.report_seconds if self.job else 0
        return self._began + most + _GRACE_SECONDS - time.monotonic() if most else math.inf

    def begin(self, job: Job) -> None:
        """Hand a report over; the worker must be idle."""
        self.job, self._began = job, time.monotonic()
        # a worker that has just died is noticed at the next receive
        with contextlib.suppress(OSError):
            self.connection.send(job)

    def receive(self, job: Job) -> Event | Outcome:
        """Return its next message on ``job``; a worker that died gives the report's failure."""
        try:
            message: Event | Outcome = self.connection.recv()
        except (EOFError, OSError):
            self.kill()
            code = self.process.exitcode
            reason = f"The worker process ended before the report was made (exit code {code})."
            seconds = time.monotonic() - self._began
            return Outcome(job.report, "failed", (reason,), seconds=seconds, is_lost=True)
        self._note(message)
        return message

    def give_up(self, job: Job) -> Outcome:
        """End a worker that has not ended its report in time; return the report's failure."""
        self.kill()
        reason = (
            f"The report took longer than the {job.limits.report_seconds:g} seconds of --timeout, "
            "and its worker process did not answer."
        )
        return Outcome(job.report, "failed", (reason,), seconds=time.monotonic() - self._began)

    def kill(self) -> None:
        """End the process, its kernel and all that the cells have started at once."""
        job = self.job
        self.process.kill()
        self.process.join()
        with contextlib.suppress(EOFError, OSError):
            while self.connection.poll():  # it may have told of its kernel just before
                self._note(self.connection.recv())
        self.connection.close()
        if job is not None:
            end_family(self._kernel, mark=job.mark)
        self.job = None

    def _note(self, message: Event | Outcome) -> None:
        if isinstance(message, KernelStarted):
            self._kernel = message.pid
        elif isinstance(message, Outcome):
            self.job, self._kernel = None, None


class WorkerPool:
    """Makes reports in up to ``size`` worker processes."""

    def __init__(self, size: int, *, tell: Callable[[Job, Event], None]) -> None:
        self._size = size
        self._tell = tell
        self._workers: list[Worker] = []

    def make(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Yield each job with its outcome, as they end."""
        waiting = deque(jobs)
        while waiting or any(worker.job for worker in self._workers):
            self._hand_out(waiting)
            for job, message in self._messages():
                if not isinstance(message, Outcome):
                    self._tell(job, message)
                elif may_try_again(job, message):
                    waiting.appendleft(self._again(job, message))
                else:
                    yield job, replace(message, earlier=job.earlier)

    def close(self) -> None:
        """End all workers; those at work are killed with their kernels."""
        for worker in self._workers:
            worker.kill()
        self._workers.clear()

    def _messages(self) -> Iterator[tuple[Job, Event | Outcome]]:
        """Wait for messages of the workers, and part with workers that have died or hang."""
        busy = {worker.connection: (worker, worker.job) for worker in self._workers if worker.job}
        seconds = min(worker.seconds_left for worker, _ in busy.values())
        ready = wait(busy, timeout=None if math.isinf(seconds) else max(0.0, seconds))
        for connection, (worker, job) in busy.items():
            if connection in ready:
                yield job, worker.receive(job)
            elif worker.seconds_left <= 0:
                yield job, worker.give_up(job)
        # one that died meanwhile keeps its report, until its end is read next time
        self._workers = [
            worker for worker in self._workers if worker.job or worker.process.exitcode is None
        ]

    def _again(self, job: Job, outcome: Outcome) -> Job:
        shutil.rmtree(job.staging, ignore_errors=True)  # the marked notebook of this attempt
        self._tell(job, TriedAgain(outcome.reasons[0]))
        return job.again(outcome.reasons[0])

    def _hand_out(self, waiting: "deque[Job]") -> None:
        for worker in self._workers:
            if waiting and worker.job is None:
                worker.begin(waiting.popleft())
        while waiting and len(self._workers) < self._size:
            worker = Worker()
            self._workers.append(worker)
            worker.begin(waiting.popleft())


def may_try_again(job: Job, outcome: Outcome) -> bool:
    """Tell whether a report that failed is worth another attempt, and has one left."""
    is_worth_it = outcome.is_lost or (outcome.state == "failed" and job.limits.retry_errors)
    return is_worth_it and len(job.earlier) < job.limits.retries


@contextlib.contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Start a process with Ctrl-C blocked, which it undoes when it is ready to ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _script_hidden() -> Iterator[None]:
    """Start a process that does not run the caller's script again, as multiprocessing would."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextlib.contextmanager
def _current_folder_hidden() -> Iterator[None]:
    """Start a process that takes no ``random.py`` of the current folder for Python's own."""
    if SAFE_PATH in os.environ:
        yield
        return
    os.environ[SAFE_PATH] = HIDDEN_BY_RUNNER
    try:
        yield
    finally:
        del os.environ[SAFE_PATH]
