"""A score's change is a rise or a fall only where its interval leaves out zero."""

import datetime as dt
import math

import pandas as pd
import pytest

from kpikit.analysis.score_changes import score_change_table
from kpikit.analysis.survey import nps_table
from kpikit.errors import AnalysisError
from kpikit.periods import Calendar


def scores(*rows):
    return pd.DataFrame(rows, columns=["segment", "nps", "ci_low", "ci_high", "suppressed"])


def test_the_interval_of_a_change_adds_the_squares_of_both_sides():
    table = score_change_table(
        scores(("", 20, 10, 32, False), ("", 40, 30, 52, False), ("", 10, 5, 13, False))
    )

    # 20 - sqrt(10^2 + 12^2) and 20 + sqrt(12^2 + 10^2); -30 -+ sqrt(5^2 + 12^2), sqrt(3^2 + 10^2)
    assert table["change"].tolist()[1:] == [20, -30]
    assert table["change_low"].tolist()[1:] == pytest.approx([20 - math.sqrt(244), -43])
    assert table["change_high"].tolist()[1:] == pytest.approx(
        [20 + math.sqrt(244), -30 + math.sqrt(109)]
    )
    assert table["verdict"].tolist() == ["", "rise", "fall"]


def test_a_small_change_is_unclear():
    table = score_change_table(scores(("", 20, 10, 30, False), ("", 25, 15, 35, False)))

    assert table["verdict"].tolist() == ["", "unclear"]


def test_few_answers_on_either_side_suppress_the_change():
    table = score_change_table(
        scores(*[("", 20, 10, 30, few) for few in (False, True, False, False)])
    )

    assert table["verdict"].tolist() == ["", "suppressed", "suppressed", "unclear"]
    assert table["change"].isna().tolist() == [True, True, True, False]


def test_segments_are_compared_with_themselves_and_a_year_is_four_quarters():
    rows = [(name, 10 * place, 0, 50, False) for place in range(5) for name in ("a", "b")]

    table = score_change_table(scores(*rows), lag=4)

    assert table["change"].dropna().tolist() == [40, 40]
    assert table.loc[table["change"].notna(), "segment"].tolist() == ["a", "b"]


def test_a_missing_score_has_no_change():
    table = score_change_table(
        scores(("", math.nan, math.nan, math.nan, False), ("", 10, 5, 15, False))
    )

    assert table["verdict"].tolist() == ["", ""]


def test_the_quarters_of_a_survey_from_end_to_end():
    # 40 promoters of 100, then 70
    answers = [(9, 40), (8, 40), (3, 20)], [(9, 70), (8, 20), (3, 10)]
    survey = pd.concat(
        pd.DataFrame(
            {"score": [score] * count, "answer_time": pd.Timestamp(2026, 3 * quarter + 1, 5)}
        )
        for quarter, found in enumerate(answers)
        for score, count in found
    )
    calendar = Calendar()
    periods = [calendar.parse(label) for label in ("2026Q1", "2026Q2")]

    table = score_change_table(
        nps_table(survey, periods, calendar=calendar, as_of=dt.date(2026, 6, 30))
    )

    assert table["change"].tolist()[1] == pytest.approx(40)
    assert table["verdict"].tolist() == ["", "rise"]


def test_a_missing_column_is_named():
    with pytest.raises(AnalysisError, match="Table scores has no column 'csat'"):
        score_change_table(scores(), score="csat")
