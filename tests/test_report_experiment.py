"""The facade of one A/B test, opened by its key from a folder of products."""

import pytest

import kpikit as kk
from kpikit.errors import PeriodError, UnknownNameError
from kpikit.present.components import Component
from tests.analysis.experiments.test_study import frames
from tests.sections.test_experiments import TEST, YAML


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A product with a test that is over and one to come, in a folder of its own."""
    exposures, events = frames()
    exposures.to_csv(tmp_path / "exposures.csv", index=False)
    events.to_csv(tmp_path / "events.csv", index=False)
    tests = "".join(
        TEST.format(key=key, start=f"2026-{month}-01", end=f"2026-{month}-10", primary="bought")
        for key, month in (("test", "05"), ("to_come", "08"))
    )
    head = "product: {key: shop, name: Shop, currency: EUR}"
    (tmp_path / "shop.yml").write_text(head + YAML.format(as_of="2026-06-30", tests=tests))
    monkeypatch.setenv("KPIKIT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


def test_a_test_is_opened_under_the_quarter_in_which_it_ends(folder):
    report = kk.open_experiment("shop", "test", params_dir=folder)

    assert repr(report) == "<ExperimentReport shop test, finished>"
    assert report.trial.context.period.label == "2026Q2"
    assert report.result.decision == "ship"
    assert set(report.checks["status"]) == {"passed"}
    assert "exposures" in report.dataset.tables


def test_every_method_returns_a_section(folder):
    report = kk.open_experiment("shop", "test", period="2026Q2", params_dir=folder)

    sections = [
        report.cover(), report.decision(), report.trust(), report.effect(), report.readings(),
        report.time(), report.segments(), report.impact(), report.planning(), report.log(),
        report.data_quality(), report.method(),
    ]  # fmt: skip

    assert all(isinstance(section, Component) for section in sections)


def test_a_run_is_final_and_checks_its_findings(folder, monkeypatch):
    monkeypatch.setenv("KPIKIT_RUN_ID", "0123456789ab")

    cover = kk.open_experiment("shop", "test", params_dir=folder).cover()

    marker = cover.metadata()["marker"]
    assert (marker["run_id"], marker["period"]) == ("0123456789ab", "2026Q2")
    assert cover.items[0].state == "final"


@pytest.mark.parametrize(
    ("experiment", "period", "error", "complaint"),
    [
        ("tset", "", UnknownNameError, r"experiment 'tset' .*\nDid you mean 'test'"),
        ("test", "2026Q3", PeriodError, r"ends on 2026-05-10, not in 2026Q3\.\nLeave .* 2026Q2"),
        ("to_come", "", PeriodError, r"begins on 2026-08-01; the data ends on 2026-06-30"),
    ],
)
def test_what_cannot_be_reported_is_refused(folder, experiment, period, error, complaint):
    with pytest.raises(error, match=complaint):
        kk.open_experiment("shop", experiment, period=period, params_dir=folder)
