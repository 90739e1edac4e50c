"""A declared driver tree: exact at every level, and honest where it is no identity."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpikit.analysis.drivers import contribution_table, driver_table
from kpikit.errors import AnalysisError, UnknownNameError

BEFORE = {"revenue": 500.0, "orders": 10.0, "aov": 50.0, "users": 5.0, "per_user": 2.0}
AFTER = {"revenue": 720.0, "orders": 18.0, "aov": 40.0, "users": 6.0, "per_user": 3.0}
TREE = {"revenue": "orders * aov", "orders": "users * per_user"}


def table_of(before=None, after=None, metric="revenue", formulas=None):
    return driver_table(
        BEFORE | (before or {}), AFTER | (after or {}), metric=metric, formulas=formulas or TREE
    )


def test_each_level_sums_to_the_one_above():
    table = table_of().set_index("factor")

    # orders: 8 x the mean aov of 45; aov: -10 x the mean of 14 orders
    assert table["effect"].to_dict() == pytest.approx(
        # users: 1 x the mean of 2.5 per user x 45; per_user: 1 x the mean of 5.5 users x 45
        {"revenue": 220, "orders": 360, "users": 112.5, "per_user": 247.5, "aov": -140},
        abs=1e-9,
    )
    assert table["parent"].tolist() == ["", "revenue", "orders", "orders", "revenue"]
    assert table["level"].tolist() == [0, 1, 2, 2, 1]
    assert table["share"].tolist()[0] == 1
    assert not table["is_residue"].any()


def test_a_formula_that_is_no_identity_shows_its_residue():
    table = table_of(before={"revenue": 510.0}, after={"revenue": 715.0})

    residue = table[table["is_residue"]].iloc[0]
    # 510 - 500 before, 715 - 720 after
    assert residue[["factor", "parent", "before", "after"]].tolist() == [
        "residue", "revenue", 10, -5,
    ]  # fmt: skip
    assert residue["effect"] == pytest.approx(-15, abs=1e-9)
    first_level = table.loc[table["level"] == 1, "effect"]
    assert math.fsum(first_level) == pytest.approx(205, abs=1e-9)


def test_a_residue_below_the_root_is_valued_in_the_roots_unit():
    table = table_of(after={"users": 5.0})

    # 18 orders, of which 5 users x 3 explain 15: a residue of 3 orders, worth the mean aov of 45
    residue = table[table["is_residue"]].iloc[0]
    assert residue["parent"] == "orders"
    assert residue["effect"] == pytest.approx(3 * 45, abs=1e-9)


def test_a_metric_called_residue_is_one_like_others():
    table = driver_table(
        {"a": 6, "residue": 2, "b": 3}, {"a": 7, "residue": 2, "b": 3},
        metric="a", formulas={"a": "residue * b"},
    )  # fmt: skip

    assert table["factor"].tolist() == ["a", "residue", "b", "residue"]
    assert table["is_residue"].tolist() == [False, False, False, True]
    assert table["effect"].tolist() == [1, 0, 0, 1]


def test_a_metric_that_did_not_change_has_no_shares():
    table = driver_table(BEFORE, BEFORE, metric="revenue", formulas=TREE)

    assert table["effect"].tolist() == [0] * 5
    assert table["share"].isna().all()


positive = st.floats(0.01, 1e4)


@given(st.lists(positive, min_size=3, max_size=3), st.lists(positive, min_size=3, max_size=3),
       positive, positive)  # fmt: skip
@settings(deadline=None, max_examples=50)
def test_effects_sum_whatever_the_values_and_residues(old, new, measured_old, measured_new):
    names = ("aov", "users", "per_user")
    before = dict(zip(names, old, strict=True)) | {"orders": measured_old, "revenue": measured_new}
    after = dict(zip(names, new, strict=True)) | {"orders": measured_new, "revenue": measured_old}

    table = driver_table(before, after, metric="revenue", formulas=TREE)

    for parent in ("revenue", "orders"):
        row = table[(table["factor"] == parent)].iloc[0]
        below = table.loc[table["parent"] == parent, "effect"]
        size = max(1.0, below.abs().max())
        assert math.fsum(below) == pytest.approx(row["effect"], abs=1e-9 * size)


def test_the_first_level_is_that_of_the_contributions():
    names = ["orders", "aov"]

    alone = contribution_table(
        {name: BEFORE[name] for name in names},
        {name: AFTER[name] for name in names},
        formula=lambda orders, aov: orders * aov,
    )

    tree = table_of().set_index("factor")
    assert tree.loc[names, "effect"].tolist() == alone["effect"].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"before": {"aov": math.nan}}, "'aov' has no value in 'before'"),
        ({"after": {"revenue": math.inf}}, "'revenue' has no value in 'after'"),
        ({"formulas": {"revenue": "orders / aov"}, "after": {"aov": 0.0}}, "divides by zero"),
        ({"formulas": {"revenue": "orders * revenue"}}, "lie more than 4 levels deep"),
        ({"formulas": {"revenue": "orders ** 2"}}, "may not stand in the formula"),
    ],
)
def test_what_cannot_be_reckoned_is_refused(change, message):
    with pytest.raises(AnalysisError, match=message):
        table_of(**change)


def test_unknown_metrics_are_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"'order' in drivers.*\nDid you mean 'orders'"):
        table_of(metric="order")
    with pytest.raises(UnknownNameError, match=r"'aovs' in the values of.*\nDid you mean 'aov'"):
        table_of(formulas={"revenue": "orders * aovs"})
