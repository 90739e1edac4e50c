"""The words of experiments: what an interval rules out, and no more."""

# ruff: noqa: E501 - a case and its sentence are read side by side

import math

import pandas as pd
import pytest

from kpikit.present.sentences_experiments import (
    Words,
    belief_sentence,
    effect_sentence,
    flip_sentences,
    guardrail_sentence,
    heterogeneity_sentence,
    impact_sentence,
    novelty_sentence,
    p_number,
    p_text,
    relative_interval,
    ruled_out,
    split_sentence,
    trust_title,
    verdict_title,
)

WORDS = Words(
    {"conversion": "Conversion", "refund_rate": "Refund rate", "arpu": "Revenue per user"},
    {"conversion": "share", "refund_rate": "share", "arpu": "money"},
    "EUR",
)


def row(low, high, *, metric="conversion", direction="up", **more):
    return {
        "metric": metric, "direction": direction, "variant": "new", "note": "",
        "delta_abs": (low + high) / 2, "ci_low": low, "ci_high": high, "margin": 0.01,
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (row(-0.069, -0.017), "we can rule out any gain"),
        (row(0.017, 0.069), "we can rule out any loss"),
        (row(-0.02, 0.05), "we can rule out gains above 5.00 pt and losses above 2.00 pt"),
        (row(-0.02, -0.01, direction="down"), "we can rule out any increase"),
        (row(0.01, 0.02, direction="down"), "we can rule out any decrease"),
        (
            row(-0.5, 0.79, metric="arpu"),
            "we can rule out gains above €0.79 and losses above €0.50",
        ),
    ],
)
def test_a_sentence_says_what_the_interval_rules_out(given, said):
    assert ruled_out(given, WORDS) == said


def test_an_effect_is_a_claim_with_its_interval():
    claim, rest = effect_sentence(row(-0.069, -0.017), WORDS)

    assert claim == "Conversion: −4.30 pt"
    assert rest == "between −6.90 pt and −1.70 pt: we can rule out any gain."
    assert effect_sentence(row(0.01, 0.03), WORDS, several=True)[0] == "Conversion (new): +2.00 pt"


def test_an_effect_without_estimate_says_why():
    given = row(math.nan, math.nan, note="control has no units with a value")

    assert effect_sentence(given, WORDS) == (
        "Conversion has no estimate:", "control has no units with a value.",
    )  # fmt: skip
    assert guardrail_sentence(given, WORDS)[0] == "Conversion has no estimate:"
    assert WORDS.interval("conversion", math.nan, 0.1) == "–"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (row(-0.004, 0.02), "Conversion keeps its margin: a loss of at most 0.40 pt is left open, 1.00 pt accepted."),
        (row(0.004, 0.02), "Conversion keeps its margin: no loss is left open, 1.00 pt accepted."),
        (row(-0.04, 0.02), "Conversion may have lost its margin: a loss of up to 4.00 pt is left open, 1.00 pt accepted."),
        (row(-0.04, 0.02, direction="down"), "Conversion may have lost its margin: an increase of up to 2.00 pt is left open, 1.00 pt accepted."),
    ],
)  # fmt: skip
def test_a_guardrail_tells_the_worst_that_is_left_open(given, said):
    assert " ".join(guardrail_sentence(given, WORDS)) == said


def test_a_verdict_names_metrics_as_they_are_printed():
    said = verdict_title("ship", "arpu improved", WORDS, running=False)

    assert said == "Ship: Revenue per user improved"
    assert verdict_title("ship", "big: arpu improved", WORDS, running=False, winner="big") == (
        "Ship big: Revenue per user improved"
    )
    assert verdict_title("hold", "no difference in arpu", WORDS, running=True) == (
        "In progress: go on. No difference in revenue per user"
    )


def test_what_would_flip_a_decision():
    arithmetic = pd.DataFrame([
        {"check": "improved", "metric": "conversion", "passes": True, "units_factor": math.nan,
         "least_effect": 0.04, "estimate": 0.05, "room": 0.0},
        {"check": "improved", "metric": "conversion", "passes": False, "units_factor": 2.34,
         "least_effect": 0.04, "estimate": 0.05, "room": 0.0},
        {"check": "within margin", "metric": "refund_rate", "passes": True,
         "units_factor": math.nan, "least_effect": 0.0, "estimate": 0.0, "room": 0.003},
        {"check": "within margin", "metric": "refund_rate", "passes": False,
         "units_factor": math.nan, "least_effect": 0.0, "estimate": 0.0, "room": 0.0},
    ])  # fmt: skip

    assert flip_sentences(arithmetic, WORDS) == (
        "Conversion: an effect below 4.00 pt could not be told from chance; it is 5.00 pt.",
        "Conversion: the same estimate would be told from chance with 2.3 times the users.",
        "Refund rate: shipping would be on hold were the bad end of its interval worse by 0.30 pt.",
        "Refund rate: no number of users would do, for the estimate lies on the wrong side.",
    )


