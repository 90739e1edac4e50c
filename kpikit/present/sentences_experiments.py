"""The words of an experiment: what is ruled out, what was decided, and what would flip it.

A sentence says what the interval says and no more. "No effect" is never written: an interval that
holds zero rules out large effects, and the sentence names how large. Every number is a frame's.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from kpikit.formats import (
    Unit,
    format_chance,
    format_count,
    format_date,
    format_delta,
    format_delta_rel,
    format_money,
    format_share,
    format_value,
    is_missing,
    plural,
)
from kpikit.present.frames import Row, records
from kpikit.present.sentences import mid_sentence

VERDICTS: Mapping[str, str] = {
    "ship": "Ship",
    "hold": "Hold",
    "stop": "Stop",
    "invalid": "No verdict",
}
GOING: Mapping[str, str] = {  # the same while a test runs
    "ship": "Ship early",
    "hold": "Go on",
    "stop": "Stop early",
    "invalid": "No verdict",
}
_IN_PROGRESS: Mapping[str, str] = {
    "ship": "In progress, and enough is known to ship",
    "hold": "In progress: go on",
    "stop": "In progress, and enough is known to stop",
    "invalid": "In progress, and not to be trusted",
}
_REMARKS: Mapping[str, str] = {"units": "fewer users than planned"}  # on checks, in words
OUTCOMES: Mapping[str, str] = {
    "better": "better",
    "worse": "worse",
    "inconclusive": "inconclusive",
    "no_verdict": "no verdict",
}


@dataclass(frozen=True)
class Words:
    """How the metrics of a test are called and counted.

    Attributes:
        labels: Metric to its name as printed.
        units: Metric to what it counts.
        currency: ISO code of the product's money.
    """

    labels: Mapping[str, str]
    units: Mapping[str, Unit]
    currency: str = ""

    def value(self, metric: str, value: float) -> str:
        """Return a mean of the metric."""
        return format_value(value, self.units[metric], currency=self.currency)

    def delta(self, metric: str, value: float) -> str:
        """Return a difference of the metric with its sign; shares differ by points."""
        return format_delta(value, self.units[metric], currency=self.currency)

    def size(self, metric: str, value: float) -> str:
        """Return the size of a difference, without a sign."""
        return self.delta(metric, abs(value)).lstrip("+±")

    def interval(self, metric: str, low: float, high: float) -> str:
        """Return both ends of a difference."""
        if is_missing(low) or is_missing(high):
            return "–"
        return f"{self.delta(metric, low)} to {self.delta(metric, high)}"

    def relabel(self, text: str) -> str:
        """Return a text of the analysis with the metrics' names as printed."""
        for metric, label in self.labels.items():
            text = re.sub(rf"\b{re.escape(metric)}\b", mid_sentence(label), text)
        return text[:1].upper() + text[1:]


def relative_interval(row: Row) -> str:
    """Return the relative effect's interval, or why there is none."""
    if is_missing(row["delta_rel"]):
        return "–"
    return f"{format_delta_rel(row['rel_ci_low'])} to {format_delta_rel(row['rel_ci_high'])}"


def verdict_title(
    decision: str, reason: str, words: Words, *, running: bool, winner: object = None
) -> str:
    """Return the decision with its reason: ``Ship: Activation rate improved``.

    Args:
        decision: ship, hold, stop or invalid.
        reason: Of the rule; it begins with the variant's name where there are several.
        words: How the metrics are called.
        running: Whether the test is not over.
        winner: The variant to ship, if any: ``Ship short: Activation rate improved``.
    """
    head = (_IN_PROGRESS if running else VERDICTS)[decision]
    if running:
        return f"{head}. {words.relabel(reason)}"
    if reason.startswith(head.lower()):
        return words.relabel(reason)
    rest = reason.removeprefix(f"{winner}: ")
    return f"{head}{'' if rest == reason else f' {winner}'}: {words.relabel(rest)}"


