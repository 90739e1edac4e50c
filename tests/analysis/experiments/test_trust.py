"""Checks before any effect: the split, gaps, balance, outliers, chance."""

import math

import numpy as np
import pandas as pd
import pytest

import kpikit as kk
from kpikit.analysis.experiments.rerandomising import rerandomise
from kpikit.analysis.experiments.timeline import effect_curve
from kpikit.analysis.experiments.trust import (
    balance_table,
    missing_table,
    outlier_table,
    split_curve,
    split_table,
    trust_table,
    withheld,
)
from kpikit.errors import AnalysisError, UnknownNameError

EVEN = {"a": 0.5, "b": 0.5}
SPEND = {"spend": kk.Mean("spend")}


def population(n=2000, *, lift=0.0, seed=0):
    """Return n units per variant with a past and a spend that follows it."""
    rng = np.random.default_rng(seed)
    past = rng.exponential(10, 2 * n)
    variant = np.repeat(["a", "b"], n)
    spend = past + rng.exponential(5, 2 * n) + lift * (variant == "b")
    return pd.DataFrame({"user_id": [f"u{i}" for i in range(2 * n)], "variant": variant,
                         "past": past, "spend": spend})  # fmt: skip


def counts_of(**given):
    usual = dict.fromkeys(
        ("exposures", "missing_user", "missing_variant", "early", "late", "repeated",
         "duplicates", "crossovers"), 0,
    )  # fmt: skip
    return usual | {"users": 4000} | given


def test_a_lost_platform_is_found_where_it_was_lost():
    # of 1,000 units on the phone in each variant, b lost 300
    units = pd.DataFrame(
        {"variant": ["a"] * 2000 + ["b"] * 1700,
         "device": ["web", "phone"] * 1000 + ["web"] * 1000 + ["phone"] * 700}
    )  # fmt: skip

    table = split_table(units, split=EVEN, dimensions=["device"]).set_index("segment")

    assert table["mismatch"].to_dict() == {"phone": True, "web": False}
    assert table.loc["phone", ["units_a", "units_b", "units"]].tolist() == [1000, 700, 1700]
    # chi-square of 300^2 / 1700 with one degree of freedom
    assert table.loc["phone", "p_value"] == pytest.approx(3.4e-13, rel=0.05)


def test_the_day_on_which_a_mismatch_starts_is_seen():
    days = pd.to_datetime(["2026-05-01"] * 2000 + ["2026-05-02"] * 1700)
    units = pd.DataFrame({"variant": ["a", "b"] * 1000 + ["a"] * 1000 + ["b"] * 700,
                          "exposure_day": days})  # fmt: skip

    curve = split_curve(units, split=EVEN)

    assert curve["mismatch"].tolist() == [False, True]
    assert curve["units_a"].tolist() == [1000, 2000]
    assert curve["day"].dt.day.tolist() == [1, 2]


def test_a_variant_that_is_missing_from_a_segment_counts_as_none():
    units = pd.DataFrame({"variant": ["a"] * 30 + ["b"], "device": ["web"] * 30 + ["phone"]})

    table = split_table(units, split=EVEN, dimensions=["device"]).set_index("segment")

    assert table.loc["web", ["units_a", "units_b"]].tolist() == [30, 0]


def test_values_that_are_missing_more_often_in_one_variant_are_found():
    units = population()
    units.loc[units["variant"].eq("b") & (units.index % 10 == 0), "spend"] = None
    result = kk.analyze_experiment(units, control="a", metrics=SPEND)

    table = missing_table(result.table)

    row = table.iloc[0]
    assert (row["control_missing_share"], row["variant_missing_share"]) == (0, 0.1)
    assert row["p_value"] < 1e-20
    checks = trust_table(result).set_index("check")
    assert checks.loc["missing values", "status"] == "failed"
    assert checks.loc["missing values", "detail"] == "smallest p-value: spend, b"


def test_where_nothing_is_missing_there_is_nothing_to_test():
    result = kk.analyze_experiment(population(100), control="a", metrics=SPEND)

    checks = trust_table(result).set_index("check")

    assert math.isnan(missing_table(result.table)["p_value"].iloc[0])
    assert checks.loc["missing values", ["status", "detail"]].tolist() == [
        "passed", "no metric differs",
    ]  # fmt: skip


def test_an_empty_variant_has_no_share_that_is_missing():
    units = population(100)
    result = kk.analyze_experiment(
        units, control="a", metrics=SPEND, planned_split={"a": 0.4, "b": 0.4, "c": 0.2}
    )

    row = missing_table(result.table).iloc[1]

    assert row["variant"] == "c"
    assert math.isnan(row["variant_missing_share"])
    assert math.isnan(row["p_value"])


def test_variants_that_differed_before_are_found():
    units = population()
    units.loc[units["variant"] == "b", "past"] *= 1.3

    table = balance_table(units, control="a", covariates=["past"])

    assert table["p_value"].iloc[0] < 0.001
    assert table["control_mean"].iloc[0] == pytest.approx(units["past"][:2000].mean())
    result = kk.analyze_experiment(units, control="a", metrics=SPEND)
    check = trust_table(result, balance=table).set_index("check").loc["balance before"]
    assert check[["status", "detail"]].tolist() == ["failed", "smallest p-value: past, b"]


