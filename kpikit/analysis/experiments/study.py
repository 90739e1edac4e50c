"""One declared test from its tables to its verdict: each part computed once, when asked for."""

import datetime as dt
import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pandas as pd

from kpikit.analysis.experiments.analyze import (
    ExperimentResult,
    analyze_scan,
    conclude,
    with_segments,
)
from kpikit.analysis.experiments.comparing import Ask
from kpikit.analysis.experiments.estimate import describe
from kpikit.analysis.experiments.forecasting import planning_table
from kpikit.analysis.experiments.impact import Impact, decision_record, global_impact
from kpikit.analysis.experiments.measures import BEFORE
from kpikit.analysis.experiments.metrics import Mean, Metric, Quantile, Ratio
from kpikit.analysis.experiments.moments import Scan, read_sums, scan_units
from kpikit.analysis.experiments.planning import sample_size
from kpikit.analysis.experiments.readings import readings_table, widened_table
from kpikit.analysis.experiments.rerandomising import FalseAlarms, rerandomise
from kpikit.analysis.experiments.segments import heterogeneity_table, segment_table
from kpikit.analysis.experiments.shaped import Shaped
from kpikit.analysis.experiments.timeline import AgeEffects, effect_by_age, effect_curve
from kpikit.analysis.experiments.trust import (
    balance_table,
    outlier_table,
    outlier_treatments,
    split_curve,
    split_table,
    trust_table,
    withheld,
)
from kpikit.periods import parse_window

ReadingKind = Literal["fixed horizon", "planned look", "always valid"]
_DAY = dt.timedelta(days=1)
_MOST_AGES = 14


