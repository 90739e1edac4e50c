import pytest

from kpikit.present.components import (
    Bullet,
    Cell,
    Code,
    Column,
    Figure,
    Headline,
    Headlines,
    Row,
    Stack,
    Table,
    Tile,
    Tiles,
)
from kpikit.publish.document import Document, Section
from kpikit.publish.html_reader import read_html
from kpikit.publish.layout import (
    GUTTER,
    PAGE_WIDTH,
    breakable_line,
    lay_out,
    page_data,
)


def svg(width, height=100):
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt"></svg>'


def laid(component, width=PAGE_WIDTH):
    return lay_out(component.to_json(), width)


def section(*components, title="Trends"):
    return Section(title, "x", [], [], [component.to_json() for component in components])


def test_a_table_s_cells_carry_what_they_draw():
    columns = (Column("kpi", "KPI"), Column("bar", "", "bullet"), Column("line", "", "spark"))
    row = {
        "kpi": Cell("NPS", shade=0.0),
        "bar": Cell("38 of 40", bullet=Bullet(1.2)),
        "line": Cell("", spark=(1.0, 2.0)),
    }
    [part] = laid(Table(columns, ({"group": "Customer"}, row)))["parts"]

    group, cells = part["rows"]
    assert group == {"group": "Customer"}
    assert cells["cells"][0]["fill"] == "#e9edf0"
    assert cells["cells"][1]["bullet"]["value"] == 1.0
    assert cells["cells"][2]["spark"]["alt"].startswith("Trend of 2 periods")
    assert [column["heat"] for column in part["columns"]] == [True, False, False]


def test_a_short_listing_is_one_block():
    code = Code("\n".join(["select 1"] * 22))

    assert laid(code)["pages"] == []
    assert laid(Code("\n".join(["x"] * 99)), PAGE_WIDTH / 2)["pages"] == []


def test_a_long_listing_is_set_in_three_columns_read_downwards():
    code = Code("\n".join(f"line {index}" for index in range(72)))

    first, second = laid(code)["pages"]

    # Three columns of 22 lines, then the last six lines as three of two.
    assert [column.count("\n") + 1 for column in first] == [22, 22, 22]
    assert second == ["line 66\nline 67", "line 68\nline 69", "line 70\nline 71"]


def test_a_line_too_long_for_its_column_goes_on_below_further_in():
    code = Code("\n".join(["", "  " + "word " * 12, *["x"] * 30]))

    [[first, *_]] = laid(code)["pages"]

    assert first.split("\n")[:3] == ["", "  word" + " word" * 9, "      word word"]


def test_a_short_table_stays_on_one_page_and_a_long_one_runs_over():
    columns = (Column("a", "A"),)

    assert not laid(Table(columns, ({"a": "x"},) * 16))["breakable"]
    assert laid(Table(columns, ({"a": "x"},) * 17))["breakable"]


def test_an_appendix_is_set_smaller():
    columns = (Column("a", "A"),)

    assert (
        laid(Table(columns, ({"a": "x"},), compact=True))["size"] < laid(Table(columns, ()))["size"]
    )


def test_a_wide_table_names_the_columns_of_its_parts():
    columns = tuple(
        Column(f"c{index}", f"measurement_{index:02d}", "number") for index in range(30)
    )
    parts = laid(Table(columns, ({column.key: "1" for column in columns},)))["parts"]

    assert len(parts) > 1
    assert parts[0]["label"].startswith("Columns 1 to ")
    assert parts[-1]["label"].endswith(" to 30 of 30")
    assert parts[1]["columns"][0]["key"] == "c0"


def test_words_longer_than_a_column_may_break():
    [part] = laid(Table((Column("a", "A"),), ({"a": "f" * 45},)))["parts"]

    assert part["rows"][0]["cells"][0]["text"] == "\u200b".join(["f" * 20, "f" * 20, "f" * 5])
    assert breakable_line("x" * 69) == "x" * 69
    assert breakable_line("x" * 70).count("\u200b") == 3


def test_a_parsed_table_is_parted_with_its_spans_cut():
    wide = "".join(f"<td>{index:012d}</td>" for index in range(40))
    head = "<thead><tr><th>k</th><th colspan=40>All</th></tr></thead>"
    markup = f"<table>{head}<tr><th>x</th>{wide}</tr></table>"
    [grid] = read_html(markup)

    parts = lay_out(grid, PAGE_WIDTH)["parts"]

    assert len(parts) > 1
    for part in parts:
        assert [cell["text"] for cell in part["head"][0]] == ["k", "All"]
        assert part["head"][0][1]["colspan"] == len(part["widths"]) - 1
        assert [cell["x"] for cell in part["body"][0]] == list(range(len(part["widths"])))


def test_a_chart_keeps_its_size_unless_its_place_is_smaller():
    assert laid(Figure(svg(300), "a"))["image"]["width"] == 300.0
    assert laid(Figure(svg(300), "a"), 150.0)["image"]["height"] == 50.0
    # The highest chart is 118 mm = 334.49 pt.
    assert laid(Figure(svg(100, 1000), "a"))["image"]["height"] == pytest.approx(334.49, abs=0.01)


def test_parts_side_by_side_share_the_width_less_the_gutter():
    row = laid(Row((Figure(svg(900), "a"), Stack((Figure(svg(900), "b"),))), (2, 1)), 300 + GUTTER)

    assert row["widths"] == pytest.approx([200.0, 100.0])
    assert row["items"][0]["image"]["width"] == pytest.approx(200.0)
    assert row["items"][1]["items"][0]["image"]["width"] == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("count", "columns"), [(0, 1), (1, 1), (5, 5), (6, 6), (7, 4), (8, 4), (11, 6)]
)
def test_tiles_stand_in_even_lines(count, columns):
    tiles = laid(Tiles((Tile("a", "1"),) * count))

    assert tiles["columns"] == columns


def test_tiles_of_a_line_fill_it():
    tiles = laid(Tiles((Tile("a", "1", spark=(1.0, None)), Tile("b", "2"))), 308.0)

    assert tiles["width"] == pytest.approx(150.0)
    assert tiles["items"][0]["spark"]["dot"] == (0.0, 0.5)
    assert tiles["items"][1]["spark"] is None


def test_contents_come_with_the_fourth_section():
    three = [section(title=name) for name in "abc"]

    assert not page_data(Document("T", "en", {}, three))["contents"]
    assert page_data(Document("T", "en", {}, [*three, section(title="d")]))["contents"]


def test_a_section_is_a_summary_absent_or_plain():
    summary = section(Headlines("Revenue grew", (Headline("+", "a"),)))
    nameless = section(Headlines("Revenue grew", ()), title="")
    absent = Section("Goals", "g", [], [], [{"kind": "absence", "text": "x"}])

    data = page_data(Document("T", "en", {}, [summary, nameless, absent, section()]))

    assert [one["kind"] for one in data["sections"]] == ["summary", "summary", "absent", "plain"]
    assert [one["blocks"][0]["level"] for one in data["sections"][:2]] == [3, 2]
