# ruff: noqa: DTZ001 - stored times bear no zone
"""What every query shares: tables, local time, UTC, period starts."""

import datetime as dt
from itertools import pairwise
from uuid import UUID
from zoneinfo import _zoneinfo, available_timezones

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from kpikit import engine
from kpikit.errors import AnalysisError
from kpikit.periods import Calendar


@pytest.fixture(params=["built in", "spelt out"])
def zones(request, monkeypatch):
    """Run a test with the engine's own zones, and with the offsets written into the query."""
    if request.param == "spelt out":
        monkeypatch.setattr(engine, "_BUILTIN_ZONES", frozenset())


def times(*values):
    return ibis.memtable({"t": pd.Series(values, dtype="datetime64[us]")})


def values(expression):
    return expression.name("v").as_table().to_pyarrow()["v"].to_pylist()


def test_a_frame_becomes_a_table_and_a_table_stays_itself():
    frame = pd.DataFrame({"a": [1, 2]})
    table = engine.as_table(frame)

    assert table.columns == ("a",)
    assert engine.as_table(table) is table


def test_an_arrow_table_becomes_a_table():
    assert engine.as_table(pa.table({"a": ["x"]})).schema() == ibis.schema({"a": "string"})


def test_a_column_of_several_types_is_text():
    frame = pd.DataFrame({
        "browser": pd.Series([0, "Chrome", None], dtype=object),
        "user_id": [UUID(int=1), UUID(int=2), None],
        "properties": [{"a": 1}, {"a": 2}, None],
        "amount": pd.Series([1, 2.5, None], dtype=object),
    })  # fmt: skip

    table = engine.as_table(frame).to_pyarrow().to_pydict()

    assert table["browser"] == ["0", "Chrome", None]
    assert table["user_id"] == [str(UUID(int=1)), str(UUID(int=2)), None]
    assert table["properties"] == [{"a": 1}, {"a": 2}, None]
    assert table["amount"] == [1, 2.5, None]
    assert frame["browser"].tolist() == [0, "Chrome", None]  # and the frame stays as it was


@pytest.mark.parametrize("given", [None, [{"a": 1}], {"a": [1]}, "events"])
def test_what_is_no_table_is_refused(given):
    kind = type(given).__name__

    with pytest.raises(AnalysisError, match=f"A {kind} is given where a table belongs.\nGive a"):
        engine.as_table(given)


def test_codes_of_events_are_read_as_text():
    codes = ibis.memtable(pd.DataFrame({"event": [1000, 1001]}))
    nameless = ibis.memtable(pd.DataFrame({"user_id": ["a"]}))

    assert engine.with_text_events(codes).event.to_pyarrow().to_pylist() == ["1000", "1001"]
    assert engine.with_text_events(nameless) is nameless


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        (dt.datetime(2026, 1, 1, 12), dt.datetime(2026, 1, 1, 12)),
        # London's clocks go forward at 01:00 UTC on 29 March and back at 01:00 UTC on 25 October
        (dt.datetime(2026, 3, 29, 0, 59), dt.datetime(2026, 3, 29, 0, 59)),
        (dt.datetime(2026, 3, 29, 1, 0), dt.datetime(2026, 3, 29, 2, 0)),
        (dt.datetime(2026, 7, 1, 23, 30), dt.datetime(2026, 7, 2, 0, 30)),
        (dt.datetime(2026, 10, 25, 0, 59), dt.datetime(2026, 10, 25, 1, 59)),
        (dt.datetime(2026, 10, 25, 1, 0), dt.datetime(2026, 10, 25, 1, 0)),
    ],
)
@pytest.mark.usefixtures("zones")
def test_local_time_is_the_clock_of_the_zone(utc, local):
    table = times(utc)

    assert values(engine.local_time(table["t"], "Europe/London")) == [local]
    assert values(engine.local_date(table["t"], "Europe/London")) == [local.date()]


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        (dt.datetime(2026, 1, 1, 12), dt.datetime(2026, 1, 1, 12)),
        (dt.datetime(2026, 7, 1, 12), dt.datetime(2026, 7, 1, 11)),
        # skipped: read by the offset before; repeated: read as its second run
        (dt.datetime(2026, 3, 29, 1, 30), dt.datetime(2026, 3, 29, 1, 30)),
        (dt.datetime(2026, 10, 25, 1, 30), dt.datetime(2026, 10, 25, 1, 30)),
    ],
)
@pytest.mark.usefixtures("zones")
def test_utc_time_reads_the_clock_of_the_zone(local, utc):
    assert values(engine.utc_time(times(local)["t"], "Europe/London")) == [utc]


@pytest.mark.usefixtures("zones")
def test_a_zone_that_never_changes_its_clock_has_one_offset():
    table = times(dt.datetime(2026, 1, 1, 12))

    assert values(engine.local_time(table["t"], "Etc/GMT-5")) == [dt.datetime(2026, 1, 1, 17)]
    assert values(engine.utc_time(table["t"], "Etc/GMT-5")) == [dt.datetime(2026, 1, 1, 7)]


def test_utc_is_left_alone():
    column = times(dt.datetime(2026, 1, 1))["t"]

    assert engine.local_time(column, "UTC") is column
    assert engine.utc_time(column, "UTC") is column


@pytest.mark.usefixtures("zones")
def test_an_instant_with_a_zone_becomes_utc_without_one():
    instant = times(dt.datetime(2026, 1, 1, 12))["t"].cast("timestamp('UTC')")

    found = engine.naive_utc(instant)

    assert found.type().timezone is None
    assert values(found) == [dt.datetime(2026, 1, 1, 12)]


