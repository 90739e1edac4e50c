"""Comet: a puzzle game for phones, in euros, with in-app purchases.

Its story: daily challenges in March 2026 make players stay; coin packs become dearer in January
2026; version 4.0 of July 2026 crashes on Android until its repair three weeks later, so that
players leave, stars fall and refunds rise; a test of daily rewards ends in September 2026.
"""

import datetime as dt

import numpy as np
import pandas as pd

from kpikit.sample.draws import (
    MINUTE,
    Lift,
    draw_arrivals,
    draw_comments,
    draw_costs,
    draw_scores,
    draw_visits,
    number,
    pick,
    stream,
    themes_of,
)
from kpikit.sample.timeline import Flags, Floats, Shift, Timeline

START = dt.date(2024, 1, 1)
USERS = 12_000
FILES = {
    "events": "events.parquet", "orders": "orders.de.csv", "survey": "survey.jsonl",
    "exposures": "exposures.csv", "observations": "observations.csv", "costs": "costs.csv",
}  # fmt: skip
TIMEZONE = "Europe/Berlin"
CHALLENGES_RELEASE = dt.date(2026, 3, 17)
NEW_PRICES = dt.date(2026, 1, 15)
CRASHES = Shift(dt.date(2026, 7, 14), dt.date(2026, 8, 3), 0.85)
OUTAGE = Shift(dt.date(2025, 12, 25), dt.date(2025, 12, 26), 0.25)
EXPERIMENT = (dt.date(2026, 8, 24), dt.date(2026, 9, 20))
BROKEN_EXPERIMENT = (dt.date(2026, 9, 28), dt.date(2026, 10, 11))
CAMPAIGNS = (
    Lift("Summer", "Influencer", Shift(dt.date(2025, 7, 7), dt.date(2025, 7, 27), 1.6)),
    Lift("Store feature", "App store", Shift(dt.date(2026, 4, 20), dt.date(2026, 5, 3), 1.9)),
    Lift("Back to school", "Social", Shift(dt.date(2026, 9, 7), dt.date(2026, 9, 27), 1.3)),
)
VERSIONS = {
    "3.0": dt.date(2024, 1, 1), "3.2": dt.date(2024, 9, 10), "3.4": dt.date(2025, 6, 3),
    "3.5": CHALLENGES_RELEASE, "4.0": CRASHES.start, "4.0.2": dt.date(2026, 8, 4),
}  # fmt: skip

_WEEK = (0.92, 0.90, 0.92, 0.95, 1.05, 1.18, 1.20)
_YEAR = (1.15, 1.05, 1.0, 0.95, 0.92, 0.92, 1.0, 1.02, 0.95, 1.0, 1.05, 1.30)
_DAY = (12, 7, 4, 2, 2, 4, 12, 24, 28, 24, 22, 24, 34, 30, 26, 28, 32, 38, 42, 50, 58, 60, 48, 26)
_COUNTRIES = {"DE": 44, "AT": 9, "CH": 8, "FR": 15, "NL": 9, "PL": 15}
_PLATFORMS = {"Android": 58, "iOS": 42}
_CHANNELS = {"Organic": 48, "App store": 22, "Social": 18, "Influencer": 12}
_COST_PER_INSTALL = {"App store": 1.90, "Social": 2.30, "Influencer": 2.90}
_STAYS = (0.7, 9.0, 75.0, 480.0)  # mean days of four kinds of player
_RATES = (1.3, 0.7, 0.45, 0.42)  # times a day that they open the game
_KINDS = (0.52, 0.27, 0.14, 0.07)
_KINDS_WITH_CHALLENGES = (0.43, 0.28, 0.185, 0.105)
_KINDS_WITH_CRASHES = (0.63, 0.24, 0.09, 0.04)
_PACKS = {
    "coins_small": (1.99, 1.99), "coins_medium": (4.99, 5.99), "coins_large": (9.99, 11.99),
    "coins_chest": (39.99, 49.99), "no_ads": (3.99, 3.99),
}  # fmt: skip
_PACK_WEIGHTS = {
    "coins_small": 46,
    "coins_medium": 28,
    "coins_large": 9,
    "coins_chest": 2,
    "no_ads": 15,
}
_COMMENTS = {
    "promoter": (
        "Das beste Rätselspiel!", "I play it every evening.", "The daily challenges are great.",
        "Schöne Grafik, faire Preise.", "Enfin un jeu sans stress.",
    ),
    "passive": (
        "Good, but too many ads.", "Nice, levels get repetitive.", "Macht Spaß, braucht viel Akku.",
    ),
    "detractor": (
        "Too many ads.", "Coins are too expensive.", "Level 80 is impossible without paying.",
        "Werbung nach jedem Level.",
    ),
    "crash": (
        "Crashes since the update.", "Stürzt auf meinem Handy dauernd ab.",
        "Lost my progress after 4.0.", "I want my money back.",
    ),
}  # fmt: skip


