"""Section 9: do users who joined together come back, how long do customers stay, why do they go?"""

import datetime as dt
from typing import Any

import pandas as pd

from kpikit.analysis.retention import RetentionQuestion, retention_curve
from kpikit.analysis.survival import (
    EndedSummary,
    churn_reasons_table,
    ended_summary,
    spell_durations,
    survival_table,
)
from kpikit.catalogue.relations import MISSING_SEGMENT, purchases
from kpikit.catalogue.visits import visit_tables
from kpikit.formats import format_money, format_share, format_span, plural
from kpikit.present.charts import (
    figure,
    plot_cohorts,
    plot_pareto,
    plot_retention_curve,
    plot_survival,
)
from kpikit.present.components import Component, Figure, Paragraph, Row, Stack
from kpikit.present.frames import in_words
from kpikit.present.theme import Size
from kpikit.present.titles import (
    NOT_GIVEN,
    alt_text,
    churn_title,
    cohorts_title,
    latest_cohort_title,
    row_numbers,
    survival_title,
)
from kpikit.sections.absent import missing_table, nothing_to_show
from kpikit.sections.context import Context

_YEAR_MONTHS = 12
LEAST_COHORT = 10  # rates of fewer users say nothing of a cohort


def retention_section(context: Context, cohorts: pd.DataFrame | None = None) -> Stack:
    """Return cohorts of users or buyers, and how long paying customers stay and why they leave.

    Args:
        context: The report's.
        cohorts: Answer to ``cohort_question``, where the caller has it.
    """
    items = [*_cohorts(context, cohorts), *_churn(context)]
    if items:
        return Stack(tuple(items))
    if {"events", "orders", "subscriptions"} & set(context.dataset.tables):
        grain = context.params.retention.grain
        return nothing_to_show(f"Nobody is known to have joined a whole {grain} ago.")
    return missing_table("events", "orders", "subscriptions")


def cohort_question(context: Context) -> RetentionQuestion:
    """Return what the cohorts ask of the events, or else of the orders."""
    asked, by_events = context.params.retention, "events" in context.dataset.tables
    return RetentionQuestion(
        grain=asked.grain,
        as_of=context.as_of,
        max_age=asked.max_age,
        start_event=asked.start_event if by_events else None,
        return_event=asked.return_event if by_events else None,
        week_start=context.calendar.week_start,
        timezone=context.calendar.timezone,
    )


def _cohorts(context: Context, table: pd.DataFrame | None) -> list[Component]:
    tables, asked = context.dataset.tables, context.params.retention
    by_events = "events" in tables
    if not by_events and "orders" not in tables:
        return []
    if table is None:
        activity = tables["events"] if by_events else purchases(tables["orders"])
        (table,) = visit_tables(activity, cohort_question(context))
    who = "users" if by_events else "buyers"
    again = asked.return_event if by_events else None
    curve = retention_curve(table)
    if not (curve["age"] > 0).any():
        return []
    act = f"“{in_words(again)}”" if again else "an order" if who == "buyers" else "an event"
    definition = f"Share of each {asked.grain}'s new {who} with {act} so many {asked.grain}s after"
    curve_chart = _curve(curve, context, who, definition)
    if not (table["cohort_size"] >= LEAST_COHORT).any():
        return [curve_chart]
    return [Row((_triangle(table, curve, context, who, definition), curve_chart), (1.0, 1.0))]


def _triangle(
    table: pd.DataFrame, curve: pd.DataFrame, context: Context, who: str, definition: str
) -> Figure:
    grain = context.params.retention.grain
    shown = table[table["cohort_size"] >= LEAST_COHORT]
    few = plural(table["cohort"].nunique() - shown["cohort"].nunique(), "cohort")
    return figure(
        plot_cohorts(shown, grain=grain),
        title=latest_cohort_title(shown, curve, grain=grain, who=who),
        subtitle=f"{definition}, %; dot: {grain} not complete",
        alt=_curve_alt("Triangle of cohorts", curve, who, definition),
        notes=[f"Without {few} of fewer than {LEAST_COHORT} {who}."] if len(shown) < len(table)
        else [],
    )  # fmt: skip


