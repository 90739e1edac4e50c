import re
from xml.etree import ElementTree as ET

import pytest
from matplotlib.figure import Figure

from kpikit.present.canvas import add_panel, new_sheet, themed, write
from kpikit.present.svg import _inherit_style, svg_text


@themed
def draw(text):
    sheet = new_sheet("small")
    panel = add_panel(sheet, left=20, right=20, top=20, bottom=20)
    panel.plot([0, 1, 2], [1 / 3, 2, 1], marker="o")
    write(panel, text, (1, 1))
    return svg_text(sheet)


def ids(svg):
    return set(re.findall(r' id="([^"]+)"', svg))


def test_the_same_chart_gives_the_same_bytes():
    first, second = draw("£748 k"), draw("£748 k")

    assert first == second


def test_two_charts_share_no_id():
    first, second = draw("one"), draw("two")

    assert ids(first)
    assert ids(first).isdisjoint(ids(second))


def test_every_reference_leads_to_an_id_of_its_own_and_no_other_id_is_kept():
    svg = draw("one")

    referred = re.findall(r'(?:href="#|url\(#)([^")]+)', svg)

    assert set(referred) == ids(svg)


def test_it_is_one_element_without_scripts_styles_dates_or_fonts():
    svg = draw("one")

    root = ET.fromstring(svg)

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    tags = {element.tag.split("}")[1] for element in root.iter()}
    assert tags <= {"svg", "g", "path", "defs", "use", "clipPath", "rect"}
    assert "font-family" not in svg
    assert "date" not in svg.lower()


def test_the_rule_for_all_elements_becomes_an_attribute_of_the_root():
    svg = draw("one")

    assert svg.startswith('<svg style="stroke-linejoin: round; stroke-linecap: butt" ')


def test_a_drawing_without_such_a_rule_stays_as_it_is():
    assert _inherit_style("<svg ></svg>") == "<svg ></svg>"


def test_coordinates_keep_two_decimals_and_scales_all():
    own = Figure(figsize=(1, 1))
    own.text(0.5, 0.5, "two")
    svg = draw("one") + themed(svg_text)(own)

    paths = " ".join(re.findall(r' d="([^"]+)"', svg))
    assert not re.search(r"\.\d{3}", paths)
    assert "scale(0.0085 -0.0085)" in svg  # a text's own
    assert "scale(0.015625)" in svg  # a glyph's own, as matplotlib writes it


def test_an_address_keeps_all_its_digits():
    sheet = Figure(figsize=(1, 1))
    sheet.text(0.5, 0.5, "more", url="https://example.org/v1.2345")

    assert 'href="https://example.org/v1.2345"' in svg_text(sheet)


def test_an_empty_figure_is_an_svg_too():
    svg = svg_text(Figure(figsize=(1, 1)))

    assert svg.startswith("<svg")
    assert svg.endswith("</svg>")


@pytest.mark.parametrize("text", ["$748 k of $1 M", "a < b & c", "₪ 12 − 3 %", "snow ☃"])
def test_any_text_can_be_drawn(text):
    svg = draw(text)

    assert ET.fromstring(svg) is not None
