import base64

import pytest

from kpikit.present.svg_facts import svg_size, svg_uri


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="72pt" height="36pt"', (72.0, 36.0)),
        ('width="96" height="48px"', (72.0, 36.0)),
        ("width='1in' height='2.54cm'", (72.0, 72.0)),
        ('viewBox="0 0 200 100"', (150.0, 75.0)),
        ('width="300pt" viewBox="0 0 200 100"', (300.0, 150.0)),
        ('width="100%"', (300.0, 150.0)),
    ],
)
def test_the_size_of_a_drawing_in_points(attributes, size):
    found = svg_size(f"<svg {attributes}><g width='9pt'/></svg>")

    assert found == pytest.approx(size)


def test_an_address_of_a_drawing_holds_the_drawing():
    uri = svg_uri("<svg>é</svg>")

    kind, payload = uri.split(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(payload).decode() == "<svg>é</svg>"
