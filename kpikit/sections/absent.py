"""Sections that this version does not draw yet: one line each, for nothing vanishes in silence."""

from typing import Literal

from kpikit.present.components import Absence, Stack

Name = Literal[
    "goals", "forecast", "drivers", "funnel", "engagement", "experiments", "campaigns",
    "benchmarks", "delivery", "actions", "outlook",
]  # fmt: skip

_REASONS: dict[Name, str] = {
    "goals": "Goals are not scored yet. Declared under goals: in the product's file.",
    "forecast": "No forecast yet; a finished quarter says hit or missed, an open one its days.",
    "drivers": "No driver tree yet.",
    "funnel": "Not part of the review yet. It will need events and a funnel under funnels:.",
    "engagement": "Not part of the review yet. It will need events and features:.",
    "experiments": "Not part of the review yet. It will need exposures and experiments:.",
    "campaigns": "Not part of the review yet. It will need campaigns and costs.",
    "benchmarks": "Not part of the review yet. Declared under benchmarks: in the product's file.",
    "delivery": "Not part of the review yet. Declared under milestones: in the product's file.",
    "actions": "Not part of the review yet. Declared under actions: in the product's file.",
    "outlook": "No proposed targets yet: they follow from the forecast.",
}


def absent_section(name: Name) -> Stack:
    """Return the one line that stands in place of a section."""
    return nothing_to_show(_REASONS[name])


def missing_table(*tables: str, purpose: str) -> Stack:
    """Return the line of a section whose table is not mapped.

    Args:
        tables: Canonical tables, any of which would fill the section.
        purpose: What the section would show, as the start of a sentence.
    """
    names = " or ".join(tables)
    return nothing_to_show(f"{purpose}: no data. Map the table {names} under source: tables.")


def nothing_to_show(text: str) -> Stack:
    """Return the line of a section that has its data but nothing to draw from it."""
    return Stack((Absence(text),))
