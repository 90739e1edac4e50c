import datetime as dt

import pandas as pd
import pytest

from kpikit.present.titles import (
    alt_text,
    churn_title,
    cohorts_title,
    columns_title,
    composition_title,
    latest_cohort_title,
    mrr_title,
    nps_title,
    row_numbers,
    segments_title,
    series_numbers,
    survival_title,
    trend_title,
)

NAN = float("nan")


def months(values, **columns):
    starts = [dt.date(2026, month + 1, 1) for month in range(len(values))]
    return pd.DataFrame(
        {
            "period": [f"{start:%Y-%m}" for start in starts],
            "grain": "month",
            "start": starts,
            "value": values,
            **columns,
        }
    )


def test_a_trend_tells_its_last_month_and_the_year_before():
    frame = months([264_000.0, 270_000.0], previous=[NAN, 235_000.0])

    title = trend_title(frame, label="Net revenue", unit="money", currency="GBP")

    assert title == "Net revenue was £270 k in Feb 2026, against £235 k a year before"


def test_a_trend_passes_over_a_month_that_still_runs():
    frame = months([7.0, 3.0], complete=[True, False])

    assert trend_title(frame, label="Orders", unit="count") == "Orders were 7 in Jan 2026"


@pytest.mark.parametrize(
    ("values", "record"),
    [
        ([1.0, 2, 3, 4, 5, 6], ": the highest of 6 months"),
        ([6.0, 5, 4, 3, 2, 1], ": the lowest of 6 months"),
        ([6.0, 1, 2, 3, 4, 6], ""),  # a tie is no record
        ([1.0, 2, 3, 4, 5], ""),  # too few to speak of
    ],
)
def test_a_record_is_named_if_it_is_one(values, record):
    title = trend_title(months(values), label="NPS", unit="points")

    assert title.endswith(f"in {['', '', '', '', 'May', 'Jun'][len(values) - 1]} 2026{record}")


def test_quarters_are_called_by_their_label():
    frame = months([5.0]).assign(grain="quarter", period="2026Q1")

    assert trend_title(frame, label="NPS", unit="points") == "NPS was 5.0 in 2026Q1"


def test_a_trend_without_a_complete_value_says_so():
    title = trend_title(months([NAN]), label="NPS", unit="points")

    assert title == "NPS: no complete period has a value"


def test_cohorts_tell_the_first_and_the_last_age():
    curve = pd.DataFrame({"age": [0, 1, 8], "retention_rate": [1.0, 0.495, 0.176]})

    assert cohorts_title(curve, grain="week", who="new buyers") == (
        "49.5 % of new buyers are back after 1 week, 17.6 % after 8 weeks"
    )
    assert cohorts_title(curve.head(2), grain="week") == ("49.5 % of users are back after 1 week")
    assert cohorts_title(curve.head(1), grain="month") == (
        "No cohort of users has a complete month after its first yet"
    )


def test_survival_tells_the_share_that_lasts_beyond_a_time():
    table = pd.DataFrame({"time": [2.0, 6.0], "survival": [0.9, 0.735]})
    who = {"time_unit": "months", "who": "subscriptions"}

    assert survival_title(table, at=4, **who) == "90.0 % of subscriptions last beyond 4 months"
    assert survival_title(table, at=1, **who) == "100.0 % of subscriptions last beyond 1 month"
    assert survival_title(table, at=12, **who) == "73.5 % of subscriptions last beyond 6 months"
    sure = table.assign(ci_low=[0.88, 0.719], ci_high=[0.92, 0.75])
    assert survival_title(sure, at=6, **who) == (
        "73.5 % (71.9 to 75.0 %) of subscriptions last beyond 6 months"
    )
    assert survival_title(table.head(0), at=12, **who) == (
        "No end of subscriptions has been observed yet"
    )


MOVEMENTS = {
    "mrr_start": 120_000.0, "new": 24_000.0, "reactivation": 1_500.0, "expansion": 9_000.0,
    "contraction": 3_000.0, "churned": 14_000.0, "mrr_end": 137_500.0,
}  # fmt: skip


