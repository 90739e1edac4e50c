"""The message of each chart, and what is said of it to those who cannot see it.

A title is a sentence with its number, taken from the frame that the chart shows; a chart without a
value says so. Nothing here claims that a difference is more than chance.
"""

import math
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

import pandas as pd

from kpikit.formats import (
    Unit,
    format_count,
    format_date,
    format_delta_rel,
    format_interval,
    format_share,
    format_value,
    is_missing,
    plural,
)
from kpikit.periods import Grain
from kpikit.present.frames import Row, cohort_name, day_of, records
from kpikit.present.sentences import is_plural

NOT_GIVEN = "not given"  # how a missing reason is called
_LEAST_FOR_RECORD = 6  # fewer periods than these have no "highest of"


def trend_title(frame: pd.DataFrame, *, label: str, unit: Unit, currency: str = "") -> str:
    """Return the message of a trend or of columns: the last complete period, and a year before.

    ``Net revenue was £264 k in Sep 2026, against £235 k a year before: the highest of 24 months``

    Args:
        frame: One row per period: ``period``, ``start``, ``grain``, ``value``; where known
            ``previous`` (a year before) and ``complete``.
        label: Name of the metric.
        unit: What it counts.
        currency: ISO code, for money.
    """
    rows = [row for row in _known(frame, "value", by="start") if row.get("complete", True)]
    if not rows:
        return f"{label}: no complete period has a value"
    last = rows[-1]
    verb = "were" if is_plural(label) else "was"
    value = format_value(last["value"], unit, currency=currency, short=True)
    text = f"{label} {verb} {value} in {period_name(last)}"
    if not is_missing(last.get("previous")):
        before = format_value(last["previous"], unit, currency=currency, short=True)
        text += f", against {before} a year before"
    return text + _record(rows)


def columns_title(
    frame: pd.DataFrame, *, label: str, unit: Unit, currency: str = "", additive: bool
) -> str:
    """Return the message of columns: what they sum to, or where a metric that has no sum lay.

    ``Net revenue came to £425 k in 12 months, +18.1 % on the year before`` or ``Average order
    value: £79.10 (Jul 2026) to £98.22 (Sep 2026)``. Only complete periods count.

    Args:
        frame: One row per period: ``period``, ``start``, ``grain``, ``value``; where known
            ``previous`` (a year before) and ``complete``.
        label: Name of the metric.
        unit: What it counts.
        currency: ISO code, for money.
        additive: Whether its values add up.
    """
    rows = [row for row in _known(frame, "value", by="start") if row.get("complete", True)]
    if not rows:
        return f"{label}: no complete period has a value"

    def text(value: float) -> str:
        return format_value(value, unit, currency=currency, short=True)

    noun = plural(len(rows), str(rows[-1].get("grain") or "period"))
    if not additive:
        low = min(rows, key=lambda row: row["value"])
        high = max(rows, key=lambda row: row["value"])
        if text(low["value"]) == text(high["value"]):
            when = period_name(low) if len(rows) == 1 else f"each of {noun}"
            return f"{label} {'were' if is_plural(label) else 'was'} {text(low['value'])} in {when}"
        ends = [f"{text(row['value'])} ({period_name(row)})" for row in (low, high)]
        return f"{label}: {' to '.join(ends)}"
    total, before = (sum(row.get(name, math.nan) for row in rows) for name in ("value", "previous"))
    said = f"{label} came to {text(total)} in {noun}"
    if is_missing(before) or before <= 0:
        return said
    return f"{said}, {format_delta_rel(total / before - 1)} on the year before"


def middle_title(frame: pd.DataFrame, *, label: str, unit: Unit) -> str:
    """Return the message of scattered values: their middle, and the last one.

    ``Cycle time: 4.8 days in the middle of 26 weeks, 5.3 days in the last``

    Args:
        frame: One row per period: ``start``, ``grain``, ``value`` and ``middle`` (the median).
        label: Name of the metric.
        unit: What it counts.
    """
    rows = _known(frame, "value", by="start")
    middle, last = (format_value(rows[-1][name], unit) for name in ("middle", "value"))
    noun = plural(len(rows), str(rows[-1]["grain"]))
    return f"{label}: {middle} in the middle of {noun}, {last} in the last"


