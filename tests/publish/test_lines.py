"""Lines are counted as Typst breaks them, or not at all."""

import json

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from kpikit.publish import typst as engine
from kpikit.publish.lines import Run, is_one_line, line_heights, text_height

LINE = 0.66  # ems, the height of a line
TEMPLATE = """
#set text(font: ("Source Sans Pro", "DejaVu Sans"), number-width: "tabular", overhang: false)
#set par(leading: 0.52em)
#let run(one) = text(size: one.at(1) * 1pt, weight: if one.at(2) { 600 } else { 400 }, one.at(0))
#context [#metadata(json(bytes(sys.inputs.texts)).map(((runs, width)) => measure(
  block(width: width * 1pt, { set text(size: runs.at(0).at(1) * 1pt); runs.map(run).join() })
).height / 1pt)) <heights>]
"""
TEXTS = (
    "Months are held against an XmR chart (Wheeler 2000): of the last 24 ones, 3 % lie beyond.",
    "Net revenue −£979.09 on 2026Q3: refunds −£679.62 – gross revenue −£350.31 (13.9 to 37.9 %)",
    "“Three days without reports, and no word from you.” Is that/this well-known? Yes … or no!",
    "a1b2c3d4e5f6a1b2c3d4\u200be5f6a1b2c3d4e5f6a1b2\u200bc3d4 \u2003To AV Ty. fi ffl 1/2 € 5 [x]",
    "Wo\xa0nicht Grüße: Ärger, Œuvre; a-b-c-d-e-f 2026-09-27, 2026-10-14—and + so = on",
)


def found_by_typst(*asked):
    """Return how high Typst sets texts, each of runs, in their widths."""
    compiler = typst.Compiler(
        TEMPLATE.encode(),
        font_paths=engine._fonts(),
        ignore_system_fonts=True,
        sys_inputs={"texts": json.dumps(asked)},
    )
    return json.loads(compiler.query("<heights>", field="value", one=True))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("bold", [False, True])
def test_lines_stand_as_high_as_typst_sets_them(text, bold):
    asked = [
        ((Run(text, 9.0, bold), Run(f" {note}", 7.56)) if note else (Run(text, 9.0, bold),), width)
        for width in range(40, 420, 3)
        for note in ("", "by P(hit), 2026Q4")
    ]

    ours = [text_height(runs, width, 9.0) for runs, width in asked]

    sure = [(one, height) for one, height in zip(asked, ours, strict=True) if height is not None]
    theirs = found_by_typst(*(one for one, _ in sure))
    assert [height for _, height in sure] == pytest.approx(theirs, abs=1e-6)
    assert len(sure) > 0.4 * len(asked)


WORDS = (
    "Sales", "rose", "to", "5", "%", "(n", "=", "46);", "well-known,", "“so”", "−", "[a/b]", "–",
    "AVATAR", "3.5?", "TypToy.",
)  # fmt: skip


@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=30),
    widths=st.lists(st.floats(30, 400), min_size=20, max_size=20),
)
@settings(max_examples=20, deadline=None)
def test_texts_of_any_words_are_no_exception(words, widths):
    runs = (Run(" ".join(words), 8.0),)
    sure = [(width, text_height(runs, width, 8.0)) for width in widths]
    sure = [(width, height) for width, height in sure if height is not None]

    theirs = found_by_typst(*((runs, width) for width, _ in sure))

    assert [height for _, height in sure] == pytest.approx(theirs, abs=1e-6)


def test_a_line_is_as_high_as_the_largest_type_in_it():
    runs = (Run("Sales", 10.0), Run(" of last month", 8.0))

    assert line_heights(runs, 200.0) == pytest.approx((LINE * 10,))
    assert line_heights(runs, 31.0) == pytest.approx((LINE * 10, LINE * 8, LINE * 8))
    assert text_height(runs, 31.0, 10.0) == pytest.approx(LINE * (10 + 8 + 8) + 2 * 0.52 * 10)


def test_no_text_has_no_height():
    assert text_height((Run("", 9.0),), 50.0, 9.0) == 0.0


@pytest.mark.parametrize(
    ("runs", "width"),
    [
        ((Run("Sales", 9.0),), 20.0),  # a word that is wider: Typst lets it stick out
        ((Run("a\nb", 9.0),), 99.0),
        ((Run("a\rb", 9.0),), 99.0),
        ((Run("a \u2003", 9.0), Run(" b", 8.0)), 99.0),  # Typst drops such a space at its end
        ((Run("a\u2009b", 9.0),), 99.0),  # a thin space, which may end a line
        ((Run("★", 9.0),), 99.0),  # of another face, which is higher
        ((Run("Sales", 9.0), Run("ß", 9.0)), 99.0),  # parted within a word
        ((Run("well-known", 9.0),), 40.0),  # which may break, or not
        ((Run("Maya Lindqvist", 9.0),), 54.7),  # kerning decides
    ],
)
def test_what_is_not_sure_is_not_counted(runs, width):
    assert line_heights(runs, width) is None


def test_a_box_with_a_border_keeps_together():
    boxed = (Run("on track", 8.0, bold=True, pad=6.0), Run(" hit", 7.0))

    assert line_heights(boxed, 60.0) == pytest.approx((LINE * 8,))
    assert line_heights(boxed, 40.0) == pytest.approx((LINE * 8, LINE * 7))
    assert line_heights(boxed, 30.0) is None


@pytest.mark.parametrize(
    ("text", "width", "is_one"),
    [("Sales", 30, True), ("Sales", 15, False), ("a\nb", 30, False), ("★", 30, False)],
)
def test_a_text_takes_one_line_where_that_is_sure(text, width, is_one):
    assert is_one_line(text, width, 9.0) is is_one
