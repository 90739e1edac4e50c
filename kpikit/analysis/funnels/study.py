"""A funnel of one report: its entries are found once, and every figure is made from them.

The public functions ask the events anew each time. Here the entries of the whole span are found by
local day, and kept. The entry that speaks for a unit in a span of days is the best of its days, so
periods, weeks and months are small questions to that one relation.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Unpack

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpikit.analysis.funnels.associations import LEAST_USERS, association_table
from kpikit.analysis.funnels.definition import FunnelKeywords, define
from kpikit.analysis.funnels.events import Rows, group_names, prepare
from kpikit.analysis.funnels.groups import largest_groups, valued_entries, with_rest
from kpikit.analysis.funnels.outliving import outliving_suffices
from kpikit.analysis.funnels.paths import Direction, neighbours, path_rows
from kpikit.analysis.funnels.reported import (
    best_entries,
    candidate_entries,
    deepest_entries,
    reported_entries,
)
from kpikit.analysis.funnels.tables import (
    depth_totals,
    level_totals,
    sized_rows,
    step_rows,
    step_totals,
)
from kpikit.analysis.funnels.times import Edges, time_histogram, time_quantiles
from kpikit.analysis.funnels.trends import trend_rows
from kpikit.catalogue.keeping import keep
from kpikit.engine import fetch, instant, local_date, period_start, utc_bounds
from kpikit.periods import Calendar, Grain, Period


def study_funnel(
    events: "ir.Table | pd.DataFrame",
    *,
    spans: Mapping[str, Period],
    calendar: Calendar,
    properties: Sequence[str] = (),
    daily: bool = True,
    **funnel: Unpack[FunnelKeywords],
) -> "FunnelStudy":
    """Return a funnel of which many figures are wanted.

    Args:
        events: As for ``funnel_table``.
        spans: Periods that are compared, by name; they have no day in common.
        calendar: How time is cut; its zone is the funnel's.
        properties: Columns of ``events`` of which segments or associations are wanted.
        daily: Whether trends are wanted: entries are then found by day, once for all figures, and
            else for the spans alone.
        **funnel: The funnel, as for ``funnel_table``, without ``by``. Every span and every period
            asked for lies between its ``start`` and ``end``.

    Raises:
        AnalysisError: As for ``funnel_table``.
        PeriodError: As for ``funnel_table``.
    """
    funnel["timezone"] = calendar.timezone
    definition = replace(define("study_funnel", **funnel), mature_only=False)
    rows = prepare(events, definition, carry=properties)
    return FunnelStudy(rows, calendar, dict(spans), daily)


@dataclass(frozen=True)
class FunnelStudy:
    """See ``study_funnel``; each method returns what the public function of its kind returns.

    Attributes:
        rows: The rows of the funnel in the whole span.
        calendar: How time is cut.
        spans: Periods that are compared, by name.
        daily: Whether the entries of the spans are taken from those by day.
    """

    rows: Rows
    calendar: Calendar
    spans: Mapping[str, Period]
    daily: bool = True

    @cached_property
    def entries(self) -> ir.Table:
        """All entries that may speak for their unit, by ``day`` and ``is_mature``."""
        return _by_day(self.rows)

    @cached_property
    def reported(self) -> ir.Table:
        """The reported entry of every unit in each of the spans, numbered by ``period`` from 0."""
        if not self.daily:
            return keep(reported_entries(self.rows.in_spans(self._bounds)))
        entries = self.entries.filter(self.entries.is_mature)
        branches = [
            ((entries.day >= span.start) & (entries.day < span.end), ibis.literal(number, "int8"))
            for number, span in enumerate(self.spans.values())
        ]
        entries = entries.mutate(period=ibis.cases(*branches)).drop("day", "is_mature")
        entries = entries.drop_null("period")
        entries = deepest_entries(entries, self.rows, ["period"])
        return keep(best_entries(entries, self.rows, ["period"]))

    @property
    def _bounds(self) -> list[tuple[dt.datetime, dt.datetime]]:
        """The instants at which each of the spans begins and ends."""
        zone = self.calendar.timezone
        return [utc_bounds(span.start, span.end, zone) for span in self.spans.values()]

    def reported_in(self, span: str) -> ir.Table:
        """Return the reported entries of one of the spans."""
        number = list(self.spans).index(span)
        return self.reported.filter(self.reported.period == number).drop("period")

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """``funnel_table`` of each of the spans."""
        by_span = self._totals.copy()
        users = [name for name in by_span.columns if name.startswith("users_")]
        by_span[users] = by_span[users].fillna(0)
        rows = step_rows(by_span.reset_index(drop=True), self.rows.funnel)
        steps = len(self.rows.funnel.steps)
        return {
            name: rows.iloc[place * steps : (place + 1) * steps].reset_index(drop=True)
            for place, name in enumerate(self.spans)
        }

    @cached_property
    def _totals(self) -> pd.DataFrame:
        """A row per span, empty where nobody entered."""
        asked = step_totals(self.reported, self.rows.funnel, whole=True)
        totals: pd.DataFrame = fetch(asked).to_pandas()
        by_span: pd.DataFrame = totals.set_index("period").reindex(range(len(self.spans)))
        return by_span.set_axis(list(self.spans))

    def median_seconds(self, span: str) -> float:
        """Return the time within which half of those who convert do so; missing without them."""
        return float(self._totals["median_whole"].astype(float)[span])

    def segment_table(
        self, span: str, column: str, *, attribution: str | int, top: int
    ) -> pd.DataFrame:
        """Return ``funnel_table`` of a span by one of the properties.

        ``attribution`` puts each unit in one segment: a touch, or the number of a step.
        """
        rows = self.rows.parted_by(column, attribution=attribution, top=top)
        valued, names = valued_entries(self.reported_in(span), rows), group_names(rows.funnel)
        totals = fetch(step_totals(with_rest(valued, names, None), rows.funnel)).to_pandas()
        if len(totals) > top:
            kept = largest_groups(totals, rows)
            totals = fetch(step_totals(with_rest(valued, names, kept), rows.funnel)).to_pandas()
        return sized_rows(totals, rows.funnel)

    def trend_table(self, grain: Grain, *, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Return ``funnel_trend_table`` between two days, without the times from step to step."""
        return self._trend(self.rows, self.entries, grain, start, end)

    def step_trend_table(
        self, number: int, grain: Grain, *, start: dt.date, end: dt.date
    ) -> pd.DataFrame:
        """Return the same of the needed step before a step, and that step, alone.

        It counts by the day of the step before, which dates a fault to the day; by the day of the
        entry it would be smeared over a window. An unordered funnel has no such pair, and is
        returned whole.
        """
        if self.rows.funnel.order == "unordered":
            return self.trend_table(grain, start=start, end=end)
        if number not in self._pairs:
            self._pairs[number] = self._pair(number)
        return self._trend(*self._pairs[number], grain, start, end)

    @cached_property
    def _pairs(self) -> dict[int, tuple[Rows, ir.Table]]:
        return {}

    def _pair(self, number: int) -> tuple[Rows, ir.Table]:
        """Return the rows and entries of a step and the one before."""
        rows = self.rows.pair(number)
        if number == self.rows.funnel.needed_after(1) and outliving_suffices(self.rows):
            # they begin with that very step, and stand there for each depth that they reached
            return rows, self.entries.filter(self.entries.depth <= 2)
        return rows, _by_day(rows)

    def _trend(
        self, rows: Rows, entries: ir.Table, grain: Grain, start: dt.date, end: dt.date
    ) -> pd.DataFrame:
        begins, ends = utc_bounds(start, end, self.calendar.timezone)
        funnel = replace(rows.funnel, start=begins, end=ends)
        inside = entries.filter(entries.day >= start, entries.day < end)
        period = period_start(inside.day, grain, self.calendar)
        if any(step.optional for step in funnel.steps):
            inside = inside.mutate(period=period).drop("day", "is_mature")
            reported = best_entries(inside, rows, ["period"])
            totals = step_totals(reported, funnel, times=False)
        elif grain == "day" and rows.keys == rows.units and outliving_suffices(rows):
            totals = level_totals(_once_a_day(inside, rows), rows)
        else:
            totals = depth_totals(inside.mutate(period=period), rows)
        return trend_rows(totals.to_pandas(), funnel, self.calendar, grain)

    def times(self, span: str, *, bins: int | Edges) -> pd.DataFrame:
        """Return ``time_to_convert_table`` of a span, from the first step to the last."""
        funnel = self.rows.funnel
        reported = self.reported_in(span)
        return time_histogram(reported, funnel, steps=(1, len(funnel.steps)), bins=bins)

    def quantiles(self, span: str, *, quantiles: Sequence[float]) -> pd.DataFrame:
        """Return ``time_to_convert_quantiles`` of a span, from the first step to the last."""
        funnel, reported = self.rows.funnel, self.reported_in(span)
        return time_quantiles(reported, funnel, steps=(1, len(funnel.steps)), quantiles=quantiles)

    def paths(self, span: str, *, step: int, direction: Direction, most: int) -> pd.DataFrame:
        """Return ``funnel_path_table`` of a span."""
        if (span, step) not in self._neighbours:
            self._neighbours[span, step] = neighbours(
                self.rows, self.reported_in(span), step=step, directions=("before", "after")
            )
        return path_rows(*self._neighbours[span, step], direction=direction, most=most)

    @cached_property
    def _neighbours(self) -> dict[tuple[str, int], tuple[ir.Table, ir.Table]]:
        return {}

    def associations(self, span: str, *, least_users: int = LEAST_USERS) -> pd.DataFrame:
        """Return ``funnel_association_table`` of a span, with all properties."""
        reported, columns = self.reported_in(span), list(self.rows.carried)
        return association_table(self.rows, reported, columns=columns, least_users=least_users)


def _once_a_day(entries: ir.Table, rows: Rows) -> ir.Table:
    """Return each ``depth`` that a unit reached once per ``period``, which is the day.

    So the entries are, but for the day on which some are mature and some are not.
    """
    each = entries.select(*rows.units, "depth", period="day")
    if rows.funnel.last_entry is None:
        return each
    is_cut = each.period == _day_of(instant(rows.funnel.last_entry), rows)
    return each.filter(~is_cut).union(each.filter(is_cut).distinct())


def _by_day(rows: Rows) -> ir.Table:
    """Return the entries that may be reported by the local ``day`` and whether they are mature."""
    last = rows.funnel.last_entry

    def is_mature(time: ir.TimestampValue) -> ir.BooleanValue:
        return ibis.literal(value=True) if last is None else time < instant(last)

    day = partial(_day_of, rows=rows)
    return keep(candidate_entries(rows, {"day": day, "is_mature": is_mature}))


def _day_of(time: ir.TimestampValue, rows: Rows) -> ir.DateValue:
    funnel = rows.funnel
    between = (funnel.start, funnel.end) if funnel.start and funnel.end else None
    return local_date(time, funnel.timezone, between=between)
