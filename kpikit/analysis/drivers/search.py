"""Which of many segments explain a change, when so many were looked at."""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kpikit.analysis.drivers.mix import mix_rate_table
from kpikit.corrections import holm
from kpikit.engine import check_columns
from kpikit.errors import AnalysisError

LEAST_STEPS = 5  # earlier changes, from which a segment's usual wandering is known
_MOST_NAMED = 3
_LEAST_PART = 0.05  # of the whole's change: a segment that explains less is not worth a name
SEARCH_COLUMNS = (
    "dimension", "segment", "before", "after", "effect", "share", "excess",
    "usual_low", "usual_high", "p_value", "p_adjusted", "named",
)  # fmt: skip


def segment_search(
    history: pd.DataFrame, *, lag: int = 1, alpha: float = 0.05, most: int = _MOST_NAMED
) -> pd.DataFrame:
    """Return every segment of every dimension with its part in the last change, and name the few.

    A segment's effect is what it added to the change of the whole: the change of its own amount or,
    for a rate, its mix and rate effect together. Its ``excess`` is that effect less the segment's
    share of the whole's change, so that where all move alike none stands out. An excess is held
    against those of the segment's earlier changes: ``p_value`` is that of one more draw from the
    same normal distribution (a prediction interval of Student's t), and ``p_adjusted`` is Holm's
    over all segments of all dimensions, so that at most ``alpha`` of the changes in which nothing
    special happens name any segment. Named are segments whose adjusted p-value is below ``alpha``
    and whose excess has the sign of the whole's change and at least a twentieth of its size; of
    those at most ``most``, greatest excess first.

    Args:
        history: One row per ``dimension``, ``segment`` and ``start`` (first day of a period):
            ``value``; for a rate also ``weight``, its denominator. Periods are of one grain and
            without gaps; a segment without a row in one had nothing there.
        lag: With which period each is compared: 1 for the one before, 12 for months a year apart.
        alpha: Chance of naming any segment when nothing special happened.
        most: Most segments named.

    Returns:
        One row per segment with a value in either period compared, in the order of dimensions, the
        greatest ``effect`` in the direction of the change first: ``dimension``, ``segment``,
        ``before``, ``after`` (value; NaN for a rate over nothing), ``effect``, ``share`` of the
        whole's change (NaN where that is zero), ``excess``, ``usual_low`` and ``usual_high`` (the
        excess's 95 % range by its earlier changes), ``p_value``, ``p_adjusted`` and ``named``.
        The last five are missing, and nothing is named, with fewer than five earlier changes.
        ``attrs`` hold the number of segments tested (``searched``), ``alpha`` and the whole's
        ``change``.

    Raises:
        AnalysisError: A column is missing, a value is infinite, a segment has two rows in a period,
            or there are not ``lag`` + 1 periods.

    References:
        Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian
        Journal of Statistics 6, 65-70.
    """
    check_columns(history, ["dimension", "segment", "start", "value"], "history")
    if np.isinf(history["value"].astype(float)).any():
        raise AnalysisError(
            "A value is infinite in segment_search.\nLeave out rows whose value is unknown."
        )
    parts = [
        _dimension_rows(str(name), rows, sorted(history["start"].unique()), lag)
        for name, rows in history.groupby("dimension", sort=False)
    ]
    if not parts:
        raise AnalysisError("There is no segment to search.\nGive a row per segment and period.")
    table = pd.concat(parts, ignore_index=True)
    table["p_adjusted"] = holm(table["p_value"])
    same_way = np.sign(table["excess"]) == np.sign(table["whole"])
    weighty = table["excess"].abs() >= _LEAST_PART * table["whole"].abs()
    strong = table[(table["p_adjusted"] < alpha) & same_way & weighty]
    chosen = strong["excess"].abs().nlargest(most).index
    table["named"] = table.index.isin(chosen)
    order = table.assign(rank=-table["effect"] * np.sign(table["whole"]))
    place = order.groupby("dimension", sort=False).ngroup()
    order = order.assign(place=place).sort_values(["place", "rank"], kind="stable")
    found = order.loc[:, list(SEARCH_COLUMNS)].reset_index(drop=True)
    searched = int(table["p_value"].notna().sum())
    found.attrs |= {"searched": searched, "alpha": alpha, "change": float(table["whole"].iloc[0])}
    return found


