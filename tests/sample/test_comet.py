"""The mobile game tells its story, and its numbers are believable."""

import pandas as pd
import pytest

from kpikit.sample.comet import (
    CHALLENGES_RELEASE,
    CRASHES,
    EXPERIMENT,
    NEW_PRICES,
    OUTAGE,
    VERSIONS,
)


@pytest.fixture(scope="module")
def orders(comet):
    """Orders with their time and amount, the last row of each."""
    table = comet["orders"].drop_duplicates("Bestellnummer", keep="last").copy()
    table["time"] = pd.to_datetime(table["Zeitpunkt"], format="%d.%m.%Y %H:%M:%S")
    table["amount"] = table["Betrag"].str.replace(",", ".").astype(float)
    return table


def kept(comet, day, installs):
    """Share of some installs that opened the game on the day after so many days."""
    events = comet["events"]
    age = (events["event_time"] - events["user_id"].map(installs)).dt.days
    again = events[(age == day) & (events["event"] == "open")]["user_id"].nunique()
    return again / len(installs)


@pytest.fixture(scope="module")
def installs(comet):
    events = comet["events"]
    return events[events["event"] == "install"].set_index("user_id")["event_time"]


def test_players_leave_steeply_and_then_stay(comet, installs):
    old = installs[installs < "2026-01-01"]

    curve = {day: kept(comet, day, old) for day in (1, 7, 30, 90)}

    assert 0.22 < curve[1] < 0.40
    assert 0.08 < curve[7] < 0.20
    assert 0.04 < curve[30] < 0.10
    assert 0.02 < curve[90] < curve[30]


def test_daily_challenges_keep_more_players(comet, installs):
    release = pd.Timestamp(CHALLENGES_RELEASE)
    before = installs[installs < release]
    after = installs[(installs >= release) & (installs < pd.Timestamp(CRASHES.start))]

    assert kept(comet, 7, after) > 1.1 * kept(comet, 7, before)


def test_crashes_on_android_drive_players_away(comet):
    opens = comet["events"][comet["events"]["event"] == "open"]

    def players(start, end, platform):
        rows = opens[opens["event_time"].between(start, end) & (opens["platform"] == platform)]
        return rows["user_id"].nunique()

    def change(platform):
        before = players("2026-06-15", "2026-07-13", platform)
        return players("2026-08-04", "2026-09-01", platform) / before

    assert change("Android") < change("iOS")
    assert change("Android") < 0.97


def test_refunds_rise_with_the_crashes(orders):
    crashing = orders["time"].between(pd.Timestamp(CRASHES.start), pd.Timestamp("2026-08-20"))

    def refund_share(rows):
        return (rows["Status"] == "refunded").sum() / (rows["Status"] == "paid").sum()

    assert refund_share(orders[crashing]) > 3 * refund_share(orders[orders["time"] < "2026-07-01"])
    assert (orders.loc[orders["Status"] == "refunded", "amount"] < 0).all()


def test_coin_packs_become_dearer(orders):
    medium = orders[(orders["Paket"] == "coins_medium") & (orders["Status"] == "paid")]
    new = medium["time"] >= pd.Timestamp(NEW_PRICES)

    assert set(medium.loc[~new, "amount"]) == {4.99}
    assert set(medium.loc[new, "amount"]) == {5.99}


def test_few_players_pay_and_pay_believable_amounts(comet, orders):
    quarter = orders["time"].between("2026-07-01", "2026-09-30")
    active = comet["events"][comet["events"]["event_time"].between("2026-07-01", "2026-09-30")]
    sales = orders[quarter & (orders["Status"] == "paid")]
    payers = sales["Spieler"].nunique()

    assert 0.03 < payers / active["user_id"].nunique() < 0.15
    assert 8 < sales["amount"].sum() / payers < 30


def test_a_pending_order_comes_again_when_paid(comet):
    table = comet["orders"]
    again = table[table["Bestellnummer"].duplicated(keep=False)]

    assert 10 < len(again) < 0.05 * len(table)
    assert again.groupby("Bestellnummer")["Status"].agg(tuple).unique().tolist() == [
        ("pending", "paid")
    ]


def test_the_outage_of_christmas_shows(comet):
    opens = comet["events"][comet["events"]["event"] == "open"]["event_time"]
    by_day = opens.dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin").dt.date.value_counts()
    around = [by_day[day] for day in pd.date_range("2025-12-18", "2025-12-24").date]

    for day in (OUTAGE.start, OUTAGE.end):
        assert by_day[day] < 0.45 * sum(around) / len(around)


def test_stars_and_stability_fall_with_the_crashes_and_recover(comet):
    weekly = comet["observations"].set_index("week")

    assert weekly.loc["2026-07-20", "crash_free_rate"] < 0.975
    assert weekly.loc["2026-08-10", "crash_free_rate"] > 0.99
    assert weekly.loc["2026-07-27", "app_rating"] < weekly.loc["2026-07-06", "app_rating"] - 0.2
    assert weekly["app_rating"].between(3.5, 5).all()
    assert weekly["items_done"].between(0, 30).all()


def test_players_move_to_a_new_version_within_weeks(comet):
    events = comet["events"]
    later = events[events["event_time"] >= "2026-09-01"]["version"].value_counts(normalize=True)

    assert later["4.0.2"] > 0.95
    assert set(events["version"]) == set(VERSIONS)


def test_the_test_of_daily_rewards_shows_each_player_one_variant(comet):
    exposures = comet["exposures"]
    exposures = exposures[exposures["experiment"] == "daily_rewards"]

    assert exposures["user_id"].is_unique
    assert set(exposures["variant"]) == {"control", "rewards"}
    assert (exposures["variant"] == "rewards").mean() == pytest.approx(0.5, abs=0.07)
    days = exposures["exposure_time"].dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin").dt.date
    assert days.min() == EXPERIMENT[0]
    assert days.max() == EXPERIMENT[1]


def test_the_test_of_the_new_shop_loses_users_of_android_alone(comet):
    exposures = comet["exposures"][comet["exposures"]["experiment"] == "new_shop"]
    platforms = comet["events"].drop_duplicates("user_id").set_index("user_id")["platform"]

    android = exposures["user_id"].map(platforms) == "Android"

    new = exposures["variant"] == "new_shop"
    assert exposures["user_id"].is_unique
    assert new[android].mean() < 0.4
    assert new[~android].mean() == pytest.approx(0.5, abs=0.12)


def test_faults_that_the_parameters_accept_are_few_and_there(comet):
    assert 0 < (comet["survey"]["score"] == 11).sum() < 10
    assert 0 < comet["events"]["user_id"].isna().mean() < 0.005
