"""A product's own metrics: in its YAML file, in a Python file beside it, or in a plug-in.

In YAML a metric is one aggregate over a table, or one over another (``define``). In Python it is a
``Metric`` in a list called ``METRICS`` in ``params/<key>_metrics.py``; nothing but ``Metric`` needs
to be imported, since expressions are functions of the table::

    from kpikit.catalogue import Metric
    METRICS = [Metric(name="big_orders", label="Big orders", unit="share", table="orders",
                      question="How many orders are worth 100 or more?",
                      numerator=lambda t: t.order_id.nunique(where=t.revenue >= 100),
                      denominator=lambda t: t.order_id.nunique(where=t.kind == "sale"))]

An installed package offers such a list under the entry point group ``kpikit.metrics``.
"""

import hashlib
import traceback
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from kpikit.catalogue.built_in import CATALOGUE
from kpikit.catalogue.define import defined_metric
from kpikit.catalogue.metric import Metric
from kpikit.errors import KpikitError, ParamsError
from kpikit.params import LoadedProduct
from kpikit.params.nodes import compose, find_value, read_text

ENTRY_POINT_GROUP = "kpikit.metrics"


def metrics_of(loaded: LoadedProduct) -> Mapping[str, Metric]:
    """Return every metric that a product may use, by name: built-in ones first, then its own.

    ``owners`` of the product's file win over the metric's own owner, and the product's owner
    stands in where neither names one.

    Raises:
        ParamsError: Two metrics share a name, or a Python file or plug-in is broken; the message
            names the file.
    """
    found = dict(CATALOGUE)
    defined = [defined_metric(item, origin=loaded.path.name) for item in loaded.params.define]
    _add(found, defined)
    _add(found, _outside_metrics(loaded.path, loaded.key))
    owners, fallback = loaded.params.owners, loaded.params.product.owner
    return {
        name: replace(metric, owner=owners.get(name) or metric.owner or fallback)
        for name, metric in found.items()
    }


def metric_names_at(path: Path) -> frozenset[str]:
    """Return the names of metrics that the product file at ``path`` may use, its ``define`` aside.

    Opens neither data nor an engine. Of the file only the product's key is read; where it cannot
    be, ``load_product`` says why, and here the file's own name stands for it.

    Raises:
        ParamsError: A Python file beside it or a plug-in is broken, or repeats a name.
    """
    found = dict(CATALOGUE)
    # the key says which file is the product's; where there is none, reading it would be for nothing
    key = _key_at(path) if any(path.parent.glob("*_metrics.py")) else path.stem
    _add(found, _outside_metrics(path, key))
    return frozenset(found)


def definitions_hash(path: Path, key: str) -> str:
    """Return a hash of the Python that defines a product's own metrics, for the cache key.

    Args:
        path: The product's file.
        key: Its key.

    Returns:
        SHA-256 in hex over the file beside it and the versions of the installed plug-ins; that of
        nothing where there are none.
    """
    digest = hashlib.sha256()
    file = metrics_file(path, key)
    if file.is_file():
        digest.update(file.read_bytes())
    for plugin in plugins():
        version = plugin.dist.version if plugin.dist else ""
        digest.update(f"{plugin.name}={plugin.value}@{version}\n".encode())
    return digest.hexdigest()


def metrics_file(path: Path, key: str) -> Path:
    """Return where the Python file of a product's metrics stands, if it has one."""
    return path.parent / f"{key}_metrics.py"


def _key_at(path: Path) -> str:
    try:
        node = find_value(compose(read_text(path, path.name), path.name), "product", "key")
    except ParamsError:
        return path.stem
    return str(node.value) if node is not None and isinstance(node.value, str) else path.stem


def _outside_metrics(path: Path, key: str) -> list[Metric]:
    file = metrics_file(path, key)
    found = _metrics_in_file(file) if file.is_file() else []
    for plugin in plugins():
        found += _metrics_of_plugin(plugin)
    return found


def _add(found: dict[str, Metric], metrics: Iterable[Metric]) -> None:
    """Add metrics to those found, in place.

    Raises:
        ParamsError: A name is taken.
    """
    for metric in metrics:
        taken = found.get(metric.name)
        if taken is not None:
            raise ParamsError(
                f"Metric '{metric.name}' in {metric.origin} is already defined by {taken.origin}.\n"
                "Give it another name."
            )
        found[metric.name] = metric


def _metrics_in_file(file: Path) -> list[Metric]:
    shown = f"{file.parent.name}/{file.name}"
    module = ModuleType(file.stem)
    module.__file__ = str(file)
    try:
        # compiled here, not imported: an import would write its cache beside the user's files
        code = compile(file.read_bytes(), str(file), "exec")
        exec(code, module.__dict__)  # noqa: S102 - running the user's own definitions is the point
    except Exception as error:  # a user's file may raise anything
        raise ParamsError(_broken(shown, error, str(file))) from error
    return _checked(getattr(module, "METRICS", None), shown)


def _metrics_of_plugin(plugin: EntryPoint) -> list[Metric]:
    package = plugin.dist.name if plugin.dist else plugin.module
    shown = f"the plug-in '{plugin.name}' of {package}"
    try:
        given = plugin.load()
        given = given() if callable(given) else given
    except Exception as error:  # and so may a plug-in
        raise ParamsError(_broken(shown, error, "")) from error
    return _checked(given, shown)


def _checked(given: Any, shown: str) -> list[Metric]:
    """Return what a file or plug-in offers, each metric bearing where it is defined.

    Raises:
        ParamsError: It is no collection of metrics.
    """
    if not isinstance(given, Collection) or isinstance(given, str | bytes | Mapping):
        what = "no METRICS" if given is None else f"METRICS of type {type(given).__name__}"
        raise ParamsError(f"{shown} has {what}.\nGive it a list of kpikit.catalogue.Metric.")
    for item in given:
        if not isinstance(item, Metric):
            raise ParamsError(
                f"METRICS of {shown} holds {item!r}, which is no metric.\n"
                "List values of kpikit.catalogue.Metric alone."
            )
        if item.numerator is None:
            raise ParamsError(
                f"Metric '{item.name}' of {shown} has no numerator.\n"
                "Give a function of its table, such as lambda t: t.count()."
            )
    return [
        replace(
            item,
            origin=shown,
            formula=item.formula or f"As computed in {shown}.",
            source=item.source or "the product",
        )
        for item in given
    ]


def _broken(shown: str, error: Exception, file: str) -> str:
    """Word what a user's Python raised, with the last line of it that was reached."""
    if isinstance(error, KpikitError):
        return f"{shown}: {error}"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if file and frame.filename == file
    ]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    where = f"{shown}:{line}" if line else shown
    reason = f"{type(error).__name__}: {getattr(error, 'msg', None) or error}"
    return f"{where} cannot be run: {reason}.\nCorrect it, or take it away."


@lru_cache(maxsize=1)
def plugins() -> tuple[EntryPoint, ...]:
    """Return the installed packages' metrics by name; they are looked for once, which is slow."""
    return tuple(sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda item: item.name))
