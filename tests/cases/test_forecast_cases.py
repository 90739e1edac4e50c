"""Exponential smoothing as published examples compute it, and the M3 yardsticks.

kpikit forecasts by Theta and a damped trend, whose recursion is ``kpikit.series.smoothing``. Models
that it does not use (an optimised start, a seasonal state, ARIMA) are those of statsmodels, which
is what a notebook would call; their cases hold that call.
"""

import numpy as np
import pytest
from statsmodels.tsa.holtwinters import SimpleExpSmoothing
from statsmodels.tsa.statespace.sarimax import SARIMAX

import kpikit as kk
from benchmarks import forecasts as benchmark
from benchmarks import m3
from kpikit.series.smoothing import project, smooth


@pytest.mark.cases("kpis.json", "ses")
def test_simple_smoothing(case):
    y, expected = case["inputs"]["y"], case["expected"]

    path = smooth(y, alpha=case["inputs"]["alpha"], level=y[0])

    assert path.forecast(3).tolist() == pytest.approx(
        [expected["forecast"]] * 3, abs=case["tolerance"]["abs"]
    )
    if "level" in expected:
        assert path.levels.tolist() == pytest.approx(
            expected["level"], abs=case["tolerance"]["abs"]
        )


@pytest.mark.cases("kpis.json", "holt")
def test_a_linear_trend(case):
    inputs, y = case["inputs"], case["inputs"]["y"]

    path = smooth(
        y, alpha=inputs["alpha"], beta=inputs["beta_star"], level=y[0], slope=y[1] - y[0]
    )  # fmt: skip

    expected = case["expected"]["forecast"]
    assert path.forecast(len(expected)).tolist() == pytest.approx(
        expected, abs=case["tolerance"]["abs"]
    )


@pytest.mark.cases("kpis.json", "ets_forecast")
def test_forecasts_from_states(case):
    inputs = case["inputs"]

    found = project(
        inputs["level"], inputs["slope"], phi=inputs.get("phi", 1.0), horizon=inputs["h"]
    )

    assert found.tolist() == pytest.approx(
        case["expected"]["forecast"], abs=case["tolerance"]["abs"]
    )


@pytest.mark.cases("kpis.json", "ses_fit")
def test_an_optimised_start_by_statsmodels(case):
    fit = SimpleExpSmoothing(
        np.array(case["inputs"]["y"]), initialization_method="estimated"
    ).fit()  # fmt: skip

    found = {
        "alpha": fit.params["smoothing_level"],
        "l0": fit.params["initial_level"],
        "forecast": fit.forecast(1)[0],
    }
    assert found == pytest.approx(case["expected"], abs=case["tolerance"]["abs"])


@pytest.mark.cases("kpis.json", "holt_winters")
def test_a_seasonal_state_is_near_our_forecast(case):
    """R updates the season by the new level, statsmodels by the old one: neither is ours.

    kpikit keeps no seasonal state, it adjusts for the season first. What the published states say
    of the next year lies within our intervals.
    """
    inputs, expected = case["inputs"], case["expected"]
    ahead = np.arange(1, inputs["period"] + 1)
    published = (expected["level"] + ahead * expected["slope"]) * np.array(expected["seasonal"])

    table = kk.forecast_table(inputs["y"], horizon=len(ahead), season_length=inputs["period"])

    assert set(table["method"]) == {"theta + damped trend"}
    assert set(table["season_length"]) == {inputs["period"]}
    assert ((table["low_95"] < published) & (published < table["high_95"])).all()
    assert table["mean"].sum() == pytest.approx(published.sum(), rel=0.05)


@pytest.mark.cases("kpis.json", "arima_fit")
def test_arima_by_statsmodels(case):
    inputs, expected = case["inputs"], case["expected"]
    y = np.array(inputs["y"], dtype=float)
    orders = {"order": tuple(inputs["order"]), "seasonal_order": tuple(inputs["seasonal_order"])}

    # R estimates on the differenced series, and forecasts from an exact diffuse start
    fit = SARIMAX(y, **orders, simple_differencing=True).fit(disp=False)
    ahead = SARIMAX(y, **orders, use_exact_diffuse=True).smooth(fit.params).get_forecast(6)

    ma1, sma1, sigma2 = fit.params
    found = {"ma1": ma1, "sma1": sma1, "sigma2": sigma2, "loglik": fit.llf, "aic": fit.aic}
    rel = case["tolerance"]["rel"]
    assert found == pytest.approx({name: expected[name] for name in found}, rel=rel)
    assert ahead.predicted_mean.tolist() == pytest.approx(expected["pred6"], rel=rel)
    assert ahead.se_mean.tolist() == pytest.approx(expected["se6"], rel=rel)


def test_the_bars_of_the_benchmark_are_those_published(case_named):
    expected = case_named("kpis.json", "m3_acceptance_bar")["expected"]

    bars = {period.lower(): (smape, mase) for period, _, smape, mase in benchmark.BARS}

    assert bars == {
        period: (expected[period]["sMAPE_max"], expected[period]["MASE_max"])
        for period in ("quarterly", "monthly")
    }


def test_probabilities_are_better_than_points_on_a_part_of_m3(case_named, shared_data):
    """The whole is in ``python -m benchmarks forecasts``."""
    case = case_named("kpis.json", "p_hit_target_brier")
    published = case["expected"]

    chances, points, hits = [], [], []
    for series in m3.load("MONTHLY")[::15]:
        total = kk.total_forecast(series.known, periods=3, season_length=12)
        year_before = series.known[-12:-9].sum()
        for factor in case["inputs"]["g"]:
            chances.append(total.chance_of(factor * year_before))
            points.append(total.mean >= factor * year_before)
            hits.append(series.came[:3].sum() >= factor * year_before)

    ratio = kk.brier_score(chances, hits) / kk.brier_score(points, hits)
    assert ratio <= 0.72
    assert ratio <= sum(published["brier"]) / sum(published["point_forecast_01"]) + 0.03
