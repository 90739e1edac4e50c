import io
import itertools
import json
import re

import pandas as pd
import pypdf
import pytest
import typst
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kpikit.errors import RenderError
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
from kpikit.publish import layout
from kpikit.publish import pdf as pdf_module
from kpikit.publish import typst as engine
from kpikit.publish.pagination import MIN_SCALE, Filling, filled, report_units
from kpikit.publish.pdf import render_pdf

HOSTILE = '<b>&" #panic() $x$ *_ [x] \\ ` ~ @key // /* {{7*7}}'


def svg(width=354, height=170):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" '
        f'viewBox="0 0 {width} {height}"><rect width="{width}" height="{height}"/></svg>'
    )


def cover(**changes):
    given = {
        "title": "Beacon Shop: quarterly review 2026Q3", "product_key": "beacon",
        "product_name": "Beacon Shop", "period_label": "2026Q3",
        "period_text": "fiscal 2026 Q3 (1 Jul – 30 Sep 2026)", "as_of": "2026-09-30",
        "state": "final", "run_id": "3f9c21ab", "data_hash": "0123456789abcdef",
        "facts": (("Stage", "growth"), ("Owner", "commerce analytics")),
    }  # fmt: skip
    return Cover(**{**given, **changes})


def shown(*components):
    outputs = []
    for component in components:
        data, metadata = component._repr_mimebundle_()
        outputs.append(new_output("display_data", data=data, metadata=metadata))
    return new_code_cell("secret = 1", outputs=outputs)


def notebook(*cells):
    made = [new_markdown_cell(one) if isinstance(one, str) else one for one in cells]
    for index, cell in enumerate(made):
        cell["id"] = f"cell-{index}"  # nbformat's own ids are random
    return new_notebook(cells=made)


@pytest.fixture(scope="module")
def review():
    """A small review with a part of every kind."""
    columns = (
        Column("kpi", "KPI"),
        Column("actual", "Actual", "number", emphasis=True),
        Column("bar", "", "bullet"),
        Column("trend", "8 quarters", "spark"),
        Column("status", "Status", "status"),
        Column("remark", "Data", "badge"),
    )
    row = {
        "kpi": Cell("Conversion", note="leading"),
        "actual": Cell("2.61 %", tone="bad"),
        "bar": Cell("2.61 % of 2.75 %", bullet=Bullet(0.7, 0.8, 0.6, 0.9, "bad")),
        "trend": Cell("", spark=(3.0, None, 2.0)),
        "status": Cell("off track", status="off_track"),
        "remark": "gap",
    }
    figures = [Figure(svg(), f"Alternative {index}", f"Message {index}", "£ k") for index in (1, 2)]
    return notebook(
        "# Quarterly review",
        shown(cover()),
        "## Executive summary\n\nWhat moved?",
        shown(
            Headlines(
                "Revenue grew 10 %", (Headline("+", "Revenue rose", "to £748 k."),), ("Decide.",)
            ),
            Tiles(
                (Tile("Orders", "18,155", "+4.2 %", "good", "up", (1.0, 2.0), 1.5, "hit", "gap"),)
            ),
        ),
        "## Scorecard",
        shown(Table(columns, ({"group": "Customer"}, row), title="One KPI is off track")),
        "## Goals",
        shown(Absence("No goals: add goals to the parameters.")),
        "## Trends",
        shown(
            Row(tuple(figures)), Callout("Careful.", "warning", "Note."), Code("select 1", "SQL")
        ),
        "## Own words\n\n#### Deep\n\nText[^1] with $x^2$ and a [link](https://example.org).\n\n"
        "[^1]: A note with *form*.\n",
        shown(Paragraph("Small print.", small=True)),
    )


@pytest.fixture(scope="module")
def rendered(review):
    return render_pdf(review)


@pytest.fixture(scope="module")
def reader(rendered):
    return read(rendered)


def read(result):
    return pypdf.PdfReader(io.BytesIO(result.data))


def refusal(message, *hints):
    """Return Typst's error as its compiler raises it: the attributes are set from outside."""
    error = typst.TypstError(message)
    error.message, error.hints = message, list(hints)
    return error


def text_of(found):
    reader = found if isinstance(found, pypdf.PdfReader) else read(found)
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def tags(reader):
    """Return every structure element's role and alternative text, in reading order."""
    found = []

    def visit(element):
        element = element.get_object()
        if isinstance(element, list):
            for child in element:
                visit(child)
        elif isinstance(element, dict):
            if "/S" in element:
                found.append((element["/S"], element.get("/Alt")))
            if "/K" in element:
                visit(element["/K"])

    visit(reader.trailer["/Root"]["/StructTreeRoot"])
    return found


