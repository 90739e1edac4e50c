"""The look of every page, as data: colours, type sizes, chart sizes, font files.

One ink and one scale of greys say everything; green and red mean good and bad variance and nothing
else, amber a warning. The HTML and PDF templates and the charts all read these values, so this
module imports no drawing library. Conventions: IBCS standards 1.2 (actuals solid dark, previous
year light, plan outlined, forecast hatched).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import font_source_sans_pro

PALETTE: Mapping[str, str] = {
    "ink": "#22303c",  # text, actuals, rules under table heads
    "grey": "#5b6873",  # secondary text
    "mid": "#9aa5ae",  # marks and lines that stay behind, never text
    "light": "#bcc4cb",  # previous year
    "line": "#dde2e6",  # hairlines, borders
    "pale": "#e9edf0",  # bands, the faintest cell of a heat map
    "paper": "#ffffff",
    "good": "#23735a",
    "bad": "#b23a36",
    "warning": "#8f6400",
}
INK, GREY, MID, LIGHT = PALETTE["ink"], PALETTE["grey"], PALETTE["mid"], PALETTE["light"]
LINE, PALE, PAPER = PALETTE["line"], PALETTE["pale"], PALETTE["paper"]
GOOD, BAD, WARNING = PALETTE["good"], PALETTE["bad"], PALETTE["warning"]
HEAT: tuple[str, str] = (PALE, "#3f566b")  # ends of the scale of a heat map

FONT_FAMILY = "Source Sans Pro"
FONT_FALLBACK = "DejaVu Sans"  # carried by matplotlib; has the signs that the text face lacks
# As drawn, in cubic curves: their outlines take two thirds of what the TrueType files' take.
FONT_FILES: Mapping[str, Path] = {
    style: Path(font_source_sans_pro.font_directory) / f"SourceSansPro-{style}.otf"
    for style in ("Regular", "It", "Semibold", "Bold")
}

# Points on paper: charts are drawn at the size at which they are printed.
TEXT_PT = 8.5
SMALL_PT = 8.0

Size = Literal["full", "half", "small"]
SIZES_CM: Mapping[Size, tuple[float, float]] = {
    "full": (25.7, 6.6),  # the width between the margins of A4 landscape
    "half": (12.5, 6.0),  # two side by side
    "small": (12.5, 3.9),  # two side by side, several rows to a page
}

RC_PARAMS: Mapping[str, Any] = {  # matplotlib's settings while a chart is drawn
    "font.family": [FONT_FAMILY, FONT_FALLBACK],
    "font.size": TEXT_PT,
    "text.color": INK,
    "text.parse_math": False,  # "$748 k of $1 M" is money, not a formula
    "figure.facecolor": "none",
    "hatch.color": INK,
    "hatch.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
    "patch.linewidth": 0.0,
    # Outlines instead of text: a chart looks the same wherever it is drawn, fonts or none.
    "svg.fonttype": "path",
    "svg.hashsalt": "kpikit",
}
