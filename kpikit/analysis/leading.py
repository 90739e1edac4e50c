"""Whether metrics that are said to lead others are associated with them, so much later."""

import math
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kpikit.corrections import holm
from kpikit.engine import check_columns
from kpikit.errors import AnalysisError
from kpikit.intervals import normal_quantile
from kpikit.params.model import LeadingIndicator

Association = Literal["associated", "opposite", "not_found", "too_short"]

Changes = dict[str, dict[int, float]]  # by metric, then by the number of the month

LEAST_PAIRS = 20  # of changes, below which a lagged association is not looked for
_NEAR_ONE = 1 - 1e-12  # Fisher's transform of a perfect correlation is infinite


def leading_table(claims: Iterable[LeadingIndicator], months: pd.DataFrame) -> pd.DataFrame:
    """Return whether metrics that are said to lead others are associated with them, so much later.

    Changes from month to month, less their mean in the same month of the year, are correlated with
    those of the outcome ``lag_months`` later. So neither a common trend nor a common season can
    pass for an association, and no association passes for a cause. The interval is Fisher's, with
    the degrees of freedom that the months' means cost, and wider where each metric's changes
    follow from those before (Bartlett, two lags). P-values are corrected by Holm over all claims.

    Args:
        claims: The product's claims.
        months: One row per ``metric`` and ``start`` (first day of a month) with its ``value``. A
            month that is missing breaks the changes beside it.

    Returns:
        One row per claim: ``metric``, ``outcome``, ``lag_months``, ``n`` (pairs of changes),
        ``correlation``, ``ci_low``, ``ci_high`` (95 %), ``p_value``, ``p_adjusted``, ``verdict``:
        ``associated`` (both rise or fall, p_adjusted below 5 %), ``opposite`` (one rises when the
        other falls), ``not_found``, or ``too_short`` (fewer than 20 pairs, or a metric that never
        changes: the numbers are missing).

    Raises:
        AnalysisError: A column is missing, or a metric has two rows for one month.

    References:
        Fisher, R. A. (1921). On the "probable error" of a coefficient of correlation deduced from a
        small sample. Metron 1, 3-32. Bartlett, M. S. (1935). Some aspects of the time-correlation
        problem in regard to tests of significance. Journal of the Royal Statistical Society 98,
        536-543.
    """
    check_columns(months, ["metric", "start", "value"], "months")
    changes = _changes(months)
    rows = [_lagged(claim, changes) for claim in claims]
    columns = [
        "metric", "outcome", "lag_months", "n", "correlation", "ci_low", "ci_high", "p_value",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table["p_adjusted"] = holm(table["p_value"])
    table["verdict"] = [
        _verdict(correlation, p_value)
        for correlation, p_value in zip(table["correlation"], table["p_adjusted"], strict=True)
    ]
    return table


def _lagged(claim: LeadingIndicator, changes: Changes) -> tuple[Any, ...]:
    head = (claim.metric, claim.outcome, claim.lag_months)
    first, second = (changes.get(name, {}) for name in head[:2])
    later = {month - claim.lag_months: change for month, change in second.items()}
    months = sorted(first.keys() & later.keys())
    count = len(months)
    if count < LEAST_PAIRS:
        return (*head, count, *[math.nan] * 4)
    pairs = pd.DataFrame(
        {"first": [first[at] for at in months], "later": [later[at] for at in months]}
    )
    season = np.array(months) % 12
    cleared = (pairs - pairs.groupby(season).transform("mean")).to_numpy()
    if (cleared.std(axis=0) <= 1e-9 * pairs.abs().to_numpy().max(axis=0)).any():
        return (*head, count, *[math.nan] * 4)
    correlation = float(np.corrcoef(cleared.T)[0, 1])
    error = _inflation(cleared) / math.sqrt(count - len(np.unique(season)) - 2)
    middle = math.atanh(min(max(correlation, -_NEAR_ONE), _NEAR_ONE))
    half = normal_quantile(0.95) * error
    p_value = float(2 * stats.norm.sf(abs(middle) / error))
    return (*head, count, correlation, math.tanh(middle - half), math.tanh(middle + half), p_value)


def _inflation(cleared: npt.NDArray[np.float64]) -> float:
    """Return by what factor two columns' own memory widens the error of their correlation."""
    power = (cleared**2).sum(axis=0)
    total = 1.0
    for lag in (1, 2):
        first, second = (cleared[lag:] * cleared[:-lag]).sum(axis=0) / power
        total += 2 * first * second
    return math.sqrt(max(total, 1.0))


def _changes(months: pd.DataFrame) -> Changes:
    """Return each metric's changes by month (12 to a year), none beside a month without a value."""
    days = pd.DatetimeIndex(pd.to_datetime(months["start"]))
    numbers = (12 * days.year + days.month).tolist()
    values: Changes = {}
    columns = (months["metric"].tolist(), numbers, months["value"].to_numpy(dtype=float).tolist())
    for metric, month, value in zip(*columns, strict=True):
        if math.isnan(value):
            continue
        if month in values.setdefault(metric, {}):
            raise AnalysisError(
                f"Metric '{metric}' has two rows for one month in months.\n"
                "Give a row for each metric and month."
            )
        values[metric][month] = value
    return {
        metric: {month: value - own[month - 1] for month, value in own.items() if month - 1 in own}
        for metric, own in values.items()
    }


def _verdict(correlation: float, p_value: float) -> Association:
    if math.isnan(p_value):
        return "too_short"
    if p_value >= 0.05:
        return "not_found"
    return "associated" if correlation > 0 else "opposite"
