"""One grouped scan of the units: sums from which means, variances and covariances follow.

Sums add up: of segments to totals, of days to a curve, of buckets to an arm. Values are shifted by
the smallest first, so that a large mean does not swallow a small variance, and a constant column
has a variance of exactly zero.
"""

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any, TypeAlias

import ibis
import ibis.expr.types as ir
import pandas as pd
from tea_tasting.aggr import Aggregates

from kpikit.analysis.experiments.metrics import VALUE, Mean, Metric, Proportion, Quantile, Ratio
from kpikit.catalogue.relations import MISSING_SEGMENT
from kpikit.engine import as_table, check_columns, fetch
from kpikit.errors import AnalysisError

TOTAL = ""  # the dimension that is none
_ROUNDING = 1e-12  # of sums of squares, relative
LABELS = ["dimension", "segment"]  # of a row of sums that are broken down
Sums = Mapping[Any, Any]  # one row of them, by column


@dataclass(frozen=True)
class Arm:
    """What is known of one metric in one variant.

    Attributes:
        units: Units of the variant.
        moments: Number, means, variances and covariances of those with a value, by part.
    """

    units: int
    moments: Aggregates

    @property
    def n(self) -> int:
        """Units with a value."""
        return int(self.moments.count())

    @property
    def missing(self) -> int:
        """Units without a value."""
        return self.units - self.n


@dataclass(frozen=True)
class _Value:
    """A column as it enters the sums; metrics that need the same one share it."""

    column: str
    shift: float
    cap: float | None
    fill: bool  # whether a missing value is 0
    needs: tuple[str, ...]  # columns without which the unit does not count

    def expression(self, table: ir.Table) -> ir.FloatingValue:
        """Return the column's value, null where the unit does not count."""
        value = number(table[self.column], gaps=self.fill or self.column in self.needs)
        if self.fill:
            value = value.fill_null(0.0)
        if self.cap is not None:
            value = ibis.least(value, self.cap)
        if self.shift:
            value -= self.shift
        others = [name for name in self.needs if name != self.column]
        if not others:
            return value
        whole = ibis.and_(*(number(table[name]).notnull() for name in others))  # noqa: PD004 - Ibis
        return ibis.ifelse(whole, value, None)


@dataclass(frozen=True)
class Layout:
    """Which sums are taken for which metric.

    Attributes:
        values: Columns as they enter the sums, by their name there.
        places: Metric to part to the name of its value; a quantile has none.
    """

    values: Mapping[str, _Value] = field(default_factory=dict)
    places: Mapping[Metric, Mapping[str, str]] = field(default_factory=dict)

    def only(self, metrics: Iterable[Metric]) -> "Layout":
        """Return the layout of some of its metrics."""
        places = {one: self.places[one] for one in metrics if one in self.places}
        used = {place for parts in places.values() for place in parts.values()}
        return Layout({name: one for name, one in self.values.items() if name in used}, places)

    def sums(self, rows: ir.Table) -> dict[str, ir.Value]:
        """Return the sums over rows that hold the values."""
        sums = {f"{name}_n": rows[name].count() for name, one in self.values.items() if one.needs}
        sums |= {name: rows[name].sum() for name in self.values}
        for parts in self.places.values():
            for one, other in combinations_with_replacement(parts.values(), 2):
                sums[f"{one}_{other}"] = (rows[one] * rows[other]).sum()
        return sums

    def moments(self, sums: Sums, metric: Metric) -> Aggregates:
        """Return number, means, variances and covariances of one metric from its sums."""
        parts = self.places[metric]
        n = float(sums.get(f"{parts[VALUE]}_n", sums["units"]))
        if n == 0:
            nothing = dict.fromkeys(parts, math.nan)
            return Aggregates(0, nothing, nothing)
        total = {part: float(sums[place]) for part, place in parts.items()}
        spread = {
            (one, other): spread_of(
                float(sums[f"{parts[one]}_{parts[other]}"]), total[one], total[other], n
            )
            for one, other in combinations_with_replacement(parts, 2)
        }
        return Aggregates(
            int(n),
            {part: self.values[parts[part]].shift + total[part] / n for part in parts},
            {part: spread[part, part] for part in parts},
            {pair: value for pair, value in spread.items() if pair[0] != pair[1]},
        )

    def arm(self, sums: Sums | None, metric: Metric) -> Arm:
        """Return what one row of sums holds on one metric; None stands for no unit."""
        if sums is None:
            return Arm(0, self.moments({"units": 0}, metric))
        return Arm(int(sums["units"]), self.moments(sums, metric))


