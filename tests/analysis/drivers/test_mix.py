"""Mix and rate effects of segments sum to the change of the weighted rate."""

import math

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpikit.analysis.drivers import mix_rate_table
from kpikit.errors import AnalysisError

NAMES = {"segment": "plan", "weight": "users", "rate": "rate"}


def frame(rows):
    return pd.DataFrame(rows, columns=["plan", "users", "rate"])


def table_of(before, after):
    return mix_rate_table(frame(before), frame(after), **NAMES).set_index("plan")


def test_a_shift_between_segments_is_mix_and_a_better_segment_is_rate():
    table = table_of([("a", 50, 0.2), ("b", 50, 0.4)], [("a", 75, 0.2), ("b", 25, 0.6)])

    # .3 before and .3 after, so the mean of the whole is .3
    # a: +.25 x (.2 - .3); b: -.25 x (.5 - .3), and .375 x +.2
    assert table["mix_effect"].to_dict() == pytest.approx({"a": -0.025, "b": -0.05}, abs=1e-12)
    assert table["rate_effect"].to_dict() == pytest.approx({"a": 0.0, "b": 0.075}, abs=1e-12)
    assert table["effect"].sum() == pytest.approx(0, abs=1e-12)
    assert table["status"].tolist() == ["kept", "kept"]


def test_new_and_vanished_segments_are_rows_of_their_own_and_all_mix():
    table = table_of([("a", 80, 0.5), ("old", 20, 0.1)], [("a", 60, 0.5), ("new", 40, 0.2)])

    # .42 before, .38 after: mean .40
    assert table["status"].to_dict() == {"a": "kept", "old": "gone", "new": "new"}
    assert table["mix_effect"].to_dict() == pytest.approx(
        {"a": -0.2 * 0.1, "old": -0.2 * -0.3, "new": 0.4 * -0.2}, abs=1e-12
    )
    assert table["rate_effect"].to_dict() == {"a": 0, "old": 0, "new": 0}
    assert table["effect"].sum() == pytest.approx(0.38 - 0.42, abs=1e-12)
    assert math.isnan(table.loc["new", "rate_before"])
    assert math.isnan(table.loc["old", "rate_after"])


def test_a_segment_without_weight_has_no_rate():
    # the zero rate of b before is no rate; c had no user on either side
    table = table_of(
        [("a", 10, 0.5), ("b", 0, 0.0), ("c", 0, 0.9)], [("a", 10, 0.5), ("b", 10, 0.3)]
    )

    assert table.index.tolist() == ["a", "b"]
    assert table.loc["b", ["status", "rate_effect"]].tolist() == ["new", 0]
    assert table["effect"].sum() == pytest.approx(0.4 - 0.5, abs=1e-12)


def test_a_missing_segment_is_one_too():
    table = table_of([(None, 1, 0.5)], [(None, 2, 0.7)])

    assert table.index.tolist() == ["(missing)"]
    assert table["effect"].tolist() == pytest.approx([0.2], abs=1e-12)


def test_ibis_tables_give_the_same():
    before, after = frame([("a", 1, 0.5), ("b", 3, 0.1)]), frame([("a", 2, 0.4), ("b", 1, 0.3)])

    table = mix_rate_table(ibis.memtable(before), ibis.memtable(after), **NAMES)

    expected = mix_rate_table(before, after, **NAMES)
    pd.testing.assert_frame_equal(table.sort_values("plan", ignore_index=True), expected)


segments = st.dictionaries(
    st.sampled_from("abcdef"),
    st.tuples(st.integers(1, 10**6), st.floats(-1e3, 1e3)),
    min_size=1,
    max_size=6,
)


@given(segments, segments)
@settings(deadline=None, max_examples=50)
def test_effects_sum_to_the_change_of_the_whole(before, after):
    def rate(side):
        return sum(users * rate for users, rate in side.values()) / sum(
            users for users, _ in side.values()
        )

    table = table_of(
        [(name, *values) for name, values in before.items()],
        [(name, *values) for name, values in after.items()],
    )

    both = table["mix_effect"].sum() + table["rate_effect"].sum()
    assert both == pytest.approx(rate(after) - rate(before), abs=1e-9)
    assert set(table.index) == {*before, *after}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "No segment has any weight in 'after'"),
        ([("a", 0, 0.5)], "No segment has any weight in 'after'"),
        ([("a", 1, 0.5), ("a", 2, 0.5)], "Segment 'a' occurs twice in 'after'"),
        ([("a", -1, 0.5)], "Segment 'a' has no usable weight in 'after'"),
        ([("a", math.nan, 0.5)], "Segment 'a' has no usable weight in 'after'"),
        ([("a", math.inf, 0.5)], "Segment 'a' has no usable weight in 'after'"),
        ([("a", 1, math.nan)], "Segment 'a' has weight and no rate in 'after'"),
    ],
)
def test_what_would_make_a_wrong_number_is_refused(rows, message):
    with pytest.raises(AnalysisError, match=message):
        table_of([("a", 1, 0.5)], rows)


def test_segments_under_the_name_of_a_result_are_refused():
    rows = pd.DataFrame({"status": ["a"], "users": [1], "rate": [0.5]})

    with pytest.raises(AnalysisError, match=r"segment is 'status' in mix_rate_table.*\nRename"):
        mix_rate_table(rows, rows, segment="status", weight="users", rate="rate")


def test_a_misspelt_column_is_named():
    with pytest.raises(AnalysisError, match=r"Table before has no column 'plans'.\nDid you mean"):
        mix_rate_table(frame([]), frame([]), segment="plans", weight="users", rate="rate")
