"""Models of lifetime: patterns by hand, properties of the models, and what cannot be fitted."""

import math

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kpikit.analysis.lifetime import (
    BgNbd,
    GammaGamma,
    ParetoNbd,
    ShiftedBetaGeometric,
    fit_bgnbd,
    fit_gammagamma,
    fit_paretonbd,
    fit_sbg,
    purchase_patterns,
    spend_patterns,
)
from kpikit.errors import AnalysisError

BG = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
PARETO = ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669)


@pytest.fixture
def orders():
    rows = [
        ("ann", "2026-01-01 10:00", 10.0), ("ann", "2026-01-15 09:00", 30.0),
        ("ann", "2026-01-15 18:00", 10.0), ("ann", "2026-01-29 12:00", 20.0),
        ("ben", "2026-01-08 10:00", 99.0), ("ben", "2026-01-20 10:00", -99.0),
        (None, "2026-01-09 10:00", 50.0), ("cat", "2026-02-09 10:00", 50.0),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["user_id", "order_time", "revenue"])
    return frame.assign(order_time=pd.to_datetime(frame["order_time"]))


def test_purchases_are_days_with_a_sale_of_a_known_customer(orders):
    table = purchase_patterns(orders, as_of="2026-02-05")

    # ann came again on two days, four weeks after the first; ben's refund is no purchase
    assert table.to_dict("list") == {
        "frequency": [0, 2],
        "recency": [0.0, 4.0],
        "age": [4.0, 5.0],
        "customers": [1, 1],
    }


def test_spend_is_that_of_the_repeat_days(orders):
    table = spend_patterns(ibis.memtable(orders), as_of="2026-02-05")

    # (30 + 10 + 20) / 2
    assert table.to_dict("list") == {"frequency": [2], "mean_spend": [30.0], "customers": [1]}


def test_a_declared_kind_decides_what_is_no_sale(orders):
    kinds = ["sale"] * 4 + ["adjustment"] + ["sale"] * 3

    table = purchase_patterns(orders.assign(kind=kinds), as_of="2026-02-05")

    assert table["customers"].sum() == 1


def test_days_begin_in_the_zone(orders):
    table = purchase_patterns(orders, as_of="2026-02-05", timezone="Pacific/Auckland")

    # 9:00 and 18:00 UTC of 15 January are two days there
    assert table["frequency"].max() == 3


def test_missing_columns_are_named(orders):
    with pytest.raises(AnalysisError, match="Table orders has no column 'revenue'"):
        purchase_patterns(orders.drop(columns="revenue"), as_of="2026-02-05")


def test_a_customer_without_repeat_is_alive_in_the_one_model_and_fades_in_the_other():
    known = {"frequency": [0, 0], "recency": [0, 0], "age": [1, 100]}

    assert BG.alive(**known).tolist() == [1, 1]
    fresh, stale = PARETO.alive(**known)
    assert 0.9 < fresh < 1
    assert stale < fresh


@pytest.mark.parametrize("model", [BG, PARETO])
def test_silence_lowers_the_chance_of_being_alive(model):
    alive = model.alive(frequency=[4, 4, 4], recency=[30, 30, 30], age=[30, 40, 80])

    assert alive.tolist() == sorted(alive, reverse=True)
    assert 0 < alive[-1] < alive[0] <= 1


@pytest.mark.parametrize("model", [BG, PARETO])
def test_expected_purchases_begin_at_none_and_grow_ever_more_slowly(model):
    found = model.expected_purchases([0, 10, 20, 30])

    assert found[0] == pytest.approx(0, abs=1e-12)
    assert (np.diff(found) > 0).all()
    assert (np.diff(found, 2) < 0).all()


def test_paretonbd_by_numerical_integration():
    # E[X(t)] = r / alpha x the integral of the share alive, E[exp(-mu u)] = (beta/(beta+u))^s
    times = np.linspace(0, 52, 20001)
    alive = (PARETO.beta / (PARETO.beta + times)) ** PARETO.s

    expected = PARETO.r / PARETO.alpha * np.trapezoid(alive, times)

    assert PARETO.expected_purchases(52) == pytest.approx(expected, rel=1e-6)


def test_future_purchases_fall_with_silence():
    found = BG.future_purchases(39, frequency=[2, 2], recency=[30.43, 5], age=[38.86, 38.86])

    assert found[0] > found[1] > 0


@pytest.fixture(scope="module")
def simulated():
    """Return 3,000 customers who buy and leave as BG/NBD says, with r 1, alpha 8, a 1, b 3."""
    draws = np.random.default_rng(11)
    count = 3_000
    rates, leaving = draws.gamma(1.0, 1 / 8, count), draws.beta(1.0, 3.0, count)
    age = draws.uniform(30, 60, count)
    frequency, recency = np.zeros(count), np.zeros(count)
    now, here = np.zeros(count), np.ones(count, dtype=bool)
    while here.any():
        now[here] += draws.exponential(1 / rates[here])
        here &= now <= age
        frequency[here] += 1
        recency[here] = now[here]
        here &= draws.uniform(size=count) > leaving
    return {"frequency": frequency, "recency": recency, "age": age}


