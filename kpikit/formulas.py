"""Formulas of a product's file, such as ``visitors * conversion * aov``: read, never executed.

A formula is made of names, numbers, ``+ - * /`` and brackets. It is parsed by Python's own grammar
and reckoned from the tree, so no other code can stand in it.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kpikit.errors import AnalysisError

_LONGEST = 500  # characters; a longer formula is one that nobody can check
_TODO = "Use names of metrics, numbers, + - * / and brackets, such as orders * average_order_value."
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


@dataclass(frozen=True)
class Formula:
    """A formula that was read.

    Attributes:
        text: As it was written.
        names: The names in it, in the order of their first use.
    """

    text: str
    names: tuple[str, ...]

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Return its value for the values of its names: numbers, arrays or Ibis expressions.

        Raises:
            KeyError: A name has no value.
            ZeroDivisionError: It divides by the number zero.
        """
        return _reckon(_tree(self.text), values)


def parse_formula(text: str) -> Formula:
    """Read a formula.

    Args:
        text: Such as ``visitors * conversion * aov``.

    Raises:
        AnalysisError: It is no formula; the message says at which character.

    Example:
        >>> formula = parse_formula("visitors * conversion / 2")
        >>> formula.names, formula({"visitors": 100, "conversion": 0.1})
        (('visitors', 'conversion'), 5.0)
    """
    if len(text) > _LONGEST:
        raise AnalysisError(
            f"A formula has {len(text)} characters, and may have {_LONGEST}.\n"
            "Give its parts formulas of their own."
        )
    tree = _tree(text)
    _check(tree, text)
    names = tuple(dict.fromkeys(_names(tree)))
    if not names:
        raise AnalysisError(f"The formula '{text}' names nothing.\n{_TODO}")
    return Formula(text, names)


@lru_cache(maxsize=256)  # a tree of drivers reckons each formula hundreds of times
def _tree(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise AnalysisError(f"'{text}' is no formula.\n{_TODO}") from None


def _check(node: ast.expr, text: str) -> None:
    """Raise on the first part that is none of those allowed."""
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        _check(node.left, text)
        _check(node.right, text)
    elif isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        _check(node.operand, text)
    elif not isinstance(node, ast.Name) and not _is_number(node):
        part = ast.get_source_segment(text.strip(), node)
        raise AnalysisError(f"'{part}' may not stand in the formula '{text}'.\n{_TODO}")


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _names(node: ast.expr) -> Iterator[str]:
    """Yield the names of a checked tree, from left to right."""
    if isinstance(node, ast.Name):
        yield node.id
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _names(child)


def _reckon(node: ast.expr, values: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_reckon(node.left, values), _reckon(node.right, values))
    if isinstance(node, ast.UnaryOp):
        return _UNARY[type(node.op)](_reckon(node.operand, values))
    return values[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)
