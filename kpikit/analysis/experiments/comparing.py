"""Rows of effects: each metric of each variant against control, corrected, with an outcome."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import pandas as pd

from kpikit.analysis.experiments.estimate import Estimate, compare
from kpikit.analysis.experiments.metrics import Metric
from kpikit.analysis.experiments.moments import Arm
from kpikit.analysis.experiments.quantiles import QuantileArm, compare_quantiles
from kpikit.corrections import benjamini_hochberg, holm
from kpikit.errors import AnalysisError, check_choice, unknown_name

Direction = Literal["up", "down"]
AnyArm = Arm | QuantileArm
WHERE = "analyze_experiment"


def check_mappings(given: Mapping[str, object]) -> None:
    """Raise unless each argument that is given maps names to something.

    Raises:
        AnalysisError: One is a list, say.
    """
    for argument, value in given.items():
        if value is not None and not hasattr(value, "keys"):
            raise AnalysisError(
                f"{argument} is {value!r} in {WHERE}.\nGive a dict from each name to what is meant."
            )


def _check_level(alpha: object) -> None:
    if not isinstance(alpha, Real) or not 0 < float(alpha) < 1:
        raise AnalysisError(
            f"alpha is {alpha!r} in {WHERE}.\nGive a level between 0 and 1, such as 0.05."
        )


def _check_metrics(metrics: Mapping[str, object]) -> None:
    if not metrics:
        raise AnalysisError(f"metrics is empty in {WHERE}.\nName at least one.")
    for name, metric in metrics.items():
        if not isinstance(metric, Metric):
            raise AnalysisError(
                f"Metric '{name}' is {metric!r} in {WHERE}.\n"
                f"Write what it measures: kk.Mean, kk.Proportion, kk.Ratio or kk.Quantile."
            )


@dataclass(frozen=True)
class Ask:
    """What is asked for, validated.

    Attributes:
        metrics: By name.
        primary: The metric that decides.
        directions: Metric to up or down; up where it is not named.
        guardrails: Metric to its margin.
        control: The variant that the others are compared with.
        alpha: Two-sided level.
    """

    metrics: Mapping[str, Metric]
    primary: str
    directions: Mapping[str, Direction]
    guardrails: Mapping[str, float]
    control: Hashable
    alpha: float

    def __post_init__(self) -> None:
        _check_level(self.alpha)
        _check_metrics(self.metrics)
        named = {"primary": [self.primary], "directions": self.directions,
                 "guardrails": self.guardrails}  # fmt: skip
        for argument, names in named.items():
            for name in names:
                if name not in self.metrics:
                    raise unknown_name("metric", name, f"{WHERE}: {argument}", self.metrics)
        for name, direction in self.directions.items():
            check_choice(f"directions['{name}']", direction, ("up", "down"), WHERE)
        for name, margin in self.guardrails.items():
            if not 0 <= margin < math.inf:
                raise AnalysisError(
                    f"The margin of guardrail '{name}' is {margin} in {WHERE}.\n"
                    f"Give the greatest loss accepted, 0 or more, in units of the metric."
                )
        if self.primary in self.guardrails:
            raise AnalysisError(
                f"Metric '{self.primary}' is primary and a guardrail in {WHERE}.\n"
                f"Give it one of both roles."
            )

    def up(self, name: str) -> bool:
        """Return whether more of a metric is better."""
        return self.directions.get(name, "up") == "up"

    def role(self, name: str) -> str:
        """Return primary, guardrail or secondary."""
        if name == self.primary:
            return "primary"
        return "guardrail" if name in self.guardrails else "secondary"


def effect_table(
    ask: Ask,
    arms: Mapping[str, Mapping[Hashable, AnyArm]],
    variants: Sequence[Hashable],
) -> pd.DataFrame:
    """Return one row per metric and variant, without corrections.

    Args:
        ask: What is asked for.
        arms: Metric to variant to what is known of it; a metric that is absent makes no row.
        variants: Those compared with control.
    """
    rows = []
    for name, by_variant in arms.items():
        control = by_variant[ask.control]
        for variant in variants:
            arm = by_variant[variant]
            found = _compared(ask.metrics[name], control, arm, ask.alpha)
            rows.append(
                {
                    "metric": name,
                    "role": ask.role(name),
                    "direction": "up" if ask.up(name) else "down",
                    "variant": variant,
                    **_counts(control, arm),
                    **_figures(found),
                    "margin": ask.guardrails.get(name, math.nan),
                }
            )
    return pd.DataFrame(rows)


def _compared(metric: Metric, control: AnyArm, variant: AnyArm, alpha: float) -> Estimate:
    if isinstance(control, QuantileArm) or isinstance(variant, QuantileArm):
        return compare_quantiles(control, variant, alpha=alpha)  # type: ignore[arg-type]
    return compare(metric, control, variant, alpha=alpha)


def corrected(table: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Add ``p_adjusted``, ``correction`` and ``outcome`` to the effects of a whole experiment.

    Holm's correction over the variants of each metric; over all secondary metrics, Benjamini and
    Hochberg's on top.
    """
    variants = table["variant"].nunique()
    adjusted = table.groupby("metric", sort=False)["p_value"].transform(_holm)
    first = f"Holm over {variants} variants" if variants > 1 else ""
    words = pd.Series(first or "none", index=table.index)
    secondary = table["role"] == "secondary"
    metrics = table.loc[secondary, "metric"].nunique()
    if metrics > 1:
        adjusted[secondary] = benjamini_hochberg(adjusted[secondary])
        second = f"Benjamini-Hochberg over {metrics} secondary metrics"
        words[secondary] = f"{first}, then {second}" if first else second
    table = table.assign(p_adjusted=adjusted, correction=words)
    return table.assign(outcome=_outcomes(table, alpha))


