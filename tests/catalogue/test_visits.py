"""Masks of visits: a bit per period in which a user was there."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from kpikit.catalogue.visits import MOST_PERIODS, Mark, visit_masks, visit_periods
from kpikit.periods import Calendar

BERLIN = Calendar(timezone="Europe/Berlin")


def events_of(*rows):
    users, events, times = zip(*rows, strict=True) if rows else ((), (), ())
    return ibis.memtable(
        pd.DataFrame({
            "user_id": pd.Series(users, dtype="str"), "event": pd.Series(events, dtype="str"),
            "event_time": pd.to_datetime(list(times)),
        })
    )  # fmt: skip


def test_a_mask_has_a_bit_per_local_week_and_kind_of_visit():
    events = events_of(
        ("ada", "view", "2026-06-01 00:00"),
        ("ada", "buy", "2026-06-14 23:00"),  # Monday 15 June in Berlin
        ("bob", "view", "2026-06-14 21:59"),  # the last minute of Sunday
    )
    after = dt.date(2026, 6, 22)

    periods = visit_periods(events, grain="week", calendar=BERLIN, after=after)
    seen, bought = (Mark(periods, BERLIN.timezone, names) for names in (None, ("buy",)))
    masks = visit_masks(events, [seen, bought])

    assert [period.start.day for period in periods] == [1, 8, 15]
    found = masks.order_by("user_id").to_pandas()
    assert found[["mask_0", "mask_1"]].to_numpy().tolist() == [[0b101, 0b100], [0b010, 0]]


@pytest.mark.parametrize(
    ("first", "after", "periods"),
    [
        ("2026-01-01", dt.date(2026, 1, 1) + dt.timedelta(days=MOST_PERIODS), MOST_PERIODS),
        ("2026-01-01", dt.date(2026, 1, 2) + dt.timedelta(days=MOST_PERIODS), 0),
        ("2026-01-01", dt.date(2025, 12, 31), 0),
        (None, dt.date(2026, 1, 2), 0),
    ],
)
def test_there_are_no_periods_without_events_before_or_beyond_the_bits(first, after, periods):
    events = events_of(("ada", "view", first))

    found = visit_periods(events, grain="day", calendar=Calendar(), after=after)

    assert len(found) == periods
