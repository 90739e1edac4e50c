# ruff: noqa: DTZ001 - stored times bear no zone
"""Every data check: what it finds, and what it leaves alone."""

import datetime as dt

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpikit.sources import check_findings, open_dataset
from kpikit.sources.checks_days import covered_days
from kpikit.sources.checks_rows import _DAMAGED_ID, _FLOAT_ID, _has_form


@pytest.fixture
def opened(write, product):
    """Write one text file and open it as this table."""

    def open_it(
        table, content, *, segments=(), currency="USD", timezone="UTC", source=None, **params
    ):
        write("data.csv", content)
        tables = {table: {"files": "data.csv", **params}}
        return open_dataset(
            product(tables, segments=segments, currency=currency, timezone=timezone, source=source)
        )

    return open_it


def events(days, *, per_day=12, skip=()):
    """Return events as text: so many a day on days counted from 2025-01-01 (a Wednesday)."""
    lines = ["user_id,event,event_time"]
    for day in days:
        date = dt.date(2025, 1, 1) + dt.timedelta(days=day)
        if date not in skip:
            lines += [f"u{day}-{n},visit,{date} 10:{n:02d}:00" for n in range(per_day)]
    return "\n".join(lines)


def test_missing_values_are_counted_and_unread_ones_are_not_among_them(opened, one):
    dataset = opened(
        "survey", "answer_time,score\n2026-01-02,9\n2026-01-02,NA\n2026-01-02, \n2026-01-02,nine\n"
    )

    finding = one(dataset, "missing_value")
    assert (finding.column, finding.rows, finding.share) == ("score", 2, 0.5)
    assert finding.message == "score is missing in 2 of 4 rows (50.0 %)."
    assert one(dataset, "unparsable_value").examples == ("nine",)
    assert one(dataset, "unparsable_value").severity == "warning"


@pytest.mark.parametrize(("missing", "severity"), [(1, "info"), (2, "warning")])
def test_unknown_buyers_are_a_fact_below_five_percent_and_a_warning_above(
    opened, one, missing, severity
):
    lines = [f"{n},{'' if n < missing else n},2026-01-02,5" for n in range(25)]

    dataset = opened("orders", "\n".join(["order_id,user_id,order_time,revenue", *lines]))

    assert (one(dataset, "missing_user").rows, one(dataset, "missing_user").severity) == (
        missing,
        severity,
    )


def test_an_eleven_among_scores_is_out_of_range(opened, one):
    dataset = opened("survey", "answer_time,score\n2026-01-02,10\n2026-01-02,0\n2026-01-02,11\n")

    finding = one(dataset, "out_of_range")
    assert (finding.rows, finding.examples) == (1, ("11",))
    assert finding.message == "score is outside 0 to 10 in 1 of 3 rows (33.3 %)."


def test_a_span_that_ends_before_it_starts_is_named(opened, one):
    dataset = opened(
        "subscriptions",
        "subscription_id,user_id,mrr,start_time,end_time\n"
        "1,1,5,2026-01-02,2026-01-02\n2,2,5,2026-01-02,2025-12-31\n3,3,5,2026-01-02,\n",
    )

    finding = one(dataset, "reversed_span")
    assert (finding.column, finding.severity) == ("end_time", "warning")
    assert finding.message == "end_time is before start_time in 1 of 3 rows (33.3 %)."


def test_a_negative_mrr_is_out_of_range(opened, one):
    dataset = opened(
        "subscriptions",
        "subscription_id,user_id,mrr,start_time,end_time\n1,1,-5,2026-01-02,\n2,2,5,2026-01-02,\n",
    )

    assert one(dataset, "out_of_range").message == "mrr is below 0 in 1 of 2 rows (50.0 %)."


def test_ids_rounded_or_written_as_decimals_are_named_and_others_are_not(opened, one):
    dataset = opened(
        "events",
        "user_id,event,event_time\n1.03E+19,a,2026-01-02\n1E5,a,2026-01-02\n13085.0,a,2026-01-02\n00123,a,2026-01-02\n",
    )

    assert one(dataset, "damaged_id").examples == ("1.03E+19",)
    assert one(dataset, "float_id").examples == ("13085.0",)
    assert one(dataset, "float_id").severity == "info"


