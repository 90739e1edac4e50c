"""Data never seen are read by several processes while the plan is made."""

import pytest

from kpikit.errors import SourceError
from kpikit.params import load_product
from kpikit.publish import ahead
from kpikit.publish.ahead import read_all, reading_ahead
from kpikit.sources import read_coverage, recall_coverage

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

    with reading_ahead(products) as known:
        while recall_coverage(products[-1]) is None:
            pass
        first = recall_coverage(products[0])

    assert known == {}
    assert first is None
    assert read_coverage(products[-1]).as_of.isoformat() == "2026-07-16"


@pytest.mark.parametrize(("count", "processors"), [(5, 2), (7, 1)])
def test_nobody_helps_where_few_are_new_or_nobody_is_there(
    products, monkeypatch, count, processors
):
    monkeypatch.setattr(ahead, "processors", lambda: processors)
    monkeypatch.setattr(ahead, "_start", None)

    with reading_ahead(products[:count]) as known:
        pass

    assert known == {}


def test_what_was_read_before_is_known_and_not_read_again(products, monkeypatch):
    monkeypatch.setattr(ahead, "processors", lambda: 2)
    monkeypatch.setattr(ahead, "_start", None)
    coverages = {product.key: read_coverage(product) for product in products}

    with reading_ahead(products) as known:
        pass

    assert known == coverages


def test_new_data_is_announced_before_it_is_read_where_there_is_a_second_processor(
    products, monkeypatch
):
    told = []

    def announce():
        told.append(any(map(recall_coverage, products)))

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

    assert recall_coverage(products[6])
    with pytest.raises(SourceError):
        read_coverage(products[5])


def test_files_that_are_gone_are_left_to_the_plan_which_says_so(products, tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "_start", None)
    for path in tmp_path.glob("*.csv"):
        path.unlink()

    with reading_ahead(products) as known:
        pass

    assert known == {}


def test_a_database_is_asked_by_the_plan_alone(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("kpikit.sources.recall_coverage", asked.append)
    path = tmp_path / "warehouse.yml"
    path.write_text(
        "product: {key: warehouse, name: W}\n"
        "source: {connection: shop.duckdb, tables: {orders: {table: orders}}}\n"
    )

    with reading_ahead([load_product(path)]) as known:
        pass

    assert known == {}
    assert asked == []
