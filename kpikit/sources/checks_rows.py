"""Checks of single rows: each yields conditions, all of which one scan of the table counts."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from kpikit.engine import instant, utc_bounds
from kpikit.formats import format_count, format_share, plural
from kpikit.params.tables import ColumnSpec
from kpikit.sources.dataset import Finding, Severity
from kpikit.sources.stage import SKIPPED, UNREAD
from kpikit.sources.subject import Subject, span_of
from kpikit.sources.views import rows_of

_DAMAGED_ID = r"^[0-9](\.[0-9]+)?[eE]\+[0-9]+$"
_FLOAT_ID = r"^[0-9]+\.0$"
_FEW_USERS_MISSING = 0.05
_SPANS = {"subscriptions": ("start_time", "end_time"), "campaigns": ("start_date", "end_date")}
_AMOUNT_COLUMNS = ("revenue", "mrr", "cost")
# Tukey's fence with 5 instead of 3 interquartile ranges, on the logarithm of the amount; the range
# counts as at least 0.3 (a factor of 2), so that a shop with one price does not flag its others
_FENCE_RANGES = 5
_LEAST_RANGE = 0.3
_LEAST_AMOUNTS = 20
_EXAMPLES = 3


@dataclass(frozen=True)
class Fault:
    """A condition on rows that a check holds to be wrong.

    Attributes:
        check: Name of the check.
        column: Canonical column.
        rows: The rows concerned, as a condition, in which missing counts as no. It is left plain,
            for of a plain comparison engines know which parts of a file cannot meet it.
        example: What to show of such a row; None shows nothing.
        message: The sentence, from the count as text (``11 of 300 rows (3.7 %)``).
        severity: How grave, by the share of the table's rows.
    """

    check: str
    column: str
    rows: ir.BooleanValue
    example: ir.Value | None
    message: Callable[[str], str]
    severity: Callable[[float], Severity]

    @property
    def key(self) -> str:
        """What a look at all rows calls it."""
        return f"{self.check} of {self.column}"


def row_measures(subject: Subject) -> dict[str, ir.Value]:
    """Return what one look at all rows is asked, for ``row_findings`` to ask of few faults more.

    Whether each fault occurs, how many values each mapped column has, and how large amounts are.
    """
    return {
        **{fault.key: fault.rows.any() for fault in _usual_faults(subject)},
        **{_values_key(name): subject.table[name].count() for name in _countable(subject)},
        **_amount_measures(subject),
    }


def row_findings(subject: Subject, as_of: dt.date, *, as_of_declared: bool) -> list[Finding]:
    """Return what the checks of single rows find, by one scan for those that the look saw."""
    if not subject.rows:
        return []
    faults = [
        *(fault for fault in _usual_faults(subject) if subject.seen[fault.key]),
        *_huge_values(subject),
        *_future_times(subject, as_of, declared=as_of_declared),
    ]
    found = _counted(subject, faults) if faults else []
    return [*found, *_null_columns(subject, found)]


def _usual_faults(subject: Subject) -> Iterator[Fault]:
    """Yield the faults that a row has by itself."""
    yield from _missing_values(subject)
    yield from _unparsable_values(subject)
    yield from _out_of_range(subject)
    yield from _reversed_spans(subject)
    yield from _spoilt_ids(subject)
    yield from _nonexistent_times(subject)
    yield from _negative_prices(subject)


def _counted(subject: Subject, faults: Sequence[Fault]) -> list[Finding]:
    table = subject.table.filter(ibis.or_(*(fault.rows for fault in faults)))
    time = subject.table[subject.spec.time]
    asked = table.aggregate(
        **{f"rows_{index}": fault.rows.sum() for index, fault in enumerate(faults)},
        **{f"first_{index}": time.min(where=fault.rows) for index, fault in enumerate(faults)},
        **{f"last_{index}": time.max(where=fault.rows) for index, fault in enumerate(faults)},
    )
    counts = rows_of(asked)[0]
    return [
        replace(
            _finding(subject, fault, int(counts[f"rows_{index}"])),
            first=_day_concerned(subject, counts[f"first_{index}"]),
            last=_day_concerned(subject, counts[f"last_{index}"]),
        )
        for index, fault in enumerate(faults)
    ]


def _day_concerned(subject: Subject, time: dt.datetime | dt.date | None) -> dt.date | None:
    """Return the product's day of a faulty row; a spell's is unknown, for it spans many."""
    if subject.spec.name in _SPANS:
        return None
    if not isinstance(time, dt.datetime):
        return time
    zone = ZoneInfo(subject.calendar.timezone)
    return time.replace(tzinfo=dt.UTC).astimezone(zone).date()


def _finding(subject: Subject, fault: Fault, rows: int) -> Finding:
    share = rows / subject.rows
    counted = f"{rows:,} of {plural(subject.rows, 'row')} ({_share_text(share)})"
    if fault.check in ("missing_value", "missing_user") and rows == subject.rows:
        return _null_column(subject, fault.column, "error" if fault.check != "missing_user"
                            or fault.column in subject.spec.required else "warning")  # fmt: skip
    examples = _examples(subject.table, fault)
    return Finding(
        fault.check, subject.spec.name, fault.column, fault.severity(share), rows, share,
        examples, fault.message(counted),
    )  # fmt: skip


def _examples(table: ir.Table, fault: Fault) -> tuple[str, ...]:
    if fault.example is None:
        return ()
    shown = table.filter(fault.rows).select(example=fault.example).distinct()
    example = shown["example"]
    order = [ibis.desc(example.abs()), example] if example.type().is_numeric() else [example]
    rows = rows_of(shown.order_by(order).limit(_EXAMPLES))
    return tuple(_text(row["example"]) for row in rows if row["example"] is not None)


def _text(value: Any) -> str:
    """Write an example as the source would: no zeros after the last decimal."""
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text and not isinstance(value, str) else text


def _share_text(share: float) -> str:
    return format_share(share) if share >= 0.001 else "under 0.1 %"


def _missing_values(subject: Subject) -> Iterator[Fault]:
    """Find rows without a value that they need; text that cannot be read is not missing."""
    table = subject.table
    for column in subject.spec.columns.values():
        name = column.name
        if name not in subject.mapped or (column.nullable and name != "user_id"):
            continue
        missing = table[name].isnull()
        if UNREAD + name in table.columns:
            missing = missing & table[UNREAD + name].isnull()
        check = "missing_user" if name == "user_id" else "missing_value"
        tolerated = name == "user_id" and not column.required
        yield Fault(
            check, name, missing, None, _says(f"{name} is missing in"),
            _grave_from(_FEW_USERS_MISSING) if tolerated else _always("warning"),
        )  # fmt: skip


def _null_columns(subject: Subject, found: Sequence[Finding]) -> list[Finding]:
    """Find mapped columns that may miss values, and have none at all."""
    named = {
        finding.column for finding in found
        if finding.check in ("null_column", "unparsable_value")
    }  # fmt: skip
    return [
        _null_column(subject, name, "warning")
        for name in _countable(subject)
        if name not in named and not subject.seen[_values_key(name)]
    ]


def _countable(subject: Subject) -> list[str]:
    """Return the columns that the parameters map."""
    return [
        name for name in subject.mapped
        if name in subject.source.columns and name in subject.table.columns
    ]  # fmt: skip


def _values_key(name: str) -> str:
    return f"values of {name}"


def _null_column(subject: Subject, name: str, severity: Severity) -> Finding:
    return Finding(
        "null_column", subject.spec.name, name, severity, subject.rows, 1.0, (),
        f"{name} has no value in any row.",
    )  # fmt: skip


def _unparsable_values(subject: Subject) -> Iterator[Fault]:
    for name in subject.table.columns:
        if name.startswith(UNREAD):
            column = name.removeprefix(UNREAD)
            text = subject.table[name]
            # more than half of a column unread: it is mapped or declared wrong, not merely dirty
            yield Fault(
                "unparsable_value", column, text.notnull(), text,
                _says(f"{column} cannot be read, and counts as missing, in"),
                _error_from(0.5),
            )  # fmt: skip


def _out_of_range(subject: Subject) -> Iterator[Fault]:
    for column in subject.spec.columns.values():
        value = subject.table[column.name] if column.name in subject.mapped else None
        if value is None or (column.low is None and column.high is None):
            continue
        outside = ibis.literal(False)
        if column.low is not None:
            outside = outside | (value < column.low)
        if column.high is not None:
            outside = outside | (value > column.high)
        yield Fault(
            "out_of_range", column.name, outside, value,
            _says(f"{column.name} is {_range_text(column)} in"), _always("warning"),
        )  # fmt: skip


def _range_text(column: ColumnSpec) -> str:
    if column.high is None:
        return f"below {column.low:g}"
    if column.low is None:
        return f"above {column.high:g}"
    return f"outside {column.low:g} to {column.high:g}"


def _reversed_spans(subject: Subject) -> Iterator[Fault]:
    """Find spans that end before they start, which no analysis can count."""
    if subject.spec.name in _SPANS:
        start, end = _SPANS[subject.spec.name]
        table = subject.table
        yield Fault(
            "reversed_span", end, table[end] < table[start], table[end],
            _says(f"{end} is before {start} in"), _always("warning"),
        )  # fmt: skip


def _spoilt_ids(subject: Subject) -> Iterator[Fault]:
    """Find ids that a spreadsheet rounded, and ids that were once read as decimal numbers."""
    for name in subject.spec.columns_of("id"):
        if name not in subject.mapped:
            continue
        ids = subject.table[name]
        yield Fault(
            "damaged_id", name, _has_form(ids, ids.contains("+"), _DAMAGED_ID), ids,
            _says(f"{name} was rounded by a spreadsheet, so that ids became one, in"),
            _always("warning"),
        )  # fmt: skip
        yield Fault(
            "float_id", name, _has_form(ids, ids.endswith(".0"), _FLOAT_ID), ids,
            _says(f"{name} was written as a decimal number, and is kept so, in"),
            _always("info"),
        )  # fmt: skip


def _has_form(ids: ir.StringValue, may: ir.BooleanValue, pattern: str) -> ir.BooleanValue:
    """Match a pattern, the dearest of tests, only where a cheaper one does not rule it out."""
    return ibis.ifelse(may, ids.re_search(pattern), ibis.literal(False))


def _nonexistent_times(subject: Subject) -> Iterator[Fault]:
    for name in subject.table.columns:
        if name.startswith(SKIPPED):
            column = name.removeprefix(SKIPPED)
            zone = subject.source.timezone
            yield Fault(
                "nonexistent_time", column, subject.table[name],
                subject.table[column],
                _says(f"{column} is a time that the clock of {zone} skips in"),
                _always("warning"),
            )  # fmt: skip


def _negative_prices(subject: Subject) -> Iterator[Fault]:
    if "unit_price" in subject.spec.columns:
        price = subject.table["unit_price"]
        yield Fault(
            "negative_price", "unit_price", price < 0, price,
            _says("unit_price is below zero in"), _always("warning"),
        )  # fmt: skip


def _huge_values(subject: Subject) -> Iterator[Fault]:
    for name in _amounts(subject):
        fence = _fence(subject.seen, name)
        if fence is None or subject.seen[f"largest {name}"] <= fence:
            continue
        amount = subject.table[name].abs().cast("float64")
        yield Fault(
            "huge_value", name, amount > fence, subject.table[name],
            _says(f"{name} is far beyond all others, above {format_count(fence)}, in"),
            _always("warning"),
        )  # fmt: skip


def _amounts(subject: Subject) -> list[str]:
    if not subject.table.get_backend().has_operation(ops.Quantile):
        return []
    return [name for name in _AMOUNT_COLUMNS if name in subject.table.columns]


def _amount_measures(subject: Subject) -> dict[str, ir.Value]:
    measures = {}
    for name in _amounts(subject):
        size = subject.table[name].abs().cast("float64")
        logarithm = ibis.ifelse(size > 0, size, ibis.null(float)).log10()
        measures[f"largest {name}"] = size.max()
        measures[f"amounts of {name}"] = logarithm.count()
        measures[f"lower quartile of {name}"] = logarithm.quantile(0.25)
        measures[f"upper quartile of {name}"] = logarithm.quantile(0.75)
    return measures


def _fence(seen: Mapping[str, Any], name: str) -> float | None:
    """Return the size beyond which an amount is huge; None where there are too few to say."""
    if seen[f"amounts of {name}"] < _LEAST_AMOUNTS:
        return None
    low, high = float(seen[f"lower quartile of {name}"]), float(seen[f"upper quartile of {name}"])
    return float(10 ** (high + _FENCE_RANGES * max(high - low, _LEAST_RANGE)))


def _future_times(subject: Subject, as_of: dt.date, *, declared: bool) -> Iterator[Fault]:
    """Find rows after the last complete day: known where it is declared, else stamps astray."""
    name = subject.spec.time
    if subject.spec.name == "campaigns":  # a campaign may be planned
        return
    span = span_of(subject.files)
    if span is None:
        return
    times = subject.table[name]
    if times.type().is_timestamp():
        _, end = utc_bounds(as_of, as_of + dt.timedelta(days=1), subject.calendar.timezone)
        is_any, after = span[1] >= end, times >= instant(end)
    else:
        is_any, after = span[1].date() > as_of, times > ibis.literal(as_of)
    if not is_any:
        return
    yield Fault(
        "future_time", name, after, times,
        _says(f"{name} is after {as_of}, the last complete day, in"),
        _always("info" if declared else "warning"),
    )  # fmt: skip


def _says(what: str) -> Callable[[str], str]:
    return lambda counted: f"{what} {counted}."


def _always(severity: Severity) -> Callable[[float], Severity]:
    return lambda _: severity


def _grave_from(share: float) -> Callable[[float], Severity]:
    return lambda seen: "warning" if seen >= share else "info"


def _error_from(share: float) -> Callable[[float], Severity]:
    return lambda seen: "error" if seen > share else "warning"
