"""Checks of whole tables: their files, their repeats, the case of their codes, their currencies."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from kpikit.formats import format_span, plural
from kpikit.params.model import BatchSpan, Deduplicate
from kpikit.sources.dataset import Finding, Severity
from kpikit.sources.repeats import (
    Batch,
    DayRepeats,
    daily_repeats,
    deduplicate,
    find_batches,
    in_span,
)
from kpikit.sources.subject import Content, Subject, span_of
from kpikit.sources.views import rows_alike, rows_of

_ROW_LIMITS = {1_048_575: "1,048,576", 65_535: "65,536"}
_LEAST_FILE_ROWS = 10
_NOUNS = {"events": "event", "order_lines": "order line", "survey": "answer"}
# rows of these may repeat by nature: one product twice on an order, one event twice in a second
_REPEATABLE = ("events", "order_lines")
_FEW_REPEATS = 0.01
_EXAMPLES = 3
_OTHER_CURRENCY = "currency is another"


def empty_findings(subject: Subject) -> Iterator[Finding]:
    """Find a table without rows."""
    if not subject.rows:
        yield Finding(
            "empty_table", subject.spec.name, "", "error", 0, 0.0, (),
            "The table has a header and no row.",
        )  # fmt: skip


def row_limit_findings(subject: Subject) -> Iterator[Finding]:
    """Find files that hold exactly as many rows as a spreadsheet can."""
    for file in subject.files:
        if file.rows in _ROW_LIMITS:
            yield Finding(
                "row_limit", subject.spec.name, "", "warning", file.rows, file.rows / subject.rows,
                (file.name,),
                f"{file.name} ends at row {_ROW_LIMITS[file.rows]}, the last that a spreadsheet "
                "holds: the rest is probably lost.",
            )  # fmt: skip


def table_measures(subject: Subject) -> dict[str, ir.Value]:
    """Return what one look at all rows is asked, for the checks here to look closer or not."""
    table = subject.table
    measures: dict[str, ir.Value] = {
        # most codes are in one case throughout: lower, or that which their lower case is made to
        key: (table[name] != folded).any()
        for name in subject.codes
        for key, folded in _cases(table[name], name).items()
    }
    if "currency" in subject.mapped and "currency" in subject.spec.columns:
        measures[_OTHER_CURRENCY] = (table["currency"] != subject.currency).any()
    return measures


def _cases(codes: ir.StringValue, name: str) -> dict[str, ir.StringValue]:
    """Return the ways to write codes in which each has no twin, by the key of what has another."""
    lower = codes.lower()
    return {f"{name} has capitals": lower, f"{name} has small letters": lower.upper()}


def repeated_file_findings(subject: Subject) -> Iterator[Finding]:
    """Find files of one table with the same content in the mapped columns.

    A column that is constant within a file, such as the date of a survey wave, does not count.
    """
    alike: dict[tuple[object, ...], list[tuple[str, Content]]] = defaultdict(list)
    for file in subject.files:
        if file.rows >= _LEAST_FILE_ROWS and file.content is not None and file.content.prints:
            key = (file.rows, *sorted(file.content.prints.items()))
            alike[key].append((file.name, file.content))
    noun = _NOUNS.get(subject.spec.name, "row")
    for files in alike.values():
        if len(files) > 1:
            names = tuple(name for name, _ in files)
            usable = files[0][1].usable_rows
            rows = usable * (len(files) - 1)
            yield Finding(
                "repeated_file", subject.spec.name, "", "warning", rows, rows / subject.rows,
                names[:_EXAMPLES],
                f"{' and '.join(names)} hold the same {plural(usable, noun)}, each "
                f"delivered {'twice' if len(files) == 2 else f'{len(files)} times'}.",
            )  # fmt: skip


def mixed_case_findings(subject: Subject) -> Iterator[Finding]:
    """Find codes that differ in letter case alone, and so count as two."""
    names = [
        name for name in subject.codes
        if all(subject.seen[key] for key in _cases(subject.table[name], name))
    ]  # fmt: skip
    for name, (as_is, folded) in _spellings(subject.table, names).items():
        if as_is > folded:
            yield Finding(
                "mixed_case", subject.spec.name, name, "warning", *_case_rows(subject, name),
                f"{name} has {as_is:,} values, but {folded:,} when letter case is ignored.",
            )  # fmt: skip


def mixed_currency_findings(subject: Subject) -> Iterator[Finding]:
    """Find amounts in several currencies, or in another than the product's: no sum is right."""
    if not subject.seen.get(_OTHER_CURRENCY):
        return
    counts = subject.table.group_by("currency").aggregate(rows=subject.table.count())
    rows = {row["currency"]: row["rows"] for row in rows_of(counts)}
    others = {name: count for name, count in rows.items() if name != subject.currency}
    if others:
        listed = sorted(others, key=lambda name: (-others[name], name))
        affected = sum(others.values())
        yield Finding(
            "mixed_currency", subject.spec.name, "currency", "error", affected,
            affected / subject.rows, tuple(listed[:_EXAMPLES]),
            f"{plural(affected, 'amount')} not in {subject.currency}, the product's currency, "
            f"but in {', '.join(listed)}: convert them with sql.",
        )  # fmt: skip


