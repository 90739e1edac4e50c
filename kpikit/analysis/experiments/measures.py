"""What is counted of each user: rows of a table within the user's own window, in the engine."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from kpikit.engine import check_columns, naive_utc
from kpikit.errors import AnalysisError, check_choice, unknown_name

How = Literal["converted", "count", "sum"]
BEFORE = "_before"  # ends the name of a measure's own past
_TIMES = {"events": "event_time", "orders": "order_time", "subscriptions": "start_time"}
_MATCHES, _ROWS = "matches__", "__rows"  # parts of the names of a condition and of a sum's rows


@dataclass(frozen=True)
class Measure:
    """A number per user, counted from the rows of a table within the user's own window.

    Conversion is ``converted`` (0 or 1) of a matching row; retention is that with ``from_days``:
    whether a user came back, say, 7 to 14 days after exposure. Means and quantiles per user are
    taken of a ``count`` or ``sum``; a mean per row or any other ratio is a ``Ratio`` of two.

    Attributes:
        table: ``events``, ``orders`` or ``subscriptions``.
        how: What is taken of the matching rows.
        column: Column that is summed.
        where: Column to the value, or values, that it takes in matching rows.
        from_days: Days after exposure at which the window begins.
        time: Column that dates a row; the table's own by default.
    """

    table: str
    how: How = "count"
    column: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    from_days: float = 0.0
    time: str | None = None

    def __post_init__(self) -> None:
        if self.table not in _TIMES:
            raise unknown_name("table", self.table, "Measure", _TIMES)
        check_choice("how", self.how, ("converted", "count", "sum"), "Measure")
        if (self.column is None) == (self.how == "sum"):
            raise AnalysisError(
                f"A Measure of how='{self.how}' has column={self.column!r}.\n"
                f"Name a column to sum, and none otherwise."
            )

    @property
    def dated_by(self) -> str:
        """Column that dates a row."""
        return self.time or _TIMES[self.table]


def measures_per_user(
    spans: ir.Table,
    table: ir.Table,
    name: str,
    measures: Mapping[str, Measure],
    *,
    with_past: bool,
) -> ir.Table:
    """Return the measures of one table per user with a row that counts: one pass over it.

    Args:
        spans: Per user: ``opens_at`` (of the past), ``exposed_at`` and ``closes_at``.
        table: The table.
        name: What it is called.
        measures: Those that read it.
        with_past: Whether to measure what lies before exposure too.
    """
    columns = ["user_id", *(column for one in measures.values()
               for column in (one.dated_by, one.column, *one.where) if column)]  # fmt: skip
    check_columns(table, columns, name)
    times = {one.dated_by for one in measures.values()}
    alike = {_condition(one): one for one in measures.values()}
    typed = {each: naive_utc(table[each]) if each in times else table[each] for each in columns}
    chosen = ibis.or_(*(matching_rows(table, one) for one in alike.values()))
    rows = table.filter(chosen).select(**typed)
    rows = rows.inner_join(spans, "user_id")
    # what lies in no window is dropped before the conditions of each measure are looked at
    rows = rows.filter(ibis.or_(*(
        (rows[time] >= rows.opens_at) & (rows[time] < rows.closes_at) for time in sorted(times)
    )))  # fmt: skip
    # each condition once, however many measures have it
    names = {condition: f"{_MATCHES}{index}" for index, condition in enumerate(alike)}
    rows = rows.mutate(**{
        **{names[condition]: matching_rows(rows, one) for condition, one in alike.items()},
        **{_window(one): _is_inside(rows, one) for one in measures.values()},
        **{f"{time}{BEFORE}": _is_before(rows, time) for time in sorted(times) if with_past},
    })  # fmt: skip
    sums: dict[str, ir.Value] = {}
    for key, measure in measures.items():
        matches = rows[names[_condition(measure)]]
        sums |= _sums(rows, key, measure, matches & rows[_window(measure)])
        if with_past:
            earlier = matches & rows[f"{measure.dated_by}{BEFORE}"]
            sums |= _sums(rows, f"{key}{BEFORE}", measure, earlier)
    return rows.group_by("user_id").aggregate(**sums)


def with_measures(units: ir.Table, sums: ir.Table) -> ir.Table:
    """Return the units with their measures: 0 without a row, missing where rows have no value."""
    joined = units.left_join(sums, "user_id")
    values: dict[str, ir.Value] = {}
    for key in sums.columns:
        if f"{key}{_ROWS}" in sums.columns:
            values[key] = ibis.ifelse(joined[f"{key}{_ROWS}"].fill_null(0) == 0, 0, joined[key])
        elif key != "user_id" and not key.endswith(_ROWS):
            values[key] = joined[key].fill_null(0)
    return joined.select(*units.columns, **values)


def matching_rows(rows: ir.Table, measure: Measure) -> ir.BooleanValue:
    """Return which rows a measure counts, whenever they were; null is no."""
    conditions = []
    for column, wanted in measure.where.items():
        values = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Sequence) else wanted
        conditions.append(rows[column].isin(list(values)))
    return ibis.and_(*conditions)


def span(length: dt.timedelta) -> ir.IntervalScalar:
    """Return a length of time as an expression."""
    return ibis.interval(seconds=round(length.total_seconds()))


def _condition(measure: Measure) -> str:
    """Return what tells apart how measures choose rows; 1 and true are equal, but not alike."""
    return repr(measure.where)


def _window(measure: Measure) -> str:
    return f"{measure.dated_by}__from_{measure.from_days}"


def _is_inside(rows: ir.Table, measure: Measure) -> ir.BooleanValue:
    time, begins = rows[measure.dated_by], rows.exposed_at
    if measure.from_days:
        begins += span(dt.timedelta(days=measure.from_days))
    return (time >= begins) & (time < rows.closes_at)


def _is_before(rows: ir.Table, time: str) -> ir.BooleanValue:
    return (rows[time] >= rows.opens_at) & (rows[time] < rows.exposed_at)


def _sums(
    rows: ir.Table, key: str, measure: Measure, counts: ir.BooleanValue
) -> dict[str, ir.Value]:
    """Return a measure over the rows that count; of a sum their number too."""
    if measure.how == "count":
        return {key: rows.count(where=counts)}
    if measure.how == "converted":
        return {key: ibis.ifelse(counts.any(), 1, 0)}
    return {key: rows[measure.column].sum(where=counts), f"{key}{_ROWS}": rows.count(where=counts)}
