"""The report of one test at a million users, from files never read before to HTML and PDF.

``KPIKIT_BENCH_REPORT_USERS`` sets the users (1 million by default).
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from benchmarks.measure import Result, run_command

EVENTS_PER_USER, BAR_S = 8, 15
PRODUCT = """\
product: {key: million, name: Million, stage: growth, currency: EUR, timezone: Europe/Berlin}
source:
  as_of: 2026-09-12
  tables:
    exposures: {files: exposures.parquet}
    events: {files: events.parquet}
    orders: {files: orders.parquet}
experiments:
  checkout:
    hypothesis: A shorter checkout sells more.
    variants: {control: 0.5, short: 0.5}
    control: control
    start: 2026-08-01
    end: 2026-08-14
    conversion_window: 14d
    history: 14d
    primary: arpu
    secondary: [bought, visits, visits_per_purchase]
    guardrails: [{metric: searches, margin: 0.1}]
    metrics:
      bought: {kind: conversion, event: purchase}
      purchases: {kind: count, event: purchase}
      visits: {kind: count, event: visit}
      searches: {kind: count, event: search}
      visits_per_purchase: {kind: ratio, numerator: visits, denominator: purchases}
    segments: [platform, country]
    mde: 0.5
    impact: {value: 1, coverage: 0.9}
"""


def measure() -> Iterator[Result]:
    """Run the report on data never read, and again with the data known."""
    users = int(float(os.environ.get("KPIKIT_BENCH_REPORT_USERS", "1e6")))
    size = f"{users / 1e6:g} M users, {users * EVENTS_PER_USER / 1e6:g} M events"
    with tempfile.TemporaryDirectory() as folder:
        make_product(Path(folder), users)
        for name in ("report of one test, data never read before", "… data known"):
            usage = run_command(_command(folder), env={"KPIKIT_CACHE_DIR": f"{folder}/cache"})
            yield Result(name, usage.wall_s, "s", BAR_S, f"{size}: {usage.detail}, "
                         f"{usage.peak_mib:.0f} MiB")  # fmt: skip


def _command(folder: str) -> list[str]:
    kpikit = str(Path(sys.executable).with_name("kpikit"))
    return [kpikit, "run", "ab_test", "--params-dir", folder, "--output-dir", f"{folder}/output",
            "--force"]  # fmt: skip


def make_product(folder: Path, users: int) -> None:
    """Write a product's file and its data, drawn from hashes so that every run has the same."""
    (folder / "million.yml").write_text(PRODUCT, encoding="utf-8")
    connection = duckdb.connect()
    seconds = "to_seconds((hash({0}) % (86400 * {1}))::bigint)"
    tables = {
        "exposures": f"""
            select 'u' || i as user_id, 'checkout' as experiment,
                   if(hash(i) % 2 = 0, 'control', 'short') as variant,
                   timestamp '2026-08-01' + {seconds.format("i + 1000000007", 14)} as exposure_time,
                   ['android', 'ios', 'web'][1 + (hash(i + 5) % 3)::int] as platform,
                   'c' || (hash(i + 6) % 8) as country
            from range({users}) t(i)""",
        "events": f"""
            select 'u' || (hash(j) % {users}) as user_id,
                   ['visit', 'visit', 'visit', 'view', 'view', 'search', 'cart',
                    'purchase'][1 + (hash(j + 7) % 8)::int] as event,
                   timestamp '2026-07-15' + {seconds.format("j + 2000000011", 60)} as event_time
            from range({users * EVENTS_PER_USER}) t(j)""",
        "orders": f"""
            select k as order_id, 'u' || (hash(k) % {users}) as user_id,
                   timestamp '2026-07-15' + {seconds.format("k + 3000000019", 60)} as order_time,
                   (5 + hash(k + 8) % 95)::double as revenue, 'EUR' as currency
            from range({users // 2}) t(k)""",
    }
    for name, query in tables.items():
        connection.execute(f"copy ({query}) to '{folder / name}.parquet' (format parquet)")
    connection.close()
