"""Experiments: can the data be trusted, what is the effect, how sure is it, what to do."""

from kpikit.analysis.experiments.analyze import ExperimentResult, analyze_experiment
from kpikit.analysis.experiments.metrics import Mean, Metric, Proportion, Quantile, Ratio
from kpikit.analysis.experiments.planning import minimum_detectable_effect, sample_size

__all__ = [
    "ExperimentResult",
    "Mean",
    "Metric",
    "Proportion",
    "Quantile",
    "Ratio",
    "analyze_experiment",
    "minimum_detectable_effect",
    "sample_size",
]
