import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpikit.formats import (
    format_alike,
    format_bytes,
    format_chance,
    format_count,
    format_date,
    format_declared,
    format_delta,
    format_delta_rel,
    format_interval,
    format_money,
    format_part,
    format_share,
    format_span,
    format_value,
    is_missing,
    plural,
)

MISSING_VALUES = [None, float("nan"), float("inf"), -float("inf"), np.float64("nan")]


@pytest.mark.parametrize("value", MISSING_VALUES)
def test_what_is_unknown_is_a_dash_everywhere(value):
    assert is_missing(value)
    for unit in ("money", "count", "share", "ratio", "points", "months", "days", "number"):
        assert format_value(value, unit) == "–"
        assert format_delta(value, unit) == "–"
        assert format_interval(value, 1.0, unit) == "–"
        assert format_interval(1.0, value, unit) == "–"
    assert format_delta_rel(value) == "–"


def test_zero_is_a_value():
    assert not is_missing(0)
    assert format_value(0, "count") == "0"
    assert format_value(0, "money", currency="GBP") == "£0.00"


# -- money ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (41.2, "GBP", "£41.20"),
        (999.99, "EUR", "€999.99"),
        (999.996, "EUR", "€1,000"),  # reads as a thousand, so it is written like one
        (1234.5, "USD", "$1,234"),
        (2525887.683, "GBP", "£2,525,888"),
        (41.2, "CHF", "CHF 41.20"),
        (41.2, "", "41.20"),
        (-41.2, "CHF", "−CHF 41.20"),
        (-1234, "GBP", "−£1,234"),
        (-0.004, "GBP", "£0.00"),  # no negative zero
        (-0.0, "GBP", "£0.00"),
        (500.4, "JPY", "¥500"),  # yen have no cents
        (Decimal("748957.02"), "GBP", "£748,957"),
    ],
)
def test_money_has_cents_below_a_thousand(value, currency, text):
    assert format_money(value, currency) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (999.99, "£999.99"),
        (999.996, "£1.00 k"),
        (1000, "£1.00 k"),
        (9994, "£9.99 k"),
        (9995, "£10.0 k"),
        (99_949, "£99.9 k"),
        (99_950, "£100 k"),
        (748_957.02, "£749 k"),
        (999_499, "£999 k"),
        (999_500, "£1.00 M"),
        (999_950, "£1.00 M"),
        (2_525_887, "£2.53 M"),
        (999_500_000, "£1.00 bn"),
        (1_234_000_000_000, "£1,234 bn"),
        (-999_950, "−£1.00 M"),
    ],
)
def test_short_money_has_three_figures_and_never_a_thousand_of_a_scale(value, text):
    assert format_money(value, "GBP", short=True) == text


# -- counts, shares, other units ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (18155, "18,155"),
        (18155.0, "18,155"),
        (2.54, "2.5"),
        (99.94, "99.9"),
        (99.96, "100"),
        (1204.4, "1,204"),
        (-3, "−3"),
        (-0.04, "0.0"),
        (np.int64(7), "7"),
    ],
)
def test_a_count_shows_a_decimal_only_where_it_has_one_and_is_small(value, text):
    assert format_count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(9999, "9,999"), (9999.6, "10.0 k"), (10_000, "10.0 k"), (18_155, "18.2 k"),
     (-18_155, "−18.2 k"), (1_067_371, "1.07 M")],
)  # fmt: skip
def test_a_short_count_is_scaled_from_ten_thousand_on(value, text):
    assert format_count(value, short=True) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0261, "2.61 %"),
        (0.384, "38.4 %"),
        (0.09994, "9.99 %"),
        (0.09996, "10.0 %"),
        (1, "100.0 %"),
        (-0.05, "−5.00 %"),
        (-0.00001, "0.00 %"),
        (0, "0.00 %"),
    ],
)
def test_a_share_becomes_a_percentage(value, text):
    assert format_share(value) == text


def test_a_share_may_be_given_its_digits():
    assert format_share(0.26537, digits=3) == "26.537 %"
    assert format_share(0.26537, digits=0) == "27 %"
    assert format_share(None, digits=0) == "–"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (48.37, "points", "48"),
        (-48.37, "points", "−48"),
        (9.94, "points", "9.9"),
        (9.96, "points", "10"),
        (11.25, "months", "11.2 months"),
        (3, "days", "3.0 days"),
        (1.234, "ratio", "1.23"),
        (3.14159, "number", "3.14"),
        (99.994, "number", "99.99"),
        (99.996, "number", "100.0"),
        (1234.56, "number", "1,234.6"),
        (12, "count", "12"),
        (0.5, "share", "50.0 %"),
    ],
)
def test_a_value_is_written_by_its_unit(value, unit, text):
    assert format_value(value, unit) == text


def test_a_short_value_is_scaled_where_its_unit_allows():
    assert format_value(748_957, "money", currency="GBP", short=True) == "£749 k"
    assert format_value(18_155, "count", short=True) == "18.2 k"
    assert format_value(0.384, "share", short=True) == "38.4 %"


# -- changes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1500, "money", "+£1.50 k"),
        (-1500, "money", "−£1.50 k"),
        (-0.001, "money", "±£0.00"),
        (0, "count", "±0"),
        (12, "count", "+12"),
        (0.0123, "share", "+1.23 pt"),
        (-0.123, "share", "−12.3 pt"),
        (0.09996, "share", "+10.0 pt"),
        (0.000001, "share", "±0.00 pt"),
        (-3.2, "points", "−3.2"),
        (0.5, "months", "+0.5 months"),
    ],
)
def test_a_change_bears_its_sign_and_a_change_of_a_share_is_in_points(value, unit, text):
    assert format_delta(value, unit, currency="GBP") == text


