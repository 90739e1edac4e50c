"""What the command line prints of a run, by what it prints to."""

import json

import pytest

from kpikit.publish.manifest import RunResult
from kpikit.publish.messages import Outcome
from kpikit.publish.plan import Failure, Plan
from kpikit.publish.progress import Bars, Failures, Lines
from kpikit.publish.shards import Shard
from kpikit.publish.terminal import open_watcher, print_explanation, print_result


@pytest.fixture
def plan(make):
    return make.plan_of(make.planned("atlas"))


def test_a_terminal_gets_bars_a_file_lines_and_who_wants_quiet_failures(
    plan, tmp_path, monkeypatch
):
    def kind(shown=plan, *, quiet=False):
        return type(open_watcher(shown, tmp_path, jobs=None, quiet=quiet, to_stderr=True))

    in_file = kind()
    monkeypatch.setenv("FORCE_COLOR", "1")

    assert (in_file, kind(), kind(quiet=True)) == (Lines, Bars, Failures)
    assert kind(Plan((), ())) is Lines


def test_a_terminal_shows_good_ends_green_and_bad_ones_red_within_its_width(
    make, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    outcomes = (
        Outcome(make.planned("atlas"), "sealed", seconds=1, stale=("data",)),
        Outcome(make.planned("beacon"), "failed", ("Cell [3] failed: " + "x" * 90,), seconds=1),
    )
    plan = make.plan_of(*(outcome.report for outcome in outcomes))

    print_result(RunResult(plan, outcomes, tmp_path, 2.0), quiet=False, as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("data             \x1b[32msealed\x1b[0m")
    assert "  \x1b[1;31mfailed: Cell [3] f" in lines[3]


def test_json_stands_alone_on_standard_output(plan, tmp_path, capsys):
    outcome = Outcome(plan.reports[0], "sealed", seconds=1)

    print_result(RunResult(plan, (outcome,), tmp_path, 2.0), quiet=False, as_json=True)

    printed = capsys.readouterr()
    assert json.loads(printed.out)["output_dir"] == str(tmp_path)
    assert "1 of 1 reports sealed" in printed.err


@pytest.mark.parametrize(
    ("failures", "shard", "code"),
    [((), None, 2), ((), Shard(1, 2), 0), ((Failure("echo", "broken"),), Shard(1, 2), 2)],
)
def test_a_plan_without_reports_is_a_mistake_unless_a_shard_has_none(failures, shard, code, capsys):
    plan = Plan((), failures, shard=shard)

    assert print_explanation(plan, {}, as_json=False) == code
    assert ("echo was not run" in capsys.readouterr().out) == bool(failures)
