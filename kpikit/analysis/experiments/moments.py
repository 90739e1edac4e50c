"""One scan of the units: sums from which every mean, variance and covariance follows.

Sums add up: of segments to totals, of days to a curve, of buckets to an arm. Values are shifted by
one of their own first, so that a large mean does not swallow a small variance, and a constant
column has a variance of exactly zero.
"""

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from tea_tasting.aggr import Aggregates

from kpikit.analysis.experiments.metrics import VALUE, Mean, Metric, Proportion, Quantile, Ratio
from kpikit.catalogue.relations import MISSING_SEGMENT
from kpikit.engine import check_columns
from kpikit.errors import AnalysisError

TOTAL = ""  # the dimension that is none
_PILOT_ROWS = 1000
_ROUNDING = 1e-12  # of sums of squares, relative


@dataclass(frozen=True)
class Arm:
    """What is known of one metric in one variant.

    Attributes:
        units: Units of the variant.
        moments: Number, means, variances and covariances of those with a value, by part.
        low: Smallest value, as capped.
        high: Largest value, as capped.
    """

    units: int
    moments: Aggregates
    low: float = math.nan
    high: float = math.nan

    @property
    def n(self) -> int:
        """Units with a value."""
        return int(self.moments.count())

    @property
    def missing(self) -> int:
        """Units without a value."""
        return self.units - self.n


@dataclass(frozen=True)
class Layout:
    """Which sums are taken, and how values are shifted and capped before.

    Attributes:
        metrics: By name.
        shifts: Subtracted from a column's values, by column.
        caps: Greatest value of a metric's own column, by metric.
    """

    metrics: Mapping[str, Metric]
    shifts: Mapping[str, float] = field(default_factory=dict)
    caps: Mapping[str, float] = field(default_factory=dict)

    def values(self, table: ir.Table) -> dict[str, ir.Value]:
        """Return shifted values per metric and part, null where the unit does not count."""
        found = {}
        for index, (name, metric) in enumerate(self.metrics.items()):
            parts = self._filled(table, name, metric)
            complete = ibis.and_(*(value.notnull() for value in parts.values()))  # noqa: PD004 - Ibis
            for part, value in parts.items():
                shifted = value - self.shifts.get(metric.columns[part], 0.0)
                found[f"{index}_{part}"] = (
                    ibis.ifelse(complete, shifted, None) if len(parts) > 1 else shifted
                )
        return found

    def _filled(self, table: ir.Table, name: str, metric: Metric) -> dict[str, ir.Value]:
        parts = {part: number(table[column]) for part, column in metric.columns.items()}
        for part, value in parts.items():
            # a unit without a past has none of it: that is 0, whatever the metric's own rule
            if metric.nulls == "zero" or part.startswith("covariate"):
                parts[part] = value.fill_null(0.0)
        if name in self.caps:
            parts[VALUE] = ibis.least(parts[VALUE], self.caps[name])
        return parts

    def sums(self, rows: ir.Table) -> dict[str, ir.Value]:
        """Return the additive sums over rows of ``values``."""
        sums = {}
        for index, metric in enumerate(self.metrics.values()):
            sums[f"{index}_n"] = rows[f"{index}_{VALUE}"].count()
            for part in metric.columns:
                sums[f"{index}_{part}"] = rows[f"{index}_{part}"].sum()
            for one, other in combinations_with_replacement(metric.columns, 2):
                product = rows[f"{index}_{one}"] * rows[f"{index}_{other}"]
                sums[f"{index}_{one}_{other}"] = product.sum()
        return sums

    def ends(self, rows: ir.Table) -> dict[str, tuple[ir.Value, ir.Value]]:
        """Return smallest and largest shifted value per metric."""
        columns = {index: rows[f"{index}_{VALUE}"] for index in range(len(self.metrics))}
        return {str(index): (column.min(), column.max()) for index, column in columns.items()}

    def moments(self, sums: "pd.Series[Any] | Mapping[str, Any]", name: str) -> Aggregates:
        """Return number, means, variances and covariances of one metric from its sums."""
        index = list(self.metrics).index(name)
        parts = self.metrics[name].columns
        n = float(sums[f"{index}_n"])
        total = {part: _float(sums[f"{index}_{part}"]) for part in parts}
        spread = {}
        for one, other in combinations_with_replacement(parts, 2):
            product = _float(sums[f"{index}_{one}_{other}"])
            spread[one, other] = spread_of(product, total[one], total[other], n)
        return Aggregates(
            int(n),
            {
                part: self.shifts.get(column, 0.0) + total[part] / n if n else math.nan
                for part, column in parts.items()
            },
            {part: spread[part, part] for part in parts},
            {pair: value for pair, value in spread.items() if pair[0] != pair[1]},
        )

    def arm(self, sums: "pd.Series[Any] | Mapping[str, Any] | None", name: str) -> Arm:
        """Return what one row of sums holds on one metric; None stands for no unit."""
        if sums is None:
            nothing = dict.fromkeys(self.metrics[name].columns, math.nan)
            return Arm(0, Aggregates(0, nothing, nothing))
        index = list(self.metrics).index(name)
        shift = self.shifts.get(self.metrics[name].columns[VALUE], 0.0)
        low, high = (_float(sums[f"{index}_{end}"]) + shift for end in ("low", "high"))
        return Arm(int(sums["units"]), self.moments(sums, name), low, high)


