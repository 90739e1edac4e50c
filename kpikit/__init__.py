"""kpikit: KPI reports from one YAML file per product, in Jupyter, sealed as HTML and PDF.

Use it as ``import kpikit as kk``. Names load on first use, so that importing the package costs
little and loads neither the publishing side nor a chart library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kpikit.analysis.assurance import (
        assurance,
        assurance_of,
        expected_false_signals,
        variation,
    )
    from kpikit.analysis.calibration import backtest_table, brier_score, reliability_table
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
    from kpikit.analysis.forecasts import (
        forecast_table,
        probability_of_target,
        total_forecast,
    )
    from kpikit.analysis.funnels import (
        Exclusion,
        Step,
        declared_funnel,
        funnel_association_table,
        funnel_change_table,
        funnel_loss_table,
        funnel_path_table,
        funnel_segment_table,
        funnel_table,
        funnel_trend_table,
        funnel_users,
        time_to_convert_quantiles,
        time_to_convert_table,
    )
    from kpikit.analysis.incidents import incident_table
    from kpikit.analysis.lifecycle import lifecycle_table, stickiness_table
    from kpikit.analysis.pace import pace
    from kpikit.analysis.retention import retention_curve, retention_table
    from kpikit.analysis.signals import find_signals, process_limits, signal_table
    from kpikit.analysis.subscriptions import mrr_table
    from kpikit.analysis.survey import nps
    from kpikit.analysis.survival import survival_table
    from kpikit.exploring import explore
    from kpikit.exploring.start import start_page
    from kpikit.report import Report, open_report
    from kpikit.report_experiment import ExperimentReport, open_experiment

__version__ = "0.1.0"

_HOMES = {
    "Exclusion": "kpikit.analysis.funnels",
    "ExperimentReport": "kpikit.report_experiment",
    "ExperimentResult": "kpikit.analysis.experiments",
    "Mean": "kpikit.analysis.experiments",
    "Proportion": "kpikit.analysis.experiments",
    "Quantile": "kpikit.analysis.experiments",
    "Ratio": "kpikit.analysis.experiments",
    "Report": "kpikit.report",
    "Step": "kpikit.analysis.funnels",
    "analyze_experiment": "kpikit.analysis.experiments",
    "assurance": "kpikit.analysis.assurance",
    "assurance_of": "kpikit.analysis.assurance",
    "backtest_table": "kpikit.analysis.calibration",
    "brier_score": "kpikit.analysis.calibration",
    "contribution_table": "kpikit.analysis.drivers",
    "declared_funnel": "kpikit.analysis.funnels",
    "driver_table": "kpikit.analysis.drivers",
    "expected_false_signals": "kpikit.analysis.assurance",
    "explore": "kpikit.exploring",
    "find_signals": "kpikit.analysis.signals",
    "forecast_table": "kpikit.analysis.forecasts",
    "funnel_association_table": "kpikit.analysis.funnels",
    "funnel_change_table": "kpikit.analysis.funnels",
    "funnel_loss_table": "kpikit.analysis.funnels",
    "funnel_path_table": "kpikit.analysis.funnels",
    "funnel_segment_table": "kpikit.analysis.funnels",
    "funnel_table": "kpikit.analysis.funnels",
    "funnel_trend_table": "kpikit.analysis.funnels",
    "funnel_users": "kpikit.analysis.funnels",
    "incident_table": "kpikit.analysis.incidents",
    "lifecycle_table": "kpikit.analysis.lifecycle",
    "lmdi_table": "kpikit.analysis.drivers",
    "minimum_detectable_effect": "kpikit.analysis.experiments",
    "mix_rate_table": "kpikit.analysis.drivers",
    "mrr_table": "kpikit.analysis.subscriptions",
    "nps": "kpikit.analysis.survey",
    "open_experiment": "kpikit.report_experiment",
    "open_report": "kpikit.report",
    "pace": "kpikit.analysis.pace",
    "probability_of_target": "kpikit.analysis.forecasts",
    "process_limits": "kpikit.analysis.signals",
    "reliability_table": "kpikit.analysis.calibration",
    "retention_curve": "kpikit.analysis.retention",
    "retention_table": "kpikit.analysis.retention",
    "sample_size": "kpikit.analysis.experiments",
    "segment_search": "kpikit.analysis.drivers",
    "signal_table": "kpikit.analysis.signals",
    "start_page": "kpikit.exploring.start",
    "stickiness_table": "kpikit.analysis.lifecycle",
    "survival_table": "kpikit.analysis.survival",
    "time_to_convert_quantiles": "kpikit.analysis.funnels",
    "time_to_convert_table": "kpikit.analysis.funnels",
    "total_forecast": "kpikit.analysis.forecasts",
    "variation": "kpikit.analysis.assurance",
}

__all__ = [
    "Exclusion",
    "ExperimentReport",
    "ExperimentResult",
    "Mean",
    "Proportion",
    "Quantile",
    "Ratio",
    "Report",
    "Step",
    "analyze_experiment",
    "assurance",
    "assurance_of",
    "backtest_table",
    "brier_score",
    "contribution_table",
    "declared_funnel",
    "driver_table",
    "expected_false_signals",
    "explore",
    "find_signals",
    "forecast_table",
    "funnel_association_table",
    "funnel_change_table",
    "funnel_loss_table",
    "funnel_path_table",
    "funnel_segment_table",
    "funnel_table",
    "funnel_trend_table",
    "funnel_users",
    "incident_table",
    "lifecycle_table",
    "lmdi_table",
    "minimum_detectable_effect",
    "mix_rate_table",
    "mrr_table",
    "nps",
    "open_experiment",
    "open_report",
    "pace",
    "probability_of_target",
    "process_limits",
    "reliability_table",
    "retention_curve",
    "retention_table",
    "sample_size",
    "segment_search",
    "signal_table",
    "start_page",
    "stickiness_table",
    "survival_table",
    "time_to_convert_quantiles",
    "time_to_convert_table",
    "total_forecast",
    "variation",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kpikit' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
