"""Survival: the estimate and its band, what counts as a stay, and why stays end."""

import datetime as dt
import math

import ibis
import numpy as np
import pandas as pd
import pytest

from kpikit.analysis.survival import (
    churn_reasons_table,
    ended_summary,
    median_survival,
    spell_durations,
    survival_at,
    survival_table,
)
from kpikit.errors import AnalysisError, PeriodError

BOUNDS = ["ci_low", "ci_high"]


def test_the_estimate_is_a_product_over_the_times_with_an_end():
    # at 2: 1 of 4 ends; at 3: 1 of 3, the other last seen; at 5: last seen
    table = survival_table([2, 3, 3, 5], [True, True, False, False])

    assert table[["time", "at_risk", "events"]].to_numpy().tolist() == [[2, 4, 1], [3, 3, 1]]
    assert table["survival"].tolist() == [3 / 4, 3 / 4 * 2 / 3]


def test_greenwood_adds_up_the_relative_variances():
    table = survival_table([2, 3, 3, 5], [1, 1, 0, 0])

    # 1 / (4 * 3), then + 1 / (3 * 2) = 1/4; times the survival
    assert table["std_err"].tolist() == pytest.approx([0.75 * math.sqrt(1 / 12), 0.5 * 0.5])


@pytest.mark.parametrize(
    ("transform", "low", "high"),
    [
        # survival 0.5, standard error 0.25, z = 1.96
        ("plain", 0.5 - 1.959964 * 0.25, 0.5 + 1.959964 * 0.25),
        ("log", 0.5 * math.exp(-1.959964 * 0.5), 1.0),  # 0.5 * exp(0.98) = 1.33 is cut
        # theta = 1.96 * 0.5 / log(2)
        ("log-log", 0.5 ** math.exp(1.959964 * 0.5 / math.log(2)),
         0.5 ** math.exp(-1.959964 * 0.5 / math.log(2))),
    ],
)  # fmt: skip
def test_each_transform_has_its_own_band(transform, low, high):
    table = survival_table([2, 3, 3, 5], [1, 1, 0, 0], transform=transform)

    assert table.loc[1, BOUNDS].tolist() == pytest.approx([low, high])


def test_a_plain_band_is_cut_at_zero_and_one():
    table = survival_table([1, 2], [1, 0], transform="plain")

    # 0.5 -+ 1.96 * 0.5 * sqrt(1 / 2)
    assert table.loc[0, BOUNDS].tolist() == [0.0, 1.0]


def test_a_higher_confidence_is_wider():
    narrow = survival_table([2, 3, 3, 5], [1, 1, 0, 0], confidence=0.5).loc[0]
    wide = survival_table([2, 3, 3, 5], [1, 1, 0, 0], confidence=0.99).loc[0]

    assert wide["ci_low"] < narrow["ci_low"] < narrow["ci_high"] < wide["ci_high"]


@pytest.mark.parametrize("transform", ["log-log", "log", "plain"])
def test_when_all_have_ended_the_band_is_missing(transform):
    table = survival_table([1, 2], [1, 1], transform=transform)

    assert table["survival"].tolist() == [0.5, 0.0]
    assert table.loc[1, BOUNDS].isna().all()


@pytest.mark.parametrize("transform", ["log-log", "log", "plain"])
def test_before_the_first_end_all_live_for_certain(transform):
    table = survival_table([1, 2, 3], [0, 1, 0], transform=transform, every_time=True)

    assert table["time"].tolist() == [1, 2, 3]
    assert table["events"].tolist() == [0, 1, 0]
    assert table.loc[0, ["survival", *BOUNDS]].tolist() == [1, 1, 1]
    assert table.loc[2, "survival"] == table.loc[1, "survival"] == 0.5


def test_where_nobody_ends_there_is_no_row():
    assert survival_table([1, 2], [False, False]).empty


def test_nothing_gives_an_empty_table():
    table = survival_table([], [])

    assert table.empty
    assert table.columns.tolist()[:6] == ["time", "at_risk", "events", "survival", *BOUNDS]


