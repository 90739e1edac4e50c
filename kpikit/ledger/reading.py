"""What was published: every KPI and every forecast of every sealed report, kept for good.

A sealed report leaves one immutable part in the ledger's folder: its ``kpis.json`` with the time at
which it was published. Parts are written by an atomic rename and never changed (see
``kpikit.publish.ledger``), so writers need no lock, and a killed one leaves nothing that is read.

Reviews compare themselves with earlier reviews alone, never with their own former runs: so a review
made again gives the same page.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

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
_NUMBERS = {
    "value", "n", "target", "definition", "mean", "low_80", "high_80", "low_95", "high_95", "naive",
    "p_hit", "expected",
}  # fmt: skip
PROMISE_COLUMNS = (*REPORT_COLUMNS, "key", "metric", "expected", "due", "definition")


@dataclass(frozen=True, eq=False)
class Ledger:
    """Rows of the ledger, in the order in which they were published.

    Attributes:
        kpis: One row per KPI value published: the columns ``KPI_COLUMNS``. ``definition`` is the
            version of the metric's definition, missing where the report did not say.
        forecasts: One row per forecast published: the columns ``FORECAST_COLUMNS``. ``period`` is
            the one that is forecast, ``naive`` the seasonal naive forecast of it, ``p_hit`` the
            chance that ``target`` is hit.
        promises: One row per effect that an open action was to have: the columns
            ``PROMISE_COLUMNS``. ``key`` is the action's, ``expected`` in the metric's unit.
        unreadable: Parts that could not be read, by their path in the folder.
    """

    kpis: pd.DataFrame
    forecasts: pd.DataFrame
    promises: pd.DataFrame = field(default_factory=lambda: _frame([], PROMISE_COLUMNS))
    unreadable: tuple[str, ...] = ()

    def before(self, period: Period, *, template: str, calendar: Calendar) -> "Ledger":
        """Return the last publication of each earlier review of the same template.

        Args:
            period: The period of the review that asks.
            template: Its template.
            calendar: The product's calendar, by which labels are read.
        """

        def earlier(rows: pd.DataFrame) -> pd.DataFrame:
            if rows.empty:
                return rows
            spans = {label: calendar.parse(label) for label in rows["report_period"].unique()}
            chosen = [
                name == template and spans[label].end <= period.start
                for name, label in zip(rows["template"], rows["report_period"], strict=True)
            ]
            found = _last_publications(rows[pd.Series(chosen, rows.index, dtype=bool)])
            starts = found["report_period"].map(lambda label: spans[label].start)
            order = starts.sort_values(kind="stable").index
            return found.loc[order].reset_index(drop=True)

        return replace(
            self,
            kpis=earlier(self.kpis),
            forecasts=earlier(self.forecasts),
            promises=earlier(self.promises),
        )


def read_ledger(folder: Path | None, *, product: str | None = None) -> Ledger:
    """Return what the ledger in ``folder`` holds; nothing where there is none.

    A part that cannot be read is left out and named in ``unreadable``.

    Args:
        folder: The ledger's folder, as ``KPIKIT_LEDGER`` names it; None outside of runs.
        product: Only this product's rows.
    """
    kinds = {"kpis": KPI_COLUMNS, "forecasts": FORECAST_COLUMNS, "promises": PROMISE_COLUMNS}
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    unreadable = []
    paths = folder.glob(f"{product or '*'}/*/*/*.json") if folder else ()
    for path in sorted(paths, key=lambda path: (path.name, path)):
        try:
            found = _rows(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            unreadable.append(path.relative_to(folder or path).as_posix())
            continue
        for kind, listed in found.items():
            rows[kind] += listed
    frames = {kind: _frame(rows[kind], columns) for kind, columns in kinds.items()}
    return Ledger(**frames, unreadable=tuple(unreadable))


def _rows(part: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a part by their kind: KPIs, forecasts and promises."""
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

    told = {
        "kpis": part["kpis"],
        **{kind: part.get(kind, ()) for kind in ("forecasts", "promises")},
    }
    return {kind: [full(row) for row in rows] for kind, rows in told.items()}


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    if not rows:  # as in most runs; inferring types of nothing costs as much as of a thousand
        types = {name: float if name in _NUMBERS else object for name in columns}
        return pd.DataFrame({name: np.array([], dtype=type_) for name, type_ in types.items()})
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.astype({name: float for name in columns if name in _NUMBERS})


def _last_publications(rows: pd.DataFrame) -> pd.DataFrame:
    """Return of each report the rows that it published last."""
    last = rows.groupby(["product", "template", "report_period"])["published_at"].transform("max")
    found: pd.DataFrame = rows[rows["published_at"] == last]
    return found
