"""What was published: every KPI and every forecast of every sealed report, kept for good.

A sealed report leaves one immutable part in the ledger's folder: its ``kpis.json`` with the time at
which it was published. Parts are written by an atomic rename and never changed (see
``kpikit.publish.ledger``), so writers need no lock, and a killed one leaves nothing that is read.

Reviews compare themselves with earlier reviews alone, never with their own former runs: so a review
made again gives the same page.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kpikit.errors import KpikitError, hint_names, unknown_name
from kpikit.periods import Calendar, Period

REPORT_COLUMNS = (
    "product", "template", "report_period", "published_at", "run_id", "as_of", "data_hash",
)  # fmt: skip
KPI_COLUMNS = (
    *REPORT_COLUMNS, "metric", "period", "value", "unit", "n", "complete", "target", "definition",
)  # fmt: skip
FORECAST_COLUMNS = (
    *REPORT_COLUMNS, "metric", "period", "mean", "low_80", "high_80", "low_95", "high_95", "naive",
    "target", "p_hit", "definition",
)  # fmt: skip
Cause = Literal["definition", "data", "kpikit"]

_ROUNDING = 1.5e-6  # kpis.json holds six decimals


@dataclass(frozen=True, eq=False)
class Ledger:
    """Rows of the ledger, in the order in which they were published.

    Attributes:
        kpis: One row per KPI value published: the columns ``KPI_COLUMNS``. ``definition`` is the
            version of the metric's definition, missing where the report did not say.
        forecasts: One row per forecast published: the columns ``FORECAST_COLUMNS``. ``period`` is
            the one that is forecast, ``naive`` the seasonal naive forecast of it, ``p_hit`` the
            chance that ``target`` is hit.
        unreadable: Parts that could not be read, by their path in the folder.
    """

    kpis: pd.DataFrame
    forecasts: pd.DataFrame
    unreadable: tuple[str, ...] = ()

    def before(self, period: Period, *, template: str, calendar: Calendar) -> "Ledger":
        """Return the last publication of each earlier review of the same template.

        Args:
            period: The period of the review that asks.
            template: Its template.
            calendar: The product's calendar, by which labels are read.
        """

        def earlier(rows: pd.DataFrame) -> pd.DataFrame:
            spans = {label: calendar.parse(label) for label in rows["report_period"].unique()}
            chosen = [
                name == template and spans[label].end <= period.start
                for name, label in zip(rows["template"], rows["report_period"], strict=True)
            ]
            found = _last_publications(rows[pd.Series(chosen, rows.index, dtype=bool)])
            starts = found["report_period"].map(lambda label: spans[label].start)
            order = starts.sort_values(kind="stable").index
            return found.loc[order].reset_index(drop=True)

        return replace(self, kpis=earlier(self.kpis), forecasts=earlier(self.forecasts))


def read_ledger(folder: Path | None, *, product: str | None = None) -> Ledger:
    """Return what the ledger in ``folder`` holds; nothing where there is none.

    A part that cannot be read is left out and named in ``unreadable``.

    Args:
        folder: The ledger's folder, as ``KPIKIT_LEDGER`` names it; None outside of runs.
        product: Only this product's rows.
    """
    kpis: list[dict[str, Any]] = []
    forecasts: list[dict[str, Any]] = []
    unreadable = []
    paths = folder.glob(f"{product or '*'}/*/*/*.json") if folder else ()
    for path in sorted(paths, key=lambda path: (path.name, path)):
        try:
            found = _rows(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            unreadable.append(path.relative_to(folder or path).as_posix())
            continue
        kpis += found[0]
        forecasts += found[1]
    return Ledger(_frame(kpis, KPI_COLUMNS), _frame(forecasts, FORECAST_COLUMNS), tuple(unreadable))


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
        ``data`` where the data did, else ``kpikit``.
    """
    last = earlier.kpis.drop_duplicates(["metric", "period"], keep="last")
    published = {(row["metric"], row["period"]): row for row in last.to_dict("records")}
    rows = []
    for kpi in kpis:
        then = published.get((kpi["metric"], kpi["period"]))
        if then is None or not (then["complete"] and kpi["complete"]):
            continue
        old, new = then["value"], _number(kpi["value"])
        if math.isnan(old) or math.isclose(old, new, rel_tol=1e-9, abs_tol=_ROUNDING):
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
            }
        )
    columns = [
        "metric", "period", "unit", "reported_in", "published", "now", "delta_abs", "delta_rel",
        "n_published", "n_now", "cause",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def forecast_score_table(earlier: Ledger, kpis: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the forecasts of earlier reviews whose period has come, beside what came.

    Args:
        earlier: The earlier reviews (``Ledger.before``).
        kpis: Rows of ``kpis.json`` with the values that came; only complete ones count.

    Returns:
        One row per forecast, in the order of publication: ``metric``, ``period``, ``reported_in``,
        ``mean``, ``low_80``, ``high_80``, ``low_95``, ``high_95``, ``actual``, ``error`` (actual -
        mean), ``inside_80`` and ``inside_95`` (None where the interval is missing), ``naive``,
        ``error_naive`` (actual - naive).
    """
    came = {
        (row["metric"], row["period"]): _number(row["value"]) for row in kpis if row["complete"]
    }
    rows = []
    for row in earlier.forecasts.to_dict("records"):
        actual = came.get((row["metric"], row["period"]), math.nan)
        if math.isnan(actual):
            continue
        rows.append(
            {
                **{name: row[name] for name in ("metric", "period")},
                "reported_in": row["report_period"],
                **{name: row[name] for name in ("mean", "low_80", "high_80", "low_95", "high_95")},
                "actual": actual,
                "error": actual - row["mean"],
                "inside_80": _inside(actual, row["low_80"], row["high_80"]),
                "inside_95": _inside(actual, row["low_95"], row["high_95"]),
                "naive": row["naive"],
                "error_naive": actual - row["naive"],
            }
        )
    columns = [
        "metric", "period", "reported_in", "mean", "low_80", "high_80", "low_95", "high_95",
        "actual", "error", "inside_80", "inside_95", "naive", "error_naive",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def forecast_skill_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return how far each KPI's forecasts beat the seasonal naive one.

    Args:
        scores: From ``forecast_score_table``. Forecasts without a naive one beside them are left
            out.

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
    for metric, found in scores[scores["naive"].notna()].groupby("metric", sort=False):
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


def history_table(ledger: Ledger, metric: str) -> pd.DataFrame:
    """Return every publication of a metric, by period and then by time.

    Args:
        ledger: Of one product.
        metric: Its name.

    Returns:
        ``period``, ``published_at``, ``report_period``, ``template``, ``run_id``, ``value``,
        ``unit``, ``n``, ``complete``, ``definition`` and ``restated``: whether the period was
        complete in the publication before, and its value another.

    Raises:
        UnknownNameError: The ledger holds no such metric.
    """
    if metric not in set(ledger.kpis["metric"]):
        raise unknown_name("metric", metric, "the ledger", ledger.kpis["metric"].unique())
    rows = ledger.kpis[ledger.kpis["metric"] == metric].sort_values("period", kind="stable")
    before = rows.groupby("period")[["value", "complete"]].shift()
    same = [
        math.isclose(old, new, rel_tol=1e-9, abs_tol=_ROUNDING) or (math.isnan(old + new))
        for old, new in zip(before["value"], rows["value"], strict=True)
    ]
    restated = before["complete"].eq(True) & ~pd.Series(same, index=rows.index)
    columns = [
        "period", "published_at", "report_period", "template", "run_id", "value", "unit", "n",
        "complete", "definition",
    ]  # fmt: skip
    return rows[columns].assign(restated=restated).reset_index(drop=True)


def diff_table(ledger: Ledger, first: str, second: str) -> pd.DataFrame:
    """Return how the KPIs of two runs differ.

    Args:
        ledger: The ledger.
        first: Run id, or its beginning.
        second: The same, of the run that it is compared with.

    Returns:
        One row per KPI and period of either run: ``metric``, ``period``, ``unit``, ``first``,
        ``second`` (values), ``delta_abs`` and ``state``: ``same``, ``changed``, ``only_first`` or
        ``only_second``.

    Raises:
        KpikitError: No run, or more than one, begins with an id.
    """
    sides = [_run_rows(ledger, run).set_index(["metric", "period"]) for run in (first, second)]
    keys = list(dict.fromkeys([*sides[0].index, *sides[1].index]))
    rows = []
    for key in keys:
        found = [side.loc[key].to_dict() if key in side.index else None for side in sides]
        old, new = (one["value"] if one else math.nan for one in found)
        if found[0] is None or found[1] is None:
            state = "only_second" if found[0] is None else "only_first"
        else:
            alike = math.isclose(old, new, rel_tol=1e-9, abs_tol=_ROUNDING)
            state = "same" if alike or (math.isnan(old) and math.isnan(new)) else "changed"
        unit = (found[1] or found[0] or {}).get("unit", "")
        rows.append((*key, unit, old, new, new - old, state))
    columns = ["metric", "period", "unit", "first", "second", "delta_abs", "state"]
    return pd.DataFrame(rows, columns=columns)


def _rows(part: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the KPI and the forecast rows of a part."""
    head = {
        "product": part["product"],
        "template": part["template"],
        "report_period": part["period"],
        "published_at": pd.Timestamp(part["published_at"]),
        **{name: part[name] for name in ("run_id", "as_of", "data_hash")},
    }
    versions = part.get("definitions", {})

    def full(row: Mapping[str, Any]) -> dict[str, Any]:
        return {**row, **head, "definition": versions.get(row["metric"])}

    kpis = [full(row) for row in part["kpis"]]
    return kpis, [full(row) for row in part.get("forecasts", ())]


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    numbers = {
        "value", "n", "target", "definition", "mean", "low_80", "high_80", "low_95", "high_95",
        "naive", "p_hit",
    }  # fmt: skip
    return frame.astype({name: float for name in columns if name in numbers})


def _last_publications(rows: pd.DataFrame) -> pd.DataFrame:
    """Return of each report the rows that it published last."""
    last = rows.groupby(["product", "template", "report_period"])["published_at"].transform("max")
    found: pd.DataFrame = rows[rows["published_at"] == last]
    return found


def _run_rows(ledger: Ledger, run: str) -> pd.DataFrame:
    ids = sorted({found for found in ledger.kpis["run_id"] if found.startswith(run)})
    if len(ids) != 1:
        every = ledger.kpis["run_id"].unique()
        what = f"{len(ids)} runs begin" if ids else "No run begins"
        raise KpikitError(
            f"{what} with '{run}' in the ledger.\n{hint_names(run, ids or every, label='Runs')}"
        )
    rows: pd.DataFrame = ledger.kpis[ledger.kpis["run_id"] == ids[0]]
    return rows.drop_duplicates(["metric", "period"], keep="last")


def _cause(then: Mapping[Any, Any], definition: int | None, data_hash: str) -> Cause:
    version = then["definition"]
    if definition is not None and not math.isnan(version) and version != definition:
        return "definition"
    return "data" if then["data_hash"] != data_hash else "kpikit"


def _inside(value: float, low: float, high: float) -> bool | None:
    return None if math.isnan(low) or math.isnan(high) else low <= value <= high


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
