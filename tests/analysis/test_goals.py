"""Goals: scores, SMART verdicts with their reasons, coverage, and what hangs loose."""

import datetime as dt
import math

import pandas as pd
import pytest

from kpikit.analysis.goals import (
    coverage_table,
    goal_table,
    key_result_table,
    orphan_table,
    smart_table,
)
from kpikit.catalogue import CATALOGUE, fact, make_facts
from kpikit.params.model import Goal, KeyResult
from kpikit.periods import Calendar

CALENDAR = Calendar()
AS_OF = dt.date(2026, 8, 15)
DUE = dt.date(2026, 9, 30)
NOW = CALENDAR.parse("2026Q3")
BEFORE = CALENDAR.parse("2026Q2")


def facts_of(**values):
    rows = [fact(name, NOW, as_of=AS_OF, value=value, n=100) for name, value in values.items()]
    return make_facts(rows)


def goal(*results, key="g", owner="Ada", perspective="financial"):
    return Goal(key=key, objective="Grow", owner=owner, perspective=perspective,
                key_results=list(results))  # fmt: skip


def result(metric="mrr", *, target=200.0, baseline=100.0, due=DUE, **fields):
    return KeyResult(metric=metric, target=target, baseline=baseline, due=due, **fields)


def table_of(*goals, facts, **options):
    return key_result_table(goals, facts, CATALOGUE, calendar=CALENDAR, as_of=AS_OF, **options)


def row_of(one, actual=150.0, **options):
    facts = facts_of(**{one.metric: actual})
    return table_of(goal(one), facts=facts, **options).iloc[0]


@pytest.mark.parametrize(
    ("actual", "score"),
    [(150.0, 0.5), (100.0, 0.0), (80.0, 0.0), (200.0, 1.0), (260.0, 1.0)],
)
def test_the_score_is_the_share_of_the_way(actual, score):
    assert row_of(result(), actual)["score"] == score


def test_a_target_below_its_baseline_is_reached_downwards():
    row = row_of(result("logo_churn_rate", baseline=0.10, target=0.06), 0.07)

    assert row["direction"] == "down"
    assert row["score"] == pytest.approx(0.75)
    assert not row["met"]


def test_a_relative_target_rests_on_its_declared_baseline():
    one = KeyResult(metric="mrr", change=0.3, baseline=1000, due=DUE)

    row = row_of(one, 1150.0)

    assert row["target"] == 1300
    assert row["score"] == pytest.approx(0.5)


def test_time_expected_is_counted_in_days_from_the_start():
    whole = row_of(result())
    later = row_of(result(start=dt.date(2026, 8, 6)))
    ahead = row_of(result(start=dt.date(2026, 9, 1)))

    # 1 July to 15 August are 46 of the quarter's 92 days; 6 to 15 August 10 of 56
    assert whole["start"] == NOW.start
    assert [whole["expected"], later["expected"], ahead["expected"]] == [0.5, 10 / 56, 0]


def test_without_a_baseline_it_is_met_or_not_by_the_metrics_direction():
    up = row_of(result(baseline=None), 250.0)
    down = row_of(result("logo_churn_rate", baseline=None, target=0.06), 0.07)

    assert (up["met"], down["met"]) == (True, False)
    assert math.isnan(up["score"])


def test_a_goal_on_a_kpi_without_data_says_why():
    facts = make_facts([fact("mrr", NOW, as_of=AS_OF, reason="there is no subscription")])

    known, unknown = (table_of(goal(result()), facts=rows).iloc[0] for rows in (facts, facts[:0]))

    assert known["reason"] == "there is no subscription"
    assert unknown["reason"] == "no value of the period"
    assert known["met"] is None
    assert math.isnan(known["score"])


def test_a_key_result_that_is_due_is_read_in_its_own_period():
    facts = make_facts(
        [fact("mrr", BEFORE, as_of=AS_OF, value=180), fact("mrr", NOW, as_of=AS_OF, value=90)]
    )

    row = table_of(goal(result(due=BEFORE.last_day)), facts=facts).iloc[0]

    assert (row["period"], row["actual"], row["is_due"]) == ("2026Q2", 180, True)
    assert row["expected"] == 1


def test_facts_of_segments_are_left_alone():
    rows = fact("mrr", NOW, as_of=AS_OF, value=1, dimension="plan", segment="team")

    row = table_of(goal(result()), facts=make_facts([rows])).iloc[0]

    assert math.isnan(row["actual"])


def test_a_goals_score_is_the_mean_of_its_key_results():
    goals = [
        goal(result(), result("orders", target=20, baseline=10), key="a"),
        goal(result("nps", baseline=None, target=40), key="b"),
        goal(key="c"),
        goal(result(), result("nps", baseline=None, target=40), key="d"),
    ]
    results = table_of(*goals, facts=facts_of(mrr=150.0, orders=20, nps=30))

    table = goal_table(goals, results).set_index("goal")

    assert table["score"].tolist()[:1] == [0.75]
    assert table["score"].isna().tolist() == [False, True, True, False]
    assert table["remark"].tolist() == [
        "",
        "no key result has both a baseline and a value",
        "no key result measures it",
        "1 of 2 key results have no score",
    ]
    assert table["due"].tolist() == [DUE, DUE, None, DUE]


