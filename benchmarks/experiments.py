"""Experiments: error rates by simulation, and speed beside tea-tasting's own table path.

``KPIKIT_BENCH_USERS`` sets the users of the speed bar (10 million by default). The report of one
test is ``experiment_report``'s.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import tea_tasting as tt
from scipy import special

import kpikit as kk
from benchmarks import experiment_report
from benchmarks.measure import Result
from kpikit.analysis.experiments.effects import Sample, absolute_effect
from kpikit.analysis.experiments.sequential import always_valid_p_value, group_sequential_bounds

LOOKS, EXPERIMENTS, DAILY_UNITS = 30, 40_000, 200
SEGMENTS = ("country", "platform", "plan")
OURS = {
    "revenue": kk.Mean("revenue", "revenue_before"),
    "orders": kk.Mean("orders", "orders_before"),
    "minutes": kk.Mean("minutes", "minutes_before"),
    "converted": kk.Proportion("converted"),
    "click_rate": kk.Ratio(
        "clicks", "sessions", numerator_covariate="clicks_before",
        denominator_covariate="sessions_before",
    ),
    "revenue_per_session": kk.Ratio("revenue", "sessions"),
}  # fmt: skip
THEIRS = {
    "revenue": tt.Mean("revenue", "revenue_before"),
    "orders": tt.Mean("orders", "orders_before"),
    "minutes": tt.Mean("minutes", "minutes_before"),
    "converted": tt.Proportion("converted"),
    "click_rate": tt.RatioOfMeans("clicks", "sessions", "clicks_before", "sessions_before"),
    "revenue_per_session": tt.RatioOfMeans("revenue", "sessions"),
}


def measure() -> Iterator[Result]:
    yield from peeking()
    yield from sessions()
    yield coverage()
    yield cuped()
    yield from speed()
    yield from experiment_report.measure()


def peeking() -> Iterator[Result]:
    """Share of experiments without effect in which any of 30 daily looks finds one.

    Of the group-sequential reading the share is 5 %, give or take less than simulations show. So it
    is told by a control variate: each day's sum of spend, whose distribution is known, is turned
    into the normal value at the same quantile. Looks at these cross the bounds in exactly 5 % (a
    test integrates it), mostly in the same experiments; the spend's share is that and what both
    differ by.
    """
    rng = np.random.default_rng(30)
    sums = np.zeros((2, EXPERIMENTS, 2))  # arm x experiment x (sum, sum of squares)
    walk = np.zeros(EXPERIMENTS)
    names = ("naive", "always", "planned", "normal")
    alarms = {name: np.zeros(EXPERIMENTS, dtype=bool) for name in names}
    bounds = group_sequential_bounds(np.arange(1, LOOKS + 1) / LOOKS)
    units = DAILY_UNITS // 2
    for look in range(1, LOOKS + 1):
        # a day's sum and sum of squares of exponential spend, exactly as units would give them
        day = rng.exponential(size=(2, EXPERIMENTS, units)).astype(np.float32)
        total = day.sum(axis=2, dtype=np.float64)
        sums += np.stack([total, (day * day).sum(axis=2)], axis=2)
        n = look * units
        mean = sums[..., 0] / n
        variance = (sums[..., 1] - n * mean**2) / (n - 1)
        effect, se = mean[1] - mean[0], np.sqrt(variance.sum(axis=0) / n)
        p_values = 2 * special.stdtr(2 * n - 2, -np.abs(effect / se))
        alarms["naive"] |= p_values < 0.05
        alarms["planned"] |= p_values < bounds.nominal_alpha[look - 1]
        normal = special.ndtri(special.gammainc(units, total))
        walk += (normal[1] - normal[0]) / np.sqrt(2)
        alarms["normal"] |= np.abs(walk / np.sqrt(look)) > bounds.z[look - 1]
        p_values = always_valid_p_value(effect, se, 2 * n, planned_n=LOOKS * DAILY_UNITS)
        alarms["always"] |= p_values < 0.05
    shares = {name: 100 * found.mean() for name, found in alarms.items()}
    beside = f"{shares['naive']:.1f} % with naive peeking"
    differ = alarms["planned"].astype(float) - alarms["normal"]
    error = 100 * differ.std() / np.sqrt(EXPERIMENTS)
    yield Result("false verdicts at 30 looks, always valid", shares["always"], "%", 5.0, beside)
    yield Result("false verdicts at 30 looks, group-sequential", 5 + 100 * differ.mean(), "%", 5.0,
                 f"± {error:.2f} by a control variate; {shares['planned']:.2f} % "
                 "counted plainly")  # fmt: skip


def sessions() -> Iterator[Result]:
    """Share of experiments without effect in which a session-level rate differs."""
    rng = np.random.default_rng(31)
    runs, users = 4000, 1000
    alarms = np.zeros(2)
    for _ in range(runs):
        count = 1 + rng.poisson(6, (2, users))
        clicks = rng.binomial(count, rng.beta(0.7, 2.8, (2, users)))
        arms = [_ratio_sample(clicks[arm], count[arm]) for arm in (0, 1)]
        rate = clicks.sum(axis=1) / count.sum(axis=1)
        naive = [Sample(rate[arm], rate[arm] * (1 - rate[arm]), count[arm].sum()) for arm in (0, 1)]
        alarms += [absolute_effect(*pair).p_value() < 0.05 for pair in (arms, naive)]
    share, naive_share = 100 * alarms / runs
    yield Result("false verdicts on sessions of users", share, "%", 5.5,
                 f"{naive_share:.1f} % when sessions count as units")  # fmt: skip


def _ratio_sample(top: np.ndarray, below: np.ndarray) -> Sample:
    """Return what the engine makes of a ratio: the linearised values' mean and variance."""
    moments = tt.aggr.Aggregates(
        len(top), {"t": top.mean(), "b": below.mean()},
        {"t": top.var(ddof=1), "b": below.var(ddof=1)}, {("t", "b"): np.cov(top, below)[0, 1]},
    )  # fmt: skip
    return Sample(top.sum() / below.sum(), moments.ratio_var("t", "b"), len(top))


