"""A product's data, opened: canonical tables, what the checks found, and what was read."""

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
from kpikit.sources.identity import has_version
from kpikit.sources.opening import dataset_key, open_dataset, read_coverage

__all__ = [
    "Coverage",
    "Dataset",
    "Finding",
    "Input",
    "check_findings",
    "choose_period",
    "dataset_key",
    "default_period",
    "findings_for",
    "has_version",
    "open_dataset",
    "read_coverage",
]
