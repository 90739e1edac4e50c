"""A/A tests on this very data: how often would chance alone have raised an alarm?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from kpikit.analysis.experiments.estimate import p_value
from kpikit.analysis.experiments.metrics import Metric, Quantile
from kpikit.analysis.experiments.moments import (
    Scan,
    Units,
    additive_columns,
    plan_layout,
    read_sums,
)
from kpikit.engine import as_table, check_columns
from kpikit.errors import AnalysisError

_BUCKETS = 1000


@dataclass(frozen=True)
class FalseAlarms:
    """What re-randomising found.

    Attributes:
        runs: Random splits that were made.
        alarms: Those with a p-value below alpha.
        alpha: Two-sided level.
        p_value: Chance of so many alarms or more, were each as likely as alpha says.
        p_values: One per run.
    """

    runs: int
    alarms: int
    alpha: float
    p_value: float
    p_values: pd.Series

    @property
    def share(self) -> float:
        """Share of false alarms."""
        return self.alarms / self.runs


def rerandomise(
    units: Units,
    *,
    metric: Metric,
    unit: str = "user_id",
    share: float = 0.5,
    runs: int = 500,
    seed: int = 0,
    alpha: float = 0.05,
) -> FalseAlarms:
    """Split the units at random, again and again, and count the differences that are found.

    Units are put into 1,000 buckets by a hash of their id, in one scan; buckets are then dealt to
    two arms. Rows that share an id stay together, as they did in the experiment: where the metric
    takes such rows for independent, alarms are more than alpha promises, and here one sees it.

    Args:
        units: One row per unit, or a scan of them that holds the metric.
        metric: The metric to be tried; not a quantile.
        unit: Column with the id of what was randomised.
        share: Share of the buckets in the first arm.
        runs: Random splits.
        seed: Of the random splits.
        alpha: Two-sided level.

    Raises:
        AnalysisError: The metric is a quantile, or a column is missing.
    """
    if isinstance(metric, Quantile):
        raise AnalysisError("A quantile cannot be re-randomised.\nGive a mean, share or ratio.")
    if isinstance(units, Scan):
        table, layout = units.units, units.layout.only([metric])
    else:
        table = as_table(units)
        layout = plan_layout(table, {"metric": metric})
    check_columns(table, [unit], "units")
    bucketed = table.mutate(bucket=((table[unit].hash() % _BUCKETS) + _BUCKETS) % _BUCKETS)
    sums = read_sums(bucketed, layout, keys={"bucket": "bucket"})
    names = additive_columns(sums, ["bucket"])
    values = sums[names].to_numpy()
    generator = np.random.default_rng(seed)
    first = round(share * len(values))
    p_values = []
    for _ in range(runs):
        order = generator.permutation(len(values))
        halves = (values[order[:first]].sum(axis=0), values[order[first:]].sum(axis=0))
        arms = [layout.arm(dict(zip(names, half, strict=True)), metric) for half in halves]
        p_values.append(p_value(metric, *arms))
    found = pd.Series(p_values, name="p_value")
    alarms = int((found < alpha).sum())
    chance = float(stats.binom.sf(alarms - 1, runs, alpha))
    return FalseAlarms(runs, alarms, alpha, chance, found)
