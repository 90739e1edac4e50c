# ruff: noqa: DTZ001 - stored times bear no zone
"""How text becomes numbers, times and days, and what is held to be unparsable."""

import datetime as dt
import math

import ibis
import pytest

from kpikit.sources.cast import (
    NumberMarks,
    Zones,
    clean_text,
    read_date,
    read_number,
    read_text,
    read_time,
)
from kpikit.sources.dates import (
    TimeFormat,
    declared_format,
    find_format,
    first_values,
    parse_formats,
)


@pytest.fixture
def con():
    return ibis.duckdb.connect()


@pytest.fixture
def text(con):
    """Return a function: a text column of these values."""

    def make(*values):
        rows = ", ".join(f"({number}, {sql_text(value)})" for number, value in enumerate(values))
        return con.sql(f"select n, t from (values {rows}) as v(n, t)")["t"]

    return make


def sql_text(value):
    return "cast(null as varchar)" if value is None else "'" + value.replace("'", "''") + "'"


def listed(expression):
    return expression.name("v").as_table().to_pyarrow()["v"].to_pylist()


@pytest.mark.parametrize(
    ("written", "marks", "number"),
    [
        ("1", NumberMarks(), 1),
        (" -1.25 ", NumberMarks(), -1.25),
        ("+7", NumberMarks(), 7),
        ("1e3", NumberMarks(), 1000),
        ("80.00%", NumberMarks(), 0.8),
        ("12 %", NumberMarks(), 0.12),
        ("523,419", NumberMarks(thousands=","), 523419),
        ("1,234,567.5", NumberMarks(thousands=","), 1234567.5),
        ("-1,234", NumberMarks(thousands=","), -1234),
        ("12,34,567", NumberMarks(thousands=","), 1234567),
        ("1,250.5%", NumberMarks(thousands=","), 12.505),
        ("999", NumberMarks(thousands=","), 999),
        ("1.234,5", NumberMarks(",", "."), 1234.5),
        ("12,5", NumberMarks(","), 12.5),
        ("12,5 %", NumberMarks(","), 0.125),
        ("1\u202f234,5", NumberMarks(",", " "), 1234.5),
        ("1 234", NumberMarks(".", " "), 1234),
        ("1'234.5", NumberMarks(".", "'"), 1234.5),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_numbers_are_read_by_their_marks(text, written, marks, number, exact):
    reading = read_number(text(written), marks, exact=exact)

    (value,) = listed(reading.value)
    assert math.isclose(float(value), number)


@pytest.mark.parametrize(
    ("written", "marks"),
    [
        ("12,5", NumberMarks(thousands=",")),  # a decimal comma must not become 125
        ("1,2345", NumberMarks(thousands=",")),
        ("1.5", NumberMarks(",")),  # a decimal point must not become 15
        ("523,419", NumberMarks()),
        ("$5", NumberMarks()),
        ("five", NumberMarks()),
        ("nan", NumberMarks()),
        ("inf", NumberMarks()),
        ("5%%x", NumberMarks()),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_other_text_is_no_number(text, written, marks, exact):
    assert listed(read_number(text(written), marks, exact=exact).value) == [None]


def test_blanks_and_null_values_are_missing_and_all_else_stays(text):
    column = text("NA", " ", "", None, " x ", "na")

    assert listed(clean_text(column, ["", "NA"])) == [None, None, None, None, " x ", "na"]
    assert listed(clean_text(text("-", " - "), ["-"])) == [None, None]


def test_numbers_as_ids_lose_the_point_of_a_float_and_keep_all_digits(con):
    row = con.sql(
        "select 13085.0::double as a, 1.5::double as b, "
        "18446744073709551615::ubigint as c, "
        "uuid '00000000-0000-0000-0000-000000000001' as d, '00123' as e"
    )

    assert [listed(read_text(row[name]).value)[0] for name in "abcde"] == [
        "13085", "1.5", "18446744073709551615", "00000000-0000-0000-0000-000000000001", "00123",
    ]  # fmt: skip


LONDON = Zones(source="Europe/London", product="America/New_York")


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-07-01 12:00:00", dt.datetime(2026, 7, 1, 11)),
        ("2026-07-01T12:00", dt.datetime(2026, 7, 1, 11)),
        ("2026-07-01T12:00:00.5Z", dt.datetime(2026, 7, 1, 12, 0, 0, 500_000)),
        ("2026-07-01 12:00:00 UTC", dt.datetime(2026, 7, 1, 12)),
        ("2026-07-01T12:00:00+02:00", dt.datetime(2026, 7, 1, 10)),
        ("2026-07-01T12:00:00-0530", dt.datetime(2026, 7, 1, 17, 30)),
        ("infinity", None),
        ("2026-13-01", None),
    ],
)
def test_iso_times_are_read_in_their_own_zone_or_the_source_s(text, written, utc):
    assert listed(read_time(text(written), TimeFormat(), LONDON).value) == [utc]


def test_bare_days_begin_in_the_zone_of_the_product(text, con):
    day = read_time(text("2026-07-01"), TimeFormat(date_only=True), LONDON)
    typed = read_time(con.sql("select date '2026-07-01' as d")["d"], None, LONDON)

    assert listed(day.value) == listed(typed.value) == [dt.datetime(2026, 7, 1, 4)]


def test_formats_with_an_offset_are_instants(text):
    form = declared_format("%d.%m.%Y %H:%M %z")

    found = read_time(text("01.07.2026 12:00 +0200"), form, LONDON)

    assert listed(found.value) == [dt.datetime(2026, 7, 1, 10)]


def test_typed_times_are_converted_or_read_in_the_source_s_zone(con):
    row = con.sql(
        "select timestamptz '2026-07-01 12:00:00+02' as a, timestamp '2026-07-01 12:00:00' as b"
    )

    assert listed(read_time(row["a"], None, LONDON).value) == [dt.datetime(2026, 7, 1, 10)]
    assert listed(read_time(row["b"], None, LONDON).value) == [dt.datetime(2026, 7, 1, 11)]


def test_days_are_read_from_text_times_and_days(text, con):
    row = con.sql("select timestamp '2026-07-01 23:00:00' as a, date '2026-07-01' as b")
    day = dt.date(2026, 7, 1)

    assert listed(read_date(row["a"], None).value) == [day]
    assert listed(read_date(row["b"], None).value) == [day]
    assert listed(read_date(text("2026-07-01", "x", "infinity"), TimeFormat()).value) == [
        day,
        None,
        None,
    ]
    assert listed(read_date(text("1.7.2026"), declared_format("%d.%m.%Y")).value) == [day]


@pytest.mark.parametrize(
    ("written", "formats", "date_only"),
    [
        (["2026-01-02"], (), True),
        (["2026-01-02 10:00"], (), False),
        (["2026/01/02"], (), True),
        (["20260102"], ("%Y%m%d",), True),
        (["2026.01.02"], ("%Y.%m.%d",), True),
        (["Sun, 05-Jan-2020"], ("%a, %d-%b-%Y",), True),
        (["Sunday, 05 January 2020"], ("%A, %d %B %Y",), True),
        (["January 5, 2020"], ("%B %d, %Y",), True),
        (["5-Jan-20 7:45"], ("%d-%b-%y %H:%M",), False),
        (["31.12.2020 7:05:03"], ("%d.%m.%Y %H:%M:%S",), False),
        (["12/31/2020 3:04 PM"], ("%m/%d/%Y %I:%M %p",), False),
        (["12/31/2020 3:04:05 PM"], ("%m/%d/%Y %I:%M:%S %p",), False),
        (["12/31/2020 3:04PM"], ("%m/%d/%Y %I:%M%p",), False),
        (["31-12-20 10:00:00.25"], ("%d-%m-%y %H:%M:%S.%f",), False),
        (["1/31/2020", "2/1/2020 10:00"], ("%m/%d/%Y", "%m/%d/%Y %H:%M"), False),
        (["soon"], (), False),
        ([None], (), False),
    ],
)
def test_the_form_of_times_is_found_and_reads_them(text, written, formats, date_only):
    column = text(*written)

    found = find_format(column, [value for value in written if value is not None])

    assert set(found.formats) == set(formats)
    assert found.date_only is date_only
    if formats:
        assert None not in listed(parse_formats(column, found.formats))


def test_times_of_a_form_nobody_knows_are_all_unparsable(text):
    found = find_format(text("soon"), ["soon"])

    assert listed(read_time(text("soon"), found, Zones()).value) == [None]


def test_the_same_day_either_way_round_needs_no_decision(text):
    written = ["1/1/2026", "2/2/2026"]

    assert find_format(text(*written), written).reading == "plain"


def test_first_values_are_found_where_many_are_missing_before_them(con):
    table = con.sql(
        "select case when n >= 1500 then ' 2026-01-02 ' end as late, 'x' || n // 600 as early "
        "from range(3000) as r(n)"
    )

    found = first_values(table, ["late", "early"])

    # of "early" the first thousand rows tell: 600 of one value, then 400 of another
    assert found == {"late": ["2026-01-02"], "early": ["x0", "x1"]}


def test_no_value_is_looked_up_where_no_column_is_asked_for(con):
    assert first_values(con.sql("select 1 as n"), []) == {}


def test_a_declared_format_without_a_time_of_day_is_of_days():
    assert declared_format("%d/%m/%Y").date_only
    assert not declared_format("%d/%m/%Y %-H:%M").date_only
