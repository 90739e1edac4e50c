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
from kpikit.periods import Calendar, Period
from kpikit.present.components import REVIEW

LEDGER = "ledger"  # folder of what was published, in the output folder

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
        ledger: What earlier reviews published, which the page holds its numbers against.
    """

    template: str
    parameters: str
    data: str
    source: str
    lock: str
    ledger: str = ""

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


def earlier_hash(ledger: Path, product: str, period: Period, *, calendar: Calendar) -> str:
    """Return the digest of what a product's earlier reviews published; empty where nothing.

    It covers what the page reads of the ledger, ``kpikit.ledger.Ledger.before``.

    Args:
        ledger: The ledger's folder.
        product: Key of the product.
        period: The period of the review that asks.
        calendar: The product's calendar, by which labels are read.
    """
    digest, found = hashlib.sha256(), False
    for folder in sorted((ledger / product).glob(f"*/{REVIEW}")):
        if calendar.parse(folder.parent.name).end <= period.start:
            for part in sorted(folder.glob("*.json"))[-1:]:  # the last to be published
                digest.update(part.read_bytes())
                found = True
    return digest.hexdigest() if found else ""


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
