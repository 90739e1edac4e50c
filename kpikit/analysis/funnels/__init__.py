"""Funnels: where do people drop out, and how sure is that?"""

from kpikit.analysis.funnels.associations import funnel_association_table
from kpikit.analysis.funnels.comparisons import (
    funnel_change_table,
    funnel_loss_table,
    funnel_segment_table,
)
from kpikit.analysis.funnels.declared import declared_funnel
from kpikit.analysis.funnels.paths import funnel_path_table
from kpikit.analysis.funnels.steps import Exclusion, Step
from kpikit.analysis.funnels.study import FunnelStudy, study_funnel
from kpikit.analysis.funnels.tables import funnel_table
from kpikit.analysis.funnels.times import time_to_convert_quantiles, time_to_convert_table
from kpikit.analysis.funnels.trends import funnel_trend_table
from kpikit.analysis.funnels.users import funnel_users

__all__ = [
    "Exclusion",
    "FunnelStudy",
    "Step",
    "declared_funnel",
    "funnel_association_table",
    "funnel_change_table",
    "funnel_loss_table",
    "funnel_path_table",
    "funnel_segment_table",
    "funnel_table",
    "funnel_trend_table",
    "funnel_users",
    "study_funnel",
    "time_to_convert_quantiles",
    "time_to_convert_table",
]
