"""Planning from what is known already: the product's own history, or the experiment so far."""

import math
from collections.abc import Mapping, Sequence

import ibis
import pandas as pd

from kpikit.analysis.experiments.estimate import describe
from kpikit.analysis.experiments.metrics import Metric, Proportion, Quantile
from kpikit.analysis.experiments.moments import Scan, Units, scan_units
from kpikit.analysis.experiments.planning import (
    FEWEST_UNITS,
    minimum_detectable_effect,
    runtime_days,
    sample_size,
)
from kpikit.engine import as_table
from kpikit.errors import AnalysisError


def planning_table(
    units: Units,
    *,
    metrics: Mapping[str, Metric],
    daily_units: float,
    days: Sequence[int] = (7, 14, 28, 56),
    share: float = 0.5,
    alpha: float = 0.05,
    power: float = 0.8,
) -> pd.DataFrame:
    """Return which effects a test of so many days would find, from the product's history.

    Args:
        units: One row per unit, measured as the test will measure them, before any test; or a scan
            that holds the metrics.
        metrics: Means, shares and ratios by name; covariates are used where they have them.
        daily_units: New units per day, in control and variant together.
        days: Lengths of the test.
        share: Share of the units that control gets.
        alpha: Two-sided level.
        power: Chance to find the effect.

    Returns:
        One row per ``metric`` and ``days``: ``baseline``, ``sd``, ``variance_reduction``,
        ``n_control``, ``n_variant``, ``mde_abs`` and ``mde_rel`` (with the covariate),
        ``mde_abs_plain`` (without). So few days that they bring fewer than 2 units find nothing:
        their effects are missing.

    Raises:
        AnalysisError: A metric is a quantile, or has no spread.
    """
    for name, metric in metrics.items():
        if isinstance(metric, Quantile):
            raise AnalysisError(
                f"Metric '{name}' is a quantile.\nPlan with means, shares or ratios."
            )
    if not isinstance(units, Scan):
        table = as_table(units).mutate(everyone=ibis.literal(1))
        units = scan_units(table, metrics, variant="everyone")
    rows = []
    for name, metric in metrics.items():
        baseline, sd, explained = describe(metric, units.total_of(metric))
        for length in days:
            n = (share * daily_units * length, (1 - share) * daily_units * length)
            found = [
                math.nan if min(n) < FEWEST_UNITS else minimum_detectable_effect(
                    n_control=n[0], n_variant=n[1], baseline=baseline, sd=sd, alpha=alpha,
                    kind="proportion" if isinstance(metric, Proportion) else "mean",
                    power=power, variance_reduction=less,
                )
                for less in (explained, 0.0)
            ]  # fmt: skip
            rows.append((name, length, baseline, sd, explained, *n, found[0],
                         found[0] / abs(baseline) if baseline else math.nan, found[1]))  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["metric", "days", "baseline", "sd", "variance_reduction", "n_control",
                 "n_variant", "mde_abs", "mde_rel", "mde_abs_plain"],
    )  # fmt: skip


def days_left(
    *,
    baseline: float,
    sd: float,
    effect: float,
    n_control: float,
    n_variant: float,
    daily_units: float,
    alpha: float = 0.05,
    power: float = 0.8,
    variance_reduction: float = 0.0,
) -> int:
    """Return the days until a running test has the units for the effect that was planned.

    Args:
        baseline: Control's mean so far.
        sd: Standard deviation between units so far.
        effect: Absolute effect to be found.
        n_control: Units of control so far.
        n_variant: Units of the variant so far.
        daily_units: New units of both per day, as seen.
        alpha: Two-sided level.
        power: Chance to find the effect.
        variance_reduction: Share of the variance that the covariate explains; 0 without CUPED.

    Returns:
        0 where the units are there already.
    """
    ratio = n_variant / n_control
    needed = sample_size(
        baseline=baseline, effect=effect, kind="mean", sd=sd, alpha=alpha, power=power,
        ratio=ratio, variance_reduction=variance_reduction,
    )  # fmt: skip
    return runtime_days(max(needed - n_control, 0.0), ratio=ratio, daily_units=daily_units)
