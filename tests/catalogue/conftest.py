"""A product's file with whatever a test adds to it."""

import pytest

from kpikit.catalogue import metric_names_at
from kpikit.params import load_product

HEAD = """\
product: {key: shop, name: Shop, owner: Ada}
source:
  tables:
    orders: {files: orders.csv}
    observations: {files: observations.csv}
"""


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def product(write):
    def load(text="", head=HEAD):
        return load_product(write("shop.yml", head + text), known_metrics=metric_names_at)

    return load
