"""Keeps what sealed reports published: one immutable part per publication.

The parts of a report lie in ``<ledger>/<product>/<period>/<template>/``, named by the time of their
publication. Each is written beside its place and renamed into it, so a reader sees it whole or not
at all, writers need no lock, and a kill loses nothing: the next run finds the report published and
its part missing, and keeps it then.
"""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kpikit.publish.outputs import write_atomically

_STAMP = "%Y%m%dT%H%M%S%f"  # UTC; the order of names is that of time
_TICK = dt.timedelta(microseconds=1)


def record(ledger: Path, document: Mapping[str, Any], *, published_at: dt.datetime) -> Path | None:
    """Keep what a report has published, unless it is what the report published last.

    Args:
        ledger: The ledger's folder; made if absent.
        document: Content of the report's ``kpis.json``: ``product``, ``template``, ``period``,
            ``run_id``, ``as_of``, ``data_hash``, ``kpis``; ``definitions`` (metric to the version
            of its definition) and ``forecasts`` where the report has them.
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
    last = max((path.stem for path in folder.glob("*.json")), default="")
    if last:
        stamp, _, run_id = last.partition("-")
        if run_id == document["run_id"]:
            return None
        moment = max(moment, dt.datetime.strptime(stamp, _STAMP) + _TICK)  # noqa: DTZ007 - UTC
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{moment.strftime(_STAMP)}-{document['run_id']}.json"
    part = {**document, "published_at": moment.isoformat(timespec="microseconds")}
    write_atomically(path, json.dumps(part, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def record_published(ledger: Path, kpis: Path, *, published_at: dt.datetime) -> Path | None:
    """Keep what the published file ``kpis.json`` of a report says (see ``record``).

    Raises:
        OSError: The file cannot be read, or the part not written.
    """
    document = json.loads(kpis.read_text(encoding="utf-8"))
    return record(ledger, document, published_at=published_at)
