"""Every section from small data: what it shows, and the line where it has nothing to show."""

import io
import re

import pandas as pd
import pytest

from kpikit.present.components import Absence, Callout, Figure, Headlines, Row, Table, Tiles
from kpikit.sections import quality, retention, revenue, scorecard, segments, summary, voice
from kpikit.sections import trends as trends_of
from tests.sections.conftest import ORDERS, ORDERS_YAML, WAVE, orders_of

EVENTS_YAML = "source: {tables: {events: {files: events.csv}}}\nmetrics: [active_users]"
EVENTS = """
    user_id,event,event_time
    a,open,2026-07-01T10:00:00
    a,open,2026-08-01T10:00:00
    b,open,2026-09-30T10:00:00
"""
SUBSCRIPTIONS = """
    subscription_id,user_id,plan,mrr,start_time,end_time,end_reason
    1,a,pro,10.00,2026-01-01T00:00:00,,
    2,b,pro,20.00,2026-03-01T00:00:00,2026-08-15T00:00:00,price
    3,c,pro,30.00,2026-08-01T00:00:00,,
    4,d,pro,5.00,2026-09-30T00:00:00,,
"""
SUBSCRIPTIONS_YAML = "source: {tables: {subscriptions: {files: s.csv}}}\nmetrics: [mrr]"
SURVEY_YAML = "source: {tables: {survey: {files: survey.csv}}}\nmetrics: [nps]"


def figures(component):
    if isinstance(component, Figure):
        return [component]
    return [figure for item in getattr(component, "items", ()) for figure in figures(item)]


def line_of(stack):
    (absence,) = stack.items
    assert isinstance(absence, Absence)
    return absence.text


def test_the_summary_tells_the_headlines_and_shows_tiles(shop):
    headlines, tiles, legend = summary.summary_section(shop).items

    assert isinstance(headlines, Headlines)
    assert headlines.title.startswith("Net revenue was €190.50")
    assert isinstance(tiles, Tiles)
    assert [tile.label for tile in tiles.items] == ["Net revenue", "Orders", "Average order value"]
    assert legend.text == (
        "Lines: the last 8 quarters; dashed: the target. Green and red: better and worse; whether "
        "a change is more than routine variation, the sentences say."
    )


def test_the_summary_of_an_unfinished_period_says_so_first(open_context):
    rows = "".join(ORDERS.splitlines(keepends=True)[:6])
    context = open_context(ORDERS_YAML, {"orders.csv": rows})

    remark = summary.summary_section(context).items[0]

    assert isinstance(remark, Callout)
    assert "37 of 92 days" in remark.text


def test_the_scorecard_bears_the_rows_of_kpis_json(shop):
    stack = scorecard.scorecard_section(shop)

    rows = {(row["metric"], row["period"]): row for row in stack.metadata()["kpis"]}
    assert set(stack.metadata()["definitions"]) == {metric for metric, _ in rows}
    assert rows["net_revenue", "2026Q3"] == {
        "metric": "net_revenue", "period": "2026Q3", "value": 190.5, "unit": "EUR", "n": 3,
        "complete": True, "target": 180.0, "flags": [],
    }  # fmt: skip
    assert rows["orders", "2026-08"]["target"] == 2.0
    assert [period for metric, period in rows if metric == "orders"] == [
        "2026Q3", "2026-07", "2026-08", "2026-09",
    ]  # fmt: skip


def test_the_scorecard_says_how_many_signals_chance_makes(open_context):
    yaml = "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [net_revenue, orders]"

    (table,) = scorecard.scorecard_section(
        open_context(yaml, {"orders.csv": orders_of(WAVE)}, period="2026Q2")
    ).items

    # two KPIs without season, trend or memory, three months, 1 % each
    assert (
        "Signals are told by month: over these KPIs and this quarter, at most 0.1 are to be "
        "expected although nothing happened."
    ) in table.notes


def test_the_scorecard_names_the_faults_of_the_data_below_it(open_context):
    doubled = "".join(
        f"{n},a,2026-08-01T10:00:00,5\n{n},a,2026-08-01T10:00:00,5\n" for n in range(30)
    )
    yaml = "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [orders]"
    files = {"orders.csv": f"order_id,user_id,order_time,revenue\n{doubled}"}

    (table,) = scorecard.scorecard_section(open_context(yaml, files)).items

    assert table.notes[-1].startswith("Remarks on the data: ")
    assert table.notes[-1].endswith(". Appendix A tells each.")


