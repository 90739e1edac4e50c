"""What the command line says of a run when it is over, and of a plan that is only explained."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kpikit.publish.manifest import RunResult
from kpikit.publish.messages import Outcome
from kpikit.publish.plan import Plan, PlannedReport


def result_lines(result: RunResult) -> list[str]:
    """Return how the run ended, and where its files are."""
    lines = plan_lines(result.plan)
    good = sum(outcome.is_good for outcome in result.outcomes)
    unchanged = sum(outcome.state == "unchanged" for outcome in result.outcomes)
    total = len(result.outcomes) + len(result.plan.failures)
    if result.stopped_by is not None:
        lines.append("\nStopped. What was published before, and what was finished, is whole.")
    kept = f", {unchanged} of them unchanged" if unchanged else ""
    lines.append(f"\n{good} of {total} reports sealed in {result.seconds:.1f} s{kept}.")
    lines += [
        f"  {outcome.report.product} {outcome.report.period} was not finished"
        for outcome in result.outcomes
        if outcome.state == "stopped"
    ]
    lines += [line for outcome in result.outcomes for line in _places(outcome, result.output_dir)]
    if result.complaint:
        lines.append(result.complaint)
    elif result.outcomes:
        lines.append(f"All reports: {result.output_dir / 'index.html'}")
    return lines


def plan_lines(plan: Plan) -> list[str]:
    """Return which products cannot be run or are not concerned, and why."""
    return [
        f"\n{found.product} was {how}:\n{indented(found.message)}"
        for how, products in (("left out", plan.left_out), ("not run", plan.failures))
        for found in products
    ]


def explain_line(report: PlannedReport, reasons: Sequence[str]) -> str:
    """Return whether a report would be made, and because of what."""
    name = f"{report.name} {report.product} {report.period}"
    return f"{'stale' if reasons else 'unchanged':<9}  {name}" + (
        f"  because of: {', '.join(reasons)}" if reasons else ""
    )


def explanation(plan: Plan, stale: Mapping[PlannedReport, Sequence[str]]) -> dict[str, Any]:
    """Return as JSON values what a run would make, and why."""
    reports = [
        {
            **report.heading,
            "stale": list(reasons),
        }
        for report, reasons in stale.items()
    ]
    return {
        "reports": reports,
        "not_planned": [asdict(failure) for failure in plan.failures],
        "left_out": [asdict(product) for product in plan.left_out],
    }


def indented(text: str) -> str:
    """Return the text with each line two spaces in."""
    return "\n".join(f"  {line}" for line in text.splitlines())


def _places(outcome: Outcome, output_dir: Path) -> list[str]:
    folder = output_dir / outcome.report.folder
    return [f"  {folder / name}" for name in outcome.files]
