"""One thread that answers one question at a time: the last one asked, and others while it is idle.

The kernel's own thread stays free for the page. Whatever runs when another question comes is asked
to stop, and its answer, should it still come, is dropped.
"""

import atexit
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

_FAREWELL = 5.0  # seconds that the end of the process waits for what still runs
Post = Callable[[Callable[[], None]], None]


@dataclass(frozen=True)
class Question:
    """Something to compute in the background.

    Attributes:
        ask: Computes it.
        then: Takes the answer, or the error, in the kernel's thread; None drops it.
        stop: Asks what runs to end, from another thread.
    """

    ask: Callable[[], Any]
    then: Callable[[Any, BaseException | None], None] | None
    stop: Callable[[], None]


class Stopped(Exception):  # noqa: N818 - it is no error
    """What runs is no longer wanted."""


class Worker:
    """Runs questions in a thread that begins with the first one and ends with the process."""

    def __init__(self, post: Post) -> None:
        """Run nothing yet.

        Args:
            post: Runs a function in the kernel's thread, soon.
        """
        self._post = post
        self._ready = threading.Condition()
        self._wanted: Question | None = None
        self._idle: deque[Question] = deque()
        self._running: Question | None = None
        self._stopped = False  # what runs now was asked to end
        self._closed = False
        self._thread: threading.Thread | None = None

    def ask(self, question: Question) -> None:
        """Ask a question; it takes the place of one that waits or runs."""
        with self._ready:
            self._wanted = question
            self._idle.clear()
            self._stop_running()
            self._begin()

    def prepare(self, questions: list[Question]) -> None:
        """Ask, while nothing else is asked, what may be asked next."""
        with self._ready:
            self._idle = deque(questions)
            self._begin()

    def cancel(self) -> None:
        """Drop what waits and what runs."""
        with self._ready:
            self._wanted = None
            self._idle.clear()
            self._stop_running()

    def close(self) -> None:
        """End the thread. The process does so itself: an engine cut off in a query aborts it."""
        self.cancel()
        with self._ready:
            self._closed = True
            self._ready.notify()
        end = time.monotonic() + _FAREWELL
        while self._thread is not None and self._thread.is_alive() and time.monotonic() < end:
            with self._ready:
                if self._running is not None:
                    self._running.stop()  # once more: its query may have begun since
            self._thread.join(0.05)

    def check(self) -> None:
        """Raise, between two queries of what runs, where it was asked to end.

        Raises:
            Stopped: It was.
        """
        if self._stopped and threading.current_thread() is self._thread:
            raise Stopped

    @property
    def is_busy(self) -> bool:
        """Whether a question runs or waits."""
        with self._ready:
            return bool(self._running or self._wanted or self._idle)

    def _stop_running(self) -> None:
        # under the lock, so that no question that begins right now is the one that ends
        if self._running is not None and not self._stopped:
            self._stopped = True
            self._running.stop()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="kpikit explore")
            self._thread.start()
            atexit.register(self.close)
        self._ready.notify()

    def _next(self) -> Question | None:
        """Wait for a question; None ends the thread."""
        with self._ready:
            while self._wanted is None and not self._idle and not self._closed:
                self._ready.wait()
            if self._closed:
                return None
            if self._wanted is not None:
                question, self._wanted = self._wanted, None
            else:
                question = self._idle.popleft()
            self._running, self._stopped = question, False
            return question

    def _run(self) -> None:
        while (question := self._next()) is not None:
            answer, failure = None, None
            try:
                answer = question.ask()
            except Exception as error:  # noqa: BLE001 - whatever it is, the page tells it
                failure = error
            with self._ready:
                dropped, self._running = self._stopped, None
            if question.then is not None and not dropped:
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there
                    self._post(partial(question.then, answer, failure))
