import base64
import io
import re

import pytest
from fontTools.ttLib import TTFont

from kpikit.publish.fonts import (
    font_folders,
    is_covered,
    replace_uncovered,
    text_width,
    web_faces,
)


def test_the_faces_lie_in_installed_wheels():
    text_family, matplotlib_s = font_folders()

    assert (text_family / "SourceSansPro-Regular.ttf").is_file()
    assert (matplotlib_s / "DejaVuSans.ttf").is_file()


def test_ten_digits_are_as_wide_as_they_are_many():
    # All digits of the text face are 0.497 em wide, as its ``hmtx`` table says.
    assert text_width("0123456789", 10.0) == pytest.approx(49.7)


def test_bold_runs_wider_and_a_sign_of_the_other_face_has_its_width():
    assert text_width("Revenue", 9.0, bold=True) > text_width("Revenue", 9.0)
    assert text_width("☑", 9.0) > 0


@pytest.mark.parametrize(
    ("character", "covered"),
    [
        ("é", True),
        ("−", True),
        ("▲", True),
        ("☑", True),
        ("\n", True),
        ("日", False),
        ("🚀", False),
    ],
)
def test_which_characters_the_faces_have(character, covered):
    assert is_covered(character) is covered


def test_what_the_faces_lack_is_replaced_and_told_and_drawings_stay():
    replaced = {}
    value = {"text": ["日 🚀 é", ("👍🏽",)], "svg": "日", "uri": "日", "url": "日", "n": 3}

    found = replace_uncovered(value, replaced)

    assert found == {
        "text": ["▯ [rocket] é", ["[thumbs up sign]"]],
        "svg": "日",
        "uri": "日",
        "url": "日",
        "n": 3,
    }
    assert replaced == {"日": "▯", "🚀": "[rocket]", "👍": "[thumbs up sign]"}


def test_joiners_and_unnamed_characters():
    replaced = {}

    assert replace_uncovered("a\U000e0001b", replaced) == "ab"  # a language tag: invisible
    assert replace_uncovered("\ue000", replaced) == "▯"
    assert list(replaced) == ["\ue000"]


def test_the_faces_of_the_page_are_inside_it_and_hold_what_reports_use():
    rules = re.findall(r"font-weight:(\d+).*?base64,([^)]+)\)", web_faces())

    assert [weight for weight, _ in rules] == ["400", "600"]
    face = TTFont(io.BytesIO(base64.b64decode(rules[0][1])))
    assert {ord(character) for character in "aé£€−–·▲▼±×≤"} <= set(face.getBestCmap())
    assert len(rules[0][1]) < 40_000
