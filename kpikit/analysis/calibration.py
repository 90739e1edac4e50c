"""Do forecasts keep what they promise? Their trials on the past, and how probabilities fared."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from kpikit.errors import AnalysisError, check_choice
from kpikit.intervals import normal_quantile, wilson_interval
from kpikit.params.base import Direction
from kpikit.series.outlook import AGGREGATES, Aggregate, outlook_of
from kpikit.series.reading import Floats, SeriesLike, check_count

# what targets are tried at: last year's value times these
TARGET_FACTORS = (0.95, 1.0, 1.05, 1.1, 1.2)
# By fifths of probability: the mean that was given, and the share that was hit, of the totals of
# three months of the M3 competition's 1,428 monthly series, foretold from each earlier point;
# ``benchmarks/forecasts.py`` holds them.
M3_RELIABILITY = ((0.04, 0.04), (0.30, 0.28), (0.50, 0.49), (0.70, 0.69), (0.95, 0.94))


class Backtest(NamedTuple):
    """A row of ``backtest_table``."""

    origin: Any
    factor: float
    forecast: float
    naive: float
    actual: float
    target: float
    probability: float
    hit: bool


BACKTEST_COLUMNS = Backtest._fields


def backtest_table(
    series: SeriesLike,
    *,
    periods: int,
    season_length: int | None = None,
    aggregate: Aggregate = "sum",
    factors: Sequence[float] = (1.0,),
    direction: Direction = "up",
) -> pd.DataFrame:
    """Return how forecasts of such a total would have fared, made from each earlier point.

    Targets are the same periods one season before, times each factor. Each probability knows only
    the errors that were known when it was made; only whether there is a season was asked of the
    whole series. Origins with fewer than 4 errors behind them, or without a season's values before
    them, are no rows.

    Args:
        series: As for ``forecast_table``.
        periods: Periods of the total (>= 1).
        season_length: Periods per season, 1 for none (then the last value is the base).
        aggregate: ``sum``, ``mean`` or ``last`` of the periods.
        factors: What the base is multiplied with to make targets.
        direction: ``up`` where the total shall be at least the target, ``down`` where at most.

    Returns:
        One row per origin and factor: ``origin`` (label of the last known period), ``factor``,
        ``forecast``, ``naive`` (the same periods one season before), ``actual``, ``target``,
        ``probability`` (that the target is met), ``hit`` (whether it was).

    Raises:
        AnalysisError: As for ``total_forecast``.
    """
    rows = backtests(
        series, periods=periods, season_length=season_length, aggregate=aggregate,
        factors=factors, direction=direction,
    )  # fmt: skip
    return pd.DataFrame(rows, columns=list(BACKTEST_COLUMNS))


def backtests(
    series: SeriesLike,
    *,
    periods: int,
    season_length: int | None = None,
    aggregate: Aggregate = "sum",
    factors: Sequence[float] = (1.0,),
    direction: Direction = "up",
) -> list[Backtest]:
    """Return the rows of ``backtest_table``, for those who need no frame of them."""
    where = "backtest_table"
    check_count("periods", periods, where)
    check_choice("aggregate", aggregate, AGGREGATES, where)
    check_choice("direction", direction, ("up", "down"), where)
    up = direction == "up"
    values, outlook = outlook_of(series, horizon=periods, season_length=season_length, where=where)
    labels, rows = values.labels.tolist(), []
    for trial in outlook.trials(periods, aggregate=aggregate, season_length=values.season_length):
        estimate, sign = (trial.estimate, 1) if up else (trial.estimate.mirrored(), -1)
        for factor in factors:
            target = factor * trial.naive
            rows.append(
                Backtest(
                    origin=labels[trial.known - 1],
                    factor=factor,
                    forecast=trial.estimate.mean,
                    naive=trial.naive,
                    actual=trial.actual,
                    target=target,
                    probability=estimate.chance_of(sign * target),
                    hit=sign * trial.actual >= sign * target,
                )
            )
    return rows


def brier_score(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> float:
    """Return the mean squared difference of probabilities and outcomes: 0 is perfect.

    Args:
        probabilities: 0 to 1, one per forecast.
        outcomes: Whether it came true (true or 1, false or 0).

    Raises:
        AnalysisError: There is none, lengths differ, or a value is out of range.

    References:
        Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly
        Weather Review 78, 1-3.

    Example:
        >>> round(brier_score([0.8, 0.4], [1, 0]), 3)
        0.1
    """
    chance, came = _chances(probabilities, outcomes, "brier_score")
    if not len(chance):
        raise AnalysisError("There is no probability in brier_score.\nGive at least one.")
    return float(((chance - came) ** 2).mean())


def reliability_table(
    probabilities: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    *,
    bins: int = 10,
    groups: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Return how often what was given a probability came true.

    The KPIs of a product turn together, and so do forecasts that overlap: a hundred of them made at
    one time are not a hundred trials. Where ``groups`` say which belong together, the variance of
    the share is that between groups, and the interval is that of as many independent forecasts as
    have the same variance, with Student's t for few groups. Where a class holds a single group, or
    no variance between groups, each group counts once.

    Args:
        probabilities: 0 to 1, one per forecast.
        outcomes: Whether it came true (true or 1, false or 0).
        bins: Number of equally wide classes of probability (>= 1).
        groups: What each forecast hangs together with, such as the quarter in which it was made;
            None where forecasts are independent.

    Returns:
        One row per class that holds a forecast: ``low`` (inclusive), ``high`` (exclusive; 1 is
        in the last), ``n`` (forecasts), ``groups`` (those that hold them), ``mean_probability``,
        ``hit_rate`` (share, 0 to 1), and its Wilson interval ``ci_low``, ``ci_high`` (95 %).

    Raises:
        AnalysisError: Lengths differ, a value is out of range, ``bins`` is.

    References:
        Murphy, A. H., and Winkler, R. L. (1977). Reliability of subjective probability forecasts
        of precipitation and temperature. Applied Statistics 26, 41-47.
        Korn, E. L., and Graubard, B. I. (1998). Confidence intervals for proportions with small
        expected number of positive counts estimated from survey data. Survey Methodology 24,
        193-201: the effective number of forecasts.
    """
    where = "reliability_table"
    check_count("bins", bins, where)
    chance, came = _chances(probabilities, outcomes, where)
    names = np.arange(len(chance)) if groups is None else np.asarray(groups)
    if names.shape != chance.shape:
        raise AnalysisError(
            f"{chance.size} probabilities meet {names.size} groups in {where}.\nGive one of each."
        )
    place = np.minimum((chance * bins).astype(int), bins - 1)
    n = np.bincount(place, minlength=bins)
    hits = np.bincount(place, weights=came, minlength=bins)
    held = np.flatnonzero(n)
    share = hits[held] / n[held]
    found = [_effective_number(came[place == each], names[place == each]) for each in held]
    effective = np.array([number for number, _ in found])
    low, high = wilson_interval(share * effective, effective)
    return pd.DataFrame(
        {
            "low": held / bins,
            "high": (held + 1) / bins,
            "n": n[held],
            "groups": [count for _, count in found],
            "mean_probability": np.bincount(place, weights=chance, minlength=bins)[held] / n[held],
            "hit_rate": share,
            "ci_low": low,
            "ci_high": high,
        }
    )


