"""One experiment: roles, corrections, verdicts, and what makes them impossible."""

import math

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kpikit as kk
from kpikit.errors import AnalysisError, UnknownNameError


def units_of(**arms):
    """Return one row per unit from a list of values per variant."""
    rows = [(variant, value) for variant, values in arms.items() for value in values]
    return pd.DataFrame(rows, columns=["variant", "spend"])


def analyzed(units, **options):
    given = {"control": "a", "metrics": {"spend": kk.Mean("spend")}} | options
    return kk.analyze_experiment(units, **given)


def shares_of(**arms):
    """Return units from (units, conversions) per variant."""
    parts = [
        pd.DataFrame({"variant": name, "paid": np.arange(n) < paid})
        for name, (n, paid) in arms.items()
    ]
    return pd.concat(parts, ignore_index=True)


PAID = {"paid": kk.Proportion("paid")}


def test_means_differences_and_standard_errors_are_those_of_the_arms():
    # means 2 and 4, variances 1 and 4, so that se = sqrt(1/3 + 4/3)
    row = analyzed(units_of(a=[1, 2, 3], b=[2, 4, 6])).table.iloc[0]

    assert (row["control_mean"], row["variant_mean"], row["delta_abs"]) == (2, 4, 2)
    assert row["se"] == pytest.approx(math.sqrt(5 / 3))
    assert (row["n_control"], row["n_variant"]) == (3, 3)
    assert row["delta_rel"] == pytest.approx(1.0)


def test_a_frame_and_a_table_of_any_engine_give_the_same():
    units = units_of(a=[1, 2, 3], b=[2, 4, 6])

    of_frame = analyzed(units).table
    of_table = analyzed(ibis.duckdb.connect().create_table("units", units)).table

    pd.testing.assert_frame_equal(of_frame, of_table)


def test_a_unit_without_a_value_is_left_out_and_counted():
    row = analyzed(units_of(a=[1, 2, 3, None], b=[2, 4, 6])).table.iloc[0]

    assert (row["control_mean"], row["n_control"], row["missing_control"]) == (2, 3, 1)
    assert (row["n_variant"], row["missing_variant"]) == (3, 0)


def test_a_unit_without_a_value_counts_as_zero_where_that_is_declared():
    metrics = {"spend": kk.Mean("spend", nulls="zero")}

    row = analyzed(units_of(a=[1, 2, 3, None], b=[2, 4, 6]), metrics=metrics).table.iloc[0]

    assert (row["control_mean"], row["n_control"], row["missing_control"]) == (1.5, 4, 0)


def test_what_is_no_number_is_missing_in_every_engine():
    table = ibis.duckdb.connect().sql(
        "select * from (values ('a', 1.0), ('a', 2.0), ('a', 3.0), ('a', 'nan'::double),"
        " ('b', 2.0), ('b', 4.0), ('b', 6.0)) as t(variant, spend)"
    )

    row = analyzed(table).table.iloc[0]

    assert (row["control_mean"], row["n_control"], row["missing_control"]) == (2, 3, 1)


def test_a_covariate_takes_away_what_was_there_before():
    # spend is the past plus 0 or 1, and 10 more in b: all but the small noise was there before
    units = units_of(a=[10, 21, 30, 41], b=[20, 31, 40, 51]).assign(
        past=[10, 20, 30, 40, 10, 20, 30, 40]
    )
    metrics = {"plain": kk.Mean("spend"), "adjusted": kk.Mean("spend", "past")}

    plain, adjusted = analyzed(units, metrics=metrics).table.to_dict("records")

    assert plain["delta_abs"] == adjusted["delta_abs"] == pytest.approx(10)
    assert adjusted["se"] < plain["se"] / 10
    assert adjusted["variance_reduction"] == pytest.approx(1 - (adjusted["se"] / plain["se"]) ** 2)
    assert math.isnan(plain["variance_reduction"])
    assert adjusted["control_mean"] == plain["control_mean"] == 25.5


def test_raw_means_and_adjusted_ones_stand_apart():
    # b had twice the past, and all of its lead is that: the raw means differ, the adjusted do not
    units = units_of(a=[1, 2, 3, 4], b=[2, 4, 6, 8]).assign(past=[1, 2, 3, 4, 2, 4, 6, 8])

    row = analyzed(
        units.assign(spend=units["spend"] + [0.1, -0.1] * 4),
        metrics={"spend": kk.Mean("spend", "past")},
    ).table.iloc[0]

    assert (row["control_mean"], row["variant_mean"]) == (2.5, 5)
    assert row["control_adjusted_mean"] == pytest.approx(3.75, abs=0.03)
    assert row["variant_adjusted_mean"] == pytest.approx(3.75, abs=0.03)


