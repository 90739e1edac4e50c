"""What editors are told is what the loader accepts."""

import json
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from kpikit.params import base, load_product, product_schema
from kpikit.params.model import Product
from kpikit.params.tables import CANONICAL, CHECKS

ROOT = Path(__file__).parents[2]


def parts():
    schema = product_schema()
    return {"Product": schema, **schema["$defs"]}


def test_the_file_for_editors_is_up_to_date():
    text = (ROOT / "params" / "schema.json").read_text(encoding="utf-8")

    assert json.loads(text) == product_schema(), "write it: kpikit schema --output ..."


def test_every_key_is_described():
    missing = [
        f"{part}.{name}"
        for part, schema in parts().items()
        for name, about in schema["properties"].items()
        if not about.get("description")
    ]

    assert missing == []


def test_every_part_refuses_unknown_keys():
    assert {part: schema["additionalProperties"] for part, schema in parts().items()} == (
        dict.fromkeys(parts(), False)
    )


def test_descriptions_are_sentences():
    wrong = [
        f"{part}.{name}"
        for part, schema in parts().items()
        for name, about in schema["properties"].items()
        if not about["description"].endswith(".")
    ]

    assert wrong == []


def test_a_register_may_be_a_list_or_a_file():
    either = product_schema()["properties"]["targets"]["anyOf"]

    assert either[0] == {"items": {"$ref": "#/$defs/Target"}, "type": "array"}
    assert either[1]["type"] == "string"
    assert either[1]["pattern"] == r"\.(csv|yml|yaml)$"


def test_checks_are_completed():
    assert parts()["Acceptance"]["properties"]["check"]["enum"] == sorted(CHECKS)


def test_tables_of_the_schema_are_the_canonical_ones():
    assert set(get_args(base.TableName)) == set(CANONICAL)


def test_parts_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Product.model_fields["source"].default_factory().connection = "x"


def test_the_key_in_the_file_is_the_alias():
    properties = parts()["BatchSpan"]["properties"]

    assert [*properties] == ["from", "to"]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "params").glob("*.yml")), ids=lambda path: path.name
)
def test_the_sample_products_name_the_schema_and_load(path):
    text = path.read_text(encoding="utf-8")

    assert "# yaml-language-server: $schema=schema.json" in text
    assert isinstance(load_product(path).params, BaseModel)
