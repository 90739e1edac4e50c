import datetime as dt

import numpy as np
import pandas as pd
import pytest

from kpikit.sample.draws import (
    Lift,
    draw_arrivals,
    draw_channels,
    draw_comments,
    draw_costs,
    draw_scores,
    draw_visits,
    number,
    pick,
    stream,
    themes_of,
    time_of_day,
)
from kpikit.sample.timeline import Shift, Timeline

LINE = Timeline(dt.date(2024, 1, 1), dt.date(2024, 4, 9), "UTC")  # 100 days
ALL_DAY = (1,) * 24
MORNING = (0,) * 6 + (1,) * 6 + (0,) * 12


@pytest.fixture
def rng():
    return stream(1, "test")


def test_a_stream_repeats_and_differs_by_seed_and_name():
    first = stream(1, "a").random(3).tolist()

    assert stream(1, "a").random(3).tolist() == first
    assert stream(2, "a").random(3).tolist() != first
    assert stream(1, "b").random(3).tolist() != first


def test_ids_have_one_width_and_grow_with_their_number():
    assert number("u", 2).tolist() == ["u00001", "u00002"]
    assert number("B", 2, first=999_999).tolist() == ["B0999999", "B1000000"]
    assert number("u", 0).tolist() == []


def test_names_are_drawn_in_proportion_to_their_weights(rng):
    drawn = pick(rng, {"a": 3, "b": 1, "c": 0}, 40_000)

    assert (drawn == "a").mean() == pytest.approx(0.75, abs=0.01)
    assert "c" not in drawn


def test_arrivals_are_sorted_and_keep_to_the_days_and_hours(rng):
    daily = np.array([0, 1, 3, 0.0])

    times = draw_arrivals(rng, daily, 40_000, hours=MORNING)

    assert (np.diff(times) >= 0).all()
    assert (np.floor(times) == 2).mean() == pytest.approx(0.75, abs=0.01)
    assert set(np.floor(times)) == {1, 2}
    assert ((times % 1 >= 0.25) & (times % 1 <= 0.5)).all()


def test_visits_come_at_the_rate_of_their_visitor_within_the_stay(rng):
    start, end, rate = np.array([0, 10.0, 200]), np.array([1000.0, 20, 300]), np.array([5, 2.0, 9])

    owner, times = draw_visits(
        rng, start=start, end=end, rate=rate, daily=np.ones(100), hours=ALL_DAY
    )

    assert (owner == 0).sum() == pytest.approx(500, abs=70)  # 5 a day for 100 days
    assert (owner == 1).sum() == pytest.approx(20, abs=14)  # 2 a day for 10 days
    assert (owner == 2).sum() == 0  # comes after the last day
    assert (times >= start[owner]).all()
    assert (times < 100).all()
    assert (np.lexsort((times, owner)) == np.arange(owner.size)).all()


def test_visits_thin_out_on_the_days_of_an_outage(rng):
    daily = LINE.shape(Shift(dt.date(2024, 1, 11), dt.date(2024, 1, 20), 0.1))

    _, times = draw_visits(
        rng, start=np.zeros(1), end=np.array([100.0]), rate=np.array([100.0]),
        daily=daily, hours=ALL_DAY,
    )  # fmt: skip

    by_day = np.bincount(times.astype(int), minlength=100)
    assert by_day[10:20].mean() == pytest.approx(10, abs=3)
    assert by_day[20:].mean() == pytest.approx(100, abs=4)


def test_a_visit_of_the_first_day_follows_the_arrival_within_the_hour(rng):
    evening = np.full(2000, 0.99)

    _, times = draw_visits(
        rng, start=evening, end=np.full(2000, 1.0), rate=np.full(2000, 100.0),
        daily=np.ones(1), hours=MORNING,
    )  # fmt: skip

    assert times.size > 1000
    assert (times >= 0.99).all()
    assert (times < 1).all()  # nothing leaves the history


def test_hours_without_weight_stay_empty(rng):
    shares = time_of_day(rng, 1000, hours=MORNING)

    assert shares.min() >= 0.25
    assert shares.max() <= 0.5


@pytest.mark.parametrize("mood", [-20, 0, 36, 60])
def test_scores_have_the_net_promoter_score_of_their_mood(rng, mood):
    score = draw_scores(rng, np.full(60_000, float(mood)))

    nps = 100 * ((score >= 9).mean() - (score <= 6).mean())
    assert nps == pytest.approx(mood, abs=1.5)
    assert set(score) <= set(range(11))


def test_comments_fit_the_theme_of_the_score(rng):
    score = np.array([10, 9, 8, 7, 6, 0] * 500)
    texts = {"promoter": ["good"], "passive": ["fair"], "detractor": ["bad"]}

    comments = pd.Series(draw_comments(rng, themes_of(score), texts, share=0.5))

    assert set(comments[score >= 9].dropna()) == {"good"}
    assert set(comments[(score == 8) | (score == 7)].dropna()) == {"fair"}
    assert set(comments[score <= 6].dropna()) == {"bad"}
    assert comments.notna().mean() == pytest.approx(0.5, abs=0.05)


def test_the_surplus_of_a_campaign_comes_by_its_channel(rng):
    lift = Lift("push", "social", Shift(dt.date(2024, 1, 1), dt.date(2024, 1, 10), 4.0))
    times = np.repeat([5.5, 50.5], 20_000)

    channels = draw_channels(rng, LINE, times, usual={"organic": 1}, lifts=[lift])

    assert (channels[:20_000] == "social").mean() == pytest.approx(0.75, abs=0.02)  # 3 of 4
    assert (channels[20_000:] == "organic").all()


def test_costs_are_arrivals_times_share_times_price_and_a_campaign_pays_for_its_surplus(rng):
    lift = Lift("push", "ads", Shift(dt.date(2024, 1, 1), dt.date(2024, 1, 10), 1.5))

    costs = draw_costs(
        rng, LINE, np.full(100, 10.0), shares={"ads": 20, "mail": 80}, prices={"ads": 3.0},
        lifts=[lift],
    )  # fmt: skip

    by_campaign = costs.groupby("campaign")["cost"]
    assert by_campaign.size().to_dict() == {"Always on": 100, "push": 10}
    assert by_campaign.mean()["Always on"] == pytest.approx(10 * 0.20 * 3, rel=0.05)
    assert by_campaign.mean()["push"] == pytest.approx(10 * 0.5 * 3, rel=0.15)
    assert (costs["cost"] == costs["cost"].round(2)).all()
    assert costs["cost_date"].is_monotonic_increasing
