import datetime as dt

import numpy as np
import pandas as pd
import pytest

from kpikit.errors import PeriodError
from kpikit.sample.timeline import Shift, Timeline

MONDAY = dt.date(2024, 1, 1)
LINE = Timeline(MONDAY, dt.date(2025, 12, 31), "Europe/London")


def test_a_history_counts_both_its_ends():
    assert LINE.length == 366 + 365
    assert LINE.dates[0] == pd.Timestamp("2024-01-01")
    assert LINE.dates[-1] == pd.Timestamp("2025-12-31")


def test_a_history_too_short_to_show_anything_is_refused():
    with pytest.raises(
        PeriodError, match=r"cannot end on 2024-02-01.*\nGive 2024-03-30 or a later"
    ):
        Timeline(MONDAY, dt.date(2024, 2, 1), "UTC")


def test_a_shape_without_factors_is_flat():
    assert (LINE.shape() == 1).all()


def test_weekdays_repeat_every_seven_days_from_monday():
    daily = LINE.shape(weekdays=(1, 2, 3, 4, 5, 6, 7))

    assert daily[:8].tolist() == [1, 2, 3, 4, 5, 6, 7, 1]


def test_growth_is_a_factor_per_year():
    daily = LINE.shape(growth=2.0)

    assert daily[0] == 1
    assert daily[730] == pytest.approx(2 ** (730 / 365.25))


def test_the_yearly_season_reaches_its_factor_in_mid_month_and_joins_the_years():
    daily = LINE.shape(months=(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3))

    assert daily[LINE.dates.get_loc("2024-12-16")] == pytest.approx(3, abs=0.05)
    assert daily[LINE.dates.get_loc("2024-01-01")] == pytest.approx(2, abs=0.1)  # between 3 and 1
    assert daily[LINE.dates.get_loc("2024-06-15")] == 1


def test_shifts_cover_both_their_days_and_multiply():
    first = Shift(dt.date(2024, 1, 3), dt.date(2024, 1, 4), 0.5)
    forever = Shift(dt.date(2024, 1, 4), None, 3.0)
    before = Shift(dt.date(2023, 5, 1), dt.date(2023, 5, 2), 9.0)

    daily = LINE.shape(first, forever, before)

    assert daily[:6].tolist() == [1, 1, 0.5, 1.5, 3, 3]
    assert daily[-1] == 3


def test_times_within_a_shift_are_those_of_its_days():
    shift = Shift(dt.date(2024, 1, 3), dt.date(2024, 1, 3), 1)
    lasting = Shift(dt.date(2024, 1, 3), None, 1)
    times = np.array([1.99, 2.0, 2.99, 3.0])

    assert LINE.within(times, shift).tolist() == [False, True, True, False]
    assert LINE.within(times, lasting).tolist() == [False, True, True, True]
    assert LINE.soon(times, dt.date(2024, 1, 2), 1.5).tolist() == [True, True, False, False]


def test_times_become_utc_and_an_unknown_time_stays_unknown():
    july_noon = LINE.day(dt.date(2024, 7, 1)) + 0.5

    found = LINE.utc(np.array([0.25, july_noon, np.nan]))

    assert found[:2].tolist() == [
        pd.Timestamp("2024-01-01 06:00"),
        pd.Timestamp("2024-07-01 11:00"),
    ]
    assert found[2] is pd.NaT
    assert found.tz is None


def test_a_clock_never_shows_an_hour_that_it_skips():
    skipped = LINE.day(dt.date(2024, 3, 31)) + 1.5 / 24  # London: 01:00 to 02:00 does not exist

    assert LINE.local(np.array([skipped]))[0] == pd.Timestamp("2024-03-31 02:00")
    assert LINE.utc(np.array([skipped]))[0] == pd.Timestamp("2024-03-31 01:00")
