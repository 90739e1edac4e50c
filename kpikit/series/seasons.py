"""Whether a series has a season, and its profile by classical decomposition.

References:
    Makridakis, S., and Hibon, M. (2000). The M3-Competition. International Journal of Forecasting
    16, 451-476: the test of seasonality and the adjustment that its benchmarks share.
    Hyndman, R. J., and Athanasopoulos, G. (2021). Forecasting: principles and practice, 3rd ed.,
    section 3.4: classical decomposition.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import special

from kpikit.series.reading import Floats

Ints = npt.NDArray[np.int64]

# two seasons to learn a profile from, and four points to try it on
LEAST_BEYOND = 4
_SEASON_Z = 1.645  # the competition's 90 % level
_REPEAT_SHARE = 0.975


def rounding_of(numbers: Floats) -> float:
    """Return the size up to which a difference between these numbers is but rounding."""
    return 1e-12 * float(np.abs(numbers).max(initial=0.0))


def autocorrelations(numbers: Floats, lags: int) -> Floats:
    """Return the autocorrelations at lags 1 to ``lags``; zeros for a constant series."""
    centred = numbers - numbers.mean()
    total = float(centred @ centred)
    if total <= len(numbers) * rounding_of(numbers) ** 2:
        return np.zeros(lags)
    return (
        np.array([centred[lag:] @ centred[: len(centred) - lag] for lag in range(1, lags + 1)])
        / total
    )


def is_seasonal(numbers: Floats, season_length: int) -> bool:
    """Tell whether a series has a season: by its autocorrelation, or because its moves repeat.

    Either test suffices. The M3 competition's asks whether the autocorrelation at the season's lag
    stands out of what nearer lags explain (Bartlett's error, three seasons at least). It sees a
    season in long series only, so the changes from point to point are also correlated with those
    one season earlier (t test at 2.5 %): on M3's last 30 months that finds a season in a quarter
    of the series instead of none. Two seasons and four points are never enough less one.
    """
    count = len(numbers)
    if season_length < 2 or count < 2 * season_length + LEAST_BEYOND:
        return False
    return _stands_out(numbers, season_length) or _moves_repeat(numbers, season_length)


def _stands_out(numbers: Floats, season_length: int) -> bool:
    if len(numbers) < 3 * season_length:
        return False
    found = autocorrelations(numbers, season_length)
    error = math.sqrt((1 + 2 * float(found[:-1] @ found[:-1])) / len(numbers))
    return bool(found[-1] > _SEASON_Z * error)


def _moves_repeat(numbers: Floats, season_length: int) -> bool:
    moves = np.diff(numbers)
    now, before = moves[season_length:], moves[:-season_length]
    now, before = now - now.mean(), before - before.mean()
    spread = math.sqrt(float(now @ now) * float(before @ before))
    if spread <= rounding_of(numbers) ** 2 * len(now):
        return False
    r, freedom = float(now @ before) / spread, len(now) - 2
    t = float(special.stdtrit(freedom, _REPEAT_SHARE))
    return r > t / math.sqrt(freedom + t * t)


def season_factors(
    numbers: Floats, season_length: int, lengths: Ints, *, multiplicative: bool
) -> Floats:
    """Return the season's profile as each of several histories of one series shows it.

    The ratio (or difference) to the centred moving average over one season, averaged by place in
    the season, and scaled to a mean of 1 (or 0).

    Args:
        numbers: The whole series, without gaps.
        season_length: Periods per season (>= 2).
        lengths: How many first points each history holds, at least two seasons.
        multiplicative: Ratios rather than differences; all numbers must then be above zero.

    Returns:
        One row per history, one column per place in the season (the series begins at place 0).
    """
    half = season_length // 2
    weights = np.full(2 * half + 1, 1 / season_length)
    if season_length % 2 == 0:
        weights[[0, -1]] /= 2
    trend = np.convolve(numbers, weights, mode="valid")
    inner = numbers[half : half + len(trend)]
    relative = inner / trend if multiplicative else inner - trend
    place = (np.arange(len(trend)) + half) % season_length
    by_place = np.zeros((2, len(trend), season_length))
    by_place[0, np.arange(len(trend)), place] = relative
    by_place[1, np.arange(len(trend)), place] = 1
    sums, counts = by_place.cumsum(axis=1)[:, lengths - 2 * half - 1]
    factors = sums / counts
    mean = factors.mean(axis=1, keepdims=True)
    return np.asarray(factors / mean if multiplicative else factors - mean)
