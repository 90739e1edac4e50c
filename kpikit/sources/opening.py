"""Opens a product's data: read, mapped, checked, de-duplicated as declared, and remembered."""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
from ibis.backends import BaseBackend

from kpikit.errors import SourceError
from kpikit.params import LoadedProduct
from kpikit.params.tables import CANONICAL
from kpikit.sources.cache import cache_root, prune, read_json, write_json
from kpikit.sources.checks_days import HAPPENED, covered_days
from kpikit.sources.connect import embedded_engine, open_connection
from kpikit.sources.dataset import Dataset, Finding, Input
from kpikit.sources.examine import judge, make_subject, sort_findings
from kpikit.sources.identity import Identity, identify
from kpikit.sources.prepare import PreparedTable, Workshop, prepare_table
from kpikit.sources.read import FEW_BYTES
from kpikit.sources.remembered import cache_errors, record_path
from kpikit.sources.stage import UNREAD
from kpikit.sources.subject import Subject
from kpikit.sources.where import Where


def open_dataset(loaded: LoadedProduct, *, cache_dir: Path | None = None) -> Dataset:
    """Return a product's tables with what the checks found in them.

    Text files become Parquet in the cache once; Parquet files and database tables stay where they
    lie. A second call with unchanged data and parameters runs no check again.

    Args:
        loaded: The product.
        cache_dir: The cache's folder; ``KPIKIT_CACHE_DIR`` or the platform's if None.

    Raises:
        SourceError: Data cannot be found or read as the parameters say. Checks that fail do not
            raise here; see ``check_findings``.
    """
    root = cache_root(cache_dir)
    with cache_errors(root):
        identity = identify(loaded, root)
        workshop = Workshop(loaded, identity, root, *_engines(loaded, identity, root))
        names: list[str] = list(loaded.params.source.tables)
        record = read_json(record_path(loaded, identity, root))
        is_checked = record is not None
        prepared = {name: prepare_table(workshop, name, is_checked=is_checked) for name in names}
        if record is None:
            record = _examine(workshop, prepared)
            write_json(record_path(loaded, identity, root), record)
            prune(root)
    views = {name: view for table in prepared.values() for name, view in table.views.items()}
    return Dataset(
        # what is derived comes last
        tables=dict(sorted(views.items(), key=lambda each: each[0] not in prepared)),
        definitions=_Definitions(prepared),
        findings=tuple(Finding(**_finding_fields(each)) for each in record["findings"]),
        inputs=tuple(Input(**_input_fields(each)) for each in record["inputs"]),
        as_of=dt.date.fromisoformat(record["as_of"]),
        first_day=dt.date.fromisoformat(record["first_day"]),
        data_hash=identity.data_hash,
    )


class _Definitions(Mapping[str, ir.Table]):
    """How each table is read from the source, put together when somebody asks."""

    def __init__(self, prepared: Mapping[str, PreparedTable]) -> None:
        self._of = {name: table for table in prepared.values() for name in table.views}

    def __getitem__(self, name: str) -> ir.Table:
        return self._of[name].definitions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)


def _engines(
    loaded: LoadedProduct, identity: Identity, root: Path
) -> tuple[BaseBackend, BaseBackend | None]:
    """Return the engine that reads files, and the database; one and the same where they can be."""
    spill = root / "spill"
    source = loaded.params.source
    if all(table.files is not None for table in source.tables.values()):
        size = sum(path.stat().st_size for path in identity.hashes)
        return embedded_engine(spill, is_small=size <= FEW_BYTES), None
    database = open_connection(source.connection, loaded.path.parent, spill)
    return (database if database.name == "duckdb" else embedded_engine(spill)), database