def test_a_unit_without_a_past_is_taken_to_have_had_none():
    units = units_of(a=[1, 2, 4], b=[2, 4, 7]).assign(past=[None, 1, 2, None, 1, 2])
    zero = units.assign(past=units["past"].fillna(0))
    metrics = {"spend": kk.Mean("spend", "past")}

    pd.testing.assert_frame_equal(
        analyzed(units, metrics=metrics).table, analyzed(zero, metrics=metrics).table
    )


def test_a_constant_covariate_changes_nothing():
    units = units_of(a=[1, 2, 3], b=[2, 4, 6]).assign(past=7)

    row = analyzed(units, metrics={"spend": kk.Mean("spend", "past")}).table.iloc[0]

    assert row["se"] == pytest.approx(math.sqrt(5 / 3))
    assert row["variance_reduction"] == 0


def test_a_ratio_without_a_past_in_an_arm_is_not_adjusted_by_it():
    units = units_of(a=[1, 2, 3], b=[2, 4, 6]).assign(
        sessions=[1, 2, 1, 2, 2, 2],
        spend_before=[1, 2, 2, 0, 0, 0],
        sessions_before=[1, 1, 2, 0, 0, 0],
    )
    adjusted = kk.Ratio(
        "spend", "sessions",
        numerator_covariate="spend_before", denominator_covariate="sessions_before",
    )  # fmt: skip

    rows = [
        analyzed(units, metrics={"per_session": metric}).table.iloc[0]
        for metric in (kk.Ratio("spend", "sessions"), adjusted)
    ]

    assert rows[1]["se"] == rows[0]["se"]
    assert (rows[1]["control_mean"], rows[1]["variant_mean"]) == (1.5, 2)
    assert rows[1]["variance_reduction"] == 0


def test_a_cap_is_the_same_for_all_variants():
    # the 0.5 quantile of 1, 2, 3, 4, 5, 100 is 3.5
    metrics = {"spend": kk.Mean("spend", cap=0.5)}

    row = analyzed(units_of(a=[1, 2, 3], b=[4, 5, 100]), metrics=metrics).table.iloc[0]

    assert (row["control_mean"], row["variant_mean"]) == (2, 3.5)


def test_a_ratio_weighs_users_by_their_denominator():
    units = units_of(a=[1, 2, 3], b=[2, 4, 6]).assign(sessions=[1, 2, 1, 2, 2, 2])
    metrics = {"per_session": kk.Ratio("spend", "sessions")}

    row = analyzed(units, metrics=metrics).table.iloc[0]

    assert (row["control_mean"], row["variant_mean"]) == (1.5, 2)


def test_a_ratio_needs_both_of_its_columns():
    units = units_of(a=[1, 2, 3, 9], b=[2, 4, None, 6]).assign(sessions=[1, 2, 1, None, 2, 2, 2, 2])
    metrics = {"per_session": kk.Ratio("spend", "sessions"), "spend": kk.Mean("spend")}

    ratio, mean = analyzed(units, metrics=metrics).table.to_dict("records")

    assert (ratio["control_mean"], ratio["missing_control"]) == (1.5, 1)
    assert (ratio["variant_mean"], ratio["missing_variant"]) == (2, 1)
    assert (mean["missing_control"], mean["missing_variant"]) == (0, 1)


def test_the_relative_effect_keeps_the_sign_of_the_difference():
    row = analyzed(units_of(a=[-4.1, -4, -3.9], b=[-2.1, -2, -1.9])).table.iloc[0]

    assert (row["delta_abs"], row["delta_rel"]) == (pytest.approx(2), pytest.approx(0.5))
    assert row["rel_ci_low"] > 0


def test_the_relative_effect_is_withheld_where_control_may_be_zero():
    row = analyzed(units_of(a=[-1, 0, 1.1], b=[1, 2, 3])).table.iloc[0]

    assert math.isnan(row["delta_rel"])
    assert math.isnan(row["rel_ci_low"])
    assert row["delta_abs"] == pytest.approx(2 - 0.1 / 3)


