"""All built-in metrics, by name, in the order in which a page lists them."""

from collections.abc import Mapping
from types import MappingProxyType

from kpikit.catalogue.economics import ECONOMICS
from kpikit.catalogue.metric import Metric
from kpikit.catalogue.recurring import RECURRING
from kpikit.catalogue.sales import SALES
from kpikit.catalogue.usage import USAGE
from kpikit.catalogue.voice import VOICE

CATALOGUE: Mapping[str, Metric] = MappingProxyType(
    {metric.name: metric for metric in (*SALES, *USAGE, *RECURRING, *ECONOMICS, *VOICE)}
)
