"""The whole first run: a fresh clone, no environment, `make quarterly-review`.

The installer takes packages from its own cache where the machine has them; kpikit's cache and
matplotlib's list of fonts are new.
"""

import subprocess
import tempfile
from collections.abc import Iterator

from benchmarks.measure import ROOT, Result, Usage, run_command


def measure() -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), f"{folder}/kpikit"], check=True)
        yield _result("make quarterly-review on a fresh clone", _review(folder), bar=180)
        yield _result("the same again, nothing changed", _review(folder), bar=30)


def _review(folder: str) -> Usage:
    own = {"KPIKIT_CACHE_DIR": f"{folder}/cache", "MPLCONFIGDIR": f"{folder}/matplotlib"}
    return run_command(["make", "-C", f"{folder}/kpikit", "quarterly-review"], env=own)


def _result(name: str, usage: Usage, *, bar: float) -> Result:
    return Result(name, usage.wall_s, "s", bar, usage.detail)
