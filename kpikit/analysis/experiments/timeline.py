"""The effect as the experiment went on, and how it changes with the days since exposure."""

import datetime as dt
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from tea_tasting.aggr import Aggregates

from kpikit.analysis.experiments.allocation import check_control
from kpikit.analysis.experiments.estimate import Estimate, compare
from kpikit.analysis.experiments.measures import Measure, matching_rows, span
from kpikit.analysis.experiments.metrics import VALUE, Mean, Metric, Quantile
from kpikit.analysis.experiments.moments import Arm, plan_layout, read_sums, spread_of
from kpikit.analysis.experiments.sequential import always_valid_interval, always_valid_p_value
from kpikit.analysis.experiments.shaping import closing_time
from kpikit.catalogue.keeping import keep
from kpikit.engine import as_table, naive_utc
from kpikit.errors import AnalysisError

_DAY = dt.timedelta(days=1)
_MICROSECONDS_A_DAY = 24 * 60 * 60 * 1_000_000


def effect_curve(
    units: "ir.Table | pd.DataFrame",
    *,
    variant: str = "variant",
    control: Hashable,
    metric: Metric,
    planned_units: float,
    day: str = "exposure_day",
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Return the effect of all units so far, per day of exposure, with the always-valid band.

    Days are those of exposure, and every unit brings its whole window: what one would have read
    had one waited for it. The band may be read every day; the fixed interval once.

    Args:
        units: One row per unit.
        variant: Column that holds each unit's variant.
        control: The variant that the others are compared with.
        metric: A mean, share or ratio.
        planned_units: Units of all variants at which the band is to be tightest.
        day: Column with the day of exposure.
        alpha: Two-sided level.

    Returns:
        One row per ``variant`` and ``day``, sorted: ``n`` (units of both with a value),
        ``delta_abs``, ``se``, ``ci_low``, ``ci_high`` (fixed horizon), ``p_value``,
        ``always_low``, ``always_high``, ``always_p_value``. Missing while there is no estimate.

    Raises:
        AnalysisError: The metric is a quantile, or a column is missing.
    """
    if isinstance(metric, Quantile):
        raise AnalysisError("A quantile has no curve.\nGive a mean, share or ratio.")
    layout = plan_layout(as_table(units), {"metric": metric})
    sums = read_sums(as_table(units), layout, keys={"variant": variant}, dimensions=[day])
    check_control(control, sums["variant"].unique(), "effect_curve")
    daily = sums[sums["dimension"] == day]
    days = sorted(daily["segment"].unique())
    arms: dict[Hashable, list[Arm]] = {
        name: [layout.arm(row, metric) for row in _so_far(rows, days)]
        for name, rows in daily.groupby("variant")
    }
    rows = [
        {"variant": name, "day": when, "n": before.n + after.n,
         **_figures(compare(metric, before, after, alpha=alpha))}
        for name in arms if name != control
        for when, before, after in zip(days, arms[control], arms[name], strict=True)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    frame["day"] = pd.to_datetime(frame["day"])
    known = (frame["delta_abs"], frame["se"], frame["n"])
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = always_valid_interval(*known, planned_n=planned_units, alpha=alpha)
        p_value = always_valid_p_value(*known, planned_n=planned_units, alpha=alpha)
    return frame.assign(always_low=low, always_high=high, always_p_value=p_value)


def _so_far(rows: pd.DataFrame, days: list[str]) -> list[dict[Hashable, Any]]:
    """Return the sums up to each day."""
    daily = rows.drop(columns=["variant", "dimension"]).set_index("segment").reindex(days)
    total = daily.fillna(0.0).cumsum()
    return total.to_dict("records")


def _figures(found: Estimate) -> dict[str, float]:
    return {
        "delta_abs": found.absolute.estimate,
        "se": found.absolute.se,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "p_value": found.p_value,
    }


@dataclass(frozen=True)
class AgeEffects:
    """The effect by days since exposure.

    Attributes:
        table: Per ``variant`` and ``age`` (0 is the first 24 hours): ``control_mean``,
            ``variant_mean`` (per user and day), ``delta_abs``, ``se``, ``ci_low``, ``ci_high``,
            ``p_value``.
        novelty: Per variant: the change of the effect from one day to the next. An effect that
            wears off, or grows as users learn, is told from a lasting one by its test.
    """

    table: pd.DataFrame
    novelty: dict[Hashable, Estimate]


def effect_by_age(
    assigned: ir.Table,
    rows: "ir.Table | pd.DataFrame",
    *,
    measure: Measure,
    control: Hashable,
    days: int = 14,
    as_of: dt.date | str,
    timezone: str = "UTC",
    alpha: float = 0.05,
) -> AgeEffects:
    """Return the effect on each day since exposure, of users who have had all of these days.

    The cohort is the same at every age, so that a change of the effect is none of its make-up.
    The novelty test compares each user's own slope over the days between variants; so the days of
    one user, which go together, are not taken for independent.

    Args:
        assigned: ``Assigned.units``.
        rows: The table that the measure reads.
        measure: What is counted per user and day; its ``from_days`` is ignored.
        control: The variant that the others are compared with.
        days: Days since exposure (>= 2).
        as_of: Last complete day of data, in ``timezone``.
        timezone: IANA zone in which days begin.
        alpha: Two-sided level.

    Raises:
        AnalysisError: ``days`` is below 2, or a column is missing.
    """
    if days < 2:
        raise AnalysisError(f"days is {days} in effect_by_age.\nGive 2 or more.")
    ended = assigned.exposure_time + span(days * _DAY) <= closing_time(as_of, timezone)
    cohort = assigned.filter(ended)
    counts = cohort.group_by("variant").aggregate(units=cohort.count()).to_pandas()
    units = dict(zip(counts["variant"], counts["units"], strict=True))
    per_day = keep(_per_user_and_day(cohort, as_table(rows), measure, days))  # read twice
    by_age = _moments(per_day, ["variant", "age"], units)
    middle = (days - 1) / 2
    leaning = per_day.mutate(value=per_day.value * (per_day.age - middle))
    slopes = leaning.group_by("variant", "user_id").aggregate(value=leaning.value.sum())
    by_variant = _moments(slopes, ["variant"], units, scale=days * (days**2 - 1) / 12)

    metric = Mean("value")
    others = [name for name in units if name != control]
    table = [
        {"variant": name, "age": age, **_with_means(compare(
            metric, _arm_at(by_age, (control, age), units), _arm_at(by_age, (name, age), units),
            alpha=alpha))}
        for name in others for age in range(days)
    ]  # fmt: skip
    novelty = {
        name: compare(
            metric, _arm_at(by_variant, (control,), units), _arm_at(by_variant, (name,), units),
            alpha=alpha,
        )
        for name in others
    }  # fmt: skip
    return AgeEffects(pd.DataFrame(table), novelty)


def _per_user_and_day(cohort: ir.Table, table: ir.Table, measure: Measure, days: int) -> ir.Table:
    """Return ``variant``, ``user_id``, ``age`` and ``value`` where a user has matching rows."""
    amount = table[measure.column] if measure.column else ibis.literal(1)
    rows = table.filter(matching_rows(table, measure)).select(
        user_id=table.user_id.cast("string"),  # an empty frame knows no types
        row_time=naive_utc(table[measure.dated_by]),
        amount=amount.cast("float64"),
    )
    spans = cohort.select("user_id", "variant", exposed_at=cohort.exposure_time)
    joined = rows.inner_join(spans, "user_id")
    elapsed = joined.row_time.delta(joined.exposed_at, unit="microsecond")
    aged = joined.mutate(elapsed=elapsed, age=(elapsed // _MICROSECONDS_A_DAY).cast("int64"))
    aged = aged.filter((aged.elapsed >= 0) & (aged.age < days))
    value = aged.amount.max() if measure.how == "converted" else aged.amount.sum()
    return aged.group_by("variant", "user_id", "age").aggregate(value=value)


def _moments(
    values: ir.Table, keys: Sequence[str], units: dict[Hashable, int], *, scale: float = 1.0
) -> dict[tuple[Hashable, ...], Arm]:
    """Return arms by key; units without a row have 0."""
    scaled = values.value / scale
    found = values.group_by(*keys).aggregate(
        total=scaled.sum(), squares=(scaled * scaled).sum()
    ).to_pandas()  # fmt: skip
    return {
        tuple(getattr(row, key) for key in keys): _arm(units[row.variant], row.total, row.squares)
        for row in found.itertuples()
    }


def _arm(units: int, total: float, squares: float) -> Arm:
    variance = spread_of(squares, total, total, units)
    return Arm(units, Aggregates(units, {VALUE: total / units}, {VALUE: variance}))


def _arm_at(
    arms: dict[tuple[Hashable, ...], Arm], key: tuple[Hashable, ...], units: dict[Hashable, int]
) -> Arm:
    return arms.get(key) or _arm(units.get(key[0], 0) or 1, 0.0, 0.0)


def _with_means(found: Estimate) -> dict[str, float]:
    return {
        "control_mean": found.control_mean,
        "variant_mean": found.variant_mean,
        **_figures(found),
    }
