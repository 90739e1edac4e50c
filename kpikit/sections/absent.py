"""The one line of a section that has nothing to show, for nothing vanishes in silence."""

from kpikit.present.components import Absence, Stack


def missing_table(*tables: str) -> Stack:
    """Return the line of a section whose table is not mapped.

    Args:
        tables: Canonical tables, any of which would fill the section.
    """
    names = " or ".join(filter(None, [", ".join(tables[:-1]), tables[-1]]))
    return nothing_to_show(f"No data; map the table {names} under source: tables.")


def nothing_to_show(*sentences: str) -> Stack:
    """Return the line of a section that has its data but nothing to draw from it."""
    return Stack((Absence(" ".join(sentences)),))
