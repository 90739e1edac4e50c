"""Whether a rate moved because segments changed, or because their weights did."""

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpikit.catalogue.relations import MISSING_SEGMENT
from kpikit.engine import as_table, check_columns
from kpikit.errors import AnalysisError

MIX_COLUMNS = (
    "status", "share_before", "share_after", "rate_before", "rate_after", "mix_effect",
    "rate_effect", "effect",
)  # fmt: skip


def mix_rate_table(
    before: ir.Table | pd.DataFrame,
    after: ir.Table | pd.DataFrame,
    *,
    segment: str,
    weight: str,
    rate: str,
) -> pd.DataFrame:
    """Return how far each segment moved a weighted rate, by its share and by its own rate.

    The rate of the whole is the mean of the segments' rates, weighted. Per segment, with means of
    before and after,

    * ``mix_effect`` = change of its share x (its mean rate - mean rate of the whole): a segment
      better than the whole lifts it by growing;
    * ``rate_effect`` = its mean share x change of its rate.

    Together they sum to the change of the whole. A segment without weight on one side has no rate
    there, whatever the frame says: one that is new or gone bears its only known rate on both, so
    that all of its effect is mix. A segment without weight on either side is no row.

    Args:
        before: One row per segment: the columns that the keywords name.
        after: The same, of the later period.
        segment: Column of the segment's name; a missing one is ``(missing)``.
        weight: Column of its size, such as visitors (>= 0).
        rate: Column of its rate per unit of weight.

    Returns:
        One row per segment, those of ``before`` first, in their order: the segment under its own
        column's name, ``status`` (kept, new, gone), ``share_before`` and ``share_after`` (of the
        weight, 0 where it had none), ``rate_before`` and ``rate_after`` (NaN where it had no
        weight), ``mix_effect``, ``rate_effect`` and their sum ``effect``.

    Raises:
        AnalysisError: A column is missing, a segment occurs twice, a weight is negative or missing,
            a segment with weight has no rate, one side has no weight at all, or ``segment`` bears
            the name of another column of the result.

    References:
        Kitagawa, E. M. (1955). Components of a difference between two rates. Journal of the
        American Statistical Association 50, 1168-1194; shares are set against the mean rate of the
        whole, which changes no sum.

    Example:
        >>> old = pd.DataFrame({"plan": ["a", "b"], "users": [50, 50], "rate": [0.2, 0.4]})
        >>> new = pd.DataFrame({"plan": ["a", "b"], "users": [75, 25], "rate": [0.2, 0.4]})
        >>> table = mix_rate_table(old, new, segment="plan", weight="users", rate="rate")
        >>> table["effect"].round(6).tolist(), round(float(table["effect"].sum()), 6)
        ([-0.01875, -0.03125], -0.05)
    """
    if segment in MIX_COLUMNS:
        raise AnalysisError(
            f"segment is '{segment}' in mix_rate_table, whose result has a column of that name.\n"
            "Rename the column of the segments."
        )
    old = _side(before, segment, weight, rate, name="before")
    new = _side(after, segment, weight, rate, name="after")
    names = pd.Index([*old.index, *(name for name in new.index if name not in old.index)])
    old, new = old.reindex(names), new.reindex(names)
    share_old, share_new = old["share"].fillna(0.0), new["share"].fillna(0.0)
    rate_old, rate_new = old["rate"].fillna(new["rate"]), new["rate"].fillna(old["rate"])
    whole = ((share_old * rate_old).sum() + (share_new * rate_new).sum()) / 2
    mix_effect = (share_new - share_old) * ((rate_old + rate_new) / 2 - whole)
    rate_effect = (share_old + share_new) / 2 * (rate_new - rate_old)
    table = pd.DataFrame(
        {
            "status": np.select([share_old == 0, share_new == 0], ["new", "gone"], "kept"),
            "share_before": share_old,
            "share_after": share_new,
            "rate_before": old["rate"],
            "rate_after": new["rate"],
            "mix_effect": mix_effect,
            "rate_effect": rate_effect,
            "effect": mix_effect + rate_effect,
        }
    )
    return table.rename_axis(segment).reset_index()


def _side(
    data: ir.Table | pd.DataFrame, segment: str, weight: str, rate: str, *, name: str
) -> pd.DataFrame:
    """Return ``share`` of the weight and ``rate`` of the segments that have weight, checked."""
    columns = [segment, weight, rate]
    check_columns(data if isinstance(data, pd.DataFrame) else as_table(data), columns, name)
    frame = data[columns] if isinstance(data, pd.DataFrame) else data.select(columns).to_pandas()
    found = pd.DataFrame(
        {
            "segment": frame[segment].astype(object).where(frame[segment].notna(), MISSING_SEGMENT),
            "weight": frame[weight].astype(float),
            "rate": frame[rate].astype(float),
        }
    )
    _check_rows(found, name)
    found = found[found["weight"] > 0].set_index("segment")
    if found.empty:
        raise AnalysisError(
            f"No segment has any weight in '{name}' of mix_rate_table.\n"
            "A rate over nothing is unknown: compare periods that both have data."
        )
    return found.assign(share=found["weight"] / found["weight"].sum())


def _check_rows(found: pd.DataFrame, name: str) -> None:
    """Raise on the first row that would make a wrong number."""
    weight, rate = found["weight"], found["rate"]
    faults = (
        (found["segment"].duplicated(), "occurs twice", "Sum its rows up, then divide."),
        (~(weight >= 0) | np.isinf(weight), "has no usable weight", "Give a number of 0 or more."),
        (
            (weight > 0) & ~np.isfinite(rate),
            "has weight and no rate",
            "Give its rate, or no weight.",
        ),
    )
    for rows, what, todo in faults:
        if rows.any():
            first = found.loc[rows, "segment"].iloc[0]
            raise AnalysisError(f"Segment '{first}' {what} in '{name}' of mix_rate_table.\n{todo}")
