"""One effect in several readings, what it is worth, and how much of it lasts."""

import math

import numpy as np
import pandas as pd
import pytest

import kpikit as kk
from kpikit.analysis.experiments.effects import Effect
from kpikit.analysis.experiments.impact import decision_record, global_impact, shrink_effect
from kpikit.analysis.experiments.readings import readings_table
from kpikit.errors import AnalysisError, UnknownNameError


def result_of(a, b, **options):
    """Return the result of two shares of 10,000 units each, the second metric a guardrail."""
    units = pd.concat(
        pd.DataFrame({"variant": name, "paid": np.arange(10_000) < count, "kept": True})
        for name, count in (("a", a), ("b", b))
    )  # fmt: skip
    units.loc[units.index < 100, "kept"] = False
    metrics = {"paid": kk.Proportion("paid"), "kept": kk.Proportion("kept")}
    given = {"metrics": metrics, "guardrails": {"kept": 0.01}} | options
    return kk.analyze_experiment(units, control="a", **given)


GAIN = result_of(1000, 1150)


def readings(result=GAIN, metric="paid", **options):
    given = {"metric": metric, "variant": "b", "planned_units": 20_000} | options
    return readings_table(result, **given).set_index("reading")


def test_the_readings_stand_side_by_side_with_their_conventions():
    table = readings(looks=[0.5, 1.0], region=0.001)

    assert table.index.tolist() == [
        "fixed horizon", "always valid", "planned look", "belief", "equivalence",
    ]  # fmt: skip
    assert table["verdict"].tolist() == ["better", "better", "better", "better", "not shown"]
    assert table.loc["planned look", "convention"] == (
        "group-sequential, look 2 at 100% of the units, Lan-DeMets O'Brien-Fleming spending, "
        "bound z = 1.969 (repeated interval)"
    )
    assert table.loc["belief", "chance_to_win"] == pytest.approx(0.9997, abs=1e-4)
    width = table["high"] - table["low"]
    assert width["fixed horizon"] < width["planned look"] < width["always valid"]


def test_a_running_experiment_shows_what_may_be_read_at_any_time():
    assert readings(finished=False).index.tolist() == ["always valid"]
    assert readings(finished=False, looks=[0.5]).index.tolist() == ["always valid", "planned look"]


def test_a_guardrail_has_its_margin_read():
    table = readings(metric="kept")

    assert table.loc["margin", "verdict"] == "within margin"
    assert table.loc["margin", "convention"] == "non-inferiority, margin 0.01, one-sided 0.025"
    narrow = readings(result_of(1000, 1150, guardrails={"kept": 0.0001}), metric="kept")
    assert narrow.loc["margin", "verdict"] == "not shown"


def test_where_less_is_better_a_rise_is_worse():
    table = readings(result_of(1000, 1150, directions={"paid": "down"}))

    assert table["verdict"].tolist() == ["worse", "worse", "worse"]
    assert table.loc["belief", "chance_to_win"] < 0.001
    fall = readings(result_of(1150, 1000, directions={"paid": "down"}))
    assert fall["verdict"].tolist() == ["better"] * 3
    # the expected loss is that of choosing a variant which raises what should fall
    assert fall.loc["belief", "expected_loss"] < 1e-5 < table.loc["belief", "expected_loss"]


def test_no_difference_is_no_verdict_and_may_be_equivalence():
    table = readings(result_of(1000, 1001), region=0.02, prior_sd=0.01)

    assert table["verdict"].tolist() == ["inconclusive"] * 3 + ["equivalent"]
    assert table.loc["belief", "convention"] == "normal posterior, prior N(0, 0.01), central 95%"
    assert table.loc["belief", "chance_of_equivalence"] > 0.99


@pytest.mark.parametrize(
    ("options", "message"),
    [({"metric": "pad"}, "Did you mean 'paid'"), ({"variant": "c"}, "Unknown variant 'c'")],
)
def test_unknown_names_are_named(options, message):
    with pytest.raises(UnknownNameError, match=message):
        readings(**options)


def test_the_impact_is_lift_times_coverage_times_base():
    row = GAIN.table.iloc[0]

    impact = global_impact(row, base=1_000_000, coverage=0.4)

    assert impact.value == pytest.approx(0.15 * 400_000)
    assert impact.low == pytest.approx(row["rel_ci_low"] * 400_000)
    with pytest.raises(AnalysisError, match="coverage is 40"):
        global_impact(row, base=1, coverage=40)


def past_of(estimates, se):
    return pd.DataFrame({"estimate": estimates, "se": se})


def test_a_winner_shrinks_towards_what_experiments_usually_come_to():
    # spread of the past: variance 0.011, less 0.01 of noise
    past = past_of([-0.1, 0.1] * 5, 0.1)

    found = shrink_effect(Effect(0.3, 0.1), past)

    # Q = 10 x 0.01 / 0.01 = 10 on 9 degrees: (10 - 9) / (1000 - 100) = 1 / 900
    assert found.usual == pytest.approx(0)
    assert found.kept == pytest.approx((1 / 900) / (1 / 900 + 0.01))
    assert found.estimate == pytest.approx(0.03)
    assert found.low < found.estimate < found.high
    assert found.experiments == 10


def test_a_past_that_never_differed_leaves_its_mean_alone():
    found = shrink_effect(Effect(0.3, 0.1), past_of([0.05] * 12, 0.1))

    assert (found.estimate, found.kept, found.usual_sd) == (pytest.approx(0.05), 0, 0)


def test_fewer_than_ten_past_experiments_shrink_nothing():
    past = past_of([0.1] * 9 + [math.nan], 0.1)

    assert shrink_effect(Effect(0.3, 0.1), past) is None


def test_the_log_holds_what_was_decided_on_which_effect():
    record = decision_record(GAIN, experiment="checkout", ended="2026-05-28")

    assert (record["decision"], record["winner"], record["metric"]) == ("ship", "b", "paid")
    assert record["estimate"] == pytest.approx(0.15)
    assert record["delta_abs"] == pytest.approx(0.015)
    none = decision_record(result_of(1000, 1001), experiment="x", ended="2026-05-28")
    assert (none["decision"], none["winner"], none["variant"]) == ("hold", None, "b")
