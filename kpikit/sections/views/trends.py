"""A KPI along time: any grain, one segment or all, each period beside another, by segment."""

import math
from collections.abc import Iterator
from typing import Any, get_args

import pandas as pd

from kpikit.analysis.signals import signal_table
from kpikit.catalogue import Metric
from kpikit.catalogue.relations import MISSING_SEGMENT
from kpikit.formats import (
    format_delta,
    format_delta_rel,
    format_interval,
    format_value,
    is_missing,
)
from kpikit.params.views import View, ViewGrain
from kpikit.periods import Period
from kpikit.present.charts import figure, plot_trend
from kpikit.present.components import Cell, Column, Component, Table, Tone
from kpikit.present.frames import in_words, records
from kpikit.present.titles import alt_text, period_name, series_numbers, trend_title
from kpikit.sections.context import Context
from kpikit.sections.evidence import bounds_of, rebased
from kpikit.sections.views import answers
from kpikit.sections.views.answers import Asking, Exhibit, Found, Option, Options

_COUNTS = {"day": 56, "week": 52, "month": 24, "quarter": 12}
_SEASONS = {"day": 7, "week": 52, "month": 12, "quarter": 4}
_AGAINST = {"year_before": "a year before", "previous": "the period before"}
_LIGHT = {"year_before": "year before", "previous": "period before"}
_ROWS = 200
_LEAST = 6  # points without which there are no limits


def fill(context: Context, view: View) -> View:
    """Return the view with its settings chosen: months against the year before, by default."""
    metric = answers.metric_of(context, view.metric, where="a view of trends")
    chosen = {"metric": metric.name, "grain": view.grain or "month",
              "comparison": view.comparison or "year_before"}  # fmt: skip
    return view.model_copy(update=chosen)


def find(context: Context, view: View) -> Found:
    """Return the series, beside what it is held against, and the same by segment if asked."""
    metric = answers.metric_of(context, view.metric, where="a view of trends")
    answers.check_segment(metric, context, view)
    inside = answers.context_of(context, view)
    asking = Asking(inside)
    shown = _shown(inside, str(view.grain))
    if not shown:
        raise answers.nothing_in(view, inside, metric.label)
    periods = [*shown, *(_before(inside, view, period) for period in shown)]
    facts = asking.ask("series", lambda: inside.facts_of([metric], dict.fromkeys(periods)))
    series = _beside(inside, view, facts[facts["metric"] == metric.name], shown)
    if series["value"].isna().all() or not series["n"].fillna(1.0).any():
        raise answers.nothing_in(view, inside, metric.label)
    asking.answers["series"] = answers.Answer(
        _routine(inside, metric, series), asking.answers["series"].sql
    )
    if view.by:
        by = answers.single(metric, view.by)
        parts = asking.ask("segments", lambda: inside.parts_of(metric, periods, by))
        table = _segments(inside, view, parts[parts["metric"] == metric.name], shown)
        asking.answers["segments"] = answers.Answer(table, asking.answers["segments"].sql)
    return Found(inside, view, asking.answers, metric)


def draw(found: Found) -> list[Exhibit]:
    """Return the chart along time and the table of its periods, or of its segments."""
    series = found.answers["series"]
    exhibits = [Exhibit(_chart(found), series)]
    if "segments" in found.answers:
        exhibits.append(Exhibit(_segment_table(found), found.answers["segments"]))
    else:
        exhibits.append(Exhibit(_period_table(found), series))
    return exhibits


def options(context: Context, view: View) -> Options:
    """Return the KPIs, the grains, and the columns of the chosen KPI's table."""
    metric = answers.metric_of(context, view.metric, where="a view of trends")
    columns = answers.column_options(context, metric.table)
    grains = tuple(Option(grain, grain) for grain in get_args(ViewGrain))
    return {
        "metric": answers.metric_options(context),
        "grain": grains,
        "comparison": answers.named(
            ("year_before", "year before"), ("previous", "period before"), ("none", "nothing")
        ),
        "by": (Option("", "nothing"), *columns),
        "where": columns,
    }


