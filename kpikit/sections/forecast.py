"""Section 5: where the quarter and the year will end, and how the last forecasts fared."""

import math
from typing import Any

import pandas as pd

from kpikit.catalogue import Metric
from kpikit.periods import Period
from kpikit.present.charts import figure, plot_forecast_columns, plot_forecast_fan
from kpikit.present.components import Component, Figure, Paragraph, Stack
from kpikit.present.frames import records
from kpikit.present.prospects import (
    LEAST_TRIALS,
    chances_title,
    outcomes_table,
    outcomes_title,
    prospect_title,
    prospects_table,
    stood_text,
)
from kpikit.present.titles import alt_text, row_numbers
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import Context
from kpikit.sections.evidence import course_to, open_aim, open_period
from kpikit.sections.prospects import (
    LEDGER_COLUMNS,
    outcome_table,
    prospect_table,
    published_scores,
    target_of,
)
from kpikit.sections.trends import pair_up

_MOST = 8
_MOST_CHARTS = 4
_WITHOUT_TARGETS = 2  # KPIs shown where no target is open
_SHOWN = {"quarter": 8, "month": 13}  # periods that came, in a chart
_DECIMALS = 6


def forecast_section(context: Context) -> Stack:
    """Return what the KPIs with an open target are foreseen to come to; else the additive ones.

    Its output bears the rows that the ledger keeps of the forecasts.
    """
    pairs = _wanted(context)
    if not pairs:
        return nothing_to_show(
            "No KPI has an open target, and none adds up over time. Declare some under targets:, "
            "such as {metric: ..., period: " + open_period(context).label + ", value: ...}."
        )
    frame = prospect_table(context, _with_years(context, pairs))
    silent = [
        metric.label
        for metric, period in pairs
        if not ((frame["metric"] == metric.name) & (frame["period"] == period.label)).any()
    ]
    if frame.empty:
        return nothing_to_show(_no_forecast(silent))
    items: list[Component] = [*pair_up(_charts(context, pairs))]
    items.append(prospects_table(frame, currency=context.currency, title=_title(frame)))
    if silent:
        items.append(Paragraph(_no_forecast(silent), small=True))
    items += _outcomes(context, {metric.name for metric, _ in pairs})
    return Stack(tuple(items), forecasts=tuple(ledger_rows(frame)))


