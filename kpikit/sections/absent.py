"""Sections that this version does not draw yet: one line each, for nothing vanishes in silence."""

from typing import Literal

from kpikit.present.components import Absence, Stack

Name = Literal[
    "experiments",
]  # fmt: skip

_SOURCES: dict[Name, str] = {
    "experiments": "Planned; reads the table exposures and the key experiments.",
}


def absent_section(name: Name) -> Stack:
    """Return the one line that stands in place of a section."""
    return nothing_to_show(_SOURCES[name])


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
