"""kpikit: KPI reports from one YAML file per product, in Jupyter, sealed as HTML and PDF.

Use it as ``import kpikit as kk``. Names load on first use, so that importing the package costs
little and loads neither the publishing side nor a chart library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kpikit.analysis.drivers import contribution_table, lmdi_table, mix_rate_table
    from kpikit.analysis.retention import retention_curve, retention_table
    from kpikit.analysis.subscriptions import mrr_table
    from kpikit.analysis.survey import nps
    from kpikit.analysis.survival import survival_table
    from kpikit.report import Report, open_report

__version__ = "0.1.0"

_HOMES = {
    "Report": "kpikit.report",
    "contribution_table": "kpikit.analysis.drivers",
    "lmdi_table": "kpikit.analysis.drivers",
    "mix_rate_table": "kpikit.analysis.drivers",
    "mrr_table": "kpikit.analysis.subscriptions",
    "nps": "kpikit.analysis.survey",
    "open_report": "kpikit.report",
    "retention_curve": "kpikit.analysis.retention",
    "retention_table": "kpikit.analysis.retention",
    "survival_table": "kpikit.analysis.survival",
}

__all__ = [
    "Report",
    "contribution_table",
    "lmdi_table",
    "mix_rate_table",
    "mrr_table",
    "nps",
    "open_report",
    "retention_curve",
    "retention_table",
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
