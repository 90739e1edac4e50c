"""Looks a staged table over: its files, its days; then lets every check judge it."""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from kpikit.engine import local_date
from kpikit.params.model import TableSource
from kpikit.params.tables import TableSpec
from kpikit.periods import Calendar
from kpikit.sources import checks_days, checks_rows, checks_tables
from kpikit.sources.dataset import SEVERITIES, Finding
from kpikit.sources.repeats import grouped_repeats
from kpikit.sources.stage import FILE_OF, StagedTable
from kpikit.sources.subject import Content, FileFacts, Subject, span_of
from kpikit.sources.suspects import LARGE
from kpikit.sources.views import as_view, rows_alike, rows_of

_ROWS, _FIRST, _LAST = "rows", "first", "last"


def make_subject(
    staged: StagedTable,
    spec: TableSpec,
    source: TableSource,
    *,
    calendar: Calendar,
    currency: str,
    segments: Sequence[str],
    single_name: str,
    is_single: bool,
) -> Subject:
    """Return what the checks need to know of a table, by one look at all rows and one at its days.

    Of a small table the latter tells of repeats too. Several files take one look more.

    Args:
        staged: The table as delivered.
        spec: The canonical table.
        source: Its parameters.
        calendar: The product's.
        currency: The product's.
        segments: Columns by which the product breaks its metrics down.
        single_name: What to call the source where rows do not say their file.
        is_single: Whether all rows come from one source.
    """
    # what the source is read by would be written out again in each of a dozen queries
    table = as_view(staged.table, f"kpikit_{spec.name}_delivered")
    codes = [*spec.columns_of("code"), "product_id", "user_id", *segments]
    mapped = [*staged.mapped, *segments]
    subject = Subject(
        spec=spec,
        source=source,
        table=table,
        mapped=staged.mapped,
        formats=staged.formats,
        calendar=calendar,
        currency=currency,
        codes=tuple(
            name for name in dict.fromkeys(codes)
            if name in mapped and name in table.columns and table[name].type().is_string()
        ),
        rows=0, files=(), days={}, repeats=None, seen={},
    )  # fmt: skip
    seen = _look(subject)
    rows = int(seen[_ROWS])
    if FILE_OF in table.columns and not is_single:
        files = _files(subject)
    else:
        files = (FileFacts(single_name, rows, seen[_FIRST], seen[_LAST], None),) * (rows > 0)
    return _with_days(dataclasses.replace(subject, rows=rows, files=files, seen=seen))


def judge(
    subject: Subject, as_of: dt.date, *, as_of_declared: bool, bears_end: bool
) -> list[Finding]:
    """Return the findings of every check of one table, as the parameters weigh them.

    Args:
        subject: The table.
        as_of: Last complete day of the product's data.
        as_of_declared: Whether the parameters say so.
        bears_end: Whether this is the table to report an unfinished last period of.
    """
    found = [
        *checks_tables.empty_findings(subject),
        *checks_days.format_findings(subject),
        *checks_rows.row_findings(subject, as_of, as_of_declared=as_of_declared),
        *checks_tables.repeat_findings(subject),
        *checks_tables.repeated_file_findings(subject),
        *checks_tables.duplicate_key_findings(subject),
        *checks_tables.row_limit_findings(subject),
        *checks_tables.mixed_case_findings(subject),
        *checks_tables.mixed_currency_findings(subject),
        *checks_days.gap_findings(subject, as_of),
        *checks_days.stale_finding(subject, as_of),
    ]
    if bears_end:
        found += checks_days.unfinished_finding(subject, as_of)
    return [_weighed(finding, subject.source) for finding in found]