@pytest.mark.parametrize(
    ("grain", "calendar", "start"),
    [
        ("day", Calendar(), dt.date(2026, 8, 20)),
        ("week", Calendar(), dt.date(2026, 8, 17)),
        ("week", Calendar(week_start="sunday"), dt.date(2026, 8, 16)),
        ("week", Calendar(week_start="friday"), dt.date(2026, 8, 14)),
        ("month", Calendar(), dt.date(2026, 8, 1)),
        ("quarter", Calendar(), dt.date(2026, 7, 1)),
        ("quarter", Calendar(fiscal_year_start=2), dt.date(2026, 8, 1)),
        ("quarter", Calendar(fiscal_year_start=3), dt.date(2026, 6, 1)),
        ("year", Calendar(), dt.date(2026, 1, 1)),
        ("year", Calendar(fiscal_year_start=4), dt.date(2026, 4, 1)),
        ("year", Calendar(fiscal_year_start=9), dt.date(2025, 9, 1)),
    ],
)
def test_period_starts_agree_with_the_calendar(grain, calendar, start):
    day = times(dt.datetime(2026, 8, 20))["t"].date()

    assert values(engine.period_start(day, grain, calendar)) == [start]
    assert calendar.period_of(dt.date(2026, 8, 20), grain).start == start


def test_local_days_begin_and_end_at_their_own_midnights():
    # 29 March 2026 has 23 hours in London
    start, end = engine.utc_bounds(dt.date(2026, 3, 29), dt.date(2026, 3, 30), "Europe/London")

    assert (start, end) == (dt.datetime(2026, 3, 29, 0), dt.datetime(2026, 3, 29, 23))


def test_offset_changes_are_dated_to_the_minute():
    changes = dict(engine.offset_changes("Europe/Berlin"))

    assert changes[dt.datetime(2026, 3, 29, 1)] == dt.timedelta(hours=2)
    assert changes[dt.datetime(2026, 10, 25, 1)] == dt.timedelta(hours=1)


def test_the_changes_of_some_years_are_those_of_all_within_them():
    summer, winter = dt.timedelta(hours=2), dt.timedelta(hours=1)

    some = engine.offset_changes("Europe/Berlin", 2026, 2027)

    assert some == (
        (dt.datetime(2026, 1, 1), winter),
        (dt.datetime(2026, 3, 29, 1), summer),
        (dt.datetime(2026, 10, 25, 1), winter),
    )
    assert set(some[1:]) < set(engine.offset_changes("Europe/Berlin"))


def test_no_zone_changes_twice_between_two_instants_that_are_asked():
    # the twin of zoneinfo in Python tells the changes that it read; to ask each day takes a minute
    close = []
    for name in sorted(available_timezones()):
        zone = _zoneinfo.ZoneInfo.no_cache(name)
        offsets = [info.utcoff for info in zone._ttinfos]
        instants = [dt.datetime.fromtimestamp(second, dt.UTC) for second in zone._trans_utc]
        changes = [
            instant
            for instant, (before, after) in zip(instants[1:], pairwise(offsets), strict=True)
            if before != after and instant.year >= 1990
        ]
        close += [name for one, two in pairwise(changes) if two - one <= engine._BETWEEN_CHANGES]

    assert close == []


def test_a_summer_time_of_one_week_is_found():
    # Recife's clock went forward on 8 October 2000 at 0:00 and back a week later at 0:00
    changes = dict(engine.offset_changes("America/Recife"))

    assert changes[dt.datetime(2000, 10, 8, 3)] == dt.timedelta(hours=-2)
    assert changes[dt.datetime(2000, 10, 15, 2)] == dt.timedelta(hours=-3)


def test_skipped_days_are_those_of_spring():
    days = engine.skipped_days("Europe/London")

    assert dt.date(2026, 3, 29) in days
    assert dt.date(2026, 10, 25) not in days
    assert engine.skipped_days("UTC") == ()


def test_a_table_bound_to_no_engine_is_asked_of_the_default_one():
    unbound = ibis.table({"t": "timestamp"}, name="unbound")

    assert engine.local_time(unbound["t"], "Europe/London").type().is_timestamp()


def test_sql_for_people_is_merged_and_the_same_each_time():
    rows = ibis.memtable({"a": [1, 2]})
    expression = rows.mutate(b=rows.a + 1).filter(rows.a > 1).select("b")
    merged = ibis.options.sql.fuse_selects

    texts = {engine.readable_sql(expression) for _ in range(2)}

    assert len(texts) == 1
    assert texts.pop().count("SELECT") == 1
    assert ibis.options.sql.fuse_selects == merged


def test_what_is_fetched_is_what_ibis_itself_reads():
    sales = ibis.memtable({"user": ["ada", "bob", "ada"], "items": [1, 2, None]})
    found = sales.group_by("user").aggregate(items=sales["items"].sum(), none=ibis.null())
    found = found.mutate(at=ibis.timestamp("2026-06-01 12:00:00"))

    rows = engine.fetch(found.order_by("user"))

    assert rows.equals(found.order_by("user").to_pyarrow())
    assert rows["items"].to_pylist() == [1, 2]


def test_another_engine_is_fetched_from_as_ibis_does():
    sales = ibis.sqlite.connect().create_table("sales", pd.DataFrame({"items": [1, 2]}))

    assert engine.fetch(sales.filter(sales["items"] > 1))["items"].to_pylist() == [2]
