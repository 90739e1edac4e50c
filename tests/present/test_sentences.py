import datetime as dt

import pandas as pd
import pytest

from kpikit.periods import Calendar
from kpikit.present.sentences import (
    Basis,
    change_text,
    headline,
    headlines,
    is_plural,
    mid_sentence,
    standing,
    summary_title,
    value_text,
)

CALENDAR = Calendar()
NAN = float("nan")


def basis(as_of=dt.date(2026, 10, 31), days=None):
    period, previous, before = (CALENDAR.parse(text) for text in ("2026Q3", "2026Q2", "2025Q3"))
    _, previous = CALENDAR.like_for_like(period, previous, as_of)
    _, before = CALENDAR.like_for_like(period, before, as_of)
    return Basis(period, previous, before, as_of, "GBP")


FINISHED = basis()
UNFINISHED = basis(as_of=dt.date(2026, 8, 8))  # 31 + 8 of 92 days


def row(**values):
    """A row of the scorecard: net revenue, 10 % above the year before, no target."""
    return {
        "metric": "net_revenue", "label": "Net revenue", "unit": "money",
        "direction": "up", "actual": 748_000.0, "n": 412.0, "ci_low": NAN, "ci_high": NAN,
        "reason": "",
        "target": NAN, "delta_target": NAN, "delta_target_rel": NAN, "verdict_target": "",
        "qoq": 0.02, "qoq_abs": 15_000.0, "verdict_qoq": "better",
        "clear_qoq": False, "comparable_qoq": True, "reason_qoq": "92 days against 91",
        "yoy": 0.1, "yoy_abs": 68_000.0, "verdict_yoy": "better",
        "clear_yoy": False, "comparable_yoy": True, "reason_yoy": "",
        "status": "", "status_reason": "no target", "outcome": "none", "spark": (1.0, 2.0),
        **values,
    }  # fmt: skip


HIT = {
    "target": 735_000.0, "delta_target": 13_000.0, "delta_target_rel": 0.018,
    "verdict_target": "better", "outcome": "hit", "status": "on_track",
}  # fmt: skip
NPS_MISSED = {
    "metric": "nps", "label": "NPS", "unit": "points", "actual": 38.0, "n": 412.0,
    "ci_low": 31.0, "ci_high": 45.0, "yoy": 0.05, "yoy_abs": 2.0, "target": 40.0,
    "delta_target": -2.0, "delta_target_rel": -0.05, "verdict_target": "worse",
    "outcome": "missed", "status": "off_track",
}  # fmt: skip
NO_VALUE = {
    "metric": "mrr", "label": "MRR", "actual": NAN, "reason": "no table", "status": "no_data",
    "yoy": NAN, "yoy_abs": NAN, "qoq": NAN, "qoq_abs": NAN, "verdict_yoy": "", "verdict_qoq": "",
    "comparable_yoy": False, "comparable_qoq": False, "reason_yoy": "no table",
}  # fmt: skip


def test_a_finished_quarter_was_and_its_target_was_hit():
    said = headline(row(**HIT), FINISHED)

    assert said.mark == "+"
    assert said.claim == "Net revenue was £748 k"
    assert said.rest == "(+10.0 % on 2025Q3); the target of £735 k was hit."


def test_an_estimate_bears_its_interval_and_what_it_rests_on():
    said = headline(row(**NPS_MISSED), FINISHED)

    assert said.mark == "-"
    assert f"{said.claim} {said.rest}" == (
        "NPS was 38 (31 to 45, n = 412; +2.0 on 2025Q3); the target of 40 was missed."
    )


def test_an_unfinished_quarter_stands_at_its_days_and_its_target_is_open():
    line = row(**{**HIT, "outcome": "open", "status": ""}, label="Orders", unit="count")

    said = headline(line, UNFINISHED)

    assert f"{said.claim} {said.rest}" == (
        "Orders stand at 748,000 (+10.0 % on the first 39 days of 2025Q3); "
        "the target of 735,000 is open with 39 of 92 days passed."
    )


def test_the_quarter_before_stands_in_for_a_year_that_is_not_comparable():
    said = headline(row(comparable_yoy=False, reason_yoy="no data"), FINISHED)

    assert said.rest == "(+2.0 % on 2026Q2)."
    assert said.mark == "+"


def test_what_cannot_be_compared_says_why():
    line = row(comparable_yoy=False, comparable_qoq=False, reason_yoy="2025Q3: before the data")

    said = headline(line, FINISHED)

    assert said.rest == "(not comparable, 2025Q3: before the data)."
    assert said.mark == "·"


