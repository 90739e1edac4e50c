"""Exponential smoothing: Theta, and a damped trend, fitted to many histories at once.

Parameters come from a grid by least squared one-step errors. A grid is as good as an optimiser
here (the M3 bars in ``benchmarks/forecasts.py``), never fails to converge, and takes all histories
of a rolling origin through one pass.

References:
    Assimakopoulos, V., and Nikolopoulos, K. (2000). The theta model. International Journal of
    Forecasting 16, 521-530. Hyndman, R. J., and Billah, B. (2003). Unmasking the Theta method.
    International Journal of Forecasting 19, 287-290: Theta is simple exponential smoothing with
    half the slope of the regression line as its drift.
    Gardner, E. S., and McKenzie, E. (1985). Forecasting trends in time series. Management Science
    31, 1237-1246: the damped trend.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kpikit.series.reading import Floats
from kpikit.series.seasons import Ints

_ALPHAS = np.linspace(0.02, 1, 25)
# level, trend (as a share of the level's error) and damping of every damped trend that is tried
_DAMPED = np.array(
    [
        (alpha, beta, phi)
        for alpha in (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0)
        for beta in (0.02, 0.05, 0.1, 0.2, 0.4)
        for phi in (0.8, 0.9, 0.98)
    ]
).T
_START = 8  # points whose regression line starts the damped trend


@dataclass(frozen=True)
class ThetaFit:
    """Theta of each history: the smoothing parameter, the last level, half the slope."""

    alpha: Floats
    level: Floats
    drift: Floats
    lengths: Ints

    def forecast(self, horizon: int) -> Floats:
        """Return one row per history, one column per step ahead."""
        ahead = np.arange(horizon) + ((1 - (1 - self.alpha) ** self.lengths) / self.alpha)[:, None]
        return np.asarray(self.level[:, None] + self.drift[:, None] * ahead)


@dataclass(frozen=True)
class DampedFit:
    """A damped trend of each history: parameters, state before its first point and at its end."""

    alpha: Floats
    beta: Floats
    phi: Floats
    level_before: Floats
    slope_before: Floats
    level: Floats
    slope: Floats

    def forecast(self, horizon: int) -> Floats:
        """Return one row per history, one column per step ahead."""
        damping = np.cumsum(self.phi[:, None] ** np.arange(1, horizon + 1), axis=1)
        return np.asarray(self.level[:, None] + self.slope[:, None] * damping)


def fit_theta(rows: Floats, lengths: Ints) -> ThetaFit:
    """Fit Theta to each row's first ``lengths`` points; lengths ascend."""
    level = np.repeat(rows[:, :1], len(_ALPHAS), axis=1)
    squares = np.zeros_like(level)
    first = np.searchsorted(lengths, np.arange(rows.shape[1]), side="right")
    for place in range(1, rows.shape[1]):
        live = slice(first[place], None)
        error = rows[live, place, None] - level[live]
        squares[live] += error * error
        level[live] += _ALPHAS * error
    best, every = squares.argmin(axis=1), np.arange(len(rows))
    return ThetaFit(_ALPHAS[best], level[every, best], line(rows, lengths)[1] / 2, lengths)


def fit_damped(rows: Floats, lengths: Ints) -> DampedFit:
    """Fit a damped trend to each row's first ``lengths`` points; lengths ascend."""
    alpha, beta, phi = _DAMPED
    at_first, slope_before = line(rows, np.minimum(lengths, _START))
    level_before = at_first - slope_before
    level = np.repeat(level_before[:, None], len(alpha), axis=1)
    slope = np.repeat(slope_before[:, None], len(alpha), axis=1)
    squares = np.zeros_like(level)
    first = np.searchsorted(lengths, np.arange(rows.shape[1]), side="right")
    share = alpha * beta
    for place in range(rows.shape[1]):
        live = slice(first[place], None)
        slope[live] *= phi
        level[live] += slope[live]  # what is expected
        error = rows[live, place, None] - level[live]
        level[live] += alpha * error
        slope[live] += share * error
        squares[live] += error * error
    best, every = squares.argmin(axis=1), np.arange(len(rows))
    return DampedFit(
        *(alpha[best], beta[best], phi[best], level_before, slope_before),
        *(level[every, best], slope[every, best]),
    )


