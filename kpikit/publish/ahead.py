"""Reads data that were never seen on all processors while a run is planned.

Planning goes through the products one after another, and opening new data takes a second each. So
other processes begin at the last product and fill the cache from there; planning finds what they
have left. What they cannot read they pass over: planning reads it again, and says why.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kpikit.errors import KpikitError, SourceError
from kpikit.publish.limits import processors

if TYPE_CHECKING:
    from kpikit.params import LoadedProduct
    from kpikit.sources import Coverage

_LEAST = 6  # products below which a process costs more to start than it saves


@contextlib.contextmanager
def reading_ahead(
    products: Sequence["LoadedProduct"],
    *,
    overrides: Sequence[str] = (),
    on_unseen: Callable[[], object] | None = None,
) -> Iterator[Mapping[str, "Coverage"]]:
    """Fill the cache with the data of these products, from the last one on, while the block runs.

    Args:
        products: What the block reads, in its order.
        overrides: ``key=value`` texts with which they were loaded.
        on_unseen: Called first where any data is new and there are several processors.

    Yields:
        What the products' files cover, by product, where they were opened before.
    """
    count = processors() - 1
    known, unseen = _recalled(products)
    if count and unseen and on_unseen:
        on_unseen()
    if len(unseen) < _LEAST:
        count = 0
    backwards = [str(product.path) for product in reversed(unseen)]
    helpers = [_start(backwards[part::count], overrides) for part in range(count)]
    try:
        yield known
    finally:
        for helper in helpers:
            helper.terminate()
            helper.wait()


def _recalled(
    products: Sequence["LoadedProduct"],
) -> tuple[dict[str, "Coverage"], list["LoadedProduct"]]:
    """Return what files cover that were opened before, and the products whose files were not.

    Databases are left out, for asking them is slow; so are files that cannot be read, for whoever
    reads them next says why.
    """
    from kpikit.sources import recall_coverage  # noqa: PLC0415 - the package loads slowly

    known, unseen = {}, []
    for product in products:
        if any(table.files is None for table in product.params.source.tables.values()):
            continue
        with contextlib.suppress(SourceError):
            coverage = recall_coverage(product)
            if coverage is None:
                unseen.append(product)
            else:
                known[product.key] = coverage
    return known, unseen


def read_all(paths: Sequence[str], overrides: Sequence[str]) -> None:
    """Open the data of product files, so that the cache holds them; pass over what fails."""
    from kpikit.catalogue import metric_names_at  # noqa: PLC0415 - Ibis loads slowly
    from kpikit.params import load_product  # noqa: PLC0415 - pydantic loads slowly
    from kpikit.sources import read_coverage  # noqa: PLC0415 - Ibis loads slowly

    for path in paths:
        with contextlib.suppress(KpikitError):
            loaded = load_product(
                Path(path), known_metrics=metric_names_at, overrides=tuple(overrides)
            )
            read_coverage(loaded)


def _start(paths: Sequence[str], overrides: Sequence[str]) -> "subprocess.Popen[bytes]":
    # -P: a module in the current folder shadows nothing
    command = [sys.executable, "-P", "-m", "kpikit.publish.ahead"]
    return subprocess.Popen(  # noqa: S603 - this interpreter, and paths of product files
        [*command, json.dumps([list(paths), list(overrides)])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # planning says what is wrong
    )


if __name__ == "__main__":
    read_all(*json.loads(sys.argv[1]))
