"""What an effect is worth, how much of it will last, and what to keep of the decision."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from kpikit.analysis.experiments.analyze import ExperimentResult
from kpikit.analysis.experiments.effects import Effect
from kpikit.analysis.experiments.segments import heterogeneity
from kpikit.errors import AnalysisError

FEWEST_PAST = 10


@dataclass(frozen=True)
class Impact:
    """What shipping changes in all.

    Attributes:
        value: In units of the base.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def global_impact(
    row: "Mapping[str, Any] | pd.Series[Any]", *, base: float, coverage: float = 1.0
) -> Impact:
    """Return lift x coverage x base, with the lift's interval.

    Args:
        row: Row of ``ExperimentResult.table``.
        base: What the metric comes to in all, such as the revenue of a month.
        coverage: Share of the base that the change can touch, 0 to 1.

    Returns:
        The change in units of ``base``; missing where the relative effect is withheld.

    Raises:
        AnalysisError: ``coverage`` is not between 0 and 1.
    """
    if not 0 <= coverage <= 1:
        raise AnalysisError(f"coverage is {coverage}.\nGive the share that is touched, 0 to 1.")
    reach = coverage * base
    return Impact(row["delta_rel"] * reach, row["rel_ci_low"] * reach, row["rel_ci_high"] * reach)


@dataclass(frozen=True)
class Shrunken:
    """An effect less what it owes to having been picked for being large.

    Attributes:
        estimate: What to expect when it is shipped.
        low: Lower end of its interval.
        high: Upper end.
        kept: Share of the distance from the usual effect that is kept, 0 to 1.
        usual: Mean effect of the product's past experiments.
        usual_sd: How far true effects lie from it.
        experiments: Number of past experiments.
    """

    estimate: float
    low: float
    high: float
    kept: float
    usual: float
    usual_sd: float
    experiments: int


def shrink_effect(effect: Effect, past: pd.DataFrame, *, alpha: float = 0.05) -> Shrunken | None:
    """Return the effect shrunken by what past experiments of the product came to.

    An effect that was picked because it is significant is too large on average (the winner's
    curse). True effects are taken as normal, with mean and variance estimated from the past.

    Args:
        effect: Estimate and standard error, of the same kind as the past ones.
        past: One row per past experiment with ``estimate`` and ``se``, all of them: not the
            winners alone.
        alpha: The interval holds ``1 - alpha``.

    Returns:
        None where fewer than 10 past experiments have both numbers.

    References:
        Lee, M. R. and Shen, M. (2018). Winner's curse: bias estimation for total effects of
        features in online controlled experiments. KDD 2018, 491-499. Efron, B. (2011). Tweedie's
        formula and selection bias. JASA 106, 1602-1614.
    """
    known = past[np.isfinite(past["estimate"]) & (past["se"] > 0)]
    if len(known) < FEWEST_PAST:
        return None
    spread = heterogeneity(known["estimate"], known["se"])["between_variance"]
    usual = float(np.average(known["estimate"], weights=1 / (spread + known["se"] ** 2)))
    kept = spread / (spread + effect.se**2)
    estimate = usual + kept * (effect.estimate - usual)
    half = float(special.ndtri(1 - alpha / 2)) * math.sqrt(kept) * effect.se
    return Shrunken(
        estimate, estimate - half, estimate + half, kept, usual, math.sqrt(spread), len(known)
    )


def decision_record(result: ExperimentResult, *, experiment: str, ended: Any) -> dict[str, Any]:
    """Return one row of the decision log: what was decided on which effect.

    Args:
        result: From ``analyze_experiment``.
        experiment: Its key.
        ended: Its last day.

    Returns:
        ``experiment``, ``ended``, ``decision``, ``reason``, ``winner``, and of the primary
        metric's row (the winner's, or the first) ``metric``, ``variant``, ``estimate`` and ``se``
        (relative effect, for ``shrink_effect``), ``delta_abs``, ``ci_low``, ``ci_high``,
        ``p_adjusted``, ``n_control``, ``n_variant``; and ``srm_p_value``.
    """
    rows = result.table[result.table["role"] == "primary"]
    if result.winner is not None:
        rows = rows[rows["variant"] == result.winner]
    row = rows.iloc[0]
    copied = ("metric", "variant", "delta_abs", "ci_low", "ci_high", "p_adjusted", "n_control",
              "n_variant")  # fmt: skip
    return {
        "experiment": experiment,
        "ended": ended,
        "decision": result.decision,
        "reason": result.reason,
        "winner": result.winner,
        **{name: row[name] for name in copied},
        "estimate": row["delta_rel"],
        "se": row["rel_se"],
        "srm_p_value": result.srm_p_value,
    }
