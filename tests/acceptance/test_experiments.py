"""Two real sets of experiments: Hillstrom's e-mails and Upworthy's headlines."""

from pathlib import Path

import pandas as pd
import pytest

import kpikit as kk
from kpikit.analysis.experiments.allocation import allocation_table, sample_ratio_p_value
from kpikit.analysis.experiments.analyze import conclude
from kpikit.analysis.experiments.comparing import Ask, effect_table
from kpikit.analysis.experiments.moments import Arm, share_moments

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
NONE, MENS, WOMENS = "No E-Mail", "Mens E-Mail", "Womens E-Mail"


@pytest.fixture(scope="module")
def hillstrom(reference):  # which skips where the data is absent
    customers = pd.read_csv(DATA / "hillstrom" / "hillstrom.csv.gz")
    return kk.analyze_experiment(
        customers, variant="segment", control=NONE, segments=["channel", "newbie"],
        metrics={"spend": kk.Mean("spend"), "visit": kk.Proportion("visit"),
                 "conversion": kk.Proportion("conversion")},
    )  # fmt: skip


def test_mens_e_mail_raises_spend_as_published(hillstrom):
    row = hillstrom.table.set_index(["metric", "variant"]).loc[("spend", MENS)]

    assert row["delta_abs"] == pytest.approx(0.769827, abs=5e-7)
    assert row["ci_low"] == pytest.approx(0.485140, abs=5e-7)
    assert row["ci_high"] == pytest.approx(1.054515, abs=5e-7)
    assert row["p_value"] == pytest.approx(1.164e-07, abs=5e-11)
    assert (hillstrom.decision, hillstrom.winner) == ("ship", MENS)


@pytest.mark.parametrize("variant", [MENS, WOMENS])
@pytest.mark.parametrize("metric", ["visit", "conversion"])
def test_shares_equal_the_reference(hillstrom, reference, metric, variant):
    row = hillstrom.table.set_index(["metric", "variant"]).loc[(metric, variant)]

    known = reference["hillstrom"][f"{variant}|{metric}"]
    assert row["delta_abs"] == pytest.approx(known["diff"], abs=1e-12)
    assert row["delta_rel"] == pytest.approx(known["relative_lift"], abs=1e-12)
    assert row["p_value"] == pytest.approx(known["p_pooled"], rel=1e-6)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(known["ci95_unpooled_wald"], abs=1e-9)


@pytest.mark.parametrize("variant", [MENS, WOMENS])
def test_means_equal_the_reference(hillstrom, reference, variant):
    row = hillstrom.table.set_index(["metric", "variant"]).loc[("spend", variant)]

    known = reference["hillstrom"][f"{variant}|spend"]
    assert row["df"] == pytest.approx(known["df"], rel=1e-9)
    assert row["p_value"] == pytest.approx(known["p_welch"], rel=1e-6)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(known["ci95_welch"], abs=1e-9)


def test_the_split_is_even_and_identical_rows_are_different_customers(hillstrom, reference):
    known = reference["hillstrom"]["srm"]

    assert hillstrom.allocation.set_index("variant")["units"].to_dict() == {
        MENS: 21_307, NONE: 21_306, WOMENS: 21_387,
    }  # fmt: skip
    assert hillstrom.srm_p_value == pytest.approx(known["p"], rel=1e-9)


def test_segments_add_up_to_all_customers(hillstrom):
    spend = hillstrom.segments[hillstrom.segments["metric"] == "spend"]

    sums = spend.groupby(["dimension", "variant"])["n_variant"].sum()
    assert sums.groupby("variant").unique().map(list).to_dict() == {
        MENS: [21_307],
        WOMENS: [21_387],
    }


@pytest.fixture(scope="module")
def upworthy(reference):  # as above
    """Return impressions and clicks, a row per test and a column per arm."""
    return [
        pd.read_csv(DATA / "upworthy" / f"{name}_by_arm.csv.gz", index_col=0)
        for name in ("impressions", "clicks")
    ]


def test_753_headline_tests_fail_the_check_of_their_split(upworthy, reference):
    impressions, _ = upworthy

    p_values = pd.Series(
        [
            sample_ratio_p_value(row[row > 0], [1] * int((row > 0).sum()))
            for row in impressions.to_numpy()
        ],
        index=impressions.index,
    )

    known = reference["upworthy"]
    assert len(p_values) == known["tests"] == 4873
    assert (p_values < 0.001).sum() == known["srm_p_below_0_001"] == 753
    assert p_values[known["first_test"]["id"]] == pytest.approx(known["first_test"]["srm_p"])


def test_a_headline_test_has_a_verdict_where_its_split_holds_and_none_elsewhere(upworthy):
    decisions = {}
    for (name, shown), (_, clicked) in zip(
        upworthy[0].iloc[::50].iterrows(), upworthy[1].iloc[::50].iterrows(), strict=True
    ):
        units = {arm: int(count) for arm, count in shown.items() if count > 0}
        metrics = {"click": kk.Proportion("click")}
        ask = Ask(metrics=metrics, primary="click", directions={}, guardrails={}, control="0",
                  alpha=0.05)  # fmt: skip
        arms = {arm: Arm(n, share_moments(int(clicked[arm]), n)) for arm, n in units.items()}
        effects = effect_table(ask, {"click": arms}, [arm for arm in units if arm != "0"])
        split = dict.fromkeys(units, 1 / len(units))
        decisions[name] = conclude(ask, effects, allocation_table(units, split))

    assert len(decisions) == 98
    for result in decisions.values():
        failed = result.srm_p_value < 0.001
        assert failed == (result.decision == "invalid" and "mismatch" in result.reason)
        assert failed == (set(result.table["outcome"]) == {"no_verdict"})
    assert {one.decision for one in decisions.values()} >= {"hold", "stop", "invalid"}


def test_the_two_headline_example_equals_the_reference(upworthy, reference):
    known = reference["upworthy"]["two_arm_example"]
    impressions, clicks = (table.loc[known["id"]] for table in upworthy)
    units = pd.concat(
        pd.DataFrame({"variant": arm, "click": range(int(impressions[arm]))})
        .assign(click=lambda frame, count=clicks[arm]: frame["click"] < count)
        for arm in ("0", "1")
    )  # fmt: skip

    row = kk.analyze_experiment(
        units, control="0", metrics={"click": kk.Proportion("click")}
    ).table.iloc[0]

    assert row["delta_abs"] == pytest.approx(known["diff"])
    assert row["p_value"] == pytest.approx(known["p_pooled"])
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(known["ci95_unpooled_wald"])
