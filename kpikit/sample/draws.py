"""Seeded draws that the sample products share: ids, arrivals, visits, answers, costs."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.sample.timeline import Floats, Shift, Timeline

Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]

MINUTE = 1 / 1440


@dataclass(frozen=True)
class Lift:
    """A campaign: while it lasts, ``shift.factor`` times as many come, the surplus by channel."""

    campaign: str
    channel: str
    shift: Shift


def stream(seed: int, name: str) -> np.random.Generator:
    """Return random numbers of their own for ``name``, so that one table never shifts another."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def number(prefix: str, count: int, *, first: int = 1) -> Texts:
    """Return ``count`` ids of one width: ``u00001``, ``u00002``."""
    width = max(5, len(str(first + count)))
    return np.array([f"{prefix}{i:0{width}d}" for i in range(first, first + count)], dtype=object)


def pick(rng: np.random.Generator, weights: Mapping[str, float], size: int) -> Texts:
    """Return ``size`` names drawn in proportion to their weights."""
    shares = np.array(list(weights.values()), dtype=np.float64)
    places = np.searchsorted(np.cumsum(shares / shares.sum()), rng.random(size), side="right")
    return np.array(list(weights), dtype=object)[np.minimum(places, len(weights) - 1)]


def draw_arrivals(
    rng: np.random.Generator, daily: Floats, size: int, *, hours: Sequence[float]
) -> Floats:
    """Return ``size`` sorted times: over the days like ``daily``, over the day like ``hours``."""
    cumulative = np.cumsum(daily / daily.sum())
    days = np.minimum(np.searchsorted(cumulative, rng.random(size), side="right"), daily.size - 1)
    return np.sort(days + time_of_day(rng, size, hours=hours))


def draw_visits(
    rng: np.random.Generator,
    *,
    start: Floats,
    end: Floats,
    rate: Floats,
    daily: Floats,
    hours: Sequence[float],
) -> tuple[Ints, Floats]:
    """Return visits of many visitors, each a Poisson process thinned by the day's factor.

    Args:
        rng: Random numbers.
        start: First moment of each visitor (at least 0).
        end: Last moment of each; cut at the end of the history.
        rate: Visits per day of each, where the day's factor is 1.
        daily: Factor per day of the history.
        hours: Factors of the 24 hours.

    Returns:
        Whose visit it is, as a place in ``start``, and its time; sorted by both.
    """
    stay = np.clip(np.minimum(end, daily.size) - start, 0, None)
    peak = daily.max()
    owner = np.repeat(np.arange(start.size), rng.poisson(rate * stay * peak))
    days = np.floor(start[owner] + rng.random(owner.size) * stay[owner]).astype(np.int64)
    days = np.minimum(days, daily.size - 1)
    kept = rng.random(owner.size) * peak < daily[days]
    owner, days = owner[kept], days[kept]
    times = days + time_of_day(rng, owner.size, hours=hours)
    early = times < start[owner]  # on the first day, a visit follows the arrival within the hour
    times[early] = start[owner][early] + rng.random(int(early.sum())) * 60 * MINUTE
    times = np.minimum(times, np.nextafter(daily.size, 0))
    order = np.lexsort((times, owner))
    return owner[order], times[order]


def time_of_day(rng: np.random.Generator, size: int, *, hours: Sequence[float]) -> Floats:
    """Return ``size`` shares of a day, spread like the factors of its 24 hours."""
    edges = np.concatenate([[0.0], np.cumsum(hours) / np.sum(hours)])
    return np.interp(rng.random(size), edges, np.arange(25) / 24)


def draw_scores(rng: np.random.Generator, mood: Floats) -> Ints:
    """Return 0-to-10 answers; ``mood`` is the net promoter score, in points, each is drawn from."""
    promoters = np.clip(0.35 + mood / 200, 0, 1)  # three in ten are passive
    detractors = np.clip(0.35 - mood / 200, 0, 1)
    luck = rng.random(mood.size)
    detractor = rng.choice(7, mood.size, p=[0.06, 0.04, 0.07, 0.11, 0.13, 0.27, 0.32])
    passive = rng.choice([7, 8], mood.size, p=[0.42, 0.58])
    promoter = rng.choice([9, 10], mood.size, p=[0.46, 0.54])
    lower = np.where(luck < detractors, detractor, passive)
    return np.asarray(np.where(luck >= 1 - promoters, promoter, lower), dtype=np.int64)


def draw_comments(
    rng: np.random.Generator, themes: Texts, texts: Mapping[str, Sequence[str]], *, share: float
) -> Texts:
    """Return a comment that fits its theme for a ``share`` of the answers, None for the others."""
    comments = np.full(themes.size, None, dtype=object)
    for theme, choices in texts.items():
        chosen = (themes == theme) & (rng.random(themes.size) < share)
        places = rng.integers(0, len(choices), chosen.sum())
        comments[chosen] = np.array(choices, dtype=object)[places]
    return comments


def themes_of(score: Ints) -> Texts:
    """Return ``promoter``, ``passive`` or ``detractor`` for 0-to-10 answers."""
    names = np.where(score >= 9, "promoter", np.where(score >= 7, "passive", "detractor"))
    return names.astype(object)


def draw_channels(
    rng: np.random.Generator,
    line: Timeline,
    times: Floats,
    *,
    usual: Mapping[str, float],
    lifts: Sequence[Lift],
) -> Texts:
    """Return where each arrival came from; a campaign's extra ones came through its channel."""
    channels = pick(rng, usual, times.size)
    for lift in lifts:
        extra = rng.random(times.size) < 1 - 1 / lift.shift.factor
        channels[line.within(times, lift.shift) & extra] = lift.channel
    return channels


def draw_costs(
    rng: np.random.Generator,
    line: Timeline,
    arrivals: Floats,
    *,
    shares: Mapping[str, float],
    prices: Mapping[str, float],
    lifts: Sequence[Lift],
) -> pd.DataFrame:
    """Return what the paid channels cost: per day and channel, the campaigns apart.

    Args:
        rng: Random numbers.
        line: The product's days.
        arrivals: Usual arrivals per day, without campaigns.
        shares: Share of the arrivals that comes by each channel, in percent.
        prices: Cost of one arrival by each paid channel.
        lifts: The campaigns.

    Returns:
        ``cost_date``, ``channel``, ``campaign``, ``cost`` (rounded to cents), sorted.
    """
    everywhere = np.ones(line.length, dtype=bool)
    rows = [("Always on", channel, everywhere, shares[channel] / 100) for channel in prices]
    days = np.arange(line.length, dtype=np.float64)
    rows += [
        (lift.campaign, lift.channel, line.within(days, lift.shift), lift.shift.factor - 1)
        for lift in lifts
    ]
    parts = []
    for campaign, channel, lasting, share in rows:
        noise = rng.gamma(60, 1 / 60, line.length)
        cost = np.round(arrivals * share * prices[channel] * noise, 2)
        part = {"cost_date": line.dates[lasting], "channel": channel, "campaign": campaign}
        parts.append(pd.DataFrame({**part, "cost": cost[lasting]}))
    table = pd.concat(parts)
    return table.sort_values(["cost_date", "channel", "campaign"], ignore_index=True)
