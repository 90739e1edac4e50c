"""From the moments of two variants to one estimate: difference, intervals, p-value."""

import functools
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace

import tea_tasting as tt
from tea_tasting.aggr import Aggregates

from kpikit.analysis.experiments.effects import (
    NO_EFFECT,
    Effect,
    Sample,
    absolute_effect,
    relative_effect,
)
from kpikit.analysis.experiments.metrics import (
    COVARIATE,
    COVARIATE_DENOMINATOR,
    DENOMINATOR,
    VALUE,
    Metric,
    Proportion,
)
from kpikit.analysis.experiments.moments import Arm
from kpikit.intervals import newcombe_interval

_FEWEST_EXPECTED = 5  # Cochran's rule for the normal approximation of a 2 x 2 table
_BOSCHLOO_UNITS = 200  # beyond, Boschloo's test takes seconds, and Fisher's comes close
_ROUNDING = 1e-9  # of the variance: what is left by arithmetic where nothing is
_NAN = float("nan")


@dataclass(frozen=True)
class Estimate:
    """One metric of one variant against control.

    Means are as measured; effects are adjusted where the metric has a covariate. Missing where
    ``note`` says why there is none.

    Attributes:
        control_mean: Mean of control, as measured.
        variant_mean: Mean of the variant, as measured.
        control_adjusted_mean: Mean of control at the covariate's common mean.
        variant_adjusted_mean: Mean of the variant at the covariate's common mean.
        absolute: Difference of the adjusted means.
        relative: The same over the size of control's adjusted mean.
        ci_low: Lower end of the interval of the absolute effect.
        ci_high: Upper end.
        rel_ci_low: Lower end of the interval of the relative effect.
        rel_ci_high: Upper end.
        p_value: Two-sided, of no absolute difference.
        method: Test and interval in words.
        variance_reduction: Share of the variance that the covariate explains, 0 to 1.
        note: Why there is no estimate; empty where there is one.
    """

    control_mean: float = _NAN
    variant_mean: float = _NAN
    control_adjusted_mean: float = _NAN
    variant_adjusted_mean: float = _NAN
    absolute: Effect = NO_EFFECT
    relative: Effect = NO_EFFECT
    ci_low: float = _NAN
    ci_high: float = _NAN
    rel_ci_low: float = _NAN
    rel_ci_high: float = _NAN
    p_value: float = _NAN
    method: str = ""
    variance_reduction: float = _NAN
    note: str = ""


def compare(metric: Metric, control: Arm, variant: Arm, *, alpha: float) -> Estimate:
    """Return the estimate of a mean, share or ratio.

    tea-tasting adds the moments up, gives the delta method's variances and covariances, and makes
    the exact tests. Means and ratios: Welch's t-test, with the delta method's variance of a ratio;
    covariates take away what was there before (CUPED, with one coefficient from both variants).
    Shares: the z-test without continuity correction, with a Wald interval; where a cell of the
    table is expected to hold fewer than 5 units, an exact test (Boschloo's, Fisher's beyond 200
    units) with Newcombe's interval.

    The relative effect divides by the size of control's mean, so that its sign is that of the
    difference even where the mean is negative. Its variance is the delta method's with Welch's
    degrees of freedom. It is withheld where the interval of control's own mean holds zero: a
    quotient by a number that may be zero has no bounded interval (Fieller).

    Args:
        metric: What is measured.
        control: Moments of control.
        variant: Moments of the variant.
        alpha: Two-sided level of the intervals.

    References:
        Welch, B. L. (1947). Biometrika 34, 28-35. Deng, Knoblich and Lu (2018), section 3, for
        ratios; Deng et al. (2013) for CUPED. Newcombe, R. G. (1998). Statistics in Medicine 17,
        873-890, method 10. Fieller, E. C. (1954). JRSS B 16, 175-185. Cochran, W. G. (1954).
        Biometrics 10, 417-451.
    """
    note = _trouble(metric, control, variant)
    if note:
        means = [_raw_mean(metric, arm.moments) for arm in (control, variant)]
        return no_estimate(means[0], means[1], note)
    if isinstance(metric, Proportion):
        return _share(metric, control, variant, alpha)
    return _welch(metric, control.moments, variant.moments, alpha)


