"""A report's page in a real browser: it opens from a file, whole, without an error or a request."""

import shutil
import subprocess

import nbformat
import pytest

from kpikit.present.components import (
    Cell,
    Column,
    Cover,
    Figure,
    Headline,
    Headlines,
    Row,
    Stack,
    Table,
    Tile,
    Tiles,
)
from kpikit.publish.html import render_html

CHROMIUM = shutil.which("chromium")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--window-size=1280,800", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0L9 9"/></svg>'

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: install Debian's package chromium to run browser tests"
)


TABLE = Table(
    tuple(Column(name, name) for name in ("kpi", "unit", "now", "before", "change")),
    ({"kpi": Cell("Revenue", tone="bad")},),
    title="KPIs",
)


def report_page():
    cover = Cover(
        title="Shop: quarterly review 2026Q3", product_key="shop", product_name="Shop",
        period_label="2026Q3", period_text="fiscal 2026 Q3", as_of="2026-09-30", state="final",
        run_id="0123456789ab", data_hash="ab",
    )  # fmt: skip
    headlines = Headlines(
        "Revenue was €5 k", (Headline("+", "Revenue was €5 k", "<b>not bold</b>"),)
    )
    tiles = Tiles((Tile("Revenue", "€5 k", "+1 %", "good", "up", (1.0, 2.0, None, 3.0)),))
    pair = Row((TABLE, TABLE))
    cells = [nbformat.v4.new_markdown_cell("## Scorecard\nWhere do we stand?")]
    for part in (cover, headlines, tiles, Stack((Figure(SVG, "A line.", "It rises"), pair))):
        data, metadata = part._repr_mimebundle_()
        output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
        cells.append(nbformat.v4.new_code_cell("show", outputs=[output], execution_count=1))
    return render_html(nbformat.v4.new_notebook(cells=[*cells[1:3], cells[0], *cells[3:]]))


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a report's folder")
    page = folder / "review.html"
    page.write_text(report_page(), encoding="utf-8")
    return subprocess.run(
        [CHROMIUM, *OPTIONS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.slow
def test_the_page_is_whole_in_the_browser(opened):
    for text in ("Shop: quarterly review 2026Q3", "Revenue was €5 k", "Where do we stand?"):
        assert text in opened.stdout
    assert 'href="#' in opened.stdout
    assert "<b>not bold</b>" not in opened.stdout
    assert "&lt;b&gt;not bold&lt;/b&gt;" in opened.stdout


@pytest.mark.slow
@pytest.mark.parametrize("width", [1600, 1280, 700])
def test_at_no_width_of_the_window_does_one_part_cover_another(width, page, tmp_path):
    (tmp_path / "review.html").write_text(report_page(), encoding="utf-8")
    page.set_viewport_size({"width": width, "height": 800})

    page.goto((tmp_path / "review.html").as_uri())

    row = page.locator(".kk-row")
    held, box = row.evaluate("row => [row.scrollHeight, row.clientHeight]")
    assert held == box > 20
    assert page.complaints == []


@pytest.mark.slow
def test_the_browser_has_nothing_to_complain_of(opened):
    complaints = [line for line in opened.stderr.splitlines() if "CONSOLE" in line]

    assert complaints == []


@pytest.mark.slow
def test_the_page_asks_nothing_of_the_network(opened):
    assert 'src="http' not in opened.stdout
    assert "url(http" not in opened.stdout
    assert "net::ERR" not in opened.stderr
