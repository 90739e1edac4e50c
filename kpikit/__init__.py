"""kpikit: KPI reports from one YAML file per product, in Jupyter, sealed as HTML and PDF.

Use it as ``import kpikit as kk``. Names load on first use, so that importing the package costs
little and loads neither the publishing side nor a chart library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kpikit.analysis.drivers import (
        contribution_table,
        driver_table,
        lmdi_table,
        mix_rate_table,
        segment_search,
    )
    from kpikit.analysis.experiments import (
        ExperimentResult,
        Mean,
        Proportion,
        Quantile,
        Ratio,
        analyze_experiment,
        minimum_detectable_effect,
        sample_size,
    )
    from kpikit.analysis.retention import retention_curve, retention_table
    from kpikit.analysis.subscriptions import mrr_table
    from kpikit.analysis.survey import nps
    from kpikit.analysis.survival import survival_table
    from kpikit.report import Report, open_report

__version__ = "0.1.0"

_HOMES = {
    "ExperimentResult": "kpikit.analysis.experiments",
    "Mean": "kpikit.analysis.experiments",
    "Proportion": "kpikit.analysis.experiments",
    "Quantile": "kpikit.analysis.experiments",
    "Ratio": "kpikit.analysis.experiments",
    "Report": "kpikit.report",
    "analyze_experiment": "kpikit.analysis.experiments",
    "contribution_table": "kpikit.analysis.drivers",
    "driver_table": "kpikit.analysis.drivers",
    "lmdi_table": "kpikit.analysis.drivers",
    "minimum_detectable_effect": "kpikit.analysis.experiments",
    "mix_rate_table": "kpikit.analysis.drivers",
    "mrr_table": "kpikit.analysis.subscriptions",
    "nps": "kpikit.analysis.survey",
    "open_report": "kpikit.report",
    "retention_curve": "kpikit.analysis.retention",
    "retention_table": "kpikit.analysis.retention",
    "sample_size": "kpikit.analysis.experiments",
    "segment_search": "kpikit.analysis.drivers",
    "survival_table": "kpikit.analysis.survival",
}

__all__ = [
    "ExperimentResult",
    "Mean",
    "Proportion",
    "Quantile",
    "Ratio",
    "Report",
    "analyze_experiment",
    "contribution_table",
    "driver_table",
    "lmdi_table",
    "minimum_detectable_effect",
    "mix_rate_table",
    "mrr_table",
    "nps",
    "open_report",
    "retention_curve",
    "retention_table",
    "sample_size",
    "segment_search",
    "survival_table",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kpikit' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
