"""Lets one run at a time write in an output folder; the system ends the lock with its process.

A killed run therefore blocks nobody. What it left half made is swept away by the next one.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from kpikit.publish.outputs import finish_publishing

LOCK_NAME = ".kpikit.lock"
STAGING_PREFIX = "kpikit-"


@contextlib.contextmanager
def output_lock(folder: Path, *, note: Callable[[str], None]) -> Iterator[None]:
    """Hold the folder for the body; wait for a run that holds it now.

    The lock's file stays, for removing it would let two runs hold two files of one name. Where
    the system or the file system has no such lock, the body goes on without.

    Args:
        folder: The output folder.
        note: Takes a sentence for the user: that the run waits, or that nothing can be locked.
    """
    with contextlib.ExitStack() as open_file:
        try:
            handle = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o666)
            open_file.callback(os.close, handle)  # which ends the lock
            _acquire(handle, folder, note)
        except OSError as error:
            note(
                f"{folder} cannot be locked here ({error.strerror}): "
                "see that no second run writes there now."
            )
        yield


def sweep(folder: Path) -> None:
    """Clear what killed runs left half made in a folder that is held by this run.

    A report whose files were just being moved into place is finished; else old and new ones would
    stand side by side.
    """
    for staging in folder.glob(f"*/*/.*.{STAGING_PREFIX}*"):
        with contextlib.suppress(OSError):  # the next run tries again
            finish_publishing(staging)
    for name in ("index.html", "run.json"):
        for new in folder.glob(f".{name}.*"):
            new.unlink(missing_ok=True)


def _acquire(handle: int, folder: Path, note: Callable[[str], None]) -> None:
    if sys.platform == "win32":
        raise OSError(0, "Windows has no such lock")
    import fcntl  # noqa: PLC0415 - absent on Windows

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        note(f"Another run writes in {folder}: waiting until it ends.")
        fcntl.flock(handle, fcntl.LOCK_EX)