def test_a_kpi_without_a_value_is_null_with_its_reason(open_context):
    context = open_context(
        "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [nps]", {"orders.csv": ORDERS}
    )

    row = scorecard.scorecard_section(context).metadata()["kpis"][0]

    assert (row["value"], row["n"], row["flags"]) == (None, None, ["there is no table survey"])


def test_trends_draw_one_chart_per_kpi_two_by_two(shop):
    stack = trends_of.trends_section(shop)

    assert [figure.title.split(" was ")[0].split(" were ")[0] for figure in figures(stack)] == [
        "Net revenue", "Orders", "Average order value",
    ]  # fmt: skip
    assert isinstance(stack.items[0], Row)
    assert isinstance(stack.items[1], Figure)


def test_trends_draw_first_what_has_a_target_or_an_event_of_its_own(open_context):
    names = "gross_revenue, net_revenue, orders, average_order_value, paying_users, arpu"
    yaml = (
        "source: {tables: {orders: {files: orders.csv}}}\n"
        f"metrics: [{names}, new_customers, repeat_purchase_rate]\n"
        "targets: [{metric: new_customers, period: 2026Q4, value: 9}]\n"
        "annotations: [{date: 2026-08-01, label: Sale, metrics: [repeat_purchase_rate]}]\n"
    )

    stack = trends_of.trends_section(open_context(yaml, {"orders.csv": ORDERS}))

    shown = [figure.title.split(" was ")[0].split(" were ")[0] for figure in figures(stack)]
    assert len(shown) == 6
    assert shown[-2:] == ["New customers", "Repeat purchase rate"]


def test_trends_say_what_their_panels_and_lines_are_as_far_as_they_are_drawn(open_context):
    rows = """
        order_id,user_id,order_time,revenue
        1,a,2026-07-05T10:00:00,40.00
        2,a,2026-08-10T10:00:00,50.00
        3,b,2026-09-25T10:00:00,60.00
    """
    yaml = "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [orders, paying_users]"
    context = open_context(yaml, {"orders.csv": rows})  # data begin and end within months

    subtitles = [figure.subtitle for figure in figures(trends_of.trends_section(context))]

    assert subtitles == [
        "Orders by week (left, 6 weeks) and by month; open dot: not complete",
        "Paying users by month; open dot: not complete",
    ]


def test_a_run_on_one_side_has_one_ring_however_long_it_goes_on(open_context, monkeypatch):
    drawn, bands = [], []
    plot = trends_of.plot_trend

    def remember(monthly, *args, **keywords):
        drawn.extend(monthly["signal"])
        bands.append((monthly["lower"].min(), monthly["upper"].max()))
        return plot(monthly, *args, **keywords)

    rules = ["", "one_side", "one_side", "one_side", "beyond_limit", "one_side"]
    sides = ["", "above", "above", "below", "below", "below"]
    points = pd.DataFrame(
        {"period": [f"2026-0{month}" for month in range(4, 10)], "rule": rules, "side": sides,
         "value": 1.0, "lower": -9.0, "upper": 9.0, "signal": [rule != "" for rule in rules]}
    )  # fmt: skip
    routine = {name: points[name].to_numpy() for name in points}
    monkeypatch.setattr(trends_of, "plot_trend", remember)
    monkeypatch.setattr(trends_of, "signals", lambda *_: routine)
    orders = "order_id,user_id,order_time,revenue\n" + "".join(
        f"{month},a,2026-0{month}-01T10:00:00,1\n" for month in range(4, 10)
    )
    yaml = "source: {as_of: 2026-09-30, tables: {orders: {files: orders.csv}}}\nmetrics: [orders]"

    trends_of.trends_section(open_context(yaml, {"orders.csv": orders}))

    assert drawn == [False, True, False, True, True, True]
    assert bands == [(0.0, 9.0)]  # orders were never below zero, so the band ends there


def test_a_quarterly_target_is_drawn_on_months_only_where_both_can_be_compared(
    open_context, monkeypatch
):
    drawn = {}
    plot = trends_of.plot_trend

    def remember(monthly, *args, target, **keywords):
        drawn[monthly["metric"].iloc[0]] = None if target is None else target["value"].tolist()
        return plot(monthly, *args, target=target, **keywords)

    monkeypatch.setattr(trends_of, "plot_trend", remember)
    yaml = """
        source: {tables: {orders: {files: orders.csv}}}
        metrics: [orders, average_order_value, repeat_purchase_rate]
        targets:
          - {metric: orders, period: 2026Q3, value: 9}
          - {metric: orders, period: 2026-08, value: 3}
          - {metric: average_order_value, period: 2026Q3, value: 70}
          - {metric: repeat_purchase_rate, period: 2026Q3, value: 0.5}
    """

    trends_of.trends_section(open_context(yaml, {"orders.csv": ORDERS}))

    assert drawn == {
        "orders": [3.0], "average_order_value": [70.0], "repeat_purchase_rate": None,
    }  # fmt: skip


