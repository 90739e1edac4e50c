"""Two samples, the effect between them, and what may be said of it: interval, test, margin."""

import math
from dataclasses import dataclass
from typing import Literal

from scipy import special

Alternative = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True)
class Effect:
    """An estimated difference between a variant and control.

    Attributes:
        estimate: The difference, absolute or relative.
        se: Its standard error.
        df: Degrees of freedom of Student's t; infinite for the normal distribution.
    """

    estimate: float
    se: float
    df: float = math.inf

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the two-sided interval with confidence ``1 - alpha``."""
        half = -self.quantile(alpha / 2) * self.se  # so that a tiny alpha keeps its digits
        return self.estimate - half, self.estimate + half

    def quantile(self, probability: float) -> float:
        """Return the quantile of the statistic's own distribution."""
        if math.isinf(self.df):
            return float(special.ndtri(probability))
        return float(special.stdtrit(self.df, probability))

    def p_value(self, null: float = 0.0, alternative: Alternative = "two-sided") -> float:
        """Return the chance of an estimate at least as far from ``null``, were it true."""
        if not self.se > 0:
            return math.nan
        statistic = (self.estimate - null) / self.se
        if alternative == "two-sided":
            return 2 * self._below(-abs(statistic))
        return self._below(statistic if alternative == "less" else -statistic)

    def _below(self, statistic: float) -> float:
        if math.isinf(self.df):
            return float(special.ndtr(statistic))
        return float(special.stdtr(self.df, statistic))


NO_EFFECT = Effect(math.nan, math.nan)


@dataclass(frozen=True)
class Sample:
    """The mean of one variant, as far as its moments go.

    Attributes:
        mean: Mean, share or ratio.
        variance: Of a unit's value.
        n: Units.
    """

    mean: float
    variance: float
    n: int

    @property
    def se(self) -> float:
        """Standard error of the mean."""
        return math.sqrt(self.variance / self.n)


def absolute_effect(control: Sample, variant: Sample) -> Effect:
    """Return the difference of two means, with Welch's standard error and degrees of freedom."""
    se = math.hypot(control.se, variant.se)
    return Effect(variant.mean - control.mean, se, _welch_degrees(control, variant))


def relative_effect(control: Sample, variant: Sample) -> Effect:
    """Return the difference over the size of control's mean, by the delta method.

    Dividing by the size keeps the sign of the difference where the mean is negative. The variance
    is that of a quotient of independent means, with Welch's degrees of freedom.

    References:
        Deng, A., Knoblich, U. and Lu, J. (2018). Applying the delta method in metric analytics.
        KDD 2018, 233-242, section 2.
    """
    if control.mean == 0:
        return NO_EFFECT
    size = abs(control.mean)
    se = math.hypot(variant.se / size, control.se * variant.mean / size**2)
    return Effect((variant.mean - control.mean) / size, se, _welch_degrees(control, variant))


def _welch_degrees(control: Sample, variant: Sample) -> float:
    """Return Welch and Satterthwaite's degrees of freedom."""
    if min(control.n, variant.n) < 2:
        return math.inf
    below = control.se**4 / (control.n - 1) + variant.se**4 / (variant.n - 1)
    return (control.se**2 + variant.se**2) ** 2 / below if below > 0 else math.inf


@dataclass(frozen=True)
class Margin:
    """Whether a metric keeps within a margin.

    Attributes:
        holds: Whether the loss of more than the margin is ruled out.
        bound: The end of the interval that is compared.
        limit: What it is compared with.
        p_value: One-sided, of the hypothesis that the loss exceeds the margin.
        p_breach: One-sided, of the hypothesis that the loss is within the margin.
    """

    holds: bool
    bound: float
    limit: float
    p_value: float
    p_breach: float


def non_inferiority(effect: Effect, *, margin: float, up: bool, alpha: float) -> Margin:
    """Test that a metric is not worse by more than a margin.

    It holds where the bad end of the two-sided interval with confidence ``1 - alpha`` lies inside
    the margin, which is a one-sided test at ``alpha / 2``.

    Args:
        effect: Absolute effect.
        margin: Greatest loss accepted, in units of the metric (>= 0).
        up: Whether more is better.
        alpha: Two-sided level.

    References:
        Wellek, S. (2010). Testing statistical hypotheses of equivalence and noninferiority, 2nd
        ed., chapter 2.
    """
    low, high = effect.interval(alpha)
    limit = -margin if up else margin
    bound = low if up else high
    good, bad = ("greater", "less") if up else ("less", "greater")
    return Margin(
        holds=bound > limit if up else bound < limit,
        bound=bound,
        limit=limit,
        p_value=effect.p_value(limit, good),  # type: ignore[arg-type]
        p_breach=effect.p_value(limit, bad),  # type: ignore[arg-type]
    )


def equivalence_p_value(effect: Effect, *, low: float, high: float) -> float:
    """Return the p-value of the hypothesis that the effect lies outside ``low`` to ``high``.

    Two one-sided tests: the larger of both p-values. Below alpha, the interval with confidence
    ``1 - 2 alpha`` lies inside, and the variants count as equivalent.

    References:
        Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power
        approach. Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.
    """
    return max(effect.p_value(low, "greater"), effect.p_value(high, "less"))
