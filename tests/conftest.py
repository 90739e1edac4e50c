"""Tests marked ``long`` run only where KPIKIT_LONG_TESTS=1 asks for them."""

import os

import pytest

LONG = "KPIKIT_LONG_TESTS"


def pytest_configure(config):
    config.addinivalue_line("markers", f"long: takes minutes; runs only with {LONG}=1")


def pytest_collection_modifyitems(items):
    if os.environ.get(LONG) != "1":
        skip = pytest.mark.skip(reason=f"takes minutes; set {LONG}=1 to run it")
        for item in items:
            if "long" in item.keywords:
                item.add_marker(skip)
