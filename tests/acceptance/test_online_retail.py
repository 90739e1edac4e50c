"""Online Retail II: order lines with a batch delivered twice, refunds, bad debt, guests."""

import datetime as dt

import pandas as pd
import pytest

import kpikit as kk

DOUBLED = {"doubled_batch": {"from": dt.date(2010, 12, 1), "to": dt.date(2010, 12, 9)}}
QUARTERS = [f"{year}Q{number}" for year in (2010, 2011) for number in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def retail(open_product):
    return open_product("online_retail_ii")


@pytest.fixture(scope="module")
def expected(reference):
    return reference["online_retail_ii"]


def test_every_line_is_read_and_the_last_day_is_known(retail, expected):
    quality = expected["data_quality"]
    lines = retail.data.tables["order_lines"]

    assert lines.count().execute() == quality["rows"]
    assert lines.order_id.nunique().execute() == quality["invoices"]
    assert lines.user_id.nunique().execute() == quality["customers"]
    assert retail.data.as_of == dt.date(2011, 12, 9)


@pytest.mark.parametrize("changes", [{}, {"deduplicate": {"exact": True}}])
def test_every_month_equals_the_reference(open_product, expected, changes):
    product = open_product("online_retail_ii", **changes)
    rows = expected["monthly_after_exact_dedup" if changes else "monthly_as_delivered"]
    names = {
        "gross_revenue": "gross_revenue", "net_revenue": "net_revenue", "orders": "orders",
        "paying_users": "customers_known",
    }  # fmt: skip
    ratios = {"average_order_value": "aov", "arpu": "arpu_known"}

    facts = product.facts([*names, *ratios, "refunds"], *rows)

    found = facts.pivot_table(index="period", columns="metric", values="value")
    for metric, name in names.items():
        assert found[metric].round(3).to_dict() == {m: row[name] for m, row in rows.items()}
    for metric, name in ratios.items():
        assert found[metric].round(4).to_dict() == {m: row[name] for m, row in rows.items()}
    cancelled = {m: -row["cancel_value"] for m, row in rows.items()}
    assert found["refunds"].round(3).to_dict() == cancelled


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("quarterly_as_delivered", {}),
        ("quarterly_after_dedup", {"deduplicate": {"exact": True}}),
        ("quarterly_sheet_aware", {"deduplicate": DOUBLED}),
    ],
)
def test_every_quarter_equals_the_reference(open_product, expected, key, changes):
    product = open_product("online_retail_ii", **changes)

    gross = product.values("gross_revenue", *QUARTERS)
    orders = product.values("orders", *QUARTERS)
    users = product.values("paying_users", *QUARTERS)

    rows = [expected[key][quarter] for quarter in QUARTERS]
    assert [round(value, 3) for value in gross] == [row["gross_revenue"] for row in rows]
    assert orders == [row["orders"] for row in rows]
    if "customers" in rows[0]:
        assert users == [row["customers"] for row in rows]


@pytest.mark.parametrize("quarter", ["2011Q1", "2011Q2", "2011Q3"])
def test_growth_over_the_year_before_equals_the_reference(retail, expected, quarter):
    before = quarter.replace("2011", "2010")

    now, then = retail.values("gross_revenue", quarter, before)

    assert now / then - 1 == pytest.approx(
        expected["yoy_as_delivered"][f"{quarter}_vs_{before}"], abs=1e-12
    )


@pytest.mark.parametrize(
    ("changes", "net", "rows"),
    [
        ({}, "net_as_delivered", 1_067_371),
        ({"deduplicate": DOUBLED}, "net_sheet_aware_truth", 1_067_371 - 22_523),
        ({"deduplicate": {"exact": True}}, "net_dedup", 1_067_371 - 34_335),
    ],
)
def test_december_2010_is_what_the_declared_choice_makes_of_it(
    open_product, expected, changes, net, rows
):
    product = open_product("online_retail_ii", **changes)

    (value,) = product.values("net_revenue", "2010-12")

    assert round(value, 2) == expected["trap_dec_2010"][net]
    assert product.data.tables["order_lines"].count().execute() == rows


def test_the_doubled_batch_is_found_without_being_told(retail):
    found = retail.finding("doubled_batch")

    assert found.severity == "warning"
    assert found.rows == 22_523
    for text in ("1 Dec – 9 Dec 2010", "1,126,445.47", "748,957.02"):
        assert text in found.message


def test_the_other_faults_are_found_and_counted(retail, expected):
    quality = expected["data_quality"]

    assert retail.finding("missing_user").rows == quality["missing_customer_rows"]
    assert retail.finding("exact_duplicate").rows == quality["exact_duplicate_rows"]
    assert retail.finding("negative_price").rows == quality["negative_price_rows"]
    assert "5,305 values, but 5,132" in retail.finding("mixed_case").message
    assert (
        "2011-12 has 9 of 31 days and 2011Q4 has 70 of 92"
        in retail.finding("unfinished_period").message
    )


def test_the_unfinished_quarter_is_marked(retail):
    facts = retail.facts(["gross_revenue"], "2011Q3", "2011Q4", "2011-12")

    assert facts["complete"].tolist() == [True, False, False]


def test_cohorts_equal_the_reference(retail, expected):
    orders = retail.data.tables["orders"]
    sales = orders.filter(orders.kind == "sale").select("user_id", event_time=orders.order_time)

    table = kk.retention_table(
        sales, grain="month", as_of=retail.data.as_of, max_age=24, timezone="Europe/London"
    )

    found = dict(
        zip(
            zip(days(table["cohort"]), table["age"], strict=True),
            table["active_users"],
            strict=True,
        )
    )
    last = dt.date(2011, 11, 1)  # December is unfinished
    wanted = {
        (month(cohort), int(age)): users
        for cohort, ages in expected["cohorts_users"].items()
        for age, users in ages.items()
        if _later(month(cohort), int(age)) <= last
    }
    assert found == wanted
    first = table[table["age"] == 1].set_index("cohort")["retention_rate"]
    rates = dict(zip(days(first.index), first, strict=True))
    for cohort, rate in expected["m1_retention"].items():
        if month(cohort) in rates:
            assert rates[month(cohort)] == pytest.approx(rate, abs=1e-12)


def test_countries_equal_the_reference(retail, expected):
    facts = retail.facts(["gross_revenue"], "2009Q4", *QUARTERS, dimension="country")

    total = facts.groupby("segment")["value"].sum()
    for country, gross in expected["top_countries_gross"].items():
        assert round(total[country], 2) == gross


def _later(first: dt.date, months: int) -> dt.date:
    index = first.year * 12 + first.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def days(column):
    """Return a column of days as plain dates."""
    return [pd.Timestamp(day).date() for day in column]


def month(text):
    """Return the first day of a month written as 2011-08."""
    return dt.date.fromisoformat(f"{text}-01")
