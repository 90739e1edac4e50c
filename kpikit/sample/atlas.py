"""Atlas: a subscription product for team reports, with 14-day trials, in US dollars.

Its story: an onboarding test in spring 2026 succeeds and ships in June, so that activation rises;
new prices in February 2026 (for old customers two months later) lift revenue per account and, for a
quarter, churn; an outage in August 2026 empties three days and costs goodwill.
"""

import datetime as dt

import numpy as np
import pandas as pd

from kpikit.sample.draws import (
    MINUTE,
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
)
from kpikit.sample.timeline import Floats, Shift, Timeline

START = dt.date(2024, 1, 1)
USERS = 6_000
FILES = {
    "events": "events.parquet", "subscriptions": "subscriptions.csv", "survey": "survey.jsonl",
    "exposures": "exposures.parquet", "costs": "costs.csv",
}  # fmt: skip
TIMEZONE = "America/New_York"
EXPERIMENT = (dt.date(2026, 4, 6), dt.date(2026, 6, 14))
ONBOARDING_RELEASE = dt.date(2026, 6, 22)
NEW_PRICES = dt.date(2026, 2, 2)  # for new subscriptions
NEW_PRICES_FOR_ALL = dt.date(2026, 4, 1)
SCHEDULES_RELEASE = dt.date(2026, 7, 6)
OUTAGE = Shift(dt.date(2026, 8, 18), dt.date(2026, 8, 20), 0.06)
CAMPAIGNS = (
    Lift("Launch week", "Social", Shift(dt.date(2025, 3, 10), dt.date(2025, 3, 23), 1.5)),
    Lift("Reporting webinars", "Partner", Shift(dt.date(2026, 4, 13), dt.date(2026, 5, 10), 1.25)),
    Lift("Back to work", "Paid search", Shift(dt.date(2026, 9, 1), dt.date(2026, 9, 27), 1.4)),
)
TRIAL_DAYS = 14

_PLANS = ("Starter", "Team", "Business")
_OLD_PRICES = np.array([29.0, 79.0, 249.0])
_PRICES = np.array([29.0, 99.0, 249.0])
_TEAM = 1
_CHANGED, _RAISED = "plan change", "price change"  # reasons of an end that is none
_OFFICE_WEEK = (1.12, 1.15, 1.12, 1.08, 0.95, 0.28, 0.30)
_OFFICE_DAY = (1, 1, 1, 1, 1, 2, 5, 12, 30, 42, 44, 40, 30, 36, 40, 38, 32, 22, 12, 9, 8, 6, 4, 2)
_SIGN_UP_YEAR = (1.10, 1.05, 1.05, 1.0, 1.0, 0.95, 0.85, 0.88, 1.10, 1.08, 1.02, 0.75)
_USE_YEAR = (1.05, 1.05, 1.05, 1.0, 1.0, 1.0, 0.88, 0.88, 1.05, 1.05, 1.03, 0.80)
_COUNTRIES = {"US": 52, "CA": 12, "GB": 14, "DE": 9, "AU": 7, "BR": 6}
_CHANNELS = {"Organic": 42, "Paid search": 24, "Referral": 15, "Partner": 10, "Social": 9}
_PLATFORMS = {"Web": 71, "iOS": 17, "Android": 12}
_ACTIONS = {
    "report_viewed": 48, "report_created": 24, "report_shared": 12, "export_done": 9,
    "comment_added": 7,
}  # fmt: skip
_REASONS = {
    "not used": 30, "too expensive": 22, "missing feature": 18, "switched": 14,
    "payment failed": 16,
}  # fmt: skip
_MOODS = {"Trial": 30.0, "Free": 26.0, "Starter": 36.0, "Team": 40.0, "Business": 46.0}
_COST_PER_SIGN_UP = {"Paid search": 225.0, "Social": 170.0, "Partner": 120.0}
_COMMENTS = {
    "promoter": (
        "Our Monday report writes itself now.", "Sharing a report takes one click. Love it.",
        "Support answered within the hour.", "Simple enough that the whole team uses it.",
        "Saves me half a day every week.", "The new templates are excellent.",
    ),
    "passive": (
        "Good, but exports could be faster.", "Does the job. More chart types would help.",
        "I would like to schedule reports.", "Fine for us, the mobile app is a bit basic.",
        "Works well, the price is at the upper end.",
    ),
    "detractor": (
        "Too expensive for what we use.", "Slow with large data sets.",
        "I could not find out how to invite my team.", "Two exports failed this month.",
        "We miss a connection to our CRM.",
    ),
    "outage": (
        "Three days without reports, and no word from you.", "The outage hit us on closing day.",
        "Reliable until August. Now I keep copies.",
    ),
    "price": ("The new price is hard to justify.", "Raised by twenty dollars, nothing new for it."),
}  # fmt: skip


