"""Whether users come back: cohorts, who is new or gone in each period, and how often they come."""

from collections.abc import Iterator

import pandas as pd

from kpikit.analysis.lifecycle import lifecycle_table, stickiness_table
from kpikit.formats import format_count, plural
from kpikit.present.charts import figure
from kpikit.present.charts_funnel import plot_lifecycle, plot_times
from kpikit.present.components import Component, Figure, Row, Stack
from kpikit.present.frames import records
from kpikit.present.sentences_funnel import lifecycle_title, stickiness_title
from kpikit.present.titles import alt_text, row_numbers
from kpikit.sections.context import Context
from kpikit.sections.retention import retention_section

_PERIODS = {"day": 28, "week": 13, "month": 12}
_MOST_DAYS = 7


def returning_section(context: Context) -> Stack:
    """Return the cohorts of the review, and the lifecycle and stickiness of users."""
    cohorts = retention_section(context)
    if "events" not in context.dataset.tables:
        return cohorts
    charts = tuple(_charts(context))
    more: tuple[Component, ...] = (Row(charts, (1.0, 1.0)),) if len(charts) == 2 else charts
    return Stack((*cohorts.items, *more))


def _charts(context: Context) -> Iterator[Figure]:
    events, calendar = context.dataset.tables["events"], context.calendar
    grain = context.params.retention.grain
    last = calendar.last_complete(context.as_of, grain)
    first = calendar.shift(last, 1 - _PERIODS[grain])
    life = lifecycle_table(
        events, grain=grain, as_of=context.as_of, start=first.start,
        week_start=calendar.week_start, timezone=calendar.timezone,
    )  # fmt: skip
    # nobody can be told from the first period of the data whether he is new
    life = life[life["period"] > pd.Timestamp(context.dataset.first_day)]
    if not life.empty:
        labels = [calendar.period_of(day.date(), grain).label for day in life["period"]]
        yield _lifecycle(life.assign(period=labels), grain)
    month = context.last_month
    days = stickiness_table(events, start=month.start, end=month.end, timezone=calendar.timezone)
    if days["users"].sum():
        yield _stickiness(days, month.label)


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
