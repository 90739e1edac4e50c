"""Trials by the month in which they began: the message and the table."""

import math

import pandas as pd

from kpikit.formats import format_count, format_interval, format_share, plural
from kpikit.present.components import Cell, Column, Table
from kpikit.present.frames import Row, records


def trials_title(fact: Row, *, period: str) -> str:
    """Return the message of trials: how many of a period's matured ones became paid.

    ``28.1 % (24.0 to 32.6 %) of the 420 matured trials of 2026Q2 became paid``

    Args:
        fact: The fact of ``trial_to_paid_rate`` of the period; without a value where none of its
            trials is matured.
        period: Label of the period.
    """
    if math.isnan(fact["value"]):
        return f"No trial of {period} is matured yet"
    rate = format_share(fact["value"])
    interval = format_interval(fact["ci_low"], fact["ci_high"], "share")
    matured = plural(int(fact["n"]), "matured trial")
    return f"{rate} ({interval}) of the {matured} of {period} became paid"


def trials_table(months: pd.DataFrame, *, title: str, subtitle: str) -> Table:
    """Return how trials fared, by the month in which they began.

    Args:
        months: ``trial_table`` by month, with the month's name as ``period``. The first cell of a
            month that has trials still running says "so far".
        title: The message.
        subtitle: What, and when a trial counts.
    """
    columns = (
        Column("period", "Began", width=1.4),
        Column("trials", "Trials", "number", width=0.8),
        Column("matured", "Matured", "number", width=0.8),
        Column("converted", "Paid", "number", width=0.8),
        Column("rate", "Trial to paid", "number", width=1.1, emphasis=True),
        Column("interval", "95 % interval", "number", width=1.4),
    )
    rows = tuple(
        {
            "period": row["period"] if row["complete"] else Cell(row["period"], note="so far"),
            "trials": format_count(row["trials"]),
            "matured": format_count(row["matured"]),
            "converted": format_count(row["converted"]),
            "rate": format_share(row["trial_to_paid_rate"]),
            "interval": format_interval(row["ci_low"], row["ci_high"], "share"),
        }
        for row in records(months)
    )
    return Table(columns, rows, title, subtitle, compact=True)
