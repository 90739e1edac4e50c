"""Numbers per segment and local day, from which those of any period are summed."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from kpikit.catalogue.relations import as_segment
from kpikit.intervals import Floats
from kpikit.periods import Period


def segment_of(table: ir.Table, dimension: str) -> ir.StringValue:
    """Return the dimension as text, a missing value named; empty text without a dimension."""
    if not dimension:
        return ibis.literal("")
    return as_segment(table[dimension])


@dataclass(frozen=True)
class DailySums:
    """Numbers per segment and day, in any order and with any number of rows for each.

    Attributes:
        days: Local day of each row.
        rows: The numbers, one row for each of ``days``.
        of_segment: Which rows are of a segment, in the order of their days; segments are sorted.
    """

    days: np.ndarray[tuple[int], np.dtype[np.datetime64]]
    rows: Floats
    of_segment: dict[str, np.ndarray[tuple[int], np.dtype[np.intp]]]

    @classmethod
    def read(cls, daily: pa.Table, rows: Sequence[Floats]) -> "DailySums":
        """Return the sums of a table with the columns ``segment`` and ``day``.

        Args:
            daily: The table.
            rows: Columns of numbers, each as long as the table.
        """
        segments = daily["segment"].to_numpy()
        days = daily["day"].to_numpy().astype("datetime64[D]")
        in_order = np.argsort(days, kind="stable")
        own = {name: in_order[segments[in_order] == name] for name in sorted(set(segments))}
        return cls(days, np.column_stack(rows), own)

    @property
    def first_day(self) -> dt.date | None:
        """The first day with a row; None without any."""
        first: dt.date | None = self.days.min().item() if len(self.days) else None
        return first

    def segments(self, dimension: str) -> list[str]:
        """Return the segments of a dimension, sorted; that of the total is there without a row."""
        return list(self.of_segment) if dimension else [""]

    def within(self, period: Period, segment: str = "") -> Floats:
        """Return the sums of a period, one of each column."""
        own = self.of_segment.get(segment, np.array([], dtype=np.intp))
        span = [np.datetime64(day) for day in (period.start, period.end)]
        first, end = np.searchsorted(self.days[own], span)
        sums: Floats = self.rows[own[first:end]].sum(axis=0)
        return sums