def latest_cohort_title(
    table: pd.DataFrame, curve: pd.DataFrame, *, grain: Grain, who: str = "users"
) -> str:
    """Return the message of a cohort triangle: how the latest cohort began, beside all others.

    ``45 % of the 192 users of Aug 2026 were back after 1 month, 39 % of all``

    Args:
        table: ``retention_table``: ``cohort``, ``age``, ``cohort_size``, ``retention_rate``.
        curve: ``retention_curve`` of the cohorts.
        grain: Length of an age.
        who: Who is counted.
    """
    ages = table.loc[table["age"] > 0, "age"]
    if ages.empty:
        return f"No cohort of {who} has a complete {grain} after its first yet"
    age = int(ages.min())
    last = records(table[table["age"] == age].sort_values("cohort"))[-1]
    mean = curve.loc[curve["age"] == age, "retention_rate"]
    when = ("the week of " if grain == "week" else "") + cohort_name(last["cohort"], grain)
    rate, size = format_share(last["retention_rate"], digits=0), format_count(last["cohort_size"])
    text = f"{rate} of the {size} {who} of {when} were back after {plural(age, grain)}"
    return f"{text}, {format_share(mean.iloc[0], digits=0)} of all" if len(mean) else text


def cohorts_title(curve: pd.DataFrame, *, grain: Grain, who: str = "users") -> str:
    """Return the message of a retention curve.

    ``49.5 % of users are back after 1 week, 17.6 % after 8 weeks``

    Args:
        curve: ``retention_curve`` of the cohorts: ``age``, ``retention_rate``.
        grain: Length of an age.
        who: Who is counted.
    """
    known = [row for row in _known(curve, "retention_rate", by="age") if row["age"] > 0]
    if not known:
        return f"No cohort of {who} has a complete {grain} after its first yet"
    ages = [plural(int(row["age"]), grain) for row in known]
    rates = [format_share(row["retention_rate"]) for row in known]
    text = f"{rates[0]} of {who} are back after {ages[0]}"
    return f"{text}, {rates[-1]} after {ages[-1]}" if len(known) > 1 else text


def survival_title(table: pd.DataFrame, *, at: float, time_unit: str, who: str) -> str:
    """Return the message of a survival curve.

    ``73.5 % (71.9 to 75.0 %) of subscriptions last beyond 12 months``

    Args:
        table: ``survival_table``, or ``survival_at``.
        at: The time to name; one that nobody has been observed to yet is replaced by the last.
        time_unit: What it counts, in the plural.
        who: What is counted.
    """
    known = _known(table, "survival", by="time")
    if not known:
        return f"No end of {who} has been observed yet"
    at = min(at, float(known[-1]["time"]))
    reached = [row for row in known if row["time"] <= at]
    share = _with_interval(reached[-1], "survival", "share") if reached else format_share(1.0)
    noun = time_unit.removesuffix("s") if at == 1 else time_unit
    return f"{share} of {who} last beyond {at:g} {noun}"


def _with_interval(row: Row, name: str, unit: Unit, currency: str = "") -> str:
    """Return a number with its interval, where that is known and is one."""
    text = format_value(row[name], unit, currency=currency, short=True)
    low, high = row.get("ci_low"), row.get("ci_high")
    if is_missing(low) or is_missing(high) or low == high:
        return text
    return f"{text} ({format_interval(low, high, unit, currency=currency)})"