def test_a_metric_without_a_value_says_why():
    said = headline(row(**NO_VALUE), FINISHED)

    assert (said.mark, said.claim, said.rest) == ("!", "MRR has no value:", "no table.")


def test_too_few_answers_are_told_instead_of_the_target():
    line = row(**{**NPS_MISSED, "status": "no_data", "status_reason": "only 7 answers"})

    said = headline(line, FINISHED)

    assert said.mark == "!"
    assert said.rest.endswith("; only 7 answers.")
    assert "target" not in said.rest


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (HIT, "win"),
        (NPS_MISSED, "miss"),
        ({}, "win"),
        ({"verdict_yoy": "worse"}, "miss"),
        ({"verdict_yoy": "same"}, "even"),
        ({"comparable_yoy": False, "verdict_qoq": "worse"}, "miss"),
        ({"comparable_yoy": False, "comparable_qoq": False}, "even"),
        (NO_VALUE, "unknown"),
    ],
)
def test_the_target_decides_where_a_metric_stands_then_the_comparison(values, expected):
    assert standing(row(**values)) == expected


def test_the_target_of_what_should_be_low_is_a_limit_written_as_declared():
    line = row(label="Refunds", direction="down", target=5_000.0, outcome="missed")

    said = headline(line, FINISHED)

    assert said.rest.endswith("; the target of at most £5 k was missed.")


def test_a_decided_target_comes_before_a_greater_change_without_one():
    missed = {"outcome": "missed", "target": 0.35, "unit": "share", "delta_target": -0.01,
              "delta_target_rel": -0.03, "actual": 0.34, "verdict_target": "worse"}  # fmt: skip
    frame = pd.DataFrame(
        [
            row(**HIT),
            row(label="Quick ratio", unit="ratio", yoy=-0.4, yoy_abs=-2.0, verdict_yoy="worse"),
            row(label="Trial to paid", **missed),
        ]
    )

    summary = headlines(frame, FINISHED)

    assert [item.claim.split(" was")[0] for item in summary.items[1:]] == [
        "Trial to paid",
        "Quick ratio",
    ]
    assert summary.title.endswith("; trial to paid missed its target with 34.0 %")


@pytest.mark.parametrize(
    ("variation", "turned_from", "first"),
    [
        ("concern", "", "Crashes"),
        ("improvement", "2026-08", "Crashes"),  # it was a concern before
        ("improvement", "", "Trial to paid"),  # no signal of a miss
        ("routine", "", "Trial to paid"),
    ],
)
def test_a_signal_of_its_side_comes_before_a_target_missed_by_more(variation, turned_from, first):
    missed = {"outcome": "missed", "target": 0.35, "unit": "share", "actual": 0.34,
              "delta_target": -0.01, "verdict_target": "worse"}  # fmt: skip
    signal = {"variation": variation, "turned_from": turned_from, "rule": "beyond_limit",
              "side": "above", "signal_period": "2026-09"}  # fmt: skip
    frame = pd.DataFrame(
        [
            row(**HIT),
            row(label="Trial to paid", delta_target_rel=-0.2, **missed),
            row(label="Crashes", delta_target_rel=-0.01, **missed, **signal),
        ]
    ).fillna({"variation": "", "turned_from": ""})

    summary = headlines(frame, FINISHED)

    assert summary.items[1].claim.startswith(first)


def test_what_keeps_everything_from_being_compared_is_said_once():
    alone = {"comparable_yoy": False, "comparable_qoq": False, "reason_yoy": "2025Q3: no data"}
    frame = pd.DataFrame([row(**alone), row(label="Orders", unit="count", **alone, **HIT)])

    summary = headlines(frame, FINISHED)

    assert summary.title == (
        "Net revenue was £748 k; orders hit their target with 748,000; "
        "nothing to compare with (2025Q3: no data)"
    )
    assert [f"{item.claim} {item.rest}" for item in summary.items] == [
        "Net revenue was £748 k. ",
        "Orders were 748,000; the target of 735,000 was hit.",
    ]


def test_different_obstacles_are_told_with_their_metrics():
    alone = {"comparable_yoy": False, "comparable_qoq": False}
    frame = pd.DataFrame([row(**alone, reason_yoy="no rows"), row(**alone, reason_yoy="no costs")])

    summary = headlines(frame, FINISHED)

    assert summary.title == "Net revenue was £748 k"
    assert [item.rest for item in summary.items] == [
        "(not comparable, no rows).",
        "(not comparable, no costs).",
    ]