def plan_layout(units: ir.Table, metrics: Mapping[str, Metric]) -> Layout:
    """Return the layout for these units, after a look at each column's range and gaps.

    Raises:
        AnalysisError: A column is missing or holds no numbers, or a proportion's holds other
            values than 0 and 1.
    """
    summed = {name: metric for name, metric in metrics.items() if not isinstance(metric, Quantile)}
    for name, metric in metrics.items():
        check_columns(units, metric.columns.values(), "units")
        _check_numbers(units, name, metric)
    ranges, caps = _ranges(units, summed.values())
    _check_shares(units, summed, ranges)
    values: dict[_Value, str] = {}
    places: dict[Metric, dict[str, str]] = {}
    for metric in summed.values():
        own = [
            column for part, column in metric.columns.items() if not part.startswith("covariate")
        ]
        needs = tuple(column for column in own if ranges[column].gaps)
        if metric.nulls == "zero":
            needs = ()
        places[metric] = {}
        for part, column in metric.columns.items():
            # a unit without a past has none of it: that is 0, whatever the metric's own rule
            fill = ranges[column].gaps and column not in needs
            shift = 0.0 if fill or isinstance(metric, Proportion) else ranges[column].low
            value = _Value(column, shift, caps.get(metric) if part == VALUE else None, fill, needs)
            places[metric][part] = values.setdefault(value, f"v{len(values)}")
    return Layout({place: value for value, place in values.items()}, places)


def _check_numbers(units: ir.Table, name: str, metric: Metric) -> None:
    for column in metric.columns.values():
        kind = units[column].type()
        if not (kind.is_numeric() or kind.is_boolean() or kind.is_null()):
            raise AnalysisError(
                f"Metric '{name}' reads column '{column}', which holds {kind}.\n"
                f"Give a column of numbers, or cast it first."
            )


@dataclass(frozen=True)
class _Range:
    low: float  # 0 where no unit has a value that is finite
    high: float
    gaps: bool


def _ranges(
    units: ir.Table, metrics: Iterable[Metric]
) -> tuple[dict[str, _Range], dict[Metric, float]]:
    """Return the range of each column, and the greatest value of each capped metric, by one look.

    A cap that no unit has a value for is left out.
    """
    columns = sorted({name for metric in metrics for name in metric.columns.values()})
    capped = [one for one in metrics if isinstance(one, Mean | Ratio) and one.cap is not None]
    asked: dict[str, ir.Value] = {"units": units.count()}
    for index, name in enumerate(columns):
        value = units[name].cast("int8") if units[name].type().is_boolean() else units[name]
        asked |= {f"{index}_n": value.count(), f"{index}_low": value.min(),
                  f"{index}_high": value.max()}  # fmt: skip
    for index, metric in enumerate(capped):
        asked[f"cap_{index}"] = number(units[metric.columns[VALUE]]).quantile(metric.cap)
    (found,) = fetch(units.aggregate(**asked)).to_pylist()
    ranges = {}
    for index, name in enumerate(columns):
        low, high = (_as_float(found[f"{index}_{end}"]) for end in ("low", "high"))
        # what is no number sorts after all numbers, so the largest value tells
        gaps = found[f"{index}_n"] < found["units"] or math.isnan(high)
        ranges[name] = _Range(low if math.isfinite(low) else 0.0, high, gaps)
    caps = {metric: _as_float(found[f"cap_{index}"]) for index, metric in enumerate(capped)}
    return ranges, {metric: cap for metric, cap in caps.items() if not math.isnan(cap)}


def _as_float(value: Any) -> float:
    return math.nan if pd.isna(value) else float(value)


def _check_shares(
    units: ir.Table, metrics: Mapping[str, Metric], ranges: Mapping[str, _Range]
) -> None:
    for name, metric in metrics.items():
        if not isinstance(metric, Proportion):
            continue
        known = ranges[metric.column]
        value = units[metric.column]
        wrong = known.low < 0 or known.high > 1
        if value.type().is_floating() or value.type().is_decimal():
            between = number(value).between(0, 1) & ~number(value).isin([0.0, 1.0])
            wrong = wrong or bool(units.aggregate(any=between.any()).to_pandas().iloc[0, 0])
        if wrong:
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
    by = {f"by_{index}": units[name] for index, name in enumerate(names)}
    rows = units.select(
        **{name: units[column] for name, column in keys.items()},
        **by,
        **{name: value.expression(units) for name, value in layout.values.items()},  # noqa: PD011 - no frame
    )
    cells = rows.group_by([*keys, *by]).aggregate(units=rows.count(), **layout.sums(rows))
    parts = [_rolled_up(cells, list(keys), TOTAL, ibis.literal(""))] if names else []
    parts += [
        _rolled_up(cells, list(keys), name, cells[column].cast("string"))
        for name, column in zip(names, by, strict=True)
    ]
    found: pd.DataFrame = fetch(ibis.union(*parts) if names else cells).to_pandas()
    if not names:
        found = found.assign(dimension=TOTAL, segment="")
    sums = additive_columns(found, keys)
    found[sums] = found[sums].astype(float).fillna(0.0)
    return found.sort_values([*LABELS, *keys], key=_as_text, ignore_index=True)


