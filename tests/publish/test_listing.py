"""Lists come at once and survive files that are broken."""

import pytest

from kpikit.errors import ParamsError
from kpikit.publish.listing import ListedProduct, list_products, list_templates


def test_products_are_listed_by_file_with_their_tables(tmp_path):
    (tmp_path / "beacon.yml").write_text("product: {key: beacon}\n")
    (tmp_path / "atlas.yml").write_text(
        "product: {key: atlas, name: Atlas, stage: growth}\n"
        "source: {tables: {events: {files: e.csv}, survey: {files: s.csv}}}\n"
    )

    assert list_products(tmp_path) == [
        ListedProduct("atlas", "Atlas", "growth", ("events", "survey")),
        ListedProduct("beacon"),
    ]


def test_registers_hidden_files_and_other_files_are_no_products(tmp_path):
    (tmp_path / "targets.yml").write_text("- {metric: orders, period: 2026Q3, value: 1}\n")
    (tmp_path / ".draft.yml").write_text("product: {key: draft}\n")
    (tmp_path / "schema.json").write_text("{}")

    assert list_products(tmp_path) == []


@pytest.mark.parametrize(
    "content", [b"product: [", b"", b"text", b"\xff\xfe", b"product: 3", b"source: {}"]
)
def test_a_broken_file_is_listed_as_broken(tmp_path, content):
    (tmp_path / "atlas.yml").write_bytes(content)

    assert list_products(tmp_path) == [ListedProduct("atlas", is_broken=True)]


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(
        ParamsError, match=r"folder of parameters '.*nope' does not exist\.\n.*--pa"
    ):
        list_products(tmp_path / "nope")


def test_templates_are_listed_by_name(tmp_path):
    for name in ("b.ipynb", "a.ipynb", "notes.md"):
        (tmp_path / name).write_text("{}")

    assert list_templates(tmp_path) == ["a", "b"]
    assert list_templates(tmp_path / "nope") == []
