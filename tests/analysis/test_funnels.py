"""Funnels: what an entry is, what it reaches, to which segment it belongs, and what is refused."""

import datetime as dt
import math

import ibis
import numpy as np
import pandas as pd
import pytest

from kpikit.analysis.funnels import (
    Exclusion,
    Step,
    declared_funnel,
    funnel_table,
    funnel_trend_table,
    funnel_users,
)
from kpikit.errors import AnalysisError, PeriodError
from kpikit.params.model import Funnel


def events_of(*rows):
    """Return events from (user, event, hour of 1 June 2026 or more, further columns as a dict)."""
    frame = pd.DataFrame(
        [
            {"user_id": user, "event": event, "hour": hour, **(further[0] if further else {})}
            for user, event, hour, *further in rows
        ],
        columns=None if rows else ["user_id", "event", "hour"],
    )
    start = pd.Timestamp("2026-06-01")
    return frame.assign(event_time=start + pd.to_timedelta(frame["hour"].astype(float), unit="h"))


def users(events, steps, window="1d", **options):
    return funnel_table(events, steps=steps, window=window, **options)["users"].tolist()


# -- the table ------------------------------------------------------------------------------------


def test_rates_are_of_the_step_before_and_of_the_first():
    events = events_of(
        ("ada", "view", 0), ("ada", "cart", 1), ("ada", "buy", 4),
        ("bob", "view", 0), ("bob", "cart", 2), ("cyd", "view", 0), ("dee", "view", 0),
    )  # fmt: skip

    table = funnel_table(events, steps=["view", "cart", "buy"], window="1d")

    assert table["users"].tolist() == [4, 2, 1]
    assert table["previous_users"].tolist() == [4, 4, 2]
    assert table["step_rate"].tolist() == [1.0, 0.5, 0.5]
    assert table["overall_rate"].tolist() == [1.0, 0.5, 0.25]
    # Wilson for 2 of 4: (0.5 + 0.4802) / 1.9604 -+ 0.35
    assert table["ci_low"].tolist()[:2] == [1.0, pytest.approx(0.1500, abs=5e-5)]
    assert table["ci_high"].tolist()[:2] == [1.0, pytest.approx(0.8500, abs=5e-5)]
    # one and two hours to the cart, three from there
    assert table["median_seconds"].tolist()[1:] == [1.5 * 3600, 3 * 3600]
    assert table["mean_seconds"].tolist()[1:] == [1.5 * 3600, 3 * 3600]
    assert math.isnan(table["mean_seconds"][0])


def test_the_columns_are_those_promised():
    table = funnel_table(events_of(("ada", "view", 0)), steps=["view"], window="1d")

    assert table.columns.tolist() == [
        "step", "name", "users", "step_rate", "overall_rate", "ci_low", "ci_high",
        "median_seconds", "mean_seconds", "previous_users",
    ]  # fmt: skip


def test_the_window_includes_both_ends():
    events = events_of(
        ("ada", "view", 0), ("ada", "buy", 24), ("bob", "view", 0), ("bob", "buy", 25)
    )

    assert users(events, ["view", "buy"], "24h") == [2, 1]


def test_a_window_of_parts_of_a_second_is_kept_exactly():
    events = events_of(("ada", "view", 0), ("ada", "buy", 1 / 3600 / 2))

    assert users(events, ["view", "buy"], dt.timedelta(seconds=0.5)) == [1, 1]
    assert users(events, ["view", "buy"], dt.timedelta(seconds=0.499999)) == [1, 0]


def test_a_window_without_end_takes_any_time():
    events = events_of(("ada", "view", 0), ("ada", "buy", 24 * 365 * 30))

    assert users(events, ["view", "buy"], None) == [1, 1]
    assert users(events, ["view", "buy"], dt.timedelta.max) == [1, 1]


def test_the_deepest_entry_counts_and_not_the_first():
    # the first view has no cart within two hours; of the views at 5 and 6 the later one is reported
    events = events_of(
        ("ada", "view", 0), ("ada", "view", 5), ("ada", "view", 6), ("ada", "cart", 7),
    )  # fmt: skip

    table = funnel_table(events, steps=["view", "cart"], window="2h")

    assert table["users"].tolist() == [1, 1]
    assert table["median_seconds"][1] == 3600


def test_events_of_one_instant_advance_in_step_order_unless_they_must_be_later():
    events = events_of(("ada", "buy", 0), ("ada", "view", 0))

    assert users(events, ["view", "buy"]) == [1, 1]
    assert users(events, ["view", "buy"], strictly_later=True) == [1, 0]


