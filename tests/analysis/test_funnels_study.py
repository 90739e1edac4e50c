"""What a report makes of one relation of entries is what each public function returns by itself."""

import datetime as dt
import functools

import numpy as np
import pandas as pd
import pytest

from kpikit.analysis.funnels import (
    Exclusion,
    Step,
    funnel_association_table,
    funnel_path_table,
    funnel_table,
    funnel_trend_table,
    study_funnel,
    time_to_convert_quantiles,
    time_to_convert_table,
)
from kpikit.analysis.funnels import reported as reporting
from kpikit.periods import Calendar, Period

BERLIN = Calendar(timezone="Europe/Berlin")
FIRST = dt.date(2026, 2, 2)  # a Monday; the clock changes on 29 March
AS_OF = dt.date(2026, 4, 6)
SPANS = {
    name: Period(start, end, "month", name)
    for name, start, end in (
        ("actual", dt.date(2026, 3, 9), dt.date(2026, 4, 4)),
        ("previous", dt.date(2026, 2, 9), dt.date(2026, 3, 7)),
        ("empty", dt.date(2026, 2, 2), dt.date(2026, 2, 3)),
    )
}
FUNNELS = {
    "plain": {"steps": ["a", "b", "c"]},
    "alternatives": {"steps": [Step("start", event=["a", "x"]), "b", "c"]},
    "optional": {"steps": ["a", Step("b", optional=True), "c"]},
    "exclusion": {"steps": ["a", "b", "c"], "exclusions": [Exclusion("x", after=2, before=3)]},
    "held": {"steps": ["a", "b", "c"], "hold": "item"},
    "repeated": {"steps": ["a", "a", "b"]},
    "first time": {"steps": [Step("a", first_time=True), "b", "c"]},
    "later": {"steps": ["a", "b", "c"], "strictly_later": True},
    "strict": {"steps": ["a", "b"], "order": "strict"},
    "unordered": {"steps": ["a", "b", "c"], "order": "unordered"},
}


def random_events(rows=900):
    """Events on whole hours, so that many are of one instant; none on the second of February."""
    draw = np.random.default_rng(7)
    hours = draw.integers(24, 24 * 64, rows)
    return pd.DataFrame({
        "user_id": draw.choice([*"pqrstuvw", None], rows),
        "event": draw.choice(["a", "a", "b", "b", "c", "x"], rows),
        "event_time": pd.Timestamp(FIRST) + pd.to_timedelta(hours, unit="h"),
        "item": draw.choice(["i", "j"], rows),
        "device": draw.choice(["phone", "desk", "tv", None], rows),
    })  # fmt: skip


EVENTS = random_events()


def asked(funnel):
    return {"window": "36h", "as_of": AS_OF, **funnel}


def in_span(funnel, span="actual"):
    days = {"start": SPANS[span].start, "end": SPANS[span].end, "timezone": BERLIN.timezone}
    return {**asked(funnel), **days}


def study_of(funnel, **keywords):
    return study_funnel(
        EVENTS, spans=SPANS, calendar=BERLIN, properties=["device"], start=FIRST, end=AS_OF,
        **{**asked(funnel), **keywords},
    )  # fmt: skip


@pytest.fixture(scope="module")
def studies():
    """A study of each funnel, made when it is asked for."""
    return functools.cache(lambda name: study_of(FUNNELS[name]))


@pytest.fixture
def plain(studies):
    return studies("plain")


@pytest.mark.parametrize("name", FUNNELS)
def test_the_periods_of_a_study_are_the_funnels_of_those_days(studies, name):
    tables = studies(name).tables

    for span in SPANS:
        alone = funnel_table(EVENTS, **in_span(FUNNELS[name], span))
        pd.testing.assert_frame_equal(tables[span], alone)
    assert tables["empty"]["users"].tolist() == [0] * len(FUNNELS[name]["steps"])


