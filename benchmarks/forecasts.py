"""Forecasts on the M3 competition: accuracy, coverage, probabilities, time.

The competition's entrants stand beside ours by their stored forecasts, without a bar.
"""

import time
from collections.abc import Iterator

import numpy as np

import kpikit as kk
from benchmarks import m3
from benchmarks.measure import Result

# period, season length, greatest sMAPE and MASE
BARS = (("QUARTERLY", 4, 9.36, 1.126), ("MONTHLY", 12, 14.00, 0.870))
PEERS = ("THETA", "ForecastPro", "DAMPEN", "NAIVE2")
MONTHS = 3
FACTORS = (0.95, 1.0, 1.05, 1.1, 1.2)


def measure() -> Iterator[Result]:
    if not m3.FOLDER.is_dir():
        print("skipped: M3, whose data is not in ../shared/data")
        return
    for period, season_length, most_smape, most_mase in BARS:
        yield from _accuracy(period, season_length, most_smape, most_mase)
    yield from _totals(m3.load("MONTHLY"))


def _accuracy(
    period: str, season_length: int, most_smape: float, most_mase: float
) -> Iterator[Result]:
    series, ours, start = m3.load(period), {}, time.process_time()
    for each in series:
        table = kk.forecast_table(each.known, horizon=len(each.came), season_length=season_length)
        ours[each.name] = table["mean"].to_numpy()
    took = 1000 * (time.process_time() - start) / len(series)
    name = f"M3 {period.lower()}"
    smape, mase = m3.accuracy(series, ours, season_length)
    yield Result(f"{name}: sMAPE", smape, "%", most_smape)
    yield Result(f"{name}: MASE", mase, "", most_mase)
    yield Result(f"{name}: time per series", took, "CPU ms", 20)
    for method in PEERS:
        smape, mase = m3.accuracy(series, m3.published(method), season_length)
        yield Result(f"{name}: sMAPE of {method}", smape, "%", None, f"MASE {mase:.3f}")


def _totals(series: list[m3.Series]) -> Iterator[Result]:
    """Yield coverage and Brier score of the next three months' total."""
    inside: dict[float, list[bool]] = {0.8: [], 0.95: []}
    chances, points, outcomes = [], [], []
    for each in series:
        total = kk.total_forecast(each.known, periods=MONTHS, season_length=12)
        came = float(each.came[:MONTHS].sum())
        for level, held in inside.items():
            low, high = total.interval(level)
            held.append(low <= came <= high)
        year_before = float(each.known[len(each.known) - 12 :][:MONTHS].sum())
        for target in (factor * year_before for factor in FACTORS):
            chances.append(total.chance_of(target))
            points.append(float(total.mean >= target))
            outcomes.append(came >= target)
    for level, most_off in ((0.8, 3), (0.95, 2)):
        share = 100 * np.mean(inside[level])
        name = f"M3 monthly: a 3-month total's {level:.0%} interval covers"
        detail = f"{share:.1f} %, off by"
        yield Result(name, abs(share - 100 * level), "points", most_off, detail)
    brier, of_points = kk.brier_score(chances, outcomes), kk.brier_score(points, outcomes)
    detail = f"{brier:.4f} against {of_points:.4f}"
    yield Result(
        "M3 monthly: Brier score over the 0/1 forecast's", brier / of_points, "", 0.72, detail
    )
    for row in kk.reliability_table(chances, outcomes, bins=5).itertuples():
        name = f"M3 monthly: hit where P is {row.low:.0%} to {row.high:.0%}"
        detail = f"mean P {row.mean_probability:.0%}, n {row.n}"
        yield Result(name, 100 * row.hit_rate, "%", None, detail)
