import pytest

from kpikit.publish import heights, typst


def block(kind="paragraph", text="One"):
    return {"kind": kind, "text": text}


def section(*blocks, kind="plain", title="Trends"):
    opening = {"title": title, "kind": kind, "heading": [], "lede": []}
    return {**opening, "blocks": list(blocks)}


def report(*sections, lang="en", title="Shop"):
    common = {"lang": lang, "title": title, "cover": None, "contents": True}
    return {**common, "sections": list(sections)}


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
            "contents": 90.0 if data["contents"] else None,
            "sections": [
                {
                    "opener": None if one["known"] else 25.0,
                    "blocks": [float(len(item["text"])) for item in items],
                    "shrunk": [scale if item["kind"] == "row" else None for item in items],
                }
                for one, items in zip(data["sections"], blocks, strict=True)
                for items in [[] if one["kind"] == "absent" else items]
            ],
        }

    monkeypatch.setattr(typst, "measure", measure)
    monkeypatch.setattr(heights, "outline", lambda block, _width: block)
    return found


def test_parts_alike_are_measured_once(asked):
    first = heights.measure(report(section(block(text="One"), block(text="Three"))), scale=0.8)
    second = heights.measure(report(section(block(text="Three"), block(text="Seven"))), scale=0.8)

    assert asked == [[["One", "Three"]], [["Seven"]]]
    assert first["sections"][0]["blocks"] == [3.0, 5.0]
    assert second["sections"][0] == {"opener": 25.0, "blocks": [5.0, 5.0], "shrunk": [None, None]}
    assert (second["cover"], second["contents"]) == (20.0, 90.0)


def test_where_every_part_is_known_nothing_is_asked(asked):
    same = report(section(block(text="One"), block(text="One")))

    first, second = (heights.measure(same, scale=0.8) for _ in range(2))

    assert first == second
    assert asked == [[["One"]]]


def test_a_title_of_more_lines_is_measured_anew(asked):
    for title in ("Shop", "Another shop", 40 * "A shop "):
        heights.measure(report(section(block()), title=title), scale=0.8)

    assert asked == [[["One"]], [[]]]


def test_parts_of_one_outline_are_measured_once(asked, monkeypatch):
    monkeypatch.setattr(heights, "outline", lambda block, _width: {**block, "text": "x"})

    found = heights.measure(report(section(block(text="One"), block(text="Three"))), scale=0.8)

    assert asked == [[["x"]]]
    assert found["sections"][0]["blocks"] == [1.0, 1.0]


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


def test_an_absent_section_is_measured_by_its_texts(asked):
    for text in ("No goals.", "No goals.", "No events."):
        absent = report(section(block("absence", text), kind="absent"))
        found = heights.measure(absent, scale=0.8)

        assert found["sections"] == [{"opener": 25.0, "blocks": [], "shrunk": []}]
    assert asked == [[["No goals."]], [["No events."]]]


def test_what_is_remembered_has_a_limit(asked, monkeypatch):
    monkeypatch.setattr(heights, "_MOST", 1)

    for text in ("One", "Two", "Three", "Two"):
        heights.measure(report(section(block(text=text))), scale=0.8)

    assert asked == [[["One"]], [["Two"]], [["Three"]], [["Two"]]]
    assert len(heights._known) <= 3  # those of the last report: frame, opener, block