def test_mrr_tells_its_ends_the_greatest_gain_and_the_greatest_loss():
    assert mrr_title(MOVEMENTS, currency="USD") == (
        "MRR went from $120 k to $138 k: new customers brought $24.0 k, churn took $14.0 k"
    )


def test_mrr_that_did_not_move_says_so():
    still = {**dict.fromkeys(MOVEMENTS, 0.0), "mrr_start": 5000.0, "mrr_end": 5000.0}

    assert mrr_title(still, currency="USD") == ("MRR went from $5.00 k to $5.00 k: nothing moved")
    assert mrr_title({**still, "mrr_end": NAN}, currency="USD") == (
        "MRR is not known at both ends of the period"
    )


def test_mrr_that_gained_nothing_names_its_loss_alone():
    started = {**MOVEMENTS, "new": 0.0, "reactivation": 0.0, "expansion": 0.0}

    assert mrr_title(started, currency="USD").endswith("$138 k: churn took $14.0 k")


def test_a_triangle_tells_how_its_latest_cohort_began_beside_all():
    table = pd.DataFrame(
        {
            "cohort": [dt.date(2026, 7, 1)] * 3 + [dt.date(2026, 8, 1)] * 2 + [dt.date(2026, 9, 1)],
            "age": [0, 1, 2, 0, 1, 0],
            "cohort_size": [100] * 3 + [192] * 2 + [50],
            "retention_rate": [1.0, 0.25, 0.1, 1.0, 0.448, 1.0],
        }
    )
    curve = pd.DataFrame({"age": [0, 1], "retention_rate": [1.0, 0.387]})

    assert latest_cohort_title(table, curve, grain="month") == (
        "45 % of the 192 users of Aug 2026 were back after 1 month, 39 % of all"
    )
    assert latest_cohort_title(table, curve.head(1), grain="week", who="buyers") == (
        "45 % of the 192 buyers of the week of 1 Aug 2026 were back after 1 week"
    )
    assert latest_cohort_title(table.head(1), curve, grain="day") == (
        "No cohort of users has a complete day after its first yet"
    )


def test_columns_tell_their_sum_against_the_year_before():
    frame = months([100.0, 120.0, 7.0], previous=[80.0, 120.0, 90.0], complete=[True, True, False])

    title = columns_title(frame, label="Orders", unit="count", additive=True)

    # 100 + 120 against 80 + 120; the third month still runs
    assert title == "Orders came to 220 in 2 months, +10.0 % on the year before"


def test_columns_without_a_whole_year_before_tell_their_sum_alone():
    frame = months([100.0, 120.0], previous=[NAN, 120.0])

    assert columns_title(frame, label="Orders", unit="count", additive=True) == (
        "Orders came to 220 in 2 months"
    )


def test_columns_of_what_has_no_sum_tell_their_lowest_and_highest():
    frame = months([82.5, 98.22, 90.0])

    title = columns_title(frame, label="Order value", unit="money", currency="GBP", additive=False)

    assert title == "Order value: £82.50 (Jan 2026) to £98.22 (Feb 2026)"


@pytest.mark.parametrize(
    ("count", "title"),
    [(3, "Order value was £10.00 in each of 3 months"), (1, "Order value was £10.00 in Jan 2026")],
)
def test_columns_that_are_all_alike_say_so_once(count, title):
    frame = pd.DataFrame(
        {
            "period": [f"2026-0{month}" for month in range(1, count + 1)],
            "start": [dt.date(2026, month, 1) for month in range(1, count + 1)],
            "grain": "month",
            "value": 10.0,
        }
    )

    assert title == columns_title(
        frame, label="Order value", unit="money", currency="GBP", additive=False
    )


def test_a_segment_of_very_many_leads_with_little_and_not_with_nothing():
    segments = pd.DataFrame({"segment": ["Ulm"], "value": [9.0], "share": [0.001]})

    assert segments_title(segments, label="Orders", unit="count") == (
        "Orders: Ulm leads with 9, under 1 % of the total"
    )


def test_columns_without_a_complete_value_say_so():
    frame = months([7.0], complete=[False])

    assert columns_title(frame, label="Orders", unit="count", additive=True) == (
        "Orders: no complete period has a value"
    )


