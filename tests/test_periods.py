import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpikit.errors import PeriodError
from kpikit.periods import (
    GRAINS,
    WEEKDAYS,
    Calendar,
    Period,
    as_date,
    check_timezone,
    parse_window,
)

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))
CALENDARS = st.builds(
    Calendar, fiscal_year_start=st.integers(1, 12), week_start=st.sampled_from(WEEKDAYS)
)


def day(text):
    return dt.date.fromisoformat(text)


def span(period):
    return period.start.isoformat(), period.last_day.isoformat()


# -- single periods -------------------------------------------------------------------------------


def test_a_period_counts_its_days_and_names_its_last():
    february = Calendar().parse("2024-02")

    assert february.days == 29
    assert february.last_day == day("2024-02-29")
    assert february.end == day("2024-03-01")


def test_a_period_is_complete_from_its_last_day_on():
    quarter = Calendar().parse("2026Q3")

    assert not quarter.is_complete(day("2026-09-29"))
    assert quarter.is_complete(day("2026-09-30"))


@pytest.mark.parametrize(
    ("as_of", "elapsed"),
    [("2026-06-30", 0), ("2026-07-01", 1), ("2026-07-31", 31), ("2027-01-01", 92)],
)
def test_elapsed_days_run_from_none_to_all(as_of, elapsed):
    assert Calendar().parse("2026Q3").days_elapsed(day(as_of)) == elapsed


@pytest.mark.parametrize(
    ("grain", "first", "last", "label"),
    [
        ("day", "2026-07-15", "2026-07-15", "2026-07-15"),
        ("week", "2026-07-13", "2026-07-19", "2026-W29"),
        ("month", "2026-07-01", "2026-07-31", "2026-07"),
        ("quarter", "2026-07-01", "2026-09-30", "2026Q3"),
        ("year", "2026-01-01", "2026-12-31", "2026"),
    ],
)
def test_a_day_lies_in_one_period_of_each_grain(grain, first, last, label):
    period = Calendar().period_of(day("2026-07-15"), grain)

    assert span(period) == (first, last)
    assert (period.grain, period.label) == (grain, label)


def test_an_unknown_grain_is_named_with_the_nearest():
    with pytest.raises(PeriodError, match=r"Unknown grain 'quater'.\nDid you mean 'quarter'[?]"):
        Calendar().period_of(day("2026-07-15"), "quater")


# -- fiscal years ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start_month", "text", "first", "last"),
    [
        (1, "2026Q1", "2026-01-01", "2026-03-31"),
        (4, "2026Q1", "2025-04-01", "2025-06-30"),  # the British way: 2026 ends in March 2026
        (4, "2026Q4", "2026-01-01", "2026-03-31"),
        (2, "2026Q4", "2025-11-01", "2026-01-31"),  # retail: the year ends with January
        (12, "2026Q1", "2025-12-01", "2026-02-28"),
        (10, "2026", "2025-10-01", "2026-09-30"),
        (1, "2026", "2026-01-01", "2026-12-31"),
    ],
)
def test_a_fiscal_year_bears_the_year_in_which_it_ends(start_month, text, first, last):
    calendar = Calendar(fiscal_year_start=start_month)

    period = calendar.parse(text)

    assert span(period) == (first, last)
    assert period.label == text
    assert calendar.period_of(period.start, period.grain) == period
    assert calendar.period_of(period.last_day, period.grain) == period


@given(calendar=CALENDARS, date=DAYS)
def test_every_day_lies_in_its_periods_and_their_labels_lead_back(calendar, date):
    for grain in GRAINS:
        period = calendar.period_of(date, grain)

        assert period.start <= date < period.end
        assert calendar.parse(period.label) == period


@given(calendar=CALENDARS, date=DAYS)
def test_periods_follow_one_another_without_gap_or_overlap(calendar, date):
    for grain in GRAINS:
        period = calendar.period_of(date, grain)

        following = calendar.shift(period, 1)

        assert following.start == period.end
        assert calendar.previous(following) == period


@given(calendar=CALENDARS, date=DAYS)
def test_a_fiscal_year_is_four_quarters_and_twelve_months(calendar, date):
    year = calendar.period_of(date, "year")

    for grain, count in (("quarter", 4), ("month", 12)):
        parts = calendar.split(year, grain)

        assert len(parts) == count
        assert sum(part.days for part in parts) == year.days


# -- weeks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "label"),
    [
        ("2020-12-31", "2020-W53"),  # a long ISO year
        ("2021-01-03", "2020-W53"),
        ("2021-01-04", "2021-W01"),
        ("2024-12-30", "2025-W01"),  # a Monday in December of next year's first week
        ("2023-01-01", "2022-W52"),
    ],
)
def test_monday_weeks_bear_iso_numbers(date, label):
    assert Calendar().period_of(day(date), "week").label == label