def test_the_fit_finds_the_parameters_that_made_the_customers(simulated):
    model = fit_bgnbd(**simulated)

    assert [model.r, model.alpha] == pytest.approx([1, 8], rel=0.2)
    assert model.a / (model.a + model.b) == pytest.approx(0.25, rel=0.15)


def test_counts_stand_for_so_many_customers(simulated):
    few = {name: values[:200] for name, values in simulated.items()}
    twice = {name: np.repeat(values, 2) for name, values in few.items()}

    by_count = fit_bgnbd(**few, counts=np.full(200, 2))
    by_rows = fit_bgnbd(**twice)

    assert by_count.r == pytest.approx(by_rows.r, rel=1e-3)
    assert by_count.log_likelihood == pytest.approx(by_rows.log_likelihood, abs=1e-3)


def test_the_unit_of_time_changes_times_alone(simulated):
    few = {name: values[:300] for name, values in simulated.items()}
    days = few | {name: 7 * few[name] for name in ("recency", "age")}

    weekly, daily = fit_bgnbd(**few), fit_bgnbd(**days)

    assert daily.alpha == pytest.approx(7 * weekly.alpha, rel=1e-3)
    assert daily.r == pytest.approx(weekly.r, rel=1e-3)
    # a density of times in days is a seventh of that in weeks, per purchase
    purchases = few["frequency"].sum()
    assert daily.log_likelihood == pytest.approx(
        weekly.log_likelihood - purchases * math.log(7), abs=1e-3
    )


def test_the_spend_fit_finds_its_parameters():
    draws = np.random.default_rng(5)
    frequency = draws.integers(1, 8, 20_000)
    # means of x gamma(p, nu) draws, nu ~ gamma(q, v): p 6, q 4, v 15
    nu = draws.gamma(4.0, 1 / 15, 20_000)
    mean = draws.gamma(6.0 * frequency, 1 / (nu * frequency))

    model = fit_gammagamma(frequency, mean)

    assert [model.p, model.q, model.v] == pytest.approx([6, 4, 15], rel=0.1)


def test_expected_spend_moves_from_the_mean_of_all_to_a_customers_own():
    model = GammaGamma(p=6.0, q=4.0, v=15.0)

    found = model.expected_spend([0, 1, 1000], [0, 100, 100])

    # 6 x 15 / 3; 6 x (15 + 100) / 9
    assert found[:2].tolist() == pytest.approx([30, 690 / 9])
    assert found[2] == pytest.approx(100, rel=0.01)


def test_retention_is_the_ratio_of_survivals_and_rises_with_age():
    model = ShiftedBetaGeometric(alpha=0.704, beta=1.182)

    survival = model.survival([0, 1, 2, 3])

    assert survival[0] == 1
    assert model.retention([1, 2, 3]).tolist() == pytest.approx(list(survival[1:] / survival[:-1]))
    assert model.expected_renewals() == math.inf
    assert ShiftedBetaGeometric(alpha=3, beta=4).expected_renewals() == 2


def test_survival_is_that_of_the_beta_distribution():
    model = ShiftedBetaGeometric(alpha=2, beta=3)

    # E[(1 - p)^2] of a beta(2, 3)
    expected = stats.beta(2, 3).expect(lambda chance: (1 - chance) ** 2)

    assert float(model.survival(2)) == pytest.approx(expected)


ENOUGH = np.ones(60)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_bgnbd([1] * 9, [1] * 9, [2] * 9), "9 customers in fit_bgnbd, too few"),
        (lambda: fit_bgnbd(ENOUGH, ENOUGH, ENOUGH[1:]), "different lengths: 59, 60"),
        (lambda: fit_bgnbd(ENOUGH, -ENOUGH, ENOUGH), "recency holds a value that is missing or"),
        (lambda: fit_bgnbd(ENOUGH, ENOUGH * math.nan, ENOUGH), "recency holds a value that is mis"),
        (lambda: fit_bgnbd(ENOUGH, 2 * ENOUGH, ENOUGH), "A recency exceeds its age in fit_bgnbd"),
        (
            lambda: fit_paretonbd(0 * ENOUGH, 0 * ENOUGH, ENOUGH),
            "Nobody bought again in fit_pareto",
        ),
        (lambda: fit_bgnbd(ENOUGH, ENOUGH, ENOUGH), "No parameters fit the customers in fit_bgnbd"),
        (lambda: fit_gammagamma(0 * ENOUGH, ENOUGH), "A customer without a purchase, or without"),
        (lambda: fit_gammagamma(ENOUGH, 0 * ENOUGH), "A customer without a purchase, or without"),
        (lambda: fit_sbg([0.5]), "fit_sbg needs at least two shares from 0 to 1"),
        (lambda: fit_sbg([0.5, 0.6]), "none above the one before"),
        (lambda: fit_sbg([1.5, 0.6]), "none above the one before"),
        (lambda: fit_sbg([0.5, 0.4], customers=5), "5 customers in fit_sbg, too few"),
        (lambda: fit_sbg([1.0, 1.0]), "No parameters fit the customers in fit_sbg"),
    ],
)
def test_what_cannot_be_fitted_is_refused(call, message):
    with pytest.raises(AnalysisError, match=message):
        call()
