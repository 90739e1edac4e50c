"""What periods to come are foreseen to bring, and how such forecasts fared: frames for sections."""

import datetime as dt
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpikit.analysis.calibration import TARGET_FACTORS, backtests, reliability_table
from kpikit.analysis.pace import pace
from kpikit.catalogue import Metric
from kpikit.ledger import forecast_score_table, forecast_skill_table
from kpikit.params.registers import Target
from kpikit.periods import Period
from kpikit.sections.context import Context
from kpikit.sections.evidence import Course, course_to, open_period

LEVELS = (0.5, 0.8, 0.95)
LEDGER_COLUMNS = (
    "metric", "period", "mean", "low_80", "high_80", "low_95", "high_95", "naive", "target",
    "p_hit",
)  # fmt: skip
PROSPECT_COLUMNS = (
    *LEDGER_COLUMNS, "label", "unit", "direction", "start", "end", "so_far", "elapsed", "parts",
    "part", "low_50", "high_50", "p_50", "p_80", "method", "required_rate", "best_rate",
)  # fmt: skip


def target_of(context: Context, metric: Metric, period: Period) -> Target | None:
    """Return what is declared for a KPI and a period."""
    return next(
        (
            target
            for target in context.params.targets
            if target.metric == metric.name and context.calendar.parse(target.period) == period
        ),
        None,
    )


def prospect_table(context: Context, pairs: Iterable[tuple[Metric, Period]]) -> pd.DataFrame:
    """Return what each KPI is foreseen to come to in a period that is not over.

    Args:
        context: The report's.
        pairs: KPIs and periods; those without a forecast are no rows.

    Returns:
        One row per pair: what the ledger keeps of it (``LEDGER_COLUMNS``; ``naive`` is the value a
        year before), ``so_far`` (of the ``elapsed`` of ``parts`` periods of the grain ``part``),
        the ends of the intervals, ``p_50`` and ``p_80`` (values hit with that probability), the
        ``method`` and, for what adds up towards a target, ``required_rate`` (what each part to
        come must bring) and ``best_rate`` (the best average of as many in a row, ever).
    """
    found = (_row(context, metric, period) for metric, period in pairs)
    rows = [row for row in found if row is not None]
    return pd.DataFrame(rows, columns=list(PROSPECT_COLUMNS))


