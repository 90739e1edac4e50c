"""Own values beside those of peers, with source, date and how far they compare."""

import pytest

from kpikit.errors import ParamsError
from kpikit.present.components import Cell
from kpikit.sections.benchmarks import benchmarks_section
from tests.sections.conftest import ORDERS

YAML = "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [orders]\nbenchmarks:\n"
VALUE = (
    "metric: average_order_value, value: 50, low: 40, high: 60, source: A study, date: 2026-01-01"
)


def section(open_context, *lines, orders=ORDERS):
    yaml = YAML + "".join(f"  - {{{line}}}\n" for line in lines)
    return benchmarks_section(open_context(yaml, {"orders.csv": orders}))


def text_of(cell):
    return cell.text if isinstance(cell, Cell) else cell


def test_the_own_value_stands_beside_the_peers_with_its_source(open_context):
    line = f"{VALUE}, comparability: Shops of our size"

    (table,) = section(
        open_context, line, "metric: orders, value: 9, source: B, date: 2023-01-01"
    ).items

    first, second = ({key: text_of(cell) for key, cell in row.items()} for row in table.rows)
    # 200 in 3 orders: above the upper quartile of 60
    assert (first["own"], first["peers"], first["quartiles"]) == (
        "€66.67",
        "€50.00",
        "€40.00 to €60.00",
    )
    assert (first["position"], first["source"], first["date"]) == (
        "best quarter",
        "A study",
        "1 Jan 2026",
    )
    assert first["comparability"] == "Shops of our size"
    assert (second["position"], second["quartiles"], second["comparability"]) == (
        "worse", "–", "not stated",
    )  # fmt: skip
    assert table.title == "1 of 2 benchmarks met or beaten"


def test_the_graph_of_a_row_is_on_one_scale_from_zero(open_context):
    (table,) = section(open_context, VALUE).items

    bullet = table.rows[0]["graph"].bullet

    # the greatest value, 66.67, is at 1 / 1.1 of the scale
    assert bullet.value == pytest.approx(1 / 1.1)
    assert bullet.target == pytest.approx(50 / (1.1 * 200 / 3))
    assert (bullet.low, bullet.high) == pytest.approx((40 / (220 / 3), 60 / (220 / 3)))


def test_a_benchmark_older_than_two_years_is_marked(open_context):
    (table,) = section(open_context, VALUE.replace("2026-01-01", "2023-01-01")).items

    assert table.rows[0]["date"].note == "over two years old"


def test_a_kpi_without_a_value_is_told_and_has_no_position(open_context):
    line = "metric: nps, value: 30, source: A study, date: 2026-01-01"

    (table,) = section(open_context, line).items

    assert table.title == "No KPI with a benchmark has a value"
    assert text_of(table.rows[0]["position"]) == "not known"
    assert table.rows[0]["graph"].bullet is None
    assert table.notes == ("NPS has no value: there is no table survey.",)


def test_values_below_zero_have_no_graph(open_context):
    line = "metric: net_revenue, value: -5, source: A study, date: 2026-01-01"

    (table,) = section(open_context, line).items

    assert table.rows[0]["graph"].bullet is None


def test_a_benchmark_without_a_source_is_an_error_before_the_run(open_context):
    with pytest.raises(ParamsError, match=r"benchmarks\.0\.source: is missing"):
        section(open_context, "metric: orders, value: 9, date: 2026-01-01")


def test_without_benchmarks_one_line_names_the_key(open_context):
    yaml = YAML.removesuffix("benchmarks:\n")

    (absence,) = benchmarks_section(open_context(yaml, {"orders.csv": ORDERS})).items

    assert absence.text == (
        "No benchmark is declared. List some under benchmarks:, each with its source and date."
    )
