"""The words of a review, made by rule from the frames that it shows.

A headline follows ``{KPI} {verb} {value} ({how sure}; {against}); {target clause}; {signal
clause}``. The verb is "held at" unless a signal fired; then it "rose to" or "fell to". Where no
test of signal against noise stands behind it, or its months are routine though a change is more
than sampling error, the verb claims nothing: a finished period "was", an unfinished one "stands
at". No other sentence of a page has a verb for a KPI's move. Every number is one of the frame's.
"""

import datetime as dt
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from kpikit.formats import (
    Unit,
    format_chance,
    format_count,
    format_declared,
    format_delta,
    format_delta_rel,
    format_interval,
    format_value,
    is_missing,
)
from kpikit.periods import Period
from kpikit.present.components import Headline, Headlines, Mark
from kpikit.present.frames import Row, records

Change = Literal["yoy", "qoq"]
Standing = Literal["win", "miss", "even", "unknown"]

_MARKS: Mapping[Standing, Mark] = {"win": "+", "miss": "-", "even": "·", "unknown": "!"}
_VERDICTS: Mapping[str, Standing] = {"better": "win", "worse": "miss"}
_CHANCES: tuple[tuple[float, str], ...] = (
    (0.10, "will very likely miss"),
    (0.33, "is likely to miss"),
    (0.67, "is open on"),
    (0.90, "is likely to hit"),
    (1.00, "will very likely hit"),
)
_CHANGES: tuple[Change, ...] = ("yoy", "qoq")
MORE_THAN_SAMPLING = "more than sampling error"
_RULES: Mapping[str, str] = {
    "beyond_limit": "beyond a limit",
    "near_limit": "3 of 4 months near a limit",
    "one_side": "8 months on one side",
}
_OTHER_SIDE: Mapping[str, str] = {"above": "below", "below": "above"}


@dataclass(frozen=True)
class Basis:
    """What the numbers of a page are of, and compared with.

    Attributes:
        period: The period of the page.
        previous: The period before, cut like for like (``analysis.comparison_periods``).
        year_before: The same period a year before, cut likewise.
        as_of: Last complete day of data.
        currency: ISO code of the product's money.
    """

    period: Period
    previous: Period
    year_before: Period
    as_of: dt.date
    currency: str = ""

    @property
    def finished(self) -> bool:
        """Whether the data covers the whole period."""
        return self.period.is_complete(self.as_of)

    @property
    def passed(self) -> str:
        """How many of the period's days have passed: ``39 of 92 days``."""
        return f"{self.period.days_elapsed(self.as_of)} of {self.period.days} days"

    def base_of(self, change: Change) -> str:
        """Return how the period that a change is counted from is called."""
        base = self.year_before if change == "yoy" else self.previous
        if self.finished:
            return base.label
        days = "day" if base.days == 1 else f"{base.days} days"
        return f"the first {days} of {base.label}"


def headlines(
    frame: pd.DataFrame, basis: Basis, *, most: int = 7, decisions: Sequence[str] = ()
) -> Headlines:
    """Return the executive summary of a scorecard.

    The first metric of the scorecard that has a value leads, whatever it did. Then wins and misses
    take turns, beginning with the side that the first is not on; so both have equal room as long
    as both have something to say. On each side signals come first, then targets that were hit or
    missed, then what has no target, each with the most telling first. Metrics that neither gained
    nor lost follow, then those without a value. What keeps all of them from being compared is said
    once, in the title.

    Args:
        frame: ``scorecard_table``; its order is the order of importance.
        basis: What the numbers are compared with.
        most: Most sentences.
        decisions: What the reader is asked to decide.
    """
    rows, said = _in_turn(frame), _common_obstacle(frame)
    items = tuple(headline(row, basis, said=said) for row in rows[:most])
    return Headlines(title=summary_title(frame, basis), items=items, decisions=tuple(decisions))


def headline(row: Row, basis: Basis, *, said: str = "") -> Headline:
    """Return the sentence on one metric of the scorecard.

    Args:
        row: A row of ``scorecard_table``.
        basis: What its numbers are compared with.
        said: Why nothing can be compared, where the page has said it already.
    """
    label = row["label"]
    if is_missing(row["actual"]):
        return Headline(
            "!", f"{label} {_verb(label, 'has', 'have')} no value:", f"{row['reason']}."
        )
    claim = f"{label} {_moved(row, basis)} {value_text(row['actual'], row['unit'], basis.currency)}"
    against = "" if said and said == _obstacle(row) else _against(row, basis)
    behind = "; ".join(filter(None, [certainty(row), against]))
    backing = f"({behind})" if behind else ""
    last = row["status_reason"] if row["status"] == "no_data" else target_clause(row, basis)
    told = [backing, last, outlook_clause(row, basis), signal_clause(row)]
    mark, rest = _MARKS[standing(row)], "; ".join(filter(None, told))
    if not backing:  # nothing stands between the claim and what follows it
        claim += ";" if rest else "."
    return Headline(mark, claim, f"{rest}." if rest else "")


