"""Contributions sum to the change, whatever the order in which factors are named."""

import math
import operator
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpikit.analysis.drivers import contribution_table, lmdi_table
from kpikit.errors import AnalysisError, UnknownNameError

BEFORE = {"visitors": 100.0, "conversion": 0.10, "aov": 50.0}
AFTER = {"visitors": 120.0, "conversion": 0.15, "aov": 40.0}


def product(**factors):
    return math.prod(factors.values())


def effects(before, after, formula=product):
    table = contribution_table(before, after, formula=formula)
    return dict(zip(table["factor"], table["effect"], strict=True))


def test_two_factors_share_what_both_did_together():
    table = contribution_table(
        {"visitors": 100, "conversion": 0.10},
        {"visitors": 120, "conversion": 0.15},
        formula=lambda visitors, conversion: visitors * conversion,
    )

    # visitors: 20 x the mean conversion .125; conversion: .05 x the mean of 110 visitors
    assert table["factor"].tolist() == ["visitors", "conversion"]
    assert table["effect"].tolist() == pytest.approx([2.5, 5.5], abs=1e-12)
    assert table["share"].tolist() == pytest.approx([2.5 / 8, 5.5 / 8], abs=1e-12)
    assert table["before"].tolist() == [100, 0.10]
    assert table["after"].tolist() == [120, 0.15]


def test_an_effect_is_the_mean_over_all_orders_of_moving():
    orders = list(permutations(BEFORE))
    gains = dict.fromkeys(BEFORE, 0.0)
    for order in orders:
        now = dict(BEFORE)
        for name in order:
            earlier = product(**now)
            now[name] = AFTER[name]
            gains[name] += (product(**now) - earlier) / len(orders)

    assert effects(BEFORE, AFTER) == pytest.approx(gains, abs=1e-9)


def test_a_factor_that_stayed_did_nothing():
    found = effects(BEFORE, {**AFTER, "aov": 50.0})

    assert found["aov"] == 0
    assert sum(found.values()) == pytest.approx(900 - 500, abs=1e-9)


def test_nothing_changed_has_no_shares():
    table = contribution_table(BEFORE, BEFORE, formula=product)

    assert table["effect"].tolist() == [0, 0, 0]
    assert table["share"].isna().all()


def test_arrays_over_segments():
    # shares 1/2, 1/2 and rates .2, .4 before; shares 3/4, 1/4 and rates .2, .6 after
    before = {"users": np.array([50, 50]), "rate": [0.2, 0.4]}
    after = {"users": np.array([150, 50]), "rate": [0.2, 0.6]}

    table = contribution_table(
        before, after, formula=lambda users, rate: (users * rate).sum() / users.sum()
    )

    # users: the mean of .25 - .3 and .3 - .4; rate: the mean of .4 - .3 and .3 - .25
    assert table["effect"].tolist() == pytest.approx([-0.075, 0.075], abs=1e-12)
    assert table["before"].isna().all()


def test_series_are_matched_by_their_index():
    before = {"users": pd.Series({"a": 1.0, "b": 2.0}), "rate": pd.Series({"a": 10.0, "b": 1.0})}
    after = {"users": pd.Series({"b": 2.0, "a": 1.0}), "rate": pd.Series({"b": 1.0, "a": 10.0})}

    found = effects(before, after, lambda users, rate: (users * rate).sum())

    assert found == {"users": 0, "rate": 0}


def test_series_of_one_side_are_matched_with_one_another():
    # a: 1 user at a rate of 10, then 2; b: 2 users at a rate of 1
    before = {"users": pd.Series({"a": 1.0, "b": 2.0}), "rate": pd.Series({"b": 1.0, "a": 10.0})}
    after = {"users": pd.Series({"a": 2.0, "b": 2.0}), "rate": pd.Series({"b": 1.0, "a": 10.0})}

    found = effects(before, after, lambda users, rate: (users * rate).sum())

    assert found == {"users": 10, "rate": 0}


@pytest.mark.parametrize(
    "formula",
    [
        lambda visitors, conversion, aov: visitors * conversion * aov,
        lambda aov, conversion, visitors: visitors * conversion * aov,
        lambda f: f["visitors"] * f["conversion"] * f["aov"],
        lambda a, b, c: a * b * c,
        lambda *values: math.prod(values),
        product,
    ],
)
def test_a_formula_takes_its_factors_by_name_as_a_mapping_or_in_order(formula):
    assert sum(effects(BEFORE, AFTER, formula).values()) == pytest.approx(720 - 500, abs=1e-9)


def test_a_function_of_c_takes_them_in_order():
    assert effects({"a": 2, "b": 3}, {"a": 4, "b": 3}, operator.mul) == {"a": 6, "b": 0}
    assert effects({"a": 2, "b": 3}, {"a": 4, "b": 3}, max) == {"a": 1, "b": 0}


def test_a_formula_that_gives_no_number_is_refused():
    with pytest.raises(AnalysisError, match=r"gives \{'a': 2.0, 'b': 3.0\}, which is no number"):
        effects({"a": 2, "b": 3}, {"a": 4, "b": 3}, lambda given: given)


factor = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 4))
sides = st.integers(1, 7).flatmap(
    lambda size: st.tuples(*[st.lists(factor, min_size=size, max_size=size)] * 2)
)


