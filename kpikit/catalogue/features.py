"""Metrics that count users of any feature, taken apart into one of each declared feature."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from kpikit.catalogue.metric import Metric
from kpikit.params.model import Product

FEATURE = "feature"  # the dimension of feature_adoption_rate; no column holds it


def feature_metrics(metric: Metric, params: Product) -> list[Metric]:
    """Return a metric of each declared feature, in their order; none if it knows no features."""
    if metric.needs != "features":
        return []
    return [
        replace(metric, name=f"{metric.name}__{index}", numerator=_users_of(f"feature_{index}"))
        for index in range(len(params.features))
    ]


def facts_by_feature(facts: pd.DataFrame, params: Product) -> pd.DataFrame:
    """Return facts of ``feature_metrics`` as those of the metric, each feature a segment."""
    names = list(params.features)
    parted = [name.rsplit("__", 1) for name in facts["metric"]]
    return facts.assign(
        metric=pd.Series([name for name, _ in parted], dtype="str"),
        dimension=FEATURE,
        segment=pd.Series([names[int(index)] for _, index in parted], dtype="str"),
    )


def _users_of(column: str) -> Callable[[Any], Any]:
    return lambda users: users.count(where=users.active & users[column])
