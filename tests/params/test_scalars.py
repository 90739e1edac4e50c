import datetime as dt
from typing import Literal

import pytest

from kpikit.params.scalars import UnreadableError, guess_scalar, read_scalar


@pytest.mark.parametrize(
    "text", ["00123", "1E5", "no", "18446744073709551615", "2026-07-15", "1_000", "0x1F", " a "]
)
def test_text_stays_as_it_was_written(text):
    assert read_scalar(text, str) == text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2600000", 2_600_000.0),
        ("2_600_000", 2_600_000.0),
        ("-0.5", -0.5),
        ("+.5", 0.5),
        ("1E5", 100_000.0),
        ("1.5e-3", 0.0015),
        ("010", 10.0),  # not 8, as YAML 1.1 reads it
        ("3.", 3.0),
    ],
)
def test_a_number_is_decimal(text, number):
    assert read_scalar(text, float) == number


@pytest.mark.parametrize(
    "text", ["2,600,000", "80 %", "", "nan", ".inf", "1e999", "0x1F", "1:30", "abc", "_1", "١٢"]
)
def test_what_is_no_number_says_so(text):
    with pytest.raises(UnreadableError, match=f"'{text}' is no number") as caught:
        read_scalar(text, float)

    assert "such as 2600000; a share is 0 to 1" in caught.value.todo


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("-3", -3), ("010", 10), ("1_000", 1000)])
def test_a_whole_number_has_digits_alone(text, number):
    assert read_scalar(text, int) == number


@pytest.mark.parametrize("text", ["1.0", "1e3", "twelve", ""])
def test_what_is_no_whole_number_says_so(text):
    with pytest.raises(UnreadableError, match=f"'{text}' is no whole number"):
        read_scalar(text, int)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("True", True), ("false", False), ("FALSE", False)]
)
def test_false_is_a_value_like_true(text, value):
    assert read_scalar(text, bool) is value


@pytest.mark.parametrize("text", ["yes", "no", "on", "1", ""])
def test_only_true_and_false_are_flags(text):
    with pytest.raises(UnreadableError, match=f"'{text}' is neither true nor false"):
        read_scalar(text, bool)


def test_a_day_is_year_month_day():
    assert read_scalar("2024-02-29", dt.date) == dt.date(2024, 2, 29)


@pytest.mark.parametrize("text", ["01/05/2026", "2026-5-1", "2026-05-01 12:00", "20260501", "2026"])
def test_another_form_of_a_day_says_which_to_write(text):
    with pytest.raises(UnreadableError, match=f"'{text}' is no day") as caught:
        read_scalar(text, dt.date)

    assert caught.value.todo == ("Write year, month and day, such as 2026-09-30, without a time.")


def test_a_day_that_does_not_exist_says_why():
    with pytest.raises(UnreadableError, match="'2023-02-29' is no day: day is out of range"):
        read_scalar("2023-02-29", dt.date)


def test_a_word_is_one_of_those_that_the_schema_knows():
    stages = Literal["growth", "maturity"]

    assert read_scalar("growth", stages) == "growth"
    with pytest.raises(UnreadableError, match="unknown value 'mature'") as caught:
        read_scalar("mature", stages)
    assert caught.value.todo == "Did you mean 'maturity'? Defined: growth, maturity."


def test_what_can_only_be_true_is_never_false():
    only_true = Literal[True]

    assert read_scalar("true", only_true) is True
    with pytest.raises(UnreadableError, match="can only be true, and is 'false'") as caught:
        read_scalar("false", only_true)
    assert caught.value.todo == "Write true, or delete the key."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("0.5", 0.5),
        ("true", True),
        ("false", False),
        ("2020-01-15", dt.date(2020, 1, 15)),
        ("00123", "00123"),
        ("1E5", "1E5"),
        ("1.10", "1.10"),  # a version, as likely as not
        ("1_000", "1_000"),
        ("+5", "+5"),
        ("no", "no"),
        ("True story", "True story"),
        ("", ""),
        ("2020-01", "2020-01"),
    ],
)
def test_where_any_value_may_stand_only_the_unmistakable_is_no_text(text, value):
    guessed = guess_scalar(text, quoted=False)

    assert guessed == value
    assert type(guessed) is type(value)


@pytest.mark.parametrize("text", ["12", "true", "2020-01-15"])
def test_what_is_quoted_is_text(text):
    assert guess_scalar(text, quoted=True) == text
