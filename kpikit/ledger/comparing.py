"""What was published beside what is known now: restatements, and how forecasts fared."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pandas as pd

from kpikit.ledger.reading import Ledger
from kpikit.ledger.rounding import is_same

Cause = Literal["definition", "data", "kpikit"]


def restatement_table(
    earlier: Ledger,
    kpis: Iterable[Mapping[str, Any]],
    *,
    definitions: Mapping[str, int],
    data_hash: str,
) -> pd.DataFrame:
    """Return the KPIs that the last review to show them published with another value.

    Values are compared where the period was complete then and is now. A difference that six
    decimals cannot show is none; nor is a value where there was none.

    Args:
        earlier: The earlier reviews (``Ledger.before``).
        kpis: Rows of ``kpis.json`` of the review that asks.
        definitions: Metric to the version of its definition now.
        data_hash: Of the data now.

    Returns:
        One row per KPI and period restated, in the order of ``kpis``: ``metric``, ``period``,
        ``unit``, ``reported_in`` (period of that review), ``published`` and ``now`` (NaN where now
        missing), ``delta_abs``, ``delta_rel`` (NaN for a base of zero or less), ``n_published``
        and ``n_now`` (units counted), ``cause``: ``definition`` where its version changed,
        ``data`` where the data did, else ``kpikit``, and ``reason``: why the two values cannot be
        compared (``definition_change``), empty where they can.
    """
    last = earlier.kpis.drop_duplicates(["metric", "period"], keep="last")
    published = {(row["metric"], row["period"]): row for row in last.to_dict("records")}
    rows = []
    for kpi in kpis:
        then = published.get((kpi["metric"], kpi["period"]))
        if then is None or not (then["complete"] and kpi["complete"]):
            continue
        old, new = then["value"], _number(kpi["value"])
        if math.isnan(old) or is_same(old, new):
            continue
        rows.append(
            {
                "metric": kpi["metric"],
                "period": kpi["period"],
                "unit": kpi["unit"],
                "reported_in": then["report_period"],
                "published": old,
                "now": new,
                "delta_abs": new - old,
                "delta_rel": (new - old) / old if old > 0 else math.nan,
                "n_published": then["n"],
                "n_now": _number(kpi["n"]),
                "cause": _cause(then, definitions.get(kpi["metric"]), data_hash),
                "reason": definition_change(then["definition"], definitions.get(kpi["metric"])),
            }
        )
    columns = [
        "metric", "period", "unit", "reported_in", "published", "now", "delta_abs", "delta_rel",
        "n_published", "n_now", "cause", "reason",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def definition_change(then: float, now: int | None) -> str:
    """Return why what was published cannot be compared with what is now; empty where it can.

    Args:
        then: Version of the metric's definition that was published; NaN where none was.
        now: Its version now; None where that is not known.

    Example:
        >>> definition_change(1, 2)
        'definition version 1 then, 2 now'
    """
    if now is None or math.isnan(then) or then == now:
        return ""
    return f"definition version {then:.0f} then, {now} now"


def forecast_score_table(
    earlier: Ledger,
    kpis: Iterable[Mapping[str, Any]],
    *,
    definitions: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Return the forecasts of earlier reviews whose period has come, beside what came.

    Args:
        earlier: The earlier reviews (``Ledger.before``).
        kpis: Rows of ``kpis.json`` with the values that came; only complete ones count.
        definitions: Metric to the version of its definition now; None compares no versions.

    Returns:
        One row per forecast, in the order of publication: ``metric``, ``period``, ``reported_in``,
        ``mean``, ``low_80``, ``high_80``, ``low_95``, ``high_95``, ``actual``, ``error`` (actual -
        mean), ``inside_80`` and ``inside_95`` (None where the interval is missing or the two cannot
        be compared), ``naive``, ``error_naive`` (actual - naive), ``reason``: why they cannot be
        compared (``definition_change``), empty where they can.
    """
    came = {
        (row["metric"], row["period"]): _number(row["value"]) for row in kpis if row["complete"]
    }
    rows = []
    for row in earlier.forecasts.to_dict("records"):
        actual = came.get((row["metric"], row["period"]), math.nan)
        if math.isnan(actual):
            continue
        reason = definition_change(row["definition"], (definitions or {}).get(row["metric"]))
        ends = {
            level: None if reason else _inside(actual, row[f"low_{level}"], row[f"high_{level}"])
            for level in (80, 95)
        }
        rows.append(
            {
                **{name: row[name] for name in ("metric", "period")},
                "reported_in": row["report_period"],
                **{name: row[name] for name in ("mean", "low_80", "high_80", "low_95", "high_95")},
                "actual": actual,
                "error": actual - row["mean"],
                **{f"inside_{level}": found for level, found in ends.items()},
                "naive": row["naive"],
                "error_naive": actual - row["naive"],
                "reason": reason,
            }
        )
    columns = [
        "metric", "period", "reported_in", "mean", "low_80", "high_80", "low_95", "high_95",
        "actual", "error", "inside_80", "inside_95", "naive", "error_naive", "reason",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def forecast_skill_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return how far each KPI's forecasts beat the seasonal naive one.

    Args:
        scores: From ``forecast_score_table``. Forecasts without a naive one beside them, and those
            that cannot be compared with what came, are left out.

    Returns:
        One row per ``metric``, in the order of first appearance: ``n`` (forecasts), ``mae`` and
        ``mae_naive`` (mean absolute errors), ``skill`` = 1 - mae / mae_naive (1 is perfect, 0 no
        better than last year's value, NaN where the naive forecast was exact), ``inside_80`` (share
        of the forecasts with an interval).

    References:
        Murphy, A. H. (1988). Skill scores based on the mean square error and their relationships to
        the correlation coefficient. Monthly Weather Review 116, 2417-2424, here of the absolute
        error.
    """
    rows = []
    counted = scores[scores["naive"].notna() & (scores["reason"] == "")]
    for metric, found in counted.groupby("metric", sort=False):
        mae, naive = found["error"].abs().mean(), found["error_naive"].abs().mean()
        inside = found["inside_80"].dropna().astype(float)
        rows.append(
            {
                "metric": metric,
                "n": len(found),
                "mae": mae,
                "mae_naive": naive,
                "skill": 1 - mae / naive if naive > 0 else math.nan,
                "inside_80": inside.mean() if len(inside) else math.nan,
            }
        )
    columns = ["metric", "n", "mae", "mae_naive", "skill", "inside_80"]
    return pd.DataFrame(rows, columns=columns)


def _cause(then: Mapping[Any, Any], definition: int | None, data_hash: str) -> Cause:
    if definition_change(then["definition"], definition):
        return "definition"
    return "data" if then["data_hash"] != data_hash else "kpikit"


def _inside(value: float, low: float, high: float) -> bool | None:
    return None if math.isnan(low) or math.isnan(high) else low <= value <= high


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
