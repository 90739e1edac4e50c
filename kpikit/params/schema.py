"""The schema of a product's file as JSON schema, for completion and checks in editors."""

from typing import Any

from kpikit.params.model import Product


def product_schema() -> dict[str, Any]:
    """Return the JSON schema of ``params/<product>.yml``, with descriptions and examples.

    A product's file names it in its first line, ``# yaml-language-server: $schema=schema.json``.
    """
    schema = Product.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
