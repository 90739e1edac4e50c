"""Corrected p-values: published examples, missing ones, and what is refused."""

import math

import pytest

from kpikit.corrections import benjamini_hochberg, holm
from kpikit.errors import AnalysisError

# Benjamini and Hochberg (1995), section 4: fifteen end points of Neuhaus et al.
NEUHAUS = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
    0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
]  # fmt: skip


def test_the_example_of_benjamini_and_hochberg_keeps_four_and_holm_three():
    false_discovery = benjamini_hochberg(NEUHAUS)
    family_wise = holm(NEUHAUS)

    assert (false_discovery <= 0.05).tolist() == [True] * 4 + [False] * 11
    assert (family_wise <= 0.05).tolist() == [True] * 3 + [False] * 12
    # 0.0095 * 15 / 4 and 0.0019 * 13
    assert false_discovery[3] == pytest.approx(0.035625)
    assert family_wise[2] == pytest.approx(0.0247)


def test_adjusted_values_stand_where_theirs_stood_and_missing_ones_stay_missing():
    p_values = [0.5, 0.003, math.nan, 0.054, 0.0003]

    # four tests: 0.0003, 0.003, 0.054, 0.5 times 4, 3, 2, 1 or 4, 2, 4/3, 1
    assert holm(p_values) == pytest.approx([0.5, 0.009, math.nan, 0.108, 0.0012], nan_ok=True)
    assert benjamini_hochberg(p_values) == pytest.approx(
        [0.5, 0.006, math.nan, 0.072, 0.0012], nan_ok=True
    )


def test_no_adjusted_value_is_above_one_or_out_of_order():
    assert holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert benjamini_hochberg([0.02, 0.02, 0.9]).tolist() == pytest.approx([0.03, 0.03, 0.9])


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_without_tests_nothing_is_adjusted(correct):
    assert correct([]).tolist() == []
    assert math.isnan(correct([math.nan])[0])


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
@pytest.mark.parametrize("wrong", [-0.01, 1.5])
def test_what_is_no_probability_is_refused(correct, wrong):
    with pytest.raises(AnalysisError, match=rf"A p-value is {wrong} .*\nGive values from 0 to 1"):
        correct([0.5, wrong])
