"""One effect read in several ways, side by side, each with its convention."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from kpikit.analysis.experiments.analyze import ExperimentResult
from kpikit.analysis.experiments.bayes import normal_belief
from kpikit.analysis.experiments.effects import Effect, equivalence_p_value, non_inferiority
from kpikit.analysis.experiments.sequential import (
    Spending,
    always_valid_interval,
    always_valid_p_value,
    group_sequential_bounds,
)
from kpikit.errors import unknown_name


def readings_table(
    result: ExperimentResult,
    *,
    metric: str,
    variant: Hashable,
    planned_units: float,
    finished: bool = True,
    looks: Sequence[float] = (),
    spending: Spending = "obf",
    prior_mean: float = 0.0,
    prior_sd: float = math.inf,
    region: float | None = None,
) -> pd.DataFrame:
    """Return the readings of one absolute effect: fixed, always valid, sequential, Bayesian.

    Args:
        result: From ``analyze_experiment``.
        metric: Name of the metric.
        variant: The variant.
        planned_units: Units of all variants that were planned.
        finished: Whether the experiment has ended. One that runs has no fixed-horizon reading,
            and none of Bayes, equivalence or margin, which rest on one look as well.
        looks: Shares of the planned units at the looks so far, this one last; empty where none
            were planned.
        spending: How planned looks spend alpha: ``obf`` or ``pocock``.
        prior_mean: Effect expected beforehand.
        prior_sd: How sure of it one was; infinite for a flat prior.
        region: Effects between minus and plus this are practically none.

    Returns:
        One row per ``reading``: ``estimate``, ``low``, ``high``, ``p_value`` (missing for
        beliefs), ``chance_to_win``, ``expected_loss`` (of choosing the variant) and
        ``chance_of_equivalence`` (beliefs alone), ``verdict`` (better, worse, inconclusive;
        equivalent, not shown; within margin, not shown) and ``convention`` in words.

    Raises:
        UnknownNameError: There is no such metric or variant in the result.
        AnalysisError: The looks do not rise within 0 and 1.
    """
    row = _row_of(result, metric, variant)
    effect = Effect(row["delta_abs"], row["se"], row["df"])
    up, alpha = row["direction"] == "up", result.alpha
    units = row["n_control"] + row["n_variant"]
    rows = [_always_valid(effect, units, planned_units, up=up, alpha=alpha)]
    if looks:
        rows.append(_planned_look(effect, looks, spending, up=up, alpha=alpha))
    if finished:
        rows.insert(0, _fixed(row, up=up, alpha=alpha))
        rows.append(_belief(effect, prior_mean, prior_sd, region, up=up, alpha=alpha))
        if region is not None:
            rows.append(_equivalence(effect, region, alpha=alpha))
        if not math.isnan(row["margin"]):
            rows.append(_margin(effect, row["margin"], up=up, alpha=alpha))
    columns = ["reading", "estimate", "low", "high", "p_value", "chance_to_win", "expected_loss",
               "chance_of_equivalence", "verdict", "convention"]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=columns)


def widened_table(
    table: pd.DataFrame,
    *,
    planned_units: float,
    alpha: float,
    looks: Sequence[float] = (),
    spending: Spending = "obf",
) -> pd.DataFrame:
    """Return effects whose errors are so much greater that the intervals bear many looks.

    An interval of 1.96 of the new errors is the reading's own, so that verdict, guardrails and
    corrections, which know one look only, all follow from it. A planned look has the interval of
    its nominal level by Student's t, which keeps alpha where users are few: bounds of z are crossed
    in up to 10 % of tests of 20 users an arm.

    Args:
        table: ``ExperimentResult.table``, as of one look.
        planned_units: Units of all variants that were planned.
        alpha: Two-sided level.
        looks: As of ``readings_table``; empty for the always-valid reading.
        spending: How planned looks spend alpha.

    References:
        Jennison, C. and Turnbull, B. W. (2000). Group sequential methods with applications to
        clinical trials, section 3.8, for the levels of normal bounds in tests of unknown variance.
    """
    known = table["se"] > 0
    se = table["se"].where(known, 1.0)
    if looks:
        bounds = group_sequential_bounds(looks, alpha=alpha, spending=spending)
        level = float(bounds.nominal_alpha[-1])
        effects = (Effect(0.0, *pair) for pair in zip(se, table["df"], strict=True))
        half = pd.Series([one.interval(level)[1] for one in effects], index=table.index)
    else:
        units = (table["n_control"] + table["n_variant"]).clip(lower=1)
        _, high = always_valid_interval(0.0, se, units, planned_n=planned_units, alpha=alpha)
        half = pd.Series(high, index=table.index)
    wider = half / (-float(special.ndtri(alpha / 2)) * se)
    p_value = 2 * special.ndtr(-(table["delta_abs"].abs() / (wider * se)).to_numpy())
    rel_half = (table["rel_ci_high"] - table["rel_ci_low"]) / 2 * wider
    return table.assign(
        se=(wider * se).where(known, np.nan),
        df=math.inf,
        ci_low=(table["delta_abs"] - half).where(known, np.nan),
        ci_high=(table["delta_abs"] + half).where(known, np.nan),
        rel_ci_low=table["delta_rel"] - rel_half,
        rel_ci_high=table["delta_rel"] + rel_half,
        rel_se=table["rel_se"] * wider,
        p_value=np.where(known, p_value, np.nan),
    )


def _row_of(result: ExperimentResult, metric: str, variant: Hashable) -> Mapping[Hashable, Any]:
    table = result.table
    for kind, value, found in (
        ("metric", metric, table["metric"]), ("variant", variant, table["variant"])
    ):  # fmt: skip
        if value not in set(found):
            raise unknown_name(kind, str(value), "readings_table", map(str, found.unique()))
    return table[(table["metric"] == metric) & (table["variant"] == variant)].to_dict("records")[0]


def _fixed(row: Mapping[Hashable, Any], *, up: bool, alpha: float) -> dict[str, object]:
    ends = (row["ci_low"], row["ci_high"])
    return {
        "reading": "fixed horizon", "estimate": row["delta_abs"], "low": ends[0], "high": ends[1],
        "p_value": row["p_value"], "verdict": _verdict(row["p_value"] < alpha, row, up),
        "convention": f"{row['method']}, two-sided {1 - alpha:.0%}, read once at the planned end",
    }  # fmt: skip


def _always_valid(
    effect: Effect, units: float, planned: float, *, up: bool, alpha: float
) -> dict[str, object]:
    place = (effect.estimate, effect.se, units)
    low, high = (float(end) for end in
                 always_valid_interval(*place, planned_n=planned, alpha=alpha))  # fmt: skip
    p_value = float(always_valid_p_value(*place, planned_n=planned, alpha=alpha))
    return {
        "reading": "always valid", "estimate": effect.estimate, "low": low, "high": high,
        "p_value": p_value, "verdict": _side(low, high, up),
        "convention": f"asymptotic confidence sequence, {1 - alpha:.0%} over all looks, tightest "
                      f"at {planned:,.0f} units",
    }  # fmt: skip


def _planned_look(
    effect: Effect, looks: Sequence[float], spending: Spending, *, up: bool, alpha: float
) -> dict[str, object]:
    bounds = group_sequential_bounds(looks, alpha=alpha, spending=spending)
    low, high = effect.interval(float(bounds.nominal_alpha[-1]))
    name = {"obf": "O'Brien-Fleming", "pocock": "Pocock"}.get(spending, spending)
    return {
        "reading": "planned look", "estimate": effect.estimate, "low": low, "high": high,
        "p_value": math.nan, "verdict": _side(low, high, up),
        "convention": f"group-sequential, look {len(looks)} at {looks[-1]:.0%} of the units, "
                      f"Lan-DeMets {name} spending, bound z = {bounds.z[-1]:.3f} "
                      f"(repeated interval)",
    }  # fmt: skip


def _belief(
    effect: Effect,
    prior_mean: float,
    prior_sd: float,
    region: float | None,
    *,
    up: bool,
    alpha: float,
) -> dict[str, object]:
    belief = normal_belief(
        effect, prior_mean=prior_mean, prior_sd=prior_sd, region=region, alpha=alpha
    )
    prior = "flat prior" if math.isinf(prior_sd) else f"prior N({prior_mean:g}, {prior_sd:g})"
    return {
        "reading": "belief", "estimate": belief.mean, "low": belief.ci_low, "high": belief.ci_high,
        "p_value": math.nan, "verdict": _side(belief.ci_low, belief.ci_high, up),
        "chance_to_win": belief.chance_to_win if up else 1 - belief.chance_to_win,
        "expected_loss": belief.loss_of_variant if up else belief.loss_of_control,
        "chance_of_equivalence": belief.chance_of_equivalence,
        "convention": f"normal posterior, {prior}, central {1 - alpha:.0%}",
    }  # fmt: skip


def _equivalence(effect: Effect, region: float, *, alpha: float) -> dict[str, object]:
    low, high = effect.interval(2 * alpha)
    p_value = equivalence_p_value(effect, low=-region, high=region)
    return {
        "reading": "equivalence", "estimate": effect.estimate, "low": low, "high": high,
        "p_value": p_value, "verdict": "equivalent" if p_value < alpha else "not shown",
        "convention": f"two one-sided tests at {alpha:g} against -{region:g} and {region:g}",
    }  # fmt: skip


def _margin(effect: Effect, margin: float, *, up: bool, alpha: float) -> dict[str, object]:
    low, high = effect.interval(alpha)
    found = non_inferiority(effect, margin=margin, up=up, alpha=alpha)
    return {
        "reading": "margin", "estimate": effect.estimate, "low": low, "high": high,
        "p_value": found.p_value, "verdict": "within margin" if found.holds else "not shown",
        "convention": f"non-inferiority, margin {margin:g}, one-sided {alpha / 2:g}",
    }  # fmt: skip


def _side(low: float, high: float, up: bool) -> str:
    if low > 0:
        return "better" if up else "worse"
    if high < 0:
        return "worse" if up else "better"
    return "inconclusive"


def _verdict(significant: bool, row: Mapping[Hashable, Any], up: bool) -> str:
    if not significant:
        return "inconclusive"
    return "better" if (row["delta_abs"] > 0) == up else "worse"
