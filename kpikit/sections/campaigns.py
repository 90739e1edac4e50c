"""Section 14: when campaigns ran, what came beyond the forecast without them, what they cost."""

import datetime as dt
import math
from typing import Any

import pandas as pd

from kpikit.analysis.campaigns import (
    campaign_cost_table,
    campaign_table,
    lift_table,
    roi_sensitivity,
    roi_table,
)
from kpikit.analysis.forecasts import UNBOUNDED, total_forecast
from kpikit.catalogue import Metric
from kpikit.errors import AnalysisError
from kpikit.formats import format_share, format_span
from kpikit.periods import Period
from kpikit.present.campaigns import campaigns_table, lift_text, lift_title
from kpikit.present.charts import figure
from kpikit.present.charts_campaigns import plot_campaigns
from kpikit.present.components import Callout, Figure, Stack, Table
from kpikit.present.frames import records
from kpikit.present.titles import alt_text
from kpikit.sections.absent import nothing_to_show
from kpikit.sections.context import Context
from kpikit.series.outlook import Aggregate
from kpikit.series.seasons import LEAST_BEYOND

_YEAR_WEEKS = 52
_MOST = 8  # campaigns shown, the latest
_SEASON = 52
_COST_COLUMNS = ["campaign", "cost", "cost_outside"]
_NO_CAMPAIGNS = "No data; map the table campaigns under source: tables, or give the key campaigns."


def campaigns_section(context: Context) -> Stack:
    """Return the calendar under the line of the KPI, and lift, cost and return per campaign."""
    source: Any = context.dataset.tables.get("campaigns", context.params.campaigns)
    if isinstance(source, list) and not source:
        return nothing_to_show(_NO_CAMPAIGNS)
    try:
        every = campaign_table(source, as_of=context.as_of)
    except AnalysisError as error:  # two of one name
        return Stack((Callout(str(error).replace("\n", " "), tone="warning"),))
    shown = _shown(context, every)
    if shown.empty:
        weeks = _weeks(context)
        span = format_span(weeks[0].start, weeks[-1].end)
        return nothing_to_show(f"No campaign ran or is planned since {span.split(' – ')[0]}.")
    frame = _reckoned(context, shown)
    message = _message(context, frame)
    chart = _chart(context, frame, message)
    if chart is None:
        return Stack((_table(context, frame, message),))
    return Stack((chart, _table(context, frame, _overlaps(frame))))


def _shown(context: Context, every: pd.DataFrame) -> pd.DataFrame:
    """Return the campaigns of the last year and those to come, faulty ones too."""
    first = _weeks(context)[0].start
    kept = [bool(row["fault"]) or row["end"] >= first for row in records(every)]
    shown = every[kept].tail(_MOST)
    metrics = [_metric_of(context, row) for row in records(shown)]
    return shown.assign(
        metric=[metric.name if metric else "" for metric in metrics],
        label=[metric.label if metric else "" for metric in metrics],
        unit=[metric.unit if metric else "" for metric in metrics],
        direction=[metric.direction if metric else "up" for metric in metrics],
        measure=[_measure(metric) if metric else "sum" for metric in metrics],
    ).reset_index(drop=True)


def _metric_of(context: Context, row: dict[str, Any]) -> Metric | None:
    """Return the KPI that a campaign was to move: the declared one, or the one its goal names."""
    return context.catalogue.get(row["metric"] or row["goal"].strip().lower().replace(" ", "_"))


def _measure(metric: Metric) -> Aggregate:
    """Return how the values of weeks make that of a campaign: the scorecard's rule for months."""
    return "sum" if metric.additive else "last" if metric.at_end else "mean"


