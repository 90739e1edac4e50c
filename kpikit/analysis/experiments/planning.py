"""Planning: how many units, which effect, how many days."""

import math
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Literal

from scipy import optimize, special, stats

from kpikit.analysis.experiments.effects import Alternative
from kpikit.errors import AnalysisError, check_choice

Kind = Literal["proportion", "mean"]
FEWEST_UNITS = 2  # of control, and of the variant, without which there is no test
_MOST_UNITS = 1e15
_SURE = 100.0  # standard errors, beyond which the series of the noncentral t may not converge


def sample_size(
    *,
    baseline: float,
    effect: float,
    kind: Kind = "proportion",
    sd: float | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
    alternative: Alternative = "two-sided",
    variance_reduction: float = 0.0,
    margin: float | None = None,
) -> float:
    """Return how many units control needs to find an effect.

    The number is exact, not rounded: take the next whole number, and ``ratio`` times as many for
    the variant.

    Args:
        baseline: Control's share (0 to 1) or mean.
        effect: Absolute difference to be found, in units of the metric.
        kind: ``proportion`` or ``mean``. A ratio metric is a mean whose ``sd`` is that of the
            linearised values.
        sd: Standard deviation between units; for means.
        alpha: Level, shared by both sides unless ``alternative`` names one.
        power: Chance to find the effect, should it exist.
        ratio: Units of the variant per unit of control.
        alternative: ``two-sided``, or ``greater`` or ``less`` where only one direction counts.
        variance_reduction: Share of the variance that a covariate explains (CUPED), 0 to 1.
        margin: Plan a test that the loss is less than this margin (non-inferiority), instead of
            one that there is a difference; ``effect`` is then the true difference, mostly 0.

    Returns:
        Units of control.

    Raises:
        AnalysisError: An argument is out of its range, or no number of units would do.

    References:
        Shares: normal approximation with the null hypothesis' pooled variance, as R's
        ``power.prop.test`` (Fleiss, J. L. (1981). Statistical methods for rates and proportions,
        2nd ed., 38-45); with a margin Farrington, C. P. and Manning, G. (1990). Statistics in
        Medicine 9, 1447-1454. Means: noncentral t, as R's ``power.t.test``.

    Example:
        >>> round(sample_size(baseline=0.5, effect=0.25, power=0.9), 1)
        76.7
    """
    plan = _Plan(kind, baseline, sd, alpha, power, ratio, alternative, variance_reduction, margin)
    effect, power = _number("effect", effect), plan.power
    if not plan.distance(effect) > 0:
        raise AnalysisError(
            f"No number of units finds an effect of {effect:g} in sample_size.\n"
            f"Give one that lies on the side of what is tested: {plan.hypothesis}."
        )

    def shortfall(log_n: float) -> float:
        return plan.achieved(math.exp(log_n), effect) - power

    low, high = math.log(plan.fewest), math.log(_MOST_UNITS)
    if shortfall(low) >= 0:
        return plan.fewest
    if shortfall(high) < 0:
        raise AnalysisError(
            f"An effect of {effect:g} needs more than {_MOST_UNITS:g} units in sample_size.\n"
            f"Give one that matters."
        )
    return float(math.exp(optimize.brentq(shortfall, low, high, xtol=1e-13)))


def minimum_detectable_effect(
    *,
    n_control: float,
    n_variant: float,
    baseline: float,
    kind: Kind = "proportion",
    sd: float | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    alternative: Alternative = "two-sided",
    variance_reduction: float = 0.0,
) -> float:
    """Return the smallest absolute effect that so many units find: the inverse of ``sample_size``.

    Args:
        n_control: Units of control.
        n_variant: Units of the variant.
        baseline: Control's share (0 to 1) or mean.
        kind: As of ``sample_size``.
        sd: As of ``sample_size``.
        alpha: As of ``sample_size``.
        power: As of ``sample_size``.
        alternative: As of ``sample_size``; with ``less`` the effect is a loss, and negative.
        variance_reduction: As of ``sample_size``.

    Returns:
        The effect in units of the metric. It is missing where no effect would be found.

    Raises:
        AnalysisError: An argument is out of its range.

    Example:
        >>> effect = minimum_detectable_effect(
        ...     n_control=50, n_variant=50, baseline=0.5, power=0.9
        ... )
        >>> round(0.5 + effect, 4)
        0.8026
    """
    n_control, n_variant = _number("n_control", n_control), _number("n_variant", n_variant)
    if not min(n_control, n_variant) >= FEWEST_UNITS:
        raise AnalysisError(
            f"n_control is {n_control:g} and n_variant {n_variant:g} in "
            f"minimum_detectable_effect.\nGive {FEWEST_UNITS} units or more each."
        )
    plan = _Plan(
        kind, baseline, sd, alpha, power, n_variant / n_control, alternative, variance_reduction
    )
    sign = -1.0 if alternative == "less" else 1.0
    if kind == "proportion":
        most = (plan.baseline if sign < 0 else 1 - plan.baseline) * (1 - 1e-12)
    else:
        most = plan.spread * 1e6

    def shortfall(size: float) -> float:
        return plan.achieved(n_control, sign * size) - plan.power

    if shortfall(most) < 0:
        return math.nan
    return sign * float(optimize.brentq(shortfall, most * 1e-15, most, xtol=1e-15))


