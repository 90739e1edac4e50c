"""How long do those who convert take?"""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Unpack

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from kpikit.analysis.funnels.definition import Definition, FunnelKeywords, define
from kpikit.analysis.funnels.events import prepare
from kpikit.analysis.funnels.reported import reported_entries
from kpikit.analysis.funnels.tables import group_columns, seconds_between
from kpikit.catalogue.keeping import keep
from kpikit.errors import AnalysisError
from kpikit.periods import parse_window

Edges = Sequence[dt.timedelta | str]


def time_to_convert_table(
    events: "ir.Table | pd.DataFrame",
    *,
    from_step: int = 1,
    to_step: int | None = None,
    bins: int | Edges = 20,
    **funnel: Unpack[FunnelKeywords],
) -> pd.DataFrame:
    """Return how many units take how long from one step to another: a histogram.

    Times are those of the reported entries that reach both steps.

    Args:
        events: As for ``funnel_table``.
        from_step: Number of the step from which time counts.
        to_step: Number of the step to which; the last by default.
        bins: Number of bins of one length, in whole seconds, from the shortest time found; or the
            lengths of time between bins, such as ``["1h", "1d"]`` for up to an hour, up to a day,
            and longer.
        **funnel: The funnel and its days, as for ``funnel_table``.

    Returns:
        One row per ``by`` columns and bin, empty ones included: ``from_seconds`` (included) and
        ``to_seconds`` (excluded, except that of the last bin of one length; missing where open),
        ``users`` (units), ``share`` (of all that convert) and ``cumulative_share``. No row where
        nobody converts.

    Raises:
        AnalysisError: A step or the bins are wrong, or as for ``funnel_table``.
        PeriodError: As for ``funnel_table``.
    """
    definition = define("time_to_convert_table", **funnel)
    steps = _two_steps(from_step, to_step, definition, "time_to_convert_table")
    reported = reported_entries(prepare(events, definition))
    return time_histogram(reported, definition, steps=steps, bins=bins)


def time_histogram(
    reported: ir.Table, funnel: Definition, *, steps: tuple[int, int], bins: int | Edges
) -> pd.DataFrame:
    """Return ``time_to_convert_table`` of reported entries."""
    took = keep(_durations(reported, steps))
    groups = group_columns(took)
    edges = _edges(took, bins)
    branches = [(took.seconds < edge, index) for index, edge in enumerate(edges[1:-1].tolist())]
    place = ibis.cases(*branches, else_=len(edges) - 2) if branches else ibis.literal(0)
    counts = took.mutate(place=place.cast("int64"))
    found = counts.group_by([*groups, "place"]).aggregate(users=counts.count()).to_pandas()
    return _histogram(found, edges, groups).rename(columns=_names(funnel))


def time_to_convert_quantiles(
    events: "ir.Table | pd.DataFrame",
    *,
    from_step: int = 1,
    to_step: int | None = None,
    quantiles: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95),
    **funnel: Unpack[FunnelKeywords],
) -> pd.DataFrame:
    """Return within which time which share of those who convert has done so.

    Args:
        events: As for ``funnel_table``.
        from_step: Number of the step from which time counts.
        to_step: Number of the step to which; the last by default.
        quantiles: Shares, 0 to 1.
        **funnel: The funnel and its days, as for ``funnel_table``.

    Returns:
        One row per ``by`` columns and ``quantile`` (share, 0 to 1), with ``seconds`` and ``users``
        (units that convert). No row where nobody converts.

    Raises:
        AnalysisError: A step or a quantile is wrong, or as for ``funnel_table``.
        PeriodError: As for ``funnel_table``.
    """
    definition = define("time_to_convert_quantiles", **funnel)
    if not quantiles or not all(0 <= share <= 1 for share in quantiles):
        raise AnalysisError(
            f"quantiles is {quantiles!r} in time_to_convert_quantiles.\n"
            f"Give shares between 0 and 1, such as 0.5."
        )
    steps = _two_steps(from_step, to_step, definition, "time_to_convert_quantiles")
    reported = reported_entries(prepare(events, definition))
    return time_quantiles(reported, definition, steps=steps, quantiles=quantiles)


