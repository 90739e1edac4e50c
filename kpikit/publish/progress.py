"""Shows a run while it goes on: a line per report, and bars where a person is watching."""

import math
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from kpikit.publish.messages import CellStarted, Event, Outcome
from kpikit.publish.plan import PlannedReport

STYLES = {"sealed": "green", "unchanged": "green", "failed": "bold red", "stopped": "yellow"}
_NAME_WIDTH = 26
_BAR_WIDTH = 16
_GOOD = ("sealed", "unchanged")


class Lines:
    """Prints a line per report when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def event(self, report: PlannedReport, event: Event) -> None:
        """Take news of a report that is being made; a line is written at its end alone."""

    def finished(self, outcome: Outcome) -> None:
        """Write the report's line, and why it failed if it did."""
        report = outcome.report
        name = f"{report.name} {report.product} {report.period}"
        self._print(f"{outcome.state:<9}  {name}  {outcome.seconds:.1f} s", STYLES[outcome.state])
        for text in (*outcome.reasons[:1], *outcome.notes):
            for line in text.splitlines():
                self._print(f"           {line}", "default")

    def note(self, text: str) -> None:
        """Write a sentence on the run as a whole."""
        self._print(text, "yellow")

    def _print(self, text: str, style: str) -> None:
        # as a styled text: a style given to print() would colour the bars that are redrawn below
        self._console.print(Text(text, style=style), soft_wrap=True)


class Failures(Lines):
    """Prints a report's line only where it is not published as planned."""

    def finished(self, outcome: Outcome) -> None:
        """Write the line of a report that failed or was stopped."""
        if not outcome.is_good:
            super().finished(outcome)

    def note(self, text: str) -> None:
        """Leave out what is no failure."""


class Bars(Failures):
    """Shows a bar for the run, with the time left, and one per report with its current section.

    Reports that end well go without a line: the table at the end of the run lists them.
    """

    def __init__(
        self, console: Console, expected: Mapping[PlannedReport, float], *, jobs: int = 1
    ) -> None:
        """Make the bars; ``with`` shows them.

        Args:
            console: A terminal.
            expected: Seconds that each report took last time; 0 where nobody knows.
            jobs: Reports at once.
        """
        super().__init__(console)
        self._progress = Progress(
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis", width=_NAME_WIDTH),
            ),
            BarColumn(bar_width=_BAR_WIDTH),
            TextColumn("{task.fields[done]}", markup=False, justify="right"),
            TextColumn(
                "{task.fields[news]}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
            ),
            console=console,
            transient=True,
            expand=True,
        )
        self._left = TimeLeft(expected, jobs)
        self._total = len(expected)
        self._ended = self._failed = 0
        self._all = self._progress.add_task("all reports", total=self._total, done="", news="")
        self._running: dict[PlannedReport, TaskID] = {}
        self._show()

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @property
    def tasks(self) -> list[Task]:
        """The bars as they stand."""
        return self._progress.tasks

    def event(self, report: PlannedReport, event: Event) -> None:
        """Move the bars when a cell begins."""
        if not isinstance(event, CellStarted):
            return
        if report not in self._running:
            about = f"{report.experiment} " if report.experiment else ""
            name = f"{report.product} {about}{report.period}"
            self._running[report] = self._progress.add_task(name, done="", news="")
        self._progress.update(
            self._running[report],
            total=event.total,
            completed=event.position,
            done=f"{event.position}/{event.total}",
            news=event.heading,
        )
        self._left.moved(report, event.position / event.total)
        self._show()

    def finished(self, outcome: Outcome) -> None:
        """Take the report's bar away; write its line above the others if it failed."""
        task = self._running.pop(outcome.report, None)
        if task is not None:
            self._progress.remove_task(task)
        super().finished(outcome)
        self._ended += 1
        self._failed += outcome.state not in _GOOD
        self._left.ended(outcome)
        self._show()

    def note(self, text: str) -> None:
        """Write a sentence on the run as a whole."""
        self._print(text, "yellow")

    def _show(self) -> None:
        failed = f"{self._failed} failed" if self._failed else ""
        self._progress.update(
            self._all,
            completed=self._left.shares,
            done=f"{self._ended}/{self._total}",
            news=", ".join(filter(None, (self._left.text(), failed))),
        )


class TimeLeft:
    """How long a run will take: from what each report took before, or its like in this run."""

    def __init__(self, expected: Mapping[PlannedReport, float], jobs: int) -> None:
        self._expected = dict(expected)
        self._jobs = jobs
        self._shares = dict.fromkeys(expected, 0.0)
        self._took: list[float] = []

    @property
    def shares(self) -> float:
        """Reports done, each as the share of it that is."""
        return sum(self._shares.values())

    def moved(self, report: PlannedReport, share: float) -> None:
        """Note how much of a report is done, 0 to 1."""
        self._shares[report] = share

    def ended(self, outcome: Outcome) -> None:
        """Note that a report has ended, and what it took."""
        self._shares[outcome.report] = 1.0
        if outcome.state == "sealed":
            self._took.append(outcome.seconds)

    def seconds(self) -> float | None:
        """Return the seconds that are left; None while nothing is known to go by."""
        known = self._took or [seconds for seconds in self._expected.values() if seconds]
        if not known:
            return None
        usual = sum(known) / len(known)
        left = [
            (self._expected[report] or usual) * (1 - share)
            for report, share in self._shares.items()
            if share < 1
        ]
        return max(sum(left) / self._jobs, *left) if left else 0.0

    def text(self) -> str:
        """Return the time left in words, in steps of five seconds."""
        seconds = self.seconds()
        if seconds is None or not seconds:
            return ""
        rounded = 5 * math.ceil(seconds / 5)
        return f"{rounded} s left" if rounded < 60 else f"{math.ceil(seconds / 60)} min left"
