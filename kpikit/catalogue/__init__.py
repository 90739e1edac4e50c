"""The metrics: what each asks, how it is counted, and a product's own beside the built-in ones.

Importing this package loads neither Ibis nor pandas, so that naming metrics costs little; the
relations that expressions read are in ``kpikit.catalogue.relations``.
"""

from collections.abc import Mapping
from types import MappingProxyType

from kpikit.catalogue.economics import ECONOMICS
from kpikit.catalogue.facts import FACT_COLUMNS, fact, make_facts
from kpikit.catalogue.metric import PERSPECTIVES, STAGES, Metric, Perspective
from kpikit.catalogue.recurring import RECURRING
from kpikit.catalogue.sales import SALES
from kpikit.catalogue.usage import USAGE
from kpikit.catalogue.voice import VOICE

CATALOGUE: Mapping[str, Metric] = MappingProxyType(
    {metric.name: metric for metric in (*SALES, *USAGE, *RECURRING, *ECONOMICS, *VOICE)}
)

__all__ = [
    "CATALOGUE",
    "FACT_COLUMNS",
    "PERSPECTIVES",
    "STAGES",
    "Metric",
    "Perspective",
    "fact",
    "make_facts",
]
