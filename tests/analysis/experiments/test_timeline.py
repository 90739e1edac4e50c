"""The effect over the days of the experiment, and over those since exposure."""

import math

import numpy as np
import pandas as pd
import pytest

import kpikit as kk
from kpikit.analysis.experiments.shaping import Measure, assign_units
from kpikit.analysis.experiments.timeline import effect_by_age, effect_curve
from kpikit.errors import AnalysisError


@pytest.fixture
def units():
    rng = np.random.default_rng(1)
    days = np.tile(pd.date_range("2026-05-01", periods=4), 200)
    return pd.DataFrame({"variant": np.repeat(["a", "b"], 400), "exposure_day": days,
                         "spend": rng.normal(10, 2, 800)})  # fmt: skip


def test_the_last_day_of_the_curve_is_the_result(units):
    curve = effect_curve(units, control="a", metric=kk.Mean("spend"), planned_units=800)

    row = kk.analyze_experiment(units, control="a", metrics={"y": kk.Mean("spend")}).table.iloc[0]
    last = curve.iloc[-1]
    for name in ("delta_abs", "ci_low", "ci_high", "p_value"):
        assert last[name] == pytest.approx(row[name])
    assert curve["n"].tolist() == [200, 400, 600, 800]
    assert curve["day"].dt.day.tolist() == [1, 2, 3, 4]


def test_each_day_holds_all_units_so_far(units):
    curve = effect_curve(units, control="a", metric=kk.Mean("spend"), planned_units=800)

    early = units[units["exposure_day"] <= "2026-05-02"]
    row = kk.analyze_experiment(early, control="a", metrics={"y": kk.Mean("spend")}).table.iloc[0]
    assert curve["delta_abs"].iloc[1] == pytest.approx(row["delta_abs"])
    assert curve["se"].iloc[1] == pytest.approx(row["se"])


def test_the_band_is_wider_than_the_interval_of_one_look(units):
    curve = effect_curve(units, control="a", metric=kk.Mean("spend"), planned_units=800)

    assert (curve["always_low"] < curve["ci_low"]).all()
    assert (curve["always_high"] > curve["ci_high"]).all()
    assert (curve["always_p_value"] >= curve["p_value"]).all()


def test_a_day_before_a_variant_has_units_is_missing(units):
    late = units[(units["variant"] == "a") | (units["exposure_day"] > "2026-05-01")]

    curve = effect_curve(late, control="a", metric=kk.Mean("spend"), planned_units=800)

    assert math.isnan(curve["delta_abs"].iloc[0])
    assert math.isnan(curve["always_low"].iloc[0])
    assert not math.isnan(curve["delta_abs"].iloc[1])


def test_a_quantile_has_no_curve(units):
    with pytest.raises(AnalysisError, match="A quantile has no curve"):
        effect_curve(units, control="a", metric=kk.Quantile("spend", 0.5), planned_units=800)


@pytest.fixture
def assigned():
    users = [f"{arm}{index}" for arm in "ab" for index in range(4)]
    exposures = pd.DataFrame(
        {"user_id": users, "experiment": "tour", "variant": [name[0] for name in users],
         "exposure_time": pd.Timestamp("2026-05-01T12:00")}
    )  # fmt: skip
    found = assign_units(exposures, experiment="tour", start="2026-05-01", end="2026-05-02")
    return found.units


def events_of(*rows):
    frame = pd.DataFrame(rows, columns=["user_id", "event_time", "value"])
    return frame.assign(event_time=pd.to_datetime(frame["event_time"]), event="use", age=0)


def test_days_count_from_exposure_and_idle_users_count_as_zero(assigned):
    events = events_of(
        ("a0", "2026-05-01T11:59", 1), ("a0", "2026-05-01T12:00", 1), ("a1", "2026-05-02T11:59", 1),
        ("b0", "2026-05-02T12:00", 1), ("b0", "2026-05-02T13:00", 1), ("b1", "2026-05-03T12:00", 1),
    )  # fmt: skip

    found = effect_by_age(assigned, events, measure=Measure("events"), control="a", days=2,
                          as_of="2026-05-31")  # fmt: skip

    # of four users each: 2 uses in a on the first day, 2 in b on the second
    assert found.table["control_mean"].tolist() == [0.5, 0]
    assert found.table["variant_mean"].tolist() == [0, 0.5]
    assert found.table["delta_abs"].tolist() == [-0.5, 0.5]
    # from -0.5 to 0.5 in one day
    assert found.novelty["b"].absolute.estimate == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (Measure("events", "sum", column="value"), 7 / 4),
        (Measure("events", "converted"), 1 / 4),
        (Measure("events", where={"event": "none"}), 0),
    ],
)
def test_any_measure_has_a_value_per_day(assigned, measure, expected):
    events = events_of(("a0", "2026-05-01T13:00", 3), ("a0", "2026-05-01T14:00", 4))

    found = effect_by_age(assigned, events, measure=measure, control="a", days=2,
                          as_of="2026-05-31")  # fmt: skip

    assert found.table["control_mean"].iloc[0] == expected


def test_users_without_all_days_are_left_out(assigned):
    found = effect_by_age(
        assigned, events_of(), measure=Measure("events"), control="a", days=30, as_of="2026-05-20"
    )

    assert found.table.empty
    assert found.novelty == {}


def test_an_effect_that_wears_off_is_told_from_a_lasting_one():
    rng = np.random.default_rng(4)
    users = [f"{arm}{index}" for arm in "ab" for index in range(400)]
    exposures = pd.DataFrame(
        {"user_id": users, "experiment": "tour", "variant": [name[0] for name in users],
         "exposure_time": pd.Timestamp("2026-05-01")}
    )  # fmt: skip
    units = assign_units(exposures, experiment="tour", start="2026-05-01", end="2026-05-01").units

    def novelty(lifts):
        rows = [
            (user, pd.Timestamp("2026-05-01T01:00") + pd.Timedelta(days=day), 1)
            for user in users for day, lift in enumerate(lifts)
            for _ in range(rng.poisson(1 + lift * (user[0] == "b")))
        ]  # fmt: skip
        return effect_by_age(
            units, events_of(*rows), measure=Measure("events"), control="a", days=len(lifts),
            as_of="2026-05-31",
        ).novelty["b"]  # fmt: skip

    wearing, lasting = novelty([2, 1.5, 1, 0.5, 0]), novelty([1, 1, 1, 1, 1])

    assert wearing.absolute.estimate == pytest.approx(-0.5, abs=0.1)
    assert wearing.p_value < 1e-6
    assert lasting.p_value > 0.01


def test_one_day_has_no_trend(assigned):
    with pytest.raises(AnalysisError, match="days is 1 in effect_by_age"):
        effect_by_age(assigned, events_of(), measure=Measure("events"), control="a", days=1,
                      as_of="2026-05-31")  # fmt: skip
