import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from kpikit.present import lettering
from kpikit.present.canvas import themed

_SIGNS = "".join(map(chr, range(0x20, 0x7F))) + "£·±×éÅßŁ–—‘’“”…€−"


@themed
def laid_out(text, *, bold=False):
    return lettering._laid_out(text, bold=bold)


@themed
def glyphs(text, *, bold=False):
    return lettering._glyphs(text, bold=bold)


@settings(max_examples=300, deadline=None)
@given(text=st.text(_SIGNS, max_size=12), bold=st.booleans())
@example(text="AVATAR To 7,5", bold=False)
@example(text="Affiliate off the left", bold=False)
@example(text="", bold=False)
def test_a_text_put_together_of_pairs_is_the_one_that_the_font_lays_out(text, bold):
    for place in range(len(text)):  # all pairs are known where no two signs are joined
        glyphs(text[place : place + 2], bold=bold)

    assert glyphs(text, bold=bold) == laid_out(text, bold=bold)


def test_a_text_of_known_pairs_is_not_laid_out(monkeypatch):
    ab, bc, c = glyphs("abc")
    monkeypatch.setattr(lettering, "_laid_out", None)

    assert glyphs("bc") == [bc, c]
    assert glyphs("abc") == [ab, bc, c]


@pytest.mark.parametrize("text", ["שלום", "日本", "n\u0303o", "soft\u00adhyphen", "off"])
def test_nothing_is_learnt_from_signs_that_are_joined_turned_or_unknown(text, monkeypatch):
    monkeypatch.setattr(lettering, "_pairs", {})

    assert glyphs(text) == laid_out(text)
    assert lettering._pairs == {}


def test_what_charts_mostly_say_is_learnt_at_once(monkeypatch):
    monkeypatch.setattr(lettering, "_pairs", {})
    lettering.learn_pairs()
    monkeypatch.setattr(lettering, "_laid_out", None)

    for text in ("£748 k", "1,234.5 (95 %)", "Jan", "W34", "2026Q3", "Scheduled reports"):
        assert len(glyphs(text)) == len(text)
    assert len(glyphs("−12.5 %", bold=True)) == 7


def test_a_width_counts_the_units_of_the_font():
    # Source Sans Pro sets all its figures 497 units wide, of 1,000 to the type size.
    assert lettering.text_width("2026", size=10) == pytest.approx(4 * 4.97)
