"""Why a metric moved: contributions of factors, mix against rate, declared trees, segments."""

from kpikit.analysis.drivers.contributions import contribution_table, lmdi_table
from kpikit.analysis.drivers.mix import mix_rate_table
from kpikit.analysis.drivers.search import segment_search
from kpikit.analysis.drivers.tree import driver_table

__all__ = [
    "contribution_table",
    "driver_table",
    "lmdi_table",
    "mix_rate_table",
    "segment_search",
]
