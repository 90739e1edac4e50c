"""What a review asks its readers to decide, made by rule from what it shows."""

import itertools
from collections.abc import Mapping

import pandas as pd

from kpikit.analysis.scorecard import UNLIKELY
from kpikit.formats import is_missing, plural
from kpikit.present.frames import records
from kpikit.present.sentences import Basis, mid_sentence, outlook_clause, signal_clause


def decisions_asked(
    card: pd.DataFrame,
    concerns: pd.DataFrame,
    late: Mapping[str, int],
    basis: Basis,
    *,
    most: int = 3,
) -> tuple[str, ...]:
    """Return the decisions that the figures ask for, kinds in turn, the most important KPI first.

    An open target that is likely to be missed asks for more effort or another target, a signal of
    concern for an action, an action past its day for a word. A KPI asks once.

    Args:
        card: ``scorecard_table``; its order is the order of importance.
        concerns: Its rows with a signal of concern that no action answers.
        late: Open actions past their day, and by how many days.
        basis: What the numbers are compared with.
        most: Most decisions.
    """
    unlikely = [
        row for row in records(card) if not is_missing(row["p_hit"]) and row["p_hit"] < UNLIKELY
    ]
    asked = {row["metric"] for row in unlikely}
    targets = [
        f"Act on {mid_sentence(row['label'])}, or set another target: {outlook_clause(row, basis)}."
        for row in unlikely
    ]
    signals = [
        f"Name an action for {mid_sentence(row['label'])}: "
        f"{signal_clause(row).removeprefix('concern: ')}."
        for row in records(concerns)
        if row["metric"] not in asked
    ]
    overdue = [
        f"Settle what becomes of “{action}”: {plural(days, 'day')} late."
        for action, days in sorted(late.items(), key=lambda one: -one[1])
    ]
    turns = itertools.zip_longest(targets, signals, overdue)
    return tuple(text for turn in turns for text in turn if text)[:most]
