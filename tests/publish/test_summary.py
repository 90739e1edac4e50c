"""The table at the end of a run: every report, its end, its time and why it was made."""

from dataclasses import replace

import pytest

from kpikit.publish.manifest import RunResult
from kpikit.publish.messages import Outcome
from kpikit.publish.plan import Failure, Plan
from kpikit.publish.shards import Shard
from kpikit.publish.summary import failed_lines, result_lines, table_lines, time_text


def test_each_report_is_a_row(make):
    outcomes = [
        Outcome(make.planned("atlas"), "sealed", seconds=4.13, stale=("data", "template")),
        Outcome(make.planned("beacon"), "unchanged"),
        Outcome(make.planned("comet"), "failed", ("Cell [3] failed: x.", "y"), seconds=125.0),
        Outcome(
            make.planned("delta"), "sealed", seconds=60.0, earlier=("lost",), stale=("forced",)
        ),
        Outcome(make.planned("echo"), "stopped", stale=("never made",)),
    ]

    assert table_lines(outcomes) == [
        "PRODUCT  REPORT  PERIOD        TIME  MADE BECAUSE OF  OUTCOME",
        "atlas    mini    2026Q3       4.1 s  data, template   sealed",
        "beacon   mini    2026Q3                               unchanged",
        "comet    mini    2026Q3  2 min  5 s                   failed: Cell [3] failed: x.",
        "delta    mini    2026Q3  1 min  0 s  forced           sealed, attempt 2",
        "echo     mini    2026Q3              never made       stopped",
    ]


def test_the_widest_columns_give_way_to_a_narrow_terminal(make):
    failed = Outcome(make.planned("a_product_of_a_long_name"), "failed", ("c" * 90,), seconds=9)
    wide = Outcome(make.planned("製品"), "sealed", seconds=9)

    lines = table_lines([failed, wide], width=60)

    # 60 columns hold 6 of REPORT and PERIOD, 5 of TIME, 10 of gaps; 33 are left for the three
    assert lines == [
        "PRODUCT      REPORT  PERIOD   TIME  MADE BECAU…  OUTCOME",
        "a_product_…  mini    2026Q3  9.0 s               failed: cc…",
        "製品         mini    2026Q3  9.0 s               sealed",
    ]


def test_no_column_shrinks_beyond_reading(make):
    lines = table_lines([Outcome(make.planned("atlas"), "failed", ("c" * 90,), seconds=9)], width=9)

    assert lines == [
        "PRODUCT  REPORT  PERIOD   TIME  MADE BEC…  OUTCOME",
        "atlas    mini    2026Q3  9.0 s             failed: …",
    ]


@pytest.mark.parametrize(("count", "rows"), [(12, 13), (13, 1)])
def test_many_unchanged_reports_share_a_line(make, count, rows):
    outcomes = [Outcome(make.planned(f"p{number}"), "unchanged") for number in range(count)]

    lines = table_lines(outcomes)

    assert len(lines) == rows
    assert (lines[-1] == f"unchanged: {count} reports") == (rows == 1)


def test_totals_name_the_shard_and_few_reports_their_files(make, tmp_path):
    reports = [make.planned(f"p{number}") for number in range(4)]
    outcomes = [Outcome(report, "sealed", files=("mini.html",), seconds=1) for report in reports]
    outcomes[0] = replace(outcomes[0], state="failed", reasons=("x",), files=("mini.failed.ipynb",))
    plan = Plan(tuple(reports), (Failure("echo", "broken"),), shard=Shard(2, 8))

    lines = result_lines(RunResult(plan, tuple(outcomes), tmp_path, 61.0))

    assert lines[0] == "\necho was not run:\n  broken"
    assert lines[-6:] == [
        "\nShard 2/8: 3 of 5 reports sealed in 1 min  1 s.",
        f"  {tmp_path}/2026Q3/p0/mini.failed.ipynb",
        *(f"  {tmp_path}/2026Q3/p{number}/mini.html" for number in (1, 2, 3)),
        f"All reports: {tmp_path}/index.html",
    ]


def test_quiet_says_what_could_not_be_planned_or_written(make, tmp_path):
    plan = Plan((make.planned("atlas"),), (Failure("echo", "broken"),), (Failure("f", "no table"),))

    assert failed_lines(RunResult(plan, (), tmp_path, 1.0, complaint="No index.")) == [
        "\necho was not run:\n  broken",
        "No index.",
    ]
    assert failed_lines(RunResult(make.plan_of(), (), tmp_path, 1.0)) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min  0 s"),
        (119.6, "2 min  0 s"),
        (3725, "62 min  5 s"),
    ],
)
def test_a_time_is_said_in_seconds_or_minutes(seconds, text):
    assert time_text(seconds) == text


def test_a_run_that_was_stopped_says_so_and_what_is_whole(make, tmp_path):
    plan = make.plan_of(make.planned("atlas"))
    stopped = Outcome(plan.reports[0], "stopped", stale=("data",))
    result = RunResult(plan, (stopped,), tmp_path, 1.0, stopped_by=130, complaint="No index.")

    assert result_lines(result) == [
        "",
        "PRODUCT  REPORT  PERIOD  TIME  MADE BECAUSE OF  OUTCOME",
        "atlas    mini    2026Q3        data             stopped",
        "\nStopped. What was published before, and what was finished, is whole.",
        "\n0 of 1 reports sealed in 1.0 s.",
        "No index.",
    ]
