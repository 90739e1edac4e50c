import itertools
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kpikit.present.components import (
    Absence,
    Column,
    Cover,
    Figure,
    Headline,
    Headlines,
    Paragraph,
    Row,
    Table,
)
from kpikit.present.html import component_html
from kpikit.publish.html import render_html

VOID = {"meta", "img", "br", "hr", "input", "link"}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="728pt" height="100pt"></svg>'


class Page(HTMLParser):
    """The elements of a page; it checks that every one is closed where it was opened."""

    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.found, self.words, self._open = [], [], []
        self.feed(markup)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.words.append(data)

    def named(self, tag):
        return [attrs for name, attrs in self.found if name == tag]

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def shown(*components):
    outputs = []
    for component in components:
        data, metadata = component._repr_mimebundle_()
        outputs.append(new_output("display_data", data=data, metadata=metadata))
    return new_code_cell("secret = 1", outputs=outputs)


def notebook(*cells):
    return new_notebook(
        cells=[new_markdown_cell(one) if isinstance(one, str) else one for one in cells]
    )


def page(*cells, **options):
    return Page(render_html(notebook(*cells), **options))


@pytest.fixture(scope="module")
def markup():
    parameters = new_code_cell('product = "beacon"')
    parameters.metadata["tags"] = ["injected-parameters"]
    cover = Cover(
        "Beacon: review <2026>", "beacon", "Beacon", "2026Q3", "fiscal 2026 Q3", "2026-09-30",
        "final", "3f9c", "0123456789abcdef", (("Owner", "commerce"),),
    )  # fmt: skip
    summary = Headlines("Revenue grew", (Headline("+", "Revenue rose", "to £748 k."),))
    return render_html(
        notebook(
            "# Review",
            parameters,
            shown(cover),
            "## Executive summary\n\nWhat moved?",
            shown(summary),
            "## Goals",
            shown(Absence("No goals.")),
            "## Funnel",
            shown(Absence("No events.")),
            "## Trends\n\nDid *anything* change?[^1]\n\n[^1]: Beyond **routine** variation.\n",
            shown(Figure(SVG, "Revenue by month", "Revenue grew")),
            "## Own words\n\n[link](https://example.org/?a=1&b=2)\n\n* a\n\n  second\n* b\n\n"
            "3. three\n\n> quote\n\n| a | b |\n|--|--:|\n| x | 1 |\n\n```\ncode <b>\n```\n\n---\n\n"
            "~~no~~ `yes`  \n$x^2$ and more[^1]\n\n[^1]: other\n",
        )
    )


def test_the_page_is_whole_and_names_its_title_and_language(markup):
    found = Page(markup)

    assert markup.startswith("<!DOCTYPE html>")
    assert found.named("html") == [{"lang": "en"}]
    assert "<title>Beacon: review &lt;2026&gt;</title>" in markup
    assert len(found.named("h1")) == 1


def test_nothing_is_fetched_and_nothing_runs(markup):
    found = Page(markup)

    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in found.found}
    for _, attrs in found.found:
        assert not any(name.startswith("on") for name in attrs)
        assert attrs.get("src", "data:").startswith("data:")
    addresses = re.findall(r"url\(([^)]*)\)", markup)
    assert addresses
    assert all(address.startswith("data:font/woff;base64,") for address in addresses)
    outside = re.findall(r'(?:src|href|action)="(?:https?:)?//[^"]*"', markup)
    assert outside == ['href="https://example.org/?a=1&amp;b=2"']


def test_inputs_and_injected_parameters_are_left_out(markup):
    assert "secret" not in markup
    assert 'product = "beacon"' not in markup


def test_every_entry_of_the_contents_leads_to_its_section(markup):
    found = Page(markup)

    anchors = {attrs["id"] for _, attrs in found.found if "id" in attrs}
    targets = [attrs["href"][1:] for attrs in found.named("a") if attrs["href"].startswith("#")]
    assert {"executive-summary", "goals", "funnel", "trends", "own-words"} <= set(targets)
    assert set(targets) <= anchors


def test_headings_never_skip_a_level(markup):
    levels = [int(tag[1]) for tag, _ in Page(markup).found if re.fullmatch(r"h\d", tag)]

    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_absent_sections_that_follow_one_another_stand_together(markup):
    assert markup.count('<div class="absences">') == 1
    assert "Not in this report Goals No goals. Funnel No events." in Page(markup).text


