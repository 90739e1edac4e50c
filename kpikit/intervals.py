"""Confidence intervals that more than one analysis prints.

Pure arithmetic on counts: nothing here knows a table or an engine.
"""

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from kpikit.errors import AnalysisError

Floats = npt.NDArray[np.float64]


def normal_quantile(confidence: float) -> float:
    """Return z such that a standard normal lies within -z and z with probability ``confidence``.

    Raises:
        AnalysisError: ``confidence`` is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise AnalysisError(
            f"confidence is {confidence}.\nGive a share between 0 and 1, such as 0.95."
        )
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson_interval(
    successes: npt.ArrayLike, trials: npt.ArrayLike, *, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the Wilson score interval of each share ``successes / trials``.

    It stays inside 0 and 1 and holds its confidence for small counts and shares near the ends,
    where the Wald interval does not. Counts may be fractional (weighted answers with their
    effective number). Without trials both ends are missing.

    Args:
        successes: Units that count, per share.
        trials: Units at all, per share.
        confidence: Confidence level, 0 to 1.

    Returns:
        Lower and upper ends (shares, 0 to 1).

    Raises:
        AnalysisError: ``confidence`` is not between 0 and 1.

    References:
        Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
        inference. Journal of the American Statistical Association 22, 209-212.

    Example:
        >>> low, high = wilson_interval(81, 263)
        >>> round(float(low), 4), round(float(high), 4)
        (0.2553, 0.3662)
    """
    z = normal_quantile(confidence)
    count = np.asarray(successes, dtype=float)
    n = np.asarray(trials, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = count / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # rounding must not push an end past the share it surrounds: none of n has a lower end of 0
    low = np.where(count == 0, 0.0, np.clip(middle - half, 0.0, 1.0))
    high = np.where(count == n, 1.0, np.clip(middle + half, 0.0, 1.0))
    return np.where(n > 0, low, math.nan), np.where(n > 0, high, math.nan)


def newcombe_interval(
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    other_successes: npt.ArrayLike,
    other_trials: npt.ArrayLike,
    *,
    confidence: float = 0.95,
) -> tuple[Floats, Floats]:
    """Return Newcombe's interval of each difference of two independent shares, first less second.

    The hybrid score interval, his method 10: the squares of the distances from each share to the
    ends of its Wilson interval are added. It stays inside -1 and 1 and holds its confidence for
    small counts, where the Wald interval does not. Without trials both ends are missing.

    Args:
        successes: Units that count, per first share.
        trials: Units at all, per first share.
        other_successes: Units that count, per second share.
        other_trials: Units at all, per second share.
        confidence: Confidence level, 0 to 1.

    Returns:
        Lower and upper ends of the difference (-1 to 1).

    Raises:
        AnalysisError: ``confidence`` is not between 0 and 1.

    References:
        Newcombe, R. G. (1998). Interval estimation for the difference between independent
        proportions. Statistics in Medicine 17, 873-890.

    Example:
        >>> low, high = newcombe_interval(56, 70, 48, 80)
        >>> round(float(low), 4), round(float(high), 4)
        (0.0524, 0.3339)
    """
    low, high = wilson_interval(successes, trials, confidence=confidence)
    other_low, other_high = wilson_interval(other_successes, other_trials, confidence=confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.asarray(successes, dtype=float) / np.asarray(trials, dtype=float)
        other = np.asarray(other_successes, dtype=float) / np.asarray(other_trials, dtype=float)
    below = np.hypot(share - low, other_high - other)
    above = np.hypot(high - share, other - other_low)
    return share - other - below, share - other + above


Estimate = tuple[float, float, float]  # value, lower end, upper end


def difference_interval(first: Estimate, second: Estimate) -> tuple[float, float]:
    """Return the interval of ``first - second`` from the intervals of two independent estimates.

    The distances from each value to its own ends are squared and added, so the interval is as
    lopsided as theirs. Of two shares with Wilson's intervals it is Newcombe's.

    Args:
        first: Value with its lower and upper end.
        second: The same, at the same confidence.

    References:
        Newcombe, R. G. (1998). Interval estimation for the difference between independent
        proportions: comparison of eleven methods. Statistics in Medicine 17, 873-890 (method 10).
        Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures: a
        general approach. Statistics in Medicine 27, 1693-1702.

    Example:
        >>> low, high = difference_interval((0.5, 0.4, 0.6), (0.3, 0.2, 0.4))
        >>> round(low, 3), round(high, 3)
        (0.059, 0.341)
    """
    value, low, high = first
    other, other_low, other_high = second
    change = value - other
    below = math.hypot(value - low, other_high - other)
    above = math.hypot(high - value, other - other_low)
    return change - below, change + above
