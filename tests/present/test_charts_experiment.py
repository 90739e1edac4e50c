"""Charts of experiments: by their data and labels."""

import numpy as np
import pandas as pd
import pytest

from kpikit.present import theme
from kpikit.present.charts_experiment import (
    plot_cumulative_effect,
    plot_effect_by_age,
    plot_effects,
)

EFFECTS = pd.DataFrame({
    "name": ["Conversion", "Revenue per user"],
    "estimate": [0.09, -0.02], "low": [0.01, -0.10], "high": [0.17, 0.06],
    "text": ["+9.00 %", "−2.00 %"], "outcome": ["better", "inconclusive"],
})  # fmt: skip


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_forest_has_a_dot_and_a_line_per_effect_around_zero():
    axes = plot_effects(EFFECTS, unit="share", relative=True)

    dots = [line for line in axes.lines if line.get_label() == "effect"]
    assert [dot.get_xdata()[0] for dot in dots] == [0.09, -0.02]
    assert [dot.get_color() for dot in dots] == [theme.GOOD, theme.INK]
    assert axes.get_xlim()[0] < -0.10 < 0.17 < axes.get_xlim()[1]
    assert {"Conversion", "+9.00 %", "0 %"} <= set(texts(axes))


def test_differences_of_shares_are_points():
    axes = plot_effects(EFFECTS, unit="share")

    assert "0 pt" in texts(axes)


def test_a_muted_effect_is_grey_and_a_margin_is_dashed():
    frame = EFFECTS.assign(muted=[False, True], limit=[np.nan, -0.05])

    axes = plot_effects(frame, unit="share")

    dots = [line for line in axes.lines if line.get_label() == "effect"]
    margins = [line for line in axes.lines if line.get_label() == "margin"]
    assert dots[1].get_color() == theme.MID
    assert [margin.get_xdata()[0] for margin in margins] == [-0.05]


def test_an_effect_without_estimate_keeps_its_row():
    frame = EFFECTS.assign(estimate=[0.09, np.nan], low=[0.01, np.nan], high=[0.17, np.nan])

    axes = plot_effects(frame, unit="number")

    assert "Revenue per user" in texts(axes)
    assert sum(line.get_label() == "effect" for line in axes.lines) == 1


@pytest.mark.parametrize("draw", [
    lambda: plot_effects(EFFECTS.assign(estimate=np.nan), unit="share"),
    lambda: plot_cumulative_effect(curve().assign(delta_abs=np.nan), unit="share"),
    lambda: plot_effect_by_age(ages().assign(delta_abs=np.nan), unit="share"),
])  # fmt: skip
def test_without_an_estimate_a_chart_says_so(draw):
    (text,) = texts(draw())

    assert text.startswith("No data: no")


def curve():
    days = pd.date_range("2026-05-01", periods=6)
    half = np.array([9.0, 2.0, 0.5, 0.4, 0.3, 0.25])
    return pd.DataFrame({
        "day": days, "delta_abs": 0.1, "always_low": 0.1 - half, "always_high": 0.1 + half,
    })  # fmt: skip


def ages():
    return pd.DataFrame({
        "age": [0, 1, 2], "delta_abs": [0.2, 0.1, 0.05], "ci_low": [0.1, 0.0, -0.1],
        "ci_high": [0.3, 0.2, 0.2],
    })  # fmt: skip


def test_a_cumulative_effect_ends_in_its_last_value_and_is_not_scaled_by_the_first_days():
    axes = plot_cumulative_effect(curve(), unit="money", currency="EUR")

    assert axes.get_ylim()[1] < 1
    assert "+€0.10" in texts(axes)
    assert {"1 May", "6 May"} <= set(texts(axes))


def test_one_day_makes_a_chart_too():
    axes = plot_cumulative_effect(curve().head(1), unit="number")

    assert "1 May" in texts(axes)


def test_effects_by_age_name_their_days():
    axes = plot_effect_by_age(ages(), unit="number")

    (dots,) = [line for line in axes.lines if line.get_label() == "effect"]
    assert list(dots.get_ydata()) == [0.2, 0.1, 0.05]
    assert {"day 0", "1", "2"} <= set(texts(axes))
