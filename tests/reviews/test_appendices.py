"""Every number in a sentence that stands in a table of an appendix has a source.

Appendix A tells what the checks found, appendix C how numbers are made; their sentences stand in
cells, which ``test_sentences`` takes for numbers shown. Here each is held to what it is made from.
Exempt are the reasons for accepting a fault and the questions and definitions of KPIs (appendix B):
they are the words of the product's file and of the catalogue, in which 9 or 10 is an answer, not a
result.
"""

import datetime as dt
import re

import pytest

from kpikit.analysis.scorecard import LEAST_N, LIKELY, UNLIKELY
from kpikit.analysis.segments import LEAST_N as SEGMENT_N
from kpikit.catalogue.voice import MIN_ANSWERS
from kpikit.sections.evidence import false_signals
from kpikit.sections.retention import LEAST_COHORT
from tests.reviews.recording import Shown, numbers_of

_SOURCES = {"Wheeler 2000", "Rocks 2016"}
# Sums over the rows of a batch: they stand in no frame, for every frame counts the batch once.
_AS_DELIVERED = re.compile(r" is [\d,.]+ as delivered")

pytestmark = pytest.mark.slow


def cells(component, column):
    """Yield the cells of a column of all tables of a section."""
    for item in component.items:
        for row in getattr(item, "rows", ()):
            if column in row:
                yield row[column]


def missing(sentence, shown):
    """Return the numbers of a sentence that are not among those shown; none is taken on trust."""
    return [
        (sentence, text)
        for text, number, digits, unit in numbers_of(sentence, shown.names)
        if not shown.holds(number, digits, unit)
    ]


def source_of(finding, context):
    """Return what a finding counted, the rows of its table, and the days between its days."""
    dataset = context.dataset
    rows = sum(each.rows for each in dataset.inputs if each.table == finding.table)
    if finding.share:
        rows = round(finding.rows / finding.share)  # of a table whose batch is counted once
    days = [
        dt.date.fromisoformat(day) for day in finding.examples if len(day) == 10 and day[4] == "-"
    ]
    quarter = context.calendar.period_of(dataset.as_of, context.period.grain)
    month = context.facts[context.facts["grain"] == "month"]
    return Shown().add(
        [
            finding.rows, finding.share, rows, finding.examples,
            [(dataset.as_of - day).days for day in days],
            [quarter.days, quarter.days_elapsed(dataset.as_of)],
            month.loc[month["metric"] == "net_revenue", "value"],
        ]
    )  # fmt: skip


def test_what_the_checks_found_is_what_they_counted(review):
    context = review.report.context
    told = {finding.message: source_of(finding, context) for finding in context.dataset.findings}

    shown = [
        getattr(cell, "text", cell) for cell in cells(review.sections["data_quality"], "message")
    ]

    assert shown == list(told)
    assert [
        lost
        for sentence, source in told.items()
        for lost in missing(_AS_DELIVERED.sub("", sentence), source)
    ] == []


def test_the_numbers_of_the_method_are_those_that_the_code_goes_by(review):
    context = review.report.context
    week = context.calendar.last_complete(context.as_of, "week")
    sources = {
        "Comparisons": [(week.start - context.calendar.year_before(week).start).days],
        "Intervals": [0.95],
        "Small numbers": [LEAST_N, MIN_ANSWERS, SEGMENT_N, LEAST_COHORT],
        "Status": [LIKELY, UNLIKELY],
        "Signals": [false_signals(context)],
    }
    table = review.sections["method"].items[0]

    lines = [
        lost
        for row in table.rows
        for lost in missing(
            row["how"], Shown(names=set(_SOURCES)).add(sources.get(row["what"], []))
        )
    ]

    assert lines == []
    assert set(sources) <= {row["what"] for row in table.rows}


def test_the_glossary_has_a_definition_of_every_kpi(review):
    names = {metric.label for metric in review.report.context.metrics}

    told = [
        str(getattr(cell, "text", cell)) for cell in cells(review.sections["glossary"], "label")
    ]
    formulas = list(cells(review.sections["glossary"], "formula"))

    assert names <= set(told)
    assert all(formulas)
