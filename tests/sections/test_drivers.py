"""Why a KPI moved: exact contributions, mix against rate, and the segments that stand out."""

import datetime as dt
import re

import pytest

from kpikit.present.components import Absence, Callout, Cell, Figure, Paragraph, Row, Table
from kpikit.sections.drivers import drivers_section
from tests.sections.conftest import ORDERS

SOURCE = "source: {tables: {orders: {files: orders.csv}}}\n"
TREE = "drivers: {gross_revenue: orders * average_order_value}\n"


RATE = """
segments: [country]
define:
  - name: refunded
    label: Refunded
    question: How much comes back?
    table: orders
    numerator: {count: true, where: [{column: kind, equals: refund}]}
    denominator: {count: true}
    unit: share
    direction: down
"""


def parts(component):
    items = getattr(component, "items", None)
    return [component] if items is None else [part for item in items for part in parts(item)]


def text_of(cell):
    return cell.text if isinstance(cell, Cell) else cell


def column(table, key):
    return [text_of(row[key]) for row in table.rows]


def numbers(text):
    return re.findall(r"[+−±]?[€£$]?\d+(?:[.,]\d+)*(?: (?:%|pt|k|M))?", text)


def orders_of(rows):
    return "order_id,user_id,order_time,revenue,country\n" + "".join(
        f"{index},u{index},{day}T10:00:00,{amount},{country}\n"
        for index, (day, amount, country) in enumerate(rows)
    )


def test_contributions_of_factors_sum_to_the_change_shown(open_context):
    context = open_context(SOURCE + "metrics: [gross_revenue]\n" + TREE, {"orders.csv": ORDERS})

    bridge, table = parts(drivers_section(context))

    # 2026Q2: 1 order of 50; 2026Q3: 3 orders, 200 in all. Orders: (3 - 1) x (50 + 66.67) / 2,
    # average value: 16.67 x (1 + 3) / 2
    assert column(table, "factor") == [
        "Gross revenue", "\u2003Orders", "\u2003Average order value",
    ]  # fmt: skip
    assert column(table, "effect") == ["+€150.00", "+€116.67", "+€33.33"]
    assert column(table, "share") == ["100 %", "78 %", "22 %"]
    assert bridge.title == (
        "Gross revenue +€150.00 on 2026Q2: orders +€116.67, average order value +€33.33"
    )
    assert table.subtitle.startswith("Gross revenue = orders × average order value;")


def test_every_number_of_the_titles_stands_in_a_table(open_context):
    yaml = SOURCE + "metrics: [gross_revenue]\nsegments: [country]\n" + TREE
    found = parts(drivers_section(open_context(yaml, {"orders.csv": ORDERS})))

    cells = {text for part in found if isinstance(part, Table) for row in part.rows
             for text in map(text_of, row.values())}  # fmt: skip
    bridge = next(part for part in found if isinstance(part, Figure))

    said = numbers(re.sub(r"\b\d{4}Q\d\b", "", bridge.title))
    assert len(said) == 3
    assert set(said) <= cells


def test_the_year_before_is_the_base_where_it_is_known_whole(open_context):
    rows = orders_of(
        [("2025-06-30", 1, "DE"), ("2025-08-01", 20, "DE"), ("2026-05-01", 90, "DE"),
         ("2026-08-01", 30, "DE"), ("2026-10-01", 1, "DE")]
    )  # fmt: skip
    context = open_context(SOURCE + "metrics: [gross_revenue]\n" + TREE, {"orders.csv": rows})

    bridge, _ = parts(drivers_section(context))

    assert bridge.title.startswith("Gross revenue +€10.00 on 2025Q3")


def test_a_formula_that_is_no_identity_shows_what_it_leaves_over(open_context):
    yaml = SOURCE + "metrics: [net_revenue]\ndrivers: {net_revenue: orders * 60}\n"

    _, table = parts(drivers_section(open_context(yaml, {"orders.csv": ORDERS})))

    # 190.50 less 3 x 60 is 10.50; before, 50 less 60 is -10: 20.50 of the 140.50 are left over
    assert column(table, "factor")[-1] == "\u2003left unexplained"
    assert column(table, "effect") == ["+€140.50", "+€120.00", "+€20.50"]
    assert "(no identity)" in table.subtitle


