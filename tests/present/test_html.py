import re
from html.parser import HTMLParser

import pytest

from kpikit.present.components import (
    Absence,
    Bullet,
    Callout,
    Cell,
    Code,
    Column,
    Cover,
    Figure,
    Headline,
    Headlines,
    Paragraph,
    Row,
    Stack,
    Table,
    Tile,
    Tiles,
)
from kpikit.present.html import component_html, minified, notebook_html, style

HOSTILE = "<b onload=x>&\"'{{ 7*7 }}</b>"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="300pt" height="100pt"></svg>'


class Elements(HTMLParser):
    """Lists the elements of a fragment with their attributes, and its text."""

    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.found, self.words = [], []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def named(self, tag):
        return [attrs for name, attrs in self.found if name == tag]

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def elements(component):
    return Elements(component_html(component))


def cover(**changes):
    given = {
        "title": "Beacon: review 2026Q3", "product_key": "beacon", "product_name": "Beacon",
        "period_label": "2026Q3", "period_text": "fiscal 2026 Q3", "as_of": "2026-09-30",
        "state": "final", "run_id": "3f9c", "data_hash": "0123456789abcdef",
    }  # fmt: skip
    return Cover(**{**given, **changes})


COLUMNS = (Column("kpi", "KPI"), Column("value", "Actual", "number"))


def table(*cells, columns=COLUMNS):
    return Table(columns, cells)


ONE_OF_EACH = [
    cover(title=HOSTILE, facts=((HOSTILE, HOSTILE),)),
    Headlines(HOSTILE, (Headline("+", HOSTILE, HOSTILE),), (HOSTILE,)),
    Tiles((Tile(HOSTILE, HOSTILE, HOSTILE, spark=(1.0, 2.0), footer=HOSTILE, badge=HOSTILE),)),
    Table(
        (Column("a", HOSTILE), Column("b", HOSTILE, "badge")),
        ({"group": HOSTILE}, {"a": HOSTILE, "b": Cell(HOSTILE, note=HOSTILE)}),
        title=HOSTILE,
        subtitle=HOSTILE,
        notes=(HOSTILE,),
    ),
    Figure(SVG, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,)),
    Callout(HOSTILE, title=HOSTILE),
    Absence(HOSTILE),
    Paragraph(HOSTILE),
    Code(HOSTILE, HOSTILE),
    Row((Paragraph(HOSTILE), Absence(HOSTILE))),
    Stack((Paragraph(HOSTILE),)),
]


@pytest.mark.parametrize("component", ONE_OF_EACH, ids=lambda component: component.kind)
def test_every_text_of_every_component_is_escaped(component):
    page = elements(component)

    # A headline's claim is bold by itself: <strong>; a <b> with onload can only be the hostile one.
    assert not any("onload" in attrs for _, attrs in page.found)
    assert HOSTILE in page.text


@pytest.mark.parametrize("component", ONE_OF_EACH, ids=lambda component: component.kind)
def test_a_component_and_its_json_give_the_same_fragment_every_time(component):
    first, second = component_html(component), component_html(component.to_json())

    assert first == second
    assert not re.search(r'\sid="', first)


def test_a_table_names_its_columns_and_rows_for_screen_readers():
    page = elements(table({"kpi": "Revenue", "value": "748"}))

    assert [attrs["scope"] for attrs in page.named("th")] == ["col", "col", "row"]
    assert len(page.named("td")) == 1


def test_a_group_is_a_heading_across_the_table():
    page = elements(table({"group": "Financial"}, {"kpi": "Revenue", "value": "748"}))

    group = next(attrs for attrs in page.named("th") if attrs["scope"] == "colgroup")
    assert group["colspan"] == "2"


def test_a_column_without_a_value_in_a_row_is_an_empty_cell():
    page = elements(table({"kpi": "Revenue"}))

    assert len(page.named("td")) == 1


def test_a_bullet_graph_keeps_its_text_for_those_who_hear_it():
    columns = (Column("kpi", "KPI"), Column("bar", "", "bullet"))
    cell = Cell("748 of 735", bullet=Bullet(0.8, 0.7, 0.6, 0.9, "good"))
    page = elements(table({"kpi": "Revenue", "bar": cell}, columns=columns))

    assert "748 of 735" in page.text
    assert page.named("svg")[0]["aria-hidden"] == "true"
    band, bar, target = page.named("rect")
    assert (band["x"], band["width"]) == ("60", "30")
    assert bar["width"] == "80"
    assert target["class"] == "kk-bullet-target kk-fill-good"


def test_a_bullet_graph_without_a_value_draws_no_bar():
    columns = (Column("bar", "", "bullet"),)
    page = elements(table({"bar": Cell("no data", bullet=Bullet(None))}, columns=columns))

    assert page.named("rect") == []


@pytest.mark.parametrize("tone", ["neutral", "warning", "bad"])
def test_a_badge_bears_the_tone_of_its_cell(tone):
    table = Table((Column("a", "A", "badge"),), ({"a": Cell("accepted", tone=tone)},))

    assert f'<span class="kk-badge kk-badge-{tone}">accepted</span>' in component_html(table)


