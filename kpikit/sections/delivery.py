"""Section 16: was what was planned delivered, and when will the rest be?"""

import hashlib

import numpy as np
import pandas as pd

from kpikit.analysis.milestones import Throughput, milestone_table
from kpikit.catalogue import Metric
from kpikit.formats import plural
from kpikit.periods import Calendar, Grain
from kpikit.present.charts import figure, plot_columns
from kpikit.present.charts_dots import plot_scatter
from kpikit.present.components import Figure, Row, Stack
from kpikit.present.delivery import milestones_table
from kpikit.present.frames import records, trend_frame
from kpikit.present.titles import alt_text, columns_title, middle_title, series_numbers
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import Context
from kpikit.sections.trends import pair_up

_WEEKS = 26  # of throughput, from which trials draw: half a year, as the team works now
_DAYS = 7
_GRAIN: Grain = "week"


def delivery_section(context: Context) -> Stack:
    """Return the milestones with forecasts and slips, the throughput behind them, cycle times."""
    milestones = context.params.milestones
    if not milestones:
        return nothing_to_show(
            "No milestone is declared. List some under milestones:, each with its planned day."
        )
    paced, cycles = (
        [
            context.catalogue[name]
            for name in dict.fromkeys(getattr(one, key) for one in milestones)
            if name
        ]
        for key in ("throughput", "cycle_time")
    )
    facts = _weekly(context, [*paced, *cycles])
    paces = {metric.name: _pace(facts, metric) for metric in paced}
    frame = milestone_table(
        milestones, paces, as_of=context.as_of, generator=np.random.default_rng(seed_of(context))
    )
    drawn = (
        "; P50, P85: done by then in half, in 85 % of 10,000 trials that draw weeks of the last "
    )
    drawn += plural(_WEEKS, "week")
    table = milestones_table(
        frame,
        subtitle="Slip: actual day, else P85, else declared forecast, less planned"
        + (drawn if frame["p85"].notna().any() else ""),
        notes=_notes(frame),
    )
    charts = [_chart(context, metric, facts) for metric in paced]
    charts += [_cycle_chart(metric, facts, context.calendar) for metric in cycles]
    shown = [chart for chart in charts if chart is not None]
    if len(shown) == 1:
        return Stack((Row((table, shown[0]), (1.4, 1.0)),))
    return Stack((table, *pair_up(shown)))


def seed_of(context: Context) -> int:
    """Return the seed of the trials: the same for the same product and day, on any machine."""
    text = f"{context.loaded.key} {context.as_of.isoformat()}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _weekly(context: Context, metrics: list[Metric]) -> pd.DataFrame:
    """Return the facts of throughput and cycle times in the last weeks."""
    last = context.calendar.last_complete(context.as_of, _GRAIN)
    weeks = [context.calendar.shift(last, -back) for back in reversed(range(_WEEKS))]
    return context.facts_of(metrics, weeks)


def _pace(facts: pd.DataFrame, metric: Metric) -> Throughput:
    """Return the items done per week from the first week with a value on."""
    values = facts.loc[facts["metric"] == metric.name, "value"]
    known = values.loc[values.first_valid_index() :] if values.notna().any() else values.head(0)
    return Throughput(items=known.tolist(), days=_DAYS)


def _notes(frame: pd.DataFrame) -> list[str]:
    """Return why an open milestone that asks for a forecast has none."""
    return [
        f"{row['milestone']}: {row['reason']}, so there is no P50 and P85."
        for row in records(frame)
        if row["reason"] and not (pd.isna(row["remaining"]) and row["forecast"])
    ]


def _chart(context: Context, metric: Metric, facts: pd.DataFrame) -> Figure | None:
    own = facts[facts["metric"] == metric.name]
    if not own["value"].notna().any():
        return None
    frame = trend_frame(own, calendar=context.calendar, last=_WEEKS)
    frame = frame.loc[frame["value"].first_valid_index() :]
    return figure(
        plot_columns(frame, unit=metric.unit, currency=context.currency, size="small"),
        title=columns_title(
            frame, label=metric.label, unit=metric.unit, currency=context.currency,
            additive=metric.additive,
        ),
        subtitle=f"{metric.label} by week, the last {plural(len(frame), 'week')}",
        alt=alt_text(
            "Columns by week", metric.label, metric.formula,
            series_numbers(frame, unit=metric.unit, currency=context.currency),
        ),
    )  # fmt: skip


def _cycle_chart(metric: Metric, facts: pd.DataFrame, calendar: Calendar) -> Figure | None:
    """Return how long items took, a dot a week around the week in the middle."""
    own = facts[facts["metric"] == metric.name]
    if not own["value"].notna().any():
        return None
    frame = trend_frame(own, calendar=calendar, last=_WEEKS)
    frame = frame.loc[frame["value"].first_valid_index() :]
    frame = frame.assign(middle=frame["value"].median())
    return figure(
        plot_scatter(frame, unit=metric.unit, level="middle", size="small"),
        title=middle_title(frame, label=metric.label, unit=metric.unit),
        subtitle=f"{metric.label} by week, the last {plural(len(frame), 'week')}; dashed: median",
        alt=alt_text(
            "Dots by week", metric.label, metric.formula,
            series_numbers(frame, unit=metric.unit),
        ),
    )  # fmt: skip