def _examine(workshop: Workshop, prepared: Mapping[str, PreparedTable]) -> dict[str, Any]:
    """Run every check and return what a dataset says beside its tables."""
    loaded = workshop.loaded
    source = loaded.params.source
    subjects: dict[str, Subject] = {}
    for name, table in prepared.items():
        with workshop.errors(name):
            subjects[name] = make_subject(
                table.delivered,
                CANONICAL[name],
                workshop.source(name),
                calendar=loaded.calendar,
                currency=loaded.params.product.currency,
                segments=loaded.params.segments,
                single_name=workshop.source_name(name),
                is_single=len(workshop.identity.files.get(name, ())) <= 1,
            )
    first_day, as_of = _coverage(loaded, subjects)
    bearer = _bearer(subjects, as_of)
    findings: list[Finding] = []
    for name, subject in subjects.items():
        with workshop.errors(name):
            findings += judge(
                subject,
                as_of,
                as_of_declared=source.as_of is not None,
                bears_end=name == bearer,
            )
    inputs = [each for subject in subjects.values() for each in _inputs(workshop, subject)]
    return {
        "findings": [
            dataclasses.asdict(each) | _times_text(each) for each in sort_findings(findings)
        ],
        "inputs": [dataclasses.asdict(each) | _times_text(each) for each in inputs],
        "as_of": as_of.isoformat(),
        "first_day": first_day.isoformat(),
    }


def _coverage(loaded: LoadedProduct, subjects: Mapping[str, Subject]) -> tuple[dt.date, dt.date]:
    """Return the first day with a row, and the last complete day.

    Costs, campaigns and observations may be dated ahead, so they count only where nothing else
    says when the data begins and ends; campaigns never do.
    """
    spans = {name: covered_days(subject.days) for name, subject in subjects.items()}
    found = [span for name, span in spans.items() if span and name in HAPPENED] or [
        span for name, span in spans.items() if span and name != "campaigns"
    ]
    declared = loaded.params.source.as_of
    if found:
        first_day = min(first for first, _ in found)
        as_of = declared or max(last for _, last in found)
        return min(first_day, as_of), as_of
    if declared is None:
        reasons = "; ".join(_why_timeless(subject) for subject in subjects.values())
        raise SourceError(
            f"{Where(loaded, 'source')}: no table has a row with a time: {reasons}.\n"
            "Deliver data, mend the columns and formats of the times, or declare source.as_of."
        )
    return declared, declared


def _why_timeless(subject: Subject) -> str:
    """Return why a table says nothing of the days that the data covers."""
    name, column = subject.spec.name, subject.spec.time
    if not subject.rows:
        return f"{name} has no row"
    if subject.days:
        return f"{name} may be planned ahead"
    unread = UNREAD + column
    if unread in subject.table.columns:
        text = subject.table[unread].max().to_pyarrow().as_py()
        if text is not None:
            return f"{name}.{column} cannot be read in any row, such as '{text}'"
    return f"{name}.{column} has no value in any row"


def _bearer(subjects: Mapping[str, Subject], as_of: dt.date) -> str | None:
    """Return the table that reports an unfinished last period: the one that has data last."""
    ends = {
        name: max((day for day in subject.days if day <= as_of), default=dt.date.min)
        for name, subject in subjects.items()
        if name != "campaigns"
    }
    return max(ends, key=lambda name: (name in HAPPENED, ends[name]), default=None)


def _inputs(workshop: Workshop, subject: Subject) -> Iterator[Input]:
    name = subject.spec.name
    files = workshop.identity.files.get(name, ())
    facts = {file.name: file for file in subject.files}
    if not files:
        version = workshop.identity.versions[name]
        for found in subject.files:
            yield Input(name, found.name, found.rows, None, version, found.first, found.last)
    for file in files:
        content_hash = workshop.identity.hashes[file.path]
        size = file.path.stat().st_size
        # a file may hold no row, and sql may drop the column that says whose a row is
        known = facts.get(file.name)
        rows = known.rows if known else 0
        first, last = (known.first, known.last) if known else (None, None)
        yield Input(name, file.name, rows, size, content_hash, first, last)


def _times_text(each: Finding | Input) -> dict[str, str | None]:
    return {
        "first": each.first.isoformat() if each.first else None,
        "last": each.last.isoformat() if each.last else None,
    }


def _finding_fields(stored: Mapping[str, Any]) -> dict[str, Any]:
    days = {
        name: dt.date.fromisoformat(stored[name]) if stored[name] else None
        for name in ("first", "last")
    }
    return {**stored, **days, "examples": tuple(stored["examples"])}


def _input_fields(stored: Mapping[str, Any]) -> dict[str, Any]:
    times = {
        name: dt.datetime.fromisoformat(stored[name]) if stored[name] else None
        for name in ("first", "last")
    }
    return {**stored, **times}
