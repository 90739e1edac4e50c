"""The cache: content hashes of files, and finished folders that appear whole or not at all.

Everything in it can be deleted at any time. Several processes may use it at once: each builds in a
folder of its own and renames it into place, and the first to finish wins.
"""

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_MANIFEST = "manifest.json"
_LIMIT_BYTES = 5 * 1024**3
# what takes room; hashes and records are small, and spill belongs to a running process
_PRUNED = ("tables", "unpacked")


def cache_root(cache_dir: Path | None = None) -> Path:
    """Return the cache's folder: the argument, else ``KPIKIT_CACHE_DIR``, else the platform's."""
    if cache_dir is not None:
        return Path(cache_dir)
    if named := os.environ.get("KPIKIT_CACHE_DIR"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "kpikit"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "kpikit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kpikit"


def digest(value: Any) -> str:
    """Return the SHA-256, in hex, of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def file_hash(path: Path, root: Path) -> str:
    """Return the SHA-256 of a file's bytes, read once per path, size, time and inode."""
    state = path.stat()
    key = [str(path), state.st_size, state.st_mtime_ns, state.st_ino]
    memo = root / "hashes" / f"{digest(str(path))}.json"
    known = read_json(memo)
    if known is not None and known.get("key") == key:
        return str(known["hash"])
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    write_json(memo, {"key": key, "hash": found})
    return found


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object stored at ``path``; None if it is absent, torn or altered."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["digest"] == digest(stored["content"]):
            return dict(stored["content"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Store an object with its digest, by one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"digest": digest(content), "content": content}, default=str)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def entry(root: Path, key: str, build: Callable[[Path], None]) -> Path:
    """Return the folder of ``key``, built if it is absent, half or damaged.

    Args:
        root: The cache's folder.
        key: Name of the entry, such as ``tables/<hash>``.
        build: Fills the empty folder that it is given; called only where needed.
    """
    folder = root / key
    if is_whole(folder):
        with contextlib.suppress(OSError):
            os.utime(folder)  # pruning drops the entries that were not used for longest
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building-"))
    try:
        build(building)
        write_json(building / _MANIFEST, {"sizes": _sizes(building)})
        _move_into_place(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def is_whole(folder: Path) -> bool:
    """Tell whether an entry's folder holds every file that its manifest names, in full."""
    manifest = read_json(folder / _MANIFEST)
    return manifest is not None and manifest["sizes"] == _sizes(folder)


def prune(root: Path, *, limit_bytes: int = _LIMIT_BYTES) -> None:
    """Drop the entries used longest ago until the cache is within its limit."""
    entries = []
    for folder in (path for kind in _PRUNED for path in root.glob(f"{kind}/*/")):
        with contextlib.suppress(OSError):  # another process may be pruning too
            entries.append((folder.stat().st_mtime_ns, sum(_sizes(folder).values()), folder))
    total = sum(size for _, size, _ in entries)
    for _, size, folder in sorted(entries, key=lambda each: each[0]):
        if total <= limit_bytes:
            return
        shutil.rmtree(folder, ignore_errors=True)
        total -= size


def _sizes(folder: Path) -> dict[str, int]:
    return {
        path.name: path.stat().st_size
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != _MANIFEST
    }


def _move_into_place(building: Path, folder: Path) -> None:
    """Rename, giving way to another process that finished first and clearing what is damaged."""
    for _ in range(3):
        try:
            building.rename(folder)
        except OSError:
            if is_whole(folder):
                return
            shutil.rmtree(folder, ignore_errors=True)
        else:
            return
    building.rename(folder)
