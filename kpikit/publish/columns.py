"""How the columns of a table share the width of a page, before anything is drawn.

Every engine sets a table that is too wide over the edge in silence. Here the type becomes smaller
first; where that does not suffice, the columns are parted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

PADDING = 9.5  # left and right of a cell together, and a little for what rounds
_NARROW = 0.6  # a table whose content fills less of the width keeps its natural width


@dataclass(frozen=True)
class Extent:
    """What a column needs at a type size of one point: its longest word, its longest line."""

    least: float
    natural: float
    weight: float | None = None


@dataclass(frozen=True)
class Part:
    """Columns of a table that are set together: their indices and widths in points."""

    indices: tuple[int, ...]
    widths: tuple[float, ...]


def fit(
    extents: Sequence[Extent], width: float, sizes: Sequence[float], *, stub: int
) -> tuple[float, list[Part]]:
    """Return the type size and the parts at which a table fits its space.

    The largest size is taken at which every column holds its longest word. Where none does, the
    columns are split at the smallest, and each part repeats the first ``stub`` columns.

    Args:
        extents: What each column needs.
        width: The space, in points.
        sizes: Type sizes to try, in points, largest first.
        stub: How many columns name the row.
    """
    for size in sizes:
        if sum(extent.least * size + PADDING for extent in extents) <= width:
            return size, [_part(extents, tuple(range(len(extents))), width, size)]
    size = sizes[-1]
    return size, [_part(extents, part, width, size) for part in _split(extents, width, size, stub)]


def _split(
    extents: Sequence[Extent], width: float, size: float, stub: int
) -> list[tuple[int, ...]]:
    needs = [min(extent.least * size + PADDING, width) for extent in extents]
    first = tuple(range(min(stub, len(extents) - 1)))
    if sum(needs[index] for index in first) > width / 2:
        first = first[:1] if needs[0] <= width / 2 else ()
    used = sum(needs[index] for index in first)
    parts: list[list[int]] = [[]]
    room = width - used
    for index in range(len(first), len(extents)):
        if parts[-1] and needs[index] > room:
            parts.append([])
            room = width - used
        parts[-1].append(index)
        room -= needs[index]
    return [(*first, *part) for part in parts]


def _part(extents: Sequence[Extent], indices: tuple[int, ...], width: float, size: float) -> Part:
    chosen = [extents[index] for index in indices]
    least = [min(extent.least * size + PADDING, width) for extent in chosen]
    wanted = [extent.natural * size + PADDING for extent in chosen]
    natural = [max(low, full) for low, full in zip(least, wanted, strict=True)]
    weights = [extent.weight for extent in chosen]
    if any(weight is not None for weight in weights):
        return Part(indices, tuple(_weighted(least, natural, weights, width)))
    total = sum(natural)
    if total > width:
        return Part(indices, tuple(_levelled(least, natural, width)))
    grown = width / total if total >= _NARROW * width else min(1.15, width / total)
    return Part(indices, tuple(grown * part for part in natural))


def _weighted(
    least: Sequence[float], natural: Sequence[float], weights: Sequence[float | None], width: float
) -> list[float]:
    """Give columns without a weight what they need, and share the rest by weight."""
    shares = [
        full if weight is None else low
        for low, full, weight in zip(least, natural, weights, strict=True)
    ]
    if sum(shares) > width:
        return _levelled(least, natural, width)
    pool = {index: weight for index, weight in enumerate(weights) if weight is not None}
    while True:  # the words of all fit, so that some column is always left to share
        rest = width - sum(share for index, share in enumerate(shares) if index not in pool)
        unit = rest / sum(pool.values())
        held = [index for index, weight in pool.items() if unit * weight < least[index]]
        if not held:
            return [unit * pool[i] if i in pool else share for i, share in enumerate(shares)]
        for index in held:  # a column that its words hold open takes no part in the sharing
            del pool[index]


def _levelled(least: Sequence[float], natural: Sequence[float], width: float) -> list[float]:
    """Cut the widest columns to one level until all fit, none below its longest word."""
    low, high = 0.0, max(natural)
    for _ in range(40):
        level = (low + high) / 2
        used = sum(max(a, min(b, level)) for a, b in zip(least, natural, strict=True))
        low, high = (level, high) if used <= width else (low, level)
    return [max(a, min(b, low)) for a, b in zip(least, natural, strict=True)]
