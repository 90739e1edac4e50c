"""JUnit XML as CI servers read it: which elements stand where, with which attributes."""

import xml.etree.ElementTree as ET

import pytest

from kpikit.errors import KpikitError
from kpikit.publish.junit import check_junit_path, junit_text, write_junit
from kpikit.publish.manifest import RunResult
from kpikit.publish.messages import Outcome
from kpikit.publish.plan import Failure, Plan

# What junit-10.xsd of the Jenkins xUnit plug-in lets each element hold: attributes and children.
FORM = {
    "testsuites": ({"name", "time", "tests", "failures", "disabled", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name", "classname", "time", "assertions", "status"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message", "type"}, set()),
    "system-out": (set(), set()),
}


@pytest.fixture
def result(make, tmp_path):
    outcomes = (
        Outcome(make.planned("atlas"), "sealed", notes=("PDF without tags",), seconds=4.0),
        Outcome(make.planned("beacon"), "unchanged"),
        Outcome(
            make.planned("comet"),
            "failed",
            ("Cell [3] failed: a < b & \x1b[31mred\x00.", "1 of 4 cells ran."),
            seconds=2.5,
        ),
        Outcome(make.planned("delta"), "stopped"),
    )
    reports = tuple(outcome.report for outcome in outcomes)
    failures = (Failure("echo", "params/echo.yml has 1 mistake.\nMend it."),)
    left_out = (Failure("foxtrot", "It has no table survey."),)
    return RunResult(Plan(reports, failures, left_out), outcomes, tmp_path, 7.0)


def test_every_element_is_one_that_the_form_knows_there(result):
    root = ET.fromstring(junit_text(result))

    for element in root.iter():
        attributes, children = FORM[element.tag]
        assert set(element.attrib) <= attributes, element.tag
        assert {child.tag for child in element} <= children, element.tag
    assert all({"name", "tests"} <= set(suite.attrib) for suite in root)
    assert all({"name", "classname"} <= set(case.attrib) for case in root.iter("testcase"))


def test_reports_are_cases_of_their_template_and_counted_by_their_end(result):
    root = ET.fromstring(junit_text(result))

    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {
        "atlas mini 2026Q3": ["system-out"],
        "beacon mini 2026Q3": [],
        "comet mini 2026Q3": ["failure"],
        "delta mini 2026Q3": ["error"],
        "echo": ["error"],
        "foxtrot": ["skipped"],
    }
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("6", "1", "2")
    counts = [
        tuple(
            suite.get(word) for word in ("name", "tests", "failures", "errors", "skipped", "time")
        )
        for suite in root
    ]
    assert counts == [("mini", "4", "1", "1", "0", "6.500"), ("plan", "2", "0", "1", "1", "0.000")]


def test_a_failure_names_its_cell_and_cause_in_letters_that_xml_allows(result):
    (failure,) = ET.fromstring(junit_text(result)).iter("failure")

    assert failure.get("message") == "Cell [3] failed: a < b & \ufffd[31mred\ufffd."
    assert failure.text == f"{failure.get('message')}\n1 of 4 cells ran."


def test_the_same_run_gives_the_same_bytes_whole(result, tmp_path):
    path = tmp_path / "junit.xml"

    write_junit(path, result)

    assert path.read_text(encoding="utf-8") == junit_text(result) == junit_text(result)
    assert [found.name for found in tmp_path.iterdir()] == ["junit.xml"]


def test_a_file_that_cannot_be_written_is_told_before_the_run(tmp_path):
    with pytest.raises(KpikitError, match=r"^--junit names a folder, .*\.\nName a file, such as"):
        check_junit_path(tmp_path)
    with pytest.raises(KpikitError, match=r"no file can be written in .*/absent\.\nName a file in"):
        check_junit_path(tmp_path / "absent" / "junit.xml")
    check_junit_path(tmp_path / "junit.xml")
