"""What the latest points of a KPI say, and whether its process hits the target.

Convention: NHS England, "Making data count": variation x assurance. The frames are those of
``signal_table``; nothing here draws limits.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from kpikit.errors import AnalysisError, check_choice
from kpikit.params.base import Direction

Variation = Literal["routine", "improvement", "concern", "no_data"]
Assurance = Literal["reliably_hit", "reliably_missed", "hit_or_miss", "no_data"]
Signals = pd.DataFrame | Mapping[str, Any]  # ``signal_table``, or its columns as arrays

# share of points flagged where nothing happened, as benchmarks/signals.py measures it: noise around
# a constant for raw limits; for forecast errors the last points of real series, at most
FALSE_ALARM_RATES = {"xmr": 0.01, "forecast_errors": 0.04, "too_short": 0.0}


def variation(table: Signals, *, direction: Direction = "up", last: int = 1) -> Variation:
    """Return what the latest points say: routine, improvement or concern.

    Args:
        table: From ``signal_table`` or ``signal_columns``.
        direction: Which way is good.
        last: How many last points are looked at (a quarter's three months); the latest signal
            among them decides.

    Returns:
        ``routine`` without a signal; ``improvement`` where the signal lies on the good side,
        ``concern`` where it lies on the other; ``no_data`` where none of the points has limits.
    """
    check_choice("direction", direction, ("up", "down"), "variation")
    first = max(len(table["value"]) - last, 0)
    lower, value, signal, side = (
        np.asarray(table[name])[first:] for name in ("lower", "value", "signal", "side")
    )
    if (pd.isna(lower) | pd.isna(value)).all():
        return "no_data"
    signals = np.flatnonzero(signal)
    if not len(signals):
        return "routine"
    is_good = side[signals[-1]] == ("above" if direction == "up" else "below")
    return "improvement" if is_good else "concern"


def assurance(table: Signals, *, target: float, direction: Direction = "up") -> Assurance:
    """Return whether the process, left as it is, hits a target of one period.

    Args:
        table: From ``signal_table`` or ``signal_columns``: the limits of its last point count.
        target: For one period of the series (never a quarter's against months); NaN for none.
        direction: Which way is good.

    Returns:
        As ``assurance_of``.
    """
    lower, upper = (float(np.asarray(table[name])[-1]) for name in ("lower", "upper"))
    return assurance_of(lower, upper, target=target, direction=direction)


def assurance_of(
    lower: float, upper: float, *, target: float, direction: Direction = "up"
) -> Assurance:
    """Return whether a process within these limits hits a target.

    Args:
        lower: Lower process limit.
        upper: Upper process limit.
        target: In the same unit.
        direction: Which way is good.

    Returns:
        ``reliably_hit`` where both limits lie on the good side of the target, ``reliably_missed``
        where both lie on the other, ``hit_or_miss`` where it lies between them or on one;
        ``no_data`` where a limit or the target is unknown.

    Raises:
        AnalysisError: ``lower`` is above ``upper``, or ``direction`` is unknown.

    References:
        NHS England, "Making data count": assurance.

    Example:
        >>> assurance_of(3, 10, target=12), assurance_of(3, 10, target=12, direction="down")
        ('reliably_missed', 'reliably_hit')
    """
    check_choice("direction", direction, ("up", "down"), "assurance_of")
    if lower > upper:
        raise AnalysisError(
            f"The limits are {lower:g} to {upper:g} in assurance_of.\nGive the lesser first."
        )
    if not all(math.isfinite(number) for number in (lower, upper, target)):
        return "no_data"
    if lower <= target <= upper:
        return "hit_or_miss"
    return "reliably_hit" if (target < lower) == (direction == "up") else "reliably_missed"


def expected_false_signals(tables: Iterable[Signals], *, last: int = 1) -> float:
    """Return how many of the points looked at would be signals although nothing happened.

    Args:
        tables: From ``signal_table`` or ``signal_columns``, one per KPI of a scorecard.
        last: How many last points of each are looked at.

    Returns:
        The sum of ``FALSE_ALARM_RATES`` over all points with a value: 1 % where limits are raw, at
        most 4 % where they are of forecast errors.
    """
    known = (np.asarray(table["method"])[~pd.isna(np.asarray(table["value"]))] for table in tables)
    points = (methods[max(len(methods) - last, 0) :] for methods in known)
    return sum(FALSE_ALARM_RATES[method] for methods in points for method in methods)