def test_footnotes_are_numbered_and_stand_under_their_section(markup):
    found = Page(markup)

    assert {"class": "footnotes", "start": "1"} in found.named("ol")
    assert {"class": "footnotes", "start": "2"} in found.named("ol")
    assert {"href": "#note-1"} in found.named("a")
    assert {"id": "note-2"} in found.named("li")
    assert "Beyond routine variation." in found.text


def test_markdown_keeps_its_form(markup):
    found = Page(markup)

    tags = {tag for tag, _ in found.found}
    assert {"em", "s", "code", "pre", "blockquote", "hr", "br", "ul", "sup"} <= tags
    assert {"class": "text", "start": "3"} in found.named("ol")
    assert "code <b>" in found.text
    formula = next(attrs for attrs in found.named("img") if attrs["alt"] == "Formula: x^2")
    assert formula["class"] == "inline"


def test_components_are_those_of_the_notebook(markup):
    fragment = component_html(Figure(SVG, "Revenue by month", "Revenue grew"))
    figure = re.search(r"<figure.*</figure>", fragment, re.DOTALL)

    assert figure[0] in markup


def test_the_foot_names_run_and_state(markup):
    assert "data as of 2026-09-30 · run 3f9c · sealed" in Page(markup).text


def test_the_same_notebook_gives_the_same_text():
    frame = pd.DataFrame({"a": [1.0, 2.0]})

    def styled():
        output = new_output(
            "execute_result",
            data={"text/html": frame.style.background_gradient()._repr_html_()},
            execution_count=1,
        )
        return notebook("## Own", new_code_cell("x", outputs=[output]))

    assert render_html(styled()) == render_html(styled())


def test_a_small_notebook_has_a_page_without_contents():
    found = page("## A", shown(Paragraph("x")), title="weekly")

    assert found.named("nav") == []
    assert "weekly" in found.text


def test_an_empty_notebook_is_a_page():
    assert page(title="weekly").text.startswith("weekly")


def test_hostile_texts_are_escaped_everywhere():
    hostile = '<img src=x onerror=alert(1)>"&'
    output = new_output("error", ename="E<b>", evalue=hostile, traceback=[hostile])
    printed = new_output("stream", name="stderr", text=hostile)
    html = new_output("display_data", data={"text/html": f"<p>{hostile}</p>"}, metadata={})
    found = page(
        f"# {hostile}",
        f"## `{hostile}`\n\n{hostile}",
        shown(Row((Paragraph(hostile), Table((Column("a", hostile),), ({"a": hostile},))))),
        new_code_cell("x", outputs=[output, printed, html]),
    )

    assert not any("onerror" in attrs for _, attrs in found.found)
    assert found.text.count("<img src=x onerror=alert(1)>") >= 5
    assert "not drawn here (img)" in found.text


def test_an_analyst_s_tables_keep_spans_heads_and_styles():
    frame = pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_tuples([("A", "u"), ("A", "v")]), index=["row"]
    )
    styler = frame.style.set_caption("By market").map(lambda value: "background-color: #ff0000")
    output = new_output(
        "execute_result", data={"text/html": styler._repr_html_()}, execution_count=1
    )
    found = page(new_code_cell("x", outputs=[output]))

    heads = found.named("th")
    assert any(attrs.get("colspan") == "2" for attrs in heads)
    assert [attrs["scope"] for attrs in heads].count("row") == 1
    assert [attrs["style"] for attrs in found.named("td")] == [
        "text-align:right;background:#ff0000"
    ] * 2
    assert "By market" in found.text


def test_a_bitmap_stands_at_its_own_size():
    pixel = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
        "rkJggg=="
    )
    metadata = {"image/png": {"width": 300, "height": 300}}
    output = new_output("display_data", data={"image/png": pixel}, metadata=metadata)
    found = page("## Own", new_code_cell("x", outputs=[output]))

    [image] = found.named("img")
    assert (image["width"], image["height"]) == ("300", "300")
    assert image["alt"] == "Chart in the section “Own”"


def test_a_draft_says_so():
    cover = Cover("T", "b", "B", "2026Q3", "Q3", "2026-09-30", "draft", "none", "h")

    assert "run none · draft" in page(shown(cover)).text