def _reckoned(context: Context, shown: pd.DataFrame) -> pd.DataFrame:
    """Return the campaigns with their lift, cost and return."""
    begun = shown[(shown["fault"] == "") & (shown["state"] != "planned")]
    ahead = [context.catalogue[name] for name in begun["metric"].unique() if name]
    context.facts_of(ahead, context.weeks)  # one query for all campaigns
    found = [_forecast(context, row) for row in records(shown)]
    spans = pd.DataFrame(
        found,
        columns=["campaign", "actual", "mean", "low_95", "high_95", "from_week", "to_week",
                 "weeks", "before", "why"],
    )  # fmt: skip
    lifts = lift_table(shown, spans)
    unknown = (lifts["effect"] == "unknown") & (spans["why"] != "") & (shown["fault"] == "")
    lifts.loc[unknown, "remark"] = spans["why"]
    roi = roi_table(
        lifts,
        _costs(context, shown),
        gross_margin=context.params.economics.gross_margin,
        value_of_unit=_values(context, shown),
    ).rename(columns={"remark": "roi_remark"})
    cases = roi_sensitivity(roi.rename(columns={"roi_remark": "remark"}))
    ends = cases.groupby("campaign")["roi"].agg(["min", "max"])
    ends = ends.rename(columns={"min": "least_roi", "max": "greatest_roi"})
    told = spans[["from_week", "to_week", "weeks", "before"]]
    parts = [shown.drop(columns=["campaign", "metric"]), lifts, roi.drop(columns="campaign"), told]
    frame = pd.concat(parts, axis="columns").join(ends, on="campaign")  # a row per campaign in all
    adds_up = frame["measure"].eq("sum")
    counted = frame["effect"].eq("more") & frame["unit"].ne("money") & adds_up
    return frame.assign(
        cost_per_unit=(frame["cost"] / frame["lift"]).where(counted),
        expected_per_week=frame["expected"] / frame["weeks"].where(adds_up, 1),
    )


def _forecast(context: Context, row: dict[str, Any]) -> dict[str, Any]:
    """Return what came in a campaign's weeks, and the forecast of it from the weeks before."""
    empty = dict.fromkeys(("actual", "mean", "low_95", "high_95", "weeks", "before"), math.nan)
    nothing = {"campaign": row["campaign"], **empty, "from_week": None, "to_week": None, "why": ""}
    if row["fault"] or row["state"] == "planned":
        return nothing
    metric = context.catalogue.get(row["metric"])
    before, weeks = _weeks_around(context, row)
    why = _obstacle(metric, before, weeks)
    if why or metric is None:
        return nothing | {"why": why}
    facts = context.facts_at([metric], [*before, *weeks])
    shown = facts["value"].where(facts["complete"])  # a young week's rate is not its last word
    values = dict(zip(facts["start"], shown, strict=True))
    history = pd.Series([values[week.start] for week in before], dtype=float)
    history = history.loc[history.first_valid_index() :]
    if len(history) < 2 or history.isna().any():
        return nothing | {"why": f"{metric.label} is not known for the weeks before it"}
    came = pd.Series([values[week.start] for week in weeks], dtype=float)
    if came.isna().any():
        return nothing | {"why": f"{metric.label} is not known for each of its weeks"}
    forecast = total_forecast(
        history,
        periods=len(weeks),
        aggregate=_measure(metric),
        season_length=_SEASON,
        bounds=(0.0, math.inf) if metric.unit == "count" else UNBOUNDED,
    )
    low, high = forecast.interval(0.95)
    totals = {"sum": came.sum(), "mean": came.mean(), "last": came.iloc[-1]}
    return {
        "campaign": row["campaign"], "actual": float(totals[_measure(metric)]),
        "mean": forecast.mean, "low_95": low, "high_95": high, "from_week": weeks[0].start,
        "to_week": weeks[-1].end, "weeks": len(weeks), "before": len(history), "why": "",
    }  # fmt: skip


def _weeks_around(context: Context, row: dict[str, Any]) -> tuple[list[Period], list[Period]]:
    """Return the whole weeks before a campaign, and those over that it touches."""
    calendar = context.calendar
    touched = calendar.periods(row["start"], row["end"] + dt.timedelta(days=1), "week")
    before = [week for week in context.weeks if week.start < touched[0].start]
    return before, [week for week in touched if week.is_complete(context.as_of)]


def _obstacle(metric: Metric | None, before: list[Period], weeks: list[Period]) -> str:
    """Return why no lift can be reckoned, empty where it can."""
    if metric is None:
        return "it declares no metric"
    if not weeks:
        return "none of its weeks is over"
    return "fewer than two weeks are known before it" if len(before) < 2 else ""


def _costs(context: Context, shown: pd.DataFrame) -> pd.DataFrame:
    costs = context.dataset.tables.get("costs")
    sound = shown[shown["fault"] == ""]
    if costs is None or "campaign" not in costs.columns or sound.empty:
        return pd.DataFrame(columns=_COST_COLUMNS)
    return campaign_cost_table(costs, sound, as_of=context.as_of)


