"""Process behaviour charts as NIST, qcc and the NHS compute them."""

import numpy as np
import pytest

import kpikit as kk

# our words for those of NHSRplotthedots
ASSURANCE = {
    "reliably_hit": "consistent_pass",
    "reliably_missed": "consistent_fail",
    "hit_or_miss": "inconsistent",
}
DIRECTION = {"increase": "up", "decrease": "down"}


def limits_of(case):
    """Return the limits with the case's own constant; ours is 2.66."""
    constant = case["inputs"].get("sigma_constant", 2.66)
    scaling = 3 / 1.128 if constant == "3/1.128" else constant
    return kk.process_limits(
        case["inputs"]["x"],
        scaling=scaling,
        screen_ranges=case["inputs"].get("screen_outliers", False),
    )


@pytest.mark.cases("kpis.json", "xmr_limits")
def test_limits(case):
    limits = limits_of(case)
    plain = kk.process_limits(case["inputs"]["x"])

    found = {
        "mean": limits.mean, "mr_bar": limits.mr_bar, "sigma": limits.mr_bar / 1.128,
        "ucl": limits.upper, "upl": limits.upper, "lcl": limits.lower, "lpl": limits.lower,
        "unscreened_upl": plain.upper, "unscreened_lpl": plain.lower,
    }  # fmt: skip
    assert {name: found[name] for name in case["expected"]} == pytest.approx(
        case["expected"], abs=case["tolerance"]["abs"]
    )


@pytest.mark.cases("kpis.json", "xmr_limits_negative")
def test_limits_are_never_those_of_the_standard_deviation(case):
    expected = case["expected"]

    limits = kk.process_limits(case["inputs"]["x"], scaling=3 / 1.128)

    assert limits.upper == pytest.approx(expected["mr_limits_ucl"], abs=case["tolerance"]["abs"])
    assert limits.upper < expected["batch4_value"] - 0.1
    assert limits.upper < expected["ucl_sd"] - 0.1
    assert limits.lower > expected["lcl_sd"] + 0.1


@pytest.mark.cases("kpis.json", "xmr_rule")
def test_rules(case):
    inputs, expected = case["inputs"], case["expected"]
    x = inputs["x"]
    if "center" in inputs:
        centre, reach = inputs["center"], 3 * inputs["sigma"]
        lines = {"centre": centre, "lower": centre - reach, "upper": centre + reach}
    else:
        limits = kk.process_limits(x, scaling=inputs["sigma_constant"])
        lines = {"centre": limits.mean, "lower": limits.lower, "upper": limits.upper}

    # the cases follow the Western Electric and NHS rule, 2 of 3 beyond 2/3 of the way
    rules = kk.find_signals(
        x, **lines, run_length=inputs.get("run_length", 8), near=(2, 3, 2 / 3)
    )["rule"]  # fmt: skip

    if "first_flagged_index_1based" in expected:
        assert np.argmax(rules != "") + 1 == expected["first_flagged_index_1based"]
        assert (rules[8] != "") is expected["index9_flagged"]
    else:
        words = ["common_cause" if rule == "" else "special_cause" for rule in rules]
        assert words[-len(expected["last_two"]) :] == expected["last_two"]


@pytest.mark.cases("kpis.json", "assurance")
def test_assurance(case):
    found = [
        kk.assurance_of(
            row["lpl"], row["upl"], target=row["target"], direction=DIRECTION[row["direction"]]
        )
        for row in case["inputs"]["rows"]
    ]

    assert [ASSURANCE[word] for word in found] == case["expected"]["assurance"]
