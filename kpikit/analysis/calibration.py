"""Do forecasts keep what they promise? Their trials on the past, and how probabilities fared."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.errors import AnalysisError, check_choice
from kpikit.intervals import wilson_interval
from kpikit.series.outlook import AGGREGATES, Aggregate, outlook_of
from kpikit.series.reading import Floats, SeriesLike, check_count

BACKTEST_COLUMNS = (
    "origin", "factor", "forecast", "naive", "actual", "target", "probability", "hit",
)  # fmt: skip


def backtest_table(
    series: SeriesLike,
    *,
    periods: int,
    season_length: int | None = None,
    aggregate: Aggregate = "sum",
    factors: Sequence[float] = (1.0,),
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

    Returns:
        One row per origin and factor: ``origin`` (label of the last known period), ``factor``,
        ``forecast``, ``naive`` (the same periods one season before), ``actual``, ``target``,
        ``probability`` (that the total is at least the target), ``hit`` (whether it was).

    Raises:
        AnalysisError: As for ``total_forecast``.
    """
    where = "backtest_table"
    check_count("periods", periods, where)
    check_choice("aggregate", aggregate, AGGREGATES, where)
    values, outlook = outlook_of(series, horizon=periods, season_length=season_length, where=where)
    rows = []
    for trial in outlook.trials(periods, aggregate=aggregate, season_length=values.season_length):
        for factor in factors:
            target = factor * trial.naive
            rows.append({
                "origin": values.labels[trial.known - 1],
                "factor": factor,
                "forecast": trial.estimate.mean,
                "naive": trial.naive,
                "actual": trial.actual,
                "target": target,
                "probability": trial.estimate.chance_of(target),
                "hit": trial.actual >= target,
            })  # fmt: skip
    return pd.DataFrame(rows, columns=list(BACKTEST_COLUMNS))


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
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, *, bins: int = 10
) -> pd.DataFrame:
    """Return how often what was given a probability came true.

    Args:
        probabilities: 0 to 1, one per forecast.
        outcomes: Whether it came true (true or 1, false or 0).
        bins: Number of equally wide classes of probability (>= 1).

    Returns:
        One row per class that holds a forecast: ``low`` (inclusive), ``high`` (exclusive; 1 is
        in the last), ``n`` (forecasts), ``mean_probability``, ``hit_rate`` (share, 0 to 1), and
        its Wilson interval ``ci_low``, ``ci_high`` (95 %), which takes forecasts as independent.

    Raises:
        AnalysisError: Lengths differ, a value is out of range, ``bins`` is.

    References:
        Murphy, A. H., and Winkler, R. L. (1977). Reliability of subjective probability forecasts
        of precipitation and temperature. Applied Statistics 26, 41-47.
    """
    check_count("bins", bins, "reliability_table")
    chance, came = _chances(probabilities, outcomes, "reliability_table")
    place = np.minimum((chance * bins).astype(int), bins - 1)
    n = np.bincount(place, minlength=bins)
    hits = np.bincount(place, weights=came, minlength=bins)
    held = n > 0
    low, high = wilson_interval(hits[held], n[held])
    return pd.DataFrame(
        {
            "low": np.arange(bins)[held] / bins,
            "high": np.arange(1, bins + 1)[held] / bins,
            "n": n[held],
            "mean_probability": np.bincount(place, weights=chance, minlength=bins)[held] / n[held],
            "hit_rate": hits[held] / n[held],
            "ci_low": low,
            "ci_high": high,
        }
    )


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
