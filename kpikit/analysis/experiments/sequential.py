"""Readings that stay valid when one looks more than once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from kpikit.errors import AnalysisError, check_choice

Floats = npt.NDArray[np.float64]
Spending = Literal["obf", "pocock", "power", "hsd"]
_NODES = 400  # of the quadrature; bounds are right to six places
_FAR = 9.0  # standard deviations, for infinity


# Always valid: as many looks as one likes


def always_valid_interval(
    estimate: npt.ArrayLike,
    se: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    planned_n: float,
    alpha: float = 0.05,
    two_sided: bool = True,
) -> tuple[Floats, Floats]:
    """Return the asymptotic confidence sequence: intervals that all hold at once.

    With probability ``1 - alpha`` the true effect lies inside at every look, so that one may look
    each day and stop when zero lies outside. The price is an interval about 1.5 times as wide as
    that of one planned look, least so around ``planned_n`` units.

    Args:
        estimate: Effect, per look.
        se: Its standard error.
        n: Units of both variants.
        planned_n: Units of both variants at which the sequence is to be tightest.
        alpha: Level, 0 to 1.
        two_sided: Whether both ends hold at once. Otherwise each end alone is a bound at
            ``alpha``.

    Returns:
        Lower and upper ends.

    References:
        Waudby-Smith, I., Arbour, D., Sinha, R., Kennedy, E. H. and Ramdas, A. (2021).
        Time-uniform central limit theory and asymptotic confidence sequences. arXiv:2103.06476,
        equations 9 (two-sided), 134 (one-sided) and 161 (``planned_n``).
    """
    center, units = np.asarray(estimate, dtype=float), np.asarray(n, dtype=float)
    level = alpha if two_sided else 2 * alpha
    weight = _weight(level, planned_n)
    scale = units * weight + 1
    inside = np.log(np.sqrt(scale) / alpha) if two_sided else np.log1p(np.sqrt(scale) / (2 * alpha))
    # the papers' variance is that of one unit: that of the estimate times the units
    half = np.asarray(se, dtype=float) * np.sqrt(2 * scale / (units * weight) * inside)
    return center - half, center + half


def always_valid_p_value(
    estimate: npt.ArrayLike,
    se: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    planned_n: float,
    alpha: float = 0.05,
) -> Floats:
    """Return p-values that may be read at every look: below alpha where zero is outside.

    Args:
        estimate: As of ``always_valid_interval``.
        se: As of ``always_valid_interval``.
        n: As of ``always_valid_interval``.
        planned_n: As of ``always_valid_interval``.
        alpha: Level for which the sequence is tuned.

    References:
        Waudby-Smith et al. (2021), equation 155.
    """
    units = np.asarray(n, dtype=float)
    weight = _weight(alpha, planned_n)
    squared = (np.asarray(estimate, dtype=float) / np.asarray(se, dtype=float)) ** 2
    scale = units * weight + 1
    log_evidence = squared * units * weight / (2 * scale) - np.log(scale) / 2
    return np.asarray(np.exp(-np.maximum(log_evidence, 0.0)))


def _weight(alpha: float, planned_n: float) -> float:
    """Return the square of rho that makes the sequence tightest at ``planned_n``."""
    if not planned_n > 0:
        raise AnalysisError(
            f"planned_n is {planned_n}.\nGive the units of both variants that are planned."
        )
    twice = -2 * math.log(alpha)
    return (twice + math.log(twice + 1)) / planned_n


# Planned looks: group-sequential bounds


@dataclass(frozen=True)
class Bounds:
    """Bounds of the statistic at planned looks.

    Attributes:
        information: Share of the planned units at each look.
        z: The statistic beyond which the look decides.
        cumulative_alpha: Chance of a false alarm spent up to each look.
    """

    information: Floats
    z: Floats
    cumulative_alpha: Floats

    @property
    def nominal_alpha(self) -> Floats:
        """Two-sided p-value below which each look decides."""
        return np.asarray(2 * special.ndtr(-self.z), dtype=float)


def group_sequential_bounds(
    information: Sequence[float],
    *,
    alpha: float = 0.05,
    spending: Spending = "obf",
    sides: Literal[1, 2] = 2,
    gamma: float = math.nan,
) -> Bounds:
    """Return the bounds for planned looks that keep the chance of a false alarm at ``alpha``.

    The looks need be neither equally spaced nor known beforehand: only the spending is. The
    chance of crossing at each look, not having crossed before, is found by integrating the
    statistic's density from look to look.

    Args:
        information: Share of the planned units at each look, rising, above 0 and at most 1.
        alpha: Chance of a false alarm over all looks.
        spending: How it is spent: ``obf`` (O'Brien-Fleming: hardly any early), ``pocock`` (about
            evenly), ``power`` (``alpha t ** gamma``), ``hsd`` (Hwang, Shih and DeCani).
        sides: 2 for symmetric bounds with ``alpha / 2`` each, 1 for an upper bound alone.
        gamma: Parameter of ``power`` and ``hsd``.

    Raises:
        AnalysisError: The looks do not rise within 0 and 1, or an argument is out of its range.

    References:
        Lan, K. K. G. and DeMets, D. L. (1983). Discrete sequential boundaries for clinical
        trials. Biometrika 70, 659-663. Armitage, P., McPherson, C. K. and Rowe, B. C. (1969). JRSS
        A 132, 235-244, for the recursion. Hwang, I. K., Shih, W. J. and DeCani, J. S. (1990).
        Statistics in Medicine 9, 1439-1445.
    """
    times = np.asarray(information, dtype=float)
    steps = np.diff(times, prepend=0.0)
    if times.size == 0 or not (steps > 0).all() or times[-1] > 1 + 1e-12:
        raise AnalysisError(
            f"Looks are planned at {list(information)} of the units.\n"
            f"Give rising shares above 0 and at most 1, each once."
        )
    check_choice("spending", spending, ("obf", "pocock", "power", "hsd"), "looks")
    if not 0 < alpha < 1:
        raise AnalysisError(f"alpha is {alpha}.\nGive a level between 0 and 1, such as 0.05.")
    spent = sides * _spent(np.minimum(times, 1.0), alpha / sides, spending, gamma)
    grid = density = np.empty(0)
    bounds: list[float] = []
    for look, (time, step) in enumerate(zip(times, steps, strict=True)):
        target = (spent[look] - (spent[look - 1] if look else 0.0)) / sides
        bound = _bound(target, grid, density, math.sqrt(time), math.sqrt(step))
        bounds.append(bound / math.sqrt(time))
        low = -bound if sides == 2 else -_FAR * math.sqrt(time)
        grid, density = _carried(grid, density, low, bound, math.sqrt(step))
    return Bounds(times, np.array(bounds), spent)


def _spent(times: Floats, alpha: float, spending: str, gamma: float) -> Floats:
    """Return the one-sided alpha spent up to each time."""
    if spending == "obf":
        return np.asarray(2 * special.ndtr(special.ndtri(alpha / 2) / np.sqrt(times)))
    if spending == "pocock":
        return np.asarray(alpha * np.log1p((math.e - 1) * times))
    if math.isnan(gamma) or (spending == "power" and gamma <= 0):
        raise AnalysisError(
            f"gamma is {gamma} for {spending} spending.\nGive a number, above 0 for power."
        )
    if spending == "power" or gamma == 0:
        return np.asarray(alpha * times ** (gamma or 1.0))
    return np.asarray(alpha * np.expm1(-gamma * times) / math.expm1(-gamma))


def _bound(target: float, grid: Floats, density: Floats, sd: float, step: float) -> float:
    """Return the value above which lies ``target`` of what has not crossed before."""
    most = _FAR * sd

    def excess(value: float) -> float:
        if grid.size == 0:
            return float(special.ndtr(-value / step)) - target
        return float(density @ special.ndtr((grid - value) / step)) - target

    return float(optimize.brentq(excess, -most, most, xtol=1e-12)) if excess(most) < 0 else most


def _carried(
    grid: Floats, density: Floats, low: float, high: float, step: float
) -> tuple[Floats, Floats]:
    """Return nodes within the bounds and the weighted density there after one more step."""
    nodes, weights = _nodes_and_weights()
    at = (high - low) / 2 * nodes + (high + low) / 2
    weights = weights * (high - low) / 2
    if grid.size == 0:
        return at, weights * np.exp(-((at / step) ** 2) / 2) / (step * math.sqrt(2 * math.pi))
    kernel = np.exp(-(((at[:, None] - grid[None, :]) / step) ** 2) / 2)
    return at, weights * (kernel @ density) / (step * math.sqrt(2 * math.pi))


@cache
def _nodes_and_weights() -> tuple[Floats, Floats]:
    nodes, weights = special.roots_legendre(_NODES)
    return nodes, weights
