"""Goals as a table and in lines: how far each is, whether it was well set, what is said to lead."""

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from kpikit.analysis.scorecard import LIKELY
from kpikit.formats import (
    MISSING,
    format_chance,
    format_date,
    format_declared,
    format_interval,
    format_value,
    is_missing,
    plural,
)
from kpikit.present.components import Bullet, Cell, Column, Table, Tone
from kpikit.present.frames import Row, day_of, records
from kpikit.present.sentences import is_plural, mid_sentence, value_text

_VERDICTS: Mapping[str, tuple[str, Tone]] = {
    "smart": ("SMART", "neutral"),
    "not_smart": ("not SMART", "warning"),
    "unknown": ("SMART?", "neutral"),
}
_FINDINGS: Mapping[str, str] = {
    "associated": "rise and fall together, so much later",
    "opposite": "one rises where the other falls",
    "not_found": "no association found",
    "too_short": "cannot be told: it takes 20 pairs that vary",
}
_ROUNDING = 1e-9  # shares alike up to this are the same
_COLUMNS = (
    Column("kpi", "Key result", width=1.6),
    Column("baseline", "Baseline", "number", width=0.9),
    Column("actual", "Now", "number", width=1.2, emphasis=True),
    Column("target", "Target", "number", width=0.9),
    Column("due", "Due", width=1.1),
    Column("score", "Score", "number", width=0.6),
    Column("bullet", "Expected today", "bullet", width=1.4),
    Column("before", "Quarter before", "number", width=0.8),
    Column("p_hit", "P(hit)", "number", width=0.8),
    Column("smart", "Set well?", width=3.2),
)


def goals_table(
    goals: pd.DataFrame,
    key_results: pd.DataFrame,
    *,
    currency: str = "",
    as_of: dt.date,
) -> Table:
    """Return a group per goal and a row per key result.

    The bar is the score from 0 to 1, the tick the share of the time that has passed.

    Args:
        goals: ``analysis.goals.goal_table``.
        key_results: ``key_result_table`` with ``label``, ``unfinished`` (whether the period read
            still runs), ``score_before`` (that of the quarter before, NaN without one), and
            ``verdict`` and ``reason_smart`` of ``smart_table``, and ``reason_baseline``: why the
            score does not compare the two values that it is made of.
        currency: ISO code, for money.
        as_of: Last complete day.
    """
    rows: list[dict[str, str | Cell]] = []
    for goal in records(goals):
        rows.append({"group": _heading(goal)})
        own = key_results[key_results["goal"] == goal["goal"]]
        rows += [_key_result(row, currency) for row in records(own)]
    columns = tuple(column for column in _COLUMNS if any(row.get(column.key) for row in rows))
    return Table(
        columns or _COLUMNS[:1],
        tuple(rows),
        goals_title(goals, key_results, as_of=as_of),
        "Score: share of the way from baseline to target, 0 to 1; tick: share of the time passed",
        tuple(
            f"{row['label']}: the baseline is not comparable with the value now, "
            f"{row['reason_baseline']}."
            for row in records(key_results)
            if row["reason_baseline"]
        ),
    )


def goals_title(goals: pd.DataFrame, key_results: pd.DataFrame, *, as_of: dt.date) -> str:
    """Return the message of the goals: how many are where the time passed wants them, what follows.

    ``1 of 2 goals is where it should be on 30 Sep 2026; 1 of 3 open key results is likely to be
    met``: with a probability above 67 %, as the headlines have it.

    Args:
        goals: ``analysis.goals.goal_table``: ``score`` and ``expected``.
        key_results: ``key_result_table``: ``is_due`` and ``p_hit``.
        as_of: Last complete day.
    """
    chances = key_results.loc[~key_results["is_due"].astype(bool), "p_hit"].dropna()
    return f"{_standing(goals, format_date(as_of))}{_outlook(chances)}"


def _standing(goals: pd.DataFrame, day: str) -> str:
    begun = goals[goals["score"].notna() & (goals["expected"] > 0)]
    if begun.empty:
        return f"No goal with a score has begun by {day}"
    ahead = int((begun["score"] >= begun["expected"] - _ROUNDING).sum())
    if len(begun) == 1:
        goal = "The goal" if len(goals) == 1 else "The one goal that has a score and has begun"
        return f"{goal} is {'' if ahead else 'not '}where it should be on {day}"
    verb, subject = ("is", "it") if ahead == 1 else ("are", "they")
    return f"{ahead} of {len(begun)} goals {verb} where {subject} should be on {day}"


def _outlook(chances: pd.Series) -> str:
    likely = int((chances > LIKELY).sum())
    if len(chances) <= 1:
        known = "likely" if likely else "not likely"
        return f"; the open key result is {known} to be met" if len(chances) else ""
    verb = "is" if likely == 1 else "are"
    return f"; {likely} of {len(chances)} open key results {verb} likely to be met"


