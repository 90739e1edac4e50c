"""What a report's time is said to go to adds up, and nothing is clocked unless asked for."""

import builtins
import importlib
import json
import subprocess
import sys
import types
from dataclasses import replace

import pytest

from kpikit.publish import profile
from kpikit.publish.limits import Limits
from kpikit.publish.messages import CellStarted, Job, KernelStarted, Outcome
from kpikit.publish.profile import PHASES, Clock, Phases, profile_lines
from kpikit.publish.runner import run_plan


@pytest.fixture
def job(make, tmp_path):
    report = make.planned("atlas")
    return Job(report, (), tmp_path, tmp_path, tmp_path / "staging", Limits(), 1, profile=True)


@pytest.fixture
def seconds(monkeypatch):
    """Let both clocks pass through the given seconds, a reading each."""

    def clocks(*readings):
        wall, cpu = iter(readings), iter(readings)
        monkeypatch.setattr(profile.time, "perf_counter", lambda: next(wall))
        monkeypatch.setattr(profile.time, "process_time", lambda: next(cpu))

    return clocks


def test_a_phase_inside_another_is_counted_once(seconds):
    seconds(0.0)
    phases = Phases("start")
    seconds(1.0, 3.0, 7.0, 8.0)

    phases.wrap("outer", phases.wrap("inner", lambda: None))()

    assert phases.wall == phases.cpu == {"start": 1.0, "outer": 2.0 + 1.0, "inner": 4.0}


def test_a_phase_that_raises_is_over():
    phases = Phases("start")

    with pytest.raises(ZeroDivisionError), phases.phase("cells"):
        _ = 1 / 0
    phases.note()
    before = phases.wall["cells"]
    phases.note()

    assert phases.wall["cells"] == before


def test_a_report_that_is_not_profiled_is_not_clocked(job, tmp_path):
    clock = Clock(replace(job, profile=False))

    clock.write_start_up(tmp_path)
    with clock.phase("HTML"):
        pass

    assert clock.listen(print) is print
    assert clock.profile() == {}
    assert list(tmp_path.iterdir()) == []


def test_the_kernels_phases_are_taken_out_of_the_time_that_the_worker_waited(
    job, tmp_path, seconds
):
    seconds(0.0, 0.0)
    clock = Clock(job)
    seconds(2.0, 10.0)
    told = []
    listening = clock.listen(told.append)
    for event in (KernelStarted(1), CellStarted(0, 2, ""), CellStarted(1, 2, "")):
        listening(event)
    kernel = {"start": [9.0, 0.5], "imports": [1.0, 1.0], "cells": [4.0, 3.0]}
    (tmp_path / "profile.json").write_text(json.dumps(kernel))

    found = clock.profile()

    assert tuple(found) == PHASES
    # start: 2 s in the worker, whose CPU adds to the kernel's; 8 s with cells, 5 of them in these
    assert found["start"] == (2.0, 2.5)
    assert found["Jupyter"] == (8.0 - 1.0 - 4.0, 8.0)
    assert (found["imports"], found["cells"], found["PDF"]) == ((1.0, 1.0), (4.0, 3.0), (0, 0))
    assert len(told) == 3


def test_a_kernel_that_was_killed_has_no_phases(job):
    assert Clock(job).profile()["cells"] == (0, 0)


def test_imports_queries_and_charts_are_clocked_wherever_they_are_called(monkeypatch):
    monkeypatch.setattr(builtins, "__import__", builtins.__import__)
    monkeypatch.setattr(importlib, "import_module", importlib.import_module)

    class Backend:
        def execute(self):
            return 3

    def themed():
        def inner():
            return 4

        return inner

    inner = themed()
    inner.__code__ = inner.__code__.replace(co_qualname="themed.<locals>.inner")
    engine = types.ModuleType("ibis.backends.mine")
    engine.Backend = Backend
    charts = types.ModuleType("kpikit.present.mine")
    charts.bars = inner
    for module in (engine, charts):
        monkeypatch.setitem(profile.sys.modules, module.__name__, module)
    phases = Phases("cells")

    profile._clock_imports(phases)
    profile.clock_loaded(phases)
    profile.clock_loaded(phases)  # what is clocked is not clocked again
    importlib.import_module("json")

    assert (Backend().execute(), charts.bars()) == (3, 4)
    assert set(phases.cpu) == {"cells", "imports", "queries", "charts"}


ASKING = """
from kpikit.catalogue import relations, spells
from kpikit.catalogue import keeping
from kpikit.publish import profile
import ibis
phases = profile.Phases("cells")
profile.clock_loaded(phases)
asked = []
for ask in (spells.fetch, relations.fetch, keeping.keep):
    before = phases.cpu["queries"]
    ask(ibis.memtable({"n": [1, 2]}).aggregate(n=ibis._.n.sum()))
    phases.note()
    asked.append(phases.cpu["queries"] > before)
print(asked)
"""


def test_what_kpikit_asks_duckdb_past_ibis_is_clocked_as_queries():
    command = [sys.executable, "-c", ASKING]  # for what is clocked stays so in its process

    found = subprocess.run(command, capture_output=True, text=True, check=True)

    assert found.stdout == "[True, True, True]\n"


def test_each_report_is_a_row_and_their_sum_is_the_last(make):
    one = {**dict.fromkeys(PHASES, (0.0, 0.0)), "charts": (2.0, 1.5)}
    outcomes = [
        Outcome(make.planned("atlas"), "sealed", profile=one),
        Outcome(make.planned("beacon"), "sealed", profile={**one, "PDF": (1.0, 0.5)}),
        Outcome(make.planned("comet"), "unchanged"),
    ]

    lines = profile_lines(outcomes)

    assert [line.split()[:2] for line in lines if line] == [
        ["CPU", "seconds"], ["atlas", "2026Q3"], ["beacon", "2026Q3"], ["all", "reports"],
        ["Wall", "seconds"], ["atlas", "2026Q3"], ["beacon", "2026Q3"], ["all", "reports"],
    ]  # fmt: skip
    zeros = "    0.00"
    assert lines[4] == f"all reports  {zeros * 3}    3.00{zeros * 3}    0.50{zeros}    3.50"
    assert lines[9].endswith("    1.00    0.00    5.00")
    assert profile_lines(outcomes[2:])[0].endswith("--force makes unchanged ones too.")
    assert len(profile_lines(outcomes[:1])) == 6


IMPORTING = """
import importlib, pathlib, sys
pathlib.Path("mine.py").write_text("for _ in range(1_000_000): pass")
sys.path.insert(0, "")
importlib.import_module("mine")  # of a name in a text, so not preloaded
"""


@pytest.mark.slow
def test_a_profiled_report_tells_where_its_time_went(make, tmp_path):
    busy = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    plan = make.plan_of(make.planned("atlas", make.cover, IMPORTING, busy, make.kpis))

    result = run_plan(plan, output_dir=tmp_path / "output", formats=("html",), profile=True)

    (outcome,) = result.outcomes
    wall, cpu = zip(*outcome.profile.values(), strict=True)
    assert outcome.profile["cells"][1] >= 0.3
    assert min(outcome.profile[name][1] for name in ("start", "imports", "HTML")) > 0
    assert sum(wall) == pytest.approx(outcome.seconds, rel=0.1, abs=0.2)
    assert sum(cpu) > 0.3
    run = json.loads((tmp_path / "output" / "run.json").read_text())
    assert run["reports"][0]["profile"]["cells"] == list(outcome.profile["cells"])
