"""What sections share: facts of every KPI, comparisons, and the state of the page."""

import datetime as dt

import pytest

from kpikit.sections.cover import cover_section, state_sentence
from kpikit.sections.kpis import kpi_rows
from kpikit.sections.summary import summary_section
from tests.sections.conftest import ORDERS, ORDERS_YAML


def test_the_scorecard_holds_the_declared_kpis_with_their_targets(shop):
    card = shop.scorecard.set_index("metric")

    # sales of 100, 60.50 and 39.50, less 9.50 paid back; against 40 a year before
    assert card.loc["net_revenue", "actual"] == 190.5
    assert card.loc["net_revenue", "outcome"] == "hit"
    assert card.loc["net_revenue", "yoy_abs"] == 150.5
    assert card.loc["orders", "actual"] == 3
    assert card.loc["average_order_value", "actual"] == pytest.approx(200 / 3)


def test_a_finished_period_is_final_and_as_of_its_last_day(shop):
    cover = cover_section(shop)

    assert (cover.state, cover.as_of) == ("final", "2026-09-30")
    assert cover.period_text == "fiscal 2026 Q3 (1 Jul – 30 Sep 2026)"
    assert cover.metadata()["marker"]["run_id"] == "0123456789ab"
    assert state_sentence(shop) == ""


def test_an_unfinished_period_says_how_far_it_is_and_compares_as_many_days(open_context):
    first_rows = "".join(ORDERS.splitlines(keepends=True)[:6])  # up to 6 August

    context = open_context(ORDERS_YAML, {"orders.csv": first_rows}, run_id="0123456789ab")

    assert context.state == "unfinished"
    assert "37 of 92 days" in state_sentence(context)
    assert context.comparisons["year_before"].end == dt.date(2025, 8, 7)


def test_a_period_that_begins_before_the_data_says_how_much_of_it_is_covered(open_context):
    # the data begin on 5 July 2025: 27 days of July, 31 of August, 30 of September
    context = open_context(ORDERS_YAML, {"orders.csv": ORDERS}, period="2025Q3")

    assert state_sentence(context) == (
        "The data begin on 5 Jul 2025: 2025Q3 is covered for 88 of its 92 days, and totals are of "
        "these alone."
    )
    assert summary_section(context).items[0].title == "Covered in part"


@pytest.mark.parametrize(
    ("period", "month"),
    [
        ("2026Q3", "2026-09"),
        ("2026-W32", "2026-07"),  # ends on 9 August, and the data goes on
        ("2025-07-05", "2025-07"),  # no month before it has data
    ],
)
def test_months_end_with_the_period_of_the_report(open_context, period, month):
    context = open_context(ORDERS_YAML, {"orders.csv": ORDERS}, period=period)

    assert context.last_month.label == month
    assert context.series("orders", "month")["period"].iloc[-1] == month


def test_an_unfinished_month_is_the_last_where_the_data_end_in_it(open_context):
    first_rows = "".join(ORDERS.splitlines(keepends=True)[:6])  # up to 6 August

    assert open_context(ORDERS_YAML, {"orders.csv": first_rows}).last_month.label == "2026-08"


def test_a_page_opened_by_hand_is_a_draft(open_context):
    context = open_context(ORDERS_YAML, {"orders.csv": ORDERS})

    assert context.state == "draft"
    assert cover_section(context).run_id == "draft"


def test_a_series_holds_whole_periods_in_order(shop):
    months = shop.series("net_revenue", "month")

    assert months["period"].tolist()[-3:] == ["2026-07", "2026-08", "2026-09"]
    assert months["value"].tolist()[-3:] == [100.0, 60.5, 30.0]


def test_kpis_of_absent_tables_are_missing_with_a_reason(open_context):
    context = open_context(
        "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [orders, nps, mrr]",
        {"orders.csv": ORDERS},
    )

    reasons = context.scorecard.set_index("metric")["reason"]

    assert reasons["nps"] == "there is no table survey"
    assert reasons["mrr"] == "there is no table subscriptions"


