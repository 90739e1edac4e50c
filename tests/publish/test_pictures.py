import base64
import struct
import zlib

import pytest

from kpikit.publish.pictures import picture


def png(width, height):
    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return base64.b64encode(data).decode()


def jpeg(width, height):
    """A JPEG's beginning: an APP0 segment, then the frame header that states the size."""
    app0 = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9)
    frame = b"\xff\xc0" + struct.pack(">HBHH", 17, 8, height, width) + bytes(12)
    return base64.b64encode(b"\xff\xd8" + app0 + frame).decode()


def test_a_bitmap_has_three_quarters_of_a_point_per_pixel():
    found = picture("image/png", png(400, 200), "A plot")

    assert (found["width"], found["height"]) == (300.0, 150.0)
    assert found["alt"] == "A plot"
    assert 'width="400" height="200"' in found["svg"]
    assert found["uri"] == f"data:image/png;base64,{png(400, 200)}"


def test_a_retina_plot_has_the_size_that_the_notebook_gives():
    found = picture("image/png", png(400, 200), "", {"width": 200, "height": 100})

    assert (found["width"], found["height"]) == (150.0, 75.0)


def test_line_ends_in_the_bytes_do_not_matter():
    payload = png(4, 2)

    found = picture("image/png", payload[:20] + "\n" + payload[20:] + "\n", "")

    assert found["uri"].endswith(payload)


def test_the_size_of_a_jpeg_is_read_from_its_frame():
    found = picture("image/jpeg", jpeg(640, 480), "")

    assert (found["width"], found["height"]) == (480.0, 360.0)


@pytest.mark.parametrize(
    ("mime", "payload"),
    [
        ("image/png", "%%%"),
        ("image/png", base64.b64encode(b"GIF89a").decode()),
        ("image/png", png(0, 5)),
        ("image/jpeg", base64.b64encode(b"\xff\xd8\xff\xe0\x00\x04ab").decode()),
        ("image/svg+xml", "no drawing"),
        ("image/svg+xml", base64.b64encode(b"no drawing").decode()),
    ],
)
def test_bytes_that_are_no_picture_give_none(mime, payload):
    assert picture(mime, payload, "") is None


def test_what_stands_before_a_drawing_is_left_out():
    found = picture("image/svg+xml", '<?xml version="1.0"?><svg width="96" height="48"/>', "x")

    assert found["svg"] == '<svg width="96" height="48"/>'
    assert (found["width"], found["height"]) == (72.0, 36.0)