def ruled_out(row: Row, words: Words) -> str:
    """Return what an interval rules out, in a clause.

    ``we can rule out any gain``, or ``we can rule out gains above 0.79 and losses above 0.50``.
    A metric that is to fall has increases and decreases in place of gains and losses.
    """
    metric, low, high = row["metric"], row["ci_low"], row["ci_high"]
    above, below = ("gain", "loss") if row["direction"] == "up" else ("increase", "decrease")
    if low > 0:
        return f"we can rule out any {below}"
    if high < 0:
        return f"we can rule out any {above}"
    many = {"gain": "gains", "loss": "losses", "increase": "increases", "decrease": "decreases"}
    return (
        f"we can rule out {many[above]} above {words.size(metric, high)} and {many[below]} above "
        f"{words.size(metric, low)}"
    )


def effect_sentence(row: Row, words: Words, *, several: bool = False) -> tuple[str, str]:
    """Return the claim on one effect and what backs it.

    ``Activation rate: +9.12 pt`` and ``between +0.95 pt and +17.3 pt: we can rule out any loss``.

    Args:
        row: Row of ``ExperimentResult.table``.
        words: How the metrics are called.
        several: Whether the variant is to be named.
    """
    metric = row["metric"]
    name = f"{words.labels[metric]} ({row['variant']})" if several else words.labels[metric]
    if is_missing(row["delta_abs"]):
        return f"{name} has no estimate:", f"{row['note']}."
    claim = f"{name}: {words.delta(metric, row['delta_abs'])}"
    between = (
        f"between {words.delta(metric, row['ci_low'])} and {words.delta(metric, row['ci_high'])}"
    )
    return claim, f"{between}: {ruled_out(row, words)}."


def guardrail_sentence(row: Row, words: Words) -> tuple[str, str]:
    """Return whether a guardrail has kept its margin, and what backs it."""
    metric, label = row["metric"], words.labels[row["metric"]]
    if is_missing(row["delta_abs"]):
        return f"{label} has no estimate:", f"{row['note']}."
    up = row["direction"] == "up"
    loss = -row["ci_low"] if up else row["ci_high"]
    margin = words.size(metric, row["margin"])
    worst, bad = words.size(metric, loss), "a loss" if up else "an increase"
    if loss < row["margin"]:
        kept = f"{bad} of at most {worst}" if loss > 0 else f"no {bad.split()[1]}"
        return f"{label} keeps its margin:", f"{kept} is left open, {margin} accepted."
    return (
        f"{label} may have lost its margin:",
        f"{bad} of up to {worst} is left open, {margin} accepted.",
    )


def flip_sentences(arithmetic: pd.DataFrame, words: Words) -> tuple[str, ...]:
    """Return what would change the decision, from the rule's arithmetic.

    Args:
        arithmetic: ``Study.arithmetic`` of one variant.
        words: How the metrics are called.
    """
    found = []
    for row in records(arithmetic):
        metric, label = row["metric"], words.labels[row["metric"]]
        if is_missing(row["estimate"]):
            continue  # the headline says why there is none
        if not row["passes"]:
            found.append(f"{label}: {_more_units(row)}.")
        elif row["check"] == "improved":
            found.append(
                f"{label}: an effect below {words.size(metric, row['least_effect'])} could not be "
                f"told from chance; it is {words.size(metric, row['estimate'])}."
            )
        else:
            found.append(
                f"{label}: shipping would be on hold were the bad end of its interval worse by "
                f"{words.size(metric, row['room'])}."
            )
    return tuple(found)


def _more_units(row: Row) -> str:
    factor = row["units_factor"]
    what = "be told from chance" if row["check"] == "improved" else "lie within the margin"
    if is_missing(factor):
        return "no number of users would do, for the estimate lies on the wrong side"
    return f"the same estimate would {what} with {factor:.1f} times the users"


