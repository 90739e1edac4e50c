"""Effects in segments: whether they differ, and what is left after shrinking."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kpikit.analysis.experiments.segments import heterogeneity, heterogeneity_table, segment_table


def cells_of(effects, errors, dimension="device", degrees=math.inf):
    """Return effects as ``ExperimentResult.segments`` holds them."""
    return pd.DataFrame(
        {"metric": "paid", "variant": "b", "dimension": dimension,
         "segment": [f"s{index}" for index in range(len(effects))], "delta_abs": effects,
         "se": errors, "df": degrees, "p_value": 0.5}
    ).assign(p_value=lambda frame: frame["p_value"].where(frame["se"].notna()))  # fmt: skip


def test_cochrans_q_weighs_by_precision():
    # weights 1 and 1/4: mean (1 x 0 + 1/4 x 5) / 1.25 = 1, Q = 1 x 1 + 1/4 x 16 = 5
    found = heterogeneity(pd.Series([0.0, 5.0]), pd.Series([1.0, 2.0]))

    assert (found["pooled"], found["q"]) == (1, 5)
    assert found["p_value"] == pytest.approx(stats.chi2.sf(5, 1))
    assert found["i_squared"] == pytest.approx(0.8)
    # (Q - 1) / (1.25 - 1.0625 / 1.25)
    assert found["between_variance"] == pytest.approx(4 / 0.4)


def test_equal_effects_differ_by_nothing():
    found = heterogeneity(pd.Series([2.0, 2.0]), pd.Series([1.0, 1.0]))

    assert (found["q"], found["i_squared"], found["between_variance"]) == (0, 0, 0)


def test_dimensions_are_corrected_together():
    cells = pd.concat(
        [cells_of([0.0, 5.0], [1.0, 2.0]), cells_of([1.0, 1.5], [1.0, 1.0], "country"),
         cells_of([1.0], [1.0], "plan")]
    )  # fmt: skip

    table = heterogeneity_table(cells).set_index("dimension")

    assert table.index.tolist() == ["device", "country"]  # one segment cannot differ
    assert table.loc["device", "p_adjusted"] == pytest.approx(2 * table.loc["device", "p_value"])
    assert table.loc["device", "segments"] == 2


def test_estimates_shrink_towards_the_mean_the_more_the_less_is_known():
    cells = cells_of([-1.0, 1.0, 6.0], [0.5, 0.5, 2.0])

    table = segment_table(cells)

    pooled = heterogeneity_table(cells)["pooled"].iloc[0]
    moved = (table["shrunken"] - table["delta_abs"]) / (pooled - table["delta_abs"])
    assert moved.between(0, 1).all()
    assert moved.iloc[2] > moved.iloc[0]
    assert (table["shrunken_se"] < table["se"]).all()


def test_intervals_of_a_dimension_hold_together():
    # three tests at 0.05 / 3 each
    table = segment_table(cells_of([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]))

    half = (table["simultaneous_high"] - table["simultaneous_low"]) / 2
    assert half.tolist() == pytest.approx([stats.norm.isf(0.05 / 6)] * 3)


def test_students_t_serves_where_units_are_few():
    table = segment_table(cells_of([1.0, 2.0], [1.0, 1.0], degrees=9))

    half = (table["simultaneous_high"] - table["simultaneous_low"]) / 2
    assert half.tolist() == pytest.approx([stats.t.isf(0.05 / 4, 9)] * 2)


def test_segments_that_could_not_find_the_effect_are_marked():
    # (1.96 + 0.84) x se must not exceed the effect: 0.28 and 2.8 against 1
    table = segment_table(cells_of([1.0, 1.0], [0.1, 1.0]), planned_effect=-1.0)

    assert table["powered"].tolist() == [True, False]


def test_a_segment_without_estimate_stays_in_the_table():
    table = segment_table(cells_of([1.0, 2.0, np.nan], [0.1, 0.1, np.nan]))

    assert table["powered"].tolist() == [True, True, False]
    assert math.isnan(table["shrunken"].iloc[2])
