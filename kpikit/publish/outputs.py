"""Writing files so that whatever stood there before is whole until the new set stands there whole.

All files of a report are first written and flushed to disk in a staging folder beside their
places, where a full disk does no harm. Then each is renamed, which is atomic; should a rename fail
half way, those already made are taken back.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from kpikit.errors import KpikitError


def check_writable(folder: Path) -> None:
    """Make ``folder`` and raise unless files can be written in it.

    Raises:
        KpikitError: The folder cannot be made, or nothing can be written in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"kpikit")
            probe.flush()
    except OSError as error:
        raise KpikitError(
            f"Nothing can be written in the output folder {folder}: {error.strerror}.\n"
            "Make room or change its rights, or name another with --output-dir."
        ) from error


def stage_files(staging: Path, files: Mapping[str, str | bytes]) -> None:
    """Write the files into the new folder ``staging`` and flush them to disk.

    Raises:
        OSError: A file could not be written; the folder is gone again.
    """
    staging.mkdir(parents=True)
    try:
        for name, content in files.items():
            write_through(staging / name, content)
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def publish_files(
    staging: Path, folder: Path, names: Iterable[str], *, obsolete: Iterable[str] = ()
) -> None:
    """Move staged files into ``folder``, in order, and remove the obsolete ones: all or nothing.

    Args:
        staging: Folder of the new files, on the file system of ``folder``; removed at the end.
        folder: Where they go.
        names: Their names, in the order in which they appear.
        obsolete: Names of files that the new set makes untrue.

    Raises:
        OSError: A file could not be moved; ``folder`` is as it was before.
    """
    moved = list(names)
    gone = [name for name in obsolete if (folder / name).exists()]
    try:
        with _restored_on_failure(staging / "before", folder, [*moved, *gone]):
            for name in moved:
                (staging / name).replace(folder / name)
            for name in gone:
                (folder / name).unlink()
            _flush_folder(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file that is at every moment either the old one or the new one, whole.

    Raises:
        OSError: It could not be written; the old one stands.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_through(new, content)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def write_through(path: Path, content: str | bytes) -> None:
    """Write a file and flush it to disk.

    Raises:
        OSError: It could not be written whole.
    """
    data = content.encode() if isinstance(content, str) else content
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _restored_on_failure(keep: Path, folder: Path, names: list[str]) -> Iterator[None]:
    """Keep what stands under the names, and put it back if the body fails."""
    keep.mkdir()
    before = [name for name in names if (folder / name).exists()]
    for name in before:
        _link_or_copy(folder / name, keep / name)
    try:
        yield
    except BaseException:
        for name in names:
            with contextlib.suppress(OSError):  # put back as many as can be
                if name in before:
                    (keep / name).replace(folder / name)
                else:
                    (folder / name).unlink(missing_ok=True)
        raise


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # file systems without hard links
        shutil.copy2(source, target)


def _flush_folder(folder: Path) -> None:
    """Flush the folder's entries to disk, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