def additive_columns(sums: pd.DataFrame, keys: Iterable[str]) -> list[str]:
    """Return the columns that add up."""
    return [name for name in sums.columns if name not in {*keys, *LABELS}]


def arms_of(
    sums: pd.DataFrame, layout: Layout, variants: Iterable[Hashable]
) -> dict[Metric, dict[Hashable, Arm]]:
    """Return what rows of sums hold, by metric and ``variant``; one without a row has no units."""
    rows = dict(zip(sums["variant"], sums.to_dict("records"), strict=True))
    return {
        metric: {name: layout.arm(rows.get(name), metric) for name in variants}
        for metric in layout.places
    }


@dataclass(frozen=True)
class Scan:
    """Units, and their sums by variant: what all questions about a test's metrics share.

    Attributes:
        units: One row per unit.
        variant: Column that holds each unit's variant.
        layout: Which sums are taken for which metric.
        sums: One row per variant; see ``read_sums``.
    """

    units: ir.Table
    variant: str
    layout: Layout
    sums: pd.DataFrame

    @cached_property
    def arms(self) -> dict[Metric, dict[Hashable, Arm]]:
        """What is known of each metric, by variant."""
        return arms_of(self.sums, self.layout, self.sums["variant"])

    def total_of(self, metric: Metric) -> Aggregates:
        """Return the moments of a metric over all variants."""
        return self.layout.moments(self._total, metric)

    @cached_property
    def _total(self) -> Sums:
        return dict(self.sums[additive_columns(self.sums, ["variant"])].sum())


Units: TypeAlias = ir.Table | pd.DataFrame | Scan


def scan_units(units: Units, metrics: Mapping[str, Metric], *, variant: str = "variant") -> Scan:
    """Return the units with the sums of these metrics; a scan, which holds them, as it is.

    Raises:
        AnalysisError: As for ``plan_layout``, or the column of variants is missing.
    """
    if isinstance(units, Scan):
        return units
    table = as_table(units)
    check_columns(table, [variant], "units")
    layout = plan_layout(table, metrics)
    return Scan(table, variant, layout, read_sums(table, layout, keys={"variant": variant}))


def _rolled_up(cells: ir.Table, keys: list[str], name: str, value: ir.Value) -> ir.Table:
    segment = value.fill_null(MISSING_SEGMENT)
    grouped = cells.mutate(dimension=ibis.literal(name), segment=segment)
    sums = [column for column in cells.columns if column not in keys and column[:3] != "by_"]
    return grouped.group_by([*keys, *LABELS]).aggregate(
        **{column: grouped[column].sum() for column in sums}
    )


def _as_text(column: pd.Series) -> pd.Series:
    return column.astype(str)


def number(value: ir.Value, *, gaps: bool = True) -> ir.FloatingValue:
    """Return a column as floating-point numbers; with ``gaps``, one that is no number is null."""
    if value.type().is_boolean():
        value = value.cast("int8")
    floating = value.type().is_floating()
    value = value.cast("float64")
    return ibis.ifelse(value.isnan(), None, value) if floating and gaps else value


def share_moments(successes: int, n: int) -> Aggregates:
    """Return the moments of a column of 0 and 1 from its counts."""
    share = successes / n if n else math.nan
    variance = share * (1 - share) * n / (n - 1) if n > 1 else math.nan
    return Aggregates(n, {VALUE: share}, {VALUE: variance})


def spread_of(product: float, one: float, other: float, n: float) -> float:
    """Return a sample covariance from sums; zero where it is no more than their rounding."""
    if n < 2:
        return math.nan
    if not math.isfinite(product):
        return math.nan
    spread = product - one * other / n
    return spread / (n - 1) if abs(spread) > _ROUNDING * abs(product) else 0.0