def test_one_event_serves_one_step():
    once = events_of(("ada", "view", 0))
    twice = events_of(("ada", "view", 0), ("ada", "view", 0))

    assert users(once, ["view", Step("again", event="view")]) == [1, 0]
    assert users(twice, ["view", Step("again", event="view")]) == [1, 1]


def test_where_a_row_may_serve_two_steps_it_is_given_to_the_one_that_leads_further():
    # only the purchase may be bought, so the view has to be the event of any kind
    events = events_of(("ada", "buy", 0), ("ada", "view", 0))

    assert users(events, [None, "buy"]) == [1, 1]
    assert users(events, ["buy", None]) == [1, 1]
    assert users(events, [None, "buy", None]) == [1, 1, 0]


def test_steps_may_have_alternatives_and_filters():
    events = events_of(
        ("ada", "view", 0, {"plan": "pro", "price": 3}), ("ada", "rent", 1, {"plan": "free"}),
        ("bob", "view", 0, {"plan": None, "price": 9}), ("bob", "buy", 1, {"plan": "pro"}),
    )  # fmt: skip
    ends = Step("ends", event=["buy", "rent"])

    assert users(events, ["view", ends]) == [2, 2]
    assert users(events, ["view", Step("pro", event=["buy", "rent"], where={"plan": "pro"})]) == [
        2,
        1,
    ]
    assert users(events, [Step("v", event="view", where={"plan": ["pro", None]}), ends]) == [2, 2]
    assert users(events, [Step("v", event="view", where={"plan": None}), ends]) == [1, 1]
    assert users(events, [Step("v", event="view", where=ibis._.price > 5), ends]) == [1, 1]
    assert users(events, [Step("v", event="view", where=lambda t: t.price < 5), ends]) == [1, 1]


def test_a_filter_on_text_takes_numbers_too():
    events = events_of(
        ("ada", "view", 0, {"version": "2"}), ("bob", "view", 0, {"version": "beta"})
    )

    assert users(events, [Step("view", where={"version": 2})]) == [1]


def test_steps_that_a_filter_parts_share_no_event():
    events = events_of(("ada", "view", 0, {"page": "a"}), ("ada", "view", 0, {"page": "b"}))
    steps = [
        Step("a", event="view", where={"page": "a"}),
        Step("b", event="view", where={"page": "b"}),
    ]

    assert users(events, steps) == [1, 1]
    assert users(events, steps, order="unordered") == [1, 1]


def test_a_first_time_step_is_served_by_the_first_row_ever_alone():
    # ada's first view lies before the days of the funnel
    events = events_of(
        ("ada", "view", 0), ("ada", "view", 30), ("bob", "view", 30), ("bob", "buy", 31)
    )

    assert users(events, ["view", "buy"], start="2026-06-02") == [2, 1]
    assert users(events, [Step("view", first_time=True), "buy"], start="2026-06-02") == [1, 1]


def test_an_optional_step_gates_nothing_and_counts_between_its_neighbours():
    events = events_of(
        ("ada", "view", 0), ("ada", "help", 1), ("ada", "chat", 2), ("ada", "buy", 3),
        ("bob", "view", 0), ("bob", "buy", 1), ("bob", "help", 2),
        ("cyd", "view", 0), ("cyd", "help", 40), ("dee", "help", 0),
    )  # fmt: skip
    steps = ["view", Step("help", optional=True), Step("chat", optional=True), "buy"]

    table = funnel_table(events, steps=steps, window="1d")

    # bob asks for help too late, cyd after the window, dee never enters
    assert table["users"].tolist() == [3, 1, 1, 2]
    assert table["previous_users"].tolist() == [3, 3, 3, 3]
    # two hours from the view to the chat, and (3 + 1) / 2 to buying
    assert table["mean_seconds"].tolist()[1:] == [3600, 2 * 3600, 2 * 3600]


def test_an_optional_step_may_be_the_last():
    events = events_of(("ada", "view", 0), ("ada", "share", 1), ("bob", "view", 0))

    assert users(events, ["view", Step("share", optional=True)]) == [2, 1]


def test_strict_steps_follow_one_another_among_all_events_or_the_listed_ones():
    events = events_of(
        ("ada", "view", 0), ("ada", "buy", 1),
        ("bob", "view", 0), ("bob", "help", 1), ("bob", "buy", 2),
        ("cyd", "view", 0), ("cyd", None, 1), ("cyd", "buy", 2),
    )  # fmt: skip

    assert users(events, ["view", "buy"], order="strict") == [3, 1]
    assert users(events, ["view", "buy"], order="strict", among="listed") == [3, 3]


