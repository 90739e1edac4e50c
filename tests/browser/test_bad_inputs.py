"""What goes wrong while somebody explores: each answers in the page with what to do."""

import duckdb
import nbformat
import pytest

from kpikit.exploring.blank import new_notebook

pytestmark = pytest.mark.slow
CITIES = 10_000
SHOP = """\
product: {key: warehouse, name: Warehouse, currency: EUR}
source: {connection: warehouse.duckdb, tables: {orders: {table: orders}}}
metrics: [net_revenue, orders]
segments: [city]
"""
ORDERS = f"""
CREATE TABLE orders AS SELECT
  i::VARCHAR AS order_id, (i % 500)::VARCHAR AS user_id, 10.0 + i % 7 AS revenue,
  TIMESTAMP '2025-01-01' + INTERVAL (30 * i) MINUTE AS order_time, 'city ' || (i % {CITIES}) AS city
FROM range(2 * {CITIES}) t(i)
"""
LOST = "page.session._of('warehouse').dataset.tables['orders'].get_backend().disconnect()"
SLOW = """
def slowly(choice, answer=page.session.page):
    if choice.view.grain == "day":
        con = page.session._of("warehouse").dataset.tables["orders"].get_backend()
        con.raw_sql("SELECT count(*) FROM range(1000000000000) r WHERE r.range % 7 = 1")
    return answer(choice)

page.session.page = slowly
"""


@pytest.fixture(scope="module")
def warehouse(house):
    """A product in a database, and a notebook that calls its page of controls ``page``."""
    path = house / "params" / "warehouse.yml"
    path.write_text(SHOP, encoding="utf-8")
    with duckdb.connect(house / "params" / "warehouse.duckdb") as con:
        con.execute(ORDERS)
    made = new_notebook(
        "bad", folder=house / "analyses", product="warehouse", params_dir=house / "params"
    )
    written = nbformat.read(made, as_version=4)
    [cell] = [cell for cell in written.cells if cell.source.startswith("kk.explore(")]
    cell.source = 'page = kk.explore(report, "trends")\npage'
    nbformat.write(written, made)
    yield path
    path.unlink()


@pytest.fixture
def opened(warehouse, notebook):
    notebook.open("analyses/bad.ipynb")
    notebook.run_all()
    notebook.ready()
    return notebook


def tells(notebook, *lines):
    """Wait until the page says all this, and see that nothing stale stands below it."""
    notebook.wait(lambda: all(line in notebook.told for line in lines), str(lines))
    assert notebook.frames() == []


def answers(notebook, grain):
    def shown():
        frames = notebook.frames()
        return bool(frames) and set(frames[0]["grain"]) == {grain}

    notebook.wait(lambda: "answered in" in notebook.told and shown(), f"an answer by {grain}")


def shoot(notebook, name):
    notebook.explore.locator(".kk-status-line").scroll_into_view_if_needed()
    notebook.shoot(name)


def test_a_product_that_is_removed_and_a_database_that_is_lost(opened, warehouse):
    text = warehouse.read_text(encoding="utf-8")
    warehouse.unlink()
    opened.choose("Grain", "week")
    tells(opened, "warehouse.yml is gone from", "Put it back, or choose another product.")
    shoot(opened, "gone")
    warehouse.write_text(text, encoding="utf-8")
    opened.press("Read the data again")
    answers(opened, "week")

    opened.execute(LOST)
    opened.choose("Metric", "Orders")
    opened.choose("Grain", "quarter")  # in the middle of a drag
    tells(opened, "The data could not be read:", "then press “Read the data again”.")
    shoot(opened, "lost")
    opened.press("Read the data again")
    answers(opened, "quarter")
    assert set(opened.frames()[0]["metric"]) == {"orders"}
    assert opened.complaints == []


def test_ten_thousand_segments_and_a_query_without_end(opened):
    opened.choose("Only where", "city")
    offered = opened.explore.locator("datalist option")
    opened.wait(lambda: offered.count() == 500, "the values with most rows")
    opened.type("is", "city 7000")  # its two orders: of 26 May and 21 December
    both = 10 + 7000 % 7 + 10 + 17000 % 7
    opened.wait(lambda: opened.frames()[0]["value"].sum() == both, "one city")
    opened.choose("Only where", "everything")
    opened.choose("Break down by", "city")
    opened.wait(lambda: "The first 200 of 10,000 segments" in opened.explore.inner_text())
    opened.wait(lambda: len(opened.frames()[-1]) == CITIES, "every city")
    shoot(opened, "cities")

    opened.choose("Break down by", "nothing")
    answers(opened, "month")
    opened.execute(SLOW)
    opened.choose("Grain", "day")
    opened.wait(lambda: "Computing, 1 s ..." in opened.told, "what it does")
    shoot(opened, "computing")
    opened.press("Cancel")
    opened.wait(lambda: opened.told == "Cancelled: this is the choice before.")
    opened.choose("Grain", "week")
    answers(opened, "week")
    assert opened.complaints == []
