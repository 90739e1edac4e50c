"""Can the data be trusted? Checked before any effect is shown."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import ibis.expr.types as ir
import pandas as pd

from kpikit.analysis.experiments.allocation import (
    MISMATCH_P_VALUE,
    check_control,
    sample_ratio_p_value,
)
from kpikit.analysis.experiments.analyze import ExperimentResult
from kpikit.analysis.experiments.decision import Decision
from kpikit.analysis.experiments.effects import Sample, absolute_effect
from kpikit.analysis.experiments.estimate import Estimate, compare
from kpikit.analysis.experiments.metrics import VALUE, Mean, Metric, Ratio
from kpikit.analysis.experiments.moments import (
    TOTAL,
    Arm,
    Layout,
    Scan,
    Units,
    additive_columns,
    arms_of,
    number,
    read_sums,
    scan_units,
)
from kpikit.analysis.experiments.rerandomising import FalseAlarms
from kpikit.corrections import benjamini_hochberg
from kpikit.engine import as_table

Status = Literal["passed", "noted", "failed"]
MOST_CROSSOVERS = 0.01  # of users, beyond which leaving them out changes who is compared
SUSPICIOUS_P_VALUE = 0.001  # as for the split: these checks are many, and should be silent
_TOP_UNITS = 10
_EMPTY = Layout()


def split_table(
    units: "ir.Table | pd.DataFrame",
    *,
    variant: str = "variant",
    split: Mapping[Hashable, float],
    dimensions: Sequence[str],
) -> pd.DataFrame:
    """Return where a split departs from its plan: by day, by platform, by any dimension.

    Args:
        units: One row per unit.
        variant: Column that holds each unit's variant.
        split: Variant to planned share.
        dimensions: Columns by each of which the split is checked.

    Returns:
        One row per ``dimension`` and ``segment``, with ``units``, ``p_value``, ``p_adjusted``
        (Benjamini and Hochberg's over the dimension) and ``mismatch`` (below 0.001), and one
        column ``units_<variant>`` per variant.
    """
    sums = read_sums(as_table(units), _EMPTY, keys={"variant": variant}, dimensions=dimensions)
    counts = sums[sums["dimension"] != TOTAL].pivot_table(
        index=["dimension", "segment"], columns="variant", values="units", fill_value=0
    )
    counts = counts.reindex(columns=list(split), fill_value=0)
    shares = list(split.values())
    frame = counts.add_prefix("units_").reset_index().rename_axis(columns=None)
    frame["units"] = counts.sum(axis=1).to_numpy().astype(int)
    frame["p_value"] = [sample_ratio_p_value(row.tolist(), shares) for row in counts.to_numpy()]
    frame["p_adjusted"] = frame.groupby("dimension")["p_value"].transform(
        lambda values: pd.Series(benjamini_hochberg(values), index=values.index)
    )
    return frame.assign(mismatch=frame["p_adjusted"] < MISMATCH_P_VALUE)


def split_curve(
    units: "ir.Table | pd.DataFrame",
    *,
    variant: str = "variant",
    split: Mapping[Hashable, float],
    day: str = "exposure_day",
) -> pd.DataFrame:
    """Return the split of all units so far, per day: where does a mismatch start?

    Returns:
        One row per ``day``: ``p_value`` of the units up to and with that day, ``mismatch`` (below
        0.001), and ``units_<variant>``, cumulative.
    """
    by_day = split_table(units, variant=variant, split=split, dimensions=[day])
    columns = [f"units_{name}" for name in split]
    so_far = by_day[columns].cumsum()
    shares = list(split.values())
    p_values = [sample_ratio_p_value(row.tolist(), shares) for row in so_far.to_numpy()]
    frame = so_far.assign(day=pd.to_datetime(by_day["segment"]), p_value=p_values)
    return frame.assign(mismatch=frame["p_value"] < MISMATCH_P_VALUE)[
        ["day", "p_value", "mismatch", *columns]
    ]


def missing_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return how many units have no value, and whether that depends on the variant.

    Args:
        table: ``ExperimentResult.table``.

    Returns:
        One row per ``metric`` and ``variant``: ``control_missing_share``,
        ``variant_missing_share``, and ``p_value`` of no difference (missing where none is missing).
    """
    rows = []
    for row in table.to_dict("records"):
        arms = []
        for arm in ("control", "variant"):
            total = row[f"n_{arm}"] + row[f"missing_{arm}"]
            share = row[f"missing_{arm}"] / total if total else math.nan
            arms.append(Sample(share, share * (1 - share), total))
        known = min(one.n for one in arms) > 0
        p_value = replace(absolute_effect(*arms), df=math.inf).p_value() if known else math.nan
        shares = (one.mean for one in arms)
        rows.append((row["metric"], row["variant"], *shares, p_value))
    names = ["metric", "variant", "control_missing_share", "variant_missing_share", "p_value"]
    return pd.DataFrame(rows, columns=names)


def balance_table(
    units: Units,
    *,
    variant: str = "variant",
    control: Hashable,
    covariates: Sequence[str],
) -> pd.DataFrame:
    """Return whether variants were alike before the experiment.

    Args:
        units: One row per unit, or a scan of them that holds a mean of each covariate.
        variant: Column that holds each unit's variant.
        control: The variant that the others are compared with.
        covariates: Columns measured before exposure.

    Returns:
        One row per ``covariate`` and ``variant``: ``control_mean``, ``variant_mean``, ``p_value``.
    """
    metrics = {name: Mean(name) for name in covariates}
    scan = scan_units(units, metrics, variant=variant)
    names = scan.sums["variant"].tolist()
    check_control(control, names, "balance_table")
    rows = [
        (name, other, *_means_and_p(compare(metric, scan.arms[metric][control],
                                            scan.arms[metric][other], alpha=0.05)))
        for name, metric in metrics.items()
        for other in names if other != control
    ]  # fmt: skip
    return pd.DataFrame(
        rows, columns=["covariate", "variant", "control_mean", "variant_mean", "p_value"]
    )


def _means_and_p(found: Estimate) -> tuple[float, float, float]:
    return found.control_mean, found.variant_mean, found.p_value


def outlier_treatments(metric: Mean | Ratio) -> dict[str, Metric]:
    """Return the ways in which ``outlier_table`` reads a metric from all units."""
    plain = replace(metric, cap=None)
    return {
        "as measured": plain,
        "capped at 99.9 %": replace(plain, cap=0.999),
        "capped at 99 %": replace(plain, cap=0.99),
    }


def outlier_table(
    units: Units,
    *,
    variant: str = "variant",
    control: Hashable,
    metric: Mean | Ratio,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Return one effect with and without the largest values: does its sign hang on a few units?

    Args:
        units: One row per unit, or a scan of them that holds ``outlier_treatments``.
        variant: Column that holds each unit's variant.
        control: The variant that the others are compared with.
        metric: The metric, whose own cap is ignored.
        alpha: Two-sided level.

    Returns:
        One row per variant and ``treatment`` (``as measured``, ``capped at 99.9 %``, ``capped at
        99 %``, ``without the top 10``): ``delta_abs``, ``ci_low``, ``ci_high``, ``p_value``,
        ``sign_changes`` (against as measured).
    """
    kinds = outlier_treatments(metric)
    scan = scan_units(units, kinds, variant=variant)
    check_control(control, scan.sums["variant"], "outlier_table")
    names = [name for name in scan.sums["variant"] if name != control]
    rows = [
        {"treatment": kind, "variant": name,
         **_effect(compare(one, scan.arms[one][control], scan.arms[one][name], alpha=alpha))}
        for kind, one in kinds.items() for name in names
    ]  # fmt: skip
    plain = kinds["as measured"]
    fewer = _without_top(scan, plain)
    rows += [
        {"treatment": f"without the top {_TOP_UNITS}", "variant": name,
         **_effect(compare(plain, fewer[control], fewer[name], alpha=alpha))}
        for name in names
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    measured = frame.groupby("variant")["delta_abs"].transform("first")
    return frame.assign(sign_changes=frame["delta_abs"] * measured < 0)


def _effect(found: Estimate) -> dict[str, float]:
    return {
        "delta_abs": found.absolute.estimate,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "p_value": found.p_value,
    }


def _without_top(scan: Scan, metric: Metric) -> dict[Hashable, Arm]:
    """Return what is known of a metric without the units that have its largest values."""
    value = number(scan.units[metric.columns[VALUE]])
    known = scan.units.filter(value.notnull())  # noqa: PD004 - Ibis
    top = known.order_by(value.desc()).limit(_TOP_UNITS)
    layout = scan.layout.only([metric])
    taken = read_sums(top, layout, keys={"variant": scan.variant}).set_index("variant")
    left = scan.sums.set_index("variant")
    names = additive_columns(taken, [])
    left[names] = left[names].sub(taken[names].reindex(left.index, fill_value=0.0))
    return arms_of(left.reset_index(), layout, left.index)[metric]


def trust_table(
    result: ExperimentResult,
    *,
    counts: Mapping[str, Any] | pd.Series | None = None,
    balance: pd.DataFrame | None = None,
    outliers: pd.DataFrame | None = None,
    false_alarms: FalseAlarms | None = None,
    planned_units: int | None = None,
) -> pd.DataFrame:
    """Return the checks of an experiment, each with what was found and what is allowed.

    Args:
        result: From ``analyze_experiment``.
        counts: ``Assigned.counts``: crossovers, duplicates, late exposures.
        balance: From ``balance_table``.
        outliers: From ``outlier_table``, of the primary metric.
        false_alarms: From ``rerandomise``.
        planned_units: Units of all variants that were planned.

    Returns:
        One row per ``check``: ``status`` (passed, noted, failed), ``value``, ``limit`` and
        ``detail`` in words. A check whose data is not given is no row.
    """
    missing = missing_table(result.table)
    rows = [
        _row("sample ratio", result.srm_p_value, MISMATCH_P_VALUE, "p-value of the planned split"),
        _row("missing values", missing["p_value"].min(), SUSPICIOUS_P_VALUE,
             _where(missing, "metric"), noted=bool((missing.iloc[:, 2:4] > 0).any(axis=None))),
    ]  # fmt: skip
    if counts is not None:
        rows += _exposure_rows(counts)
    if balance is not None:
        p_value = balance["p_value"].min()
        rows.append(
            _row("balance before", p_value, SUSPICIOUS_P_VALUE, _where(balance, "covariate"))
        )
    if outliers is not None:
        rows.append(_outlier_row(outliers, result.alpha))
    if false_alarms is not None:
        rows.append(
            _row("false alarms", false_alarms.p_value, SUSPICIOUS_P_VALUE,
                 f"{false_alarms.alarms} in {false_alarms.runs} re-randomisations")
        )  # fmt: skip
    if planned_units is not None:
        actual = int(result.allocation["units"].sum())
        status: Status = "passed" if actual >= planned_units else "noted"
        rows.append(_check("units", status, actual, planned_units, "units against the plan"))
    return pd.DataFrame(rows)


def _outlier_row(outliers: pd.DataFrame, alpha: float) -> dict[str, object]:
    """A changing sign fails where the effect as measured would be believed; else it is noise."""
    turned = outliers[outliers["sign_changes"]]
    measured = outliers.drop_duplicates("variant").set_index("variant")["p_value"]
    believed = bool((turned["variant"].map(measured) < alpha).any())
    status: Status = "failed" if believed else "noted" if len(turned) else "passed"
    kinds = ", ".join(dict.fromkeys(turned["treatment"]))
    detail = f"the sign changes when {kinds}" if kinds else "the sign holds without outliers"
    return _check("outliers", status, len(turned), 0, detail)


def _exposure_rows(counts: Mapping[str, Any] | pd.Series) -> list[dict[str, object]]:
    users = max(int(counts["users"]), 1)
    share = int(counts["crossovers"]) / users
    crossed = "failed" if share > MOST_CROSSOVERS else "noted" if share else "passed"
    rows = [
        _check("crossovers", crossed, share, MOST_CROSSOVERS,
               f"{counts['crossovers']:,} of {users:,} users were in several variants")
    ]  # fmt: skip
    for check, name, words in (
        ("duplicate exposures", "duplicates", "exposures were delivered twice"),
        ("early exposures", "early", "exposures lie before the start and were left out"),
        ("late exposures", "late", "exposures lie after the end and were left out"),
        ("exposures without user", "missing_user", "exposures bear no user"),
        ("exposures without variant", "missing_variant", "exposures bear no variant"),
    ):
        count = int(counts[name])
        status: Status = "noted" if count else "passed"
        rows.append(_check(check, status, count, 0, f"{count:,} {words}"))
    return rows


def _row(
    check: str, p_value: float, limit: float, detail: str, *, noted: bool = False
) -> dict[str, object]:
    status: Status = "failed" if p_value < limit else "noted" if noted else "passed"
    return _check(check, status, p_value, limit, detail)


def _check(check: str, status: str, value: float, limit: float, detail: str) -> dict[str, object]:
    return {"check": check, "status": status, "value": value, "limit": limit, "detail": detail}


def _where(table: pd.DataFrame, name: str) -> str:
    """Return where the smallest p-value was found."""
    if table["p_value"].isna().all():
        return f"no {name} differs"
    row = table.nsmallest(1, "p_value").iloc[0]
    return f"smallest p-value: {row[name]}, {row['variant']}"


def withheld(result: ExperimentResult, checks: pd.DataFrame) -> ExperimentResult:
    """Return the result without verdicts where a check of ``trust_table`` failed."""
    failed = checks.loc[checks["status"] == "failed"]
    if failed.empty:
        return result
    reason = "; ".join(f"{row.check}: {row.detail}" for row in failed.itertuples())
    if result.srm_p_value < MISMATCH_P_VALUE:
        reason = result.reason
    return replace(
        result,
        table=result.table.assign(outcome="no_verdict"),
        segments=result.segments.assign(outcome="no_verdict"),
        decision="invalid",
        reason=reason,
        winner=None,
        decisions={name: Decision("invalid", reason) for name in result.decisions},
    )