def _shown(context: Context, grain: str) -> list[Period]:
    """Return the last periods of a grain, from the first that the data touches on.

    The last one may still run, where the data ends in it; where the report ends before the data
    does, it is the last that is whole in the report.
    """
    calendar = context.calendar
    last = calendar.period_of(context.as_of, grain)  # type: ignore[arg-type]  # one of ViewGrain
    if context.as_of < context.dataset.as_of and not last.is_complete(context.as_of):
        last = calendar.previous(last)
    found = [calendar.shift(last, -back) for back in range(_COUNTS[grain])]
    return [period for period in reversed(found) if period.end > context.dataset.first_day]


def _before(context: Context, view: View, period: Period) -> Period:
    calendar = context.calendar
    if view.comparison == "previous":
        return calendar.previous(period)
    return calendar.year_before(period)


def _beside(context: Context, view: View, facts: pd.DataFrame, shown: list[Period]) -> pd.DataFrame:
    """Return the facts of the shown periods, each with ``previous`` and how it changed since."""
    known = dict(zip(facts["start"], facts["value"], strict=True))
    rows = facts[facts["start"].isin({period.start for period in shown})].sort_values("start")
    before = [
        math.nan
        if view.comparison == "none" or not complete
        else known.get(_before(context, view, period).start, math.nan)
        for period, complete in zip(shown, rows["complete"], strict=True)
    ]
    rows = rows.assign(previous=pd.Series(before, rows.index, dtype=float))
    return _changed(rows).reset_index(drop=True)


