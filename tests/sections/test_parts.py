"""What sections part by dimensions is asked of the engine at once, where that is cheaper."""

from dataclasses import asdict

import pytest

from kpikit.sections import parts
from kpikit.sections.drivers import drivers_section
from kpikit.sections.segments import segments_section
from kpikit.sources.slices import recorded_queries

YAML = """
    source: {tables: {orders: {files: orders.csv}}}
    metrics: [repeat_purchase_rate, gross_revenue]
    segments: [country, device]
"""
DAYS = ("2025-08-05", "2026-05-10", "2026-05-11", "2026-07-05", "2026-08-06", "2026-09-30")
ORDERS = "order_id,user_id,order_time,revenue,country,device\n" + "".join(
    f"{index},u{index % 4},{day}T10:00:00,{10 + index},{'DE' if index % 2 else 'FR'},phone\n"
    for index, day in enumerate(DAYS)
)


@pytest.fixture
def context(open_context):
    found = open_context(YAML, {"orders.csv": ORDERS})
    found.facts  # noqa: B018 - totals, in which segments are looked for, are asked first
    return found


def test_the_first_kpis_take_one_query_for_all_dimensions(context):
    with recorded_queries(context.dataset) as ahead:
        parts.ask_ahead(context)
    with recorded_queries(context.dataset) as later:
        drivers_section(context)
        segments_section(context)

    assert sum("kpikit_segment" in text for text in ahead) == 1
    assert later == []


def test_of_many_rows_each_dimension_is_asked_for_when_it_is_shown(context, monkeypatch):
    monkeypatch.setattr(parts, "_MOST_ROWS", len(DAYS) - 1)
    with recorded_queries(context.dataset) as ahead:
        parts.ask_ahead(context)
    with recorded_queries(context.dataset) as later:
        drivers_section(context)

    assert ahead == []
    assert sum("kpikit_segment" in text for text in later) > 1


def test_what_is_asked_at_once_is_what_is_asked_alone(context, monkeypatch):
    at_once = [str(asdict(table)) for table in parts_of_drivers(context)]
    context.__dict__.pop("_parts")
    monkeypatch.setattr(parts, "_MOST_ROWS", 0)
    alone = [str(asdict(table)) for table in parts_of_drivers(context)]

    assert at_once
    assert at_once == alone


def parts_of_drivers(context):
    return drivers_section(context).items
