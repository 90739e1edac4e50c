"""A scorecard compares like with like, says what decided, and leaves unknown things unknown."""

import datetime as dt
import math
from dataclasses import replace

import pandas as pd
import pytest

from kpikit.analysis.scorecard import (
    SCORECARD_COLUMNS,
    comparison_periods,
    scorecard_periods,
    scorecard_table,
)
from kpikit.catalogue import CATALOGUE, fact, make_facts
from kpikit.params.model import Target
from kpikit.periods import Calendar, Period

UTC = Calendar()
Q3, Q2, YEAR_BEFORE = (UTC.parse(text) for text in ("2026Q3", "2026Q2", "2025Q3"))
FINISHED, UNFINISHED = dt.date(2026, 9, 30), dt.date(2026, 7, 31)


def facts_of(name, *values, as_of=FINISHED, **more):
    """Make facts of (period, value)."""
    rows = [
        fact(name, period, as_of=as_of, **{"value": value, "n": 500, **more})
        for period, value in values
    ]
    return make_facts(rows)


def score(facts, name="orders", *, target=None, period=Q3, as_of=FINISHED, currency=""):
    targets = [] if target is None else [Target(metric=name, period=period.label, value=target)]
    table = scorecard_table(
        facts,
        [CATALOGUE[name]],
        targets,
        period=period,
        calendar=UTC,
        as_of=as_of,
        currency=currency,
    )
    assert tuple(table.columns) == SCORECARD_COLUMNS
    return table.iloc[0]


def first_days(period, days):
    end = period.start + dt.timedelta(days=days)
    return Period(period.start, end, period.grain, period.label)


# periods


def test_a_finished_quarter_compares_with_whole_quarters():
    found = comparison_periods(Q3, calendar=UTC, as_of=FINISHED)

    assert found == {"actual": Q3, "previous": Q2, "year_before": YEAR_BEFORE}


def test_an_unfinished_quarter_compares_with_as_many_first_days():
    found = comparison_periods(Q3, calendar=UTC, as_of=UNFINISHED)

    assert found["actual"] == Q3
    assert found["previous"] == first_days(Q2, 31)
    assert found["year_before"] == first_days(YEAR_BEFORE, 31)


def test_a_scorecard_reads_eight_periods_and_the_cut_ones():
    finished = scorecard_periods(Q3, calendar=UTC, as_of=FINISHED)
    unfinished = scorecard_periods(Q3, calendar=UTC, as_of=UNFINISHED)

    assert [period.label for period in finished] == [
        "2024Q4", "2025Q1", "2025Q2", "2025Q3", "2025Q4", "2026Q1", "2026Q2", "2026Q3",
    ]  # fmt: skip
    assert set(unfinished) - set(finished) == {first_days(Q2, 31), first_days(YEAR_BEFORE, 31)}


def test_a_week_compares_with_364_days_before():
    week = UTC.parse("2026-W30")

    found = comparison_periods(week, calendar=UTC, as_of=FINISHED)

    assert (week.start - found["year_before"].start).days == 364


# changes


def test_changes_are_given_absolute_and_relative():
    row = score(facts_of("orders", (Q3, 110), (Q2, 100), (YEAR_BEFORE, 88)))

    assert (row["previous"], row["qoq_abs"]) == (100, 10)
    assert row["qoq"] == pytest.approx(0.10)
    assert (row["year_before"], row["yoy_abs"]) == (88, 22)
    assert row["yoy"] == pytest.approx(0.25)


def test_a_change_is_clear_where_its_interval_leaves_out_zero():
    estimates = [(Q3, 20, 10, 32), (Q2, 40, 30, 52), (YEAR_BEFORE, 36, 24, 46)]
    facts = make_facts(
        fact("nps", period, as_of=FINISHED, value=value, n=500, ci_low=low, ci_high=high)
        for period, value, low, high in estimates
    )

    row = score(facts, "nps")

    # upper ends: -20 + sqrt(12^2 + 10^2) = -4.4; -16 + sqrt(12^2 + 12^2) = 1.0
    assert (row["clear_qoq"], row["clear_yoy"]) == (True, False)


def test_a_change_without_an_interval_is_not_clear():
    row = score(facts_of("orders", (Q3, 110), (Q2, 1)))

    assert (row["clear_qoq"], row["clear_yoy"]) == (False, False)


