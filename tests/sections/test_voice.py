"""What customers write, by declared themes, and how far the score moved between two quarters."""

import pandas as pd
import pytest

from kpikit.present.components import Paragraph, Row
from kpikit.present.frames import records
from kpikit.present.sentences import headline
from kpikit.sections.voice import voice_section

SURVEY = "source: {tables: {survey: {files: survey.csv}}}\nmetrics: [nps]\n"
THEMES = "themes: {too_dear: [price*], speed: [slow]}\n"


def answers(*groups, columns="answer_time,score,comment,may_quote"):
    """Return answers of groups: month, number, score, comment, whether it may be quoted."""
    return f"{columns}\n" + "".join(
        f"2026-{month}-{day + 1:02d}T10:00:00,{score},{comment},{quote}\n"
        for month, count, score, comment, quote in groups
        for day in range(count)
    )


def section(open_context, rows, *, yaml=SURVEY + THEMES, period="2026Q3"):
    return voice_section(open_context(yaml, {"survey.csv": rows}, period=period))


def test_themes_are_counted_beside_the_scores_with_a_masked_quote(open_context):
    rows = answers(
        ("08", 3, 4, "Price too high: write to ada@example.org", "yes"),
        ("08", 1, 9, "So slow", "no"),
        ("09", 26, 9, "", ""),
    )

    waves, themes = section(open_context, rows).items[-1].items

    assert waves.rows[-1]["n"] == "30"
    assert [(row["theme"], row["comments"]) for row in themes.rows] == [
        ("too dear", "3"), ("speed", "1"), ("other", "0"),
    ]  # fmt: skip
    # Wilson's interval of 3 of 4
    assert themes.rows[0]["share"] == "75 % (30.1 to 95.4 %)"
    assert themes.rows[0]["quote"] == "“Price too high: write to [e-mail]”"
    assert themes.rows[1]["quote"] == "–"
    assert themes.title == "“Too dear” is spoken of most: 3 of 4 comments, 75 %"


def test_without_consent_no_quote_is_printed_and_the_table_says_so(open_context):
    rows = answers(("08", 30, 9, "Nice", ""))

    themes = section(open_context, rows).items[-1].items[-1]

    assert themes.title == "No comment of 30 speaks of a declared theme"
    assert themes.notes[-1] == ("No quote is printed: the survey's column may_quote allows none.")


# detractors among 30 answers of each month from April 2024 to June 2026: they vary by chance
MONTHS = [4, 11, 7, 3, 9, 12, 5, 10, 3, 8, 12, 4, 9, 5, 11, 3, 10, 6, 12, 4, 8, 11, 5, 9, 4, 5, 4]


def by_month(detractors):
    """Return 30 answers on the 1st to the 30th of each month (in February as many as it has)."""
    lines = ["answer_time,score"]
    for index, few in enumerate(detractors):
        first = pd.Timestamp(2024, 4, 1) + pd.DateOffset(months=index)
        days = [f"{first + pd.Timedelta(days=min(day, first.days_in_month - 1)):%F}"
                for day in range(30)]  # fmt: skip
        lines += [f"{day}T10:00:00,{3 if n < few else 9}" for n, day in enumerate(days)]
    return "\n".join(lines) + "\n"


def test_a_change_beyond_sampling_error_is_told_with_its_interval(open_context):
    rows = answers(("05", 30, 10, "", ""), ("08", 30, 3, "", ""), ("09", 30, 3, "", ""))

    stack = section(open_context, rows)

    # all promoters, then all detractors: 200 points down, as far as a score can fall
    waves, remark = stack.items[-2:]
    assert waves.title.startswith("NPS −200 (−200 to ")
    assert waves.title.endswith(" points on 2026Q2: more than sampling error")  # no months to judge
    assert waves.rows[-1]["change"] in waves.title
    assert isinstance(remark, Paragraph)
    assert remark.text == "Nobody wrote a comment in 2026Q3."


def test_a_change_within_sampling_error_is_told_as_such(open_context):
    rows = answers(
        ("05", 15, 10, "", ""), ("05", 15, 5, "", ""), ("09", 16, 10, "", ""), ("09", 14, 5, "", "")
    ).replace("2026-09-16", "2026-09-30")

    waves = section(open_context, rows).items[-2]

    # 0 and 2 of 30: 6.7 points up
    assert waves.title.startswith("NPS +6.7 (")
    assert waves.title.endswith(" points on 2026Q2: no more than sampling error")


def test_a_change_beyond_sampling_error_in_routine_months_is_told_alike_on_both_pages(open_context):
    context = open_context(SURVEY, {"survey.csv": by_month([*MONTHS, 10, 9, 10])})

    waves = voice_section(context).items[-2]
    said = headline(*records(context.scorecard), context.basis)

    # 13 detractors of 90 in the quarter before, now 29; none is a passive: 100 (1 - 2 x 29 / 90)
    assert waves.title.startswith("NPS −36 (−59 to −11) points on 2026Q2: more than ")
    assert waves.title.endswith("sampling error, though no month is a signal")
    assert waves.notes[-1].startswith("Sampling error: by the interval of the change.")
    assert said.claim == "NPS was 36"
    assert "; −36 on 2026Q2, more than sampling error); no month is a signal." in said.rest


def test_a_running_quarter_is_compared_with_as_many_days_of_the_one_before(open_context):
    context = open_context(SURVEY, {"survey.csv": by_month([*MONTHS[:-1], 4, 10])}, period="2026Q3")

    waves = voice_section(context).items[-2]
    (row,) = records(context.scorecard)

    # 30 days: 10 detractors of 30 against those of April alone, 4 of 30
    assert waves.title.startswith("NPS −40 (")
    assert " points on the first 30 days of 2026Q2: " in waves.title
    assert row["qoq_abs"] == pytest.approx(-40)
    assert waves.rows[-1]["change"].startswith("−40 (")
    assert waves.rows[-1]["period"].note == "so far"


def test_days_more_than_the_quarter_before_has_are_struck_out_with_the_reason(open_context):
    # February to April have 89 days, and 91 have passed of May to July
    rows = answers(("03", 31, 9, "", ""), ("06", 30, 9, "", ""), ("07", 30, 3, "", ""))

    context = open_context(
        SURVEY, {"survey.csv": rows}, period="2027Q2", more=", fiscal_year_start: 2"
    )
    waves = voice_section(context).items[-2]

    # the last answer is of 30 July; 31 promoters, then 30 promoters and 30 detractors
    assert waves.title == "Answers and scores"
    assert waves.rows[-1]["change"].struck
    assert waves.rows[-1]["change"].text.startswith("−100 (")
    assert waves.notes == ("Change of 2027Q2 is not comparable (91 days against 89).",)


def test_a_quarter_of_few_answers_changes_nothing(open_context):
    rows = answers(
        ("02", 28, 10, "", ""), ("01", 2, 10, "", ""), ("05", 28, 10, "", ""),
        ("04", 2, 10, "", ""), ("08", 2, 0, "", ""),
    )  # fmt: skip

    waves = section(open_context, rows).items[-2]

    assert waves.title == "Answers and scores"
    assert waves.rows[-1]["change"] == "–"


def test_without_themes_the_key_is_named(open_context):
    rows = answers(("08", 30, 9, "Nice", ""))

    stack = section(open_context, rows, yaml=SURVEY)

    assert not any(isinstance(item, Row) for item in stack.items)
    assert stack.items[-1].text == (
        "No theme is declared. List keywords under themes:, and map the survey's column comment."
    )
