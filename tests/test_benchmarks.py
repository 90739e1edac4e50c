"""The benchmarks say what they measure against which bar; nothing is timed here."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import experiment_report, first_run, funnel, measure, phases, review, startup
from benchmarks.measure import Result, Usage, median_usage, run_command, run_output
from kpikit import open_experiment

USAGE = Usage(wall_s=10.0, cpu_s=12.25, peak_mib=300.0)


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """Run nothing; return the commands that were to be run."""
    asked = []

    def ask(words, **_):
        asked.append(list(words))
        return USAGE

    for module in (experiment_report, first_run, review, startup):
        monkeypatch.setattr(module, "run_command", ask)
    monkeypatch.setattr(first_run.subprocess, "run", lambda *_, **__: None)
    monkeypatch.setattr(review, "SHARED_DATA", tmp_path)
    return asked


def bars(module):
    """Return the bar of each figure that has one, with its unit."""
    return {
        figure.name: f"{figure.bar:g} {figure.unit}"
        for figure in module.measure()
        if figure.bar is not None
    }


def test_start_up_is_held_to_half_a_second_and_importing_to_a_fifth(commands):
    assert bars(startup) == {
        "kpikit --help": "0.5 s",
        "kpikit list": "0.5 s",
        "import kpikit, beyond pandas and ibis": "0.2 s",
    }
    assert [sys.executable, "-c", "import pandas, ibis, kpikit"] in commands


def test_reviews_are_held_to_their_seconds_and_the_large_one_to_a_gibibyte(commands):
    assert bars(review) == {
        "review of 3 sample products": "30 s",
        "review of Online Retail II, cold cache": "20 s",
        "review of Online Retail II, cold cache: peak memory": "1024 MiB",
        "review of Online Retail II, warm: peak memory": "1024 MiB",
    }
    assert commands[0][:2] == ["make", "quarterly-review"]


def test_funnels_are_held_to_clickhouse_and_to_their_memory(monkeypatch):
    def answer(words):
        users = [9] if words[3].endswith("retention") else [3, 2, 1]
        return json.dumps({"answer": users, "cpu_s": 3.0, "wall_s": 2.0, "peak_mib": 512.0})

    monkeypatch.setattr(funnel, "run_output", answer)
    monkeypatch.setenv("KPIKIT_FUNNEL_MILLIONS", "100")

    assert bars(funnel) == {
        "100 M events: users per step, to chdb": "1 x",
        "100 M events: the full table, to chdb": "1.5 x",
        "100 M events: peak memory of kpikit": "4 GiB",
        "100 M events: weekly retention, to chdb": "0.8 x",
    }


@pytest.mark.parametrize("own", ["kpikit", "kpikit_retention"])
def test_engines_that_do_not_agree_are_an_error(monkeypatch, own):
    def answer(words):
        users = [3, 2] if words[3] == own else [3, 1]
        return json.dumps({"answer": users, "cpu_s": 3.0, "wall_s": 2.0, "peak_mib": 512.0})

    monkeypatch.setattr(funnel, "run_output", answer)

    with pytest.raises(RuntimeError, match="The engines do not agree"):
        bars(funnel)


def test_the_large_review_is_left_out_where_its_data_is_absent(commands, monkeypatch, capsys):
    monkeypatch.setattr(review, "SHARED_DATA", review.SHARED_DATA / "absent")

    assert list(bars(review)) == ["review of 3 sample products"]
    assert "skipped: Online Retail II" in capsys.readouterr().out


def test_the_report_of_a_test_is_held_to_fifteen_seconds_on_data_that_a_product_has(
    commands, monkeypatch, tmp_path
):
    monkeypatch.setenv("KPIKIT_BENCH_REPORT_USERS", "100")

    assert bars(experiment_report) == {
        "report of one test, data never read before": "15 s",
        "… data known": "15 s",
    }
    assert commands[0][1:4] == ["run", "ab_test", "--params-dir"]
    experiment_report.make_product(tmp_path, 100)
    report = open_experiment("million", "checkout", params_dir=tmp_path)
    assert report.trial.study.users == 100


def test_the_first_run_is_held_to_three_minutes(commands):
    assert bars(first_run) == {
        "make quarterly-review on a fresh clone": "180 s",
        "the same again, nothing changed": "30 s",
    }


def test_phases_are_given_as_medians_with_their_sum(monkeypatch):
    runs = [{"imports": 1.0, "charts": 4.0}, {"imports": 3.0, "charts": 2.5}] * 2
    answers = iter([*runs, {"imports": 2.0, "charts": 3.0}] * 2)
    monkeypatch.setattr(phases, "run_output", lambda *_, **__: json.dumps(next(answers)))

    found = {figure.name: figure.value for figure in phases.measure()}

    assert found == {
        "kernel: imports": 2.0,
        "kernel: charts": 3.0,
        "kernel: all of this": 5.0,
        "worker: imports": 2.0,
        "worker: charts": 3.0,
        "worker: all of this": 5.0,
    }


@pytest.mark.parametrize(
    ("result", "row"),
    [
        (Result("kpikit runs", 3.0, "x", 3, at_least=True), "3.00 x     ≥ 3 x  ok"),
        (Result("kpikit runs", 2.9, "x", 3, at_least=True), "2.90 x     ≥ 3 x  MISSED"),
        (Result("kpikit list", 0.31, "s", 0.5), "0.31 s     0.5 s  ok"),
        (Result("kpikit list", 0.5, "s", 0.5), "0.50 s     0.5 s  ok"),
        (Result("kpikit list", 0.51, "s", 0.5, "0.4 CPU s"), "0.51 s     0.5 s  MISSED  0.4 CPU s"),
        (Result("kpikit list", 0.31, "s", None), "0.31 s"),
    ],
)
def test_a_figure_stands_beside_its_bar(result, row):
    assert command.result_row(result).split(maxsplit=2)[2] == row


def test_a_missed_bar_ends_with_exit_code_one(monkeypatch, capsys):
    for name, value in (("startup", 0.4), ("review", 31.0)):
        figure = Result(name, value, "s", 30)
        monkeypatch.setattr(f"benchmarks.{name}.measure", lambda figure=figure: iter([figure]))

    assert command.main(["startup"]) == 0
    assert command.main(["startup", "review"]) == 1
    assert "31.00 s      30 s  MISSED" in capsys.readouterr().out


def test_an_unknown_benchmark_is_named(capsys):
    assert command.main(["startup", "startups"]) == 2
    assert capsys.readouterr().out == (
        "Unknown benchmark: startups. Known: startup, review, charts, runner, experiments, phases, "
        "signals, forecasts, funnel, interactive, first_run.\n"
    )


def test_a_command_is_measured_with_its_descendants_and_answers_with_what_it_printed():
    usage = run_command([sys.executable, "-c", "print()"])

    assert usage.wall_s > 0
    assert usage.cpu_s > 0
    assert usage.detail == f"{usage.cpu_s:.1f} CPU s"
    assert run_output([sys.executable, "-c", "print(7)"]) == "7\n"


def test_a_command_that_fails_is_no_figure():
    with pytest.raises(RuntimeError, match=r"(?s)ended with 3:\nwhy"):
        run_command([sys.executable, "-c", "import sys; print('why'); sys.exit(3)"])


def test_the_median_of_each_figure_is_its_own():
    runs = iter([Usage(1, 9, 5), Usage(2, 7, 4), Usage(3, 8, 6)])

    assert median_usage(lambda: next(runs), runs=3) == Usage(2, 8, 5)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="Linux tells it")
def test_the_memory_of_a_process_is_read_and_of_one_that_ended_is_nothing():
    assert measure._pss_kib(measure.os.getpid()) > 1024
    assert measure._pss_kib(2**22 + 1) == 0
