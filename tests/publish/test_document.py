import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kpikit.present.components import (
    MIME_TYPE,
    Absence,
    Cover,
    Figure,
    Paragraph,
    Row,
    Stack,
    Table,
)
from kpikit.publish.document import read_document
from kpikit.publish.markdown import node_text

COVER = Cover("Beacon: review", "beacon", "Beacon", "2026Q3", "Q3", "2026-09-30", "final", "r", "h")


def svg(width):
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="100pt"></svg>'


def shown(*components, kind="display_data"):
    outputs = []
    for component in components:
        data, metadata = component._repr_mimebundle_()
        outputs.append(display(data, metadata, kind))
    return new_code_cell("secret = 1", outputs=outputs)


def display(data, metadata=None, kind="display_data"):
    given = {"execution_count": 1} if kind == "execute_result" else {}
    return new_output(kind, data=data, metadata=metadata or {}, **given)


def cell(*outputs):
    return new_code_cell("secret = 1", outputs=list(outputs))


def document(*cells, **options):
    cells = [new_markdown_cell(one) if isinstance(one, str) else one for one in cells]
    return read_document(new_notebook(cells=cells), **options)


def blocks(*cells):
    return [block for section in document(*cells).sections for block in section.blocks]


def test_an_empty_notebook_is_an_empty_document():
    found = document()

    assert found.title == "Report"
    assert found.lang == "en"
    assert found.sections == []


def test_the_title_is_the_cover_s():
    found = document("# Quarterly review", shown(COVER))

    assert found.title == "Beacon: review"
    assert found.cover["run_id"] == "r"
    assert found.sections == []


def test_the_title_is_else_the_only_top_heading_or_the_name_given():
    assert document("# My\nreview", "## A").title == "My"
    assert document("## A", title="weekly").title == "weekly"


def test_a_language_that_is_none_is_english():
    notebook = new_notebook(metadata={"lang": '"><script>'})

    assert read_document(notebook).lang == "en"
    assert read_document(new_notebook(metadata={"lang": "de"})).lang == "de"


def test_sections_have_their_question_and_a_stable_anchor():
    found = document("## Örder value\n\nWhat is it?\n\nMore.", "## Örder value", "## 収益")

    first = found.sections[0]
    assert (first.title, first.id) == ("Örder value", "order-value")
    assert node_text(first.lede) == "What is it?"
    assert [block["kind"] for block in first.blocks] == ["para"]
    assert [section.id for section in found.sections[1:]] == ["order-value-2", "section"]


def test_heading_levels_never_skip():
    found = document("# Title", "## A", "#### deep", "##### deeper", "### back", "## B")

    assert [section.title for section in found.sections] == ["A", "B"]
    assert [block["level"] for block in found.sections[0].blocks] == [3, 4, 3]


def test_several_top_headings_are_sections():
    found = document("# A", "### c", "# B", title="weekly")

    assert found.title == "weekly"
    assert [section.title for section in found.sections] == ["A", "B"]


def test_what_comes_before_the_first_heading_stays_first():
    found = document("Intro.", "## A")

    assert found.sections[0].title == ""
    assert [section.title for section in found.contents] == ["A"]


@pytest.mark.parametrize("kind", ["display_data", "execute_result"])
def test_both_kinds_of_outputs_are_read(kind):
    found = blocks(shown(Paragraph("Net of refunds."), kind=kind))

    assert [block["text"] for block in found] == ["Net of refunds."]


def test_inputs_and_removed_cells_and_outputs_are_left_out():
    hidden = shown(Paragraph("hidden"))
    hidden.metadata["tags"] = ["remove-cell"]
    silent = shown(Paragraph("silent"))
    silent.metadata["tags"] = ["remove-output"]

    found = blocks(hidden, silent, new_code_cell("secret = 1"), nbformat.v4.new_raw_cell("raw"))

    assert found == []


def test_stacks_are_unpacked_and_rows_keep_their_parts_together():
    row = Row((Paragraph("left"), Stack((Paragraph("a"), Paragraph("b")))), (2, 1))

    found = blocks(shown(Stack((Paragraph("top"), row, COVER))))

    assert [block["kind"] for block in found] == ["paragraph", "row"]
    assert [item["kind"] for item in found[1]["items"]] == ["paragraph", "stack"]


def test_a_section_of_absences_alone_is_absent():
    found = document(
        "## Funnel", shown(Absence("No events.")), "## Goals", shown(Absence("x"), Paragraph("y"))
    )

    assert [section.absent for section in found.sections] == [True, False]
    assert not document(shown(Absence("No heading."))).sections[0].absent


