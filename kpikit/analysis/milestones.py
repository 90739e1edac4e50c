"""When milestones will be delivered, by the work that was done per period so far."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.params.model import Milestone

LEAST_PERIODS = 5  # of throughput, from which others can be drawn
_LONGEST = 520  # periods ahead: ten years of weeks


@dataclass(frozen=True)
class Throughput:
    """Work items done in each of the last whole periods.

    Attributes:
        items: Per period, in time order; a period without any is a zero.
        days: Length of a period, in days.
    """

    items: Sequence[float]
    days: float = 7.0


def milestone_table(
    milestones: Iterable[Milestone],
    throughput: Mapping[str, Throughput],
    *,
    as_of: dt.date,
    generator: np.random.Generator,
    trials: int = 10_000,
) -> pd.DataFrame:
    """Return the milestones with the day by which each is delivered in half and in 85 % of trials.

    A trial draws periods of the past, with replacement, until the items left are done. So the
    forecast knows how uneven the work was, and takes no view on why. It holds as long as the team
    goes on as in the periods given, and no item is added.

    Args:
        milestones: The product's register.
        throughput: Metric that a milestone names to the items done per period.
        as_of: Last complete day; the work goes on from the next.
        generator: Source of random numbers; seeded, it gives the same days again.
        trials: Number of trials.

    Returns:
        One row per milestone, by planned day: ``key``, ``milestone``, ``planned``, ``forecast`` (as
        declared), ``actual`` (None where absent), ``remaining`` (items), ``p50`` and ``p85`` (days;
        None where unknown), ``p_on_time`` (share of trials done by the planned day), ``slip_days``
        (actual, else ``p85``, else the declared forecast, less planned; NaN where none is known),
        ``state`` (``done``, ``late``: planned for a day that has passed, ``open``) and ``reason``:
        why there is no forecast, empty where there is one or none is needed.

    References:
        Magennis, T. (2011). Forecasting and Simulating Software Development Projects. Vacanti,
        D. S. (2015). Actionable Agile Metrics for Predictability, chapter 15.
    """
    rows = [
        _row(one, throughput, as_of, generator, trials)
        for one in sorted(milestones, key=lambda milestone: milestone.planned)
    ]
    columns = [
        "key", "milestone", "planned", "forecast", "actual", "remaining", "p50", "p85",
        "p_on_time", "slip_days", "state", "reason",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def periods_needed(
    items: Sequence[float], remaining: float, *, generator: np.random.Generator, trials: int
) -> npt.NDArray[np.float64]:
    """Return in how many periods ``remaining`` items were done, per trial, in fractions of one.

    Infinite where ten years of weeks do not suffice.

    Args:
        items: Items done in each of the past periods, some above zero.
        remaining: Items left.
        generator: Seeded.
        trials: Number of trials.
    """
    past = np.asarray(items, dtype=float)
    left = np.full(trials, float(remaining))
    needed = np.where(left > 0, math.inf, 0.0)
    for period in range(_LONGEST):
        ahead = left > 0
        if not ahead.any():
            break
        done = generator.choice(past, size=trials)
        now = ahead & (done >= left)
        needed[now] = period + left[now] / done[now]
        left = left - done
    return needed


def _row(
    milestone: Milestone,
    throughput: Mapping[str, Throughput],
    as_of: dt.date,
    generator: np.random.Generator,
    trials: int,
) -> dict[str, Any]:
    found: dict[str, Any] = {"p50": None, "p85": None, "p_on_time": math.nan}
    reason = ""
    if milestone.actual is None:
        work = throughput.get(milestone.throughput or "")
        reason = _no_forecast(milestone, work)
        if not reason and work is not None:
            found = _forecast(milestone, work, as_of, generator, trials)
            reason = "" if found["p85"] else "at that pace it is not done in ten years"
    end = milestone.actual or found["p85"] or milestone.forecast
    is_late = milestone.actual is None and milestone.planned <= as_of
    return {
        **{name: getattr(milestone, name) for name in ("key", "milestone", "planned", "forecast")},
        "actual": milestone.actual,
        "remaining": math.nan if milestone.remaining is None else milestone.remaining,
        **found,
        "slip_days": math.nan if end is None else (end - milestone.planned).days,
        "state": "done" if milestone.actual else "late" if is_late else "open",
        "reason": reason,
    }


def _no_forecast(milestone: Milestone, work: Throughput | None) -> str:
    """Return why a milestone cannot be forecast, empty where it can."""
    if milestone.remaining is None:
        return "the items left are not declared"
    if work is None:
        return f"no throughput of {milestone.throughput} is known"
    if len(work.items) < LEAST_PERIODS:
        return f"{len(work.items)} periods of throughput, and {LEAST_PERIODS} are needed"
    if not all(math.isfinite(one) and one >= 0 for one in work.items):
        return "a period's throughput is missing or negative"
    return "" if any(work.items) else "nothing was done in any period"


def _forecast(
    milestone: Milestone,
    work: Throughput,
    as_of: dt.date,
    generator: np.random.Generator,
    trials: int,
) -> dict[str, Any]:
    needed = periods_needed(
        work.items, milestone.remaining or 0, generator=generator, trials=trials
    )
    days = np.ceil(needed * work.days)
    in_time = (milestone.planned - as_of).days
    return {
        "p50": _day(as_of, days, 0.50),
        "p85": _day(as_of, days, 0.85),
        "p_on_time": float((days <= in_time).mean()),
    }


def _day(as_of: dt.date, days: npt.NDArray[np.float64], share: float) -> dt.date | None:
    """Return the first day by which at least ``share`` of the trials were done."""
    ahead = float(np.quantile(days, share, method="inverted_cdf"))
    return as_of + dt.timedelta(days=ahead) if math.isfinite(ahead) else None
