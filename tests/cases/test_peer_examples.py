"""Funnels, retention and tests as the suites of peers expect them, beside the cases of ../shared.

Events are told as ``user: event at time``; the numbers on the right are those of the source named.
"""

import math

import ibis
import numpy as np
import pandas as pd
import pytest

import kpikit as kk
from kpikit.analysis.experiments.effects import Sample, absolute_effect, relative_effect
from kpikit.analysis.experiments.sequential import always_valid_interval, group_sequential_bounds
from kpikit.corrections import benjamini_hochberg

FIVE = ["sign up", "view", "insight", "invite", "view again"]


def events_of(journeys, **columns):
    """Return events from ``"event time, event time ..."`` per user; times are of 1 May 2021."""
    rows = [
        {"user_id": user, "event": event.strip(), "event_time": pd.Timestamp(f"2021-05-01 {time}")}
        for user, journey in journeys.items()
        for event, _, time in (each.rpartition(" ") for each in journey.split(","))
    ]
    return pd.DataFrame(rows).assign(**columns)


def users(events, steps, window="14d", **options):
    return kk.funnel_table(events, steps=steps, window=window, **options)["users"].tolist()


# -- funnels: PostHog, posthog/hogql_queries/insights/funnels/test --------------------------------

BETWEEN = events_of({
    "ada": "sign up 01:00, view 02:00, x 03:00, insight 04:00, x 04:30, invite 05:00, x 05:30, "
           "view again 06:00",
    "bob": "sign up 01:00, view 02:00, insight 04:00, x 04:30, invite 05:00, x 05:30, "
           "view again 06:00",
    "cid": "sign up 01:00, x 01:30, view 02:00, insight 04:00, invite 05:00, x 05:30, "
           "view again 06:00",
})  # fmt: skip


@pytest.mark.parametrize(
    ("after", "before", "left"), [(1, 2, 2), (2, 3, 2), (3, 4, 1), (4, 5, 0), (2, 4, 1)]
)
def test_exclusions_between_any_two_steps(after, before, left):
    # test_funnel.py, test_advanced_funnel_exclusions_between_steps
    found = users(BETWEEN, FIVE, exclusions=[kk.Exclusion("x", after=after, before=before)])

    assert found == [left] * 5


def test_what_follows_the_last_step_of_an_unordered_funnel_excludes_nobody():
    # test_funnel_unordered.py, test_unordered_exclusion_after_completion
    events = events_of({"ada": "sign up 01:00, paid 02:00, left 03:00, x 04:00, left 05:00"})

    found = users(events, ["sign up", "paid", "left"], order="unordered",
                  exclusions=[kk.Exclusion("x", after=1, before=3)])  # fmt: skip

    assert found == [1, 1, 1]


def test_an_exclusion_leaves_the_entries_behind_it():
    # test_funnel_unordered.py, test_unordered_trend_with_partial_steps_and_exclusion
    events = events_of({
        "ada": "one 10:00, two 11:00, x 12:00, three 13:00",
        "bob": "one 10:00, two 11:00, three 12:00",
    })  # fmt: skip

    found = users(events, ["one", "two", "three"], window="6h", order="unordered",
                  exclusions=[kk.Exclusion("x", after=1, before=3)])  # fmt: skip

    assert found == [2, 1, 1]


@pytest.mark.parametrize("shuffled", [False, True])
def test_ten_steps_of_one_instant(shuffled):
    # test_funnel_udf.py, test_events_same_timestamp_no_exclusions
    steps = ["a", "b", "b", "c", "c", "d", "b", "c", "d", "a"]
    order = sorted(steps) if shuffled else steps
    events = events_of({"ada": ", ".join(f"{step} 12:01" for step in order)})

    assert users(events, steps) == [1] * 10


def test_a_repeated_step_takes_an_event_each():
    # test_funnel.py, test_advanced_funnel_with_repeat_steps_out_of_order_events
    journeys = ["VS", "SV", "VSxV", "xVxVSV", "SVxVVV", "VxVVV"]
    events = events_of({
        str(user): ", ".join(f"{letter} 12:{minute:02}" for minute, letter in enumerate(letters))
        for user, letters in enumerate(journeys)
    })  # fmt: skip

    assert users(events, ["S", "V", "V", "V", "V"]) == [5, 4, 1, 1, 1]


