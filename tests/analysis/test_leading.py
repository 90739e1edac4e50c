"""Claims of leading are tested on deseasonalised changes, and noise passes for nothing."""

import math

import numpy as np
import pandas as pd
import pytest

from kpikit.analysis.leading import leading_table
from kpikit.errors import AnalysisError
from kpikit.params.model import LeadingIndicator

STARTS = pd.date_range("2022-01-01", periods=48, freq="MS")


def claim(lag=2, metric="signups", outcome="mrr"):
    return LeadingIndicator(metric=metric, outcome=outcome, lag_months=lag)


def months_of(**series):
    return pd.concat(
        pd.DataFrame({"metric": name, "start": STARTS[: len(values)], "value": values})
        for name, values in series.items()
    )


def row_of(lag=2, **series):
    return leading_table([claim(lag)], months_of(**series)).iloc[0]


@pytest.fixture
def draws():
    return np.random.default_rng(3)


def test_what_follows_two_months_later_is_found(draws):
    first = draws.normal(100, 10, 48).cumsum()
    later = np.concatenate([[0, 0], 5 * first[:-2]]) + draws.normal(0, 5, 48)

    row = row_of(signups=first, mrr=later)

    # 47 changes, less the two at each end that have no partner
    assert row["n"] == 45
    assert row["verdict"] == "associated"
    assert row["ci_low"] < row["correlation"] < row["ci_high"]
    assert row["correlation"] > 0.8
    assert row["p_adjusted"] == row["p_value"]


def test_what_falls_when_the_other_rises_is_opposite(draws):
    first = draws.normal(0, 10, 48).cumsum()

    assert row_of(signups=first, mrr=-np.roll(first, 2))["verdict"] == "opposite"


def test_a_common_trend_and_season_are_no_association(draws):
    season = np.tile(draws.normal(0, 50, 12), 4) + 10 * np.arange(48)

    found = [
        row_of(signups=season + draws.normal(0, 1, 48), mrr=season + draws.normal(0, 1, 48))
        for _ in range(20)
    ]

    assert sum(row["verdict"] != "not_found" for row in found) <= 3


def test_noise_passes_for_an_association_in_about_one_of_twenty(draws):
    claims = [claim(2, f"a{number}", f"b{number}") for number in range(100)]
    series = {f"{side}{number}": draws.normal(0, 1, 48) for number in range(100) for side in "ab"}

    table = leading_table(claims, months_of(**series))

    # 5 % of 100, and two standard errors; after Holm's correction none
    assert (table["p_value"] < 0.05).sum() <= 5 + 2 * math.sqrt(100 * 0.05 * 0.95)
    assert (table["verdict"] == "not_found").all()


def test_claims_are_corrected_for_their_number(draws):
    first = draws.normal(0, 10, 48).cumsum()
    later = np.roll(first, 2) + draws.normal(0, 12, 48)
    series = months_of(signups=first, mrr=later)

    table = leading_table([claim(2), claim(3)], series)

    assert table["p_adjusted"].min() == pytest.approx(2 * table["p_value"].min())


@pytest.mark.parametrize(
    "series",
    [
        {"signups": np.arange(22.0) ** 2, "mrr": np.arange(22.0) ** 2},  # 21 changes, 19 pairs
        {"signups": np.ones(48), "mrr": np.arange(48.0) ** 2},
        {"signups": 3 * np.arange(48.0), "mrr": np.arange(48.0) ** 2},  # changes never differ
        {"signups": np.arange(48.0)},
    ],
)
def test_short_constant_and_absent_series_tell_nothing(series):
    row = row_of(**series)

    assert row["verdict"] == "too_short"
    assert row[["correlation", "ci_low", "ci_high", "p_value", "p_adjusted"]].isna().all()


def test_a_missing_month_breaks_its_two_changes(draws):
    values = draws.normal(0, 1, 48)
    months = months_of(signups=values, mrr=values)
    gap = months[~((months["metric"] == "mrr") & (months["start"] == STARTS[20]))]

    whole, broken = (leading_table([claim(1)], rows).iloc[0]["n"] for rows in (months, gap))

    assert (whole, broken) == (46, 44)


def test_a_perfect_association_has_a_finite_interval():
    first = np.random.default_rng(1).normal(0, 1, 48).cumsum()

    row = row_of(signups=first, mrr=np.concatenate([[0, 0], first[:-2]]))

    assert row["correlation"] == pytest.approx(1, abs=0.05)
    assert row["ci_high"] <= 1


def test_no_claim_gives_an_empty_table():
    assert leading_table([], months_of(mrr=[1.0])).empty


def test_missing_columns_are_named():
    with pytest.raises(AnalysisError, match="Table months has no column 'value'"):
        leading_table([claim()], pd.DataFrame({"metric": [], "start": []}))


def test_a_month_that_stands_twice_is_named():
    months = months_of(mrr=[1.0, 2.0])

    with pytest.raises(AnalysisError, match="Metric 'mrr' has two rows for one month in months"):
        leading_table([claim()], pd.concat([months, months]))