def mrr_title(movements: Row, *, currency: str) -> str:
    """Return the message of an MRR waterfall: its ends, the greatest gain, the greatest loss.

    ``MRR went from $120 k to $138 k: new customers brought $24.0 k, churn took $14.0 k``

    Args:
        movements: A row of ``mrr_table``.
        currency: ISO code.
    """

    def money(name: str) -> str:
        return format_value(float(movements[name]), "money", currency=currency, short=True)

    if is_missing(movements["mrr_start"]) or is_missing(movements["mrr_end"]):
        return "MRR is not known at both ends of the period"
    gains = {"new": "new customers", "reactivation": "returning customers",
             "expansion": "expansion"}  # fmt: skip
    losses = {"contraction": "contraction", "churned": "churn"}
    gain = max(gains, key=lambda name: movements[name])
    loss = max(losses, key=lambda name: movements[name])
    clauses = [f"{gains[gain]} brought {money(gain)}"] if movements[gain] > 0 else []
    clauses += [f"{losses[loss]} took {money(loss)}"] if movements[loss] > 0 else []
    text = f"MRR went from {money('mrr_start')} to {money('mrr_end')}"
    return f"{text}: {', '.join(clauses)}" if clauses else f"{text}: nothing moved"


def churn_title(reasons: pd.DataFrame) -> str:
    """Return the message of churn reasons.

    ``“Price” is the reason most often given: 412 of 808 who left, 51 %``

    Args:
        reasons: ``churn_reasons_table``: ``reason``, ``customers``, ``share``.
    """
    rows = records(reasons)
    if not rows:
        return "Nobody left in the period"
    left = int(sum(row["customers"] for row in rows))
    given = [row for row in rows if row["reason"] != NOT_GIVEN]
    if not given:
        return f"{plural(left, 'customer')} left, and no reason is known"
    top = given[0]
    share, count = format_share(top["share"], digits=0), format_count(top["customers"])
    reason = str(top["reason"])[:1].upper() + str(top["reason"])[1:]
    return f"“{reason}” is the reason most often given: {count} of {left:,} who left, {share}"


def segments_title(
    segments: pd.DataFrame, *, label: str, unit: Unit, currency: str = "", other: str = "other"
) -> str:
    """Return the message of ranked segments.

    ``Net revenue: United Kingdom leads with £512 k, 69 % of the total``, or, where there are no
    shares, ``Conversion is highest for Germany: 3.10 % (2.91 to 3.30 %)``.

    Args:
        segments: ``segment``, ``value``; where known ``share``, ``ci_low``, ``ci_high``.
        label: Name of the metric.
        unit: What it counts.
        currency: ISO code, for money.
        other: Segment that gathers the rest; it is never named.
    """
    known = [row for row in _known(segments, "value") if row["segment"] != other]
    if not known:
        return f"{label}: no segment has a value"
    top = max(known, key=lambda row: row["value"])
    value = format_value(top["value"], unit, currency=currency, short=True)
    if is_missing(top.get("share")):
        verb = "are" if is_plural(label) else "is"
        found = _with_interval(top, "value", unit, currency)
        return f"{label} {verb} highest for {top['segment']}: {found}"
    leaders = [str(row["segment"]) for row in known if row["value"] == top["value"]]
    if len(leaders) > 1:
        return f"{label}: {', '.join(leaders[:-1])} and {leaders[-1]} lead with {value} each"
    share = format_share(top["share"], digits=0) if top["share"] >= 0.005 else "under 1 %"
    return f"{label}: {top['segment']} leads with {value}, {share} of the total"


def nps_title(frame: pd.DataFrame, *, label: str = "NPS", value: str = "nps") -> str:
    """Return the message of a score by period, in points.

    ``NPS was 38 (31 to 45) in 2026Q3, 36 (30 to 42) in 2026Q2``; of a last period that is not
    ``complete``, ``NPS stands at 38 (31 to 45) in 2026Q3 so far, 36 (30 to 42) in 2026Q2``.

    Args:
        frame: One row per ``period`` (label), in order: the score, ``ci_low``, ``ci_high``; where
            known ``complete``.
        label: Name of the score.
        value: Column of the score.
    """
    known = _known(frame, value)
    if not known:
        return f"{label}: no period has an answer"
    *before, last = [f"{_estimate(row, value)} in {row['period']}" for row in known[-2:]]
    finished = known[-1].get("complete", True)
    said = f"{label} was {last}" if finished else f"{label} stands at {last} so far"
    return ", ".join([said, *before])