def p_value(metric: Metric, control: Arm, variant: Arm) -> float:
    """Return the p-value of ``compare`` alone; missing where there is no estimate."""
    if _trouble(metric, control, variant):
        return _NAN
    if isinstance(metric, Proportion):
        return _share(metric, control, variant, alpha=0.05).p_value
    return absolute_effect(*_adjusted(metric, control.moments, variant.moments)).p_value()


def _trouble(metric: Metric, control: Arm, variant: Arm) -> str:
    """Return why there can be no estimate; empty where there can."""
    spread = 0.0
    for name, arm in (("control", control), ("the variant", variant)):
        if arm.n < 2:
            return f"{name} has {arm.n or 'no'} unit{'s' * (arm.n != 1)} with a value"
        if DENOMINATOR in metric.columns and arm.moments.mean(DENOMINATOR) == 0:
            return f"the denominator sums to 0 in {name}"
        variance = _variance(metric, arm.moments)
        if not math.isfinite(variance):
            return f"{name} has a value that is not finite"
        spread += variance
    if spread == 0:
        return "all units have the same value"
    return ""


def _share(metric: Proportion, control: Arm, variant: Arm, alpha: float) -> Estimate:
    pair = [_share_sample(arm.moments) for arm in (control, variant)]
    both = _share_sample(control.moments + variant.moments)
    absolute = replace(absolute_effect(*pair), df=math.inf)
    pooled = replace(absolute, se=math.sqrt(both.variance * (1 / control.n + 1 / variant.n)))
    fewest = min(both.mean, 1 - both.mean) * min(control.n, variant.n)
    if metric.pooled is None and fewest < _FEWEST_EXPECTED:
        name = "boschloo" if both.n <= _BOSCHLOO_UNITS else "fisher"
        method = f"{name.title()}'s exact test, Newcombe's interval"
        interval = _newcombe(*pair, alpha=alpha)
        exact = tt.Proportion(VALUE, method=name, alternative="two-sided")
        p_value = float(exact.analyze_aggregates(control.moments, variant.moments).pvalue)
    else:
        method = "z-test, Wald interval"
        interval = (pooled if metric.pooled else absolute).interval(alpha)
        p_value = (absolute if metric.pooled is False else pooled).p_value()
    return estimate_of(
        pair, pair, absolute, interval=interval, p_value=p_value, method=method, alpha=alpha
    )


def _share_sample(moments: Aggregates) -> Sample:
    share = float(moments.mean(VALUE))
    return Sample(share, share * (1 - share), moments.count())


def _newcombe(control: Sample, variant: Sample, *, alpha: float) -> tuple[float, float]:
    """Return the interval of the difference of two shares; see ``intervals``."""
    counts = [(round(one.mean * one.n), one.n) for one in (variant, control)]
    low, high = newcombe_interval(*counts[0], *counts[1], confidence=1 - alpha)
    return float(low), float(high)


def _welch(metric: Metric, control: Aggregates, variant: Aggregates, alpha: float) -> Estimate:
    arms = (control, variant)
    raw = [Sample(_raw_mean(metric, arm), _variance(metric, arm), arm.count()) for arm in arms]
    pair = _adjusted(metric, *arms)
    absolute = absolute_effect(*pair)
    found = estimate_of(
        raw,
        pair,
        absolute,
        interval=absolute.interval(alpha),
        p_value=absolute.p_value(),
        method="Welch's t-test" + ", with the covariate (CUPED)" * (COVARIATE in metric.columns),
        alpha=alpha,
    )
    if COVARIATE not in metric.columns:
        return found
    return replace(found, variance_reduction=1 - (absolute.se / absolute_effect(*raw).se) ** 2)


def _adjusted(metric: Metric, *arms: Aggregates) -> list[Sample]:
    """Return the variants less the covariate's part in them."""
    slope, level = _adjustment(metric, *arms)
    return [
        Sample(
            _raw_mean(metric, arm)
            - (slope * (_covariate_mean(metric, arm) - level) if slope else 0.0),
            _variance(metric, arm, slope),
            arm.count(),
        )
        for arm in arms
    ]


