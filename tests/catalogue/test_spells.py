"""Subscription spells as queries read them, and runs of periods."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from kpikit.catalogue import spells as module
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


def test_chains_are_followed_each_on_its_own_in_one_query():
    spells = paid_spells(
        spells_of(("ada", 10, "2026-01-20", "2026-02-10"), ("ada", 4, "2026-03-05", None))
    )
    months = [CALENDAR.parse(text) for text in ("2026-01", "2026-02", "2026-03")]
    late, quarter = CALENDAR.parse("2026-05"), CALENDAR.parse("2026Q1")

    found = balances(spells, [*months, late, quarter], CALENDAR)

    assert [balance.period for balance in found] == [*months, late, quarter]
    starts_and_ends = [(balance.mrr_start, balance.mrr_end) for balance in found]
    assert starts_and_ends == [(0, 10), (10, 0), (0, 4), (4, 4), (0, 4)]
    # ada returns within March, yet over the quarter is new; in May nothing moves
    assert [balance.moved["reactivation"] for balance in found] == [0, 0, 4, 0, 0]
    assert [balance.moved["new"] for balance in found] == [10, 0, 0, 0, 4]


def test_balances_of_periods_after_the_last_day_hold_what_came_before_it():
    spells = paid_spells(spells_of(("ada", 1, "2026-01-05", None), ("bob", 2, "2026-01-06", None)))

    (balance,) = balances(spells, [CALENDAR.parse("2026-03")], CALENDAR, as_of=dt.date(2026, 1, 5))

    assert (balance.mrr_start, balance.gained, balance.mrr_end) == (1, 0, 1)
    assert balances(spells, [], CALENDAR) == []


def test_columns_are_kept_where_they_are_asked_for_and_there():
    spells = spells_of(("ada", 1, "2026-01-05", None)).assign(plan="basic", seats=3)

    found = paid_spells(spells, "plan", "country")

    assert set(found.columns) == {"user_id", "mrr", "start_time", "end_time", "plan"}


@pytest.mark.parametrize(
    "dialect", ["bigquery", "clickhouse", "postgres", "pyspark", "snowflake", "trino"]
)
def test_movements_can_be_asked_of_other_engines(dialect):
    kinds = {"user_id": "string", "mrr": "decimal(18, 6)", "plan": "string", "country": "string"}
    table = ibis.table({**kinds, "start_time": "timestamp", "end_time": "timestamp"}, name="spells")
    runs = chains([CALENDAR.parse("2026-01"), CALENDAR.parse("2026Q1")])

    changes = module._changes(
        paid_spells(table, "plan", "country"), runs, CALENDAR, None, ["plan", "country"]
    )
    parts = ["chain", "dimension", "segment"]
    query = ibis.to_sql(module._movements(changes, parts), dialect=dialect)

    assert "OVER" in query