@pytest.mark.parametrize("name", FUNNELS)
def test_half_of_those_who_convert_take_less_than_the_median(studies, name):
    study = studies(name)

    quantiles = study.quantiles("actual", quantiles=[0.5])
    known = quantiles["seconds"].iloc[0] if len(quantiles) else np.nan
    assert study.median_seconds("actual") == pytest.approx(known, nan_ok=True)
    assert np.isnan(study.median_seconds("empty"))


@pytest.mark.parametrize("name", FUNNELS)
def test_entries_of_the_periods_alone_make_the_same_funnels(studies, name):
    alone = study_of(FUNNELS[name], daily=False)

    for span, table in studies(name).tables.items():
        pd.testing.assert_frame_equal(alone.tables[span], table)
    reported = alone.reported.to_pandas()
    assert set(reported["period"]) <= {0, 1}  # the third is empty
    assert "entries" not in vars(alone)


@pytest.mark.parametrize(("name", "grain"), [*((name, "week") for name in FUNNELS),
                                             ("plain", "month")])  # fmt: skip
def test_the_trend_of_a_study_is_the_trend_without_times(studies, name, grain):
    days = {"start": dt.date(2026, 2, 9), "end": AS_OF}
    study = studies(name)

    trend = study.trend_table(grain, **days)

    alone = funnel_trend_table(
        EVENTS, grain=grain, timezone=BERLIN.timezone, **asked(FUNNELS[name]), **days
    )
    times = ["median_seconds", "mean_seconds"]
    pd.testing.assert_frame_equal(trend.drop(columns=times), alone.drop(columns=times))
    assert trend[times].isna().all(axis=None)


@pytest.mark.parametrize(
    ("name", "step", "steps", "exclusions"),
    [
        ("plain", 2, ["a", "b"], []),
        ("plain", 3, ["b", "c"], []),
        ("optional", 3, ["a", "c"], []),
        ("exclusion", 2, ["a", "b"], []),
        ("exclusion", 3, ["b", "c"], [Exclusion("x")]),
        ("held", 2, ["a", "b"], []),
        ("repeated", 2, ["a", "a"], []),
        ("first time", 2, [Step("a", first_time=True), "b"], []),
        ("later", 2, ["a", "b"], []),
        ("strict", 2, ["a", "b"], []),
        ("unordered", 2, ["a", "b", "c"], []),
    ],
)
def test_the_days_of_a_step_are_the_trend_of_it_and_the_step_before(
    studies, name, step, steps, exclusions
):
    days = {"start": FIRST, "end": AS_OF}
    study = studies(name)

    trend = study.step_trend_table(step, "day", **days)

    pair = {**FUNNELS[name], "steps": steps, "exclusions": exclusions}
    alone = funnel_trend_table(EVENTS, grain="day", timezone=BERLIN.timezone, **asked(pair), **days)
    counted = ["period", "step", "name", "users", "previous_users", "step_rate", "complete"]
    pd.testing.assert_frame_equal(trend[counted], alone[counted])


@pytest.mark.parametrize(
    ("attribution", "top"), [("first_touch", 8), ("first_touch", 2), ("last_touch", 8), (2, 2)]
)
def test_the_segments_of_a_study_are_the_funnel_by_them(plain, attribution, top):
    by = {"attribution": attribution, "top": top}

    table = plain.segment_table("actual", "device", **by)

    alone = funnel_table(EVENTS, **in_span(FUNNELS["plain"]), by="device", **by)
    pd.testing.assert_frame_equal(table, alone)
    assert ("(other)" in set(table["device"])) is (top == 2)


def test_the_times_of_a_study_are_those_of_the_funnel(plain):
    shares = [0.1, 0.5]

    times = plain.times("actual", bins=["6h", "12h"])
    quantiles = plain.quantiles("actual", quantiles=shares)

    alone = in_span(FUNNELS["plain"])
    pd.testing.assert_frame_equal(times, time_to_convert_table(EVENTS, bins=["6h", "12h"], **alone))
    pd.testing.assert_frame_equal(
        quantiles, time_to_convert_quantiles(EVENTS, quantiles=shares, **alone)
    )


