"""Retention: what makes a cohort, what counts as coming back, and when a cell is known."""

import datetime as dt
import re
from collections import defaultdict

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpikit.analysis import retention
from kpikit.analysis.retention import retention_curve, retention_table
from kpikit.catalogue import visits
from kpikit.errors import AnalysisError, PeriodError

MONDAY = dt.date(2026, 6, 1)
MARCH = dt.datetime(2026, 3, 1)  # noqa: DTZ001 - stored times bear no zone


def events_of(*rows):
    """Return events from (user, day or time, event, plan), the last two where they matter."""
    usual = (None, None, "visit", "free")
    full = [(*row, *usual[len(row) :]) for row in rows]
    frame = pd.DataFrame(full, columns=["user_id", "event_time", "event", "plan"])
    return frame.assign(event_time=pd.to_datetime(frame["event_time"], format="ISO8601"))


def cells(table):
    """Return (cohort, age, size, active) per row."""
    days = table["cohort"].dt.strftime("%m-%d")
    return list(zip(days, table["age"], table["cohort_size"], table["active_users"], strict=True))


@pytest.fixture
def two_users():
    # ada: weeks 0 and 2, bob: week 0 alone
    return events_of(("ada", "2026-06-01"), ("bob", "2026-06-03"), ("ada", "2026-06-17"))


def test_a_week_without_activity_is_zero_and_an_unfinished_week_is_absent(two_users):
    table = retention_table(two_users, as_of="2026-06-27", max_age=8)

    # the fourth week ends on 28 June, a day too late
    assert cells(table) == [("06-01", 0, 2, 2), ("06-01", 1, 2, 0), ("06-01", 2, 2, 1)]
    assert table["retention_rate"].tolist() == [1.0, 0.0, 0.5]


def test_a_week_counts_from_its_last_day_on(two_users):
    table = retention_table(two_users, as_of="2026-06-28", max_age=8)

    assert cells(table)[-1] == ("06-01", 3, 2, 0)


def test_no_age_beyond_the_greatest_is_a_row(two_users):
    table = retention_table(two_users, as_of="2026-06-28", max_age=1)

    assert table["age"].tolist() == [0, 1]


def test_a_cohort_whose_own_period_is_unfinished_is_absent(two_users):
    table = retention_table(two_users, as_of="2026-06-06")

    assert table.empty
    assert table.columns.tolist() == [
        "cohort", "age", "cohort_size", "active_users", "retention_rate",
    ]  # fmt: skip


def test_events_after_the_last_day_neither_start_nor_keep_anyone():
    events = events_of(("ada", "2026-06-01"), ("ada", "2026-06-09"), ("bob", "2026-06-08T00:00:00"))

    table = retention_table(events, as_of="2026-06-07")

    assert cells(table) == [("06-01", 0, 1, 1)]


def test_rows_without_user_or_time_count_for_nothing():
    events = events_of(("ada", "2026-06-01"), (None, "2026-06-01"), ("bob", None))

    table = retention_table(events, as_of="2026-06-07")

    assert cells(table) == [("06-01", 0, 1, 1)]


def test_unbounded_counts_whoever_comes_back_then_or_later_even_in_an_unfinished_week():
    # ada in weeks 0 and 2, bob in 0 and the unfinished 3, cyd in 0
    events = events_of(
        ("ada", "2026-06-01"), ("bob", "2026-06-01"), ("cyd", "2026-06-01"),
        ("ada", "2026-06-15"), ("bob", "2026-06-22"),
    )  # fmt: skip

    table = retention_table(events, as_of="2026-06-23", kind="unbounded")

    assert table["active_users"].tolist() == [3, 2, 2]


def test_unbounded_sees_returns_beyond_the_greatest_age():
    events = events_of(("ada", "2026-06-01"), ("ada", "2026-06-22"))

    table = retention_table(events, as_of="2026-06-28", kind="unbounded", max_age=1)

    assert table["active_users"].tolist() == [1, 1]


def test_months_have_their_own_lengths():
    events = events_of(("ada", "2026-01-31"), ("ada", "2026-02-01"), ("ada", "2026-04-30"))

    table = retention_table(events, grain="month", as_of="2026-04-30")

    assert set(table["cohort"].dt.strftime("%m-%d")) == {"01-01"}
    assert table["active_users"].tolist() == [1, 1, 0, 1]