def test_an_end_at_time_zero_counts():
    assert survival_table([0, 1], [1, 0])["survival"].tolist() == [0.5]


def test_counts_stand_for_so_many_units():
    counted = survival_table([2, 3, 3], [1, 1, 0], counts=[2, 1, 3])
    listed = survival_table([2, 2, 3, 3, 3, 3], [1, 1, 1, 0, 0, 0])

    pd.testing.assert_frame_equal(counted, listed)


def test_series_of_any_type_and_index_are_read_by_position():
    durations = pd.Series([3, 2], index=[7, 9], dtype="Int64")
    ended = pd.Series([False, True], index=[1, 2], dtype="boolean")

    assert survival_table(durations, ended)["at_risk"].tolist() == [2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, -2], [1, 1]), r"durations has 1 of 2 values that are missing, infinite or negative"),
        (([1, None], [1, 1]), r"durations has 1 of 2 values that are missing"),
        (([1, math.inf], [1, 1]), r"durations has 1 of 2 values .*\nLeave those units out"),
        (([1, 2], [1, None]), r"ended has 1 of 2 values that are neither true nor false"),
        (([1, 2], [1, 2]), r"ended has 1 of 2 values that are neither true nor false"),
        (([1, 2], [1]), r"Lengths differ in survival_table: 2 durations, 1 ended, 2 counts"),
        ((["long", 2], [1, 1]), r"durations are no numbers in survival_table: .*'long'"),
        ((pd.to_timedelta([1, 2], unit="D"), [1, 1]), r"durations are no numbers .*timedelta64"),
        ((np.array(["2026-01-01"], dtype="datetime64[D]"), [1]), r"durations are no numbers"),
        ((pd.DataFrame({"days": [1]}), [1]), r"durations are no numbers in .*: a table"),
    ],
)
def test_unusable_observations_are_refused(arguments, message):
    with pytest.raises(AnalysisError, match=message):
        survival_table(*arguments)


def test_counts_are_whole_numbers():
    with pytest.raises(AnalysisError, match=r"counts has 1 of 2 values that are no whole number"):
        survival_table([1, 2], [1, 1], counts=[1, 0.5])


def test_a_wrong_transform_is_named_with_the_way_out():
    with pytest.raises(AnalysisError, match=r"transform is 'loglog' .*\nDid you mean 'log-log'\?"):
        survival_table([1], [1], transform="loglog")


def test_the_estimate_holds_until_the_next_end():
    table = survival_table([2, 3, 3, 5], [1, 1, 0, 0])

    found = survival_at(table, [1, 2, 2.5, 9])

    assert found["time"].tolist() == [1, 2, 2.5, 9]
    assert found["survival"].tolist() == [1, 0.75, 0.75, 0.5]
    assert found.loc[0, BOUNDS].tolist() == [1, 1]
    assert found.loc[3, BOUNDS].tolist() == table.loc[1, BOUNDS].tolist()


def test_the_median_is_the_first_time_by_which_half_have_ended():
    assert median_survival(survival_table([2, 3, 3, 5], [1, 1, 0, 0])) == 3
    assert math.isnan(median_survival(survival_table([2, 3, 3], [1, 0, 0])))
    assert math.isnan(median_survival(survival_table([], [])))


# Stays


def spells_of(*rows):
    """Return spells from (user, start, end, mrr, reason), the last two as wanted."""
    usual = (None, None, None, 10, None)
    full = [(*row, *usual[len(row) :]) for row in rows]
    columns = ["user_id", "start_time", "end_time", "mrr", "end_reason"]
    frame = pd.DataFrame(full, columns=columns)
    times = {
        name: pd.to_datetime(frame[name], format="ISO8601") for name in ("start_time", "end_time")
    }
    return frame.assign(**times, end_reason=frame["end_reason"].astype("str"))


