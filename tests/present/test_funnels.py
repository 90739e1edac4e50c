"""The words and charts of funnels, by hand-made frames."""

import math

import pandas as pd
import pytest

from kpikit.present import sentences_funnel as words
from kpikit.present.charts_funnel import plot_funnel, plot_lifecycle, plot_times, share_of

STEPS = pd.DataFrame({
    "step": [1, 2, 3], "name": ["view", "cart", "buy"], "users": [200, 100, 25],
    "overall_rate": [1.0, 0.5, 0.125], "step_rate": [1.0, 0.5, 0.25],
    "ci_low": [1.0, 0.43, 0.175], "ci_high": [1.0, 0.57, 0.343],
    "previous_users": [200, 200, 100],
})  # fmt: skip


def change(difference, p_adjusted=0.01, **columns):
    return {
        "name": "buy", "segment": "phone", "step_rate": 0.4, "rate_before": 0.5, "rest_rate": 0.5,
        "previous_users": 200, "difference": difference, "ci_low": difference - 0.05,
        "ci_high": difference + 0.05, "p_adjusted": p_adjusted, **columns,
    }  # fmt: skip


def found(**columns):
    return {
        "start": pd.Timestamp("2026-05-19"), "end": pd.Timestamp("2026-06-06"), "successes": 26,
        "trials": 121, "rate": 26 / 121, "rest_rate": 0.512, "p_value": 0.0025, "is_over": True,
        **columns,
    }  # fmt: skip


def texts(axes):
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(
    ("columns", "claim"),
    [
        ({}, "From 19 May to 6 Jun 2026 the step to “buy now” worked for 21.5 % of users"),
        ({"start": pd.Timestamp("2025-12-30")}, "From 30 Dec 2025 to 6 Jun 2026 the step"),
        ({"is_over": False}, "Since 19 May 2026 the step to “buy now” worked"),
        ({"end": pd.Timestamp("2026-05-19")}, "On 19 May 2026 the step to “buy now” worked"),
    ],
)
def test_an_incident_is_told_with_its_days(columns, claim):
    headline = words.incident_headline("buy_now", found(**columns))

    assert headline.mark == "-"
    assert headline.claim.startswith(claim)
    assert headline.rest == (
        "(26 of 121), against 51.2 % on the other days looked at; chance makes such a stretch in "
        "0.2 % of cases."
    )


@pytest.mark.parametrize(
    ("row", "mark", "clause"),
    [
        (change(-0.1), "-", "−10.0 pt, −15.0 to −5.00 on 2026Q2: more than chance"),
        (change(0.1), "+", "+10.0 pt, +5.00 to +15.0 on 2026Q2: more than chance"),
        (change(0.01, 0.6), "·", "+1.00 pt, −4.00 to +6.00 on 2026Q2: no more than chance"),
        (change(math.nan, math.nan), "·", "nothing to compare in 2026Q2"),
    ],
)
def test_a_change_says_whether_it_is_more_than_chance(row, mark, clause):
    assert words.change_mark(row) == mark
    assert words.change_clause(row, "2026Q2") == clause


def test_only_steps_that_changed_by_more_than_chance_have_a_sentence():
    rows = pd.DataFrame([change(-0.1), change(0.2), change(0.1, 0.5)])

    told = words.step_change_headlines(rows, "2026Q2")

    assert [(item.mark, item.claim) for item in told] == [
        ("-", "The step to “buy” fell to 40.0 %"),
        ("+", "The step to “buy” rose to 40.0 %"),
    ]


def test_a_segment_is_better_or_worse_than_all_others():
    worse = words.segment_headline(change(-0.1), "first_device")
    better = words.segment_headline(change(0.1), "first_device")

    assert worse.claim == "First device “phone” does worse at the step to “buy”:"
    assert better.mark == "+"
    assert "does better" in better.claim


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (59, "59 s"), (60, "1 min"), (90, "1.5 min"), (600, "10 min"), (3600, "1 h"),
        (5400, "1.5 h"), (86_400, "1 day"), (129_600, "1.5 days"), (14 * 86_400, "14 days"),
        (math.nan, "–"),
    ],
)  # fmt: skip
def test_a_length_of_time_has_the_unit_that_reads_best(seconds, text):
    assert words.duration(seconds) == text


def test_bins_are_named_by_their_ends():
    times = pd.DataFrame({"from_seconds": [0.0, 60.0, 3600.0], "to_seconds": [60, 3600, math.nan]})

    assert words.bin_labels(times) == ["< 1 min", "< 1 h", "> 1 h"]


