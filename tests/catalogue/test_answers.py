"""Answers of surveys: what each counts for, and sums of them by period."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from kpikit.catalogue.answers import Answers, Tally, parts_of_tally
from kpikit.engine import as_table
from kpikit.periods import Calendar

CALENDAR = Calendar()


def tally_of(scores, weights=None):
    weight = np.array(weights or [1.0] * len(scores))
    parts = parts_of_tally(
        np.array(scores), answers=np.ones(len(scores)), weight=weight, squares=weight**2
    )
    return Tally.of(np.sum(parts, axis=1))


def test_each_score_counts_for_its_kind():
    tally = tally_of([10.0, 9.0, 8.0, 7.0, 6.0, 0.0])

    assert (tally.n_promoters, tally.n_passives, tally.n_detractors) == (2, 2, 2)
    assert (tally.n, tally.satisfied, tally.invalid, tally.missing) == (6, 3, 0, 0)


def test_what_is_off_the_scale_is_invalid_and_no_score_is_missing():
    tally = tally_of([11.0, -1.0, 7.5, math.inf, math.nan, 10.0])

    assert (tally.n, tally.invalid, tally.missing) == (1, 4, 1)


def test_weights_are_summed_and_an_unusable_one_makes_its_answer_invalid():
    tally = tally_of([10.0, 3.0, 8.0], [3.0, 1.0, math.nan])

    assert (tally.promoters, tally.detractors, tally.passives) == (3, 1, 0)
    assert (tally.weight, tally.n, tally.invalid) == (4, 2, 1)
    assert tally.n_effective == 4**2 / (3**2 + 1**2)
    assert tally.share(tally.promoters) == 0.75


def test_without_an_answer_there_is_no_share():
    tally = tally_of([math.nan])

    assert (tally.n, tally.n_effective, tally.missing) == (0, 0, 1)
    assert math.isnan(tally.share(tally.promoters))


@pytest.fixture
def answers():
    frame = pd.DataFrame(
        {
            "score": ["9", "ten", None, "4", "10"],
            "answer_time": pd.to_datetime(
                ["2026-01-31 23:30", *("2026-02-01 00:00",) * 3, "2026-04-01 00:00"]
            ),
        }
    )
    return lambda zone="UTC": Answers.read(
        as_table(frame), Calendar(zone), dt.date(2026, 3, 31), ""
    )


def test_answers_are_cut_by_local_day_and_end_with_the_data(answers):
    january, february = CALENDAR.parse("2026-01"), CALENDAR.parse("2026-02")

    assert answers().within(january, "").n_promoters == 1
    assert answers("Europe/Berlin").within(january, "").n_promoters == 0
    told = answers().within(february, "")
    assert (told.n_detractors, told.invalid, told.missing) == (1, 1, 1)
    assert answers().within(CALENDAR.parse("2026-04"), "").n == 0


def test_a_period_without_an_answer_has_its_reason(answers):
    columns = {"score": "float64", "answer_time": "datetime64[s]"}
    none = as_table(pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()}))
    nobody = Answers.read(none, CALENDAR, dt.date(2026, 3, 31), "")

    assert answers().why_none(CALENDAR.parse("2025-12")) == "the first answer is of 31 Jan 2026"
    assert answers().why_none(CALENDAR.parse("2026-04")) == "the data ends on 31 Mar 2026"
    assert answers().why_none(CALENDAR.parse("2026-03")) == "nobody answered in the period"
    assert nobody.why_none(CALENDAR.parse("2026-03")) == "nobody has answered"
