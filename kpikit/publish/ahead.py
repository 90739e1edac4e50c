"""Reads data that were never seen on all processors while a run is planned.

Planning goes through the products one after another, and opening new data takes a second each. So
other processes begin at the last product and fill the cache from there; planning finds what they
have left. What they cannot read they pass over: planning reads it again, and says why.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kpikit.errors import KpikitError
from kpikit.publish.limits import processors

if TYPE_CHECKING:
    from kpikit.params import LoadedProduct

_LEAST = 6  # products below which a process costs more to start than it saves


@contextlib.contextmanager
def reading_ahead(
    products: Sequence["LoadedProduct"],
    *,
    overrides: Sequence[str] = (),
    on_unseen: Callable[[], object] | None = None,
) -> Iterator[int]:
    """Fill the cache with the data of these products, from the last one on, while the block runs.

    Args:
        products: What the block reads, in its order.
        overrides: ``key=value`` texts with which they were loaded.
        on_unseen: Called first where any data is new and there are several processors.

    Yields:
        How many processes help: none on one processor, or where few products are new.
    """
    from kpikit.sources import is_remembered  # noqa: PLC0415 - the package loads slowly

    count = processors() - 1
    unseen = [product for product in products if count and not is_remembered(product)]
    if unseen and on_unseen:
        on_unseen()
    if len(unseen) < _LEAST:
        yield 0
        return
    backwards = [str(product.path) for product in reversed(unseen)]
    helpers = [_start(backwards[part::count], overrides) for part in range(count)]
    try:
        yield len(helpers)
    finally:
        for helper in helpers:
            helper.terminate()
            helper.wait()


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
