"""Funnels: where do people drop out, and how sure is that?"""

from kpikit.analysis.funnels.steps import Exclusion, Step
from kpikit.analysis.funnels.tables import funnel_table

__all__ = ["Exclusion", "Step", "funnel_table"]
