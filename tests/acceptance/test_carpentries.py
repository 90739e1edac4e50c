"""Carpentries: answers from 0 to 10, mostly without dates; two files hold the same ones."""

import pytest

import kpikit as kk


@pytest.fixture(scope="module")
def expected(reference):
    return reference["carpentries_nps"]


@pytest.mark.parametrize(
    ("key", "period", "survey"),
    [
        ("carpentries_nps", "2018Q3", "instructor_training_2018_09"),  # 48.37
        ("carpentries_2017_10", "2017Q4", "longterm_2017_10"),  # 36.32
        ("carpentries_2020_01", "2020Q1", "longterm_2020_01"),  # 62.69
        ("carpentries_2020_12", "2020Q4", "longterm_2020_12"),  # 47.13
    ],
)
def test_each_wave_has_the_score_of_the_reference(open_product, expected, key, period, survey):
    row = expected["surveys"][survey]

    product = open_product(key)
    fact = product.facts(["nps"], period).iloc[0]

    assert fact["value"] == pytest.approx(row["nps"], abs=1e-9)
    assert fact["n"] == row["n"]
    assert product.data.tables["survey"].count().execute() == row["rows"]


def test_the_function_alone_gives_the_same_and_counts_each_kind(open_product, expected):
    row = expected["surveys"]["instructor_training_2018_09"]
    scores = open_product("carpentries_nps").data.tables["survey"].score.execute()

    found = kk.nps(scores)

    assert (found.promoters, found.passives, found.detractors, found.n) == (
        row["promoters"], row["passives"], row["detractors"], row["n"],
    )  # fmt: skip
    assert found.nps == pytest.approx(row["nps"], abs=1e-9)
    assert found.ci_low < found.nps < found.ci_high


@pytest.mark.parametrize("grain", ["quarter", "month"])
def test_training_by_its_dates_equals_the_reference(open_product, expected, grain):
    rows = expected[f"instructor_training_by_{grain}"]

    facts = open_product("carpentries_training").facts(["nps"], *rows)

    assert facts["n"].tolist() == [row["n"] for row in rows.values()]
    assert facts["value"].tolist() == pytest.approx([row["nps"] for row in rows.values()], abs=1e-9)


def test_two_files_with_the_same_answers_are_named(open_product):
    found = open_product("carpentries_2017_10").finding("repeated_file")

    assert found.severity == "warning"
    assert (
        "data_20170701.csv and longterm_October2017.csv hold the same 402 answers" in found.message
    )


def test_answers_left_out_are_counted(open_product, expected):
    found = open_product("carpentries_nps").finding("missing_value")

    assert found.rows == expected["surveys"]["instructor_training_2018_09"]["missing"]
    assert found.severity == "accepted"