def _curve(curve: pd.DataFrame, context: Context, who: str, definition: str) -> Figure:
    grain = context.params.retention.grain
    cohorts = plural(int(curve["cohorts"].max()) if len(curve) else 0, "cohort")
    return figure(
        plot_retention_curve(curve, grain=grain),
        title=cohorts_title(curve, grain=grain, who=who),
        subtitle=f"All {cohorts}, by size, as far as they have reached the age; "
        "band: 95 % interval",
        alt=_curve_alt("Line by age", curve, who, definition),
    )


def _curve_alt(kind: str, curve: pd.DataFrame, who: str, definition: str) -> str:
    numbers = row_numbers(curve, name="age", value="retention_rate", unit="share", most=13)
    return alt_text(kind, f"retention of {who} by age", definition, numbers)


def _churn(context: Context) -> list[Component]:
    subscriptions = context.dataset.tables.get("subscriptions")
    if subscriptions is None:
        return []
    zone = context.calendar.timezone
    summary = ended_summary(subscriptions, as_of=context.as_of, timezone=zone)
    if summary.subscriptions == 0:
        return []
    stays = spell_durations(subscriptions, as_of=context.as_of, timezone=zone)
    reasons = _reasons(context, subscriptions)
    changes = int(stays["stays"].sum()) != summary.subscriptions
    text = _ended_text(summary, context.currency, with_changes=changes)
    if isinstance(reasons, Figure):
        return [Row((_survival(stays, "half"), reasons), (1.0, 1.0)), Paragraph(text)]
    return [_survival(stays, "full"), Paragraph(f"{text} {reasons}")]


def _survival(stays: pd.DataFrame, size: Size) -> Figure:
    table = survival_table(
        stays["duration"], stays["ended"], counts=stays["stays"], every_time=True
    )
    who = "paying customers"
    told = table.iloc[:: max(1, len(table) // 6)]
    told = told.assign(after=told["time"].map("{:.1f} months".format))
    return figure(
        plot_survival(table, time_unit="months", size=size),
        title=survival_title(table, at=_YEAR_MONTHS, time_unit="months", who=who),
        subtitle="Kaplan-Meier estimate, %, by months since the first payment; band: 95 % "
        "interval (Greenwood, log-log)",
        alt=alt_text(
            "Step curve by months", f"share of {who} that stay",
            "Kaplan-Meier estimate of how long a customer pays without a gap",
            row_numbers(told, name="after", value="survival", unit="share"),
        ),
    )  # fmt: skip


def _reasons(context: Context, subscriptions: Any) -> Figure | str:
    """Return why customers left, as a sentence where nobody did or no reason is known."""
    start, end = context.period.start, context.as_of + dt.timedelta(days=1)
    reasons = churn_reasons_table(
        subscriptions, start=start, end=end, timezone=context.calendar.timezone
    )
    words = reasons["reason"].replace(MISSING_SEGMENT, NOT_GIVEN).map(in_words)
    reasons = reasons.assign(reason=words)
    if set(reasons["reason"]) <= {NOT_GIVEN}:
        return f"{churn_title(reasons)} ({format_span(start, end)})."
    return figure(
        plot_pareto(reasons),
        title=churn_title(reasons),
        subtitle=f"Customers who left, {format_span(start, end)}, by reason given",
        alt=alt_text(
            "Bars", "customers who left by reason", "One reason per customer who stopped paying",
            row_numbers(reasons, name="reason", value="customers", unit="count"),
        ),
    )  # fmt: skip


def _ended_text(summary: EndedSummary, currency: str, *, with_changes: bool) -> str:
    if not summary.ended:
        return f"Of {summary.subscriptions:,} subscriptions ever paid, none ended."
    changes = ", changes of plan included" if with_changes else ""
    ended = (
        f"Of {summary.subscriptions:,} subscriptions ever paid, {summary.ended:,} ended "
        f"({format_share(summary.ended_share, digits=3)}){changes}."
    )
    if summary.mrr_all <= 0:
        return ended
    return (
        f"{ended} They bore "
        f"{format_money(summary.mrr_ended, currency)} of {format_money(summary.mrr_all, currency)} "
        f"monthly recurring revenue ({format_share(summary.mrr_share, digits=2)})."
    )
