"""A sample review fits twelve pages of A4 landscape; only its appendix comes after them."""

import io
import os
import subprocess
import sys

import pytest
from pypdf import PdfReader

from kpikit.publish.pdf import render_pdf
from tests.reviews.conftest import PRODUCTS, ROOT

MOST = 12
APPENDIX = "Appendix A"

pytestmark = pytest.mark.slow


def body_pages(pdf):
    """Return how many pages stand before the appendix, the one that it begins on included."""
    reader = PdfReader(io.BytesIO(pdf))
    starts = {
        item.title: reader.get_destination_page_number(item)
        for item in reader.outline
        if not isinstance(item, list)
    }
    first = next(page for title, page in starts.items() if title.startswith(APPENDIX))
    text = reader.pages[first].extract_text()
    # pages are counted from 0; where other sections share the appendix's page, that is one too
    return first if text.index(APPENDIX) < 200 else first + 1


def test_the_review_fits_twelve_pages_and_its_appendix(review):
    assert body_pages(render_pdf(review.notebook).data) <= MOST


def test_it_does_with_the_forecasts_that_an_earlier_review_published(home, tmp_path):
    for period in ("2026Q1", "2026Q2"):
        call = [
            sys.executable, "-m", "kpikit", "run", "quarterly_review", "--period", period,
            "--params-dir", str(home / "params"), "--output-dir", str(tmp_path), "--formats", "pdf",
        ]  # fmt: skip
        environment = {**os.environ, "KPIKIT_CACHE_DIR": str(home / "cache")}
        subprocess.run(call, check=True, capture_output=True, env=environment, cwd=ROOT)

    pages = {
        product: body_pages((tmp_path / "2026Q2" / product / "quarterly_review.pdf").read_bytes())
        for product in PRODUCTS
    }

    assert max(pages.values()) <= MOST, pages
