"""A run's private folder, for its kernels and their sockets.

It is removed at the end of the run. A run holds a lock in it as long as it lives, so that the next
one can tell a folder that a killed run has left, and removes it.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from kpikit.errors import KpikitError
from kpikit.publish.lock import STAGING_PREFIX

_LOCK_NAME = ".lock"
_REMOVALS, _PAUSE_SECONDS = 40, 0.05
_LONGEST_TEMP_DIR = 60  # what is left of a socket's path for the run's own folders


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make the run's private folder, and remove it at the end, and those of runs that were killed.

    Raises:
        KpikitError: There is no room for temporary files, or no right to write them.
    """
    parent = _temporary_folder()
    _sweep(Path(parent))
    try:
        folder = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=parent)).resolve()
    except OSError as error:
        raise KpikitError(
            f"No temporary folder can be made: {error}.\n"
            "Make room, or name a folder with room: export TMPDIR=/a/folder"
        ) from error
    with contextlib.ExitStack() as until_the_end:
        until_the_end.callback(_remove, folder)
        with contextlib.suppress(OSError):  # without a lock, nobody takes it for a dead run's
            new = folder / f"{_LOCK_NAME}.new"
            handle = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)
            until_the_end.callback(os.close, handle)
            if _is_free(handle):
                new.rename(folder / _LOCK_NAME)  # only now can others see it
        yield folder


def _sweep(parent: Path) -> None:
    """Remove the folders of runs that live no more; those of other users stay."""
    for lock in parent.glob(f"{STAGING_PREFIX}*/{_LOCK_NAME}"):
        with contextlib.suppress(OSError):
            handle = os.open(lock, os.O_RDWR)
            try:
                if _is_free(handle):
                    _remove(lock.parent)
            finally:
                os.close(handle)


def _remove(folder: Path) -> None:
    """Remove a run's folder, into which processes may write until they have ended too."""
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE_SECONDS)


def _is_free(handle: int) -> bool:
    """Take a file's lock, which ends with its holder; tell whether that could be done."""
    if sys.platform == "win32":
        return False
    import fcntl  # noqa: PLC0415 - absent on Windows

    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _temporary_folder() -> str:
    """Return the system's folder; /tmp where that one's path leaves no room for a socket's name."""
    usual = tempfile.gettempdir()
    is_long = len(os.fsencode(usual)) > _LONGEST_TEMP_DIR
    return "/tmp" if is_long and os.access("/tmp", os.W_OK) else usual  # noqa: S108 - by mkdtemp
