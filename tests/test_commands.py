"""``kpikit history`` and ``kpikit diff`` as a user types them."""

import datetime as dt

import pytest
import typer
from typer.testing import CliRunner

from kpikit.commands import diff, history
from kpikit.errors import KpikitError, UnknownNameError
from kpikit.publish.ledger import record

app = typer.Typer()
app.command()(history)
app.command()(diff)


def kpi(period, value, **changes):
    return {"metric": "mrr", "period": period, "value": value, "unit": "EUR", "n": 5,
            "complete": True, "target": None, "flags": []} | changes  # fmt: skip


@pytest.fixture
def output(tmp_path):
    """An output folder with two runs: the second restates a value and adds another."""
    runs = {
        "aaa111": ("2026Q2", [kpi("2026Q2", 1234.5), kpi("2026Q1", 1000)]),
        "bbb222": ("2026Q3", [kpi("2026Q3", None, complete=False), kpi("2026Q2", 1200),
                              kpi("2026Q1", 1000)]),
    }  # fmt: skip
    for day, (run, (period, kpis)) in enumerate(runs.items(), start=1):
        document = {
            "product": "atlas", "template": "quarterly_review", "period": period,
            "as_of": "2026-09-30", "run_id": run, "data_hash": "d", "kpis": kpis,
        }  # fmt: skip
        moment = dt.datetime(2026, 10, day, 9, 30, tzinfo=dt.UTC)
        record(tmp_path / "ledger", document, published_at=moment)
    return tmp_path


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_history_of_a_kpi_shows_what_was_restated(output):
    shown = call("history", "mrr", "--product", "atlas", "--output-dir", output)

    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "PERIOD  VALUE    UNIT  REVIEW                   PUBLISHED         RUN     REMARK",
        "2026Q1  1,000    EUR   2026Q2 quarterly_review  2026-10-01 09:30  aaa111",
        "2026Q1  1,000    EUR   2026Q3 quarterly_review  2026-10-02 09:30  bbb222",
        "2026Q2  1,234.5  EUR   2026Q2 quarterly_review  2026-10-01 09:30  aaa111",
        "2026Q2  1,200    EUR   2026Q3 quarterly_review  2026-10-02 09:30  bbb222  restated",
        "2026Q3  –        EUR   2026Q3 quarterly_review  2026-10-02 09:30  bbb222  unfinished",
    ]


def test_a_diff_shows_what_differs_and_counts_the_rest(output):
    shown = call("diff", "aaa", "bbb", "--output-dir", output)

    assert shown.stdout.splitlines() == [
        "METRIC  PERIOD  UNIT  AAA      BBB    CHANGE",
        "mrr     2026Q2  EUR   1,234.5  1,200  -34.5",
        "mrr     2026Q3  EUR   –        –      only_second",
        "2 of 3 values differ.",
    ]


def test_a_run_does_not_differ_from_itself(output):
    shown = call("diff", "aaa", "aaa", "--output-dir", output)

    assert shown.stdout == "0 of 2 values differ.\n"


def test_a_part_that_cannot_be_read_is_told(output):
    next((output / "ledger").glob("*/*/*/*aaa111.json")).write_text("{")

    for words in (("history", "mrr", "--product", "atlas"), ("diff", "bbb", "bbb")):
        shown = call(*words, "--output-dir", output)

        assert "1 part of the ledger cannot be read: atlas/2026Q2/" in shown.stderr


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("history", "mrr", "--product", "beacon"), KpikitError, "Nothing of 'beacon' was publish"),
        (("history", "mr", "--product", "atlas"), UnknownNameError, "Did you mean 'mrr'"),
        (("diff", "ccc", "aaa"), KpikitError, "No run begins with 'ccc'"),
    ],
)
def test_mistakes_are_named(output, words, error, message):
    shown = call(*words, "--output-dir", output)

    assert isinstance(shown.exception, error)
    assert message in str(shown.exception)