def _effective_number(came: Floats, names: npt.NDArray[np.generic]) -> tuple[float, int]:
    """Return how many independent forecasts tell a share as surely as these, and their groups."""
    distinct, place = np.unique(names, return_inverse=True)
    groups, count = len(distinct), len(came)
    if groups == count:
        return float(count), groups
    share = came.mean()
    off = np.bincount(place, weights=came - share)
    if groups == 1 or np.allclose(off, 0):
        return float(groups), groups
    between = float(off @ off) * groups / (groups - 1)
    few = normal_quantile(0.95) / special.stdtrit(groups - 1, 0.975)
    return float(min(count, count**2 * share * (1 - share) / between) * few**2), groups


def _chances(
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, where: str
) -> tuple[Floats, Floats]:
    chance = np.asarray(probabilities, dtype=float)
    came = np.asarray(outcomes, dtype=float)
    if chance.shape != came.shape or chance.ndim != 1:
        raise AnalysisError(
            f"{chance.size} probabilities meet {came.size} outcomes in {where}.\nGive one of each."
        )
    if not ((chance >= 0) & (chance <= 1)).all() or not np.isin(came, (0, 1)).all():
        raise AnalysisError(
            f"A probability is not within 0 and 1, or an outcome neither true nor false, in "
            f"{where}.\nLeave out forecasts whose probability or outcome is unknown."
        )
    return chance, came