@pytest.mark.parametrize(
    ("event", "direction", "title"),
    [
        ("(nothing)", "before", "60 % of those lost had done nothing before “cart”"),
        ("home", "before", "60 % of those lost came to “cart” from “home”"),
        ("(nothing)", "after", "After “cart”, 60 % of those lost did nothing more"),
        ("help_page", "after", "After “cart”, 60 % of those lost did “help page” next"),
    ],
)
def test_paths_name_what_most_did(event, direction, title):
    paths = pd.DataFrame({
        "outcome": ["dropped"] * 2, "event": [event, "(other)"], "users": [6, 4],
        "share": [0.6, 0.4],
    })  # fmt: skip

    assert words.paths_title(paths, outcome="dropped", step="cart", direction=direction) == title


def test_the_most_users_lost_have_a_sentence_only_where_that_is_another_step():
    losses = pd.DataFrame(
        {
            "step": [2, 3],
            "name": ["cart", "buy"],
            "lost_users": [100, 75],
            "lost_share": [0.5, 0.75],
        }
    )

    headline = words.biggest_loss_headline(losses, 3)

    assert headline is not None
    assert headline.rest == "100 (50.0 % of those at the step before)."
    assert words.biggest_loss_headline(losses, 2) is None


def test_signals_of_a_trend_are_named_and_the_older_ones_counted():
    rows = pd.DataFrame({
        "period": [f"W{number}" for number in range(6)], "lower": 0.1, "signal": [True] * 6,
        "side": "above", "value": 0.5,
    })  # fmt: skip

    assert words.signal_clause(rows).startswith("More than routine variation: W2 (above routine), ")
    assert words.signal_clause(rows).endswith("W5 (above routine), and 2 before.")
    assert words.signal_clause(rows.assign(lower=math.nan)) == (
        "There are too few periods to tell signal from noise."
    )


def test_times_and_trends_without_a_value_say_so():
    assert words.times_title(pd.DataFrame({"quantile": [], "seconds": []})) == "Nobody converted"
    empty = pd.DataFrame({"period": ["W1"], "grain": ["week"], "value": [math.nan]})
    assert words.trend_message(empty, noun="Conversion").startswith("No period has both users")


def test_bars_of_a_funnel_are_shares_of_those_who_entered_with_the_period_before_behind():
    axes = plot_funnel(STEPS.assign(previous=[1.0, 0.6, 0.2]), behind="2026Q2", worst=3)

    behind, actual = axes.containers
    assert [bar.get_width() for bar in actual] == [1.0, 0.5, 0.125]
    assert [bar.get_width() for bar in behind] == [1.0, 0.6, 0.2]
    assert "100 · 50 %" in texts(axes)
    (worst,) = [text for text in axes.texts if text.get_text() == "25.0 % (17.5 to 34.3 %)"]
    assert worst.get_fontweight() == "bold"


def test_a_funnel_without_entries_or_a_step_before_says_so():
    nobody = plot_funnel(STEPS.assign(users=0))
    missing = plot_funnel(STEPS.assign(step_rate=[1.0, 0.0, math.nan]))

    assert texts(nobody) == ["No data: nobody entered"]
    assert "nobody at the step before" in texts(missing)


def test_columns_of_times_bear_their_share_and_all_before():
    frame = pd.DataFrame({"users": [3, 0, 1], "share": [0.75, 0.0, 0.25],
                          "cumulative_share": [0.75, 0.75, 1.0]})  # fmt: skip

    axes = plot_times(frame, labels=["< 1 h", "< 1 day", "> 1 day"])

    assert [bar.get_height() for bar in axes.containers[0]] == [0.75, 0.0, 0.25]
    assert "< 1 day\n75 %" in texts(axes)
    assert texts(plot_times(frame.head(0), labels=[])) == ["No data: nobody converted"]


def test_the_lifecycle_draws_the_dormant_below_zero():
    frame = pd.DataFrame({
        "period": ["W1", "W2"], "new": [5, 2], "returning": [0, 3], "resurrecting": [0, 1],
        "dormant": [0, 2],
    })  # fmt: skip

    axes = plot_lifecycle(frame)

    parts = {part.get_label(): [bar.get_height() for bar in part] for part in axes.containers}
    assert parts == {
        "returning": [0, 3], "resurrecting": [0, 1], "new": [5, 2], "dormant": [0, -2],
    }  # fmt: skip
    assert texts(plot_lifecycle(frame.head(0))) == ["No data: no period is complete yet"]


@pytest.mark.parametrize(("share", "text"), [(0.5, "50 %"), (0.0995, "10 %"), (0.052, "5.2 %")])
def test_a_share_has_a_decimal_below_ten_per_cent(share, text):
    assert share_of(share) == text