@given(sides=sides, order=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=30)
def test_effects_sum_to_the_change_whatever_the_order_of_factors(sides, order):
    names = [f"x{index}" for index in range(len(sides[0]))]
    before, after = (dict(zip(names, side, strict=True)) for side in sides)
    shuffled = order.sample(names, len(names))

    def formula(**given):
        ordered = [given[name] for name in names]
        return sum(ordered) + ordered[0] * ordered[-1] - max(ordered)

    found = effects(before, after, formula)
    again = effects(
        {name: before[name] for name in shuffled}, {name: after[name] for name in shuffled}, formula
    )

    change = formula(**after) - formula(**before)
    size = max(1.0, *(abs(effect) for effect in found.values()))
    assert math.fsum(found.values()) == pytest.approx(change, rel=1e-9, abs=1e-9 * size)
    assert again == found


@given(
    st.lists(st.tuples(*[st.floats(0.01, 1000)] * 6), min_size=1, max_size=5),
)
@settings(deadline=None, max_examples=30)
def test_effects_over_segments_sum_within_a_billionth(rows):
    columns = np.array(rows).T
    before = dict(zip("abc", columns[:3], strict=True))
    after = dict(zip("abc", columns[3:], strict=True))

    def formula(a, b, c):
        return (a * b * c).sum() / a.sum()

    found = effects(before, after, formula)

    change = formula(**after) - formula(**before)
    assert math.fsum(found.values()) == pytest.approx(change, abs=1e-9, rel=1e-9)


@pytest.mark.parametrize(
    ("before", "after", "formula", "message"),
    [
        ({}, {}, product, "There is no factor"),
        ({f"x{i}": 1 for i in range(8)}, {f"x{i}": 2 for i in range(8)}, product, "8 factors in"),
        ({"a": math.nan}, {"a": 1}, product, "Factor 'a' has a value that is missing"),
        ({"a": "many"}, {"a": 1}, product, "Factor 'a' has a value that is missing or no number"),
        ({"a": [[1.0]]}, {"a": 1}, product, "or a flat array"),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, product, "different numbers of segments: 2, 3"),
        ({"a": [1, 2]}, {"a": [1, 2]}, lambda a: a * 2, "The formula gives 2 values"),
        ({"a": 1, "b": 1}, {"a": 1, "b": 0}, lambda a, b: a / b, "gives no number where b moved"),
        (
            {"a": np.array([1.0]), "b": np.array([0.0])},
            {"a": np.array([1.0]), "b": np.array([1.0])},
            lambda a, b: (a / b).sum(),
            "gives no number where nothing moved",
        ),
        ({"a": 1, "b": 1}, {"a": 1, "b": 2}, lambda a, b, c: a * b * c, "takes a, b, c; the"),
        ({"a": 1}, {"a": 1}, lambda: 1, "takes nothing; the factors are a"),
        ({"a": 1}, {"a": 2}, "a * 2", r"formula is 'a \* 2', and no function"),
        ({"a": -1.0}, {"a": 2.0}, lambda a: a**0.5, "gives no number where nothing moved"),
        ({"a": 1}, {"a": 2}, lambda a: None, "gives no number where nothing moved"),
        (
            {"a": pd.Series({"x": 1.0})},
            {"a": pd.Series({"y": 1.0})},
            lambda a: a.sum(),
            "Factor 'a' has other segments than the factors before it, or one twice",
        ),
        (
            {"a": pd.Series([1.0, 2.0], ["x", "x"])},
            {"a": pd.Series([1.0, 2.0], ["x", "x"])},
            lambda a: a.sum(),
            "or one twice",
        ),
    ],
)
def test_what_cannot_be_parted_is_refused(before, after, formula, message):
    with pytest.raises(AnalysisError, match=message):
        contribution_table(before, after, formula=formula)


def test_factors_may_stand_in_a_series():
    table = contribution_table(
        pd.Series({"a": 2.0, "b": 3.0}), pd.Series({"a": 3.0, "b": 3.0}), formula=product
    )

    assert dict(zip(table["factor"], table["effect"], strict=True)) == {"a": 3.0, "b": 0.0}


@pytest.mark.parametrize(
    ("before", "after", "side"),
    [({"visits": 1}, {"visitors": 1}, "after"), ({"a": 1}, {"a": 1, "b": 1}, "before")],
)
def test_a_factor_of_one_side_alone_is_named(before, after, side):
    with pytest.raises(UnknownNameError, match=f"Unknown factor '.*' in '{side}', which lacks it"):
        contribution_table(before, after, formula=product)


def test_divisia_effects_sum_and_ratios_multiply():
    # one segment: the effect is the logarithmic mean of 50 and 6 times the log of each ratio
    table = lmdi_table({"a": 2, "b": 3}, {"a": 5, "b": 10})

    mean = (50 - 6) / math.log(50 / 6)
    assert table["effect"].tolist() == pytest.approx(
        [mean * math.log(5 / 2), mean * math.log(10 / 3)], abs=1e-12
    )
    assert table["ratio"].tolist() == pytest.approx([5 / 2, 10 / 3], abs=1e-12)


def test_divisia_of_values_that_stayed():
    table = lmdi_table({"a": [2, 1], "b": [3, 1]}, {"a": [3, 1], "b": [2, 1]})

    assert table["effect"].sum() == pytest.approx(0, abs=1e-12)
    assert table["ratio"].prod() == pytest.approx(1, abs=1e-12)


def test_divisia_knows_no_zero():
    with pytest.raises(AnalysisError, match=r"'b' is not above zero.*\nUse contribution_table"):
        lmdi_table({"a": 1, "b": 0}, {"a": 1, "b": 2})
