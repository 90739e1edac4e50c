"""The scorecard as a table and as tiles."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from kpikit.formats import (
    MISSING,
    format_chance,
    format_delta,
    format_delta_rel,
    format_interval,
    is_missing,
    plural,
)
from kpikit.present.components import Bullet, Cell, Column, Status, Table, Tile, Tiles, Tone
from kpikit.present.frames import Row, records
from kpikit.present.sentences import (
    Basis,
    Change,
    best_change,
    change_text,
    target_text,
    value_text,
)

if TYPE_CHECKING:
    from kpikit.catalogue import Metric

_PERSPECTIVES: Mapping[str, str] = {
    "financial": "Financial",
    "customer": "Customer",
    "process": "Process",
    "growth": "Growth",
}
_COLUMNS = (
    Column("kpi", "KPI", width=2.7),
    Column("actual", "Actual", "number", width=1.1, emphasis=True),
    Column("target", "Target", "number", width=0.9),
    Column("delta_target", "Δ target", "number", width=1.1),
    Column("yoy", "Δ year", "number", width=1.1),
    Column("qoq", "Δ period", "number", width=1.1),
    Column("bullet", "To target", "bullet", width=1.3),
    Column("spark", "periods", "spark", width=1.2),
    Column("variation", "Signal", width=1.3),
    Column("p_hit", "P(hit)", "number", width=0.9),
    Column("status", "Status", "status", width=1.3),
    Column("owner", "Owner", width=1.8),
    Column("data", "Data", "badge", width=1.1),
)
_TONES: Mapping[str, Tone] = {"better": "good", "worse": "bad"}
_TONES_OF_VARIATION: Mapping[str, Tone] = {"improvement": "good", "concern": "bad"}
_STATUS_TEXTS: Mapping[Status, str] = {
    "on_track": "on track",
    "at_risk": "at risk",
    "off_track": "off track",
    "no_data": "no data",
}
_ASSURANCE_TEXTS: Mapping[str, str] = {
    "reliably_hit": "hits reliably",
    "reliably_missed": "misses reliably",
    "hit_or_miss": "hits and misses",
}
_BULLET_SCALE = 1.08  # length of the scale, as a multiple of the greater of value and target


def scorecard_card(
    frame: pd.DataFrame,
    metrics: Mapping[str, "Metric"],
    basis: Basis,
    *,
    badges: Mapping[str, str] | None = None,
    title: str = "Scorecard",
) -> Table:
    """Return the scorecard: a group per perspective, a row per metric.

    A change that is not comparable is struck out, and the notes say why. The subtitle gives the
    days of each period. A column in which no row has anything to say is left out.

    Args:
        frame: ``scorecard_table``.
        metrics: Definition of each metric in it.
        basis: What the numbers are compared with.
        badges: Data-quality remark per metric.
        title: Title of the table.
    """
    listed = records(frame)
    rows: list[dict[str, str | Cell]] = []
    for perspective, heading in _PERSPECTIVES.items():
        own = [row for row in listed if metrics[row["metric"]].perspective == perspective]
        rows += [{"group": heading}] if own else []
        rows += [_line(row, metrics[row["metric"]], basis, badges or {}) for row in own]
    columns = _columns(listed, basis)
    headings = {column.key: column.label for column in columns}
    changes: tuple[Change, ...] = ("yoy", "qoq")
    notes = [
        note
        for change in changes
        if change in headings
        for note in _change_notes(listed, change, headings[change])
    ]
    has_target = not all(is_missing(row["target"]) for row in listed)
    if listed and not has_target:
        notes.append(f"No target is declared for {basis.period.label}.")
    return Table(
        columns=tuple(c for c in columns if any(row.get(c.key) for row in rows)),
        rows=tuple(rows),
        title=title,
        subtitle=_compared(basis, with_target=has_target),
        notes=tuple(notes),
    )


def scorecard_tiles(
    frame: pd.DataFrame, basis: Basis, *, badges: Mapping[str, str] | None = None, most: int = 5
) -> Tiles:
    """Return the first metrics of a scorecard that have a value, as tiles.

    Args:
        frame: ``scorecard_table``; its order is the order of importance.
        basis: What the numbers are compared with.
        badges: Data-quality remark per metric.
        most: Most tiles.
    """
    known = [row for row in records(frame) if not is_missing(row["actual"])]
    return Tiles(tuple(_tile(row, basis, badges or {}) for row in known[:most]))


def _columns(listed: Sequence[Row], basis: Basis) -> tuple[Column, ...]:
    """Return the columns as the period's grain calls them; a year has one period before it."""
    grain = basis.period.grain
    length = len(listed[0]["spark"]) if listed else 0
    labels = {"qoq": f"Δ {grain}", "spark": plural(length, grain)}
    columns = [dataclasses.replace(c, label=labels.get(c.key, c.label)) for c in _COLUMNS]
    return tuple(c for c in columns if c.key != "qoq" or basis.previous != basis.year_before)


