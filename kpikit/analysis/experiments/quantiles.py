"""Quantiles of two variants, compared by their order statistics."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import ibis.expr.types as ir
from scipy import special

from kpikit.analysis.experiments.effects import Sample, absolute_effect
from kpikit.analysis.experiments.estimate import Estimate, estimate_of, no_estimate
from kpikit.analysis.experiments.metrics import Quantile
from kpikit.analysis.experiments.moments import number
from kpikit.engine import fetch

_Z = float(special.ndtri(0.975))


@dataclass(frozen=True)
class QuantileArm:
    """A quantile of one variant with the order statistics around it.

    Attributes:
        units: Units of the variant.
        n: Units with a value.
        value: The quantile.
        low: Lower end of its own 95 % interval; missing where units are too few.
        high: Upper end.
    """

    units: int
    n: int
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def missing(self) -> int:
        """Units without a value."""
        return self.units - self.n

    @property
    def sample(self) -> Sample:
        """The quantile as if it were a mean: the standard error is that of the interval."""
        se = (self.high - self.low) / (2 * _Z)
        return Sample(self.value, se**2 * self.n, self.n)


def quantile_arms(
    units: ir.Table, metric: Quantile, *, variant: str, variants: Iterable[Hashable]
) -> dict[Hashable, QuantileArm]:
    """Return what is known of a quantile, by variant.

    Two queries: the number of values, and the order statistics that it asks for. The interval of
    a quantile q of n units runs between the quantiles ``q +- 1.96 sqrt(q (1 - q) / n)``.

    References:
        Woodruff, R. S. (1952). Confidence intervals for medians and other position measures.
        Journal of the American Statistical Association 47, 635-646.
    """
    rows = units.select(variant=units[variant], value=_values(units, metric))
    counts = rows.group_by("variant").aggregate(units=rows.count(), n=rows.value.count())
    counted = {row["variant"]: row for row in fetch(counts).to_pylist()}
    levels = {name: _levels(metric.q, row["n"]) for name, row in counted.items()}
    found = rows.aggregate(
        **{
            str(index): rows.value.quantile(around, where=rows.variant == name)
            for index, (name, around) in enumerate(levels.items())
        }
    )
    (values,) = fetch(found).to_pylist()
    arms = {
        name: _arm(own, counted[name], levels[name])
        for name, own in zip(levels, values.values(), strict=True)
    }
    return {name: arms.get(name, QuantileArm(0, 0)) for name in variants}


def compare_quantiles(control: QuantileArm, variant: QuantileArm, *, alpha: float) -> Estimate:
    """Return the estimate of a difference of quantiles, taken as normal."""
    for name, arm in (("control", control), ("the variant", variant)):
        if math.isnan(arm.low):
            note = f"{name} has too few units for this quantile"
            return no_estimate(control.value, variant.value, note)
    pair = [control.sample, variant.sample]
    absolute = replace(absolute_effect(*pair), df=math.inf)
    if absolute.se == 0:
        note = "all units near the quantile have the same value"
        return no_estimate(control.value, variant.value, note)
    return estimate_of(
        pair,
        pair,
        absolute,
        interval=absolute.interval(alpha),
        p_value=absolute.p_value(),
        method="z-test of quantiles, Woodruff's standard errors",
        alpha=alpha,
    )


def _values(units: ir.Table, metric: Quantile) -> ir.FloatingValue:
    values = number(units[metric.column])
    return values.fill_null(0.0) if metric.nulls == "zero" else values


def _levels(q: float, n: int) -> list[float]:
    """Return the levels of the quantile and of the ends of its interval, within 0 and 1."""
    half = _Z * math.sqrt(q * (1 - q) / n) if n else 1.0
    return [min(max(level, 0.0), 1.0) for level in (q - half, q, q + half)]


def _arm(
    values: Sequence[float] | None, counted: Mapping[str, int], levels: Sequence[float]
) -> QuantileArm:
    units, n = counted["units"], counted["n"]
    if values is None or n == 0:
        return QuantileArm(units, n)
    low, value, high = (float(one) for one in values)
    if levels[0] == 0 or levels[-1] == 1:
        return QuantileArm(units, n, value)
    return QuantileArm(units, n, value, low, high)