def test_an_effect_that_hangs_on_one_order_changes_its_sign_without_it():
    units = population(lift=-1)
    units.loc[units.index[-1], "spend"] = 1_294_500.0

    table = outlier_table(units, control="a", metric=kk.Mean("spend")).set_index("treatment")

    assert table.index.tolist() == [
        "as measured", "capped at 99.9 %", "capped at 99 %", "without the top 10",
    ]  # fmt: skip
    assert table["sign_changes"].tolist() == [False, True, True, True]
    kept = units.drop(units.nlargest(10, "spend").index).groupby("variant")["spend"].mean()
    assert table.loc["without the top 10", "delta_abs"] == pytest.approx(kept["b"] - kept["a"])


def test_a_sign_that_changes_fails_where_the_effect_would_be_believed():
    units = population()
    result = kk.analyze_experiment(units, control="a", metrics=SPEND)
    table = outlier_table(units, control="a", metric=kk.Mean("spend"))
    turned = table.assign(sign_changes=[False, True, False, True])

    def status(outliers):
        return trust_table(result, outliers=outliers).set_index("check").loc["outliers", "status"]

    assert status(turned.assign(p_value=0.01)) == "failed"
    assert status(turned.assign(p_value=0.5)) == "noted"
    assert status(table.assign(sign_changes=False)) == "passed"
    detail = trust_table(result, outliers=turned).set_index("check").loc["outliers", "detail"]
    assert detail == "the sign changes when capped at 99.9 %, without the top 10"


@pytest.mark.parametrize(
    ("given", "check", "status"),
    [
        ({"crossovers": 58}, "crossovers", "failed"),  # 58 of 4,000 are more than 1 %
        ({"crossovers": 5}, "crossovers", "noted"),
        ({}, "crossovers", "passed"),
        ({"duplicates": 3}, "duplicate exposures", "noted"),
        ({"late": 3}, "late exposures", "noted"),
        ({}, "exposures without user", "passed"),
    ],
)
def test_odd_exposures_are_checked(given, check, status):
    result = kk.analyze_experiment(population(50), control="a", metrics=SPEND)

    checks = trust_table(result, counts=counts_of(**given)).set_index("check")

    assert checks.loc[check, "status"] == status


def test_fewer_units_than_planned_are_noted():
    result = kk.analyze_experiment(population(50), control="a", metrics=SPEND)

    few, enough = (
        trust_table(result, planned_units=planned).set_index("check").loc["units"]
        for planned in (101, 100)
    )

    assert (few["status"], few["value"], few["limit"]) == ("noted", 100, 101)
    assert enough["status"] == "passed"


def test_a_failed_check_withholds_the_verdict():
    result = kk.analyze_experiment(population(lift=2), control="a", metrics=SPEND)
    checks = trust_table(result, counts=counts_of(crossovers=58))

    without = withheld(result, checks)

    assert (result.decision, without.decision, without.winner) == ("ship", "invalid", None)
    assert without.reason == "crossovers: 58 of 4,000 users were in several variants"
    assert set(without.table["outcome"]) == {"no_verdict"}
    assert without.decisions["b"].decision == "invalid"
    assert withheld(result, trust_table(result)) is result


def test_a_mismatch_keeps_its_own_reason():
    units = population().iloc[:3500]
    result = kk.analyze_experiment(units, control="a", metrics=SPEND)

    without = withheld(result, trust_table(result))

    assert without.reason == result.reason
    assert without.reason.startswith("sample-ratio mismatch")


def test_random_splits_of_honest_data_alarm_as_often_as_alpha_says():
    found = rerandomise(population(500, lift=3), metric=kk.Mean("spend", "past"), runs=200)

    assert 0.01 <= found.share <= 0.1
    assert found.p_value > 0.001
    assert len(found.p_values) == found.runs == 200
    result = kk.analyze_experiment(population(50), control="a", metrics=SPEND)
    checks = trust_table(result, false_alarms=found).set_index("check")
    assert checks.loc["false alarms", "status"] == "passed"
    assert checks.loc["false alarms", "detail"] == f"{found.alarms} in 200 re-randomisations"


def test_rows_that_are_no_units_betray_themselves():
    # 20 sessions per user that are all alike: the t-test takes 20 times the units that there are
    users = population(250)
    sessions = users.loc[users.index.repeat(20)]

    found = rerandomise(sessions, metric=kk.Mean("spend"), runs=200)

    assert found.share > 0.4
    assert found.p_value < 0.001


@pytest.mark.parametrize(
    ("ask", "where"),
    [
        (lambda units: balance_table(units, control="c", covariates=["past"]), "balance_table"),
        (lambda units: outlier_table(units, control="c", metric=kk.Mean("spend")), "outlier_table"),
        (
            lambda units: effect_curve(
                units, control="c", metric=kk.Mean("spend"), planned_units=10, day="past"
            ),
            "effect_curve",
        ),
    ],
)
def test_an_unknown_control_is_named(ask, where):
    with pytest.raises(UnknownNameError, match=f"Unknown variant 'c' in {where}: control"):
        ask(population(10))


def test_the_same_seed_gives_the_same_splits():
    units = population(100)

    one, again = (rerandomise(units, metric=kk.Mean("spend"), runs=5) for _ in range(2))

    assert one.p_values.tolist() == again.p_values.tolist()


def test_a_quantile_is_not_rerandomised():
    with pytest.raises(AnalysisError, match="A quantile cannot be re-randomised"):
        rerandomise(population(10), metric=kk.Quantile("spend", 0.5))
