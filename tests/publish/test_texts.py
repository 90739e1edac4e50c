from kpikit.publish.texts import changed_texts


def test_every_text_is_changed_and_nothing_else():
    value = {"a": "x", "b": [1, "y", None, {"c": "z", "d": 2.5}], "e": ("w", ["v"]), "f": True}

    found = changed_texts(value, str.upper)

    assert found == {
        "a": "X", "b": [1, "Y", None, {"c": "Z", "d": 2.5}], "e": ["W", ["V"]], "f": True,
    }  # fmt: skip
    assert value["b"][1] == "y"


def test_what_is_kept_stays_wherever_it_stands():
    value = [{"svg": "x", "alt": "y"}, {"items": [{"svg": ["x"]}]}]

    assert changed_texts(value, str.upper, {"svg": lambda kept: kept}) == [
        {"svg": "x", "alt": "Y"},
        {"items": [{"svg": ["x"]}]},
    ]


def test_a_text_alone_is_changed_too():
    assert changed_texts("x", str.upper) == "X"
    assert changed_texts(None, str.upper) is None