def test_a_strict_funnel_with_filters_and_strangers_between():
    # test_funnel_strict.py, test_advanced_strict_funnel; u, s, p, v stand for user signed up, sign
    # up, $pageview and pageview, capitals for those with the property asked for
    journeys = ["u", "up", "uSspbi", "buSPb", "buSpb", "buSpv", "buSpuV", "buuSpV"]
    rows = [
        {"user_id": str(user), "event": letter.lower(), "key": letter,
         "event_time": pd.Timestamp("2021-05-01") + pd.Timedelta(minutes=minute)}
        for user, letters in enumerate(journeys) for minute, letter in enumerate(letters)
    ]  # fmt: skip
    steps = ["u", kk.Step("s", where={"key": ["S"]}), "p", kk.Step("v", where={"key": ["V"]})]

    assert users(pd.DataFrame(rows), steps, order="strict") == [8, 6, 5, 1]


@pytest.mark.parametrize("timezone", ["UTC", "US/Pacific"])
def test_a_window_knows_no_summer_time(timezone):
    # test_funnel_unordered.py, test_funnel_window_ignores_dst_transition
    times = pd.to_datetime(["2024-03-01 15:10", "2024-03-15 14:27"])
    events = pd.DataFrame({"user_id": "ada", "event": ["view", "sign up"], "event_time": times})

    table = kk.funnel_table(events, steps=["view", "sign up"], window="14d", timezone=timezone)

    assert table["median_seconds"].iloc[1] == 1_207_020


@pytest.mark.parametrize(("timezone", "month"), [("UTC", 4), ("US/Pacific", 3)])
def test_a_month_is_that_of_the_time_zone(timezone, month):
    # test_funnel_trends.py, test_month_interval: midnight of 1 May is April in California
    times = pd.date_range("2020-05-01", periods=3, freq="h")
    events = pd.DataFrame({"user_id": "ada", "event": ["one", "two", "three"], "event_time": times})

    table = kk.funnel_trend_table(
        events, grain="month", steps=["one", "two", "three"], window="7d", start="2020-01-01",
        end="2020-08-01", timezone=timezone,
    )  # fmt: skip

    completed = table.loc[table["step"] == 3, "users"].tolist()
    assert completed == [int(index == month) for index in range(7)]


@pytest.mark.parametrize("order", ["ordered", "strict", "unordered"])
def test_the_rest_of_a_breakdown_never_vanishes(order):
    # breakdown_cases.py, test_funnel_step_breakdown_limit: value n has n users
    journey = "sign up 12:00, play 13:00, buy 15:00"
    events = pd.concat([
        events_of({f"{value}-{user}": journey}, value=value)
        for value in range(10) for user in range(value)
    ])  # fmt: skip

    table = kk.funnel_table(
        events, steps=["sign up", "play", "buy"], window="7d", by="value", top=5, order=order
    )  # fmt: skip

    bought = table[table["step"] == 3].set_index("value")["users"].to_dict()
    assert bought == {"9": 9, "8": 8, "7": 7, "6": 6, "5": 5, "(other)": 4 + 3 + 2 + 1}


# -- retention: PostHog, posthog/hogql_queries/insights/test/test_retention_query_runner.py -------


def visits(**days):
    """Return page views at 05:00 on days counted from 10 June 2020."""
    rows = [(user, pd.Timestamp("2020-06-10 05:00") + pd.Timedelta(days=day))
            for user, each in days.items() for day in each]  # fmt: skip
    return pd.DataFrame(rows, columns=["user_id", "event_time"]).assign(event="view")


def matrix(events, first, **options):
    """Return active users per cohort and age; the size of the cohort at age 0."""
    table = kk.retention_table(events, **{"grain": "day", "max_age": 20} | options)
    table = table[table["cohort"] >= first]
    table["active_users"] = table["active_users"].mask(table["age"] == 0, table["cohort_size"])
    return [rows["active_users"].tolist() for _, rows in table.groupby("cohort")]


@pytest.mark.parametrize("week_start", ["sunday", "monday"])
def test_recurring_weeks(week_start):
    # test_week_interval
    events = visits(ada=[0, 1, 7, 14, 24, 31], bob=[0, 1, 7, 24, 31, 45])

    found = matrix(events, "2020-06-01", grain="week", first_time=False, week_start=week_start,
                   as_of="2020-07-26")  # fmt: skip

    assert found[:5] == [
        [2, 2, 1, 2, 2, 0, 1], [2, 1, 2, 2, 0, 1], [1, 1, 1, 0, 0], [2, 2, 0, 1], [2, 0, 1],
    ]  # fmt: skip


