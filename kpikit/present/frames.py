"""Tidy frames, as those who show them read them: row by row, each period beside another."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from kpikit.formats import format_date
from kpikit.periods import Calendar, Grain

Row = Mapping[str, Any]

_AGE_LETTERS = {"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dictionaries from column to value."""
    names = [str(name) for name in frame.columns]
    rows = frame.to_numpy(dtype=object).tolist()  # five times as fast as to_dict
    return [dict(zip(names, row, strict=True)) for row in rows]


def in_words(code: str) -> str:
    """Return a code of the data as words: ``paid_search`` is ``paid search``."""
    return code.replace("_", " ").strip()


def day_of(value: dt.date | pd.Timestamp) -> dt.date:
    """Return the day of a date or of a time."""
    return value.date() if isinstance(value, dt.datetime) else value


def trend_frame(
    facts: pd.DataFrame, *, calendar: Calendar, last: int, since: dt.date | None = None
) -> pd.DataFrame:
    """Return the last periods of one metric's facts, each beside the same period a year before.

    Args:
        facts: Facts of one metric, one segment and one grain, with the year before where known.
        calendar: How the product cuts time; weeks compare with 364 days before.
        last: How many periods to return.
        since: First day of the metric's present definition, where the data change it.

    Returns:
        ``facts`` of the last periods, sorted by ``start``, with ``previous``: NaN where it is
        unknown, covered in part, or of another definition than the period beside it.
    """
    days = [day_of(start) for start in facts["start"].tolist()]
    columns = (days, facts["value"].tolist(), facts["complete"].tolist())
    values = {day: value for day, value, whole in zip(*columns, strict=True) if whole}
    ordered = sorted(days)
    shown = (facts if days == ordered else facts.sort_values("start")).iloc[-last:]
    before = []
    for day, grain in zip(ordered[-last:], shown["grain"].tolist(), strict=True):
        base = calendar.year_before(calendar.period_of(day, grain)).start
        comparable = since is None or base >= since or day < since
        before.append(values.get(base) if comparable else None)
    return shown.assign(previous=np.array(before, dtype=float))


def cohort_rates(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rates of ``retention_table`` with a row per cohort and a column per age.

    Age 0 is left out where every cohort is whole in it and there are others.
    """
    # unstack fails on a repeated cell, where pivot_table would average it
    rates = table.set_index(["cohort", "age"])["retention_rate"].unstack()  # noqa: PD010 - see above
    if 0 in rates and rates.shape[1] > 1 and bool((rates[0].dropna() == 1).all()):
        rates = rates.drop(columns=0)
    return rates


def cohort_name(cohort: dt.date, grain: Grain) -> str:
    """Return how a cohort is called: ``6 Jul 2026``, ``Jul 2026``, ``2026``."""
    if grain == "year":
        return str(cohort.year)
    day = format_date(cohort)
    return day.split(" ", 1)[1] if grain in ("month", "quarter") else day


def age_names(ages: Iterable[Any], grain: Grain) -> list[str]:
    """Return how ages, in periods, are called: ``W1``, ``W2``."""
    return [f"{_AGE_LETTERS[grain]}{age:.0f}" for age in ages]
