"""Lifecycle and stickiness, by hand arithmetic."""

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kpikit as kk
from kpikit.analysis import lifecycle, retention
from kpikit.catalogue import visits as visits_of
from kpikit.errors import AnalysisError, PeriodError


def events_of(*rows):
    users, times = zip(*rows, strict=True) if rows else ((), ())
    return pd.DataFrame(
        {"user_id": pd.Series(users, dtype="str"), "event_time": pd.to_datetime(list(times))}
    )


MARCH = pd.Timestamp("2026-03-05")
VISITS = events_of(
    ("ada", "2026-06-01"),  # weeks of 1, 8, 15, 22 June
    ("bob", "2026-06-03"),
    ("ada", "2026-06-08"),
    ("cyd", "2026-06-15"),
    ("bob", "2026-06-16"),
    ("bob", "2026-06-17"),
)


def test_each_user_of_a_week_is_new_returning_or_resurrecting_and_who_left_is_dormant():
    table = kk.lifecycle_table(VISITS, as_of="2026-06-28")

    assert table["period"].dt.strftime("%d").tolist() == ["01", "08", "15", "22"]
    counts = table[["active_users", "new", "returning", "resurrecting", "dormant"]]
    assert counts.to_numpy().tolist() == [
        [2, 2, 0, 0, 0],  # ada and bob come
        [1, 0, 1, 0, 1],  # ada again, bob stays away
        [2, 1, 0, 1, 1],  # cyd comes, bob is back, ada stays away
        [0, 0, 0, 0, 2],  # nobody
    ]  # fmt: skip


def test_a_week_that_is_not_complete_is_no_row():
    table = kk.lifecycle_table(VISITS, as_of="2026-06-20")

    assert table["active_users"].tolist() == [2, 1]


def test_what_lies_before_the_first_day_shown_still_tells_who_is_new():
    table = kk.lifecycle_table(VISITS, as_of="2026-06-28", start="2026-06-17")

    assert table[["new", "resurrecting", "dormant"]].to_numpy().tolist() == [[1, 1, 1], [0, 0, 2]]


@pytest.mark.parametrize(
    ("grain", "times", "expected"),
    [
        ("month", ["2025-12-31", "2026-01-01", "2026-03-01"], [1, 1, 0, 0]),
        ("day", ["2026-02-27", "2026-02-28", "2026-03-02"], [1, 1, 0, 0]),
    ],
)
def test_a_user_returns_who_was_there_in_the_period_before_across_the_turn_of_months_and_years(
    grain, times, expected
):
    events = events_of(*(("ada", time) for time in times))

    table = kk.lifecycle_table(events, grain=grain, as_of="2026-03-31")

    assert (table["new"] + table["returning"]).tolist()[:4] == expected
    assert table["resurrecting"].tolist()[2:4] == ([0, 1])


def test_the_product_s_time_zone_cuts_the_days():
    events = events_of(("ada", "2026-05-31T23:30:00"))  # Monday 1:30 in Berlin

    table = kk.lifecycle_table(events, as_of="2026-06-07", timezone="Europe/Berlin")

    assert table["period"].tolist() == [pd.Timestamp("2026-06-01")]


def test_only_the_named_events_are_activity_and_rows_without_user_or_time_are_none():
    events = events_of(
        ("ada", "2026-06-01"), (None, "2026-06-01"), ("bob", None), ("cyd", "2026-06-02")
    )
    events["event"] = ["open", "open", "open", "push"]

    one = kk.lifecycle_table(events, as_of="2026-06-07", event="open")
    two = kk.lifecycle_table(events, as_of="2026-06-07", event=["open", "push"])

    assert one["active_users"].tolist() == [1]
    assert two["active_users"].tolist() == [2]


def test_without_events_there_is_no_row():
    table = kk.lifecycle_table(events_of(), as_of="2026-06-07")

    assert list(table.columns) == [
        "period", "active_users", "new", "returning", "resurrecting", "dormant",
    ]  # fmt: skip
    assert table.empty


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 40)), min_size=1, max_size=25))
def test_the_parts_of_each_week_and_the_next_add_up(visits):
    day = pd.Timestamp("2026-06-01")
    events = events_of(*((user, day + pd.Timedelta(days=number)) for user, number in visits))

    table = kk.lifecycle_table(events, as_of="2026-07-12")

    parts = table["new"] + table["returning"] + table["resurrecting"]
    assert parts.tolist() == table["active_users"].tolist()
    left = table["active_users"].shift(1, fill_value=0) - table["dormant"]
    assert left.tolist() == table["returning"].tolist()
    assert table["new"].sum() == len({user for user, _ in visits})
    assert (table[["new", "returning", "resurrecting", "dormant"]] >= 0).all(axis=None)


def without_masks(events, **asked):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "visit_periods", lambda *_, **__: ())
        return kk.lifecycle_table(events, **asked)


@settings(max_examples=25, deadline=None)
@given(
    visits=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", None]),
            # every two hours around a change of the clock, with null
            st.none() | st.integers(0, 500).map(lambda n: MARCH + pd.Timedelta(hours=2 * n)),
        ),
        min_size=1,
        max_size=20,
    ),
    grain=st.sampled_from(["day", "week", "month"]),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles"]),
    days=st.integers(0, 45),
)
def test_masks_count_what_the_visits_count(visits, grain, timezone, days):
    events = events_of(*visits)
    as_of = (MARCH + pd.Timedelta(days=days)).date()

    table = kk.lifecycle_table(events, grain=grain, as_of=as_of, timezone=timezone)

    visited = without_masks(events, grain=grain, as_of=as_of, timezone=timezone)
    pd.testing.assert_frame_equal(table, visited)


