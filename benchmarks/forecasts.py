"""Forecasts on the M3 competition: accuracy, coverage, probabilities, time.

The competition's entrants stand beside ours by their stored forecasts, without a bar.
"""

import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

import kpikit as kk
from benchmarks import m3
from benchmarks.measure import Result
from kpikit.analysis.calibration import M3_RELIABILITY, TARGET_FACTORS

# period, season length, greatest sMAPE and MASE
BARS = (("QUARTERLY", 4, 9.36, 1.126), ("MONTHLY", 12, 14.00, 0.870))
PEERS = ("THETA", "ForecastPro", "DAMPEN", "NAIVE2")
MONTHS = 3


def measure() -> Iterator[Result]:
    if not m3.FOLDER.is_dir():
        print("skipped: M3, whose data is not in ../shared/data")
        return
    for period, season_length, most_smape, most_mase in BARS:
        yield from _accuracy(period, season_length, most_smape, most_mase)
    months = m3.load("MONTHLY")
    yield from _totals(months)
    yield from _earlier_points(months)


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
        for target in (factor * year_before for factor in TARGET_FACTORS):
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
    yield from _reliability("", kk.reliability_table(chances, outcomes, bins=5))


def _earlier_points(series: list[m3.Series]) -> Iterator[Result]:
    """Yield how probabilities fared that were given at each earlier point of a series.

    The many series that end in the same month turn together, so points as far from the end hang
    together.
    """
    tables = [
        kk.backtest_table(each.known, periods=MONTHS, season_length=12, factors=TARGET_FACTORS)
        for each in series
    ]
    trials = pd.concat(
        [
            table.assign(before_end=len(each.known) - table["origin"])
            for table, each in zip(tables, series, strict=True)
        ]
    )
    found = kk.reliability_table(
        trials["probability"], trials["hit"], bins=5, groups=trials["before_end"]
    )
    yield from _reliability(", earlier points", found)
    names = ["mean_probability", "hit_rate"]
    stated = pd.DataFrame(M3_RELIABILITY, np.arange(5) / 5, names)
    off = 100 * (found.set_index("low")[names] - stated).abs().max().max()
    yield Result("M3 monthly: reliability, off what the page says by", off, "points", 0.6)
    middle = trials[trials["probability"].between(0.3, 0.7)]
    gaps = middle["hit"].astype(float).sub(middle["probability"]).groupby(middle["before_end"])
    detail = f"by point of time, n {len(gaps)}: {100 * gaps.mean().min():.0f} to"
    yield Result(
        "M3 monthly: hit - P where P is 30% to 70%", 100 * gaps.mean().max(), "points", None, detail
    )


def _reliability(which: str, table: pd.DataFrame) -> Iterator[Result]:
    for row in table.itertuples():
        name = f"M3 monthly{which}: hit where P is {row.low:.0%} to {row.high:.0%}"
        interval = f"{100 * row.ci_low:.0f} to {100 * row.ci_high:.0f} %"
        detail = f"mean P {row.mean_probability:.0%}, n {row.n}, {interval}"
        yield Result(name, 100 * row.hit_rate, "%", None, detail)
