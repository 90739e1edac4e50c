"""Watches over one report's kernel: ends it at a limit, and ends all that it started with it."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from kpikit.publish.limits import Limits, format_size
from kpikit.publish.processes import (
    end_family,
    family,
    is_supported,
    offer_to_oom_killer,
    used_memory,
)

LIMIT_ERROR = "LimitExceeded"  # name of the error that the cell shows

_POLL_SECONDS = 0.2


class Guard:
    """Keeps a report within its limits; without limits, it only ends its processes.

    Attributes:
        exceeded: Which limit the report went over, in words; empty as long as it did not.
        lost: How the kernel ended, in words, if it did so without being told to.
    """

    def __init__(self, limits: Limits | None = None, *, mark: str = "") -> None:
        """Begin to count the report's time.

        Args:
            limits: What it may take; anything if None.
            mark: ``NAME=value`` in the environment of the report's processes, and of no other's.
        """
        self.exceeded = ""
        self.lost = ""
        self._limits = limits or Limits(0, 0, 0, 0, 0)
        self._mark = mark
        self._began = time.monotonic()
        self._sent: Counter[int] = Counter()
        self._kernel: int | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def watch(self, kernel: int) -> None:
        """Begin to watch a kernel that has just started."""
        self._kernel = kernel
        offer_to_oom_killer(kernel)
        if self._limits.report_seconds or self._limits.memory:
            self._thread.start()

    def accepts(self, message: Mapping[str, Any], cell: int) -> bool:
        """Count what a cell sends; tell whether it may still be kept."""
        self._sent[cell] += _size(message["content"]) + _size(message.get("buffers") or [])
        for sent, most, option in (
            (self._sent[cell], self._limits.cell_output, "--cell-output-size"),
            (self._sent.total(), self._limits.report_output, "--output-size"),
        ):
            if most and sent > most and not self.exceeded:
                whose = "it" if option == "--cell-output-size" else "this report"
                self._stop(
                    f"{whose} put out more than the {format_size(most)} of {option}; "
                    "show less, or allow more"
                )
        return not self.exceeded

    def end(self) -> None:
        """End the kernel and all that its cells have started."""
        self._done.set()
        end_family(self._kernel, mark=self._mark)
        if self._thread.is_alive():
            self._thread.join()

    def _poll(self) -> None:
        while not self.exceeded and not self._done.wait(_POLL_SECONDS):
            excess = self._excess_time() or self._excess_memory()
            if excess and not self._done.is_set():
                self._stop(excess)

    def _stop(self, excess: str) -> None:
        self.exceeded = excess
        end_family(self._kernel, mark=self._mark)

    def _excess_time(self) -> str:
        most = self._limits.report_seconds
        if not most or time.monotonic() - self._began <= most:
            return ""
        return f"this report took longer than the {most:g} seconds of --timeout; allow more"

    def _excess_memory(self) -> str:
        most = self._limits.memory
        if not most or not is_supported():
            return ""
        used = used_memory(family(self._kernel), precise_above=most)
        if used <= most:
            return ""
        return (
            f"it used {format_size(used)} of memory, more than the {format_size(most)} of "
            "--memory; allow more, or let fewer reports run at once with --jobs"
        )


def _size(value: Any) -> int:
    """Return about how many bytes the texts and buffers among a message's values have."""
    if isinstance(value, str | bytes | memoryview):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    if isinstance(value, list):
        return sum(map(_size, value))
    return 8
