"""What the ledger tells on the command line: a KPI's publications, and how two runs differ."""

import math
from collections.abc import Sequence
from pathlib import Path

from kpikit.formats import MISSING, plural
from kpikit.ledger import Ledger, diff_table, history_table, read_ledger
from kpikit.publish.identity import LEDGER

Row = tuple[str, ...]


def open_ledger(output_dir: Path, *, product: str | None = None) -> Ledger:
    """Return the ledger of an output folder; an empty one where nothing was published."""
    return read_ledger(output_dir / LEDGER, product=product)


def history_rows(ledger: Ledger, metric: str) -> list[Row]:
    """Return the lines of ``kpikit history``: a head, then one per publication of the metric.

    Raises:
        UnknownNameError: The ledger holds no such metric.
    """
    head = ("PERIOD", "VALUE", "UNIT", "REVIEW", "PUBLISHED", "RUN", "REMARK")
    found = history_table(ledger, metric)
    return [
        head,
        *(
            (
                row["period"],
                exact(row["value"]),
                row["unit"],
                f"{row['report_period']} {row['template']}",
                f"{row['published_at']:%Y-%m-%d %H:%M}",
                row["run_id"],
                "restated" if row["restated"] else "" if row["complete"] else "unfinished",
            )
            for row in found.to_dict("records")
        ),
    ]


def diff_rows(ledger: Ledger, first: str, second: str) -> tuple[list[Row], str]:
    """Return the lines of ``kpikit diff``: a head, one per KPI that differs, and a summary.

    Raises:
        KpikitError: No run, or more than one, begins with an id.
    """
    table = diff_table(ledger, first, second)
    differ = table[table["state"] != "same"]
    head = ("METRIC", "PERIOD", "UNIT", first.upper(), second.upper(), "CHANGE")
    rows = [
        (
            row["metric"],
            row["period"],
            row["unit"],
            exact(row["first"]),
            exact(row["second"]),
            exact(row["delta_abs"], sign=True) if row["state"] == "changed" else row["state"],
        )
        for row in differ.to_dict("records")
    ]
    return [head, *rows], f"{len(differ)} of {plural(len(table), 'value')} differ."


def unreadable_note(ledger: Ledger) -> str:
    """Return a sentence on the parts that could not be read; empty where all could."""
    if not ledger.unreadable:
        return ""
    parts = plural(len(ledger.unreadable), "part")
    return f"{parts} of the ledger cannot be read: {', '.join(ledger.unreadable)}."


def exact(value: float, *, sign: bool = False) -> str:
    """Return a number with all the decimals that were published, at most six."""
    if math.isnan(value):
        return MISSING
    text = f"{value:+,.6f}" if sign else f"{value:,.6f}"
    return text.rstrip("0").rstrip(".")


def column_lines(rows: Sequence[Row]) -> list[str]:
    """Return rows as lines of text, their columns one below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
