"""How often signals cry wolf, and how often they miss one: real series, and simulated ones."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

import kpikit as kk
from benchmarks import m3
from benchmarks.measure import Result

RUNS = 1000
BASELINE, WITHIN = 36, 8
Floats = npt.NDArray[np.float64]


def measure() -> Iterator[Result]:
    if m3.FOLDER.is_dir():
        yield _real(m3.load("MONTHLY"))
    else:
        print("skipped: M3, whose data is not in ../shared/data")
    rng = np.random.default_rng(20261121)
    yield _flagged("noise around a constant, n = 24", lambda: rng.normal(100, 10, 24), bar=1.5)
    for length in (24, 36, 60):
        yield _flagged(
            f"random walk with drift, n = {length}",
            lambda n=length: 1000 + np.cumsum(rng.normal(3, 10, n)),
            bar=2,
        )
        yield _flagged(
            f"growth by 5 % with noise of 10 %, n = {length}",
            lambda n=length: 100 * np.exp(0.05 * np.arange(n) + rng.normal(0, 0.1, n)),
            bar=None,
        )
    yield _found("limits frozen on them", baseline=BASELINE, bar=90)
    yield _found("limits not frozen", baseline=None, bar=None)


def _real(series: list[m3.Series]) -> Result:
    start = time.process_time()
    flagged = [
        bool(kk.signal_table(each.known, season_length=12)["signal"].iloc[-1]) for each in series
    ]
    took = 1000 * (time.process_time() - start) / len(series)
    detail = f"{took:.1f} CPU ms a series"
    return Result("M3 monthly: last points flagged", 100 * np.mean(flagged), "%", 6, detail)


def _flagged(name: str, draw: Callable[[], Floats], *, bar: float | None) -> Result:
    tables = [kk.signal_table(draw(), season_length=12) for _ in range(RUNS)]
    share = 100 * np.mean([table["signal"].iloc[-1] for table in tables])
    raw = np.mean([table["method"].iloc[-1] == "xmr" for table in tables])
    return Result(f"{name}: last points flagged", share, "%", bar, f"raw limits in {raw:.0%}")


def _found(name: str, *, baseline: int | None, bar: float | None) -> Result:
    rng = np.random.default_rng(20261122)
    found = 0
    for _ in range(RUNS):
        values = rng.normal(100, 10, BASELINE + WITHIN)
        values[BASELINE:] += 20
        table = kk.signal_table(values, season_length=12, baseline=baseline)
        found += bool(table["signal"].iloc[BASELINE:].any())
    name = f"2-sigma shift after {BASELINE} points, {name}: found within {WITHIN}"
    return Result(name, 100 * found / RUNS, "%", bar, at_least=True)
