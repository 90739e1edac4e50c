"""Which segments and periods differ, what goes with conversion, and where most is lost.

Counts in, counts and tests out: nothing here asks an engine.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from kpikit.corrections import benjamini_hochberg
from kpikit.errors import AnalysisError
from kpikit.intervals import newcombe_interval, normal_quantile

Floats = npt.NDArray[np.float64]

_OWN = frozenset({
    "step", "name", "users", "step_rate", "overall_rate", "ci_low", "ci_high", "median_seconds",
    "mean_seconds", "previous_users",
})  # fmt: skip


def funnel_segment_table(table: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Return how the step rates of each segment differ from those of all others together.

    The users of different segments must be different ones, so the table has to be one of an
    ``attribution`` that puts each user in one: ``first_touch``, ``last_touch`` or a step.

    Args:
        table: A frame from ``funnel_table`` with ``by``.
        confidence: Confidence level of the intervals, 0 to 1.

    Returns:
        One row per ``by`` columns and ``step`` from the second on, in the order of ``table``:
        ``name``, ``users``, ``previous_users``, ``step_rate``, ``rest_rate`` (of all others),
        ``difference`` with ``ci_low`` and ``ci_high`` (Newcombe), ``p_value`` (see
        ``two_share_p_values``) and ``p_adjusted`` (Benjamini and Hochberg, over all rows).

    Raises:
        AnalysisError: The table has no segments, or ``confidence`` is not between 0 and 1.

    References:
        Newcombe, R. G. (1998). Statistics in Medicine 17, 873-890.
        Benjamini, Y. and Hochberg, Y. (1995). JRSS B 57, 289-300.
    """
    groups = _groups(table)
    if not groups:
        raise AnalysisError(
            "The table has no segments to compare.\nMake it by funnel_table with by."
        )
    later = table[table["step"] > 1].reset_index(drop=True)
    totals = later.groupby("step")[["users", "previous_users"]].transform("sum")
    users, tried = later["users"], later["previous_users"]
    rest = pd.DataFrame({
        "users": totals["users"] - users, "previous_users": totals["previous_users"] - tried,
    })  # fmt: skip
    found = later[[*groups, "step", "name", "users", "previous_users", "step_rate"]].copy()
    found["rest_rate"] = rest["users"] / rest["previous_users"]
    return _tested(found, (users, tried), (rest["users"], rest["previous_users"]), confidence)