def test_strict_steps_of_one_instant_stand_in_step_order_unless_they_must_be_later():
    events = events_of(("ada", "buy", 0), ("ada", "view", 0))

    assert users(events, ["view", "buy"], order="strict") == [1, 1]
    assert users(events, ["view", "buy"], order="strict", strictly_later=True) == [1, 0]


def test_unordered_steps_count_from_any_of_them():
    events = events_of(
        ("ada", "buy", 0), ("ada", "view", 2), ("ada", "cart", 3),
        ("bob", "cart", 0), ("bob", "cart", 1),
    )  # fmt: skip

    table = funnel_table(events, steps=["view", "cart", "buy"], window="1d", order="unordered")

    assert table["name"].tolist() == ["any 1 of 3", "any 2 of 3", "any 3 of 3"]
    assert table["users"].tolist() == [2, 1, 1]
    assert table["mean_seconds"].tolist()[1:] == [2 * 3600, 3600]


def test_unordered_steps_that_repeat_need_as_many_events():
    events = events_of(("ada", "view", 0), ("ada", "view", 1), ("bob", "view", 0))

    assert users(events, ["view", Step("again", event="view")], order="unordered") == [2, 1]


def test_a_held_property_is_the_same_in_all_events_of_an_entry():
    events = events_of(
        ("ada", "view", 0, {"item": "hat"}), ("ada", "buy", 1, {"item": "cap"}),
        ("bob", "view", 0, {"item": "hat"}), ("bob", "buy", 1, {"item": "hat"}),
        ("cyd", "view", 0, {"item": None}), ("cyd", "buy", 1, {"item": None}),
    )  # fmt: skip

    assert users(events, ["view", "buy"]) == [3, 3]
    # cyd's events bear no item that could be the same
    assert users(events, ["view", "buy"], hold="item") == [2, 1]


def test_any_columns_make_the_unit():
    events = events_of(
        ("ada", "view", 0, {"session": 1}), ("ada", "buy", 1, {"session": 1}),
        ("ada", "view", 2, {"session": 2}), ("bob", "view", 0, {"session": 1}),
    )  # fmt: skip

    assert users(events, ["view", "buy"], unit=["user_id", "session"]) == [3, 1]


# -- exclusions -----------------------------------------------------------------------------------


def test_an_excluded_event_drops_its_entry_and_not_the_user():
    # between the first view and the cart, not between the second and the cart
    events = events_of(
        ("ada", "view", 0), ("ada", "leave", 1), ("ada", "view", 2), ("ada", "cart", 3),
        ("bob", "view", 0), ("bob", "leave", 1), ("bob", "cart", 3), ("cyd", "view", 0),
    )  # fmt: skip

    table = funnel_table(
        events, steps=["view", "cart"], window="1d", exclusions=[Exclusion("leave")]
    )

    assert table["users"].tolist() == [2, 1]
    assert table["median_seconds"][1] == 3600


def test_an_exclusion_may_be_filtered_and_of_any_event():
    events = events_of(
        ("ada", "view", 0), ("ada", "leave", 1, {"page": "a"}), ("ada", "cart", 3),
        ("bob", "view", 0), ("bob", "leave", 1, {"page": "b"}), ("bob", "cart", 3),
    )  # fmt: skip
    steps = ["view", "cart"]

    assert users(events, steps, exclusions=[Exclusion("leave", where={"page": "a"})]) == [1, 1]
    assert users(events, steps, exclusions=[Exclusion(None)]) == [0, 0]


def test_without_a_window_an_excluded_event_at_any_later_time_drops_an_entry_that_ends():
    events = events_of(("ada", "view", 0), ("ada", "leave", 900), ("bob", "view", 0))

    assert users(events, ["view", "cart"], None, exclusions=[Exclusion("leave")]) == [1, 0]


def test_unordered_an_event_before_the_last_counted_step_drops_the_entry():
    # ada leaves between the two steps; what she does from the view on is an entry of its own
    events = events_of(
        ("ada", "cart", 0), ("ada", "leave", 1), ("ada", "view", 2),
        ("bob", "cart", 0), ("bob", "view", 1), ("bob", "leave", 2),
    )  # fmt: skip
    options = {"order": "unordered", "exclusions": [Exclusion("leave")]}

    assert users(events, ["view", "cart"], **options) == [2, 1]