def test_local_times_become_utc_and_skipped_ones_are_counted(write, product, one, rows):
    # clocks in London went from 01:00 to 02:00 on 29 March 2026
    write(
        "e.csv",
        """
        user_id,event,event_time
        1,a,2026-03-29 01:30:00
        2,a,2026-03-29 02:30:00
        3,a,2026-07-01 12:00:00
        4,a,2026-07-01T12:00:00+02:00
        """,
    )

    dataset = open_dataset(product({"events": {"files": "e.csv", "timezone": "Europe/London"}}))

    finding = one(dataset, "nonexistent_time")
    assert (finding.rows, finding.column) == (1, "event_time")
    assert "the clock of Europe/London skips" in finding.message
    assert rows(dataset.tables["events"], "user_id", "event_time")[1:] == [
        ("2", dt.datetime(2026, 3, 29, 1, 30)),
        ("3", dt.datetime(2026, 7, 1, 11)),
        ("4", dt.datetime(2026, 7, 1, 10)),
    ]


def test_prices_below_zero_are_named(opened, one):
    dataset = opened(
        "order_lines",
        "order_id,quantity,unit_price,order_time\n1,1,-11062.06,2026-01-02\n2,1,5,2026-01-02\n",
    )

    assert one(dataset, "negative_price").examples == ("-11062.06",)


def test_an_amount_far_beyond_all_others_is_named(opened, one):
    # quartiles of log10 are 1 and 1: the range counts as 0.3: the fence is 10^(1 + 5 * 0.3) = 316
    lines = [f"{n},2026-01-02,{amount}" for n, amount in enumerate([10] * 30 + [316, 317])]

    dataset = opened("orders", "\n".join(["order_id,order_time,revenue", *lines]))

    finding = one(dataset, "huge_value")
    assert (finding.rows, finding.examples) == (1, ("317",))


def test_a_value_too_large_for_any_amount_is_unparsable_and_not_lost(opened, one):
    dataset = opened(
        "orders", "order_id,order_time,revenue\n1,2026-01-02,1e15\n2,2026-01-02,5\n3,2026-01-02,6\n"
    )

    assert one(dataset, "unparsable_value").examples == ("1e15",)


def test_codes_that_differ_in_letter_case_are_named(opened, one):
    dataset = opened(
        "events",
        "user_id,event,event_time,plan,note\n1,visit,2026-01-02,Pro,A\n2,Visit,2026-01-02,pro,a\n3,visit,2026-01-02,pro,b\n",
        segments=["plan"],
    )

    event = one(dataset, "mixed_case", column="event")
    assert (event.rows, event.examples) == (1, ("Visit / visit",))
    assert event.message == "event has 2 values, but 1 when letter case is ignored."
    assert one(dataset, "mixed_case", column="plan").rows == 1


def test_codes_in_capitals_throughout_may_still_be_twins(opened, one, found):
    dataset = opened(
        "events",
        "user_id,event,event_time,city,country\n1,visit,2026-01-02,İZMIR,TR\n2,visit,2026-01-02,IZMIR,GB\n",
        segments=["city", "country"],
    )

    # the engine's lower case of the dotted capital is the plain small letter
    assert one(dataset, "mixed_case").column == "city"
    assert not found(dataset, "mixed_case", column="country")


def test_currencies_other_than_the_product_s_are_an_error(opened, one):
    dataset = opened(
        "orders",
        "order_id,order_time,revenue,currency\n1,2026-01-02,5,GBP\n2,2026-01-02,5,EUR\n3,2026-01-02,5,\n",
        currency="GBP",
    )

    finding = one(dataset, "mixed_currency")
    assert (finding.severity, finding.rows, finding.examples) == ("error", 1, ("EUR",))
    assert "not in GBP, the product's currency, but in EUR" in finding.message


def test_orders_without_a_currency_column_are_in_the_product_s(opened, found):
    dataset = opened("orders", "order_id,order_time,revenue\n1,2026-01-02,5\n", currency="GBP")

    assert not found(dataset, "mixed_currency")


def test_rows_alike_in_every_column_are_counted(opened, one, found):
    dataset = opened(
        "exposures",
        "user_id,experiment,variant,exposure_time\n1,x,a,2026-01-02\n1,x,a,2026-01-02\n2,x,a,2026-01-03\n",
    )

    finding = one(dataset, "exact_duplicate")
    assert (finding.rows, finding.severity, finding.examples) == (1, "warning", ("2026-01-02: 1",))
    assert finding.message == "1 row repeats another row in every column."


def test_rows_that_differ_only_in_text_that_cannot_be_read_are_not_alike(opened, found):
    dataset = opened(
        "orders",
        "order_id,order_time,revenue\n1,2026-01-02,x\n1,2026-01-02,y\n2,2026-01-02,5\n3,2026-01-02,5\n",
    )

    assert not found(dataset, "exact_duplicate")


def test_equal_answers_of_nobody_in_particular_are_no_duplicates(opened, found):
    dataset = opened("survey", "answer_time,score\n2026-01-02,9\n2026-01-02,9\n")

    assert not found(dataset, "exact_duplicate")


