import pytest
import typst

from kpikit.errors import RenderError
from kpikit.publish import typst as engine

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="72" height="36">'
    '<rect width="9" height="9"/></svg>'
)


def test_a_drawing_as_pixels_has_the_resolution_asked_for():
    # 72 px of a drawing are 54 pt: at 144 pixels an inch 108 pixels.
    data = engine.rasterize(SVG, ppi=144)

    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[16:20]) == 108


@pytest.mark.parametrize("svg", ["<svg><g></svg>", "no drawing", ""])
def test_a_drawing_that_cannot_be_read_is_told(svg):
    assert not engine.is_drawable(svg)
    assert engine.is_drawable(SVG)


@pytest.mark.parametrize("address", ["/etc/hostname", "../typst.py", "http://127.0.0.1:9/x.png"])
def test_a_drawing_that_links_to_a_file_or_the_network_is_refused(address):
    linked = SVG.replace("<rect", f'<image href="{address}" width="9" height="9"/><rect')

    assert not engine.is_drawable(linked)


def test_the_engine_sees_its_templates_alone():
    compiler = engine._compiler.__wrapped__("report.typ")  # its own: bytes as input would stay

    with pytest.raises(typst.TypstError):
        compiler.compile(input=b'#read("/etc/hostname")', format="pdf", timestamp=0)


def test_the_engine_is_made_once():
    assert engine._compiler("report.typ") is engine._compiler("report.typ")


def test_what_cannot_be_measured_is_told():
    with pytest.raises(RenderError, match=r"cannot be drawn: .*does not contain key"):
        engine.measure({}, scale=0.8)