@pytest.mark.parametrize(
    ("week_start", "first"), [("monday", "2026-07-27"), ("sunday", "2026-07-26"),
                              ("saturday", "2026-07-25"), ("thursday", "2026-07-30"),
                              ("friday", "2026-07-24")],
)  # fmt: skip
def test_a_custom_week_bears_the_number_of_its_thursday(week_start, first):
    # 30 July 2026 is the Thursday of ISO week 31
    week = Calendar(week_start=week_start).parse("2026-W31")

    assert week.start == day(first)
    assert week.days == 7
    assert week.start <= day("2026-07-30") < week.end


def test_a_year_without_a_53rd_week_has_none():
    with pytest.raises(PeriodError, match="'2026-W54' is no period: Invalid week: 54"):
        Calendar().parse("2026-W54")
    with pytest.raises(PeriodError, match="'2025-W53' is no period: Invalid week: 53"):
        Calendar().parse("2025-W53")


# -- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2026Q3", "2026Q3"),
        ("2026-Q3", "2026Q3"),
        ("2026q3", "2026Q3"),
        (" 2026Q3 ", "2026Q3"),
        ("2026W31", "2026-W31"),
        ("2026-w31", "2026-W31"),
        ("2024-02-29", "2024-02-29"),
        (2026, "2026"),
    ],
)
def test_a_period_can_be_written_in_several_ways(text, label):
    assert Calendar().parse(text).label == label


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026Q5", "its form is unknown"),
        ("Q3 2026", "its form is unknown"),
        ("", "its form is unknown"),
        ("2026-7", "its form is unknown"),
        ("2026-13", "month must be in 1..12"),
        ("2026-02-30", "day is out of range for month"),
        ("0000", "year 0 is out of range"),
        ("9999-12-31", "date value out of range"),
        ("9999Q4", "year 10000 is out of range"),
    ],
)
def test_a_text_that_is_no_period_says_why_and_what_to_write(text, reason):
    with pytest.raises(PeriodError, match=f"'{text}' is no period: {reason}") as caught:
        Calendar().parse(text)

    assert "Write one of: 2026Q3, 2026 (fiscal year), 2026-07 (month)" in str(caught.value)


# -- comparisons ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("2026Q1", "2025Q1"),
        ("2024-02", "2023-02"),
        ("2026", "2025"),
        ("2021-W01", "2020-W02"),  # 364 days: the year in between has 53 weeks
        ("2026-W31", "2025-W31"),
        ("2026-07-15", "2025-07-16"),  # a Wednesday both times
        ("2024-02-29", "2023-03-02"),
    ],
)
def test_a_year_before_is_364_days_for_days_and_weeks_and_12_months_else(text, before):
    calendar = Calendar()

    assert calendar.year_before(calendar.parse(text)).label == before


@pytest.mark.parametrize(
    ("text", "steps", "label"),
    [
        ("2026-01", -1, "2025-12"),
        ("2026Q4", 1, "2027Q1"),
        ("2026Q1", -5, "2024Q4"),
        ("2026", 2, "2028"),
        ("2024-02-28", 1, "2024-02-29"),
        ("2020-W53", 1, "2021-W01"),
        ("2026Q3", 0, "2026Q3"),
    ],
)
def test_shifting_keeps_the_grain(text, steps, label):
    calendar = Calendar()

    assert calendar.shift(calendar.parse(text), steps).label == label


def test_a_week_that_was_cut_shifts_by_whole_weeks():
    calendar = Calendar()
    cut, _ = calendar.like_for_like(
        calendar.parse("2026-W31"), calendar.parse("2026-W30"), day("2026-07-29")
    )

    assert cut.days == 3
    assert calendar.previous(cut).label == "2026-W30"
    assert calendar.shift(cut, 2).label == "2026-W33"


def test_complete_periods_compare_whole_even_over_a_leap_day():
    calendar = Calendar()
    first, before = calendar.parse("2024Q1"), calendar.parse("2023Q1")

    compared = calendar.like_for_like(first, before, day("2024-03-31"))

    assert compared == (first, before)
    assert [period.days for period in compared] == [91, 90]


def test_an_unfinished_period_compares_its_first_days():
    calendar = Calendar()

    now, before = calendar.like_for_like(
        calendar.parse("2026-10"), calendar.parse("2026-09"), day("2026-10-09")
    )

    assert span(now) == ("2026-10-01", "2026-10-09")
    assert span(before) == ("2026-09-01", "2026-09-09")
    assert (now.label, before.label) == ("2026-10", "2026-09")


def test_a_longer_unfinished_period_takes_at_most_the_whole_of_the_other():
    calendar = Calendar()

    now, before = calendar.like_for_like(
        calendar.parse("2026-03"), calendar.parse("2026-02"), day("2026-03-30")
    )

    assert (now.days, before.days) == (30, 28)


