"""What is done to each text of a report's values, wherever it stands in them."""

from collections.abc import Callable, Collection
from typing import Any

_HOLDERS = (dict, list, tuple)


def changed_texts(value: Any, change: Callable[[str], str], kept: Collection[str] = ()) -> Any:
    """Return JSON values with each text changed, but those under the names ``kept``."""
    if isinstance(value, dict):
        return {
            name: item if name in kept
            else change(item) if isinstance(item, str)
            else changed_texts(item, change, kept) if isinstance(item, _HOLDERS)
            else item
            for name, item in value.items()
        }  # fmt: skip
    if isinstance(value, list | tuple):
        return [changed_texts(item, change, kept) for item in value]
    return change(value) if isinstance(value, str) else value
