"""Oracles and real data from outside this project; tests are skipped where they are absent.

A test marked ``cases(file, *kinds)`` runs once per case of these kinds, as its argument ``case``.
"""

import json
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared"


def pytest_configure(config):
    config.addinivalue_line("markers", "cases(file, *kinds): run once per published case")


def pytest_generate_tests(metafunc):
    marker = metafunc.definition.get_closest_marker("cases")
    if marker is None:
        return
    file, *kinds = marker.args
    path = SHARED / "cases" / file
    if not path.exists():
        skip = pytest.mark.skip(reason=f"../shared/cases/{file} is absent")
        metafunc.parametrize("case", [pytest.param({}, id="absent", marks=skip)])
        return
    found = json.loads(path.read_text(encoding="utf-8"))["cases"]
    cases = [pytest.param(case, id=case["name"]) for case in found if case["kind"] in kinds]
    metafunc.parametrize("case", cases)


@pytest.fixture
def case_named():
    """Return a function from file and name to a case."""

    def find(file, name):
        path = SHARED / "cases" / file
        if not path.exists():
            pytest.skip(f"../shared/cases/{file} is absent")
        found = json.loads(path.read_text(encoding="utf-8"))["cases"]
        return next(case for case in found if case["name"] == name)

    return find


@pytest.fixture
def shared_data():
    """Return the folder of real data."""
    if not (SHARED / "data").exists():
        pytest.skip("../shared/data is absent")
    return SHARED / "data"


@pytest.fixture
def reference(shared_data):
    """Return the figures known for the real data."""
    return json.loads((shared_data / "reference.json").read_text(encoding="utf-8"))
