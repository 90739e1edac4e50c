"""The text of one value, read as the type that the schema declares."""

import datetime as dt
import math
import re
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

from kpikit.errors import hint_names

SCALAR_KINDS: dict[Any, str] = {
    str: "text",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    dt.date: "a day such as 2026-09-30",
}
_WHOLE = re.compile(r"[+-]?[0-9][0-9_]*")
_NUMBER = re.compile(r"[+-]?(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class UnreadableError(ValueError):
    """A text is not of the declared type; says what is wrong and what to do."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo


def read_scalar(text: str, kind: Any) -> Any:
    """Return ``text`` as a value of ``kind``, whether or not it was quoted.

    Text stays as written: ``00123``, ``1E5`` and ``no`` are texts where the schema wants text.

    Args:
        text: As it stands in the file.
        kind: ``str``, ``float``, ``int``, ``bool``, ``date`` or a ``Literal``.

    Raises:
        UnreadableError: The text is no such value.
    """
    if get_origin(kind) is Literal:
        return _read_choice(text, get_args(kind))
    return _READERS[kind](text)


def guess_scalar(text: str, *, quoted: bool) -> Any:
    """Return ``text`` as the value that it looks like, where the schema takes any.

    Only what would be printed just as it was written is a number: ``00123``, ``1E5`` and ``1.10``
    may be ids or versions and stay text. ``no`` is text, for it is Norway too.
    """
    if quoted:
        return text
    if text in ("true", "false"):
        return text == "true"
    if _DAY.fullmatch(text):
        return _read_day(text)
    for kind in (int, float):
        if _NUMBER.fullmatch(text) and _prints_as(text, kind):
            return kind(text)
    return text


def _prints_as(text: str, kind: type[int] | type[float]) -> bool:
    try:
        return repr(kind(text)) == text
    except ValueError:
        return False


def _read_choice(text: str, choices: tuple[Any, ...]) -> Any:
    if choices == (True,):
        if text.lower() == "true":
            return True
        raise UnreadableError(
            f"can only be true, and is '{text}'", "Write true, or delete the key."
        )
    if text not in choices:
        raise UnreadableError(f"unknown value '{text}'", hint_names(text, choices))
    return text


def _read_number(text: str) -> float:
    number = float(text.replace("_", "")) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise UnreadableError(
            f"'{text}' is no number",
            "Write digits and a decimal point alone, such as 2600000; a share is 0 to 1.",
        )
    return number


def _read_whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise UnreadableError(f"'{text}' is no whole number", "Write digits alone, such as 12.")
    return int(text.replace("_", ""))


def _read_flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise UnreadableError(f"'{text}' is neither true nor false", "Write true or false.")
    return text.lower() == "true"


def _read_day(text: str) -> dt.date:
    try:
        if _DAY.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UnreadableError(f"'{text}' is no day: {error}", "Correct the day.") from None
    raise UnreadableError(
        f"'{text}' is no day", "Write year, month and day, such as 2026-09-30, without a time."
    )


_READERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    float: _read_number,
    int: _read_whole,
    bool: _read_flag,
    dt.date: _read_day,
}
