"""Funnels and weekly retention of many events in Parquet, beside ClickHouse, Polars and pandas.

Every engine answers in a process of its own, with text ids and two threads; what counts is the CPU
time from opening the file to the answer, imports apart. ``KPIKIT_FUNNEL_MILLIONS="5 20 100"`` sets
the sizes; Polars and pandas are asked up to 20 million events. Of 20 million the whole funnel
analysis is made too, HTML and PDF, with data that kpikit has not seen before.
"""

import importlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Result, run_command, run_output

STEPS = ["product_view", "add_to_cart", "checkout", "payment", "purchase"]
WINDOW_DAYS = 7
LARGEST_FOR_FRAMES = 20
_BARS = {"users per step": 1.0, "the full table": 1.5, "weekly retention": 0.8}
_MEMORY_BAR = 4.0  # GiB, for 100 million events
_REPORT_MILLIONS, _REPORT_BAR_S = 20, 40
_PRODUCT = """
product: {{key: shop, name: Shop, stage: growth, currency: EUR, timezone: Europe/Berlin,
          fiscal_year_start: 1, week_start: monday, owner: Benchmarks}}
source: {{tables: {{events: {{files: {path}}}}}, as_of: 2026-03-31}}
metrics: [active_users]
segments: [device]
funnels:
  checkout: {{steps: [{steps}], window: {days}d, value_per_conversion: 40}}
"""


def measure() -> Iterator[Result]:
    """Yield the ratio of CPU times to ClickHouse's per size, and what each engine took."""
    for millions in map(int, os.environ.get("KPIKIT_FUNNEL_MILLIONS", "5 20").split()):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.parquet"
            run_output(
                [sys.executable, "-m", "benchmarks.funnel", "make", str(path), str(millions)]
            )
            yield from _compared(path, millions)
            if millions == _REPORT_MILLIONS:
                yield from _report(path, Path(folder))


def _compared(path: Path, millions: int) -> Iterator[Result]:
    events = f"{millions} M events"
    frames = ("polars", "pandas") if millions <= LARGEST_FOR_FRAMES else ()
    taken = {engine: _asked(engine, path) for engine in ("kpikit", "chdb", *frames)}
    answers = {engine: each["answer"] for engine, each in taken.items()}
    if len(set(map(tuple, answers.values()))) > 1:
        raise RuntimeError(f"The engines do not agree: {answers}")
    for name in ("users per step", "the full table"):
        # one query answers both: the times cost too little to leave them out
        yield _ratio(f"{events}: {name}, to chdb", name, taken["kpikit"], taken["chdb"])
    for engine in frames:
        yield _ratio(f"{events}: {engine}, to chdb", "", taken[engine], taken["chdb"])
    gibibytes = taken["kpikit"]["peak_mib"] / 1024
    yield Result(f"{events}: peak memory of kpikit", gibibytes, "GiB", _MEMORY_BAR)
    kept, peer = _asked("kpikit_retention", path), _asked("chdb_retention", path)
    if kept["answer"] != peer["answer"]:
        raise RuntimeError(f"The engines do not agree: {kept['answer']}, {peer['answer']}")
    yield _ratio(f"{events}: weekly retention, to chdb", "weekly retention", kept, peer)


def _report(path: Path, folder: Path) -> Iterator[Result]:
    """Yield how long ``make funnel-analysis`` takes for a product with these events alone."""
    text = _PRODUCT.format(path=path, steps=", ".join(STEPS), days=WINDOW_DAYS)
    params = folder / "params"
    params.mkdir()
    (params / "shop.yml").write_text(text, encoding="utf-8")
    options = {
        "--period": "2026Q1", "--params-dir": str(params), "--output-dir": str(folder / "output"),
    }  # fmt: skip
    words = [word for option in options.items() for word in option]
    kpikit = str(Path(sys.executable).with_name("kpikit"))
    usage = run_command(
        [kpikit, "run", "funnel_analysis", *words], env={"KPIKIT_CACHE_DIR": str(folder / "cache")}
    )
    name = f"{_REPORT_MILLIONS} M events: the whole funnel analysis"
    yield Result(name, usage.wall_s, "s", _REPORT_BAR_S, usage.detail)
    yield Result(f"{name}: peak memory", usage.peak_mib / 1024, "GiB", None)