def test_days_are_those_of_the_time_zone():
    # 23:30 UTC on 1 June is 2 June in Berlin
    events = events_of(("ada", "2026-06-01T23:30:00"), ("ada", "2026-06-02T01:00:00"))

    utc = retention_table(events, grain="day", as_of="2026-06-02")
    berlin = retention_table(events, grain="day", as_of="2026-06-02", timezone="Europe/Berlin")

    assert cells(utc) == [("06-01", 0, 1, 1), ("06-01", 1, 1, 1)]
    assert cells(berlin) == [("06-02", 0, 1, 1)]


def test_weeks_start_where_the_calendar_says():
    # Sunday 7 June: the last day of a Monday week, the first of a Sunday week
    events = events_of(("ada", "2026-06-05"), ("ada", "2026-06-07"))

    monday = retention_table(events, as_of="2026-06-07")
    sunday = retention_table(events, as_of="2026-06-13", week_start="sunday")

    assert cells(monday) == [("06-01", 0, 1, 1)]
    assert cells(sunday) == [("05-31", 0, 1, 1), ("05-31", 1, 1, 1)]


def test_start_and_return_events_may_differ_and_have_alternatives():
    events = events_of(
        ("ada", "2026-06-01", "visit"), ("ada", "2026-06-08", "sign_up"),
        ("ada", "2026-06-15", "buy"), ("ada", "2026-06-22", "rent"), ("bob", "2026-06-08", "buy"),
    )  # fmt: skip

    table = retention_table(
        events, as_of="2026-06-28", start_event="sign_up", return_event=["buy", "rent"]
    )

    # ada signs up in the week of 8 June without buying in it, then buys, then rents
    assert cells(table) == [("06-08", 0, 1, 0), ("06-08", 1, 1, 1), ("06-08", 2, 1, 1)]


def test_a_return_before_the_start_is_not_one():
    events = events_of(("ada", "2026-06-01", "buy"), ("ada", "2026-06-09", "sign_up"))

    table = retention_table(events, as_of="2026-06-14", start_event="sign_up", return_event="buy")

    assert cells(table) == [("06-08", 0, 1, 0)]


def test_first_time_keeps_a_user_in_the_cohort_of_the_first_start_ever():
    events = events_of(("ada", "2026-06-01"), ("ada", "2026-06-08"))

    first = retention_table(events, as_of="2026-06-14")
    recurring = retention_table(events, as_of="2026-06-14", first_time=False)

    assert cells(first) == [("06-01", 0, 1, 1), ("06-01", 1, 1, 1)]
    assert cells(recurring) == [*cells(first), ("06-08", 0, 1, 1)]


def test_own_days_are_24_hours_from_the_users_start():
    # back 23 h 59 min 59.9 s later: still day 0; back 24 h later: day 1
    events = events_of(
        ("ada", "2026-06-01T10:00:00"), ("ada", "2026-06-02T09:59:59.900"),
        ("bob", "2026-06-01T10:00:00"), ("bob", "2026-06-02T10:00:00"),
    )  # fmt: skip

    table = retention_table(events, grain="day", as_of="2026-06-03", windows="user")

    # day 1 ends at 10:00 on 3 June; day 2 would end on 4 June, after the data
    assert cells(table) == [("06-01", 0, 2, 2), ("06-01", 1, 2, 1)]


def test_own_days_are_24_hours_even_when_the_clock_changes():
    # 24 h after 12:00 on 28 March in Berlin it is 13:00 on 29 March, for the clock went forward
    events = events_of(("ada", "2026-03-28T11:00:00"), ("ada", "2026-03-29T11:00:00"))

    table = retention_table(
        events, grain="day", as_of="2026-03-30", windows="user", timezone="Europe/Berlin"
    )

    assert cells(table) == [("03-28", 0, 1, 1), ("03-28", 1, 1, 1)]


def test_a_return_before_a_users_own_start_is_not_one():
    events = events_of(
        ("ada", "2026-06-01T09:00:00", "buy"), ("ada", "2026-06-01T10:00:00", "join")
    )

    table = retention_table(
        events, grain="day", as_of="2026-06-02", windows="user", start_event="join",
        return_event="buy",
    )  # fmt: skip

    assert cells(table) == [("06-01", 0, 1, 0)]


