"""A sample review fits twelve pages of A4 landscape; only its appendix comes after them."""

import io

import pytest
from pypdf import PdfReader

from kpikit.publish.pdf import render_pdf

MOST = 12
APPENDIX = "Appendix A"

pytestmark = pytest.mark.slow


def test_the_review_fits_twelve_pages_and_its_appendix(review):
    reader = PdfReader(io.BytesIO(render_pdf(review.notebook).data))

    starts = {
        item.title: reader.get_destination_page_number(item)
        for item in reader.outline
        if not isinstance(item, list)
    }
    first = next(page for title, page in starts.items() if title.startswith(APPENDIX))
    text = reader.pages[first].extract_text()
    # pages are counted from 0; where other sections share the appendix's page, that is one too
    pages = first if text.index(APPENDIX) < 200 else first + 1
    assert pages <= MOST
