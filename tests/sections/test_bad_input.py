"""Bad input, seen from the page: every section of a review of it, and what it says.

Each message is tested in full where its room is tested. Here all sections are made of the same odd
data, none may fail, and no cell or sentence may hold what stands for "no number" in a program.
"""

import re

import pytest

from kpikit.errors import ParamsError
from kpikit.report import Report
from tests.sections.conftest import orders_of

SECTIONS = [
    "cover", "summary", "scorecard", "goals", "trends", "forecast", "drivers", "funnel",
    "engagement", "retention", "revenue", "segments", "voice", "experiments", "campaigns",
    "benchmarks", "delivery", "actions", "outlook", "method",
]  # fmt: skip
NO_NUMBER = re.compile(r"(?<![A-Za-z])(nan|NaN|inf|None|NaT|<NA>)(?![A-Za-z])")
YAML = """
    source: {as_of: 2026-09-30, tables: {orders: {files: orders.csv}}}
    metrics: [net_revenue, orders, average_order_value]
    drivers: {net_revenue: orders * average_order_value}
    targets:
      - {metric: net_revenue, period: 2026Q3, value: 180}
      - {metric: average_order_value, period: 2026Q4, value: 20}
    goals:
      - key: grow
        objective: Grow
        owner: Ann
        key_results:
          - {metric: net_revenue, baseline: 100, change: 0.3, due: 2026-12-31}
          - {metric: nps, baseline: 10, target: 30, due: 2026-12-31}
      - {key: calm, objective: Stay calm}
    leading_indicators: [{metric: orders, outcome: net_revenue, lag_months: 1}]
    campaigns: [{campaign: Sun, start: 2026-08-03, end: 2026-08-16, metric: net_revenue}]
    benchmarks: [{metric: orders, value: 0, source: Trade press, date: 2020-01-01}]
    milestones: [{key: m, milestone: Ship, planned: 2026-12-01, remaining: 5, throughput: orders}]
"""
SURVEY = (
    "    source: {as_of: 2026-09-30, tables: {survey: {files: survey.csv}}}\n    metrics: [nps]\n"
)


def texts(value):
    """Yield every text of a part's JSON that a reader sees."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("svg", "kind", "kpis", "forecasts", "tone", "outcome"):
                yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


@pytest.fixture
def pages(open_context):
    """Return a function from a product to the texts of each section of its review."""

    def read(yaml, **files):
        report = Report(open_context(yaml, {f"{name}.csv": text for name, text in files.items()}))
        found = {name: list(texts(getattr(report, name)().to_json())) for name in SECTIONS}
        odd = [text for told in found.values() for text in told if NO_NUMBER.search(text)]
        assert not odd
        return {name: "\n".join(told) for name, told in found.items()}

    return read


def months(amounts):
    """Return an order a month up to September 2026, the last of the amounts."""
    lines = orders_of([0] * (33 - len(amounts)) + list(amounts)).splitlines()
    return "\n".join([lines[0], *lines[1 + 33 - len(amounts) :]]) + "\n"


def test_three_months_have_no_signal_no_chance_and_no_season(pages):
    told = pages(YAML, orders=months([10, 12, 14]))

    assert "Net revenue was €36.00" in told["summary"]
    assert not re.search("routine variation|concern|improvement", told["summary"])
    assert "Carried on: fewer than 8 periods are known" in told["forecast"]
    assert "cannot be told: it takes 20 pairs that vary, n = 0" in told["goals"]
    assert "It takes 8 complete periods" in told["outlook"]
    assert "no KPI has a history long enough to try them" in told["method"]


def test_a_constant_is_routine_and_its_forecast_has_no_width(pages):
    told = pages(YAML, orders=months([10] * 33))

    assert "routine variation" in told["summary"]
    assert "concern" not in told["scorecard"]


def test_a_negative_or_zero_base_gives_no_percentage(pages):
    told = pages(YAML, orders=months([-50] * 24 + [0] * 6 + [30] * 3))

    # 90 instead of -150 a year before and of 0 in the quarter before, half of the target of 180
    assert "(+€240.00 on 2025Q3)" in told["summary"]
    row = told["scorecard"].split("Net revenue\n")[1].split("\nOrders\n")[0]
    assert row.split("\n")[:3] == ["€90.00", "€180", "\u221250.0 %"]
    assert {"+€240.00", "+€90.00"} <= set(row.split("\n"))
    assert row.count("%") == 1


def test_a_series_with_gaps_is_shown_with_them(pages):
    gaps = [amount for _ in range(5) for amount in (10, 0, 0, 12, 0, 9)]

    told = pages(YAML, orders=months(gaps))

    # of 30 months 15 have no order's value to average, so nothing is foretold of it
    assert "Average order value" in told["scorecard"]
    assert "Average order value" in told["outlook"].split("Neither a target")[-1]


def test_a_quarter_without_an_order_says_so(pages):
    orders = "order_id,user_id,order_time,revenue\n1,a,2026-04-05,10\n2,a,2026-10-05,10\n"

    told = pages(YAML, orders=orders)

    assert "Average order value has no value:" in told["summary"]
    assert "there are no orders." in told["summary"]
    # five months are known, the last four of them nothing at all: that is no certainty
    assert "P(hit) 0 %" not in told["summary"] + told["scorecard"]


def test_a_goal_on_a_kpi_without_data_says_why(pages):
    told = pages(YAML, orders=months([10] * 33))

    assert "its KPI has no value: there is no table survey" in told["goals"]
    assert "Stay calm: no score, no key result measures it" in told["goals"]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("2026-08-01T10:00:00,10,1\n", "fewer than 30 answers: 1"),
        ("2026-08-01T10:00:00,10,0\n" * 40, "nobody"),
        ("2026-08-01T10:00:00,11,1\n" * 40, "nobody"),
    ],
)
def test_a_survey_of_one_answer_or_of_no_weight_has_no_score(pages, rows, line):
    told = pages(SURVEY, survey="answer_time,score,weight\n" + rows)

    assert "NPS has no value:" in told["summary"]
    assert line in told["summary"]
    assert "100" not in told["summary"] + told["scorecard"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("targets: [{metric: orders, value: 5}]", "targets.0.period: is missing"),
        ("drivers: {orders: visits * conversion}", "drivers.orders: unknown metric 'visits'"),
        (
            "campaigns: [{campaign: Sun, start: 2026-08-16, end: 2026-08-03}]",
            "it ends on 2026-08-03, before it starts on 2026-08-16",
        ),
        (
            "benchmarks: [{metric: orders, value: 1, date: 2026-01-01}]",
            "benchmarks.0.source: is missing",
        ),
    ],
)
def test_what_no_page_could_show_is_an_error_before_the_run(open_context, line, message):
    yaml = f"source: {{tables: {{orders: {{files: orders.csv}}}}}}\nmetrics: [orders]\n{line}\n"

    with pytest.raises(ParamsError, match=re.escape(message)):
        open_context(yaml, {"orders.csv": months([10] * 3)})