def funnel_change_table(
    before: pd.DataFrame, after: pd.DataFrame, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return how the step rates of a funnel changed from one period to another.

    A user who entered in both periods is in both, and the intervals take the two for independent.

    Args:
        before: A frame from ``funnel_table``.
        after: Another, of the same funnel with the same ``by``.
        confidence: Confidence level of the intervals, 0 to 1.

    Returns:
        One row per ``by`` columns and ``step`` from the second on that both tables have, in the
        order of ``after``: ``name``, ``users``, ``previous_users``, ``step_rate`` (after),
        ``users_before``, ``previous_users_before``, ``rate_before``, ``difference`` with ``ci_low``
        and ``ci_high`` (Newcombe), ``p_value`` and ``p_adjusted`` (over all rows).

    Raises:
        AnalysisError: The tables are of different funnels.

    References:
        As for ``funnel_segment_table``.
    """
    groups = _groups(after)
    names = [dict(zip(part["step"], part["name"], strict=True)) for part in (before, after)]
    if groups != _groups(before) or names[0] != names[1]:
        raise AnalysisError(
            "The two tables are of different funnels.\n"
            "Make both with the same steps, order and by; only the days may differ."
        )
    kept = ["users", "previous_users", "step_rate"]
    both = after[[*groups, "step", "name", *kept]].merge(
        before[[*groups, "step", *kept]], on=[*groups, "step"], suffixes=("", "_before")
    )
    both = both[both["step"] > 1].reset_index(drop=True)
    both = both.rename(columns={"step_rate_before": "rate_before"})
    first = both["users"], both["previous_users"]
    second = both["users_before"], both["previous_users_before"]
    return _tested(both, first, second, confidence)


def funnel_loss_table(
    table: pd.DataFrame, *, value_per_conversion: float | None = None
) -> pd.DataFrame:
    """Return what each step loses, in users and in money.

    Of the users lost before a step, as many would have converted as do of those who reach it, if
    they are like them: their value is what the step costs. It is an estimate of what there is to
    win, not of what a change would win.

    Args:
        table: A frame from ``funnel_table``.
        value_per_conversion: Value of one conversion, in the product's currency.

    Returns:
        One row per ``by`` columns and ``step`` from the second on: ``name``, ``lost_users``,
        ``lost_share`` (of those at the step before), ``lost_conversions`` (expected, not whole) and
        ``lost_value`` (missing without ``value_per_conversion``).
    """
    groups = _groups(table)
    last = table["step"] == table["step"].max()
    converted = table[last].drop(columns="step").rename(columns={"users": "converted"})
    rows = table[table["step"] > 1]
    if groups:
        rows = rows.merge(converted[[*groups, "converted"]], on=groups)
    else:
        rows = rows.assign(converted=converted["converted"].sum()).reset_index(drop=True)
    lost = rows["previous_users"] - rows["users"]
    conversions = lost * rows["converted"] / rows["users"].where(rows["users"] > 0)
    value = math.nan if value_per_conversion is None else value_per_conversion
    return rows[[*groups, "step", "name"]].assign(
        lost_users=lost,
        lost_share=1 - rows["step_rate"],
        lost_conversions=conversions,
        lost_value=conversions * value,
    )


def odds_ratios(counts: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Return the odds ratio of each row of a two-by-two table, with its interval.

    Half a unit is added to each count where one of them is zero.

    Args:
        counts: ``converted_with``, ``users_with``, ``converted_without``, ``users_without``.
        confidence: Confidence level, 0 to 1.

    Returns:
        ``odds_ratio``, ``ci_low``, ``ci_high``, row by row.

    References:
        Woolf, B. (1955). Annals of Human Genetics 19, 251-253, for the interval.
        Haldane, J. B. S. (1956). Annals of Human Genetics 20, 309-311, for the half.
    """
    cells = np.array([
        counts["converted_with"], counts["users_with"] - counts["converted_with"],
        counts["converted_without"], counts["users_without"] - counts["converted_without"],
    ], dtype=float)  # fmt: skip
    cells = cells + np.where((cells == 0).any(axis=0), 0.5, 0.0)
    log_ratio = np.log(cells[0]) - np.log(cells[1]) - np.log(cells[2]) + np.log(cells[3])
    reach = normal_quantile(confidence) * np.sqrt((1 / cells).sum(axis=0))
    return pd.DataFrame({
        "odds_ratio": np.exp(log_ratio),
        "ci_low": np.exp(log_ratio - reach),
        "ci_high": np.exp(log_ratio + reach),
    }, index=counts.index)  # fmt: skip


def two_share_p_values(
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    other_successes: npt.ArrayLike,
    other_trials: npt.ArrayLike,
) -> Floats:
    """Return the two-sided p-value of each pair of shares being equal.

    The "N - 1" chi-squared test where every expected count is at least 1, Fisher's exact test
    elsewhere. Missing where one of the two has no trials.

    References:
        Campbell, I. (2007). Chi-squared and Fisher-Irwin tests of two-by-two tables with small
        sample recommendations. Statistics in Medicine 26, 3661-3675.
    """
    given = np.broadcast_arrays(successes, trials, other_successes, other_trials)
    a, n, c, m = (np.atleast_1d(np.asarray(each, dtype=float)) for each in given)
    total, hits = n + m, a + c
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.minimum(hits, total - hits) * np.minimum(n, m) / total
        chi_squared = (
            (total - 1) * (a * (m - c) - c * (n - a)) ** 2 / (n * m * hits * (total - hits))
        )
        p_values: Any = special.chdtrc(1, chi_squared)
    small = (least < 1) & (n > 0) & (m > 0)
    for index in np.flatnonzero(small):
        cells = [[a[index], n[index] - a[index]], [c[index], m[index] - c[index]]]
        p_values[index] = stats.fisher_exact(np.array(cells, dtype=int)).pvalue
    return np.where((n > 0) & (m > 0), p_values, math.nan)


def _tested(
    found: pd.DataFrame,
    first: tuple[pd.Series, pd.Series],
    second: tuple[pd.Series, pd.Series],
    confidence: float,
) -> pd.DataFrame:
    low, high = newcombe_interval(*first, *second, confidence=confidence)
    p_values = two_share_p_values(*first, *second)
    return found.assign(
        difference=first[0] / first[1] - second[0] / second[1],
        ci_low=low,
        ci_high=high,
        p_value=p_values,
        p_adjusted=benjamini_hochberg(p_values),
    )


def _groups(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name not in _OWN]