def test_trends_without_history_say_so(open_context):
    rows = "order_id,user_id,order_time,revenue\n1,a,2026-09-30T10:00:00,5\n"
    context = open_context(
        "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [orders]", {"orders.csv": rows}
    )

    assert "no trend to draw" in line_of(trends_of.trends_section(context))


def test_retention_counts_users_of_events(open_context):
    others = "".join(f"    {user},open,2026-07-02T10:00:00\n" for user in "cdefghijk")
    context = open_context(EVENTS_YAML, {"events.csv": EVENTS + others})

    triangle, curve = figures(retention.retention_section(context))

    # of the July cohort (a to j), a came back in August and nobody in September
    assert triangle.title == (
        "10 % of the 10 users of Jul 2026 were back after 1 month, 10 % of all"
    )
    assert curve.title == "10.0 % of users are back after 1 month, 0.00 % after 2 months"
    assert curve.subtitle.startswith("All 2 cohorts")
    assert triangle.notes == ("Without 1 cohort of fewer than 10 users.",)


def test_retention_of_small_cohorts_is_shown_of_all_together_alone(open_context):
    context = open_context(EVENTS_YAML, {"events.csv": EVENTS})

    (curve,) = figures(retention.retention_section(context))

    assert curve.title == "100.0 % of users are back after 1 month, 0.00 % after 2 months"


def test_retention_counts_buyers_where_there_are_only_orders(shop):
    titles = [figure.title for figure in figures(retention.retention_section(shop))]

    assert "buyers" in titles[0]


def test_churn_names_the_share_that_ended_and_why(open_context):
    context = open_context(SUBSCRIPTIONS_YAML, {"s.csv": SUBSCRIPTIONS})

    stack = retention.retention_section(context)

    survival, reasons = figures(stack)
    assert "paying customers" in survival.title
    assert re.search(r" \d+\.\d months: \d+\.\d %", survival.alt)
    assert reasons.title == ("“Price” is the reason most often given: 1 of 1 who left, 100 %")
    # 1 of 4 ended, with 20 of 65 a month
    assert stack.items[-1].text == (
        "Of 4 subscriptions ever paid, 1 ended (25.000 %). They bore €20.00 of €65.00 monthly "
        "recurring revenue (30.77 %)."
    )


def test_churn_without_a_known_reason_is_a_sentence_and_no_bar(open_context):
    rows = SUBSCRIPTIONS.replace(",price", ",")
    context = open_context(SUBSCRIPTIONS_YAML, {"s.csv": rows})

    stack = retention.retention_section(context)

    assert len(figures(stack)) == 1
    assert stack.items[-1].text.endswith(
        "1 customer left, and no reason is known (1 Jul – 30 Sep 2026)."
    )


def test_nobody_who_left_is_said_in_words(open_context):
    rows = SUBSCRIPTIONS.replace("2026-08-15T00:00:00,price", ",")
    context = open_context(SUBSCRIPTIONS_YAML, {"s.csv": rows})

    stack = retention.retention_section(context)

    assert stack.items[-1].text == (
        "Of 4 subscriptions ever paid, none ended. Nobody left in the period (1 Jul – 30 Sep 2026)."
    )


def test_a_change_of_plan_is_named_where_it_ends_a_subscription(open_context):
    more = "    5,b,max,25.00,2026-08-15T00:00:00,,\n"
    context = open_context(SUBSCRIPTIONS_YAML, {"s.csv": SUBSCRIPTIONS + more})

    text = retention.retention_section(context).items[-1].text

    assert text.startswith(
        "Of 5 subscriptions ever paid, 1 ended (20.000 %), changes of plan included."
    )


def test_retention_without_any_table_names_those_that_would_fill_it(open_context):
    survey = "answer_time,score\n2026-08-01T10:00:00,9\n"
    context = open_context(SURVEY_YAML, {"survey.csv": survey})

    assert "map the table events, orders or subscriptions" in line_of(
        retention.retention_section(context)
    )
    assert "map the table subscriptions, orders or order_lines" in line_of(
        revenue.revenue_section(context)
    )


