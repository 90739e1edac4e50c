"""Telco churn: subscriptions without dates, made from months of stay."""

import datetime as dt

import pytest

import kpikit as kk
from kpikit.analysis.survival import ended_summary, spell_durations, survival_at

READ_ON = dt.date(2018, 6, 30)


@pytest.fixture(scope="module")
def telco(open_product):
    return open_product("telco_churn")


@pytest.fixture(scope="module")
def subscriptions(telco):
    return telco.data.tables["subscriptions"]


@pytest.fixture(scope="module")
def expected(reference):
    return reference["telco_churn"]


def test_the_share_that_ended_by_number_and_money_equals_the_reference(subscriptions, expected):
    found = ended_summary(subscriptions, as_of=READ_ON)

    assert found.subscriptions == expected["rows"] == 7043
    assert found.ended == expected["churned"] == 1869
    assert found.ended_share == pytest.approx(expected["churn_rate"], abs=1e-12)
    assert found.mrr_all == pytest.approx(expected["mrr"], abs=1e-6)
    assert found.mrr_ended == pytest.approx(expected["churned_mrr"], abs=1e-6)
    assert found.mrr_share == pytest.approx(expected["revenue_churn"], abs=1e-12)
    assert round(100 * found.ended_share, 3) == 26.537
    assert round(100 * found.mrr_share, 2) == 30.50


def test_plans_equal_the_reference(subscriptions, expected):
    for plan, row in expected["by_contract"].items():
        found = ended_summary(subscriptions.filter(subscriptions.plan == plan), as_of=READ_ON)

        assert (found.subscriptions, found.ended) == (row["n"], row["churned"])
        assert found.mrr_all == pytest.approx(row["mrr"], abs=1e-6)
        assert found.mrr_ended == pytest.approx(row["churned_mrr"], abs=1e-6)


def test_survival_equals_the_reference(subscriptions, expected):
    stays = spell_durations(subscriptions, as_of=READ_ON)

    curve = kk.survival_table(stays["duration"], stays["ended"], counts=stays["stays"])

    wanted = {int(age): share for age, share in expected["kaplan_meier_survival"].items()}
    found = survival_at(curve, list(wanted))
    assert found["survival"].tolist() == pytest.approx(list(wanted.values()), abs=1e-12)


def test_recurring_revenue_starts_with_all_who_came_and_ends_with_all_who_stayed(
    subscriptions, expected
):
    table = kk.mrr_table(subscriptions, grain="month", start="2012-06-01", end="2018-07-01")

    assert table["mrr_end"].iloc[-1] == pytest.approx(expected["active_mrr"], abs=1e-6)
    assert table["mrr_start"].iloc[0] == 0
    churned = table["churned"].sum()
    assert table["new"].sum() - churned == pytest.approx(expected["active_mrr"], abs=1e-6)
    assert table["arpa"].iloc[-1] == pytest.approx(expected["active_arpu"], abs=1e-9)