def test_a_change_of_a_real_shops_revenue_is_the_published_one():
    # Online Retail II: gross revenue of 2011Q3 and 2010Q3 as delivered
    row = score(
        facts_of("gross_revenue", (Q3, 2525887.683), (YEAR_BEFORE, 2272320.861)), "gross_revenue"
    )

    assert row["yoy"] == pytest.approx(0.11158935621812271, abs=1e-15)


@pytest.mark.parametrize("base", [0, -5])
def test_there_is_no_relative_change_from_zero_or_less(base):
    row = score(facts_of("net_revenue", (Q3, 10), (Q2, base)), "net_revenue", target=base)

    assert math.isnan(row["qoq"])
    assert math.isnan(row["delta_target_rel"])
    assert row["qoq_abs"] == row["delta_target"] == 10 - base


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("orders", 110, "better"),
        ("orders", 90, "worse"),
        ("orders", 100, "same"),
        ("refunds", 110, "worse"),
        ("refunds", 90, "better"),
    ],
)
def test_better_and_worse_follow_the_metrics_direction(name, value, verdict):
    row = score(facts_of(name, (Q3, value), (Q2, 100)), name, target=100)

    assert (row["verdict_qoq"], row["verdict_target"]) == (verdict, verdict)
    assert row["verdict_yoy"] == ""


# comparability


def test_whole_quarters_compare_with_their_day_counts_said():
    row = score(facts_of("orders", (Q3, 110), (Q2, 100), (YEAR_BEFORE, 88)))

    assert row["comparable_qoq"]
    assert row["reason_qoq"] == "92 days against 91"
    assert row["comparable_yoy"]
    assert row["reason_yoy"] == ""


def test_equal_first_days_compare():
    facts = facts_of("orders", (Q3, 40), (first_days(Q2, 31), 30), as_of=UNFINISHED)

    row = score(facts, as_of=UNFINISHED)

    assert row["comparable_qoq"]
    assert (row["previous"], row["reason_qoq"]) == (30, "")


def test_first_days_that_a_shorter_period_lacks_do_not_compare():
    march = UTC.parse("2026-03")
    as_of = dt.date(2026, 3, 30)
    facts = facts_of("orders", (march, 40), (UTC.parse("2026-02"), 30), as_of=as_of)

    row = score(facts, period=march, as_of=as_of)

    assert not row["comparable_qoq"]
    assert row["reason_qoq"] == "30 days against 28"


def test_a_base_that_is_absent_or_missing_does_not_compare():
    base = fact("orders", Q2, as_of=FINISHED, reason="the data begin on 1 Jul 2026")
    facts = make_facts([fact("orders", Q3, as_of=FINISHED, value=1), base])

    row = score(facts)

    assert not row["comparable_qoq"]
    assert row["reason_qoq"] == "2026Q2: the data begin on 1 Jul 2026"
    assert row["reason_yoy"] == "2025Q3: not computed"


def test_a_base_that_the_data_cover_in_part_does_not_compare():
    facts = make_facts(
        [
            fact("orders", Q3, as_of=FINISHED, value=9),
            fact("orders", Q2, as_of=FINISHED, value=1, complete=False),
        ]
    )

    row = score(facts)

    assert not row["comparable_qoq"]
    assert row["reason_qoq"] == "the data cover 2026Q2 only in part"


def test_periods_of_two_definitions_do_not_compare():
    values = ((Q3, 9), (Q2, 6), (YEAR_BEFORE, 3))
    metric = replace(CATALOGUE["orders"], version=2, since=dt.date(2026, 4, 1))

    table = scorecard_table(
        facts_of("orders", *values), [metric], [], period=Q3, calendar=UTC, as_of=FINISHED
    )

    row = table.iloc[0]
    assert (row["comparable_qoq"], row["comparable_yoy"]) == (True, False)
    assert row["reason_yoy"] == "definition version 2 since 1 Apr 2026"


def test_a_quarter_that_the_data_cover_in_part_compares_with_nothing():
    facts = make_facts(
        [
            fact("orders", Q3, as_of=FINISHED, value=9, complete=False),
            fact("orders", Q2, as_of=FINISHED, value=1),
        ]
    )

    row = score(facts)

    assert row["reason_qoq"] == "the data cover 2026Q3 only in part"


