"""The scorecard: each metric against its target, the period before and the year before.

Conventions: comparisons are like for like (an unfinished period with as many first days of the
other), as in Amazon's weekly business review; a verdict follows the metric's direction, as in the
NHS guide "Making Data Count"; a change relative to zero or less means nothing and is not given.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from kpikit.catalogue import Metric, withhold_few
from kpikit.formats import (
    format_chance,
    format_declared,
    format_share,
    format_value,
    plural,
)
from kpikit.intervals import difference_interval
from kpikit.params.model import Target
from kpikit.periods import Calendar, Period

Verdict = Literal["better", "worse", "same", ""]

SPARK_LENGTH = 8
LEAST_N = 10  # a share or score of fewer units says nothing
SCORECARD_COLUMNS = (
    "metric", "label", "unit", "direction",
    "actual", "n", "ci_low", "ci_high", "complete", "reason",
    "target", "delta_target", "delta_target_rel", "verdict_target",
    "previous", "qoq_abs", "qoq", "verdict_qoq", "clear_qoq", "comparable_qoq", "reason_qoq",
    "year_before", "yoy_abs", "yoy", "verdict_yoy", "clear_yoy", "comparable_yoy", "reason_yoy",
    "status", "status_reason", "outcome", "spark",
    "variation", "signal_period", "rule", "side", "turned_from", "assurance",
    "p_hit", "aim", "aim_period",
)  # fmt: skip
EVIDENCE_COLUMNS = (
    "metric",
    "variation", "signal_period", "rule", "side", "turned_from", "assurance",
    "p_hit", "aim", "aim_period",
)  # fmt: skip
LIKELY, UNLIKELY = 0.67, 0.33  # chances of a target at which a status changes


def comparison_periods(period: Period, *, calendar: Calendar, as_of: dt.date) -> dict[str, Period]:
    """Return the periods that a page compares, like for like.

    Returns:
        ``actual`` (the period itself), ``previous`` and ``year_before``: whole where the period is
        complete by ``as_of``, else cut to as many first days as have passed of it, with the label
        of the whole.
    """
    bases = {"previous": calendar.previous(period), "year_before": calendar.year_before(period)}
    cut = {name: calendar.like_for_like(period, base, as_of)[1] for name, base in bases.items()}
    return {"actual": period, **cut}


def scorecard_periods(period: Period, *, calendar: Calendar, as_of: dt.date) -> tuple[Period, ...]:
    """Return all periods whose facts ``scorecard_table`` reads, without repeats, in time order."""
    sparks = [calendar.shift(period, -steps) for steps in range(SPARK_LENGTH)]
    compared = comparison_periods(period, calendar=calendar, as_of=as_of).values()
    return tuple(sorted({*sparks, *compared}))


def scorecard_table(
    facts: pd.DataFrame,
    metrics: Sequence[Metric],
    targets: Sequence[Target],
    *,
    period: Period,
    calendar: Calendar,
    as_of: dt.date,
    currency: str = "",
    evidence: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row per metric: actual, target, changes, status, and why.

    Facts of one call follow one definition each, but for those of a metric whose data themselves
    follow another from a day on (``Metric.since``): periods on both sides of it do not compare.

    Args:
        facts: Facts of ``scorecard_periods`` of these metrics; rows of segments are left alone, and
            values of too few units withheld (``Metric.least_n``).
        metrics: Metrics in the order of the scorecard.
        targets: All targets of the product; those of other metrics and periods are left alone.
        period: The period of the report.
        calendar: How the product cuts time.
        as_of: Last complete day.
        currency: ISO code, for the sentences.
        evidence: One row per metric: ``variation`` and ``assurance`` (``analysis.assurance``), the
            latest signal's ``signal_period``, ``rule`` and ``side`` (``analysis.signals``), the
            last month with a signal on the other side (``turned_from``, empty without one), and the
            next open target ``aim`` of ``aim_period`` with its chance ``p_hit``
            (``analysis.forecasts``). Without it nothing is said of signals and chances.

    Returns:
        The columns ``SCORECARD_COLUMNS``. Numbers are NaN where unknown.

        * ``metric``, ``label``, ``unit``, ``direction``: of the metric.
        * ``actual``, ``n``, ``ci_low``, ``ci_high``, ``complete``, ``reason``: of the fact.
        * ``delta_target`` = actual - target; ``delta_target_rel`` relative to the target;
          ``qoq_abs``, ``yoy_abs`` likewise against ``previous`` and ``year_before``, ``qoq`` and
          ``yoy`` relative to them. Relative changes are missing where the base is not above zero.
        * ``verdict_*``: ``better``, ``worse`` or ``same`` by the metric's direction, empty where
          unknown.
        * ``clear_*``: whether the interval of the change, made of those of both values (Zou and
          Donner 2008), leaves out zero; False where either has none.
        * ``comparable_*``: whether the two periods may be compared; ``reason_*`` says why not, or
          how their day counts differ.
        * ``outcome``: ``hit`` or ``missed`` (finished, with a target), ``open`` (unfinished,
          without a value yet, or covered in part), ``none`` (no target).
        * ``status``: by the chance of the next open target: ``on_track`` from 0.67 without a
          concern, ``off_track`` below 0.33, ``at_risk`` between them or with a concern. Where no
          chance is known, the outcome decides: ``on_track`` (hit; ``at_risk`` with a concern) or
          ``off_track`` (missed). ``no_data``: value missing, a share or score of fewer than 10
          units, or a target for what the data cover in part. Empty where there is nothing to
          decide by; ``status_reason`` is the clause that decided, or the pace.
        * ``spark``: values of the 8 periods up to this one, None where missing or unfinished.
        * ``variation`` to ``aim_period``: of the evidence; empty or NaN without it.
    """
    behind = {} if evidence is None else {row["metric"]: row for row in evidence.to_dict("records")}
    compared = comparison_periods(period, calendar=calendar, as_of=as_of)
    sparks = [calendar.shift(period, -steps) for steps in reversed(range(SPARK_LENGTH))]
    spans = {(item.start, item.end) for item in (*compared.values(), *sparks)}
    inside = [span in spans for span in zip(facts["start"], facts["end"], strict=True)]
    shown = facts[(facts["dimension"] == "") & np.array(inside, dtype=bool)]
    known = {
        (row["metric"], row["period"], row["start"], row["end"]): row
        for row in withhold_few(shown, metrics).to_dict("records")
    }
    aims = {
        target.metric: target.value for target in targets if calendar.parse(target.period) == period
    }
    rows = []
    for metric in metrics:
        found = {name: _find(known, metric, item) for name, item in compared.items()}
        evident = behind.get(metric.name, _NO_EVIDENCE)
        target = aims.get(metric.name, math.nan)
        line = _Line(metric, period, found["actual"], target, as_of, evident)
        rows.append({
            **line.head(),
            **line.against_target(),
            **line.against("qoq", compared["previous"], found["previous"], "previous"),
            **line.against("yoy", compared["year_before"], found["year_before"], "year_before"),
            **line.status(currency),
            "spark": tuple(_spark_value(_find(known, metric, item)) for item in sparks),
            **{name: evident[name] for name in EVIDENCE_COLUMNS[1:]},
        })  # fmt: skip
    return pd.DataFrame(rows, columns=list(SCORECARD_COLUMNS))


