"""A review asks for decisions by rule, the most important KPI first, each kind in turn."""

import datetime as dt

import pandas as pd

from kpikit.periods import Calendar
from kpikit.present.decisions import decisions_asked
from kpikit.present.sentences import Basis

CALENDAR = Calendar()
BASIS = Basis(
    *(CALENDAR.parse(label) for label in ("2026Q3", "2026Q2", "2025Q3")),
    dt.date(2026, 9, 30),
    "USD",
)


def row(metric, label, p_hit=float("nan"), **more):
    return {
        "metric": metric, "label": label, "unit": "money", "direction": "up", "p_hit": p_hit,
        "aim": 76_000.0, "aim_period": "2026Q4", "variation": "routine", "rule": "", "side": "",
        "signal_period": "", **more,
    }  # fmt: skip


CONCERN = {
    "variation": "concern", "rule": "beyond_limit", "side": "above", "signal_period": "2026-08",
}  # fmt: skip


def test_kinds_take_turns_and_the_latest_action_comes_first():
    card = pd.DataFrame([row("mrr", "MRR", 0.32), row("orders", "Orders", 0.33)])
    concerns = pd.DataFrame([row("refunds", "Refunds", **CONCERN)])

    found = decisions_asked(card, concerns, {"Call them": 1, "Write to them": 12}, BASIS, most=4)

    assert found == (
        "Act on MRR, or set another target: it is likely to miss $76 k in 2026Q4 (P 32 %).",
        "Name an action for refunds: above routine in 2026-08 (beyond a limit).",
        "Settle what becomes of “Write to them”: 12 days late.",
        "Settle what becomes of “Call them”: 1 day late.",
    )


def test_a_kpi_asks_once_and_no_more_is_asked_than_fits():
    both = pd.DataFrame([row("mrr", "MRR", 0.1, **CONCERN), row("arpa", "ARPA", 0.2)])

    found = decisions_asked(both, both.head(1), {}, BASIS, most=1)

    assert found == (
        "Act on MRR, or set another target: it will very likely miss $76 k in 2026Q4 (P 10 %).",
    )


def test_where_all_is_well_nothing_is_asked():
    card = pd.DataFrame([row("mrr", "MRR", 0.9), row("orders", "Orders")])

    assert decisions_asked(card, card.head(0), {}, BASIS) == ()
