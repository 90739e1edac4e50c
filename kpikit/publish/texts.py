"""What is done to each text of a report's values, wherever it stands in them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

_HOLDERS = (dict, list, tuple)
_NONE: Mapping[str, Callable[[Any], Any]] = MappingProxyType({})


def changed_texts(
    value: Any, change: Callable[[str], str], others: Mapping[str, Callable[[Any], Any]] = _NONE
) -> Any:
    """Return JSON values with each text changed, and what stands under other names in their way."""
    if isinstance(value, dict):
        return {
            name: others[name](item) if name in others
            else change(item) if isinstance(item, str)
            else changed_texts(item, change, others) if isinstance(item, _HOLDERS)
            else item
            for name, item in value.items()
        }  # fmt: skip
    if isinstance(value, list | tuple):
        return [changed_texts(item, change, others) for item in value]
    return change(value) if isinstance(value, str) else value
