"""Relations cut time by the product's own clock, on every engine alike."""

import datetime as dt
from dataclasses import replace

import ibis
import pyarrow as pa
import pytest

from kpikit.catalogue.relations import (
    Coverage,
    Coverages,
    Span,
    purchases,
    rows_by_period,
)
from kpikit.periods import Calendar, Period

BERLIN = Calendar("Europe/Berlin")
YEAR = BERLIN.parse("2026")
# an hour before and after midnight around both changes of the clock, and around New Year
TEXTS = [
    f"{day} {hour}:30"
    for day in ("2025-12-31", "2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25", "2026-12-31")
    for hour in (20, 21, 22, 23)
]


@pytest.fixture
def costs():
    return ibis.memtable(
        pa.table({"cost_date": pa.array(["2026-07-01", "2026-07-03"]).cast(pa.date32())})
    )


@pytest.fixture
def events():
    times = pa.array(TEXTS).cast(pa.timestamp("us"))
    return ibis.memtable(pa.table({"user_id": TEXTS, "event": TEXTS, "event_time": times}))


def test_knowing_what_the_data_cover_changes_no_local_day(events):
    span = Span(tuple(BERLIN.split(YEAR, "day")), BERLIN, YEAR.last_day)
    covered = Coverages("Europe/Berlin").of(events, "events")

    days = [
        rows_by_period(events, "events", each).select("user_id", "kpikit_day")
        .order_by("user_id").to_pyarrow().to_pylist()
        for each in (span, replace(span, covered=covered.days))
    ]  # fmt: skip

    assert covered == Coverage((dt.date(2025, 12, 31), dt.date(2027, 1, 1)), named=True)
    assert days[0] == days[1]
    assert len(days[0]) == 4 * 4 + 1 + 3  # of New Year's Eves: 23:30 before, 20:30 to 22:30 in it


def test_days_of_a_table_that_holds_days_are_taken_as_they_are(costs):
    covered = Coverages("America/New_York").of(costs, "costs")

    assert covered == Coverage((dt.date(2026, 7, 1), dt.date(2026, 7, 3)), named=False)


def test_an_empty_table_covers_nothing(costs):
    nothing = costs.filter(ibis.literal(value=False))

    assert Coverages("UTC").of(nothing, "costs") is None


def test_a_table_is_asked_once_what_it_covers(costs, monkeypatch):
    coverages = Coverages("UTC")
    first = coverages.of(costs, "costs")
    monkeypatch.setattr(ibis.Table, "to_pyarrow", None)

    assert coverages.of(costs, "costs") == first


def test_a_row_is_repeated_for_each_period_that_holds_it(costs):
    month = Calendar().parse("2026-07")
    cut = Period(month.start, dt.date(2026, 7, 2), "month", month.label)
    span = Span((month, cut), Calendar(), dt.date(2026, 7, 31))

    rows = rows_by_period(costs, "costs", span).to_pyarrow().to_pylist()

    found = sorted((row["kpikit_period"], row["kpikit_day"].day) for row in rows)
    assert found == [(0, 1), (0, 3), (1, 1)]


def test_periods_after_the_last_complete_day_hold_nothing(costs):
    span = Span((Calendar().parse("2026-09"),), Calendar(), dt.date(2026, 7, 31))

    assert rows_by_period(costs, "costs", span).count().to_pyarrow().as_py() == 0


def test_purchases_are_the_sales_of_known_buyers():
    orders = ibis.memtable(
        pa.table(
            {
                "user_id": ["ann", None, "bob"],
                "kind": ["sale", "sale", "refund"],
                "order_time": pa.array(["2026-07-01"] * 3).cast(pa.timestamp("us")),
            }
        )
    )

    rows = purchases(orders).to_pyarrow().to_pylist()

    assert [(row["user_id"], row["event"]) for row in rows] == [("ann", "purchase")]
