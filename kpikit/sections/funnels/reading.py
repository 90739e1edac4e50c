"""A declared funnel of one report: the frames that its sections show, each computed once."""

import datetime as dt
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from kpikit.analysis.funnels import (
    FunnelStudy,
    Step,
    declared_funnel,
    funnel_change_table,
    funnel_loss_table,
    funnel_segment_table,
    funnel_table,
    study_funnel,
)
from kpikit.analysis.funnels.steps import as_step
from kpikit.analysis.incidents import LEAST_BEFORE, incident_table
from kpikit.analysis.scorecard import comparison_periods
from kpikit.analysis.signals import signal_table
from kpikit.intervals import wilson_interval
from kpikit.params.model import Funnel
from kpikit.periods import Calendar, Grain, Period, parse_window
from kpikit.present.frames import records
from kpikit.present.sentences_funnel import ALPHA
from kpikit.sections.context import Context

SEGMENT_N = 30  # a step rate of fewer users is withheld
_TREND_PERIODS: dict[Grain, int] = {"week": 26, "month": 24}
_MOST_SEGMENTS = 8
_DAYS = 182  # looked through for incidents
_BINS = ("1m", "5m", "15m", "1h", "4h", "12h", "1d", "2d", "4d", "7d", "14d", "30d", "60d", "90d")
_WIDTHS = (
    "1s", "5s", "15s", "30s", "1m", "2m", "5m", "10m", "15m", "30m", "1h", "2h", "3h", "6h", "12h",
    "1d", "2d", "5d", "10d", "30d",
)  # fmt: skip
_MOST_BINS = 8
_WIDE = 24  # times that spread by more than this factor have bins that widen


