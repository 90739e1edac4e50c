import pytest

from kpikit.present import theme


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", ["ink", "grey", "good", "bad", "warning"])
def test_every_colour_of_a_text_reads_on_paper(name):
    contrast = 1.05 / (luminance(theme.PALETTE[name]) + 0.05)

    assert contrast >= 4.5  # WCAG 2.2, 1.4.3


def test_every_font_file_is_there():
    missing = [path for path in theme.FONT_FILES.values() if not path.is_file()]

    assert missing == []
