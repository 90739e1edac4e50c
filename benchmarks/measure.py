"""Wall time, CPU time and peak memory of a command with all its descendants (Linux)."""

import os
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Usage:
    """What one run of a command took."""

    wall_s: float
    cpu_s: float
    peak_mib: float

    @property
    def detail(self) -> str:
        return f"{self.cpu_s:.1f} CPU s"


@dataclass(frozen=True)
class Result:
    """A measured figure beside its bar, the most or the least it may be; None: none is set."""

    name: str
    value: float
    unit: str
    bar: float | None
    detail: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        if self.bar is None:
            return True
        return self.value >= self.bar if self.at_least else self.value <= self.bar


def run_command(command: Sequence[str], *, env: dict[str, str] | None = None) -> Usage:
    """Run a command to its end and return what its process tree took.

    Raises:
        RuntimeError: The command failed; the message ends with what it wrote.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak = _PeakMemory(process.pid)
    output, _ = process.communicate()
    wall = time.perf_counter() - start
    peak.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command)} ended with {process.returncode}:\n{output[-3000:]}"
        )
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Usage(wall, cpu, peak.mib)


def run_output(command: Sequence[str], *, env: dict[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed."""
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE,
        text=True, check=True,
    ).stdout  # fmt: skip


def median_usage(measure: Callable[[], Usage], *, runs: int) -> Usage:
    """Return the median of each figure over several runs."""
    found = [measure() for _ in range(runs)]
    return Usage(
        statistics.median(usage.wall_s for usage in found),
        statistics.median(usage.cpu_s for usage in found),
        statistics.median(usage.peak_mib for usage in found),
    )


class _PeakMemory:
    """Samples the summed proportional set size of a process tree, at 5 % of a core at most."""

    def __init__(self, pid: int, *, interval_s: float = 0.05) -> None:
        self.mib = 0.0
        self._pid, self._interval_s = pid, interval_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        pause = self._interval_s
        while not self._ended.wait(pause):
            began = time.perf_counter()
            self.mib = max(self.mib, sum(_pss_kib(pid) for pid in _tree(self._pid)) / 1024)
            # the system looks at every page of a process: 20 ms for a gigabyte
            pause = max(self._interval_s, 19 * (time.perf_counter() - began))


def _tree(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                waiting += [int(child) for child in children.read_text().split()]
            except OSError:  # the process has ended since it was listed
                continue
    return found


def _pss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # the process has ended since it was listed
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