def _values(context: Context, shown: pd.DataFrame) -> dict[str, float]:
    """Return the money that one unit of each KPI brings, before the margin, where it is known."""
    values = {
        name: 1.0
        for name in shown["metric"]
        if name and context.catalogue[name].unit == "money" and context.catalogue[name].additive
    }  # fmt: skip
    if "orders" in set(shown["metric"]) and "orders" in context.dataset.tables:
        metric = context.catalogue["average_order_value"]
        (row,) = records(context.facts_of([metric], [context.period]))
        values["orders"] = float(row["value"])
    return values


def _message(context: Context, frame: pd.DataFrame) -> str:
    """Return the lift of the last campaign that has one."""
    told = frame[frame["effect"] != "unknown"]
    return lift_title(records(told if len(told) else frame)[-1], currency=context.currency)


def _overlaps(frame: pd.DataFrame) -> str:
    """Return which campaigns ran at the same time, each pair once."""
    pairs = {
        " and ".join(sorted((str(row["campaign"]), other)))
        for row in records(frame)
        for other in row["overlaps"]
    }
    return (
        f"At the same time ran {'; '.join(sorted(pairs))}" if pairs else "No two campaigns overlap"
    )


def _table(context: Context, frame: pd.DataFrame, title: str) -> Table:
    margin = format_share(context.params.economics.gross_margin, digits=0)
    return campaigns_table(
        frame,
        currency=context.currency,
        title=title,
        subtitle=f"Came: total of the whole weeks that a campaign touches{_measures(frame)}; "
        "foreseen: forecast from the weeks before it alone; ROI at a gross margin of "
        f"{margin}, from – to: over the lift's interval and a margin ±20 %",
        notes=_notes(frame),
    )


def _measures(frame: pd.DataFrame) -> str:
    """Return how the weeks of what does not add up are told, empty where all adds up."""
    used = frame.loc[frame["metric"] != "", "measure"]
    told = {"mean": "the mean per week of a rate", "last": "the end of the last week of a stock"}
    return "".join(f", {text}" for measure, text in told.items() if (used == measure).any())


def _notes(frame: pd.DataFrame) -> list[str]:
    """Return what keeps lifts from being known or a campaign's alone, one remark for all alike."""
    remarks: dict[str, list[str]] = {}
    for row in records(frame):
        texts = [row["fault"] or row["remark"]]
        if row["roi_remark"] and row["roi_remark"] not in texts[0] and not row["fault"]:
            remark = str(row["roi_remark"]).replace(str(row["metric"]), str(row["label"]).lower())
            texts.append(f"no ROI, for {remark}")
        if row["from_week"] is not None and not _fits(row):
            texts.append("the days are no whole weeks, so the weeks hold other days too")
        if row["before"] < 2 * _SEASON + LEAST_BEYOND:
            texts.append("too few weeks before to foresee a season of the year")
        for text in filter(None, texts):
            remarks.setdefault(text, []).append(str(row["campaign"]))
    return [f"{', '.join(names)}: {text}." for text, names in remarks.items()]


def _fits(row: dict[str, Any]) -> bool:
    """Tell whether a campaign's days are those of the weeks reckoned with, or run beyond them."""
    ends = row["end"] + dt.timedelta(days=1)
    return bool(row["start"] == row["from_week"] and ends >= row["to_week"])


def _chart(context: Context, frame: pd.DataFrame, title: str) -> Figure | None:
    """Return the calendar under the KPI that most campaigns were to move."""
    sound = frame[frame["fault"] == ""]
    names = sound.loc[sound["metric"] != "", "metric"]
    if names.empty:
        return None
    metric = context.catalogue[names.mode().iloc[0]]
    weeks = _weeks(context)
    facts = context.facts_of([metric], weeks)
    if not facts["value"].notna().any():
        return None
    known = sound["metric"].eq(metric.name) & sound["from_week"].notna()
    sound = sound.assign(from_week=sound["from_week"].astype(object).where(known, None))
    lifts = [f"{row['campaign']}: {lift_text(row, context.currency)}" for row in records(frame)]
    money = f", {context.currency}" if metric.unit == "money" else ""
    return figure(
        plot_campaigns(facts, sound, unit=metric.unit, currency=context.currency),
        title=title,
        subtitle=f"{metric.label}{money} by week, and days of campaigns; dashed: foreseen without "
        "the campaign, per week; open bar: planned",
        alt=alt_text("Line by week over a calendar", metric.label, metric.formula, lifts),
    )


def _weeks(context: Context) -> list[Period]:
    """Return the whole weeks of the last year."""
    last = context.calendar.last_complete(context.as_of, "week")
    return [context.calendar.shift(last, -back) for back in reversed(range(_YEAR_WEEKS))]
