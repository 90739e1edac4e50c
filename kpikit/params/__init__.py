"""A product: parameters read from its YAML file, with every mistake named by file and line."""

from kpikit.params.environment import expand_secrets, mask_secrets
from kpikit.params.load import Folder, LoadedProduct, find_product, load_folder, load_product
from kpikit.params.model import Product
from kpikit.params.schema import product_schema

__all__ = [
    "Folder",
    "LoadedProduct",
    "Product",
    "expand_secrets",
    "find_product",
    "load_folder",
    "load_product",
    "mask_secrets",
    "product_schema",
]