def test_a_change_can_be_written_out():
    assert format_delta(-1500, "money", currency="GBP", short=False) == "−£1,500"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "+10.0 %"),
        (-0.034, "−3.4 %"),
        (0.0004, "±0.0 %"),
        (-0.0, "±0.0 %"),
        (9.9994, "+999.9 %"),
        (9.9996, "+1,000 %"),
        (12.5, "+1,250 %"),
    ],
)
def test_a_relative_change_has_one_decimal_below_a_thousand_percent(value, text):
    assert format_delta_rel(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00001, "< 0.01 %"), (0.0, "0.00 %"), (0.0016, "0.16 %"), (1.0, "100.0 %"), (None, "–")],
)
def test_a_little_of_a_whole_is_not_nothing(value, text):
    assert format_part(value) == text


# -- what somebody set ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (5_000, "money", "£5 k"),
        (5_020, "money", "£5.02 k"),
        (68_049, "money", "£68.0 k"),  # its decimals say that it is not 68 k sharp
        (92, "money", "£92"),
        (92.5, "money", "£92.50"),
        (2_600_000, "money", "£2.60 M"),
        (0.09, "share", "9 %"),
        (0.095, "share", "9.50 %"),
        (1, "share", "100 %"),
        (3, "ratio", "3"),
        (40, "points", "40"),
        (1_300, "count", "1,300"),
        (0, "money", "£0"),
        (-5_000, "money", "−£5 k"),
        (6, "months", "6 months"),
        (None, "money", "–"),
    ],
)
def test_what_was_declared_bears_no_decimals_that_say_nothing(value, unit, text):
    assert format_declared(value, unit, currency="GBP") == text


# -- values side by side --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "unit", "texts"),
    [
        ([9_210.0, 876.4, 0.0], "money", ["9.21 k", "0.88 k", "0.00 k"]),
        ([1_420_000.0, 560_000.0], "money", ["1.42 M", "0.56 M"]),
        ([999_960.0, 1_000.0], "money", ["1.00 M", "0.00 M"]),
        ([65_100.0, 23_300.0], "money", ["65.1 k", "23.3 k"]),
        ([809.88, 506.5], "money", ["810", "506"]),
        ([98.22, 82.5], "money", ["98.2", "82.5"]),
        ([805.0, 3.0], "count", ["805", "3"]),
        ([9_999.0, 3.0], "count", ["9,999", "3"]),
        ([12_000.0, 3.0], "count", ["12.0 k", "0.0 k"]),
        ([0.4, 0.051], "share", ["40 %", "5 %"]),
        ([0.05, float("nan")], "share", ["5.0 %", ""]),
        ([], "money", []),
    ],
)
def test_values_side_by_side_share_their_scale_and_decimals(values, unit, texts):
    assert format_alike(values, unit) == texts


# -- intervals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        (0.0256, 0.0266, "share", "2.56 to 2.66 %"),
        (0.095, 0.105, "share", "9.5 to 10.5 %"),  # both ends with the digits of the greater
        (-0.105, -0.012, "share", "−10.5 to −1.2 %"),
        (998_000, 1_012_000, "money", "£998 k to £1.01 M"),
        (3.21, 4.19, "months", "3.2 to 4.2 months"),
        (41.2, 55.1, "points", "41 to 55"),
        (8.8, 35.4, "points", "9 to 35"),
        (3.21, 9.64, "points", "3.2 to 9.6"),
    ],
)
def test_an_interval_writes_what_follows_the_numbers_once(low, high, unit, text):
    assert format_interval(low, high, unit, currency="GBP") == text


# -- days, sizes, counts of things ----------------------------------------------------------------


def test_a_day_is_written_without_a_leading_zero():
    assert format_date(dt.date(2026, 9, 5)) == "5 Sep 2026"


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2026-07-01", "2026-10-01", "1 Jul – 30 Sep 2026"),
        ("2025-11-01", "2026-02-01", "1 Nov 2025 – 31 Jan 2026"),
        ("2024-02-28", "2024-03-01", "28 Feb – 29 Feb 2024"),
        ("2026-07-15", "2026-07-16", "15 Jul 2026"),
    ],
)
def test_a_span_ends_with_its_last_day(start, end, text):
    assert format_span(dt.date.fromisoformat(start), dt.date.fromisoformat(end)) == text


def test_months_have_english_names():
    names = [format_date(dt.date(2026, month, 1)).split()[1] for month in range(1, 13)]

    assert " ".join(names) == "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_234_567, "1.2 MB"),
        (999_950_000, "1.0 GB"),
        (44_000_000_000, "44.0 GB"),
    ],
)
def test_a_size_never_reads_a_thousand_of_a_unit(size, text):
    assert format_bytes(size) == text


def test_a_noun_follows_its_count():
    assert plural(1, "row") == "1 row"
    assert plural(0, "row") == "0 rows"
    assert plural(1204, "row") == "1,204 rows"
    assert plural(2, "survey", "answers") == "2 answers"


@given(st.floats(-1e12, 1e12))
def test_no_text_ever_shows_a_negative_zero_or_four_figures_of_a_scale(value):
    for unit in ("money", "count", "share", "points", "number"):
        for short in (True, False):
            text = format_value(value, unit, short=short)

            assert any(char in "123456789" for char in text) or not text.startswith("−")
            if text.endswith((" k", " M")):
                assert "," not in text


@pytest.mark.parametrize(
    ("chance", "text"),
    [
        (0.0, "0 %"),
        (0.004, "< 1 %"),
        (0.844, "84 %"),
        (0.996, "> 99 %"),
        (1.0, "100 %"),
        (float("nan"), "–"),
    ],
)
def test_a_chance_is_certain_only_where_it_is(chance, text):
    assert format_chance(chance) == text