def duplicate_key_findings(subject: Subject) -> Iterator[Finding]:
    """Find rows that share a key: of subscriptions their id and start, of orders a sale's id."""
    key = ["order_id"] if subject.spec.name == "orders" else list(subject.spec.key)
    if not key or not subject.rows:
        return

    def ask() -> ir.Table:
        repeated = _repeated_keys(subject.table, key)
        return repeated.aggregate(keys=repeated.count(), rows=repeated["copies"].sum())

    row = rows_alike(subject.table, ask, "keys", *key)[0]
    if row["keys"]:
        extra = int(row["rows"]) - int(row["keys"])
        repeated = _repeated_keys(subject.table, key)
        shown = repeated.select(value=repeated[key[0]].cast(str)).order_by("value").limit(_EXAMPLES)
        choice = subject.source.deduplicate
        removed = choice is not None and bool(choice.key)
        yield Finding(
            "duplicate_key", subject.spec.name, key[0], "accepted" if removed else "warning",
            extra, extra / subject.rows, tuple(row["value"] for row in rows_of(shown)),
            f"{_repeat(extra)} the {' and '.join(key)} of another row.",
            _removed_by("key") if removed else "",
        )  # fmt: skip


def _repeated_keys(table: ir.Table, key: Sequence[str]) -> ir.Table:
    known = table[key[0]].notnull()
    if key == ["order_id"]:  # a refund may bear its order's
        known = known & (table["kind"] == "sale")
    groups = table.filter(known).group_by(key).aggregate(copies=ibis._.count())
    return groups.filter(groups["copies"] > 1)


def repeat_findings(subject: Subject) -> Iterator[Finding]:
    """Find rows alike in every column, and days that were delivered twice."""
    if not subject.rows or has_no_identity(subject):
        return
    days = subject.repeats
    if days is None:
        days = daily_repeats(
            subject.table, subject.spec, subject.calendar.timezone,
            days=subject.days, between=span_of(subject.files),
        )  # fmt: skip
    choice = subject.source.deduplicate
    yield from _exact_duplicates(subject, days, choice)
    for batch in find_batches(days):
        yield _doubled_batch(subject, batch, choice)


def has_no_identity(subject: Subject) -> bool:
    """Tell whether rows do not say whose they are, so that equal ones are expected."""
    return subject.spec.name == "survey" and "respondent_id" not in subject.mapped


def _exact_duplicates(
    subject: Subject, days: Sequence[DayRepeats], choice: Deduplicate | None
) -> Iterator[Finding]:
    rows = sum(day.repeats for day in days)
    if not rows:
        return
    removed = choice is not None and choice.exact is True
    share = rows / subject.rows
    common = subject.spec.name in _REPEATABLE and share < _FEW_REPEATS
    severity: Severity = "accepted" if removed else "info" if common else "warning"
    worst = sorted(days, key=lambda day: (-day.repeats, day.day))[:_EXAMPLES]
    yield Finding(
        "exact_duplicate", subject.spec.name, "", severity, rows, share,
        tuple(f"{day.day}: {day.repeats:,}" for day in worst if day.repeats),
        f"{_repeat(rows)} another row in every column.",
        _removed_by("exact") if removed else "",
    )  # fmt: skip


