import datetime as dt

import numpy as np
import pandas as pd
import pytest

from kpikit.periods import Calendar
from kpikit.present.frames import (
    age_names,
    cohort_name,
    cohort_rates,
    day_of,
    records,
    trend_frame,
)
from kpikit.present.slots import make_slots, slot_ticks

CALENDAR = Calendar()


def periods(texts, values=None, **columns):
    parsed = [CALENDAR.parse(text) for text in texts]
    return pd.DataFrame(
        {
            "period": texts,
            "grain": [period.grain for period in parsed],
            "start": [period.start for period in parsed],
            "end": [period.end for period in parsed],
            "value": values if values is not None else [1.0] * len(texts),
            **columns,
        }
    )


def test_an_absent_month_is_a_slot_without_a_value():
    slots = make_slots(periods(["2026-01", "2026-02", "2026-05"], [1.0, 2.0, 5.0]))

    assert [start.month for start in slots.starts] == [1, 2, 3, 4, 5]
    assert slots.actual.tolist()[:2] == [1.0, 2.0]
    assert np.isnan(slots.actual[2:4]).all()
    assert slots.actual[4] == 5.0


def test_what_a_frame_does_not_know_is_missing_or_complete():
    slots = make_slots(periods(["2026-01"], [None]))

    assert np.isnan(slots.actual[0])
    assert np.isnan(slots.previous[0])
    assert slots.complete[0]
    assert slots.is_empty


def test_rows_in_any_order_are_drawn_in_order_of_time():
    slots = make_slots(periods(["2026-02", "2026-01"], [2.0, 1.0]))

    assert slots.actual.tolist() == [1.0, 2.0]


def test_a_day_lies_in_its_slot_and_days_outside_on_the_nearest_edge():
    slots = make_slots(periods(["2026-01", "2026-02"]))

    assert slots.place(dt.date(2026, 1, 1)) == -0.5
    assert slots.place(dt.date(2026, 2, 15)) == pytest.approx(0.5 + 14 / 28)
    assert slots.place(dt.date(2025, 1, 1)) == -0.5
    assert slots.place(dt.date(2027, 1, 1)) == 1.5
    assert slots.holds(dt.date(2026, 2, 28))
    assert not slots.holds(dt.date(2026, 3, 1))


def test_slots_of_nothing_hold_nothing():
    slots = make_slots(periods([]))

    assert len(slots) == 0
    assert slots.is_empty
    assert not slots.holds(dt.date(2026, 1, 1))


def test_months_are_named_with_the_year_where_it_turns_and_thinned_by_quarter():
    months = [f"2025-{m:02d}" for m in range(11, 13)] + [f"2026-{m:02d}" for m in range(1, 5)]

    every, quarterly = slot_ticks(make_slots(periods(months)))[:2]

    assert every.labels == ["Nov 2025", "Dec", "Jan 2026", "Feb", "Mar", "Apr"]
    assert quarterly.labels == ["Jan 2026", "Apr"]
    assert quarterly.positions == [2.0, 5.0]


def test_weeks_bear_their_iso_number_and_thinning_keeps_the_last():
    weeks = ["2026-W52", "2026-W53", "2027-W01"]

    every, second = slot_ticks(make_slots(periods(weeks)))[:2]

    assert every.labels == ["W52", "W53", "W01"]
    assert second.labels == ["W52", "W01"]


def test_quarters_bear_their_own_names():
    assert slot_ticks(make_slots(periods(["2026Q1", "2026Q2"])))[0].labels == ["2026Q1", "2026Q2"]


def test_each_month_stands_beside_the_same_month_a_year_before():
    facts = periods(
        ["2025-01", "2025-02", "2026-01", "2026-02", "2026-03"], [1.0, 2, 3, 4, 5], complete=True
    )

    frame = trend_frame(facts, calendar=CALENDAR, last=3)

    assert frame["value"].tolist() == [3.0, 4.0, 5.0]
    assert frame["previous"].tolist()[:2] == [1.0, 2.0]
    assert np.isnan(frame["previous"].iloc[2])


def test_each_week_stands_beside_the_week_364_days_before():
    facts = periods(["2025-W10", "2026-W10"], [7.0, 8.0], complete=True)

    frame = trend_frame(facts, calendar=CALENDAR, last=1)

    assert frame["previous"].tolist() == [7.0]


def test_a_year_before_that_is_covered_in_part_is_nothing_to_stand_beside():
    facts = periods(["2025-01", "2026-01"], [7.0, 8.0], complete=[False, True])

    assert np.isnan(trend_frame(facts, calendar=CALENDAR, last=1)["previous"].iloc[0])


def test_months_on_both_sides_of_a_new_definition_do_not_stand_beside_one_another():
    labels = ["2024-01", "2025-01", "2025-02", "2026-01", "2026-02"]
    facts = periods(labels, [1.0, 2, 3, 4, 5], complete=True)

    frame = trend_frame(facts, calendar=CALENDAR, last=4, since=dt.date(2025, 2, 1))

    # January 2025 and the year before: both by the old one; February: both by the new
    before = frame.set_index("period")["previous"]
    assert (before["2025-01"], before["2026-02"]) == (1.0, 3.0)
    assert np.isnan(before["2026-01"])


def test_a_row_is_a_dictionary_and_a_day_may_be_a_timestamp():
    frame = pd.DataFrame({"a": [1], "b": ["x"]})

    assert records(frame) == [{"a": 1, "b": "x"}]
    assert day_of(pd.Timestamp(2026, 7, 1, 5)) == dt.date(2026, 7, 1)
    assert day_of(dt.date(2026, 7, 1)) == dt.date(2026, 7, 1)


def cohorts(rates):
    return pd.DataFrame(
        [
            {"cohort": dt.date(2026, 7, 6), "age": age, "cohort_size": 10, "retention_rate": rate}
            for age, rate in enumerate(rates)
        ]
    )


def test_an_age_at_which_everybody_is_there_is_left_out():
    assert list(cohort_rates(cohorts([1.0, 0.5]))) == [1]
    assert list(cohort_rates(cohorts([0.9, 0.5]))) == [0, 1]
    assert list(cohort_rates(cohorts([1.0]))) == [0]  # nothing else to show


def test_a_cell_that_occurs_twice_is_refused():
    table = pd.concat([cohorts([1.0]), cohorts([0.5])])

    with pytest.raises(ValueError, match="duplicate"):
        cohort_rates(table)


@pytest.mark.parametrize(
    ("grain", "name"),
    [("week", "6 Jul 2026"), ("month", "Jul 2026"), ("quarter", "Jul 2026"), ("year", "2026")],
)
def test_a_cohort_is_called_by_its_first_day_as_far_as_that_matters(grain, name):
    assert cohort_name(dt.date(2026, 7, 6), grain) == name


def test_ages_bear_the_letter_of_their_unit():
    assert age_names([1, 12.0], "week") == ["W1", "W12"]
