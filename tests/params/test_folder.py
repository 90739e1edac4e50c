"""A folder of products: a broken file fails alone, files with one key fail together."""

from pathlib import Path

import pytest

from kpikit.errors import ParamsError, UnknownNameError
from kpikit.params import find_product, load_folder

PARAMS = Path("params")


@pytest.fixture
def product(folder):
    """Write a product's file into ``params``."""
    (folder / "params").mkdir()

    def write_product(name, key, rest=""):
        text = f"product: {{key: {key}, name: A product}}\n{rest}"
        (folder / "params" / name).write_text(text, encoding="utf-8")

    return write_product


def test_all_products_of_a_folder_are_loaded_in_order_of_their_files(product, folder):
    product("b.yml", "first")
    product("c.YAML", "second")
    product("a.yml", "third")
    (folder / "params" / "schema.json").write_text("{}")
    (folder / "params" / "._a.yml").write_bytes(b"\x00\x05\x16\x07")  # macOS leaves such files

    loaded = load_folder("params")

    assert [*loaded.products] == ["third", "first", "second"]
    assert loaded.products["third"].path == folder / "params" / "a.yml"
    assert loaded.failures == {}


def test_a_broken_file_fails_alone(product):
    product("a.yml", "atlas")
    product("b.yml", "beacon", "metrics: [wua]\n")
    product("c.yml", "comet", "metrics: [\n")

    loaded = load_folder("params", known_metrics=lambda _: ["wau"])

    assert [*loaded.products] == ["atlas"]
    assert [*loaded.failures] == [PARAMS / "b.yml", PARAMS / "c.yml"]
    assert f"{PARAMS / 'b.yml'}:2: metrics.0: unknown metric 'wua'" in str(
        loaded.failures[PARAMS / "b.yml"]
    )


def test_metric_names_that_cannot_be_had_fail_their_file_alone(product):
    product("a.yml", "atlas")
    product("b.yml", "beacon")

    def names_at(path):
        if path.stem == "a":
            raise ParamsError("a_metrics.py is broken.\nMend it.")
        return []

    loaded = load_folder("params", known_metrics=names_at)

    assert [*loaded.products] == ["beacon"]
    assert "a_metrics.py is broken" in str(loaded.failures[PARAMS / "a.yml"])


def test_an_override_holds_for_every_product(product):
    product("a.yml", "atlas")
    product("b.yml", "beacon", "segments: [plan]\n")

    loaded = load_folder("params", overrides=["segments=[country]"])

    assert [item.params.segments for item in loaded.products.values()] == [["country"]] * 2


def test_two_products_with_one_key_both_fail(product):
    product("a.yml", "atlas")
    product("b.yml", "atlas")
    product("c.yml", "comet")

    loaded = load_folder("params")

    assert [*loaded.products] == ["comet"]
    assert [*loaded.failures] == [PARAMS / "a.yml", PARAMS / "b.yml"]
    for error in loaded.failures.values():
        assert str(error) == (
            f"Product key 'atlas' stands in more than one file: {PARAMS / 'a.yml'}:1 and"
            f" {PARAMS / 'b.yml'}:1.\nGive each product a key of its own."
        )


@pytest.mark.parametrize(("first", "second"), [("atlas", "Atlas"), ("caf\u00e9", "cafe\u0301")])
def test_keys_that_some_systems_cannot_tell_apart_are_one(first, second, product):
    product("a.yml", first)
    product("b.yml", second)

    loaded = load_folder("params")

    assert loaded.products == {}
    assert "too much like another for some systems" in str(loaded.failures[PARAMS / "a.yml"])
    with pytest.raises(ParamsError, match="too much like another"):
        find_product("params", first)


def test_registers_in_the_folder_are_no_products(product, folder):
    product("a.yml", "atlas", "targets: a_targets.yml\n")
    (folder / "params" / "a_targets.yml").write_text("- {metric: mau, period: 2026, value: 1}\n")
    (folder / "params" / "stray.yml").write_text("- {metric: mau, period: 2026, value: 1}\n")

    loaded = load_folder("params")

    assert [*loaded.products] == ["atlas"]
    assert [path.name for path in loaded.failures] == ["stray.yml"]
    assert "A register is named in its product's file." in str(*loaded.failures.values())


@pytest.mark.parametrize("call", [load_folder, lambda path: find_product(path, "atlas")])
def test_a_folder_that_is_not_there_is_named(call, write):
    write("x", "file")

    with pytest.raises(ParamsError, match="The folder of parameters 'params' does not exist"):
        call("params")
    with pytest.raises(ParamsError, match=r"'file' is no folder.\nGive the folder with --params-"):
        call("file")


@pytest.mark.parametrize("call", [load_folder, lambda path: find_product(path, "atlas")])
def test_a_folder_without_a_product_says_what_to_add(call, folder):
    with pytest.raises(ParamsError, match=r"There is no product file in '.'.\nAdd a <product>.yml"):
        call(".")


# -- one product ----------------------------------------------------------------------------------


def test_a_product_is_found_by_its_key_whatever_its_file_is_called(product):
    product("a.yml", "comet")
    product("comet_of_old.yml", "old")

    assert find_product("params", "comet").path.name == "a.yml"


def test_a_key_that_is_written_with_escapes_is_found(product):
    product("a.yml", '"caf\\u00e9"')

    assert find_product("params", "caf\u00e9").key == "caf\u00e9"


def test_other_files_are_not_checked(product, folder):
    product("a.yml", "atlas")
    product("b.yml", "beacon", "metrics: 5 # unlike atlas\n")
    (folder / "params" / "c.yml").write_bytes(b"\xff\xfe\x00")
    (folder / "params" / "d.yml").write_text("atlas: [", encoding="utf-8")

    assert find_product("params", "atlas").key == "atlas"


def test_an_unknown_key_is_named_with_the_nearest(product, folder):
    product("a.yml", "atlas")
    product("b.yml", "beacon")
    (folder / "params" / "c.yml").write_text("product: {name: without a key}\n")

    with pytest.raises(UnknownNameError) as caught:
        find_product("params", "atls")

    assert str(caught.value) == (
        "Unknown product 'atls' in params.\nDid you mean 'atlas'? Defined: atlas, beacon, c."
    )


def test_a_broken_file_goes_by_its_own_name(folder, product):
    (folder / "params" / "atlas.yml").write_text("product: [", encoding="utf-8")

    with pytest.raises(ParamsError, match="is not YAML"):
        find_product("params", "atlas")


def test_a_key_in_two_files_is_told_of_with_both(product):
    product("a.yml", "atlas")
    product("b.yml", "atlas")

    with pytest.raises(ParamsError, match="Product key 'atlas' stands in more than one file"):
        find_product("params", "atlas")


def test_one_product_is_checked_and_overridden_like_any_other(product):
    product("a.yml", "atlas", "metrics: [mau]\n")

    loaded = find_product(
        "params", "atlas", known_metrics=["mau", "wau"], overrides=["metrics=[wau]"]
    )

    assert loaded.params.metrics == ["wau"]
    with pytest.raises(ParamsError, match="unknown metric 'mau'"):
        find_product("params", "atlas", known_metrics=["wau"])