def test_the_last_complete_period_ends_on_or_before_the_day():
    calendar = Calendar()

    assert calendar.last_complete(day("2026-09-29")).label == "2026Q2"
    assert calendar.last_complete(day("2026-09-30")).label == "2026Q3"
    assert calendar.last_complete(day("2026-10-31"), "month").label == "2026-10"


# -- lists of periods -----------------------------------------------------------------------------


def test_periods_touch_the_span_at_both_ends():
    periods = Calendar().periods(day("2026-01-31"), day("2026-03-02"), "month")

    assert [period.label for period in periods] == ["2026-01", "2026-02", "2026-03"]


def test_an_empty_span_has_no_periods():
    assert Calendar().periods(day("2026-01-01"), day("2026-01-01"), "day") == []


def test_weeks_of_a_month_are_those_that_start_in_it():
    calendar = Calendar()

    weeks = calendar.split(calendar.parse("2026-07"), "week")

    # July 2026 begins on a Wednesday: its first Monday is the 6th, its last the 27th
    assert [week.start.day for week in weeks] == [6, 13, 20, 27]


def test_periods_sort_by_time():
    calendar = Calendar()
    later, earlier = calendar.parse("2026Q2"), calendar.parse("2026Q1")

    assert sorted([later, earlier]) == [earlier, later]


# -- calendars ------------------------------------------------------------------------------------


@pytest.mark.parametrize("month", [0, 13, -1])
def test_a_fiscal_year_starts_in_a_month(month):
    with pytest.raises(PeriodError, match=f"fiscal_year_start is {month}.\nGive a month from 1"):
        Calendar(fiscal_year_start=month)


def test_a_week_starts_on_a_weekday():
    with pytest.raises(PeriodError, match=r"week_start is 'sundy'.\nDid you mean 'sunday'[?]"):
        Calendar(week_start="sundy")


def test_the_week_offset_counts_from_monday():
    offsets = [Calendar(week_start=weekday).week_offset for weekday in WEEKDAYS]

    assert offsets == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("name", ["UTC", "Europe/London", "Asia/Kathmandu"])
def test_a_zone_of_the_iana_list_passes(name):
    check_timezone(name)


def test_a_misspelt_zone_is_named_with_the_nearest():
    with pytest.raises(
        PeriodError,
        match=r"Time zone 'Europe/Londn' does not exist.\nDid you mean 'Europe/London'[?]",
    ):
        check_timezone("Europe/Londn")


@pytest.mark.parametrize("name", ["", "Europe", "../../etc/passwd", "Qqqq", "a\x00b", None])
def test_what_is_no_zone_is_refused(name):
    with pytest.raises(PeriodError, match="does not exist"):
        check_timezone(name)


def test_a_zone_nothing_is_near_to_gets_an_example():
    with pytest.raises(PeriodError, match=r"exist.\nGive an IANA name such as Europe/London"):
        Calendar(timezone="Qqqq")


# -- days -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        dt.date(2026, 9, 30),
        dt.datetime(2026, 9, 30, 23, 59),  # noqa: DTZ001 - stored times bear no zone
        np.datetime64("2026-09-30T12:00:00.000000000"),
        "2026-09-30",
        "2026-09-30 12:00:00",
    ],
)
def test_a_day_may_be_given_as_date_time_or_text(value):
    assert as_date(value, "as_of") == dt.date(2026, 9, 30)
    assert not isinstance(as_date(value, "as_of"), dt.datetime)


@pytest.mark.parametrize("value", ["yesterday", "2026-02-30", None, 20260931, float("nan")])
def test_what_is_no_day_is_named_with_its_argument(value):
    with pytest.raises(PeriodError, match=f"as_of is '{value}', which is no day") as caught:
        as_date(value, "as_of")

    assert "Give a date or ISO text such as 2026-09-30." in str(caught.value)


# -- windows --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("14d", dt.timedelta(days=14)),
        ("12h", dt.timedelta(hours=12)),
        ("30m", dt.timedelta(minutes=30)),
        ("2w", dt.timedelta(days=14)),
        (" 45 s ", dt.timedelta(seconds=45)),
    ],
)
def test_a_window_is_a_number_and_a_unit(text, length):
    assert parse_window(text) == length


@pytest.mark.parametrize("text", ["", "14", "d", "14 days", "-1d", "0d", "1.5h", "9999999d"])
def test_what_is_no_window_says_what_to_write(text):
    with pytest.raises(PeriodError, match=f"'{text}' is no length of time") as caught:
        parse_window(text)

    assert "14d (days), 12h (hours), 30m (minutes)" in str(caught.value)


def test_a_period_equals_another_of_the_same_span_grain_and_label():
    assert Calendar().parse("2026-07-15") == Period(
        day("2026-07-15"), day("2026-07-16"), "day", "2026-07-15"
    )
