"""What is shown while a run goes on."""

import io

import pytest
from rich.console import Console

from kpikit.publish.messages import CellStarted, KernelStarted, Outcome
from kpikit.publish.progress import Bars, Failures, Lines, TimeLeft


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

    with Bars(console, {atlas: 0.0, beacon: 0.0}) as bars:
        bars.event(atlas, KernelStarted(1))
        bars.event(atlas, CellStarted(1, 4, "Scorecard"))
        bars.event(atlas, CellStarted(2, 4, "Retention"))
        running = {
            task.description: (task.completed, task.total, task.fields["done"], task.fields["news"])
            for task in bars.tasks
        }
        bars.finished(Outcome(atlas, "sealed", seconds=1))
        bars.finished(Outcome(beacon, "failed", ("Cell [3] failed: x.",)))
        bars.note("Another run writes here.")
        after = {task.description: (task.completed, task.fields["news"]) for task in bars.tasks}

    assert running == {
        "all reports": (0.5, 2, "0/2", ""),
        "atlas 2026Q3": (2, 4, "2/4", "Retention"),
    }
    assert after == {"all reports": (2.0, "1 failed")}
    assert "failed     mini beacon 2026Q3" in text.getvalue()
    assert "Another run writes here." in text.getvalue()
    assert "sealed" not in text.getvalue()  # it stands in the table at the end


def test_bars_leave_a_clean_terminal_when_the_run_is_stopped(text, make):
    console = Console(file=text, width=100, force_terminal=True, color_system=None)

    with pytest.raises(KeyboardInterrupt), Bars(console, {make.planned("atlas"): 0.0}):
        raise KeyboardInterrupt

    assert text.getvalue().rfind("\x1b[?25h") > text.getvalue().rfind("\x1b[?25l")
    assert text.getvalue().endswith("\x1b[2K")  # the last bar is wiped out


def test_quiet_prints_failures_alone(text, make):
    with Failures(Console(file=text, width=40)) as quiet:
        quiet.note("Another run writes here.")
        quiet.finished(Outcome(make.planned("atlas"), "sealed", notes=("x",), seconds=4))
        quiet.finished(Outcome(make.planned("beacon"), "failed", ("Cell [3] failed: x.",)))

    assert text.getvalue() == (
        "failed     mini beacon 2026Q3  0.0 s\n           Cell [3] failed: x.\n"
    )


def test_the_time_left_is_what_reports_took_before_shared_by_the_workers(make):
    atlas, beacon, comet = (make.planned(key) for key in ("atlas", "beacon", "comet"))
    left = TimeLeft({atlas: 40.0, beacon: 80.0, comet: 0.0}, jobs=2)

    at_first = left.seconds()  # comet counts 60, the mean of the others: 180 over two workers
    left.moved(atlas, 0.5)
    half = left.seconds()  # 20 + 80 + 60
    left.ended(Outcome(atlas, "sealed", seconds=100.0))
    slower = left.seconds()  # comet counts 100 now, and alone takes longer than 180 over two
    left.ended(Outcome(beacon, "unchanged"))
    left.ended(Outcome(comet, "failed", seconds=3.0))

    assert (at_first, half, slower, left.seconds()) == (90.0, 80.0, 100.0, 0.0)
    assert left.shares == 3.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, ""), (1.0, "5 s left"), (55.0, "55 s left"), (55.1, "1 min left"), (61.0, "2 min left")],
)
def test_the_time_left_is_told_in_steps(make, seconds, words):
    assert TimeLeft({make.planned("atlas"): seconds}, jobs=1).text() == words
