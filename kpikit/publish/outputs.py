"""Writing files so that whatever stood there before is whole until the new set stands there whole.

All files of a report are first written and flushed to disk in a staging folder beside their
places, where a full disk does no harm. Then a note of what is to be moved is left there, and each
is renamed, which is atomic. Should a rename fail half way, those already made are taken back;
should the process die half way, the next run finds the note and makes the rest.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from kpikit.errors import KpikitError

_NOTE = ".moving.json"  # in a staging folder: all is ready, and is being moved


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
    note = staging / _NOTE
    try:
        before = _keep(folder, staging / "before", [*moved, *gone])
        write_atomically(note, json.dumps({"moved": moved, "gone": gone}))
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    try:
        _move(staging, folder, moved, gone)
    except BaseException:
        note.unlink()  # where even this fails, the next run makes the rest of the moves
        _put_back(staging / "before", folder, [*moved, *gone], before)
        shutil.rmtree(staging, ignore_errors=True)
        raise
    with contextlib.suppress(OSError):
        note.unlink()  # first, for nothing is left to be moved
    shutil.rmtree(staging, ignore_errors=True)


def finish_publishing(staging: Path) -> None:
    """Make the moves that a process which died had begun, if it had; remove the folder.

    Raises:
        OSError: A file could not be moved; it may be tried again.
    """
    with contextlib.suppress(FileNotFoundError):
        note = json.loads((staging / _NOTE).read_text(encoding="utf-8"))
        left = [name for name in note["moved"] if (staging / name).exists()]
        _move(staging, staging.parent, left, note["gone"])
        (staging / _NOTE).unlink()
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


def _move(staging: Path, folder: Path, moved: Iterable[str], gone: Iterable[str]) -> None:
    for name in moved:
        (staging / name).replace(folder / name)
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    _flush_folder(folder)


def _keep(folder: Path, keep: Path, names: Iterable[str]) -> set[str]:
    """Keep what stands under the names in the new folder ``keep``; return those that exist."""
    keep.mkdir()
    before = {name for name in names if (folder / name).exists()}
    for name in before:
        _link_or_copy(folder / name, keep / name)
    return before


def _put_back(keep: Path, folder: Path, names: Iterable[str], before: Collection[str]) -> None:
    for name in names:
        with contextlib.suppress(OSError):  # put back as many as can be
            if name in before:
                (keep / name).replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)


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
