"""What the page says of goals: scores, chances, verdicts, what hangs loose, what leads."""

import pandas as pd
import pytest

from kpikit.errors import ParamsError
from kpikit.present.components import Absence, Cell, Paragraph, Table
from kpikit.present.goals import claims_text, coverage_text, goals_title, orphans_text
from kpikit.sections.goals import goals_section, key_results
from tests.sections.conftest import WAVE, orders_of

YAML = """
    source: {{as_of: {as_of}, tables: {{orders: {{files: orders.csv}}}}}}
    metrics: [{metrics}]
    goals: {goals}
    leading_indicators: {claims}
"""
KEY = (
    "[{{key: grow, objective: Sell more, owner: Ada, perspective: financial,"
    " key_results: [{{metric: {metric}, {rest}}}]}}]"
)


def goal(rest, metric="net_revenue"):
    return KEY.format(metric=metric, rest=rest)


@pytest.fixture
def shop_of(open_context):
    def open_(goals, *, metrics="net_revenue", claims="[]", as_of="2026-09-30", amounts=WAVE):
        yaml = YAML.format(as_of=as_of, metrics=metrics, goals=goals, claims=claims)
        return open_context(yaml, {"orders.csv": orders_of(amounts)})

    return open_


def row_of(context):
    (row,) = key_results(context).to_dict("records")
    return row


def table_of(context):
    return next(item for item in goals_section(context).items if isinstance(item, Table))


def test_a_key_result_says_where_it_is_and_how_far_it_should_be(shop_of):
    # 2026Q3 came to 100 + 102 + 104 = 306: 6 of the 10 from 300 to 310, at 273 of 365 days
    context = shop_of(goal("baseline: 300, target: 310, start: 2026-01-01, due: 2026-12-31"))

    heading, row = table_of(context).rows

    assert heading["group"] == "Sell more (Ada): score 0.60, 0.75 expected"
    assert row["actual"] == Cell("€306.00", note="2026Q3")
    assert (row["baseline"], row["target"], row["due"]) == ("€300", "€310", "31 Dec 2026")
    assert row["score"] == "0.60"
    assert row["bullet"].text == "0.60, 0.75 expected"
    assert (row["bullet"].bullet.value, row["bullet"].bullet.tone) == (0.6, "bad")
    assert table_of(context).title == (
        "The goal is not where it should be on 30 Sep 2026; the open key result is not likely to "
        "be met"
    )


DEFINED = """
    define:
      - {name: sold, label: Sold, question: How much?, table: orders, numerator: {sum: revenue},
         version: 2, since: 2026-02-01}
"""


def test_a_score_from_a_baseline_of_another_definition_is_struck_out(open_context):
    goals = goal("baseline: 300, target: 310, start: 2026-01-01, due: 2026-12-31", "sold")
    yaml = YAML.format(as_of="2026-09-30", metrics="sold", goals=goals, claims="[]") + DEFINED
    context = open_context(yaml, {"orders.csv": orders_of(WAVE)})

    table = table_of(context)

    assert table.rows[1]["score"] == Cell("0.60", struck=True)
    (note,) = table.notes
    assert note.endswith(
        "not comparable with the value now, definition version 2 since 1 Feb 2026."
    )


def test_the_score_of_the_quarter_before_stands_beside(shop_of):
    # 2026Q2: 103 + 100 + 102 + ... the months 27 to 29 of the wave
    context = shop_of(goal("baseline: 300, target: 320, start: 2026-01-01, due: 2026-12-31"))

    row = row_of(context)

    assert row["score_before"] == pytest.approx((sum(WAVE[27:30]) - 300) / 20)


def test_a_goal_that_begins_has_no_score_before_and_is_not_behind(shop_of):
    context = shop_of(goal("baseline: 300, target: 320, due: 2026-12-31"))  # from October on

    table = table_of(context)

    assert table.rows[1]["before"] == ""
    assert table.rows[1]["bullet"].bullet.tone == "neutral"
    assert table.title.startswith("No goal with a score has begun by 30 Sep 2026; ")


def test_the_chance_is_that_of_the_quarter_in_which_it_is_due(shop_of):
    easy = shop_of(goal("baseline: 200, target: 250, start: 2026-01-01, due: 2026-12-31"))
    hard = shop_of(goal("baseline: 300, target: 900, start: 2026-01-01, due: 2026-12-31"))

    assert row_of(easy)["p_hit"] > 0.99
    assert row_of(hard)["p_hit"] < 0.01
    assert table_of(hard).rows[1]["p_hit"] == "< 1 %"
    smart = table_of(hard).rows[1]["smart"]
    assert (smart.text, smart.note) == ("not SMART", "the chance to hit it is < 1 %")


def test_one_that_shall_fall_has_the_chance_to_be_below_its_target(shop_of):
    context = shop_of(goal("baseline: 400, target: 350, start: 2026-01-01, due: 2026-12-31"))

    assert row_of(context)["p_hit"] > 0.99  # three months come to about 306


@pytest.mark.parametrize(("target", "outcome"), [(306, "met"), (307, "missed")])
def test_one_that_is_due_was_met_or_missed(shop_of, target, outcome):
    context = shop_of(goal(f"baseline: 300, target: {target}, due: 2026-09-30"))

    assert table_of(context).rows[1]["p_hit"] == outcome


def test_a_running_quarter_is_so_far(shop_of):
    context = shop_of(goal("baseline: 0, target: 300, due: 2026-09-30"), as_of="2026-08-31")

    assert table_of(context).rows[1]["actual"].note == "2026Q3 so far"


