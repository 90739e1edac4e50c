"""Whether users come back: cohorts, who is new or gone in each period, and how often they come."""

from collections.abc import Iterator

import pandas as pd

from kpikit.analysis.lifecycle import LifecycleQuestion, StickinessQuestion
from kpikit.catalogue.visits import visit_tables
from kpikit.formats import format_count, plural
from kpikit.present.charts import figure
from kpikit.present.charts_funnel import plot_lifecycle, plot_times
from kpikit.present.components import Component, Figure, Row, Stack
from kpikit.present.frames import records
from kpikit.present.sentences_funnel import lifecycle_title, stickiness_title
from kpikit.present.titles import alt_text, row_numbers
from kpikit.sections.context import Context
from kpikit.sections.retention import cohort_question, retention_section

_PERIODS = {"day": 28, "week": 13, "month": 12}
_MOST_DAYS = 7


def returning_section(context: Context) -> Stack:
    """Return the cohorts of the review, and the lifecycle and stickiness of users.

    One pass over the events answers all three.
    """
    if "events" not in context.dataset.tables:
        return retention_section(context)
    calendar, month = context.calendar, context.last_month
    zone, week_start = calendar.timezone, calendar.week_start
    grain = context.params.retention.grain
    last = calendar.last_complete(context.as_of, grain)
    cohorts, life, days = visit_tables(
        context.dataset.tables["events"],
        cohort_question(context),
        LifecycleQuestion(
            grain=grain, as_of=context.as_of, week_start=week_start, timezone=zone,
            start=calendar.shift(last, 1 - _PERIODS[grain]).start,
        ),
        StickinessQuestion(start=month.start, end=month.end, timezone=zone),
    )  # fmt: skip
    charts = tuple(_charts(context, life, days))
    more: tuple[Component, ...] = (Row(charts, (1.0, 1.0)),) if len(charts) == 2 else charts
    return Stack((*retention_section(context, cohorts).items, *more))


def _charts(context: Context, life: pd.DataFrame, days: pd.DataFrame) -> Iterator[Figure]:
    grain = context.params.retention.grain
    # nobody can be told from the first period of the data whether he is new
    life = life[life["period"] > pd.Timestamp(context.dataset.first_day)]
    if not life.empty:
        labels = [context.calendar.period_of(day.date(), grain).label for day in life["period"]]
        yield _lifecycle(life.assign(period=labels), grain)
    if days["users"].sum():
        yield _stickiness(days, context.last_month.label)


def _lifecycle(life: pd.DataFrame, grain: str) -> Figure:
    last = records(life)[-1]
    return figure(
        plot_lifecycle(life),
        title=lifecycle_title(last),
        subtitle=f"Users by {grain}: active ones above zero; below, who was active in the {grain} "
        "before and not in this one",
        alt=alt_text(
            f"Columns by {grain}", "users by lifecycle",
            "New: active for the first time; returning: also in the period before; resurrecting: "
            "after a pause; dormant: no more",
            [f"{name} {format_count(last[name])} in {last['period']}"
             for name in ("new", "returning", "resurrecting", "dormant")],
        ),
    )  # fmt: skip


def _stickiness(days: pd.DataFrame, label: str) -> Figure:
    bars = _days_in_words(days)
    return figure(
        plot_times(bars, labels=bars["label"].tolist()),
        title=stickiness_title(days, label),
        subtitle=f"Share of users active in {label} by the days on which they came; below: on so "
        "many or more",
        alt=alt_text(
            "Bars", "users by active days", f"Days of {label} with an event",
            row_numbers(bars, name="label", value="users", unit="count"),
        ),
    )  # fmt: skip


def _days_in_words(days: pd.DataFrame) -> pd.DataFrame:
    """Return the first numbers of days, and all greater ones as one."""
    shown, rest = days.head(_MOST_DAYS), days.iloc[_MOST_DAYS:]
    bars = shown.assign(label=[plural(int(number), "day") for number in shown["active_periods"]])
    if rest.empty:
        return bars
    more = rest.head(1).assign(label="more", users=rest["users"].sum(), share=rest["share"].sum())
    return pd.concat([bars, more], ignore_index=True)
