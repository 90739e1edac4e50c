"""Rows that may repeat: leaving the others out changes no finding, whatever the hashes say."""

import datetime as dt
from collections import Counter

import ibis
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpikit.params.tables import CANONICAL
from kpikit.sources import suspects
from kpikit.sources.repeats import DayRepeats, daily_repeats, grouped_repeats
from kpikit.sources.stage import ROW_OF
from kpikit.sources.suspects import suspected_rows

ZONE = "Europe/Berlin"
START = pd.Timestamp("2026-03-28 20:00")  # the clock of Berlin skips an hour on the 29th
COLUMNS = ["user_id", "event", "event_time", "score"]
EXAMPLES = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def con():
    return ibis.duckdb.connect()


@pytest.fixture
def sizes(monkeypatch):
    """Set how many rows make a slice, and of what share the others are left out."""

    def choose(*, rows=4, few=0.9):
        monkeypatch.setattr(suspects, "_SLICE_ROWS", rows)
        monkeypatch.setattr(suspects, "_FEW", few)
        monkeypatch.setattr(suspects, "_MANY", few)

    return choose


row = st.tuples(
    st.sampled_from(["a", "b", None]),
    st.sampled_from(["x", ""]),
    # hours apart, so that there are several days, and microseconds, so that times may be fine
    st.integers(0, 60).map(lambda n: START + pd.Timedelta(hours=n, microseconds=n % 7)),
    st.sampled_from([0.0, -0.0, 1.5, None]),
)


def made(con, rows, places=None):
    frame = pd.DataFrame(rows, columns=COLUMNS).astype(
        {"user_id": "string", "event": "string", "event_time": "datetime64[us]", "score": "float64"}
    )
    if places is not None:
        frame[ROW_OF] = pd.array(places, dtype="Int64")
    return con.create_table("delivered", frame, temp=True, overwrite=True)


def days_of(rows):
    local = [time.tz_localize("UTC").tz_convert(ZONE).date() for _, _, time, _ in rows]
    return dict(sorted(Counter(local).items()))


def span(rows):
    times = [time.to_pydatetime() for _, _, time, _ in rows]
    return min(times), max(times)


def found(con, rows, places=None):
    return daily_repeats(
        made(con, rows, places), CANONICAL["events"], ZONE, days=days_of(rows), between=span(rows)
    )


def by_hand(rows):
    """Count each row, and the repeats of its local day."""
    days = {day: [rows, 0, 0] for day, rows in days_of(rows).items()}
    for (*_, time, _), copies in Counter(rows).items():
        day = days[time.tz_localize("UTC").tz_convert(ZONE).date()]
        day[1] += 1
        day[2] += copies if copies % 2 == 0 else 0
    return [DayRepeats(day, *counts) for day, counts in days.items()]


@EXAMPLES
@given(st.lists(row, min_size=1, max_size=40), st.sampled_from([3, 10, 100]))
def test_repeats_of_large_tables_are_those_counted_by_hand(con, sizes, rows, slice_rows):
    sizes(rows=slice_rows)

    assert found(con, rows) == by_hand(rows)


@EXAMPLES
@given(st.lists(row, min_size=1, max_size=40))
def test_days_and_repeats_of_a_small_table_are_those_counted_by_hand(con, rows):
    repeats = grouped_repeats(made(con, rows), CANONICAL["events"], ZONE, between=span(rows))

    assert repeats == by_hand(rows)


@EXAMPLES
@given(st.lists(row, min_size=1, max_size=40), st.booleans())
def test_where_rows_lie_may_be_unknown_or_true_of_several_files(con, sizes, rows, is_known):
    sizes(few=0.6)
    places = [number // 3 for number in range(len(rows))] if is_known else [None] * len(rows)

    assert found(con, rows, places) == by_hand(rows)


@EXAMPLES
@given(st.lists(row, min_size=1, max_size=40), st.floats(0, 1))
def test_hashes_that_meet_change_nothing(con, sizes, monkeypatch, rows, few):
    sizes(few=few)
    true_hash = suspects._hash64
    monkeypatch.setattr(suspects, "_hash64", lambda row: true_hash(row) % 3)

    assert found(con, rows) == by_hand(rows)


def visits(times):
    return [("a", "x", START + pd.Timedelta(time), float(n)) for n, time in enumerate(times)]


def suspected(con, rows):
    table = made(con, rows)
    rest = suspected_rows(
        table, CANONICAL["events"], ZONE, columns=COLUMNS, days=days_of(rows), between=span(rows)
    )
    return sorted(rest["score"].to_pyarrow().to_pylist())


def test_of_fine_times_only_rows_that_share_one_are_suspects(con, sizes):
    sizes(few=0.5)
    times = ["1h", "1h 7us", "2h 3us", "30h", "30h", "31h 1us", "32h"]

    assert suspected(con, visits(times)) == [3.0, 4.0]


def test_of_coarse_times_rows_are_told_apart_by_all_columns(con, sizes):
    sizes(few=0.5)
    rows = [*visits(["1h", "1h", "1h", "2h", "2h"]), ("a", "x", START + pd.Timedelta("2h"), 4.0)]

    assert suspected(con, rows) == [4.0, 4.0]


def test_where_most_rows_repeat_all_are_suspects(con, sizes):
    sizes(few=0.5)
    rows = visits(["1h", "2h", "3h"]) * 2 + visits(["9h"])

    assert suspected(con, rows) == [0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0]


def test_days_without_a_clock_are_sliced_too(con, sizes):
    sizes(rows=2, few=0.7)
    days = [dt.date(2026, 1, day) for day in (1, 1, 2, 3, 3)]
    frame = pd.DataFrame({"cost_date": days, "channel": list("aabcd"), "cost": [5] * 5})
    table = con.create_table("costs", frame, temp=True, overwrite=True)

    repeats = daily_repeats(table, CANONICAL["costs"], "UTC", days=Counter(days), between=None)

    assert [(each.day.day, each.rows, each.distinct) for each in repeats] == [
        (1, 2, 1), (2, 1, 1), (3, 2, 2),
    ]  # fmt: skip
