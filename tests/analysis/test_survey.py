"""The Net Promoter Score: who counts, its interval, weights, periods and facts."""

import datetime as dt
import math
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pytest

from kpikit.analysis.survey import nps, nps_table, survey_facts
from kpikit.catalogue import FACT_COLUMNS
from kpikit.catalogue.answers import Answers
from kpikit.catalogue.voice import MIN_ANSWERS
from kpikit.engine import as_table
from kpikit.errors import AnalysisError
from kpikit.periods import Calendar

CALENDAR = Calendar()
AS_OF = dt.date(2026, 6, 30)
Z = 1.959964


def test_promoters_less_detractors_in_points():
    result = nps([10, 9, 8, 7, 6, 0, 9, 10])

    # 4 promoters, 2 passives, 2 detractors of 8
    assert result.nps == 25.0
    assert (result.n, result.promoters, result.passives, result.detractors) == (8, 4, 2, 2)
    assert (result.invalid, result.missing, result.n_effective) == (0, 0, 8.0)


def test_every_score_has_its_kind():
    kinds = {score: nps([score]).nps for score in range(11)}

    assert kinds == {**dict.fromkeys(range(7), -100.0), 7: 0.0, 8: 0.0, 9: 100.0, 10: 100.0}


def test_the_interval_adds_three_pseudo_answers():
    result = nps([10] * 4 + [8] * 2 + [0] * 2)

    # 4.75 promoters and 2.75 detractors of 11: net 2/11, variance (7.5/11 - (2/11)^2) / 11
    net, spread = 2 / 11, math.sqrt((7.5 / 11 - (2 / 11) ** 2) / 11)
    expected = [100 * (net - Z * spread), 100 * (net + Z * spread)]
    assert [result.ci_low, result.ci_high] == pytest.approx(expected, abs=1e-4)


def test_the_plain_interval_is_on_request():
    result = nps([10] * 4 + [8] * 2 + [0] * 2, method="wald")

    # net 1/4, variance (6/8 - 1/16) / 8
    half = 100 * Z * math.sqrt((0.75 - 0.0625) / 8)
    assert [result.ci_low, result.ci_high] == pytest.approx([25 - half, 25 + half], abs=1e-4)


def test_alike_answers_leave_the_adjusted_interval_wide_and_the_plain_one_a_point():
    adjusted, plain = nps([10] * 5), nps([10] * 5, method="wald")

    assert adjusted.ci_low < 50
    assert adjusted.ci_high == 100.0
    assert (plain.ci_low, plain.ci_high) == (100.0, 100.0)


@pytest.mark.parametrize(("answer", "score"), [(10, 100.0), (0, -100.0)])
def test_the_interval_of_a_single_answer_holds_its_score(answer, score):
    result = nps([answer])

    # (1 + 3/4 - 3/4) / 4 = 0.25, and 1.96 * sqrt((2.5 / 4 - 0.25 ** 2) / 4) = 0.735 up and down
    assert result.nps == score
    assert sorted((abs(result.ci_low), abs(result.ci_high))) == pytest.approx([48.5, 100], abs=0.01)
    assert result.ci_low <= score <= result.ci_high


def test_a_higher_confidence_is_wider():
    scores = [10, 8, 3] * 10

    assert nps(scores, confidence=0.99).ci_low < nps(scores).ci_low


def test_what_is_no_whole_number_from_0_to_10_is_invalid_and_what_is_absent_is_missing():
    result = nps([10, 11, -1, 8.5, "ten", None, math.nan, math.inf])

    assert (result.nps, result.n) == (100.0, 1)
    assert (result.invalid, result.missing) == (5, 2)


@pytest.mark.parametrize(
    "scores",
    [
        [10, 8, 3],
        (10.0, 8.0, 3.0),
        ["10", "8", "3"],
        np.array([10, 8, 3], dtype="int8"),
        pd.Series([10, 8, 3], index=[5, 5, 6], dtype="Int64"),
        [Decimal(10), Decimal(8), Decimal(3)],
        ibis.memtable(pd.DataFrame({"score": [10, 8, 3]})).score,
    ],
)
def test_scores_come_in_many_shapes(scores):
    result = nps(scores)

    assert (result.promoters, result.passives, result.detractors) == (1, 1, 1)


@pytest.mark.parametrize("scores", [[], [None], [11]])
def test_without_an_answer_the_score_is_unknown(scores):
    result = nps(scores)

    assert result.n == 0
    assert math.isnan(result.nps)
    assert math.isnan(result.ci_low)
    assert math.isnan(result.ci_high)


def test_weights_weigh_the_shares_and_not_the_counts():
    result = nps([10, 8, 3], weights=[2, 1, 1])

    # promoters 2/4, detractors 1/4; Kish: 4^2 / (4 + 1 + 1)
    assert result.nps == 25.0
    assert (result.n, result.promoters) == (3, 1)
    assert result.n_effective == pytest.approx(16 / 6)