def test_a_sale_s_id_used_twice_is_a_duplicate_key_and_a_refund_s_is_not(opened, one):
    dataset = opened(
        "orders",
        "order_id,order_time,revenue\n1,2026-01-02,5\n1,2026-01-03,6\n1,2026-01-04,-5\n1,2026-01-05,-1\n",
    )

    finding = one(dataset, "duplicate_key")
    assert (finding.rows, finding.examples, finding.severity) == (1, ("1",), "warning")


def test_a_duplicate_key_that_is_removed_as_declared_is_accepted(opened, one, rows):
    dataset = opened(
        "orders",
        "order_id,order_time,revenue\n1,2026-01-02,5\n1,2026-01-02,7\n2,2026-01-02,1\n",
        deduplicate={"key": ["order_id"]},
    )

    assert one(dataset, "duplicate_key").severity == "accepted"
    assert [int(row[0]) for row in rows(dataset.tables["orders"], "revenue")] == [1, 7]


def test_two_files_with_the_same_answers_are_named_whatever_their_date(write, product, one):
    answers = "\n".join(["who,score,x", *[f"{n},{n % 11},{n}" for n in range(20)], "20,,1"])
    write("a.csv", answers)
    write("b.csv", answers.replace("\n", "\r\n"))
    write("c.csv", answers.replace("19,8,19", "19,9,19"))
    table = {
        "files": "?.csv",
        "sql": "select *, case _file when 'a.csv' then date '2026-01-01' "
        "else date '2026-02-01' end as answer_time from {this}",
    }

    dataset = open_dataset(product({"survey": table}))

    finding = one(dataset, "repeated_file")
    assert (finding.examples, finding.rows) == (("a.csv", "b.csv"), 20)
    assert finding.message == "a.csv and b.csv hold the same 20 answers, each delivered twice."


def test_files_with_the_same_few_rows_are_no_repeat(write, product, found):
    write("a.csv", "answer_time,score\n2026-01-02,9\n")
    write("b.csv", "answer_time,score\n2026-01-02,9\n")

    assert not found(open_dataset(product({"survey": {"files": "?.csv"}})), "repeated_file")


def test_a_file_that_ends_at_the_limit_of_a_spreadsheet_is_named(opened, one):
    content = "user_id,event,event_time\n" + "1,a,2026-01-02\n" * 65_535

    finding = one(opened("events", content), "row_limit")

    assert finding.message == (
        "data.csv ends at row 65,536, the last that a spreadsheet holds: the rest is probably lost."
    )


def test_a_gap_is_found_on_days_that_have_rows_otherwise(opened, one):
    # rows on weekdays alone; 2025-02-11 is a Tuesday without any
    weekend = {dt.date(2025, 1, 1) + dt.timedelta(days=n) for n in range(120)}
    weekend = {day for day in weekend if day.weekday() >= 5}

    dataset = opened("events", events(range(120), skip={*weekend, dt.date(2025, 2, 11)}))

    finding = one(dataset, "gap")
    assert (finding.examples, finding.severity) == (("2025-02-11",), "info")
    assert finding.message == (
        "1 day without a row on weekdays that have rows otherwise, the longest gap 2025-02-11."
    )


def test_a_long_gap_spans_the_days_without_rows_between(opened, one):
    skip = {dt.date(2025, 2, n) for n in (10, 11, 12, 13)}

    finding = one(opened("events", events(range(90), skip=skip)), "gap")

    assert (finding.examples, finding.severity) == (("2025-02-10 to 2025-02-13",), "warning")


def test_a_gap_that_returns_each_year_is_a_holiday(opened, found):
    holidays = {
        dt.date(2025, 12, 25),
        dt.date(2025, 12, 26),
        dt.date(2026, 12, 24),
        dt.date(2026, 12, 25),
    }

    dataset = opened("events", events(range(740), skip=holidays))

    assert not found(dataset, "gap")


def test_a_table_with_few_rows_a_day_has_no_gaps(opened, found):
    skip = {dt.date(2025, 2, n) for n in (10, 11, 12, 13)}

    assert not found(opened("events", events(range(60), per_day=3, skip=skip)), "gap")


def test_a_silence_of_weeks_is_a_gap_however_few_rows_a_day_has(opened, one):
    # days 60 to 99 after 1 January 2025: 2 March to 10 April
    skip = {dt.date(2025, 1, 1) + dt.timedelta(days=n) for n in range(60, 100)}

    finding = one(opened("events", events(range(200), per_day=1, skip=skip)), "gap")

    assert (finding.examples, finding.severity) == (("2025-03-02 to 2025-04-10",), "warning")
    assert finding.message.startswith("40 days without a row")


