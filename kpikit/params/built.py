"""Builds all validators of product files, which are else built at their first use.

For processes that live long or are forked: importing this takes 40 ms, as much as each of them
would spend on its first file.
"""

from collections.abc import Iterator

from kpikit.params import model  # noqa: F401 - its classes are the validators
from kpikit.params.base import Model


def _below(kind: type[Model]) -> Iterator[type[Model]]:
    for part in kind.__subclasses__():
        yield part
        yield from _below(part)


for _part in _below(Model):
    _part.model_rebuild()
