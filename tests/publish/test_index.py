"""The index lists what lies in the output folder, and nothing else."""

import json
import re

import pytest

from kpikit.publish.index import find_reports, index_page, write_index


@pytest.fixture
def output(tmp_path):
    return tmp_path / "output"


def put(output, period, product, *, as_of="2026-09-30", endings=(".html", ".pdf", ".ipynb")):
    folder = output / period / product
    folder.mkdir(parents=True, exist_ok=True)
    for ending in endings:
        (folder / f"quarterly_review{ending}").write_text("x")
    facts = {"product": product, "period": period, "as_of": as_of, "run_id": f"run-{product}"}
    (folder / "quarterly_review.kpis.json").write_text(json.dumps(facts))
    return folder


def links(page):
    return re.findall(r'<a href="([^"]*)">([^<]*)</a>', page)


def test_a_report_is_listed_with_relative_links_to_its_files(output):
    put(output, "2026Q3", "atlas")

    write_index(output)

    page = (output / "index.html").read_text()
    base = "2026Q3/atlas/quarterly_review"
    assert links(page) == [
        (f"{base}.html", "HTML"),
        (f"{base}.pdf", "PDF"),
        (f"{base}.ipynb", "notebook"),
        (f"{base}.kpis.json", "KPIs"),
    ]
    cells = re.findall(r"<td>([^<]*)</td>", page)
    assert cells == ["atlas", "quarterly review", "2026-09-30"]
    assert ">run-atlas<" in page
    assert ">sealed<" in page


def test_the_page_asks_nothing_of_the_network(output):
    put(output, "2026Q3", "atlas")

    page = index_page(find_reports(output))

    assert not re.search(r"https?:|//|<script|<link|<img|@import|url\(", page)


def test_a_format_that_was_not_written_has_no_link(output):
    put(output, "2026Q3", "atlas", endings=(".html",))

    page = index_page(find_reports(output))

    assert [word for _, word in links(page)] == ["HTML", "KPIs"]


def test_the_newest_data_comes_first_then_products_by_name(output):
    put(output, "2026Q3", "beacon", as_of="2026-10-31")
    put(output, "2026Q3", "atlas", as_of="2026-09-30")
    put(output, "2027Q1", "delta", as_of="2026-10-30")
    put(output, "2026Q2", "atlas", as_of="2026-06-30")

    listed = [(entry.period, entry.product) for entry in find_reports(output)]

    assert listed == [
        ("2026Q3", "atlas"),
        ("2026Q3", "beacon"),
        ("2027Q1", "delta"),
        ("2026Q2", "atlas"),
    ]


def test_a_failed_run_is_marked_beside_the_last_good_report(output):
    folder = put(output, "2026Q3", "atlas")
    (folder / "quarterly_review.failed.ipynb").write_text("{}")

    page = index_page(find_reports(output))

    assert '<span class="bad">last run failed</span>; this is the last good report' in page
    assert links(page)[-1] == ("2026Q3/atlas/quarterly_review.failed.ipynb", "cause")


def test_a_report_that_never_succeeded_is_listed_as_failed(output):
    folder = output / "2026Q3" / "atlas"
    folder.mkdir(parents=True)
    (folder / "quarterly_review.failed.ipynb").write_text("{}")

    page = index_page(find_reports(output))

    assert '<span class="bad">last run failed</span></td>' in page
    assert [word for _, word in links(page)] == ["cause"]


def test_files_of_nobody_and_half_made_ones_are_left_out(output):
    folder = output / "2026Q3" / "atlas"
    (folder / ".quarterly_review.kpikit-x").mkdir(parents=True)
    (folder / "notes.html").write_text("x")
    (folder / "notes.txt").write_text("x")

    assert find_reports(output) == []
    assert "No report has been published yet." in index_page(find_reports(output))


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_kpis_json_does_not_stop_the_index(output, text):
    folder = put(output, "2026Q3", "atlas")
    (folder / "quarterly_review.kpis.json").write_text(text)

    (entry,) = find_reports(output)

    assert entry.facts == {}
    assert "<td>–</td>" in index_page([entry])


def test_names_are_escaped_in_text_and_links(output):
    put(output, "2026Q3", "a&b <c> é#1")

    page = index_page(find_reports(output))

    assert "<td>a&amp;b &lt;c&gt; é#1</td>" in page
    assert 'href="2026Q3/a%26b%20%3Cc%3E%20%C3%A9%231/quarterly_review.html"' in page


def test_the_same_folder_gives_the_same_page(output):
    put(output, "2026Q3", "atlas")
    put(output, "2026Q3", "beacon")

    assert index_page(find_reports(output)) == index_page(find_reports(output))