def test_charts_of_half_a_page_that_follow_one_another_share_a_line():
    half = [Figure(svg(354), f"chart {index}") for index in range(3)]
    full = Figure(svg(728), "wide")

    found = blocks(shown(half[0]), shown(half[1]), shown(full), shown(half[2]))

    assert [block["kind"] for block in found] == ["row", "figure", "figure"]


def test_a_chart_without_alternative_text_says_what_it_shows_or_where_it_stands():
    named = Figure(svg(728), "", "Revenue grew", "£ k")
    nameless = Figure(svg(728), "")

    found = blocks("## Trends", shown(named, nameless))

    assert [block["alt"] for block in found] == [
        "Revenue grew. £ k",
        "Chart in the section “Trends”",
    ]


def test_an_analyst_s_plot_takes_the_drawing_before_the_bitmap():
    data = {"image/svg+xml": [svg(10)], "image/png": "AAAA", "text/plain": "<Figure>"}

    [plot] = blocks(cell(display(data)))

    assert (plot["kind"], plot["width"], plot["alt"]) == ("image", 10.0, "Chart")


def test_alternative_text_in_the_output_s_metadata_is_kept():
    given = {"image/svg+xml": {"alt": "Own words"}}

    [plot] = blocks(cell(display({"image/svg+xml": svg(10)}, given)))

    assert plot["alt"] == "Own words"


def test_a_bitmap_that_is_none_falls_back_to_its_text():
    found = blocks(cell(display({"image/png": "%%%", "text/plain": "a plot"})))

    assert [block["kind"] for block in found] == ["output", "note"]
    assert found[1]["text"] == (
        "This output (image/png) is shown as text here; open the notebook for it."
    )


def test_a_widget_that_says_nothing_is_noted_without_its_repr():
    data = {"application/x-widget+json": {}, "text/plain": "<Widget object at 0x7f>"}

    [note] = blocks(cell(display(data)))

    assert note["text"] == (
        "This output (application/x-widget+json) is not shown here; open the notebook for it."
    )


def test_html_markdown_and_latex_outputs_are_read():
    found = blocks(
        cell(
            display({"text/html": "<p>one</p>"}),
            display({"text/markdown": "**two**"}),
            display({"text/latex": "$x^2$"}),
            display({"text/plain": "four"}),
        )
    )

    assert [block["kind"] for block in found] == ["para", "para", "image", "output"]


def test_empty_html_falls_back_to_the_text():
    found = blocks(cell(display({"text/html": " ", "text/plain": "x"})))

    assert found[0]["text"] == "x"


def test_streams_lose_their_colours_and_what_a_progress_bar_wrote_over():
    out = new_output("stream", name="stdout", text="10 %\r100 %\n\x1b[31mdone\x1b[0m\n")
    err = new_output("stream", name="stderr", text="UserWarning: careful\n")
    empty = new_output("stream", name="stdout", text="\n \n")

    found = blocks(cell(out, err, empty))

    assert found == [
        {"kind": "output", "text": "100 %\ndone", "label": ""},
        {"kind": "output", "text": "UserWarning: careful", "label": "Message"},
    ]


def test_an_error_keeps_its_name_and_its_trace():
    error = new_output("error", ename="ValueError", evalue="bad", traceback=["\x1b[31mline\x1b[0m"])

    assert blocks(cell(error)) == [{"kind": "error", "title": "ValueError: bad", "text": "line"}]


def test_control_characters_and_turned_text_are_dropped():
    [paragraph] = blocks("a\x07b \u202eevil\u202c \ufeffc")

    assert node_text(paragraph["children"]) == "ab evil c"


def test_a_part_of_another_version_is_noted():
    [note] = blocks(cell(display({MIME_TYPE: {"kind": "hologram"}, "text/plain": "x"})))

    assert note["text"] == "A part of a kind of another version (hologram) is not drawn."


def test_a_table_without_columns_says_so():
    [line] = blocks(shown(Table((), (), title="Segments")))

    assert line == {"kind": "absence", "text": "Segments has no columns."}


def test_footnotes_are_numbered_through_the_document():
    found = document("a[^x] b[^x]\n\n[^x]: one\n", "c[^x]\n\n[^x]: two\n")

    notes = [
        node
        for block in found.sections[0].blocks
        for node in block["children"]
        if node["kind"] == "footnote"
    ]
    assert [(note["number"], note["first"]) for note in notes] == [(1, True), (1, False), (2, True)]
    assert [note["number"] for note in found.footnotes] == [1, 2]