def test_the_weighted_interval_rests_on_the_effective_number():
    weighted = nps([10, 10, 3, 3], weights=[3, 1, 1, 3])

    # shares 1/2 and 1/2; effective number 8^2 / 20 = 3.2
    spread = math.sqrt(((3.2 + 1.5) / 6.2) / 6.2)
    assert weighted.ci_high == pytest.approx(100 * min(1, Z * spread), abs=1e-3)


def test_equal_weights_change_nothing():
    scores = [10, 8, 3, 9]

    assert nps(scores, weights=[0.5] * 4) == nps(scores)


def test_a_weight_of_zero_counts_for_nothing_and_an_unusable_one_is_invalid():
    result = nps([10, 0, 0, 0, 0], weights=[1, 0, None, -1, math.inf])

    assert (result.nps, result.n, result.invalid) == (100.0, 1, 3)


@pytest.mark.parametrize("unit", [1e-200, 0.1, 1e200])
def test_the_unit_of_weights_does_not_matter(unit):
    weights = [3, 1, 1, 3]

    scaled = nps([10, 10, 3, 3], weights=[unit * weight for weight in weights])

    expected = nps([10, 10, 3, 3], weights=weights)
    assert scaled.nps == pytest.approx(expected.nps)
    assert (scaled.ci_low, scaled.ci_high) == pytest.approx((expected.ci_low, expected.ci_high))


def test_weights_of_zero_alone_leave_the_score_unknown():
    result = nps([10, 0], weights=[0, 0])

    assert result.n == 0
    assert math.isnan(result.nps)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": [1]}, r"2 scores have 1 weights in nps\.\nGive one weight per score\."),
        ({"method": "walt"}, r"method is 'walt' in nps\.\nDid you mean 'wald'\?"),
        ({"confidence": 95}, r"confidence is 95\.\nGive a share between 0 and 1"),
    ],
)
def test_a_wrong_argument_is_named_with_the_way_out(arguments, message):
    with pytest.raises(AnalysisError, match=message):
        nps([10, 3], **arguments)


# Periods


def survey_of(*rows):
    """Return answers from (day or time, score, segment)."""
    frame = pd.DataFrame(rows, columns=["answer_time", "score", "segment"])
    return frame.assign(answer_time=pd.to_datetime(frame["answer_time"], format="ISO8601"))


def periods_of(*texts):
    return [CALENDAR.parse(text) for text in texts]


@pytest.fixture
def survey():
    return survey_of(
        ("2026-04-10", 10, "pro"), ("2026-04-11", 9, "free"), ("2026-05-02", 3, "free"),
        ("2026-05-03", 8, None), ("2026-06-30", 11, "pro"), ("2026-07-01", 0, "pro"),
        (None, 0, "pro"), ("2026-04-12", None, "pro"),
    )  # fmt: skip


def table_of(survey, *texts, **options):
    return nps_table(survey, periods_of(*texts), calendar=CALENDAR, as_of=AS_OF, **options)


def test_each_period_has_its_own_score(survey):
    table = table_of(survey, "2026Q2", "2026-04", "2026-05")

    assert table["period"].tolist() == ["2026Q2", "2026-04", "2026-05"]
    assert table["nps"].tolist() == [25.0, 100.0, -50.0]
    assert table[["n", "invalid", "missing"]].to_numpy().tolist() == [
        [4, 1, 1],
        [2, 0, 1],
        [2, 0, 0],
    ]
    shares = table[["promoter_share", "passive_share", "detractor_share"]]
    assert shares.loc[0].tolist() == [0.5, 0.25, 0.25]


def test_the_table_agrees_with_the_function(survey):
    row = table_of(survey, "2026Q2").iloc[0]

    alone = nps([10, 9, 3, 8, 11, None])
    assert row[["nps", "ci_low", "ci_high", "invalid", "missing"]].tolist() == [
        alone.nps, alone.ci_low, alone.ci_high, alone.invalid, alone.missing,
    ]  # fmt: skip


def test_answers_after_the_last_day_and_undated_ones_do_not_count(survey):
    table = table_of(survey, "2026-07")

    assert table["n"].tolist() == [0]
    assert table["complete"].tolist() == [False]


def test_few_answers_are_marked_to_be_hidden():
    survey = survey_of(
        *[("2026-04-10", 9, "x")] * MIN_ANSWERS, *[("2026-05-10", 9, "x")] * (MIN_ANSWERS - 1)
    )

    assert table_of(survey, "2026-04", "2026-05")["suppressed"].tolist() == [False, True]


def test_segments_add_up_to_the_whole(survey):
    table = table_of(survey, "2026Q2", dimension="segment")

    counts = dict(zip(table["segment"], table["n"], strict=True))
    assert counts == {"(missing)": 1, "free": 2, "pro": 1}


def test_days_are_those_of_the_time_zone():
    survey = survey_of(("2026-04-30T23:30:00", 10, "x"))
    berlin = Calendar("Europe/Berlin")

    table = nps_table(survey, periods_of("2026-04", "2026-05"), calendar=berlin, as_of=AS_OF)

    assert table["n"].tolist() == [0, 1]


