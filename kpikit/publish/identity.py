"""What a report is made of: its cache key, and the run id printed on its pages.

Equal identities give equal reports. The parts are kept apart, so that a later run can say which of
them made a report stale.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import kpikit

_PACKAGE = Path(kpikit.__file__).parent
_LOCK = _PACKAGE.parent / "requirements.lock"


@dataclass(frozen=True)
class Identity:
    """SHA-256 digests (hex) of all that decides a report's content.

    Attributes:
        template: The template notebook's text.
        parameters: The product's resolved parameters, the period and the overrides.
        data: The content of the product's data.
        source: kpikit's own code and page templates.
        lock: The versions of everything that kpikit stands on.
    """

    template: str
    parameters: str
    data: str
    source: str
    lock: str

    @property
    def key(self) -> str:
        """The cache key: one digest of all parts."""
        return hash_values(dataclasses.asdict(self))

    @property
    def run_id(self) -> str:
        """The first 12 hex digits of the key."""
        return self.key[:12]


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def hash_values(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON values, whatever the order of their keys."""
    return hash_text(json.dumps(values, sort_keys=True))


@lru_cache(maxsize=1)
def source_hash() -> str:
    """Return the digest of every file of the package, compiled ones aside."""
    return hash_folder(_PACKAGE)


def hash_folder(folder: Path) -> str:
    """Return the digest of the files below ``folder`` and their relative names."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()}={content}\n".encode())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def lock_hash() -> str:
    """Return the digest of the lock file; without one, of the installed versions."""
    if _LOCK.is_file():
        return hash_text(_LOCK.read_text(encoding="utf-8"))
    return hash_values({found.name: found.version for found in distributions()})