def test_a_quarter_without_orders_has_no_average_and_says_so(open_context):
    rows = orders_of([("2025-12-01", 5, "DE"), ("2026-02-01", 5, "DE"), ("2026-10-02", 5, "DE")])
    context = open_context(SOURCE + "metrics: [gross_revenue]\n" + TREE, {"orders.csv": rows})

    (remark,) = drivers_section(context).items

    assert isinstance(remark, Callout)
    assert remark.text.startswith(
        "Why Gross revenue moved cannot be told: Average order value has no value in 2026Q2 ("
    )


def test_a_formula_that_divides_by_zero_says_so(open_context):
    yaml = SOURCE + "metrics: [orders]\ndrivers: {orders: gross_revenue / refunds}\n"

    (remark,) = drivers_section(open_context(yaml, {"orders.csv": ORDERS})).items

    assert remark.text.startswith("Why Orders moved cannot be told: ")
    assert "divides by zero" in remark.text


@pytest.mark.parametrize("yaml", ["metrics: [orders]\n", "metrics: [nps]\nsegments: [country]\n"])
def test_without_tree_and_segments_one_line_names_the_key(open_context, yaml):
    (absence,) = drivers_section(open_context(SOURCE + yaml, {"orders.csv": ORDERS})).items

    assert isinstance(absence, Absence)
    assert absence.text.startswith("No driver tree is declared. Write one under drivers:")


def test_mix_and_rate_effects_of_segments_sum_to_the_change_of_the_rate(open_context):
    yaml = SOURCE + "metrics: [orders, refunded]\n" + RATE

    found = parts(drivers_section(open_context(yaml, {"orders.csv": ORDERS})))

    # one row of DE in 2026Q2; in 2026Q3 one of DE, one of FR, two without, of which one refund:
    # 0 % and 25 %, 12.5 % on average. Mix: .5 x (.5 - .125), -.75 x (0 - .125), .25 x (0 - .125)
    mix = next(part for part in found if isinstance(part, Table) and "mix" in part.title)
    assert mix.title == ("Refunded +25.0 pt on 2026Q2: rates ±0.00 pt, mix +25.0 pt")
    assert column(mix, "segment") == ["(missing) (new)", "DE", "FR (new)", "sum"]
    assert column(mix, "effect") == ["+18.8 pt", "+9.38 pt", "−3.12 pt", "+25.0 pt"]
    assert [cell["effect"].tone for cell in mix.rows] == ["bad", "bad", "good", "bad"]


def test_beyond_four_segments_the_others_are_one_row(open_context):
    header = "order_id,user_id,order_time,revenue,country\n"
    rows = [
        (month, country, refund)
        for month in ("2026-04", "2026-08")
        for country in "ABCDEFG"
        for refund in (False, month == "2026-08" and country < "C")
    ]
    text = header + "".join(
        f"{index},u,{month}-01T10:00:00,{-1 if refund else 1},{country}\n"
        for index, (month, country, refund) in enumerate(rows)
    )
    yaml = SOURCE + "metrics: [refunded]\n" + RATE

    mix = next(
        part for part in parts(drivers_section(open_context(yaml, {"orders.csv": text})))
        if isinstance(part, Table) and "mix" in part.title
    )  # fmt: skip

    assert column(mix, "segment")[-2:] == ["all others", "sum"]
    assert len(mix.rows) == 6


