"""Worker processes: as many as wanted, each making one report at a time.

Standard pools give up altogether when one process dies. Here a worker that dies costs the report
that it was making, and the next report gets a new worker.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import ModuleType

from kpikit.publish.messages import Event, Job, KernelStarted, Outcome
from kpikit.publish.worker import serve


class Worker:
    """One worker process and the report that it is making."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")  # nothing of this process's state goes over
        self.connection, remote = context.Pipe()
        self.process: SpawnProcess = context.Process(target=serve, args=(remote,), daemon=True)
        with _ctrl_c_blocked(), _script_hidden():
            self.process.start()
        remote.close()
        self.job: Job | None = None  # None while it is idle
        self._kernel: int | None = None

    def begin(self, job: Job) -> None:
        """Hand a report over; the worker must be idle."""
        self.job = job
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
            return Outcome(job.report, "failed", (reason,))
        self._note(message)
        return message

    def kill(self) -> None:
        """End the process and its kernel at once."""
        self.process.kill()
        self.process.join()
        with contextlib.suppress(EOFError, OSError):
            while self.connection.poll():  # it may have told of its kernel just before
                self._note(self.connection.recv())
        self.connection.close()
        if self._kernel is not None and hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._kernel, signal.SIGKILL)

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
            busy = {
                worker.connection: (worker, worker.job) for worker in self._workers if worker.job
            }
            for connection in wait(busy):
                worker, job = busy[connection]  # type: ignore[index]  # wait() also takes sockets
                message = worker.receive(job)
                if isinstance(message, Outcome):
                    if worker.process.exitcode is not None:
                        self._workers.remove(worker)
                    yield job, message
                else:
                    self._tell(job, message)

    def close(self) -> None:
        """End all workers; those at work are killed with their kernels."""
        for worker in self._workers:
            worker.kill()
        self._workers.clear()

    def _hand_out(self, waiting: "deque[Job]") -> None:
        for worker in self._workers:
            if waiting and worker.job is None:
                worker.begin(waiting.popleft())
        while waiting and len(self._workers) < self._size:
            worker = Worker()
            self._workers.append(worker)
            worker.begin(waiting.popleft())


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