def no_estimate(control_mean: float, variant_mean: float, note: str) -> Estimate:
    """Return the means alone, and why there is no estimate."""
    return Estimate(control_mean=control_mean, variant_mean=variant_mean, note=note)


def estimate_of(
    raw: Sequence[Sample],
    adjusted: Sequence[Sample],
    absolute: Effect,
    *,
    interval: tuple[float, float],
    p_value: float,
    method: str,
    alpha: float,
) -> Estimate:
    """Return an estimate with its relative effect, where control's mean can be told from zero.

    Args:
        raw: Control and the variant, as measured.
        adjusted: The same less the covariate's part.
        absolute: The effect between the adjusted ones.
        interval: Of the absolute effect.
        p_value: Of no absolute effect.
        method: In words.
        alpha: Two-sided level of the interval of the relative effect.
    """
    control = adjusted[0]
    low, high = Effect(control.mean, control.se).interval(alpha)
    relative = NO_EFFECT if low <= 0 <= high else relative_effect(*adjusted)
    rel_low, rel_high = relative.interval(alpha)
    return Estimate(
        control_mean=raw[0].mean,
        variant_mean=raw[1].mean,
        control_adjusted_mean=control.mean,
        variant_adjusted_mean=adjusted[1].mean,
        absolute=absolute,
        relative=relative,
        ci_low=interval[0],
        ci_high=interval[1],
        rel_ci_low=rel_low,
        rel_ci_high=rel_high,
        p_value=p_value,
        method=method,
    )


def describe(metric: Metric, moments: Aggregates) -> tuple[float, float, float]:
    """Return mean, standard deviation of a unit's value, and the share that a covariate explains.

    A covariate that explains all of it, as where one unit alone has any value, leaves nothing to
    plan with and says nothing of other units: it counts as explaining none.

    Args:
        metric: A mean, share or ratio.
        moments: Of all units.
    """
    slope, _ = _adjustment(metric, moments)
    plain, adjusted = _variance(metric, moments), _variance(metric, moments, slope)
    explained = 1 - adjusted / plain if adjusted > _ROUNDING * plain else 0.0
    return _raw_mean(metric, moments), math.sqrt(plain), explained


def _adjustment(metric: Metric, *arms: Aggregates) -> tuple[float, float]:
    """Return CUPED's coefficient and the covariate's common mean, from all arms together.

    Both are zero where the covariate says nothing: it never varies, or it is a ratio over what an
    arm had none of.
    """
    if COVARIATE not in metric.columns:
        return 0.0, 0.0
    top, below = _denominators(metric)
    if below is not None and not all(arm.mean(below) for arm in arms):
        return 0.0, 0.0
    both = functools.reduce(operator.add, arms)
    variance = both.ratio_var(COVARIATE, below)
    if not variance > 0:
        return 0.0, 0.0
    slope = both.ratio_cov(VALUE, top, COVARIATE, below) / variance
    return float(slope), _covariate_mean(metric, both)


def _variance(metric: Metric, arm: Aggregates, slope: float = 0.0) -> float:
    """Return the variance of a unit's value less the covariate's part in it."""
    top, below = _denominators(metric)
    variance = arm.ratio_var(VALUE, top)
    if slope:
        variance += slope**2 * arm.ratio_var(COVARIATE, below)
        variance -= 2 * slope * arm.ratio_cov(VALUE, top, COVARIATE, below)
    return float(max(variance, 0.0))


def _raw_mean(metric: Metric, arm: Aggregates) -> float:
    below = float(arm.mean(_denominators(metric)[0]))
    return float(arm.mean(VALUE)) / below if below else _NAN


def _covariate_mean(metric: Metric, arm: Aggregates) -> float:
    return float(arm.mean(COVARIATE) / arm.mean(_denominators(metric)[1]))


def _denominators(metric: Metric) -> tuple[str | None, str | None]:
    """Return the parts below the line, of value and covariate; None stands for 1."""
    parts = metric.columns
    return (
        DENOMINATOR if DENOMINATOR in parts else None,
        COVARIATE_DENOMINATOR if COVARIATE_DENOMINATOR in parts else None,
    )
