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
from collections.abc import Iterator, Sequence
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
    """Fit Theta to each history: the first ``lengths`` points, which ascend.

    Args:
        rows: One row per history, or a single one of which they all are first points.
        lengths: Points of each history.
    """
    level = np.repeat(rows[:, :1], len(_ALPHAS), axis=1)
    squares = np.zeros_like(level)
    best, last = np.empty(len(lengths), dtype=int), np.empty(len(lengths))
    for live, values, ended in _places(rows, lengths):
        own, total = level[live], squares[live]
        error = values - own
        total += error * error
        own += _ALPHAS * error
        for history, row in ended:
            best[history] = squares[row].argmin()
            last[history] = level[row, best[history]]
    return ThetaFit(_ALPHAS[best], last, line(rows, lengths)[1] / 2, lengths)


def fit_damped(rows: Floats, lengths: Ints) -> DampedFit:
    """Fit a damped trend to each history; arguments are those of ``fit_theta``."""
    alpha, beta, phi = _DAMPED
    share = alpha * beta
    at_first, slope_before = line(rows, np.minimum(lengths, _START))
    level_before = at_first - slope_before
    if lengths[0] < _START:  # each starts from a line of its own
        rows = np.broadcast_to(rows, (len(lengths), rows.shape[1]))
    level, slope = (
        np.repeat(before[: len(rows), None], len(alpha), axis=1)
        for before in (level_before, slope_before)
    )
    squares = np.zeros_like(level)
    best, last = np.empty(len(lengths), dtype=int), np.empty((2, len(lengths)))
    for live, values, ended in _places(rows, lengths):
        own, move, total = level[live], slope[live], squares[live]
        move *= phi
        own += move  # what is expected
        error = values - own
        own += alpha * error
        move += share * error
        total += error * error
        for history, row in ended:
            best[history] = found = squares[row].argmin()
            last[:, history] = level[row, found], slope[row, found]
    return DampedFit(alpha[best], beta[best], phi[best], level_before, slope_before, *last)


def _places(rows: Floats, lengths: Ints) -> Iterator[tuple[slice, Floats, list[tuple[int, int]]]]:
    """Yield, place by place, the rows that still go on, their values, and which histories end.

    A history that ends is its number and that of its row.
    """
    shared = len(rows) < len(lengths)
    first = np.searchsorted(lengths, np.arange(rows.shape[1] + 1), side="right").tolist()
    for begin, end, values in zip(first, first[1:], rows.T[:, :, None], strict=False):
        live = slice(None) if shared else slice(begin, None)
        yield live, values[live], [(one, 0 if shared else one) for one in range(begin, end)]


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
    expected: list[float] = []
    levels: list[float] = []
    for value in np.asarray(values, dtype=float).tolist():
        ahead = level + phi * slope
        error = value - ahead if value == value else 0.0  # noqa: PLR0124 - NaN is missing
        level = ahead + alpha * error
        slope = phi * slope + alpha * beta * error
        expected.append(ahead)
        levels.append(level)
    return Path(
        np.array(expected, dtype=float), np.array(levels, dtype=float), float(level), float(slope)
    )


def one_step_path(values: Floats, filled: Floats, *, learned: int, logged: bool = False) -> Floats:
    """Return what the mean of Theta and a damped trend expected of each point but the first.

    Args:
        values: A series without season; NaN where missing.
        filled: The same without gaps, from which the parameters are fitted.
        learned: How many first points they are fitted to.
        logged: Whether to foretell the logarithms; all of ``filled`` is then above zero.

    Returns:
        One value per point; the first is NaN, for nothing came before it.
    """
    theta, damped = _fits(filled[:learned].astype(np.float64).tobytes())
    if logged:
        values, filled = np.log(values), np.log(filled)
    row = int(logged)
    alpha = float(theta.alpha[row])
    level = smooth(values, alpha=alpha, level=float(filled[0])).expected
    drift = theta.drift[row] * (1 - (1 - alpha) ** np.arange(len(values))) / alpha
    trend = smooth(
        values,
        alpha=float(damped.alpha[row]),
        beta=float(damped.beta[row]),
        phi=float(damped.phi[row]),
        level=float(damped.level_before[row]),
        slope=float(damped.slope_before[row]),
    ).expected
    path = (level + drift + trend) / 2
    path[0] = math.nan
    return np.asarray(path)


# a report asks one history whether its logarithms do better, for its signals, for its forecast
@functools.lru_cache(maxsize=64)
def _fits(data: bytes) -> tuple[ThetaFit, DampedFit]:
    """Fit a series and, where all of it is above zero, its logarithms in the same pass."""
    numbers = np.frombuffer(data)
    rows = np.array([numbers, np.log(numbers)] if (numbers > 0).all() else [numbers])
    lengths = np.full(len(rows), len(numbers))
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
        float(np.nanmean((part - one_step_path(base, base, learned=learned, logged=taken)) ** 2))
        for part, taken in ((base, False), (logs, True))
    )
    return logged * math.exp(2 * float(logs.mean())) < plain


def project(level: float, slope: float, *, phi: float = 1.0, horizon: int) -> Floats:
    """Return ``level + (phi + phi^2 + ... + phi^h) * slope`` for h = 1 to ``horizon``."""
    return np.asarray(level + slope * np.cumsum(phi ** np.arange(1.0, horizon + 1)))
