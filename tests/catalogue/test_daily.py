"""Sums per segment and day, and of the periods that they make up."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kpikit.catalogue.daily import DailySums, segment_of
from kpikit.periods import Calendar

CALENDAR = Calendar()


@pytest.fixture
def daily():
    """On the last of January a gives 1 and 2, b 8; on the first of February a gives 4."""
    days = [dt.date(2026, 2, 1), dt.date(2026, 1, 31), dt.date(2026, 1, 31), dt.date(2026, 1, 31)]
    table = pa.table({"segment": ["a", "b", "a", "a"], "day": days})
    return DailySums.read(table, [np.array([4.0, 8.0, 1.0, 2.0]), np.ones(4)])


def test_a_period_is_the_sum_of_its_days(daily):
    january, february = CALENDAR.parse("2026-01"), CALENDAR.parse("2026-02")

    assert daily.within(january, "a").tolist() == [3, 2]
    assert daily.within(january, "b").tolist() == [8, 1]
    assert daily.within(february, "a").tolist() == [4, 1]
    assert daily.within(CALENDAR.parse("2026Q1"), "a").tolist() == [7, 3]


def test_a_segment_or_period_without_a_row_is_zero(daily):
    assert daily.within(CALENDAR.parse("2026-02"), "b").tolist() == [0, 0]
    assert daily.within(CALENDAR.parse("2025-12"), "a").tolist() == [0, 0]
    assert daily.within(CALENDAR.parse("2026-01"), "c").tolist() == [0, 0]


def test_segments_are_sorted_and_the_total_is_one(daily):
    assert daily.segments("plan") == ["a", "b"]
    assert daily.segments("") == [""]


def test_the_first_day_is_the_earliest_of_all(daily):
    nothing = pa.table({"segment": pa.array([], "str"), "day": pa.array([], pa.date32())})

    assert daily.first_day == dt.date(2026, 1, 31)
    assert DailySums.read(nothing, [np.array([])]).first_day is None


def test_a_segment_is_text_and_a_missing_one_is_named():
    table = ibis.memtable(pd.DataFrame({"seats": [1, None]}))

    assert segment_of(table, "seats").to_pandas().tolist() == ["1.0", "(missing)"]
    assert table.select(one=segment_of(table, "")).to_pandas()["one"].tolist() == ["", ""]
