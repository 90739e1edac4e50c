"""Finds the files of a table and says what each of them is."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kpikit.errors import SourceError, hint_names
from kpikit.sources.where import Where

Kind = Literal["text", "excel", "json", "parquet"]

_KINDS: dict[str, Kind] = {
    ".csv": "text", ".tsv": "text", ".txt": "text", ".tab": "text",
    ".xlsx": "excel", ".xlsm": "excel", ".xlsb": "excel", ".xls": "excel", ".ods": "excel",
    ".jsonl": "json", ".ndjson": "json", ".json": "json",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_COMPRESSIONS = (".gz", ".zst", ".xz", ".bz2")


@dataclass(frozen=True)
class SourceFile:
    """A file of a table.

    Attributes:
        path: Where it lies.
        name: How it is named to people: its name, with as many folders as tell it apart.
        kind: What it holds once it is decompressed.
        compression: Last suffix, such as ``.gz``; ``""`` if it is none of a compression.
    """

    path: Path
    name: str
    kind: Kind
    compression: str


def find_files(patterns: str | Sequence[str], folder: Path, where: Where) -> tuple[SourceFile, ...]:
    """Return the files that match the globs, sorted by path, each once.

    Args:
        patterns: One or more globs, relative to ``folder``.
        folder: The folder of the product's file.
        where: The key in the product's file, for messages.

    Raises:
        SourceError: A glob matches nothing or only folders, a file is empty or of an unknown kind,
            or Parquet and other files are mixed.
    """
    found: dict[Path, None] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        found.update(dict.fromkeys(_matches(pattern, folder, where)))
    paths = sorted(found)
    files = tuple(
        SourceFile(path, name, *_kind(path, where))
        for path, name in zip(paths, _short_names(paths), strict=True)
    )
    if len({file.kind == "parquet" for file in files}) > 1:
        raise SourceError(
            f"{where} mixes Parquet files with others, which do not have the same column types.\n"
            "Name files of one kind."
        )
    return files


def _matches(pattern: str, folder: Path, where: Where) -> list[Path]:
    full = os.path.normpath(folder / Path(pattern).expanduser())
    # Path.glob takes neither '..' nor an absolute pattern
    paths = [Path(match) for match in glob.glob(full, recursive=True)]  # noqa: PTH207 - as said
    files = [path for path in paths if path.is_file()]
    if files:
        for path in files:
            if path.stat().st_size == 0:
                raise SourceError(
                    f"{where}: {path.name} is empty (0 bytes).\n"
                    "Deliver it again, or leave it out of the glob."
                )
        return files
    if paths:
        raise SourceError(
            f"{where}: '{pattern}' is a folder.\nName the files in it, such as {pattern}/*.csv."
        )
    raise SourceError(
        f"{where}: no file matches '{pattern}' in {folder}.\n{_beside(Path(full), pattern)}"
    )


def _beside(full: Path, pattern: str) -> str:
    """Say what lies where a glob was looking, as far as it exists."""
    parent = full.parent
    if not parent.is_dir():
        return (
            f"The folder of '{pattern}' does not exist: a glob is relative to the product's file."
        )
    names = [path.name for path in parent.iterdir() if not path.name.startswith(".")]
    return hint_names(full.name, names, label="Files there")


def _kind(path: Path, where: Where) -> tuple[Kind, str]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in _COMPRESSIONS else ""
    kind = _KINDS.get(suffixes[-1]) if suffixes else None
    if kind is None or (compression and kind in ("excel", "parquet")):
        known = ", ".join(sorted(_KINDS))
        raise SourceError(
            f"{where}: {path.name} is of a kind that cannot be read.\n"
            f"Give one of: {known}; text and JSON also as {', '.join(_COMPRESSIONS)}."
        )
    return kind, compression


def _short_names(paths: Sequence[Path]) -> list[str]:
    """Return file names, or paths below the folder common to all where two names are alike."""
    names = [path.name for path in paths]
    if len(set(names)) == len(names):
        return names
    common = Path(os.path.commonpath(paths))
    return [path.relative_to(common).as_posix() for path in paths]
