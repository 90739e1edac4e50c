"""How rules that a single field cannot check are stated, and applied to what was read.

A rule looks at one kind of part and names the fields that it reads, so that it is left out where
one of them is already known to be wrong: nobody is told of the same mistake twice.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kpikit.errors import hint_names
from kpikit.params.base import Model
from kpikit.params.reading import Reading
from kpikit.periods import Calendar


@dataclass(frozen=True)
class Context:
    """What rules know beyond their part of the file.

    Attributes:
        metrics: Names of all metrics, the product's own included; None where they are not known.
        builtin: Names of the metrics that the product's file does not define.
        calendar: The product's calendar.
        name: Last part of the dotted key of what is looked at, such as the table's name.
    """

    metrics: Collection[str] | None
    builtin: Collection[str]
    calendar: Calendar
    name: str = ""


@dataclass(frozen=True)
class Fault:
    """What is wrong at a key below the part that a rule looks at, and what to do."""

    key: str
    what: str
    todo: str


@dataclass(frozen=True)
class Rule:
    """One rule: the kind of part, the fields that are read, and what finds the faults."""

    part: type[Model]
    fields: tuple[str, ...]
    find: Callable[[Any, Context], Iterable[Fault]]


def apply_rules(reading: Reading, rules: Iterable[Rule], context: Context) -> None:
    """Note the faults that ``rules`` find in all parts that were read."""
    by_part: dict[type[Model], list[Rule]] = {}
    for rule in rules:
        by_part.setdefault(rule.part, []).append(rule)
    for built in reading.parts:
        concerned = by_part.get(type(built.part))
        if not concerned:
            continue
        here = replace(context, name=built.key.rpartition(".")[2])
        for rule in concerned:
            if built.broken.isdisjoint(rule.fields):
                for fault in rule.find(built.part, here):
                    key = ".".join(filter(None, (built.key, fault.key)))
                    reading.note(key, fault.what, fault.todo)


def two_lines(error: Exception) -> tuple[str, str]:
    """Return what is wrong and what to do, from a message of two lines."""
    what, _, todo = str(error).partition("\n")
    return what.removesuffix("."), todo


def unknown_metric(name: str | None, key: str, context: Context) -> Iterator[Fault]:
    """Yield a fault unless the metric exists, is not given, or metrics are not known at all."""
    if name is not None and context.metrics is not None and name not in context.metrics:
        yield Fault(key, f"unknown metric '{name}'", hint_names(name, context.metrics))


def repeated(values: Mapping[str, str], noun: str) -> Iterator[Fault]:
    """Yield a fault for each value, by its key, that stood before."""
    seen: set[str] = set()
    for key, value in values.items():
        if value in seen:
            yield Fault(key, f"{noun} '{value}' stands here again", "Keep one of them.")
        seen.add(value)


def given(part: Model, *fields: str) -> list[str]:
    """Return which of these fields have a value."""
    return [name for name in fields if getattr(part, name) is not None]