def ledger_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame of forecasts as the ledger keeps them: rounded, None where unknown."""
    return [
        {
            name: None
            if isinstance(row[name], float) and not math.isfinite(row[name])
            else round(row[name], _DECIMALS)
            if isinstance(row[name], float)
            else row[name]
            for name in LEDGER_COLUMNS
        }
        for row in records(frame)
    ]


def _wanted(context: Context) -> list[tuple[Metric, Period]]:
    """Return the KPIs to foresee, each with the period of its next target."""
    aims = [(metric, open_aim(context, metric)) for metric in context.metrics]
    pairs = [(metric, aim.period) for metric, aim in aims if aim is not None]
    if pairs:
        return pairs[:_MOST]
    period = open_period(context)
    return [(metric, period) for metric in context.metrics if metric.additive][:_WITHOUT_TARGETS]


def _with_years(
    context: Context, pairs: list[tuple[Metric, Period]]
) -> list[tuple[Metric, Period]]:
    """Add the fiscal year of what adds up; other KPIs have a year only where a target has one."""
    found = []
    year = context.calendar.period_of(open_period(context).start, "year")
    for metric, period in pairs:
        found.append((metric, period))
        if period != year and (metric.additive or target_of(context, metric, year)):
            found.append((metric, year))
    return found


def _no_forecast(labels: list[str]) -> str:
    return (
        f"{stood_text(labels)} no forecast: fewer than two complete periods are known, too many "
        "have no value, or the target's period does not follow at once."
    )


def _title(frame: pd.DataFrame) -> str:
    if frame["target"].notna().any():
        return chances_title(frame)
    return "What is foreseen; no target is open"


def _charts(context: Context, pairs: list[tuple[Metric, Period]]) -> list[Figure]:
    charts = (_chart(context, metric, period) for metric, period in pairs)
    return [chart for chart in charts if chart is not None][:_MOST_CHARTS]


def _chart(context: Context, metric: Metric, period: Period) -> Figure | None:
    """Return columns of totals for what adds up, a fan for all else; nothing for a year."""
    frame = prospect_table(context, [(metric, period)])
    if frame.empty or period.grain not in _SHOWN:
        return None
    is_total = metric.additive
    shown = _totals(context, metric, period, frame) if is_total else _fan(context, metric, period)
    plot = plot_forecast_columns if is_total else plot_forecast_fan
    grain = period.grain if is_total else frame["part"].iloc[0]
    axes = plot(
        shown,
        unit=metric.unit,
        currency=context.currency,
        target=_steps(context, metric, period, by_part=grain != period.grain),
        size="small",
    )
    money = f", {context.currency}" if metric.unit == "money" else ""
    marks = "hatched: forecast; lines" if is_total else "dashed: forecast; bands"
    levels = "80 and 95 %" if is_total else "50, 80 and 95 %"
    numbers = row_numbers(
        shown.assign(
            known=shown["value"].fillna(shown["mean"]),
            when=shown["period"].where(shown["value"].notna(), shown["period"] + " (foreseen)"),
        ),
        name="when", value="known", unit=metric.unit, currency=context.currency, most=len(shown),
    )  # fmt: skip
    return figure(
        axes,
        title=prospect_title(records(frame)[0], currency=context.currency),
        subtitle=f"{metric.label}{money}, by {grain}; {marks}: {levels}",
        alt=alt_text(f"Forecast by {grain}", metric.label, metric.formula, numbers),
    )


def _came(context: Context, metric: Metric, period: Period, grain: Any) -> pd.DataFrame:
    """Return the last complete periods before a day, from the first with a value on."""
    rows = context.series(metric.name, grain)
    whole = rows[rows["complete"] & (rows["end"] <= period.start)].tail(_SHOWN[grain])
    first = whole["value"].first_valid_index()
    return whole.loc[first:, ["period", "start", "end", "value"]]


def _totals(context: Context, metric: Metric, period: Period, frame: pd.DataFrame) -> pd.DataFrame:
    came = _came(context, metric, period, period.grain)
    return pd.concat([came, frame], ignore_index=True).assign(
        value=lambda both: both["value"].astype(float)
    )


def _fan(context: Context, metric: Metric, period: Period) -> pd.DataFrame:
    course = course_to(context, metric, period)
    if course is None:  # pragma: no cover - asked only where there is a forecast
        return pd.DataFrame()
    ahead = course.steps()
    first = context.calendar.parse(str(ahead["period"].iloc[0]))
    came = _came(context, metric, first, course.parts[0].grain)
    return pd.concat([came, ahead], ignore_index=True)


def _steps(
    context: Context, metric: Metric, period: Period, *, by_part: bool
) -> pd.DataFrame | None:
    """Return the targets that a value of the chart may be held against, as steps."""
    if by_part and not metric.any_length:
        return None
    found = [
        (context.calendar.parse(target.period), target.value)
        for target in context.params.targets
        if target.metric == metric.name
    ]
    steps = [
        {"start": span.start, "end": span.end, "value": value}
        for span, value in found
        if span.grain == period.grain
    ]
    return pd.DataFrame(steps) if steps else None


def _outcomes(context: Context, foreseen: set[str]) -> list[Component]:
    """Return how the forecasts of the last finished period fared, and those of a year that ended.

    Args:
        context: The report's.
        foreseen: KPIs that the section foresees now; those that earlier reviews foresaw join them.
    """
    period = context.calendar.shift(open_period(context), -1)
    scores = published_scores(context)
    known = foreseen | set(scores["metric"])
    metrics = [metric for metric in context.metrics if metric.name in known]
    before = context.calendar.previous(period)
    frame = outcome_table(context, metrics, period, known=before.last_day)
    year = context.calendar.period_of(period.start, "year")
    if year.end == period.end and year != period:
        told = set(scores.loc[scores["period"] == year.label, "metric"])
        whole = [metric for metric in context.metrics if metric.name in told]
        years = outcome_table(context, whole, year, known=before.last_day)
        frame = pd.concat([part for part in (frame, years) if len(part)] or [frame])
    if frame.empty:
        return [Paragraph(f"No forecast of {period.label} can be made from what came before.")]
    return [
        outcomes_table(
            frame.reset_index(drop=True),
            currency=context.currency,
            title=outcomes_title(frame.reset_index(drop=True)),
            subtitle=_origin(context, frame, period),
        )
    ]


def _origin(context: Context, frame: pd.DataFrame, period: Period) -> str:
    """Return where the forecasts of periods that are over are from."""
    reviews = sorted({name for name in frame["reported_in"] if name})
    made = f"made anew from the data to the end of {context.calendar.previous(period).label}"
    published = f"as published in the review of {' and '.join(reviews)}"
    is_both = reviews and (frame["reported_in"] == "").any()
    told = f"{published}, else {made}" if is_both else published if reviews else made
    labels = " and ".join(dict.fromkeys(frame["period"]))
    text = f"Forecast of {labels}, {told}"
    if (frame["trials"] >= LEAST_TRIALS).any():
        text += "; trials: such forecasts from each earlier point"
    if frame["skill"].isna().all():
        return text
    return f"{text}; skill, of those published: 1 less the mean miss over that of last year's value"
