import datetime as dt

import pandas as pd
import pytest

from kpikit.catalogue import CATALOGUE
from kpikit.present.components import Cell
from kpikit.present.tables import (
    Show,
    cohorts_table,
    findings_table,
    frame_table,
    glossary_table,
    inputs_table,
    nps_waves_table,
)
from kpikit.sources import Finding, Input

NAN = float("nan")


def test_a_frame_becomes_a_table_of_texts():
    frame = pd.DataFrame(
        {
            "period": ["2026-08", "2026-09"],
            "start": [dt.date(2026, 8, 1), pd.Timestamp(2026, 9, 1)],
            "mrr_end": [120_000.0, NAN],
            "nrr": [1.02, NAN],
            "change": [0.1, NAN],
            "complete": [True, False],
        }
    )
    columns = [
        Show("period", "Month"),
        Show("start", "From", "day"),
        Show("mrr_end", "MRR", "money", emphasis=True),
        Show("nrr", "NRR", "share"),
        Show("change", "Change", "change"),
    ]

    table = frame_table(frame, columns, currency="USD", title="MRR", notes=["net"])

    assert table.rows[0] == {
        "period": "2026-08",
        "start": "1 Aug 2026",
        "mrr_end": "$120,000",
        "nrr": "102.0 %",
        "change": "+10.0 %",
    }
    assert table.rows[1]["period"] == Cell("2026-09", note="so far")
    assert {table.rows[1][key] for key in ("mrr_end", "nrr", "change")} == {"–"}
    assert [column.kind for column in table.columns] == ["text", "text"] + ["number"] * 3
    assert table.columns[2].emphasis
    assert (table.title, table.notes) == ("MRR", ("net",))


def test_an_empty_frame_is_a_table_without_rows():
    assert frame_table(pd.DataFrame({"a": []}), [Show("a", "A")]).rows == ()


def test_a_score_of_too_few_answers_is_not_shown():
    frame = pd.DataFrame(
        {
            "period": ["2026Q1", "2026Q2", "2026Q3"],
            "n": [412, 12, 0],
            "promoters": [200, 6, 0],
            "passives": [150, 4, 0],
            "detractors": [62, 2, 0],
            "nps": [33.5, 33.3, NAN],
            "ci_low": [27.0, -5.0, NAN],
            "ci_high": [40.0, 60.0, NAN],
            "suppressed": [False, True, True],
            "complete": [True, True, False],
        }
    )

    first, few, none = nps_waves_table(frame).rows

    assert (first["n"], first["nps"], first["interval"]) == ("412", "34", "27 to 40")
    assert (few["nps"], few["interval"]) == (Cell("–", note="too few answers"), "–")
    assert none["nps"] == Cell("–")
    assert none["period"] == Cell("2026Q3", note="so far")


def test_a_change_of_a_score_that_does_not_compare_is_struck_out_with_its_reason():
    frame = pd.DataFrame(
        {
            "period": ["2026Q2", "2026Q3"], "n": [40, 50], "nps": [30.0, 20.0],
            "promoters": [20, 20], "passives": [12, 20], "detractors": [8, 10],
            "ci_low": [20.0, 10.0], "ci_high": [40.0, 30.0],
            "change": [NAN, -10.0], "change_low": [NAN, -24.0], "change_high": [NAN, 4.0],
            "reason": ["", "91 days against 89"],
        }
    )  # fmt: skip

    table = nps_waves_table(frame, notes=["A remark."])

    assert [row["change"] for row in table.rows] == ["–", Cell("−10 (−24 to 4)", struck=True)]
    assert table.notes == (
        "Change of 2026Q3 is not comparable (91 days against 89).", "A remark.",
    )  # fmt: skip


def cohorts(*rates):
    return pd.DataFrame(
        [
            {
                "cohort": dt.date(2026, 7, 6) + dt.timedelta(weeks=row),
                "age": age,
                "cohort_size": 1000 - row,
                "retention_rate": rate,
            }
            for row, line in enumerate(rates)
            for age, rate in enumerate(line)
        ]
    )


def test_cohorts_as_a_table_are_shaded_and_dots_are_not_complete():
    table = cohorts_table(cohorts([1.0, 0.5, 0.1], [1.0, 0.25]), grain="week")

    assert [column.label for column in table.columns] == ["Cohort", "Users", "W1", "W2"]
    assert table.rows[0]["cohort"] == "6 Jul 2026"
    assert table.rows[0]["users"] == "1,000"
    assert table.rows[0]["W1"] == Cell("50 %", shade=1.0)
    assert table.rows[1]["W1"] == Cell("25 %", shade=0.5)
    assert table.rows[1]["W2"] == Cell("·")


def test_cohorts_to_which_nobody_came_back_have_no_shade():
    table = cohorts_table(cohorts([0.0, 0.0]), grain="week")

    assert table.rows[0]["W0"] == Cell("0 %", shade=0.0)
    nothing = cohorts([1.0]).iloc[:0]
    assert cohorts_table(nothing, grain="week").rows == ()


def test_findings_say_what_was_found_where_and_why_it_is_accepted():
    findings = [
        Finding(
            "missing_user", "orders", "user_id", "accepted", 135_080, 0.2493, ("536414",),
            "135,080 orders have no user.", "guests",
        ),
        Finding("gap", "events", severity="warning", message="No event on 3 days."),
    ]  # fmt: skip

    accepted, gap = findings_table(findings, title="Checks").rows

    assert accepted["message"] == Cell("135,080 orders have no user.", note="Accepted: guests")
    assert (accepted["rows"], accepted["share"], accepted["examples"]) == (
        "135,080",
        "24.9 %",
        "536414",
    )
    assert gap["severity"] == Cell("warning", tone="warning")
    assert (gap["column"], gap["share"], gap["examples"]) == ("–", "–", "–")


def test_inputs_say_what_was_read_and_how_far_it_reaches():
    file = Input(
        "orders", "orders.csv", 1204, 52_000, "ab" * 32,
        dt.datetime(2024, 11, 1, 9, tzinfo=dt.UTC), dt.datetime(2026, 10, 31, tzinfo=dt.UTC),
    )  # fmt: skip
    table = Input("costs", "sales.costs", 0, None, "cd" * 32, None, None)

    first, second = inputs_table([file, table]).rows

    assert first == {
        "table": "orders",
        "source": "orders.csv",
        "rows": "1,204",
        "size": "52.0 kB",
        "first": "1 Nov 2024",
        "last": "31 Oct 2026",
        "hash": "abababababab",
    }
    assert (second["size"], second["first"]) == ("–", "–")


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=CATALOGUE)
def test_every_metric_of_the_catalogue_has_its_line_in_the_glossary(metric):
    (line,) = glossary_table([metric]).rows

    assert line["label"] == Cell(metric.label, note=metric.name)
    assert line["question"] == metric.question
    assert line["version"] == str(metric.version)
