"""A weekly business review's roll-ups as Working Backwards publish them, but like for like."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from kpikit.analysis.metrics import metric_table
from kpikit.analysis.scorecard import comparison_periods
from kpikit.catalogue import Metric
from kpikit.params.model import Product
from kpikit.periods import Calendar

CALENDAR = Calendar(week_start="sunday")
PAGE_VIEWS = Metric(
    name="page_views", label="Page views", question="How much is read?", unit="count",
    table="observations", numerator=lambda rows: rows.value.sum(),
)  # fmt: skip
PARAMS = Product.model_validate({"product": {"key": "site", "name": "Site"}})


@pytest.fixture
def roll_up(case_named):
    """Return the case, and a function from periods to the facts of its daily values."""
    case = case_named("kpis.json", "wbr_scenario_1_pageviews")
    inputs = case["inputs"]
    days = pd.date_range(inputs["start"], periods=len(inputs["values"]), freq="D")
    frame = pd.DataFrame({"metric": "page_views", "period_start": days, "value": inputs["values"]})
    table = ibis.memtable(frame)

    def facts(*periods):
        return metric_table(
            {"observations": table}, [PAGE_VIEWS], periods, calendar=CALENDAR,
            as_of=dt.date.fromisoformat(inputs["week_ending"]), params=PARAMS,
        )  # fmt: skip

    return case, facts


def values(facts):
    return facts["value"].tolist()


def test_the_last_six_weeks_and_those_364_days_before(roll_up):
    case, facts = roll_up
    expected = case["expected"]
    last = CALENDAR.period_of(dt.date.fromisoformat(case["inputs"]["week_ending"]), "week")
    weeks = [CALENDAR.shift(last, -step) for step in reversed(range(6))]

    now = values(facts(*weeks))
    before = values(facts(*map(CALENDAR.year_before, weeks)))

    assert now == expected["cy_6_weeks"]
    assert before == expected["py_6_weeks"]
    assert now[-1] == expected["last_wk"]
    assert 100 * (now[-1] / now[-2] - 1) == pytest.approx(expected["wow_pct"], rel=1e-9)
    assert 100 * (now[-1] / before[-1] - 1) == pytest.approx(expected["yoy_wk_pct"], rel=1e-9)


def test_twelve_months(roll_up):
    case, facts = roll_up

    months = CALENDAR.periods(dt.date(2020, 9, 1), dt.date(2021, 9, 1), "month")

    assert values(facts(*months)) == case["expected"]["cy_12_months_sep_to_aug"]


@pytest.mark.parametrize(("label", "name"), [("2021-09", "mtd"), ("2021Q3", "qtd")])
def test_month_and_quarter_to_date(roll_up, label, name):
    case, facts = roll_up

    found = comparison_periods(CALENDAR.parse(label), calendar=CALENDAR, as_of=dt.date(2021, 9, 25))
    now, before = values(facts(found["actual"], found["year_before"]))

    assert now == case["expected"][name]
    assert 100 * (now / before - 1) == pytest.approx(case["expected"][f"{name}_yoy_pct"], rel=1e-9)


def test_the_year_to_date_is_not_compared_with_fewer_days(roll_up):
    case, facts = roll_up

    found = comparison_periods(
        CALENDAR.parse("2021"), calendar=CALENDAR, as_of=dt.date(2021, 9, 25)
    )
    now, before = facts(found["actual"], found["year_before"]).to_dict("records")

    # the case's note: the published 31.4 % holds 268 days against 265, for the data begin on
    # 5 January 2020; kpikit has 268 against 268 and says that the second are not covered whole
    assert now["value"] == case["expected"]["ytd"]
    assert found["year_before"].days == 268
    assert not before["complete"]