def test_an_excluded_event_counts_where_a_value_is_held_for_that_value_alone():
    events = events_of(
        ("ada", "view", 0, {"item": "hat"}), ("ada", "remove", 1, {"item": "cap"}),
        ("ada", "buy", 2, {"item": "hat"}), ("bob", "view", 0, {"item": "hat"}),
        ("bob", "remove", 1, {"item": "hat"}), ("bob", "buy", 2, {"item": "hat"}),
    )  # fmt: skip

    excluded = [Exclusion("remove")]
    assert users(events, ["view", "buy"], exclusions=excluded, hold="item") == [1, 1]


# -- days -----------------------------------------------------------------------------------------


def test_entries_begin_inside_the_days_and_later_steps_may_follow_them():
    # bob enters on the second day, cyd at the very end of the first
    events = events_of(
        ("ada", "view", 1), ("ada", "buy", 26), ("bob", "view", 25), ("bob", "buy", 26),
        ("cyd", "view", 24),
    )  # fmt: skip

    assert users(events, ["view", "buy"], "2d", start="2026-06-01", end="2026-06-02") == [1, 1]


def test_days_begin_in_the_time_zone_and_instants_where_they_say():
    # 1 June begins in Berlin at 22:00 UTC the day before
    events = events_of(("ada", "view", -2), ("bob", "view", -3), ("cyd", "view", 10))
    options = {"start": "2026-06-01", "end": dt.datetime(2026, 6, 1, 10)}  # noqa: DTZ001 - UTC

    assert users(events, ["view"], timezone="Europe/Berlin", **options) == [1]
    assert users(events, ["view"], start="2026-06-01T12:00+02:00") == [1]


def test_entries_without_a_full_window_by_the_last_day_are_left_out():
    # data end with 2 June; a day's window of bob's entry is not over then, converted or not
    events = events_of(
        ("ada", "view", 23.9), ("bob", "view", 24), ("bob", "buy", 25), ("cyd", "view", 60),
    )  # fmt: skip

    assert users(events, ["view", "buy"], as_of="2026-06-02") == [1, 0]
    assert users(events, ["view", "buy"]) == [3, 1]


def test_events_after_the_last_day_count_for_nothing():
    events = events_of(("ada", "view", 0), ("ada", "buy", 48))

    assert users(events, ["view", "buy"], "2d", as_of="2026-06-02", strictly_later=True) == [0, 0]
    assert users(events, ["view", "buy"], "47h", as_of="2026-06-02") == [1, 0]


# -- breakdowns -----------------------------------------------------------------------------------


@pytest.fixture
def devices():
    return events_of(
        ("ada", "land", -1, {"device": "tv"}),
        ("ada", "view", 0, {"device": "web"}), ("ada", "buy", 1, {"device": "app"}),
        ("bob", "view", 0, {"device": "web"}), ("bob", "buy", 1, {"device": "web"}),
        ("cyd", "view", 0, {"device": None}), ("cyd", "help", 5, {"device": "app"}),
    )  # fmt: skip


def by_device(events, **options):
    table = funnel_table(events, steps=["view", "buy"], window="1d", by="device", **options)
    return {device: part["users"].tolist() for device, part in table.groupby("device")}


def test_every_step_of_a_segment_bears_its_value(devices):
    assert by_device(devices) == {"web": [2, 1], "(missing)": [1, 0]}


def test_every_step_is_as_if_the_funnel_were_run_on_the_segment_alone(devices):
    web = devices[devices["device"] == "web"]

    assert users(web, ["view", "buy"]) == by_device(devices)["web"]


def test_a_first_touch_is_the_first_value_ever_and_a_last_touch_ends_with_the_entry(devices):
    assert by_device(devices, attribution="first_touch") == {
        "tv": [1, 1], "web": [1, 1], "app": [1, 0],
    }  # fmt: skip
    assert by_device(devices, attribution="last_touch") == {
        "app": [1, 1], "web": [1, 1], "(missing)": [1, 0],
    }  # fmt: skip


def test_a_step_lends_its_value_to_those_who_reached_it(devices):
    assert by_device(devices, attribution=1) == {"web": [2, 2], "(missing)": [1, 0]}
    assert by_device(devices, attribution=2) == {
        "app": [1, 1], "web": [1, 1], "(not reached)": [1, 0],
    }  # fmt: skip