_Fact = Mapping[Any, Any]
_ABSENT: _Fact = {
    "value": math.nan, "n": math.nan, "ci_low": math.nan, "ci_high": math.nan, "complete": False,
    "reason": "not computed",
}  # fmt: skip
_NO_EVIDENCE: _Fact = {
    "variation": "", "signal_period": "", "rule": "", "side": "", "turned_from": "",
    "assurance": "", "p_hit": math.nan, "aim": math.nan, "aim_period": "",
}  # fmt: skip


def _find(known: Mapping[Any, _Fact], metric: Metric, period: Period) -> _Fact:
    return known.get((metric.name, period.label, period.start, period.end), _ABSENT)


def _spark_value(found: _Fact) -> float | None:
    return found["value"] if found["complete"] and math.isfinite(found["value"]) else None


@dataclass(frozen=True)
class _Line:
    """One metric's row in the making."""

    metric: Metric
    period: Period
    fact: _Fact
    target: float
    as_of: dt.date
    evidence: _Fact

    @property
    def value(self) -> float:
        return float(self.fact["value"])

    @property
    def finished(self) -> bool:
        return self.period.is_complete(self.as_of)

    @property
    def decided(self) -> bool:
        """Whether the period is over, and the data hold all of it."""
        return self.finished and bool(self.fact["complete"])

    def head(self) -> dict[str, Any]:
        """Return what the fact itself says."""
        kept = ("n", "ci_low", "ci_high", "complete", "reason")
        return {
            "metric": self.metric.name, "label": self.metric.label, "unit": self.metric.unit,
            "direction": self.metric.direction, "actual": self.value,
            **{name: self.fact[name] for name in kept},
        }  # fmt: skip

    def against_target(self) -> dict[str, Any]:
        """Return the target and how far the value is from it."""
        return {
            "target": self.target,
            "delta_target": self.value - self.target,
            "delta_target_rel": _relative(self.value, self.target),
            "verdict_target": self._verdict(self.target),
        }

    def against(self, name: str, base: Period, found: _Fact, column: str) -> dict[str, Any]:
        """Return the change from a base period, and whether the two may be compared."""
        reason = self._obstacle(base, found)
        comparable = not reason
        if comparable and self.days != base.days:
            reason = f"{self.days} days against {base.days}"
        return {
            column: found["value"],
            f"{name}_abs": self.value - found["value"],
            name: _relative(self.value, found["value"]),
            f"verdict_{name}": self._verdict(found["value"]),
            f"clear_{name}": _is_clear(self.fact, found),
            f"comparable_{name}": comparable,
            f"reason_{name}": reason,
        }

    @property
    def days(self) -> int:
        """Days of the period that have passed."""
        return self.period.days_elapsed(self.as_of)

    def _obstacle(self, base: Period, found: _Fact) -> str:
        """Return why the period and its base cannot be compared, empty if they can."""
        if not math.isfinite(self.value):
            return str(self.fact["reason"])
        if not math.isfinite(found["value"]):
            return f"{base.label}: {found['reason']}"
        if not found["complete"]:
            return f"the data cover {base.label} only in part"
        if self.finished and not self.fact["complete"]:
            return f"the data cover {self.period.label} only in part"
        if not self.finished and self.days != base.days:
            return f"{self.days} days against {base.days}"
        return self.metric.definition_gap(base, self.period)

    def status(self, currency: str) -> dict[str, str]:
        """Return outcome, status and the clause that decided."""
        return _status(*self._status(currency), self.outcome)

    @property
    def outcome(self) -> str:
        """What became of the period's own target."""
        if not math.isfinite(self.target):
            return "none"
        if not math.isfinite(self.value) or not self.decided:
            return "open"
        return "missed" if self._verdict(self.target) == "worse" else "hit"

    def _status(self, currency: str) -> tuple[str, str]:
        """Return the status and why: what is unknown first, then the chance, then the outcome."""
        if not math.isfinite(self.value):
            return "no_data", str(self.fact["reason"])
        if self.metric.unit in ("share", "points") and self.fact["n"] < LEAST_N:
            return "no_data", f"fewer than {LEAST_N} {self.metric.n_of}: {int(self.fact['n'])}"
        if math.isfinite(self.evidence["p_hit"]):
            return self._by_chance(currency)
        if not math.isfinite(self.target):
            return "", "no target"
        return self._by_outcome(currency)

    def _by_outcome(self, currency: str) -> tuple[str, str]:
        """Return the status of a target that no chance is known of."""
        actual = format_value(self.value, self.metric.unit, currency=currency, short=True)
        target = format_declared(self.target, self.metric.unit, currency=currency)
        if not self.finished:
            return "", self._pace(actual, target)
        if not self.decided:
            return "no_data", f"the data cover {self.period.label} only in part"
        clause = f"{self.outcome}: {actual} against a target of {target}"
        shown = format_value(self.target, self.metric.unit, currency=currency, short=True)
        if actual == shown and self.value != self.target:
            above = "above" if self.value > self.target else "below"
            clause = f"{self.outcome}: just {above} the target of {target}"
        if self.outcome == "hit" and self.has_concern:
            return "at_risk", f"{clause}; {self._signal_clause()}"
        return "on_track" if self.outcome == "hit" else "off_track", clause

    @property
    def has_concern(self) -> bool:
        """Whether a signal lies on the bad side."""
        return bool(self.evidence["variation"] == "concern")

    def _by_chance(self, currency: str) -> tuple[str, str]:
        """Return the status by the chance of the next open target, and the clause that decided."""
        chance, aim = float(self.evidence["p_hit"]), float(self.evidence["aim"])
        value = format_declared(aim, self.metric.unit, currency=currency)
        clause = f"P(hit) {format_chance(chance)} for {value} in {self.evidence['aim_period']}"
        if chance < UNLIKELY:
            return "off_track", clause
        if self.has_concern:
            return "at_risk", f"{self._signal_clause()}; {clause}"
        return "on_track" if chance >= LIKELY else "at_risk", clause

    def _signal_clause(self) -> str:
        return (
            f"concern: signal {self.evidence['side']} routine in {self.evidence['signal_period']}"
        )

    def _pace(self, actual: str, target: str) -> str:
        """Say where an unfinished period stands; a share of the target only for what adds up."""
        passed = f"{self.days} of {plural(self.period.days, 'day')} passed"
        if self.metric.additive and self.target > 0:
            reached, elapsed = self.value / self.target, self.days / self.period.days
            return (
                f"{passed} ({format_share(elapsed, digits=0)}), "
                f"{format_share(reached, digits=0)} of the target reached"
            )
        return f"{passed}, {actual} so far against a target of {target}"

    def _verdict(self, base: float) -> Verdict:
        if not math.isfinite(self.value) or not math.isfinite(base):
            return ""
        if self.value == base:
            return "same"
        return "better" if (self.value > base) == (self.metric.direction == "up") else "worse"


def _relative(value: float, base: float) -> float:
    return value / base - 1 if base > 0 else math.nan


def _is_clear(now: _Fact, then: _Fact) -> bool:
    """Tell whether two values differ by more than their intervals allow for."""
    estimates = [(fact["value"], fact["ci_low"], fact["ci_high"]) for fact in (now, then)]
    low, high = difference_interval(*estimates)
    return bool(low > 0 or high < 0)  # False of NaN


def _status(status: str, reason: str, outcome: str) -> dict[str, str]:
    return {"status": status, "status_reason": reason, "outcome": outcome}