def make_atlas_data(*, users: int, seed: int, as_of: dt.date) -> dict[str, pd.DataFrame]:
    """Return the tables of the subscription product, as its files hold them.

    Args:
        users: People who ever sign up.
        seed: Same seed, size and day: same rows.
        as_of: Last day of data.

    Returns:
        ``events``, ``subscriptions``, ``survey``, ``exposures`` and ``costs``, times in UTC.
    """
    line = Timeline(START, as_of, TIMEZONE)
    people = _people(line, users, seed)
    spells = _spells(line, people, seed)
    visits = _visits(line, people, spells, seed)
    return {
        "events": _events(line, people, visits, seed),
        "subscriptions": _subscriptions(line, people, spells),
        "survey": _survey(line, people, visits, seed),
        "exposures": _exposures(line, people),
        "costs": _costs(line, users, seed),
    }


def _people(line: Timeline, users: int, seed: int) -> pd.DataFrame:
    """One row per user: who signed up when, activated when, and what became of the trial."""
    rng = stream(seed, "atlas.people")
    daily = _sign_ups_per_day(line, OUTAGE, *(lift.shift for lift in CAMPAIGNS))
    sign_up = draw_arrivals(rng, daily, users, hours=_OFFICE_DAY)
    arm = np.where(rng.random(users) < 0.5, "treatment", "control")
    in_test = (sign_up >= line.day(EXPERIMENT[0])) & (sign_up < line.day(EXPERIMENT[1]) + 1)
    improved = np.where(in_test, arm == "treatment", sign_up >= line.day(ONBOARDING_RELEASE))
    luck = rng.random(users)
    delay = np.minimum(np.exp(rng.normal(-1.1, 1.3, users)), 6.9)
    late = luck > 0.95  # some find their way in the second to fourth week
    delay = np.where(late, 8 + 20 * rng.random(users), delay)
    activated = np.where((luck < np.where(improved, 0.54, 0.42)) | late, sign_up + delay, np.nan)
    active = ~np.isnan(activated) & ~late
    trial = np.where(rng.random(users) < np.where(active, 0.85, 0.40), sign_up, np.nan)
    dearer = np.where(sign_up >= line.day(NEW_PRICES), 0.93, 1.0)
    converts = rng.random(users) < np.where(active, 0.44, 0.07) * dearer
    wait = rng.choice([TRIAL_DAYS, 5.5, 9.25], users, p=[0.8, 0.1, 0.1])
    paid = np.where(converts, trial + wait, np.nan)
    return pd.DataFrame(
        {
            "user_id": number("u", users),
            "country": pick(rng, _COUNTRIES, users),
            "platform": pick(rng, _PLATFORMS, users),
            "channel": draw_channels(rng, line, sign_up, usual=_CHANNELS, lifts=CAMPAIGNS),
            "plan": rng.choice(3, users, p=[0.46, 0.42, 0.12]),
            "variant": pd.Series(arm).where(in_test),
            "sign_up": sign_up,
            "activated": np.where(activated < line.length, activated, np.nan),
            "trial": trial,
            "paid": np.where(paid < line.length, paid, np.nan),
        }
    )


