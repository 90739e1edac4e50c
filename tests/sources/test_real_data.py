"""Real data, read as delivered: the figures of ``reference.json`` to the last digit."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from kpikit.engine import local_date
from kpikit.sources import open_dataset

RETAIL = {
    "columns": {
        "order_id": "Invoice", "product_id": "StockCode", "quantity": "Quantity",
        "unit_price": "Price", "order_time": "InvoiceDate", "user_id": "Customer ID",
    },
    "formats": {"order_time": "%m/%d/%Y %H:%M"},
    "timezone": "Europe/London",
    "classify": [
        {"column": "order_id", "starts_with": "C", "as": "refund"},
        {"column": "order_id", "starts_with": "A", "as": "adjustment"},
    ],
}  # fmt: skip
BATCH = {"doubled_batch": {"from": dt.date(2010, 12, 1), "to": dt.date(2010, 12, 9)}}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """One cache for all tests of this module: the file is unpacked once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def retail(shared, product, unpacked):
    def open_it(**extra):
        path = shared / "online_retail_ii" / "online_retail_ii.csv.xz"
        tables = {"order_lines": {"files": str(path), **RETAIL, **extra}}
        return open_dataset(
            product(tables, currency="GBP", timezone="Europe/London"), cache_dir=unpacked
        )

    return open_it


@pytest.fixture
def reference(shared):
    text = (shared / "reference.json").read_text(encoding="utf-8")
    return json.loads(text, parse_float=Decimal)


def by_period(dataset, unit):
    """Return net, gross, refunds and orders per period, exactly."""
    orders = dataset.tables["orders"]
    day = local_date(orders["order_time"], "Europe/London")
    sale, refund = orders["kind"] == "sale", orders["kind"] == "refund"
    table = orders.group_by(period=day.truncate(unit)).aggregate(
        net=orders["revenue"].sum(),
        gross=orders["revenue"].sum(where=sale),
        refunds=orders["revenue"].sum(where=refund),
        orders=orders["order_id"].nunique(where=sale),
    )
    return {row["period"]: row for row in table.to_pyarrow().to_pylist()}


def test_online_retail_s_months_equal_the_reference(retail, reference):
    months = by_period(retail(), "M")

    expected = reference["online_retail_ii"]["monthly_as_delivered"]
    assert {f"{month:%Y-%m}" for month in months} == set(expected)
    for month, row in months.items():
        known = expected[f"{month:%Y-%m}"]
        assert (row["net"], row["gross"], row["refunds"], row["orders"]) == (
            known["net_revenue"], known["gross_revenue"], known["cancel_value"], known["orders"],
        )  # fmt: skip


def test_online_retail_s_quarters_equal_the_reference(retail, reference):
    quarters = by_period(retail(), "Q")

    expected = reference["online_retail_ii"]["quarterly_as_delivered"]
    for start, row in quarters.items():
        known = expected[f"{start.year}Q{(start.month + 2) // 3}"]
        assert (row["gross"], row["orders"]) == (known["gross_revenue"], known["orders"])


@pytest.mark.parametrize(
    ("choice", "net"),
    [(None, "1126445.47"), (BATCH, "748957.02"), ({"exact": True}, "746723.61")],
)
def test_december_2010_is_as_the_parameters_de_duplicate_it(retail, choice, net):
    dataset = retail() if choice is None else retail(deduplicate=choice)

    assert by_period(dataset, "M")[dt.date(2010, 12, 1)]["net"] == Decimal(net)


def test_quarters_after_halving_the_batch_equal_the_sheets_of_the_source(retail, reference):
    quarters = by_period(retail(deduplicate=BATCH), "Q")

    for label, known in reference["online_retail_ii"]["quarterly_sheet_aware"].items():
        row = quarters[dt.date(int(label[:4]), int(label[5]) * 3 - 2, 1)]
        assert (row["gross"], row["orders"]) == (known["gross_revenue"], known["orders"])


def test_online_retail_s_faults_are_named_without_being_told(retail, reference, one):
    dataset = retail()

    quality = reference["online_retail_ii"]["data_quality"]
    batch = one(dataset, "doubled_batch")
    assert (batch.rows, batch.examples) == (22_523, ("2010-12-01", "2010-12-09"))
    assert "1,126,445.47 as delivered and 748,957.02 with the batch counted once" in batch.message
    assert one(dataset, "exact_duplicate").rows == quality["exact_duplicate_rows"]
    assert one(dataset, "missing_user").rows == quality["missing_customer_rows"]
    assert one(dataset, "negative_price").rows == quality["negative_price_rows"]
    assert one(dataset, "mixed_case").message == (
        f"product_id has {quality['stock_codes']:,} values, but "
        f"{quality['stock_codes_case_insensitive']:,} when letter case is ignored."
    )
    assert "2011Q4 has 70 of 92 days" in one(dataset, "unfinished_period").message
    assert {"168469.6", "-168469.6"} < set(one(dataset, "huge_value").examples)
    # Saturdays and both Christmases are no gaps; Easter and the royal wedding are
    assert one(dataset, "gap").examples[2] == "2011-04-29"
    (given,) = dataset.inputs
    assert given.rows == quality["rows"]
    assert str(given.first) == quality["first_ts"]
    assert str(given.last) == quality["last_ts"]


