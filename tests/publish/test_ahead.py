"""Data never seen are read by several processes while the plan is made."""

import pytest

from kpikit.errors import SourceError
from kpikit.params import load_product
from kpikit.publish import ahead
from kpikit.publish.ahead import read_all, reading_ahead
from kpikit.sources import is_remembered, read_coverage

ORDERS = "order_id,user_id,order_time,revenue\n1,a,2026-07-05T10:00:00,40\n"


@pytest.fixture
def products(tmp_path, monkeypatch):
    """Seven products of a file each, none of them ever opened."""
    monkeypatch.setenv("KPIKIT_CACHE_DIR", str(tmp_path / "cache"))
    loaded = []
    for number in range(7):
        (tmp_path / f"{number}.csv").write_text(f"{ORDERS}2,b,2026-07-1{number}T10:00:00,1\n")
        path = tmp_path / f"p{number}.yml"
        path.write_text(
            f"product: {{key: p{number}, name: P}}\n"
            f"source: {{tables: {{orders: {{files: {number}.csv}}}}}}\n"
        )
        loaded.append(load_product(path))
    return loaded


def test_helpers_begin_at_the_end(products, monkeypatch):
    monkeypatch.setattr(ahead, "processors", lambda: 2)

    with reading_ahead(products) as helpers:
        while not is_remembered(products[-1]):
            pass
        first = is_remembered(products[0])

    assert helpers == 1
    assert not first
    assert read_coverage(products[-1]).as_of.isoformat() == "2026-07-16"


def test_nobody_helps_where_few_are_new_or_nobody_is_there(products, monkeypatch):
    monkeypatch.setattr(ahead, "processors", lambda: 2)
    with reading_ahead(products[:5]) as few:
        pass
    monkeypatch.setattr(ahead, "processors", lambda: 1)
    with reading_ahead(products) as alone:
        pass

    assert (few, alone) == (0, 0)
    assert not any(map(is_remembered, products))


def test_new_data_is_announced_before_it_is_read_where_there_is_a_second_processor(
    products, monkeypatch
):
    told = []

    def announce():
        told.append(any(map(is_remembered, products)))

    monkeypatch.setattr(ahead, "processors", lambda: 2)
    with reading_ahead(products[:1], on_unseen=announce):
        pass
    read_all([str(products[1].path)], [])
    with reading_ahead(products[1:2], on_unseen=announce):
        pass
    monkeypatch.setattr(ahead, "processors", lambda: 1)
    with reading_ahead(products[:1], on_unseen=announce):
        pass

    assert told == [False]


def test_products_that_cannot_be_read_are_passed_over(products, tmp_path):
    (tmp_path / "5.csv").unlink()
    (tmp_path / "p4.yml").write_text("product: {}\n")

    read_all([str(products[number].path) for number in (4, 5, 6)], [])

    assert is_remembered(products[6])
    assert is_remembered(products[5])  # so that planning reads it, and says what is wrong
    with pytest.raises(SourceError):
        read_coverage(products[5])


def test_a_database_is_asked_by_the_plan_alone(tmp_path, products):
    path = tmp_path / "warehouse.yml"
    path.write_text(
        "product: {key: warehouse, name: W}\n"
        "source: {connection: shop.duckdb, tables: {orders: {table: orders}}}\n"
    )

    assert is_remembered(load_product(path))
