"""Rows that occur more than once: how often, and their removal where it is declared."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from kpikit.engine import instant, local_date, utc_bounds
from kpikit.params.model import BatchSpan, Deduplicate
from kpikit.params.tables import TableSpec
from kpikit.sources.stage import FILE_OF, ROW_OF, SKIPPED, WORKING
from kpikit.sources.suspects import suspected_rows
from kpikit.sources.views import rows_alike

_HASH = f"{WORKING}hash"
_NUMBER = f"{WORKING}number"
_COPIES = f"{WORKING}copies"
# what the rows of a batch delivered twice have in common, give or take a few rows
_EVEN_SHARE = 0.99
# distinct rows below which all of them may occur evenly by chance: 1 in 2^20
_LEAST_DISTINCT = 20
# a table in which rows repeat this often anyway tells nothing by repeating
_USUAL_SHARE = 0.25


@dataclass(frozen=True)
class DayRepeats:
    """How often the rows of one local day repeat.

    Attributes:
        day: The day.
        rows: Its rows.
        distinct: Its rows with repeats counted once.
        even_rows: Rows that occur an even number of times.
    """

    day: dt.date
    rows: int
    distinct: int
    even_rows: int

    @property
    def repeats(self) -> int:
        """Rows beyond the first of their kind."""
        return self.rows - self.distinct


@dataclass(frozen=True)
class Batch:
    """Consecutive days whose rows were all delivered an even number of times.

    Attributes:
        first: First day.
        last: Last day.
        extra_rows: Rows that one delivery alone would not have.
    """

    first: dt.date
    last: dt.date
    extra_rows: int


def row_columns(table: ir.Table) -> list[str]:
    """Return the columns by which two rows are alike: all but where they came from.

    Text that could not be read is among them, so that rows differing in it stay different.
    """
    working = (FILE_OF, ROW_OF)
    return [name for name in table.columns if name not in working and not name.startswith(SKIPPED)]


def grouped_repeats(
    table: ir.Table,
    spec: TableSpec,
    timezone: str,
    *,
    between: tuple[dt.datetime, dt.datetime] | None,
) -> list[DayRepeats]:
    """Return what ``daily_repeats`` does, and the days at that: one query, which groups all rows.

    Args:
        table: Staged, as delivered; best of fewer than ``LARGE`` rows.
        spec: The canonical table.
        timezone: In which days begin.
        between: First and last time of a row.
    """
    whole_years = between and _whole_years(*between)

    def ask() -> ir.Table:
        groups = _alike(table.filter(table[spec.time].notnull()), row_columns(table))
        return _repeats_of(groups, spec, timezone, whole_years)

    rows = rows_alike(table, ask, "repeats", spec.name, timezone, whole_years)
    found = {row["day"]: row for row in rows}
    return [
        DayRepeats(day, int(seen["rows"]), int(seen["rows"] - seen["extra"]), int(seen["even"]))
        for day, seen in sorted(found.items())
    ]


def daily_repeats(
    table: ir.Table,
    spec: TableSpec,
    timezone: str,
    *,
    days: Mapping[dt.date, int],
    between: tuple[dt.datetime, dt.datetime] | None,
) -> list[DayRepeats]:
    """Return how often rows repeat, per local day, in order; rows without a time are left out.

    Args:
        table: Staged, as delivered.
        spec: The canonical table.
        timezone: In which days begin.
        days: Local day to its rows.
        between: First and last time of a row.
    """
    columns = row_columns(table)
    suspects = suspected_rows(
        table.filter(table[spec.time].notnull()), spec, timezone,
        columns=columns, days=days, between=between,
    )  # fmt: skip
    found: dict[dt.date, dict[str, Any]] = {}
    if suspects is not None:
        groups = _alike(suspects, columns)
        # the local day of the few that repeat, for finding it is dear
        repeats = _repeats_of(groups.filter(groups[_COPIES] > 1), spec, timezone, between)
        found = {row["day"]: row for row in repeats.to_pyarrow().to_pylist()}
    none = {"extra": 0, "even": 0}
    return [
        DayRepeats(day, rows, rows - int(seen["extra"]), int(seen["even"]))
        for day, rows in sorted(days.items())
        for seen in [found.get(day, none)]
    ]


def _whole_years(first: dt.datetime, last: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Widen a span, so that products of the same years are asked the same."""
    return first.min.replace(first.year), last.max.replace(last.year)


def _alike(rows: ir.Table, columns: Sequence[str]) -> ir.Table:
    """Return each row once, with how often it occurs."""
    return rows.group_by(columns).aggregate(**{_COPIES: rows.count()})