def test_small_counts_are_tested_exactly():
    # 1 of 20 and 8 of 20: 4.5 are expected of each, fewer than 5
    row = kk.analyze_experiment(
        shares_of(a=(20, 1), b=(20, 8)), control="a", metrics=PAID
    ).table.iloc[0]
    large = kk.analyze_experiment(
        shares_of(a=(1000, 1), b=(1000, 8)), control="a", metrics=PAID
    ).table.iloc[0]

    assert row["method"] == "Boschloo's exact test, Newcombe's interval"
    assert large["method"] == "Fisher's exact test, Newcombe's interval"
    # scipy.stats.boschloo_exact([[8, 1], [12, 19]]) and fisher_exact([[8, 1], [992, 999]])
    assert row["p_value"] == pytest.approx(0.009, abs=0.003)
    assert large["p_value"] == pytest.approx(0.0386, abs=0.0001)


def test_of_a_metric_with_several_variants_p_values_are_holms():
    units = shares_of(a=(1000, 100), b=(1000, 130), c=(1000, 140))

    table = kk.analyze_experiment(units, control="a", metrics=PAID).table

    small, large = sorted(table["p_value"])
    assert sorted(table["p_adjusted"]) == [
        pytest.approx(2 * small), pytest.approx(max(large, 2 * small)),
    ]  # fmt: skip
    assert set(table["correction"]) == {"Holm over 2 variants"}


def test_secondary_metrics_share_one_correction_and_the_others_have_none():
    units = shares_of(a=(1000, 100), b=(1000, 130)).assign(
        seen=lambda frame: frame["paid"], kept=lambda frame: ~frame["paid"], lost=False
    )
    units.loc[:4, "lost"] = True
    metrics = {name: kk.Proportion(name) for name in ("paid", "seen", "lost", "kept")}

    table = kk.analyze_experiment(
        units, control="a", metrics=metrics, guardrails={"kept": 0.1}
    ).table.set_index("metric")

    assert table["role"].tolist() == ["primary", "secondary", "secondary", "guardrail"]
    assert table.loc["seen", "correction"] == "Benjamini-Hochberg over 2 secondary metrics"
    assert table.loc["paid", "correction"] == table.loc["kept", "correction"] == "none"
    seen, lost = table.loc["seen", "p_value"], table.loc["lost", "p_value"]
    assert seen < lost
    assert table.loc["seen", "p_adjusted"] == pytest.approx(min(2 * seen, lost))
    assert table.loc["lost", "p_adjusted"] == pytest.approx(lost)
    assert table.loc["paid", "p_adjusted"] == table.loc["paid", "p_value"]


def test_secondary_metrics_of_several_variants_are_corrected_twice():
    units = shares_of(a=(1000, 100), b=(1000, 130), c=(1000, 140)).assign(
        seen=lambda frame: frame["paid"], more=lambda frame: frame["paid"]
    )
    metrics = {name: kk.Proportion(name) for name in ("paid", "seen", "more")}

    table = kk.analyze_experiment(units, control="a", metrics=metrics).table

    assert table.iloc[-1]["correction"] == (
        "Holm over 2 variants, then Benjamini-Hochberg over 2 secondary metrics"
    )


def test_segments_that_are_no_names_are_refused():
    units = pd.DataFrame({"variant": ["a", "b"] * 4, "paid": [0, 1] * 4})

    with pytest.raises(AnalysisError, match=r"segments is 3 in analyze_experiment.\nGive a column"):
        kk.analyze_experiment(units, control="a", metrics=PAID, segments=3)


def test_segments_add_up_to_the_whole_and_keep_missing_values_apart():
    units = units_of(a=[1, 2, 3, 4], b=[2, 4, 6, 8]).assign(
        device=["phone", "phone", "web", None] * 2
    )

    result = analyzed(units, segments=["device"])

    cells = result.segments.set_index("segment")
    assert cells["n_control"].to_dict() == {"(missing)": 1, "phone": 2, "web": 1}
    assert cells["n_control"].sum() == result.table["n_control"].iloc[0]
    assert cells.loc["web", "note"] == "control has 1 unit with a value"
    assert cells.loc["web", "outcome"] == "no_verdict"