def test_an_own_window_is_a_row_when_it_has_ended_for_everyone_of_a_finished_cohort():
    # week 0 of ada ends on 8 June, of bob on 14 June at 12:00; the cohort is complete on 7 June
    events = events_of(("ada", "2026-06-01"), ("bob", "2026-06-07T12:00:00"))

    before = retention_table(events, as_of="2026-06-13", windows="user")
    after = retention_table(events, as_of="2026-06-14", windows="user")
    alone = retention_table(events[:1], as_of="2026-06-06", windows="user")

    assert before.empty
    assert cells(after) == [("06-01", 0, 2, 2)]
    assert alone.empty


def test_an_own_month_is_30_days():
    events = events_of(("ada", "2026-06-01"), ("ada", "2026-06-30"), ("ada", "2026-07-01"))

    table = retention_table(events, grain="month", as_of="2026-07-30", windows="user")

    # day 29 and day 30 after the start: months 0 and 1; month 1 ends with 30 July
    assert cells(table) == [("06-01", 0, 1, 1), ("06-01", 1, 1, 1)]


def test_a_property_is_that_of_the_start_event_and_a_missing_one_stays():
    events = events_of(
        ("ada", "2026-06-02", "visit", "pro"), ("ada", "2026-06-09", "visit", "free"),
        ("bob", "2026-06-03", "visit", None), ("cyd", "2026-06-03", "visit", "free"),
    )  # fmt: skip

    table = retention_table(events, as_of="2026-06-14", by="plan")

    assert table.columns[0] == "plan"
    assert list(zip(table["plan"], cells(table), strict=True)) == [
        ("(missing)", ("06-01", 0, 1, 1)), ("(missing)", ("06-01", 1, 1, 0)),
        ("free", ("06-01", 0, 1, 1)), ("free", ("06-01", 1, 1, 0)),
        ("pro", ("06-01", 0, 1, 1)), ("pro", ("06-01", 1, 1, 1)),
    ]  # fmt: skip


def test_of_several_values_at_one_instant_the_first_by_name_counts():
    events = events_of(
        ("ada", "2026-06-02", "visit", "pro"), ("ada", "2026-06-02", "visit", "free")
    )

    table = retention_table(events, as_of="2026-06-07", by=["plan", "event"])

    assert table[["plan", "event"]].to_numpy().tolist() == [["free", "visit"]]


def test_groups_add_up_to_the_whole(two_users):
    two_users["plan"] = ["pro", "free", "free"]

    whole = retention_table(two_users, as_of="2026-06-28")
    parts = retention_table(two_users, as_of="2026-06-28", by="plan")

    added = parts.groupby("age")[["cohort_size", "active_users"]].sum()
    assert added.to_numpy().tolist() == whole[["cohort_size", "active_users"]].to_numpy().tolist()


def test_a_table_of_an_engine_gives_what_a_frame_gives(two_users):
    table = ibis.memtable(two_users)

    pd.testing.assert_frame_equal(
        retention_table(table, as_of=dt.date(2026, 6, 28)),
        retention_table(two_users, as_of=pd.Timestamp("2026-06-28 17:00")),
    )


def test_times_with_a_zone_and_times_as_text_are_read_as_utc(two_users):
    # noon in Berlin is 10:00 UTC
    zoned = two_users.assign(event_time=two_users["event_time"].dt.tz_localize("Europe/Berlin"))
    text = two_users.assign(event_time=two_users["event_time"].dt.strftime("%Y-%m-%dT%H:%M:%S"))

    of_zoned = retention_table(zoned, as_of="2026-06-28", timezone="Europe/Berlin")
    of_text = retention_table(text, as_of="2026-06-28")

    expected = retention_table(two_users, as_of="2026-06-28")
    pd.testing.assert_frame_equal(of_zoned, expected)
    pd.testing.assert_frame_equal(of_text, expected)


def test_no_events_give_an_empty_table_with_its_columns():
    events = pd.DataFrame(columns=["user_id", "event", "event_time"])

    table = retention_table(events, as_of="2026-06-28", start_event="visit")

    assert table.empty
    assert str(table["cohort"].dtype).startswith("datetime64")
    assert table["active_users"].dtype == "int64"