def test_values_of_several_columns_are_those_of_one_event():
    events = events_of(
        ("ada", "view", 0, {"device": "web", "plan": None}),
        ("ada", "buy", 1, {"device": None, "plan": "pro"}),
    )  # fmt: skip

    table = funnel_table(
        events, steps=["view", "buy"], window="1d", by=["device", "plan"], attribution="first_touch"
    )

    assert table[["device", "plan"]].drop_duplicates().to_numpy().tolist() == [["web", "(missing)"]]


@pytest.mark.parametrize("attribution", ["every_step", "first_touch", 1])
def test_the_largest_groups_come_first_and_the_rest_is_one_group_that_counts_users_once(
    attribution,
):
    events = events_of(
        *((f"user {index}", "view", 0, {"page": "home"}) for index in range(3)),
        *((f"user {index}", "view", 0, {"page": "a"}) for index in range(3, 5)),
        ("user 5", "view", 0, {"page": "b"}), ("user 6", "view", 0, {"page": "c"}),
        ("user 6", "buy", 1, {"page": "c"}), ("user 6", "view", 2, {"page": "d"}),
    )  # fmt: skip

    table = funnel_table(
        events, steps=["view", "buy"], window="1d", by="page", top=2, attribution=attribution
    )

    assert table["page"].tolist() == ["home", "home", "a", "a", "(other)", "(other)"]
    assert table["users"].tolist() == [3, 0, 2, 0, 2, 1]


def test_a_column_of_a_million_values_gives_the_largest_groups_and_the_rest():
    size = 50_000
    events = pd.DataFrame({
        "user_id": range(size), "event": "view", "page": [f"page {index}" for index in range(size)],
        "event_time": pd.Timestamp("2026-06-01"),
    })  # fmt: skip

    table = funnel_table(events, steps=["view"], window="1d", by="page")

    assert len(table) == 101
    assert table["users"].tolist() == [1] * 100 + [size - 100]


# -- trends and users -----------------------------------------------------------------------------


def test_a_trend_counts_a_user_in_every_period_with_an_entry():
    events = events_of(
        ("ada", "view", 1), ("ada", "view", 25), ("ada", "buy", 26), ("bob", "view", 73),
    )  # fmt: skip

    table = funnel_trend_table(
        events, steps=["view", "buy"], window="1d", grain="day", as_of="2026-06-04"
    )

    views, buys = table[table["step"] == 1], table[table["step"] == 2]
    assert views["period"].dt.day.tolist() == [1, 2, 3, 4]
    # the view of the first day is followed by the purchase only 25 hours later
    assert views["users"].tolist() == [1, 1, 0, 1]
    assert buys["users"].tolist() == [0, 1, 0, 0]
    # the window of the fourth day's entries reaches beyond the data; nobody entered on the third
    assert buys["complete"].tolist() == [True, True, True, False]
    assert buys["step_rate"].tolist()[:2] == [0.0, 1.0]
    assert buys["step_rate"].isna().tolist() == [False, False, True, True]


def test_a_trend_runs_from_start_to_end_in_the_calendar_of_its_zone():
    # 23:00 UTC on Sunday 31 May is Monday in Berlin
    events = events_of(("ada", "view", -1, {"plan": "pro"}), ("bob", "view", 200, {"plan": "free"}))

    table = funnel_trend_table(
        events, steps=["view"], window="1h", timezone="Europe/Berlin", start="2026-06-01",
        end="2026-06-15", by="plan",
    )  # fmt: skip

    assert table["plan"].tolist() == ["free", "free", "pro", "pro"]
    assert table["period"].dt.strftime("%m-%d").tolist() == ["06-01", "06-08"] * 2
    assert table["users"].tolist() == [0, 1, 1, 0]
    assert table["complete"].all()


def test_a_trend_without_entries_has_the_periods_that_are_asked_for():
    nothing = events_of(("ada", "help", 0))
    funnel = {"steps": ["view"], "window": "1d", "grain": "day"}

    assert funnel_trend_table(nothing, **funnel).empty
    days = funnel_trend_table(nothing, **funnel, start="2026-06-01", end="2026-06-03")
    assert days["users"].tolist() == [0, 0]
    assert days["overall_rate"].isna().all()


