"""Section 10: what revenue consists of: recurring movements, or orders and their value."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pandas as pd

from kpikit.analysis.subscriptions import TRIALS, movements_table, trial_table
from kpikit.catalogue import Metric
from kpikit.formats import format_money, format_span, plural
from kpikit.present.charts import figure, plot_columns, plot_mrr_waterfall
from kpikit.present.components import Component, Figure, Row, Stack, Table
from kpikit.present.frames import records, trend_frame
from kpikit.present.tables import Show, frame_table
from kpikit.present.theme import Size
from kpikit.present.titles import alt_text, columns_title, mrr_title, period_name, series_numbers
from kpikit.present.trials import trials_table, trials_title
from kpikit.sections.absent import missing_table, nothing_to_show
from kpikit.sections.context import Context
from kpikit.sections.known import SALES
from kpikit.sections.trends import pair_up

_MONTHS = 12
_TRIAL_MONTHS = 6  # as high as the chart beside them
_MRR_COLUMNS = (
    Show("period", "Month"),
    Show("mrr_start", "Start", "money", whole=True),
    Show("new", "New", "money", whole=True),
    Show("reactivation", "Returned", "money", whole=True),
    Show("expansion", "Expansion", "money", whole=True),
    Show("contraction", "Contraction", "money", whole=True),
    Show("churned", "Churned", "money", whole=True),
    Show("mrr_end", "End", "money", emphasis=True, whole=True),
    Show("nrr", "NRR", "share"),
    Show("grr", "GRR", "share"),
    Show("logo_churn_rate", "Customer churn", "share"),
    Show("quick_ratio", "Quick ratio", "ratio"),
    Show("customers_end", "Customers", "count"),
    Show("arpa", "ARPA", "money"),
)


def revenue_section(context: Context) -> Stack:
    """Return the movements of MRR, and orders with their value, as far as there are tables."""
    items = [*_recurring(context), *_orders(context)]
    if items:
        return Stack(tuple(items))
    if {"subscriptions", "orders"} & set(context.dataset.tables):
        return nothing_to_show("Nothing was paid in the last twelve months.")
    return missing_table("subscriptions", "orders", "order_lines")


def _recurring(context: Context) -> list[Component]:
    if "subscriptions" not in context.dataset.tables:
        return []
    months, own = _movements(context)
    if not months["mrr_end"].any() and not months["mrr_start"].any():
        return []
    table = frame_table(
        months,
        _MRR_COLUMNS,
        currency=context.currency,
        title="Movements of monthly recurring revenue",
        subtitle=f"{context.currency} a month; net per customer and month, after ChartMogul",
        compact=True,
    )
    trials = _trials(context)
    if trials is None:
        return [_waterfall(context, own, "full"), table]
    return [Row((_waterfall(context, own, "small"), trials), (1.0, 1.0)), table]


def _movements(context: Context) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the movements of the last twelve months, and those of the report's period."""
    calendar, last = context.calendar, context.last_month
    after = context.as_of + dt.timedelta(days=1)
    start = max(
        calendar.shift(last, 1 - _MONTHS).start,
        calendar.period_of(context.dataset.first_day, "month").start,
    )
    whole = calendar.periods(start, min(last.end, after), "month")
    spans = [replace(one, end=min(one.end, after)) for one in (*whole, context.period)]
    found = movements_table(context.dataset.tables["subscriptions"], spans, calendar=calendar)
    months = found.head(len(whole))
    names = [period_name(row) for row in records(months.assign(grain="month"))]
    complete = [month.is_complete(context.as_of) for month in whole]
    return months.assign(period=names, complete=complete), records(found)[-1]


def _trials(context: Context) -> Table | None:
    """Return trial to paid by the month in which trials began; None where none is matured.

    Trials are followed to the end of the data, as the scorecard's rate follows them.
    """
    subscriptions = context.dataset.tables["subscriptions"]
    if "trial_start" not in subscriptions.columns:
        return None
    days = context.params.economics.trial_days
    months = trial_table(
        subscriptions,
        as_of=context.dataset.as_of,
        trial_days=days,
        timezone=context.calendar.timezone,
    )
    months = months[months["cohort"] < pd.Timestamp(context.last_month.end)].tail(_TRIAL_MONTHS)
    if months.empty:
        return None
    names = [period_name(row) for row in records(months.assign(grain="month", start=months.cohort))]
    (own,) = records(context.facts_of([context.catalogue[TRIALS]], [context.period]))
    return trials_table(
        months.assign(period=names),
        title=trials_title(own, period=context.period.label),
        subtitle=f"By the month in which they began; matured: {plural(days, 'day')} are over",
    )


def _waterfall(context: Context, movements: dict[str, Any], size: Size) -> Figure:
    period = context.period
    end = min(period.end, context.as_of + dt.timedelta(days=1))
    return figure(
        plot_mrr_waterfall(
            movements,
            labels=(f"start {period.label}", f"end {period.label}"),
            currency=context.currency,
            size=size,
        ),
        title=mrr_title(movements, currency=context.currency),
        subtitle=f"MRR, {context.currency}, {format_span(period.start, end)}; net per customer",
        alt=alt_text(
            "Waterfall", "monthly recurring revenue",
            "Movements between the start and the end of the period",
            [f"{name.removeprefix('mrr_')} {format_money(movements[name], context.currency)}"
             for name in ("mrr_start", "new", "reactivation", "expansion", "contraction",
                          "churned", "mrr_end")],
        ),
    )  # fmt: skip


def _orders(context: Context) -> list[Component]:
    if "orders" not in context.dataset.tables:
        return []
    metrics = [context.catalogue[name] for name in SALES]
    last = context.last_month
    months = [context.calendar.shift(last, -back) for back in range(_MONTHS + 12)]
    facts = context.facts_of(metrics, months)
    charts = [_columns(context, metric, facts) for metric in metrics]
    return pair_up([chart for chart in charts if chart is not None])


def _columns(context: Context, metric: Metric, facts: pd.DataFrame) -> Figure | None:
    own = facts[facts["metric"] == metric.name]
    frame = trend_frame(own, calendar=context.calendar, last=_MONTHS)
    known = frame["value"].fillna(0) != 0
    if not known.any():
        return None  # a shop without refunds has no chart of them
    frame = frame.loc[known.idxmax() :]
    return figure(
        plot_columns(frame, unit=metric.unit, currency=context.currency),
        title=columns_title(
            frame, label=metric.label, unit=metric.unit, currency=context.currency,
            additive=metric.additive,
        ),
        subtitle=_subtitle(context, metric, frame),
        alt=alt_text(
            "Columns by month", metric.label, metric.formula,
            series_numbers(frame, unit=metric.unit, currency=context.currency),
        ),
    )  # fmt: skip


def _subtitle(context: Context, metric: Metric, frame: pd.DataFrame) -> str:
    """Return what the columns are, as far as they are drawn."""
    money = f", {context.currency}" if metric.unit == "money" else ""
    parts = [f"{metric.label}{money}, by month to {period_name(records(frame)[-1])}"]
    if frame["previous"].notna().any():
        parts.append("light: year before")
    if not frame["complete"].all():
        parts.append("open: not complete")
    return "; ".join(parts)