def test_a_missing_actual_compares_with_nothing_and_says_why():
    facts = make_facts(
        [
            fact("orders", Q3, as_of=FINISHED, reason="there is no table 'orders'"),
            fact("orders", Q2, as_of=FINISHED, value=1),
        ]
    )

    row = score(facts, target=5)

    assert row["reason_qoq"] == "there is no table 'orders'"
    assert (row["status"], row["outcome"]) == ("no_data", "open")
    assert row["status_reason"] == "there is no table 'orders'"
    assert row["verdict_target"] == ""


# status


@pytest.mark.parametrize(
    ("value", "status", "outcome", "clause"),
    [
        (5000, "on_track", "hit", "hit: 5,000 against a target of 4,800"),
        (4800, "on_track", "hit", "hit: 4,800 against a target of 4,800"),
        (4799.9, "off_track", "missed", "missed: just below the target of 4,800"),
        (4800.1, "on_track", "hit", "hit: just above the target of 4,800"),
        (4672, "off_track", "missed", "missed: 4,672 against a target of 4,800"),
    ],
)
def test_a_finished_quarter_has_hit_or_missed(value, status, outcome, clause):
    row = score(facts_of("orders", (Q3, value)), target=4800)

    assert (row["status"], row["outcome"]) == (status, outcome)
    assert row["status_reason"] == clause


def test_a_metric_that_should_fall_hits_below_its_target():
    row = score(facts_of("refunds", (Q3, 90.5)), "refunds", target=100, currency="GBP")

    assert row["status"] == "on_track"
    assert row["status_reason"] == "hit: £90.50 against a target of £100"


def test_an_unfinished_sum_has_a_pace_and_no_verdict():
    facts = facts_of("orders", (Q3, 41), as_of=UNFINISHED)

    row = score(facts, target=100, as_of=UNFINISHED)

    assert (row["status"], row["outcome"]) == ("", "open")
    assert row["status_reason"] == "31 of 92 days passed (34 %), 41 % of the target reached"


def test_an_unfinished_rate_has_no_share_of_its_target():
    facts = facts_of("conversion_rate", (Q3, 0.25), as_of=UNFINISHED)

    row = score(facts, "conversion_rate", target=0.3, as_of=UNFINISHED)

    assert row["status_reason"] == "31 of 92 days passed, 25.0 % so far against a target of 30 %"


def test_without_a_target_there_is_no_status():
    row = score(facts_of("orders", (Q3, 41)))

    assert (row["status"], row["outcome"], row["status_reason"]) == ("", "none", "no target")
    assert math.isnan(row["target"])


def test_without_a_value_and_a_target_there_is_no_data():
    row = score(make_facts([]))

    assert (row["status"], row["outcome"]) == ("no_data", "none")
    assert row["status_reason"] == "not computed"


@pytest.mark.parametrize(("n", "status"), [(9, "no_data"), (10, "off_track")])
def test_a_share_of_fewer_than_ten_units_says_nothing(n, status):
    row = score(
        facts_of("repeat_purchase_rate", (Q3, 0.2), n=n), "repeat_purchase_rate", target=0.3
    )

    assert row["status"] == status
    assert row["outcome"] == "missed"


def test_few_units_are_named():
    row = score(
        facts_of("repeat_purchase_rate", (Q3, 0.2), n=9), "repeat_purchase_rate", target=0.3
    )

    assert row["status_reason"] == "fewer than 10 buyers: 9"


@pytest.mark.parametrize(("n", "shown"), [(29, False), (30, True)])
def test_a_survey_of_few_answers_has_no_score(n, shown):
    row = score(facts_of("nps", (Q3, 20), n=n), "nps", target=30)

    assert math.isfinite(row["actual"]) is shown
    assert row["outcome"] == ("missed" if shown else "open")
    assert (row["reason"] == "fewer than 30 answers: 29") is not shown


def test_a_target_for_a_period_that_the_data_cover_in_part_is_not_decided():
    row = score(facts_of("orders", (Q3, 20), complete=False), target=30)

    assert (row["status"], row["outcome"]) == ("no_data", "open")
    assert row["status_reason"] == "the data cover 2026Q3 only in part"


