"""Ship, hold, stop or invalid: one declared rule, with its arithmetic."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from kpikit.analysis.experiments.effects import Effect, non_inferiority

Verdict = Literal["ship", "hold", "stop", "invalid"]

RULE = (
    "Invalid where a check of trust fails or the primary metric has no estimate. Stop where the "
    "primary metric is significantly worse, or a guardrail significantly worse than its margin. "
    "Ship where the primary metric is significantly better and no guardrail can have lost its "
    "margin. Hold otherwise."
)


@dataclass(frozen=True)
class Reading:
    """What the rule reads of one metric in one variant.

    Attributes:
        metric: Its name.
        effect: Absolute effect.
        interval: Its interval as printed, with confidence ``1 - alpha``.
        up: Whether more is better.
        p_value: Two-sided, corrected over variants; of the primary metric.
        margin: Greatest loss accepted; of a guardrail.
        note: Why there is no estimate; empty where there is one.
    """

    metric: str
    effect: Effect
    interval: tuple[float, float]
    up: bool
    p_value: float = math.nan
    margin: float = math.nan
    note: str = ""

    @property
    def gain(self) -> float:
        """Estimate on the side of the good."""
        return self.effect.estimate if self.up else -self.effect.estimate

    @property
    def least_gain(self) -> float:
        """Bad end of the interval on the side of the good."""
        return self.interval[0] if self.up else -self.interval[1]

    @property
    def better(self) -> bool:
        """Whether the estimate lies on the good side of zero."""
        return self.gain > 0

    @property
    def in_margin(self) -> bool:
        """Whether the loss of more than the margin is ruled out."""
        return self.least_gain > -self.margin


@dataclass(frozen=True)
class Decision:
    """What to do with one variant, and why.

    Attributes:
        decision: ship, hold, stop or invalid.
        reason: The rule's reason, in words.
        checks: Per comparison of the rule: ``check`` (improved: the corrected p-value lies below
            alpha, on the good side; within margin: the least gain lies above minus the margin),
            ``metric``, ``value`` and ``limit`` that were compared, ``passes``, and
            ``units_factor``: how many times the units would let the same estimate pass (missing
            where it passes, or where no number would do).
    """

    decision: Verdict
    reason: str
    checks: pd.DataFrame = field(default_factory=pd.DataFrame)


def decide(primary: Reading, guardrails: Sequence[Reading], *, alpha: float) -> Decision:
    """Return the decision on one variant whose trust was not in doubt; ``RULE`` in words.

    A guardrail keeps its margin where the bad end of its interval (confidence ``1 - alpha``) does.
    All must do so at once, which needs no correction; that any is lost is a claim of many, and
    made at ``alpha / 2`` over their number (Bonferroni).

    Args:
        primary: The metric that decides.
        guardrails: Metrics with a margin.
        alpha: Two-sided level.

    References:
        Berger, R. L. (1982). Multiparameter hypothesis testing and acceptance sampling.
        Technometrics 24, 295-300, for tests that must all pass. Schultzberg, M., Ankargren, S. and
        Frånberg, M. (2024). Risk-aware product decisions in A/B tests with multiple metrics.
    """
    rows = [_primary_row(primary, alpha), *(_guardrail_row(one, alpha) for one in guardrails)]
    checks = pd.DataFrame(rows)
    lost = [one.metric for one in guardrails if _breached(one, alpha / len(guardrails))]
    open_ = [one.metric for one in guardrails if not one.in_margin]
    significant = primary.p_value < alpha
    if primary.note or math.isnan(primary.p_value):
        verdict: Verdict = "invalid"
        reason = f"no verdict on {primary.metric}: {primary.note or 'no estimate'}"
    elif significant and not primary.better:
        verdict, reason = "stop", f"{primary.metric} got worse"
    elif lost:
        verdict, reason = "stop", f"{_listed(lost)} got worse by more than the margin"
    elif significant and not open_:
        guarded = " and no guardrail can have lost its margin" if guardrails else ""
        verdict, reason = "ship", f"{primary.metric} improved{guarded}"
    elif significant:
        verdict = "hold"
        reason = f"{primary.metric} improved, but {_listed(open_)} may have lost the margin"
    else:
        verdict, reason = "hold", f"no difference in {primary.metric} can be told from chance"
    return Decision(verdict, reason, checks)


def decide_overall(
    decisions: Mapping[Hashable, Decision], least_gains: Mapping[Hashable, float]
) -> tuple[Verdict, str, Hashable]:
    """Return the decision on the experiment, its reason, and the variant to ship if any.

    One variant to ship is enough; of several, the one whose gain is surest (greatest lower end of
    the interval). It stops, or is invalid, where every variant is; else it holds.

    Args:
        decisions: By variant.
        least_gains: Per variant, the bad end of the primary metric's interval, as a gain.
    """
    by_kind = {
        kind: [variant for variant, one in decisions.items() if one.decision == kind]
        for kind in ("ship", "hold", "stop", "invalid")
    }
    several = len(decisions) > 1

    def said(variant: Hashable) -> str:
        return f"{variant}: " * several + decisions[variant].reason

    if by_kind["ship"]:
        best = max(by_kind["ship"], key=lambda variant: least_gains[variant])
        return "ship", said(best), best
    for kind in ("hold", "stop"):
        if by_kind[kind]:
            return kind, "; ".join(map(said, by_kind[kind])), None
    return "invalid", "; ".join(map(said, decisions)), None


def _primary_row(primary: Reading, alpha: float) -> dict[str, object]:
    passes = bool(primary.p_value < alpha and primary.better)
    return {
        "check": "improved",
        "metric": primary.metric,
        "value": primary.p_value,
        "limit": alpha,
        "passes": passes,
        "units_factor": math.nan if passes else _factor(primary.effect, primary.gain, alpha),
    }


def _guardrail_row(guardrail: Reading, alpha: float) -> dict[str, object]:
    room = guardrail.gain + guardrail.margin
    return {
        "check": "within margin",
        "metric": guardrail.metric,
        "value": guardrail.least_gain,
        "limit": -guardrail.margin,
        "passes": guardrail.in_margin,
        "units_factor": math.nan if guardrail.in_margin else _factor(guardrail.effect, room, alpha),
    }


def _breached(guardrail: Reading, alpha: float) -> bool:
    """Return whether more than the margin is lost, at this two-sided level."""
    found = non_inferiority(guardrail.effect, margin=guardrail.margin, up=guardrail.up, alpha=alpha)
    return found.p_breach < alpha / 2


def _factor(effect: Effect, room: float, alpha: float) -> float:
    """Return how many times the units make the interval's half width as small as ``room``."""
    half = effect.quantile(1 - alpha / 2) * effect.se
    return (half / room) ** 2 if room > 0 else math.nan


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