def test_rolling_days():
    # test_rolling_retention: what lies before the first cohort shown counts for nothing
    events = visits(ada=[0, 3, 4], bob=[0, 1], cid=[1, 2, 3], dan=[3, 4], eve=[4])

    found = matrix(events, "2020-06-11", first_time=False, kind="unbounded", as_of="2020-06-15")

    assert found == [[2, 1, 1, 0, 0], [1, 1, 0, 0], [3, 2, 0], [3, 0]]


def test_first_time_days():
    # test_first_time_retention
    signups = visits(zoe=[-5, -1], ada=[-1, 1, 2, 3, 4], bob=[-1], cid=[0], dan=[2])
    views = visits(ada=[0, 1, 2, 5, 6], bob=[1, 2, 3, 6], cid=[1, 3, 4, 5], dan=[3, 5])
    events = pd.concat([signups.assign(event="sign up"), views])

    found = matrix(events, "2020-06-09", start_event="sign up", return_event="view",
                   as_of="2020-06-15")  # fmt: skip

    assert found == [[2, 1, 2, 2, 1, 0, 1], [1, 1, 0, 1, 1, 1], [1, 1, 0, 1]]


@pytest.mark.parametrize(
    ("timezone", "cohorts"),
    [
        ("UTC", [[1, 1, *[0] * 9], [1, *[0] * 9], [1, 0, 0, 0, 0]]),
        ("US/Pacific", [[1, *[0] * 10], [1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]),
    ],
)
def test_days_of_a_time_zone(timezone, cohorts):
    # test_timezones: at 01:00 UTC it is still the day before in California
    rows = [
        ("ada", "09 01"),
        ("ada", "10 01"),
        ("ada", "11 01"),
        ("bob", "16 01"),
        ("bob", "16 09"),
    ]
    times = [pd.Timestamp(f"2020-06-{time}:00") for _, time in rows]
    events = pd.DataFrame({"user_id": [user for user, _ in rows], "event_time": times})

    found = matrix(
        events, "2020-06-10", first_time=False, timezone=timezone, as_of="2020-06-20"
    )  # fmt: skip

    assert found == cohorts


def test_the_life_of_visitors():
    # posthog/queries/test/test_lifecycle.py, test_lifecycle_trend
    events = visits(ada=[1, 2, 3, 5, 7, 9], bob=[-1, 2], cid=[2], dan=[5])

    table = kk.lifecycle_table(events, grain="day", as_of="2020-06-19", start="2020-06-12")

    assert table["new"].tolist() == [1, 0, 0, 1, 0, 0, 0, 0]
    assert table["resurrecting"].tolist() == [1, 0, 0, 1, 0, 1, 0, 1]
    assert table["returning"].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert table["dormant"].tolist() == [0, 2, 1, 0, 2, 0, 1, 0]


# -- experiments ----------------------------------------------------------------------------------


def sums(total, squares, n):
    return Sample(total / n, (squares - total**2 / n) / (n - 1), n)


CONTROL, VARIANT = sums(1396.87, 52377.9767, 3000), sums(2422.7, 134698.29, 3461)


def test_one_sided_bounds_of_a_difference():
    # GrowthBook, packages/stats/tests/frequentist/test_tests.py, test_one_sided_ttest_absolute
    effect = absolute_effect(CONTROL, VARIANT)

    assert effect.interval(0.1) == pytest.approx((0.0207914801, 0.4479618533), abs=5e-10)
    assert effect.p_value(alternative="greater") == pytest.approx(0.0355427249, abs=5e-10)


def test_one_sided_bounds_that_stay_valid():
    # the same, TestSequentialOneSidedGreaterTTest and its kin; tuned for 5000 units
    effect = absolute_effect(CONTROL, VARIANT)

    found = always_valid_interval(
        effect.estimate, effect.se, 6461, planned_n=5000, alpha=0.05, two_sided=False
    )

    assert found == pytest.approx((-0.1265684417, 0.5953217751), abs=5e-10)


def test_the_relative_effect_of_shares():
    # PostHog, products/experiments/stats/tests/test_frequentist.py: 62 of 1471 against 87 of 1529
    control, variant = (Sample(x / n, x / n * (1 - x / n), n) for x, n in ((87, 1529), (62, 1471)))

    effect = relative_effect(control, variant)

    assert effect.estimate == pytest.approx(-0.25925, abs=5e-5)
    assert effect.interval(0.05) == pytest.approx((-0.49475, -0.02376), abs=5e-5)
    assert effect.p_value() == pytest.approx(0.03096, abs=5e-5)


@pytest.mark.parametrize(
    ("spending", "bounds"),
    [
        ("obf", [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        ("pocock", [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_five_equal_looks(spending, bounds):
    # Reboussin, DeMets, Kim and Lan (2000), the program behind R's ldbounds
    found = group_sequential_bounds([0.2, 0.4, 0.6, 0.8, 1.0], alpha=0.05, spending=spending)

    assert found.z.tolist() == pytest.approx(bounds, abs=2e-4)


@pytest.mark.parametrize(
    ("options", "total"),
    [
        ({"alpha": 0.01, "ratio": 0.4}, 58_622),
        ({"alternative": "greater"}, 25_334),
        ({}, 32_162),
    ],
)
def test_units_to_see_a_hundredth_of_the_mean(options, total):
    # Spotify, confidence/tests/frequentist/test_samplesizecalculator.py: mean 4.56, variance 2.13,
    # by the normal distribution and within a thousandth; kpikit by Student's
    n = kk.sample_size(kind="mean", baseline=4.56, effect=0.0456, sd=math.sqrt(2.13), **options)

    assert n * (1 + options.get("ratio", 1)) == pytest.approx(total, rel=1e-3)


def test_false_discoveries_of_six():
    # tea-tasting, tests/test_multiplicity.py, test_adjust_fdr_arbitrary_dependence
    found = benjamini_hochberg([0.005, 0.06, 0.007, 0.04, 0.01, 0.03])

    assert found.tolist() == pytest.approx([0.02, 0.06, 0.02, 0.048, 0.02, 0.045], abs=1e-12)


# -- decompositions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "effects"),
    [
        # Das Gupta (1993), examples 2.2 and 2.3, by DasGuptR's README
        ([51.78746, 0.45919, 0.52638], [84.90502, 0.75756, 0.51065],
         [10.4340333, 10.5608476, -0.6670084]),
        ([25.3, 0.214, 0.279, 0.949], [32.7, 0.290, 0.473, 0.986],
         [0.6889411, 0.8125381, 1.3829055, 0.1047547]),
    ],
)  # fmt: skip
def test_products_as_das_gupta_takes_them_apart(before, after, effects):
    names = [f"factor {index}" for index, _ in enumerate(before)]

    table = kk.contribution_table(
        dict(zip(names, before, strict=True)), dict(zip(names, after, strict=True)),
        formula=lambda **factors: math.prod(factors.values()),
    )  # fmt: skip

    assert table["effect"].tolist() == pytest.approx(effects, abs=5e-7)


def intrinsic_growth(alive, births):
    """Return the growth rate at which a population renews itself, by Newton's method."""
    age = 5 * np.arange(1, len(alive) + 1) + 7.5
    worth = alive * births / 1e5
    rate = math.log(worth.sum()) * worth.sum() / (age * worth).sum()
    for _ in range(20):
        now = np.exp(-rate * age) * worth
        rate += (now.sum() - 1) / (age * now).sum()
    return rate


def test_a_formula_that_iterates():
    # Das Gupta (1993), example 4.1: United States, 1960 and 1965, by DasGuptR's README
    before = {
        "alive": [485434, 484410, 492905, 481001, 478485, 474911, 469528, 461368, 449349],
        "births": [0.00040, 0.04335, 0.12581, 0.09641, 0.05504, 0.02760, 0.00756, 0.00045, 0],
    }
    after = {
        "alive": [486446, 485454, 483929, 482046, 479522, 475844, 470419, 462351, 450468],
        "births": [0.00041, 0.03416, 0.09584, 0.07915, 0.04651, 0.02283, 0.00631, 0.00038, 0],
    }

    table = kk.contribution_table(before, after, formula=intrinsic_growth)

    assert table["effect"].tolist() == pytest.approx([-0.0002107251, -0.0087243576], abs=5e-9)


def test_a_condition_may_be_an_expression():
    # PostHog, test_funnel.py, test_funnel_with_actions_and_props: e-mail addresses that hold .com
    events = events_of({"ada": "in 01:00, in 02:00", "bob": "in 03:00"}, email="fake@test.com")
    step = kk.Step("in", where=ibis._.email.contains(".com"))

    assert users(events, [step, step]) == [2, 1]