def test_a_fault_of_the_data_is_a_badge_on_the_kpis_that_it_touches(open_context):
    survey = """
        answer_time,score
        2026-08-01T10:00:00,9
        2026-08-02T10:00:00,11
    """
    context = open_context(
        "source: {tables: {orders: {files: orders.csv}, survey: {files: survey.csv}}}\n"
        "metrics: [orders, nps]",
        {"orders.csv": ORDERS, "survey.csv": survey},
    )

    assert context.badges["nps"] == "out of range"
    assert "orders" not in context.badges


def test_a_basket_of_several_categories_is_parted_by_its_lines(open_context):
    lines = """
        order_id,user_id,order_time,quantity,unit_price,category
        1,a,2026-08-01T10:00:00,1,10.00,lamps
        1,a,2026-08-01T10:00:00,2,20.00,textiles
        2,b,2026-08-02T10:00:00,1,5.00,lamps
    """
    context = open_context(
        "source: {tables: {order_lines: {files: lines.csv}}}\nmetrics: [gross_revenue, orders]",
        {"lines.csv": lines},
    )

    revenue, orders = (
        context.parts_of(metric, [context.period], "category").set_index("segment")["value"]
        for metric in context.metrics
    )

    # the first order is one of each category, and amounts still add up to 55
    assert revenue.to_dict() == {"lamps": 15.0, "textiles": 40.0}
    assert orders.to_dict() == {"lamps": 2.0, "textiles": 1.0}


def test_a_fault_of_other_days_is_no_badge(open_context):
    survey = """
        answer_time,score
        2024-08-01T10:00:00,11
        2026-08-01T10:00:00,9
    """
    context = open_context(
        "source: {tables: {survey: {files: survey.csv}}}\nmetrics: [nps]", {"survey.csv": survey}
    )

    (finding,) = (item for item in context.dataset.findings if item.check == "out_of_range")

    assert (finding.first, finding.last) == (dt.date(2024, 8, 1), dt.date(2024, 8, 1))
    assert context.badges == {}
    assert kpi_rows(context)[0]["flags"] == ["fewer than 30 answers: 1"]


def test_a_score_of_few_answers_is_in_the_file_and_not_on_the_page(open_context):
    answers = "".join(f"2026-0{6 + n % 3}-02T10:00:00,{9 if n < 40 else 3}\n" for n in range(50))
    context = open_context(
        "source: {as_of: 2026-09-30, tables: {survey: {files: survey.csv}}}\nmetrics: [nps]",
        {"survey.csv": f"answer_time,score\n{answers}"},
    )

    quarter, *months = kpi_rows(context)

    # 33 of July and August answer in the quarter, some 17 a month: 27 promoters, 6 detractors
    assert (quarter["n"], quarter["flags"]) == (33, [])
    assert [row["value"] is None for row in months] == [False, False, True]
    assert months[0]["flags"] == ["fewer than 30 answers: 17"]
    assert context.scorecard["actual"].notna().all()
    assert context.series("nps", "month")["value"].isna().all()


def test_a_fault_in_a_spell_touches_every_period_that_it_may_span(open_context):
    spells = """
        subscription_id,user_id,mrr,start_time,end_time
        1,a,-5,2024-01-01T00:00:00,
        2,b,10,2026-08-01T00:00:00,
    """
    context = open_context(
        "source: {tables: {subscriptions: {files: s.csv}}}\nmetrics: [mrr]", {"s.csv": spells}
    )

    assert context.badges["mrr"] == "out of range"


def test_a_fault_in_a_column_that_no_kpi_reads_is_no_badge(open_context):
    lines = """
        order_id,product_id,user_id,order_time,quantity,unit_price
        1,ab1,a,2026-08-01T10:00:00,1,10.00
        2,AB1,b,2026-08-02T10:00:00,1,5.00
    """
    context = open_context(
        "source: {tables: {order_lines: {files: lines.csv}}}\nmetrics: [orders]",
        {"lines.csv": lines},
    )

    assert "mixed_case" in {finding.check for finding in context.dataset.findings}
    assert context.badges == {}
