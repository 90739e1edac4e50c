"""How much each factor of a formula contributed to its change."""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.errors import AnalysisError, unknown_name

MOST_FACTORS = 7  # the formula is reckoned 2^n times
Floats = npt.NDArray[np.float64]
Formula = Callable[..., Any]


def contribution_table(
    before: Mapping[str, Any], after: Mapping[str, Any], *, formula: Formula
) -> pd.DataFrame:
    """Return how much each factor of a formula contributed to the change of its value.

    A factor's effect is its Shapley value: what the formula gains when the factor moves from its
    old to its new value, averaged over all orders in which the factors could have moved. Hence the
    effects sum to the change, none depends on the order in which factors are named, and a factor
    that stayed has an effect of zero. Averages are taken in rational arithmetic and rounded once,
    so that the sum is exact but for the last digit of a float.

    Args:
        before: Factor to its value, or to an array of values over segments, before. Series over
            segments are matched by their index, all factors and both sides.
        after: The same factors, after.
        formula: Function of the factors that gives one number. It is called with the factors by
            name (``lambda visitors, conversion: visitors * conversion``); a function of one
            argument that bears no factor's name is given them as a mapping, and one of as many
            arguments as there are factors in their order. Arrays arrive as numpy arrays.

    Returns:
        One row per factor, in the order of ``before``: ``factor``, ``before`` and ``after`` (NaN
        for an array), ``effect`` (in the formula's unit) and ``share`` of the change (NaN where
        nothing changed).

    Raises:
        AnalysisError: There is no factor or more than seven, a value is missing, arrays differ in
            length or Series in their index, the formula fits no such call or gives no finite
            number.
        UnknownNameError: A factor of one side is not on the other.

    References:
        Shapley, L. S. (1953). A value for n-person games. Das Gupta, P. (1993). Standardization and
        Decomposition of Rates: A User's Manual. U.S. Bureau of the Census, P23-186, whose effects
        of up to six factors these are.

    Example:
        >>> table = contribution_table(
        ...     {"visitors": 100, "conversion": 0.10},
        ...     {"visitors": 120, "conversion": 0.15},
        ...     formula=lambda visitors, conversion: visitors * conversion,
        ... )
        >>> table["effect"].round(9).tolist()
        [2.5, 5.5]
    """
    old, new = read_factors(before, after)
    names = list(old)
    if len(names) > MOST_FACTORS:
        raise AnalysisError(
            f"{len(names)} factors in contribution_table, and at most {MOST_FACTORS} can be parted."
            "\nJoin those that move together into one."
        )
    value = _valuer(formula, old, new)
    size = len(names)
    worth = {
        moved: value(moved) for count in range(size + 1) for moved in _choose(range(size), count)
    }
    effects = [float(_shapley(index, size, worth)) for index in range(size)]
    change = float(worth[frozenset(range(size))] - worth[frozenset()])
    return pd.DataFrame(
        {
            "factor": names,
            "before": [_scalar(old[name]) for name in names],
            "after": [_scalar(new[name]) for name in names],
            "effect": effects,
            "share": [effect / change if change else math.nan for effect in effects],
        }
    )


def lmdi_table(before: Mapping[str, Any], after: Mapping[str, Any]) -> pd.DataFrame:
    """Return contributions to a sum of products by the logarithmic mean Divisia index (LMDI-I).

    The value is the product of the factors, summed over segments. Where shares and growth rates
    are spoken of together this is the method to choose: its effects sum to the change and its
    ratios multiply to the ratio of the values, both exactly. Every number must be above zero;
    ``contribution_table`` knows no such limit.

    Args:
        before: Factor to its value, or to an array of values over segments, before.
        after: The same factors, after.

    Returns:
        One row per factor, in the order of ``before``: ``factor``, ``effect`` (additive) and
        ``ratio`` (multiplicative, 1 where the factor changed nothing).

    Raises:
        AnalysisError: There is no factor, a value is missing or not above zero, arrays differ in
            length or Series in their index.
        UnknownNameError: A factor of one side is not on the other.

    References:
        Ang, B. W. (2005). The LMDI approach to decomposition analysis: a practical guide. Energy
        Policy 33(7), 867-871.

    Example:
        >>> table = lmdi_table({"users": 100, "spend": 2}, {"users": 200, "spend": 4})
        >>> table["ratio"].round(9).tolist(), table["effect"].round(9).tolist()
        ([2.0, 2.0], [300.0, 300.0])
    """
    old, new = read_factors(before, after)
    for name in old:
        if (old[name] <= 0).any() or (new[name] <= 0).any():
            raise AnalysisError(
                f"Factor '{name}' is not above zero in lmdi_table, which takes logarithms.\n"
                "Use contribution_table."
            )
    values_old = np.atleast_1d(_product(old.values()))
    values_new = np.atleast_1d(_product(new.values()))
    weights = _log_mean(values_new, values_old)
    total = _log_mean(values_new.sum(), values_old.sum())
    logs = [np.log(new[name] / old[name]) for name in old]
    effects = [float((weights * log).sum()) for log in logs]
    return pd.DataFrame(
        {
            "factor": list(old),
            "effect": effects,
            "ratio": [float(np.exp(effect / total)) for effect in effects],
        }
    )


