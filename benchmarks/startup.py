"""What a command costs before it does anything."""

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Result, median_usage, run_command

RUNS = 9


def measure() -> Iterator[Result]:
    kpikit = str(Path(sys.executable).with_name("kpikit"))
    for command in (["--help"], ["list"]):
        usage = median_usage(lambda command=command: run_command([kpikit, *command]), runs=RUNS)
        yield Result(f"kpikit {' '.join(command)}", usage.wall_s, "s", 0.5)
    base = _import_seconds("import pandas, ibis")
    whole = _import_seconds("import pandas, ibis, kpikit")
    yield Result("import kpikit, beyond pandas and ibis", whole - base, "s", 0.2)
    first = _import_seconds("import pandas, ibis, kpikit; kpikit.open_report")
    yield Result("kpikit.open_report, beyond pandas and ibis", first - base, "s", None)


def _import_seconds(code: str) -> float:
    return median_usage(lambda: run_command([sys.executable, "-c", code]), runs=RUNS).wall_s