def test_churn_tells_the_reason_that_was_given_most_often():
    reasons = pd.DataFrame(
        {"reason": ["not given", "price"], "customers": [500, 412], "share": [0.55, 0.45]}
    )

    assert churn_title(reasons) == (
        "“Price” is the reason most often given: 412 of 912 who left, 45 %"
    )
    assert churn_title(reasons.head(1)) == "500 customers left, and no reason is known"
    assert churn_title(reasons.head(0)) == "Nobody left in the period"


def test_segments_tell_who_leads():
    segments = pd.DataFrame(
        {"segment": ["other", "UK", "DE"], "value": [9e5, 5.12e5, 1e5], "share": [0.5, 0.4, 0.1]}
    )

    assert segments_title(segments, label="Net revenue", unit="money", currency="GBP") == (
        "Net revenue: UK leads with £512 k, 40 % of the total"
    )
    tied = segments.assign(value=[9e5, 52.0, 52.0])
    assert segments_title(tied, label="New users", unit="count") == (
        "New users: UK and DE lead with 52 each"
    )
    rates = pd.DataFrame({"segment": ["UK", "DE"], "value": [0.031, NAN]})
    assert segments_title(rates, label="Conversion", unit="share") == (
        "Conversion is highest for UK: 3.10 %"
    )
    assert segments_title(
        rates.assign(ci_low=0.0291, ci_high=0.033), label="Conversion", unit="share"
    ) == ("Conversion is highest for UK: 3.10 % (2.91 to 3.30 %)")
    assert segments_title(rates.tail(1), label="Conversion", unit="share") == (
        "Conversion: no segment has a value"
    )


def test_a_score_is_told_with_its_interval_and_the_one_before():
    frame = pd.DataFrame(
        {
            "period": ["2026Q1", "2026Q2", "2026Q3"],
            "nps": [36.0, NAN, 38.0],
            "ci_low": [30.0, NAN, 31.0],
            "ci_high": [42.0, NAN, 45.0],
        }
    )

    assert nps_title(frame) == "NPS was 38 (31 to 45) in 2026Q3, 36 (30 to 42) in 2026Q1"
    assert nps_title(frame.head(1)[["period", "nps"]]) == "NPS was 36 in 2026Q1"
    assert nps_title(frame.iloc[1:2]) == "NPS: no period has an answer"


def test_a_score_of_a_running_period_was_nothing_yet():
    frame = pd.DataFrame(
        {"period": ["2026Q2", "2026Q3"], "nps": [36.0, 38.0], "complete": [True, False]}
    )

    assert nps_title(frame) == "NPS stands at 38 in 2026Q3 so far, 36 in 2026Q2"


def test_a_composition_tells_its_last_whole():
    frame = pd.DataFrame({"period": ["2026Q2", "2026Q3"], "a": [0.55, NAN], "b": [0.45, NAN]})

    title = composition_title(frame, parts={"a": "promoters", "b": "others"})

    assert title == "55 % promoters, 45 % others in 2026Q2"
    assert composition_title(frame.tail(1), parts={"a": "a"}) == "No period has an answer"


def test_alternative_text_says_what_is_drawn_what_it_means_and_the_main_numbers():
    frame = months([3.0, 1.0, 9.0, 4.0], complete=[True, True, True, False])

    text = alt_text(
        "Lines by month", "Orders", "Number of orders.", series_numbers(frame, unit="count")
    )

    assert text == (
        "Lines by month: Orders. Number of orders. first 3 in Jan 2026; lowest 1 in Feb 2026; "
        "highest 9 in Mar 2026; last 4 in Apr 2026 so far."
    )
    assert series_numbers(months([NAN]), unit="count") == ("no value is known",)


def test_alternative_text_of_rows_says_how_many_it_leaves_out():
    frame = pd.DataFrame({"segment": ["UK", "DE", "FR"], "value": [3, 2, 1]})

    assert row_numbers(frame, name="segment", value="value", unit="count", most=2) == (
        "UK: 3",
        "DE: 2",
        "and 1 more",
    )
    assert len(row_numbers(frame, name="segment", value="value", unit="count")) == 3