def trust_title(checks: pd.DataFrame) -> str:
    """Return what the checks of trust came to."""
    failed = list(checks.loc[checks["status"] == "failed", "check"])
    noted = list(checks.loc[checks["status"] == "noted", "check"])
    if failed:
        return f"The data cannot be trusted: {' and '.join(failed)} failed, so no lift is shown"
    remarks = [_REMARKS.get(name, name) for name in noted]
    told = f", {plural(len(noted), 'remark')}: {', '.join(remarks)}" if noted else ""
    return f"{plural(len(checks), 'check')} found no reason to doubt the data{told}"


def split_sentence(splits: pd.DataFrame, curve: pd.DataFrame) -> str:
    """Return where and since when the split departs from its plan; empty where it does not."""
    parts = splits[splits["mismatch"] & (splits["dimension"] != "exposure_day")]
    days = curve.loc[curve["mismatch"], "day"]
    where = [f"{row['dimension']} {row['segment']}" for row in records(parts)]
    said = []
    if where:
        said.append(f"The split departs from its plan in {', '.join(where)}")
    if len(days):
        said.append(f"over all users it was first seen on {format_date(days.iloc[0])}")
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def heterogeneity_sentence(row: Row, words: Words) -> str:
    """Return whether the effect differs by a dimension, in words."""
    label, name = words.labels[row["metric"]], str(row["dimension"])
    p_value = p_text(row["p_adjusted"])
    if row["p_adjusted"] < 0.05:
        return (
            f"The effect on {mid_sentence(label)} differs by {name} ({p_value}; "
            f"{format_share(row['i_squared'], digits=0)} of the spread is more than chance)."
        )
    return (
        f"No difference of the effect by {name} can be told from chance ({p_value}): read the "
        "segments as one."
    )


def novelty_sentence(row: Row, words: Words) -> str:
    """Return whether the effect changes with the days since exposure.

    Args:
        row: ``metric``, and of the change from one day to the next ``delta_abs``, ``ci_low``,
            ``ci_high``, ``p_value``.
        words: How the metrics are called.
    """
    metric = row["metric"]
    if is_missing(row["delta_abs"]):
        return "Whether the effect wears off cannot be told."
    change = f"{words.delta(metric, row['delta_abs'])} from one day to the next"
    between = words.interval(metric, row["ci_low"], row["ci_high"])
    if row["p_value"] < 0.05:
        way = "grows" if row["delta_abs"] > 0 else "falls"
        return f"The effect {way} with the days since exposure: {change} ({between})."
    return f"No change of the effect with the days since exposure is seen: {change} ({between})."


def impact_sentence(value: float, low: float, high: float, currency: str) -> str:
    """Return what an effect is worth in a month."""
    if is_missing(value):
        return "No amount is given, for control's mean cannot be told from zero."
    ends = [_money(end, currency) for end in (low, high)]
    return f"{_money(value, currency)} a month, between {ends[0]} and {ends[1]}"


def _money(value: float, currency: str) -> str:
    sign = "+" if value > 0 else ""
    return f"{sign}{format_money(value, currency, short=True, whole=True)}"


def p_text(p_value: float) -> str:
    """Return a p-value: ``p = 0.029``, ``p < 0.001``."""
    if is_missing(p_value):
        return "no p-value"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def p_number(p_value: float) -> str:
    """Return a p-value alone, for a table."""
    if is_missing(p_value):
        return "–"
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def belief_sentence(row: Row, words: Words, metric: str) -> str:
    """Return a belief: the chance to win, and what choosing wrongly would cost."""
    text = f"{format_chance(row['chance_to_win'])} chance that the variant is better"
    loss = words.size(metric, row["expected_loss"])
    text += f"; choosing it is expected to cost {loss} where it is not"
    if not math.isnan(row["chance_of_equivalence"]):
        text += (
            f"; {format_chance(row['chance_of_equivalence'])} that the effect is practically none"
        )
    return f"{text}."


def users_text(count: float) -> str:
    """Return a number of users."""
    return f"{format_count(math.ceil(count))} users"
