"""Checks of a table's days: gaps, the end of the data, and how dates were read."""

import datetime as dt
import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from kpikit.formats import format_date, format_share, plural
from kpikit.sources.dataset import Finding
from kpikit.sources.dates import TimeFormat
from kpikit.sources.subject import Subject

# tables in which a row is something that happened; the others may hold plans
HAPPENED = ("events", "orders", "order_lines", "subscriptions", "survey", "exposures")
_DAY = dt.timedelta(days=1)
_EXPECTED_SHARE = 0.9
# with this many rows on a usual day, a day without any is no chance (Poisson: e^-10)
_USUAL_ROWS = 10
_SAME_SEASON_DAYS = 3
_LONG_GAP_DAYS = 3
_STALE_DAYS = 7
_LEAST_DAYS = 14  # with rows on fewer, nothing is usual
_NEIGHBOURS = 14
_ASTRAY_DAYS = 366
_ASTRAY_SHARE = 0.01


def covered_days(days: Mapping[dt.date, int]) -> tuple[dt.date, dt.date] | None:
    """Return the first and last day with rows, stamps astray left out; None without any.

    Stamps are astray, such as those of 1970 or 2099, when they are fewer than one row in a hundred
    and a silence of over a year parts them from the rest.
    """
    ordered = sorted(days)
    if not ordered:
        return None
    return _edge(ordered, days), _edge(ordered[::-1], days)


def _edge(ordered: Sequence[dt.date], days: Mapping[dt.date, int]) -> dt.date:
    """Return the first day of ``ordered`` that is not astray."""
    few = _ASTRAY_SHARE * sum(days.values())
    before = 0
    edge = ordered[0]
    for outer, inner in pairwise(ordered):
        before += days[outer]
        if before >= few:
            break
        if abs((inner - outer).days) > _ASTRAY_DAYS:
            edge = inner
    return edge


def gap_findings(subject: Subject, as_of: dt.date) -> Iterator[Finding]:
    """Find days without rows in a table that has rows on nearly all days of that weekday.

    A day is expected to have rows when nine in ten days of its weekday have, and a usual day has
    ten rows or more; whatever is usual, so is a day of a long silence (``_silent_days``). A gap
    that returns at the same time of another year, give or take three days, is a holiday and none.
    """
    days = sorted(day for day in subject.days if day <= as_of)
    if len(days) < _LEAST_DAYS:
        return
    silent = _silent_days(days, subject.days)
    is_busy = statistics.median(subject.days[day] for day in days) >= _USUAL_ROWS
    missing = sorted({*silent, *(_missing_days(days) if is_busy else ())})
    closed = {day for day in missing if _returns(day, missing)}
    runs = _runs([day for day in missing if day not in closed], days)
    if not runs:
        return
    longest = max(runs, key=len)
    count = sum(len(run) for run in runs)
    yield Finding(
        "gap", subject.spec.name, subject.spec.time,
        "warning" if len(longest) >= _LONG_GAP_DAYS else "info", 0, 0.0,
        tuple(_span_text(run) for run in sorted(runs, key=len, reverse=True)[:3]),
        f"{plural(count, 'day')} without a row on weekdays that have rows otherwise, "
        f"the longest gap {_span_text(longest)}.",
    )  # fmt: skip


def stale_finding(subject: Subject, as_of: dt.date) -> Iterator[Finding]:
    """Find a table that ends earlier than the data, by more than twice its longest silence."""
    days = sorted(day for day in subject.days if day <= as_of)
    if len(days) < 3 or subject.spec.name == "campaigns":
        return
    silences = [(later - earlier).days for earlier, later in pairwise(days)]
    silent = (as_of - days[-1]).days
    if silent > max(_STALE_DAYS, 2 * max(silences)):
        yield Finding(
            "stale", subject.spec.name, subject.spec.time, "warning", 0, 0.0,
            (days[-1].isoformat(),),
            f"The last row is of {format_date(days[-1])}, {plural(silent, 'day')} before the data "
            f"ends on {format_date(as_of)}.",
        )  # fmt: skip