def line(rows: Floats, lengths: Ints) -> tuple[Floats, Floats]:
    """Return each row's regression line over its first points: value at place 0, and slope."""
    place = np.arange(rows.shape[1], dtype=float)
    live = place < lengths[:, None]
    middle = (lengths - 1) / 2
    off = np.where(live, place - middle[:, None], 0.0)
    mean = np.where(live, rows, 0.0).sum(axis=1) / lengths
    slope = (off * rows).sum(axis=1) / np.maximum((off * off).sum(axis=1), 1.0)
    return mean - slope * middle, slope


@dataclass(frozen=True)
class Path:
    """What smoothing expected of each point before it came, and where it ended."""

    expected: Floats
    levels: Floats
    level: float
    slope: float

    def forecast(self, horizon: int, *, phi: float = 1.0) -> Floats:
        """Return one value per step ahead."""
        return project(self.level, self.slope, phi=phi, horizon=horizon)


def smooth(
    values: Sequence[float] | Floats,
    *,
    alpha: float,
    level: float,
    slope: float = 0.0,
    beta: float = 0.0,
    phi: float = 1.0,
) -> Path:
    """Smooth a series exponentially with given parameters.

    Simple smoothing has neither ``slope`` nor ``beta``, Holt's trend is not damped (``phi`` 1). A
    missing value leaves level and trend as they were expected to be.

    Args:
        values: One per period.
        alpha: Share of an error that moves the level.
        level: Level before the first value.
        slope: Slope before the first value.
        beta: Share of the level's move that moves the slope (beta* in the literature).
        phi: Damping of the slope per period.
    """
    expected, levels = np.empty(len(values)), np.empty(len(values))
    for place, value in enumerate(values):
        expected[place] = level + phi * slope
        error = value - expected[place] if value == value else 0.0  # noqa: PLR0124 - NaN is missing
        level = expected[place] + alpha * error
        slope = phi * slope + alpha * beta * error
        levels[place] = level
    return Path(expected, levels, float(level), float(slope))


def one_step_path(values: Floats, filled: Floats, *, learned: int) -> Floats:
    """Return what the mean of Theta and a damped trend expected of each point but the first.

    Args:
        values: A series without season; NaN where missing.
        filled: The same without gaps, from which the parameters are fitted.
        learned: How many first points they are fitted to.

    Returns:
        One value per point; the first is NaN, for nothing came before it.
    """
    theta, damped = _fits(filled[:learned].astype(np.float64).tobytes())
    alpha = float(theta.alpha[0])
    level = smooth(values, alpha=alpha, level=filled[0]).expected
    drift = theta.drift[0] * (1 - (1 - alpha) ** np.arange(len(values))) / alpha
    trend = smooth(
        values,
        alpha=float(damped.alpha[0]),
        beta=float(damped.beta[0]),
        phi=float(damped.phi[0]),
        level=float(damped.level_before[0]),
        slope=float(damped.slope_before[0]),
    ).expected
    path = (level + drift + trend) / 2
    path[0] = math.nan
    return np.asarray(path)


# a report asks one history whether its logarithms do better, for its signals, for its forecast
@functools.lru_cache(maxsize=64)
def _fits(data: bytes) -> tuple[ThetaFit, DampedFit]:
    rows = np.frombuffer(data)[None]
    lengths = np.array([rows.shape[1]])
    return fit_theta(rows, lengths), fit_damped(rows, lengths)


def prefers_logs(filled: Floats, *, learned: int) -> bool:
    """Tell whether one-step forecasts of a series do better on its logarithms.

    They do where its errors grow with its level, as those of a growing business. The likelihoods
    of both are compared by their squared errors, with the Jacobian of Box and Cox (1964); a series
    with a value of zero or less has no logarithms.

    Args:
        filled: A series without season and gaps.
        learned: How many first points are compared.
    """
    base = filled[:learned]
    if not (filled > 0).all():
        return False
    logs = np.log(base)
    plain, logged = (
        float(np.nanmean((part - one_step_path(part, part, learned=learned)) ** 2))
        for part in (base, logs)
    )
    return logged * math.exp(2 * float(logs.mean())) < plain


def project(level: float, slope: float, *, phi: float = 1.0, horizon: int) -> Floats:
    """Return ``level + (phi + phi^2 + ... + phi^h) * slope`` for h = 1 to ``horizon``."""
    return np.asarray(level + slope * np.cumsum(phi ** np.arange(1.0, horizon + 1)))
