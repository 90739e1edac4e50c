"""Records what sections hand to ``kpikit.present``, and reads the numbers that sentences bear."""

import dataclasses
import datetime as dt
import functools
import inspect
import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from kpikit.periods import Period
from kpikit.present.components import Code, Component

_MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
# What looks like a number and names a period, a day, an age or a part of a distribution.
_NAMES = re.compile(
    rf"\d{{4}}-\d{{2}}(-\d{{2}})?|\d{{4}}Q\d|\d{{4}}-W\d+|\b[DWMQY]\d+\b|\bP\d\d\b"
    rf"|(\b\d{{1,2}} )?\b({_MONTH})( \d{{4}})?\b|\bfiscal \d{{4}}( Q\d)?|\bversion \d+"
)
_UNITS = "%|pt|k|M|bn|days?|h|min|s|d"
# Both ends of an interval share a unit that is written once: 7.9 to 12.9 %.
_NUMBER = re.compile(
    rf"(?<![\w.])(\d(?:[\d,]*\d)?(?:\.\d+)?)"
    rf"(?: ?({_UNITS})(?!\w)|(?= to [−-]?[\d,.]+ ?({_UNITS})(?!\w)))?"
)
_SCALES = {
    "%": (100.0,), "pt": (100.0,), "k": (1e-3,), "M": (1e-6,), "bn": (1e-9,), "": (1.0,),
    "day": (1.0, 1 / 86_400), "days": (1.0, 1 / 86_400), "d": (1.0, 1 / 86_400),
    "h": (1 / 3_600,), "min": (1 / 60,), "s": (1.0,),
}  # fmt: skip


_WATCHED = ("kpikit.present", "kpikit.analysis")


@dataclass
class Call:
    """One call of a function of present or analysis: its arguments, and what it returned."""

    room: str
    name: str
    arguments: tuple[Any, ...]
    result: Any


@dataclass
class Recorder:
    """Stands between the sections and ``kpikit.present`` while it is installed."""

    calls: list[Call] = field(default_factory=list)

    def install(self, patch) -> None:
        """Wrap the functions of present and analysis that modules of ``kpikit.sections`` name."""
        for name in [name for name in sys.modules if name.startswith("kpikit.sections")]:
            module = sys.modules[name]
            for key, value in list(vars(module).items()):
                if inspect.isfunction(value) and value.__module__.startswith(_WATCHED):
                    patch.setattr(module, key, self._wrapped(value))

    def take(self) -> list[Call]:
        """Return the calls recorded so far, and forget them."""
        taken, self.calls = self.calls, []
        return taken

    def _wrapped(self, function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            result = function(*args, **kwargs)
            room = function.__module__.split(".")[1]
            given = (*args, *kwargs.values())
            self.calls.append(Call(room, function.__name__, given, result))
            return result

        return call


@dataclass
class Shown:
    """What frames and other arguments hold: numbers, names, and how many rows there are."""

    numbers: set[float] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    rows: int = 0

    def add(self, value: Any) -> "Shown":
        """Take in all that a value holds, however deep."""
        if isinstance(value, Component):
            self._add_cells(value)
        elif isinstance(value, str):
            self.names.add(value)
        elif isinstance(value, Period):
            self.numbers.add(float(value.days))
        elif isinstance(value, dt.timedelta):
            self.numbers.add(value.total_seconds())
        elif isinstance(value, int | float | np.number) and not isinstance(value, bool):
            self.numbers.add(float(value))
        else:
            if isinstance(value, pd.DataFrame | pd.Series | list | tuple):
                self.rows = max(self.rows, len(value))
            for part in parts_of(value):
                self.add(part)
        return self

    def _add_cells(self, component: Component) -> None:
        """Take in what the cells of tables show, for a table is a frame that can be read."""
        for row in getattr(component, "rows", ()):
            for cell in row.values():
                texts = (cell,) if isinstance(cell, str) else (cell.text, cell.note)
                for text in texts:
                    for _, number, _, unit in numbers_of(text, set()):
                        self.numbers.add(number / _SCALES[unit][0])
        for item in getattr(component, "items", ()):
            if isinstance(item, Component):
                self._add_cells(item)

    def holds(self, number: float, digits: int, unit: str) -> bool:
        """Tell whether a number, rounded as the sentence has it, is among those shown.

        A bare count may also count rows. Signs are left to the words around them.
        """
        if not unit and not digits and number <= self.rows:
            return True
        half = 0.5 * 10.0**-digits * (1 + 1e-6) + 1e-9
        return any(
            abs(abs(value) * scale - number) <= half
            for value in self.numbers
            for scale in _SCALES[unit]
            if math.isfinite(value)
        )


def parts_of(value: Any) -> Iterator[Any]:
    """Yield what a frame, a container or a dataclass holds; nothing of anything else."""
    if isinstance(value, pd.DataFrame):
        yield from (value.attrs, list(value.columns))
        yield from (column for _, column in value.items())
    elif isinstance(value, pd.Series | pd.Index | np.ndarray):
        yield from value.tolist()
    elif isinstance(value, Mapping):
        yield from (*value.keys(), *value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from (getattr(value, item.name) for item in dataclasses.fields(value))


def numbers_of(sentence: str, names: set[str]) -> Iterator[tuple[str, float, int, str]]:
    """Yield each number of a sentence: its text, its value, its decimals and its unit.

    Names of periods, days, segments and the like are no numbers, whatever digits are in them.
    """
    numeric = [name for name in names if any(char.isdigit() for char in name)]
    for name in sorted(numeric, key=len, reverse=True):
        sentence = sentence.replace(name, " ")
    sentence = _NAMES.sub(" ", sentence)
    for found in _NUMBER.finditer(sentence):
        digits = len(found.group(1).partition(".")[2])
        value = float(found.group(1).replace(",", ""))
        yield found.group().strip(), value, digits, found.group(2) or found.group(3) or ""


def sentences_of(value: Any) -> Iterator[str]:
    """Yield the sentences of a component: titles, subtitles, notes, headlines, alt texts."""
    if isinstance(value, str):
        yield value
        return
    if isinstance(value, Code) or not dataclasses.is_dataclass(value):
        return
    for name in ("title", "subtitle", "alt", "text", "claim", "rest"):
        text = getattr(value, name, "")
        if isinstance(text, str) and text:
            yield text
    yield from getattr(value, "notes", ())
    for part in (*getattr(value, "items", ()), *getattr(value, "decisions", ())):
        yield from sentences_of(part)
