"""A product's own metrics join the built-in ones, or a message names the file that is wrong."""

from importlib.metadata import EntryPoint

import pytest

from kpikit.catalogue import CATALOGUE, definitions_hash, metric_names_at, metrics_of, own
from kpikit.errors import ParamsError

BIG_ORDERS = """\
from kpikit.catalogue import Metric
METRICS = [Metric(name="big_orders", label="Big orders", unit="share", table="orders",
                  question="How many orders are worth 100 or more?",
                  numerator=lambda t: t.order_id.nunique(where=t.revenue >= 100),
                  denominator=lambda t: t.order_id.nunique(where=t.kind == "sale"))]
"""
DEFINE = """\
define:
  - {name: rating, label: Rating, question: How do stores rate us?, table: observations,
     numerator: {mean: value}}
"""


@pytest.fixture
def plugin(monkeypatch):
    """Install a plug-in whose entry point leads to ``value``, as if a package offered it."""

    def install(value):
        point = EntryPoint("extra", value, own.ENTRY_POINT_GROUP)
        monkeypatch.setattr(own, "plugins", lambda: (point,))

    return install


def test_a_file_beside_the_product_adds_metrics(write, product):
    write("shop_metrics.py", BIG_ORDERS)

    metrics = metrics_of(product("metrics: [big_orders]"))

    assert list(metrics)[: len(CATALOGUE)] == list(CATALOGUE)
    found = metrics["big_orders"]
    assert found.origin.endswith("/shop_metrics.py")
    assert found.formula == f"As computed in {found.origin}."
    assert found.source == "the product"


def test_nothing_is_written_beside_the_users_file(write, product, tmp_path):
    write("shop_metrics.py", BIG_ORDERS)

    metrics_of(product())

    assert sorted(path.name for path in tmp_path.iterdir()) == ["shop.yml", "shop_metrics.py"]


def test_definitions_in_yaml_join_too(product):
    metrics = metrics_of(product(DEFINE))

    assert metrics["rating"].origin == "shop.yml"


def test_owners_of_the_file_win_over_the_products_owner(product):
    metrics = metrics_of(product("owners: {orders: Grace}"))

    assert metrics["orders"].owner == "Grace"
    assert metrics["refunds"].owner == "Ada"


def test_names_are_known_without_reading_more_than_the_key(write):
    path = write("renamed.yml", "product: {key: shop, name: Shop}\nthis: is wrong\n")
    write("shop_metrics.py", BIG_ORDERS)

    assert metric_names_at(path) == {*CATALOGUE, "big_orders"}


@pytest.mark.parametrize("text", ["a: [", "product: {name: Shop}", "product: {key: [a]}", ""])
def test_a_file_without_a_readable_key_goes_by_its_own_name(write, text):
    path = write("shop.yml", text)
    write("shop_metrics.py", BIG_ORDERS)

    assert "big_orders" in metric_names_at(path)


def test_a_name_that_kpikit_has_is_refused(write, product):
    write("shop_metrics.py", BIG_ORDERS.replace("big_orders", "orders"))

    with pytest.raises(
        ParamsError, match=r"Metric 'orders' in .*/shop_metrics.py is already defined by kpikit"
    ):
        product()


def test_a_name_given_in_yaml_and_in_python_is_refused(write, product):
    loaded = product(DEFINE)
    write("shop_metrics.py", BIG_ORDERS.replace("big_orders", "rating"))

    with pytest.raises(ParamsError, match=r"shop_metrics.py is already defined by shop.yml"):
        metrics_of(loaded)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = 1\ny = undefined\n", r"shop_metrics.py:2 cannot be run: NameError: name 'undefined'"),
        ("METRICS = [\n", r"shop_metrics.py:1 cannot be run: SyntaxError: '\[' was never closed"),
        ("", r"shop_metrics.py has no METRICS"),
        ("METRICS = 'orders'", r"shop_metrics.py has METRICS of type str"),
        (
            "METRICS = ['orders']",
            r"METRICS of .*shop_metrics.py holds 'orders', which is no metric",
        ),
        (
            BIG_ORDERS.replace("big_orders", "Big"),
            r"shop_metrics.py: Metric name 'Big' has a form",
        ),
        (
            BIG_ORDERS.replace("numerator=", "n="),
            r"Metric 'big_orders' of .*shop_metrics.py has no numerator",
        ),
    ],
)
def test_a_broken_file_is_named_with_line_and_cause(write, product, text, complaint):
    write("shop_metrics.py", text)

    with pytest.raises(ParamsError, match=complaint):
        product()


def test_a_plug_in_adds_metrics(plugin, product, write, monkeypatch):
    write("given_metrics.py", BIG_ORDERS)
    monkeypatch.syspath_prepend(write("shop.yml", "").parent)
    plugin("given_metrics:METRICS")

    metrics = metrics_of(product())

    assert metrics["big_orders"].origin == "the plug-in 'extra' of given_metrics"


def test_a_plug_in_may_be_a_function(plugin, product, write, monkeypatch):
    write("called_metrics.py", BIG_ORDERS + "def offer():\n    return METRICS\n")
    monkeypatch.syspath_prepend(write("shop.yml", "").parent)
    plugin("called_metrics:offer")

    assert "big_orders" in metrics_of(product())


def test_a_broken_plug_in_is_named(plugin, write):
    plugin("no_such_module:METRICS")

    with pytest.raises(
        ParamsError,
        match="the plug-in 'extra' of no_such_module cannot be run: ModuleNotFoundError",
    ):
        metric_names_at(write("shop.yml", ""))


def test_the_hash_follows_the_file_and_the_plug_ins(write, plugin):
    path = write("shop.yml", "")
    nothing = definitions_hash(path, "shop")
    write("shop_metrics.py", BIG_ORDERS)
    with_file = definitions_hash(path, "shop")
    plugin("given_metrics:METRICS")
    with_both = definitions_hash(path, "shop")

    assert len({nothing, with_file, with_both}) == 3


def test_installed_plug_ins_are_looked_up_once():
    assert own.plugins() is own.plugins()