def test_tests_of_a_dimension_are_corrected_together():
    units = shares_of(a=(1000, 100), b=(1000, 130)).assign(
        half=lambda frame: np.where(frame.index % 2, "odd", "even")
    )

    cells = kk.analyze_experiment(units, control="a", metrics=PAID, segments=["half"]).segments

    assert set(cells["correction"]) == {"Benjamini-Hochberg over 2 tests of this dimension"}
    assert (cells["p_adjusted"] >= cells["p_value"]).all()


def test_a_quantile_has_no_effects_in_segments():
    units = units_of(a=range(40), b=range(5, 45)).assign(half=["x", "y"] * 40)

    metrics = {"median": kk.Quantile("spend", 0.5)}
    result = kk.analyze_experiment(units, control="a", metrics=metrics, segments=["half"])

    assert result.table["delta_abs"].tolist() == [5]
    assert result.segments.empty


def test_without_segments_there_is_an_empty_table_with_the_same_columns():
    with_segments = analyzed(
        units_of(a=[1, 2, 3], b=[2, 4, 6]).assign(device="web"), segments=["device"]
    )

    without = analyzed(units_of(a=[1, 2, 3], b=[2, 4, 6]))

    assert without.segments.empty
    assert set(without.segments.columns) == set(with_segments.segments.columns)


def test_a_quantile_is_compared_by_its_order_statistics():
    rng = np.random.default_rng(5)
    units = units_of(a=rng.exponential(10, 2000), b=rng.exponential(12, 2000))
    metrics = {"median": kk.Quantile("spend", 0.5), "mean": kk.Mean("spend")}

    result = analyzed(units, metrics=metrics)

    row = result.table.iloc[0]
    medians = units.groupby("variant")["spend"].median()
    assert row["control_mean"] == pytest.approx(medians["a"])
    assert row["delta_abs"] == pytest.approx(medians["b"] - medians["a"])
    # the median of an exponential with mean m has a standard error of m / sqrt(n)
    assert row["se"] == pytest.approx(math.hypot(10, 12) / math.sqrt(2000), rel=0.15)
    assert result.segments.empty


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([1.0, 2.0, 3.0], "control has too few units for this quantile"),
        ([5.0] * 100, "all units near the quantile have the same value"),
        ([None] * 100, "control has too few units for this quantile"),
    ],
)
def test_a_quantile_that_cannot_be_told_says_so(values, note):
    metrics = {"median": kk.Quantile("spend", 0.5)}

    result = analyzed(units_of(a=values, b=values), metrics=metrics)

    assert result.table["note"].iloc[0] == note
    assert result.decision == "invalid"


def test_missing_values_of_a_quantile_may_count_as_zero():
    metrics = {"median": kk.Quantile("spend", 0.5, nulls="zero")}

    row = analyzed(units_of(a=[None] * 3 + [1, 2], b=[1, 2, 3, 4, 5]), metrics=metrics).table.iloc[
        0
    ]

    assert (row["control_mean"], row["missing_control"]) == (0, 0)


# Decisions


def decided(a, b, *, primary="up", kept=None, margin=0.02):
    """Return a decision from conversions of 10,000 units, and of a guardrail."""
    units = shares_of(a=(10_000, a), b=(10_000, b))
    guardrails, metrics = {}, {"paid": kk.Proportion("paid")}
    if kept is not None:
        guard = shares_of(a=(10_000, kept[0]), b=(10_000, kept[1]))
        units, metrics["kept"] = units.assign(kept=guard["paid"]), kk.Proportion("kept")
        guardrails["kept"] = margin
    return kk.analyze_experiment(
        units, control="a", metrics=metrics, directions={"paid": primary}, guardrails=guardrails,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "decision", "reason"),
    [
        ({"a": 1000, "b": 1200}, "ship", "paid improved"),
        ({"a": 1000, "b": 1200, "primary": "down"}, "stop", "paid got worse"),
        ({"a": 1000, "b": 1010}, "hold", "no difference in paid can be told from chance"),
        ({"a": 1200, "b": 1000}, "stop", "paid got worse"),
        (
            {"a": 1000, "b": 1200, "kept": (5000, 5010)},
            "ship",
            "paid improved and no guardrail can have lost its margin",
        ),
        # -0.01 with a half width of 0.0139 reaches beyond -0.02
        (
            {"a": 1000, "b": 1200, "kept": (5000, 4900)},
            "hold",
            "paid improved, but kept may have lost the margin",
        ),
        (
            {"a": 1000, "b": 1010, "kept": (5000, 4000)},
            "stop",
            "kept got worse by more than the margin",
        ),
        ({"a": 0, "b": 0}, "invalid", "no verdict on paid: all units have the same value"),
    ],
)
def test_the_rule_decides(given, decision, reason):
    result = decided(**given)

    assert (result.decision, result.reason) == (decision, reason)


