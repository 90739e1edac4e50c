"""What earlier reviews published and this one's data say otherwise."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from kpikit.formats import format_delta, format_value, is_missing, plural
from kpikit.ledger import restatement_table
from kpikit.present.components import Cell, Column, Component, Headline, Paragraph, Table
from kpikit.present.sentences import is_plural, mid_sentence
from kpikit.sections.context import Context

_CAUSES: Mapping[str, str] = {
    "data": "the data changed",
    "kpikit": "kpikit changed",
}
_MOST = 20  # rows that a page lists


def restatements(context: Context) -> list[Component]:
    """Return the KPIs whose published value is not what it is now, or that there are none."""
    if context.earlier.kpis.empty:
        return [Paragraph("No earlier review is in the ledger, so none can be restated.")]
    reviews = context.earlier.kpis["report_period"].nunique()
    found = _restated(context)
    if found.empty:
        held = "review" if reviews == 1 else f"{reviews} reviews"
        return [Paragraph(f"Nothing that the earlier {held} published was restated.")]
    rows = tuple(_row(context, row) for row in found.head(_MOST).to_dict("records"))
    rest = len(found) - len(rows)
    return [
        Table(
            columns=(
                Column("kpi", "KPI", width=2.0),
                Column("period", "Period", width=1.0),
                Column("reported_in", "Review", width=1.0),
                Column("published", "Published", "number", width=1.2),
                Column("now", "Now", "number", width=1.2),
                Column("delta", "Change", "number", width=1.2),
                Column("cause", "Because", width=3.0),
            ),
            rows=rows,
            title=f"Restated since it was published: {plural(len(found), 'value')}",
            notes=(f"{plural(rest, 'more value')} restated.",) if rest else (),
            compact=True,
        )
    ]


def restated_headline(context: Context) -> Headline | None:
    """Return the first KPI of the last review's own period that is not what it was; None for none.

    The KPIs are those of the scorecard, in its order.
    """
    if context.earlier.kpis.empty:
        return None
    found = _restated(context)
    last = context.earlier.kpis["report_period"].iloc[-1]  # they stand in order of their periods
    own = found[(found["period"] == last) & (found["reported_in"] == last)]
    if own.empty:
        return None
    row = next(iter(own.to_dict("records")))
    told = _row(context, row)
    label = str(told["kpi"])
    others = plural(len(found) - 1, "more value") if len(found) > 1 else ""
    return Headline(
        "!",
        "Restated:",
        f"{mid_sentence(label)} of {row['period']} {'were' if is_plural(label) else 'was'} "
        f"published as "
        f"{told['published']}, now {told['now']}: {told['cause']}"
        + (f"; {others} in appendix A." if others else "."),
    )


def _restated(context: Context) -> pd.DataFrame:
    return restatement_table(
        context.earlier,
        _values_now(context),
        definitions={metric.name: metric.version for metric in context.metrics},
        data_hash=context.dataset.data_hash,
    )


def _values_now(context: Context) -> list[dict[str, Any]]:
    """Return the KPIs of whole periods, as the data give them now."""
    facts = context.facts
    totals = facts[facts["dimension"] == ""].to_dict("records")
    units = {metric.name: metric.unit for metric in context.metrics}
    return [
        {
            "metric": row["metric"],
            "period": row["period"],
            "unit": units[row["metric"]],
            "value": None if is_missing(row["value"]) else row["value"],
            "n": None if is_missing(row["n"]) else row["n"],
            "complete": bool(row["complete"]),
        }
        for row in totals
        if row["metric"] in units
        and context.calendar.period_of(row["start"], row["grain"]).end == row["end"]
    ]


def _row(context: Context, row: Mapping[Any, Any]) -> dict[str, str | Cell]:
    metric = next(metric for metric in context.metrics if metric.name == row["metric"])
    money = context.currency
    counted = row["n_now"] - row["n_published"]
    cause = f"not comparable, {row['reason']}" if row["reason"] else _CAUSES[row["cause"]]
    delta = format_delta(row["delta_abs"], metric.unit, currency=money, short=False)
    if not is_missing(counted) and counted:
        cause += f": {abs(counted):,.0f} {'more' if counted > 0 else 'fewer'} {metric.n_of}"
    return {
        "kpi": metric.label,
        "period": row["period"],
        "reported_in": row["reported_in"],
        "published": format_value(row["published"], metric.unit, currency=money),
        "now": format_value(row["now"], metric.unit, currency=money),
        "delta": Cell(delta, struck=True) if row["reason"] else delta,
        "cause": cause,
    }
