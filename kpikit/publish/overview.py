"""The two files that tell of a whole output folder: ``run.json`` and ``index.html``.

A shard writes what it did into a file of its own, ``run-2-of-8.json``, and ``run.json`` is made of
all that lie in the folder. So it makes no difference whether shards share a folder or are copied
together afterwards, when ``kpikit index`` makes both files again.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kpikit.errors import KpikitError
from kpikit.formats import plural
from kpikit.publish.index import INDEX_NAME, write_index
from kpikit.publish.lock import overview_lock
from kpikit.publish.outputs import write_atomically
from kpikit.publish.shards import Shard

RUN_NAME = "run.json"

Manifest = dict[str, Any]
_LISTS = ("reports", "not_planned", "left_out")


def write_overview(output_dir: Path, manifest: Manifest, shard: Shard | None = None) -> None:
    """Write how a run, or one shard of a run, has ended, and the index of all reports.

    What shards of another run left is removed: its part of the story is over.

    Raises:
        OSError: A file could not be written; the one before stands.
    """
    with overview_lock(output_dir):
        write_index(output_dir)
        if shard is None:
            _write(output_dir / RUN_NAME, manifest)
            _forget(output_dir, [])
            return
        _write(output_dir / shard.manifest_name, manifest)
        parts = _parts_of(manifest, _read_parts(output_dir))
        _write(output_dir / RUN_NAME, merged(parts))
        _forget(output_dir, parts)


def rebuild_overview(output_dir: Path) -> Manifest | None:
    """Write the index, and ``run.json`` of the shards whose files lie in the folder.

    Where files of several runs lie there, those of the one that began last count.

    Returns:
        The content of run.json; None where no run has left any.

    Raises:
        KpikitError: The folder does not exist, or a file could not be written.
    """
    if not output_dir.is_dir():
        raise KpikitError(
            f"There is no folder {output_dir}.\nName the folder of the reports: kpikit index DIR"
        )
    try:
        with overview_lock(output_dir):
            write_index(output_dir)
            parts = _read_parts(output_dir)
            if not parts:
                return _read(output_dir / RUN_NAME)
            newest = max(parts, key=lambda part: str(part["started"]))
            whole = merged(_parts_of(newest, parts))
            _write(output_dir / RUN_NAME, whole)
            return whole
    except OSError as error:
        raise KpikitError(
            f"The index of {output_dir} could not be written: {error}.\n"
            "Make room, or change the rights of the folder."
        ) from error


def merged(parts: Sequence[Manifest]) -> Manifest:
    """Return the manifest of a run from those of its shards.

    What they share is that of the shard that began last. Seconds are those of the slowest; the exit
    code is 0 where all are, 2 where all are, else that of a signal, or 1.
    """
    ordered = sorted(parts, key=lambda part: int(part["shard"]["number"]))
    newest = max(ordered, key=lambda part: str(part["started"]))
    done = [part["shard"]["number"] for part in ordered]
    count = newest["shard"]["count"]
    lists = {
        name: sorted((each for part in ordered for each in part[name]), key=_place)
        for name in _LISTS
    }
    codes = [part["exit_code"] for part in ordered]
    common = {name: value for name, value in newest.items() if name not in ("shard", *_LISTS)}
    return {
        **common,
        "started": min(str(part["started"]) for part in ordered),
        "seconds": max(part["seconds"] for part in ordered),
        "exit_code": codes[0] if len(set(codes)) == 1 else max(1, *(c for c in codes if c != 2)),
        "shards": [
            {
                **part["shard"],
                **{name: part[name] for name in ("started", "seconds", "exit_code")},
                "versions": {name: part[name] for name in ("kpikit", "python", "libraries")},
                "params_git": part["params_git"],
            }
            for part in ordered
        ],
        "missing_shards": [number for number in range(1, count + 1) if number not in done],
        **lists,
    }


def overview_lines(output_dir: Path, run: Manifest | None) -> list[str]:
    """Return what the two files tell, in short."""
    lines = [f"All reports: {output_dir / INDEX_NAME}"]
    if run is None:
        return lines
    good = sum(report["state"] in ("sealed", "unchanged") for report in run["reports"])
    total = len(run["reports"]) + len(run["not_planned"])
    shards = run.get("shards", [])
    of = f" in {plural(len(shards), 'shard')}" if shards else ""
    lines.append(f"Last run: {good} of {total} reports sealed{of}.")
    if missing := run.get("missing_shards"):
        count = shards[0]["count"]
        lines.append(f"Missing: {', '.join(f'{number}/{count}' for number in missing)}.")
    return lines


def _place(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(entry.get(n, "")) for n in ("template", "product", "period", "experiment"))


def _parts_of(newest: Manifest, parts: Sequence[Manifest]) -> list[Manifest]:
    """Return the manifests of the same run: of its template, cut into as many shards."""
    return [
        part
        for part in parts
        if part["template"] == newest["template"]
        and part["shard"]["count"] == newest["shard"]["count"]
    ]


def _read_parts(output_dir: Path) -> list[Manifest]:
    found = [_read(path) for path in sorted(output_dir.glob("run-*-of-*.json"))]
    return [part for part in found if part is not None and _is_part(part)]


def _is_part(content: Manifest) -> bool:
    shard = content.get("shard")
    return isinstance(shard, dict) and {"number", "count"} <= set(shard) and "started" in content


def _read(path: Path) -> Manifest | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _write(path: Path, content: Manifest) -> None:
    write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _forget(output_dir: Path, kept: Sequence[Manifest]) -> None:
    names = {Shard(**part["shard"]).manifest_name for part in kept}
    for path in output_dir.glob("run-*-of-*.json"):
        if path.name not in names:
            path.unlink(missing_ok=True)