def make_comet_data(*, users: int, seed: int, as_of: dt.date) -> dict[str, pd.DataFrame]:
    """Return the tables of the mobile game, as its files hold them.

    Args:
        users: People who ever install it.
        seed: Same seed, size and day: same rows.
        as_of: Last day of data.

    Returns:
        ``events`` (UTC), ``orders`` (Berlin time, amounts as text with a decimal comma),
        ``survey``, ``exposures``, ``observations`` and ``costs``.
    """
    line = Timeline(START, as_of, TIMEZONE)
    players = _players(line, users, seed)
    opens = _opens(line, players, seed)
    exposed = _exposed(line, players, opens)
    return {
        "events": _events(line, players, opens, seed),
        "orders": _orders(line, players, opens, exposed, seed),
        "survey": _survey(line, players, opens, seed),
        "exposures": pd.concat(
            [exposed.drop(columns="owner"), _exposed_to_shop(line, players, opens, seed)]
        ),
        "observations": _observations(line, seed),
        "costs": _costs(line, users, seed),
    }


def _players(line: Timeline, users: int, seed: int) -> pd.DataFrame:
    """One row per user: install, how long they stay, how often they open the game."""
    rng = stream(seed, "comet.players")
    daily = _installs_per_day(line, OUTAGE, *(lift.shift for lift in CAMPAIGNS))
    install = draw_arrivals(rng, daily, users, hours=_DAY)
    platform = pick(rng, _PLATFORMS, users)
    crashing = _crashing(line, install, platform)
    challenged = install >= line.day(CHALLENGES_RELEASE)
    shares = np.where(
        crashing[:, None], _KINDS_WITH_CRASHES,
        np.where(challenged[:, None], _KINDS_WITH_CHALLENGES, _KINDS),
    )  # fmt: skip
    kind = (rng.random((users, 1)) > np.cumsum(shares, axis=1)).sum(axis=1).clip(0, 3)
    end = install + rng.exponential(np.array(_STAYS)[kind])
    crash = line.day(CRASHES.start)
    met = (platform == "Android") & (install < crash) & (end > crash)
    leaves = met & (rng.random(users) < 0.13)  # existing players whom the crashes drove away
    end = np.where(leaves, crash + 18 * rng.random(users), end)
    return pd.DataFrame({
        "user_id": number("p", users),
        "country": pick(rng, _COUNTRIES, users),
        "platform": platform,
        "install": install,
        "end": end,
        "rate": np.array(_RATES)[kind] * rng.gamma(4, 0.25, users),
        "spends": rng.random(users) < np.array([0.006, 0.05, 0.17, 0.30])[kind],
    })  # fmt: skip


def _installs_per_day(line: Timeline, *shifts: Shift) -> Floats:
    """Relative number of installs per day; without ``shifts``, as usual."""
    return line.shape(*shifts, growth=1.15, weekdays=_WEEK, months=_YEAR)


def _crashing(line: Timeline, times: Floats, platform: np.ndarray) -> Flags:
    return np.asarray(line.within(times, CRASHES) & (platform == "Android"))