def stays(spells, unit="days", as_of="2026-06-30", **options):
    frame = spell_durations(spells, as_of=as_of, unit=unit, **options)
    return frame[["duration", "ended", "stays"]].to_numpy().tolist()


def test_stays_are_counted_per_duration_and_end():
    spells = spells_of(
        ("ada", "2026-06-01", "2026-06-11"), ("bob", "2026-06-05", "2026-06-15"),
        ("cyd", "2026-06-21"), ("dee", None, "2026-06-15"),
    )  # fmt: skip

    # cyd is seen until the end of 30 June
    assert stays(spells) == [[10, False, 1], [10, True, 2]]


def test_a_change_of_plan_or_an_overlap_ends_no_stay_and_a_gap_does():
    spells = spells_of(
        ("ada", "2026-06-01", "2026-06-10"), ("ada", "2026-06-10", "2026-06-15"),
        ("bob", "2026-06-01", "2026-06-20"), ("bob", "2026-06-05", "2026-06-08"),
        ("cyd", "2026-06-01", "2026-06-05"), ("cyd", "2026-06-06", "2026-06-16"),
    )  # fmt: skip

    assert stays(spells) == [[4, True, 1], [10, True, 1], [14, True, 1], [19, True, 1]]


def test_what_is_scheduled_after_the_last_day_has_not_happened():
    spells = spells_of(
        ("ada", "2026-06-21", "2026-07-01"), ("bob", "2026-07-01"),
        ("cyd", "2026-06-21", "2026-06-30T23:00:00"),
    )  # fmt: skip

    # ada's end at the first instant of 1 July is after the data; cyd's, an hour before, is not
    assert stays(spells) == [[9, True, 1], [10, False, 1]]


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2026-01-15", "2026-03-15", 2.0),
        ("2026-01-15", "2026-03-20", 2 + 5 / 31),
        ("2026-01-15", "2026-03-10", 2 - 5 / 31),
        ("2026-01-31", "2026-02-28", 1.0),  # both the last day of their month
        ("2025-12-31", "2026-06-30", 6.0),
        ("2026-01-30", "2026-02-28", 1 - 2 / 31),
    ],
)
def test_months_are_whole_between_equal_days_and_last_days(start, end, months):
    (found,) = stays(spells_of(("ada", start, end)), unit="months")

    assert found == [pytest.approx(months), True, 1]


def test_days_are_local():
    # 23:30 UTC on 1 June is 2 June in Berlin
    spells = spells_of(("ada", "2026-06-01T23:30:00", "2026-06-05T12:00:00"))

    assert stays(spells) == [[4, True, 1]]
    assert stays(spells, timezone="Europe/Berlin") == [[3, True, 1]]


def test_durations_feed_the_survival_table():
    spells = spells_of(
        ("ada", "2026-06-01", "2026-06-11"), ("bob", "2026-06-01", "2026-06-11"),
        ("cyd", "2026-06-11"),
    )  # fmt: skip

    found = spell_durations(ibis.memtable(spells), as_of=dt.date(2026, 6, 30), unit="days")
    table = survival_table(found["duration"], found["ended"], counts=found["stays"])

    assert table[["time", "at_risk", "events"]].to_numpy().tolist() == [[10, 3, 2]]


def test_no_spells_give_no_durations():
    assert stays(spells_of()) == []


def test_a_wrong_unit_or_day_is_named():
    with pytest.raises(AnalysisError, match="unit is 'weeks' in spell_durations"):
        spell_durations(spells_of(), as_of="2026-06-30", unit="weeks")
    with pytest.raises(PeriodError, match="as_of is 'June', which is no day"):
        spell_durations(spells_of(), as_of="June")


def test_the_summary_counts_spells_and_money():
    spells = spells_of(
        ("ada", "2026-01-01", "2026-06-10", 0.1), ("bob", "2026-01-01", None, 0.2),
        ("cyd", "2026-01-01", "2026-07-10", 0.1), ("dee", None, "2026-01-10", 50),
    )  # fmt: skip

    summary = ended_summary(spells)
    june = ended_summary(spells, as_of="2026-06-30")

    assert (summary.subscriptions, summary.ended, summary.ended_share) == (3, 2, 2 / 3)
    assert (summary.mrr_all, summary.mrr_ended, summary.mrr_share) == (0.4, 0.2, 0.5)
    assert (june.subscriptions, june.ended, june.mrr_ended) == (3, 1, 0.1)