def test_it_meets_the_standard_for_accessible_pdf_and_says_nothing_more(rendered):
    assert rendered.standard == "ua-1"
    assert rendered.note == ""


def test_it_is_tagged_and_names_its_title_and_language(reader):
    root = reader.trailer["/Root"]

    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert reader.metadata.title == "Beacon Shop: quarterly review 2026Q3"
    assert reader.metadata.author == "commerce analytics"
    assert "pdfuaid:part" in root["/Metadata"].get_data().decode()


def test_pages_are_a4_landscape_with_running_lines(reader):
    width, height = (float(side) for side in reader.pages[0].mediabox[2:])
    count = len(reader.pages)

    assert (round(width), round(height)) == (842, 595)
    for number, page in enumerate(reader.pages, start=1):
        words = " ".join(page.extract_text().split())
        assert "Beacon Shop · fiscal 2026 Q3 (1 Jul – 30 Sep 2026)" in words
        assert "data as of 2026-09-30 · final" in words
        assert "Owner: commerce analytics · run 3f9c21ab · sealed" in words
        assert f"{number} of {count}" in words


def test_a_draft_says_so_on_every_page():
    words = text_of(render_pdf(notebook(shown(cover(state="draft", facts=())))))

    assert "data as of 2026-09-30 · draft" in words
    assert "run 3f9c21ab · draft" in words
    assert "Owner" not in words


def test_bookmarks_name_the_sections_and_contents_their_pages(reader):
    names = [item.title for item in reader.outline if not isinstance(item, list)]

    assert names == ["Executive summary", "Scorecard", "Goals", "Trends", "Own words"]
    first_page = " ".join(reader.pages[0].extract_text().split())
    for name in names[1:]:
        assert re.search(rf"{name} \d+", first_page)


def test_every_text_of_every_part_is_on_the_page(reader):
    words = text_of(reader)

    for part in (
        "Revenue grew 10 %", "Revenue rose to £748 k.", "Decide.", "18,155", "+4.2 %", "gap",
        "One KPI is off track", "CUSTOMER", "Conversion leading", "2.61 %", "off track",
        "Not in this report", "No goals: add goals to the parameters.", "Message 1", "Message 2",
        "Note. Careful.", "select 1", "Deep", "A note with form.", "Small print.",
    ):  # fmt: skip
        assert part in words
    assert "secret" not in words


def test_marks_and_charts_have_alternative_texts(reader):
    described = [alt for role, alt in tags(reader) if role == "/Figure"]

    assert "Alternative 1" in described
    assert "2.61 % of 2.75 %" in described
    assert "Trend of 3 periods: the last is the lowest" in described
    assert "Formula: x^2" in described
    assert all(described)