def test_a_guardrail_that_should_fall_may_rise_by_its_margin_only():
    units = shares_of(a=(10_000, 1000), b=(10_000, 1200))
    refunds = shares_of(a=(10_000, 100), b=(10_000, 400))["paid"]

    result = kk.analyze_experiment(
        units.assign(refunds=refunds), control="a", guardrails={"refunds": 0.01},
        directions={"refunds": "down"},
        metrics={"paid": kk.Proportion("paid"), "refunds": kk.Proportion("refunds")},
    )  # fmt: skip

    assert result.decision == "stop"
    assert result.table.set_index("metric").loc["refunds", "outcome"] == "worse"


def test_the_arithmetic_of_a_decision_says_what_would_flip_it():
    checks = decided(1000, 1010, kept=(5000, 4900)).decisions["b"].checks

    improved, within = checks.to_dict("records")
    assert not improved["passes"]
    # half width 1.96 x 0.00425 = 0.00834 against 0.001: 70 times the units
    assert improved["units_factor"] == pytest.approx(69.5, abs=1)
    # half width 1.96 x 0.00707 = 0.01386 against 0.02 - 0.01
    assert within["units_factor"] == pytest.approx((0.013858 / 0.01) ** 2, rel=1e-3)
    assert (within["value"], within["limit"]) == (pytest.approx(-0.023858, abs=1e-5), -0.02)


def test_no_number_of_units_helps_an_estimate_on_the_wrong_side():
    checks = decided(1010, 1000).decisions["b"].checks

    assert math.isnan(checks["units_factor"].iloc[0])


def test_of_several_variants_the_surest_gain_is_shipped():
    units = shares_of(a=(10_000, 1000), b=(10_000, 1300), c=(10_000, 1200), d=(10_000, 1000))

    result = kk.analyze_experiment(units, control="a", metrics=PAID)

    assert (result.decision, result.winner) == ("ship", "b")
    assert result.reason == "b: paid improved"
    assert {name: one.decision for name, one in result.decisions.items()} == {
        "b": "ship", "c": "ship", "d": "hold",
    }  # fmt: skip


def test_an_experiment_stops_when_all_of_its_variants_do():
    units = shares_of(a=(10_000, 1300), b=(10_000, 1000), c=(10_000, 1000))

    result = kk.analyze_experiment(units, control="a", metrics=PAID)

    assert result.decision == "stop"
    assert result.reason == "b: paid got worse; c: paid got worse"
    assert result.winner is None


def test_an_uneven_split_withholds_every_verdict():
    result = kk.analyze_experiment(
        shares_of(a=(5000, 500), b=(4500, 900)).assign(half="x"), control="a", metrics=PAID,
        segments=["half"],
    )  # fmt: skip

    assert result.decision == "invalid"
    assert result.reason.startswith("sample-ratio mismatch (p = ")
    assert set(result.table["outcome"]) == set(result.segments["outcome"]) == {"no_verdict"}


def test_the_planned_split_decides_what_is_uneven():
    units = shares_of(a=(9000, 900), b=(1000, 150))

    even = kk.analyze_experiment(units, control="a", metrics=PAID)
    planned = kk.analyze_experiment(
        units, control="a", metrics=PAID, planned_split={"b": 0.1, "a": 0.9}
    )

    assert even.decision == "invalid"
    assert planned.srm_p_value == 1.0
    assert planned.allocation["variant"].tolist() == ["a", "b"]
    assert planned.allocation["expected_units"].tolist() == [9000, 1000]


def test_a_planned_variant_without_units_is_a_mismatch():
    result = kk.analyze_experiment(
        shares_of(a=(500, 50), b=(500, 60)), control="a", metrics=PAID,
        planned_split={"a": 0.4, "b": 0.3, "c": 0.3},
    )  # fmt: skip

    assert result.decision == "invalid"
    row = result.table.set_index("variant").loc["c"]
    assert (row["n_variant"], row["note"]) == (0, "the variant has no units with a value")


