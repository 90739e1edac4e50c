"""Section 4: how each KPI got here, by month and by week."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.analysis.signals import Chart
from kpikit.catalogue import Metric
from kpikit.params.model import Annotation
from kpikit.present.charts import figure, plot_trend
from kpikit.present.components import Component, Figure, Row, Stack
from kpikit.present.frames import records, trend_frame
from kpikit.present.theme import Size
from kpikit.present.titles import alt_text, series_numbers, trend_title
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import MONTHS, WEEKS, Context
from kpikit.sections.evidence import bounds_of, signals

_MOST = 6  # the review fits twelve pages then
_FEW = 4  # charts that fill a page at the greater size


def trends_section(context: Context) -> Stack:
    """Return a chart per KPI of the scorecard, two beside each other, at most six.

    Where there are more KPIs, those go first of which there is most to tell: a signal, a target,
    an event of their own.
    """
    known = [metric for metric in context.metrics if _has_history(context, metric)]
    told = _told(context)
    chosen = sorted(known, key=lambda metric: -told[metric.name])[:_MOST]
    metrics = [metric for metric in known if metric in chosen]
    if not metrics:
        return nothing_to_show("No KPI has a value in two months, so there is no trend to draw.")
    size: Size = "full" if len(metrics) == 1 else "half" if len(metrics) <= _FEW else "small"
    charts = [_trend(context, metric, size) for metric in metrics]
    return Stack(tuple(pair_up(charts)))


def _told(context: Context) -> Counter[str]:
    """Return how much there is to tell of each KPI: a signal, a target, an event that is its."""
    card = context.scorecard
    signalled = set(card.loc[card["variation"].isin(["concern", "improvement"]), "metric"])
    marked = {name for mark in context.params.annotations for name in mark.metrics}
    aimed = {target.metric for target in context.params.targets}
    return Counter([*signalled, *marked, *aimed])


def pair_up(figures: Sequence[Figure]) -> list[Component]:
    """Return figures two by two; a last one without a partner stays on its own."""
    pairs = [tuple(figures[start : start + 2]) for start in range(0, len(figures), 2)]
    return [Row(pair, (1.0, 1.0)) if len(pair) == 2 else pair[0] for pair in pairs]


def _has_history(context: Context, metric: Metric) -> bool:
    return bool(context.series(metric.name, "month")["value"].notna().sum() > 1)


def _trend(context: Context, metric: Metric, size: Size) -> Figure:
    monthly = _frame(context, metric, last=MONTHS)
    weekly = _weeks(context, metric)
    axes = plot_trend(
        monthly,
        weekly,
        unit=metric.unit,
        currency=context.currency,
        target=_monthly_targets(context, metric),
        annotations=_annotations(context, metric),
        size=size,
    )
    return figure(
        axes,
        title=trend_title(monthly, label=metric.label, unit=metric.unit, currency=context.currency),
        subtitle=f"{metric.label}{_unit_text(context, metric)} {_legend(metric, monthly, weekly)}",
        alt=alt_text(
            "Lines by month", metric.label, metric.formula,
            series_numbers(monthly, unit=metric.unit, currency=context.currency),
        ),
    )  # fmt: skip


def _frame(context: Context, metric: Metric, *, last: int) -> pd.DataFrame:
    """Return the last months, from the first with a value on."""
    series = context.series(metric.name, "month")
    shown = trend_frame(series, calendar=context.calendar, last=last, since=metric.since)
    shown = shown.iloc[shown["value"].notna().to_numpy().argmax() :]
    routine = signals(context, metric)
    if not routine:
        return shown
    low, high = bounds_of(metric, routine["value"])
    if not np.nanmin(routine["value"]) < 0:
        low = max(low, 0.0)  # a band below zero would be of what never was
    places = {label: place for place, label in enumerate(routine["period"].tolist())}
    place = np.array([places.get(label, -1) for label in shown["period"].tolist()], dtype=int)
    lower, upper = (
        np.where(place < 0, math.nan, routine[name].clip(low, high)[place])
        for name in ("lower", "upper")
    )
    return shown.assign(lower=lower, upper=upper, signal=(place >= 0) & _rings(routine)[place])


def _rings(routine: Chart) -> npt.NDArray[np.bool_]:
    """Tell which points bear a ring: signals, of a run on one side the first that it makes one."""
    signal, rule, side = (routine[name] for name in ("signal", "rule", "side"))
    run = rule == "one_side"
    goes_on = run[1:] & run[:-1] & (side[1:] == side[:-1])
    return np.asarray(signal & ~np.append(False, goes_on))


def _weeks(context: Context, metric: Metric) -> pd.DataFrame | None:
    """Return the last weeks of a metric that a week can tell something of, if any has a value."""
    if not metric.additive and metric.denominator is None:
        return None
    series = context.series(metric.name, "week")
    weeks = trend_frame(series, calendar=context.calendar, last=WEEKS, since=metric.since)
    return weeks if weeks["value"].notna().any() else None


def _legend(metric: Metric, monthly: pd.DataFrame, weekly: pd.DataFrame | None) -> str:
    """Return what the panels and their lines are, as far as they are drawn."""
    panels = "by month" if weekly is None else f"by week (left, {len(weekly)} weeks) and by month"
    months = records(monthly)
    rows = months if weekly is None else [*months, *records(weekly)]
    parts = [panels]
    if any(not math.isnan(row["previous"]) for row in rows):
        parts.append("light: year before")
    if any(not (math.isnan(row["value"]) or row["complete"]) for row in rows):
        parts.append("open dot: not complete")
    if any(not math.isnan(row.get("lower", math.nan)) for row in months):
        parts.append("band: routine variation")
    if any(row.get("signal") for row in months):
        parts.append("ring: signal")
    if any(math.isnan(row["value"]) and 1 <= row["n"] < metric.least_n for row in months):
        parts.append(f"fewer than {metric.least_n} {metric.n_of} withheld")
    return "; ".join(parts)


def _unit_text(context: Context, metric: Metric) -> str:
    return f", {context.currency}" if metric.unit == "money" else ""


def _monthly_targets(context: Context, metric: Metric) -> pd.DataFrame | None:
    """Return a KPI's targets as steps in the unit of a month.

    A quarter's target is drawn only where a month's value may be held against it: neither what
    adds up nor a rate that grows with the length of its period, such as churn.
    """
    steps = []
    for target in context.params.targets:
        period = context.calendar.parse(target.period)
        if target.metric == metric.name and (period.grain == "month" or metric.any_length):
            steps.append({"start": period.start, "end": period.end, "value": target.value})
    return pd.DataFrame(steps) if steps else None


def _annotations(context: Context, metric: Metric) -> list[Annotation]:
    return [
        mark
        for mark in context.params.annotations
        if (not mark.metrics or metric.name in mark.metrics) and mark.date <= context.as_of
    ]