def test_an_event_that_never_occurs_starts_nobody(two_users):
    assert retention_table(two_users, as_of="2026-06-28", start_event="vist").empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"grain": "hour"}, r"grain is 'hour' in retention_table\.\n.*Choices: day, month, week"),
        ({"kind": "rolling"}, r"kind is 'rolling' in retention_table\.\n.*bounded, unbounded"),
        ({"windows": "users"}, r"windows is 'users' in retention_table\.\nDid you mean 'user'\?"),
        ({"max_age": -1}, r"max_age is -1 in retention_table\.\nGive 0 or more periods\."),
        ({"by": "age"}, r"by names 'age' in retention_table, .*\nRename that column"),
        ({"by": "plans"}, r"Table events has no column 'plans'\.\nDid you mean 'plan'\?"),
    ],
)
def test_a_wrong_argument_is_named_with_the_way_out(two_users, arguments, message):
    with pytest.raises(AnalysisError, match=message):
        retention_table(two_users, **({"as_of": "2026-06-28"} | arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"as_of": "28/06/2026"}, "as_of is '28/06/2026', which is no day"),
        ({"timezone": "Europe/Berln"}, "Time zone 'Europe/Berln' does not exist"),
        ({"week_start": "mon"}, "week_start is 'mon'"),
    ],
)
def test_a_wrong_calendar_is_named(two_users, arguments, message):
    with pytest.raises(PeriodError, match=message):
        retention_table(two_users, **({"as_of": "2026-06-28"} | arguments))


def test_errors_are_value_errors(two_users):
    with pytest.raises(ValueError, match="max_age"):
        retention_table(two_users, as_of="2026-06-28", max_age=-2)


def test_a_missing_column_is_named():
    with pytest.raises(AnalysisError, match="Table events has no column 'event_time'"):
        retention_table(pd.DataFrame({"user_id": ["a"]}), as_of="2026-06-28")


def test_the_curve_weighs_cohorts_by_size_and_takes_those_that_are_old_enough():
    # week of 1 June: 3 users, 1 back in week 1; week of 8 June: 1 user, back in week 1
    events = events_of(
        ("ada", "2026-06-01"), ("bob", "2026-06-01"), ("cyd", "2026-06-01"),
        ("ada", "2026-06-08"), ("dee", "2026-06-08"), ("dee", "2026-06-15"),
    )  # fmt: skip

    curve = retention_curve(retention_table(events, as_of="2026-06-21", max_age=2))

    assert curve["cohorts"].tolist() == [2, 2, 1]
    assert curve["cohort_size"].tolist() == [4, 4, 3]
    assert curve["active_users"].tolist() == [4, 2, 0]  # not the mean of 1/3 and 1/1
    assert curve["retention_rate"].tolist() == [1.0, 0.5, 0.0]
    # Wilson, 2 of 4: 0.5 -+ z sqrt(1/16 + z^2/64) / (1 + z^2/4), z = 1.96
    assert curve.loc[1, ["ci_low", "ci_high"]].tolist() == pytest.approx([0.15, 0.85], abs=5e-4)


def test_the_curve_of_groups_has_a_line_per_group(two_users):
    two_users["plan"] = ["pro", "free", "free"]

    curve = retention_curve(retention_table(two_users, as_of="2026-06-14", by="plan"))

    lines = curve[["plan", "age"]].to_numpy().tolist()
    assert lines == [["free", 0], ["free", 1], ["pro", 0], ["pro", 1]]


def test_the_curve_of_nothing_is_empty(two_users):
    curve = retention_curve(retention_table(two_users, as_of="2026-01-01"))

    assert curve.empty
    assert "ci_low" in curve


def test_the_curve_refuses_a_percentage_as_confidence(two_users):
    table = retention_table(two_users, as_of="2026-06-28")

    with pytest.raises(AnalysisError, match="confidence is 95"):
        retention_curve(table, confidence=95)


# A brute-force reference: sets of users and days, no engine.

DAYS = {"day": 1, "week": 7}
JUNE = dt.datetime(2026, 6, 1)  # noqa: DTZ001 - stored times bear no zone