def test_the_parquet_half_reads_as_the_text_does(shared, product, reference):
    path = shared / "online_retail_ii" / "online_retail_i_from_R.parquet"
    columns = {
        **RETAIL["columns"],
        "order_id": "InvoiceNo",
        "unit_price": "UnitPrice",
        "user_id": "CustomerID",
    }
    table = {**RETAIL, "files": str(path), "columns": columns, "formats": {}}

    dataset = open_dataset(
        product({"order_lines": table}, currency="GBP", timezone="Europe/London")
    )

    lines = dataset.tables["order_lines"]
    facts = lines.aggregate(
        net=lines["revenue"].sum(),
        users=lines["user_id"].nunique(),
        missing=lines["user_id"].isnull().sum(),
    )
    known = reference["online_retail_ii"]["online_retail_i"]
    assert facts.to_pyarrow().to_pylist() == [
        {"net": known["net"], "users": known["customers"], "missing": known["missing_customer"]}
    ]
    assert "17850" in set(
        lines["user_id"].as_table().distinct().to_pyarrow()["user_id"].to_pylist()
    )


def test_the_two_files_with_the_same_answers_are_named(shared, product, one):
    folder = shared / "carpentries_nps"
    files = [str(folder / "data_20170701.csv"), str(folder / "longterm_October2017.csv")]
    columns = {"score": "Likely-To-Recommend", "answer_time": {"value": dt.date(2017, 10, 15)}}

    dataset = open_dataset(product({"survey": {"files": files, "columns": columns}}))

    assert one(dataset, "repeated_file").message == (
        "data_20170701.csv and longterm_October2017.csv hold the same 402 answers, "
        "each delivered twice."
    )


def test_the_dates_of_the_training_survey_are_read_by_evidence(shared, product, reference, one):
    path = shared / "carpentries_nps" / "20180908_post_clean.csv"
    columns = {"score": "LikelyToRecommend", "answer_time": "Date", "respondent_id": "UniqueID"}

    dataset = open_dataset(product({"survey": {"files": str(path), "columns": columns}}))

    assert "read with the month before day" in one(dataset, "ambiguous_date").message
    assert [str(dataset.inputs[0].first), str(dataset.inputs[0].last)] == (
        reference["carpentries_nps"]["dated"]
    )


def test_the_shop_s_events_are_all_there(shared, product, reference, one):
    path = shared / "rete_ecom" / "ecom.csv.gz"

    dataset = open_dataset(
        product({"events": {"files": str(path), "columns": {"event_time": "timestamp"}}})
    )

    known = reference["rete_ecom"]
    events = dataset.tables["events"]
    assert events.count().to_pyarrow().as_py() == known["rows"]
    assert events["user_id"].nunique().to_pyarrow().as_py() == known["users"]
    assert one(dataset, "exact_duplicate").rows == known["exact_dups"]
    assert str(dataset.inputs[0].last) == known["last"]


def test_subscribers_get_their_dates_by_sql(shared, product, reference):
    path = shared / "telco_churn" / "Telco-Customer-Churn.csv"
    sql = """
        select *, date '2020-01-01' - to_months(cast(tenure as integer)) as start_time,
        case when Churn = 'Yes' then date '2020-01-01' end as end_time from {this}
    """
    columns = {
        "subscription_id": "customerID", "user_id": "customerID", "plan": "Contract",
        "mrr": "MonthlyCharges",
    }  # fmt: skip

    dataset = open_dataset(
        product({"subscriptions": {"files": str(path), "sql": sql, "columns": columns}})
    )

    table = dataset.tables["subscriptions"]
    ended = table["end_time"].notnull()
    facts = table.aggregate(
        rows=table.count(),
        ended=ended.sum(),
        mrr=table["mrr"].sum(),
        ended_mrr=table["mrr"].sum(where=ended),
        blank=table["TotalCharges"].isnull().sum(),
    )
    known = reference["telco_churn"]
    assert facts.to_pyarrow().to_pylist() == [
        {
            "rows": known["rows"],
            "ended": known["churned"],
            "mrr": known["mrr"],
            "ended_mrr": known["churned_mrr"],
            "blank": known["blank_total_charges"],
        }
    ]
