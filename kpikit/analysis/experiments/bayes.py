"""The same effect read as a belief: chance to win, expected loss, practical equivalence."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from kpikit.analysis.experiments.effects import Effect
from kpikit.errors import AnalysisError

_NODES = 400
_TAIL = 1e-13


@dataclass(frozen=True)
class Belief:
    """What to believe of an effect after the data.

    Attributes:
        mean: Expected effect.
        sd: Standard deviation of the belief.
        ci_low: Lower end of the central credible interval.
        ci_high: Upper end.
        chance_to_win: Probability that the effect is above zero.
        loss_of_variant: What choosing the variant is expected to cost where it is worse.
        loss_of_control: What staying with control is expected to cost where it is worse.
        chance_of_equivalence: Probability that the effect lies in the region of practical
            equivalence; missing where none is given.
    """

    mean: float
    sd: float
    ci_low: float
    ci_high: float
    chance_to_win: float
    loss_of_variant: float
    loss_of_control: float
    chance_of_equivalence: float = math.nan


def normal_belief(
    effect: Effect,
    *,
    prior_mean: float = 0.0,
    prior_sd: float = math.inf,
    region: float | None = None,
    alpha: float = 0.05,
) -> Belief:
    """Return the belief in an effect: a normal prior updated by a normal estimate.

    Args:
        effect: Absolute or relative effect; the estimate counts as normal.
        prior_mean: Effect expected before the data.
        prior_sd: How sure of it one was; infinite for a flat prior.
        region: Effects between minus and plus this are practically none.
        alpha: The credible interval holds ``1 - alpha``.

    Raises:
        AnalysisError: ``prior_sd`` is not positive.

    References:
        Gelman, A. et al. (2013). Bayesian data analysis, 3rd ed., section 2.5, for the update.
        Stucchio, C. (2015). Bayesian A/B testing at VWO, for the expected loss.
    """
    if not prior_sd > 0:
        raise AnalysisError(f"prior_sd is {prior_sd}.\nGive a number above 0, or infinity.")
    prior, data = prior_sd**-2, effect.se**-2
    mean = (prior_mean * prior + effect.estimate * data) / (prior + data)
    sd = math.sqrt(1 / (prior + data))
    half = float(special.ndtri(1 - alpha / 2)) * sd
    loss_of_control, loss_of_variant = expected_losses(mean, sd)
    equivalent = math.nan
    if region is not None:
        ends = special.ndtr((np.array([-region, region]) - mean) / sd)
        equivalent = float(ends[1] - ends[0])
    return Belief(
        mean, sd, mean - half, mean + half, float(special.ndtr(mean / sd)),
        loss_of_variant, loss_of_control, equivalent,
    )  # fmt: skip


def expected_losses(mean: float, sd: float) -> tuple[float, float]:
    """Return the expected losses of staying with control and of choosing the variant.

    Of an effect believed to be normal: the mean of its positive part, and of its negative part.
    """
    density = math.exp(-((mean / sd) ** 2) / 2) / math.sqrt(2 * math.pi)
    gain = mean * float(special.ndtr(mean / sd)) + sd * density
    loss = -mean * float(special.ndtr(-mean / sd)) + sd * density
    return gain, loss


def share_belief(
    control: tuple[int, int],
    variant: tuple[int, int],
    *,
    prior: tuple[float, float] = (1.0, 1.0),
    region: float | None = None,
    alpha: float = 0.05,
) -> Belief:
    """Return the belief in the difference of two shares: beta priors, exact integrals.

    Args:
        control: Successes and units of control.
        variant: Successes and units of the variant.
        prior: Parameters of both beta priors; (1, 1) is uniform.
        region: As of ``normal_belief``.
        alpha: As of ``normal_belief``; the interval and region take the difference as normal.

    References:
        Gelman et al. (2013), section 2.4. The losses are integrals of both distribution
        functions, as E max(X - Y, 0) is that of P(Y < t < X).
    """
    beliefs = [
        stats.beta(prior[0] + successes, prior[1] + units - successes)
        for successes, units in (control, variant)
    ]
    before, after = beliefs
    mean = float(after.mean() - before.mean())
    sd = math.hypot(before.std(), after.std())
    low = min(float(one.ppf(_TAIL)) for one in beliefs)
    high = max(float(one.isf(_TAIL)) for one in beliefs)
    nodes, weights = special.roots_legendre(_NODES)
    at = (high - low) / 2 * nodes + (high + low) / 2
    weights = weights * (high - low) / 2
    as_normal = normal_belief(Effect(mean, sd), region=region, alpha=alpha)
    return Belief(
        mean, sd, as_normal.ci_low, as_normal.ci_high,
        chance_to_win=float(weights @ (after.pdf(at) * before.cdf(at))),
        loss_of_variant=float(weights @ (after.cdf(at) * before.sf(at))),
        loss_of_control=float(weights @ (before.cdf(at) * after.sf(at))),
        chance_of_equivalence=as_normal.chance_of_equivalence,
    )  # fmt: skip
