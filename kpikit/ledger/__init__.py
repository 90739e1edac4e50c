"""What was published, as later reviews read it; ``kpikit.publish.ledger`` writes it."""

from kpikit.ledger.comparing import (
    definition_change,
    forecast_score_table,
    forecast_skill_table,
    restatement_table,
)
from kpikit.ledger.history import diff_table, history_table
from kpikit.ledger.reading import (
    FORECAST_COLUMNS,
    KPI_COLUMNS,
    PROMISE_COLUMNS,
    REPORT_COLUMNS,
    Ledger,
    read_ledger,
)

__all__ = [
    "FORECAST_COLUMNS",
    "KPI_COLUMNS",
    "PROMISE_COLUMNS",
    "REPORT_COLUMNS",
    "Ledger",
    "definition_change",
    "diff_table",
    "forecast_score_table",
    "forecast_skill_table",
    "history_table",
    "read_ledger",
    "restatement_table",
]
