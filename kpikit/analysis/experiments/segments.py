"""Effects in segments: do they differ at all, and what is left of each after shrinking?"""

import numpy as np
import pandas as pd
from scipy import special, stats

from kpikit.corrections import holm

_POWER = 0.8


def heterogeneity_table(segments: pd.DataFrame) -> pd.DataFrame:
    """Return whether the effect differs between the segments of a dimension.

    This comes before any single segment is looked at: with ten segments one stands out by chance.

    Args:
        segments: ``ExperimentResult.segments``.

    Returns:
        One row per ``metric``, ``variant`` and ``dimension`` with two estimates or more:
        ``segments`` (their number), ``q`` (Cochran's), ``p_value``, ``p_adjusted`` (Holm's over
        the dimensions of a metric and variant), ``i_squared`` (share of the spread beyond chance,
        0 to 1), ``between_variance`` and ``pooled`` (mean effect, weighted by precision).

    References:
        Cochran, W. G. (1954). The combination of estimates from different experiments. Biometrics
        10, 101-129. Higgins, J. P. T. and Thompson, S. G. (2002). Statistics in Medicine 21,
        1539-1558, for I squared. DerSimonian, R. and Laird, N. (1986). Controlled Clinical Trials
        7, 177-188, for the variance between segments.
    """
    keys = ["metric", "variant", "dimension"]
    known = segments[segments["se"] > 0]
    rows = [
        dict(zip(keys, key, strict=True)) | heterogeneity(rows["delta_abs"], rows["se"])
        for key, rows in known.groupby(keys, sort=False)
        if len(rows) > 1
    ]
    names = [*keys, "segments", "q", "p_value", "i_squared", "between_variance", "pooled"]
    frame = pd.DataFrame(rows, columns=names)
    tests = frame.groupby(["metric", "variant"], sort=False)["p_value"]
    return frame.assign(
        p_adjusted=tests.transform(lambda values: pd.Series(holm(values), index=values.index))
    )


def heterogeneity(effects: pd.Series, errors: pd.Series) -> dict[str, float]:
    """Return Cochran's Q of effects with their standard errors, and what follows from it."""
    weights = errors**-2
    pooled = float(np.average(effects, weights=weights))
    q = float((weights * (effects - pooled) ** 2).sum())
    degrees = len(effects) - 1
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    return {
        "segments": len(effects),
        "q": q,
        "p_value": float(stats.chi2.sf(q, degrees)),
        "i_squared": max(0.0, 1 - degrees / q) if q > 0 else 0.0,
        "between_variance": max(0.0, (q - degrees) / scale),
        "pooled": pooled,
    }


def segment_table(
    segments: pd.DataFrame, *, planned_effect: float | None = None, alpha: float = 0.05
) -> pd.DataFrame:
    """Return the effects in segments with corrected intervals and shrunken estimates.

    Each estimate is drawn towards the mean over its dimension, the more so the less the segments
    differ and the fewer units it has: what it would most likely show if repeated.

    Args:
        segments: ``ExperimentResult.segments``.
        planned_effect: Effect that the experiment was to find, absolute; that of all segments
            pooled by default.
        alpha: Level that the intervals of a dimension keep together (Bonferroni).

    Returns:
        The rows given with ``simultaneous_low``, ``simultaneous_high``, ``shrunken``,
        ``shrunken_se`` and ``powered`` (whether its units would find the planned effect with a
        chance of 80 %; False also where there is no estimate).

    References:
        Efron, B. and Morris, C. (1975). Data analysis using Stein's estimator and its
        generalizations. JASA 70, 311-319.
    """
    keys = ["metric", "variant", "dimension"]
    differ = heterogeneity_table(segments)[[*keys, "between_variance", "pooled"]]
    differ = differ.astype({"between_variance": float, "pooled": float})  # also without any row
    rows = segments.merge(differ, on=keys, how="left")
    tests = rows.groupby(keys)["p_value"].transform("count").clip(lower=1)
    half = _critical(1 - alpha / (2 * tests), rows["df"]) * rows["se"]
    prior, data = rows["between_variance"], rows["se"] ** 2
    kept = prior / (prior + data)
    target = abs(planned_effect) if planned_effect is not None else rows["pooled"].abs()
    reach = float(special.ndtri(1 - alpha / 2) + special.ndtri(_POWER))
    return segments.assign(
        simultaneous_low=(rows["delta_abs"] - half).to_numpy(),
        simultaneous_high=(rows["delta_abs"] + half).to_numpy(),
        shrunken=(rows["pooled"] + kept * (rows["delta_abs"] - rows["pooled"])).to_numpy(),
        shrunken_se=np.sqrt((kept * data).to_numpy()),
        powered=(reach * rows["se"] <= target).to_numpy(),
    )


def _critical(probability: pd.Series, degrees: pd.Series) -> pd.Series:
    """Return quantiles of Student's t, normal where the degrees of freedom are infinite."""
    finite = degrees.where(np.isfinite(degrees), 1.0)
    values = np.where(
        np.isfinite(degrees),
        special.stdtrit(finite, probability),
        special.ndtri(probability),
    )
    return pd.Series(values, index=degrees.index)
