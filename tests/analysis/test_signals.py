"""Limits, rules and the choice between raw values and forecast errors."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from kpikit.analysis.signals import SIGNAL_COLUMNS, find_signals, process_limits, signal_table
from kpikit.errors import AnalysisError, UnknownNameError

LINES = {"centre": 0, "lower": -6, "upper": 6}
STEADY = [10, 12, 11, 10, 12, 11]  # moving ranges 2, 1, 1, 2, 1


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(100, 10, count)


def rules_of(values, **options):
    return find_signals(values, **LINES, **options)["rule"].tolist()


# Limits


def test_limits_are_told_by_moving_ranges():
    limits = process_limits(STEADY)

    # mean 66 / 6, mean range 7 / 5
    assert (limits.mean, limits.mr_bar) == (11, 1.4)
    assert (limits.lower, limits.upper) == pytest.approx((11 - 2.66 * 1.4, 11 + 2.66 * 1.4))
    assert limits.range_upper == pytest.approx(3.268 * 1.4)


def test_no_range_spans_a_missing_value():
    limits = process_limits([1, 2, None, 10, 12, None])

    # ranges 1 and 2, mean 25 / 4
    assert (limits.mean, limits.mr_bar) == (6.25, 1.5)


def test_leaps_are_screened_on_request():
    values = [0, 1, 0, 1, 0, 1, 0, 21, 20]

    # ranges 1 x 6, 21, 1: mean 3.5, their limit 11.4; without the leap they are 1
    assert process_limits(values).mr_bar == 3.5
    assert process_limits(values, screen_ranges=True).mr_bar == 1


def test_limits_may_lie_below_zero_and_those_of_a_constant_are_the_constant():
    assert process_limits([0, 1]).lower == pytest.approx(0.5 - 2.66)
    constant = process_limits([5, 5, 5])
    assert (constant.lower, constant.upper, constant.range_upper) == (5, 5, 0)


@pytest.mark.parametrize("values", [[3], [1, None, 2]])
def test_limits_need_two_neighbours(values):
    with pytest.raises(AnalysisError, match=r"no moving range in process_limits\.\nGive at least"):
        process_limits(values)


# Rules


@pytest.mark.parametrize("value", [6.1, -6.1])
def test_a_point_beyond_a_limit(value):
    assert rules_of([1, -1, value]) == ["", "", "beyond_limit"]


def test_a_point_on_a_limit_is_inside():
    assert rules_of([1, -1, 6, -6]) == [""] * 4


def test_three_of_four_nearer_a_limit_than_the_centre():
    assert rules_of([4, -1, 4, 4]) == ["", "", "", "near_limit"]
    assert rules_of([4, 4, 4]) == ["", "", "near_limit"]
    # the point itself must be near; another side, or half way, does not count
    assert rules_of([4, 4, -1, 1]) == [""] * 4
    assert rules_of([4, -4, 4, -4]) == [""] * 4
    assert rules_of([4, 4, 3]) == [""] * 3


def test_eight_on_one_side():
    values = [1, 2, 1, 2, 1, 2, 1, 2, 1, -1]

    assert rules_of(values) == [""] * 7 + ["one_side"] * 2 + [""]
    assert rules_of([-value for value in values]) == [""] * 7 + ["one_side"] * 2 + [""]
    assert rules_of([1, 2, 1, 2, 0, 2, 1, 2, 1]) == [""] * 9
    assert rules_of(values, run_length=9) == [""] * 8 + ["one_side", ""]


def test_the_first_rule_that_applies_is_named_with_its_side():
    table = find_signals([-4, -4, -7], **LINES)

    assert table["rule"].tolist() == ["", "", "beyond_limit"]
    assert table["side"].tolist() == ["", "", "below"]


def test_missing_values_are_passed_over():
    assert rules_of([4, None, 4, None, 4]) == ["", "", "", "", "near_limit"]
    assert rules_of([None]) == [""]
    assert rules_of([]) == []


def test_another_convention_of_the_near_rule():
    # 2 of 3 beyond two thirds of the way, 4
    assert rules_of([5, 1, 5], near=(2, 3, 2 / 3)) == ["", "", "near_limit"]
    assert rules_of([3.9, 1, 5], near=(2, 3, 2 / 3)) == [""] * 3


def test_slack_is_no_side():
    assert rules_of([0.1] * 8, slack=0.1) == [""] * 8
    assert rules_of([6.1], slack=0.1) == [""]


def test_lines_may_differ_by_point():
    table = find_signals([5, 5], centre=[0, 4], lower=[-4, 0], upper=[4, 8])

    assert table["rule"].tolist() == ["beyond_limit", ""]


def test_rounding_is_no_side():
    values = [0.1 + 0.2] * 9

    assert find_signals(values, centre=0.3, lower=0.3, upper=0.3)["rule"].tolist() == [""] * 9


# Tables


def test_values_without_season_trend_or_memory_have_raw_limits():
    table = signal_table([*STEADY, 20])

    # mean 86 / 7, mean range 16 / 6
    assert list(table.columns) == list(SIGNAL_COLUMNS)
    assert set(table["method"]) == {"xmr"}
    assert table["expected"].tolist() == pytest.approx([86 / 7] * 7)
    assert table["upper"].tolist() == pytest.approx([86 / 7 + 2.66 * 16 / 6] * 7)
    assert table["signal"].tolist() == [False] * 6 + [True]
    assert table.loc[6, ["rule", "side"]].tolist() == ["beyond_limit", "above"]


def test_a_constant_gives_no_signal_and_a_change_from_it_does():
    assert not signal_table([0.1] * 12)["signal"].any()
    table = signal_table([5] * 11 + [6])
    # mean range 1 / 11: limits 5.08 +- .24
    assert table["rule"].tolist() == [""] * 7 + ["one_side"] * 4 + ["beyond_limit"]


@pytest.mark.parametrize("values", [[5], [1, 2, 3], [1, 2, None, 2, None, 1, 2, 1]])
def test_too_few_points_have_no_limits(values):
    table = signal_table(values)

    assert set(table["method"]) == {"too_short"}
    assert table[["expected", "lower", "upper"]].isna().all(axis=None)
    assert not table["signal"].any()


def test_a_trend_is_no_row_of_signals():
    steady = signal_table(np.arange(24.0))
    noisy = signal_table(noise(36) + 5 * np.arange(36))

    assert set(steady["method"]) == set(noisy["method"]) == {"forecast_errors"}
    assert not steady["signal"].any()
    assert noisy["signal"].sum() <= 1
    assert np.isnan(noisy["expected"][0])
    assert noisy["expected"].iloc[-1] > noisy["expected"].iloc[8] + 100


def test_a_random_walk_has_limits_around_what_came_before():
    values = 1000 + np.cumsum(noise(60, seed=3) - 100)

    table = signal_table(values)

    assert set(table["method"]) == {"forecast_errors"}
    width = (table["upper"] - table["lower"]).to_numpy()[1:]
    assert width == pytest.approx(np.full(59, width[0]))
    assert table["signal"].mean() < 0.05


def test_a_season_is_expected():
    month = pd.period_range("2022-01", periods=48, freq="M")
    season = 1 + 0.4 * np.sin(np.arange(48) * np.pi / 6)
    values = pd.Series(noise(48, seed=2) * season, month)
    values.iloc[-1] *= 1.8

    table = signal_table(values)

    assert set(table["method"]) == {"forecast_errors"}
    assert table["period"].tolist() == month.tolist()
    assert table["signal"].tolist()[-1]
    assert table["signal"].sum() <= 2
    # high in spring, low in autumn
    assert table["expected"].iloc[-9] > 1.5 * table["expected"].iloc[-3]


def test_a_season_of_values_below_zero_is_added_not_multiplied():
    values = np.tile([-10.0, 0, 10, 0], 10) + np.random.default_rng(1).normal(0, 0.5, 40)

    table = signal_table(values, season_length=4)

    assert table["expected"].iloc[-4:].tolist() == pytest.approx([-10, 0, 10, 0], abs=1)
    assert table["signal"].sum() <= 1


def test_limits_grow_with_a_growing_series():
    growth = 100 * np.exp(0.05 * np.arange(60) + np.random.default_rng(7).normal(0, 0.05, 60))

    table = signal_table(growth)

    width = table["upper"] - table["lower"]
    assert width.iloc[-1] > 5 * width.iloc[2]
    assert (table["lower"].iloc[1:] > 0).all()
    assert table["signal"].sum() <= 2


def test_a_recent_shift_is_no_trend():
    values = np.concatenate([noise(36, seed=1), noise(8, seed=2) + 30])

    table = signal_table(values)

    assert set(table["method"]) == {"xmr"}
    assert table["signal"].iloc[36:].any()
    assert table["side"].iloc[36:].isin(["above", ""]).all()


def test_a_recent_shift_does_not_move_the_limits_that_find_it():
    values = [10, 12] * 14 + [14] * 8

    table = signal_table(values)

    # 28 points with a mean of 11 and ranges of 2; the last 8 lie 3 off, their reach is
    # 2.66 x 2 x sqrt(1/28 + 1/8) = 2.13
    assert table["expected"].unique().tolist() == [11]
    assert table["upper"].iloc[-1] == pytest.approx(11 + 2.66 * 2)
    assert table["rule"].tolist()[-8:] == ["", "", "near_limit", *["near_limit"] * 5]


@pytest.mark.parametrize("values", [[10, 12] * 14 + [13] * 8, [10, 12] * 13 + [14] * 8])
def test_a_small_shift_or_a_short_past_leaves_the_limits_to_all_points(values):
    table = signal_table(values)

    assert table["expected"].iloc[0] == pytest.approx(np.mean(values))


def test_limits_frozen_on_a_baseline_know_nothing_later():
    values = np.concatenate([noise(36), noise(8) + 20])

    frozen = signal_table(values, baseline=36)

    limits = process_limits(values[:36])
    assert set(frozen["upper"]) == {limits.upper}
    assert frozen["signal"].iloc[36:].any()
    assert limits.upper < process_limits(values).upper


def test_a_declared_change_begins_new_limits():
    months = pd.period_range("2026-01", periods=12, freq="M")
    values = pd.Series([*STEADY, *(10 * value for value in STEADY)], months)

    for change in ("2026-07", "2026-07-15", dt.date(2026, 7, 1), months[6]):
        table = signal_table(values, changes=[change])

        assert table["expected"].tolist() == [11] * 6 + [110] * 6
        assert not table["signal"].any()


def test_changes_of_a_sequence_are_positions_and_baselines_count_from_each():
    values = [*STEADY, 30, *(10 * value for value in STEADY), 300]

    table = signal_table(values, changes=[7], baseline=6)

    assert table["expected"].tolist() == pytest.approx([11] * 7 + [110] * 7)
    assert table.index[table["signal"]].tolist() == [6, 13]


def test_the_season_survives_a_declared_change():
    season = np.tile([0.5, 1, 1.5, 1], 10)
    level = np.repeat([100.0, 200], 20)
    values = level * season * np.exp(np.random.default_rng(8).normal(0, 0.01, 40))

    table = signal_table(values, season_length=4, changes=[20])

    assert set(table["method"]) == {"forecast_errors"}
    assert np.isnan(table["expected"][20])
    assert table["expected"].iloc[-4:].to_numpy() == pytest.approx([100, 200, 300, 200], rel=0.15)


def test_gaps_are_rows_without_a_signal():
    months = pd.period_range("2026-01", periods=9, freq="M")

    table = signal_table(pd.Series([*STEADY, 11, 10], months.delete(3)))

    assert table["period"].tolist() == months.tolist()
    assert np.isnan(table["value"][3])
    assert not table["signal"][3]
    assert table["lower"].notna().all()


def test_the_last_value_may_be_missing():
    table = signal_table([*STEADY, 11, None])

    assert np.isnan(table["value"].iloc[-1])
    assert not table["signal"].iloc[-1]


def test_an_unknown_change_is_named():
    months = pd.period_range("2026-01", periods=6, freq="M")

    for change in ("2026-09", "soon"):
        with pytest.raises(UnknownNameError, match=rf"Unknown change '{change}' in signal_table"):
            signal_table(pd.Series(STEADY, months), changes=[change])


@pytest.mark.parametrize("baseline", [0, 5, True, 6.5, "6"])
def test_a_baseline_has_points_enough(baseline):
    with pytest.raises(AnalysisError, match=r"baseline is .* in signal_table\.\nGive at least 6"):
        signal_table(STEADY, baseline=baseline)


def test_a_scaling_is_above_zero():
    with pytest.raises(AnalysisError, match=r"scaling is -1 in process_limits\.\nGive mean moving"):
        process_limits(STEADY, scaling=-1)


@pytest.mark.parametrize(("values", "upper"), [([1, 2], [1, 2, 3]), ([[1, 2]], 3)])
def test_lines_are_one_number_or_one_per_value(values, upper):
    with pytest.raises(AnalysisError, match=r"2 values have lines of 1, 1, \d in find_signals"):
        find_signals(values, centre=0, lower=-1, upper=upper)


def test_noise_is_seldom_a_signal():
    flagged = [signal_table(noise(24, seed))["signal"].iloc[-1] for seed in range(100)]

    assert np.mean(flagged) <= 0.02


def test_points_without_numbers_are_refused():
    with pytest.raises(AnalysisError, match=r"find_signals needs numbers: .*'low'.*\nGive a list"):
        find_signals(["low", "high"], **LINES)
