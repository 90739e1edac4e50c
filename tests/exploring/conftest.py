"""An exploring page on a small product, driven as JupyterLab would drive it."""

import asyncio
import textwrap
import time

import pytest

from kpikit.catalogue import metric_names_at
from kpikit.exploring.explorer import Explorer
from kpikit.params import load_product
from kpikit.params.views import View
from kpikit.present.components import Stack
from kpikit.sections.context import Context
from kpikit.sources import open_dataset
from tests.sections.conftest import ORDERS

SHOP = """\
# What we sell.
product: {key: shop, name: Shop, currency: EUR}
source: {tables: {orders: {files: orders.csv}}}
metrics: [net_revenue, orders, average_order_value] # the board's three
segments: [country]
drivers: {gross_revenue: orders * average_order_value}
"""
OTHER = SHOP.replace("key: shop, name: Shop", "key: stall, name: Stall")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KPIKIT_CACHE_DIR", str(tmp_path / "cache"))
    params = tmp_path / "params"
    params.mkdir()
    (params / "orders.csv").write_text(textwrap.dedent(ORDERS).lstrip(), encoding="utf-8")
    (params / "shop.yml").write_text(SHOP, encoding="utf-8")
    (params / "stall.yml").write_text(OTHER, encoding="utf-8")
    return params


@pytest.fixture
def context(folder):
    loaded = load_product(folder / "shop.yml", known_metrics=metric_names_at)
    return Context(loaded, open_dataset(loaded), loaded.calendar.parse("2026Q3"))


class Driver:
    """Moves the controls of a page and waits for what it shows."""

    def __init__(self, explorer):
        self.explorer = explorer

    async def move(self, name, value):
        """Move a control as a user does, and return once the page has answered."""
        self.explorer.widgets.controls[name].value = value
        await self.settled()

    async def click(self, name):
        self.explorer.widgets.buttons[name].click()
        await self.settled()

    async def settled(self, seconds=20):
        await asyncio.sleep(0.01)  # what widgets say comes by another thread, a moment later
        end = time.monotonic() + seconds
        while self.explorer.answered_turn != self.explorer.turn:
            assert time.monotonic() < end, "the page does not answer"
            await asyncio.sleep(0.005)

    async def idle(self, seconds=20):
        end = time.monotonic() + seconds
        while self.explorer.worker.is_busy:
            assert time.monotonic() < end, "the worker does not come to rest"
            await asyncio.sleep(0.01)

    @property
    def told(self):
        """What the page says above its exhibits."""
        return self.explorer.widgets.status

    @property
    def exhibits(self):
        """The HTML of what is shown."""
        return self.explorer.widgets.exhibits


@pytest.fixture
def play(context):
    """Run a coroutine with a page that begins with trends; return what it returns."""

    def run(scene, **settings):
        view = View(**{"section": "trends", "metric": "net_revenue", **settings})

        async def whole():
            loop = asyncio.get_running_loop()
            explorer = Explorer(context, view, loop=loop, cell="c1", static=Stack(()))
            driver = Driver(explorer)
            try:
                await driver.settled()
                return await scene(driver)
            finally:
                explorer.worker.close()

        return asyncio.run(whole())

    return run
