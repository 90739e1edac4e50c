"""Keeps what sealed reports published: one immutable part per publication.

The parts of a report lie in ``<ledger>/<product>/<period>/<template>/``, named by the time of their
publication. Each is written beside its place and renamed into it, so a reader sees it whole or not
at all, writers need no lock, and a kill loses nothing: the next run finds the report published and
its part missing, and keeps it then.
"""

import datetime as dt
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kpikit.publish.identity import LEDGER
from kpikit.publish.outputs import write_atomically
from kpikit.publish.plan import PlannedReport
from kpikit.publish.seal import METADATA_KEY

_STAMP = "%Y%m%dT%H%M%S%f"  # UTC; the order of names is that of time
_TICK = dt.timedelta(microseconds=1)


def record(ledger: Path, document: Mapping[str, Any], *, published_at: dt.datetime) -> Path | None:
    """Keep what a report has published, unless it is what the report published last.

    Args:
        ledger: The ledger's folder; made if absent.
        document: Content of the report's ``kpis.json``: ``product``, ``template``, ``period``,
            ``run_id``, ``as_of``, ``data_hash``, ``kpis``; ``definitions`` (metric to the version
            of its definition), ``forecasts`` and ``promises`` where the report has them.
        published_at: When (with a time zone). Should the clock stand before the last part's, the
            new one is dated just after that.

    Returns:
        The new part; None where the last one is of the same run.

    Raises:
        OSError: It could not be written; the ledger is as it was.
    """
    names = (document["product"], document["period"], document["template"])
    folder = ledger.joinpath(*map(str, names))
    moment = published_at.astimezone(dt.UTC).replace(tzinfo=None)
    stamp, run_id = _last_run(folder)
    if run_id == document["run_id"]:
        return None
    if stamp:
        moment = max(moment, dt.datetime.strptime(stamp, _STAMP) + _TICK)  # noqa: DTZ007 - UTC
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{moment.strftime(_STAMP)}-{document['run_id']}.json"
    part = {**document, "published_at": moment.isoformat(timespec="microseconds")}
    write_atomically(path, json.dumps(part, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def remember(output: Path, report: PlannedReport) -> tuple[str, ...]:
    """Keep what a report that stands in the output folder has published; return remarks.

    For reports that were just sealed, and for those found unchanged: so what a kill kept from being
    written is written by the next run. Costs a listing of one folder where nothing is to be done.

    Args:
        output: The output folder; the ledger lies in it.
        report: A report of which everything is published.

    Returns:
        Nothing, or why it could not be kept.
    """
    try:
        record_published(output, report, published_at=_now())
    except (OSError, ValueError, KeyError, TypeError) as error:
        return (
            f"The ledger could not keep what was published ({error}): the next run tries anew.",
        )
    return ()


def record_published(
    output: Path, report: PlannedReport, *, published_at: dt.datetime
) -> Path | None:
    """Keep what the published files of a report say, unless they are those kept last.

    KPIs are those of its ``kpis.json``; the versions of their definitions, the forecasts and the
    promises of open actions are what the components on its page have noted in the notebook.

    Args:
        output: The output folder.
        report: Which report.
        published_at: When (with a time zone).

    Returns:
        The new part; None where the last one is of the same run.

    Raises:
        OSError: A file cannot be read, or the part not written.
        ValueError: A file is no JSON.
        KeyError: A file is not of the form that it should have.
    """
    ledger, folder = output / LEDGER, output / report.folder
    if _last_run(ledger / report.product / report.period / report.name)[1] == report.run_id:
        return None
    document = json.loads((folder / f"{report.name}.kpis.json").read_text(encoding="utf-8"))
    notebook = json.loads((folder / f"{report.name}.ipynb").read_text(encoding="utf-8"))
    told = {**document, "template": report.name, **noted(notebook)}
    return record(ledger, told, published_at=published_at)


def noted(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``definitions``, ``forecasts`` and ``promises`` that a notebook's outputs note."""
    definitions: dict[str, int] = {}
    listed: dict[str, list[Any]] = {"forecasts": [], "promises": []}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            note = output.get("metadata", {}).get(METADATA_KEY, {})
            definitions |= note.get("definitions", {})
            for kind, rows in listed.items():
                rows += [row for row in note.get(kind, ()) if row not in rows]
    return {"definitions": definitions, **listed}


def _last_run(folder: Path) -> tuple[str, str]:
    """Return the stamp and the run of the last part of a report; empty where there is none."""
    last = max((path.stem for path in folder.glob("*.json")), default="")
    stamp, _, run_id = last.partition("-")
    return stamp, run_id


def _now() -> dt.datetime:
    """Return the time; with ``SOURCE_DATE_EPOCH`` that one, so that bytes repeat."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return dt.datetime.fromtimestamp(int(epoch), dt.UTC) if epoch else dt.datetime.now(dt.UTC)
