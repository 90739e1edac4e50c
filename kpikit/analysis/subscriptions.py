"""Recurring revenue: how it moves, and the metrics that follow from its movements."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpikit.catalogue import fact, make_facts
from kpikit.catalogue.spells import (
    AMOUNTS,
    COUNTS,
    TRIAL_COUNTS,
    Balance,
    balances,
    daily_trials,
    first_paid_day,
    paid_spells,
)
from kpikit.engine import as_table
from kpikit.errors import AnalysisError, check_choice
from kpikit.formats import format_date
from kpikit.intervals import wilson_interval
from kpikit.periods import GRAINS, Calendar, Grain, Period, Weekday, as_date

Values = dict[str, Any]
TRIALS = "trial_to_paid_rate"
SUBSCRIPTION_METRICS = (
    "mrr",
    "arpa",
    "nrr",
    "grr",
    "logo_churn_rate",
    "revenue_churn_rate",
    "gross_mrr_churn_rate",
    "net_mrr_churn_rate",
    "quick_ratio",
    TRIALS,
)
_NO_DENOMINATOR = {
    "arpa": "no customer at the end",
    "logo_churn_rate": "no customer at the start",
    "quick_ratio": "no recurring revenue was lost",
}
_ONE_DAY = dt.timedelta(days=1)


def mrr_table(
    subscriptions: ir.Table | pd.DataFrame,
    *,
    grain: Grain = "month",
    start: dt.date | str,
    end: dt.date | str,
    timezone: str = "UTC",
    week_start: Weekday = "monday",
    fiscal_year_start: int = 1,
) -> pd.DataFrame:
    """Return the movements of monthly recurring revenue per period, by ChartMogul's definitions.

    A spell is active in [``start_time``, ``end_time``); spells of one customer add up. A movement
    is the difference between a customer's MRR just before the period's first instant and just
    before the first instant after it, so each customer makes at most one movement a period, and
    what starts at midnight of a period's first day is new in that period:

    * ``new``: from nothing to something for the first time ever;
    * ``reactivation``: from nothing to something, having paid in an earlier period;
    * ``expansion``, ``contraction``: from something to more, to less;
    * ``churned``: from something to nothing. A change of plan without a gap is no churn, and who
      comes and goes within one period makes no movement.

    All are positive amounts: ``mrr_end = mrr_start + new + expansion + reactivation - contraction
    - churned``. Rates are shares of the start and missing where the start is nothing:

    * ``nrr`` = (mrr_start + expansion - contraction - churned) / mrr_start: neither new business
      nor reactivation is in it, for it follows the customers of the start;
    * ``grr`` = (mrr_start - contraction - churned) / mrr_start;
    * ``logo_churn_rate`` = customers churned / customers at the start;
    * ``revenue_churn_rate`` = churned / mrr_start, the MRR of those who left;
    * ``gross_mrr_churn_rate`` = (churned + contraction) / mrr_start, and ``net_mrr_churn_rate`` =
      (churned + contraction - expansion - reactivation) / mrr_start: ChartMogul's standard (B2B)
      formulas. Its other formula of net churn (Shopify, B2C) sums
      1 - (mrr_end - new) / mrr_start over days: the sum of ``net_mrr_churn_rate`` over the days
      of a table with ``grain="day"``;
    * ``quick_ratio`` = (new + expansion + reactivation) / (contraction + churned), missing where
      nothing was lost;
    * ``arpa`` = mrr_end / customers_end.

    Customers are those with an MRR above zero; a free plan is none. Spells without ``start_time``
    (trials never paid) or without ``mrr``, and spells that end before they start, are left out;
    a customer whose spells add up to less than zero counts as zero.

    Args:
        subscriptions: One row per spell: ``user_id``, ``mrr`` (money a month), ``start_time``
            and ``end_time`` (UTC; null while active).
        grain: Length of a period: day, week, month, quarter or year.
        start: First day. The first period begins here even where a period of the calendar
            began earlier.
        end: First day after the last; the last period ends here.
        timezone: IANA zone in which days begin.
        week_start: First day of a week.
        fiscal_year_start: First month of the fiscal year (1 to 12), for quarters and years.

    Returns:
        One row per period, sorted: ``period`` (label), ``start``, ``end``, then ``mrr_start``,
        ``new``, ``expansion``, ``contraction``, ``churned``, ``reactivation``, ``mrr_end`` (money
        a month, summed exactly), the rates (shares), ``quick_ratio``, ``arpa``, and
        ``customers_start``, ``customers_new``, ``customers_reactivated``, ``customers_churned``,
        ``customers_end``, ``subscriptions_end`` (paid spells active at the end).

    Raises:
        AnalysisError: ``end`` is not after ``start``, ``grain`` is unknown, a column is missing.
        PeriodError: A day, the zone, the week's or the year's start is wrong.

    References:
        ChartMogul Help: MRR movements; Net MRR Retention ("excludes New Business and
        Reactivation"); Net MRR Churn Rate (both formulas); Customer Churn Rate; ARPA. The quick
        ratio is Mamoon Hamid's (Social Capital), with reactivation among the gains.
    """
    check_choice("grain", grain, GRAINS, "mrr_table")
    first, after = as_date(start, "start"), as_date(end, "end")
    if after <= first:
        raise AnalysisError(
            f"end ({after}) is not after start ({first}) in mrr_table.\n"
            f"Give the first day after the last one as end."
        )
    calendar = Calendar(timezone, fiscal_year_start, week_start)
    periods = [
        Period(max(period.start, first), min(period.end, after), grain, period.label)
        for period in calendar.periods(first, after, grain)
    ]
    return movements_table(subscriptions, periods, calendar=calendar)


def movements_table(
    subscriptions: ir.Table | pd.DataFrame, periods: Iterable[Period], *, calendar: Calendar
) -> pd.DataFrame:
    """Return the rows of ``mrr_table`` for any periods, in one query.

    Args:
        subscriptions: As for ``mrr_table``.
        periods: Periods of any grain; cut ones keep their own end.
        calendar: How the product cuts time.

    Returns:
        One row per period, in the order given, with the columns of ``mrr_table``.

    Raises:
        AnalysisError: A column is missing.
    """
    wanted = list(periods)
    spells = paid_spells(subscriptions)
    found = {balance.period: balance for balance in balances(spells, wanted, calendar)}
    table = pd.DataFrame([_table_row(found[period]) for period in wanted])
    return table.astype({"start": "datetime64[s]", "end": "datetime64[s]"})


def _table_row(balance: Balance) -> dict[str, Any]:
    return {
        "period": balance.period.label,
        "start": balance.period.start,
        "end": balance.period.end,
        "mrr_start": float(balance.mrr_start),
        **{name: float(balance.moved[name]) for name in AMOUNTS},
        "mrr_end": float(balance.mrr_end),
        **{name: _divide(*parts) for name, parts in balance.ratios.items()},
        "customers_start": balance.customers_start,
        **{name: int(balance.moved[name]) for name in COUNTS},
        "customers_end": balance.customers_end,
        "subscriptions_end": balance.subscriptions_end,
    }


def _divide(numerator: Decimal | int, denominator: Decimal | int) -> float:
    return float(Decimal(numerator) / Decimal(denominator)) if denominator else float("nan")


def subscription_facts(
    subscriptions: ir.Table | pd.DataFrame,
    metrics: Sequence[str],
    periods: Iterable[Period],
    *,
    calendar: Calendar,
    as_of: dt.date,
    dimension: str | Sequence[str] = "",
    trial_days: int = 14,
    first_day: dt.date | None = None,
) -> pd.DataFrame:
    """Return the subscription metrics of periods as facts, by the definitions of ``mrr_table``.

    Movements are net per customer within each period, so those of a quarter are not the sums of
    its months. What happens after ``as_of`` (a cancellation scheduled for later) has not happened
    yet; an unfinished period runs to ``as_of``. With a dimension, a customer who moves from one of
    its values to another leaves the one and joins the other.

    ``trial_to_paid_rate`` is, among the trials started in the period that are matured (``as_of``
    is at least ``trial_days`` after the day of the start), the share with a ``start_time`` by
    ``as_of``. It is complete when every trial of the period has had that time.

    Args:
        subscriptions: One row per spell, as for ``mrr_table``; ``trial_start`` where there are
            trials.
        metrics: Names among ``SUBSCRIPTION_METRICS``.
        periods: Periods of any grain, in any order; cut ones keep their own end.
        calendar: How the product cuts time.
        as_of: Last complete day of data.
        dimension: Column to break down by, or several, each apart; empty for the total. Of one
            that the table lacks, there are no facts.
        trial_days: Length of a trial, in days.
        first_day: ``first_paid_day`` of the spells; where it is not given, it is asked for.

    Returns:
        Facts (``kpikit.catalogue.FACT_COLUMNS``) per metric, dimension, segment and period, in the
        order asked for, segments sorted. ``n`` counts the spells active at the end for mrr, the
        customers at the end for arpa, the matured trials for trial_to_paid_rate, else
        the customers at the start. Customer churn and trials bear a Wilson interval of 95 %. A
        value that is missing has its reason: the period lies outside the data, or the
        denominator is nothing.

    Raises:
        AnalysisError: A metric is unknown to this analysis, a column is missing.
    """
    for name in metrics:
        check_choice("metric", name, SUBSCRIPTION_METRICS, "subscription_facts")
    table = as_table(subscriptions)
    named = [dimension] if isinstance(dimension, str) else dimension
    parts = [name for name in named if name in table.columns] if dimension else [""]
    spans = list(dict.fromkeys(periods))
    views = [_View(spans, calendar, as_of, part) for part in parts]
    revenue = [name for name in metrics if name != TRIALS]
    rows = _revenue_facts(table, revenue, views, first_day) if revenue and views else []
    if TRIALS in metrics:
        rows += [row for view in views for row in _trial_facts(table, trial_days, view)]
    order = {name: index for index, name in enumerate(metrics)}
    return make_facts(sorted(rows, key=lambda row: order[row["metric"]]))


def trial_table(
    subscriptions: ir.Table | pd.DataFrame,
    *,
    as_of: dt.date | str,
    grain: Grain = "month",
    trial_days: int = 14,
    timezone: str = "UTC",
    week_start: Weekday = "monday",
    fiscal_year_start: int = 1,
) -> pd.DataFrame:
    """Return how many of the trials started in each period became paid.

    Trials are matured when ``as_of`` is at least ``trial_days`` after the day of their start; only
    those are in the rate. A period without a matured trial is no row.

    Args:
        subscriptions: One row per spell: ``trial_start`` (UTC; null where there was no trial) and
            ``start_time`` (UTC; null where it was never paid).
        as_of: Last complete day of data.
        grain: Length of a period.
        trial_days: Length of a trial, in days.
        timezone: IANA zone in which days begin.
        week_start: First day of a week.
        fiscal_year_start: First month of the fiscal year (1 to 12), for quarters and years.

    Returns:
        One row per ``cohort`` (first day of the period), sorted: ``trials``, ``matured`` and
        ``converted`` (trials), ``trial_to_paid_rate`` (converted / matured) with ``ci_low`` and
        ``ci_high`` (Wilson, 95 %), and ``complete`` (every trial of the period is matured).

    Raises:
        AnalysisError: ``grain`` is unknown, a column is missing.
        PeriodError: A day, the zone, the week's or the year's start is wrong.
    """
    check_choice("grain", grain, GRAINS, "trial_table")
    calendar = Calendar(timezone, fiscal_year_start, week_start)
    last_day = as_date(as_of, "as_of")
    daily = daily_trials(as_table(subscriptions), calendar, as_of=last_day, trial_days=trial_days)
    cohorts = calendar.periods(daily.first_day or last_day, last_day + _ONE_DAY, grain)
    sums = {cohort: daily.within(cohort) for cohort in cohorts}
    counts = {cohort: counted for cohort, counted in sums.items() if counted[1] > 0}
    table = pd.DataFrame(list(counts.values()), columns=TRIAL_COUNTS, dtype="int64")
    table.insert(0, "cohort", [np.datetime64(cohort.start, "s") for cohort in counts])
    low, high = wilson_interval(table["converted"], table["matured"])
    return table.astype({"cohort": "datetime64[s]"}).assign(
        trial_to_paid_rate=table["converted"] / table["matured"],
        ci_low=low,
        ci_high=high,
        complete=[_is_matured(cohort.last_day, last_day, trial_days) for cohort in counts],
    )


@dataclass(frozen=True)
class _View:
    """For which periods facts are wanted, and how they are cut."""

    periods: Sequence[Period]
    calendar: Calendar
    as_of: dt.date
    dimension: str

    def fact(self, metric: str, segment: str, period: Period, values: Values) -> Values:
        where = {"dimension": self.dimension, "segment": segment}
        return fact(metric, period, as_of=self.as_of, **where, **values)


def _revenue_facts(
    table: ir.Table, metrics: Sequence[str], views: Sequence[_View], first_day: dt.date | None
) -> list[Values]:
    first, dimensions = views[0], [view.dimension for view in views if view.dimension]
    spells = paid_spells(table, *dimensions)
    first_day = first_day or first_paid_day(spells, first.calendar)
    outside = {period: _outside(period, first_day, first.as_of) for period in first.periods}
    inside = [period for period in first.periods if not outside[period]]
    found = {
        (balance.dimension, balance.segment, balance.period): balance
        for balance in balances(
            spells, inside, first.calendar, as_of=first.as_of, dimensions=dimensions
        )
    }
    rows = []
    for view in views:
        own = sorted({segment for part, segment, _ in found if part == view.dimension})
        segments = own if view.dimension else [""]
        for name, segment, period in product(metrics, segments, view.periods):
            values: Values = {"reason": outside[period]}
            if not outside[period]:
                place = (view.dimension, segment, period)
                values = _revenue_values(name, found.get(place, Balance(period, segment)))
            rows.append(view.fact(name, segment, period, values))
    return rows


def _outside(period: Period, first_day: dt.date | None, as_of: dt.date) -> str:
    """Return why a period has no data, empty where it has."""
    if first_day is None:
        return "there is no subscription"
    if period.end <= first_day:
        return f"the first subscription starts on {format_date(first_day)}"
    return _after(period, as_of)


def _after(period: Period, as_of: dt.date) -> str:
    return f"the data ends on {format_date(as_of)}" if period.start > as_of else ""


def _revenue_values(metric: str, balance: Balance) -> Values:
    if metric == "mrr":
        return {"value": float(balance.mrr_end), "n": balance.subscriptions_end}
    numerator, denominator = balance.ratios[metric]
    values: Values = {
        "value": _divide(numerator, denominator),
        "n": balance.customers_end if metric == "arpa" else balance.customers_start,
        "numerator": float(numerator),
        "denominator": float(denominator),
    }
    if not denominator:
        reason = _NO_DENOMINATOR.get(metric, "no recurring revenue at the start")
        return {**values, "reason": reason}
    if metric == "logo_churn_rate":
        low, high = wilson_interval(int(numerator), int(denominator))
        return {**values, "ci_low": float(low), "ci_high": float(high)}
    return values


def _is_matured(day: dt.date, as_of: dt.date, trial_days: int) -> bool:
    return day + dt.timedelta(days=trial_days) <= as_of


def _trial_facts(table: ir.Table, trial_days: int, view: _View) -> list[Values]:
    if "trial_start" not in table.columns:
        reason: Values = {"reason": "subscriptions have no column trial_start"}
        segments = [] if view.dimension else [""]
        return [view.fact(TRIALS, "", period, reason) for _ in segments for period in view.periods]
    daily = daily_trials(
        table, view.calendar, as_of=view.as_of, trial_days=trial_days, dimension=view.dimension
    )
    rows = []
    for segment, period in product(daily.segments(view.dimension), view.periods):
        counts = map(int, daily.within(period, segment))
        values = _trial_values(*counts, outside=_after(period, view.as_of))
        complete = _is_matured(period.last_day, view.as_of, trial_days)
        rows.append(view.fact(TRIALS, segment, period, {**values, "complete": complete}))
    return rows


def _trial_values(trials: int, matured: int, converted: int, *, outside: str) -> Values:
    parts = {"n": matured, "numerator": converted, "denominator": matured}
    if not matured:
        reason = "no trial of the period is over yet" if trials else "no trial started"
        return {"reason": outside} if outside else {**parts, "reason": reason}
    low, high = wilson_interval(converted, matured)
    return {**parts, "value": converted / matured, "ci_low": float(low), "ci_high": float(high)}