def test_a_quarter_that_is_missing_is_a_gap_though_its_weekdays_are_then_less_usual(opened, one):
    skip = {dt.date(2025, 1, 1) + dt.timedelta(days=n) for n in range(100, 190)}

    finding = one(opened("events", events(range(365), skip=skip)), "gap")

    assert finding.examples == ("2025-04-11 to 2025-07-09",)


def test_waves_a_month_apart_are_no_gaps(opened, found):
    waves = range(0, 30 * 16, 30)

    assert not found(opened("events", events(waves, per_day=50)), "gap")


def test_a_table_that_ends_long_before_the_others_is_stale(write, product, one):
    write("e.csv", events(range(60), per_day=1))
    write("s.csv", "answer_time,score\n2025-01-02,9\n2025-01-03,9\n2025-01-06,9\n")
    tables = {"events": {"files": "e.csv"}, "survey": {"files": "s.csv"}}

    finding = one(open_dataset(product(tables)), "stale")

    # day 59 after 1 January is 1 March; the survey's longest silence is 3 days
    assert (finding.table, finding.examples) == ("survey", ("2025-01-06",))
    assert (
        finding.message
        == "The last row is of 6 Jan 2025, 54 days before the data ends on 1 Mar 2025."
    )


def test_the_unfinished_month_and_quarter_are_named(opened, one):
    finding = one(opened("events", events(range(40), per_day=1)), "unfinished_period")

    # day 39 after 1 January is 9 February
    assert finding.message == (
        "The data ends on 9 Feb 2025: 2025-02 has 9 of 28 days and 2025Q1 has 40 of 90 days."
    )
    assert (finding.severity, finding.rows) == ("info", 40)


def test_data_that_ends_with_its_quarter_has_no_unfinished_period(opened, found):
    assert not found(opened("events", events(range(90), per_day=1)), "unfinished_period")


@pytest.mark.parametrize(
    ("values", "order", "form"),
    [
        (["1/2/2026", "13/2/2026"], "day before month", "%d/%m/%Y"),
        (["1/2/2026", "2/13/2026"], "month before day", "%m/%d/%Y"),
    ],
)
def test_the_order_of_day_and_month_is_found_by_evidence_and_reported(
    opened, one, values, order, form
):
    content = "\n".join(
        ["user_id,event,event_time", *[f"{n},a,{value}" for n, value in enumerate(values)]]
    )

    finding = one(opened("events", content), "ambiguous_date")

    assert finding.severity == "info"
    assert f"read with the {order}, since 50.0 % of its values read no other way" in finding.message
    assert form in finding.message


def test_dates_that_read_both_ways_are_an_error_unless_declared(opened, one, found):
    content = "user_id,event,event_time\n1,a,1/2/2026\n2,a,3/4/2026\n"

    dataset = opened("events", content)
    declared = opened("events", content, formats={"event_time": "%m/%d/%Y"})

    finding = one(dataset, "ambiguous_date")
    assert (finding.severity, finding.rows) == ("error", 2)
    assert "declare formats: {event_time: '%d/%m/%Y'} or '%m/%d/%Y'" in finding.message
    with pytest.raises(ValueError, match="ambiguous_date"):
        check_findings(dataset)
    assert not found(declared, "ambiguous_date")
    assert declared.as_of == dt.date(2026, 3, 4)


def test_covered_days_of_nothing_is_nothing_and_many_early_rows_are_no_strays():
    old, new = dt.date(2019, 1, 1), dt.date(2026, 1, 1)

    assert covered_days({}) is None
    assert covered_days({old: 1, new: 99}) == (old, new)
    assert covered_days({old: 1, new: 100}) == (new, new)
    assert covered_days({new: 1}) == (new, new)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.text("0123456789.eE+ \n") | st.none(), min_size=1))
def test_the_cheap_look_at_ids_rules_out_no_spoilt_one(written):
    ids = ibis.memtable({"ids": written}, schema={"ids": "string"})["ids"]
    damaged = _has_form(ids, ids.contains("+"), _DAMAGED_ID)
    rounded = _has_form(ids, ids.endswith(".0"), _FLOAT_ID)

    found = ids.as_table().select(
        damaged=damaged, plainly_damaged=ids.re_search(_DAMAGED_ID).fill_null(False),
        rounded=rounded, plainly_rounded=ids.re_search(_FLOAT_ID).fill_null(False),
    ).to_pyarrow()  # fmt: skip

    assert found["damaged"] == found["plainly_damaged"]
    assert found["rounded"] == found["plainly_rounded"]
