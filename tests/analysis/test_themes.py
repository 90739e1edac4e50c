"""Comments are counted by themes, and quotes give nobody away."""

import datetime as dt
import math

import pandas as pd
import pytest

from kpikit.analysis.themes import keyword_pattern, mask_private, theme_table
from kpikit.errors import AnalysisError
from kpikit.intervals import wilson_interval
from kpikit.periods import Calendar

CALENDAR = Calendar()
PERIOD = CALENDAR.parse("2026Q3")
AS_OF = dt.date(2026, 9, 30)
THEMES = {"price": ["price", "too much", "cost*"], "speed": ["slow"]}


def survey_of(*rows):
    columns = ["comment", "may_quote", "score", "answer_time"]
    given = [(*row, *("yes", 5, "2026-08-01")[len(row) - 1 :]) for row in rows]
    frame = pd.DataFrame(given, columns=columns)
    return frame.assign(answer_time=pd.to_datetime(frame["answer_time"], format="mixed"))


def table_of(*rows, themes=THEMES, **options):
    return theme_table(survey_of(*rows), themes, PERIOD, calendar=CALENDAR, as_of=AS_OF, **options)


def test_comments_are_counted_by_theme_with_their_interval():
    table = table_of(
        ("The price is too much.", "yes", 3),
        ("So SLOW, and it costs a lot", "yes", 5),
        ("Slow", "yes", 1),
        ("Slowly getting better", "yes", 9),
    )

    assert table["theme"].tolist() == ["price", "speed", "other"]
    assert table["comments"].tolist() == [2, 2, 1]
    assert table["share"].tolist() == [0.5, 0.5, 0.25]
    low, high = map(float, wilson_interval(2, 4))
    assert table.loc[0, ["ci_low", "ci_high"]].tolist() == pytest.approx([low, high])
    assert table["mean_score"].tolist() == [4, 3, 9]
    assert table.attrs == {"comments": 4, "consented": 4}


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("price", "Prices", False),
        ("price*", "Prices", True),
        ("price", "half-price!", True),
        ("too much", "way TOO\n much", True),
        ("größe", "Die Größe", True),
        ("gr", "Größe", False),
        ("c++", "I use C++ daily", True),
        (" slow ", "slow", True),
        ("a.b", "axb", False),
    ],
)
def test_keywords_match_whole_words(word, text, found):
    assert (keyword_pattern([word]).search(text) is not None) is found


def test_empty_comments_and_other_periods_are_left_out():
    table = table_of(
        ("slow",), ("  ",), (None,),
        ("slow", "yes", 5, "2026-06-30 23:59"), ("slow", "yes", 5, "2026-10-01"),
    )  # fmt: skip

    assert table.attrs["comments"] == 1
    assert table["comments"].tolist() == [1, 0, 0]


def test_without_a_comment_there_is_no_row():
    table = table_of(("",))

    assert table.empty
    assert table.attrs == {"comments": 0, "consented": 0}


def test_only_consented_comments_are_quoted_newest_first_and_once():
    table = table_of(
        ("slow one", "yes", 5, "2026-08-01"), ("slow two", "TRUE", 5, "2026-08-03"),
        ("slow two", "1", 5, "2026-08-04"), ("slow three", "no", 5, "2026-08-05"),
        ("slow four", None, 5, "2026-08-06"), ("slow five", "y", 5, "2026-07-01"),
        most_quotes=2,
    )  # fmt: skip

    [quotes] = table.loc[table["theme"] == "speed", "quotes"]
    assert quotes == ("slow two", "slow one")
    assert table.attrs["consented"] == 4


def test_without_consent_or_scores_there_are_no_quotes_and_no_mean():
    survey = survey_of(("slow",)).drop(columns=["may_quote", "score"])

    table = theme_table(survey, THEMES, PERIOD, calendar=CALENDAR, as_of=AS_OF)

    assert table.loc[0, "quotes"] == ()
    assert math.isnan(table.loc[0, "mean_score"])


def test_a_long_quote_ends_at_a_word():
    text = "slow " + "and again " * 40

    [quote] = table_of((text,)).loc[0, "quotes"]

    assert len(quote) <= 242
    assert quote.endswith(("and …", "again …"))


def test_a_quote_is_one_line_without_private_data():
    [quote] = table_of(("slow!\nWrite to ada@example.org",)).loc[0, "quotes"]

    assert quote == "slow! Write to [e-mail]"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Mail ada.l+kpi@mail.example.co.uk now", "Mail [e-mail] now"),
        ("ada@localhost", "[e-mail]"),
        ("ada.l (at) example.org", "[e-mail]"),
        ("ada[AT]example.org, please", "[e-mail], please"),
        ('"ada l"@example.org', "[e-mail]"),
        ("https://x.example/?to=ada%40example.org", "https://x.example/?to=[e-mail]"),
        ("DE89 3704 0044 0532 0130 00", "DE[card number]"),
        ("4111_1111_1111_1111", "[card number]"),
        ("4111\u00b71111\u00b71111\u00b71111", "[card number]"),
        ("ada\uff20example.org", "[e-mail]"),  # a full-width sign
        ("ada@exam\u200bple.org", "[e-mail]"),  # an invisible one
        ("Call +44 (0)20 7946-0958.", "Call [telephone]."),
        ("030/1234567", "[telephone]"),
        ("555 1234 567", "[telephone]"),
        ("0044 20 7946 0958 please", "[telephone] please"),
        ("(020) 7946 0958", "[telephone]"),
        ("4111 1111 1111 1111", "[card number]"),
        ("4111-1111-1111-1111, thanks", "[card number], thanks"),
        ("4111111111111111", "[card number]"),
        ("3782 822463 10005", "[card number]"),
        ("a0791234567b", "a[telephone]b"),
        ("We pay 1,200 for 25 seats since 2024", "We pay 1,200 for 25 seats since 2024"),
        ("10 of 10", "10 of 10"),
    ],
)
def test_addresses_and_numbers_are_masked(text, masked):
    assert mask_private(text) == masked


@pytest.mark.parametrize(
    ("survey", "themes", "message"),
    [
        (survey_of(("x",)), {}, "There is no theme in theme_table"),
        (survey_of(("x",)).drop(columns="comment"), THEMES, "Table survey has no column 'comment'"),
    ],
)
def test_what_is_missing_is_named(survey, themes, message):
    with pytest.raises(AnalysisError, match=message):
        theme_table(survey, themes, PERIOD, calendar=CALENDAR, as_of=AS_OF)