def time_quantiles(
    reported: ir.Table, funnel: Definition, *, steps: tuple[int, int], quantiles: Sequence[float]
) -> pd.DataFrame:
    """Return ``time_to_convert_quantiles`` of reported entries."""
    took = _durations(reported, steps)
    groups = group_columns(took)
    asked = {f"q_{index}": took.seconds.quantile(share) for index, share in enumerate(quantiles)}
    wide = (took.group_by(groups) if groups else took).aggregate(users=took.count(), **asked)
    found = wide.to_pandas()
    rows = found.loc[np.repeat(found.index, len(asked)), [*groups, "users"]].assign(
        quantile=np.tile(quantiles, len(found)),
        seconds=found[list(asked)].to_numpy(dtype=float).ravel(),
    )
    table = rows[rows["users"] > 0].sort_values([*groups, "quantile"], ignore_index=True)
    shown: pd.DataFrame = table[[*groups, "quantile", "seconds", "users"]]
    return shown.rename(columns=_names(funnel))


def _two_steps(
    from_step: int, to_step: int | None, funnel: Definition, where: str
) -> tuple[int, int]:
    last = len(funnel.steps) if to_step is None else to_step
    if not 1 <= from_step < last <= len(funnel.steps):
        raise AnalysisError(
            f"The steps are {from_step} and {last} in {where}.\n"
            f"Give two of the steps 1 to {len(funnel.steps)}, the earlier one first."
        )
    return from_step, last


def _durations(reported: ir.Table, steps: tuple[int, int]) -> ir.Table:
    """Return the seconds that each unit took, with its groups."""
    took = seconds_between(reported, *steps)
    return reported.select(*group_columns(reported), seconds=took).drop_null("seconds")


def _edges(took: ir.Table, bins: int | Edges) -> npt.NDArray[np.float64]:
    """Return where bins begin and end, in seconds; the last end may be infinite."""
    if not isinstance(bins, int):
        lengths = [parse_window(edge) if isinstance(edge, str) else edge for edge in bins]
        inner = [length.total_seconds() for length in lengths]
        if not inner or inner != sorted(set(inner)) or inner[0] <= 0:
            raise AnalysisError(
                f"bins is {list(bins)} in time_to_convert_table.\n"
                f"Give lengths of time in rising order, such as 1h and 1d."
            )
        return np.array([0.0, *inner, math.inf])
    if bins < 1:
        raise AnalysisError(
            f"bins is {bins} in time_to_convert_table.\nGive the number of bins, from 1."
        )
    low, high = took.aggregate(low=took.seconds.min(), high=took.seconds.max()).to_pandas().iloc[0]
    if pd.isna(low):
        return np.array([0.0, math.inf])
    width = max(1, math.ceil((high - low) / bins))
    return np.asarray(low + width * np.arange(bins + 1), dtype=float)


def _histogram(
    found: pd.DataFrame, edges: npt.NDArray[np.float64], groups: list[str]
) -> pd.DataFrame:
    """Return a row per group and bin."""
    places = pd.DataFrame({
        "place": np.arange(len(edges) - 1),
        "from_seconds": edges[:-1],
        "to_seconds": np.where(np.isinf(edges[1:]), np.nan, edges[1:]),
    })  # fmt: skip
    known = found[groups].drop_duplicates().sort_values(groups) if groups else found[[]].head(1)
    rows = known.merge(places, how="cross")
    rows = rows.merge(found, on=[*groups, "place"], how="left").fillna({"users": 0})
    rows["users"] = rows["users"].astype("int64")
    totals = rows.groupby(groups)["users"].transform("sum") if groups else rows["users"].sum()
    running = rows.groupby(groups)["users"].cumsum() if groups else rows["users"].cumsum()
    rows = rows.assign(share=rows["users"] / totals, cumulative_share=running / totals)
    return rows.drop(columns="place")


def _names(funnel: Definition) -> dict[str, str]:
    return {f"group_{index}": name for index, name in enumerate(funnel.by)}