def corrected_segments(table: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Add the same to effects in segments: Benjamini and Hochberg's, per metric and dimension."""
    tests = table.groupby(["metric", "dimension"], sort=False)["p_value"]
    count = tests.transform("count")
    words = "Benjamini-Hochberg over " + count.astype(str) + " tests of this dimension"
    table = table.assign(
        p_adjusted=tests.transform(_benjamini_hochberg), correction=words.where(count > 1, "none")
    )
    return table.assign(outcome=_outcomes(table, alpha))


def _outcomes(table: pd.DataFrame, alpha: float) -> pd.Series:
    gain = table["delta_abs"].where(table["direction"] == "up", -table["delta_abs"])
    known = pd.Series("inconclusive", index=table.index)
    known = known.mask((table["p_adjusted"] < alpha) & (gain > 0), "better")
    known = known.mask((table["p_adjusted"] < alpha) & (gain < 0), "worse")
    return known.mask(table["p_adjusted"].isna(), "no_verdict")


def _holm(values: pd.Series) -> pd.Series:
    return pd.Series(holm(values), index=values.index)


def _benjamini_hochberg(values: pd.Series) -> pd.Series:
    return pd.Series(benjamini_hochberg(values), index=values.index)


def _counts(control: AnyArm, variant: AnyArm) -> dict[str, int]:
    return {
        "n_control": control.n,
        "n_variant": variant.n,
        "missing_control": control.missing,
        "missing_variant": variant.missing,
    }


def _figures(found: Estimate) -> dict[str, object]:
    return {
        "control_mean": found.control_mean,
        "variant_mean": found.variant_mean,
        "control_adjusted_mean": found.control_adjusted_mean,
        "variant_adjusted_mean": found.variant_adjusted_mean,
        "delta_abs": found.absolute.estimate,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "se": found.absolute.se,
        "df": found.absolute.df,
        "delta_rel": found.relative.estimate,
        "rel_ci_low": found.rel_ci_low,
        "rel_ci_high": found.rel_ci_high,
        "rel_se": found.relative.se,
        "p_value": found.p_value,
        "variance_reduction": found.variance_reduction,
        "method": found.method,
        "note": found.note,
    }
