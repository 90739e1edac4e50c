"""Which published numbers are the same: ``kpis.json`` holds six decimals."""

import math

_ROUNDING = 1.5e-6


def is_same(published: float, now: float) -> bool:
    """Tell whether two values differ by no more than six decimals can show."""
    return math.isclose(published, now, rel_tol=1e-9, abs_tol=_ROUNDING)
