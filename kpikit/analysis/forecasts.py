"""What comes next, within which bounds, and how likely a target is to be hit."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.errors import AnalysisError, check_choice
from kpikit.params.base import Direction
from kpikit.series.outlook import AGGREGATES, Aggregate, Estimate, outlook_of
from kpikit.series.reading import (
    SeriesLike,
    check_count,
    check_elapsed,
    check_target,
    following_labels,
)

Bounds = tuple[float, float]

UNBOUNDED: Bounds = (-math.inf, math.inf)


def forecast_table(
    series: SeriesLike,
    *,
    horizon: int,
    season_length: int | None = None,
    levels: Sequence[float] = (0.5, 0.8, 0.95),
    bounds: Bounds = UNBOUNDED,
) -> pd.DataFrame:
    """Return the forecast of each of the next periods, with intervals.

    The forecast is the mean of Theta and a damped trend on the seasonally adjusted series: ratios
    where every value is above zero, differences elsewhere, nothing where no season is found; and of
    its logarithms where those were better foretold, as when errors grow with the level.
    Intervals are Student's t around it, as wide as the errors of the same forecast made from up to
    48 earlier points, at the same distance. Where fewer than 4 such errors are known, the
    nearest distance that has them is widened by the square root of the ratio of distances.

    Edge rules: fewer than 8 points are carried forward as they end (``method`` ``naive``), without
    intervals where they never changed. Inner gaps are filled on a straight line for the model; more
    than a quarter of them is an error. A constant series of 8 points or more has intervals without
    width.

    Args:
        series: One value per period in time order: a pandas Series (an index of dates or periods
            is checked and gives the season; any other is a label) or a sequence of numbers.
        horizon: Periods ahead (>= 1).
        season_length: Periods per season, 1 for none; from the index if None, none without one.
        levels: Probabilities that the intervals shall hold, each between 0 and 1.
        bounds: Least and greatest value possible, such as ``(0, 1)`` for a share; forecast and
            intervals are cut there.

    Returns:
        One row per period ahead: ``period`` (its label), ``step`` (1 to ``horizon``), ``mean`` and,
        per level, ``low_80`` and ``high_80``; ``method`` (``theta + damped trend`` or ``naive``)
        and ``season_length`` (that of the season found, else 1), alike in every row.

    Raises:
        AnalysisError: The series cannot be read or has too many gaps, ``horizon``,
            ``season_length``, a level or the bounds are out of range.

    References:
        See ``kpikit.series.outlook``, ``smoothing`` and ``seasons``. Accuracy and coverage are
        held by ``benchmarks/forecasts.py``.

    Example:
        >>> forecast_table([5, 5, 5, 5, 5, 5, 5, 5], horizon=2)[["step", "mean", "low_80"]]
           step  mean  low_80
        0     1   5.0     5.0
        1     2   5.0     5.0
    """
    where = "forecast_table"
    check_count("horizon", horizon, where)
    _check_levels(levels, where)
    _check_bounds(bounds, where)
    values, outlook = outlook_of(series, horizon=horizon, season_length=season_length, where=where)
    steps = [outlook.step(ahead) for ahead in range(1, horizon + 1)]
    columns: dict[str, object] = {
        "period": following_labels(values.labels, horizon),
        "step": np.arange(1, horizon + 1),
        "mean": np.clip([step.mean for step in steps], *bounds),
    }
    for level in levels:
        ends = np.clip([interval(step, level) for step in steps], *bounds)
        columns |= {f"low_{100 * level:g}": ends[:, 0], f"high_{100 * level:g}": ends[:, 1]}
    columns |= {"method": outlook.method, "season_length": outlook.season.length}
    return pd.DataFrame(columns)


@dataclass(frozen=True)
class TotalForecast:
    """What several periods come to together.

    Attributes:
        mean: The forecast: what has come, and the rest.
        actual: The sum, mean or last of what has come of it; NaN for mean and last of nothing.
        periods: Periods in all.
        elapsed: Those of them that have come.
        errors: Past errors that told the spread.
        method: ``theta + damped trend``, ``naive`` (short history) or ``actual`` (all has come).
        estimate: Its distribution, without ``bounds``.
        bounds: Least and greatest total possible.
    """

    mean: float
    actual: float
    periods: int
    elapsed: int
    errors: int
    method: str
    estimate: Estimate
    bounds: Bounds

    def interval(self, level: float) -> tuple[float, float]:
        """Return the interval that holds it with probability ``level`` (0 to 1); NaN if unknown."""
        _check_levels([level], "TotalForecast.interval")
        low, high = np.clip(interval(self.estimate, level), *self.bounds)
        return float(low), float(high)

    def chance_of(self, target: float, *, direction: Direction = "up") -> float:
        """Return the probability (0 to 1) of ``target`` or better; NaN if the spread is unknown.

        What lies beyond ``bounds`` is certain, or certainly missed.

        Args:
            target: What is to be met, in the total's own unit.
            direction: ``up`` if the total shall be at least, ``down`` if it shall be at most that.
        """
        check_target(target, "chance_of")
        check_choice("direction", direction, ("up", "down"), "chance_of")
        sign, found = (1, self.estimate) if direction == "up" else (-1, self.estimate.mirrored())
        least, greatest = sorted(sign * end for end in self.bounds)
        if not least < sign * target <= greatest:  # no total can miss it, or none can meet it
            return float(sign * target <= least)
        return found.chance_of(sign * target)


def total_forecast(
    series: SeriesLike,
    *,
    periods: int,
    elapsed: int = 0,
    aggregate: Aggregate = "sum",
    season_length: int | None = None,
    bounds: Bounds = UNBOUNDED,
) -> TotalForecast:
    """Return the forecast of several periods together, such as the months of a quarter.

    The spread is that of past errors of the same total, made from up to 48 earlier points, so
    errors that add up from month to month are in it. Where fewer than 4 are known, those of a
    shorter total are widened: a sum by the ratio of lengths to the power of 1.5, a mean or last
    value by its square root, as where the level wanders. Other rules are ``forecast_table``'s.

    Args:
        series: As for ``forecast_table``; its last ``elapsed`` values are the total's first.
        periods: Periods of the total (>= 1).
        elapsed: How many of them have come (0 to ``periods``): the actual-to-date of a quarter.
        aggregate: ``sum`` (money, orders), ``mean`` (a rate by month, each month alike) or
            ``last`` (a stock, such as recurring revenue).
        season_length: Periods per season, 1 for none; from the index if None.
        bounds: Least and greatest total possible.

    Raises:
        AnalysisError: As for ``forecast_table``; ``elapsed`` is out of range or holds a gap.
    """
    where = "total_forecast"
    check_count("periods", periods, where)
    _check_bounds(bounds, where)
    check_choice("aggregate", aggregate, AGGREGATES, where)
    values, outlook = outlook_of(
        series, horizon=max(periods - elapsed, 1), season_length=season_length, where=where
    )
    check_elapsed(elapsed, periods, values, where)
    found = outlook.total(periods, aggregate=aggregate, elapsed=elapsed)
    return TotalForecast(
        mean=float(np.clip(found.mean, *bounds)),
        actual=_aggregate_of(values.numbers[len(values.numbers) - elapsed :], aggregate),
        periods=periods,
        elapsed=elapsed,
        errors=found.errors,
        method=outlook.method if elapsed < periods else "actual",
        estimate=found,
        bounds=bounds,
    )


def probability_of_target(
    series: SeriesLike,
    *,
    target: float,
    periods: int,
    season_length: int | None = None,
    direction: Direction = "up",
    elapsed: int = 0,
    aggregate: Aggregate = "sum",
) -> float:
    """Return the probability that the total of the next periods meets its target.

    It is that of ``total_forecast``. Where past forecasts were never off (a constant series of at
    least 8 points), or all periods have come, it is 1 or 0.

    Args:
        series: As for ``forecast_table``.
        target: What the total shall come to, in its own unit.
        periods: Periods of the total (>= 1).
        season_length: Periods per season, 1 for none; from the index if None.
        direction: ``up`` if the total shall be at least, ``down`` if it shall be at most that.
        elapsed: How many of the periods are the last values of ``series`` already.
        aggregate: ``sum``, ``mean`` or ``last`` of the periods.

    Returns:
        0 to 1; NaN where fewer than 8 points that never changed tell no spread.

    Raises:
        AnalysisError: As for ``total_forecast``; ``target`` is missing; ``direction`` is unknown.

    Example:
        >>> probability_of_target([5] * 12, target=14, periods=3)
        1.0
    """
    check_target(target, "probability_of_target")
    total = total_forecast(
        series, periods=periods, elapsed=elapsed, aggregate=aggregate, season_length=season_length
    )
    return total.chance_of(target, direction=direction)


def interval(estimate: Estimate, level: float) -> tuple[float, float]:
    """Return the central interval that holds an estimate with probability ``level``."""
    return estimate.quantile(0.5 - level / 2), estimate.quantile(0.5 + level / 2)


def _aggregate_of(came: npt.NDArray[np.float64], aggregate: Aggregate) -> float:
    if aggregate == "sum":
        return float(came.sum())
    if not len(came):
        return math.nan
    return float(came.mean() if aggregate == "mean" else came[-1])


def _check_levels(levels: Iterable[float], where: str) -> None:
    if not isinstance(levels, Iterable):
        raise AnalysisError(f"levels is {levels} in {where}.\nGive a list, such as [0.8, 0.95].")
    for level in levels:
        if not 0 < level < 1:
            raise AnalysisError(
                f"A level is {level} in {where}.\nGive shares between 0 and 1, such as 0.8."
            )


def _check_bounds(bounds: Bounds, where: str) -> None:
    low, high = bounds
    if not low < high:
        raise AnalysisError(f"bounds are {low} to {high} in {where}.\nGive the lesser first.")
