"""One experiment: from a table of units to effects, checks and a decision."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from kpikit.analysis.experiments.allocation import (
    MISMATCH_P_VALUE,
    allocation_table,
    planned_shares,
    sample_ratio_p_value,
)
from kpikit.analysis.experiments.comparing import (
    AnyArm,
    Ask,
    Direction,
    check_mappings,
    corrected,
    corrected_segments,
    effect_table,
)
from kpikit.analysis.experiments.decision import Decision, Reading, Verdict, decide, decide_overall
from kpikit.analysis.experiments.effects import Effect
from kpikit.analysis.experiments.metrics import Metric, Quantile
from kpikit.analysis.experiments.moments import (
    LABELS,
    TOTAL,
    Layout,
    Scan,
    arms_of,
    plan_layout,
    read_sums,
)
from kpikit.analysis.experiments.quantiles import quantile_arms
from kpikit.engine import as_table, check_columns
from kpikit.errors import AnalysisError, column_names

_SPLIT = ("units", "planned_share")


@dataclass(frozen=True)
class ExperimentResult:
    """What an experiment found.

    Attributes:
        table: One row per metric and variant. ``metric``, ``role`` (primary, secondary,
            guardrail), ``direction``, ``variant``, ``n_control`` and ``n_variant`` (units with a
            value), ``missing_control`` and ``missing_variant`` (units without); ``control_mean``
            and ``variant_mean`` as measured, ``control_adjusted_mean`` and
            ``variant_adjusted_mean`` less the covariate's part; ``delta_abs`` (adjusted) with
            ``ci_low``, ``ci_high``, ``se`` and ``df``; ``delta_rel`` (share of the size of
            control's adjusted mean) with ``rel_ci_low``, ``rel_ci_high`` and ``rel_se``, missing
            where that mean cannot be told from zero; ``p_value`` (two-sided, of no absolute
            difference); ``p_adjusted`` and its ``correction`` in words; ``outcome`` (better,
            worse, inconclusive, no_verdict); ``margin``; ``variance_reduction`` (CUPED);
            ``method`` and ``note`` in words. Intervals and ``p_value`` are not corrected.
        segments: The same columns per ``dimension`` and ``segment``; no row without ``segments``.
        allocation: Per variant: ``units``, ``unit_share``, ``planned_share``, ``expected_units``.
        srm_p_value: Of the planned split over all variants.
        decision: ship, hold, stop or invalid.
        reason: Why, in words.
        winner: The variant to ship; None where there is none.
        decisions: Decision per variant, with its arithmetic.
        control: The variant that the others are compared with.
        alpha: Two-sided level.
    """

    table: pd.DataFrame
    segments: pd.DataFrame
    allocation: pd.DataFrame
    srm_p_value: float
    decision: Verdict
    reason: str
    winner: Hashable
    decisions: Mapping[Hashable, Decision]
    control: Hashable
    alpha: float


def analyze_experiment(
    units: "ir.Table | pd.DataFrame",
    *,
    variant: str = "variant",
    control: Hashable,
    metrics: Mapping[str, Metric],
    primary: str | None = None,
    directions: Mapping[str, Direction] | None = None,
    guardrails: Mapping[str, float] | None = None,
    segments: Sequence[str] = (),
    planned_split: Mapping[Hashable, float] | None = None,
    alpha: float = 0.05,
) -> ExperimentResult:
    """Return effects, checks and a decision of an experiment.

    The units are scanned once, in the engine that holds them; rows never leave it.

    * Means and ratios are compared by Welch's t-test, shares by the z-test without continuity
      correction or, where counts are small, exactly, quantiles by their order statistics.
    * A unit without a value is left out of that metric and counted in ``missing_...``, unless the
      metric says ``nulls="zero"``. A unit without a variant is an error.
    * ``p_adjusted`` is Holm's over the variants of a metric; for secondary metrics Benjamini and
      Hochberg's over all of them on top. In ``segments`` it is Benjamini and Hochberg's over all
      segments of a metric and dimension.
    * ``outcome`` and decision rest on ``p_adjusted`` alone, so that no two readings of one effect
      disagree.
    * The decision is invalid where the chance of so uneven a split is below 0.001, or where the
      primary metric has no estimate. See ``decision.RULE`` for the rest.

    Args:
        units: One row per unit of randomisation. An Ibis expression runs two times, and twice more
            per quantile: ``cache()`` a dear one first.
        variant: Column that holds each unit's variant.
        control: The variant that the others are compared with.
        metrics: Metrics by name.
        primary: The metric that decides; the first by default.
        directions: Metric to ``up`` (more is better, the default) or ``down``.
        guardrails: Metric to the greatest loss accepted, in units of the metric (>= 0).
        segments: Columns known before exposure by which effects are broken down.
        planned_split: Variant to planned share; equal shares by default.
        alpha: Two-sided level, between 0 and 1.

    Raises:
        AnalysisError: Arguments contradict each other or the data; the message says which.
        UnknownNameError: A name in ``primary``, ``directions`` or ``guardrails`` is no metric.

    Example:
        >>> import kpikit as kk
        >>> units = pd.DataFrame({
        ...     "variant": ["a", "b"] * 500,
        ...     "paid": [i % 10 == 0 or i % 20 == 1 for i in range(1000)],
        ... })
        >>> metrics = {"paid": kk.Proportion("paid")}
        >>> result = kk.analyze_experiment(units, control="a", metrics=metrics)
        >>> result.table[["control_mean", "variant_mean"]].to_numpy().tolist()
        [[0.2, 0.1]]
        >>> result.decision
        'stop'
    """
    named = {"metrics": metrics, "directions": directions, "guardrails": guardrails,
             "planned_split": planned_split}  # fmt: skip
    check_mappings(named)
    ask = Ask(
        metrics=dict(metrics),
        primary=primary if primary is not None else next(iter(metrics), ""),
        directions=dict(directions or {}),
        guardrails=dict(guardrails or {}),
        control=control,
        alpha=alpha,
    )
    table = as_table(units)
    dimensions = column_names("segments", segments or (), "analyze_experiment")
    check_columns(table, [variant, *dimensions], "units")
    layout = plan_layout(table, ask.metrics)
    sums = read_sums(table, layout, keys={"variant": variant}, dimensions=dimensions)
    totals = sums[sums["dimension"] == TOTAL]
    found = analyze_scan(ask, Scan(table, variant, layout, totals), planned_split=planned_split)
    return with_segments(found, ask, sums, layout) if dimensions else found


def analyze_scan(
    ask: Ask, scan: Scan, *, planned_split: Mapping[Hashable, float] | None
) -> ExperimentResult:
    """Return the same of units that have been scanned, without segments."""
    counts = _units_by_variant(scan.sums)
    split = planned_shares(counts, control=ask.control, planned=planned_split)
    sums = arms_of(scan.sums, scan.layout.only(ask.metrics.values()), split)
    arms: dict[str, Mapping[Hashable, AnyArm]] = {
        name: quantile_arms(scan.units, metric, variant=scan.variant, variants=split)
        if isinstance(metric, Quantile)
        else sums[metric]
        for name, metric in ask.metrics.items()
    }
    variants = [name for name in split if name != ask.control]
    return conclude(ask, effect_table(ask, arms, variants), allocation_table(counts, split))


def with_segments(
    result: ExperimentResult, ask: Ask, sums: pd.DataFrame, layout: Layout
) -> ExperimentResult:
    """Return a result with the effects in each segment; a quantile has none there.

    Args:
        result: Of the whole experiment.
        ask: What was asked for.
        sums: From ``read_sums`` by variant and dimensions.
        layout: Of the sums.
    """
    parts = sums[sums["dimension"] != TOTAL]
    metrics = {name: one for name, one in ask.metrics.items() if one in layout.places}
    if parts.empty or not metrics:
        return result
    variants = result.allocation["variant"].tolist()
    others = [name for name in variants if name != ask.control]
    cells = []
    for _, rows in parts.groupby(LABELS):
        arms = arms_of(rows, layout, variants)
        effects = effect_table(ask, {name: arms[one] for name, one in metrics.items()}, others)
        cells.append(effects.assign(**rows[LABELS].iloc[0]))
    segments = corrected_segments(pd.concat(cells, ignore_index=True), alpha=ask.alpha)
    if result.srm_p_value < MISMATCH_P_VALUE:
        segments = segments.assign(outcome="no_verdict")
    return replace(result, segments=segments)


def conclude(ask: Ask, effects: pd.DataFrame, allocation: pd.DataFrame) -> ExperimentResult:
    """Return the result that follows from effects: corrections, check of the split, decision.

    It has no row in ``segments``.

    Args:
        ask: What was asked for.
        effects: From ``effect_table``, of the whole experiment.
        allocation: From ``allocation_table``.
    """
    p_value = sample_ratio_p_value(*(allocation[name].tolist() for name in _SPLIT))
    table = corrected(effects, alpha=ask.alpha)
    if p_value < MISMATCH_P_VALUE:
        table = table.assign(outcome="no_verdict")
        reason = f"sample-ratio mismatch (p = {p_value:.2g} < {MISMATCH_P_VALUE:g})"
        decisions = {name: Decision("invalid", reason) for name in table["variant"].unique()}
        overall: tuple[Verdict, str, Hashable] = ("invalid", reason, None)
    else:
        decisions, gains = _decisions(table, ask)
        overall = decide_overall(decisions, gains)
    segments = table.head(0).assign(dimension="", segment="")
    return ExperimentResult(
        table, segments, allocation, p_value, *overall, decisions, ask.control, ask.alpha
    )


def _units_by_variant(totals: pd.DataFrame) -> dict[Hashable, int]:
    unnamed = totals.loc[totals["variant"].isna(), "units"].sum()
    if unnamed:
        raise AnalysisError(
            f"{unnamed:.0f} units have no variant.\nLeave them out, or say in which they were."
        )
    return dict(zip(totals["variant"], totals["units"].astype(int), strict=True))


def _decisions(
    table: pd.DataFrame, ask: Ask
) -> tuple[dict[Hashable, Decision], dict[Hashable, float]]:
    """Return the decision, and the primary metric's least gain, per variant."""
    decisions: dict[Hashable, Decision] = {}
    gains: dict[Hashable, float] = {}
    for variant, rows in table.groupby("variant", sort=False):
        readings = [_reading(row) for row in rows.to_dict("records")]
        by_role = dict(zip(rows["role"], readings, strict=True))
        guardrails = [
            one for one, role in zip(readings, rows["role"], strict=True) if role == "guardrail"
        ]
        decisions[variant] = decide(by_role["primary"], guardrails, alpha=ask.alpha)
        gains[variant] = by_role["primary"].least_gain
    return decisions, gains


def _reading(row: Mapping[Hashable, Any]) -> Reading:
    return Reading(
        metric=row["metric"],
        effect=Effect(row["delta_abs"], row["se"], row["df"]),
        interval=(row["ci_low"], row["ci_high"]),
        up=row["direction"] == "up",
        p_value=row["p_adjusted"],
        margin=row["margin"],
        note=row["note"],
    )