def test_those_who_dropped_are_listed_with_their_ids_the_latest_first():
    events = events_of(
        ("ada", "view", 0), ("ada", "cart", 1), ("bob", "view", 2), ("bob", "cart", 3),
        ("cyd", "view", 0), ("cyd", "cart", 1), ("cyd", "buy", 2), ("dee", "view", 0),
    )  # fmt: skip
    funnel = {"steps": ["view", "cart", "buy"], "window": "1d"}

    dropped = funnel_users(events, **funnel, step=2)
    reached = funnel_users(events, **funnel, step=3, outcome="reached")

    assert dropped["user_id"].tolist() == ["bob", "ada"]
    assert dropped["entered_at"].dt.hour.tolist() == [2, 0]
    assert dropped["reached_at"].dt.hour.tolist() == [3, 1]
    assert reached["user_id"].tolist() == ["cyd"]
    assert funnel_users(events, **funnel, step=3).empty


def test_users_are_listed_with_their_segment():
    events = events_of(("ada", "view", 0, {"plan": "pro"}))

    table = funnel_users(
        events, steps=["view", "buy"], window="1d", step=1, by="plan", attribution=1
    )

    assert table[["user_id", "plan"]].to_numpy().tolist() == [["ada", "pro"]]


def test_a_funnel_of_a_products_file_is_asked_for_by_its_keywords():
    declared = Funnel.model_validate({
        "steps": [
            "view", {"name": "help", "event": ["help", "chat"], "optional": True},
            {"name": "pay", "event": "buy", "where": {"plan": "pro"}},
        ],
        "window": "2d", "exclusions": [{"event": "leave", "before": 3}], "hold": ["item"],
    })  # fmt: skip
    item = {"item": "hat", "plan": "pro"}
    events = events_of(
        ("ada", "view", 0, item), ("ada", "chat", 1, item), ("ada", "buy", 2, item),
        ("bob", "view", 0, item), ("bob", "leave", 1, item), ("bob", "buy", 2, item),
    )  # fmt: skip

    table = funnel_table(events, **declared_funnel(declared))

    assert table["name"].tolist() == ["view", "help", "pay"]
    assert table["users"].tolist() == [1, 1, 1]


# -- bad input ------------------------------------------------------------------------------------


def test_steps_that_never_occur_are_zeros_without_a_rate_they_cannot_have():
    events = events_of(("ada", "view", 0))

    table = funnel_table(events, steps=["veiw", "buy", "thank"], window="1d")

    assert table["users"].tolist() == [0, 0, 0]
    assert table[["step_rate", "overall_rate", "ci_low", "ci_high"]].isna().all(axis=None)
    assert users(events, ["view", "buy", "thank"]) == [1, 0, 0]


@pytest.mark.parametrize("order", ["ordered", "strict", "unordered"])
def test_no_events_are_an_empty_funnel(order):
    nothing = events_of(("ada", "view", 0))[:0]

    table = funnel_table(nothing, steps=["view", "buy"], window="1d", order=order)
    parted = funnel_table(nothing, steps=["view", "buy"], window="1d", order=order, by="event")

    assert table["users"].tolist() == [0, 0]
    assert table["step_rate"].isna().all()
    assert parted.empty
    assert parted.columns.tolist() == ["event", *table.columns]


def test_rows_without_user_or_time_count_for_nothing():
    events = events_of(
        (None, "view", 0), ("ada", "view", None), ("bob", "view", 0), (None, "buy", 1)
    )

    assert users(events, ["view", "buy"]) == [1, 0]


def test_the_order_and_repetition_of_rows_change_nothing():
    events = events_of(("ada", "view", 0), ("ada", "buy", 1), ("bob", "buy", 0), ("bob", "view", 1))
    shuffled = pd.concat([events, events]).sample(frac=1, random_state=7)
    funnel = {"steps": ["view", "buy"], "window": "1d"}

    pd.testing.assert_frame_equal(funnel_table(shuffled, **funnel), funnel_table(events, **funnel))


