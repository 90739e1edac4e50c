"""Frames as tables: any frame by a list of columns, and the tables that every review has."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from kpikit.formats import (
    MISSING,
    Unit,
    format_bytes,
    format_count,
    format_date,
    format_delta_rel,
    format_interval,
    format_money,
    format_part,
    format_share,
    format_value,
    is_missing,
)
from kpikit.periods import Grain
from kpikit.present.components import Cell, Column, Table, Tone
from kpikit.present.frames import Row, age_names, cohort_name, cohort_rates, day_of, records
from kpikit.present.scorecards import scorecard_card, scorecard_tiles
from kpikit.present.voice import change_text

if TYPE_CHECKING:
    from kpikit.catalogue import Metric
    from kpikit.sources import Finding, Input

__all__ = [
    "Show",
    "cohorts_table",
    "findings_table",
    "frame_table",
    "glossary_table",
    "inputs_table",
    "nps_waves_table",
    "scorecard_card",
    "scorecard_tiles",
]

_HASH_LENGTH = 12  # hex digits of a hash that a page shows
_SEVERITY_TONES: Mapping[str, Tone] = {"error": "bad", "warning": "warning"}


@dataclass(frozen=True)
class Show:
    """How a column of a frame is shown.

    Attributes:
        key: The column.
        label: Its heading.
        unit: What its numbers count, or that it holds text, days or relative changes.
        emphasis: Whether it is bold.
        width: Relative width; None: by content.
        whole: Whether money has no cents, however little it is.
    """

    key: str
    label: str
    unit: Unit | Literal["text", "day", "change"] = "text"
    emphasis: bool = False
    width: float | None = None
    whole: bool = False

    def column(self) -> Column:
        """Return the heading: texts align left, numbers right."""
        kind: Literal["text", "number"] = "text" if self.unit in ("text", "day") else "number"
        return Column(self.key, self.label, kind, self.width, self.emphasis)

    def text(self, value: Any, currency: str) -> str:
        """Return a cell's text; a missing value is a dash."""
        if value is None or pd.isna(value):
            return MISSING
        if self.unit == "text":
            return str(value)
        if self.unit == "day":
            return format_date(day_of(value))
        if self.unit == "change":
            return format_delta_rel(value)
        if self.whole and self.unit == "money":
            return format_money(value, currency, whole=True)
        return format_value(value, self.unit, currency=currency)


def frame_table(
    frame: pd.DataFrame,
    columns: Sequence[Show],
    *,
    currency: str = "",
    title: str = "",
    subtitle: str = "",
    notes: Sequence[str] = (),
    compact: bool = False,
) -> Table:
    """Return a frame as a table.

    Args:
        frame: One row per row of the table. Where it has ``complete``, the first cell of a row
            that is not complete says "so far".
        columns: What is shown, in order.
        currency: ISO code, for money.
        title: Title of the table.
        subtitle: What, unit and period.
        notes: Remarks below.
        compact: Whether the type is small, as in an appendix.
    """
    rows = []
    for row in records(frame):
        cells: dict[str, str | Cell] = {c.key: c.text(row[c.key], currency) for c in columns}
        if not row.get("complete", True):
            cells[columns[0].key] = Cell(str(cells[columns[0].key]), note="so far")
        rows.append(cells)
    heads = tuple(column.column() for column in columns)
    return Table(heads, tuple(rows), title, subtitle, tuple(notes), compact)


def nps_waves_table(
    frame: pd.DataFrame, *, title: str = "", subtitle: str = "", notes: Sequence[str] = ()
) -> Table:
    """Return the Net Promoter Score of each period with what it rests on.

    Args:
        frame: ``nps_table``; a score of too few answers (``suppressed``) is not shown. With the
            columns of ``score_change_table`` each score stands beside its change; where ``reason``
            says why two scores do not compare, it is struck out, and the notes say why.
        title: Title of the table.
        subtitle: What, unit and period.
        notes: Remarks below.
    """
    columns = (
        Column("period", "Period"),
        Column("n", "Answers", "number"),
        Column("promoters", "Promoters", "number"),
        Column("passives", "Passives", "number"),
        Column("detractors", "Detractors", "number"),
        Column("nps", "NPS", "number", emphasis=True),
        Column("interval", "95 % interval", "number"),
        *([Column("change", "Change (95 %)", "number")] if "change" in frame else []),
    )
    rows = records(frame)
    struck = [
        f"Change of {row['period']} is not comparable ({row['reason']})."
        for row in rows
        if row.get("reason") and not is_missing(row["change"])
    ]
    return Table(columns, tuple(map(_nps_row, rows)), title, subtitle, (*struck, *notes))


