"""How far a score moved between two periods, and whether that is more than chance."""

import math
from typing import Any, Literal

import pandas as pd

from kpikit.engine import check_columns
from kpikit.intervals import difference_interval

Verdict = Literal["rise", "fall", "unclear", "suppressed", ""]


def score_change_table(scores: pd.DataFrame, *, score: str = "nps", lag: int = 1) -> pd.DataFrame:
    """Return each score with its change against an earlier period and the interval of that.

    Args:
        scores: One row per ``segment`` and period, in time order within a segment, as from
            ``nps_table``: the column ``score`` names, ``ci_low``, ``ci_high``, ``suppressed``.
        score: Column of the score.
        lag: With how many periods before each is compared: 1 for the quarter before, 4 for that
            of last year.

    Returns:
        ``scores`` with ``change`` (in the score's unit), ``change_low``, ``change_high`` (at the
        confidence of the scores' own intervals) and ``verdict``: ``rise`` or ``fall`` where the
        interval leaves out zero, else ``unclear``; ``suppressed``, without numbers, where either
        period has too few answers; empty where there is none to compare with.

    Raises:
        AnalysisError: A column is missing.

    References:
        Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures: a
        general approach. Statistics in Medicine 27, 1693-1702.
    """
    check_columns(scores, ["segment", score, "ci_low", "ci_high", "suppressed"], "scores")
    before = scores.groupby("segment", sort=False)[[score, "ci_low", "ci_high", "suppressed"]]
    pairs = zip(scores.to_dict("records"), before.shift(lag).to_dict("records"), strict=True)
    changes = [_change(now, then, score) for now, then in pairs]
    columns = ["change", "change_low", "change_high", "verdict"]
    return scores.join(pd.DataFrame(changes, columns=columns, index=scores.index))


def _change(
    now: dict[Any, Any], then: dict[Any, Any], score: str
) -> tuple[float, float, float, Verdict]:
    missing = math.nan, math.nan, math.nan
    if now["suppressed"] or then["suppressed"] is True:
        return *missing, "suppressed"
    if math.isnan(then[score]) or math.isnan(now[score]):
        return *missing, ""
    low, high = difference_interval(
        (now[score], now["ci_low"], now["ci_high"]), (then[score], then["ci_low"], then["ci_high"])
    )
    verdict: Verdict = "rise" if low > 0 else "fall" if high < 0 else "unclear"
    return now[score] - then[score], low, high, verdict