def test_a_goal_on_a_kpi_without_data_says_so_and_has_no_number(shop_of):
    context = shop_of(
        goal("baseline: 30, target: 40, due: 2026-12-31", metric="nps"),
        metrics="net_revenue, nps",
    )

    heading, row = table_of(context).rows

    assert "no score, no key result has both a baseline and a value" in heading["group"]
    assert (row["actual"], row["score"], row["bullet"], row["p_hit"]) == ("–", "–", "", "–")
    assert row["smart"].note.startswith("its KPI has no value: there is no table survey")


def test_a_kpi_that_is_not_on_the_scorecard_has_a_value_all_the_same(shop_of):
    context = shop_of(
        goal("baseline: 1, target: 4, start: 2026-01-01, due: 2026-12-31", metric="orders")
    )

    row = row_of(context)

    assert row["actual"] == 3  # one a month
    assert "its KPI is not on the scorecard" in row["reason_smart"]


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("baseline: 300, target: 310", r"due: is missing"),
        ("baseline: 300, due: 2026-12-31", "needs exactly one aim"),
        ("baseline: 0, change: 0.3, due: 2026-12-31", "of which no share can be taken"),
    ],
)
def test_a_goal_without_a_date_or_an_aim_is_an_error_before_the_run(shop_of, rest, message):
    with pytest.raises(ParamsError, match=message):
        shop_of(goal(rest))


def test_what_hangs_loose_is_said_in_one_line(shop_of):
    goals = (
        "[{key: calm, objective: Stay calm}, {key: grow, objective: Sell more, perspective:"
        " financial, key_results: [{metric: net_revenue, target: 310, due: 2026-12-31}]}]"
    )

    section = goals_section(shop_of(goals, metrics="net_revenue, paying_users"))

    (line,) = [item.text for item in section.items if isinstance(item, Paragraph)]
    assert line.startswith("Balanced scorecard: financial 1 objective, no leading, 1 lagging KPI; ")
    assert line.endswith(
        "KPIs that serve no goal: Paying users. Objectives that no KPI measures: Stay calm."
    )


def test_where_nothing_hangs_loose_nothing_is_said():
    none = pd.DataFrame(columns=["kind", "name", "label"])

    assert orphans_text(none) == ""


def test_coverage_counts_objectives_and_both_kinds_of_kpi():
    frame = pd.DataFrame(
        [{"perspective": "process", "objectives": 0, "kpis": 3, "leading": 2, "lagging": 1}]
    )

    assert coverage_text(frame) == (
        "Balanced scorecard: process no objective, 2 leading, 1 lagging KPI."
    )


def test_the_title_counts_goals_that_have_begun():
    frame = pd.DataFrame(
        {"score": [0.5, 0.2, 0.0, float("nan")], "expected": [0.5, 0.4, 0.0, float("nan")]}
    )

    none = pd.DataFrame({"is_due": [], "p_hit": []})

    title = goals_title(frame, none, as_of=pd.Timestamp(2026, 9, 30).date())

    assert title == "1 of 2 goals is where it should be on 30 Sep 2026"


@pytest.mark.parametrize(
    ("chances", "end"),
    [
        ([0.7, 0.3, 0.67], "; 1 of 3 open key results is likely to be met"),
        ([0.2, 0.3], "; 0 of 2 open key results are likely to be met"),
        ([0.68], "; the open key result is likely to be met"),
        ([0.2], "; the open key result is not likely to be met"),
    ],
)
def test_the_title_tells_what_is_open_too(chances, end):
    goals = pd.DataFrame({"score": [0.5], "expected": [0.5]})
    due, unknown = {"is_due": True, "p_hit": 1.0}, {"is_due": False, "p_hit": float("nan")}
    rows = [due, unknown, *({"is_due": False, "p_hit": chance} for chance in chances)]

    title = goals_title(goals, pd.DataFrame(rows), as_of=pd.Timestamp(2026, 9, 30).date())

    assert title == "The goal is where it should be on 30 Sep 2026" + end


def test_without_goals_the_section_says_which_key_would_fill_it(shop_of):
    (absence,) = goals_section(shop_of("[]")).items

    assert isinstance(absence, Absence)
    assert absence.text.startswith("No goal is declared. List some under goals:")


def test_a_claim_shows_its_pairs_and_interval_and_no_cause(shop_of):
    claims = "[{metric: orders, outcome: net_revenue, lag_months: 1}]"

    (_, line) = goals_section(shop_of("[]", claims=claims)).items

    # one order a month never varies; of 33 months the first is not whole
    assert line.text.endswith(
        "an association is no cause): Orders move 1 month before net revenue: cannot be told: it "
        "takes 20 pairs that vary, n = 30."
    )


def test_claims_give_their_correlation_interval_and_pairs():
    claims = pd.DataFrame(
        {
            "metric": ["a", "a"], "outcome": ["b", "c"], "lag_months": [1, 3], "n": [31, 29],
            "correlation": [0.62, -0.5], "ci_low": [0.31, -0.8], "ci_high": [0.81, -0.1],
            "verdict": ["associated", "opposite"],
        }
    )  # fmt: skip

    text = claims_text(claims, {"a": "Sign-ups", "b": "Revenue", "c": "Churn"})

    assert text.endswith(
        ": Sign-ups move 1 month before revenue: rise and fall together, so much later, "
        "0.62 (0.31 to 0.81), n = 31; Sign-ups move 3 months before churn: one rises where the "
        "other falls, −0.50 (−0.80 to −0.10), n = 29."
    )
