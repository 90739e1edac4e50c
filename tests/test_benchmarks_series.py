"""The benchmarks of signals and forecasts hold the bars that were set; nothing is measured here."""

import numpy as np
import pytest

from benchmarks import forecasts, m3, signals


@pytest.fixture
def two_series(monkeypatch, tmp_path):
    """Stand two short series in for the competition's."""
    rng = np.random.default_rng(0)
    found = [
        m3.Series(name, rng.normal(100, 10, 30), rng.normal(100, 10, 4)) for name in ("N1", "N2")
    ]
    monkeypatch.setattr(m3, "FOLDER", tmp_path)
    monkeypatch.setattr(m3, "load", lambda _: found)
    monkeypatch.setattr(m3, "published", lambda _: {each.name: each.came for each in found})
    monkeypatch.setattr(signals, "RUNS", 2)


def bars(module):
    return {figure.name: figure.bar for figure in module.measure() if figure.bar is not None}


def test_forecasts_are_held_to_the_best_entrants_and_to_what_they_promise(two_series):
    assert bars(forecasts) == {
        "M3 quarterly: sMAPE": 9.36,
        "M3 quarterly: MASE": 1.126,
        "M3 quarterly: time per series": 20,
        "M3 monthly: sMAPE": 14.0,
        "M3 monthly: MASE": 0.87,
        "M3 monthly: time per series": 20,
        "M3 monthly: a 3-month total's 80% interval covers": 3,
        "M3 monthly: a 3-month total's 95% interval covers": 2,
        "M3 monthly: Brier score over the 0/1 forecast's": 0.72,
        "M3 monthly: reliability, off what the page says by": 0.6,
    }


def test_signals_are_held_to_few_false_alarms_and_few_misses(two_series):
    found = list(signals.measure())

    assert {figure.name: figure.bar for figure in found if figure.bar is not None} == {
        "M3 monthly: last points flagged": 6,
        "noise around a constant, n = 24: last points flagged": 1.5,
        "random walk with drift, n = 24: last points flagged": 2,
        "random walk with drift, n = 36: last points flagged": 2,
        "random walk with drift, n = 60: last points flagged": 2,
        "2-sigma shift after 36 points, limits frozen on them: found within 8": 90,
    }
    assert [figure.name for figure in found if figure.at_least] == [
        "2-sigma shift after 36 points, limits frozen on them: found within 8",
        "2-sigma shift after 36 points, limits not frozen: found within 8",
    ]


def test_real_series_are_left_out_where_they_are_absent(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(m3, "FOLDER", tmp_path / "absent")
    monkeypatch.setattr(signals, "RUNS", 1)

    assert list(forecasts.measure()) == []
    assert all("M3" not in figure.name for figure in signals.measure())
    assert capsys.readouterr().out.count("skipped: M3") == 2


def test_an_entrant_is_scored_as_the_competition_does():
    series = [m3.Series("N1", np.array([1.0, 3, 2, 5]), np.array([4.0]))]

    smape, mase = m3.accuracy(series, {"N1": np.array([6.0])}, 2)

    # 200 x 2 / 10; seasonal steps 1 and 2, mean 1.5
    assert (smape, mase) == (pytest.approx(40), pytest.approx(2 / 1.5))
