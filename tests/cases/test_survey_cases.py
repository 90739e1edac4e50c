"""The Net Promoter Score on the real answers of The Carpentries' surveys."""

import datetime as dt

import pandas as pd
import pytest

from kpikit.analysis.survey import nps, nps_table
from kpikit.periods import Calendar

SURVEYS = [
    "longterm_2017_10", "longterm_2020_01", "longterm_2020_12", "instructor_training_2018_09",
]  # fmt: skip


@pytest.fixture
def scores(shared_data, reference):
    """Return a function from a survey to its scores and the figures known for it."""

    def read(survey):
        known = reference["carpentries_nps"]["surveys"][survey]
        answers = pd.read_csv(shared_data / "carpentries_nps" / known["file"])
        return answers[known["column"]], known

    return read


@pytest.mark.parametrize("survey", SURVEYS)
def test_scores_counts_and_the_plain_interval(scores, survey):
    answers, known = scores(survey)

    result = nps(answers, method="wald")

    counts = ("n", "promoters", "passives", "detractors", "missing")
    assert {name: getattr(result, name) for name in counts} == {
        name: known[name] for name in counts
    }
    assert result.nps == pytest.approx(known["nps"], abs=1e-12)
    # the reference uses z = 1.96, kpikit 1.959964
    assert [result.ci_low, result.ci_high] == pytest.approx(known["ci95"], abs=1e-3)


@pytest.mark.parametrize("survey", SURVEYS)
def test_the_adjusted_interval_is_near_the_plain_one_for_many_answers(scores, survey):
    answers, known = scores(survey)

    result = nps(answers)

    # three pseudo-answers among n move each end by at most 300 / n points, less its own half width
    assert [result.ci_low, result.ci_high] == pytest.approx(known["ci95"], abs=300 / known["n"])


def test_the_instructor_training_by_quarter_and_month(shared_data, reference):
    rows = pd.read_csv(shared_data / "carpentries_nps" / "20180908_post_clean.csv")
    times = pd.to_datetime(rows["Date"], format="%m/%d/%y %H:%M")
    survey = pd.DataFrame({"score": rows["LikelyToRecommend"], "answer_time": times})
    calendar = Calendar()
    known = {
        **reference["carpentries_nps"]["instructor_training_by_quarter"],
        **reference["carpentries_nps"]["instructor_training_by_month"],
    }

    table = nps_table(
        survey, [calendar.parse(period) for period in known], calendar=calendar,
        as_of=dt.date(2018, 9, 8),
    ).set_index("period")  # fmt: skip

    for period, figures in known.items():
        for name in ("n", "promoters", "passives", "detractors", "nps"):
            assert table.loc[period, name] == pytest.approx(figures[name], abs=1e-9)