def sort_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings with the gravest first; of one severity by table, check and column."""
    return tuple(
        sorted(
            findings,
            key=lambda each: (
                SEVERITIES.index(each.severity), each.table, each.check, each.column, each.message,
            ),
        )
    )  # fmt: skip


def _weighed(finding: Finding, source: TableSource) -> Finding:
    """Apply what the parameters accept, or call an error; an acceptance by column comes first."""
    accepted = [
        entry for entry in source.accept
        if entry.check == finding.check and entry.column in (None, finding.column)
    ]  # fmt: skip
    if accepted:
        reason = max(accepted, key=lambda entry: entry.column is not None).reason
        return dataclasses.replace(finding, severity="accepted", reason=reason)
    if finding.check in source.errors and finding.severity != "accepted":
        return dataclasses.replace(finding, severity="error")
    return finding


def _with_days(subject: Subject) -> Subject:
    """Count the rows of each day; of a small table by the query that counts its repeats."""
    if subject.rows >= LARGE or checks_tables.has_no_identity(subject):
        return dataclasses.replace(subject, days=_days(subject))
    zone, between = subject.calendar.timezone, span_of(subject.files)
    repeats = grouped_repeats(subject.table, subject.spec, zone, between=between)
    days = {each.day: each.rows for each in repeats}
    return dataclasses.replace(subject, days=days, repeats=repeats)


def _days(subject: Subject) -> Mapping[dt.date, int]:
    table = subject.table
    times = table[subject.spec.time]
    if times.type().is_timestamp():
        times = local_date(times, subject.calendar.timezone, between=span_of(subject.files))
    timed = table.filter(table[subject.spec.time].notnull())
    days = timed.group_by(day=times).aggregate(rows=timed.count())
    found = {row["day"]: int(row["rows"]) for row in rows_of(days)}
    return dict(sorted(found.items()))


def _look(subject: Subject) -> Mapping[str, Any]:
    """Ask of all rows at once what every check needs to know of them first."""
    table = subject.table
    if table.get_backend().name == "duckdb":
        facts = (
            subject.spec.name, repr(subject.source), subject.mapped, subject.codes,
            subject.currency,
        )  # fmt: skip
        return rows_alike(table, lambda: table.aggregate(**_asked(subject)), "look", *facts)[0]
    asked = _asked(subject)
    # other engines bound the length of names, or what they may hold
    numbered = {f"seen_{index}": value for index, value in enumerate(asked.values())}
    row = rows_of(table.aggregate(**numbered))[0]
    return dict(zip(asked, row.values(), strict=True))


def _asked(subject: Subject) -> dict[str, ir.Value]:
    times = subject.table[subject.spec.time].cast("timestamp")
    return {
        _ROWS: subject.table.count(),
        _FIRST: times.min(),
        _LAST: times.max(),
        **checks_rows.row_measures(subject),
        **checks_tables.table_measures(subject),
    }


def _files(subject: Subject) -> tuple[FileFacts, ...]:
    table = subject.table
    times = table[subject.spec.time].cast("timestamp")
    grouped = table.group_by(FILE_OF).aggregate(
        rows=table.count(), first=times.min(), last=times.max()
    )
    found = rows_of(grouped.order_by(FILE_OF))
    contents = _contents(subject, _files_of_one_length(found))
    return tuple(
        FileFacts(
            row[FILE_OF], int(row["rows"]), row["first"], row["last"], contents.get(row[FILE_OF])
        )
        for row in found
    )


def _files_of_one_length(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the files that have as many rows as another."""
    lengths = Counter(row["rows"] for row in found)
    return [row[FILE_OF] for row in found if lengths[row["rows"]] > 1]


def _contents(subject: Subject, files: Sequence[str]) -> dict[str, Content]:
    """Return what is in some files, whatever the order of their rows.

    A column is identified by the sum of its values' hashes.
    """
    table, spec = subject.table, subject.spec
    # elsewhere hashes differ in width and meaning
    if not files or table.get_backend().name != "duckdb":
        return {}
    names = [name for name in subject.mapped if name in spec.columns]
    needed = [name for name in spec.required if not spec.columns[name].nullable]
    usable = ibis.and_(*(table[name].notnull() for name in needed))
    measures: dict[str, ir.Value] = {"usable": usable.sum()}
    for name in names:
        short = table[name].hash() % (1 << 31)
        measures[f"{name}_print"] = short.sum()
        measures[f"{name}_least"] = short.min()
        measures[f"{name}_most"] = short.max()
    some = table.filter(table[FILE_OF].isin(files))
    rows = rows_of(some.group_by(FILE_OF).aggregate(**measures))
    return {
        row[FILE_OF]: Content(
            int(row["usable"] or 0),
            {
                name: str(row[f"{name}_print"])
                for name in names
                if row[f"{name}_least"] != row[f"{name}_most"]
            },
        )
        for row in rows
    }
