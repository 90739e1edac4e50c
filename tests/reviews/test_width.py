"""No page of a sample review is wider than the window: what is cut at the side is not read."""

import re
import shutil
import subprocess

import pytest

from kpikit.publish.html import render_html

CHROMIUM = shutil.which("chromium")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--dump-dom",
)  # fmt: skip
# Tables stand in boxes that scroll where a window is too small: none of these may have to.
MEASURE = """<script>addEventListener("load", () => {
  const boxes = [document.documentElement, ...document.querySelectorAll(".kk-scroll, .scroll")]
  const cut = boxes.filter(box => box.scrollWidth > box.clientWidth + 1)
  document.title = cut.map(box => box.textContent.trim().slice(0, 60)).join(" | ") || "whole"
})</script>"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no chromium: install Debian's package chromium for browser tests"
    ),
]


@pytest.mark.parametrize("width", [1280, 1024])
def test_nothing_of_a_review_is_cut_at_the_side(review, width, tmp_path):
    page = tmp_path / "review.html"
    page.write_text(render_html(review.notebook).replace("</body>", f"{MEASURE}</body>"), "utf-8")
    options = (*OPTIONS, f"--window-size={width},1600", f"--user-data-dir={tmp_path / 'profile'}")

    done = subprocess.run(
        [CHROMIUM, *options, page.as_uri()],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL).group(1) == "whole"
