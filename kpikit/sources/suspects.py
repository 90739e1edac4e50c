"""Rows that may occur more than once, told from those that cannot without grouping all of them.

Rows alike bear the same number, whatever number is made from them; so a row whose number no other
bears is alone. DuckDB makes the numbers and numpy sorts them, a slice of time after another, in
half to a tenth of the time that grouping the rows takes. What is left is a superset of the repeats:
two rows that differ may bear one number by chance.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from kpikit.engine import instant, utc_bounds
from kpikit.params.tables import TableSpec
from kpikit.sources.stage import ROW_OF, WORKING

# grouping fewer rows takes less than the two queries more that numbers take
LARGE = 100_000
# numbers sorted at a time: with their copies they take 256 MB
_SLICE_ROWS = 1 << 23
# where more rows share their time, it is no number to tell them apart by
_FEW = 0.1
# where more rows share their hash, leaving the others out saves nothing
_MANY = 0.5
_SAMPLE = 10_000
# so many rows DuckDB finds in a file by their place, without reading the rest
_LOOKED_UP = 20
_NUMBER = f"{WORKING}number"
_Numbers: TypeAlias = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class _Repeated:
    """The numbers that several rows of a slice bear.

    Attributes:
        numbers: They, each once.
        rows: How many rows bear them.
        places: Where these rows lie in their files; None where that is not known, or they are many.
    """

    numbers: _Numbers
    rows: int
    places: _Numbers | None


def suspected_rows(
    timed: ir.Table,
    spec: TableSpec,
    timezone: str,
    *,
    columns: Sequence[str],
    days: Mapping[dt.date, int],
    between: tuple[dt.datetime, dt.datetime] | None,
) -> ir.Table | None:
    """Return the rows that may be alike another in ``columns``: every such row, and few others.

    None means that there are none.

    All rows of a table outside DuckDB are suspects, for it alone hands numbers over where they lie.

    Args:
        timed: Staged rows that have a time.
        spec: The canonical table.
        timezone: In which days begin.
        columns: By which rows are alike, the time among them.
        days: Local day to its rows.
        between: First and last time of a row.
    """
    if timed.get_backend().name != "duckdb":
        return timed
    rows = sum(days.values())
    edges = _edges(timed[spec.time], timezone, days)
    whole_row: ir.Value = _hash64(ibis.struct({name: timed[name] for name in columns}))
    numbers = [(whole_row, _MANY)]
    if _is_fine(timed[spec.time], rows, between):
        numbers.insert(0, (timed[spec.time], _FEW))
    for number, limit in numbers:
        numbered = timed.mutate(**{_NUMBER: number})
        found = [_repeated(part) for part in _slices(numbered, spec, edges)]
        bearers = sum(each.rows for each in found)
        if not bearers:
            return None
        if bearers <= limit * rows:
            return _rows_of(numbered, found).select(timed.columns)
    return timed


def _is_fine(times: ir.Value, rows: int, between: tuple[dt.datetime, dt.datetime] | None) -> bool:
    """Tell whether times are written so finely that few rows share one by chance.

    They are the cheapest number of all: no other column need be read. How finely they are written
    is told from a sample, which at worst costs time.
    """
    if between is None or not times.type().is_timestamp():
        return False
    sample = times.name(_NUMBER).as_table().limit(_SAMPLE).to_pyarrow()
    step = int(np.gcd.reduce(_integers(sample)))
    span = (between[1] - between[0]) // dt.timedelta(microseconds=1)
    return rows * step <= _FEW * span


def _edges(times: ir.Value, timezone: str, days: Mapping[dt.date, int]) -> list[ir.Value]:
    """Return the times at which a slice ends and the next begins: starts of local days."""
    edges: list[ir.Value] = []
    filled = 0
    for day, rows in sorted(days.items()):
        if filled and filled + rows > _SLICE_ROWS:
            start, _ = utc_bounds(day, day + dt.timedelta(days=1), timezone)
            is_time = times.type().is_timestamp()
            edges.append(instant(start) if is_time else ibis.literal(day))
            filled = 0
        filled += rows
    return edges


def _slices(table: ir.Table, spec: TableSpec, edges: Sequence[ir.Value]) -> Iterator[ir.Table]:
    """Part rows by time: those alike have the same, and so stay together."""
    times = table[spec.time]
    for start, end in pairwise((None, *edges, None)):
        conditions = [] if start is None else [times >= start]
        conditions += [] if end is None else [times < end]
        yield table.filter(conditions) if conditions else table


def _repeated(numbered: ir.Table) -> _Repeated:
    """Return the numbers that several rows bear."""
    is_time = numbered[_NUMBER].type().is_timestamp()
    # by its time alone a row is found nearly as fast as by its place
    has_places = not is_time and ROW_OF in numbered.columns and numbered[ROW_OF].type().is_integer()
    fetched = numbered.select(_NUMBER, *([ROW_OF] if has_places else [])).to_pyarrow()
    numbers = _integers(fetched)
    # rows mostly lie in the order of their times, of which a stable sort takes advantage
    ordered = np.sort(numbers, kind="stable" if is_time else None)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    repeated = np.unique(again)
    places = None
    # a SELECT of the product's own may leave places out
    if has_places and len(repeated) <= _LOOKED_UP and not fetched[ROW_OF].null_count:
        places = fetched[ROW_OF].to_numpy()[np.isin(numbers, repeated)]
    kind = fetched[_NUMBER].type.to_pandas_dtype()
    return _Repeated(repeated.view(kind), len(again) + len(repeated), places)


def _rows_of(numbered: ir.Table, found: Sequence[_Repeated]) -> ir.Table:
    """Return the rows that bear the numbers, and perhaps some beside them."""
    places = [each.places for each in found if each.places is not None]
    if len(places) == len(found):
        name, values = ROW_OF, np.concatenate(places)
    else:
        name, values = _NUMBER, np.concatenate([each.numbers for each in found])
    suspects = ibis.memtable(pa.table({name: values}))
    return numbered.filter(numbered[name].isin(suspects[name]))


def _integers(fetched: pa.Table) -> _Numbers:
    """Return the numbers, or times as numbers."""
    return np.asarray(fetched[_NUMBER].to_numpy()).view(np.int64)


@ibis.udf.scalar.builtin(name="hash", signature=((None,), "uint64"))
def _hash64(row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the bits of DuckDB's own hash."""