def _repeats_of(
    groups: ir.Table,
    spec: TableSpec,
    timezone: str,
    between: tuple[dt.datetime, dt.datetime] | None,
) -> ir.Table:
    """Return, per local day, the rows, those beyond the first, and those that occur evenly."""
    times, copies = groups[spec.time], groups[_COPIES]
    is_time = times.type().is_timestamp()
    day = local_date(times, timezone, between=between) if is_time else times
    return groups.group_by(day=day).aggregate(
        rows=copies.sum(),
        extra=(copies - 1).sum(),
        even=copies.sum(where=copies % 2 == 0).fill_null(0),
    )


def find_batches(days: Sequence[DayRepeats]) -> list[Batch]:
    """Return the spans in which (nearly) every row occurs an even number of times.

    A span is days in a row, as far as the table has rows. It needs so many distinct rows that
    chance cannot make all of them occur evenly, and rows that repeat far less outside it.
    """
    batches = []
    start = 0
    while start < len(days):
        end = start
        while end < len(days) and days[end].even_rows >= _EVEN_SHARE * days[end].rows:
            end += 1
        span = days[start:end]
        is_chance = sum(day.distinct for day in span) < _LEAST_DISTINCT
        if not is_chance and _is_rare([*days[:start], *days[end:]]):
            extra = sum(day.rows for day in span) // 2
            batches.append(Batch(span[0].day, span[-1].day, extra))
        start = max(end, start + 1)
    return batches


def deduplicate(table: ir.Table, choice: Deduplicate, spec: TableSpec, timezone: str) -> ir.Table:
    """Return a staged table without the repeats that the parameters declare.

    ``exact`` keeps the first of rows alike in every column. ``key`` keeps the last row per key: by
    its place in the files, or in a database by its time. ``doubled_batch`` keeps, of rows alike in
    every column within its local days, half of them, the odd one included.
    """
    if choice.key:
        return _last_per_key(table, choice.key, spec)
    if choice.doubled_batch is not None:
        return _halved(table, choice.doubled_batch, spec, timezone)
    numbered, _ = _numbered(table)
    return numbered.filter(numbered[_NUMBER] == 0).select(table.columns)


def in_span(table: ir.Table, span: BatchSpan, spec: TableSpec, timezone: str) -> ir.BooleanValue:
    """Tell whether a row's local day lies in the span, both days included; no without a time."""
    times = table[spec.time]
    if times.type().is_timestamp():  # by instants: far cheaper than the local day of every row
        start, end = utc_bounds(span.from_, span.to + dt.timedelta(days=1), timezone)
        inside = (times >= instant(start)) & (times < instant(end))
    else:
        inside = times.between(ibis.literal(span.from_), ibis.literal(span.to))
    return inside.fill_null(False)


def _is_rare(days: Sequence[DayRepeats]) -> bool:
    rows = sum(day.rows for day in days)
    return rows == 0 or sum(day.repeats for day in days) <= _USUAL_SHARE * rows


def _halved(table: ir.Table, span: BatchSpan, spec: TableSpec, timezone: str) -> ir.Table:
    inside = in_span(table, span, spec, timezone)
    numbered, keys = _numbered(table.filter(inside))
    counted = numbered.mutate(
        **{_COPIES: numbered.count().over(ibis.window(group_by=[numbered[key] for key in keys]))}
    )
    kept = counted.filter(2 * counted[_NUMBER] < counted[_COPIES]).select(table.columns)
    return table.filter(~inside).union(kept)


def _last_per_key(table: ir.Table, key: Sequence[str], spec: TableSpec) -> ir.Table:
    window = ibis.window(group_by=[table[name] for name in key], order_by=_order(table, spec))
    numbered = table.mutate(**{_NUMBER: ibis.row_number().over(window)})
    return numbered.filter(numbered[_NUMBER] == 0).select(table.columns)


def _order(table: ir.Table, spec: TableSpec) -> list[ir.Value]:
    """Order rows from the last to the first."""
    places = [name for name in (FILE_OF, ROW_OF) if name in table.columns]
    return [ibis.desc(table[name]) for name in places or (spec.time,)]


def _numbered(table: ir.Table) -> tuple[ir.Table, list[str]]:
    """Number rows alike in every column from 0; return also the columns that tell them apart."""
    keyed, keys = _with_keys(table)
    window = ibis.window(group_by=[keyed[key] for key in keys])
    return keyed.mutate(**{_NUMBER: ibis.row_number().over(window)}), keys


def _with_keys(table: ir.Table) -> tuple[ir.Table, list[str]]:
    """Add a hash of the whole row where the engine's is wide enough to tell all rows apart."""
    columns = row_columns(table)
    if table.get_backend().name != "duckdb":
        return table, columns
    whole_row = ibis.struct({name: table[name] for name in columns})
    return table.mutate(**{_HASH: whole_row.hash()}), [_HASH]
