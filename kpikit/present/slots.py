"""Periods laid side by side: what a chart along time draws, one slot for each period."""

import datetime as dt
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.formats import format_date
from kpikit.present.frames import day_of, records

Floats = npt.NDArray[np.float64]


class Ticks(NamedTuple):
    """Where labels stand along an axis, and what they say."""

    positions: Sequence[float]
    labels: Sequence[str]


@dataclass(frozen=True)
class Slots:
    """Periods of equal width, in order; an absent one is a slot without a value.

    Slot ``i`` reaches from ``i - 0.5`` to ``i + 0.5``.

    Attributes:
        starts: First day of each period.
        edges: Ordinals of the first days, and of the day after the last.
        names: Label of each period as the frame gives it, empty if it gives none.
        actual: Value of each period, NaN where unknown.
        previous: Value a year before, NaN where unknown.
        complete: Whether the data covers the whole of the period.
        lower: Lower limit of routine variation, NaN where there is none.
        upper: Upper limit.
        signals: Whether a value is more than routine variation.
    """

    starts: tuple[dt.date, ...]
    edges: Floats
    names: tuple[str, ...]
    actual: Floats
    previous: Floats
    complete: npt.NDArray[np.bool_]
    lower: Floats
    upper: Floats
    signals: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def positions(self) -> Floats:
        """Middle of each slot."""
        return np.arange(len(self), dtype=float)

    @property
    def is_empty(self) -> bool:
        """Whether no value is known at all."""
        return not bool(np.isfinite(self.actual).any())

    def place(self, day: dt.date) -> float:
        """Return where a day lies along the slots; days outside lie on the nearest edge."""
        return float(np.interp(day.toordinal(), self.edges, np.arange(len(self.edges)) - 0.5))

    def holds(self, day: dt.date) -> bool:
        """Tell whether a day lies inside."""
        return len(self) > 0 and bool(self.edges[0] <= day.toordinal() < self.edges[-1])


class _Slot(NamedTuple):
    start: dt.date
    end: dt.date
    name: str = ""
    value: float = float("nan")
    previous: float = float("nan")
    complete: bool = True
    lower: float = float("nan")
    upper: float = float("nan")
    signal: bool = False


def make_slots(frame: pd.DataFrame) -> Slots:
    """Return the slots of a frame with one row per period.

    Args:
        frame: ``start``, ``end``, ``value``; where known ``previous``, ``complete``, ``period``,
            and ``lower``, ``upper``, ``signal`` of ``analysis.signals.signal_table``.
            Periods absent between two rows become slots without a value: a line breaks there.
    """
    rows: list[_Slot] = []
    for record in sorted(records(frame), key=itemgetter("start")):
        slot = _Slot(
            day_of(record["start"]),
            day_of(record["end"]),
            str(record.get("period", "")),
            _number(record["value"]),
            _number(record.get("previous")),
            bool(record.get("complete", True)),
            _number(record.get("lower")),
            _number(record.get("upper")),
            record.get("signal") is True,
        )
        if rows:
            rows.extend(_absent(rows[-1].end, slot.start, slot.end - slot.start))
        rows.append(slot)
    days = [row.start for row in rows] + [row.end for row in rows[-1:]]
    return Slots(
        starts=tuple(row.start for row in rows),
        edges=np.array([day.toordinal() for day in days], dtype=float),
        names=tuple(row.name for row in rows),
        actual=np.array([row.value for row in rows], dtype=float),
        previous=np.array([row.previous for row in rows], dtype=float),
        complete=np.array([row.complete for row in rows], dtype=bool),
        lower=np.array([row.lower for row in rows], dtype=float),
        upper=np.array([row.upper for row in rows], dtype=float),
        signals=np.array([row.signal for row in rows], dtype=bool),
    )


def slot_ticks(slots: Slots) -> list[Ticks]:
    """Return ways to label slots, from dense to sparse: by week, by month, else by the names."""
    days = statistics.median(np.diff(slots.edges))
    if 7 < days <= 31:
        return [_month_ticks(slots, step) for step in (1, 3, 6, 12)]
    names = _week_names(slots) if days == 7 else slots.names
    # The last period is the one that a reader looks for, so thinning counts back from it.
    kept = [range((len(slots) - 1) % step, len(slots), step) for step in (1, 2, 3, 4, 6, 12)]
    return [Ticks([float(i) for i in some], [names[i] for i in some]) for some in kept]


def _month_ticks(slots: Slots, step: int) -> Ticks:
    """Label every ``step``-th month of a year; name the year at the first and where it turns."""
    found: list[tuple[float, str]] = []
    for index, start in enumerate(slots.starts):
        if (start.month - 1) % step == 0:
            with_year = not found or start.month == 1
            _, month, year = format_date(start).split()
            found.append((float(index), f"{month} {year}" if with_year else month))
    return Ticks([position for position, _ in found], [label for _, label in found])


def _week_names(slots: Slots) -> list[str]:
    """Name each week by the ISO number of its own Thursday, whatever day it starts on."""
    thursdays = [start + dt.timedelta(days=(3 - start.weekday()) % 7) for start in slots.starts]
    return [f"W{thursday.isocalendar().week:02d}" for thursday in thursdays]


def _absent(start: dt.date, end: dt.date, length: dt.timedelta) -> list[_Slot]:
    """Return slots for the periods of about one length that lie between two days."""
    count = round((end - start) / length)
    days = [start + (end - start) * index / count for index in range(count)]
    if length.days > 27:  # months and quarters are not quite alike, but begin on a first day
        days = [(day + dt.timedelta(days=15)).replace(day=1) for day in days]
    return [_Slot(first, after) for first, after in zip(days, [*days[1:], end], strict=False)]


def _number(value: float | None) -> float:
    return float("nan") if value is None or pd.isna(value) else float(value)