def quarters(amounts_of):
    """Return an order per country and quarter from 2023Q1 on, to 2026Q3."""
    rows = []
    for index in range(15):
        day = dt.date(2023 + index // 4, 3 * (index % 4) + 1, 1)
        rows += [(day, amount, country) for country, amount in amounts_of(index).items()]
    return orders_of([*rows, ("2026-09-30", 0, "DE")])


def test_the_segment_that_leaves_its_own_past_is_named_among_all_searched(open_context):
    def amounts(index):
        usual = {"DE": 100 + index % 3, "FR": 100 + (index + 1) % 3, "GB": 100 + (index + 2) % 2}
        return usual | ({"FR": 400} if index == 14 else {})

    yaml = SOURCE + "metrics: [gross_revenue]\nsegments: [country]\n"
    found = parts(drivers_section(open_context(yaml, {"orders.csv": quarters(amounts)})))

    search, absent = found  # the table first: a heading above a mere remark may end a page
    assert isinstance(absent, Paragraph)
    assert search.title == "1 of 3 segments searched stands out: gross revenue on 2025Q3"
    first = {key: text_of(cell) for key, cell in search.rows[0].items()}
    assert (first["segment"], first["named"]) == ("country: FR", "stands out")
    assert (first["before"], first["after"]) == ("€102.00", "€400.00")
    assert [text_of(row["named"]) for row in search.rows[1:]] == [
        "below its share",  # FR made the whole change alone
        "below its share",
    ]


def test_a_segment_that_left_its_past_the_other_way_is_not_called_usual(open_context):
    def amounts(index):
        usual = {"DE": 100 + index % 3, "FR": 100 + (index + 1) % 3, "GB": 100 + (index + 2) % 2}
        return usual | ({"FR": 400, "DE": 20} if index == 14 else {})

    yaml = SOURCE + "metrics: [gross_revenue]\nsegments: [country]\n"
    search, _ = parts(drivers_section(open_context(yaml, {"orders.csv": quarters(amounts)})))

    verdicts = {row["segment"]: row["named"] for row in search.rows}
    assert verdicts["country: FR"] == "stands out"
    assert verdicts["country: DE"] == "below its share"
    assert search.subtitle.endswith("P after Holm")


def test_too_little_history_tests_nothing_and_says_so(open_context):
    yaml = SOURCE + "metrics: [gross_revenue]\nsegments: [country]\n" + TREE

    search = parts(drivers_section(open_context(yaml, {"orders.csv": ORDERS})))[-1]

    assert search.title == (
        "Gross revenue on 2026Q2, by segment: too little history to tell what stands out "
        "(3 segments)"
    )
    assert not {"p", "named"} & {one.key for one in search.columns}


def test_a_user_in_several_segments_keeps_a_dimension_out(open_context):
    rows = "order_id,user_id,order_time,revenue,country\n" + "".join(
        f"{index},a,2026-0{month}-02T10:00:00,5,{country}\n"
        for index, (month, country) in enumerate([(1, "DE"), (5, "DE"), (8, "DE"), (8, "FR")])
    )
    yaml = SOURCE + "metrics: [paying_users]\nsegments: [country, colour]\n"

    (absence,) = drivers_section(open_context(yaml, {"orders.csv": rows})).items

    assert isinstance(absence, Absence)


def test_two_tables_by_segment_stand_side_by_side(open_context):
    yaml = SOURCE + "metrics: [gross_revenue, refunded]\n" + RATE

    last, _ = drivers_section(open_context(yaml, {"orders.csv": ORDERS})).items

    assert isinstance(last, Row)
    assert len(last.items) == 2


COUNTED = """
define:
  - name: sold
    label: Sold
    question: How many?
    table: orders
    numerator: {count: true, where: [{column: kind, equals: sale}]}
    unit: count
    version: 2
    since: 2026-07-01
"""
SOLD = "metrics: [gross_revenue]\ndrivers: {gross_revenue: sold * average_order_value}\n"


def test_a_factor_of_another_definition_in_both_bases_is_not_compared(open_context):
    context = open_context(SOURCE + SOLD + COUNTED, {"orders.csv": ORDERS})

    (callout,) = [part for part in parts(drivers_section(context)) if isinstance(part, Callout)]

    assert callout.text == (
        "Why Gross revenue moved cannot be told: Sold is not comparable, definition version 2 "
        "since 1 Jul 2026."
    )


def test_a_base_that_is_covered_in_part_is_not_compared(open_context):
    orders = orders_of([("2026-05-02", 5, "DE"), ("2026-07-05", 7, "DE"), ("2026-09-30", 7, "FR")])
    context = open_context(
        SOURCE + "metrics: [gross_revenue]\n" + TREE + "segments: [country]\n",
        {"orders.csv": orders},
    )

    (callout,) = [part for part in parts(drivers_section(context)) if isinstance(part, Callout)]

    assert callout.text.endswith("cannot be told: the data cover 2026Q2 only in part.")
