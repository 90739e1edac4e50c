"""Shows a run while it goes on: a line per report, and bars where a person is watching."""

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from kpikit.publish.messages import CellStarted, Event, Outcome
from kpikit.publish.plan import PlannedReport

_STYLES = {"sealed": "green", "unchanged": "green", "failed": "bold red", "stopped": "yellow"}


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
        self._print(f"{outcome.state:<9}  {name}  {outcome.seconds:.1f} s", _STYLES[outcome.state])
        for text in (*outcome.reasons[:1], *outcome.notes):
            for line in text.splitlines():
                self._print(f"           {line}", "default")

    def note(self, text: str) -> None:
        """Write a sentence on the run as a whole."""
        self._print(text, "yellow")

    def _print(self, text: str, style: str) -> None:
        # as a styled text: a style given to print() would colour the bars that are redrawn below
        self._console.print(Text(text, style=style), soft_wrap=True)


class Bars(Lines):
    """Adds a bar for the run, with the time left, and one per report with its current section."""

    def __init__(self, console: Console, total: int) -> None:
        super().__init__(console)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[section]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._all = self._progress.add_task("all reports", total=total, section="")
        self._running: dict[PlannedReport, TaskID] = {}
        self._shares: dict[PlannedReport, float] = {}

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
            name = f"{report.product} {report.period}"
            self._running[report] = self._progress.add_task(name, total=event.total, section="")
        task = self._running[report]
        self._progress.update(task, completed=event.position, section=event.heading)
        self._advance(report, event.position / event.total)

    def finished(self, outcome: Outcome) -> None:
        """Take the report's bar away and write its line above the others."""
        task = self._running.pop(outcome.report, None)
        if task is not None:
            self._progress.remove_task(task)
        super().finished(outcome)
        self._advance(outcome.report, 1.0)

    def _advance(self, report: PlannedReport, share: float) -> None:
        self._shares[report] = share
        self._progress.update(self._all, completed=sum(self._shares.values()))