def coverage() -> Result:
    """Distance of the coverage of 95 % intervals from 95 %, in points: skewed spend, true lift."""
    rng = np.random.default_rng(32)
    runs, units = 20_000, 1000
    covered = 0
    for _ in range(10):
        values = rng.lognormal(0, 1, (runs // 10, 2, units))
        values[:, 1] += 0.2
        mean, variance = values.mean(axis=2), values.var(axis=2, ddof=1)
        for (before, after), (spread, other) in zip(mean, variance, strict=True):
            effect = absolute_effect(Sample(before, spread, units), Sample(after, other, units))
            low, high = effect.interval(0.05)
            covered += low <= 0.2 <= high
    share = 100 * covered / runs
    return Result("coverage of 95 % intervals, distance from 95", abs(share - 95), "points", 1.0,
                  f"{share:.2f} %")  # fmt: skip


def cuped() -> Result:
    """Distance of CUPED's gain from theory: the square of the correlation, in points."""
    rng = np.random.default_rng(33)
    n, correlation = 200_000, 0.7
    past = rng.normal(size=n)
    now = correlation * past + np.sqrt(1 - correlation**2) * rng.normal(size=n)
    units = pd.DataFrame(
        {"variant": np.where(np.arange(n) % 2, "a", "b"), "past": past, "now": now}
    )
    metrics = {"now": kk.Mean("now", "past")}
    row = kk.analyze_experiment(units, control="a", metrics=metrics).table.iloc[0]
    gain = row["variance_reduction"]
    return Result("CUPED's gain, distance from theory", 100 * abs(gain - correlation**2), "points",
                  1.0, f"{100 * gain:.1f} % for a correlation of 0.7")  # fmt: skip


# Speed


def speed() -> Iterator[Result]:
    """Six metrics, three segments and a daily curve, beside tea-tasting on the same table."""
    users = int(float(os.environ.get("KPIKIT_BENCH_USERS", "1e7")))
    table = _users_table(users)
    _kpikit(_users_table(1000))  # both have imported what they need
    _tea_tasting(_users_table(1000))
    ours = _timed(lambda: _kpikit(table))
    theirs = _timed(lambda: _tea_tasting(table))
    grouped = _timed(lambda: _tea_tasting_grouped(table))
    size = f"{users / 1e6:g} M users"
    yield Result("experiment, CPU beside tea-tasting's table path", ours.cpu / theirs.cpu, "x",
                 0.6, f"{size}: {ours.cpu:.1f} against {theirs.cpu:.1f} CPU s")  # fmt: skip
    yield Result("… wall", ours.wall / theirs.wall, "x",
                 0.6, f"{ours.wall:.1f} against {theirs.wall:.1f} s")  # fmt: skip
    yield Result("… CPU beside tea-tasting grouped by hand", ours.cpu / grouped.cpu, "x",
                 None, f"{grouped.cpu:.1f} CPU s: one query per dimension")  # fmt: skip
    yield Result("… memory above DuckDB's own buffer", ours.mib, "MiB", 512)


class _Timed:
    def __init__(self, wall: float, cpu: float, mib: float) -> None:
        self.wall, self.cpu, self.mib = wall, cpu, mib


def _timed(run: Callable[[], object]) -> _Timed:
    """Return wall and CPU seconds, and how far memory rose at its highest."""
    base, peak, ended = _resident_mib(), [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            peak[0] = max(peak[0], _resident_mib())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    ended.set()
    watcher.join()
    return _Timed(wall, cpu, max(peak[0] - base, 0.0))


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _users_table(users: int) -> ibis.Table:
    """Return users in a DuckDB table, drawn from hashes so that every run has the same."""
    connection = ibis.duckdb.connect()
    connection.raw_sql("set enable_progress_bar = false")
    connection.raw_sql(f"""
        create table users as
        with draws as (
            select i, hash(i) / 18446744073709551615.0 as a, hash(i * 7 + 3) % 2 as arm,
                   hash(i + 1000000007) % 1000 / 1000 as b, hash(i + 2000000011) % 1000 / 1000 as c
            from range({users}) t(i))
        select i as user_id, case when arm = 0 then 'a' else 'b' end as variant,
               10 * a + 5 * b as revenue, 11 * a as revenue_before,
               (6 * b)::int as orders, (6 * b + 2 * c)::int as orders_before,
               100 * b as minutes, 90 * b + 10 * c as minutes_before,
               (a < 0.1)::int as converted, (30 * c)::int as clicks,
               (29 * c + b)::int as clicks_before, (1 + 9 * c)::int as sessions,
               (1 + 8 * c + a)::int as sessions_before,
               date '2026-01-01' + (29 * b)::int as exposure_day, 'c' || (9 * a)::int as country,
               'p' || (3 * c)::int as platform, 'l' || hash(i + 5) % 4 as plan
        from draws""")
    return connection.table("users")


def _kpikit(table: ibis.Table) -> object:
    return kk.analyze_experiment(
        table, control="a", metrics=OURS, segments=[*SEGMENTS, "exposure_day"]
    )


def _tea_tasting(table: ibis.Table) -> list[object]:
    """Analyse as its documentation does: the table, and the table filtered per segment."""
    experiment = tt.Experiment(THEIRS)
    found = [experiment.analyze(table, control="a")]
    for name in (*SEGMENTS, "exposure_day"):
        found += [
            experiment.analyze(table.filter(table[name] == value), control="a")
            for value in table.select(name).distinct().to_pandas()[name]
        ]
    return found


def _tea_tasting_grouped(table: ibis.Table) -> list[object]:
    """Let it aggregate once per dimension, by variant and segment together."""
    experiment = tt.Experiment(THEIRS)
    columns = tt.metrics.AggrCols()
    for metric in THEIRS.values():
        columns |= metric.aggr_cols
    found = [experiment.analyze(table, control="a")]
    for name in (*SEGMENTS, "exposure_day"):
        cells = table.mutate(cell=table.variant + "|" + table[name].cast("string"))
        moments = tt.aggr.read_aggregates(cells, "cell", **columns._asdict())
        for value in {cell.partition("|")[2] for cell in moments}:
            arms = {arm: moments[f"{arm}|{value}"] for arm in "ab"}
            found.append(experiment.analyze(arms, control="a"))
    return found