def _ratio(label: str, name: str, ours: dict[str, Any], peer: dict[str, Any]) -> Result:
    detail = (
        f"{ours['cpu_s']:.1f} and {peer['cpu_s']:.1f} CPU s, "
        f"{ours['peak_mib']:.0f} and {peer['peak_mib']:.0f} MiB"
    )
    return Result(label, ours["cpu_s"] / peer["cpu_s"], "x", _BARS.get(name), detail)


def _asked(engine: str, path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        run_output([sys.executable, "-m", "benchmarks.funnel", engine, str(path)]).splitlines()[-1]
    )
    return found


# -- in a process of its own ----------------------------------------------------------------------


def make_events(path: str, millions: str) -> None:
    """Write events over 90 days, 20 a user, some users far busier; the same ones every time."""
    import duckdb  # noqa: PLC0415 - each process loads its own engine

    rows = int(millions) * 1_000_000
    duckdb.execute(f"""
        copy (
            with drawn as (
                select i, hash(i * 7 + 1) as a, hash(i * 7 + 2) as b, hash(i * 7 + 3) as c
                from range({rows}) as numbers(i)
            ), chosen as (
                select i, c, (b % 1000)::int as e,
                       (power((a % 1000003) / 1000003.0, 1.7) * {rows // 20})::bigint as u
                from drawn
            )
            select substr(md5(u::varchar), 1, 16) as user_id,
                   case when e < 400 then 'page_view' when e < 480 then 'search'
                        when e < 720 then 'product_view' when e < 840 then 'add_to_cart'
                        when e < 900 then 'checkout' when e < 940 then 'payment'
                        when e < 965 then 'purchase' when e < 985 then 'support'
                        else 'logout' end as event,
                   timestamp '2026-01-01'
                   + to_microseconds(i * {90 * 86_400_000_000 // rows} + (c % 1000000)::bigint)
                   as event_time,
                   ['phone', 'desktop', 'tablet'][1 + u % 3] as device
            from chosen
        ) to '{path}' (format parquet, row_group_size 500000)
    """)


def _kpikit(path: str) -> list[int]:
    import kpikit as kk  # noqa: PLC0415

    table = kk.funnel_table(_opened(path), steps=STEPS, window=f"{WINDOW_DAYS}d")
    return [int(users) for users in table["users"]]


def _kpikit_retention(path: str) -> list[int]:
    import kpikit as kk  # noqa: PLC0415

    table = kk.retention_table(_opened(path), as_of="2026-04-05", max_age=20)
    return [int(table["active_users"].sum())]


def _opened(path: str) -> Any:
    import ibis  # noqa: PLC0415

    connection = ibis.duckdb.connect()
    connection.raw_sql("set threads = 2")
    return connection.read_parquet(path)


def _chdb(path: str) -> list[int]:
    conditions = ", ".join(f"event = '{step}'" for step in STEPS)
    names = ", ".join(f"'{step}'" for step in STEPS)
    window = WINDOW_DAYS * 86_400_000_000
    depths = _clickhouse(f"""
        select depth, count() from (
            select user_id, windowFunnel({window})(
                toUInt64(toUnixTimestamp64Micro(event_time)), {conditions}
            ) as depth
            from file('{path}', Parquet) where event in ({names}) group by user_id
        ) group by depth
    """)
    return [sum(users for depth, users in depths if depth >= step) for step in range(1, 6)]


