"""What is known of a product's data without opening it: its hash, and the days that it covers.

Loads no engine, for a run in which nothing changed needs none.
"""

import dataclasses
import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kpikit.errors import SourceError
from kpikit.params import LoadedProduct
from kpikit.sources.cache import cache_root, digest, read_json
from kpikit.sources.dataset import Coverage
from kpikit.sources.identity import Identity, identify

# Part of every key of the cache: raise it when tables are read, stored or checked differently.
FORM = 6


def read_coverage(loaded: LoadedProduct, *, cache_dir: Path | None = None) -> Coverage:
    """Return the days that a product's data spans; from the cache where it was opened before.

    Raises:
        SourceError: The data cannot be found or read.
    """
    known = recall_coverage(loaded, cache_dir=cache_dir)
    if known is not None:
        return known
    from kpikit.sources.opening import open_dataset  # noqa: PLC0415 - loads Ibis

    return open_dataset(loaded, cache_dir=cache_dir).coverage


def recall_coverage(loaded: LoadedProduct, *, cache_dir: Path | None = None) -> Coverage | None:
    """Return the days that a product's data spans; None where it was never opened as it is.

    No table is opened; hashes of files are remembered by path, size, time and inode.

    Raises:
        SourceError: A file or database cannot be found or read.
    """
    root = cache_root(cache_dir)
    with cache_errors(root):
        identity = identify(loaded, root)
        record = read_json(record_path(loaded, identity, root))
    if record is None:
        return None
    first_day, as_of = (dt.date.fromisoformat(record[name]) for name in ("first_day", "as_of"))
    return Coverage(first_day, as_of, identity.data_hash)


def record_path(loaded: LoadedProduct, identity: Identity, root: Path) -> Path:
    """Return where the cache keeps what was found in a product's data."""
    params = loaded.params
    key = digest(
        [
            FORM,
            identity.data_hash,
            repr(params.source),  # as JSON, a date were a text
            dataclasses.asdict(loaded.calendar),
            params.product.currency,
            params.segments,
        ]
    )
    return root / "datasets" / f"{key}.json"


@contextmanager
def cache_errors(root: Path) -> Iterator[None]:
    """Say of an operating system's error that it concerns the cache's folder."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        free = shutil.disk_usage(root).free if root.is_dir() else None
        full = " Its disk is full." if free is not None and free < 1 << 20 else ""
        raise SourceError(
            f"The cache folder {root} cannot be used: {error.strerror or error}.{full}\n"
            "Make room, or name another folder in KPIKIT_CACHE_DIR."
        ) from error