def coverage_text(coverage: pd.DataFrame) -> str:
    """Return in one line what each perspective of the balanced scorecard holds.

    Args:
        coverage: ``analysis.goals.coverage_table``.
    """
    parts = []
    for row in records(coverage):
        objectives = plural(row["objectives"], "objective") if row["objectives"] else "no objective"
        lagging = plural(row["lagging"], "lagging KPI") if row["lagging"] else "no lagging KPI"
        parts.append(
            f"{row['perspective']} {objectives}, {row['leading'] or 'no'} leading, {lagging}"
        )
    return f"Balanced scorecard: {'; '.join(parts)}."


def orphans_text(orphans: pd.DataFrame) -> str:
    """Return which KPIs serve no goal and which objectives no KPI measures; empty for none.

    Args:
        orphans: ``analysis.goals.orphan_table``.
    """
    kpis, objectives = (
        orphans.loc[orphans["kind"] == kind, "label"].tolist()
        for kind in ("orphan_kpi", "objective_without_kpi")
    )
    sentences = [f"KPIs that serve no goal: {', '.join(kpis)}."] if kpis else []
    if objectives:
        sentences.append(f"Objectives that no KPI measures: {', '.join(objectives)}.")
    return " ".join(sentences)


def claims_text(claims: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Return what is said to lead, and whether the two are associated, never as a cause.

    Args:
        claims: ``analysis.leading.leading_table``.
        labels: Name of each metric to its label.
    """
    told = [_claim(row, labels) for row in records(claims)]
    return (
        "Claims of leading indicators, by the correlation of changes by month, less their mean in "
        f"that month of the year (95 % interval; an association is no cause): {'; '.join(told)}."
    )


def _heading(goal: Row) -> str:
    owner = f" ({goal['owner']})" if goal["owner"] else ""
    if is_missing(goal["score"]):
        return f"{goal['objective']}{owner}: no score, {goal['remark']}"
    score, expected = (f"{goal[name]:.2f}" for name in ("score", "expected"))
    remark = f"; {goal['remark']}" if goal["remark"] else ""
    return f"{goal['objective']}{owner}: score {score}, {expected} expected{remark}"


def _key_result(row: Row, currency: str) -> dict[str, str | Cell]:
    def declared(name: str) -> str:
        return format_declared(row[name], row["unit"], currency=currency)

    now = value_text(row["actual"], row["unit"], currency)
    period = f"{row['period']} so far" if row["unfinished"] else str(row["period"])
    known = not is_missing(row["score"])
    verdict, tone = _VERDICTS[row["verdict"]]
    return {
        "kpi": str(row["label"]),
        "baseline": MISSING if is_missing(row["baseline"]) else declared("baseline"),
        "actual": MISSING if is_missing(row["actual"]) else Cell(now, note=period),
        "target": declared("target"),
        "due": format_date(day_of(row["due"])),
        "score": _score(row),
        "bullet": _bullet(row) if known else "",
        "before": "" if is_missing(row["score_before"]) else f"{row['score_before']:.2f}",
        "p_hit": _chance(row),
        "smart": Cell(verdict, tone=tone, note=str(row["reason_smart"])),
    }


def _score(row: Row) -> str | Cell:
    """Return the score, struck out where baseline and value follow two definitions."""
    if is_missing(row["score"]):
        return MISSING
    text = f"{row['score']:.2f}"
    return Cell(text, struck=True) if row["reason_baseline"] else text


def _bullet(row: Row) -> Cell:
    score, expected = float(row["score"]), float(row["expected"])
    tone: Tone = "good" if score >= expected - _ROUNDING else "bad"
    tone = tone if expected > 0 else "neutral"  # nothing is asked of what has not begun
    text = f"{score:.2f}, {expected:.2f} expected"
    return Cell(text, bullet=Bullet(score, expected, tone=tone))


def _chance(row: Row) -> str | Cell:
    """Return the chance of an open key result, the outcome of one that is due."""
    if row["is_due"]:
        return {True: "met", False: "missed"}.get(row["met"], "unknown")
    return MISSING if is_missing(row["p_hit"]) else format_chance(row["p_hit"])


def _claim(row: Row, labels: Mapping[str, str]) -> str:
    first, second = labels[row["metric"]], labels[row["outcome"]]
    verb = "move" if is_plural(first) else "moves"
    claim = f"{first} {verb} {plural(row['lag_months'], 'month')} before {mid_sentence(second)}"
    numbers = [f"n = {row['n']}"]
    if not is_missing(row["correlation"]):
        interval = format_interval(row["ci_low"], row["ci_high"], "ratio")
        numbers.insert(0, f"{format_value(row['correlation'], 'ratio')} ({interval})")
    return f"{claim}: {_FINDINGS[row['verdict']]}, {', '.join(numbers)}"