def _chdb_retention(path: str) -> list[int]:
    # its fastest of five: masks of hashed ids; arrays of weeks take 1.6 times as long
    counts = ", ".join(f"countIf(bitTest(mask, {week}))" for week in range(14))
    cohorts = _clickhouse(f"""
        select first, arraySum([{counts}]) from (
            select groupBitOr(bitShiftLeft(toUInt64(1), week)) as mask, min(week) as first
            from (
                select cityHash64(user_id) as user,
                       toUInt8(intDiv(toDate(event_time) - toDate('2025-12-29'), 7)) as week
                from file('{path}', Parquet)
            ) group by user
        ) group by first
    """)
    return [sum(users for _, users in cohorts)]


def _clickhouse(query: str) -> list[tuple[int, int]]:
    import chdb  # noqa: PLC0415

    text = str(chdb.query(f"{query} settings max_threads = 2", "CSV"))
    return [(int(a), int(b)) for a, b in (line.split(",") for line in text.splitlines())]


def _polars(path: str) -> list[int]:
    import polars as pl  # noqa: PLC0415

    events = pl.scan_parquet(path).filter(pl.col("event").is_in(STEPS)).collect()
    window = pl.duration(days=WINDOW_DAYS)
    entries = _of(events, 0).rename({"event_time": "began"}).sort("began")
    entries = entries.with_columns(moment=pl.col("began"))
    users = [entries["user_id"].n_unique()]
    for number in range(1, len(STEPS)):
        step = _of(events, number).rename({"event_time": "moment"}).sort("moment")
        step = step.with_columns(met=pl.col("moment"))
        found = entries.sort("moment").join_asof(
            step, on="moment", by="user_id", strategy="forward", check_sortedness=False
        )
        entries = found.filter(pl.col("met") <= pl.col("began") + window).select(
            "user_id", "began", moment="met"
        )
        users.append(entries["user_id"].n_unique())
    return users


def _of(events: Any, number: int) -> Any:
    import polars as pl  # noqa: PLC0415

    return events.filter(pl.col("event") == STEPS[number]).select("user_id", "event_time")


def _pandas(path: str) -> list[int]:
    import pandas as pd  # noqa: PLC0415

    events = pd.read_parquet(path, filters=[("event", "in", STEPS)])
    events = events.sort_values("event_time")
    parts = [events.loc[events["event"] == step, ["user_id", "event_time"]] for step in STEPS]
    entries = parts[0].assign(began=parts[0]["event_time"])
    users = [entries["user_id"].nunique()]
    for step in parts[1:]:
        step = step.assign(met=step["event_time"])  # noqa: PLW2901 - the column to look up
        found = pd.merge_asof(entries, step, on="event_time", by="user_id", direction="forward")
        found = found[found["met"] <= found["began"] + pd.Timedelta(days=WINDOW_DAYS)]
        entries = found[["user_id", "began"]].assign(event_time=found["met"])
        entries = entries.sort_values("event_time")
        users.append(entries["user_id"].nunique())
    return users


_ENGINES: dict[str, tuple[tuple[str, ...], Callable[[str], list[int]]]] = {
    "kpikit": (("ibis.backends.duckdb", "kpikit.analysis.funnels"), _kpikit),
    "kpikit_retention": (("ibis.backends.duckdb", "kpikit.analysis.retention"), _kpikit_retention),
    "chdb": (("chdb",), _chdb),
    "chdb_retention": (("chdb",), _chdb_retention),
    "polars": (("polars",), _polars),
    "pandas": (("pandas", "pyarrow.parquet"), _pandas),
}


def main(arguments: list[str]) -> None:
    """Make the events, or print as JSON what an engine answers and takes."""
    if arguments[0] == "make":
        make_events(*arguments[1:])
        return
    imports, ask = _ENGINES[arguments[0]]
    for name in imports:
        importlib.import_module(name)
    before, start = _cpu_seconds(), time.perf_counter()
    answer = ask(arguments[1])
    taken = {"cpu_s": _cpu_seconds() - before, "wall_s": time.perf_counter() - start}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"answer": answer, "peak_mib": peak, **taken}))


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(sys.argv[1:])