def test_trust_says_what_failed_and_what_is_noted():
    checks = pd.DataFrame({"check": ["sample ratio", "units"], "status": ["passed", "noted"]})

    assert trust_title(checks) == (
        "2 checks found no reason to doubt the data, 1 remark: fewer users than planned"
    )  # fmt: skip
    assert trust_title(checks.assign(status=["failed", "passed"])) == (
        "The data cannot be trusted: sample ratio failed, so no lift is shown"
    )


def test_a_mismatch_is_told_with_its_place_and_its_day():
    splits = pd.DataFrame({"dimension": ["platform", "platform"], "segment": ["Android", "iOS"],
                           "mismatch": [True, False]})  # fmt: skip
    curve = pd.DataFrame({"day": pd.to_datetime(["2026-09-28", "2026-09-29"]),
                          "mismatch": [False, True]})  # fmt: skip

    assert split_sentence(splits, curve) == (
        "The split departs from its plan in platform Android; over all users it was first seen on "
        "29 Sep 2026."
    )
    quiet = (splits.assign(mismatch=False), curve.assign(mismatch=False))
    assert split_sentence(*quiet) == ""


def test_segments_are_read_as_one_unless_they_differ():
    given = {"metric": "conversion", "dimension": "platform", "p_adjusted": 0.4, "i_squared": 0.0}

    assert "read the segments as one" in heterogeneity_sentence(given, WORDS)
    assert heterogeneity_sentence(given | {"p_adjusted": 0.01, "i_squared": 0.8}, WORDS) == (
        "The effect on conversion differs by platform (p = 0.010; 80 % of the spread is more than "
        "chance)."
    )


def test_an_effect_wears_off_only_where_its_slope_is_told_from_zero():
    slope = {"metric": "arpu", "delta_abs": -0.1, "ci_low": -0.2, "ci_high": -0.01, "p_value": 0.03}

    assert novelty_sentence(slope, WORDS).startswith("The effect falls with the days")
    assert novelty_sentence(slope | {"delta_abs": 0.1}, WORDS).startswith("The effect grows")
    assert novelty_sentence(slope | {"p_value": 0.3}, WORDS).startswith("No change of the effect")
    assert novelty_sentence(slope | {"delta_abs": math.nan}, WORDS).endswith("cannot be told.")


def test_money_is_given_with_its_interval():
    assert impact_sentence(1340.0, -22.0, 2660.0, "USD") == (
        "+$1.34 k a month, between −$22 and +$2.66 k"
    )
    assert impact_sentence(math.nan, 0.0, 0.0, "USD").startswith("No amount is given")


def test_beliefs_are_chances():
    belief = {"chance_to_win": 0.62, "expected_loss": 0.06, "chance_of_equivalence": 0.34}

    said = belief_sentence(belief, WORDS, "arpu")

    assert said.startswith("62 % chance that the variant is better")
    assert said.endswith("34 % that the effect is practically none.")
    assert "practically" not in belief_sentence(
        belief | {"chance_of_equivalence": math.nan}, WORDS, "arpu"
    )


def test_p_values_have_three_digits():
    assert (p_text(0.0294), p_text(0.0001), p_text(math.nan)) == (
        "p = 0.029", "p < 0.001", "no p-value",
    )  # fmt: skip
    assert (p_number(0.0294), p_number(0.0001), p_number(math.nan)) == ("0.029", "< 0.001", "–")


def test_a_relative_effect_that_is_withheld_is_a_dash():
    given = {"delta_rel": math.nan, "rel_ci_low": math.nan, "rel_ci_high": math.nan}

    assert relative_interval(given) == "–"
    known = {"delta_rel": 0.1, "rel_ci_low": -0.05, "rel_ci_high": 0.25}
    assert relative_interval(known) == "−5.0 % to +25.0 %"