def target_clause(row: Row, basis: Basis) -> str:
    """Return what became of the target, empty where there is none."""
    if is_missing(row["target"]):
        return ""
    most = "at most " if row["direction"] == "down" else ""
    target = f"the target of {most}{target_text(row, basis)}"
    if row["outcome"] == "open":
        if not is_missing(row.get("p_hit")):
            return ""  # the chance says more
        return f"{target} is open with {basis.passed} passed"
    return f"{target} was {row['outcome']}"


def outlook_clause(row: Row, basis: Basis) -> str:
    """Return how likely the next open target is hit, empty where no chance is known."""
    if is_missing(row.get("p_hit")):
        return ""
    chance = float(row["p_hit"])
    words = next(text for limit, text in _CHANCES if chance <= limit)
    value = format_declared(row["aim"], row["unit"], currency=basis.currency)
    most = "at most " if row["direction"] == "down" else ""
    return f"it {words} {most}{value} in {row['aim_period']} (P {format_chance(chance)})"


def signal_clause(row: Row) -> str:
    """Return whether the period's months show a signal, empty where that was not tested.

    ``improvement: above routine in 2026-09 (beyond a limit), after below routine in 2026-08``
    """
    if row.get("variation") == "routine":
        return "no month is a signal" if _clear_changes(row) else "routine variation"
    if row.get("variation") not in ("improvement", "concern"):
        return ""
    text = f"{row['variation']}: {row['side']} routine in {row['signal_period']}"
    text += f" ({_RULES[row['rule']]})"
    if not row.get("turned_from"):
        return text
    return f"{text}, after {_OTHER_SIDE[row['side']]} routine in {row['turned_from']}"


def target_text(row: Row, basis: Basis) -> str:
    """Return a metric's target as it was declared: ``£5 k``, not ``£5.00 k``."""
    if row["unit"] == "count":
        return value_text(row["target"], "count", basis.currency)
    return format_declared(row["target"], row["unit"], currency=basis.currency)


def summary_title(frame: pd.DataFrame, basis: Basis) -> str:
    """Return the message of the page: the first metric, then the most telling of the other side.

    Where nothing stands on the other side, the most telling of the others takes its place. Where
    no metric can be compared, and all for one reason, the title says so instead.
    """
    known = [row for row in records(frame) if not is_missing(row["actual"])]
    if not known:
        return f"No metric has a value in {basis.period.label}"
    first, others = known[0], known[1:]
    start = _title_clause(first, basis, leads=True)
    opposite = [row for row in others if {standing(row), standing(first)} == {"win", "miss"}]
    rest = sorted(opposite or others, key=_telling, reverse=True)
    told = [row for row in rest if standing(row) in ("win", "miss")]
    second = f"; {mid_sentence(_title_clause(told[0], basis, leads=False))}" if told else ""
    if obstacle := _common_obstacle(frame):
        second += f"; nothing to compare with ({obstacle})"
    lead = "" if basis.finished else f"With {basis.passed} passed, "
    return f"{lead}{mid_sentence(start) if lead else start}{second}"


def standing(row: Row) -> Standing:
    """Return where a metric stands.

    A target that was hit or missed decides; without one, the comparison with the year before, or,
    where that is not comparable, with the period before. A metric of ``no_data`` is unknown.
    """
    if row["status"] == "no_data" or is_missing(row["actual"]):
        return "unknown"
    if row["outcome"] in ("hit", "missed"):
        return "win" if row["outcome"] == "hit" else "miss"
    change = best_change(row)
    return _VERDICTS.get(row[f"verdict_{change}"], "even") if change else "even"


def best_change(row: Row) -> Change | None:
    """Return the comparison to name: the year before if comparable, else the period before."""
    return next((change for change in _CHANGES if row[f"comparable_{change}"]), None)


def value_text(value: float, unit: Unit, currency: str) -> str:
    """Return a value as a summary writes it: money short, a count below a million in full."""
    short = unit != "count" or (not is_missing(value) and abs(value) >= 1_000_000)
    return format_value(value, unit, currency=currency, short=short)


def change_text(row: Row, change: Change, currency: str) -> str:
    """Return a change with its sign: relative for amounts, in points or units for all else."""
    relative = row["unit"] in ("money", "count") and not is_missing(row[change])
    if relative:
        return format_delta_rel(row[change])
    return format_delta(row[f"{change}_abs"], row["unit"], currency=currency)


def mid_sentence(text: str) -> str:
    """Return a text as it stands inside a sentence: ``net revenue``, but ``NPS``."""
    word = text.split(" ", 1)[0]
    return text if word[1:] != word[1:].lower() else text[:1].lower() + text[1:]


def is_plural(label: str) -> bool:
    """Tell whether a metric's name takes a plural verb: ``Active users`` does, ``NPS`` does not.

    What follows the noun does not count, nor is a number per something a plural: ``Pieces per
    order`` was 2.56.
    """
    if " per " in label:
        return False
    noun = re.split(r" (?:of|in|with|without|to|from|by|for) ", label)[0]
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is"))


