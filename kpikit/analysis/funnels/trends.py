"""How a funnel fares over time."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Unpack

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpikit.analysis.funnels.definition import Definition, FunnelKeywords, define
from kpikit.analysis.funnels.events import prepare
from kpikit.analysis.funnels.reported import reported_entries
from kpikit.analysis.funnels.tables import group_columns, in_order_of_size, step_rows, step_totals
from kpikit.engine import local_date, period_start, utc_bounds
from kpikit.errors import check_choice
from kpikit.periods import Calendar, Grain, Period, Weekday

_RATES = ["step_rate", "overall_rate", "ci_low", "ci_high"]


def funnel_trend_table(
    events: "ir.Table | pd.DataFrame",
    *,
    grain: Grain = "week",
    week_start: Weekday = "monday",
    fiscal_year_start: int = 1,
    confidence: float = 0.95,
    **funnel: Unpack[FunnelKeywords],
) -> pd.DataFrame:
    """Return the funnel of the entries that begin in each period.

    A user counts in every period in which it has an entry, there by its reported entry of that
    period. A period without entries is a row of zeros without rates. One in which entries have not
    all had a full window by ``as_of`` is not ``complete``: its users are those so far, and its
    rates are missing. Without ``as_of`` every period counts as complete.

    Args:
        events: As for ``funnel_table``.
        grain: Length of a period: day, week, month, quarter or year.
        week_start: First day of a week.
        fiscal_year_start: First month of the year, for quarters and years.
        confidence: Confidence level of the interval, 0 to 1.
        **funnel: The funnel and its days, as for ``funnel_table``.

    Returns:
        One row per ``by`` columns, ``period`` (its first day in ``timezone``) and ``step``, with
        the columns of ``funnel_table`` and ``complete``. Periods run from ``start``, or the first
        entry, to ``end``, or ``as_of``, or the last entry.

    Raises:
        AnalysisError: As for ``funnel_table``.
        PeriodError: As for ``funnel_table``.
    """
    check_choice("grain", grain, ("day", "week", "month", "quarter", "year"), "funnel_trend_table")
    definition = replace(define("funnel_trend_table", **funnel), mature_only=False)
    calendar = Calendar(
        timezone=definition.timezone, week_start=week_start, fiscal_year_start=fiscal_year_start
    )

    def period_of(time: ir.TimestampValue) -> ir.DateValue:
        return period_start(local_date(time, definition.timezone), grain, calendar)

    reported = reported_entries(prepare(events, definition), {"period": period_of})
    totals = step_totals(reported, definition).to_pandas()
    return trend_rows(totals, definition, calendar, grain, confidence=confidence)


def trend_rows(
    totals: pd.DataFrame,
    funnel: Definition,
    calendar: Calendar,
    grain: Grain,
    *,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return ``funnel_trend_table`` of the totals of periods."""
    totals["period"] = pd.to_datetime(totals["period"])
    periods = _periods(totals["period"], funnel, calendar, grain)
    table = step_rows(_filled(totals, periods), funnel, confidence=confidence)
    return _marked(table, periods, funnel)


def _periods(
    found: pd.Series, funnel: Definition, calendar: Calendar, grain: Grain
) -> Sequence[Period]:
    """Return every period that the result shows."""
    first = _local_day(funnel.start, funnel.timezone) or (
        None if found.empty else found.min().date()
    )
    last = _local_day(funnel.end, funnel.timezone, before=True)
    last = last or _local_day(funnel.closing, funnel.timezone, before=True)
    last = last or (None if found.empty else found.max().date())
    if first is None or last is None:
        return []
    return calendar.periods(first, last + dt.timedelta(days=1), grain)


def _local_day(
    instant: dt.datetime | None, timezone: str, *, before: bool = False
) -> dt.date | None:
    """Return the local day of an instant, or of the moment before it."""
    if instant is None:
        return None
    moment = pd.Timestamp(instant) - pd.Timedelta(microseconds=int(before))
    return moment.tz_localize("UTC").tz_convert(timezone).date()


def _filled(totals: pd.DataFrame, periods: Sequence[Period]) -> pd.DataFrame:
    """Return a row per group and period, the largest group first, zeros where nobody entered."""
    groups = [name for name in group_columns(totals) if name != "period"]
    users = [name for name in totals.columns if name.startswith("users_")]
    days = pd.to_datetime([period.start for period in periods])
    if groups:
        sizes = totals.groupby(groups)["users_1"].sum().reset_index()
        sizes = in_order_of_size(sizes, sizes["users_1"])
        known = sizes[groups].itertuples(index=False, name=None)
        keys = pd.DataFrame(
            [(*group, day) for group, day in product(known, days)], columns=[*groups, "period"]
        )
    else:
        keys = pd.DataFrame({"period": days})
    keys["period"] = keys["period"].astype(totals["period"].dtype)
    filled = keys.merge(totals, on=[*groups, "period"], how="left")
    return filled.fillna(dict.fromkeys(users, 0))


def _marked(table: pd.DataFrame, periods: Sequence[Period], funnel: Definition) -> pd.DataFrame:
    """Return the table with ``complete``, and without the rates of periods that are not."""
    complete = {
        pd.Timestamp(period.start): funnel.last_entry is None
        or utc_bounds(period.start, period.end, funnel.timezone)[1] <= funnel.last_entry
        for period in periods
    }
    table["complete"] = table["period"].map(complete).astype(bool)
    table.loc[~table["complete"], [*_RATES, "median_seconds", "mean_seconds"]] = np.nan
    return table