def test_the_summary_leaves_out_what_starts_later():
    spells = spells_of(("ada", "2026-06-30T23:00:00"), ("bob", "2026-07-01"))

    assert ended_summary(spells, as_of="2026-06-30").subscriptions == 1


def test_the_summary_of_nothing_has_no_shares():
    summary = ended_summary(spells_of())

    assert (summary.subscriptions, summary.ended, summary.mrr_all) == (0, 0, 0.0)
    assert math.isnan(summary.ended_share)
    assert math.isnan(summary.mrr_share)


def reasons(spells, start="2026-06-01", end="2026-07-01", **options):
    return churn_reasons_table(spells, start=start, end=end, **options)


def test_reasons_are_sorted_by_number_with_shares_that_run_up_to_one():
    spells = spells_of(
        ("ada", "2026-01-01", "2026-06-01", 10, "price"),
        ("bob", "2026-01-01", "2026-06-02", 20, "price"),
        ("cyd", "2026-01-01", "2026-06-30", 5, "bugs"),
        ("dee", "2026-01-01", "2026-06-30", 5, None),
    )

    table = reasons(spells)

    assert table["reason"].tolist() == ["price", "(missing)", "bugs"]
    assert table["customers"].tolist() == [2, 1, 1]
    assert table["share"].tolist() == [0.5, 0.25, 0.25]
    assert table["mrr"].tolist() == [30.0, 5.0, 5.0]
    assert table["cumulative_share"].tolist() == [0.5, 0.75, 1.0]


def test_only_ends_inside_the_days_count():
    spells = spells_of(
        ("ada", "2026-01-01", "2026-05-31T23:00:00", 1, "early"),
        ("bob", "2026-01-01", "2026-07-01", 1, "late"), ("cyd", "2026-01-01", None, 1, None),
    )  # fmt: skip

    assert reasons(spells).empty
    # 23:00 UTC on 31 May is 1 June in Berlin
    assert reasons(spells, timezone="Europe/Berlin")["reason"].tolist() == ["early"]


def test_a_change_of_plan_is_no_reason_to_leave_and_the_last_spell_gives_it():
    spells = spells_of(
        ("ada", "2026-01-01", "2026-06-05", 10, "upgrade"),
        ("ada", "2026-06-05", "2026-06-20", 30, "price"),
        ("ada", "2026-06-06", "2026-06-20", 1, "bugs"),
    )  # fmt: skip

    table = reasons(spells)

    # both spells that end the stay: their money together, the first reason by name
    assert table[["reason", "mrr"]].to_numpy().tolist() == [["bugs", 31.0]]


def test_who_comes_back_within_the_days_has_still_left():
    spells = spells_of(
        ("ada", "2026-01-01", "2026-06-05", 10, "price"), ("ada", "2026-06-10", None, 10, None),
    )  # fmt: skip

    assert reasons(spells)["customers"].tolist() == [1]


def test_without_reasons_in_the_data_all_are_missing():
    spells = spells_of(("ada", "2026-01-01", "2026-06-05")).drop(columns="end_reason")

    assert reasons(spells)["reason"].tolist() == ["(missing)"]


def test_a_stay_of_unknown_amount_has_a_reason_and_bears_no_money():
    spells = spells_of(("ada", "2026-01-01", "2026-06-05", None, "price"))

    assert reasons(spells)[["customers", "mrr"]].to_numpy().tolist() == [[1, 0.0]]


def test_reasons_need_a_span_of_days():
    with pytest.raises(AnalysisError, match=r"end \(2026-06-01\) is not after start"):
        reasons(spells_of(), end="2026-06-01")
