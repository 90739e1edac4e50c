"""The whole first run: a fresh clone, no environment, `make quarterly-review`."""

import subprocess
import tempfile
from collections.abc import Iterator

from benchmarks.measure import ROOT, Result, run_command


def measure() -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), f"{folder}/kpikit"], check=True)
        env = {"KPIKIT_CACHE_DIR": f"{folder}/cache"}
        usage = run_command(["make", "-C", f"{folder}/kpikit", "quarterly-review"], env=env)
        yield Result("make quarterly-review on a fresh clone", usage.wall_s, "s", 180)
        again = run_command(["make", "-C", f"{folder}/kpikit", "quarterly-review"], env=env)
        yield Result("the same again, nothing changed", again.wall_s, "s", 30)