def test_without_any_unit_nothing_is_decided():
    units = shares_of(a=(0, 0), b=(0, 0)).astype({"paid": bool, "variant": str})

    result = kk.analyze_experiment(
        units, control="a", metrics=PAID, planned_split={"a": 0.5, "b": 0.5}
    )

    assert result.decision == "invalid"


# Values that allow no verdict, and arguments that are wrong


@pytest.mark.parametrize(
    ("a", "b", "note"),
    [
        ([None, None, None], [1, 2, 3], "control has no units with a value"),
        ([None, None, None], [None, None, None], "control has no units with a value"),
        ([1], [1, 2, 3], "control has 1 unit with a value"),
        ([0.1] * 50, [0.1] * 50, "all units have the same value"),
        ([7, 7, 7], [7, 7, 7], "all units have the same value"),
        ([0.1] * 50, [0.7] * 50, "all units have the same value"),
        ([1, 2, 3], [1, 2, math.inf], "the variant has a value that is not finite"),
        ([-math.inf, 2, 3], [1, 2, 3], "control has a value that is not finite"),
    ],
)
def test_values_that_allow_no_verdict_are_named(a, b, note):
    result = analyzed(units_of(a=a, b=b), planned_split={"a": 0.5, "b": 0.5})

    row = result.table.iloc[0]
    assert (row["note"], row["outcome"]) == (note, "no_verdict")
    assert math.isnan(row["p_value"])
    assert result.decision == "invalid"


def test_a_denominator_of_zero_allows_no_verdict():
    units = units_of(a=[1, 2, 3], b=[2, 4, 6]).assign(sessions=[0, 0, 0, 1, 1, 1])

    row = analyzed(units, metrics={"x": kk.Ratio("spend", "sessions")}).table.iloc[0]

    assert row["note"] == "the denominator sums to 0 in control"


def test_a_segment_with_one_unit_has_no_verdict_and_harms_no_other():
    units = units_of(a=[1, 2, 3, 9], b=[11, 12, 13]).assign(device=[*"ppp", "w", *"ppp"])

    result = analyzed(units, segments=["device"])

    found = result.segments.set_index("segment")
    assert found.loc["w", ["n_control", "n_variant", "outcome"]].tolist() == [1, 0, "no_verdict"]
    assert found.loc["w", "note"] == "control has 1 unit with a value"
    assert found.loc["p", "outcome"] == "better"


def test_one_huge_order_does_not_make_an_effect():
    units = units_of(a=[10.0, 20.0, 30.0] * 1000, b=[10.0, 20.0, 30.0] * 1000)
    units.loc[units.index[-1], "spend"] = 1_294_500.0

    result = analyzed(units)

    assert result.table["delta_abs"].iloc[0] == pytest.approx(1_294_470 / 3000)
    assert result.decision == "hold"


