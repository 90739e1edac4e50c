"""Bad input through the command line: what is said, the exit code, and nothing published is lost.

Each message is tested in full where its room is tested; here it is seen from outside, with a report
published before.
"""

import re
import sys
from types import SimpleNamespace

import pytest

from kpikit import cli

PRODUCT = """\
product: {key: shop, name: Shop, currency: EUR}
source: {tables: {orders: {files: orders.csv}}}
metrics: [net_revenue]
"""
HEADER = "order_id,user_id,order_time,revenue"
ROWS = "1,ann,2026-07-01 10:00:00,10.00\n2,bob,2026-09-30 12:00:00,30.00\n"
SAME_KEY = {"params/copy.yml": PRODUCT}


@pytest.fixture
def folder(tmp_path, monkeypatch, make):
    """A product, a template, and what an earlier run published of them."""
    for name, text in {
        "params/shop.yml": PRODUCT,
        "params/orders.csv": f"{HEADER}\n{ROWS}",
        "notebooks/mini.ipynb": make.notebook_json(),
        "output/index.html": "the index",
        "output/2026Q3/shop/mini.html": "the last good report",
        "output/2026Q3/shop/mini.kpis.json": "{}",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KPIKIT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys, folder, make):
    """Run the template; return exit code, what was printed, and whether the output stayed."""

    def call(*arguments):
        before = make.files_below(folder / "output")
        monkeypatch.setattr(sys, "argv", ["kpikit", "run", "mini", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        kept = make.files_below(folder / "output") == before
        return SimpleNamespace(code=end.value.code, text=printed.out + printed.err, kept=kept)

    return call


def product(old, new):
    assert old in PRODUCT
    return {"params/shop.yml": PRODUCT.replace(old, new)}


def orders(content):
    return {"params/orders.csv": content}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (product("currency", "curency"), r"shop.yml:1: product.curency: unknown key 'curency'"),
        (product("net_revenue", "net_revenu"), r"shop.yml:3: .*'net_revenu'.\n.*'net_revenue'"),
        (product("EUR}", "EUR, timezone: Europe/Berln}"), r"'Europe/Berln' does not exist"),
        (product("{key: shop", "{key: [shop"), r"shop.yml:1: is not YAML"),
        ({"params/shop.yml": ""}, r"shop.yml is empty.\n  Begin with"),
        ({"params/shop.yml": PRODUCT.encode("utf-16")}, r"shop.yml is UTF-16 text"),
        ({"params/shop.yml": b"product: {key: shop, name: \xd6l}"}, r"byte 0xD6 is not UTF-8"),
        (SAME_KEY, r"key 'shop' stands in more than one file: params/copy.yml:1 and params/shop"),
        (product("orders.csv", "order.csv"), r"no file matches 'order.csv'.*\n.*'orders.csv'"),
        (orders(""), r"orders.csv is empty \(0 bytes\).\n  Deliver it again"),
        (orders(f"{HEADER}\n"), r"no table has a row with a time: orders has no row"),
        (orders("order_id,order_time\n1,2026-07-01\n"), r"orders: no column for revenue"),
        (orders(f"{HEADER}\n1,ann,soon,1\n"), r"orders.order_time cannot be read .* 'soon'"),
        (orders(f"{HEADER}\n1,ann,,1\n"), r"orders.order_time has no value in any row"),
        (orders(f"{HEADER},revenue\n1,ann,2026-07-01,1,2\n"), r"'revenue' stands more than once"),
        (orders(f"{HEADER}\n1,\xe9,2026-07-01,1\n".encode("latin-1")), r"csv is not utf-8 text"),
    ],
)  # fmt: skip
def test_a_product_that_cannot_be_planned_says_why_and_changes_nothing(run, folder, files, message):
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)

    ended = run()

    assert (ended.code, ended.kept) == (2, True)
    assert re.search(message, ended.text)
    assert "Traceback" not in ended.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--product", "shpo"], r"Unknown product 'shpo' in params.\nDid you mean 'shop'"),
        (["--period", "2026Q7"], r"'2026Q7' is no period"),
        (["--period", "2031Q1"], r"'shop' has no data in 2031Q1 .*\n.*give a period within"),
        (["--set", "product.nam=X"], r"unknown key 'nam'"),
        (["--output-dir", "params/shop.yml"], r"Nothing can be written in the output folder .*\n"),
    ],
)
def test_a_call_that_cannot_be_run_says_why_and_changes_nothing(run, arguments, message):
    ended = run(*arguments)

    assert (ended.code, ended.kept) == (2, True)
    assert re.search(message, ended.text)
    assert "Traceback" not in ended.text


def test_a_template_without_its_parameters_cell_is_refused_and_changes_nothing(run, folder, make):
    text = make.notebook_json().replace('"parameters"', '"other"')
    (folder / "notebooks" / "mini.ipynb").write_text(text)

    ended = run()

    assert (ended.code, ended.kept) == (2, True)
    assert "mini.ipynb has no cell tagged 'parameters'.\nTag the cell" in ended.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{HEADER}\n1,ann,2026-07-01,ten\n", "revenue cannot be read"),  # of the wrong type
        (f"{HEADER}\n1,ann,2026-07-01,\n", "revenue has no value in any row"),
        (f"{HEADER},currency\n1,a,2026-07-01,9,EUR\n2,a,2026-07-02,9,USD\n", "not in EUR"),
    ],
)
def test_data_that_fail_a_check_fail_their_report_and_keep_the_last_good_one(
    run, folder, make, content, message
):
    (folder / "params" / "orders.csv").write_text(content)
    cell = "import kpikit as kk\nkk.open_report(product, period=period, params_dir=params_dir)"
    (folder / "notebooks" / "mini.ipynb").write_text(make.notebook_json(cell))

    ended = run("--formats", "")

    assert ended.code == 1
    assert message in ended.text
    published = make.files_below(folder / "output" / "2026Q3" / "shop")
    assert published.pop("mini.failed.ipynb")
    assert published == {"mini.html": b"the last good report", "mini.kpis.json": b"{}"}
