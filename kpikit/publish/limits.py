"""What a report may take: time, memory, output, attempts."""

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kpikit.errors import KpikitError

_UNITS = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
_LEAST_SHARE = 2**30
_CONTROL_GROUPS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


@dataclass(frozen=True)
class Limits:
    """What a report may take. Zero is no limit.

    Attributes:
        cell_seconds: Wall time of a cell.
        report_seconds: Wall time of a report, from the start of its kernel to its last page.
        memory: Bytes that its kernel and all that its cells start use at once; None: its share of
            the machine's memory.
        cell_output: Bytes that a cell sends to the page.
        report_output: Bytes that all cells of a report send.
        retries: Attempts after the first one where a kernel or a worker process is lost.
        retry_errors: Whether reports that fail in any other way are tried again too.
    """

    cell_seconds: float = 1800
    report_seconds: float = 3600
    memory: int | None = None
    cell_output: int = 32 * 2**20
    report_output: int = 128 * 2**20
    retries: int = 1
    retry_errors: bool = False

    def shared_by(self, reports: int) -> "Limits":
        """Return the limits of each of so many reports at once."""
        return self if self.memory is not None else replace(self, memory=memory_share(reports))


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_share(reports: int) -> int:
    """Return nine tenths of the memory that this machine or container has, shared by reports.

    A report gets 1 GiB at the least; 0, which is no limit, where the system does not tell.
    """
    whole = _memory()
    return max(_LEAST_SHARE, whole * 9 // 10 // reports) if whole else 0


def parse_size(text: str) -> int:
    """Return the bytes of a text such as ``2GiB``, ``500 MB`` or ``0``.

    Raises:
        KpikitError: It is no number with a known unit.
    """
    found = _SIZE.fullmatch(text.strip().lower())
    if found and found[2] in _UNITS:
        return int(float(found[1]) * _UNITS[found[2]])
    if found and float(found[1]) == 0:
        return 0
    raise KpikitError(
        f"'{text}' is no size.\n"
        "Write a number and kB, MB, GB, KiB, MiB or GiB, such as 2GiB; 0 is no limit."
    )


def format_size(size: int) -> str:
    """Return bytes as people read them: ``2 GiB``, ``512 MiB``, ``1.5 KiB``."""
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} bytes"


def _memory(control_groups: Sequence[Path] = _CONTROL_GROUPS) -> int:
    sizes = []
    with contextlib.suppress(AttributeError, ValueError, OSError):
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in control_groups:
        with contextlib.suppress(ValueError, OSError):  # "max" is no number
            sizes.append(int(path.read_text()))
    return min(sizes, default=0)