def test_targets_of_other_periods_and_metrics_are_left_alone():
    targets = [
        Target(metric="orders", period="2026Q2", value=1),
        Target(metric="refunds", period="2026Q3", value=2),
        Target(metric="orders", period="2026", value=3),
        Target(metric="orders", period="2026-Q3", value=4),
    ]

    table = scorecard_table(
        facts_of("orders", (Q3, 5)),
        [CATALOGUE["orders"]],
        targets,
        period=Q3,
        calendar=UTC,
        as_of=FINISHED,
    )

    assert table["target"].tolist() == [4]


# sparks and the rest


def test_the_spark_holds_eight_quarters_and_leaves_out_what_is_missing_or_unfinished():
    quarters = [UTC.shift(Q3, step) for step in range(-9, 1)]
    facts = facts_of(
        "orders", *[(item, index) for index, item in enumerate(quarters)], as_of=UNFINISHED
    )
    facts.loc[facts["period"] == "2026Q1", "value"] = math.nan

    row = score(facts, as_of=UNFINISHED)

    assert row["spark"] == (2, 3, 4, 5, 6, None, 8, None)


def test_rows_of_segments_are_left_alone():
    facts = make_facts(
        [
            fact("orders", Q3, as_of=FINISHED, value=7),
            fact("orders", Q3, as_of=FINISHED, value=3, dimension="country", segment="UK"),
        ]
    )

    assert score(facts)["actual"] == 7


def test_what_the_fact_says_is_kept():
    facts = facts_of("conversion_rate", (Q3, 0.2), n=50, ci_low=0.11, ci_high=0.33)

    row = score(facts, "conversion_rate")

    assert (row["n"], row["ci_low"], row["ci_high"], row["unit"]) == (50, 0.11, 0.33, "share")
    assert row["complete"]
    assert row["label"] == "Conversion rate"


def test_metrics_come_in_the_order_given():
    metrics = [CATALOGUE[name] for name in ("refunds", "orders")]

    table = scorecard_table(make_facts([]), metrics, [], period=Q3, calendar=UTC, as_of=FINISHED)

    assert table["metric"].tolist() == ["refunds", "orders"]


# evidence


def evidence_of(**values):
    row = {
        "metric": "orders", "variation": "routine", "signal_period": "", "rule": "", "side": "",
        "turned_from": "", "assurance": "hit_or_miss", "p_hit": math.nan, "aim": math.nan,
        "aim_period": "",
    }  # fmt: skip
    return pd.DataFrame([{**row, **values}])


def score_with(evidence, *, target=90):
    return scorecard_table(
        facts_of("orders", (Q3, 100), (Q2, 80), (YEAR_BEFORE, 80)),
        [CATALOGUE["orders"]],
        [Target(metric="orders", period=Q3.label, value=target)],
        period=Q3,
        calendar=UTC,
        as_of=FINISHED,
        evidence=evidence,
    ).iloc[0]


@pytest.mark.parametrize(
    ("chance", "variation", "status"),
    [
        (0.67, "routine", "on_track"),
        (0.66, "routine", "at_risk"),
        (0.33, "routine", "at_risk"),
        (0.32, "routine", "off_track"),
        (0.90, "improvement", "on_track"),
        (0.90, "concern", "at_risk"),
        (0.10, "concern", "off_track"),
    ],
)
def test_the_chance_of_the_next_open_target_and_a_concern_decide(chance, variation, status):
    evidence = evidence_of(p_hit=chance, aim=120.0, aim_period="2026Q4", variation=variation)

    row = score_with(evidence)

    assert (row["status"], row["outcome"]) == (status, "hit")
    assert f"P(hit) {100 * chance:.0f} % for 120 in 2026Q4" in row["status_reason"]


def test_a_hit_with_a_concern_is_at_risk_and_says_why():
    evidence = evidence_of(variation="concern", side="below", signal_period="2026-09")

    row = score_with(evidence)

    assert row["status"] == "at_risk"
    assert row["status_reason"] == (
        "hit: 100 against a target of 90; concern: signal below routine in 2026-09"
    )


def test_without_a_chance_the_outcome_decides():
    assert score_with(evidence_of())["status"] == "on_track"
    assert score_with(evidence_of(variation="concern"), target=110)["status"] == "off_track"


def test_without_evidence_nothing_is_said_of_signals():
    row = score_with(None)

    assert (row["variation"], row["assurance"], row["aim_period"]) == ("", "", "")
    assert math.isnan(row["p_hit"])
