"""A review tells one story of each KPI: no section says that it fell where another lets it hold."""

import pytest

from kpikit.present.sentences import headlines
from tests.reviews.recording import sentences_of
from tests.reviews.verbs import contradictions, moves_of


def told_of(review):
    """Return all sentences of a review, and those that its summary would say of every KPI."""
    context = review.report.context
    said = headlines(context.scorecard, context.basis, most=len(context.scorecard))
    items = [f"{item.claim} {item.rest}" for item in said.items]
    sections = (text for part in review.sections.values() for text in sentences_of(part))
    return [*items, *sections]


@pytest.mark.slow
def test_all_sections_of_a_review_have_one_verb_for_a_kpi(review):
    labels = set(review.report.context.scorecard["label"])

    assert contradictions(told_of(review), labels) == []


@pytest.mark.slow
def test_most_kpis_of_a_review_have_a_verb_to_compare(review):
    labels = set(review.report.context.scorecard["label"])

    found = moves_of(told_of(review), labels)

    assert len(found) > len(labels) / 2
    assert set().union(*found.values()) <= {"rose", "fell", "held"}


@pytest.mark.parametrize(
    ("sentences", "lines"),
    [
        (["NPS held at 37 (27 to 45)", "NPS −1 points on 2026Q2: no more than sampling error"], []),
        (["NPS held at 37.", "In 2026Q3, NPS fell: −13 points on 2026Q2"], ["NPS: fell and held"]),
        (["Customer churn rose to 9 %", "Of five, customer churn improved most"],
         ["Customer churn: improved and rose"]),
        (["NPS held at 37.", "NPS −13 points on 2026Q2: more than sampling error"],
         ["NPS: held, but 'NPS −13 points on 2026Q2: more than sampling error'"]),
        (["Users held at 9; net revenue rose to 3", "Net revenue rose; users held"], []),
        (["Orders and net orders fell", "Orders held"], []),
    ],
)  # fmt: skip
def test_two_verbs_for_a_kpi_are_found(sentences, lines):
    labels = ["NPS", "Customer churn", "Users", "Net revenue", "Orders", "Net orders"]

    assert contradictions(sentences, labels) == lines
