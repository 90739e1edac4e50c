"""Every publication of a metric, and how two runs differ."""

import math

import pandas as pd

from kpikit.errors import KpikitError, hint_names, unknown_name
from kpikit.ledger.reading import Ledger
from kpikit.ledger.rounding import is_same


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
        is_same(old, new) or (math.isnan(old + new))
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
            alike = is_same(old, new)
            state = "same" if alike or (math.isnan(old) and math.isnan(new)) else "changed"
        unit = (found[1] or found[0] or {}).get("unit", "")
        rows.append((*key, unit, old, new, new - old, state))
    columns = ["metric", "period", "unit", "first", "second", "delta_abs", "state"]
    return pd.DataFrame(rows, columns=columns)


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