@pytest.mark.parametrize("direction", ["after", "before"])
def test_the_paths_of_a_study_are_those_of_the_funnel(plain, direction):
    around = {"step": 2, "direction": direction, "most": 2}

    paths = plain.paths("actual", **around)

    alone = funnel_path_table(EVENTS, **around, **in_span(FUNNELS["plain"]))
    pd.testing.assert_frame_equal(paths, alone)


def test_what_goes_with_conversion_in_a_study_is_what_goes_with_it_in_the_funnel(plain):
    found = plain.associations("actual", least_users=1)

    alone = funnel_association_table(
        EVENTS, properties="device", least_users=1, **in_span(FUNNELS["plain"])
    )
    pd.testing.assert_frame_equal(found, alone)
    assert set(found["kind"]) == {"property", "event"}


def test_without_a_last_day_every_entry_of_a_study_counts():
    study = study_of(FUNNELS["plain"], as_of=None)

    table = study.tables["actual"]

    alone = funnel_table(EVENTS, **{**in_span(FUNNELS["plain"]), "as_of": None})
    pd.testing.assert_frame_equal(table, alone)


def test_a_study_finds_its_entries_once_for_all_figures(monkeypatch):
    found = []
    candidates = reporting.candidate_entries
    monkeypatch.setattr(
        "kpikit.analysis.funnels.study.candidate_entries",
        lambda *given: found.append(1) or candidates(*given),
    )
    study = study_of(FUNNELS["plain"])

    assert set(study.tables) == set(SPANS)
    study.trend_table("week", start=FIRST, end=AS_OF)
    study.trend_table("month", start=FIRST, end=AS_OF)
    study.step_trend_table(2, "week", start=FIRST, end=AS_OF)
    study.step_trend_table(2, "day", start=FIRST, end=AS_OF)
    study.segment_table("actual", "device", attribution="first_touch", top=3)
    study.quantiles("actual", quantiles=[0.5])
    study.paths("actual", step=1, direction="after", most=3)

    assert len(found) == 1


def test_a_user_with_very_many_events_leaves_an_entry_per_day_and_depth():
    days, size = 20, 40_000
    seconds = np.linspace(0, days * 86_400 - 1, size).astype(int)
    events = pd.DataFrame({
        "user_id": "bot", "event": ["a", "b", "b", "c"] * (size // 4),
        "event_time": pd.Timestamp(FIRST) + pd.to_timedelta(seconds, unit="s"), "device": "phone",
    })  # fmt: skip
    study = study_funnel(
        events, **asked(FUNNELS["plain"]), spans=SPANS, calendar=Calendar(), properties=["device"],
        start=FIRST, end=AS_OF,
    )  # fmt: skip

    entries = study.entries.count().execute()
    table = study.trend_table("day", start=FIRST, end=FIRST + dt.timedelta(days=days))

    assert entries == days * 3
    assert table["users"].tolist() == [1] * days * 3


def test_a_study_of_no_events_counts_nobody():
    study = study_funnel(
        EVENTS[:0], **asked(FUNNELS["plain"]), spans=SPANS, calendar=BERLIN, properties=["device"],
        start=FIRST, end=AS_OF,
    )  # fmt: skip
    days = {"start": FIRST, "end": AS_OF}

    tables = study.tables

    assert [table["users"].sum() for table in tables.values()] == [0, 0, 0]
    assert tables["actual"]["step_rate"].isna().all()
    assert study.trend_table("week", **days)["users"].sum() == 0
    assert study.step_trend_table(3, "week", **days)["step_rate"].isna().all()
    assert study.segment_table("actual", "device", attribution="first_touch", top=3).empty
    assert study.quantiles("actual", quantiles=[0.5]).empty
    assert study.times("actual", bins=["1h"]).empty
    assert study.paths("actual", step=1, direction="after", most=3).empty
    assert study.associations("actual").empty
