"""The metrics: what each asks, how it is counted, and a product's own beside the built-in ones.

Importing this package loads neither Ibis nor pandas, so that naming metrics costs little; the
relations that expressions read are in ``kpikit.catalogue.relations``.
"""

from kpikit.catalogue.built_in import CATALOGUE
from kpikit.catalogue.choice import is_available, scorecard_metrics, unknown_segments, with_inputs
from kpikit.catalogue.facts import FACT_COLUMNS, fact, fact_rows, make_facts, withhold_few
from kpikit.catalogue.metric import PERSPECTIVES, STAGES, Metric
from kpikit.catalogue.own import definitions_hash, metric_names_at, metrics_of

__all__ = [
    "CATALOGUE",
    "FACT_COLUMNS",
    "PERSPECTIVES",
    "STAGES",
    "Metric",
    "definitions_hash",
    "fact",
    "fact_rows",
    "is_available",
    "make_facts",
    "metric_names_at",
    "metrics_of",
    "scorecard_metrics",
    "unknown_segments",
    "with_inputs",
    "withhold_few",
]