def period_of(time, grain):
    day = time.date()
    return day if grain == "day" else day - dt.timedelta(days=day.weekday())


def members_of(events, *, grain, first_time):
    """Return {cohort: {user: start}}."""
    members = defaultdict(dict)
    started = set()
    for user, time, event in sorted(events, key=lambda row: row[1]):
        if event == "join" and not (first_time and user in started):
            started.add(user)
            members[period_of(time, grain)].setdefault(user, time)
    return members


def ages_of(visits, cohort, start, *, grain, windows):
    for time in visits:
        if windows == "user":
            yield (time - start) // dt.timedelta(days=DAYS[grain])
        else:
            yield (period_of(time, grain) - cohort).days // DAYS[grain]


def reference(events, *, grain, kind, windows, first_time, as_of, max_age):
    after, length = as_of + dt.timedelta(days=1), dt.timedelta(days=DAYS[grain])
    closing = dt.datetime.combine(after, dt.time())
    events = [row for row in events if row[1] < closing]
    rows = []
    for cohort, users in sorted(members_of(events, grain=grain, first_time=first_time).items()):
        for age in range(max_age + 1):
            known = cohort + (age + 1) * length <= after
            if windows == "user":
                ends = [start + (age + 1) * length for start in users.values()]
                known = cohort + length <= after and max(ends) <= closing
            seen = 0
            for user, start in users.items():
                visits = [time for who, time, event in events if (who, event) == (user, "visit")]
                ages = set(ages_of(visits, cohort, start, grain=grain, windows=windows))
                seen += age in ages or (kind == "unbounded" and any(at > age for at in ages))
            if known:
                rows.append((cohort.strftime("%m-%d"), age, len(users), seen))
    return rows


@settings(max_examples=60, deadline=None)
@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["ada", "bob", "cyd"]),
            st.integers(0, 240).map(lambda step: JUNE + dt.timedelta(hours=3 * step)),
            st.sampled_from(["join", "visit"]),
        ),
        min_size=1,
        max_size=14,
    ),
    asked=st.fixed_dictionaries(
        {
            "grain": st.sampled_from(["day", "week"]),
            "kind": st.sampled_from(["bounded", "unbounded"]),
            "windows": st.sampled_from(["calendar", "user"]),
            "first_time": st.booleans(),
            "as_of": st.integers(3, 32).map(lambda days: MONDAY + dt.timedelta(days=days)),
            "max_age": st.integers(0, 5),
        }
    ),
)
def test_the_query_agrees_with_counting_by_hand(events, asked):
    table = retention_table(events_of(*events), start_event="join", return_event="visit", **asked)

    assert cells(table) == reference(events, **asked)


# Masks, which count users by one integer each, beside the join that counts all the rest.


def without_masks(*arguments, **keywords):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "visit_periods", lambda *_, **__: ())
        return retention_table(*arguments, **keywords)


EVENT_NAMES = st.sampled_from([None, "join", "visit", ["visit", "join"]])


@settings(max_examples=20, deadline=None)
@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["ada", "bob", "cyd", "dee", None]),
            # every two hours around a change of the clock, with ties and null
            st.none() | st.integers(0, 500).map(lambda step: MARCH + dt.timedelta(hours=2 * step)),
            st.sampled_from(["join", "visit", "other", None]),
        ),
        min_size=1,
        max_size=20,
    ),
    asked=st.fixed_dictionaries(
        {
            "grain": st.sampled_from(["day", "week", "month"]),
            "kind": st.sampled_from(["bounded", "unbounded"]),
            "start_event": EVENT_NAMES,
            "return_event": EVENT_NAMES,
            "timezone": st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles"]),
            "week_start": st.sampled_from(["monday", "sunday"]),
            "as_of": st.integers(0, 60).map(lambda days: MARCH.date() + dt.timedelta(days=days)),
            "max_age": st.integers(0, 9),
        }
    ),
)
def test_masks_count_what_the_join_counts(events, asked):
    frame = events_of(*events, *events[:2])

    table = retention_table(frame, **asked)

    pd.testing.assert_frame_equal(table, without_masks(frame, **asked))


