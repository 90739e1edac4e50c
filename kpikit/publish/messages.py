"""What the runner and its worker processes say to each other. Imports nothing heavy."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kpikit.publish.plan import PlannedReport

Format = Literal["html", "pdf"]
State = Literal["sealed", "unchanged", "failed", "stopped"]


@dataclass(frozen=True)
class Job:
    """One report to make, and how.

    Attributes:
        report: What is to be made.
        formats: Pages beside the notebook and kpis.json.
        output_dir: Absolute folder of the published reports; the kernel learns the ledger's place.
        scratch: The report's private folder, absolute and short, for it holds sockets.
        staging: Folder beside the published files in which the new ones are made ready.
        cell_timeout: Seconds that a cell may take; no limit if None.
        threads: How many threads its libraries may use.
        stale: Why it is made.
    """

    report: PlannedReport
    formats: tuple[Format, ...]
    output_dir: Path
    scratch: Path
    staging: Path
    cell_timeout: float | None
    threads: int
    stale: tuple[str, ...] = ()


@dataclass(frozen=True)
class KernelStarted:
    """The report's kernel runs, as leader of its own process group."""

    pid: int


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


Event = KernelStarted | CellStarted


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
    """

    report: PlannedReport
    state: State
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=())
    seconds: float = 0.0
    stale: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the report as planned is published."""
        return self.state in ("sealed", "unchanged")