def _compared(basis: Basis, *, with_target: bool) -> str:
    """Return which periods are compared, each with its days."""
    if basis.finished:
        period = f"{basis.period.label} ({plural(basis.period.days, 'day')})"
        bases = [
            f"{base.label} ({plural(base.days, 'day')})"
            for base in dict.fromkeys((basis.year_before, basis.previous))
        ]
    else:
        period = f"{basis.period.label}, {basis.passed},"
        bases = list(dict.fromkeys((basis.base_of("yoy"), basis.base_of("qoq"))))
    target = "its target, " if with_target else ""
    return f"{period} against {target}{' and '.join(bases)}"


def _tile(row: Row, basis: Basis, badges: Mapping[str, str]) -> Tile:
    change = best_change(row)
    difference = row[f"{change}_abs"] if change else 0.0
    spark = tuple(row["spark"])
    return Tile(
        label=row["label"],
        value=_text(row["actual"], row, basis),
        delta=change_text(row, change, basis.currency) if change else "",
        tone=_TONES.get(row[f"verdict_{change}"], "neutral") if change else "neutral",
        arrow="up" if difference > 0 else "down" if difference < 0 else "",
        spark=spark if _is_line(spark) else (),
        spark_target=None if is_missing(row["target"]) else float(row["target"]),
        footer=" · ".join(_tile_footer(row, change, basis)),
        badge=badges.get(row["metric"], ""),
    )


def _tile_footer(row: Row, change: Change | None, basis: Basis) -> list[str]:
    """Return what the change is counted from, how sure the value is, and the target."""
    parts = [f"on {basis.base_of(change)}"] if change else []
    if not is_missing(row["ci_low"]) and not is_missing(row["ci_high"]):
        parts.append(format_interval(row["ci_low"], row["ci_high"], row["unit"]))
    if is_missing(row["target"]):
        return [*parts, "no target"]
    return [*parts, f"target {target_text(row, basis)}", row["outcome"]]


def _is_line(spark: Sequence[float | None]) -> bool:
    """Tell whether a sparkline has two values to join."""
    return sum(value is not None for value in spark) > 1


def _line(
    row: Row, metric: "Metric", basis: Basis, badges: Mapping[str, str]
) -> dict[str, str | Cell]:
    has_target = not is_missing(row["target"])
    return {
        "kpi": Cell(row["label"], note="leading") if metric.leading else row["label"],
        "actual": _text(row["actual"], row, basis),
        "target": target_text(row, basis) if has_target else "",
        "delta_target": _target_cell(row, basis),
        "yoy": _change_cell(row, "yoy", basis),
        "qoq": _change_cell(row, "qoq", basis),
        "bullet": _bullet_cell(row, basis),
        "spark": _spark_cell(row, basis),
        "variation": _variation_cell(row),
        "p_hit": _chance_cell(row),
        "status": _status_cell(row),
        "owner": metric.owner,
        "data": badges.get(metric.name, ""),
    }


def _text(value: float, row: Row, basis: Basis) -> str:
    return value_text(value, row["unit"], basis.currency)