def smart(one=None, *, actual=150.0, p_hit=0.5, limits=None, owner="Ada", perspective="financial",
          scorecard=("mrr",)):  # fmt: skip
    chances = pd.DataFrame([{"goal": "g", "metric": "mrr", "p_hit": p_hit}])
    facts = make_facts([]) if actual is None else facts_of(mrr=actual)
    goals = [goal(one or result(), owner=owner, perspective=perspective)]
    results = key_result_table(
        goals, facts, CATALOGUE, calendar=CALENDAR, as_of=AS_OF, chances=chances
    )
    bounds = (
        pd.DataFrame([("mrr", *limits)], columns=["metric", "lower", "upper"]) if limits else None
    )
    return smart_table(results, scorecard=scorecard, limits=bounds, currency="USD").iloc[0]


def test_a_goal_that_is_well_set_is_smart():
    row = smart()

    assert row["verdict"] == "smart"
    assert row[["specific", "measurable", "achievable", "relevant", "time_bound"]].all()
    assert row["reason"] == "the chance to hit it is 50 %"


@pytest.mark.parametrize(
    ("options", "letter", "reason"),
    [
        ({"owner": ""}, "specific", "nobody answers for it"),
        ({"one": result(baseline=None)}, "specific", "it has no baseline"),
        ({"one": result(baseline=None), "owner": ""}, "specific",
         "nobody answers for it and it has no baseline"),
        ({"actual": None}, "measurable", "its KPI has no value: no value of the period"),
        ({"p_hit": 0.04}, "achievable", "the chance to hit it is 4 %"),
        ({"p_hit": math.nan, "limits": (80, 180)}, "achievable",
         "the target lies beyond what its process gives, $80 to $180"),
        ({"perspective": None}, "relevant", "the goal has no perspective"),
        ({"scorecard": ()}, "relevant", "its KPI is not on the scorecard"),
        ({"one": result(due=BEFORE.last_day)}, "time_bound",
         "it was due on 30 Jun 2026, and its outcome is unknown"),
    ],
)  # fmt: skip
def test_what_fails_is_said(options, letter, reason):
    row = smart(**options)

    assert row["verdict"] == "not_smart"
    assert row[letter] is not None
    assert not row[letter]
    assert reason in row["reason"]


def test_within_the_limits_a_target_is_achievable_and_without_them_unknown():
    inside = smart(p_hit=math.nan, limits=(80, 220))
    down = smart(result(target=90.0), p_hit=math.nan, limits=(80, 120))
    unknown = smart(p_hit=math.nan)
    open_ended = smart(p_hit=math.nan, limits=(80, math.nan))

    assert inside["verdict"] == down["verdict"] == "smart"
    assert inside["reason"] == "the target lies within what its process gives, $80 to $220"
    assert unknown["verdict"] == open_ended["verdict"] == "unknown"
    assert unknown["achievable"] is None
    assert "neither its chance nor the limits" in unknown["reason"]


def test_what_is_due_was_met_or_missed():
    facts = make_facts([fact("mrr", BEFORE, as_of=AS_OF, value=value) for value in (180,)])
    goals = [goal(result(due=BEFORE.last_day), result(due=BEFORE.last_day, target=170))]
    results = table_of(*goals, facts=facts)

    table = smart_table(results, scorecard=["mrr"])

    assert table["reason"].tolist() == ["it is due, and was missed", "it is due, and was met"]


def test_each_perspective_says_what_it_lacks():
    metrics = [CATALOGUE[name] for name in ("mrr", "nps", "logo_churn_rate")]
    goals = [goal(key="a"), goal(key="b", perspective="customer"), goal(key="c", perspective=None)]

    table = coverage_table(goals, metrics).set_index("perspective")

    assert table["objectives"].to_dict() == {
        "financial": 1, "customer": 1, "process": 0, "growth": 0,
    }  # fmt: skip
    assert table["kpis"].tolist() == [1, 2, 0, 0]
    assert table["gap"].tolist()[:2] == ["no leading KPI", ""]
    assert table.loc["process", "gap"] == "no objective, no leading KPI, no lagging KPI"


def test_loose_kpis_and_objectives_are_named():
    metrics = [CATALOGUE[name] for name in ("mrr", "nps")]

    table = orphan_table([goal(result(), key="a"), goal(key="b")], metrics)

    assert table.to_dict("records") == [
        {"kind": "orphan_kpi", "name": "nps", "label": CATALOGUE["nps"].label},
        {"kind": "objective_without_kpi", "name": "b", "label": "Grow"},
    ]


def test_no_goals_give_empty_tables():
    results = table_of(facts=make_facts([]))

    assert results.empty
    assert goal_table([], results).empty
    assert smart_table(results, scorecard=[]).empty
    assert orphan_table([], []).empty