@dataclass(frozen=True)
class Incident:
    """A stretch of days in which a step's rate was lower.

    Attributes:
        step: Number of the step.
        found: The row of ``incident_table``.
    """

    step: int
    found: dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """A declared funnel with the data and the period of a report.

    Attributes:
        context: The report's.
        key: Name of the funnel in the product's file.
        funnel: As declared.
        daily: Whether trends and incidents are shown too, and not the periods compared alone.
    """

    context: Context
    key: str
    funnel: Funnel
    daily: bool = True

    @property
    def label(self) -> str:
        """How the funnel is called on the page."""
        return self.key.replace("_", " ")

    @cached_property
    def events(self) -> Any:
        """The product's events, an Ibis table."""
        return self.context.dataset.tables["events"]

    @cached_property
    def mature_day(self) -> dt.date:
        """The last day whose entries have all had a full window."""
        window = math.ceil(parse_window(self.funnel.window) / dt.timedelta(days=1))
        return self.context.dataset.as_of - dt.timedelta(days=window)

    @cached_property
    def periods(self) -> dict[str, Period]:
        """``actual``, ``previous`` and ``year_before``, cut to as many days as are mature."""
        context = self.context
        last = min(self.mature_day, context.period.last_day)
        bases = comparison_periods(context.period, calendar=context.calendar, as_of=last)
        days = max(0, (last - context.period.start).days + 1)
        end = context.period.start + dt.timedelta(days=days)
        return {**bases, "actual": replace(context.period, end=end)}

    @property
    def is_cut(self) -> bool:
        """Whether some days of the report's period are not mature."""
        return self.periods["actual"].end < self.context.period.end

    def table(self, which: str = "actual", **keywords: Any) -> pd.DataFrame:
        """Return ``funnel_table`` of one of the periods alone, for a question of one's own."""
        period = self.periods[which]
        asked = {
            **declared_funnel(self.funnel),
            "timezone": self.context.calendar.timezone,
            **keywords,
        }
        return funnel_table(
            self.events, **asked, start=period.start, end=period.end,
            as_of=self.context.dataset.as_of,
        )  # fmt: skip

    @cached_property
    def study(self) -> FunnelStudy:
        """The entries from which every figure is made, of all days that any section shows."""
        covered = {
            which: period
            for which, period in self.periods.items()
            if which == "actual" or self.context.dataset.first_day <= period.start
        }
        first, after = self._days_shown([*covered.values()])
        funnel: dict[str, Any] = {**declared_funnel(self.funnel)}
        return study_funnel(
            self.events, **funnel, spans=covered, calendar=self.context.calendar,
            properties=self.dimensions, as_of=self.context.dataset.as_of, daily=self.daily,
            start=first, end=after,
        )  # fmt: skip

    def _days_shown(self, periods: list[Period]) -> tuple[dt.date, dt.date]:
        """Return the days from which any section shows something."""
        firsts, end = [period.start for period in periods], self.periods["actual"].end
        if not self.daily:
            return min(firsts), end
        first, after = self._span
        shown = [self._shown(grain)[0] for grain in _TREND_PERIODS]
        return min([first, *shown, *firsts]), max(after, end)

    @cached_property
    def now(self) -> pd.DataFrame:
        """The funnel of the report's period."""
        return self.study.tables["actual"]

    @cached_property
    def is_empty(self) -> bool:
        """Whether nobody entered in the period, or nobody has had a full window."""
        return bool(self.periods["actual"].days == 0 or self.now["users"].iloc[0] == 0)

    def before(self, which: str) -> pd.DataFrame | None:
        """Return the funnel of a period compared with; None where the data do not cover it."""
        return self.study.tables.get(which)

    def change(self, which: str) -> pd.DataFrame | None:
        """Return how the step rates changed since a period; None where that is not covered."""
        before = self.before(which)
        return None if before is None else funnel_change_table(before, self.now)

    @cached_property
    def overall(self) -> pd.DataFrame:
        """The last step as a share of the first, in one row, with its interval."""
        return _overall(self.now).tail(1)

    def overall_change(self, which: str) -> pd.DataFrame | None:
        """Return how the conversion changed since a period; None where that is not covered."""
        before = self.before(which)
        if before is None:
            return None
        return funnel_change_table(_overall(before), _overall(self.now))

    @cached_property
    def losses(self) -> pd.DataFrame:
        """What each step loses in the period."""
        return funnel_loss_table(self.now, value_per_conversion=self.funnel.value_per_conversion)

    @cached_property
    def steps(self) -> list[Step]:
        """The steps, as the engine knows them."""
        return [as_step(step) for step in declared_funnel(self.funnel)["steps"]]

    @cached_property
    def needed(self) -> list[int]:
        """Numbers of the steps from the second on that an entry cannot go on without."""
        numbers = range(2, len(self.steps) + 1)
        return [number for number in numbers if not self.steps[number - 1].optional]

    @cached_property
    def worst(self) -> int:
        """The needed step with the lowest rate: the one at which most conversions are lost."""
        rows = self.now[self.now["step"].isin(self.needed)].dropna(subset="step_rate")
        return int(rows.sort_values(["step_rate", "step"])["step"].iloc[0])

    def name_of(self, step: int) -> str:
        """Return the name of a step, as the funnel's table has it."""
        return str(self.now.loc[self.now["step"] == step, "name"].iloc[0])

    def step_before(self, step: int) -> int:
        """Return the needed step before a step."""
        return max([1, *(number for number in self.needed if number < step)])

    @cached_property
    def dimensions(self) -> list[str]:
        """The declared columns of the events whose values are compared."""
        columns = self.funnel.segments or self.context.params.segments
        return [name for name in columns if name in self.events.columns]

    def segments(self, dimension: str) -> pd.DataFrame:
        """Return how the step rates of the values of a dimension differ."""
        if dimension not in self._segments:
            self._segments[dimension] = self._compared(dimension)
        return self._segments[dimension]

    @cached_property
    def _segments(self) -> dict[str, pd.DataFrame]:
        return {}

    def _compared(self, column: str) -> pd.DataFrame:
        attribution = self.funnel.attribution
        if attribution == "every_step":  # where a user may be in several, they are not compared
            attribution = "first_touch"
        table = self.study.segment_table(
            "actual", column, attribution=attribution, top=_MOST_SEGMENTS
        )
        return funnel_segment_table(table).rename(columns={column: "segment"})

    @cached_property
    def trends(self) -> dict[Grain, pd.DataFrame]:
        """The conversion by week and by month, with limits of routine variation, for a chart.

        One row per period: ``period``, ``grain``, ``start``, ``end``, ``value`` (share of those who
        entered that converted), ``n``, ``complete``, ``previous`` (missing), and where known
        ``lower``, ``upper``, ``signal``, ``rule``, ``side``.
        """
        return {grain: self._trend(grain) for grain in _TREND_PERIODS}

    def _trend(self, grain: Grain) -> pd.DataFrame:
        first, after = self._shown(grain)
        table = self.study.trend_table(grain, start=first, end=after)
        rows = table[table["step"] == len(self.steps)]
        firsts = table.loc[table["step"] == 1, "users"].to_numpy()
        rows = rows.assign(value=rows["overall_rate"], n=firsts)
        return _with_signals(_chart_rows(rows, grain, self.context.calendar))

    def _shown(self, grain: Grain) -> tuple[dt.date, dt.date]:
        """Return the days of the periods that the trend shows."""
        calendar, context = self.context.calendar, self.context
        last = calendar.last_complete(min(context.as_of, self.mature_day), grain)
        back = 1 - _TREND_PERIODS[grain]
        return max(calendar.shift(last, back).start, context.dataset.first_day), last.end

    def step_weeks(self, step: int) -> pd.DataFrame:
        """Return the rate of one step by week of the step before, for a chart."""
        first, after = self._span
        calendar = self.context.calendar
        start = calendar.period_of(first + dt.timedelta(days=6), "week").start  # of a whole week
        end = calendar.last_complete(after - dt.timedelta(days=1), "week").end
        table = self.study.step_trend_table(step, "week", start=start, end=max(start, end))
        rows = table[table["step"] == self._last_of_pair(step)]
        rows = rows.assign(value=rows["step_rate"], n=rows["previous_users"])
        return _chart_rows(rows, "week", calendar)

    @cached_property
    def incidents(self) -> list[Incident]:
        """Stretches of days in which the rate of a step was lower, the surest first."""
        found = [
            Incident(step, row)
            for step in self.needed
            for row in records(incident_table(self._step_days(step)))
            if row["end"].date() >= self.context.period.start
        ]
        return sorted(found, key=lambda each: (each.found["p_value"], each.found["difference"]))

    def _step_days(self, step: int) -> pd.DataFrame:
        first, after = self._span
        table = self.study.step_trend_table(step, "day", start=first, end=after)
        days = table[(table["step"] == self._last_of_pair(step)) & table["complete"]]
        return days.rename(columns={"users": "successes", "previous_users": "trials"})

    @property
    def _span(self) -> tuple[dt.date, dt.date]:
        """The days that are looked through for incidents."""
        end = min(self.context.as_of, self.mature_day) + dt.timedelta(days=1)
        wanted = min(end - dt.timedelta(days=_DAYS), self.periods["actual"].start
                     - dt.timedelta(days=2 * LEAST_BEFORE))  # fmt: skip
        return max(wanted, self.context.dataset.first_day), end

    def _last_of_pair(self, step: int) -> int:
        return step if self.funnel.order == "unordered" else 2

    @cached_property
    def times(self) -> pd.DataFrame:
        """How many took how long from the first step to the last."""
        return self.study.times("actual", bins=_bins(self.quantiles))

    @cached_property
    def quantiles(self) -> pd.DataFrame:
        """Within which time which share of those who convert has done so."""
        shares = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
        return self.study.quantiles("actual", quantiles=shares)

    def paths(self, direction: Literal["after", "before"]) -> pd.DataFrame:
        """Return what users did next to the step before the worst one."""
        step = self.step_before(self.worst)
        return self.study.paths("actual", step=step, direction=direction, most=6)

    @cached_property
    def associations(self) -> pd.DataFrame:
        """Properties and events that go with conversion by more than chance, the surest first."""
        found = self.study.associations("actual")
        return found[found["p_adjusted"] < ALPHA]


