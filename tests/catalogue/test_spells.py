"""Subscription spells as queries read them, and runs of periods."""

import datetime as dt

import pandas as pd
import pytest

from kpikit.catalogue.spells import balances, chains, first_paid_day, paid_spells
from kpikit.errors import AnalysisError
from kpikit.periods import Calendar

CALENDAR = Calendar()


def spells_of(*rows):
    frame = pd.DataFrame(rows, columns=["user_id", "mrr", "start_time", "end_time"])
    return frame.assign(
        start_time=pd.to_datetime(frame["start_time"]), end_time=pd.to_datetime(frame["end_time"])
    )


def test_paid_spells_have_a_start_and_do_not_end_before_it():
    spells = spells_of(
        ("ada", 1, "2026-01-05", None), ("bob", 1, None, "2026-01-05"),
        ("cyd", 1, "2026-01-05", "2026-01-04"), ("dee", 1, "2026-01-05", "2026-01-05"),
    )  # fmt: skip

    users = paid_spells(spells).user_id.to_pandas()

    assert sorted(users) == ["ada", "dee"]


def test_numbers_as_users_become_text():
    assert paid_spells(spells_of((17, 1, "2026-01-05", None))).user_id.to_pandas().tolist() == [
        "17"
    ]


def test_a_missing_column_is_named():
    with pytest.raises(AnalysisError, match="Table subscriptions has no column 'mrr'"):
        paid_spells(spells_of().drop(columns="mrr"))


def test_the_first_paid_day_is_local():
    spells = paid_spells(spells_of(("ada", 1, "2026-01-31 23:30", None)))

    assert first_paid_day(spells, CALENDAR) == dt.date(2026, 1, 31)
    assert first_paid_day(spells, Calendar("Europe/Berlin")) == dt.date(2026, 2, 1)
    assert first_paid_day(paid_spells(spells_of()), CALENDAR) is None


def test_periods_that_follow_one_another_are_one_chain_per_grain():
    texts = ["2026-03", "2026-01", "2026-02", "2026Q1", "2026-05", "2026-01"]
    periods = [CALENDAR.parse(text) for text in texts]

    found = [[period.label for period in chain] for chain in chains(periods)]

    assert found == [["2026-01", "2026-02", "2026-03"], ["2026-05"], ["2026Q1"]]


def test_a_cut_period_does_not_break_the_whole_ones():
    whole, after = CALENDAR.parse("2026-01"), CALENDAR.parse("2026-02")
    cut, _ = CALENDAR.like_for_like(whole, whole, dt.date(2026, 1, 10))

    assert chains([after, whole, cut]) == [[cut], [whole, after]]


def test_balances_may_stop_at_a_day():
    spells = paid_spells(spells_of(("ada", 1, "2026-01-05", None), ("bob", 2, "2026-01-06", None)))
    chain = [CALENDAR.parse("2026-01")]

    (whole,) = balances(spells, chain, CALENDAR)
    (cut,) = balances(spells, chain, CALENDAR, as_of=dt.date(2026, 1, 5))

    assert (whole.mrr_end, cut.mrr_end) == (3, 1)
    assert (whole.gained, whole.lost) == (3, 0)