def _target_cell(row: Row, basis: Basis) -> str | Cell:
    """Return the distance from the target of a finished period, empty while it runs."""
    if row["outcome"] not in ("hit", "missed"):
        return ""
    relative = row["unit"] in ("money", "count") and not is_missing(row["delta_target_rel"])
    text = (
        format_delta_rel(row["delta_target_rel"])
        if relative
        else format_delta(row["delta_target"], row["unit"], currency=basis.currency)
    )
    return Cell(text, tone=_TONES.get(row["verdict_target"], "neutral"))


def _change_cell(row: Row, change: Change, basis: Basis) -> str | Cell:
    if is_missing(row[f"{change}_abs"]):
        return MISSING
    text = change_text(row, change, basis.currency)
    if not row[f"comparable_{change}"]:
        return Cell(text, struck=True)
    return Cell(text, tone=_TONES.get(row[f"verdict_{change}"], "neutral"))


def _bullet_cell(row: Row, basis: Basis) -> str | Cell:
    """Return a bar to the value and a tick at the target, where both can stand on one bar."""
    actual, target = row["actual"], row["target"]
    if is_missing(actual) or is_missing(target) or min(actual, target) < 0:
        return ""
    scale = _BULLET_SCALE * max(actual, target) or 1.0
    finished = row["outcome"] in ("hit", "missed")
    tone = _TONES.get(row["verdict_target"], "good") if finished else "neutral"
    text = f"{_text(actual, row, basis)} of {target_text(row, basis)}"
    return Cell(text, bullet=Bullet(actual / scale, target / scale, tone=tone))


def _spark_cell(row: Row, basis: Basis) -> str | Cell:
    known = [value for value in row["spark"] if value is not None]
    if not _is_line(known):
        return ""
    first, last = (_text(value, row, basis) for value in (known[0], known[-1]))
    return Cell(f"from {first} to {last}", spark=tuple(row["spark"]))


def _variation_cell(row: Row) -> str | Cell:
    """Return what the period's months say, and what the process does with the target."""
    note = _ASSURANCE_TEXTS.get(row["assurance"], "")
    if row["variation"] in ("", "no_data"):
        return ""
    if row.get("turned_from"):  # a quarter of both has the colour of neither
        before = "improvement" if row["variation"] == "concern" else "concern"
        return Cell(row["variation"], note=", ".join(filter(None, [f"after {before}", note])))
    tone = _TONES_OF_VARIATION.get(row["variation"], "neutral")
    return Cell(row["variation"], tone=tone, note=note)


def _chance_cell(row: Row) -> str | Cell:
    """Return the chance of the next open target, and of which period that is."""
    if is_missing(row["p_hit"]):
        return ""
    return Cell(format_chance(row["p_hit"]), note=str(row["aim_period"]))


def _status_cell(row: Row) -> str | Cell:
    """Return the status with what decided; without one, why there is none.

    The clause in full is the frame's: chance and signal stand in the columns beside.
    """
    reason = str(row["status_reason"])
    if row["status"]:
        decided = "by P(hit)" if not is_missing(row["p_hit"]) else row["outcome"]
        decided = "by signal" if row["status"] == "at_risk" and "concern" in reason else decided
        note = reason if row["status"] == "no_data" else decided
        return Cell(_STATUS_TEXTS[row["status"]], note=note, status=row["status"])
    return Cell("open", note=reason) if row["outcome"] == "open" else reason


def _change_notes(rows: Sequence[Row], change: Change, heading: str) -> list[str]:
    """Return a note per reason that makes a change incomparable."""
    found: dict[str, list[str]] = {}
    known = [row for row in rows if not is_missing(row["actual"])]
    for row in known:
        if not row[f"comparable_{change}"]:
            found.setdefault(str(row[f"reason_{change}"]), []).append(row["label"])
    notes = []
    for reason, labels in sorted(found.items()):
        whom = "" if len(labels) == len(known) else f" of {', '.join(labels)}"
        notes.append(f"{heading}{whom} is not comparable ({reason}).")
    return notes