def readings_of(context: Context, *, daily: bool = True) -> tuple[Reading, ...]:
    """Return the declared funnels of a report's product; ``daily`` as in ``Reading``."""
    declared = context.params.funnels
    return tuple(Reading(context, key, funnel, daily) for key, funnel in declared.items())


def _bins(quantiles: pd.DataFrame) -> list[dt.timedelta]:
    """Return where the bins of a histogram part, so that most times lie in the inner ones."""
    if quantiles.empty:
        return [dt.timedelta(hours=1)]
    low, high = quantiles["seconds"].iloc[0], quantiles["seconds"].iloc[-1]
    if high > _WIDE * max(low, 1.0):
        edges = [parse_window(text) for text in _BINS]
        first = max([0, *(i for i, edge in enumerate(edges) if edge.total_seconds() <= low)])
        inner = [edge for edge in edges[first:] if edge.total_seconds() <= high]
        return inner or edges[:1]
    widths = [parse_window(text) for text in _WIDTHS]
    enough = (high - low) / (_MOST_BINS - 2)
    width = next((each for each in widths if each.total_seconds() >= enough), widths[-1])
    start = max(1, math.floor(low / width.total_seconds()))
    count = math.ceil(high / width.total_seconds()) - start
    return [width * (start + index) for index in range(max(0, count) + 1)]


def _overall(table: pd.DataFrame) -> pd.DataFrame:
    """Return the first and the last step of a funnel, as if there were none between them."""
    ends = table.iloc[[0, -1]].copy()
    ends["previous_users"] = int(table["users"].iloc[0])
    ends["step_rate"] = ends["overall_rate"]
    ends["ci_low"], ends["ci_high"] = wilson_interval(ends["users"], ends["previous_users"])
    return ends


def _chart_rows(table: pd.DataFrame, grain: Grain, calendar: Calendar) -> pd.DataFrame:
    """Return the rows of one step as a chart takes them, without periods that are not mature."""
    rows = table[table["complete"]]
    periods = [calendar.period_of(start.date(), grain) for start in rows["period"]]
    return pd.DataFrame({
        "period": [period.label for period in periods],
        "grain": grain,
        "start": [period.start for period in periods],
        "end": [period.end for period in periods],
        "value": rows["value"].to_numpy(),
        "n": rows["n"].to_numpy(),
        "complete": True,
        "previous": math.nan,
    })  # fmt: skip


def _with_signals(rows: pd.DataFrame) -> pd.DataFrame:
    if rows["value"].notna().sum() < 2:
        return rows.assign(lower=math.nan, upper=math.nan, signal=False, rule="", side="")
    known = rows.loc[rows["value"].first_valid_index() :]
    signals = signal_table(known.set_index("period")["value"], season_length=1)
    columns = signals.set_index("period")[["lower", "upper", "signal", "rule", "side"]]
    joined = known.join(columns, on="period").assign(signal=lambda frame: frame["signal"].eq(True))
    # a share has no limits beyond its own
    return joined.assign(lower=joined["lower"].clip(0, 1), upper=joined["upper"].clip(0, 1))
