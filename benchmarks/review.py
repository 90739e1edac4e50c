"""The quarterly review: the three sample products, and a real shop of a million order lines."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import ROOT, SHARED_DATA, Result, Usage, median_usage, run_command

RUNS = 3


def measure() -> Iterator[Result]:
    samples = median_usage(lambda: _review("params", cache="warm"), runs=RUNS)
    detail = f"{samples.cpu_s:.1f} CPU s, peak {samples.peak_mib:.0f} MiB"
    yield Result("review of 3 sample products, HTML and PDF", samples.wall_s, "s", 30, detail)
    if not SHARED_DATA.is_dir():
        print(f"skipped: Online Retail II, no {SHARED_DATA.name} folder beside the project")
        return
    for cache, bar in (("cold", 20), ("warm", None)):
        usage = median_usage(lambda cache=cache: _retail(cache), runs=RUNS)
        name = f"review of Online Retail II, {cache} cache"
        yield Result(name, usage.wall_s, "s", bar, f"{usage.cpu_s:.1f} CPU s")
        yield Result(f"{name}: peak memory", usage.peak_mib, "MiB", 1024)


def _retail(cache: str) -> Usage:
    return _review(
        "tests/acceptance/params",
        "--product",
        "online_retail_ii",
        "--period",
        "2011Q3",
        cache=cache,
    )


def _review(params: str, *options: str, cache: str) -> Usage:
    """Run the review into a new folder; a cold cache is a new folder too."""
    kpikit = str(Path(sys.executable).with_name("kpikit"))
    with tempfile.TemporaryDirectory() as folder:
        output = ["--output-dir", f"{folder}/output", "--params-dir", str(ROOT / params)]
        env = {"KPIKIT_CACHE_DIR": f"{folder}/cache"} if cache == "cold" else None
        return run_command([kpikit, "run", "quarterly_review", *output, *options], env=env)