def unfinished_finding(subject: Subject, as_of: dt.date) -> Iterator[Finding]:
    """Find the month and quarter that the data covers in part, at its end."""
    parts = []
    first_open = None
    for grain in ("month", "quarter"):
        period = subject.calendar.period_of(as_of, grain)
        if not period.is_complete(as_of):
            parts.append(f"{period.label} has {period.days_elapsed(as_of)} of {period.days} days")
            first_open = period.start
    if first_open is None:
        return
    rows = sum(count for day, count in subject.days.items() if first_open <= day <= as_of)
    yield Finding(
        "unfinished_period", subject.spec.name, subject.spec.time, "info", rows,
        rows / subject.rows if subject.rows else 0.0, (as_of.isoformat(),),
        f"The data ends on {format_date(as_of)}: {' and '.join(parts)}.",
    )  # fmt: skip


def format_findings(subject: Subject) -> Iterator[Finding]:
    """Report day and month orders that were found by evidence, or could not be."""
    for column, form in subject.formats.items():
        if form.reading == "undecidable":
            yield _undecidable(subject, column, form)
        elif form.reading in ("day_first", "month_first"):
            order = "day before month" if form.reading == "day_first" else "month before day"
            share = format_share(form.deciding / form.values)
            yield Finding(
                "ambiguous_date", subject.spec.name, column, "info", 0, 0.0, form.formats[:1],
                f"{column} is read with the {order}, since {share} of its values read no other "
                f"way; declare formats: {{{column}: '{form.formats[0]}'}} to say so.",
            )  # fmt: skip


def _undecidable(subject: Subject, column: str, form: TimeFormat) -> Finding:
    other = form.formats[-1].replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
    return Finding(
        "ambiguous_date", subject.spec.name, column, "error", form.deciding,
        form.deciding / subject.rows if subject.rows else 0.0, (),
        f"Every {column} reads as day and month either way round; declare "
        f"formats: {{{column}: '{form.formats[-1]}'}} or '{other}'.",
    )  # fmt: skip


def _silent_days(days: Sequence[dt.date], rows: Mapping[dt.date, int]) -> list[dt.date]:
    """Return the days of silences too long to be chance.

    Such a silence is longer than a week and than twice the longest among its neighbours, 14 on
    either side, and at their rate ten rows or more would have fallen into it (Poisson: e^-10).
    """
    silences = [(later - earlier).days - 1 for earlier, later in pairwise(days)]
    found = []
    for place, length in enumerate(silences):
        if length <= _STALE_DAYS:
            continue
        first, last = max(place - _NEIGHBOURS, 0), place + _NEIGHBOURS + 1
        others = [*silences[first:place], *silences[place + 1 : last]]
        near = days[first : last + 1]
        rate = sum(rows[day] for day in near) / ((near[-1] - near[0]).days + 1 - length)
        if length > 2 * max(others) and rate * length >= _USUAL_ROWS:
            found += [days[place] + n * _DAY for n in range(1, length + 1)]
    return found


def _missing_days(days: Sequence[dt.date]) -> list[dt.date]:
    """Return the days without rows on weekdays that nearly always have some."""
    first, last = days[0], days[-1]
    present = set(days)
    span = [first + n * _DAY for n in range((last - first).days + 1)]
    expected = {
        weekday
        for weekday in range(7)
        if (own := [day for day in span if day.weekday() == weekday])
        and sum(day in present for day in own) >= _EXPECTED_SHARE * len(own)
    }
    return [day for day in span if day.weekday() in expected and day not in present]


def _returns(day: dt.date, missing: Sequence[dt.date]) -> bool:
    """Tell whether days are missing at the same time of another year too."""
    return any(
        other.year != day.year and _season_distance(day, other) <= _SAME_SEASON_DAYS
        for other in missing
        if abs((other - day).days) > 300
    )


def _season_distance(day: dt.date, other: dt.date) -> int:
    distance = abs((other - day).days) % 365
    return min(distance, 365 - distance)


def _runs(missing: Sequence[dt.date], days: Sequence[dt.date]) -> list[list[dt.date]]:
    """Group missing days with no day with rows between them."""
    present = set(days)
    runs: list[list[dt.date]] = []
    for day in missing:
        between = []
        if runs:
            previous = runs[-1][-1]
            between = [previous + n * _DAY for n in range(1, (day - previous).days)]
        if runs and not any(each in present for each in between):
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _span_text(run: Sequence[dt.date]) -> str:
    first, last = run[0].isoformat(), run[-1].isoformat()
    return first if first == last else f"{first} to {last}"