def test_revenue_shows_the_movements_of_mrr(open_context):
    context = open_context(SUBSCRIPTIONS_YAML, {"s.csv": SUBSCRIPTIONS})

    waterfall, table = revenue.revenue_section(context).items

    # 30 at the start of July; c and d bring 35, b takes 20
    assert waterfall.title == (
        "MRR went from €30.00 to €45.00: new customers brought €35.00, churn took €20.00"
    )
    assert "start €30.00; new €35.00; " in waterfall.alt
    assert waterfall.alt.endswith("; churned €20.00; end €45.00.")
    assert isinstance(table, Table)
    assert table.rows[-1]["mrr_end"] == "€45"
    assert table.rows[-1]["period"] == "Sep 2026"


def test_subscriptions_that_never_paid_draw_no_revenue(open_context):
    rows = "subscription_id,user_id,mrr,start_time,end_time\n1,a,0,2026-08-01T00:00:00,\n"
    context = open_context(SUBSCRIPTIONS_YAML, {"s.csv": rows})

    assert isinstance(revenue.revenue_section(context).items[0], Absence)


def test_revenue_of_a_shop_draws_no_chart_of_what_never_happened(shop, open_context):
    rows = "".join(ORDERS.splitlines(keepends=True)[:-1])  # without the refund
    without = open_context(ORDERS_YAML, {"orders.csv": rows})

    assert len(figures(revenue.revenue_section(without))) == 3


def test_segments_rank_the_first_kpi_by_each_dimension(shop):
    (chart,) = figures(segments.segments_section(shop))

    assert chart.title == "Net revenue: DE leads with €100.00, 52 % of the total"
    assert "unknown: €30.00" in chart.alt


@pytest.mark.parametrize(
    ("segments_yaml", "line"),
    [
        ("segments: []", "No dimension is declared"),
        ("segments: [contry]", "No table has the column 'contry' that segments names. Did you"),
    ],
)
def test_segments_without_a_dimension_say_so(open_context, segments_yaml, line):
    context = open_context(
        "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [orders]\n" + segments_yaml,
        {"orders.csv": ORDERS},
    )

    assert line in line_of(segments.segments_section(context))


def test_a_misspelt_segment_among_others_is_named(open_context):
    yaml = ORDERS_YAML.replace("[country]", "[country, contry]")

    stack = segments.segments_section(open_context(yaml, {"orders.csv": ORDERS}))

    assert len(figures(stack)) == 1
    assert stack.items[-1].text.endswith("Did you mean 'country'?")


def test_a_segment_without_any_row_in_the_period_draws_nothing(open_context):
    context = open_context(ORDERS_YAML, {"orders.csv": ORDERS}, period="2025Q4")

    assert "No KPI of the scorecard has a value by country" in line_of(
        segments.segments_section(context)
    )


def test_customer_voice_shows_scores_of_thirty_answers_and_more(open_context):
    answers = "".join(f"2026-08-{day:02d}T10:00:00,9\n" for day in range(1, 31))
    answers += "2026-05-01T10:00:00,0\n"
    context = open_context(SURVEY_YAML, {"survey.csv": f"answer_time,score\n{answers}"})

    stack = voice.voice_section(context)

    (composition,) = figures(stack)  # a single score is no chart
    assert composition.title == "100 % promoters, 0 % passives, 0 % detractors in 2026Q3"
    waves, remark = stack.items[-2:]
    # the score of a single answer is nowhere, and the data end on 30 August
    assert waves.title == "NPS stands at 100 (79 to 100) in 2026Q3 so far"
    assert remark.text.startswith("No theme is declared. List keywords under themes:")
    withheld, shown = waves.rows
    assert withheld["nps"].note == "too few answers"
    assert shown["nps"] == "100"


def test_what_few_answers_withhold_is_named_where_it_would_stand(open_context):
    days = [f"2026-{month:02d}-{day:02d}" for month in (2, 8, 9) for day in range(1, 29)]
    days += ["2026-02-03", "2026-02-04", "2026-05-01", "2026-05-02", "2026-07-01", "2026-09-30"]
    days += ["2026-08-29", "2026-08-30", "2026-09-29", "2026-09-30"]
    answers = "".join(f"{day}T10:00:00,9\n" for day in days)
    context = open_context(SURVEY_YAML, {"survey.csv": f"answer_time,score\n{answers}"})

    (trend,) = figures(trends_of.trends_section(context))
    score, _ = figures(voice.voice_section(context))

    assert trend.subtitle.endswith("; fewer than 30 answers withheld")
    assert score.notes == ("Withheld, for too few answers: 2026Q2 (n = 2).",)


