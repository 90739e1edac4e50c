"""Actions grow old, and what they brought is measured."""

import datetime as dt
import math

import pytest

from kpikit.analysis.actions import action_table
from kpikit.catalogue import fact, make_facts
from kpikit.params.model import Action
from kpikit.periods import Calendar

CALENDAR = Calendar()
AS_OF = dt.date(2026, 9, 30)
DUE = dt.date(2026, 7, 15)


def facts_of(**months):
    return make_facts(
        [fact("nps", CALENDAR.parse(f"2026-{name[1:]}"), as_of=AS_OF, value=value)
         for name, value in months.items()]
        + [fact("nps", CALENDAR.parse("2026-09"), as_of=AS_OF, value=99, dimension="plan",
                segment="x")]
    )  # fmt: skip


def action(**fields):
    return Action(**{"key": "a", "action": "Call", "due": DUE, "metric": "nps", "status": "done",
                     "expected_effect": 4} | fields)  # fmt: skip


def row_of(one, facts=None, as_of=AS_OF):
    found = facts_of(m06=30, m09=33) if facts is None else facts
    return action_table([one], found, calendar=CALENDAR, as_of=as_of).iloc[0]


def test_the_month_before_the_due_one_is_held_against_the_last_whole_one():
    row = row_of(action())

    assert row[["period_before", "before", "period_after", "after"]].tolist() == [
        "2026-06", 30, "2026-09", 33,
    ]  # fmt: skip
    assert (row["measured"], row["share"], row["outcome"]) == (3, 0.75, "partly")


@pytest.mark.parametrize(
    ("after", "expected", "outcome"),
    [(34, 4, "reached"), (40, 4, "reached"), (31, 4, "not_reached"), (30, 4, "not_reached"),
     (29, 4, "opposite"), (25, -4, "reached"), (33, -4, "opposite"), (33, None, ""), (33, 0, "")],
)  # fmt: skip
def test_the_outcome_is_the_share_of_the_promise(after, expected, outcome):
    row = row_of(action(expected_effect=expected), facts_of(m06=30, m09=after))

    assert row["outcome"] == outcome
    assert row["measured"] == after - 30


def test_before_a_whole_period_has_passed_it_is_too_early():
    row = row_of(action(due=dt.date(2026, 9, 1)))

    assert row["outcome"] == "too_early"
    assert math.isnan(row["measured"])


def test_a_missing_value_is_no_effect():
    assert row_of(action(), facts_of(m09=33))["outcome"] == "no_data"


@pytest.mark.parametrize(
    ("fields", "late"),
    [({"status": "open"}, 77), ({"status": "dropped"}, 0), ({"metric": None}, 0),
     ({"status": "open", "due": AS_OF}, 0)],
)  # fmt: skip
def test_what_is_not_done_or_has_no_metric_is_not_measured(fields, late):
    row = row_of(action(**fields))

    # 15 July to 30 September
    assert (row["outcome"], row["days_late"]) == ("", late)


def test_actions_come_by_their_due_day():
    actions = [action(key="late"), action(key="early", due=dt.date(2026, 1, 1))]

    table = action_table(actions, facts_of(), calendar=CALENDAR, as_of=AS_OF)

    assert table["key"].tolist() == ["early", "late"]