def test_tables_have_heads_and_headings_never_skip(reader):
    roles = [role for role, _ in tags(reader)]

    assert {"/Table", "/TH", "/TR", "/TD", "/L", "/Note"} <= set(roles)
    levels = [int(role[2:]) for role in roles if re.fullmatch(r"/H\d", role)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_all_faces_are_embedded_and_come_from_the_wheels(reader):
    names = set()
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            [inner] = font.get_object()["/DescendantFonts"]
            descriptor = inner.get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(descriptor)
            names.add(inner.get_object()["/BaseFont"].split("+")[1].split("-")[0])

    assert names <= {"SourceSansPro", "DejaVuSansMono", "DejaVuSans"}
    assert "SourceSansPro" in names


def test_the_same_notebook_gives_the_same_bytes(review, rendered):
    assert render_pdf(review).data == rendered.data


def test_the_file_s_time_is_that_of_the_data_or_of_the_environment(review, rendered, monkeypatch):
    assert read(rendered).metadata.creation_date.date().isoformat() == "2026-09-30"

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")

    assert render_pdf(review).standard == "ua-1"


@pytest.mark.parametrize(
    "component",
    [
        Paragraph(HOSTILE),
        Callout(HOSTILE),
        Code(HOSTILE, HOSTILE),
        Headlines(HOSTILE, (Headline("!", HOSTILE, HOSTILE),), (HOSTILE,)),
        Tiles((Tile(HOSTILE, HOSTILE, HOSTILE, footer=HOSTILE),)),
        Table((Column("a", HOSTILE),), ({"a": HOSTILE}, {"group": HOSTILE}, {"a": HOSTILE})),
        Figure(svg(), HOSTILE, HOSTILE, HOSTILE, (HOSTILE,)),
        Stack((Absence(HOSTILE), Paragraph("x"))),
        cover(title=HOSTILE, product_name=HOSTILE),
    ],
    ids=lambda component: component.kind,
)
def test_no_text_of_any_part_acts_as_code(component):
    result = render_pdf(notebook(shown(component)))

    assert result.standard == "ua-1"
    assert "#panic() $x$" in text_of(result)


def test_hostile_markdown_is_text():
    result = render_pdf(notebook("A #panic() @key <label> [x] = y // z\n\n#let x = 1"))

    assert "A #panic() @key [x] = y // z" in text_of(result)
    assert "#let x = 1" in text_of(result)


def test_an_empty_notebook_is_a_page():
    result = render_pdf(notebook(), title="weekly")

    assert len(read(result).pages) == 1
    assert read(result).metadata.title == "weekly"
    assert "1 of 1" in text_of(result)


def test_characters_that_the_faces_lack_are_replaced_and_told():
    result = render_pdf(notebook("Launch 🚀 in 日本", shown(Paragraph("é ▲ 漢"))))

    assert "Launch [rocket] in ▯▯" in text_of(result)
    assert result.note == (
        "Characters that the fonts of this PDF lack are replaced "
        "(U+65E5 as ▯, U+672C as ▯, U+6F22 as ▯, U+1F680 as [rocket])."
    )
    assert result.note in text_of(result)


def test_a_number_never_parts_from_its_unit():
    decision = "Act on this, or set another target: " + "it is likely to miss £4 M, " * 40

    found = read(render_pdf(notebook(shown(Headlines("Up 11.2 % to £4 M", (), (decision,))))))

    lines = [line.strip() for page in found.pages for line in page.extract_text().splitlines()]
    assert len(lines) > 20
    assert not [line for line in lines if line.endswith("£4")]
    assert "£4\xa0M" in "".join(lines)


def test_many_such_characters_are_counted():
    result = render_pdf(notebook("".join(chr(0x4E00 + index) for index in range(20))))

    assert "and 8 more)." in result.note


def test_a_long_table_runs_over_pages_and_repeats_its_head():
    rows = tuple({"name": f"check {index}", "rows": str(index)} for index in range(120))
    columns = (Column("name", "Check"), Column("rows", "Rows touched", "number"))
    found = read(render_pdf(notebook("## Checks", shown(Table(columns, rows)))))

    assert len(found.pages) > 2
    assert all("Rows touched" in page.extract_text() for page in found.pages)
    words = text_of(found)
    assert all(f"check {index}" in words for index in range(120))


def test_a_frame_too_wide_for_the_page_is_parted_and_nothing_is_cut():
    frame = pd.DataFrame([[10_000.25 + index for index in range(40)]])
    frame.columns = [f"measurement_{index:02d}" for index in range(40)]
    markup = frame.to_html()
    output = new_output("execute_result", data={"text/html": markup}, execution_count=1)
    found = read(render_pdf(notebook(new_code_cell("frame", outputs=[output]))))

    words = text_of(found)
    assert all(f"measurement_{index:02d}" in words for index in range(40))
    assert "of 41" in words
    right_edges = []
    for page in found.pages:
        page.extract_text(visitor_text=lambda text, _, place, *__: right_edges.append(place[4]))
    assert max(right_edges) < 842 - 40


def test_blocks_inside_lists_quotes_and_footnotes_are_drawn():
    result = render_pdf(
        notebook(
            "* item\n\n  ```\n  select 1\n  ```\n\n  | a | b |\n  |--|--|\n  | in a list | 1 |\n\n"
            "> quote\n>\n> | c |\n> |--|\n> | in a quote |\n\n"
            "text[^1]\n\n[^1]: note\n\n    ```\n    in a note\n    ```\n"
        )
    )

    assert result.standard == "ua-1"
    for part in ("select 1", "in a list", "in a quote", "in a note"):
        assert part in text_of(result)


def test_an_analyst_s_outputs_are_drawn(review):
    outputs = [
        new_output("stream", name="stdout", text="printed"),
        new_output("error", ename="ValueError", evalue="bad", traceback=["line 1", "line 2"]),
        new_output("display_data", data={"image/svg+xml": svg()}, metadata={}),
        new_output(
            "display_data", data={"text/html": "<p>Hello</p><script>x</script>"}, metadata={}
        ),
    ]
    result = render_pdf(notebook("## Own", new_code_cell("x", outputs=outputs)))

    words = text_of(result)
    for part in ("printed", "ValueError: bad", "line 2", "Hello", "not drawn here (script)"):
        assert part in words
    assert ("/Figure", "Chart in the section “Own”") in tags(read(result))


def test_pictures_that_cannot_be_drawn_are_noted_and_the_rest_is_drawn():
    broken = '<svg width="10" height="10"><g></svg>'
    output = new_output("display_data", data={"image/svg+xml": broken}, metadata={})
    result = render_pdf(
        notebook(
            "# Title",
            new_code_cell("x", outputs=[output]),
            shown(
                Figure(broken, "Revenue by month", "Revenue grew"), Row((Figure(svg(), "whole"),))
            ),
        )
    )

    words = text_of(result)
    assert "[picture that cannot be drawn: Chart]" in words
    assert "Revenue grew [picture that cannot be drawn: Revenue by month]" in words
    assert ("/Figure", "whole") in tags(read(result))


def test_a_broken_chart_among_whole_ones_is_noted_too():
    charts = (Figure("<svg><g></svg>", "Orders"), Figure(svg(), "Revenue"))

    result = render_pdf(notebook("## Trends", *map(shown, charts)))

    assert "[picture that cannot be drawn: Orders]" in text_of(result)
    assert ("/Figure", "Revenue") in tags(read(result))


def test_a_drawing_too_heavy_is_set_as_pixels(monkeypatch):
    monkeypatch.setattr(layout, "_HEAVY_SVG", 100)
    light = render_pdf(notebook(shown(Figure(svg(), "Revenue"))))

    found = read(light)

    images = found.pages[0]["/Resources"]["/XObject"]
    assert any(item.get_object()["/Subtype"] == "/Image" for item in images.values()) or any(
        found.pages[0].images
    )
    assert ("/Figure", "Revenue") in tags(found)


def test_what_accessible_pdf_refuses_becomes_plain_pdf_with_its_reason(review, monkeypatch):
    draw = engine._compile

    def refuse(name, inputs, timestamp, standards):
        if standards:
            raise refusal("PDF/UA-1 error: missing alt text")
        return draw(name, inputs, timestamp, standards)

    monkeypatch.setattr(engine, "_compile", refuse)

    result = render_pdf(review)

    assert result.standard == "1.7"
    assert result.note == ("plain PDF, for PDF/UA-1 was refused: PDF/UA-1 error: missing alt text")
    assert result.data.startswith(b"%PDF-1.7")


def test_content_that_cannot_be_drawn_at_all_is_an_error(review, monkeypatch):
    def refuse(*_):
        raise refusal("out of luck", "try a hint")

    monkeypatch.setattr(engine, "_compile", refuse)

    with pytest.raises(RenderError, match="The PDF cannot be drawn: out of luck try a hint"):
        render_pdf(review)


def test_a_page_that_would_end_half_white_is_filled():
    # A chart of 300 pt and a second of 180: together 40 too high for a page of 482. Each gives a
    # fifth at most, which is enough.
    tall = [Figure(svg(700, height), f"chart {height}") for height in (300, 180)]
    found = read(render_pdf(notebook(shown(*tall), shown(Paragraph("The end.")))))

    assert len(found.pages) == 1


def test_the_data_of_a_report_reach_the_template_as_json(review, monkeypatch):
    seen = []
    draw = engine._compile

    def spy(name, inputs, timestamp, standards):
        seen.append(json.loads(inputs["data"]))
        return draw(name, inputs, timestamp, standards)

    monkeypatch.setattr(engine, "_compile", spy)
    render_pdf(review)

    assert seen[0]["date"] == {"year": 2026, "month": 9, "day": 30}
    assert seen[0]["palette"]["ink"] == "#22303c"
    assert '"uri"' not in json.dumps(seen[0])
    assert "<svg" not in json.dumps(seen[0])  # drawings are inputs of their own


def test_a_chart_and_a_table_give_as_much_height_as_their_data_say(monkeypatch):
    laid_out = []
    monkeypatch.setattr(pdf_module, "filled", lambda data, _: laid_out.append(data) or data)
    wide = Figure(svg(width=700), "Alternative", "Message", "£ k")
    rows = ({"group": "Customer"}, {"a": "1"}, {"a": "two\nlines"})
    table = Table((Column("a", "A"),), rows, title="Table")
    render_pdf(notebook("## Trends", shown(wide), shown(table)))
    data = laid_out[0]
    closer = filled(data, Filling({(0, 0): 0.9, (0, 1): 0.9}, frozenset()))

    before, after = (
        engine.measure(state, scale=MIN_SCALE)["sections"][0]["blocks"] for state in (data, closer)
    )

    units = report_units(data, engine.measure(data, scale=MIN_SCALE))[1:]
    for unit, high, low in zip(units, before, after, strict=True):
        assert high - low == pytest.approx(0.1 * unit.give)
        assert unit.give > 0