def plan_layout(units: ir.Table, metrics: Mapping[str, Metric]) -> Layout:
    """Return the layout for these units: columns checked, shifts and caps found.

    Raises:
        AnalysisError: A column is missing or holds no numbers.
    """
    for name, metric in metrics.items():
        check_columns(units, metric.columns.values(), "units")
        for column in metric.columns.values():
            kind = units[column].type()
            if not (kind.is_numeric() or kind.is_boolean()):
                raise AnalysisError(
                    f"Metric '{name}' reads column '{column}', which holds {kind}.\n"
                    f"Give a column of numbers, or cast it first."
                )
    summed = {name: metric for name, metric in metrics.items() if not isinstance(metric, Quantile)}
    return Layout(summed, _shifts(units, summed), _caps(units, summed))


def _shifts(units: ir.Table, metrics: Mapping[str, Metric]) -> dict[str, float]:
    """Return a value of each column, from its first rows; shares keep 0 and 1."""
    exact = {name for metric in metrics.values() if isinstance(metric, Proportion)
             for name in metric.columns.values()}  # fmt: skip
    columns = {name for metric in metrics.values() for name in metric.columns.values()}
    wanted = sorted(columns - exact)
    if not wanted:
        return {}
    pilot = units.limit(_PILOT_ROWS)
    least = pilot.aggregate(**{name: number(pilot[name]).min() for name in wanted}).to_pandas()
    return {
        name: float(value)
        for name, value in least.iloc[0].items()
        if pd.notna(value) and np.isfinite(value)
    }


def _caps(units: ir.Table, metrics: Mapping[str, Metric]) -> dict[str, float]:
    capped = {
        name: number(units[metric.columns[VALUE]]).quantile(metric.cap)
        for name, metric in metrics.items()
        if isinstance(metric, Mean | Ratio) and metric.cap is not None
    }
    if not capped:
        return {}
    found = units.aggregate(**capped).to_pandas().iloc[0]
    return {name: float(value) for name, value in found.items() if pd.notna(value)}


def check_shares(sums: pd.DataFrame, layout: Layout) -> None:
    """Raise unless every proportion's column holds 0 and 1 alone.

    Raises:
        AnalysisError: It holds another value.
    """
    for index, (name, metric) in enumerate(layout.metrics.items()):
        if not isinstance(metric, Proportion):
            continue
        # between 0 and 1, only these two are their own squares
        squares_differ = (sums[f"{index}_{VALUE}"] != sums[f"{index}_{VALUE}_{VALUE}"]).any()
        if sums[f"{index}_low"].min() < 0 or sums[f"{index}_high"].max() > 1 or squares_differ:
            raise AnalysisError(
                f"Metric '{name}' is a Proportion of column '{metric.column}', which holds other "
                f"values than 0 and 1.\nUse Mean, or a column of 0 and 1."
            )


