"""What the runner and its worker processes say to each other. Imports nothing heavy."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from kpikit.publish.limits import Limits
from kpikit.publish.plan import PlannedReport

Format = Literal["html", "pdf"]
State = Literal["sealed", "unchanged", "failed", "stopped"]
Profile = Mapping[str, tuple[float, float]]  # phase to wall and CPU seconds


@dataclass(frozen=True)
class Job:
    """One report to make, and how.

    Attributes:
        report: What is to be made.
        formats: Pages beside the notebook and kpis.json.
        output_dir: Absolute folder of the published reports; the kernel learns the ledger's place.
        scratch: The report's private folder, absolute and short, for it holds sockets.
        staging: Folder beside the published files in which the new ones are made ready.
        limits: What it may take, and how often it may be tried again.
        threads: How many threads its libraries may use.
        stale: Why it is made.
        earlier: How the attempts before this one ended.
        profile: Whether to clock where its time goes.
        zygote: Socket of the process that leases warm kernels; None: kernels start cold.
    """

    report: PlannedReport
    formats: tuple[Format, ...]
    output_dir: Path
    scratch: Path
    staging: Path
    limits: Limits
    threads: int
    stale: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    profile: bool = False
    zygote: Path | None = None

    @property
    def mark(self) -> str:
        """What the environment of the report's processes holds, and of no other's."""
        return f"KPIKIT_SCRATCH={self.scratch}"

    def again(self, reason: str) -> "Job":
        """Return the next attempt, in a folder of its own."""
        earlier = (*self.earlier, reason)
        scratch = self.scratch.with_name(f"{self.scratch.name.partition('-')[0]}-{len(earlier)}")
        return replace(self, earlier=earlier, scratch=scratch)


@dataclass(frozen=True)
class KernelStarted:
    """The report's kernel runs, as leader of its own process group.

    Attributes:
        pid: Its process.
        start: ``warm`` where it was forked; else ``cold`` and, where that was not asked for, why.
    """

    pid: int
    start: str = "cold"


@dataclass(frozen=True)
class CellStarted:
    """A cell begins.

    Attributes:
        position: Cells before it.
        total: Cells of the notebook.
        heading: Last heading above it, empty if none.
    """

    position: int
    total: int
    heading: str


@dataclass(frozen=True)
class TriedAgain:
    """The report is made once more.

    Attributes:
        reason: Why the attempt before has failed.
    """

    reason: str


Event = KernelStarted | CellStarted | TriedAgain


@dataclass(frozen=True)
class Outcome:
    """How one report ended.

    Attributes:
        state: Sealed, unchanged since it was, failed, or stopped before its end.
        reasons: Why it is not sealed, the first cause first.
        notes: Remarks on a sealed one, such as a PDF standard that its content could not meet.
        files: Names of the files made ready or published.
        seconds: Wall time.
        stale: Why it was made; empty for an unchanged one.
        earlier: How the attempts before the last one ended.
        is_lost: Whether its kernel or its worker ended without being told to.
        profile: Where its time went; empty unless that was asked for.
        kernel: How its kernel was started, as ``KernelStarted`` says; empty where none was.
    """

    report: PlannedReport
    state: State
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=())
    seconds: float = 0.0
    stale: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    is_lost: bool = False
    profile: Profile = field(default_factory=dict)
    kernel: str = ""

    @property
    def attempts(self) -> int:
        """How often it was tried in this run."""
        return 0 if self.state == "unchanged" else len(self.earlier) + 1

    @property
    def is_good(self) -> bool:
        """Whether the report as planned is published."""
        return self.state in ("sealed", "unchanged")
