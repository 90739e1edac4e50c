"""Remembers what was published, so that a report whose key is unchanged is not made again.

A report's record lies hidden beside its files and is the last file of their set. It is believed
only as far as the files bear it out: a record that is missing, torn or at odds with them means
that the report is made.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kpikit.publish.identity import Identity
from kpikit.publish.plan import PlannedReport

NEVER_MADE = "never made"
LAST_RUN_FAILED = "last run failed"
FILES_CHANGED = "files changed or missing"
OTHER_FORMATS = "other formats asked for"
OTHER_EPOCH = "SOURCE_DATE_EPOCH"
UNVERSIONED_DATA = "data of a database without version_query"
FORCED = "forced"


@dataclass(frozen=True)
class FileRecord:
    """One published file.

    Attributes:
        sha256: Of its bytes, in hex.
        size: In bytes.
        mtime_ns: When it was last written; a file with this time and size is not read again.
    """

    sha256: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Record:
    """What was published of one report.

    Attributes:
        identity: Of what it was made.
        epoch: ``SOURCE_DATE_EPOCH`` as it was set, for it is written into the PDF.
        notes: The remarks that its run made.
        files: Name to file.
        seconds: What its run took.
    """

    identity: Identity
    epoch: str
    notes: tuple[str, ...]
    files: Mapping[str, FileRecord]
    seconds: float = 0.0


def record_name(template: str) -> str:
    """Return the file name of the record of a template's report."""
    return f".{template}.record.json"


def make_record(
    report: PlannedReport,
    staging: Path,
    names: Iterable[str],
    *,
    notes: tuple[str, ...],
    before: Record | None,
    seconds: float = 0.0,
) -> Record:
    """Return the record of a report whose files are staged: a rename keeps their times.

    Args:
        report: What was made.
        staging: Folder of the new files, in that of the published ones.
        names: Their names.
        notes: Remarks of the run.
        before: What was published before; pages of the same run that stay keep their place.
        seconds: What the run took.

    Raises:
        OSError: A file cannot be read.
    """
    files = {name: _file_record(staging / name) for name in names}
    if before and before.identity == report.identity and before.epoch == _epoch():
        kept = {
            n: file for n, file in before.files.items() if _are_intact(staging.parent, {n: file})
        }
        files = {**kept, **files}
        notes = tuple(dict.fromkeys((*before.notes, *notes)))
    return Record(report.identity, _epoch(), notes, files, round(seconds, 3))


def record_text(record: Record) -> str:
    """Return the record as JSON."""
    return json.dumps(asdict(record), indent=1) + "\n"


def read_record(folder: Path, template: str) -> Record | None:
    """Return a report's record; None where there is none, or none that can be read."""
    try:
        content = json.loads((folder / record_name(template)).read_text(encoding="utf-8"))
        return _record(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def last_seconds(reports: Iterable[PlannedReport], output_dir: Path) -> dict[PlannedReport, float]:
    """Return what each report took when it was last made; 0 where nobody knows."""
    records = {report: read_record(output_dir / report.folder, report.name) for report in reports}
    return {report: record.seconds if record else 0.0 for report, record in records.items()}


def stale_because(
    report: PlannedReport, output_dir: Path, *, formats: Iterable[str]
) -> tuple[str, ...]:
    """Return why a report has to be made; nothing where all that it would give is published.

    Args:
        report: What is planned.
        output_dir: Folder of the published reports.
        formats: The pages asked for.
    """
    name, folder = report.name, output_dir / report.folder
    record = read_record(folder, name)
    if record is None:
        return (NEVER_MADE,)
    wanted, made = asdict(report.identity), asdict(record.identity)
    reasons = [part for part in wanted if wanted[part] != made[part]]
    if not report.has_data_version:
        reasons.append(UNVERSIONED_DATA)
    if record.epoch != _epoch():
        reasons.append(OTHER_EPOCH)
    if any(f"{name}.{form}" not in record.files for form in formats):
        reasons.append(OTHER_FORMATS)
    if (folder / f"{name}.failed.ipynb").exists():
        reasons.append(LAST_RUN_FAILED)
    # files are read last, and only where all else is equal
    if not reasons and not _are_intact(folder, record.files):
        reasons.append(FILES_CHANGED)
    return tuple(reasons)


def _are_intact(folder: Path, files: Mapping[str, FileRecord]) -> bool:
    try:
        return all(_is_intact(folder / name, file) for name, file in files.items())
    except OSError:
        return False


def _is_intact(path: Path, file: FileRecord) -> bool:
    found = path.stat()
    if found.st_size != file.size:
        return False
    return found.st_mtime_ns == file.mtime_ns or _sha256(path) == file.sha256


def _file_record(path: Path) -> FileRecord:
    found = path.stat()
    return FileRecord(_sha256(path), found.st_size, found.st_mtime_ns)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _epoch() -> str:
    return os.environ.get("SOURCE_DATE_EPOCH", "")


def _record(content: Mapping[str, Any]) -> Record:
    return Record(
        identity=Identity(**content["identity"]),
        epoch=content["epoch"],
        notes=tuple(content["notes"]),
        files={name: FileRecord(**file) for name, file in content["files"].items()},
        seconds=float(content.get("seconds", 0.0)),
    )
