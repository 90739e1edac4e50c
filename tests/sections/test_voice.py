"""What customers write, by declared themes, and how far the score moved between two quarters."""

from kpikit.present.components import Paragraph, Row
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


def test_a_fall_beyond_chance_is_told_with_its_interval(open_context):
    rows = answers(("05", 30, 10, "", ""), ("08", 30, 3, "", ""))

    stack = section(open_context, rows)

    # all promoters, then all detractors: 200 points down, as far as a score can fall
    waves, remark = stack.items[-2:]
    assert waves.title.startswith("NPS fell: −200 (−200 to ")
    assert waves.rows[-1]["change"] in waves.title
    assert isinstance(remark, Paragraph)
    assert remark.text == "Nobody wrote a comment in 2026Q3."


def test_a_change_within_chance_is_called_no_change(open_context):
    rows = answers(
        ("05", 15, 10, "", ""), ("05", 15, 5, "", ""), ("08", 16, 10, "", ""), ("08", 14, 5, "", "")
    )

    waves = section(open_context, rows).items[-2]

    # 0 and 2 of 30: 6.7 points up
    assert waves.title.startswith("NPS +6.7 (")
    assert waves.title.endswith(" points on 2026Q2: no change beyond chance")


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
        "No theme is declared; reads the key themes and the survey's column comment."
    )
