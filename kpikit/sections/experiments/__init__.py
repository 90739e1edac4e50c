"""The report on one A/B test, and what the quarterly review says of the quarter's tests."""

from kpikit.sections.experiments.cover import experiment_cover
from kpikit.sections.experiments.decision import decision_section
from kpikit.sections.experiments.effects import effect_section, readings_section
from kpikit.sections.experiments.log import log_section
from kpikit.sections.experiments.notes import method_section, quality_section
from kpikit.sections.experiments.over_time import time_section
from kpikit.sections.experiments.planning import impact_section, planning_section
from kpikit.sections.experiments.review import experiments_section
from kpikit.sections.experiments.segments import segments_section
from kpikit.sections.experiments.trial import Trial, open_trial
from kpikit.sections.experiments.trust import trust_section

__all__ = [
    "Trial",
    "decision_section",
    "effect_section",
    "experiment_cover",
    "experiments_section",
    "impact_section",
    "log_section",
    "method_section",
    "open_trial",
    "planning_section",
    "quality_section",
    "readings_section",
    "segments_section",
    "time_section",
    "trust_section",
]
