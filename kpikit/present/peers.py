"""Own values beside those of peers: a table with a dot graph, and the message above it."""

from collections.abc import Mapping

import pandas as pd

from kpikit.formats import format_date, format_interval, format_value, is_missing, plural
from kpikit.present.components import Bullet, Cell, Column, Table, Tone
from kpikit.present.frames import Row, records

_POSITIONS: Mapping[str, tuple[str, Tone]] = {
    "best_quarter": ("best quarter", "good"),
    "better_half": ("better half", "good"),
    "worse_half": ("worse half", "bad"),
    "worst_quarter": ("worst quarter", "bad"),
    "better": ("better", "good"),
    "worse": ("worse", "bad"),
    "same": ("the same", "neutral"),
    "unknown": ("not known", "neutral"),
}
_AHEAD = ("best_quarter", "better_half", "better")
_COLUMNS = (
    Column("kpi", "KPI", width=1.8),
    Column("own", "Own", "number", emphasis=True),
    Column("peers", "Peers", "number"),
    Column("quartiles", "Middle half", "number", width=1.5),
    Column("graph", "Own against peers", "bullet", width=1.8),
    Column("position", "Position", width=1.3),
    Column("source", "Source", width=2.6),
    Column("date", "Published", width=1.2),
    Column("comparability", "Comparable as far as", width=2.2),
)


def peers_table(frame: pd.DataFrame, *, currency: str, subtitle: str) -> Table:
    """Return each benchmark beside the product's own value.

    The bar is the own value, the tick the peers', the band their middle half, on one scale from
    zero per row; it is left out where a value is below zero. A benchmark older than two years is
    marked.

    Args:
        frame: ``benchmark_table``.
        currency: ISO code, for money.
        subtitle: What and when.
    """
    rows = tuple(_row(row, currency) for row in records(frame))
    missing = [
        f"{row['label']} has no value: {row['reason']}."
        for row in records(frame)
        if is_missing(row["own"])
    ]
    return Table(_COLUMNS, rows, peers_title(frame), subtitle, tuple(missing))


def peers_title(frame: pd.DataFrame) -> str:
    """Return the message: ``2 of 3 benchmarks met or beaten``."""
    known = frame[frame["position"] != "unknown"]
    if known.empty:
        return "No KPI with a benchmark has a value"
    ahead = int(known["position"].isin(_AHEAD).sum())
    return f"{ahead} of {plural(len(known), 'benchmark')} met or beaten"


def _row(row: Row, currency: str) -> dict[str, str | Cell]:
    def text(key: str) -> str:
        return format_value(row[key], row["unit"], currency=currency, short=True)

    text_of_position, tone = _POSITIONS[row["position"]]
    return {
        "kpi": str(row["label"]),
        "own": text("own"),
        "peers": text("peers"),
        "quartiles": format_interval(row["low"], row["high"], row["unit"], currency=currency),
        "graph": Cell(text("own"), bullet=_graph(row, tone)),
        "position": Cell(text_of_position, tone),
        "source": str(row["source"]),
        "date": Cell(
            format_date(row["date"]), note="over two years old" if row["is_stale"] else ""
        ),
        "comparability": str(row["comparability"] or "not stated"),
    }


def _graph(row: Row, tone: Tone) -> Bullet | None:
    """Return the bullet graph of a row on a scale that holds all its values."""
    values = {key: row[key] for key in ("own", "peers", "low", "high")}
    known = [value for value in values.values() if not is_missing(value)]
    top = max(known)
    if is_missing(row["own"]) or min(known) < 0 or top <= 0:
        return None
    scaled = {k: None if is_missing(v) else float(v) / (1.1 * top) for k, v in values.items()}
    return Bullet(scaled["own"], scaled["peers"], scaled["low"], scaled["high"], tone)
