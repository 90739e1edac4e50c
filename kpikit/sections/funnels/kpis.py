"""The rows of ``kpis.json`` of a funnel analysis: conversions and step rates, as the page shows."""

import math
from collections.abc import Iterable
from typing import Any

from kpikit.present.frames import records
from kpikit.sections.funnels.reading import Reading

_DECIMALS = 6  # so that bytes repeat wherever floating-point sums are ordered otherwise


def kpi_rows(readings: Iterable[Reading]) -> tuple[dict[str, Any], ...]:
    """Return a row per funnel for its conversion, and one per step from the second on.

    Returns:
        ``metric`` (``checkout.conversion``, ``checkout.purchase``), ``period``, ``value`` (share,
        None where nobody was at the step before), ``unit``, ``n`` (users behind it), ``complete``
        (whether all entries of the period have had a full window), ``target`` (None), ``flags``.
    """
    return tuple(row for reading in readings for row in _rows(reading))


def _rows(reading: Reading) -> Iterable[dict[str, Any]]:
    if reading.periods["actual"].days == 0:
        return
    steps = records(reading.now)
    last, entered = steps[-1], steps[0]["users"]
    yield _row(reading, "conversion", last["overall_rate"], entered)
    for step in steps[1:]:
        yield _row(reading, step["name"], step["step_rate"], step["previous_users"])


def _row(reading: Reading, name: str, value: float, n: int) -> dict[str, Any]:
    known = math.isfinite(value)
    return {
        "metric": f"{reading.key}.{name}",
        "period": reading.context.period.label,
        "value": round(float(value), _DECIMALS) if known else None,
        "unit": "share",
        "n": int(n),
        "complete": not reading.is_cut,
        "target": None,
        "flags": [] if known else ["nobody was at the step before"],
    }
