"""Ctrl-C and SIGTERM, turned into one exception that waits while files are being moved."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class RunStopped(BaseException):
    """The run was told to stop; like KeyboardInterrupt, it is no error to be handled.

    Attributes:
        exit_code: 128 and the signal's number, as shells count: 130 for Ctrl-C, 143 for SIGTERM.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.exit_code = 128 + signum


class Interrupts:
    """Raises ``RunStopped`` when a signal arrives, at once or at the end of a held section.

    Outside of the main thread, where Python handles no signals, it changes nothing.
    """

    def __init__(self) -> None:
        self._held = False
        self._pending: int | None = None

    def __enter__(self) -> "Interrupts":
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let the body finish before a signal counts."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._pending is not None:
            self._raise(self._pending)

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        if self._held:
            self._pending = signum
        else:
            self._raise(signum)

    def _raise(self, signum: int) -> None:
        # a second Ctrl-C must not cut short the clean-up that the first one started
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)
        raise RunStopped(signum)