def _doubled_batch(subject: Subject, batch: Batch, choice: Deduplicate | None) -> Finding:
    span = format_span(batch.first, batch.last.fromordinal(batch.last.toordinal() + 1))
    message = (
        f"Every row of {span} was delivered twice: {plural(batch.extra_rows, 'row')} too many."
    )
    message += _net_text(subject, batch)
    reason = _batch_reason(batch, choice)
    return Finding(
        "doubled_batch", subject.spec.name, "", "accepted" if reason else "warning",
        batch.extra_rows, batch.extra_rows / subject.rows,
        (batch.first.isoformat(), batch.last.isoformat()), message, reason,
        first=batch.first, last=batch.last,
    )  # fmt: skip


def _batch_reason(batch: Batch, choice: Deduplicate | None) -> str:
    if choice is None or choice.key:
        return ""
    span = choice.doubled_batch
    if span is None:
        return _removed_by("exact")
    covers = span.from_ <= batch.first and batch.last <= span.to
    return _removed_by("doubled_batch") if covers else ""


def _repeat(rows: int) -> str:
    return f"{plural(rows, 'row')} {'repeats' if rows == 1 else 'repeat'}"


def _removed_by(way: str) -> str:
    return f"Removed as declared (deduplicate.{way})."


def _net_text(subject: Subject, batch: Batch) -> str:
    """Say what the batch does to the money of the months that it lies in."""
    if "revenue" not in subject.table.columns:
        return ""
    start = subject.calendar.period_of(batch.first, "month")
    end = subject.calendar.period_of(batch.last, "month")
    months = BatchSpan(**{"from": start.start, "to": end.last_day})
    inside = in_span(subject.table, months, subject.spec, subject.calendar.timezone)
    table = subject.table.filter(inside)
    span = BatchSpan(**{"from": batch.first, "to": batch.last})
    once = deduplicate(
        table, Deduplicate(doubled_batch=span), subject.spec, subject.calendar.timezone
    )
    labels = start.label if start == end else f"{start.label} to {end.label}"
    return (
        f" Net revenue of {labels}, in {subject.currency}, is {_net(table):,.2f} as delivered and "
        f"{_net(once):,.2f} with the batch counted once."
    )


def _net(table: ir.Table) -> Decimal:
    return table["revenue"].sum().as_table().to_pyarrow()[0][0].as_py() or Decimal(0)


def _spellings(table: ir.Table, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return, per column, the number of values, and their number when letter case is ignored."""
    if not names:
        return {}

    def ask() -> ir.Table:
        parts = [table.select(name=ibis.literal(name), value=name).distinct() for name in names]
        values = ibis.union(*parts) if len(parts) > 1 else parts[0]
        return values.group_by("name").aggregate(
            as_is=values["value"].count(), folded=values["value"].lower().nunique()
        )

    found = {row["name"]: row for row in rows_alike(table, ask, "spellings", *names)}
    return {name: (found[name]["as_is"], found[name]["folded"]) for name in names}


def _case_rows(subject: Subject, name: str) -> tuple[int, float, tuple[str, ...]]:
    """Return rows, share and examples of values that have a twin in another letter case."""
    table = subject.table.select(value=name)
    values = table.group_by("value").aggregate(rows=table.count())
    values = values.mutate(folded=values["value"].lower())
    twins = values.group_by("folded").aggregate(
        spellings=values.count(), rows=values["rows"].sum(), most=values["rows"].max(),
        first=values["value"].min(), last=values["value"].max(),
    )  # fmt: skip
    twins = twins.filter(twins["spellings"] > 1)
    total = rows_of(twins.aggregate(rows=(twins["rows"] - twins["most"]).sum()))
    shown = rows_of(twins.order_by("folded").limit(_EXAMPLES))
    rows = int(total[0]["rows"] or 0)
    examples = tuple(f"{row['first']} / {row['last']}" for row in shown)
    return rows, rows / subject.rows, examples