def _sign_ups_per_day(line: Timeline, *shifts: Shift) -> Floats:
    """Relative number of sign-ups per day; without ``shifts``, as usual."""
    return line.shape(*shifts, growth=1.3, weekdays=_OFFICE_WEEK, months=_SIGN_UP_YEAR)


def _spells(line: Timeline, people: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row per paid spell, from month to month of all customers at once.

    Columns: owner (place in people), plan (place in _PLANS), begin, end (NaN: it runs), reason,
    is_new (it begins a subscription), mrr.
    """
    rng = stream(seed, "atlas.spells")
    paid = people[people["paid"].notna()]
    state = pd.DataFrame({
        "owner": paid.index, "plan": paid["plan"], "begin": paid["paid"], "is_new": True,
        "renewal": paid["paid"] + 30, "age": 0,
    })  # fmt: skip
    parts = []
    for _ in range(line.length // 30 + 1):  # renewals are 30 days apart, at the least
        spells, state = _renew(rng, line, state)
        parts.append(spells)
    return _priced(line, pd.concat(parts, ignore_index=True))


def _renew(
    rng: np.random.Generator, line: Timeline, now: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Let each customer stay, leave, or move one plan up or down; some who leave return later.

    Returns:
        The spells that ended, or run past the last day; and what goes on to the next renewal.
    """
    size, plan, renewal = len(now), now["plan"], now["renewal"]
    due = renewal < line.length
    leaves = due & (rng.random(size) < _churn_rate(line, now))
    target = (plan + rng.choice([-1, 0, 1], size, p=[0.008, 0.970, 0.022])).clip(0, 2)
    moves = due & ~leaves & (target != plan)
    ends = leaves | moves
    reason = _reasons(rng, line, renewal).where(leaves, _CHANGED)
    spells = now.assign(end=renewal.where(ends), reason=reason.where(ends))
    returns = leaves & (rng.random(size) < 0.14)
    away = returns * (15 + 150 * rng.random(size))
    following = now.assign(
        plan=target.where(moves, plan),
        begin=(renewal + away).where(ends, now["begin"]),
        is_new=now["is_new"].where(~ends, returns),
        renewal=renewal + away + 30,
        age=(now["age"] + 1).mask(returns, 4),
    )
    goes_on = due & (~leaves | returns) & (following["begin"] < line.length)
    return spells[ends | ~due], following[goes_on]


def _churn_rate(line: Timeline, now: pd.DataFrame) -> Floats:
    """Share that leaves at a renewal: less with age and on larger plans, more after bad news."""
    age, plan, renewal = (now[name].to_numpy() for name in ("age", "plan", "renewal"))
    base = np.where(age < 1, 0.085, np.where(age < 4, 0.048, 0.026))
    by_plan = np.array([1.25, 0.95, 0.55])[plan]
    dearer = line.soon(renewal, NEW_PRICES_FOR_ALL, 75) & (plan == _TEAM)
    annoyed = line.soon(renewal, OUTAGE.start, 30)
    upset = np.where(dearer, 3.0, 1.0) * np.where(annoyed, 1.5, 1.0)
    return np.asarray(base * by_plan * upset, dtype=np.float64)


def _reasons(rng: np.random.Generator, line: Timeline, renewal: pd.Series) -> pd.Series:
    """Why each would leave at its renewal."""
    reasons = pick(rng, _REASONS, renewal.size)
    luck, times = rng.random(renewal.size), renewal.to_numpy()
    reasons[line.soon(times, NEW_PRICES_FOR_ALL, 75) & (luck < 0.45)] = "too expensive"
    reasons[line.soon(times, OUTAGE.start, 30) & (luck < 0.35)] = "unreliable"
    return pd.Series(reasons, renewal.index)


def _priced(line: Timeline, spells: pd.DataFrame) -> pd.DataFrame:
    """Add ``mrr``, and split the spells that the new price for old customers cut in two."""
    old = spells["begin"] < line.day(NEW_PRICES)
    mrr = np.where(old, _OLD_PRICES[spells["plan"]], _PRICES[spells["plan"]])
    spells = spells.assign(mrr=mrr)
    cut = line.day(NEW_PRICES_FOR_ALL) + 9 / 24
    raised = old & (spells["plan"] == _TEAM) & ~(spells["end"] <= cut) & (cut < line.length)
    after = spells[raised].assign(begin=cut, mrr=_PRICES[_TEAM], is_new=False)
    spells["end"] = spells["end"].mask(raised, cut)
    spells["reason"] = spells["reason"].mask(raised, _RAISED)
    return pd.concat([spells, after]).sort_values(["owner", "begin"], ignore_index=True)


def _subscriptions(line: Timeline, people: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """Paid spells, each user's first with its trial, and the trials that came to nothing.

    A change of plan or price goes on under the same id; who returns gets a new one.
    """
    trial = people["trial"].to_numpy()[spells["owner"]]
    spells = spells.assign(trial=np.where(spells["owner"].duplicated(), np.nan, trial))
    lost = people[people["trial"].notna() & people["paid"].isna()]
    end = (lost["trial"] + TRIAL_DAYS).where(lambda end: end < line.length)
    trials = lost[["plan", "trial"]].assign(
        owner=lost.index, begin=np.nan, end=end, mrr=0.0, is_new=True,
        reason=pd.Series("trial ended", lost.index).where(end.notna()),
    )  # fmt: skip
    table = pd.concat([spells, trials]).sort_values(["owner", "begin"])
    place = table["is_new"].astype(int).cumsum().to_numpy()
    who = people.iloc[table["owner"]]
    return pd.DataFrame({
        "subscription_id": number("s", int(place.max(initial=0)))[place - 1],
        "user_id": who["user_id"].to_numpy(),
        "plan": np.array(_PLANS, dtype=object)[table["plan"]],
        "mrr": table["mrr"].to_numpy(),
        "trial_start": line.utc(table["trial"].to_numpy()),
        "start_time": line.utc(table["begin"].to_numpy()),
        "end_time": line.utc(table["end"].to_numpy()),
        "end_reason": table["reason"].to_numpy(),
        "country": who["country"].to_numpy(),
        "channel": who["channel"].to_numpy(),
    })  # fmt: skip


def _visits(line: Timeline, people: pd.DataFrame, spells: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row per visit: owner (place in people), time, plan at the time."""
    rng = stream(seed, "atlas.visits")
    sign_up, active = people["sign_up"].to_numpy(), people["activated"].notna().to_numpy()
    habit = rng.gamma(2.5, 0.13, len(people))
    lingers = active & (rng.random(len(people)) < 0.45)
    stay = np.where(active, TRIAL_DAYS, np.minimum(rng.exponential(4, len(people)), TRIAL_DAYS))
    trials = pd.DataFrame({
        "owner": people.index, "plan": "Trial", "start": sign_up, "end": sign_up + stay,
        "rate": np.where(active, 0.42, 0.25),
    })  # fmt: skip
    free = trials[lingers].assign(plan="Free", start=lambda span: span["end"], rate=0.09)
    free["end"] += rng.exponential(90, len(free))
    paid = pd.DataFrame({
        "owner": spells["owner"], "plan": np.array(_PLANS, dtype=object)[spells["plan"]],
        "start": spells["begin"], "end": spells["end"].fillna(np.inf),
        "rate": habit[spells["owner"]],
    })  # fmt: skip
    spans = pd.concat([trials, free, paid], ignore_index=True)
    place, times = draw_visits(
        rng, start=spans["start"].to_numpy(), end=spans["end"].to_numpy(),
        rate=spans["rate"].to_numpy(), hours=_OFFICE_DAY,
        daily=line.shape(OUTAGE, weekdays=_OFFICE_WEEK, months=_USE_YEAR),
    )  # fmt: skip
    return spans.loc[place, ["owner", "plan"]].assign(time=times).reset_index(drop=True)


def _events(line: Timeline, people: pd.DataFrame, visits: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Sign-ups, activations, logins and what was done after; a few repeated and unnamed rows."""
    rng = stream(seed, "atlas.events")
    action_of = np.repeat(np.arange(len(visits)), rng.poisson(1.25, len(visits)))
    actions = visits.iloc[action_of].assign(event=pick(rng, _ACTIONS, action_of.size))
    actions["time"] += rng.exponential(9 * MINUTE, action_of.size)
    weeks = (visits["time"] - line.day(SCHEDULES_RELEASE)) / 7
    adoption = np.where(weeks >= 0, 0.02 + 0.12 * (1 - np.exp(-weeks.clip(0) / 5)), 0)
    scheduled = visits[rng.random(len(visits)) < adoption].assign(event="schedule_created")
    scheduled["time"] += 5 * MINUTE
    once = [
        pd.DataFrame({"owner": people.index, "time": people[time], "event": event, "plan": "Trial"})
        for time, event in (
            ("sign_up", "sign_up"),
            ("activated", "activate"),
            ("paid", "subscribe"),
        )
    ]
    table = pd.concat([*once, visits.assign(event="login"), actions, scheduled])
    table = table[table["time"] < line.length]
    twice = rng.random(len(table)) < 0.0006  # the collector delivers at least once
    table = pd.concat([table, table[twice]])
    table = table.iloc[np.lexsort((table["event"], table["owner"], table["time"]))]
    who = people.iloc[table["owner"]]
    unnamed = table["event"].eq("report_viewed").to_numpy() & (rng.random(len(table)) < 0.006)
    return pd.DataFrame({
        "user_id": who["user_id"].mask(unnamed).to_numpy(),
        "event": table["event"].to_numpy(),
        "event_time": line.utc(table["time"].to_numpy()),
        "plan": table["plan"].to_numpy(),
        "country": who["country"].to_numpy(),
        "platform": who["platform"].to_numpy(),
    })  # fmt: skip


def _survey(line: Timeline, people: pd.DataFrame, visits: pd.DataFrame, seed: int) -> pd.DataFrame:
    """In-product answers: at most one per user and quarter, on one visit in thirty or so."""
    rng = stream(seed, "atlas.survey")
    asked = visits[rng.random(len(visits)) < 0.04].sort_values("time", ignore_index=True)
    quarter = (asked["time"] // 91).astype(int)
    asked = asked[~pd.DataFrame({"owner": asked["owner"], "quarter": quarter}).duplicated()]
    time = asked["time"].to_numpy()
    after_outage = line.soon(time, OUTAGE.start, 25)
    after_price = line.soon(time, NEW_PRICES_FOR_ALL, 60)
    improved = time >= line.day(ONBOARDING_RELEASE)
    usual = asked["plan"].map(_MOODS).to_numpy(dtype=np.float64)
    mood = usual + 6 * improved - 45 * after_outage - 14 * after_price
    score = draw_scores(rng, mood)
    themes = themes_of(score)
    unhappy = (score < 7) & (rng.random(score.size) < 0.7)
    themes[unhappy & after_outage] = "outage"
    themes[unhappy & after_price] = "price"
    return pd.DataFrame(
        {
            "respondent": people["user_id"].to_numpy()[asked["owner"]],
            "answered_at": line.utc(time),
            "score": score,
            "segment": asked["plan"].to_numpy(),
            "comment": draw_comments(rng, themes, _COMMENTS, share=0.4),
        }
    )


def _exposures(line: Timeline, people: pd.DataFrame) -> pd.DataFrame:
    """Who saw which onboarding during the test, from sign-up on."""
    seen = people[people["variant"].notna()]
    return pd.DataFrame(
        {
            "user_id": seen["user_id"].to_numpy(),
            "experiment": "onboarding",
            "variant": seen["variant"].to_numpy(),
            "exposure_time": line.utc(seen["sign_up"].to_numpy()),
        }
    )


def _costs(line: Timeline, users: int, seed: int) -> pd.DataFrame:
    usual = _sign_ups_per_day(line)
    arrivals = usual / usual.sum() * users
    rng = stream(seed, "atlas.costs")
    return draw_costs(
        rng, line, arrivals, shares=_CHANNELS, prices=_COST_PER_SIGN_UP, lifts=CAMPAIGNS
    )
