"""Lets one run at a time write in an output folder; the system ends the lock with its process.

A killed run therefore blocks nobody. What it left half made is swept away by the next one.

The shards of a run share the folder: each holds its own products alone, so shards of another
division wait for one another where they have a product in common, and a run that is no shard waits
for all of them. Products are taken in order of their keys, so that no two wait for each other.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from kpikit.publish.outputs import finish_publishing

LOCK_NAME = ".kpikit.lock"
PRODUCT_LOCKS = ".kpikit.locks"
OVERVIEW_LOCK = ".kpikit.overview.lock"
STAGING_PREFIX = "kpikit-"


@contextlib.contextmanager
def output_lock(
    folder: Path, *, note: Callable[[str], None], products: Iterable[str] | None = None
) -> Iterator[None]:
    """Hold the folder for the body; wait for a run that holds it now.

    The lock's file stays, for removing it would let two runs hold two files of one name. Where
    the system or the file system has no such lock, the body goes on without.

    Args:
        folder: The output folder.
        note: Takes a sentence for the user: that the run waits, or that nothing can be locked.
        products: Keys of a shard's products, which alone it holds; the whole folder if None.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(_lock(folder / LOCK_NAME, note, is_shared=products is not None))
            for product in sorted(products or ()):
                path = folder / PRODUCT_LOCKS / product
                path.parent.mkdir(exist_ok=True)
                held.enter_context(_lock(path, note))
        except OSError as error:
            note(
                f"{folder} cannot be locked here ({error.strerror}): "
                "see that no second run writes there now."
            )
        yield


@contextlib.contextmanager
def overview_lock(folder: Path) -> Iterator[None]:
    """Hold the index and the manifest, which all shards write, while the body writes them."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # the run has already said that nothing can be locked
            held.enter_context(_lock(folder / OVERVIEW_LOCK, lambda _: None))
        for pattern in (".index.html.*", ".run*.json.*"):  # what a killed run was just writing
            for new in folder.glob(pattern):
                new.unlink(missing_ok=True)
        yield


def sweep(folder: Path, products: Iterable[str] | None = None) -> None:
    """Clear what killed runs left half made of the products that this run holds; of all if None.

    A report whose files were just being moved into place is finished; else old and new ones would
    stand side by side.
    """
    wanted = None if products is None else set(products)
    for staging in folder.glob(f"*/*/.*.{STAGING_PREFIX}*"):
        if wanted is None or staging.parent.name in wanted:
            with contextlib.suppress(OSError):  # the next run tries again
                finish_publishing(staging)


@contextlib.contextmanager
def _lock(path: Path, note: Callable[[str], None], *, is_shared: bool = False) -> Iterator[None]:
    """Hold a file, alone or with others that share it; an error is raised before the body alone."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _acquire(handle, path, note, is_shared=is_shared)
        yield
    finally:
        os.close(handle)  # which ends the lock


def _acquire(handle: int, path: Path, note: Callable[[str], None], *, is_shared: bool) -> None:
    if sys.platform == "win32":
        raise OSError(0, "Windows has no such lock")
    import fcntl  # noqa: PLC0415 - absent on Windows

    kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        is_product = path.parent.name == PRODUCT_LOCKS
        what = f"{path.name} in {path.parent.parent}" if is_product else f"in {path.parent}"
        note(f"Another run writes {what}: waiting until it ends.")
        fcntl.flock(handle, kind)
