"""Were units dealt out as planned?"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import special

from kpikit.errors import AnalysisError, hint_names, unknown_name

MISMATCH_P_VALUE = 0.001


def sample_ratio_p_value(observed: Sequence[float], weights: Sequence[float]) -> float:
    """Return the p-value of the planned split, by the chi-square test over all variants.

    A split that its plan would hardly give (p below 0.001) means that units were lost or doubled
    in one variant more than in another, and no comparison of what is left can be trusted.

    Args:
        observed: Units per variant.
        weights: Planned shares, in the same order.

    Returns:
        The p-value; missing without any unit.

    References:
        Fabijan, A. et al. (2019). Diagnosing sample ratio mismatch in online controlled
        experiments. KDD 2019, 2156-2164.

    Example:
        >>> f"{sample_ratio_p_value([821588, 815482], [0.5, 0.5]):.2g}"
        '1.8e-06'
    """
    return float(special.chdtrc(len(observed) - 1, sample_ratio_statistic(observed, weights)))


def sample_ratio_statistic(observed: Sequence[float], weights: Sequence[float]) -> float:
    """Return the chi-square statistic of ``sample_ratio_p_value``."""
    counts = np.asarray(observed, dtype=float)
    shares = np.asarray(weights, dtype=float)
    expected = counts.sum() * shares / shares.sum()
    with np.errstate(invalid="ignore"):
        return float(((counts - expected) ** 2 / expected).sum())


def planned_shares(
    units: Mapping[Hashable, int],
    *,
    control: Hashable,
    planned: Mapping[Hashable, float] | None,
) -> dict[Hashable, float]:
    """Return the planned share per variant, control first; equal shares where none are planned.

    Args:
        units: Units per variant, as found.
        control: The variant that the others are compared with.
        planned: Variant to planned share.

    Raises:
        AnalysisError: Units have a variant that is not planned; the shares are not
            positive or do not sum to 1; there is nothing to compare.
        UnknownNameError: There is no such control.
    """
    if planned is None:
        split = dict.fromkeys(sorted(units, key=str), 1 / max(len(units), 1))
    else:
        split = dict(planned)
        _check_split(split, units)
    check_control(control, split, "analyze_experiment")
    if len(split) < 2:
        raise AnalysisError(
            f"All units are in '{control}'.\nAn experiment compares two variants or more."
        )
    return {control: split[control], **split}


def check_control(control: Hashable, variants: Iterable[Hashable], where: str) -> None:
    """Raise unless ``control`` is one of the variants.

    Raises:
        UnknownNameError: It is none of them.
    """
    names = list(variants)
    if control not in names:
        raise unknown_name("variant", str(control), f"{where}: control", map(str, names))


def _check_split(split: Mapping[Hashable, float], units: Mapping[Hashable, int]) -> None:
    where = "planned_split in analyze_experiment"
    for variant, share in split.items():
        if not 0 < share <= 1:
            raise AnalysisError(
                f"The share of '{variant}' is {share} in {where}.\nGive a share above 0."
            )
    if not math.isclose(sum(split.values()), 1, abs_tol=1e-6):
        raise AnalysisError(
            f"The shares sum to {sum(split.values()):.6g} in {where}, not to 1.\n"
            f"Write what was planned, such as 0.5 and 0.5."
        )
    for variant in units:
        if variant not in split:
            hint = hint_names(str(variant), map(str, split), label="Planned")
            raise AnalysisError(
                f"{units[variant]} units are in variant '{variant}', which is not in {where}.\n"
                f"{hint}"
            )


def allocation_table(
    units: Mapping[Hashable, int], split: Mapping[Hashable, float]
) -> pd.DataFrame:
    """Return units beside what the plan expects, per variant.

    Returns:
        Per variant of ``split``: ``variant``, ``units``, ``unit_share``, ``planned_share`` and
        ``expected_units``.
    """
    counts = [units.get(variant, 0) for variant in split]
    total = sum(counts)
    planned = [share / sum(split.values()) for share in split.values()]
    return pd.DataFrame(
        {
            "variant": list(split),
            "units": counts,
            "unit_share": [count / total if total else math.nan for count in counts],
            "planned_share": planned,
            "expected_units": [share * total for share in planned],
        }
    )
