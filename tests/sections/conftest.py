"""A product of one file, opened as a context, for the tests of sections."""

import textwrap
from functools import partial

import pytest

from kpikit.catalogue import metric_names_at
from kpikit.params import load_product
from kpikit.sections.context import Context
from kpikit.sources import open_dataset


def open_in(folder, yaml, files, *, period="2026Q3", run_id="", more=""):
    """Write files and a product's YAML into a folder, and return its context for a period.

    ``more`` is added to the product's own line, such as ``, fiscal_year_start: 2``.
    """
    for name, text in files.items():
        (folder / name).write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
    path = folder / "shop.yml"
    head = f"product: {{key: shop, name: Shop, currency: EUR{more}}}\n"
    path.write_text(head + textwrap.dedent(yaml), encoding="utf-8")
    loaded = load_product(path, known_metrics=metric_names_at)
    dataset = open_dataset(loaded, cache_dir=folder / "cache")
    return Context(loaded, dataset, loaded.calendar.parse(period), run_id)


@pytest.fixture
def open_context(tmp_path):
    """Return ``open_in`` for a folder of the test's own."""
    return partial(open_in, tmp_path)


ORDERS = """
    order_id,user_id,order_time,revenue,country
    1,a,2025-07-05T10:00:00,40.00,DE
    2,a,2026-05-10T10:00:00,50.00,DE
    3,b,2026-07-05T10:00:00,100.00,DE
    4,b,2026-08-06T10:00:00,60.50,FR
    5,c,2026-09-30T21:59:00,39.50,
    6,c,2026-09-30T21:59:30,-9.50,
"""
ORDERS_YAML = """
    source: {tables: {orders: {files: orders.csv}}}
    metrics: [net_revenue, orders, average_order_value]
    segments: [country]
    targets:
      - {metric: net_revenue, period: 2026Q3, value: 180}
      - {metric: orders, period: 2026-08, value: 2}
"""


@pytest.fixture
def shop(open_context):
    return open_context(ORDERS_YAML, {"orders.csv": ORDERS}, run_id="0123456789ab")


def orders_of(amounts):
    """One order on the 5th of each month from January 2024 on."""
    lines = ["order_id,user_id,order_time,revenue"]
    for index, amount in enumerate(amounts):
        year, month = 2024 + index // 12, index % 12 + 1
        lines.append(f"{index},u{index % 7},{year}-{month:02d}-05T10:00:00,{amount}")
    return "\n".join(lines) + "\n"


WAVE = [100 + (7 * index) % 5 for index in range(33)]  # to September 2026, no season, no trend


def metric_of(context, name):
    return next(metric for metric in context.metrics if metric.name == name)
