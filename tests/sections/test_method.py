"""Appendix C: the conventions, and how the chances that a report gives have fared."""

import pytest

from kpikit.analysis.calibration import TARGET_FACTORS
from kpikit.sections.method import method_section
from kpikit.sections.prospects import chances_table
from tests.sections.conftest import ORDERS, ORDERS_YAML, WAVE, orders_of

YAML = "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [net_revenue, orders]"


def test_chances_of_earlier_quarters_stand_beside_what_came(open_context):
    context = open_context(YAML, {"orders.csv": orders_of(WAVE)})

    found = chances_table(context)

    # 31 whole months are known, February 2024 to August 2026. The first trial is of the fourteenth,
    # when four totals of three months have come after a history of eight or more; the last is of
    # the twenty-eighth, after which three more are known: 15 of each KPI, in 5 quarters.
    assert found["n"].sum() == 2 * 15 * len(TARGET_FACTORS)
    assert found["groups"].max() == 5
    # orders are one a month: above last year's three is never reached, up to it always is
    assert found.iloc[0]["hit_rate"] < 0.1
    assert found.iloc[-1]["hit_rate"] > 0.9
    _, reliability = method_section(context).items
    assert [row["n"] for row in reliability.rows if row["n"] != "0"] == [f"{n}" for n in found["n"]]


def test_a_young_product_says_that_its_chances_were_never_tried(open_context):
    context = open_context(ORDERS_YAML, {"orders.csv": ORDERS})

    conventions, reliability = method_section(context).items

    told = {row["what"]: row["how"] for row in conventions.rows}
    assert list(told)[:2] == ["Time", "Comparisons"]
    assert "Money" in told
    assert "Recurring revenue" not in told  # there are no subscriptions
    assert reliability.title == "Chances: no KPI has a history long enough to try them"


def test_a_product_without_months_to_judge_has_no_signal_to_expect(open_context):
    yaml = "source: {tables: {survey: {files: s.csv}}}\nmetrics: [nps]"
    context = open_context(yaml, {"s.csv": "answer_time,score\n2026-08-01T10:00:00,9\n"})

    told = {row["what"]: row["how"] for row in method_section(context).items[0].rows}

    assert told["Signals"].endswith(
        "none is to be expected: no KPI has months enough to be judged."
    )
    assert not {"Money", "Retention", "Recurring revenue"} & set(told)


@pytest.mark.parametrize("name", ["Signals", "Chances"])
def test_the_conventions_name_their_methods(open_context, name):
    context = open_context(YAML, {"orders.csv": orders_of(WAVE)})

    (how,) = [row["how"] for row in method_section(context).items[0].rows if row["what"] == name]

    assert {"Signals": "XmR", "Chances": "Theta"}[name] in how