def achieved_power(
    *,
    n_control: float,
    n_variant: float,
    baseline: float,
    effect: float,
    kind: Kind = "proportion",
    sd: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> float:
    """Return the chance that so many units find an effect; arguments as of ``sample_size``."""
    plan = _Plan(kind, baseline, sd, alpha, 0.5, n_variant / n_control, alternative)
    return plan.achieved(n_control, effect)


@dataclass(frozen=True)
class _Plan:
    """What stays fixed while units or effect are searched for."""

    kind: Kind
    baseline: float
    sd: float | None
    alpha: float
    power: float
    ratio: float
    alternative: Alternative
    variance_reduction: float = 0.0
    margin: float | None = None

    def __post_init__(self) -> None:
        for name in ("baseline", "sd", "alpha", "power", "ratio", "variance_reduction", "margin"):
            given = getattr(self, name)
            if given is not None or name not in ("sd", "margin"):
                object.__setattr__(self, name, _number(name, given))
        check_choice("kind", self.kind, ("proportion", "mean"), "planning")
        check_choice("alternative", self.alternative, ("two-sided", "greater", "less"), "planning")
        for name in ("alpha", "power"):
            if not 0 < getattr(self, name) < 1:
                raise AnalysisError(
                    f"{name} is {getattr(self, name):g}.\nGive a share between 0 and 1."
                )
        if not 0 < self.ratio < math.inf:
            raise AnalysisError(
                f"ratio is {self.ratio:g}.\nGive units per unit of control, above 0."
            )
        if not 0 <= self.variance_reduction < 1:
            raise AnalysisError(
                f"variance_reduction is {self.variance_reduction:g}.\n"
                f"Give the share that the covariate explains, from 0 to below 1."
            )
        if self.kind == "proportion" and not 0 < self.baseline < 1:
            raise AnalysisError(
                f"baseline is {self.baseline:g} for a proportion.\nGive a share between 0 and 1."
            )
        if self.kind == "mean" and not (self.sd is not None and 0 < self.sd < math.inf):
            raise AnalysisError(f"sd is {self.sd} for a mean.\nGive the units' standard deviation.")

    @property
    def null(self) -> float:
        """The difference under the hypothesis that is tested."""
        if self.margin is None:
            return 0.0
        return self.margin if self.alternative == "less" else -self.margin

    @property
    def hypothesis(self) -> str:
        """What is to be shown, in words."""
        if self.margin is None and self.alternative == "two-sided":
            return "an effect other than 0"
        return f"an effect {'below' if self.alternative == 'less' else 'above'} {self.null:g}"

    @property
    def spread(self) -> float:
        """Standard deviation after the covariate's part is taken away."""
        return (self.sd or 1.0) * math.sqrt(1 - self.variance_reduction)

    @property
    def fewest(self) -> float:
        """Units of control that leave a degree of freedom."""
        return 3 / (1 + self.ratio)

    def distance(self, effect: float) -> float:
        """Return how far the effect lies from the hypothesis, to the side that is tested."""
        if self.margin is None and self.alternative == "two-sided":
            return abs(effect)
        return self.null - effect if self.alternative == "less" else effect - self.null

    def achieved(self, n: float, effect: float) -> float:
        """Return the power of ``n`` units of control."""
        level = self.alpha / 2 if self.alternative == "two-sided" else self.alpha
        if self.kind == "mean":
            degrees = n * (1 + self.ratio) - 2
            far = self.distance(effect) / (self.spread * math.sqrt((1 + 1 / self.ratio) / n))
            if far > _SURE:
                return 1.0
            return float(stats.nct.sf(special.stdtrit(degrees, 1 - level), degrees, far))
        null_se, se = (math.sqrt(one / n) for one in self._share_variances(effect))
        return float(
            special.ndtr((self.distance(effect) - special.ndtri(1 - level) * null_se) / se)
        )

    def _share_variances(self, effect: float) -> tuple[float, float]:
        """Return n times the variance of the difference, under the hypothesis and in truth."""
        shares = (self.baseline, self.baseline + effect)
        if not 0 <= shares[1] <= 1:
            raise AnalysisError(
                f"An effect of {effect:g} makes a share of {shares[1]:g} out of {shares[0]:g}.\n"
                f"Give an absolute difference, such as 0.01 for one percentage point."
            )
        if self.margin is None:
            both = (shares[0] + self.ratio * shares[1]) / (1 + self.ratio)
            expected = (both, both)
        else:
            expected = _shares_under(self.null, shares, self.ratio)
        kept = 1 - self.variance_reduction
        return self._variance(expected) * kept, self._variance(shares) * kept

    def _variance(self, shares: tuple[float, float]) -> float:
        control, variant = shares
        return control * (1 - control) + variant * (1 - variant) / self.ratio


def _shares_under(
    difference: float, shares: tuple[float, float], ratio: float
) -> tuple[float, float]:
    """Return the likeliest shares, given those seen, whose difference is a given one."""

    def slope(share: float) -> float:
        other = share + difference
        return (
            shares[0] / share
            - (1 - shares[0]) / (1 - share)
            + ratio * (shares[1] / other - (1 - shares[1]) / (1 - other))
        )

    edge = 1e-12
    low, high = max(0.0, -difference) + edge, min(1.0, 1 - difference) - edge
    share = float(optimize.brentq(slope, low, high, xtol=1e-14))
    return share, share + difference


def runtime_days(n_control: float, *, ratio: float = 1.0, daily_units: float) -> int:
    """Return the days until control and one variant have their units.

    Args:
        n_control: Units that control needs, from ``sample_size``.
        ratio: Units of the variant per unit of control.
        daily_units: New units of both together per day.

    Raises:
        AnalysisError: No unit comes.
    """
    if not daily_units > 0:
        raise AnalysisError(f"daily_units is {daily_units}.\nGive the units of a day, above 0.")
    return math.ceil(n_control * (1 + ratio) / daily_units)


def _number(name: str, given: object) -> float:
    """Return what is given as a float, for a database hands out decimals."""
    if not isinstance(given, Real | Decimal):
        raise AnalysisError(f"{name} is {given!r}.\nGive a number.")
    return float(given)
