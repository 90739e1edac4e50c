"""The series of the M3 competition, and how its entrants are scored."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.measure import SHARED_DATA

FOLDER = SHARED_DATA / "m3"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """What was known of a series, and what came."""

    name: str
    known: Floats
    came: Floats


def load(period: str) -> list[Series]:
    """Return all series of one period (MONTHLY, QUARTERLY)."""
    rows = pd.read_parquet(FOLDER / "m3_series.parquet")
    rows = rows[rows["period"] == period].sort_values(["series", "i"])
    return [
        Series(
            str(name),
            group.loc[~group["is_test"], "y"].to_numpy(),
            group.loc[group["is_test"], "y"].to_numpy(),
        )
        for name, group in rows.groupby("series")
    ]


def published(method: str) -> dict[str, Floats]:
    """Return the forecasts that a method entered, by series."""
    rows = pd.read_parquet(FOLDER / "m3_published_forecasts.parquet")
    rows = rows[rows["method"] == method].sort_values(["series", "h"])
    return {str(name): group["yhat"].to_numpy() for name, group in rows.groupby("series")}


def accuracy(
    series: list[Series], forecasts: Mapping[str, Floats], season_length: int
) -> tuple[float, float]:
    """Return the mean sMAPE (%, of 200 |error| / sum) and the mean MASE.

    MASE is in units of the mean absolute change from one season to the next of what was known
    (Hyndman and Koehler 2006).
    """
    smape, mase = [], []
    for each in series:
        error = np.abs(each.came - forecasts[each.name])
        smape.append((200 * error / (np.abs(each.came) + np.abs(forecasts[each.name]))).mean())
        steps = np.abs(each.known[season_length:] - each.known[:-season_length])
        mase.append(error.mean() / steps.mean())
    return float(np.mean(smape)), float(np.mean(mase))
