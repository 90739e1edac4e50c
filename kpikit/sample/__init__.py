"""Three seeded sample products of any size: a subscription, a shop and a mobile game.

``params/atlas.yml``, ``beacon.yml`` and ``comet.yml`` map the files that are written here. The same
size, seed and last day give the same rows and, with the same libraries, the same bytes.
"""

import datetime as dt
import hashlib
import json
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from kpikit.errors import unknown_name

__all__ = ["AS_OF", "PRODUCTS", "SEED", "make_sample_data"]

PRODUCTS = ("atlas", "beacon", "comet")
AS_OF = dt.date(2026, 10, 31)
SEED = 20261031
_STAMP = ".sample.json"


def make_sample_data(
    folder: Path | str,
    *,
    product: str = "atlas",
    users: int | None = None,
    seed: int = SEED,
    as_of: dt.date = AS_OF,
) -> bool:
    """Write the files of a sample product into ``folder/<product>``.

    Files that this very code made with the same arguments are left alone.

    Args:
        folder: Where the product's own folder is, or is made.
        product: ``atlas``, ``beacon`` or ``comet``.
        users: Number of users; as many as suit the product if None.
        seed: Of the random numbers.
        as_of: Last day of data.

    Returns:
        Whether anything was written.

    Raises:
        UnknownNameError: There is no such sample product.
        PeriodError: ``as_of`` lies before, or too soon after, the product's first day.
    """
    if product not in PRODUCTS:
        raise unknown_name("sample product", product, "make_sample_data", PRODUCTS)
    target = Path(folder) / product
    made = {"code": _code_hash(), "users": users, "seed": seed, "as_of": as_of.isoformat()}
    before = _read_stamp(target)
    files = [target / name for name in before.get("files", ())]
    if before.get("made") == made and all(file.is_file() for file in files):
        return False

    module = import_module(f"kpikit.sample.{product}")  # loads pandas, so only where needed
    make = getattr(module, f"make_{product}_data")
    tables = make(users=users or module.USERS, seed=seed, as_of=as_of)
    target.mkdir(parents=True, exist_ok=True)
    for file in (target / _STAMP, *files):  # no glob finds what another size has left
        file.unlink(missing_ok=True)
    names = import_module("kpikit.sample.files").write_tables(tables, module.FILES, target)
    stamp = json.dumps({"made": made, "files": names}, indent=1)
    (target / _STAMP).write_text(stamp + "\n", encoding="utf-8")
    return True


def _read_stamp(target: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((target / _STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


@cache
def _code_hash() -> str:
    """Return the hash of this package's source: other code, other data."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