def test_a_status_is_a_word_in_a_badge():
    columns = (Column("kpi", "KPI"), Column("status", "Status", "status"))
    row = {"kpi": "NPS", "status": Cell("off track", status="off_track")}
    page = elements(table(row, columns=columns))

    assert {"class": "kk-status kk-off_track"} in page.named("span")
    assert "off track" in page.text


def test_a_comparison_that_is_not_comparable_is_struck_with_its_reason():
    page = elements(table({"kpi": "ARPU", "value": Cell("+5.8 %", note="98 days", struck=True)}))

    assert len(page.named("s")) == 1
    assert "+5.8 % 98 days" in page.text


def test_shaded_cells_run_from_the_pale_to_the_dark_end_and_change_their_ink():
    light, dark = Cell("9", shade=0.0), Cell("54", shade=1.0)
    page = elements(table({"kpi": "6 Jul", "value": light}, {"kpi": "13 Jul", "value": dark}))

    styles = [attrs["style"] for attrs in page.named("td")]
    assert styles == ["background:#e9edf0;color:#22303c", "background:#3f566b;color:#ffffff"]


def test_all_cells_of_a_heat_map_s_column_stand_in_the_middle():
    shaded = {"kpi": "6 Jul", "value": Cell("9", shade=0.1)}
    page = elements(table(shaded, {"kpi": "13 Jul", "value": "·"}))

    assert all("kk-heat" in attrs["class"] for attrs in page.named("td"))
    assert "kk-heat" not in page.named("th")[0]["class"]


def test_a_chart_is_a_picture_with_its_alternative_text_and_no_network():
    page = elements(Figure(SVG, "Revenue by month", "Revenue grew"))

    [image] = page.named("img")
    assert image["alt"] == "Revenue by month"
    assert image["src"].startswith("data:image/svg+xml;base64,")
    # 300 pt are 400 px; a third more is 532.
    assert image["style"] == "max-width:532px"


@pytest.mark.parametrize(("title", "alt"), [("Revenue grew", "Revenue grew"), ("", "Chart")])
def test_a_chart_without_alternative_text_takes_its_title(title, alt):
    page = elements(Figure(SVG, "", title))

    assert page.named("img")[0]["alt"] == alt


def test_a_tile_says_its_trend_in_words():
    tile = Tile("Orders", "18,155", "+4.2 %", "good", "up", (1.0, 3.0), 2.0, "target hit", "gap")
    page = elements(Tiles((tile,)))

    assert page.text == "Orders gap 18,155 ▲ +4.2 % target hit"
    assert page.named("svg")[0]["aria-label"] == (
        "Trend of 2 periods: the last is the highest, above target"
    )


def test_a_single_known_value_between_gaps_is_a_dot():
    page = elements(Tiles((Tile("Orders", "1", spark=(None, 5.0, None, 6.0)),)))

    assert page.named("polyline") == []
    assert len(page.named("circle")) == 3  # two lone values and the mark of the last


def test_headlines_without_decisions_take_the_whole_width():
    alone = elements(Headlines("Revenue grew", (Headline("-", "Conversion fell", "to 2.61 %"),)))

    assert {"class": "kk-columns kk-wide"} in alone.named("div")
    assert alone.text == "Revenue grew –Conversion fell to 2.61 %"


def test_components_side_by_side_keep_their_relative_widths():
    page = elements(Row((Paragraph("a"), Paragraph("b")), (2, 1)))

    columns = page.named("div")[1]["style"]
    assert columns == "grid-template-columns:minmax(0,2fr) minmax(0,1fr) "


def test_a_notebook_s_output_carries_its_style():
    component = Paragraph("Net of refunds.", small=True)

    data, metadata = component._repr_mimebundle_()

    assert data["text/html"] == notebook_html(component)
    assert data["text/html"] == f"<style>{style()}</style>{component_html(component)}"
    assert metadata == {}


def test_the_stylesheet_reaches_nothing_outside_its_own_elements():
    rules = re.sub(r"@(media|supports)[^{]*\{", "", style())
    selectors = re.findall(r"([^{}]+)\{[^{}]*\}", rules)

    assert selectors
    strangers = [one for rule in selectors for one in rule.split(",") if ".kk" not in one]
    assert strangers == []


def test_money_is_kept_from_being_set_as_a_formula():
    # JupyterLab runs MathJax over every output: "$69 k of $68 k" would become mathematics.
    page = elements(Paragraph("$69 k of $68 k"))

    assert "mathjax_ignore" in page.named("div")[0]["class"].split()


def test_the_stylesheet_fetches_nothing():
    assert "url(" not in style()
    assert "@import" not in style()


def test_minified_styles_keep_what_they_say():
    assert minified("/* note */ a , b {\n  color : red ;\n}\n") == "a,b{color : red}"