def _changed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with ``difference`` from ``previous`` and, where that is above zero, ``change``.

    The latter is relative to it, a share.
    """
    difference = rows["value"] - rows["previous"]
    change = (difference / rows["previous"]).where(rows["previous"] > 0)
    return rows.assign(difference=difference, change=change)


def _routine(context: Context, metric: Metric, series: pd.DataFrame) -> pd.DataFrame:
    """Return the series with the limits of routine variation, where there are points enough."""
    known = series[series["complete"].astype(bool) & series["value"].notna()]
    if len(known) < _LEAST:
        return series
    values = known.set_index("period")["value"]
    grain = series["grain"].iloc[0]
    changes = rebased(context, metric, grain, values.index)
    limits = signal_table(values, season_length=_SEASONS[grain], changes=changes)
    columns = limits.set_index("period")[["lower", "upper", "signal"]]
    low, high = bounds_of(metric, values)
    if (values >= 0).all():
        low = max(low, 0.0)  # a band below zero would be of what never was
    columns[["lower", "upper"]] = columns[["lower", "upper"]].clip(low, high)
    joined = series.join(columns, on="period")
    return joined.assign(signal=joined["signal"].eq(True))


def _segments(
    context: Context, view: View, facts: pd.DataFrame, shown: list[Period]
) -> pd.DataFrame:
    """Return a row per segment: the last whole period, what it is held against, its course."""
    whole = [period for period in shown if period.is_complete(context.as_of)] or shown
    last, before = whole[-1], _before(context, view, whole[-1])
    own = facts[facts["dimension"] != ""]
    wide = own.pivot_table(index="segment", columns="start", values="value", dropna=False)
    latest = own[own["start"] == last.start].set_index("segment").reindex(wide.index)
    courses = wide.reindex(columns=[period.start for period in shown])
    table = pd.DataFrame({
        "segment": wide.index.map(lambda name: "unknown" if name == MISSING_SEGMENT else name),
        "period": last.label,
        **{name: latest[name] for name in ("value", "n", "ci_low", "ci_high")},
        "previous": math.nan
        if view.comparison == "none"
        else wide.get(before.start, pd.Series(math.nan, wide.index)),
        "course": [list(row) for row in courses.to_numpy(dtype=float)],
    })  # fmt: skip
    ranked = _changed(table.reset_index(drop=True)).sort_values(
        ["value", "segment"], ascending=[False, True], na_position="last"
    )
    return ranked.reset_index(drop=True)


def _chart(found: Found) -> Component:
    metric, view, context = found.by, found.view, found.context
    series = found.answers["series"].frame
    money = f", {context.currency}" if metric.unit == "money" else ""
    parts = [f"{metric.label}{money} by {view.grain}{answers.segment_text(view)}"]
    if series["previous"].notna().any():
        parts.append(f"light: {_LIGHT[str(view.comparison)]}")
    if "lower" in series and series["lower"].notna().any():
        parts.append("band: routine variation")
    before = _LIGHT[str(view.comparison)] if view.comparison != "none" else ""
    axes = plot_trend(series, unit=metric.unit, currency=context.currency, before=before)
    return figure(
        axes,
        title=_title(metric, view, series, context.currency),
        subtitle="; ".join(parts),
        alt=alt_text(
            f"Line by {view.grain}", metric.label, metric.formula,
            series_numbers(series, unit=metric.unit, currency=context.currency),
        ),
    )  # fmt: skip


def _title(metric: Metric, view: View, series: pd.DataFrame, currency: str) -> str:
    """Return the message; against the period before, the year before is not spoken of."""
    if view.comparison == "year_before":
        return trend_title(series, label=metric.label, unit=metric.unit, currency=currency)
    alone = series.drop(columns="previous")
    return trend_title(alone, label=metric.label, unit=metric.unit, currency=currency)


def _period_table(found: Found) -> Table:
    metric, view, context = found.by, found.view, found.context
    frame = found.answers["series"].frame
    rows: list[dict[str, str | Cell]] = []
    for row in reversed(records(frame)):
        name = period_name(row)
        rows.append({
            "period": name if row["complete"] else Cell(name, note="so far"),
            **_amounts(row, metric, context.currency),
        })  # fmt: skip
    columns = (Column("period", "Period"), *_amount_columns(found, frame))
    return Table(columns, tuple(rows), title=f"{metric.label} by {view.grain}")


def _segment_table(found: Found) -> Table:
    metric, view, context = found.by, found.view, found.context
    frame = found.answers["segments"].frame
    rows: list[dict[str, str | Cell]] = [
        {
            "segment": str(row["segment"]),
            **_amounts(row, metric, context.currency),
            "course": Cell("", spark=tuple(None if is_missing(v) else v for v in row["course"])),
        }
        for row in records(frame.head(_ROWS))
    ]
    name = in_words(str(view.by))
    columns = (
        Column("segment", name.capitalize()),
        *_amount_columns(found, frame),
        Column("course", "Course", "spark"),
    )
    last = frame["period"].iloc[0] if len(frame) else context.period.label
    return Table(
        columns, tuple(rows), title=f"{metric.label} by {name}, {last}",
        notes=answers.left_out_note(len(rows), len(frame), "segment"),
    )  # fmt: skip


def _amount_columns(found: Found, frame: pd.DataFrame) -> Iterator[Column]:
    """Yield the columns of a value: its interval where it has one, what it is held against."""
    yield Column("value", found.by.label, "number", emphasis=True)
    if frame["ci_low"].notna().any():
        yield Column("interval", "95 % interval", "number")
    if against := _AGAINST.get(str(found.view.comparison)):
        yield Column("previous", against.capitalize(), "number")
        yield Column("change", "Change", "number")


def _amounts(row: Any, metric: Metric, currency: str) -> dict[str, str | Cell]:
    difference = row["difference"]
    tone: Tone = "neutral"
    if not is_missing(difference) and difference != 0:
        tone = "good" if (difference > 0) == (metric.direction == "up") else "bad"
    # a share's change is told in points: "+100 %" of 2 % could be read as either
    told = (
        format_delta_rel(row["change"])
        if metric.unit in ("money", "count")
        else format_delta(difference, metric.unit, currency=currency)
    )
    return {
        "value": format_value(row["value"], metric.unit, currency=currency),
        "interval": format_interval(row["ci_low"], row["ci_high"], metric.unit, currency=currency),
        "previous": format_value(row["previous"], metric.unit, currency=currency),
        "change": Cell(told, tone=tone),
    }
