import re
from pathlib import Path

import pytest
import yaml

from kpikit.errors import ParamsError
from kpikit.params import nodes
from kpikit.params.nodes import (
    Mistake,
    Place,
    compose,
    entries,
    find_value,
    is_null,
    place_of,
    read_text,
)


def read(content, folder):
    path = folder / "atlas.yml"
    path.write_bytes(content)
    return read_text(path, "params/atlas.yml")


# -- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"a: \xc3\xa9\nb: 1\n", b"\xef\xbb\xbfa: \xc3\xa9\nb: 1\n", b"a: \xc3\xa9\r\nb: 1\r"],
)
def test_text_reads_alike_with_a_byte_order_mark_and_with_any_line_end(content, folder):
    assert read(content, folder) == "a: é\nb: 1\n"


def test_a_missing_file_is_named():
    with pytest.raises(ParamsError, match=r"params/x.yml does not exist.\nCheck the path"):
        read_text(Path("x.yml"), "params/x.yml")


def test_a_folder_is_no_file(folder):
    with pytest.raises(ParamsError, match=r"params is a folder.\nGive the path of a product's"):
        read_text(folder, "params")


def test_a_file_that_may_not_be_read_says_why(folder, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)

    with pytest.raises(ParamsError, match=r"atlas.yml cannot be read: Permission denied.\nCheck"):
        read_text(folder / "atlas.yml", "atlas.yml")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_wide_encodings_are_told_apart_from_utf8(encoding, folder):
    content = "product: {key: a, name: A}\n".encode(encoding)

    with pytest.raises(ParamsError, match=r"atlas.yml is UTF-16 text, or no text at all.\nSave it"):
        read(content, folder)


def test_latin1_bytes_are_named_with_their_line(folder):
    content = "product:\n  name: Café\n".encode("latin-1")

    with pytest.raises(
        ParamsError, match=r"params/atlas.yml:2: byte 0xE9 is not UTF-8; the file may be Latin-1"
    ):
        read(content, folder)


# -- what is not YAML -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "way_out"),
    [
        ("a:\n\tb: 1", ":2: is not YAML", "A tab stands at the start of the line"),
        ("a: b: c", ":1: is not YAML: mapping values", "quote a value that holds a colon and a"),
        ("a: [1, 2\nb: 2", ":2: is not YAML: expected ','", "Check this line and the one above"),
        ("a: 1\n  b\n c: 2", ":3: is not YAML: mapping values", "Correct the line's indent, or"),
        ("x: 1\na: {b: 1\n\n", ":2: is not YAML", "A bracket, brace or quote is opened and never"),
        ("a: 'x\n\n", ":1: is not YAML", "A bracket, brace or quote is opened and never closed."),
        ("a: 1\n---\nb: 2", ":2: is not YAML: but found another", "is one document: delete '---'"),
        ("a: *z", ":1: is not YAML: found undefined alias 'z'", "begins with one of * & @ ` %"),
        ("a: @x", ":1: is not YAML: found character '@'", "begins with one of * & @ ` %"),
        ("a: {b: ${X}}\n", ":1: is not YAML", 'Quote a value with ${...} inside { } or [ ]: "${'),
        ("a: 1\nb: \x01", ":2: is not YAML: the character '\\x01' may not", "Delete it, or save"),
        ("%YAML 3.0\n---\na: 1", ":1: is not YAML: found incompatible", "Check this line and"),
    ],
)
def test_what_is_not_yaml_says_where_and_what_to_do(text, place, way_out):
    with pytest.raises(ParamsError, match=re.escape(place)) as caught:
        compose(text, "params/atlas.yml")

    assert str(caught.value).startswith("params/atlas.yml:")
    assert way_out in str(caught.value)


def test_a_complaint_without_a_place_is_told_of_the_first_line(monkeypatch):
    def fail(*_, **__):
        raise yaml.YAMLError("it broke")

    monkeypatch.setattr(yaml, "compose", fail)

    with pytest.raises(ParamsError, match=r"atlas.yml:1: is not YAML: it broke"):
        compose("", "atlas.yml")


@pytest.mark.parametrize("loader", [nodes._Loader, nodes._FastLoader])
def test_both_parsers_give_the_text_as_written_with_file_and_line(loader, monkeypatch):
    monkeypatch.setattr(nodes, "_FastLoader", loader)

    node = find_value(compose("a:\n  b: 00123\n", "params/atlas.yml"), "a", "b")

    assert node.value == "00123"
    assert place_of(node) == Place("params/atlas.yml", 2)


# -- nodes ----------------------------------------------------------------------------------------


def test_an_empty_file_has_no_node():
    assert compose("# nothing but a comment\n", "atlas.yml") is None


def test_a_value_is_found_below_nested_keys():
    root = compose("a: {b: {c: 1}, d: [2]}", "atlas.yml")

    assert find_value(root, "a", "b", "c").value == "1"
    assert find_value(root, "a", "x") is None
    assert find_value(root, "a", "d", "e") is None
    assert find_value(None, "a") is None


@pytest.mark.parametrize(
    ("text", "null"), [("a:", True), ("a: ~", True), ("a: null", True), ("a: 'null'", False),
                       ("a: ''", False), ("a: []", False)],
)  # fmt: skip
def test_absent_is_unquoted_nothing_tilde_or_null(text, null):
    assert is_null(find_value(compose(text, "atlas.yml"), "a")) is null


def test_merged_keys_come_after_a_mappings_own_and_never_over_them():
    text = """
    base: &base {a: 1, b: 2}
    more: &more {b: 3, c: 4}
    both: {<<: [*base, *more, text], b: 5}
    odd: {<<: text, a: 6}
    """
    root = compose(text, "atlas.yml")

    both = {key.value: value.value for key, value in entries(find_value(root, "both"))}
    odd = {key.value: value.value for key, value in entries(find_value(root, "odd"))}

    assert both == {"b": "5", "a": "1", "c": "4"}
    assert odd == {"a": "6"}


def test_a_mistake_reads_place_key_what_and_what_to_do():
    mistake = Mistake(Place("atlas.yml", 3), "metrics.1", "unknown metric 'wua'", "Write wau.")
    whole = Mistake(Place("--set a.b", 0), "", "it assigns nothing", "Write key=value.")

    assert str(mistake) == "atlas.yml:3: metrics.1: unknown metric 'wua'.\n  Write wau."
    assert str(whole) == "--set a.b: it assigns nothing.\n  Write key=value."
