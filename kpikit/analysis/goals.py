"""Goals: how far they are, whether they were well set, and whether anything measures them."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kpikit.catalogue import PERSPECTIVES, Metric
from kpikit.formats import format_chance, format_date, format_declared
from kpikit.params.base import Direction
from kpikit.params.model import Goal, KeyResult
from kpikit.periods import Calendar, Grain

HOPELESS = 0.10  # a target with a smaller chance is not achievable as things stand
KEY_RESULT_COLUMNS = (
    "goal", "objective", "owner", "perspective", "metric", "unit", "direction", "baseline",
    "target", "start", "due", "period", "actual", "reason", "score", "expected", "met", "is_due",
    "p_hit",
)  # fmt: skip
SMART = ("specific", "measurable", "achievable", "relevant", "time_bound")


def key_result_table(
    goals: Iterable[Goal],
    facts: pd.DataFrame,
    metrics: Mapping[str, Metric],
    *,
    calendar: Calendar,
    as_of: dt.date,
    grain: Grain = "quarter",
    chances: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return every key result with its score and how far it should be by now.

    The score is the share of the way from the baseline to the target, 0 to 1: what was lost counts
    as nothing reached, what was gained beyond the target as all of it. A key result without a
    baseline has no way to measure, so it is met or not, without a score. A relative target rests on
    the baseline that its goal declares, whatever the data says of that time today.

    Args:
        goals: The product's goals.
        facts: Facts of the metrics by periods of ``grain``.
        metrics: Every metric by name, for its unit and direction.
        calendar: How the product cuts time.
        as_of: Last complete day.
        grain: Of the facts in which goals are read: the value of the period that holds the due day,
            or ``as_of`` where that comes first.
        chances: ``goal``, ``metric`` and ``p_hit``: the chance that the key result is met when due.

    Returns:
        One row per key result, in the order of the goals (``KEY_RESULT_COLUMNS``): ``period`` read,
        ``actual`` (NaN where missing, ``reason`` says why), ``score``, ``expected`` (share of the
        time from ``start`` to ``due`` that has passed, 0 to 1), ``met`` (None where unknown),
        ``is_due`` (the day has come) and ``p_hit``. ``direction`` is that from the baseline to the
        target, else the metric's.

    References:
        Doerr, J. (2018). Measure What Matters, for the score from 0 to 1.
    """
    values = {
        (row["metric"], row["grain"], row["start"]): row
        for row in facts[facts["dimension"] == ""].to_dict("records")
    }
    told = [] if chances is None else chances.to_dict("records")
    known = {(row["goal"], row["metric"]): row["p_hit"] for row in told}
    rows = []
    for goal in goals:
        for result in goal.key_results:
            period = calendar.period_of(min(result.due, as_of), grain)
            fact = values.get((result.metric, grain, period.start), {})
            reading = _Reading(result, metrics[result.metric], fact, calendar, as_of)
            chance = known.get((goal.key, result.metric), math.nan)
            rows.append({**_head(goal), **reading.row(), "period": period.label, "p_hit": chance})
    return pd.DataFrame(rows, columns=list(KEY_RESULT_COLUMNS))


@dataclass(frozen=True)
class _Reading:
    """A key result and the fact that tells how far it is."""

    result: KeyResult
    metric: Metric
    fact: Mapping[Any, Any]
    calendar: Calendar
    as_of: dt.date

    @property
    def direction(self) -> Direction:
        baseline, aim = self.result.baseline, self.result.aim
        if baseline is None:
            return self.metric.direction
        return "up" if aim > baseline else "down"

    def row(self) -> dict[str, Any]:
        result, actual = self.result, float(self.fact.get("value", math.nan))
        start = result.start or self.calendar.period_of(result.due, "quarter").start
        known = math.isfinite(actual)
        ahead = actual >= result.aim if self.direction == "up" else actual <= result.aim
        return {
            "metric": self.metric.name,
            "unit": self.metric.unit,
            "direction": self.direction,
            "baseline": math.nan if result.baseline is None else result.baseline,
            "target": result.aim,
            "start": start,
            "due": result.due,
            "actual": actual,
            "reason": "" if known else self.fact.get("reason") or "no value of the period",
            "score": self._score(actual),
            "expected": _elapsed(start, result.due, self.as_of),
            "met": ahead if known else None,
            "is_due": result.due <= self.as_of,
        }

    def _score(self, actual: float) -> float:
        baseline, aim = self.result.baseline, self.result.aim
        if baseline is None or not math.isfinite(actual):
            return math.nan
        return min(max((actual - baseline) / (aim - baseline), 0.0), 1.0)


