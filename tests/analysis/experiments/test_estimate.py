"""Estimates are tea-tasting's, wherever it makes the same."""

import math

import numpy as np
import pandas as pd
import pytest
import tea_tasting as tt

import kpikit as kk
from kpikit.analysis.experiments.effects import (
    Effect,
    Sample,
    absolute_effect,
    equivalence_p_value,
    non_inferiority,
    relative_effect,
)
from kpikit.analysis.experiments.estimate import describe
from kpikit.analysis.experiments.moments import plan_layout, read_sums, share_moments
from kpikit.engine import as_table

USERS = tt.make_users_data(rng=7, n_users=1500, covariates=True).to_pandas()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (kk.Mean("revenue"), tt.Mean("revenue")),
        (kk.Mean("revenue", "revenue_covariate"), tt.Mean("revenue", "revenue_covariate")),
        (kk.Ratio("orders", "sessions"), tt.RatioOfMeans("orders", "sessions")),
        (
            kk.Ratio(
                "orders", "sessions", numerator_covariate="orders_covariate",
                denominator_covariate="sessions_covariate",
            ),
            tt.RatioOfMeans("orders", "sessions", "orders_covariate", "sessions_covariate"),
        ),
    ],
)  # fmt: skip
def test_means_and_ratios_are_those_of_tea_tasting(ours, theirs):
    row = kk.analyze_experiment(USERS, control=0, metrics={"y": ours}).table.iloc[0]

    known = theirs.analyze(USERS, 0, 1, "variant")
    assert row["control_adjusted_mean"] == pytest.approx(known.control, rel=1e-12)
    assert row["variant_adjusted_mean"] == pytest.approx(known.treatment, rel=1e-12)
    assert row["delta_abs"] == pytest.approx(known.effect_size, rel=1e-9)
    assert row["ci_low"] == pytest.approx(known.effect_size_ci_lower, rel=1e-9)
    assert row["ci_high"] == pytest.approx(known.effect_size_ci_upper, rel=1e-9)
    assert row["p_value"] == pytest.approx(known.pvalue, rel=1e-9)
    assert row["delta_rel"] == pytest.approx(known.rel_effect_size, rel=1e-9)


def test_shares_are_those_of_tea_tasting_without_its_correction():
    users = USERS.assign(bought=USERS["orders"] > 0)

    metrics = {"y": kk.Proportion("bought")}
    row = kk.analyze_experiment(users, control=0, metrics=metrics).table.iloc[0]

    numbers = users.astype({"bought": int})
    test = tt.Proportion("bought", method="norm", correction=False).analyze(
        numbers, 0, 1, "variant"
    )
    interval = tt.Proportion(
        "bought", method="norm", correction=False, equal_var=False
    ).analyze(numbers, 0, 1, "variant")  # fmt: skip
    assert row["p_value"] == pytest.approx(test.pvalue, rel=1e-9)
    assert row["ci_low"] == pytest.approx(interval.effect_size_ci_lower, rel=1e-9)
    assert row["ci_high"] == pytest.approx(interval.effect_size_ci_upper, rel=1e-9)


def test_the_gain_of_a_covariate_is_the_square_of_its_correlation():
    rng = np.random.default_rng(3)
    past = rng.normal(size=4000)
    now = 0.8 * past + 0.6 * rng.normal(size=4000)  # correlation 0.8
    units = as_table(pd.DataFrame({"everyone": 1, "past": past, "now": now}))
    metric = kk.Mean("now", "past")
    layout = plan_layout(units, {"y": metric})
    sums = read_sums(units, layout, keys={"variant": "everyone"})

    mean, sd, explained = describe(metric, layout.arm(sums.iloc[0].to_dict(), metric).moments)

    assert mean == pytest.approx(now.mean())
    assert sd == pytest.approx(now.std(ddof=1))
    assert explained == pytest.approx(np.corrcoef(past, now)[0, 1] ** 2)


def test_what_never_varies_has_nothing_to_explain():
    units = as_table(pd.DataFrame({"everyone": 1, "past": [1, 2, 3], "now": [5, 5, 5]}))
    metric = kk.Mean("now", "past")
    layout = plan_layout(units, {"y": metric})
    sums = read_sums(units, layout, keys={"variant": "everyone"})

    assert describe(metric, layout.arm(sums.iloc[0].to_dict(), metric).moments) == (5, 0, 0)


def test_a_covariate_that_explains_all_of_a_few_units_explains_nothing_of_others():
    bought = [0.0] * 15 + [1.99]  # one of sixteen users, as much as before
    units = as_table(pd.DataFrame({"everyone": 1, "past": bought, "now": bought}))
    metric = kk.Mean("now", "past")
    layout = plan_layout(units, {"y": metric})
    sums = read_sums(units, layout, keys={"variant": "everyone"})

    _, sd, explained = describe(metric, layout.arm(sums.iloc[0].to_dict(), metric).moments)

    assert sd == pytest.approx(1.99 / 4)  # variance 1.99^2 (1/16 - 1/256) 16/15 = 1.99^2 / 16
    assert explained == 0


def test_an_effect_without_spread_has_no_p_value():
    assert math.isnan(Effect(1.0, 0.0).p_value())


def test_one_unit_leaves_no_degrees_of_freedom_to_count():
    effect = absolute_effect(Sample(1, 1, 1), Sample(2, 1, 5))

    assert math.isinf(effect.df)


def test_a_mean_of_zero_has_no_relative_effect():
    assert math.isnan(relative_effect(Sample(0, 1, 9), Sample(2, 1, 9)).estimate)


@pytest.mark.parametrize(
    ("estimate", "up", "holds"),
    # half width 1.96 x 0.1: -0.3 holds against 0.5 (bound -0.496), -0.31 does not (-0.506)
    [(-0.3, True, True), (-0.31, True, False), (0.3, False, True), (0.31, False, False)],
)
def test_a_margin_is_kept_where_the_bad_end_keeps_it(estimate, up, holds):
    found = non_inferiority(Effect(estimate, 0.1), margin=0.5, up=up, alpha=0.05)

    assert found.holds is holds
    assert (found.p_value < 0.025) is holds
    assert found.p_value + found.p_breach == pytest.approx(1)
    assert found.limit == (-0.5 if up else 0.5)


def test_equivalence_asks_both_ends():
    # (0.5 - 0.3) / 0.1 = 2 standard errors from the near end
    p_value = equivalence_p_value(Effect(0.3, 0.1), low=-0.5, high=0.5)

    assert p_value == pytest.approx(0.02275, abs=1e-5)


@pytest.mark.parametrize(
    ("successes", "n", "mean", "variance"),
    # the sample variance of 1, 0, 0, 0 is 0.75 / 3
    [(1, 4, 0.25, 0.25), (1, 1, 1.0, math.nan), (0, 0, math.nan, math.nan)],
)
def test_counts_give_the_moments_of_their_units(successes, n, mean, variance):
    moments = share_moments(successes, n)

    assert moments.count() == n
    assert moments.mean("value") == pytest.approx(mean, nan_ok=True)
    assert moments.var("value") == pytest.approx(variance, nan_ok=True)
