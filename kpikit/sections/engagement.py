"""Section 8: how many users come, how often, and which features they use."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from kpikit.analysis.features import feature_return_table, feature_verdicts
from kpikit.formats import format_share
from kpikit.periods import Period
from kpikit.present.charts import figure
from kpikit.present.charts_dots import plot_dot_rows
from kpikit.present.components import Component, Figure, Paragraph, Row, Stack, Table
from kpikit.present.engagement import (
    adoption_title,
    features_table,
    return_title,
    usage_table,
    usage_title,
)
from kpikit.present.frames import records
from kpikit.present.titles import alt_text, period_name, row_numbers
from kpikit.sections.absent import missing_table, nothing_to_show
from kpikit.sections.context import ADOPTION, Context
from kpikit.sections.known import USAGE

_NO_FEATURES = (
    "No feature is declared. List some under features:, such as {Sharing: report_shared}."
)


def engagement_section(context: Context) -> Stack:
    """Return DAU, WAU, MAU and stickiness, and adoption and return of users per feature."""
    if "events" not in context.dataset.tables:
        return missing_table("events")
    usage = _usage(context)
    if isinstance(usage, str):
        return nothing_to_show(f"No user is known to have been active: {usage}.")
    if not context.params.features:
        return Stack((usage, Paragraph(_NO_FEATURES, small=True)))
    return Stack(tuple(_features(context, usage)))


def _usage(context: Context) -> Table | str:
    """Return the table of active users, or why there is none."""
    metrics = [context.catalogue[name] for name in USAGE]
    periods = context.comparisons
    facts = context.facts_of(metrics, periods.values())
    if facts["value"].isna().all():
        reasons = [reason for reason in facts["reason"] if reason]
        return reasons[0] if reasons else "no day of the period is known"
    known = {(row["metric"], row["start"], row["end"]): row for row in records(facts)}
    rows = [
        {
            "label": metric.label,
            "unit": metric.unit,
            **{
                name: _value(known[metric.name, period.start, period.end], context.period)
                for name, period in periods.items()
            },
        }
        for metric in metrics
    ]
    frame = pd.DataFrame(rows)
    if frame["actual"].isna().all():
        return f"no day of {context.period.label} is known"
    bases = (context.basis.base_of("qoq"), context.basis.base_of("yoy"))
    return usage_table(
        frame,
        bases=bases,
        title=usage_title(frame, base=bases[0]),
        subtitle=f"Active users, {context.period.label}: means over its days, after PostHog",
    )


def _value(row: Mapping[str, Any], actual: Period) -> float:
    """Return a value, unknown for a period to compare with that the data does not cover whole."""
    told = row["complete"] or (row["start"], row["end"]) == (actual.start, actual.end)
    return float(row["value"]) if told else math.nan


def _features(context: Context, usage: Table) -> list[Component]:
    adoption = _adoption(context)
    base = _base_period(context)
    if base is None:
        shares = _adoption_chart(context, adoption)
        grain = context.params.retention.grain
        text = f"Whether users of a feature come back shows after two whole {grain}s."
        return [Row((usage, shares), (1.0, 1.0)), Paragraph(text, small=True)]
    returns = feature_return_table(
        context.dataset.tables["events"],
        base,
        calendar=context.calendar,
        as_of=context.as_of,
        params=context.params,
    )
    features = feature_verdicts(adoption, returns)
    after = context.calendar.shift(base, 1)
    table = features_table(
        features,
        subtitle=f"Adoption {context.period.label} on {context.basis.base_of('qoq')}; came back: "
        f"{_name(base)} to {_name(after)}, share of its users less that of the others; 95 % "
        "intervals",
    )
    charts = (_adoption_chart(context, adoption), _return_chart(returns, base, after))
    return [Row((usage, table), (1.0, 1.0)), Row(charts, (1.0, 1.0))]


def _adoption(context: Context) -> pd.DataFrame:
    """Return each feature's share of active users in the period, beside the period before."""
    now, before = context.comparisons["actual"], context.comparisons["previous"]
    facts = context.facts_by_feature([now, before])
    own = facts[facts["start"] == now.start].rename(columns={"segment": "feature"})
    past = facts[(facts["start"] == before.start) & facts["complete"]]
    past = past.rename(columns={"segment": "feature", "value": "previous", "n": "previous_n"})
    columns = ["feature", "value", "n", "ci_low", "ci_high", "reason"]
    renamed = own[columns].rename(columns={"ci_low": "low", "ci_high": "high"})
    return renamed.merge(past[["feature", "previous", "previous_n"]], on="feature", how="left")


def _base_period(context: Context) -> Period | None:
    """Return the last period of retention's grain with a whole one after it, if data has it."""
    grain = context.params.retention.grain
    after = context.calendar.last_complete(context.as_of, grain)
    base = context.calendar.previous(after)
    return base if base.start >= context.dataset.first_day else None


def _adoption_chart(context: Context, adoption: pd.DataFrame) -> Figure:
    frame = adoption.rename(
        columns={"feature": "label", "low": "ci_low", "high": "ci_high", "previous": "other"}
    )
    before = context.basis.base_of("qoq")
    light = f"; light: {before}" if adoption["previous"].notna().any() else ""
    return figure(
        plot_dot_rows(frame, unit="share", names=("actual", "before")),
        title=adoption_title(adoption),
        subtitle=f"Share of active users with the feature's event, {context.period.label}{light}; "
        "line: 95 % interval",
        alt=alt_text(
            "Dots with intervals", "adoption of features",
            context.catalogue[ADOPTION].formula,
            row_numbers(frame, name="label", value="value", unit="share"),
        ),
    )  # fmt: skip


def _return_chart(returns: pd.DataFrame, base: Period, after: Period) -> Figure:
    frame = returns.assign(
        label=returns["feature"], value=returns["adopter_rate"], ci_low=returns["adopter_low"],
        ci_high=returns["adopter_high"], other=returns["other_rate"],
        reason="fewer than 30 users",
    )  # fmt: skip
    return figure(
        plot_dot_rows(frame, unit="share", names=("users of the feature", "others")),
        title=return_title(returns),
        subtitle=f"Share of the users of {_name(base)} active in {_name(after)} too: with the "
        "feature, light without; an association, no effect",
        alt=alt_text(
            "Dots with intervals", "users who came back, with a feature and without",
            "Share of a period's active users that were active in the next one",
            [f"{row['label']}: {format_share(row['value'])} against {format_share(row['other'])}"
             for row in records(frame)],
        ),
    )  # fmt: skip


def _name(period: Period) -> str:
    return period_name({"grain": period.grain, "start": period.start, "period": period.label})
