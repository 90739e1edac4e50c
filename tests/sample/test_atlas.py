"""The subscription product tells its story, and its numbers are believable."""

import datetime as dt

import pandas as pd
import pytest

from kpikit.sample.atlas import EXPERIMENT, NEW_PRICES_FOR_ALL, ONBOARDING_RELEASE, OUTAGE

WEEK = pd.Timedelta(days=7)


def paid(atlas):
    table = atlas["subscriptions"]
    return table[table["start_time"].notna()]


def activated(atlas):
    """One row per sign-up: its time, and whether it activated within a week."""
    events = atlas["events"].drop_duplicates()
    sign_up = events[events["event"] == "sign_up"].set_index("user_id")["event_time"]
    activate = events[events["event"] == "activate"].set_index("user_id")["event_time"]
    return pd.DataFrame(
        {"time": sign_up, "done": activate.reindex(sign_up.index) - sign_up <= WEEK}
    )


def active_customers(spells, day):
    return spells[(spells["start_time"] <= day) & ~(spells["end_time"] <= day)]


def test_the_new_onboarding_lifts_activation(atlas):
    users = activated(atlas)
    release = pd.Timestamp(ONBOARDING_RELEASE)

    before = users[users["time"] < pd.Timestamp(EXPERIMENT[0])]["done"].mean()
    after = users[users["time"] >= release]["done"].mean()

    assert before == pytest.approx(0.42, abs=0.02)
    assert after == pytest.approx(0.54, abs=0.04)


def test_the_experiment_has_two_like_arms_and_a_true_effect(atlas):
    arms = atlas["exposures"].set_index("user_id")["variant"]
    done = activated(atlas)["done"]

    share = (arms == "treatment").mean()
    effect = (
        done[arms[arms == "treatment"].index].mean() - done[arms[arms == "control"].index].mean()
    )

    assert arms.index.is_unique
    assert share == pytest.approx(0.5, abs=0.07)
    assert effect == pytest.approx(0.12, abs=0.10)  # two standard errors of 540 users


def test_one_in_three_trials_is_paid_and_none_that_runs_has_ended(atlas):
    table = atlas["subscriptions"]
    trials = table[table["trial_start"].notna()]
    old = trials[trials["trial_start"] < "2026-10-01"]
    running = trials[trials["trial_start"] >= "2026-10-20"]

    assert old["start_time"].notna().mean() == pytest.approx(0.31, abs=0.03)
    assert (old["start_time"].notna() | old["end_time"].notna()).all()
    assert running["end_time"].isna().mean() > 0.5


def test_spells_of_a_user_follow_one_another_without_overlap(atlas):
    spells = paid(atlas).sort_values(["user_id", "start_time"])
    following = spells.groupby("user_id").shift(-1)

    assert (spells["end_time"] > spells["start_time"])[spells["end_time"].notna()].all()
    assert (following["start_time"] >= spells["end_time"])[following["start_time"].notna()].all()
    same = following["subscription_id"] == spells["subscription_id"]
    assert (following["start_time"] == spells["end_time"])[same].all()
    assert spells.loc[same, "end_reason"].isin(["plan change", "price change"]).all()


def test_all_five_movements_of_recurring_revenue_occur_in_a_year(atlas):
    spells = paid(atlas).sort_values(["user_id", "start_time"])
    before = spells.groupby("user_id").shift()
    year = spells["start_time"] >= "2025-10-01"
    goes_on = before["end_time"] == spells["start_time"]
    returned = before["end_time"] < spells["start_time"]

    assert (year & before["mrr"].isna()).sum() > 300  # new
    assert (year & goes_on & (spells["mrr"] > before["mrr"])).sum() > 100  # expansion
    assert (year & goes_on & (spells["mrr"] < before["mrr"])).sum() > 5  # contraction
    assert (year & returned).sum() > 15  # reactivation
    assert (
        ~spells["end_reason"].isin(["plan change", "price change"])
        & (spells["end_time"] >= "2025-10-01")
    ).sum() > 150  # churned


def test_the_price_change_raises_revenue_per_account_and_for_a_quarter_churn(atlas):
    spells = paid(atlas)
    change = pd.Timestamp(NEW_PRICES_FOR_ALL)
    left = spells[
        ~spells["end_reason"].isin(["plan change", "price change"]) & (spells["plan"] == "Team")
    ]

    def churn_rate(start, days):
        at_start = active_customers(spells[spells["plan"] == "Team"], start)
        lost = left["end_time"].between(start, start + pd.Timedelta(days=days))
        return lost.sum() / len(at_start)

    def revenue_per_account(day):
        return active_customers(spells, day)["mrr"].mean()

    assert revenue_per_account(change + WEEK) > revenue_per_account(change - WEEK) + 3
    assert churn_rate(change, 75) > 1.4 * churn_rate(change - pd.Timedelta(days=75), 75)


def test_the_outage_empties_three_days(atlas):
    events = atlas["events"]
    logins = (
        events[events["event"] == "login"]["event_time"]
        .dt.tz_localize("UTC")
        .dt.tz_convert("America/New_York")
    )
    by_day = logins.dt.date.value_counts()

    for day in pd.date_range(OUTAGE.start, OUTAGE.end).date:
        assert by_day.get(day, 0) < 0.2 * by_day[day - dt.timedelta(days=7)]


def test_every_quarter_of_the_last_year_has_hundreds_of_answers_with_a_fair_score(atlas):
    survey = atlas["survey"]
    year = survey[survey["answered_at"].between("2025-10-01", "2026-09-30")]
    by_quarter = year.groupby(year["answered_at"].dt.quarter)["score"]
    nps = by_quarter.agg(lambda score: 100 * ((score >= 9).mean() - (score <= 6).mean()))

    assert (by_quarter.size() > 250).all()
    assert nps.between(15, 50).all()
    assert year["comment"].notna().mean() == pytest.approx(0.4, abs=0.05)


def test_a_cohort_shrinks_steeply_and_then_flattens(atlas):
    events = atlas["events"]
    sign_up = (
        events[events["event"] == "sign_up"]
        .drop_duplicates("user_id")
        .set_index("user_id")["event_time"]
    )
    old = sign_up[sign_up < "2025-10-01"]
    age = (events["event_time"] - events["user_id"].map(old)).dt.days // 30
    kept = events.groupby(age)["user_id"].nunique() / len(old)

    assert 0.25 < kept[1] < 0.55
    assert kept[1] > 1.2 * kept[3]
    assert 0.08 < kept[12] < kept[3]
    assert kept[10] - kept[12] < 0.04


def test_faults_that_the_parameters_accept_are_few_and_there(atlas):
    events = atlas["events"]

    assert 20 < events.duplicated().sum() < 0.002 * len(events)
    assert 0 < events["user_id"].isna().mean() < 0.005


def test_an_acquired_customer_costs_a_believable_amount(atlas):
    first = paid(atlas).drop_duplicates("user_id")
    year = first["start_time"].between("2025-10-01", "2026-09-30").sum()
    costs = atlas["costs"]
    cost = costs.loc[costs["cost_date"].between("2025-10-01", "2026-09-30"), "cost"].sum()

    assert 200 < cost / year < 900
