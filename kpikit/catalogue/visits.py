"""In which periods each user was there: an integer each, with a bit per period.

One grouping and no join; a cell of a table is then a count of bits.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from kpikit.engine import local_time, naive_utc, period_bit, supports, utc_bounds
from kpikit.periods import Calendar, Grain, Period

MOST_PERIODS = 63  # the bits of a 64-bit integer without its sign
_LONGEST = {"day": 1, "week": 7, "month": 31}


def visit_periods(
    events: ir.Table, *, grain: Grain, calendar: Calendar, after: dt.date
) -> list[Period]:
    """Return the periods from the first event to the day before ``after``.

    None where there are no events before, more periods than bits, or the engine knows no bits.
    """
    times = naive_utc(events.event_time)
    if not supports(times, ops.BitOr):
        return []
    first = times.min().to_pyarrow().as_py()  # which DuckDB reads off the footer of a Parquet file
    if first is None or first >= utc_bounds(after, after, calendar.timezone)[0]:
        return []
    day = first.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(calendar.timezone)).date()
    if (after - day).days > MOST_PERIODS * _LONGEST[grain]:
        return []
    periods = calendar.periods(day, after, grain)
    return periods if len(periods) <= MOST_PERIODS else []


def visit_masks(
    rows: ir.Table,
    periods: Sequence[Period],
    *,
    timezone: str,
    after: dt.date,
    counted: Mapping[str, ir.BooleanValue | None],
) -> ir.Table:
    """Return a row per user with a mask for each kind of visit; bit p stands for period p.

    Args:
        rows: ``user_id`` and ``event_time`` (UTC, without a zone), none of them before the first
            period or from ``after`` on.
        periods: Periods in order, as ``visit_periods`` returns them.
        timezone: Zone of their days.
        after: First day without data.
        counted: Name of each mask, and which rows count for it; None means all.
    """
    between = utc_bounds(periods[0].start, after, timezone)
    times = local_time(rows.event_time, timezone, between=between)
    bit = period_bit(times, [period.start for period in periods])
    marked = rows.select(
        "user_id",
        bit=bit,
        **{name: rows_ for name, rows_ in counted.items() if rows_ is not None},
    )
    masks = {
        name: (marked.bit if rows_ is None else ibis.ifelse(marked[name], marked.bit, 0)).bit_or()
        for name, rows_ in counted.items()
    }
    return marked.group_by("user_id").aggregate(**masks)