def test_wins_and_misses_take_turns_after_the_first_and_the_unknown_come_last():
    frame = pd.DataFrame(
        [
            row(**NO_VALUE),
            row(label="First", **HIT),
            row(label="Small win", yoy=0.01),
            row(label="Big win", yoy=0.5),
            row(label="Small miss", yoy=-0.01, verdict_yoy="worse"),
            row(label="Big miss", yoy=-0.4, verdict_yoy="worse"),
            row(label="Level", yoy=0.0, verdict_yoy="same"),
        ]
    )

    summary = headlines(frame, FINISHED, decisions=["Fix it."])

    assert [item.claim.split(" was")[0] for item in summary.items] == [
        "First",
        "Big miss",
        "Big win",
        "Small miss",
        "Small win",
        "Level",
        "MRR has no value:",
    ]
    assert summary.decisions == ("Fix it.",)


def test_the_summary_holds_no_more_sentences_than_asked_for():
    frame = pd.DataFrame([row()] * 9)

    assert len(headlines(frame, FINISHED, most=3).items) == 3


def test_the_title_tells_the_first_metric_and_the_most_telling_of_the_other_side():
    frame = pd.DataFrame([row(**HIT), row(label="Big win", yoy=0.9), row(**NPS_MISSED)])

    title = summary_title(frame, FINISHED)

    assert title == (
        "Net revenue was £748 k, +10.0 % on 2025Q3, and hit its target; "
        "NPS missed its target with 38"
    )


def test_without_another_side_the_title_tells_the_most_telling_of_its_own():
    frame = pd.DataFrame([row(), row(label="Orders", unit="count", yoy=0.9), row(label="Other")])

    title = summary_title(frame, FINISHED)

    assert title == (
        "Net revenue was £748 k, +10.0 % on 2025Q3; orders were 748,000, +90.0 % on 2025Q3"
    )


def test_the_title_of_an_unfinished_period_begins_with_its_days():
    frame = pd.DataFrame([row(comparable_yoy=False, comparable_qoq=False)])

    assert summary_title(frame, UNFINISHED) == (
        "With 39 of 92 days passed, net revenue stands at £748 k"
    )


def test_the_title_of_an_unfinished_period_names_its_base_once():
    frame = pd.DataFrame([row(), row(label="Orders", unit="count", yoy=-0.9, verdict_yoy="worse")])

    assert summary_title(frame, UNFINISHED) == (
        "With 39 of 92 days passed, net revenue stands at £748 k, +10.0 % on the first 39 days "
        "of 2025Q3; orders stand at 748,000, −90.0 %"
    )


def test_a_target_is_told_even_where_nothing_can_be_compared():
    frame = pd.DataFrame([row(**HIT, comparable_yoy=False, comparable_qoq=False)])

    assert summary_title(frame, FINISHED) == "Net revenue was £748 k and hit its target"


def test_the_title_of_nothing_says_so():
    assert summary_title(pd.DataFrame([row(**NO_VALUE)]), FINISHED) == (
        "No metric has a value in 2026Q3"
    )
    assert headlines(pd.DataFrame([row(**NO_VALUE)]), FINISHED).items[0].mark == "!"


def test_a_score_is_as_telling_as_its_points_and_an_unknown_base_tells_nothing():
    frame = pd.DataFrame(
        [
            row(),
            row(label="NPS", unit="points", yoy=4.0, yoy_abs=3.0),  # 3 points: 0.03
            row(label="Orders", unit="count", yoy=0.04),
            row(label="Base zero", yoy=NAN),
        ]
    )

    told = [item.claim.split(" ")[0] for item in headlines(frame, FINISHED).items]

    assert told == ["Net", "Orders", "NPS", "Base"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "+10.0 %"),
        ({"yoy": NAN}, "+£68.0 k"),  # nothing to relate it to
        ({"unit": "share", "yoy_abs": -0.0013}, "−0.13 pt"),
        ({"unit": "ratio", "yoy_abs": 0.4}, "+0.40"),
    ],
)
def test_amounts_change_by_per_cent_and_all_else_by_its_own_unit(values, text):
    assert change_text(row(**values), "yoy", "GBP") == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(18_155, "count", "18,155"), (1_234_567, "count", "1.23 M"), (748_000, "money", "£748 k")],
)
def test_counts_below_a_million_are_written_in_full(value, unit, text):
    assert value_text(value, unit, "GBP") == text


@pytest.mark.parametrize(
    ("label", "plural"),
    [("Active users", True), ("Orders", True), ("NPS", False), ("Gross", False), ("Status", False),
     ("Pieces per order", False), ("Sessions without a crash", True), ("Rate of returns", False)],
)  # fmt: skip
def test_a_name_tells_whether_its_verb_is_plural(label, plural):
    assert is_plural(label) is plural


