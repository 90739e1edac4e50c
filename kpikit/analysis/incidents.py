"""Stretches of days in which a rate was lower than before and after: found, dated, tested.

Counts per day in, stretches out; nothing here asks an engine.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import xlogy

from kpikit.errors import AnalysisError
from kpikit.intervals import newcombe_interval

Floats = npt.NDArray[np.float64]

INCIDENT_COLUMNS = (
    "start", "end", "days", "successes", "trials", "rate", "rest_successes", "rest_trials",
    "rest_rate", "difference", "ci_low", "ci_high", "p_value", "is_over",
)  # fmt: skip
LEAST_BEFORE = (
    14  # days that must be known before a stretch, or "lower" has nothing to be lower than
)
_SHUFFLES, _BATCH, _ENOUGH = 400, 50, 10


def incident_table(
    days: pd.DataFrame, *, most: int = 3, alpha: float = 0.01, seed: int = 0
) -> pd.DataFrame:
    """Return the stretches of days in which a rate was lower than on all other days.

    Every stretch of days is scored by the likelihood ratio of two rates, one inside and a higher
    one outside, against one rate for all days. The highest score is compared with the highest
    scores of ``days`` in random order: so the p-value holds for all stretches looked at together,
    and days that vary by more than chance raise no alarm. Found stretches are taken out, and the
    rest is looked at again.

    Edge rules:

    * A stretch has at least 14 days before it, and at most half of all days. Its rate is lower than
      that of the days before it and, unless it lasts to the last day, of those after it: what
      merely rises over time is no incident.
    * It begins and ends on a day with trials. Days without any part nothing.
    * Its ends are estimates: where the days near them are few or alike, they may be off by some.

    Args:
        days: One row per day in time order: ``period`` (the day), ``successes``, ``trials``.
        most: Greatest number of stretches.
        alpha: Greatest p-value of a stretch, 0 to 1.
        seed: Seed of the random orders.

    Returns:
        One row per stretch, the surest first: ``start`` and ``end`` (first and last day, both in
        it), ``days``, ``successes``, ``trials``, ``rate``, the same of all other days
        (``rest_successes`` ...), ``difference`` with ``ci_low`` and ``ci_high`` (Newcombe),
        ``p_value``, ``is_over`` (whether a day with trials follows). The rate and its interval
        flatter the incident a little, for the stretch was chosen as the worst.

    Raises:
        AnalysisError: A day has more successes than trials, or ``alpha`` is not between 0 and 1.

    References:
        Kulldorff, M. (1997). A spatial scan statistic. Communications in Statistics: Theory and
        Methods 26, 1481-1496 (the score, Bernoulli model).
        Zhang, Z., Assuncao, R., and Kulldorff, M. (2010). Spatial scan statistics adjusted for
        multiple clusters. Journal of Probability and Statistics, 642379 (taking stretches out).
        Besag, J., and Clifford, P. (1991). Sequential Monte Carlo p-values. Biometrika 78,
        301-304.
        Phipson, B., and Smyth, G. K. (2010). Permutation p-values should never be zero.
        Statistical Applications in Genetics and Molecular Biology 9, 39.
    """
    if not 0 < alpha < 1:
        raise AnalysisError(f"alpha is {alpha} in incident_table.\nGive a share, such as 0.01.")
    if (days["successes"] > days["trials"]).any():
        raise AnalysisError(
            "A day has more successes than trials in incident_table.\nGive users, not events."
        )
    known = days[days["trials"] > 0].sort_values("period", ignore_index=True)
    rows = list(_stretches(known, most=most, alpha=alpha, seed=seed))
    return pd.DataFrame(rows, columns=list(INCIDENT_COLUMNS))


def _stretches(
    known: pd.DataFrame, *, most: int, alpha: float, seed: int
) -> Iterator[dict[str, object]]:
    rest = known
    for _ in range(most):
        counts = rest[["successes", "trials"]].to_numpy(dtype=float)
        best = _best_stretch(counts)
        if best is None:
            return
        score, first, last = best
        p_value = _p_value(score, counts, seed=seed)
        if p_value > alpha:
            return
        start, end = rest["period"].iloc[first], rest["period"].iloc[last]
        yield _row(rest, first, last, p_value, is_over=bool(end < known["period"].iloc[-1]))
        inside = (rest["period"] >= start) & (rest["period"] <= end)
        rest = rest[~inside].reset_index(drop=True)


def _row(
    rest: pd.DataFrame, first: int, last: int, p_value: float, *, is_over: bool
) -> dict[str, object]:
    inside = rest.iloc[first : last + 1]
    hits, trials = int(inside["successes"].sum()), int(inside["trials"].sum())
    other_hits = int(rest["successes"].sum()) - hits
    other_trials = int(rest["trials"].sum()) - trials
    low, high = newcombe_interval(hits, trials, other_hits, other_trials)
    start, end = inside["period"].iloc[0], inside["period"].iloc[-1]
    values = (
        start, end, (end - start).days + 1, hits, trials, hits / trials, other_hits, other_trials,
        other_hits / other_trials, hits / trials - other_hits / other_trials, float(low),
        float(high), p_value, is_over,
    )  # fmt: skip
    return dict(zip(INCIDENT_COLUMNS, values, strict=True))


def _best_stretch(counts: Floats) -> tuple[float, int, int] | None:
    """Return the score of the stretch that stands out most, with its first and last row."""
    if not len(counts):
        return None
    found = [(scores[0], length) for length, scores in _by_length(counts[None])]
    best = max(((float(scores.max()), length, int(scores.argmax())) for scores, length in found),
               default=None, key=lambda item: item[0])  # fmt: skip
    if best is None or not math.isfinite(best[0]):
        return None
    score, length, place = best
    first = LEAST_BEFORE + place
    return score, first, first + length - 1


def _by_length(orders: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield each length of a stretch with the scores of those that begin ever later.

    Args:
        orders: Successes and trials of each day, of one or more orders of the days.

    Yields:
        The length in rows, and per order and first row from the 15th on the score; minus infinity
        where the rate is not lower than before and after.
    """
    total = orders.shape[1]
    sums = np.concatenate([np.zeros((len(orders), 1, 2)), orders.cumsum(axis=1)], axis=1)
    hits, trials = sums[0, -1]
    whole = _likelihood(hits, trials)
    for length in range(1, min(total // 2, total - LEAST_BEFORE) + 1):
        before = sums[:, LEAST_BEFORE : total - length + 1]
        until = sums[:, LEAST_BEFORE + length :]
        h, n = until[..., 0] - before[..., 0], until[..., 1] - before[..., 1]
        after_hits, after_trials = hits - until[..., 0], trials - until[..., 1]
        lower = (h * before[..., 1] < before[..., 0] * n) & (
            (h * after_trials < after_hits * n) | (after_trials == 0)
        )
        gain = _likelihood(h, n) + _likelihood(hits - h, trials - n) - whole
        yield length, np.where(lower, gain, -math.inf)


def _likelihood(hits: npt.ArrayLike, trials: npt.ArrayLike) -> Floats:
    """Return the log-likelihood of so many hits at their own rate."""
    count, total = np.asarray(hits, dtype=float), np.asarray(trials, dtype=float)
    found: Floats = xlogy(count, count) + xlogy(total - count, total - count) - xlogy(total, total)
    return found


def _p_value(score: float, counts: Floats, *, seed: int) -> float:
    """Return the share of random orders of the days whose best stretch scores as high.

    It stops as soon as enough of them do, for then the stretch is nothing unusual.
    """
    generator = np.random.default_rng(seed)
    done = as_high = 0
    while done < _SHUFFLES and as_high < _ENOUGH:
        orders = generator.permuted(np.broadcast_to(np.arange(len(counts)), (_BATCH, len(counts))),
                                    axis=1)  # fmt: skip
        best = np.full(_BATCH, -math.inf)
        for _, scores in _by_length(counts[orders]):
            best = np.maximum(best, scores.max(axis=1))
        as_high += int((best >= score).sum())
        done += _BATCH
    return (as_high + 1) / (done + 1)
