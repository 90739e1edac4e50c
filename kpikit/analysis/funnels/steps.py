"""What a funnel consists of: its steps, what excludes an entry, and which rows match."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, TypeAlias

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis.common.deferred import Deferred
from ibis.common.exceptions import IbisError

from kpikit.engine import check_columns
from kpikit.errors import AnalysisError

Names: TypeAlias = str | Sequence[str] | None
Where: TypeAlias = (
    Mapping[str, object] | Deferred | ir.BooleanValue | Callable[[ir.Table], ir.BooleanValue] | None
)


_CONDITION = "Write {'plan': 'pro'}, or an Ibis expression such as ibis._.amount > 10."


@dataclass(frozen=True)
class Step:
    """A step of a funnel: the events any of which serves it, and which of their rows do.

    Attributes:
        name: Name as printed.
        event: Event, or several alternatives; by default the one called like the step. None means
            any event.
        where: Column to the value, or list of values, that it takes (None for missing), or an Ibis
            expression such as ``ibis._.amount > 10``.
        optional: Whether an entry may go on without it. It then gates nothing: it counts the users
            who did it between the needed steps around it.
        first_time: Whether only a user's first such row ever serves it.
    """

    name: str
    event: Names | EllipsisType = ...
    where: Where = None
    optional: bool = False
    first_time: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise AnalysisError(
                f"A step is called {self.name!r}.\nGive it a name, in quotes: kk.Step('paid')."
            )
        event = self.name if isinstance(self.event, EllipsisType) else self.event
        object.__setattr__(self, "event", _event_names(event, f"step '{self.name}'"))

    @property
    def events(self) -> tuple[str, ...] | None:
        """The events that serve the step; None where any does."""
        return self.event  # type: ignore[return-value]  # __post_init__ made it so


@dataclass(frozen=True)
class Exclusion:
    """An event that drops an entry where it lies strictly between two of its steps.

    Attributes:
        event: Event, or several alternatives; None means any.
        after: The step after which it counts, from 1.
        before: The step before which it counts. Where the entry does not reach it, the event
            counts for one window after step ``after``.
        where: As a step's.
    """

    event: Names
    after: int = 1
    before: int = 2
    where: Where = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "event", _event_names(self.event, "an exclusion"))

    @property
    def events(self) -> tuple[str, ...] | None:
        """The events that exclude; None where any does."""
        return self.event  # type: ignore[return-value]  # __post_init__ made it so


Matcher: TypeAlias = Step | Exclusion


def as_step(given: Step | str | None) -> Step:
    """Return a step given by its event alone, or as it is."""
    if given is None:
        return Step("any event", event=None)
    return given if isinstance(given, Step) else Step(given)


def matches(table: ir.Table, matcher: Matcher) -> ir.BooleanValue:
    """Return whether each row of ``table`` serves the step, or excludes; missing means no."""
    found: Any = ibis.literal(value=True)
    if matcher.events is not None:
        check_columns(table, ["event"], "events")
        found = _is_one_of(table.event, matcher.events)
    if isinstance(matcher.where, Mapping):
        check_columns(table, matcher.where, "events")
        for column, value in matcher.where.items():
            found &= _is_one_of(table[column], _values(value))
    elif matcher.where is not None:
        found &= _condition(table, matcher.where)
    return found


def _condition(table: ir.Table, where: Where) -> ir.BooleanValue:
    try:
        (condition,) = table.bind(where)
    except (IbisError, AttributeError, ValueError) as error:
        raise AnalysisError(f"A condition cannot be read: {error}.\n{_CONDITION}") from error
    if not isinstance(condition, ir.BooleanValue):
        raise AnalysisError(f"The condition {where!r} is neither true nor false.\n{_CONDITION}")
    return condition


def is_filtered(matcher: Matcher) -> bool:
    """Return whether a step or exclusion takes only some of the rows of its events."""
    return (
        len(matcher.where) > 0 if isinstance(matcher.where, Mapping) else matcher.where is not None
    )


def are_same(one: Matcher, other: Matcher) -> bool:
    """Return whether two match the very same rows, as far as their definitions tell."""
    same_where = one.where is other.where or (
        isinstance(one.where, Mapping) and one.where == other.where
    )
    first_time = [getattr(each, "first_time", False) for each in (one, other)]
    same_events = _as_set(one) == _as_set(other)
    return same_events and same_where and first_time[0] == first_time[1]


def are_disjoint(one: Matcher, other: Matcher) -> bool:
    """Return whether no row can match both, as far as their definitions tell."""
    mine, theirs = _as_set(one), _as_set(other)
    if mine is not None and theirs is not None and not mine & theirs:
        return True
    if isinstance(one.where, Mapping) and isinstance(other.where, Mapping):
        return any(
            _share_nothing(_values(one.where[column]), _values(other.where[column]))
            for column in one.where.keys() & other.where.keys()
        )
    return False


def _share_nothing(mine: Sequence[Any], theirs: Sequence[Any]) -> bool:
    # values of two types may be one in a column of a third: 5 is "5" in one of text
    kinds = {type(value) for value in (*mine, *theirs) if value is not None}
    return len(kinds) < 2 and not set(mine) & set(theirs)


def required(steps: Sequence[Step]) -> list[int]:
    """Return the numbers of the steps that an entry cannot go on without, from 1."""
    return [number for number, step in enumerate(steps, 1) if not step.optional]


def _event_names(event: object, where: str) -> tuple[str, ...] | None:
    if event is None:
        return None
    names = tuple(event) if isinstance(event, Iterable) and not isinstance(event, str) else (event,)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise AnalysisError(
            f"The event of {where} is {event!r}.\n"
            f"Give the name of an event, a list of names, or None for any event."
        )
    return names


def _as_set(matcher: Matcher) -> frozenset[str] | None:
    return None if matcher.events is None else frozenset(matcher.events)


def _values(value: object) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)


def _is_one_of(column: ir.Value, values: Sequence[Any]) -> ir.BooleanValue:
    """Return whether ``column`` is one of ``values``, None standing for missing."""
    given = [value for value in values if value is not None]
    try:
        known = [_as_held(value, column.type()) for value in given]
        found = column.isin(known) if len(known) != 1 else column == known[0]
    except (IbisError, KeyError, ValueError) as error:
        raise AnalysisError(
            f"Column '{column.get_name()}' holds {column.type()}, and {given} is asked for.\n"
            f"Ask for values of that type."
        ) from error
    return found | column.isnull() if len(known) < len(values) else found


def _as_held(value: Any, kind: dt.DataType) -> Any:
    """Return a value as a column of type ``kind`` holds it: 5 as text, or "5" as a number."""
    if kind.is_string():
        return value if isinstance(value, str) else str(value)
    if not isinstance(value, str):
        return value
    if kind.is_boolean():
        return {"true": True, "false": False}[value.casefold()]
    if kind.is_integer():
        return int(value)
    return float(value) if kind.is_numeric() else value