def outcome_table(
    context: Context, metrics: Iterable[Metric], period: Period, *, known: dt.date
) -> pd.DataFrame:
    """Return what was foreseen of a period by an earlier day, beside what came.

    The forecast is the one that the last earlier review to have one published; where the ledger has
    none, it is made now from the data as it stands, cut at that day: what was corrected since is in
    it.

    Args:
        context: The report's.
        metrics: KPIs; those without a forecast or a value are no rows.
        period: A period that is over.
        known: Last day that a forecast made now knows.

    Returns:
        One row per KPI: ``metric``, ``label``, ``unit``, ``period``, ``reported_in`` (period of the
        review that published the forecast, empty where it is made now), ``mean``, ``low_80``,
        ``high_80``, ``actual``, ``error`` (actual - mean), ``inside_80`` (None without an
        interval), ``reason`` (why the two cannot be compared, empty where they can), and of all
        such forecasts that the history allows to try: ``trials`` (number), ``mae`` and
        ``mae_naive`` (mean absolute errors of the forecast and of last year's value); of those
        that reviews published of periods as long: ``published`` (number) and ``skill``
        (``forecast_skill_table``).
    """
    scores = published_scores(context)
    as_long = [context.calendar.parse(label).grain == period.grain for label in scores["period"]]
    skills = forecast_skill_table(scores[pd.Series(as_long, scores.index, dtype=bool)])
    skill = {row["metric"]: row for row in skills.to_dict("records")}
    rows = []
    for metric in metrics:
        actual = value_of(context, metric, period)
        course = course_to(context, metric, period, as_of=known)
        found = _published(scores, metric, period) or _made(course)
        if found is None or math.isnan(actual):
            continue
        low, high = found["low_80"], found["high_80"]
        has_ends = not (math.isnan(low) or found["reason"])
        later = course_to(context, metric, context.calendar.shift(period, 1)) or course
        rows.append(
            {
                "metric": metric.name,
                "label": metric.label,
                "unit": metric.unit,
                "period": period.label,
                **found,
                "actual": actual,
                "error": actual - found["mean"],
                "inside_80": low <= actual <= high if has_ends else None,
                **_trials(later),
                "published": skill.get(metric.name, {}).get("n", 0),
                "skill": skill.get(metric.name, {}).get("skill", math.nan),
            }
        )
    columns = [
        "metric", "label", "unit", "period", "reported_in", "mean", "low_80", "high_80", "actual",
        "error", "inside_80", "reason", "trials", "mae", "mae_naive", "published", "skill",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def published_scores(context: Context) -> pd.DataFrame:
    """Return what earlier reviews foresaw of the scorecard's KPIs, beside what came.

    It is made once per report.

    Returns:
        ``forecast_score_table`` of the periods that the review knows whole.
    """
    return context.once("published_scores", lambda: _published_scores(context))


def _published_scores(context: Context) -> pd.DataFrame:
    metrics = {metric.name: metric for metric in context.metrics}
    forecasts = context.earlier.forecasts
    foreseen = zip(forecasts["metric"].tolist(), forecasts["period"].tolist(), strict=True)
    came = [
        {
            "metric": name,
            "period": label,
            "value": value_of(context, metrics[name], context.calendar.parse(label)),
            "complete": True,  # a value of a period that is not whole is NaN
        }
        for name, label in dict.fromkeys(foreseen)
        if name in metrics
    ]
    versions = {name: metric.version for name, metric in metrics.items()}
    return forecast_score_table(context.earlier, came, definitions=versions)


def chances_table(context: Context) -> pd.DataFrame:
    """Return how the chances fared that kpikit would have given earlier, of every KPI together.

    Each total of the open period's length is foretold from each earlier point, and held against
    targets of last year's value times ``TARGET_FACTORS``. Chances of one quarter hang together,
    whatever the KPI: the intervals know it.

    Returns:
        ``reliability_table`` by fifths; without rows where no history is long enough.
    """
    found = [chance for metric in context.metrics for chance in _chances(context, metric)]
    return reliability_table(
        [chance.probability for chance in found],
        [chance.hit for chance in found],
        bins=5,
        groups=[chance.quarter for chance in found],
    )


class _Chance(NamedTuple):
    """A probability that kpikit would have given in a quarter, and whether it came true."""

    probability: float
    hit: bool
    quarter: str


def _chances(context: Context, metric: Metric) -> list[_Chance]:
    course = course_to(context, metric, open_period(context))
    if course is None:
        return []
    rows = backtests(
        course.series,
        periods=len(course.parts),
        season_length=course.season_length,
        aggregate=course.aggregate,
        factors=TARGET_FACTORS,
        direction=metric.direction,
    )
    calendar = context.calendar
    ends = {label: calendar.parse(label).end for label in dict.fromkeys(row.origin for row in rows)}
    quarters = {label: calendar.period_of(end, "quarter").label for label, end in ends.items()}
    return [_Chance(row.probability, row.hit, quarters[row.origin]) for row in rows]


def value_of(context: Context, metric: Metric, period: Period) -> float:
    """Return a KPI's value in a whole period, NaN where it is unknown or not complete.

    A year of what adds up is the sum of its months, for years have no facts of their own.
    """
    by_month = period.grain == "year" and metric.additive
    parts = context.calendar.split(period, "month") if by_month else [period]
    rows = context.series(metric.name, parts[0].grain)
    starts = {part.start for part in parts}
    columns = (rows[name].tolist() for name in ("start", "complete", "value"))
    found = [
        value for start, whole, value in zip(*columns, strict=True) if whole and start in starts
    ]
    return float(np.sum(found)) if len(found) == len(parts) else math.nan


def _row(context: Context, metric: Metric, period: Period) -> dict[str, Any] | None:
    """Return a row of ``prospect_table``, made once per report; None without a forecast."""
    course = course_to(context, metric, period)
    if course is None:
        return None
    key = ("prospect", metric.name, period)
    return context.once(key, lambda: _foreseen(context, metric, period, course))


def _foreseen(context: Context, metric: Metric, period: Period, course: Course) -> dict[str, Any]:
    total, target = course.total, target_of(context, metric, period)
    ends = {level: total.interval(level) for level in LEVELS}
    modest, bold = total.interval(0.6)  # exceeded with 80 and with 20 %
    return {
        "metric": metric.name,
        "label": metric.label,
        "unit": metric.unit,
        "direction": metric.direction,
        "period": period.label,
        "start": period.start,
        "end": period.end,
        "so_far": total.actual if course.elapsed else math.nan,
        "elapsed": course.elapsed,
        "parts": len(course.parts),
        "part": course.parts[0].grain,
        "mean": total.mean,
        **{f"low_{100 * level:g}": low for level, (low, _) in ends.items()},
        **{f"high_{100 * level:g}": high for level, (_, high) in ends.items()},
        "p_50": total.mean,
        "p_80": modest if metric.direction == "up" else bold,
        "naive": value_of(context, metric, context.calendar.year_before(period)),
        "target": math.nan if target is None else target.value,
        "p_hit": math.nan
        if target is None
        else total.chance_of(target.value, direction=metric.direction),
        "method": total.method,
        **_pace(metric, target, course),
    }


def _pace(metric: Metric, target: Target | None, course: Course) -> dict[str, float]:
    if target is None or course.aggregate != "sum":
        return {"required_rate": math.nan, "best_rate": math.nan}
    found = pace(
        course.series,
        target=target.value,
        periods=len(course.parts),
        elapsed=course.elapsed,
        year_length=course.season_length,
        direction=metric.direction,
    )
    return {"required_rate": found.required_rate, "best_rate": found.best_rate}


def _published(scores: pd.DataFrame, metric: Metric, period: Period) -> dict[str, Any] | None:
    """Return the forecast of a period that the last earlier review to have one published."""
    own = scores[(scores["metric"] == metric.name) & (scores["period"] == period.label)]
    if own.empty:
        return None
    last = own.iloc[-1]
    return {name: last[name] for name in ("reported_in", "mean", "low_80", "high_80", "reason")}


def _made(course: Course | None) -> dict[str, Any] | None:
    """Return the forecast that can be made of a period now."""
    if course is None:
        return None
    found = course.total
    low, high = found.interval(0.8)
    return {"reported_in": "", "mean": found.mean, "low_80": low, "high_80": high, "reason": ""}


def _trials(course: Course | None) -> dict[str, float]:
    """Return how such forecasts fared from every earlier point."""
    if course is None:
        return {"trials": 0, "mae": math.nan, "mae_naive": math.nan}
    rows = backtests(
        course.series,
        periods=len(course.parts),
        season_length=course.season_length,
        aggregate=course.aggregate,
    )
    missed = [abs(row.actual - row.forecast) for row in rows]
    naive = [abs(row.actual - row.naive) for row in rows]
    return {
        "trials": len(rows),
        "mae": float(np.mean(missed)) if rows else math.nan,
        "mae_naive": float(np.mean(naive)) if rows else math.nan,
    }
