"""Trials on the page of revenue: by the month in which they began, matured ones alone."""

import pytest

from kpikit.present.components import Cell, Figure, Row
from kpikit.sections.revenue import revenue_section

YAML = """
    source: {tables: {subscriptions: {files: s.csv}}}
    metrics: [mrr, trial_to_paid_rate]
    economics: {trial_days: 14}
"""
HEAD = "subscription_id,user_id,mrr,start_time,end_time,trial_start\n"
# Two trials in July, one of them paid; two in August, both paid; one in September is still running
# on the last day of the data, the 30th.
ROWS = """\
1,a,10,2026-07-15T00:00:00,,2026-07-01T00:00:00
2,b,10,,,2026-07-02T00:00:00
3,c,10,2026-08-17T00:00:00,,2026-08-03T00:00:00
4,d,10,2026-08-18T00:00:00,,2026-08-04T00:00:00
5,e,10,,,2026-09-29T00:00:00
6,f,10,2026-01-01T00:00:00,,
"""


@pytest.fixture
def revenue_of(open_context):
    def open_(rows, *, as_of="2026-09-30"):
        yaml = YAML.replace("{tables:", f"{{as_of: {as_of}, tables:")
        return revenue_section(open_context(yaml, {"s.csv": HEAD + rows})).items

    return open_


def test_trials_stand_beside_the_movements_by_the_month_in_which_they_began(revenue_of):
    row, _ = revenue_of(ROWS)

    assert isinstance(row, Row)
    waterfall, trials = row.items
    assert waterfall.title.startswith("MRR went from")
    # 3 of 4: Wilson's 95 % interval, Newcombe (1998)
    assert trials.title == "75.0 % (30.1 to 95.4 %) of the 4 matured trials of 2026Q3 became paid"
    assert trials.subtitle.endswith("matured: 14 days are over")
    told = [(r["period"], r["trials"], r["converted"], r["rate"]) for r in trials.rows]
    assert told == [("Jul 2026", "2", "1", "50.0 %"), ("Aug 2026", "2", "2", "100.0 %")]


def test_a_month_with_running_trials_says_so_far(revenue_of):
    more = ROWS + "7,g,10,2026-09-05T00:00:00,,2026-09-01T00:00:00\n"

    row, _ = revenue_of(more)

    last = row.items[1].rows[-1]
    assert last["period"] == Cell("Sep 2026", note="so far")
    assert (last["trials"], last["matured"], last["converted"]) == ("2", "1", "1")


def test_a_quarter_whose_trials_all_run_still_has_no_rate(revenue_of):
    rows = "1,a,10,2026-06-15T00:00:00,,2026-06-01T00:00:00\n5,e,10,,,2026-09-29T00:00:00\n"

    row, _ = revenue_of(rows)

    assert row.items[1].title == "No trial of 2026Q3 is matured yet"


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param("6,f,10,2026-01-01T00:00:00,,\n", id="no trial"),
        pytest.param(
            "6,f,10,2026-01-01T00:00:00,,\n5,e,10,,,2026-09-29T00:00:00\n", id="none matured"
        ),
    ],
)
def test_without_a_matured_trial_the_movements_stand_alone(revenue_of, rows):
    waterfall, _ = revenue_of(rows)

    assert isinstance(waterfall, Figure)
