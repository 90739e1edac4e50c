"""What the command line says of a run when it is over, and of a plan that is only explained."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.cells import cell_len, set_cell_size

from kpikit.publish.manifest import RunResult
from kpikit.publish.messages import Outcome
from kpikit.publish.plan import Plan, PlannedReport

_COLUMNS = ("PRODUCT", "REPORT", "PERIOD", "TIME", "MADE BECAUSE OF", "OUTCOME")
_RIGID = {"PERIOD", "TIME"}
_NARROWEST = 9  # "unchanged", and enough of a product's name to know it by
_GAP = "  "
_MANY_UNCHANGED = 12
_FEW_MADE = 3
_LONGEST_CAUSE = 200  # characters, where no terminal sets the width


def result_lines(result: RunResult, *, width: int | None = None) -> list[str]:
    """Return how the run ended: what has no report, a table of those that do, and the totals.

    Args:
        result: The run.
        width: Columns of the terminal; None: as wide as it takes.
    """
    lines = plan_lines(result.plan)
    if result.outcomes:
        lines += ["", *table_lines(result.outcomes, width=width)]
    if result.stopped_by is not None:
        lines.append("\nStopped. What was published before, and what was finished, is whole.")
    lines.append(f"\n{_totals(result)}")
    made = [outcome for outcome in result.outcomes if outcome.files and outcome.state == "sealed"]
    for outcome in result.outcomes:
        if outcome.state == "failed" or (outcome.state == "sealed" and len(made) <= _FEW_MADE):
            lines += _places(outcome, result.output_dir)
    if result.complaint:
        lines.append(result.complaint)
    elif result.outcomes:
        lines.append(f"All reports: {result.output_dir / 'index.html'}")
    return lines


def failed_lines(result: RunResult) -> list[str]:
    """Return what ``--quiet`` still says: what could not be planned or written."""
    return [*plan_lines(Plan((), result.plan.failures)), *filter(None, [result.complaint])]


def table_lines(outcomes: Sequence[Outcome], *, width: int | None = None) -> list[str]:
    """Return a line per report under a line of titles; many unchanged ones share a single line."""
    unchanged = [outcome for outcome in outcomes if outcome.state == "unchanged"]
    is_folded = len(unchanged) > _MANY_UNCHANGED
    listed = [each for each in outcomes if not (is_folded and each.state == "unchanged")]
    lines = _aligned([_COLUMNS, *map(_row, listed)], width) if listed else []
    return lines + ([f"unchanged: {len(unchanged)} reports"] if is_folded else [])


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


def time_text(seconds: float) -> str:
    """Return a duration as people say it: ``4.1 s``, ``2 min  3 s``."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:2d} s"


def _totals(result: RunResult) -> str:
    good = sum(outcome.is_good for outcome in result.outcomes)
    unchanged = sum(outcome.state == "unchanged" for outcome in result.outcomes)
    total = len(result.outcomes) + len(result.plan.failures)
    kept = f", {unchanged} of them unchanged" if unchanged else ""
    kernels = _kernels(result.outcomes)
    shard = f"Shard {result.plan.shard}: " if result.plan.shard else ""
    return f"{shard}{good} of {total} reports sealed in {time_text(result.seconds)}{kept}{kernels}."


def _kernels(outcomes: Sequence[Outcome]) -> str:
    """Return how the kernels were started, as the end of a sentence."""
    starts = Counter(outcome.kernel for outcome in outcomes if outcome.kernel)
    if not starts:
        return ""
    cold = [start.removeprefix("cold: ") for start in starts if start != "warm"]
    if not cold:
        return ", with warm kernels"
    number = f"{starts.total() - starts['warm']} of {starts.total()}"
    why = "; ".join(reason for reason in cold if reason != "cold")
    return f", {number} kernels cold" + (f" ({why})" if why else "")


def _row(outcome: Outcome) -> tuple[str, ...]:
    report = outcome.report
    cause = next((line for text in outcome.reasons for line in text.splitlines()), "")
    again = f", attempt {outcome.attempts}" if outcome.earlier else ""
    end = f"{outcome.state}{again}" + (f": {cause[:_LONGEST_CAUSE]}" if cause else "")
    seconds = time_text(outcome.seconds) if outcome.attempts and outcome.seconds else ""
    return report.product, report.name, report.period, seconds, ", ".join(outcome.stale), end


def _aligned(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Return the rows in columns; the widest give way where a terminal is too narrow."""
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    yielding = [index for index, title in enumerate(_COLUMNS) if title not in _RIGID]
    while width and sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        widest = max(yielding, key=lambda index: widths[index])
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    return [
        _GAP.join(
            _cell(text, size, is_number=title == "TIME")
            for text, size, title in zip(row, widths, _COLUMNS, strict=True)
        ).rstrip()
        for row in rows
    ]


def _cell(text: str, size: int, *, is_number: bool) -> str:
    if cell_len(text) > size:
        return f"{set_cell_size(text, size - 1)}…"
    room = " " * (size - cell_len(text))
    return room + text if is_number else text + room


def _places(outcome: Outcome, output_dir: Path) -> list[str]:
    folder = output_dir / outcome.report.folder
    return [f"  {folder / name}" for name in outcome.files]
