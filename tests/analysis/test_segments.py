"""Segments are ranked, shares add up, and the rest never vanishes."""

import datetime as dt
import math
from dataclasses import replace

import pandas as pd
import pytest

from kpikit.analysis.segments import segment_table
from kpikit.catalogue import CATALOGUE, fact, make_facts
from kpikit.periods import Calendar

CALENDAR = Calendar()
NOW = CALENDAR.parse("2026Q3")
BEFORE = CALENDAR.parse("2025Q3")
AS_OF = dt.date(2026, 9, 30)
REVENUE = CATALOGUE["net_revenue"]
ORDER_VALUE = CATALOGUE["average_order_value"]


def facts_of(metric, now, before=None):
    rows = [
        fact(metric.name, period, as_of=AS_OF, dimension="country", segment=name, value=value, n=n)
        for period, found in ((NOW, now), (BEFORE, before or {}))
        for name, (value, n) in found.items()
    ]
    return make_facts(rows)


def table_of(metric, now, before=None, total=None, **options):
    facts = facts_of(metric, now, before)
    total = sum(value for value, _ in now.values()) if total is None else total
    return segment_table(facts, metric, period=NOW, year_before=BEFORE, total=total, **options)


def test_segments_are_ranked_with_their_shares_and_the_year_before():
    table = table_of(REVENUE, {"DE": (30, 3), "GB": (70, 7)}, {"GB": (50, 5)})

    assert table["segment"].tolist() == ["GB", "DE"]
    assert table["share"].tolist() == [0.7, 0.3]
    assert table["previous"].tolist()[0] == 50
    assert math.isnan(table["previous"].tolist()[1])


def test_what_is_beyond_the_most_is_summed_as_other():
    now = {"A": (50, 5), "B": (30, 3), "C": (15, 2), "D": (5, 1)}
    before = {"A": (40, 4), "C": (10, 1), "Z": (7, 1)}

    table = table_of(REVENUE, now, before, most=3)

    assert table["segment"].tolist() == ["A", "B", "other"]
    assert table["value"].tolist() == [50, 30, 20]
    assert table["n"].tolist() == [5, 3, 3]
    # C and the vanished Z are the rest of the year before
    assert table["previous"].tolist()[2] == 17
    assert table["share"].sum() == pytest.approx(1)


def test_the_rest_of_a_year_without_data_is_unknown():
    table = table_of(REVENUE, {"A": (50, 5), "B": (30, 3), "C": (20, 2)}, most=2)

    assert table["segment"].tolist() == ["A", "other"]
    assert table["previous"].isna().all()


def test_a_ratio_has_no_shares_and_says_how_many_segments_it_leaves_out():
    now = {"A": (9.0, 50), "B": (12.0, 40), "C": (99.0, 31)}

    table = table_of(ORDER_VALUE, now, total=11.0, most=2)

    assert table["segment"].tolist() == ["B", "A"]
    assert table["share"].isna().all()
    assert table.attrs["left_out"] == 1


def test_users_in_several_segments_have_no_shares_and_the_table_says_so():
    table = table_of(CATALOGUE["new_users"], {"4.0": (90, 90), "4.1": (20, 20)}, total=100)

    assert table["value"].tolist() == [90, 20]
    assert table["share"].isna().all()
    assert table.attrs["overlap"]


def test_what_is_no_sum_of_days_has_shares_where_its_segments_add_up():
    table = table_of(CATALOGUE["mrr"], {"pro": (75.0, 3), "free": (25.0, 5)})

    assert table["share"].tolist() == [0.75, 0.25]
    assert not table.attrs["overlap"]


def test_a_mean_of_fewer_than_thirty_units_is_withheld_in_both_periods():
    now = {"A": (9.0, 30), "B": (12.0, 29)}
    before = {"A": (8.0, 29), "B": (11.0, 30)}

    table = table_of(ORDER_VALUE, now, before, total=10.0).set_index("segment")

    assert table.loc["A", "value"] == 9.0
    assert math.isnan(table.loc["A", "previous"])
    assert math.isnan(table.loc["B", "value"])
    assert table.loc["B", "reason"] == "n = 29, fewer than 30"


def test_a_missing_segment_is_called_unknown_and_one_without_a_value_is_left_out():
    now = {"(missing)": (10, 1), "A": (math.nan, math.nan), "B": (0, 0)}

    table = table_of(REVENUE, now, total=10)

    assert table["segment"].tolist() == ["unknown"]


def test_shares_of_a_total_that_is_not_positive_are_missing():
    table = table_of(REVENUE, {"A": (10, 1), "B": (-20, 2)})

    assert table["value"].tolist() == [10, -20]
    assert table["share"].isna().all()


def test_without_facts_the_table_is_empty():
    table = table_of(REVENUE, {})

    assert table.empty
    assert table.columns.tolist() == [
        "segment", "value", "n", "previous", "ci_low", "ci_high", "reason", "share",
    ]  # fmt: skip


def test_a_year_before_that_does_not_compare_stands_beside_nothing():
    facts = facts_of(REVENUE, {"DE": (8.0, 40)}, {"DE": (5.0, 40)})
    periods = {"period": NOW, "year_before": BEFORE, "total": 8.0}
    in_part = facts.assign(complete=facts["start"] == NOW.start)
    newer = replace(REVENUE, version=2, since=dt.date(2026, 1, 1))

    assert segment_table(facts, REVENUE, **periods)["previous"].tolist() == [5.0]
    assert segment_table(in_part, REVENUE, **periods)["previous"].isna().all()
    assert segment_table(facts, newer, **periods)["previous"].isna().all()


def test_facts_of_other_metrics_and_periods_are_no_segments():
    asked = {"period": NOW, "year_before": BEFORE, "total": 8.0}
    strange = [(CALENDAR.parse("2026Q2"), "DE", REVENUE.name), (NOW, "FR", ORDER_VALUE.name)]
    others = make_facts(
        fact(name, period, as_of=AS_OF, dimension="country", segment=segment, value=1, n=40)
        for period, segment, name in strange
    )
    facts = pd.concat([others, facts_of(REVENUE, {"DE": (8.0, 40)})], ignore_index=True)

    assert segment_table(facts, REVENUE, **asked)["value"].tolist() == [8.0]
