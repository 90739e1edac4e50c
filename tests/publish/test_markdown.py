import base64

import pytest

from kpikit.publish.markdown import formula, node_text, parse_markdown

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # noqa: E501 - a picture


def text(words):
    return {"kind": "text", "text": words}


def only_paragraph(source, **options):
    [paragraph] = parse_markdown(source, **options)
    assert paragraph["kind"] == "para"
    return paragraph["children"]


def kinds(nodes):
    return [node["kind"] for node in nodes]


def test_special_characters_of_every_markup_stay_text():
    source = "Costs # @ < > ~ #let x = 1; `a#b` {{ x }} & \\* \\_"

    children = only_paragraph(source)

    assert node_text(children) == "Costs # @ < > ~ #let x = 1; a#b {{ x }} & * _"
    assert set(kinds(children)) == {"text", "code_text"}


def test_words_keep_their_form():
    children = only_paragraph("**a** *b* ~~c~~ `d`")

    assert [kind for kind in kinds(children) if kind != "text"] == [
        "strong", "emph", "strike", "code_text",
    ]  # fmt: skip


def test_a_soft_line_end_is_a_space_and_a_hard_one_a_break():
    children = only_paragraph("a\nb  \nc<br>d")

    assert kinds(children) == ["text", "text", "text", "break", "text", "break", "text"]
    assert node_text(children) == "a b c d"


def test_a_heading_keeps_its_level_and_one_without_text_is_dropped():
    blocks = parse_markdown("### Trends `x`\n\n## \n")

    assert [(block["kind"], block["level"]) for block in blocks] == [("heading", 3)]
    assert node_text(blocks[0]["children"]) == "Trends x"


def test_a_heading_that_is_a_formula_alone_becomes_its_source():
    [heading] = parse_markdown("## $x^2$")

    assert heading["children"] == [text("Formula: x^2")]


@pytest.mark.parametrize("url", ["https://example.org/?a=1&b=2", "mailto:a@example.org"])
def test_links_to_the_web_and_to_people_are_links(url):
    [link] = only_paragraph(f"[here]({url})")

    assert link == {"kind": "link", "url": url, "children": [text("here")]}


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "#anchor", "data:x"])
def test_any_other_link_is_its_words(url):
    children = only_paragraph(f"[here]({url})")

    assert children == [text("here")]


def test_a_list_knows_its_order_its_start_and_its_nested_lists():
    [items] = parse_markdown("3. three\n4. four\n   * nested\n")

    assert (items["ordered"], items["start"]) == (True, 3)
    assert kinds(items["items"][1]) == ["para", "list"]


def test_done_and_open_tasks_show_their_boxes():
    [tasks] = parse_markdown("- [x] done\n- [ ] open\n")

    assert [node_text(item[0]["children"]) for item in tasks["items"]] == ["☑ done", "☐ open"]


def test_lists_and_quotes_nested_too_deep_are_set_at_the_deepest_level():
    quotes = parse_markdown(">" * 12 + " deep")

    depth = 0
    while quotes[0]["kind"] == "quote":
        quotes, depth = quotes[0]["blocks"], depth + 1
    assert depth == 6
    assert "deep" in node_text(quotes[0]["children"])


def test_a_table_has_a_head_and_sides():
    [table] = parse_markdown("| KPI | Value |\n|:--|--:|\n| **NPS** | 38 |\n")

    assert [cell["text"] for cell in table["head"][0]] == ["KPI", "Value"]
    assert [cell["align"] for cell in table["body"][0]] == ["left", "right"]
    assert table["body"][0][0]["children"][0]["kind"] == "strong"


def test_code_and_rules_are_blocks():
    blocks = parse_markdown("```sql\nselect 1\n```\n\n---\n")

    assert blocks == [{"kind": "code", "title": "", "text": "select 1"}, {"kind": "rule"}]


def test_raw_html_is_reduced_to_its_text():
    blocks = parse_markdown("a <b>bold</b> word\n\n<div>block <script>alert(1)</script></div>\n")

    assert node_text(blocks[0]["children"]) == "a bold word"
    assert node_text(blocks[1]["children"]) == "block"
    assert blocks[2]["kind"] == "note"


def test_a_footnote_holds_its_own_blocks():
    children = only_paragraph("a[^n]\n\n[^n]: A *note*.\n", scope="7")

    note = children[1]
    assert (note["kind"], note["key"]) == ("footnote", "7:N")
    assert node_text(note["children"][0]["children"]) == "A note."
    assert node_text(children) == "a"


def test_a_footnote_that_cites_itself_comes_to_an_end():
    children = only_paragraph("a[^1]\n\n[^1]: b[^1]\n")

    assert node_text(children[1]["children"][0]["children"]) == "b[^1]"


def test_an_attached_picture_is_drawn_with_its_alternative_text():
    attachments = {"chart.png": {"image/png": PIXEL}}

    [picture] = parse_markdown("![Our shop](attachment:chart.png)", attachments)

    assert (picture["kind"], picture["alt"]) == ("image", "Our shop")
    assert (picture["width"], picture["height"]) == (0.75, 0.75)


def test_an_attached_drawing_is_read_from_its_bytes():
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt"/>'
    attachments = {"a.svg": {"image/svg+xml": base64.b64encode(svg.encode()).decode()}}

    [picture] = parse_markdown("![](attachment:a.svg)", attachments)

    assert (picture["width"], picture["height"], picture["alt"]) == (72.0, 36.0, "Picture")


def test_a_picture_in_the_text_itself_is_drawn():
    children = only_paragraph(f"see ![dot](data:image/png;base64,{PIXEL})")

    assert children[1]["kind"] == "image"


@pytest.mark.parametrize("url", ["https://example.org/a.png", "plot.png", "attachment:gone.png"])
def test_a_picture_that_the_notebook_lacks_says_so(url):
    children = only_paragraph(f"![Our shop]({url})")

    assert children == [text("[picture not in the notebook: Our shop]")]


def test_a_formula_is_a_drawing_with_its_source_as_alternative_text():
    children = only_paragraph("rate $\\frac{a}{b}$")

    assert children[1]["alt"] == "Formula: \\frac{a}{b}"
    assert children[1]["svg"].startswith("<svg")
    assert children[1]["inline"]
    assert children[1]["depth"] > 0  # a fraction reaches below the line


def test_a_formula_of_its_own_stands_alone():
    [shown] = parse_markdown("$$\n\\bar{x}\n$$\n")

    assert (shown["kind"], shown["inline"]) == ("image", False)


def test_dollars_of_money_are_no_formula():
    children = only_paragraph("from $5 to $ 6, $748 k of $1 M")

    assert children == [text("from $5 to $ 6, $748 k of $1 M")]


def test_a_formula_that_cannot_be_read_stays_as_its_source():
    assert formula("\\text{a < b}", display=False) == {"kind": "code_text", "text": "\\text{a < b}"}
    assert parse_markdown("$$\n\\text{a < b}\n$$\n") == [
        {"kind": "code", "title": "", "text": "\\text{a < b}"}
    ]


def test_an_attachment_that_is_no_picture_says_so_and_a_nameless_box_stays_a_list():
    attachments = {"a.png": {"image/png": "%%%"}}

    assert node_text(only_paragraph("![x](attachment:a.png)", attachments=attachments)) == (
        "[picture not in the notebook: x]"
    )
    [tasks] = parse_markdown("- [ ] ```a```\n- [x]\n")
    assert tasks["kind"] == "list"