def _dimension_rows(name: str, rows: pd.DataFrame, starts: list[object], lag: int) -> pd.DataFrame:
    """Return the segments of one dimension, tested against their own past."""
    if rows.duplicated(["segment", "start"]).any():
        raise AnalysisError(
            f"A segment of '{name}' has two rows in one period.\nSum them up before the search."
        )
    if len(starts) <= lag:
        raise AnalysisError(
            f"{len(starts)} period(s) in the history, and a change over {lag} needs {lag + 1}.\n"
            "Give earlier periods too."
        )
    value = _grid(rows, "value", starts)
    if "weight" in rows.columns:
        effects, shares = _rate_steps(value, _grid(rows, "weight", starts), lag)
    else:
        value = value.fillna(0.0)
        effects, shares = _amount_steps(value, lag)
    whole = effects.sum(axis=0)
    excess = effects - shares * whole
    found = pd.DataFrame(
        {
            "dimension": name,
            "segment": value.index,
            "before": value.iloc[:, -1 - lag].to_numpy(),
            "after": value.iloc[:, -1].to_numpy(),
            "effect": effects[:, -1],
            "share": effects[:, -1] / whole[-1] if whole[-1] else math.nan,
            "excess": excess[:, -1],
            "whole": whole[-1],
            **_against_past(excess),
        }
    )
    seen = (shares[:, -1] != 0) | (effects[:, -1] != 0)
    kept: pd.DataFrame = found[seen]
    return kept


def _grid(rows: pd.DataFrame, column: str, starts: list[object]) -> pd.DataFrame:
    """Return segments x periods, NaN where there is no row."""
    places = {start: place for place, start in enumerate(starts)}
    segments, names = pd.factorize(rows["segment"], sort=True, use_na_sentinel=False)
    grid = np.full((len(names), len(starts)), np.nan)
    grid[segments, [places[start] for start in rows["start"]]] = rows[column].astype(float)
    return pd.DataFrame(grid, index=pd.Index(names), columns=starts)


def _amount_steps(
    value: pd.DataFrame, lag: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return per segment and step the change of its amount, and its mean share of the whole."""
    amounts = value.to_numpy()
    totals = amounts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.nan_to_num(amounts / totals, nan=0.0, posinf=0.0, neginf=0.0)
    return amounts[:, lag:] - amounts[:, :-lag], (shares[:, lag:] + shares[:, :-lag]) / 2


def _rate_steps(
    rate: pd.DataFrame, weight: pd.DataFrame, lag: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return per segment and step its mix and rate effect together, and its mean share."""
    steps = len(rate.columns) - lag
    effects, shares = np.zeros((len(rate), steps)), np.zeros((len(rate), steps))
    sides = [
        pd.DataFrame(
            {
                "segment": rate.index,
                "weight": weight[start].fillna(0.0).to_numpy(),
                "rate": rate[start].to_numpy(),
            }
        )
        for start in rate.columns
    ]
    for step in range(steps):
        found = mix_rate_table(
            sides[step], sides[step + lag], segment="segment", weight="weight", rate="rate"
        ).set_index("segment")
        whole = found.reindex(rate.index).fillna({"effect": 0.0, "share_before": 0.0})
        effects[:, step] = whole["effect"]
        shares[:, step] = (whole["share_before"] + whole["share_after"].fillna(0.0)) / 2
    return effects, shares


def _against_past(excess: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
    """Return the range in which the last excess would usually lie, and its p-value."""
    past, last = excess[:, :-1], excess[:, -1]
    count = past.shape[1]
    if count < LEAST_STEPS:
        missing = np.full(len(last), math.nan)
        return dict.fromkeys(("usual_low", "usual_high", "p_value"), missing)
    middle = past.mean(axis=1)
    spread = past.std(axis=1, ddof=1) * math.sqrt(1 + 1 / count)
    half = stats.t.ppf(0.975, count - 1) * spread
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(last - middle) / spread
    # a segment that never wandered and still does not is no news; one that now does is
    distance = np.where(np.isnan(distance), 0.0, distance)
    return {
        "usual_low": middle - half,
        "usual_high": middle + half,
        "p_value": 2 * stats.t.sf(distance, count - 1),
    }
