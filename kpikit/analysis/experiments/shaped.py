"""One declared test from its tables to its users: who was exposed, and what each of them did."""

import datetime as dt
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import ibis.expr.types as ir
import pandas as pd

from kpikit.analysis.experiments.declared import DeclaredMetrics, declared_metrics
from kpikit.analysis.experiments.measures import Measure
from kpikit.analysis.experiments.shaping import (
    Assigned,
    assign_units,
    closing_time,
    dimensions_at_exposure,
    maturity,
    unit_table,
)
from kpikit.catalogue.keeping import keep
from kpikit.engine import check_columns, naive_utc
from kpikit.errors import AnalysisError, hint_names, unknown_name
from kpikit.params.model import Experiment, Product
from kpikit.periods import parse_window

State = Literal["running", "maturing", "finished"]
_MONTH_DAYS = 365.25 / 12
_TIMES = {"exposures": "exposure_time", "events": "event_time", "orders": "order_time",
          "subscriptions": "start_time"}  # fmt: skip


@dataclass(frozen=True)
class Shaped:
    """A declared test with the product's tables: its state, its users, their numbers.

    Attributes:
        key: The test's key, which its exposures bear in the column ``experiment``.
        experiment: What was declared.
        product: The product's file.
        tables: Canonical tables.
        as_of: Last complete day of data.
    """

    key: str
    experiment: Experiment
    product: Product
    tables: Mapping[str, ir.Table]
    as_of: dt.date

    @property
    def timezone(self) -> str:
        """Zone in which its days begin."""
        return self.product.product.timezone

    @property
    def control(self) -> str:
        """The variant that the others are compared with."""
        return self.experiment.control

    @property
    def split(self) -> dict[Hashable, float]:
        """Variant to planned share."""
        return {name: share for name, share in self.experiment.variants.items()}  # noqa: C416 - the keys' type widens

    @property
    def matures_on(self) -> dt.date:
        """Last day on which the window of anybody exposed is still open."""
        return self.experiment.end + parse_window(self.experiment.conversion_window)

    @property
    def state(self) -> State:
        """Whether users still enter it, or wait for the end of their window, or it is over."""
        if self.as_of < self.experiment.end:
            return "running"
        return "finished" if self.as_of >= self.matures_on else "maturing"

    @property
    def finished(self) -> bool:
        """Whether everybody has had the whole window."""
        return self.state == "finished"

    @cached_property
    def declared(self) -> DeclaredMetrics:
        """What its metrics mean."""
        return declared_metrics(self.experiment, self.product, set(self.tables))

    @cached_property
    def assigned(self) -> Assigned:
        """Who was exposed to what.

        Raises:
            AnalysisError: There is no table of exposures, a variant is not planned, or no table
                has a segment's column.
        """
        if "exposures" not in self.tables:
            raise AnalysisError(
                f"The test '{self.key}' has no exposures.\n"
                "Map the table exposures under source: tables."
            )
        exposures = self.tables["exposures"]
        known = naive_utc(exposures.exposure_time) < closing_time(self.as_of, self.timezone)
        found = assign_units(
            exposures.filter(known),
            experiment=self.key,
            start=self.experiment.start,
            end=self.experiment.end,
            crossovers=self.experiment.crossovers,
            timezone=self.timezone,
        )
        self._check_variants(found)
        for column in self.experiment.segments:
            if column not in found.units.columns:
                self._table_of(column)
        return found

    @cached_property
    def segmented(self) -> ir.Table:
        """The users who entered, with the segments as they stood then."""
        units = self.assigned.units
        missing = [name for name in self.experiment.segments if name not in units.columns]
        for column in missing:
            name = self._table_of(column)
            units = dimensions_at_exposure(
                units, self.tables[name], columns=[column], time=_TIMES[name]
            )
        return keep(units) if missing else units

    def _check_variants(self, found: Assigned) -> None:
        planned = list(self.experiment.variants)
        for row in found.crossovers.to_dict("records"):
            if row["variant"] not in planned:
                hint = hint_names(str(row["variant"]), planned, label="Planned")
                raise AnalysisError(
                    f"{row['users']:,} users saw the variant '{row['variant']}', which "
                    f"experiments.{self.key}.variants does not plan.\n{hint}"
                )

    def _table_of(self, column: str) -> str:
        for name in ("events", "orders", "subscriptions"):
            if name in self.tables and column in self.tables[name].columns:
                return name
        columns = {
            one for name in _TIMES if name in self.tables for one in self.tables[name].columns
        }
        raise unknown_name("column", column, f"experiments.{self.key}.segments", columns)

    @property
    def users(self) -> int:
        """Users who entered, those in several variants included."""
        return int(self.assigned.counts["users"])

    @property
    def days_elapsed(self) -> int:
        """Days of the test that lie in the data."""
        last = min(self.as_of, self.experiment.end)
        return (last - self.experiment.start).days + 1

    @property
    def daily_users(self) -> float:
        """Users who entered per day so far."""
        return self.users / self.days_elapsed

    @property
    def users_per_month(self) -> float:
        """Users whom a change for all would meet in a month."""
        impact = self.experiment.impact
        if impact is not None and impact.users_per_month is not None:
            return impact.users_per_month
        return self.daily_users * _MONTH_DAYS

    @cached_property
    def maturity(self) -> pd.DataFrame:
        """Per variant, how many have had their whole window; see ``shaping.maturity``."""
        window = self.experiment.conversion_window
        return maturity(
            self.assigned.units, window=window, as_of=self.as_of, timezone=self.timezone
        )

    @cached_property
    def units(self) -> ir.Table:
        """One row per user whose window has ended, with a number per measure.

        Raises:
            AnalysisError: A column that is to be summed is missing, or is text.
        """
        for name, measure in self.declared.measures.items():
            self._check_numbers(name, measure)
        made = unit_table(
            self.assigned.units,
            self.tables,
            measures=self.declared.measures,
            window=self.experiment.conversion_window,
            as_of=self.as_of,
            before=self.experiment.history,
            timezone=self.timezone,
        )
        return keep(made)

    @cached_property
    def segmented_units(self) -> ir.Table:
        """The same with the segments as they stood at exposure."""
        columns = [name for name in self.experiment.segments if name not in self.units.columns]
        if not columns:
            return self.units
        segments = self.segmented.select("user_id", *columns)
        return self.units.left_join(segments, "user_id").select(*self.units.columns, *columns)

    def _check_numbers(self, name: str, measure: Measure) -> None:
        table, column = self.tables.get(measure.table), measure.column
        if table is None or column is None:
            return
        check_columns(table, [column], f"{measure.table}, which the metric '{name}' sums")
        if not table[column].type().is_numeric():
            raise AnalysisError(
                f"The metric '{name}' of the test '{self.key}' sums {measure.table}.{column}, "
                f"which holds {table[column].type()}.\n"
                f"Cast it under source: tables: {measure.table}: sql, or name a column of numbers."
            )