def test_a_user_with_very_many_events_is_one_user():
    size = 200_000
    events = pd.DataFrame({
        "user_id": "bot", "event": ["view", "buy"] * (size // 2),
        "event_time": pd.Timestamp("2026-06-01") + pd.to_timedelta(range(size), unit="s"),
    })  # fmt: skip

    table = funnel_table(events, steps=["view", "buy"], window="1d")

    assert table["users"].tolist() == [1, 1]
    assert table["mean_seconds"][1] == 1


def test_times_may_bear_a_zone_nanoseconds_or_be_text_and_a_column_be_called_time():
    events = events_of(("ada", "view", 0), ("ada", "buy", 1)).assign(time="noon", mask=1)
    funnel = ["view", Step("buy", where={"time": "noon"})]

    for times in (
        events["event_time"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
        events["event_time"].astype("datetime64[ns]"),
        events["event_time"].dt.strftime("%Y-%m-%d %H:%M:%S"),
    ):
        assert users(events.assign(event_time=times), funnel) == [1, 1]


def test_an_ibis_table_gives_the_same_and_is_left_as_it_was(tmp_path):
    events = events_of(("ada", "view", 0), ("ada", "buy", 1), ("bob", "view", 0))
    connection = ibis.duckdb.connect(tmp_path / "events.duckdb")
    table = connection.create_table("events", events)

    assert users(table, ["view", "buy"]) == [2, 1]
    assert connection.list_tables() == ["events"]


@pytest.mark.parametrize(
    ("window", "error", "message"),
    [
        (dt.timedelta(0), AnalysisError, "leaves no time.\nGive a length above zero"),
        (dt.timedelta(days=-1), AnalysisError, "leaves no time.\nGive a length above zero"),
        (14, AnalysisError, "window is 14 in funnel_table.\nGive a timedelta or text such as 14d"),
        ("0d", PeriodError, "is no length of time"),
        ("-1d", PeriodError, "is no length of time"),
    ],
)
def test_a_window_that_is_none_is_refused(window, error, message):
    with pytest.raises(error, match=message):
        users(events_of(("ada", "view", 0)), ["view"], window)


@pytest.mark.parametrize(
    "given", [("view", "buy"), pd.Series(["view", "buy"]), np.array(["view", "buy"])]
)
def test_steps_are_any_sequence(given):
    assert users(events_of(("ada", "view", 0), ("ada", "buy", 1)), given) == [1, 1]


def test_exclusions_are_one_several_or_none():
    events = events_of(("ada", "view", 0), ("ada", "x", 1), ("ada", "buy", 2))

    counts = [users(events, ["view", "buy"], exclusions=each)
              for each in (Exclusion("x"), [Exclusion("x")], None)]  # fmt: skip

    assert counts == [[0, 0], [0, 0], [1, 1]]


def test_events_called_by_numbers_are_found():
    events = events_of(("ada", "1000", 0), ("ada", "1001", 1))

    assert users(events.assign(event=events["event"].astype(int)), ["1000", "1001"]) == [1, 1]


@pytest.mark.parametrize(
    ("asked", "column"),
    [
        ("5", [5, 6]), (5, ["5", "6"]), ("5", [5.0, 6.5]), ("true", [True, False]),
        (["5", None], [None, 6]),
    ],
)  # fmt: skip
def test_values_are_asked_for_as_the_column_holds_them(asked, column):
    events = events_of(("ada", "view", 0), ("bob", "view", 1)).assign(plan=column)

    assert users(events, [Step("view", where={"plan": asked})]) == [1]


def test_steps_that_ask_for_one_value_in_two_ways_share_its_rows():
    events = events_of(("ada", "view", 0), ("ada", "view", 1)).assign(plan=["5", "5"])
    steps = [Step("first", "view", where={"plan": 5}), Step("again", "view", where={"plan": "5"})]

    assert users(events, steps) == [1, 1]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"plan": "pro"}, r"Column 'plan' holds int64, and \['pro'\] is asked .*\nAsk for values"),
        (ibis._.plann > 1, r"A condition cannot be read: .*plann.*\nWrite \{"),
        ("plan > 1", r"A condition cannot be read: .*plan > 1"),
        (ibis._.plan + 1, r"The condition .* is neither true nor false\.\nWrite"),
    ],
)
def test_conditions_that_cannot_be_read_are_named(where, message):
    events = events_of(("ada", "view", 0)).assign(plan=[1])

    with pytest.raises(AnalysisError, match=message):
        users(events, [Step("view", where=where)])


def test_an_event_is_a_name_of_text():
    with pytest.raises(AnalysisError, match=r"The event of an exclusion is 5\.\nGive the name"):
        Exclusion(5)


OPTIONAL = Step("help", optional=True)


