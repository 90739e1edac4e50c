"""The days of a sample product, and shapes over them.

Times are days since the product's first local midnight, as floats: ``12.5`` is noon of the
thirteenth day. They become UTC only when a table is finished.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.errors import PeriodError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_SECONDS_PER_DAY = 86_400
_SHORTEST_DAYS = 90


@dataclass(frozen=True)
class Shift:
    """A dated change: what it touches is multiplied by ``factor`` while it lasts.

    Attributes:
        start: First day.
        end: Last day; None lasts for good.
        factor: What the daily value is multiplied by.
    """

    start: dt.date
    end: dt.date | None
    factor: float


@dataclass(frozen=True)
class Timeline:
    """The local days of a product's history, both ends included.

    Attributes:
        start: First day.
        as_of: Last day.
        timezone: IANA zone in which the days begin.
    """

    start: dt.date
    as_of: dt.date
    timezone: str

    def __post_init__(self) -> None:
        if self.length < _SHORTEST_DAYS:
            first = self.start + dt.timedelta(days=_SHORTEST_DAYS - 1)
            raise PeriodError(
                f"Sample data cannot end on {self.as_of}: this product's begins on {self.start}.\n"
                f"Give {first} or a later day."
            )

    @property
    def length(self) -> int:
        """Number of days."""
        return (self.as_of - self.start).days + 1

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Every day."""
        return pd.date_range(self.start, periods=self.length, unit="us")

    def day(self, date: dt.date) -> float:
        """Return the time at which ``date`` begins; it may lie outside the history."""
        return float((date - self.start).days)

    def shape(
        self,
        *shifts: Shift,
        growth: float = 1.0,
        weekdays: Sequence[float] = (1,) * 7,
        months: Sequence[float] = (1,) * 12,
    ) -> Floats:
        """Return a factor per day: trend, weekly and yearly season, and dated changes.

        Args:
            shifts: Dated changes; where they overlap, they multiply.
            growth: Factor per year.
            weekdays: Factors of Monday to Sunday.
            months: Factors of January to December, reached in mid-month and joined by lines.
        """
        dates = self.dates
        middles = (np.arange(-1, 13) + 0.5) / 12
        yearly = np.interp(dates.day_of_year / 366, middles, [months[-1], *months, months[0]])
        daily = growth ** (np.arange(self.length) / 365.25) * yearly
        daily = daily * np.asarray(weekdays)[dates.day_of_week]
        for shift in shifts:
            last = self.length if shift.end is None else int(self.day(shift.end)) + 1
            daily[max(0, int(self.day(shift.start))) : max(0, last)] *= shift.factor
        return np.asarray(daily, dtype=np.float64)

    def within(self, times: Floats, shift: Shift) -> Flags:
        """Tell which times lie in the days of ``shift``."""
        last = np.inf if shift.end is None else self.day(shift.end) + 1
        return (times >= self.day(shift.start)) & (times < last)

    def soon(self, times: Floats, date: dt.date, days: float) -> Flags:
        """Tell which times lie in the ``days`` from ``date`` on."""
        since = times - self.day(date)
        return (since >= 0) & (since < days)

    def utc(self, times: Floats) -> pd.DatetimeIndex:
        """Return times as UTC without a zone, to the second; NaN becomes NaT."""
        return self._instants(times).tz_convert("UTC").tz_localize(None)

    def local(self, times: Floats) -> pd.DatetimeIndex:
        """Return times as the wall clock shows them, to the second; NaN becomes NaT."""
        return self._instants(times).tz_localize(None)

    def _instants(self, times: Floats) -> pd.DatetimeIndex:
        known = np.isfinite(times)
        seconds = np.floor(np.where(known, times, 0) * _SECONDS_PER_DAY).astype("timedelta64[s]")
        stamps = np.datetime64(self.start, "s") + seconds
        index = pd.DatetimeIndex(np.where(known, stamps, np.datetime64("NaT"))).as_unit("us")
        twice = np.zeros(len(index), dtype=bool)  # an hour that the clock shows twice: the second
        return index.tz_localize(self.timezone, ambiguous=twice, nonexistent="shift_forward")
