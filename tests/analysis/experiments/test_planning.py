"""How many units, which effect, how many days."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kpikit as kk
from kpikit.analysis.experiments.forecasting import days_left, planning_table
from kpikit.analysis.experiments.planning import achieved_power, runtime_days
from kpikit.errors import AnalysisError


def test_units_of_a_mean_follow_the_rule_of_sixteen():
    # 2 (1.96 + 0.84)^2 (sd / effect)^2 = 15.7 x 100
    assert kk.sample_size(baseline=10, effect=1, kind="mean", sd=10) == pytest.approx(1570.7, abs=1)


def test_cuped_saves_the_share_that_the_past_explains():
    plain = kk.sample_size(baseline=10, effect=0.1, kind="mean", sd=10)
    half = kk.sample_size(baseline=10, effect=0.1, kind="mean", sd=10, variance_reduction=0.5)

    assert half == pytest.approx(plain / 2, rel=1e-4)


def test_a_loss_needs_a_side_that_looks_for_it():
    greater = {"baseline": 0.1, "effect": -0.02, "alternative": "greater"}

    with pytest.raises(AnalysisError, match="No number of units finds an effect"):
        kk.sample_size(**greater)
    assert kk.sample_size(**greater | {"alternative": "less"}) > 1000


def test_a_margin_plans_a_guardrail():
    # without a true difference, both shares under the margin's hypothesis are those of Farrington
    # and Manning; their normal approximation is close to (1.96 + 0.84)^2 2 p q / margin^2
    n = kk.sample_size(baseline=0.5, effect=0, margin=0.02)
    down = kk.sample_size(baseline=0.5, effect=0, margin=0.02, alpha=0.025, alternative="less")

    assert n == pytest.approx(7.849 * 0.5 / 0.02**2, rel=1e-3)
    assert down == pytest.approx(n)


def test_a_margin_of_a_mean_is_a_one_sided_test():
    n = kk.sample_size(baseline=0, effect=0, kind="mean", sd=1, margin=0.1)

    assert n == pytest.approx(2 * 7.849 / 0.01, rel=0.01)
    with pytest.raises(AnalysisError, match=r"an effect above -0\.1"):
        kk.sample_size(baseline=0, effect=-0.2, kind="mean", sd=1, margin=0.1)


def test_an_effect_that_the_fewest_units_show_needs_no_more():
    assert kk.sample_size(baseline=0, effect=1e9, kind="mean", sd=1) == 1.5


@settings(deadline=None, max_examples=40)
@given(
    st.floats(0.01, 0.9), st.floats(0.002, 0.09), st.floats(0.2, 5),
    st.sampled_from(["two-sided", "greater"]),
)  # fmt: skip
def test_the_detectable_effect_is_the_inverse_of_the_units(baseline, effect, ratio, alternative):
    n = kk.sample_size(baseline=baseline, effect=effect, ratio=ratio, alternative=alternative)
    if n < 2 or n * ratio < 2:
        return

    found = kk.minimum_detectable_effect(
        n_control=n, n_variant=n * ratio, baseline=baseline, alternative=alternative
    )

    assert found == pytest.approx(effect, rel=1e-6)


def test_a_detectable_loss_is_negative():
    mean = {"n_control": 1000, "n_variant": 1000, "baseline": 5, "kind": "mean", "sd": 2}
    share = {"n_control": 1000, "n_variant": 1000, "baseline": 0.2}

    gain = kk.minimum_detectable_effect(**mean)
    loss = kk.minimum_detectable_effect(**mean, alternative="less", alpha=0.025)

    assert loss == pytest.approx(-gain)
    assert kk.minimum_detectable_effect(**share, alternative="less") < 0


def test_an_effect_beyond_a_hundred_percent_is_none():
    assert math.isnan(kk.minimum_detectable_effect(n_control=5, n_variant=5, baseline=0.9))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "ratio"}, "kind is 'ratio'"),
        ({"alternative": "both"}, "alternative is 'both'"),
        ({"alpha": 0}, "alpha is 0"),
        ({"power": 1}, "power is 1"),
        ({"power": None}, "power is None.\nGive a number"),
        ({"ratio": 0}, "ratio is 0"),
        ({"variance_reduction": 1}, "variance_reduction is 1"),
        ({"baseline": 10}, "baseline is 10 for a proportion"),
        ({"kind": "mean"}, "sd is None for a mean"),
        ({"effect": 0}, "No number of units finds an effect of 0"),
        ({"effect": 5}, "An effect of 5 makes a share of 5.1 out of 0.1"),
        ({"effect": math.nan}, "No number of units finds an effect of nan"),
        ({"effect": 1e-9}, r"An effect of 1e-09 needs more than 1e\+15 units"),
        ({"baseline": "0.1"}, "baseline is '0.1'.\nGive a number"),
    ],
)
def test_plans_that_cannot_be_are_named(options, message):
    with pytest.raises(AnalysisError, match=message):
        kk.sample_size(**{"baseline": 0.1, "effect": 0.01} | options)


def test_decimals_of_a_database_are_numbers():
    given = {"baseline": Decimal("0.1"), "effect": Decimal("0.01")}

    assert kk.sample_size(**given) == kk.sample_size(baseline=0.1, effect=0.01)


def test_nobody_shows_nothing():
    with pytest.raises(AnalysisError, match="n_control is 0"):
        kk.minimum_detectable_effect(n_control=0, n_variant=10, baseline=0.5)


def test_power_rises_with_the_units():
    place = {"baseline": 0.1, "effect": 0.01}

    powers = [achieved_power(n_control=n, n_variant=n, **place) for n in (1000, 10_000, 100_000)]

    assert powers == sorted(powers)
    assert powers[-1] > 0.99


def test_days_are_whole_and_need_visitors():
    assert runtime_days(1000, ratio=0.5, daily_units=100) == 15
    assert runtime_days(1001, ratio=0.5, daily_units=100) == 16
    with pytest.raises(AnalysisError, match="daily_units is 0"):
        runtime_days(10, daily_units=0)


@pytest.fixture(scope="module")
def history():
    rng = np.random.default_rng(2)
    past = rng.normal(10, 3, 5000)
    return pd.DataFrame(
        {"spend": past + rng.normal(0, 3, 5000), "past": past, "paid": rng.random(5000) < 0.2,
         "sessions": rng.poisson(3, 5000) + 1}
    )  # fmt: skip


def test_history_gives_baselines_and_what_can_be_found(history):
    metrics = {"spend": kk.Mean("spend", "past"), "paid": kk.Proportion("paid"),
               "rate": kk.Ratio("spend", "sessions")}  # fmt: skip

    table = planning_table(history, metrics=metrics, daily_units=1000, days=[7, 28])

    spend = table[table["metric"] == "spend"].iloc[0]
    assert spend["baseline"] == pytest.approx(history["spend"].mean())
    assert spend["variance_reduction"] == pytest.approx(0.5, abs=0.05)
    assert spend["n_control"] == 3500
    assert spend["mde_abs"] == pytest.approx(
        spend["mde_abs_plain"] * math.sqrt(1 - spend["variance_reduction"]), rel=1e-6
    )
    paid = table[table["metric"] == "paid"]["mde_abs"]
    assert paid.iloc[1] == pytest.approx(paid.iloc[0] / 2, rel=0.02)
    assert (table["mde_rel"] > 0).all()


def test_a_baseline_of_zero_has_no_relative_effect(history):
    centred = history.assign(spend=np.where(history.index % 2, 1.0, -1.0))

    table = planning_table(centred, metrics={"spend": kk.Mean("spend")}, daily_units=100, days=[7])

    assert math.isnan(table["mde_rel"].iloc[0])


def test_days_that_bring_fewer_than_two_units_find_no_effect(history):
    table = planning_table(
        history, metrics={"spend": kk.Mean("spend")}, daily_units=0.5, days=[7, 28]
    )

    # 1.75 units of control in a week; 7 in four
    assert table["n_control"].tolist() == [1.75, 7.0]
    assert table["mde_abs"].isna().tolist() == [True, False]


def test_a_quantile_is_not_planned(history):
    with pytest.raises(AnalysisError, match="Metric 'x' is a quantile"):
        planning_table(history, metrics={"x": kk.Quantile("spend", 0.5)}, daily_units=100)


def test_days_left_are_those_of_the_units_still_missing():
    needed = kk.sample_size(baseline=10, effect=0.5, kind="mean", sd=10)
    place = {"baseline": 10, "sd": 10, "effect": 0.5, "daily_units": 200}

    assert days_left(n_control=1000, n_variant=1000, **place) == math.ceil((needed - 1000) / 100)
    assert days_left(n_control=10_000, n_variant=10_000, **place) == 0
    assert days_left(n_control=1000, n_variant=1000, variance_reduction=0.5, **place) < 30