def goal_table(goals: Iterable[Goal], key_results: pd.DataFrame) -> pd.DataFrame:
    """Return a row per goal: the mean score of its key results, and what it lacks.

    Args:
        goals: The product's goals.
        key_results: From ``key_result_table``.

    Returns:
        In the order of ``goals``: ``goal``, ``objective``, ``owner``, ``perspective``,
        ``key_results`` (number), ``scored`` (those with a score), ``score`` (their mean, NaN
        without any), ``expected`` (mean of the same), ``due`` (the last, None without any) and
        ``remark``: why there is no score, or that it leaves some out.
    """
    rows = []
    for goal in goals:
        found = key_results[key_results["goal"] == goal.key]
        scored = found[found["score"].notna()]
        rows.append(
            {
                **_head(goal),
                "key_results": len(found),
                "scored": len(scored),
                "score": scored["score"].mean(),
                "expected": scored["expected"].mean(),
                "due": found["due"].max() if len(found) else None,
                "remark": _remark(len(found), len(scored)),
            }
        )
    columns = [
        "goal", "objective", "owner", "perspective", "key_results", "scored", "score", "expected",
        "due", "remark",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def smart_table(
    key_results: pd.DataFrame,
    *,
    scorecard: Sequence[str],
    limits: pd.DataFrame | None = None,
    currency: str = "",
) -> pd.DataFrame:
    """Return whether each key result is specific, measurable, achievable, relevant and timed.

    * specific: somebody answers for the goal, and the way is known: it has a baseline;
    * measurable: its KPI has a value;
    * achievable: the chance to hit it is at least 10 %; without a chance, the target lies within
      the process's own limits. It is unknown without either;
    * relevant: the goal has a perspective, and its KPI stands on the scorecard;
    * time-bound: the due day lies ahead, or has come with the outcome known.

    Args:
        key_results: From ``key_result_table``.
        scorecard: Names of the KPIs on the scorecard.
        limits: ``metric``, ``lower``, ``upper``: limits of routine variation of each process.
        currency: ISO code, for the reasons.

    Returns:
        One row per key result: ``goal``, ``metric``, the five (True, False, or None for unknown),
        ``verdict`` (``smart``, ``not_smart``, or ``unknown`` where nothing fails but something is
        unknown) and ``reason``: the clauses that decided.

    References:
        Doran, G. T. (1981). There's a S.M.A.R.T. way to write management's goals and objectives.
        Management Review 70(11), 35-36. Wheeler, D. J. (2000). Understanding Variation, for goals
        against the voice of the process.
    """
    bounds = _bounds(limits)
    rows = []
    for row in key_results.to_dict("records"):
        checks = {
            "specific": _specific(row),
            "measurable": _measurable(row),
            "achievable": _achievable(row, bounds.get(row["metric"]), currency),
            "relevant": _relevant(row, scorecard),
            "time_bound": _time_bound(row),
        }
        results = {name: found for name, (found, _) in checks.items()}
        failed = [why for found, why in checks.values() if found is False]
        unsure = [why for found, why in checks.values() if found is None]
        verdict = "not_smart" if failed else "unknown" if unsure else "smart"
        reason = "; ".join(failed or unsure or [checks["achievable"][1]])
        ids = {name: row[name] for name in ("goal", "metric")}
        rows.append({**ids, **results, "verdict": verdict, "reason": reason})
    return pd.DataFrame(rows, columns=["goal", "metric", *SMART, "verdict", "reason"])


def coverage_table(goals: Iterable[Goal], metrics: Iterable[Metric]) -> pd.DataFrame:
    """Return what each perspective of the balanced scorecard holds.

    Args:
        goals: The product's goals; one without a perspective counts for none.
        metrics: KPIs on the scorecard.

    Returns:
        One row per perspective, in their fixed order: ``perspective``, ``objectives``, ``kpis``,
        ``leading`` and ``lagging`` (KPIs), ``gap``: what is missing, in words; empty where nothing.

    References:
        Kaplan, R. S. and Norton, D. P. (1996). The Balanced Scorecard: every perspective holds
        objectives with outcomes and with drivers of them.
    """
    objectives, chosen = list(goals), list(metrics)
    rows = []
    for name in PERSPECTIVES:
        kpis = [metric for metric in chosen if metric.perspective == name]
        counts = {
            "objectives": sum(goal.perspective == name for goal in objectives),
            "kpis": len(kpis),
            "leading": sum(metric.leading for metric in kpis),
            "lagging": sum(not metric.leading for metric in kpis),
        }
        lacks = [
            f"no {word}"
            for key, word in (
                ("objectives", "objective"), ("leading", "leading KPI"), ("lagging", "lagging KPI")
            )
            if not counts[key]
        ]  # fmt: skip
        rows.append({"perspective": name, **counts, "gap": ", ".join(lacks)})
    return pd.DataFrame(rows)


def orphan_table(goals: Iterable[Goal], metrics: Iterable[Metric]) -> pd.DataFrame:
    """Return what hangs loose: KPIs that serve no goal, objectives that no KPI measures.

    Args:
        goals: The product's goals.
        metrics: KPIs on the scorecard.

    Returns:
        ``kind`` (``orphan_kpi`` or ``objective_without_kpi``), ``name`` (of the metric, or the
        goal's key) and ``label`` (as printed): KPIs first, each in the order given.
    """
    objectives = list(goals)
    measured = {result.metric for goal in objectives for result in goal.key_results}
    rows = [
        ("orphan_kpi", metric.name, metric.label)
        for metric in metrics
        if metric.name not in measured
    ]
    rows += [
        ("objective_without_kpi", goal.key, goal.objective)
        for goal in objectives
        if not goal.key_results
    ]
    return pd.DataFrame(rows, columns=["kind", "name", "label"])


def _bounds(limits: pd.DataFrame | None) -> dict[Any, tuple[float, float]]:
    rows = [] if limits is None else limits.to_dict("records")
    return {row["metric"]: (float(row["lower"]), float(row["upper"])) for row in rows}


def _head(goal: Goal) -> dict[str, Any]:
    return {
        "goal": goal.key,
        "objective": goal.objective,
        "owner": goal.owner,
        "perspective": goal.perspective or "",
    }


def _elapsed(start: dt.date, due: dt.date, as_of: dt.date) -> float:
    """Return the share of the days from ``start`` to ``due``, both included, that has passed."""
    passed, days = (as_of - start).days + 1, (due - start).days + 1
    return min(max(passed / days, 0.0), 1.0)


def _remark(count: int, scored: int) -> str:
    if not count:
        return "no key result measures it"
    if not scored:
        return "no key result has both a baseline and a value"
    left_out = count - scored
    return f"{left_out} of {count} key results have no score" if left_out else ""


def _specific(row: Mapping[Any, Any]) -> tuple[bool, str]:
    lacks = []
    if not row["owner"]:
        lacks.append("nobody answers for it")
    if math.isnan(row["baseline"]):
        lacks.append("it has no baseline")
    return not lacks, " and ".join(lacks)


def _measurable(row: Mapping[Any, Any]) -> tuple[bool, str]:
    return row["met"] is not None, f"its KPI has no value: {row['reason']}"


def _achievable(
    row: Mapping[Any, Any], limits: tuple[float, float] | None, currency: str
) -> tuple[bool | None, str]:
    if row["is_due"] and row["met"] is not None:
        return True, "it is due, and was met" if row["met"] else "it is due, and was missed"
    chance = row["p_hit"]
    if math.isfinite(chance):
        return bool(chance >= HOPELESS), f"the chance to hit it is {format_chance(chance)}"
    if limits is None or not all(map(math.isfinite, limits)):
        return None, "neither its chance nor the limits of its process are known"
    lower, upper = limits
    low, high = (format_declared(end, row["unit"], currency=currency) for end in limits)
    inside = row["target"] <= upper if row["direction"] == "up" else row["target"] >= lower
    where = "within" if inside else "beyond"
    return bool(inside), f"the target lies {where} what its process gives, {low} to {high}"


def _relevant(row: Mapping[Any, Any], scorecard: Sequence[str]) -> tuple[bool, str]:
    lacks = []
    if not row["perspective"]:
        lacks.append("the goal has no perspective")
    if row["metric"] not in scorecard:
        lacks.append("its KPI is not on the scorecard")
    return not lacks, " and ".join(lacks)


def _time_bound(row: Mapping[Any, Any]) -> tuple[bool, str]:
    known = not row["is_due"] or row["met"] is not None
    return known, f"it was due on {format_date(row['due'])}, and its outcome is unknown"
