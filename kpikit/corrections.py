"""Corrections of p-values where many hypotheses are tested at once.

An adjusted p-value is compared with the same level as an unadjusted one. Holm's keep the chance of
any false alarm among all tests, Benjamini and Hochberg's the expected share of false alarms among
the tests that are taken for real. A missing p-value stays missing and counts for no test.
"""

import numpy as np
import numpy.typing as npt

from kpikit.errors import AnalysisError

Floats = npt.NDArray[np.float64]


def holm(p_values: npt.ArrayLike) -> Floats:
    """Return Holm's adjusted p-values: they bound the chance of any false alarm.

    The i-th smallest of m is multiplied by m - i + 1, and none is smaller than the one before it.
    Holds however the tests depend on one another.

    Args:
        p_values: One per test, 0 to 1; missing where a test could not be made.

    Returns:
        Adjusted p-values in the order given.

    Raises:
        AnalysisError: A p-value lies outside 0 and 1.

    References:
        Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian
        Journal of Statistics 6, 65-70.

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    values, tested = _checked(p_values)
    order = np.argsort(values[tested], kind="stable")
    tests = len(order)
    scaled = values[tested][order] * (tests - np.arange(tests))
    return _in_place(np.maximum.accumulate(scaled), order, tested)


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """Return Benjamini and Hochberg's adjusted p-values: they bound the share of false alarms.

    The i-th smallest of m is multiplied by m / i, and none is larger than the one after it. Holds
    for tests that are independent or rise and fall together.

    Args:
        p_values: One per test, 0 to 1; missing where a test could not be made.

    Returns:
        Adjusted p-values in the order given.

    Raises:
        AnalysisError: A p-value lies outside 0 and 1.

    References:
        Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the
        Royal Statistical Society B 57, 289-300.

    Example:
        >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.04, 0.04]
    """
    values, tested = _checked(p_values)
    order = np.argsort(values[tested], kind="stable")
    tests = len(order)
    scaled = values[tested][order] * tests / np.arange(1, tests + 1)
    return _in_place(np.minimum.accumulate(scaled[::-1])[::-1], order, tested)


def _checked(p_values: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the p-values and which of them are of a test that was made."""
    values = np.asarray(p_values, dtype=float)
    outside = values[(values < 0) | (values > 1)]
    if outside.size:
        raise AnalysisError(
            f"A p-value is {outside[0]:g} among those to correct.\nGive values from 0 to 1."
        )
    return values, ~np.isnan(values)


def _in_place(
    adjusted: Floats, order: npt.NDArray[np.intp], tested: npt.NDArray[np.bool_]
) -> Floats:
    """Return values sorted by size where they came from, at most 1."""
    unsorted = np.empty_like(adjusted)
    unsorted[order] = np.minimum(adjusted, 1.0)
    placed = np.full(tested.shape, np.nan)
    placed[tested] = unsorted
    return placed