@pytest.mark.parametrize(
    ("steps", "options", "message"),
    [
        ([], {}, r"steps is \[\] in funnel_table.\nGive a list"),
        ("view", {}, r"steps is 'view' in funnel_table.\nGive a list"),
        (Step("view"), {}, r"steps is Step\(.* in funnel_table.\nGive a list"),
        (["view", "buy"], {"exclusions": ["x"]}, "'x' is given as an exclusion .*\nWrite kk.Ex"),
        (["view"] * 25, {}, "25 steps are given .*\nGive at most 24"),
        ([OPTIONAL, "view"], {}, "'help' is optional and the first .*\nBegin with a step"),
        (["view", OPTIONAL], {"order": "strict"}, "'help' is optional .*\nOnly an ordered funnel"),
        (["view"], {"order": "random"}, "order is 'random' .*\nChoices: ordered"),
        (["view"], {"among": "some"}, "among is 'some' .*\nChoices: all"),
        (["view"], {"top": 0}, "top is 0 .*\nGive the number of groups"),
        (["view"], {"top": "5"}, "top is 5 .*\nGive the number of groups"),
        (["view"], {"by": 5}, "by is 5 in funnel_table.\nGive a column's name, or several"),
        (["view"], {"attribution": None}, "attribution is None .*\nGive one of every_step"),
        (["view"], {"by": "users"}, "by names 'users' .*\nRename that column"),
        (["view"], {"by": "plan"}, "Table events has no column 'plan'"),
        (["view"], {"unit": ""}, "Table events has no column ''"),
        (["view"], {"unit": None}, "unit is None in funnel_table.\nGive a column's name"),
        (["view"], {"unit": "usr_id"}, "no column 'usr_id'.\nDid you mean 'user_id'"),
        ([Step("view", where={"plan": "pro"})], {}, "Table events has no column 'plan'"),
        (
            ["view"],
            {"attribution": "touch"},
            "attribution is 'touch' .*\nDid you mean 'last_touch'",
        ),
        (["view"], {"attribution": 2}, "attribution is 2 .*\nGive one of every_step"),
        (["view"], {"attribution": 1, "order": "unordered"}, "attribution is 1 .*\nGive one of"),
        (["view"], {"window": None, "as_of": "2026-06-01"}, "as_of is given .*\nGive a window"),
        (
            ["view", "buy"],
            {"exclusions": [Exclusion("x", after=2, before=2)]},
            "after step 2 .*\nGive",
        ),
        (["view", "buy"], {"exclusions": [Exclusion("x", before=3)]}, "before step 3 .*\nGive two"),
        (
            ["view", OPTIONAL, "buy"],
            {"exclusions": [Exclusion("x")]},
            "names step 2 .* optional.\nName steps",
        ),
    ],
)
def test_a_funnel_that_contradicts_itself_is_refused(steps, options, message):
    with pytest.raises(AnalysisError, match=message):
        funnel_table(events_of(("ada", "view", 0)), steps=steps, **{"window": "1d", **options})


@pytest.mark.parametrize("event", ["", [], [1], ["view", None]])
def test_an_event_without_a_name_is_refused(event):
    with pytest.raises(
        AnalysisError, match=r"event of step 'view' is .*\nGive the name of an event"
    ):
        Step("view", event=event)


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_step_without_a_name_is_refused(name):
    with pytest.raises(AnalysisError, match=r"A step is called .*\nGive it a name"):
        Step(name)


def test_too_many_steps_that_overlap_are_refused():
    steps = [None, *(Step(f"page {n}", event="view", where={"page": n}) for n in range(8))]

    with pytest.raises(AnalysisError, match=r"9 steps of a funnel may be the same event.*\nNarrow"):
        users(events_of(("ada", "view", 0, {"page": 1})), steps)


def test_an_event_that_an_optional_or_unordered_step_shares_is_refused_if_it_occurs():
    optional = ["view", Step("any help", event=["help", "view"], optional=True), "buy"]
    unordered = ["view", Step("big", event="view", where=ibis._.price > 5)]
    cheap = events_of(("ada", "view", 0, {"price": 1}), ("bob", "view", 0, {"price": 2}))
    dear = events_of(("ada", "view", 0, {"price": 9}))

    assert users(cheap, unordered, order="unordered") == [2, 0]
    with pytest.raises(AnalysisError, match=r"'big' may be served by one event.*\nNarrow"):
        users(dear, unordered, order="unordered")
    with pytest.raises(AnalysisError, match=r"where one of them is optional.\nNarrow"):
        users(dear, optional)


def test_a_step_that_does_not_exist_has_no_users():
    with pytest.raises(
        AnalysisError, match=r"step is 3 in funnel_users.\nGive one of the steps 1 to 1"
    ):
        funnel_users(events_of(("ada", "view", 0)), steps=["view"], window="1d", step=3)
    with pytest.raises(AnalysisError, match="outcome is 'left'"):
        funnel_users(events_of(("a", "b", 0)), steps=["b"], window="1d", step=1, outcome="left")
