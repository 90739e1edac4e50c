"""Calendars: days, weeks, months, fiscal quarters and years, and how they compare.

A period is a half-open span of days: ``start`` is inside, ``end`` is the first day after it.
Fiscal years bear the calendar year in which they end; quarters and years follow the fiscal year,
months are calendar months, weeks start on the product's own weekday.
"""

import datetime as dt
import functools
import re
from dataclasses import dataclass
from typing import Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from kpikit.errors import PeriodError, hint_names, nearest_names

Grain = Literal["day", "week", "month", "quarter", "year"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
GRAINS: tuple[Grain, ...] = get_args(Grain)
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

_FORMS = "2026Q3, 2026 (fiscal year), 2026-07 (month), 2026-W31 (week), 2026-07-15 (day)"

_WINDOW_UNITS = {
    "w": dt.timedelta(weeks=1),
    "d": dt.timedelta(days=1),
    "h": dt.timedelta(hours=1),
    "m": dt.timedelta(minutes=1),
    "s": dt.timedelta(seconds=1),
}


@dataclass(frozen=True, order=True)
class Period:
    """A span of whole days with its grain and label.

    Attributes:
        start: First day.
        end: First day after the last.
        grain: Length by name.
        label: How it is written: ``2026Q3``, ``2026-07``, ``2026-W31``, ``2026``, ``2026-07-15``.
    """

    start: dt.date
    end: dt.date
    grain: Grain
    label: str

    @functools.cached_property
    def last_day(self) -> dt.date:
        """The last day inside the period."""
        return self.end - dt.timedelta(days=1)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days

    def is_complete(self, as_of: dt.date) -> bool:
        """Tell whether the data up to and including ``as_of`` covers the period's last day."""
        return as_of >= self.last_day

    def days_elapsed(self, as_of: dt.date) -> int:
        """Return how many of its days lie on or before ``as_of`` (0 to ``days``)."""
        return max(0, min(self.days, (as_of - self.start).days + 1))


@dataclass(frozen=True)
class Calendar:
    """How a product cuts time.

    Attributes:
        timezone: IANA name of the zone in which days begin.
        fiscal_year_start: Month (1 to 12) in which the fiscal year begins.
        week_start: First day of a week.
    """

    timezone: str = "UTC"
    fiscal_year_start: int = 1
    week_start: Weekday = "monday"

    def __post_init__(self) -> None:
        check_timezone(self.timezone)
        if not 1 <= self.fiscal_year_start <= 12:
            raise PeriodError(
                f"fiscal_year_start is {self.fiscal_year_start}.\nGive a month from 1 to 12."
            )
        if self.week_start not in WEEKDAYS:
            raise PeriodError(
                f"week_start is '{self.week_start}'.\n{hint_names(self.week_start, WEEKDAYS)}"
            )

    @property
    def week_offset(self) -> int:
        """Days from Monday to the first day of this calendar's week (0 to 6)."""
        return WEEKDAYS.index(self.week_start)

    def period_of(self, day: dt.date, grain: Grain) -> Period:
        """Return the period of ``grain`` that holds ``day``."""
        return self._find(day, grain)

    def parse(self, text: str) -> Period:
        """Return the period written as ``text``.

        Raises:
            PeriodError: The text has none of the known forms, or names a day that does not exist.
        """
        text = str(text).strip()
        try:
            return self._parse(text)
        except (ValueError, OverflowError) as error:
            message = f"'{text}' is no period: {error}.\nWrite one of: {_FORMS}."
            raise PeriodError(message) from error

    def shift(self, period: Period, steps: int) -> Period:
        """Return the period ``steps`` later (earlier when negative), of the same grain."""
        if period.grain in ("day", "week"):
            days = steps * (7 if period.grain == "week" else 1)
            return self.period_of(period.start + dt.timedelta(days=days), period.grain)
        months = {"month": 1, "quarter": 3, "year": 12}[period.grain]
        return self.period_of(_add_months(period.start, steps * months), period.grain)

    def previous(self, period: Period) -> Period:
        """Return the period just before."""
        return self.shift(period, -1)

    def year_before(self, period: Period) -> Period:
        """Return the period a year earlier: 364 days for days and weeks, else 12 months."""
        if period.grain in ("day", "week"):
            return self.period_of(period.start - dt.timedelta(days=364), period.grain)
        steps = {"month": -12, "quarter": -4, "year": -1}[period.grain]
        return self.shift(period, steps)

    def periods(self, start: dt.date, end: dt.date, grain: Grain) -> list[Period]:
        """Return the periods of ``grain`` that touch [start, end), in order."""
        found: list[Period] = []
        day = start
        while day < end:
            period = self.period_of(day, grain)
            found.append(period)
            day = period.end
        return found

    def split(self, period: Period, grain: Grain) -> list[Period]:
        """Return the periods of a finer ``grain`` that start inside ``period``, in order."""
        return [
            part
            for part in self.periods(period.start, period.end, grain)
            if part.start >= period.start
        ]

    def last_complete(self, as_of: dt.date, grain: Grain = "quarter") -> Period:
        """Return the latest period of ``grain`` whose last day is on or before ``as_of``."""
        period = self.period_of(as_of, grain)
        return period if period.is_complete(as_of) else self.previous(period)

    def like_for_like(self, period: Period, other: Period, as_of: dt.date) -> tuple[Period, Period]:
        """Cut two periods to the same number of elapsed days, for a comparison to date.

        A period that is complete by ``as_of`` compares whole with whole, even where their day
        counts differ by a leap day; an unfinished one compares with as many first days of the
        other, at most the whole of it.

        Returns:
            Both periods, with ``end`` moved where they were cut.
        """
        if period.is_complete(as_of):
            return period, other
        days = period.days_elapsed(as_of)
        return _cut(period, days), _cut(other, min(days, other.days))

    # a report asks some thousand times, of some hundred days
    @functools.lru_cache(maxsize=4096, typed=True)  # noqa: B019 - few calendars, all small
    def _find(self, day: dt.date, grain: Grain) -> Period:
        if grain == "day":
            return Period(day, day + dt.timedelta(days=1), "day", day.isoformat())
        if grain == "week":
            return self._week(day)
        if grain == "month":
            start = day.replace(day=1)
            return Period(start, _add_months(start, 1), "month", f"{start:%Y-%m}")
        if grain == "quarter":
            return self._quarter(day)
        if grain == "year":
            start = self._fiscal_year_start(day)
            end = _add_months(start, 12)
            return Period(start, end, "year", str((end - dt.timedelta(days=1)).year))
        raise PeriodError(f"Unknown grain '{grain}'.\n{hint_names(str(grain), GRAINS)}")

    def _week(self, day: dt.date) -> Period:
        start = day - dt.timedelta(days=(day.weekday() - self.week_offset) % 7)
        # A week bears the ISO number of its own Thursday, whatever weekday it starts on; ISO
        # weeks keep their published numbers, and no two weeks of one calendar share a label.
        thursday = start + dt.timedelta(days=(3 - self.week_offset) % 7)
        year, number, _ = thursday.isocalendar()
        return Period(start, start + dt.timedelta(days=7), "week", f"{year}-W{number:02d}")

    def _quarter(self, day: dt.date) -> Period:
        months_in = (day.month - self.fiscal_year_start) % 12
        start = _add_months(day.replace(day=1), -(months_in % 3))
        fiscal_year = (_add_months(self._fiscal_year_start(day), 12) - dt.timedelta(days=1)).year
        label = f"{fiscal_year}Q{months_in // 3 + 1}"
        return Period(start, _add_months(start, 3), "quarter", label)

    def _fiscal_year_start(self, day: dt.date) -> dt.date:
        return _add_months(day.replace(day=1), -((day.month - self.fiscal_year_start) % 12))

    def _parse(self, text: str) -> Period:
        if match := re.fullmatch(r"(\d{4})-?Q([1-4])", text, re.IGNORECASE):
            year, quarter = int(match[1]), int(match[2])
            return self.shift(self.period_of(self._first_day_of_year(year), "quarter"), quarter - 1)
        if re.fullmatch(r"\d{4}", text):
            return self.period_of(self._first_day_of_year(int(text)), "year")
        if match := re.fullmatch(r"(\d{4})-(\d{2})", text):
            return self.period_of(dt.date(int(match[1]), int(match[2]), 1), "month")
        if match := re.fullmatch(r"(\d{4})-?W(\d{2})", text, re.IGNORECASE):
            thursday = dt.date.fromisocalendar(int(match[1]), int(match[2]), 4)
            return self.period_of(thursday, "week")
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return self.period_of(dt.date.fromisoformat(text), "day")
        raise ValueError("its form is unknown")

    def _first_day_of_year(self, fiscal_year: int) -> dt.date:
        calendar_year = fiscal_year if self.fiscal_year_start == 1 else fiscal_year - 1
        return dt.date(calendar_year, self.fiscal_year_start, 1)


def check_timezone(name: str) -> None:
    """Raise unless ``name`` is an IANA time zone.

    Raises:
        PeriodError: The zone does not exist; the message names the nearest.
    """
    try:
        ZoneInfo(name)
    except (KeyError, TypeError, ValueError, OSError) as error:
        near = nearest_names(name, sorted(available_timezones()), most=1)
        question = f"Did you mean '{near[0]}'? " if near else ""
        raise PeriodError(
            f"Time zone '{name}' does not exist.\n"
            f"{question}Give an IANA name such as Europe/London."
        ) from error


def as_date(value: object, name: str) -> dt.date:
    """Return a day given as a date, a datetime (its own day) or ISO text.

    Args:
        value: The day.
        name: What it stands for, for the message.

    Raises:
        PeriodError: It is no day.
    """
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        # 19 characters hold the seconds; NumPy writes nine more digits than Python reads
        return dt.datetime.fromisoformat(str(value)[:19]).date()
    except ValueError as error:
        raise PeriodError(
            f"{name} is '{value}', which is no day.\nGive a date or ISO text such as 2026-09-30."
        ) from error


def parse_window(text: str) -> dt.timedelta:
    """Return the length of time written as ``14d``, ``12h`` or ``30m`` (also ``2w``, ``45s``).

    Raises:
        PeriodError: The text has another form, or the length is zero.
    """
    match = re.fullmatch(r"([0-9]{1,6})\s*([wdhms])", text.strip())
    if match is None or int(match[1]) == 0:
        raise PeriodError(
            f"'{text}' is no length of time.\n"
            "Write a number and w, d, h, m or s: 14d (days), 12h (hours), 30m (minutes)."
        )
    return int(match[1]) * _WINDOW_UNITS[match[2]]


def _add_months(first_day: dt.date, months: int) -> dt.date:
    index = first_day.year * 12 + first_day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def _cut(period: Period, days: int) -> Period:
    end = period.start + dt.timedelta(days=days)
    return Period(period.start, end, period.grain, period.label)