def certainty(row: Row) -> str:
    """Return the interval and the number of units behind an estimate, empty without an interval."""
    if is_missing(row.get("ci_low")) or is_missing(row.get("ci_high")):
        return ""
    interval = format_interval(row["ci_low"], row["ci_high"], row["unit"])
    return f"{interval}, n = {format_count(row['n'])}"


def _verb(label: str, one: str, many: str) -> str:
    return many if is_plural(label) else one


def _stands(label: str, basis: Basis) -> str:
    if basis.finished:
        return _verb(label, "was", "were")
    return _verb(label, "stands at", "stand at")


def _moved(row: Row, basis: Basis) -> str:
    """Return the verb: "held at" unless a signal fired that goes the way of the change named."""
    tested, change = row.get("variation"), best_change(row)
    if tested == "routine" and not _clear_changes(row):
        return "held at"
    if tested in ("improvement", "concern") and change:
        if row["side"] == "above" and row[f"{change}_abs"] > 0:
            return "rose to"
        if row["side"] == "below" and row[f"{change}_abs"] < 0:
            return "fell to"
    return _stands(str(row["label"]), basis)


def _clear_changes(row: Row) -> list[Change]:
    """Return the changes beyond sampling error that no month shows as a signal."""
    if row.get("variation") != "routine":
        return []
    return [name for name in _CHANGES if row[f"comparable_{name}"] and row[f"clear_{name}"]]


def _against(row: Row, basis: Basis) -> str:
    """Return the change and what it is counted from, or why there is none.

    Another change beyond sampling error is named beside it.
    """
    change, clear = best_change(row), _clear_changes(row)
    if not change:
        return f"not comparable, {row['reason_yoy']}"
    named = [change, *(name for name in clear if name != change)]
    told = [f"{change_text(row, name, basis.currency)} on {basis.base_of(name)}" for name in named]
    if clear:
        told[-1] += f", {'both ' if len(clear) > 1 else ''}{MORE_THAN_SAMPLING}"
    return "; ".join(told)


def _obstacle(row: Row) -> str:
    """Return why a metric cannot be compared with anything, empty if it can."""
    return "" if best_change(row) else str(row["reason_yoy"])


def _common_obstacle(frame: pd.DataFrame) -> str:
    """Return what keeps each of several metrics from being compared, empty if that differs."""
    known = [row for row in records(frame) if not is_missing(row["actual"])]
    found = {_obstacle(row) for row in known}
    return found.pop() if len(known) > 1 and len(found) == 1 else ""


def _title_clause(row: Row, basis: Basis, *, leads: bool) -> str:
    """Return a metric's part of the title; one that does not lead tells of its target alone."""
    label, value = row["label"], value_text(row["actual"], row["unit"], basis.currency)
    decided = row["outcome"] in ("hit", "missed")
    target = f"{row['outcome']} {_verb(label, 'its', 'their')} target"
    if decided and not leads:
        return f"{label} {target} with {value}"
    text, change = f"{label} {_stands(label, basis)} {value}", best_change(row)
    if change:
        text += f", {change_text(row, change, basis.currency)}"
        if leads or basis.finished:  # the base of an unfinished period is long, and said before
            text += f" on {basis.base_of(change)}"
    return f"{text}{',' if change else ''} and {target}" if decided else text


def _telling(row: Row) -> tuple[bool, bool, float]:
    """Return how much a metric has to say: a signal, a target decided, and by how much.

    A signal counts on the side where the metric stands: an improvement among wins, a concern among
    misses, and one that turned from the other side on either. The distance is relative to the
    target, or to the base where there is no target. Scores from -100 to 100 have no natural zero:
    theirs is counted in hundreds of points.
    """
    side = {"win": "improvement", "miss": "concern"}.get(standing(row))
    signal = bool(side) and (row.get("variation") == side or bool(row.get("turned_from")))
    change, decided = best_change(row), row["outcome"] in ("hit", "missed")
    names = ["delta_target"] if decided else []
    names += [change] if change else []
    for name in names:
        absolute, relative = {
            "delta_target": ("delta_target", "delta_target_rel"),
            "yoy": ("yoy_abs", "yoy"),
            "qoq": ("qoq_abs", "qoq"),
        }[name]
        size = row[absolute] / 100 if row["unit"] == "points" else row[relative]
        if not is_missing(size):
            return signal, decided, abs(float(size))
    return signal, decided, 0.0


def _in_turn(frame: pd.DataFrame) -> list[Row]:
    """Return the rows as the summary tells them; see ``headlines``."""
    rows = records(frame)
    first = next((row for row in rows if standing(row) != "unknown"), None)
    rest = [row for row in rows if row is not first]
    ranked = sorted(rest, key=_telling, reverse=True)
    sides = {side: [row for row in ranked if standing(row) == side] for side in ("win", "miss")}
    order = ("win", "miss") if first is None or standing(first) == "miss" else ("miss", "win")
    turns = itertools.zip_longest(*(sides[side] for side in order))
    others = [row for place in ("even", "unknown") for row in rest if standing(row) == place]
    told = [row for turn in turns for row in turn if row is not None]
    return [*([first] if first else []), *told, *others]
