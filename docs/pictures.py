"""Make the README's picture from the sample products' reviews, which must have been written.

make quarterly-review FORMATS=pdf && python docs/pictures.py [OUTPUT]

Needs pdftoppm (poppler-utils). The pages are found by their headings.
"""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from pypdf import PdfReader

PICTURE = Path(__file__).parent / "images" / "review.png"
PAGES = (  # product, and a heading of the page
    ("atlas", "EXECUTIVE SUMMARY"),
    ("atlas", "Where does each KPI stand"),
    ("atlas", "What does the revenue consist of"),
    ("beacon", "Which segments bear the KPI"),
)
_WIDTH, _GAP, _COLOURS = 840, 16, 128
_DESK = "#c9d0d6"


def main(output: Path) -> None:
    """Draw the pages two by two into one picture of few colours."""
    pages = [_page(output, product, heading) for product, heading in PAGES]
    height = pages[0].height
    sheet = Image.new("RGB", (2 * _WIDTH + 3 * _GAP, 2 * height + 3 * _GAP), _DESK)
    for number, page in enumerate(pages):
        row, column = divmod(number, 2)
        sheet.paste(page, (_GAP + column * (_WIDTH + _GAP), _GAP + row * (height + _GAP)))
    PICTURE.parent.mkdir(exist_ok=True)
    # by coverage, for the few red and green signs are what the eye looks for
    few = sheet.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    few.save(PICTURE, optimize=True)


def _page(output: Path, product: str, heading: str) -> Image.Image:
    pdf = max(output.glob(f"*/{product}/quarterly_review.pdf"))
    number = next(
        index
        for index, page in enumerate(PdfReader(pdf).pages, start=1)
        if heading in " ".join(page.extract_text().split())
    )
    width = ["-scale-to-x", str(2 * _WIDTH), "-scale-to-y", "-1"]
    command = ["pdftoppm", "-png", "-f", str(number), "-singlefile", *width, str(pdf)]
    drawn = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 - ours
    page = Image.open(BytesIO(drawn)).convert("RGB")
    return page.resize((_WIDTH, round(page.height * _WIDTH / page.width)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main(Path(sys.argv[1] if sys.argv[1:] else "output"))
