"""The declared driver tree of a metric: what each factor, down to the last, contributed."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Any

import pandas as pd

from kpikit.errors import AnalysisError, unknown_name
from kpikit.formulas import Formula, parse_formula

RESIDUE = "residue"
DRIVER_COLUMNS = (
    "factor", "parent", "level", "before", "after", "effect", "share", "is_residue",
)  # fmt: skip
_IDENTITY = 1e-9  # what a formula may miss of its metric, relative, before it is called a residue
_MOST_LEVELS = 4

# the root's value, averaged over how all else may have moved, as a function of one node's value
_Worth = Callable[[float], Fraction]


def driver_table(
    before: Mapping[str, float],
    after: Mapping[str, float],
    *,
    metric: str,
    formulas: Mapping[str, str],
) -> pd.DataFrame:
    """Return the tree of a metric's factors with what each contributed to the metric's change.

    Every effect is in the unit of ``metric``. The effects of its factors are those of
    ``contribution_table`` and sum to its change; those of a factor's own factors sum to the effect
    of that factor, and so on down (the Owen value: within a branch, too, all orders of moving
    count alike). Where a formula does not give the measured value of its metric, before or after,
    it is no identity: what it leaves unexplained is a row of its own, ``residue``, so that the sums
    hold nevertheless.

    Args:
        before: Metric to its measured value before; those of all metrics in the tree are needed.
        after: The same, after.
        metric: The metric that moved.
        formulas: Metric to its formula, as under ``drivers`` of a product's file. Those of other
            metrics are used where these are factors; four levels deep at most.

    Returns:
        One row per node, each followed by its own factors: ``factor``, ``parent`` (empty for
        ``metric`` itself, the first row), ``level`` (0 for it), ``before``, ``after``, ``effect``,
        ``share`` of the metric's change (NaN where it did not change), ``is_residue``. A residue
        is what the measured value exceeds its formula by, in the parent's unit.

    Raises:
        UnknownNameError: ``metric`` has no formula, or a metric of the tree is not in ``before`` or
            ``after``.
        AnalysisError: A formula cannot be read or divides by zero, a value is missing, the tree is
            deeper than four levels or leads back to itself.

    References:
        Owen, G. (1977). Values of games with a priori unions. In: Mathematical Economics and Game
        Theory, 76-88.

    Example:
        >>> table = driver_table(
        ...     {"revenue": 500, "orders": 10, "aov": 50},
        ...     {"revenue": 720, "orders": 18, "aov": 40},
        ...     metric="revenue", formulas={"revenue": "orders * aov"},
        ... )
        >>> table["factor"].tolist(), table["effect"].tolist()
        (['revenue', 'orders', 'aov'], [220.0, 360.0, -140.0])
    """
    if metric not in formulas:
        raise unknown_name("metric", metric, "drivers, which gives it no formula", formulas)
    tree = _Tree(before, after, {name: parse_formula(text) for name, text in formulas.items()})
    root = _Node(metric, "", 0, tree.value(metric, "before"), tree.value(metric, "after"))
    rows = list(tree.rows(root, Fraction))
    table = pd.DataFrame(rows, columns=[name for name in DRIVER_COLUMNS if name != "share"])
    change = table["effect"].iloc[0]
    table.insert(6, "share", table["effect"] / change if change else math.nan)
    return table


@dataclass(frozen=True)
class _Node:
    factor: str
    parent: str
    level: int
    before: float
    after: float
    is_residue: bool = False


@dataclass(frozen=True)
class _Tree:
    before: Mapping[str, float]
    after: Mapping[str, float]
    formulas: Mapping[str, Formula]

    def rows(self, node: _Node, worth: _Worth) -> Iterator[dict[str, Any]]:
        """Yield the row of a node, then those of its factors."""
        effect = worth(node.after) - worth(node.before)
        yield {**vars(node), "effect": float(effect)}
        if node.is_residue or node.factor not in self.formulas:
            return
        if node.level == _MOST_LEVELS:
            raise AnalysisError(
                f"The drivers of '{node.factor}' lie more than {_MOST_LEVELS} levels deep, or lead "
                "back to it.\nGive fewer factors formulas of their own under drivers."
            )
        children = self._children(node)
        formula = self.formulas[node.factor]
        for index, child in enumerate(children):
            yield from self.rows(child, _averaged(formula, children, index, worth))

    def value(self, name: str, side: str) -> float:
        """Return a metric's measured value.

        Raises:
            UnknownNameError: It is not there.
            AnalysisError: It is missing.
        """
        values = self.before if side == "before" else self.after
        if name not in values:
            raise unknown_name("metric", name, f"the values of '{side}'", values)
        value = float(values[name])
        if not math.isfinite(value):
            raise AnalysisError(
                f"'{name}' has no value in '{side}', so its part in the change is unknown.\n"
                "Compare periods that have data, or take it out of the formula."
            )
        return value

    def _children(self, node: _Node) -> list[_Node]:
        """Return the factors of a node and, where the formula is no identity, its residue."""
        formula = self.formulas[node.factor]
        level = node.level + 1
        children = [
            _Node(name, node.factor, level, self.value(name, "before"), self.value(name, "after"))
            for name in formula.names
        ]
        start = node.before - _reckoned(formula, {one.factor: one.before for one in children})
        end = node.after - _reckoned(formula, {one.factor: one.after for one in children})
        size = max(abs(node.before), abs(node.after))
        if max(abs(start), abs(end)) > _IDENTITY * size:
            children.append(_Node(RESIDUE, node.factor, level, start, end, is_residue=True))
        return children


def _averaged(formula: Formula, children: list[_Node], index: int, worth: _Worth) -> _Worth:
    """Return the root's value as a function of one child's, over all ways its siblings may move."""
    siblings = [other for other in range(len(children)) if other != index]
    size = len(children)

    @cache  # the factors of this child ask for the same values again and again
    def value(own: float) -> Fraction:
        total = Fraction()
        for count in range(size):
            weight = Fraction(1, size * math.comb(size - 1, count))
            for moved in combinations(siblings, count):
                values = [
                    child.after if place in moved else child.before
                    for place, child in enumerate(children)
                ]
                values[index] = own
                total += weight * worth(_joined(formula, children, values))
        return total

    return value


def _joined(formula: Formula, children: list[_Node], values: list[float]) -> float:
    """Return what the factors and the residue of a metric give together."""
    pairs = list(zip(children, values, strict=True))
    found = _reckoned(formula, {one.factor: value for one, value in pairs if not one.is_residue})
    return found + sum(value for one, value in pairs if one.is_residue)


def _reckoned(formula: Formula, values: Mapping[str, float]) -> float:
    """Return what a formula gives.

    Raises:
        AnalysisError: It divides by zero.
    """
    try:
        return float(formula(values))
    except ZeroDivisionError:
        raise AnalysisError(
            f"The formula '{formula.text}' divides by zero.\n"
            "Compare periods in which its divisor is above zero."
        ) from None
