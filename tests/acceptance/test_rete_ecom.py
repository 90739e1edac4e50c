"""Rete Ecom: events that are not sorted, with planted incidents."""

import datetime as dt

import pytest

import kpikit as kk
from kpikit.sections.context import Context
from kpikit.sections.funnels import FunnelSections


@pytest.fixture(scope="module")
def shop(open_product):
    return open_product("rete_ecom")


@pytest.fixture(scope="module")
def expected(reference):
    return reference["rete_ecom"]


def test_every_event_is_read(shop, expected):
    events = shop.data.tables["events"]

    assert events.count().execute() == expected["rows"]
    assert events.user_id.nunique().execute() == expected["users"]
    assert events.session_id.nunique().execute() == expected["sessions"]
    assert str(events.event_time.min().execute()) == expected["first"]
    assert str(events.event_time.max().execute()) == expected["last"]


def test_repeated_events_are_counted_and_stay(shop, expected):
    assert shop.finding("exact_duplicate").rows == expected["exact_dups"]


def test_all_users_are_new_once(shop, expected):
    new = shop.values("new_users", "2024Q1", "2024Q2")

    assert sum(new) == expected["users"]


@pytest.mark.parametrize(
    ("window", "users"),
    [(None, [598, 517, 429, 329, 222, 114]), ("7d", [598, 487, 353, 210, 109, 40])],
)
def test_the_checkout_funnel_counts_the_users_that_are_known(shop, window, users):
    steps = shop.loaded.params.funnels["checkout"].steps
    table = kk.funnel_table(shop.data.tables["events"], steps=steps, window=window)

    assert table["users"].tolist() == users


def test_weekly_retention_equals_the_reference(shop, expected):
    long_after = dt.date(2024, 12, 31)  # so that every age of every cohort is a row
    table = kk.retention_table(
        shop.data.tables["events"], grain="week", max_age=25, as_of=long_after
    )

    active = table.groupby("age")["active_users"].sum()
    assert active.to_dict() == {
        int(age): users for age, users in expected["weekly_retention_pooled_users"].items()
    }


@pytest.fixture(scope="module")
def funnels(shop):
    period = shop.loaded.calendar.parse("2024Q2")
    return FunnelSections(Context(shop.loaded, shop.data, period))


def test_the_payment_incident_is_found_and_dated_by_the_report_without_being_told(funnels):
    """It was planted from 19 May to 7 June 2024; on the last day 5 of 9 payments went well."""
    (reading,) = funnels.readings

    first = reading.incidents[0]

    assert reading.name_of(first.step) == "purchase"
    assert first.found["start"].date() == dt.date(2024, 5, 19)
    assert abs(first.found["end"].date() - dt.date(2024, 6, 7)) <= dt.timedelta(days=1)
    assert first.found["rate"] < 0.25
    assert first.found["rest_rate"] > 0.5


def test_the_page_tells_of_the_incident_in_words(funnels):
    told = [f"{item.claim} {item.rest}" for item in funnels.summary().items[-1].items]

    assert any(
        text.startswith("From 19 May to ") and "Jun 2024 the step to “purchase” worked" in text
        for text in told
    )


def test_the_checkout_bug_is_found_too(funnels):
    """It was planted from 9 April to 9 May 2024, on phones: the step before payment suffers."""
    (reading,) = funnels.readings

    found = [each for each in reading.incidents if each.found["start"].month == 4]

    assert [str(each.found["start"].date()) for each in found] == ["2024-04-09"]