def test_weights_of_the_table_are_used(survey):
    survey["weight"] = [3.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]

    # April: 10 with weight 3, 9 with 1; May: 3 and 8; 4 of 6 less 1 of 6
    assert table_of(survey, "2026Q2")["nps"].tolist() == [pytest.approx(50.0)]


def test_unusable_weights_of_the_table_are_invalid_and_zero_counts_for_nothing():
    survey = survey_of(*[("2026-04-10", 10, "x")] * 5)
    survey["weight"] = [1.0, 0.0, None, -1.0, math.inf]

    row = table_of(survey, "2026-04").iloc[0]

    assert row[["n", "invalid"]].tolist() == [1, 3]


def test_text_scores_of_a_table_are_read_or_invalid():
    survey = survey_of(("2026-04-10", "9", "x"), ("2026-04-10", "nine", "x"))

    row = table_of(survey, "2026-04").iloc[0]

    assert row[["n", "promoters", "invalid"]].tolist() == [1, 1, 1]


def test_no_answers_give_a_row_of_unknowns():
    table = table_of(survey_of(), "2026-04")

    assert table["n"].tolist() == [0]
    assert table["nps"].isna().all()
    assert table_of(survey_of(), "2026-04", dimension="segment").empty


def test_the_table_says_what_is_wrong(survey):
    with pytest.raises(AnalysisError, match="method is 'exact' in nps_table"):
        table_of(survey, "2026-04", method="exact")
    with pytest.raises(AnalysisError, match="Table survey has no column 'segments'"):
        table_of(survey, "2026-04", dimension="segments")


# Facts


def facts_of(survey, metrics, *texts, **options):
    asked = periods_of(*texts)
    return survey_facts(survey, metrics, asked, calendar=CALENDAR, as_of=AS_OF, **options)


def test_nps_facts_are_in_points_with_their_interval(survey):
    facts = facts_of(survey, ["nps"], "2026Q2", "2026-05")

    assert facts.columns.tolist() == list(FACT_COLUMNS)
    assert facts["value"].tolist() == [25.0, -50.0]
    assert facts.loc[0, ["n", "numerator", "denominator"]].tolist() == [4, 1, 4]
    alone = nps([10, 9, 3, 8])
    assert facts.loc[0, ["ci_low", "ci_high"]].tolist() == [alone.ci_low, alone.ci_high]


def test_satisfied_are_the_answers_of_8_to_10(survey):
    facts = facts_of(survey, ["csat"], "2026Q2")

    # 10, 9 and 8 of four; Wilson, 3 of 4
    assert facts.loc[0, ["value", "n", "numerator", "denominator"]].tolist() == [0.75, 4, 3, 4]
    bounds = facts.loc[0, ["ci_low", "ci_high"]].tolist()
    assert bounds == pytest.approx([0.3006, 0.9544], abs=5e-5)


def test_metrics_come_in_the_order_asked_for_with_sorted_segments(survey):
    facts = facts_of(survey, ["csat", "nps"], "2026-04", dimension="segment")

    assert facts["metric"].tolist() == ["csat"] * 3 + ["nps"] * 3
    assert facts["segment"].tolist() == ["(missing)", "free", "pro"] * 2


def test_periods_without_an_answer_have_their_reason(survey):
    quiet = survey_of(("2026-02-10", 9, "x"), ("2026-04-10", 9, "x"))

    facts = facts_of(quiet, ["nps"], "2026-01", "2026-03", "2026-07")

    assert facts["value"].isna().all()
    assert facts["reason"].tolist() == [
        "the first answer is of 10 Feb 2026", "nobody answered in the period",
        "the data ends on 30 Jun 2026",
    ]  # fmt: skip


def test_an_empty_survey_says_so():
    assert facts_of(survey_of(), ["nps"], "2026-04")["reason"].tolist() == ["nobody has answered"]


def test_a_dimension_that_the_table_lacks_gives_no_facts(survey):
    assert facts_of(survey, ["nps"], "2026-04", dimension="country").empty


def test_an_unknown_metric_or_column_is_named(survey):
    with pytest.raises(AnalysisError, match=r"metric is 'npss' in survey_facts\.\nDid you mean"):
        facts_of(survey, ["npss"], "2026-04")
    with pytest.raises(AnalysisError, match="Table survey has no column 'answer_time'"):
        facts_of(survey.drop(columns="answer_time"), ["nps"], "2026-04")


def test_answers_that_were_read_further_are_cut_at_the_last_day(survey):
    read = Answers.read(as_table(survey), CALENDAR, AS_OF, "")
    given = {"calendar": CALENDAR, "as_of": dt.date(2026, 4, 10), "answers": read}

    table = nps_table(survey, periods_of("2026-04", "2026-05"), **given)
    facts = survey_facts(survey, ["nps"], periods_of("2026-04", "2026-05"), **given)

    assert table["n"].tolist() == [1, 0]
    assert facts["n"].tolist() == [1, 0]
    assert "10 Apr" in facts["reason"].tolist()[1]


def test_a_table_is_no_column_of_scores():
    with pytest.raises(AnalysisError, match=r"A table is given in nps.\nGive one column of it"):
        nps(pd.DataFrame({"score": [10, 9]}))
