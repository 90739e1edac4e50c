"""What opening a product's data yields: tables, findings, inputs and coverage, all frozen."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from kpikit.errors import DataQualityError, PeriodError
from kpikit.formats import format_span
from kpikit.params import LoadedProduct
from kpikit.periods import Period

if TYPE_CHECKING:
    import ibis.expr.types as ir

Severity = Literal["error", "warning", "accepted", "info"]
_UNCOUNTED = frozenset({"product_id", "respondent_id", "comment", "end_reason"})
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "accepted", "info")


@dataclass(frozen=True)
class Finding:
    """What one check found in one table.

    Attributes:
        check: Name of the check, one of ``kpikit.params.tables.CHECKS``.
        table: Canonical table.
        column: Canonical column, or ``""`` where the finding is about whole rows or files.
        severity: ``error`` keeps the report from being sealed; ``warning`` is a fault that the
            reader must know; ``accepted`` is one that the parameters accept; ``info`` is a fact.
        rows: Rows concerned.
        share: They as a share of the table's rows, 0 to 1.
        examples: Up to three values or days, as they stand in the source.
        message: One plain sentence for the page.
        reason: Why it is accepted.
        first: First local day of the rows concerned; None where it is not known.
        last: Last local day of them.
    """

    check: str
    table: str
    column: str = ""
    severity: Severity = "warning"
    rows: int = 0
    share: float = 0.0
    examples: tuple[str, ...] = ()
    message: str = ""
    reason: str = ""
    first: dt.date | None = None
    last: dt.date | None = None

    def touches(self, periods: Iterable[Period]) -> bool:
        """Tell whether the rows concerned may lie in one of the periods."""
        if self.first is None or self.last is None:
            return True
        first, last = self.first, self.last
        return any(first < period.end and last >= period.start for period in periods)


@dataclass(frozen=True)
class Input:
    """One file, or one database table, that a canonical table was read from.

    Attributes:
        table: Canonical table.
        source: File name or table name; no folder above the file's, no secret.
        rows: Rows read.
        size_bytes: Size of the file; None for a database table.
        content_hash: SHA-256 of the file's bytes, or a fingerprint of the database table.
        first: Earliest time of a row, UTC; None without any.
        last: Latest time of a row, UTC.
    """

    table: str
    source: str
    rows: int
    size_bytes: int | None
    content_hash: str
    first: dt.datetime | None
    last: dt.datetime | None


@dataclass(frozen=True)
class Coverage:
    """The local days that a product's data spans, both included, and what identifies the data.

    Attributes:
        first_day: First local day with a row.
        as_of: Last complete local day.
        data_hash: Changes when, and only when, the content of an input does.
    """

    first_day: dt.date
    as_of: dt.date
    data_hash: str


@dataclass(frozen=True)
class Dataset:
    """A product's data, checked.

    Attributes:
        tables: Canonical table name to Ibis table: canonical columns, then every other column of
            the source under its own name. Ids are text, times UTC without zone, money DECIMAL.
        definitions: How each is read from the source: on DuckDB the tables are views of these.
        findings: What the checks found, errors first.
        inputs: Files and database tables read.
        as_of: Last complete local day.
        first_day: First local day with a row.
        data_hash: Changes when, and only when, the content of an input does.
    """

    tables: Mapping[str, "ir.Table"] = field(repr=False)
    definitions: Mapping[str, "ir.Table"] = field(repr=False)
    findings: tuple[Finding, ...]
    inputs: tuple[Input, ...]
    as_of: dt.date
    first_day: dt.date
    data_hash: str

    @property
    def coverage(self) -> Coverage:
        """The days that the data spans."""
        return Coverage(self.first_day, self.as_of, self.data_hash)


def check_findings(dataset: Dataset) -> None:
    """Raise if the data has a fault that no report may be built on.

    Raises:
        DataQualityError: A finding has severity ``error``; the message names each.
    """
    errors = [finding for finding in dataset.findings if finding.severity == "error"]
    if not errors:
        return
    lines = [f"  {found.table}: {found.message} ({found.check})" for found in errors]
    noun = "check" if len(errors) == 1 else "checks"
    raise DataQualityError(
        f"{len(errors)} data {noun} failed:\n" + "\n".join(lines) + "\n"
        "Mend the data, or accept a check with its reason under source.tables.<table>.accept."
    )


def findings_for(findings: Iterable[Finding], table: str) -> tuple[Finding, ...]:
    """Return the findings that touch the numbers made from ``table``.

    Orders may be derived from order lines, so the lines' findings touch them too. Findings on
    columns that no metric reads touch nothing.
    """
    touching = {table, "order_lines"} if table == "orders" else {table}
    return tuple(
        finding
        for finding in findings
        if finding.table in touching and finding.column not in _UNCOUNTED
    )


def default_period(loaded: LoadedProduct, coverage: Coverage) -> Period:
    """Return the last fiscal quarter that is complete by ``as_of`` and has data.

    Where the data covers no complete quarter, it is the unfinished quarter of ``as_of``.
    """
    quarter = loaded.calendar.last_complete(coverage.as_of, "quarter")
    if quarter.last_day >= coverage.first_day:
        return quarter
    return loaded.calendar.period_of(coverage.as_of, "quarter")


def choose_period(loaded: LoadedProduct, coverage: Coverage, text: str | None = None) -> Period:
    """Return the period written as ``text``; the default period where none is given.

    Raises:
        PeriodError: The text is no period, or the data does not reach into it.
    """
    if not text:
        return default_period(loaded, coverage)
    period = loaded.calendar.parse(text)
    if period.end <= coverage.first_day or period.start > coverage.as_of:
        covered = format_span(coverage.first_day, coverage.as_of + dt.timedelta(days=1))
        raise PeriodError(
            f"Product '{loaded.key}' has no data in {period.label} "
            f"({format_span(period.start, period.end)}).\n"
            f"Its data covers {covered}; give a period within."
        )
    return period
