"""Features: how many use each, and whether those who do come back more often than the others."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from typing import Literal

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpikit.engine import as_table, fetch, naive_utc, short_key, utc_bounds, with_text_events
from kpikit.intervals import newcombe_interval, wilson_interval
from kpikit.params.model import Product
from kpikit.periods import Calendar, Period

Verdict = Literal["winner", "underperformer", "mixed", "unclear"]
LEAST_USERS = 30  # on either side, below which no share is told


def feature_return_table(
    events: ir.Table | pd.DataFrame,
    period: Period,
    *,
    calendar: Calendar,
    as_of: dt.date,
    params: Product,
) -> pd.DataFrame:
    """Return, per feature, how many of its users were active in the next period, and of the others.

    Users are those active in the period; a feature's adopters those with its event in it. What is
    compared is an association: who uses a feature may come back for other reasons.

    Args:
        events: Canonical events.
        period: The period in which features were used; the next one follows it at once.
        calendar: How the product cuts time.
        as_of: Last complete day, after which nothing counts; it covers the next period.
        params: The product: its ``features``.

    Returns:
        One row per declared feature, in their order: ``feature``, ``adopters`` and ``others``
        (users), ``adopters_back`` and ``others_back`` (of them, active in the next period),
        ``adopter_rate`` and ``other_rate`` with ``adopter_low``, ``adopter_high``, ``other_low``,
        ``other_high`` (Wilson, 95 %), ``difference`` with ``ci_low`` and ``ci_high`` (Newcombe, 95
        %). Rates of fewer than 30 users, and the difference then, are NaN.
    """
    end = min(calendar.shift(period, 1).end, as_of + dt.timedelta(days=1))
    days = (period.start, period.end, end)
    users = _users(as_table(events), days, calendar.timezone, params.features.values())
    flags = [f"feature_{index}" for index in range(len(params.features))]
    sums = {"users": users.count(), "users_back": users.count(where=users.back)}
    for flag in flags:
        sums[flag] = users.count(where=users[flag])
        sums[f"{flag}_back"] = users.count(where=users[flag] & users.back)
    (found,) = fetch(users.aggregate(**sums)).to_pylist()
    counts = pd.DataFrame(
        {
            "feature": list(params.features),
            "adopters": [found[flag] for flag in flags],
            "others": [found["users"] - found[flag] for flag in flags],
            "adopters_back": [found[f"{flag}_back"] for flag in flags],
            "others_back": [found["users_back"] - found[f"{flag}_back"] for flag in flags],
        }
    )
    return _with_rates(counts)


def _users(
    events: ir.Table, days: Sequence[dt.date], timezone: str, features: Iterable[str]
) -> ir.Table:
    """Return a row per user of a period: ``back`` (active in the next too), ``feature_0`` ...

    ``days`` are those on which the period begins, the next one begins, and it ends.
    """
    begin, middle, end = (utc_bounds(day, day, timezone)[0] for day in days)
    known = with_text_events(events).drop_null("user_id")
    rows = known.select("event", user=short_key(known.user_id), time=naive_utc(known.event_time))
    rows = rows.filter(rows.time >= begin, rows.time < end)
    now = rows.time < middle
    flags = {
        f"feature_{index}": (now & (rows.event == event)).any()
        for index, event in enumerate(features)
    }
    users = rows.group_by("user").aggregate(here=now.any(), back=(~now).any(), **flags)
    return users.filter(users.here)


def feature_verdicts(adoption: pd.DataFrame, returns: pd.DataFrame) -> pd.DataFrame:
    """Return each feature's adoption against the period before, and where the feature stands.

    Args:
        adoption: Per feature: ``feature``, ``value`` (share of active users), ``n`` (active users),
            ``previous`` and ``previous_n``, of the period before (NaN where unknown).
        returns: ``feature_return_table``.

    Returns:
        ``adoption`` with the columns of ``returns``, ``change``, ``change_low``, ``change_high``
        (Newcombe, 95 %; wider than need be, for many users are in both periods) and ``verdict``:
        ``winner`` (its users came back more often, and adoption did not fall), ``underperformer``
        (they came back less often, or adoption fell and they did not come back more often),
        ``mixed`` (adoption fell although they came back more often), else ``unclear``. More and
        less are said where the interval leaves out zero.
    """
    table = adoption.merge(returns, on="feature", how="left")
    known = table["previous"].notna()
    n, before_n = table["n"].where(known, 0), table["previous_n"].where(known, 0)
    low, high = newcombe_interval(
        (table["value"] * table["n"]).where(known, 0), n,
        (table["previous"] * table["previous_n"]).where(known, 0), before_n,
    )  # fmt: skip
    table = table.assign(
        change=table["value"] - table["previous"], change_low=low, change_high=high
    )
    more, less, fell = table["ci_low"] > 0, table["ci_high"] < 0, table["change_high"] < 0
    verdicts = np.select(
        [less | (fell & ~more), fell, more], ["underperformer", "mixed", "winner"], "unclear"
    )
    return table.assign(verdict=verdicts)


def _with_rates(counts: pd.DataFrame) -> pd.DataFrame:
    table = counts.copy()
    enough = (table["adopters"] >= LEAST_USERS) & (table["others"] >= LEAST_USERS)
    for name, users in (("adopter", "adopters"), ("other", "others")):
        told = table[users] >= LEAST_USERS
        low, high = wilson_interval(table[f"{users}_back"], table[users])
        table[f"{name}_rate"] = (table[f"{users}_back"] / table[users]).where(told)
        table[f"{name}_low"], table[f"{name}_high"] = (
            np.where(told, end, math.nan) for end in (low, high)
        )
    low, high = newcombe_interval(
        table["adopters_back"], table["adopters"], table["others_back"], table["others"]
    )
    table["difference"] = table["adopter_rate"] - table["other_rate"]
    table["ci_low"], table["ci_high"] = (np.where(enough, end, math.nan) for end in (low, high))
    return table