def _opens(line: Timeline, players: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row per opening of the game: owner (place in players) and time."""
    owner, times = draw_visits(
        stream(seed, "comet.opens"),
        start=players["install"].to_numpy(), end=players["end"].to_numpy(),
        rate=players["rate"].to_numpy(), hours=_DAY,
        daily=line.shape(OUTAGE, CRASHES, weekdays=_WEEK, months=_YEAR),
    )  # fmt: skip
    return pd.DataFrame({"owner": owner, "time": times})


def _events(line: Timeline, players: pd.DataFrame, opens: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Installs, openings, and what was done in them; some events lost the player's id."""
    rng = stream(seed, "comet.events")
    installs = players[["install"]].rename(columns={"install": "time"})
    installs = installs.assign(owner=players.index, event="install")
    level = opens[rng.random(len(opens)) < 0.42].assign(event="level_up")
    advert = opens[rng.random(len(opens)) < 0.22].assign(event="ad_watched")
    shared = opens[rng.random(len(opens)) < 0.02].assign(event="share")
    weeks = (opens["time"] - line.day(CHALLENGES_RELEASE)) / 7
    taken = np.where(weeks >= 0, 0.05 + 0.17 * (1 - np.exp(-weeks.clip(0) / 6)), 0)
    challenge = opens[rng.random(len(opens)) < taken].assign(event="challenge_done")
    for part, delay in ((level, 6), (advert, 4), (shared, 8), (challenge, 11)):
        part["time"] += delay * MINUTE * (0.5 + rng.random(len(part)))
    table = pd.concat([installs, opens.assign(event="open"), level, advert, shared, challenge])
    table = table[table["time"] < line.length]
    table = table.iloc[np.lexsort((table["event"], table["owner"], table["time"]))]
    who = players.iloc[table["owner"]]
    lost = table["event"].eq("ad_watched").to_numpy() & (rng.random(len(table)) < 0.02)
    return pd.DataFrame({
        "user_id": who["user_id"].mask(lost).to_numpy(),
        "event": table["event"].to_numpy(),
        "event_time": line.utc(table["time"].to_numpy()),
        "platform": who["platform"].to_numpy(),
        "country": who["country"].to_numpy(),
        "version": _version(line, table["time"].to_numpy(), rng),
    })  # fmt: skip


def _version(line: Timeline, times: Floats, rng: np.random.Generator) -> np.ndarray:
    """The version in use: most players update within days of a release."""
    releases = [line.day(day) for day in VERSIONS.values()]
    lag = rng.exponential(4, times.size)
    place = np.searchsorted(releases, times - lag, side="right") - 1
    return np.array(list(VERSIONS), dtype=object)[np.maximum(place, 0)]


def _exposed(line: Timeline, players: pd.DataFrame, opens: pd.DataFrame) -> pd.DataFrame:
    """First opening during the test of daily rewards; every second id sees them."""
    first, last = (line.day(day) for day in EXPERIMENT)
    seen = opens[(opens["time"] >= first) & (opens["time"] < last + 1)]
    seen = seen.drop_duplicates("owner").sort_values(["time", "owner"], ignore_index=True)
    owner = seen["owner"].to_numpy()
    return pd.DataFrame({
        "user_id": players["user_id"].to_numpy()[owner],
        "experiment": "daily_rewards",
        "variant": np.where(owner * 2_654_435_761 % 2**32 < 2**31, "rewards", "control"),
        "exposure_time": line.utc(seen["time"].to_numpy()),
        "owner": owner,
    })  # fmt: skip


def _exposed_to_shop(
    line: Timeline, players: pd.DataFrame, opens: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """First opening during the test of a new shop, which counts its users wrongly.

    On Android the new shop often crashes before it notes that it was seen.
    """
    rng = stream(seed, "comet.new_shop")
    first, last = (line.day(day) for day in BROKEN_EXPERIMENT)
    seen = opens[(opens["time"] >= first) & (opens["time"] < last + 1)]
    seen = seen.drop_duplicates("owner").sort_values(["time", "owner"], ignore_index=True)
    owner = seen["owner"].to_numpy()
    new = rng.random(owner.size) < 0.5
    android = players["platform"].to_numpy()[owner] == "Android"
    noted = ~(new & android & (rng.random(owner.size) < 0.65))
    table = pd.DataFrame({
        "user_id": players["user_id"].to_numpy()[owner],
        "experiment": "new_shop",
        "variant": np.where(new, "new_shop", "control"),
        "exposure_time": line.utc(seen["time"].to_numpy()),
    })  # fmt: skip
    return pd.DataFrame(table.loc[noted])


def _orders(
    line: Timeline, players: pd.DataFrame, opens: pd.DataFrame, exposed: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """Purchases and refunds as the store exports them; a few were sent again with a new status."""
    rng = stream(seed, "comet.orders")
    spends = players["spends"].to_numpy()[opens["owner"]]
    rewarded = opens["owner"].isin(exposed.loc[exposed["variant"] == "rewards", "owner"])
    lifted = rewarded & (opens["time"] >= line.day(EXPERIMENT[0]))
    bought = opens[spends & (rng.random(len(opens)) < np.where(lifted, 0.18, 0.14))]
    time = bought["time"].to_numpy() + 3 * MINUTE
    pack = pick(rng, _PACK_WEIGHTS, len(bought))
    prices = np.array([_PACKS[name] for name in pack]).reshape(-1, 2)
    price = np.where(time >= line.day(NEW_PRICES), prices[:, 1], prices[:, 0])
    platform = players["platform"].to_numpy()[bought["owner"]]
    sales = pd.DataFrame({"owner": bought["owner"].to_numpy(), "time": time, "pack": pack,
                          "amount": price, "status": "paid"})  # fmt: skip
    back = rng.random(len(sales)) < np.where(_crashing(line, time, platform), 0.35, 0.025)
    refunds = sales[back].assign(amount=-price[back], status="refunded")
    refunds["time"] += 1 + rng.exponential(2.5, len(refunds))
    table = pd.concat([sales, refunds])
    table = table[table["time"] < line.length]
    table = table.iloc[np.lexsort((table["owner"], table["time"]))].reset_index(drop=True)
    table["order"] = number("GPA-", len(table), first=310_001)
    pending = (table["status"] == "paid") & (rng.random(len(table)) < 0.01)
    table = pd.concat([table[pending].assign(status="pending"), table])
    table = table.sort_values(["order", "status"], key=_last_word, kind="stable")
    who = players.iloc[table["owner"]]
    return pd.DataFrame({
        "Bestellnummer": table["order"].to_numpy(),
        "Spieler": who["user_id"].to_numpy(),
        "Zeitpunkt": line.local(table["time"].to_numpy()).strftime("%d.%m.%Y %H:%M:%S"),
        "Betrag": [f"{amount:.2f}".replace(".", ",") for amount in table["amount"]],
        "Währung": "EUR",
        "Paket": table["pack"].to_numpy(),
        "Plattform": who["platform"].to_numpy(),
        "Land": who["country"].to_numpy(),
        "Status": table["status"].to_numpy(),
    })  # fmt: skip


def _last_word(column: pd.Series) -> pd.Series:
    """Sort a pending row before the row that replaced it."""
    return column != "pending" if column.name == "status" else column


def _survey(line: Timeline, players: pd.DataFrame, opens: pd.DataFrame, seed: int) -> pd.DataFrame:
    """In-game answers, at most one per player and quarter; an old version let an 11 through."""
    rng = stream(seed, "comet.survey")
    asked = opens[rng.random(len(opens)) < 0.016].sort_values("time", ignore_index=True)
    quarter = (asked["time"] // 91).astype(int)
    asked = asked[~pd.DataFrame({"owner": asked["owner"], "quarter": quarter}).duplicated()]
    time, owner = asked["time"].to_numpy(), asked["owner"].to_numpy()
    platform = players["platform"].to_numpy()[owner]
    crashed = line.soon(time, CRASHES.start, 40) & (platform == "Android")
    mood = 38 + 8.0 * (time >= line.day(CHALLENGES_RELEASE)) - 48 * crashed
    score = draw_scores(rng, mood)
    themes = themes_of(score)
    themes[crashed & (score < 7) & (rng.random(score.size) < 0.75)] = "crash"
    old = time < line.day(VERSIONS["3.2"])
    return pd.DataFrame({
        "user_id": players["user_id"].to_numpy()[owner],
        "answered_at": line.utc(time),
        "score": np.where(old & (score == 10) & (rng.random(score.size) < 0.06), 11, score),
        "platform": platform,
        "comment": draw_comments(rng, themes, _COMMENTS, share=0.35),
    })  # fmt: skip


def _observations(line: Timeline, seed: int) -> pd.DataFrame:
    """Weekly values of the app stores, the crash reporter and the team's board, one column each."""
    rng = stream(seed, "comet.observations")
    weeks = line.dates[line.dates.day_of_week == 0]
    places = np.arange(len(weeks))
    middles = np.array([line.day(week.date()) + 3.5 for week in weeks])
    crashing = line.within(middles, CRASHES)
    hurt = np.convolve(crashing, 0.16 * 0.82 ** np.arange(30))[: len(weeks)]
    rating = 4.38 + 0.0012 * places - hurt + rng.normal(0, 0.025, len(weeks))
    crash_free = np.where(crashing, 0.968, 0.9952) + rng.normal(0, 0.0008, len(weeks))
    done = rng.poisson(np.where(crashing, 3, 6), len(weeks))  # the team mends what crashes
    days = rng.gamma(16, np.where(crashing, 0.6, 0.3))  # an item takes, from begun to done
    return pd.DataFrame({
        "week": weeks, "app_rating": rating.round(2), "crash_free_rate": crash_free.round(4),
        "items_done": done, "item_days": days.round(1),
    })  # fmt: skip


def _costs(line: Timeline, users: int, seed: int) -> pd.DataFrame:
    usual = _installs_per_day(line)
    arrivals = usual / usual.sum() * users
    rng = stream(seed, "comet.costs")
    return draw_costs(
        rng, line, arrivals, shares=_CHANNELS, prices=_COST_PER_INSTALL, lifts=CAMPAIGNS
    )