def read_sums(
    units: ir.Table, layout: Layout, *, keys: Mapping[str, str], dimensions: Iterable[str] = ()
) -> pd.DataFrame:
    """Return the sums per ``keys``, in total and per value of each dimension.

    One scan groups by everything at once; totals and single dimensions are rolled up from its
    groups, still in the engine.

    Args:
        units: One row per unit.
        layout: What is summed.
        keys: What parts every row of the result, such as the variant: its name in the result to
            its column.
        dimensions: Columns by each of which the sums are broken down.

    Returns:
        One row per ``keys`` and ``dimension`` (empty for the total) and ``segment`` (its value as
        text; ``(missing)`` for null), with ``units`` and the sums that ``layout`` reads.
    """
    names = list(dimensions)
    check_columns(units, [*keys.values(), *names], "units")
    rows = units.select(
        **{name: units[column] for name, column in keys.items()},
        **{f"by_{index}": _label(units[name]) for index, name in enumerate(names)},
        **layout.values(units),
    )
    by_names = [f"by_{index}" for index in range(len(names))]
    ends = layout.ends(rows)
    cells = rows.group_by([*keys, *by_names]).aggregate(
        units=rows.count(),
        **layout.sums(rows),
        **{f"{index}_low": low for index, (low, _) in ends.items()},
        **{f"{index}_high": high for index, (_, high) in ends.items()},
    )
    parts = [_rolled_up(cells, list(keys), TOTAL, ibis.literal(""))]
    parts += [
        _rolled_up(cells, list(keys), name, cells[by])
        for name, by in zip(names, by_names, strict=True)
    ]
    query = ibis.union(*parts) if len(parts) > 1 else parts[0]
    found: pd.DataFrame = query.to_pandas()
    sums = found.columns.difference([*keys, "dimension", "segment"])
    found = found.astype(dict.fromkeys(sums, float))
    return found.sort_values(["dimension", "segment", *keys], key=_as_text, ignore_index=True)


def arms_of(
    sums: pd.DataFrame, layout: Layout, variants: Iterable[Hashable]
) -> dict[str, dict[Hashable, Arm]]:
    """Return what rows of sums hold, by metric and ``variant``; one without a row has no units."""
    rows = dict(zip(sums["variant"], sums.to_dict("records"), strict=True))
    return {
        metric: {name: layout.arm(rows.get(name), metric) for name in variants}
        for metric in layout.metrics
    }


def _rolled_up(cells: ir.Table, keys: list[str], name: str, value: ir.Value) -> ir.Table:
    grouped = cells.mutate(dimension=ibis.literal(name), segment=value)
    fold = {"low": "min", "high": "max"}
    return grouped.group_by([*keys, "dimension", "segment"]).aggregate(
        **{
            column: getattr(grouped[column], fold.get(column.rpartition("_")[2], "sum"))()
            for column in cells.columns
            if column not in keys and not column.startswith("by_")
        }
    )


def _as_text(column: pd.Series) -> pd.Series:
    return column.astype(str)


def _label(value: ir.Value) -> ir.StringValue:
    return value.cast("string").fill_null(MISSING_SEGMENT)


def number(value: ir.Value) -> ir.FloatingValue:
    """Return a column as floating-point numbers; one that is not a number is missing."""
    if value.type().is_boolean():
        value = value.cast("int8")
    number = value.cast("float64")
    return ibis.ifelse(number.isnan(), None, number) if value.type().is_floating() else number


def spread_of(product: float, one: float, other: float, n: float) -> float:
    """Return a sample covariance from sums; zero where it is no more than their rounding."""
    if n < 2:
        return math.nan
    spread = product - one * other / n
    return spread / (n - 1) if abs(spread) > _ROUNDING * abs(product) else 0.0


def _float(value: Any) -> float:
    return math.nan if pd.isna(value) else float(value)