@pytest.mark.parametrize(
    ("text", "inside"), [("Net revenue", "net revenue"), ("NPS", "NPS"), ("MRR churn", "MRR churn")]
)
def test_a_name_is_lower_case_inside_a_sentence_unless_it_is_an_abbreviation(text, inside):
    assert mid_sentence(text) == inside


def test_a_single_day_passed_is_the_first_day():
    assert basis(as_of=dt.date(2026, 7, 1)).base_of("yoy") == "the first day of 2025Q3"
    assert basis(as_of=dt.date(2026, 7, 2)).base_of("yoy") == "the first 2 days of 2025Q3"


def test_a_kpi_whose_months_vary_as_always_held():
    said = headline(row(**HIT, variation="routine"), FINISHED)

    assert f"{said.claim} {said.rest}" == (
        "Net revenue held at £748 k (+10.0 % on 2025Q3); the target of £735 k was hit; "
        "routine variation."
    )


@pytest.mark.parametrize(
    ("clear", "against"),
    [
        (["qoq"], "+2.0 on 2025Q3; −13 on 2026Q2, more than sampling error"),
        (["yoy"], "+2.0 on 2025Q3, more than sampling error"),
        (["yoy", "qoq"], "+2.0 on 2025Q3; −13 on 2026Q2, both more than sampling error"),
    ],
)
def test_a_kpi_that_moved_beyond_sampling_error_did_not_hold_though_its_months_are_routine(
    clear, against
):
    changes = {f"clear_{name}": True for name in clear}

    said = headline(row(**NPS_MISSED, **changes, qoq_abs=-13.0, variation="routine"), FINISHED)

    assert f"{said.claim} {said.rest}" == (
        f"NPS was 38 (31 to 45, n = 412; {against}); the target of 40 was missed; "
        "no month is a signal."
    )


def test_a_change_that_does_not_compare_is_not_more_than_sampling_error():
    said = headline(
        row(**NPS_MISSED, clear_qoq=True, comparable_qoq=False, variation="routine"), FINISHED
    )

    assert said.claim == "NPS held at 38"


def test_a_signal_needs_no_word_on_sampling_error():
    signal = {
        "variation": "improvement", "rule": "beyond_limit", "side": "above",
        "signal_period": "2026-08",
    }  # fmt: skip

    said = headline(row(**NPS_MISSED, **signal, clear_yoy=True), FINISHED)

    assert said.claim == "NPS rose to 38"
    assert "sampling error" not in said.rest


@pytest.mark.parametrize(
    ("side", "change", "verb"),
    [("above", 0.1, "rose to"), ("below", -0.1, "fell to"), ("above", -0.1, "was")],
)
def test_the_verb_moves_with_a_signal_that_goes_the_way_of_the_change(side, change, verb):
    signal = {
        "variation": "concern", "rule": "one_side", "side": side, "signal_period": "2026-08",
    }  # fmt: skip

    said = headline(row(**signal, yoy=change, yoy_abs=68_000.0 * change), FINISHED)

    assert said.claim == f"Net revenue {verb} £748 k"
    assert said.rest.endswith(f"; concern: {side} routine in 2026-08 (8 months on one side).")


def test_a_signal_names_the_one_on_the_other_side_before_it():
    signal = {
        "variation": "improvement", "rule": "beyond_limit", "side": "above",
        "signal_period": "2026-09", "turned_from": "2026-08",
    }  # fmt: skip

    said = headline(row(**signal, yoy=-0.1, yoy_abs=-68_000.0), FINISHED)

    assert said.claim == "Net revenue was £748 k"
    assert said.rest.endswith(
        "; improvement: above routine in 2026-09 (beyond a limit), after below routine in 2026-08."
    )


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (0.04, "it will very likely miss £800 k in 2026Q4 (P 4 %)"),
        (0.33, "it is likely to miss £800 k in 2026Q4 (P 33 %)"),
        (0.5, "it is open on £800 k in 2026Q4 (P 50 %)"),
        (0.9, "it is likely to hit £800 k in 2026Q4 (P 90 %)"),
        (0.999, "it will very likely hit £800 k in 2026Q4 (P > 99 %)"),
    ],
)
def test_the_next_target_is_told_by_its_chance(chance, words):
    said = headline(row(p_hit=chance, aim=800_000.0, aim_period="2026Q4"), FINISHED)

    assert said.rest == f"(+10.0 % on 2025Q3); {words}."


def test_an_open_target_with_a_chance_is_told_once():
    line = row(
        **{**HIT, "outcome": "open", "status": ""}, p_hit=0.7, aim=735_000.0, aim_period="2026Q3"
    )

    said = headline(line, UNFINISHED)

    assert said.rest.endswith("; it is likely to hit £735 k in 2026Q3 (P 70 %).")
    assert "is open" not in said.rest
