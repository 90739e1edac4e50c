"""Every number in a sentence of a review stands in the frame that its section shows.

A sentence is a headline, a title, a subtitle, a note, a paragraph or an alternative text. Its frame
is what the function that wrote it was given; for what a section writes itself, all that the section
showed or asked an analysis for. Rounding, units and signs are those of the sentence.
"""

import pytest

from kpikit.present.components import Component
from tests.reviews.recording import Shown, numbers_of, sentences_of

# What a page says of its method stands in no frame: levels of intervals, least numbers, scales.
CONSTANTS = {
    (50.0, ""), (80.0, ""), (50.0, "%"), (80.0, "%"), (95.0, "%"), (100.0, "%"), (67.0, "%"),
    (33.0, "%"), (20.0, "%"),  # how far the margin of an ROI is varied
    (0.0, ""), (1.0, ""), (10.0, ""),  # ends of scores, answers from 0 to 10
    (30.0, ""), (30.0, "d"), (8.0, ""), (12.0, ""), (10_000.0, ""),
}  # fmt: skip
# Measured once on the M3 competition's series, no data of the product's: the benchmark prints them.
MEASURED = "At a single point of time, when many of them turn together, the share hit lay up to 16 "
# What present hands over as text and is no sentence: SQL.
QUERIES = {"fold_columns"}
# Titles that sum up the frame they are given: what they add to its numbers.
SUMS = {
    "columns_title": lambda frame, **_: totals(frame),
    "churn_title": lambda frame, **_: [frame.select_dtypes("number").sum().tolist()],
    "reliability_of_chances": lambda frame, **_: [frame["n"].sum()],
}


def totals(frame):
    """Return the sum of the complete columns, that of the year before, and the change."""
    whole = frame[frame["complete"] & frame["value"].notna()]
    now, before = whole["value"].sum(), whole["previous"].sum(skipna=False)
    return [now, before, now / before - 1 if before > 0 else now]


def unfounded(sentence, shown):
    """Return the numbers of a sentence that are nowhere in what is shown."""
    return [
        text
        for text, number, digits, unit in numbers_of(sentence, shown.names)
        if (number, unit) not in CONSTANTS and not shown.holds(number, digits, unit)
    ]


def complaints(section, component, calls):
    """Return a line per number of a section that has no source."""
    whole = Shown().add(component)
    for call in calls:
        for value in call.arguments:
            whole.add(value) if not isinstance(value, str) else None
        whole.add(call.result) if call.room == "analysis" else None
    lines, told = [], set()
    for call in calls:
        if call.room == "analysis" or not isinstance(call.result, str | Component):
            continue
        if call.name in QUERIES:
            continue
        own = Shown().add(call.arguments).add(component)
        own.add(SUMS[call.name](*call.arguments[:1])) if call.name in SUMS else None
        for sentence in sentences_of(call.result):
            told.add(sentence)
            lines += [f"{section}: {n} in '{sentence}'" for n in unfounded(sentence, own)]
    rest = [sentence for sentence in sentences_of(component) if sentence not in told]
    for sentence in rest:
        lines += [f"{section}: {n} in '{sentence}'" for n in unfounded(sentence, whole)]
    return lines


@pytest.mark.slow
def test_every_number_of_a_sentence_is_one_that_its_section_shows(review):
    lines = [
        line
        for section, component in review.sections.items()
        for line in complaints(section, component, review.calls[section])
        if MEASURED not in line
    ]

    assert lines == []


@pytest.mark.slow
def test_the_sentences_of_a_review_have_numbers_to_check(review):
    numbers = [
        number
        for component in review.sections.values()
        for sentence in sentences_of(component)
        for number in numbers_of(sentence, set())
    ]

    assert len(numbers) > 300


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("MRR rose to $69.4 k (+87.4 % on 2025Q3)", []),
        ("MRR rose to $69.5 k (+87.4 % on 2025Q3)", ["69.5 k"]),
        ("Churn held at 10.1 % (7.9 to 12.9 %, n = 573)", []),
        ("Churn held at 10.1 % (7.8 to 12.9 %, n = 574)", ["7.8", "574"]),
        ("the last of 24 months, 30 Sep 2026 and 2026-09; P85 in W39", ["24"]),
        ("Half take less than 14 days", []),
    ],
)
def test_a_number_that_stands_nowhere_is_found(sentence, found):
    shown = Shown().add({"value": [69_440.2, 0.8743, 0.101, 0.0793, 0.1288, 573, 14 * 86_400.0]})

    assert unfounded(sentence, shown) == found