def test_customer_voice_of_two_quarters_draws_their_scores(open_context):
    days = [f"2026-{month}-{day:02d}" for month in ("05", "09") for day in range(1, 31)]
    answers = "".join(f"{day}T10:00:00,9\n" for day in days)
    context = open_context(SURVEY_YAML, {"survey.csv": f"answer_time,score\n{answers}"})

    stack = voice.voice_section(context)

    score, composition = figures(stack)
    assert score.title.startswith("NPS was 100")
    assert composition.alt.endswith(
        " 100 % promoters, 0 % passives, 0 % detractors in 2026Q2; "
        "100 % promoters, 0 % passives, 0 % detractors in 2026Q3."
    )
    assert score.subtitle.endswith("lines: 95 % intervals")
    assert stack.items[-2].subtitle == "Net Promoter Score, points, by quarter"


def test_customer_voice_of_few_answers_shows_their_number_alone(open_context):
    context = open_context(
        SURVEY_YAML, {"survey.csv": "answer_time,score\n2026-08-01T10:00:00,9\n"}
    )

    stack = voice.voice_section(context)

    assert figures(stack) == []
    assert stack.items[0].rows[-1]["n"] == "1"


def test_customer_voice_without_answers_in_reach_is_an_empty_row(open_context):
    context = open_context(
        SURVEY_YAML, {"survey.csv": "answer_time,score\n2020-08-01T10:00:00,9\n"}
    )

    assert voice.voice_section(context).items[0].rows[0]["n"] == "0"


def test_customer_voice_without_a_survey_names_the_table(shop):
    line = line_of(voice.voice_section(shop))

    assert line == "No data; map the table survey under source: tables."


def test_the_appendix_names_sources_faults_versions_and_queries(shop):
    stack = quality.quality_section(shop)

    texts = [getattr(item, "title", "") for item in stack.items]
    assert "What was read" in texts
    assert "Versions and hashes" in texts
    assert "Query of the scorecard: orders" in texts
    assert "What the queries call kpikit_orders" in texts
    assert "SELECT" in stack.items[-1].text


def test_the_queries_of_parquet_files_have_the_same_text_at_every_opening(open_context, tmp_path):
    frame = pd.read_csv(io.StringIO(EVENTS), skipinitialspace=True, parse_dates=["event_time"])
    frame.to_parquet(tmp_path / "events.parquet")
    yaml = EVENTS_YAML.replace("events.csv", "events.parquet")

    first, second = (quality.quality_section(open_context(yaml, {})) for _ in range(2))

    assert "ibis_" not in first.items[-1].text
    assert first.items[-1].text == second.items[-1].text


def test_the_glossary_defines_every_kpi_and_what_it_is_made_of(open_context):
    context = open_context(
        "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [roi]", {"orders.csv": ORDERS}
    )

    (table,) = quality.glossary_section(context).items

    assert {row["label"].note for row in table.rows} >= {"roi", "net_revenue"}


def test_a_product_none_of_whose_tables_fills_a_kpi_says_so(open_context):
    costs = """
        cost_date,channel,cost
        2026-07-01,ads,10.00
        2026-09-30,ads,10.00
    """
    context = open_context("source: {tables: {costs: {files: c.csv}}}", {"c.csv": costs})

    assert line_of(scorecard.scorecard_section(context)).startswith("No KPI: the tables of")
    assert summary.summary_section(context).items[0].title == "No metric has a value in 2026Q3"


def test_a_first_month_has_no_cohort_to_follow(open_context):
    rows = """
        order_id,user_id,order_time,revenue
        1,a,2026-08-05T10:00:00,12.50
    """
    yaml = "source: {tables: {orders: {files: orders.csv}}}\nmetrics: [orders]"
    context = open_context(yaml, {"orders.csv": rows})

    line = line_of(retention.retention_section(context))

    assert line == "Nobody is known to have joined a whole month ago."


def test_a_free_product_has_tables_but_no_revenue(open_context):
    free = SUBSCRIPTIONS.replace("10.00", "0").replace("20.00", "0").replace("30.00", "0")
    free = free.replace("5.00", "0")

    context = open_context(SUBSCRIPTIONS_YAML, {"s.csv": free})

    assert (
        line_of(revenue.revenue_section(context)) == "Nothing was paid in the last twelve months."
    )
    texts = [getattr(item, "text", "") for item in retention.retention_section(context).items]
    assert any(
        text.startswith("Of 4 subscriptions ever paid, 1 ended (25.000 %).") for text in texts
    )
    assert not any("They bore" in text for text in texts)
