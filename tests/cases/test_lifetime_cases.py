"""Published fits and predictions of customer lifetime: CDNOW, and the subscribers of sBG."""

import numpy as np
import pandas as pd
import pytest

from kpikit.analysis.lifetime import (
    BgNbd,
    GammaGamma,
    fit_bgnbd,
    fit_gammagamma,
    fit_paretonbd,
    fit_sbg,
    purchase_patterns,
    spend_patterns,
)

CALIBRATION_END = "1997-09-30"  # week 39


@pytest.fixture
def customers(shared_data):
    """Return the calibration sample of 2,357 customers, in weeks."""
    return pd.read_csv(shared_data / "cdnow" / "cdnow_customers_summary.csv")


@pytest.fixture
def sample_orders(shared_data):
    """Return the orders of the sample; a purchase of nothing (worth 0.00) counts as one too."""
    rows = pd.read_csv(
        shared_data / "cdnow" / "CDNOW_sample.txt", sep=r"\s+", header=None,
        names=["master", "user_id", "day", "cds", "revenue"], dtype=str,
    )  # fmt: skip
    revenue = rows["revenue"].astype(float)
    return rows.assign(order_time=pd.to_datetime(rows["day"], format="%Y%m%d"), revenue=revenue)


@pytest.mark.cases("kpis.json", "bgnbd_predict")
def test_purchases_expected_of_a_new_customer(case):
    found = BgNbd(**case["inputs"]["params"]).expected_purchases(case["inputs"]["t"])

    assert found.tolist() == pytest.approx(case["expected"]["expected"], abs=5e-4)


def test_the_bgnbd_parameters_of_cdnow(customers):
    # Fader, Hardie and Lee (2005), Table 2, and its worked example of customer 1
    model = fit_bgnbd(customers["frequency"], customers["recency"], customers["T"])

    found = [model.r, model.alpha, model.a, model.b]
    assert found == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=2e-3)
    assert model.log_likelihood == pytest.approx(-9582.4, abs=0.1)
    known = {"frequency": 2, "recency": 30.43, "age": 38.86}
    assert model.future_purchases(39, **known)[0] == pytest.approx(1.226, abs=2e-3)


@pytest.mark.cases("kpis.json", "paretonbd_fit")
def test_the_paretonbd_parameters_of_cdnow(case, customers):
    model = fit_paretonbd(customers["frequency"], customers["recency"], customers["T"])

    expected = case["expected"]
    found = {name: getattr(model, name) for name in expected}
    assert found == pytest.approx(expected, abs=case["tolerance"]["abs"])
    # the walkthrough of R's BTYD, named in the case's note
    assert model.alive(frequency=26, recency=30.86, age=31)[0] == pytest.approx(0.9979, abs=1e-4)


def test_patterns_of_the_orders_give_the_published_fit(sample_orders, customers):
    # the sample's 2,357 customers; kpikit counts days with a sale, so those worth nothing fall out
    patterns = purchase_patterns(sample_orders, as_of=CALIBRATION_END)

    assert patterns["customers"].sum() == pytest.approx(len(customers), abs=25)
    model = fit_bgnbd(
        patterns["frequency"], patterns["recency"], patterns["age"], counts=patterns["customers"]
    )
    assert [model.r, model.alpha] == pytest.approx([0.243, 4.414], rel=0.05)


@pytest.mark.cases("kpis.json", "gammagamma_fit")
def test_the_gammagamma_parameters_of_cdnow(case, sample_orders):
    # the published fit is of 946 customers, with each one's mean repeat order of a day
    patterns = spend_patterns(sample_orders, as_of=CALIBRATION_END)

    model = fit_gammagamma(
        patterns["frequency"], patterns["mean_spend"], counts=patterns["customers"]
    )

    expected = case["expected"]
    found = {name: getattr(model, name) for name in expected}
    assert found == pytest.approx(expected, abs=case["tolerance"]["abs"])


@pytest.mark.cases("kpis.json", "gammagamma_predict")
def test_spend_expected_of_known_customers(case):
    inputs = case["inputs"]

    found = GammaGamma(**inputs["params"]).expected_spend(inputs["x"], inputs["zbar"])

    expected = case["expected"]["expected_value"]
    assert found.tolist() == pytest.approx(expected, abs=case["tolerance"]["abs"])


@pytest.mark.cases("kpis.json", "sbg_retention")
def test_the_sbg_parameters_of_subscribers(case):
    inputs, expected, near = case["inputs"], case["expected"], case["tolerance"]

    model = fit_sbg(inputs["survival"], customers=inputs["n_customers"])

    found = [model.alpha, model.beta]
    assert found == pytest.approx([expected["alpha"], expected["beta"]], abs=near["abs"])
    assert model.log_likelihood == pytest.approx(expected["loglik"], abs=near["loglik_abs"])
    # the paper's figure: what the fit gives comes close to the survival that it was given
    ages = np.arange(1, len(inputs["survival"]) + 1)
    assert model.survival(ages).tolist() == pytest.approx(inputs["survival"], abs=0.01)
