"""A product's data, opened: canonical tables, what the checks found, and what was read.

Names load on first use: whether data changed is told without an engine, whose import takes longer
than that answer for a hundred products.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kpikit.sources.dataset import (
        Coverage,
        Dataset,
        Finding,
        Input,
        check_findings,
        choose_period,
        default_period,
        findings_for,
    )
    from kpikit.sources.funnel_events import check_funnel_events
    from kpikit.sources.identity import has_version
    from kpikit.sources.opening import open_dataset
    from kpikit.sources.remembered import read_coverage, recall_coverage

_HOMES = {
    "Coverage": "kpikit.sources.dataset",
    "Dataset": "kpikit.sources.dataset",
    "Finding": "kpikit.sources.dataset",
    "Input": "kpikit.sources.dataset",
    "check_findings": "kpikit.sources.dataset",
    "check_funnel_events": "kpikit.sources.funnel_events",
    "choose_period": "kpikit.sources.dataset",
    "default_period": "kpikit.sources.dataset",
    "findings_for": "kpikit.sources.dataset",
    "has_version": "kpikit.sources.identity",
    "open_dataset": "kpikit.sources.opening",
    "read_coverage": "kpikit.sources.remembered",
    "recall_coverage": "kpikit.sources.remembered",
}

__all__ = [
    "Coverage",
    "Dataset",
    "Finding",
    "Input",
    "check_findings",
    "check_funnel_events",
    "choose_period",
    "default_period",
    "findings_for",
    "has_version",
    "open_dataset",
    "read_coverage",
    "recall_coverage",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kpikit.sources' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
