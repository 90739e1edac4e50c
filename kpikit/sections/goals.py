"""Section 3: how far each goal is, whether it was well set, and what is said to lead."""

import datetime as dt
import math
from collections.abc import Iterable

import pandas as pd

from kpikit.analysis.goals import (
    coverage_table,
    goal_table,
    key_result_table,
    orphan_table,
    smart_table,
)
from kpikit.analysis.leading import leading_table
from kpikit.catalogue import Metric
from kpikit.periods import Grain
from kpikit.present.components import Absence, Component, Paragraph, Stack
from kpikit.present.frames import Row, records
from kpikit.present.goals import claims_text, coverage_text, goals_table, orphans_text
from kpikit.sections.context import MONTHS, Context
from kpikit.sections.evidence import foreseen, signals

_GRAIN: Grain = "quarter"  # in which goals are read
_ONE_DAY = dt.timedelta(days=1)
_NO_GOAL = (
    "No goal is declared. List some under goals:, each with an objective and its key_results, "
    "such as {metric: ..., baseline: ..., target: ..., due: ...}."
)


def goals_section(context: Context) -> Stack:
    """Return every key result with its score, its chance and whether it was well set."""
    goals = context.params.goals
    items: list[Component] = [Absence(_NO_GOAL)]
    if goals:
        frame = key_results(context)
        table = goals_table(
            goal_table(goals, frame), frame, currency=context.currency, as_of=context.as_of
        )
        lines = [
            coverage_text(coverage_table(goals, context.metrics)),
            orphans_text(orphan_table(goals, context.metrics)),
        ]
        items = [table, Paragraph(" ".join(filter(None, lines)), small=True)]
    return Stack((*items, *_claims(context)))


def key_results(context: Context) -> pd.DataFrame:
    """Return ``key_result_table`` with all that the page says of each key result.

    Columns added: ``label``, ``unfinished`` (whether the period read still runs),
    ``score_before`` (score at the end of the quarter before, NaN where it had not begun),
    ``verdict`` and ``reason_smart`` of ``smart_table``, and ``reason_baseline``: why the baseline
    does not compare with the value now, empty where it does.
    """
    last = context.calendar.previous(context.calendar.period_of(context.as_of, _GRAIN)).last_day
    facts = _facts(context, (context.as_of, last))
    frame = _read(context, facts, context.as_of)
    chances = _chances(context, records(frame))
    frame["p_hit"] = [
        chances.get(key, math.nan) for key in zip(frame["goal"], frame["metric"], strict=True)
    ]
    before = _read(context, facts, last)
    smart = smart_table(
        frame,
        scorecard=[metric.name for metric in context.metrics],
        limits=_limits(context),
        currency=context.currency,
    )
    periods = [context.calendar.parse(label) for label in frame["period"]]
    return frame.assign(
        label=[context.catalogue[name].label for name in frame["metric"]],
        unfinished=[not period.is_complete(context.as_of) for period in periods],
        score_before=before["score"].where(before["start"] <= last),
        verdict=smart["verdict"],
        reason_smart=smart["reason"],
        reason_baseline=[
            context.catalogue[row["metric"]].definition_gap(
                context.calendar.period_of(row["start"] - _ONE_DAY, _GRAIN), period
            )
            for row, period in zip(records(frame), periods, strict=True)
        ],
    )


def _facts(context: Context, days: Iterable[dt.date]) -> pd.DataFrame:
    """Return the facts in which goals are read on some days."""
    results = [result for goal in context.params.goals for result in goal.key_results]
    calendar = context.calendar
    periods = [
        calendar.period_of(min(result.due, day), _GRAIN) for day in days for result in results
    ]
    return context.facts_at([context.catalogue[result.metric] for result in results], periods)


def _read(context: Context, facts: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    return key_result_table(
        context.params.goals,
        facts,
        context.catalogue,
        calendar=context.calendar,
        as_of=as_of,
        grain=_GRAIN,
    )


def _chances(context: Context, rows: Iterable[Row]) -> dict[tuple[str, str], float]:
    """Return the chance of each open key result, by goal and metric, in the quarter it is due."""
    chances = {}
    for row in rows:
        if row["is_due"]:
            continue
        metric = context.catalogue[row["metric"]]
        period = context.calendar.period_of(row["due"], _GRAIN)
        found = foreseen(context, metric, period)
        chance = (
            math.nan
            if found is None
            else found.chance_of(row["target"], direction=row["direction"])
        )
        chances[row["goal"], row["metric"]] = chance
    return chances


def _limits(context: Context) -> pd.DataFrame:
    """Return the limits of routine variation of each goal's KPI, by quarter."""
    wanted = {result.metric for goal in context.params.goals for result in goal.key_results}
    rows = []
    for metric in context.metrics:
        chart = signals(context, metric, _GRAIN) if metric.name in wanted else {}
        if chart:
            rows.append((metric.name, chart["lower"][-1], chart["upper"][-1]))
    return pd.DataFrame(rows, columns=["metric", "lower", "upper"])


def _claims(context: Context) -> list[Component]:
    """Return whether metrics that are said to lead others are associated with them."""
    claims = context.params.leading_indicators
    if not claims:
        return []
    named = dict.fromkeys(name for claim in claims for name in (claim.metric, claim.outcome))
    metrics: list[Metric] = [context.catalogue[name] for name in named]
    months = [context.calendar.shift(context.last_month, -back) for back in range(MONTHS + 12)]
    facts = context.facts_at(metrics, months)
    whole = facts[facts["complete"].astype(bool)]
    labels = {metric.name: metric.label for metric in metrics}
    return [Paragraph(claims_text(leading_table(claims, whole), labels), small=True)]