def test_a_large_mean_does_not_swallow_a_small_variance():
    base = 1e9
    row = analyzed(units_of(a=[base + 1, base + 2, base + 3], b=[base + 2, base + 4, base + 6]))

    assert row.table["se"].iloc[0] == pytest.approx(math.sqrt(5 / 3), rel=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"alpha": 0}, AnalysisError, "alpha is 0 in analyze_experiment.\nGive a level between"),
        ({"alpha": 1}, AnalysisError, "alpha is 1 "),
        ({"alpha": "0.05"}, AnalysisError, "alpha is '0.05' "),
        ({"metrics": ["spend"]}, AnalysisError, r"metrics is \['spend'\] .*\nGive a dict from"),
        ({"metrics": {"x": "spend"}}, AnalysisError, "Metric 'x' is 'spend' .*\nWrite what it"),
        ({"guardrails": ["spend"]}, AnalysisError, "guardrails is .*\nGive a dict"),
        ({"planned_split": [0.5, 0.5]}, AnalysisError, "planned_split is .*\nGive a dict"),
        ({"metrics": {}}, AnalysisError, "metrics is empty in analyze_experiment"),
        ({"primary": "spent"}, UnknownNameError, "metric 'spent' .*primary.\nDid you mean 'spend'"),
        ({"guardrails": {"kept": 0}}, UnknownNameError, "Unknown metric 'kept'"),
        ({"directions": {"spent": "up"}}, UnknownNameError, "Unknown metric 'spent'"),
        ({"directions": {"spend": "upp"}}, AnalysisError, "Did you mean 'up'"),
        ({"guardrails": {"spend": 0.1}}, AnalysisError, "'spend' is primary and a guardrail"),
        ({"control": "c"}, UnknownNameError, "Unknown variant 'c' in analyze_experiment: control"),
        ({"variant": "arm"}, AnalysisError, "units has no column 'arm'"),
        ({"segments": ["devise"]}, AnalysisError, "no column 'devise'.\nDid you mean 'device'"),
        ({"metrics": {"x": kk.Mean("spent")}}, AnalysisError, "no column 'spent'"),
        ({"metrics": {"x": kk.Mean("device")}}, AnalysisError, "'device', which holds string"),
        ({"metrics": {"x": kk.Proportion("spend")}}, AnalysisError, "holds other values than 0"),
        ({"planned_split": {"a": 0.5, "b": 0.4}}, AnalysisError, "The shares sum to 0.9 "),
        ({"planned_split": {"a": 1.0, "b": 0}}, AnalysisError, "The share of 'b' is 0 "),
        ({"planned_split": {"a": 0.5, "bb": 0.5}}, AnalysisError,
         "3 units are in variant 'b', .*\nDid you mean 'bb'"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(options, error, message):
    units = units_of(a=[1, 2, 3], b=[2, 4, 6]).assign(device="web")

    with pytest.raises(error, match=message):
        analyzed(units, **options)


@pytest.mark.parametrize("margin", [-0.1, math.inf, math.nan])
def test_a_margin_is_a_loss_that_can_be_had(margin):
    units = units_of(a=[1, 2, 3], b=[2, 4, 6])
    metrics = {"spend": kk.Mean("spend"), "other": kk.Mean("spend")}

    with pytest.raises(AnalysisError, match="The margin of guardrail 'other' is"):
        analyzed(units, metrics=metrics, guardrails={"other": margin})


def test_a_share_between_0_and_1_is_no_proportion():
    units = units_of(a=[0, 0.5, 1], b=[1, 0, 1.0])

    with pytest.raises(AnalysisError, match="holds other values than 0 and 1"):
        analyzed(units, metrics={"x": kk.Proportion("spend")})


def test_a_proportion_may_be_written_as_a_float_and_have_gaps():
    units = units_of(a=[0, 1, None] * 20, b=[1.0, 0, 1] * 20)

    row = analyzed(units, metrics={"x": kk.Proportion("spend")}).table.iloc[0]

    assert (row["control_mean"], row["missing_control"]) == (0.5, 20)


def test_all_units_in_one_arm_are_nothing_to_compare():
    with pytest.raises(AnalysisError, match="All units are in 'a'"):
        analyzed(units_of(a=[1, 2, 3]))


def test_units_without_a_variant_are_an_error():
    units = units_of(a=[1, 2, 3], b=[2, 4, 6])
    units.loc[0, "variant"] = None

    with pytest.raises(AnalysisError, match="1 units have no variant"):
        analyzed(units)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kk.Mean("x", cap=1.0), "cap is 1.0 in Mean"),
        (lambda: kk.Mean("x", nulls="drop"), "nulls is 'drop' in Mean"),
        (lambda: kk.Ratio("x", "y", numerator_covariate="z"), "one covariate of two"),
        (lambda: kk.Quantile("x", 1), "q is 1 in Quantile"),
        (lambda: kk.Quantile("x", "0.5"), "q is '0.5' in Quantile"),
    ],
)
def test_wrong_metrics_are_named(make, message):
    with pytest.raises(AnalysisError, match=message):
        make()


@settings(deadline=None, max_examples=8)
@given(st.lists(st.tuples(st.booleans(), st.integers(-50, 50)), min_size=8, max_size=60))
def test_exchanging_the_variants_mirrors_the_effect(rows):
    units = pd.DataFrame(
        [("a", 1), ("a", 2), ("b", 3), ("b", 5)] + [("ab"[arm], value) for arm, value in rows],
        columns=["variant", "spend"],
    )

    one, other = (analyzed(units, control=name).table.iloc[0] for name in ("a", "b"))

    assert one["delta_abs"] == pytest.approx(-other["delta_abs"], abs=1e-9)
    assert one["ci_low"] == pytest.approx(-other["ci_high"], abs=1e-9)
    assert one["p_value"] == pytest.approx(other["p_value"], abs=1e-12)
