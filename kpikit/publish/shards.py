"""Splits a run among machines by product, so that each works without knowing of the others.

Every product belongs to one shard, by a hash of its key alone: a new product moves no other. Of
all shards the one whose hash with the key is greatest takes it (Thaler and Ravishankar, "Using
name-based mappings to increase hit rates", 1998), so that another number of shards moves only what
it must.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from kpikit.errors import KpikitError

_MOST = 10_000


@dataclass(frozen=True)
class Shard:
    """One of several parts of a run.

    Attributes:
        number: Which part, from 1.
        count: How many parts there are.
    """

    number: int
    count: int

    def holds(self, product: str) -> bool:
        """Tell whether a product, by its key, belongs to this part."""
        numbers = range(1, self.count + 1)
        return max(numbers, key=lambda number: _weight(number, product)) == self.number

    @property
    def manifest_name(self) -> str:
        """Name of the file that says how this part went."""
        return f"run-{self.number}-of-{self.count}.json"

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse_shard(text: str) -> Shard:
    """Return the part that ``i/n`` names, such as ``2/8``.

    Raises:
        KpikitError: It has another form, or there is no such part.
    """
    found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text, re.ASCII)
    if found is None:
        raise KpikitError(
            f"--shard is '{text}'.\nGive part and number of parts, both from 1, such as 2/8."
        )
    number, count = int(found[1]), int(found[2])
    if not 1 <= count <= _MOST:
        raise KpikitError(f"--shard is '{text}'.\nGive 1 to {_MOST} parts, such as 2/8.")
    if not 1 <= number <= count:
        zero = " Where jobs are counted from 0, add 1: $((INDEX + 1))." if number == 0 else ""
        raise KpikitError(
            f"--shard is '{text}', and parts are counted from 1 to {count}.\n"
            f"Give one of 1/{count} to {count}/{count}.{zero}"
        )
    return Shard(number, count)


def _weight(number: int, product: str) -> bytes:
    # keys that differ in letter case alone are one product
    folded = unicodedata.normalize("NFC", product).casefold()
    return hashlib.sha256(f"{number}\0{folded}".encode()).digest()