@dataclass(frozen=True)
class Study(Shaped):
    """A declared test, from its users to effects, checks and verdict; attributes as ``Shaped``."""

    @cached_property
    def scan(self) -> Scan:
        """The users and their sums, of every metric that an effect or a check reads."""
        read: dict[str, Metric] = {**self.declared.metrics}
        if isinstance(self.primary_metric, Mean | Ratio):
            read |= outlier_treatments(self.primary_metric)
        read |= {name: Mean(name) for name in self._covariates}
        return scan_units(self.units, read)

    @property
    def has_units(self) -> bool:
        """Whether anybody's window has ended: else there is nothing to compare."""
        return not self.scan.sums.empty

    @property
    def has_pair(self) -> bool:
        """Whether control and another variant have users whose window has ended."""
        found = set(self.scan.sums["variant"])
        return self.control in found and len(found) > 1

    @cached_property
    def _ask(self) -> Ask:
        return Ask(
            metrics=self.declared.metrics,
            primary=self.experiment.primary,
            directions=self.declared.directions,
            guardrails={one.metric: one.margin for one in self.experiment.guardrails},
            control=self.control,
            alpha=self.experiment.alpha,
        )

    @cached_property
    def fixed(self) -> ExperimentResult:
        """The effects as a test that is read once would have them, without segments."""
        return analyze_scan(self._ask, self.scan, planned_split=self.split)

    @property
    def reading(self) -> ReadingKind:
        """The reading that decides: the planned one, or while the test runs the always-valid."""
        if self.experiment.looks > 1:
            return "planned look"
        return "fixed horizon" if self.finished else "always valid"

    @cached_property
    def looks(self) -> tuple[float, ...]:
        """Shares of the planned units at the looks so far, this one last; none where not planned.

        Earlier looks lie where they were planned, at equal shares; this one where its users are.
        """
        count = self.experiment.looks
        if count == 1:
            return ()
        units = float(self.fixed.allocation["units"].sum())
        now = 1.0 if self.finished else min(units / self.planned_units, 1.0)
        earlier = [look / count for look in range(1, count) if look / count < now * 0.999]
        return (*earlier, now)

    @cached_property
    def overall(self) -> ExperimentResult:
        """Effects and verdict by the reading that decides, without segments.

        There is no verdict without trust.
        """
        return withheld(self._read, self.checks)

    @cached_property
    def result(self) -> ExperimentResult:
        """The same with the effects in segments."""
        if not self.experiment.segments:
            return self.overall
        layout = self.scan.layout.only(self.declared.metrics.values())
        sums = read_sums(
            self.segmented_units, layout, keys={"variant": "variant"},
            dimensions=self.experiment.segments,
        )  # fmt: skip
        return withheld(with_segments(self._read, self._ask, sums, layout), self.checks)

    @cached_property
    def _read(self) -> ExperimentResult:
        if self.reading == "fixed horizon":
            return self.fixed
        wider = widened_table(
            self.fixed.table, planned_units=self.planned_units, alpha=self._ask.alpha,
            looks=self.looks, spending=self.experiment.spending,
        )  # fmt: skip
        return conclude(self._ask, wider, self.fixed.allocation)

    @cached_property
    def checks(self) -> pd.DataFrame:
        """The checks of trust; see ``trust.trust_table``."""
        planned = None if self.experiment.mde is None else math.ceil(self.planned_units)
        return trust_table(
            self.fixed,
            counts=self.assigned.counts,
            balance=self.balance,
            outliers=self.outliers,
            false_alarms=self.false_alarms,
            planned_units=planned if self.finished else None,
        )

    @property
    def trusted(self) -> bool:
        """Whether no check of trust failed."""
        return not bool((self.checks["status"] == "failed").any())

    @cached_property
    def balance(self) -> pd.DataFrame | None:
        """Whether variants were alike before; None without declared history, or without a pair."""
        if self.experiment.history is None or not self.has_pair:
            return None
        return balance_table(self.scan, control=self.control, covariates=self._covariates)

    @property
    def _covariates(self) -> list[str]:
        measures = self.declared.measures if self.experiment.history is not None else ()
        return [f"{name}{BEFORE}" for name in measures]

    @cached_property
    def outliers(self) -> pd.DataFrame | None:
        """The primary effect without the largest values; None for shares, quantiles, no pair."""
        metric = self.primary_metric
        if not isinstance(metric, Mean | Ratio) or not self.has_pair:
            return None
        alpha = self.experiment.alpha
        return outlier_table(self.scan, control=self.control, metric=metric, alpha=alpha)

    @cached_property
    def false_alarms(self) -> FalseAlarms | None:
        """Random splits of these very users; None for quantiles."""
        if isinstance(self.primary_metric, Quantile):
            return None
        return rerandomise(self.scan, metric=self.primary_metric, alpha=self.experiment.alpha)

    @cached_property
    def splits(self) -> pd.DataFrame:
        """Where the split departs from its plan; see ``trust.split_table``."""
        dimensions = ["exposure_day", *self.experiment.segments]
        return split_table(self.segmented, split=self.split, dimensions=dimensions)

    @cached_property
    def split_by_day(self) -> pd.DataFrame:
        """When a departure began; see ``trust.split_curve``."""
        return split_curve(self.assigned.units, split=self.split)

    @property
    def primary_metric(self) -> Metric:
        """How the metric that decides is read."""
        return self.declared.metrics[self.experiment.primary]

    @property
    def primary(self) -> pd.Series:
        """The row of the metric that decides: the winner's, or that of the first variant."""
        rows = self.overall.table[self.overall.table["role"] == "primary"]
        if self.overall.winner is not None:
            rows = rows[rows["variant"] == self.overall.winner]
        return rows.iloc[0]

    def arithmetic(self, variant: Hashable) -> pd.DataFrame:
        """Return the comparisons of the rule on one variant; see ``decision.Decision.checks``.

        Returns:
            With ``estimate``, ``least_effect`` (half the interval: a smaller estimate could not be
            told from chance) and ``room`` (between the value and its limit). No row where there
            is no verdict.
        """
        checks = self.overall.decisions[variant].checks
        if checks.empty:
            return checks
        table = self.overall.table
        rows = table[table["variant"] == variant].set_index("metric").loc[checks["metric"]]
        return checks.assign(
            estimate=rows["delta_abs"].to_numpy(),
            least_effect=((rows["ci_high"] - rows["ci_low"]) / 2).to_numpy(),
            room=checks["value"] - checks["limit"],
        )

    @cached_property
    def plan(self) -> pd.DataFrame | None:
        """Which effects of the primary metric so many days find; None where that is unknown.

        A quantile, and a metric without any spread, cannot be planned. See
        ``forecasting.planning_table``; all users so far stand for those to come.
        """
        if self._spread is None:
            return None
        lengths = sorted({7, 14, 28, 56, self.experiment.days})
        share = self.experiment.variants[self.control]
        return planning_table(
            self.scan,
            metrics={self.experiment.primary: self.primary_metric},
            daily_units=self.daily_users,
            days=lengths,
            share=share,
            alpha=self.experiment.alpha,
            power=self.experiment.power,
        )

    @cached_property
    def _spread(self) -> tuple[float, float, float] | None:
        """What the plan rests on; see ``estimate.describe``. None where nothing can be planned."""
        metric, table = self.primary_metric, self.fixed.table
        errors = table.loc[table["metric"] == self.experiment.primary, "se"]
        if isinstance(metric, Quantile) or not (errors > 0).any():
            return None
        return describe(metric, self.scan.total_of(metric))

    @cached_property
    def planned_units(self) -> float:
        """Users of all variants that the plan needs, or that will have come by the end.

        They follow from ``mde`` and ``power`` where it is declared, and from the traffic where
        it is not.
        """
        effect, spread = self.experiment.mde, self._spread
        if effect is None or spread is None:
            return max(self.daily_users * self.experiment.days, 1.0)
        return self.units_for(effect, explained=spread[2])

    def units_for(self, effect: float, *, explained: float = 0.0) -> float:
        """Return the users of all variants that find an effect on the primary metric."""
        control = self.experiment.variants[self.control]
        if self._spread is None:
            return math.nan
        baseline, sd, _ = self._spread
        other = min(
            share for name, share in self.experiment.variants.items() if name != self.control
        )
        needed = sample_size(
            baseline=baseline, effect=effect, kind="mean", sd=sd,
            alpha=self.experiment.alpha, power=self.experiment.power, ratio=other / control,
            variance_reduction=explained,
        )  # fmt: skip
        return needed / control

    def readings(self, variant: Hashable) -> pd.DataFrame:
        """Return the readings of the primary effect, each with its convention.

        See ``readings.readings_table``; a test that runs has no fixed-horizon reading.
        """
        prior = self.experiment.prior
        return readings_table(
            self.fixed,
            metric=self.experiment.primary,
            variant=variant,
            planned_units=self.planned_units,
            finished=self.finished,
            looks=self.looks,
            spending=self.experiment.spending,
            prior_mean=0.0 if prior is None else prior.mean,
            prior_sd=math.inf if prior is None else prior.sd,
            region=self.experiment.rope,
        )

    @cached_property
    def curve(self) -> pd.DataFrame | None:
        """The effect so far per day, with the always-valid band; None for quantiles, no pair."""
        if isinstance(self.primary_metric, Quantile) or not self.has_pair:
            return None
        return effect_curve(
            self.units,
            control=self.control,
            metric=self.primary_metric,
            planned_units=self.planned_units,
            alpha=self.experiment.alpha,
        )

    @cached_property
    def ages(self) -> AgeEffects | None:
        """The effect by days since exposure; None where it would say nothing.

        What users do once, such as converting, has no lasting effect per day to wear off; a ratio
        and a quantile have no value per day; and it takes a window of two days or more, and a pair
        to compare.
        """
        days = min(_MOST_AGES, int(parse_window(self.experiment.conversion_window) / _DAY))
        if not isinstance(self.primary_metric, Mean) or days < 2 or not self.has_pair:
            return None
        measure = self.declared.measures[self.experiment.primary]
        return effect_by_age(
            self.assigned.units,
            self.tables[measure.table],
            measure=measure,
            control=self.control,
            days=days,
            as_of=self.as_of,
            timezone=self.timezone,
            alpha=self.experiment.alpha,
        )

    @cached_property
    def heterogeneity(self) -> pd.DataFrame:
        """Whether the primary effect differs by a dimension; see ``heterogeneity_table``."""
        return heterogeneity_table(self._primary_segments)

    @cached_property
    def segments(self) -> pd.DataFrame:
        """The primary effect in segments, corrected and shrunken; see ``segment_table``."""
        return segment_table(
            self._primary_segments, planned_effect=self.experiment.mde, alpha=self.experiment.alpha
        )

    @property
    def _primary_segments(self) -> pd.DataFrame:
        rows = self.result.segments
        return rows[rows["metric"] == self.experiment.primary].reset_index(drop=True)

    @property
    def days_left(self) -> dict[str, int]:
        """Days until the users for ``mde`` have come at the traffic seen, with and without CUPED.

        Empty where no effect was planned, or the metric is a quantile.
        """
        effect, spread = self.experiment.mde, self._spread
        if effect is None or spread is None:
            return {}
        *_, explained = spread
        found = {"without CUPED": 0.0} | ({"with CUPED": explained} if explained > 0 else {})
        return {
            name: math.ceil(
                max(self.units_for(effect, explained=share) - self.users, 0.0) / self.daily_users
            )
            for name, share in found.items()
        }

    def impact(self, value: float, coverage: float) -> Impact:
        """Return what the primary effect is worth in a month; see ``impact.global_impact``.

        Args:
            value: Money that one unit of the metric is worth.
            coverage: Share of the users of a month whom the change reaches.
        """
        base = value * abs(self.primary["control_adjusted_mean"]) * self.users_per_month
        return global_impact(self.primary, base=base, coverage=coverage)

    def record(self) -> dict[str, object]:
        """Return its row of the decision log; see ``impact.decision_record``."""
        return decision_record(self.overall, experiment=self.key, ended=self.experiment.end)
