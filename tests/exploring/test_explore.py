"""``kk.explore``: controls before somebody's eyes, the view itself where nobody looks."""

import asyncio
import sys
import types

import pytest

import kpikit as kk
from kpikit.errors import UnknownNameError
from kpikit.exploring import front, spare_what_stays
from kpikit.exploring.explorer import Explorer
from kpikit.present.components import Stack
from kpikit.report import Report


@pytest.fixture
def report(context):
    return Report(context)


def widgets_in(component):
    data, _ = component._repr_mimebundle_()
    return [mime for mime in data if "widget" in mime] + [data["text/html"].count("jupyter-widget")]


def test_headless_it_is_the_view_without_a_trace_of_widgets(report):
    found = kk.explore(report, "trends", metric="orders", grain="quarter")

    assert [type(part).__name__ for part in found.items] == ["Figure", "Table"]
    assert widgets_in(found) == [0]


def test_headless_and_without_a_section_it_is_nothing(report):
    assert kk.explore(report) == Stack(())


def test_a_view_of_another_product_is_left_out(report):
    assert kk.explore(report, "trends", product="stall", metric="nonsense") == Stack(())


@pytest.mark.parametrize(
    ("section", "settings", "error", "complaint"),
    [
        ("trend", {}, UnknownNameError, r"section 'trend'.*\nDid you mean 'trends'"),
        ("trends", {"grane": "week"}, TypeError, r"setting 'grane'.*\nDid you mean 'grain'"),
        ("trends", {"grain": "weak"}, ValueError, "grain"),
    ],
)
def test_a_mistake_in_the_call_is_told(report, section, settings, error, complaint):
    with pytest.raises(error, match=complaint):
        kk.explore(report, section, **settings)


@pytest.fixture
def asked_by(monkeypatch):
    """Pretend that a kernel runs a request with these metadata."""

    def ask(metadata):
        kernel = types.SimpleNamespace(get_parent=lambda _channel: {"metadata": metadata})
        shell = types.SimpleNamespace(kernel=kernel)
        module = types.SimpleNamespace(get_ipython=lambda: shell)
        monkeypatch.setitem(sys.modules, "IPython", module)

    monkeypatch.delenv("KPIKIT_RUN_ID", raising=False)
    return ask


def test_a_request_that_names_its_cell_comes_from_a_page(asked_by, monkeypatch):
    asked_by({"cellId": "abc"})
    assert front.cell_id() == "abc"

    monkeypatch.setenv("KPIKIT_RUN_ID", "0123456789ab")
    assert front.cell_id() == ""


def test_a_request_that_names_no_cell_comes_from_a_run(asked_by):
    asked_by({})

    assert front.cell_id() == ""


def test_before_a_page_it_is_controls(report, monkeypatch):
    monkeypatch.setattr("kpikit.exploring.cell_id", lambda: "abc")

    async def scene():
        return kk.explore(report, "trends", metric="orders")

    found = asyncio.run(scene())

    assert isinstance(found, Explorer)
    bundle = found._repr_mimebundle_()
    assert bundle["application/vnd.kpikit.component+json"]["items"][1]["title"] == "Orders by month"


def test_the_collector_is_told_once_to_pass_over_what_stays(monkeypatch):
    calls = []
    monkeypatch.setattr("gc.collect", lambda: calls.append("collect"))
    monkeypatch.setattr("gc.freeze", lambda: calls.append("freeze"))
    spare_what_stays.cache_clear()

    spare_what_stays()
    spare_what_stays()

    assert calls == ["collect", "freeze"]