def read_factors(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return the factors of both sides as arrays of floats, matched and checked."""
    before, after = dict(before), dict(after)  # a Series of factors is iterated by its values
    if not before:
        raise AnalysisError("There is no factor.\nGive each factor with its value.")
    for here, there, side in ((before, after, "after"), (after, before, "before")):
        for name in here:
            if name not in there:
                raise unknown_name("factor", str(name), f"'{side}', which lacks it", there)
    series = (value for value in (*before.values(), *after.values()) if _is_series(value))
    index = next((value.index for value in series), None)
    old, new = (
        {name: _floats(name, _aligned(name, values[name], index)) for name in before}
        for values in (before, after)
    )
    lengths = {array.shape for array in (*old.values(), *new.values()) if array.ndim}
    if len(lengths) > 1:
        found = ", ".join(str(shape[0]) for shape in sorted(lengths))
        raise AnalysisError(
            f"The factors have different numbers of segments: {found}.\n"
            "Give every array a value per segment, in the same order; 0 where there was nothing."
        )
    return old, new


def _is_series(value: Any) -> bool:
    return isinstance(value, pd.Series)


def _aligned(name: str, value: Any, index: pd.Index | None) -> Any:
    """Return a Series over segments in the order of the first one; anything else as it is."""
    if index is None or not _is_series(value):
        return value
    if set(value.index) != set(index) or not (value.index.is_unique and index.is_unique):
        raise AnalysisError(
            f"Factor '{name}' has other segments than the factors before it, or one twice.\n"
            "Give every segment in each factor and on both sides, once; 0 where there was nothing."
        )
    return value.reindex(index)


def _floats(name: str, value: Any) -> Floats:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.asarray(math.nan)
    if array.ndim > 1 or not np.isfinite(array).all():
        raise AnalysisError(
            f"Factor '{name}' has a value that is missing or no number.\n"
            "Give a finite number, or a flat array of them."
        )
    return array


def _valuer(
    formula: Formula, old: dict[str, Floats], new: dict[str, Floats]
) -> Callable[[frozenset[int]], Fraction]:
    """Return the formula as a function of which factors have moved."""
    call = caller_of(formula, list(old))

    def value(moved: frozenset[int]) -> Fraction:
        given = {
            name: _plain(new[name] if index in moved else old[name])
            for index, name in enumerate(old)
        }
        with np.errstate(all="ignore"):
            try:
                found = _as_floats(call(given))
            except ZeroDivisionError:
                found = np.asarray(math.nan)
        if found.size != 1:
            raise AnalysisError(
                f"The formula gives {found.size} values.\n"
                "Let it sum over the segments to one number, such as (a * b).sum()."
            )
        if not np.isfinite(found).all():
            names = ", ".join(name for index, name in enumerate(old) if index in moved) or "nothing"
            raise AnalysisError(
                f"The formula gives no number where {names} moved.\n"
                "Its parts must be defined for every mixture of old and new values."
            )
        return Fraction(found.item())

    return value


def caller_of(formula: Formula, names: list[str]) -> Callable[[dict[str, Any]], Any]:
    """Return how a formula takes its factors: by name, as one mapping, or in their order."""
    if not callable(formula):
        raise AnalysisError(
            f"formula is {formula!r}, and no function.\n"
            "Give a function of the factors, such as lambda users, rate: users * rate."
        )
    try:
        signature = inspect.signature(formula)
    except (TypeError, ValueError):  # a function of C that tells nothing of itself
        return lambda given: formula(*given.values())
    if _binds(signature, **dict.fromkeys(names)):
        return lambda given: formula(**given)
    if len(signature.parameters) == 1 and _binds(signature, None):
        only = next(iter(signature.parameters.values()))
        if only.kind is not inspect.Parameter.VAR_POSITIONAL:
            return formula
    if _binds(signature, *names):
        return lambda given: formula(*given.values())
    raise AnalysisError(
        f"The formula takes {', '.join(signature.parameters) or 'nothing'}; "
        f"the factors are {', '.join(names)}.\n"
        "Let its arguments bear the names of the factors."
    )


def _as_floats(given: Any) -> Floats:
    """Return what a formula gives as floats; a complex number is none."""
    found = np.asarray(given)
    if np.iscomplexobj(found):
        return np.asarray(math.nan)
    try:
        return found.astype(float)
    except (TypeError, ValueError):
        raise AnalysisError(
            f"The formula gives {given!r}, which is no number.\n"
            "Its arguments are the factors' values, each by its name."
        ) from None


def _binds(signature: inspect.Signature, *args: Any, **kwargs: Any) -> bool:
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _shapley(index: int, size: int, worth: Mapping[frozenset[int], Fraction]) -> Fraction:
    """Return the average gain from moving one factor, over all orders."""
    others = [other for other in range(size) if other != index]
    gains = (
        (worth[moved | {index}] - worth[moved]) / (size * math.comb(size - 1, count))
        for count in range(size)
        for moved in _choose(others, count)
    )
    return sum(gains, Fraction())


def _choose(items: Iterable[int], count: int) -> Iterable[frozenset[int]]:
    return map(frozenset, combinations(items, count))


def _plain(array: Floats) -> Any:
    return array if array.ndim else array.item()


def _scalar(array: Floats) -> float:
    return math.nan if array.ndim else array.item()


def _product(arrays: Iterable[Floats]) -> Floats:
    total: Floats = np.asarray(1.0)
    for array in arrays:
        total = total * array
    return total


def _log_mean(first: Any, second: Any) -> Any:
    """Return the logarithmic mean: (a - b) / ln(a / b), and a where both are alike."""
    ratio = np.log(first / second)
    alike = np.abs(ratio) < 1e-12
    return np.where(alike, first, (first - second) / np.where(alike, 1.0, ratio))