@pytest.mark.parametrize(("days", "masked"), [(63, True), (64, False)])
def test_as_many_periods_as_an_integer_has_bits_are_masked(days, masked, monkeypatch):
    last = pd.Timestamp("2026-01-01") + pd.Timedelta(days=days - 1)
    events = events_of(("ada", "2026-01-01"), ("ada", "2026-01-02"), ("ada", last), ("bob", last))
    seen = []
    counts = lifecycle._mask_counts
    monkeypatch.setattr(lifecycle, "_mask_counts", lambda *given: seen.append(1) or counts(*given))

    table = kk.lifecycle_table(events, grain="day", as_of=last.date())

    assert bool(seen) is masked
    assert len(table) == days
    shown = table[["new", "returning", "resurrecting", "dormant"]]
    assert shown.iloc[[0, 1, 2, -1]].to_numpy().tolist() == [
        [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 1, 0],
    ]  # fmt: skip


def without_bits(function, *arguments, **asked):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visits_of, "supports", lambda *_: False)
        return function(*arguments, **asked)


@settings(max_examples=25, deadline=None)
@given(
    visits=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", None]),
            st.none() | st.integers(0, 500).map(lambda n: MARCH + pd.Timedelta(hours=2 * n)),
        ),
        min_size=1,
        max_size=20,
    ),
    grain=st.sampled_from(["day", "week", "month"]),
    first=st.integers(0, 30),
    days=st.integers(1, 20),
)
def test_one_pass_answers_what_each_function_answers_by_every_visit(visits, grain, first, days):
    events = ibis.memtable(events_of(*visits))
    life = {"as_of": (MARCH + pd.Timedelta(days=40)).date(), "grain": grain}
    start = (MARCH + pd.Timedelta(days=first)).date()
    span = {"start": start, "end": start + pd.Timedelta(days=days), "grain": grain}
    zone = {"timezone": "Europe/Berlin"}

    tables = visits_of.visit_tables(
        events,
        retention.RetentionQuestion(**life, **zone),
        lifecycle.LifecycleQuestion(**life, **zone),
        lifecycle.StickinessQuestion(**span, **zone),
    )

    asked = ((kk.retention_table, life), (kk.lifecycle_table, life), (kk.stickiness_table, span))
    for table, (function, own) in zip(tables, asked, strict=True):
        apart = without_bits(function, events, **own, **zone)
        pd.testing.assert_frame_equal(table, apart)


def test_questions_of_more_periods_than_bits_are_answered_beside_others():
    span = {"start": "2026-01-01", "end": "2026-03-06"}  # 64 days

    days, weeks = visits_of.visit_tables(
        VISITS, lifecycle.StickinessQuestion(**span),
        lifecycle.StickinessQuestion(**span, grain="week"),
    )  # fmt: skip

    pd.testing.assert_frame_equal(days, kk.stickiness_table(VISITS, **span))
    pd.testing.assert_frame_equal(weeks, kk.stickiness_table(VISITS, **span, grain="week"))
    assert len(days) == 64


def test_stickiness_counts_users_by_the_days_on_which_they_came():
    table = kk.stickiness_table(VISITS, start="2026-06-15", end="2026-06-18")

    assert table.to_dict("list") == {
        "active_periods": [1, 2, 3],
        "users": [1, 1, 0],  # cyd on one day, bob on two
        "share": [0.5, 0.5, 0.0],
        "cumulative_share": [1.0, 0.5, 0.0],
    }


def test_stickiness_by_week_counts_weeks():
    table = kk.stickiness_table(VISITS, start="2026-06-01", end="2026-06-22", grain="week")

    assert table["users"].tolist() == [1, 2, 0]  # cyd one; ada and bob two


def test_stickiness_of_nobody_has_no_shares():
    table = kk.stickiness_table(VISITS, start="2026-07-01", end="2026-07-03")

    assert table["users"].tolist() == [0, 0]
    assert table["share"].isna().all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: kk.lifecycle_table(VISITS, as_of="2026-06-07", grain="year"), AnalysisError,
         "grain is 'year' in lifecycle_table"),
        (lambda: kk.lifecycle_table(VISITS, as_of="soon"), PeriodError, "as_of is 'soon'"),
        (lambda: kk.lifecycle_table(VISITS, as_of="2026-06-07", event="x"), AnalysisError,
         "Table events has no column 'event'"),
        (lambda: kk.stickiness_table(VISITS, start="2026-06-07", end="2026-06-07"), AnalysisError,
         "end is 2026-06-07 in stickiness_table, and start 2026-06-07.\nGive an end after"),
        (lambda: kk.stickiness_table(VISITS, start="2026-06-07", end="2026-06-08", grain="hour"),
         AnalysisError, "grain is 'hour' in stickiness_table"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_one_of_several_events_is_counted_by_every_visit_as_by_masks():
    events = VISITS.assign(event=["buy", "view", "buy", "buy", "view", "view"])
    asked = {"as_of": "2026-06-28", "event": "buy"}

    table = kk.lifecycle_table(events, **asked)

    assert table["active_users"].tolist() == [1, 1, 1, 0]
    pd.testing.assert_frame_equal(table, without_bits(kk.lifecycle_table, events, **asked))