def cohorts_table(
    table: pd.DataFrame, *, grain: Grain, most: int = 12, title: str = "", subtitle: str = ""
) -> Table:
    """Return the cohort triangle as a table: a row per cohort, a shaded cell per age.

    Args:
        table: ``retention_table``; a cell without a row is not complete yet and holds a dot.
        grain: Length of a period.
        most: How many of the latest cohorts to show.
        title: Title of the table.
        subtitle: What, unit and period.
    """
    rates = cohort_rates(table).tail(most)
    sizes = table.groupby("cohort")["cohort_size"].first()
    shares = rates.to_numpy(dtype=float)
    top = float(np.nanmax(shares)) if np.isfinite(shares).any() else 0.0
    names = age_names(rates, grain)
    rows: list[dict[str, str | Cell]] = [
        {
            "cohort": cohort_name(cohort, grain),
            "users": format_count(sizes[cohort]),
            **{
                name: Cell("·")
                if is_missing(rate)
                else Cell(format_share(rate, digits=0), shade=rate / top if top else 0.0)
                for name, rate in zip(names, line, strict=True)
            },
        }
        for cohort, line in zip(rates.index, shares, strict=True)
    ]
    columns = (
        Column("cohort", "Cohort"),
        Column("users", "Users", "number"),
        *(Column(name, name, "number") for name in names),
    )
    return Table(columns, tuple(rows), title, subtitle)


def findings_table(findings: Iterable["Finding"], *, title: str = "") -> Table:
    """Return what the data checks found, in the order given.

    Args:
        findings: Findings of ``Dataset.findings``.
        title: Title of the table.
    """
    columns = (
        Column("table", "Table", width=1.0),
        Column("column", "Column", width=1.0),
        Column("severity", "Severity", "badge", width=0.9),
        Column("message", "What was found", width=4.2),
        Column("rows", "Rows", "number", width=0.8),
        Column("share", "Share", "number", width=0.7),
        Column("examples", "Examples", width=2.2),
    )
    rows = [
        {
            "table": found.table,
            "column": found.column or MISSING,
            "severity": Cell(found.severity, tone=_SEVERITY_TONES.get(found.severity, "neutral")),
            "message": Cell(found.message, note=f"Accepted: {found.reason}")
            if found.reason
            else found.message,
            "rows": format_count(found.rows),
            "share": format_part(found.share) if found.rows else MISSING,
            "examples": ", ".join(found.examples) or MISSING,
        }
        for found in findings
    ]
    return Table(columns, tuple(rows), title, compact=True)


def inputs_table(inputs: Iterable["Input"], *, title: str = "") -> Table:
    """Return the files and database tables that were read.

    Args:
        inputs: Inputs of ``Dataset.inputs``.
        title: Title of the table.
    """
    columns = (
        Column("table", "Table", width=1.0),
        Column("source", "Read from", width=2.4),
        Column("rows", "Rows", "number", width=1.0),
        Column("size", "Size", "number", width=0.8),
        Column("first", "First row", width=1.1),
        Column("last", "Last row", width=1.1),
        Column("hash", "SHA-256", width=1.2),
    )
    rows = [
        {
            "table": item.table,
            "source": item.source,
            "rows": format_count(item.rows),
            "size": MISSING if item.size_bytes is None else format_bytes(item.size_bytes),
            "first": _day_text(item.first),
            "last": _day_text(item.last),
            "hash": item.content_hash[:_HASH_LENGTH],
        }
        for item in inputs
    ]
    return Table(columns, tuple(rows), title, compact=True)


def glossary_table(metrics: Iterable["Metric"], *, title: str = "") -> Table:
    """Return the definition of each metric, in the order given.

    Args:
        metrics: The metrics that the report shows.
        title: Title of the table.
    """
    columns = (
        Column("label", "KPI", width=1.6),
        Column("question", "Question", width=2.4),
        Column("formula", "Definition", width=4.0),
        Column("table", "Table", width=1.0),
        Column("source", "Defined by", width=1.2),
        Column("owner", "Owner", width=1.0),
        Column("version", "Version", "number", width=0.6),
    )
    rows: list[dict[str, str | Cell]] = [
        {
            "label": Cell(metric.label, note=metric.name),
            "question": metric.question,
            "formula": metric.formula or MISSING,
            "table": metric.table,
            "source": metric.source or MISSING,
            "owner": metric.owner or MISSING,
            "version": str(metric.version),
        }
        for metric in metrics
    ]
    return Table(columns, tuple(rows), title, compact=True)


def _nps_row(row: Row) -> dict[str, str | Cell]:
    period = str(row["period"])
    few = bool(row.get("suppressed", False))
    note = "too few answers" if few and row["n"] else ""
    return {
        "period": period if row.get("complete", True) else Cell(period, note="so far"),
        **{key: format_count(row[key]) for key in ("n", "promoters", "passives", "detractors")},
        "nps": Cell(MISSING, note=note) if few else format_value(row["nps"], "points"),
        "interval": MISSING if few else format_interval(row["ci_low"], row["ci_high"], "points"),
        **({"change": _nps_change(row)} if "change" in row else {}),
    }


def _nps_change(row: Row) -> str | Cell:
    text = change_text(row)
    return Cell(text, struck=True) if row.get("reason") and text != MISSING else text


def _day_text(time: dt.datetime | None) -> str:
    return MISSING if time is None else format_date(time.date())
