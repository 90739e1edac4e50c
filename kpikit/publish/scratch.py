"""A run's private folder, for its kernels and their sockets.

It is removed at the end of the run. Its lock lies beside it: made before the folder, removed after
it, and held as long as the run lives. So a folder whose lock is free, or that has none, is what a
killed run has left, perhaps through a process that was the last to end; the next run removes it,
also one that finds all reports unchanged.
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

_LOCKED = f"{STAGING_PREFIX}run-"  # folders of this name have locks; others are nobody's to remove
_SUFFIX = ".lock"
_REMOVALS, _PAUSE_SECONDS = 40, 0.05
_LONGEST_TEMP_DIR = 56  # what is left of a socket's path for the run's own folders


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make the run's private folder, and remove it at the end, and those of runs that were killed.

    Raises:
        KpikitError: There is no room for temporary files, or no right to write them.
    """
    remove_leftovers()
    with contextlib.ExitStack() as until_the_end:
        try:
            parent = _temporary_folder()
            folder = _locked_folder(parent, until_the_end)
            if folder is None:
                folder = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=parent))
        except OSError as error:
            raise KpikitError(
                f"No temporary folder can be made: {error}.\n"
                "Make room, or name a folder with room: export TMPDIR=/a/folder"
            ) from error
        until_the_end.callback(_remove, folder)
        yield folder.resolve()


def remove_leftovers() -> None:
    """Remove what runs have left that live no more; what other users have left stays."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        for folder in {path.with_suffix("") for path in _temporary_folder().glob(f"{_LOCKED}*")}:
            with contextlib.suppress(OSError):
                _remove_if_dead(folder)


def discard(folder: Path) -> None:
    """Remove the folder of a run that has been killed, from a process that outlives it briefly.

    What it leaves, or another such process makes anew, is the next run's to remove.
    """
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.with_suffix(_SUFFIX).unlink(missing_ok=True)


def _locked_folder(parent: Path, until_the_end: contextlib.ExitStack) -> Path | None:
    """Return a new folder whose lock is held; None where nothing can be locked."""
    while sys.platform != "win32":
        handle, name = tempfile.mkstemp(prefix=_LOCKED, suffix=_SUFFIX, dir=parent)
        lock = Path(name)
        until_the_end.callback(os.close, handle)
        until_the_end.callback(lock.unlink, missing_ok=True)
        if not _lock(handle, wait=True):
            break
        if os.fstat(handle).st_nlink:  # else a sweep was faster, and took it for a dead run's
            folder = lock.with_suffix("")
            folder.mkdir(mode=0o700)
            return folder
    return None


def _remove_if_dead(folder: Path) -> None:
    """Remove a folder whose lock is free, and the lock, or that has none."""
    lock = folder.with_suffix(_SUFFIX)
    try:
        handle = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        if folder.stat().st_uid == os.getuid():
            _remove(folder)
        return
    try:
        if _lock(handle, wait=False):
            _remove(folder)
            lock.unlink(missing_ok=True)
    finally:
        os.close(handle)


def _remove(folder: Path) -> None:
    """Remove a run's folder, into which processes may write until they have ended too."""
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE_SECONDS)


def _lock(handle: int, *, wait: bool) -> bool:
    """Take a file's lock, which ends with its holder; tell whether that could be done."""
    import fcntl  # noqa: PLC0415 - absent on Windows

    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return True
    return False


def _temporary_folder() -> Path:
    """Return the system's folder; /tmp where that one's path leaves no room for a socket's name."""
    usual = tempfile.gettempdir()
    is_long = len(os.fsencode(usual)) > _LONGEST_TEMP_DIR
    return Path("/tmp" if is_long and os.access("/tmp", os.W_OK) else usual)  # noqa: S108 - by mkdtemp