def composition_title(frame: pd.DataFrame, *, parts: Mapping[str, str]) -> str:
    """Return the message of a composition: ``55 % promoters, 28 % passives in 2026Q3``.

    Args:
        frame: One row per ``period`` (label), in order, with a column of shares per part.
        parts: Column of each part to its name.
    """
    known = records(frame.dropna(subset=list(parts)))
    if not known:
        return "No period has an answer"
    shares = [f"{format_share(known[-1][key], digits=0)} {name}" for key, name in parts.items()]
    return f"{', '.join(shares)} in {known[-1]['period']}"


def alt_text(kind: str, label: str, definition: str, numbers: Iterable[str]) -> str:
    """Return what a reader who cannot see a chart is told.

    Args:
        kind: What is drawn: ``Lines by month``.
        label: The metric, or what is shown.
        definition: The metric's formula or question.
        numbers: The main numbers of the frame, each as ``2026Q3: 38``.
    """
    parts = [f"{kind}: {label}", definition, "; ".join(numbers)]
    return " ".join(f"{part.strip().rstrip('.')}." for part in parts if part.strip())


def series_numbers(frame: pd.DataFrame, *, unit: Unit, currency: str = "") -> tuple[str, ...]:
    """Return the first, lowest, highest and last known value of periods, for alt text."""
    known = _known(frame, "value", by="start")
    if not known:
        return ("no value is known",)

    def text(row: Row) -> str:
        value = format_value(row["value"], unit, currency=currency, short=True)
        return f"{value} in {period_name(row)}" + ("" if row.get("complete", True) else " so far")

    low = min(known, key=lambda row: row["value"])
    high = max(known, key=lambda row: row["value"])
    ends = {"first": known[0], "lowest": low, "highest": high, "last": known[-1]}
    return tuple(f"{name} {text(row)}" for name, row in ends.items())


def row_numbers(
    frame: pd.DataFrame, *, name: str, value: str, unit: Unit, currency: str = "", most: int = 8
) -> tuple[str, ...]:
    """Return the first rows of a frame as ``name: value``, for alt text; says how many follow."""
    rows = records(frame)
    texts = [
        f"{row[name]}: {format_value(row[value], unit, currency=currency, short=True)}"
        for row in rows[:most]
    ]
    return (*texts, f"and {len(rows) - most} more") if len(rows) > most else tuple(texts)


def period_name(row: Row) -> str:
    """Return how a period is called in a sentence: ``Sep 2026`` for a month, else its label."""
    if row.get("grain") == "month":
        return format_date(day_of(row["start"])).split(" ", 1)[1]
    return str(row["period"])


def _known(frame: pd.DataFrame, value: str, *, by: str = "") -> list[dict[str, Any]]:
    rows = [row for row in records(frame) if not is_missing(row[value])]
    return sorted(rows, key=itemgetter(by)) if by else rows


def _record(rows: list[dict[str, Any]]) -> str:
    """Say that the last of several values is the one highest or lowest of all, if it is."""
    last, before = rows[-1]["value"], [row["value"] for row in rows[:-1]]
    if len(rows) < _LEAST_FOR_RECORD:
        return ""
    noun = plural(len(rows), str(rows[-1].get("grain") or "period"))
    if last > max(before):
        return f": the highest of {noun}"
    return f": the lowest of {noun}" if last < min(before) else ""


def _estimate(row: Row, value: str) -> str:
    text = format_value(row[value], "points")
    low, high = row.get("ci_low"), row.get("ci_high")
    if is_missing(low) or is_missing(high):
        return text
    return f"{text} ({format_interval(low, high, 'points')})"