@pytest.mark.parametrize(("days", "masked"), [(63, True), (64, False), (400, False)])
@pytest.mark.parametrize("kind", ["bounded", "unbounded"])
def test_as_many_periods_as_an_integer_has_bits_are_masked(days, masked, kind):
    last = MONDAY + dt.timedelta(days=days - 1)
    events = events_of(("ada", str(MONDAY)), ("ada", str(last)), ("bob", str(last)))
    asked = {"grain": "day", "as_of": last, "max_age": 500, "kind": kind}

    with pytest.MonkeyPatch.context() as patch:
        joins = []
        counts = retention._cohort_counts
        patch.setattr(
            retention, "_cohort_counts", lambda *given: joins.append(given) or counts(*given)
        )
        table = retention_table(events, **asked)

    assert bool(joins) is not masked
    assert table["active_users"].tolist() == [
        1, *[int(kind == "unbounded")] * (days - 2), 1, 1,
    ]  # fmt: skip


def test_sixty_three_months_are_more_than_sixty_three_times_28_days():
    # January 2020 to March 2025
    events = events_of(("ada", "2020-01-31"), ("ada", "2025-03-01"))

    table = retention_table(events, grain="month", as_of="2025-03-31", max_age=62)

    assert table["active_users"].tolist() == [1, *[0] * 61, 1]
    pd.testing.assert_frame_equal(
        table, without_masks(events, grain="month", as_of="2025-03-31", max_age=62)
    )


def test_sixty_four_months_within_63_of_the_longest_are_joined():
    # January 2020 to April 2025
    events = events_of(("ada", "2020-01-31"), ("ada", "2025-04-01"))

    table = retention_table(events, grain="month", as_of="2025-04-30", max_age=63)

    assert table["active_users"].tolist() == [1, *[0] * 62, 1]


def test_an_engine_without_bits_joins(two_users, monkeypatch):
    expected = retention_table(two_users, as_of="2026-06-28")
    monkeypatch.setattr(visits, "supports", lambda *_: False)

    table = retention_table(two_users, as_of="2026-06-28")

    pd.testing.assert_frame_equal(table, expected)


@pytest.mark.parametrize("dialect", ["bigquery", "clickhouse", "postgres", "snowflake", "trino"])
@pytest.mark.parametrize("kind", ["bounded", "unbounded"])
def test_masks_can_be_asked_of_other_engines(dialect, kind):
    question = retention.RetentionQuestion(
        as_of=dt.date(2026, 6, 28), kind=kind, start_event="join", timezone="Europe/Berlin"
    )
    rows = ibis.table(
        {"user_id": "string", "event": "string", "event_time": "timestamp(6)"}, name="events"
    )
    periods = tuple(question.calendar.periods(MARCH.date(), question.after, "week"))
    marks = {
        name: visits.Mark(periods, "Europe/Berlin", events)
        for name, events in {"seen": None, "started": ("join",)}.items()
    }

    masks = visits.visit_masks(rows, list(marks.values())).rename(seen="mask_0", started="mask_1")
    query = ibis.to_sql(retention._mask_counts(masks, len(periods), question), dialect=dialect)

    assert "JOIN" not in query
    assert re.search(r"bit.?or|bitwise_or", query, re.IGNORECASE)


@pytest.mark.parametrize("given", [7, ["signup", 7]])
def test_an_event_is_a_name(given):
    events = pd.DataFrame({"user_id": ["ada"], "event": ["signup"], "event_time": ["2026-06-01"]})

    with pytest.raises(AnalysisError, match=r"7 is given as an event.\nGive its name, or several"):
        retention_table(events, as_of="2026-06-30", start_event=given)


def test_no_event_at_all_is_asked_for_by_none():
    events = pd.DataFrame({"user_id": ["ada"], "event": ["signup"], "event_time": ["2026-06-01"]})

    with pytest.raises(AnalysisError, match=r"No event is given\.\nName one"):
        retention_table(events, as_of="2026-06-30", start_event=[])


@pytest.mark.parametrize("given", ["8", 2.5, None])
def test_the_greatest_age_is_a_whole_number(given):
    events = pd.DataFrame({"user_id": ["ada"], "event_time": ["2026-06-01"]})

    with pytest.raises(AnalysisError, match=r"max_age is .* in retention_table\.\nGive 0 or more"):
        retention_table(events, as_of="2026-06-30", max_age=given)
