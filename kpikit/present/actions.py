"""What was decided, how late it is and what it brought, beside concerns nobody acts on yet."""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from kpikit.formats import Unit, format_date, format_delta, is_missing, plural
from kpikit.present.components import Cell, Column, Table, Tone
from kpikit.present.frames import Row, day_of, records
from kpikit.present.sentences import signal_clause

if TYPE_CHECKING:
    from kpikit.catalogue import Metric

_OUTCOMES: Mapping[str, tuple[str, Tone]] = {
    "reached": ("reached", "good"),
    "partly": ("reached in part", "neutral"),
    "not_reached": ("not reached", "bad"),
    "opposite": ("went the other way", "bad"),
    "too_early": ("too early to measure", "neutral"),
    "no_data": ("no value to measure", "neutral"),
    "": ("", "neutral"),
}
_JUDGED = ("reached", "partly", "not_reached", "opposite")
_COLUMNS = (
    Column("trigger", "Trigger", width=2.8),
    Column("action", "Action", width=2.6, emphasis=True),
    Column("owner", "Owner", width=1.3),
    Column("due", "Due", width=1.1),
    Column("age", "Age", width=1.3),
    Column("expected", "Expected effect", width=2.3),
    Column("measured", "Measured effect", width=2.0),
    Column("status", "Status", width=0.8),
)


def actions_table(
    actions: pd.DataFrame,
    concerns: pd.DataFrame,
    metrics: Mapping[str, "Metric"],
    *,
    as_of: dt.date,
    currency: str = "",
) -> Table:
    """Return a row per action, then one per signal of concern that no action answers.

    Args:
        actions: ``sections.actions.promised_actions``.
        concerns: Rows of ``scorecard_table``.
        metrics: Definition of each metric of either.
        as_of: Last complete day, from which ages are counted.
        currency: ISO code, for money.
    """
    listed = records(actions)
    rows: list[Mapping[str, str | Cell]] = [
        _action(row, metrics, as_of, currency) for row in listed
    ]
    unanswered = [_concern(row, metrics) for row in records(concerns)]
    if unanswered:
        rows += [{"group": "Signals of concern without an action"}, *unanswered]
    columns = tuple(column for column in _COLUMNS if any(row.get(column.key) for row in rows))
    is_measured = any(not is_missing(row["measured"]) for row in listed)
    subtitle = (
        "Measured effect: the last whole month less the month before the due day, whatever else "
        "happened in between"
        if is_measured
        else ""
    )
    notes = [
        f"{row['action']}: not held against its promise of {row['promised_in']}, {row['reason']}."
        for row in listed
        if row["reason"]
    ]
    title = actions_title(actions, len(unanswered))
    return Table(columns, tuple(rows), title, subtitle, tuple(notes))


def actions_title(actions: pd.DataFrame, unanswered: int) -> str:
    """Return the message: how many actions are late or kept their promise, what has none.

    ``1 of 3 open actions is late; 1 of 2 promises was kept; 2 signals of concern have no action
    yet``

    Args:
        actions: ``analysis.actions.action_table``.
        unanswered: Number of signals of concern without an action.
    """
    is_open = actions["status"] == "open"
    count, late = int(is_open.sum()), int((actions["days_late"] > 0).sum())
    parts = [_late(count, late)]
    parts += _kept(actions.loc[actions["outcome"].isin(_JUDGED), "outcome"])
    if unanswered:
        verb = "has" if unanswered == 1 else "have"
        signals = plural(unanswered, "signal of concern", "signals of concern")
        parts.append(f"{signals} {verb} no action yet")
    return "; ".join(parts)


def _late(count: int, late: int) -> str:
    if not count:
        return "No action is open"
    if count == 1:
        return f"The open action is {'late' if late else 'in time'}"
    return f"{late or 'None'} of {count} open actions {'is' if late < 2 else 'are'} late"


def _kept(outcomes: pd.Series) -> list[str]:
    """Return how many of the promises that can be judged were kept; nothing without one."""
    count, kept = len(outcomes), int((outcomes == "reached").sum())
    if not count:
        return []
    if count == 1:
        return [f"the promise due was {'' if kept else 'not '}kept"]
    return [f"{kept or 'none'} of {count} promises due {'was' if kept == 1 else 'were'} kept"]


def _action(
    row: Row, metrics: Mapping[str, "Metric"], as_of: dt.date, currency: str
) -> dict[str, str | Cell]:
    metric = metrics.get(row["metric"])
    unit: Unit = metric.unit if metric else "number"
    label = metric.label if metric else ""
    return {
        "trigger": str(row["trigger"]),
        "action": str(row["action"]),
        "owner": str(row["owner"]),
        "due": _due(row),
        "age": _age(row, as_of),
        "expected": _expected(row, label, unit, currency),
        "measured": _measured(row, unit, currency),
        "status": str(row["status"]),
    }


def _due(row: Row) -> str | Cell:
    """Return the due day, and the one published where another was."""
    text = format_date(day_of(row["due"]))
    if not row["due_published"]:
        return text
    was = dt.date.fromisoformat(row["due_published"])
    return text if was == day_of(row["due"]) else Cell(text, note=f"was {format_date(was)}")


def _expected(row: Row, label: str, unit: Unit, currency: str) -> str | Cell:
    """Return what an action was to bring, as published if it was; a change of it in the note."""

    def effect(value: float) -> str:
        return f"{label} {format_delta(value, unit, currency=currency)}".strip()

    declared = label if is_missing(row["declared"]) else effect(row["declared"])
    if not row["promised_in"]:
        return declared
    if row["reason"]:
        return Cell(declared, note=f"in {row['promised_in']}: another promise")
    if row["published"] == row["declared"]:
        return Cell(declared, note=f"as in the review of {row['promised_in']}")
    now = "not declared" if is_missing(row["declared"]) else effect(row["declared"])
    published = effect(row["published"])
    return Cell(published, note=f"as in the review of {row['promised_in']}; now {now}")


def _age(row: Row, as_of: dt.date) -> str | Cell:
    """Return how late an open action is, or how long it still has."""
    if row["status"] != "open":
        return ""
    if row["days_late"]:
        return Cell(f"{plural(row['days_late'], 'day')} late", tone="bad")
    left = (day_of(row["due"]) - as_of).days
    return f"due in {plural(left, 'day')}" if left else "due today"


def _measured(row: Row, unit: Unit, currency: str) -> str | Cell:
    words, tone = _OUTCOMES[row["outcome"]]
    if is_missing(row["measured"]):
        return words
    change = format_delta(row["measured"], unit, currency=currency)
    span = f"{row['period_before']} to {row['period_after']}"
    return Cell(change, tone=tone, note=", ".join(filter(None, [words, span])))


def _concern(row: Row, metrics: Mapping[str, "Metric"]) -> dict[str, str | Cell]:
    return {
        "trigger": f"{row['label']}: {signal_clause(row).removeprefix('concern: ')}",
        "action": Cell("no action yet", tone="warning"),
        "owner": metrics[row["metric"]].owner,
    }
