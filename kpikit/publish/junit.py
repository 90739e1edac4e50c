"""How a run went, as JUnit XML: what CI servers read to list tests.

A template is a suite and a report is a case. Sealed and unchanged reports have passed, for both say
that the report as planned is published. A report that is not sealed is a failure; one that could
not be planned, or was stopped, an error. A product that the template does not concern is skipped.
The form is that of the Jenkins xUnit plug-in's ``junit-10.xsd``; nothing in it but the seconds
differs from run to run.
"""

import os
import re
import xml.etree.ElementTree as ET
from itertools import groupby
from pathlib import Path

from kpikit.errors import KpikitError
from kpikit.publish.manifest import RunResult
from kpikit.publish.messages import Outcome
from kpikit.publish.outputs import write_atomically

# all that XML 1.0, section 2.2, allows no document to hold, escaped or not
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def check_junit_path(path: Path) -> None:
    """Raise unless the file can be written, before a run of hours finds out.

    Raises:
        KpikitError: It is a folder, or no file can be written there.
    """
    if path.is_dir():
        raise KpikitError(
            f"--junit names a folder, {path}.\nName a file, such as {path}/junit.xml."
        )
    folder = path.absolute().parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise KpikitError(
            f"--junit names {path}, and no file can be written in {folder}.\n"
            "Name a file in a folder that exists and can be written."
        )


def write_junit(path: Path, result: RunResult) -> None:
    """Write the file; it is at every moment either the old one or the new one.

    Raises:
        OSError: It could not be written; the old one stands.
    """
    write_atomically(path, junit_text(result))


def junit_text(result: RunResult) -> str:
    """Return the run as JUnit XML."""
    suites = [
        _suite(template, [_case(outcome) for outcome in outcomes])
        for template, outcomes in groupby(result.outcomes, lambda item: item.report.template.name)
    ]
    plan = result.plan
    unplanned = [
        *(_unplanned(found.product, "error", found.message) for found in plan.failures),
        *(_unplanned(found.product, "skipped", found.message) for found in plan.left_out),
    ]
    if unplanned:
        suites.append(_suite("plan", unplanned))
    root = ET.Element("testsuites", {"name": "kpikit", "time": f"{result.seconds:.3f}"})
    for word in ("tests", "failures", "errors", "skipped"):
        total = sum(int(suite.attrib[word]) for suite in suites)
        if word != "skipped":  # which the form knows of a suite alone
            root.set(word, str(total))
    root.extend(suites)
    ET.indent(root, " ")
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(name: str, cases: list[ET.Element]) -> ET.Element:
    counts = {
        plural: str(sum(case.find(kind) is not None for case in cases))
        for kind, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))
    }
    seconds = sum(float(case.attrib["time"]) for case in cases)
    about = {"name": _legal(name), "tests": str(len(cases)), **counts, "time": f"{seconds:.3f}"}
    suite = ET.Element("testsuite", about)
    suite.extend(cases)
    return suite


def _case(outcome: Outcome) -> ET.Element:
    report = outcome.report
    case = _new_case(
        f"{report.product} {report.name} {report.period}",
        f"{report.template.name}.{report.product}",
        outcome.seconds,
    )
    if outcome.state == "failed":
        _add(case, "failure", outcome.reasons)
    elif outcome.state == "stopped":
        _add(case, "error", ("The run was stopped before this report was finished.",))
    elif outcome.notes:
        ET.SubElement(case, "system-out").text = _legal("\n".join(outcome.notes))
    return case


def _unplanned(product: str, kind: str, message: str) -> ET.Element:
    case = _new_case(product, f"plan.{product}", 0.0)
    _add(case, kind, (message,))
    return case


def _new_case(name: str, classname: str, seconds: float) -> ET.Element:
    about = {"name": _legal(name), "classname": _legal(classname), "time": f"{seconds:.3f}"}
    return ET.Element("testcase", about)


def _add(case: ET.Element, kind: str, reasons: tuple[str, ...]) -> None:
    """Say in a case why it has not passed: in short as its message, in full as its text."""
    cause = next((line for reason in reasons for line in reason.splitlines()), "no cause is known")
    told = ET.SubElement(case, kind, {"message": _legal(cause)})
    if kind != "skipped":  # the form gives this one no text
        told.set("type", {"failure": "NotSealed", "error": "NotRun"}[kind])
        told.text = _legal("\n".join(reasons))


def _legal(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
