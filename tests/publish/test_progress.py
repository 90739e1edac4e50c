"""What is shown while a run goes on."""

import io

import pytest
from rich.console import Console

from kpikit.publish.messages import CellStarted, KernelStarted, Outcome
from kpikit.publish.progress import Bars, Lines


@pytest.fixture
def text():
    return io.StringIO()


def test_without_a_terminal_each_report_is_a_line_with_its_cause_and_notes(text, make):
    atlas, beacon = make.planned("atlas"), make.planned("beacon")

    with Lines(Console(file=text, width=40)) as lines:
        lines.note("Another run writes here.")
        lines.event(atlas, CellStarted(1, 4, "Scorecard"))
        lines.finished(
            Outcome(atlas, "sealed", notes=("PDF without tags: no alt text",), seconds=4)
        )
        lines.finished(Outcome(beacon, "failed", ("Cell [3] failed: x.", "1 of 4 ran."), seconds=2))

    assert text.getvalue() == (
        "Another run writes here.\n"
        "sealed     mini atlas 2026Q3  4.0 s\n"
        "           PDF without tags: no alt text\n"
        "failed     mini beacon 2026Q3  2.0 s\n"
        "           Cell [3] failed: x.\n"
    )


def test_on_a_terminal_bars_name_the_section_and_count_the_run(text, make):
    atlas, beacon = make.planned("atlas"), make.planned("beacon")
    console = Console(file=text, width=100, force_terminal=True, color_system=None)

    with Bars(console, total=2) as bars:
        bars.event(atlas, KernelStarted(1))
        bars.event(atlas, CellStarted(1, 4, "Scorecard"))
        bars.event(atlas, CellStarted(2, 4, "Retention"))
        running = {
            task.description: (task.completed, task.total, task.fields["section"])
            for task in bars.tasks
        }
        bars.finished(Outcome(atlas, "sealed", seconds=1))
        bars.finished(Outcome(beacon, "stopped"))
        after = {task.description: task.completed for task in bars.tasks}

    assert running == {"all reports": (0.5, 2, ""), "atlas 2026Q3": (2, 4, "Retention")}
    assert after == {"all reports": 2.0}
    assert "sealed     mini atlas 2026Q3" in text.getvalue()
