"""What a command costs before it does anything."""

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Result, Usage, median_usage, run_command

RUNS = 9


def measure() -> Iterator[Result]:
    kpikit = str(Path(sys.executable).with_name("kpikit"))
    for word in ("--help", "list"):
        usage = median_usage(lambda word=word: run_command([kpikit, word]), runs=RUNS)
        yield Result(f"kpikit {word}", usage.wall_s, "s", 0.5, usage.detail)
    base = _import("pandas, ibis")
    for code, bar in (("kpikit", 0.2), ("kpikit; kpikit.open_report", None)):
        whole = _import(f"pandas, ibis, {code}")
        name = f"import {code}, beyond pandas and ibis".replace(";", " and")
        yield Result(name, whole.wall_s - base.wall_s, "s", bar)


def _import(names: str) -> Usage:
    return median_usage(lambda: run_command([sys.executable, "-c", f"import {names}"]), runs=RUNS)
