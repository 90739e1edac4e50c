"""Every chart of a report: tidy frames in, axes out; ``figure`` makes a component of them."""

from kpikit.present.canvas import figure
from kpikit.present.charts_bars import plot_composition, plot_pareto, plot_ranked_bars
from kpikit.present.charts_bridge import plot_mrr_waterfall, plot_waterfall
from kpikit.present.charts_cohorts import plot_cohorts
from kpikit.present.charts_columns import plot_columns
from kpikit.present.charts_estimates import plot_dot_intervals, plot_retention_curve, plot_survival
from kpikit.present.charts_forecast import plot_forecast_columns, plot_forecast_fan
from kpikit.present.charts_time import plot_trend
from kpikit.present.frames import trend_frame

__all__ = [
    "figure",
    "plot_cohorts",
    "plot_columns",
    "plot_composition",
    "plot_dot_intervals",
    "plot_forecast_columns",
    "plot_forecast_fan",
    "plot_mrr_waterfall",
    "plot_pareto",
    "plot_ranked_bars",
    "plot_retention_curve",
    "plot_survival",
    "plot_trend",
    "plot_waterfall",
    "trend_frame",
]
