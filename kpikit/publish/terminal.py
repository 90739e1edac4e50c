"""What ``kpikit run`` prints: while it goes on, when it is over, or when it is only explained."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from kpikit.publish.limits import processors
from kpikit.publish.manifest import RunResult, manifest
from kpikit.publish.plan import Plan, PlannedReport
from kpikit.publish.profile import profile_lines
from kpikit.publish.progress import Bars, Failures, Lines
from kpikit.publish.record import last_seconds
from kpikit.publish.summary import (
    explain_line,
    explanation,
    failed_lines,
    plan_lines,
    result_lines,
)

_GOOD_END = r"(?<=  )(sealed|unchanged)(, attempt \d+)?$"
_BAD_END = r"(?<=  )failed(, attempt \d+)?(: .*)?$"


def open_watcher(
    plan: Plan, output_dir: Path, *, jobs: int | None, quiet: bool, to_stderr: bool
) -> Lines:
    """Return what shows a run: bars on a terminal, else lines; failures alone where quiet."""
    console = Console(stderr=to_stderr)
    if quiet:
        return Failures(console)
    if not console.is_terminal or not plan.reports:
        return Lines(console)
    return Bars(console, last_seconds(plan.reports, output_dir), jobs=jobs or processors())


def print_result(result: RunResult, *, quiet: bool, as_json: bool, profile: bool = False) -> None:
    """Print the table of a run's reports and its totals; as JSON too, all else then on stderr."""
    if as_json:
        _print_json({**manifest(result), "output_dir": str(result.output_dir)})
    console = Console(stderr=as_json)
    width = console.width if console.is_terminal else None
    for line in failed_lines(result) if quiet else result_lines(result, width=width):
        text = Text(line)
        text.highlight_regex(_GOOD_END, "green")
        text.highlight_regex(_BAD_END, "bold red")
        console.print(text, soft_wrap=True)
    for line in profile_lines(result.outcomes) if profile else ():
        console.print(Text(line), soft_wrap=True)


def print_explanation(
    plan: Plan, stale: Mapping[PlannedReport, Sequence[str]], *, as_json: bool
) -> int:
    """Print what a run would make, and why; return the exit code that the plan deserves."""
    if as_json:
        _print_json(explanation(plan, stale))
    else:
        for report, reasons in stale.items():
            sys.stdout.write(f"{explain_line(report, reasons)}\n")
    for line in plan_lines(plan):
        (sys.stderr if as_json else sys.stdout).write(f"{line}\n")
    return RunResult(plan, (), Path(), 0.0).exit_code


def _print_json(content: object) -> None:
    sys.stdout.write(f"{json.dumps(content, indent=1, ensure_ascii=False)}\n")
