import pytest

from kpikit.publish import heights, typst


def block(kind="paragraph", text="One"):
    return {"kind": kind, "text": text}


def section(*blocks, kind="plain"):
    return {"title": "Trends", "kind": kind, "blocks": list(blocks)}


def report(*sections, lang="en"):
    return {"lang": lang, "sections": list(sections)}


@pytest.fixture
def asked(monkeypatch):
    """Stand in for Typst: a block is as high as its text is long; return what is asked for."""
    monkeypatch.setattr(heights, "_known", {})
    found = []

    def measure(data, *, scale):
        blocks = [one["blocks"] for one in data["sections"]]
        found.append([[item["text"] for item in items] for items in blocks])
        return {
            "cover": 20.0,
            "sections": [
                {
                    "opener": 25.0,
                    "blocks": [float(len(item["text"])) for item in items],
                    "shrunk": [scale if item["kind"] == "row" else None for item in items],
                }
                for items in blocks
            ],
        }

    monkeypatch.setattr(typst, "measure", measure)
    return found


def test_parts_alike_are_measured_once(asked):
    first = heights.measure(report(section(block(text="One"), block(text="Three"))), scale=0.8)
    second = heights.measure(report(section(block(text="Three"), block(text="Seven"))), scale=0.8)

    assert asked == [[["One", "Three"]], [["Seven"]]]
    assert first["sections"][0]["blocks"] == [3.0, 5.0]
    assert second["sections"][0] == {"opener": 25.0, "blocks": [5.0, 5.0], "shrunk": [None, None]}
    assert second["cover"] == 20.0


def test_a_part_that_stands_twice_in_a_report_has_its_height_in_both_places(asked):
    twice = report(section(block(text="One")), section(block(text="Four"), block(text="One")))

    found = heights.measure(twice, scale=0.8)

    assert [one["blocks"] for one in found["sections"]] == [[3.0], [4.0, 3.0]]


def test_language_and_scale_tell_parts_apart(asked):
    row = section(block("row", "Charts"))

    shrunk = [
        heights.measure(report(row, lang=lang), scale=scale)["sections"][0]["shrunk"]
        for lang, scale in (("en", 0.8), ("de", 0.8), ("en", 0.9))
    ]

    assert shrunk == [[0.8], [0.8], [0.9]]
    assert len(asked) == 3
    assert all(found == [["Charts"]] for found in asked)


def test_the_blocks_of_an_absent_section_are_always_asked_for(asked):
    absent = report(section(block("absence", "No goals."), kind="absent"))

    for _ in range(2):
        heights.measure(absent, scale=0.8)

    assert asked == [[["No goals."]]] * 2


def test_what_is_remembered_has_a_limit(asked, monkeypatch):
    monkeypatch.setattr(heights, "_MOST", 1)

    for text in ("One", "Two", "Three", "Two"):
        heights.measure(report(section(block(text=text))), scale=0.8)

    assert asked == [[["One"]], [["Two"]], [["Three"]], [["Two"]]]
    assert len(heights._known) <= 2
